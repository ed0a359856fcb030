#include "fault.h"
#include "park.h"
#include "arena.h"
#include "x86_64.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FAULTS = 5, PAGE = 4096 };

static const int fault_signals[FAULTS] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* Where a fault is on its way. One at a time: a thread that comes second is not recorded. */
enum fault_state { STATE_FREE, STATE_FILLED_BY_THREAD, STATE_WAITS, STATE_TAKEN };

static struct {
	pid_t pid; /* atomic: whose faults are recorded, 0: nobody's */
	int wake;  /* atomic */
	int state; /* atomic, a futex: enum fault_state */
	int count; /* atomic: recorded so far */
	bool installed;
	struct sigaction
		before[FAULTS]; /* the program's; they stay, as the program may have kept our handler */
	struct message_called fault;
	unsigned char stack[CALL_STACK];
} faults = {.wake = -1};

/* --- in the thread that faults: nothing but system calls ----------------------------------------------------------- */

static void futex(int operation, int value, const struct timespec *limit)
{
	syscall(SYS_futex, &faults.state, operation | FUTEX_PRIVATE_FLAG, value, limit, NULL, 0);
}

static bool take_over(int from, int to)
{
	return __atomic_compare_exchange_n(&faults.state, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* Page by page: the kernel stops where the stack ends, and nothing faults. */
static size_t copy_stack(uint64_t from)
{
	size_t copied = 0;

	while (copied < CALL_STACK) {
		size_t size = PAGE - (from + copied) % PAGE;
		if (size > CALL_STACK - copied)
			size = CALL_STACK - copied;
		struct iovec here = {faults.stack + copied, size},
			     there = {(void *)(uintptr_t)(from + copied), size};
		ssize_t got = process_vm_readv(faults.pid, &here, 1, &there, 1, 0);
		if (got <= 0)
			break;
		copied += (size_t)got;
		if ((size_t)got < size)
			break;
	}
	return copied;
}

/* Whether the thread is in a version's code, or something that a version called is: its return address is on the stack. */
static bool concerns_version(void)
{
	if (arena_has_code(faults.fault.registers[REGISTER_PC]))
		return true;
	for (size_t at = 0; at + sizeof(uint64_t) <= faults.fault.stack_size; at += sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, faults.stack + at, sizeof(word));
		if (arena_has_code(word))
			return true;
	}
	return false;
}

static void wait_until_known(void)
{
	struct timespec now, until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FAULT_WAIT_MS / 1000;
	for (;;) {
		int state = __atomic_load_n(&faults.state, __ATOMIC_ACQUIRE);
		clock_gettime(CLOCK_MONOTONIC, &now);
		long long left = (until.tv_sec - now.tv_sec) * 1000000000LL + until.tv_nsec - now.tv_nsec;
		if (state == STATE_FREE || left <= 0)
			return;
		struct timespec limit = {left / 1000000000, left % 1000000000};
		futex(FUTEX_WAIT, state, &limit);
	}
}

static void record(int signal, const siginfo_t *info, const void *context)
{
	uint64_t one = 1;

	if (!take_over(STATE_FREE, STATE_FILLED_BY_THREAD))
		return;
	faults.fault = (struct message_called){
		.end = CALL_FAULT,
		.signal = signal,
		.code = info->si_code,
		.address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0,
	};
	registers_of(context, faults.fault.registers);
	faults.fault.stack_size = (uint32_t)copy_stack(faults.fault.registers[REGISTER_SP]);
	bool concerns =
		concerns_version() && __atomic_fetch_add(&faults.count, 1, __ATOMIC_RELAXED) < FAULTS_MAX;
	__atomic_store_n(&faults.state, concerns ? STATE_WAITS : STATE_FREE, __ATOMIC_RELEASE);
	if (!concerns)
		return;
	if (write(__atomic_load_n(&faults.wake, __ATOMIC_ACQUIRE), &one, sizeof(one)) > 0)
		wait_until_known();
	__atomic_store_n(&faults.state, STATE_FREE, __ATOMIC_RELEASE);
}

static void deliver_default(int signal, const siginfo_t *info)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};

	sigaction(signal, &usual, NULL);
	if (info->si_code <= 0) /* sent, not met: nothing would repeat it */
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

/* As if our handler were not there. Its mask and flags were installed as the program's own. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	struct sigaction *action = faults.before;

	while (fault_signals[action - faults.before] != signal)
		action++;
	struct sigaction copy = *action;
	if (copy.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (copy.sa_handler == SIG_DFL || copy.sa_handler == SIG_IGN) {
		deliver_default(signal, info); /* a fault cannot be ignored */
		return;
	}
	if (copy.sa_flags & (int)SA_RESETHAND)
		action->sa_handler = SIG_DFL;
	if (copy.sa_flags & SA_SIGINFO)
		copy.sa_sigaction(signal, info, context);
	else
		copy.sa_handler(signal);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	if (__atomic_load_n(&faults.pid, __ATOMIC_ACQUIRE) == getpid())
		record(signal, info, context);
	park_catch(signal, info, context);
	errno = saved;
	pass_on(signal, info, context);
}

/* --- in the agent --------------------------------------------------------------------------------------------------- */

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_fault;
}

static void install(void)
{
	for (int i = 0; i < FAULTS; i++) {
		struct sigaction now, ours = {.sa_sigaction = on_fault};
		if (sigaction(fault_signals[i], NULL, &now) || is_ours(&now))
			continue;
		faults.before[i] = now;
		ours.sa_mask = now.sa_mask;
		ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & (SA_NODEFER | SA_RESTART));
		sigaction(fault_signals[i], &ours, NULL);
	}
}

/* The program's handlers again, but for one that was set since. */
static void uninstall(void)
{
	for (int i = 0; i < FAULTS; i++) {
		struct sigaction now;
		if (sigaction(fault_signals[i], NULL, &now) == 0 && is_ours(&now))
			sigaction(fault_signals[i], &faults.before[i], NULL);
	}
}

static bool version_is_live(void)
{
	for (uint32_t i = 0; i < arena_count; i++)
		for (uint32_t slot = 0; slot < arena_all[i].slots; slot++)
			if (__atomic_load_n(&arena_all[i].slot[slot], __ATOMIC_RELAXED) !=
			    arena_all[i].built[slot])
				return true;
	return false;
}

void fault_watch(int wake)
{
	bool live = version_is_live();

	__atomic_store_n(&faults.wake, wake, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.pid, live ? getpid() : 0, __ATOMIC_RELEASE);
	if (live && !faults.installed)
		install();
	else if (!live && faults.installed)
		uninstall();
	faults.installed = live;
}

void fault_forget(void)
{
	__atomic_store_n(&faults.pid, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.wake, -1, __ATOMIC_RELEASE);
	if (faults.installed)
		uninstall();
	faults.installed = false;
	fault_known();
}

size_t fault_take(unsigned char out[MESSAGE_MAX])
{
	if (!take_over(STATE_WAITS, STATE_TAKEN))
		return 0;
	memcpy(out, &faults.fault, sizeof(faults.fault));
	memcpy(out + sizeof(faults.fault), faults.stack, faults.fault.stack_size);
	return sizeof(faults.fault) + faults.fault.stack_size;
}

void fault_known(void)
{
	if (take_over(STATE_TAKEN, STATE_FREE) || take_over(STATE_WAITS, STATE_FREE))
		futex(FUTEX_WAKE, 1, NULL);
}
