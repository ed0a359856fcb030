#include "signals.h"
#include "kernel.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>

enum { SIGNALS = 64, RESTORERS_MAX = 4, STACK_LOOKED_AT = 1 << 20, PAGE = 4096 };

const int signals_faults[SIGNALS_FAULTS] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* --- handing on -------------------------------------------------------------------------------------------------- */

static void deliver_default(int signal, const siginfo_t *info)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};

	sigaction(signal, &usual, NULL);
	if (info->si_code <= 0) /* sent, not met: nothing would repeat it */
		thread_signal(thread_id(), signal);
}

void signals_pass_on(struct sigaction *before, int signal, siginfo_t *info, void *context)
{
	struct sigaction copy = *before;

	if (copy.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (copy.sa_handler == SIG_DFL || copy.sa_handler == SIG_IGN) {
		deliver_default(signal, info); /* a fault cannot be ignored */
		return;
	}
	if (copy.sa_flags & (int)SA_RESETHAND)
		before->sa_handler = SIG_DFL;
	if (copy.sa_flags & SA_SIGINFO)
		copy.sa_sigaction(signal, info, context);
	else
		copy.sa_handler(signal);
}

/* --- the stack --------------------------------------------------------------------------------------------------- */

/* As roomy as a program may expect that has its handlers use such a stack; what is not touched costs nothing. */
enum { LENT_BYTES = 256 * 1024 };

static struct {
	void *pages; /* one that faults, and the stack; NULL: nobody has it */
	pid_t pid, thread;
} lent;

static bool is_lent(const stack_t *stack)
{
	return lent.pages && stack->ss_sp == (char *)lent.pages + PAGE;
}

/* The thread that has it may have ended, or be its parent's: a forked child's has the stack if it was that one which forked. */
static void follow_lent(const stack_t *now)
{
	if (lent.pages && lent.pid != getpid()) {
		lent.pid = getpid();
		lent.thread = thread_id();
		if (!is_lent(now))
			lent.pages = NULL; /* another of the child's threads may have it */
	} else if (lent.pages && thread_signal(lent.thread, 0) && errno == ESRCH) {
		munmap(lent.pages, PAGE + LENT_BYTES);
		lent.pages = NULL;
	}
}

void signals_lend_stack(void)
{
	stack_t before, ours = {.ss_size = LENT_BYTES};

	if (sigaltstack(NULL, &before))
		return;
	follow_lent(&before);
	if (lent.pages || !(before.ss_flags & SS_DISABLE))
		return;
	char *pages =
		mmap(NULL, PAGE + LENT_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pages == MAP_FAILED)
		return;
	ours.ss_sp = pages + PAGE;
	if (mprotect(ours.ss_sp, LENT_BYTES, PROT_READ | PROT_WRITE) || sigaltstack(&ours, NULL)) {
		munmap(pages, PAGE + LENT_BYTES);
		return;
	}
	lent.pages = pages;
	lent.pid = getpid();
	lent.thread = thread_id();
}

void signals_reclaim_stack(void)
{
	stack_t now, none = {.ss_flags = SS_DISABLE};

	if (sigaltstack(NULL, &now) || !is_lent(&now) || sigaltstack(&none, NULL))
		return; /* another thread has it, and keeps it */
	munmap(lent.pages, PAGE + LENT_BYTES);
	lent.pages = NULL;
}

/* The kernel copies: up to where the stack ends, and nothing faults. */
size_t signals_copy_stack(uint64_t from, unsigned char out[CALL_STACK])
{
	struct iovec here, there[CALL_STACK / PAGE + 1];
	uint64_t at = from, end = from + CALL_STACK;
	size_t parts = 0;

	/* It stops at the part that is not there: so parts are pages. */
	while (at < end) {
		uint64_t next = at - at % PAGE + PAGE;
		if (next > end)
			next = end;
		there[parts++] = (struct iovec){(void *)(uintptr_t)at, next - at};
		at = next;
	}
	/* Where the stack was used up the stack pointer is below it: what is not there is zero. */
	for (size_t missing = 0; missing < parts; missing++) {
		size_t skipped = (size_t)((uintptr_t)there[missing].iov_base - from);
		here = (struct iovec){out + skipped, CALL_STACK - skipped};
		ssize_t got = process_vm_readv(getpid(), &here, 1, there + missing, parts - missing, 0);
		if (got <= 0)
			continue;
		memset(out, 0, skipped);
		return skipped + (size_t)got;
	}
	return 0;
}

/* The kernel's struct sigaction. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	uint64_t restorer;
	unsigned long mask;
};

/* What stands first in the frame of a handler, as its return address, and what follows: the kernel's struct rt_sigframe. */
struct signal_frame {
	uint64_t restorer, flags, link;
};

enum { FRAME_FLAGS = 7 };

static size_t list_restorers(uint64_t out[RESTORERS_MAX])
{
	struct kernel_sigaction action;
	size_t count = 0;

	for (int signal = 1; signal <= SIGNALS && count < RESTORERS_MAX; signal++) {
		size_t i = 0;
		action.restorer = 0;
		syscall(SYS_rt_sigaction, signal, NULL, &action, sizeof(action.mask));
		while (i < count && out[i] != action.restorer)
			i++;
		if (action.restorer && i == count)
			out[count++] = action.restorer;
	}
	return count;
}

static bool is_frame(uint64_t at)
{
	struct signal_frame f;

	/* The handler was entered as if called: its stack is 8 off a multiple of 16. */
	return at % 16 == 8 && memory_read(at, &f, sizeof(f)) == sizeof(f) && f.flags <= FRAME_FLAGS &&
	       !f.link;
}

/* The first one there, or 0. */
static uint64_t find_frame(uint64_t at, uint64_t end)
{
	uint64_t restorers[RESTORERS_MAX], words[128];
	size_t count = list_restorers(restorers);
	ssize_t got;

	for (; count && at < end; at += (size_t)got) {
		size_t size = PAGE - at % PAGE;
		got = memory_read(at, words, size < sizeof(words) ? size : sizeof(words));
		if (got <= 0)
			break;
		for (size_t i = 0; i < (size_t)got / sizeof(*words) && at + i * sizeof(*words) < end; i++)
			for (size_t k = 0; k < count; k++)
				if (words[i] == restorers[k] && is_frame(at + i * sizeof(*words)))
					return at + i * sizeof(*words);
	}
	return 0;
}

bool signals_are_handled_here(void)
{
	uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);

	return find_frame(here, here + STACK_LOOKED_AT) != 0;
}

bool signals_are_handled_between(uint64_t from, uint64_t to, uint64_t *mask)
{
	bool found = false;

	from = (from + 7) & ~UINT64_C(7);
	if (to > from + STACK_LOOKED_AT)
		to = from + STACK_LOOKED_AT;
	for (uint64_t at; (at = find_frame(from, to)); from = at + sizeof(uint64_t))
		found |= memory_read(at + sizeof(uint64_t) + offsetof(ucontext_t, uc_sigmask), mask,
				     sizeof(*mask)) == sizeof(*mask);
	return found;
}
