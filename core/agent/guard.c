#include "guard.h"
#include "x86_64.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	FAULTS = 5,
	HANDLED = FAULTS + 1, /* and the one that interrupts */
	STACK_BYTES = 64 * 1024,
	NEAR_STACK = 128 * 1024, /* how far below the stack pointer one frame may reach */
	LIBRARIES_MAX = 4,
};

static const int fault_signals[FAULTS] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* One guarded run at a time; its handler may run in any thread. */
static struct {
	pthread_mutex_t mutex; /* held while an interrupt is sent, so that none comes after the end */
	pid_t pid, thread;     /* atomic: 0 is none */
	int interrupt;         /* the signal that interrupts; 0: the program uses them all */
	bool wanted, patient;  /* atomic */
	sigjmp_buf out;
	struct message_called *result;
	unsigned char *copy;      /* of its stack */
	pthread_mutex_t changing; /* held while handlers are changed */
	bool installed;           /* guarded by `changing` */
	int signals[HANDLED];
	struct sigaction before[HANDLED]; /* the program's; stays, as the program may have kept our handler */
	void *stack;                      /* for handlers, when a stack is used up */
	bool prepared, exit_known;
	struct {
		uintptr_t begin, end;
	} libraries[LIBRARIES_MAX]; /* code in which locks are held that the program cannot do without */
	unsigned library_count;
} guard = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changing = PTHREAD_MUTEX_INITIALIZER};

static pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* Whether this is the thread that is guarded, and no child of it. */
static bool is_guarded(void)
{
	return __atomic_load_n(&guard.thread, __ATOMIC_ACQUIRE) == thread_id() && guard.pid == getpid();
}

/* The kernel copies: up to where the stack ends, and nothing faults. */
static size_t copy_stack(uintptr_t from, unsigned char *out)
{
	struct iovec here, there[CALL_STACK / 4096 + 1];
	uintptr_t at = from, end = from + CALL_STACK;
	int parts = 0;

	/* It stops at the part that is not there: so parts are pages. */
	while (at < end) {
		uintptr_t next = (at & ~(uintptr_t)4095) + 4096;
		if (next > end)
			next = end;
		there[parts].iov_base = (void *)at;
		there[parts++].iov_len = next - at;
		at = next;
	}
	/* Where the stack was used up the stack pointer is below it: what is not there is zero. */
	for (int missing = 0; missing < parts; missing++) {
		size_t skipped = (size_t)((uintptr_t)there[missing].iov_base - from);
		here = (struct iovec){out + skipped, CALL_STACK - skipped};
		ssize_t got = process_vm_readv(guard.pid, &here, 1, there + missing,
					       (unsigned long)(parts - missing), 0);
		if (got <= 0)
			continue;
		memset(out, 0, skipped);
		return skipped + (size_t)got;
	}
	return 0;
}

/* --- the handler ----------------------------------------------------------------------------------------------- */

static bool in_library(uint64_t pc)
{
	for (unsigned i = 0; i < guard.library_count; i++)
		if (pc >= guard.libraries[i].begin && pc < guard.libraries[i].end)
			return true;
	return false;
}

static void deliver_default(int signal, const siginfo_t *info)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};

	sigaction(signal, &usual, NULL);
	if (info->si_code <= 0) /* sent, not met: nothing would repeat it */
		syscall(SYS_tgkill, getpid(), thread_id(), signal);
}

/* As if our handler were not there. Its mask and flags were installed as the program's own. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	struct sigaction *action = NULL;

	for (unsigned i = 0; i < HANDLED; i++)
		if (guard.signals[i] == signal)
			action = &guard.before[i];
	if (!action || signal == guard.interrupt)
		return;
	if (action->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN) {
		deliver_default(signal, info); /* a fault cannot be ignored */
		return;
	}
	struct sigaction copy = *action;
	if (copy.sa_flags & (int)SA_RESETHAND)
		action->sa_handler = SIG_DFL;
	if (copy.sa_flags & SA_SIGINFO)
		copy.sa_sigaction(signal, info, context);
	else
		copy.sa_handler(signal);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	struct message_called *r = guard.result;
	int saved = errno;

	if (!is_guarded()) {
		pass_on(signal, info, context);
		errno = saved;
		return;
	}
	registers_of(context, r->registers);
	uint64_t sp = r->registers[REGISTER_SP];
	if (signal == guard.interrupt) {
		bool patient = __atomic_load_n(&guard.patient, __ATOMIC_ACQUIRE);
		if (!__atomic_load_n(&guard.wanted, __ATOMIC_ACQUIRE) ||
		    (patient && in_library(r->registers[REGISTER_PC])))
			return;
	}
	uint64_t address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
	bool near_stack = address >= sp - NEAR_STACK && address < sp + 2 * 4096;
	r->end = signal == guard.interrupt ? CALL_INTERRUPTED : CALL_FAULT;
	if (signal == SIGSEGV && info->si_code > 0 && near_stack)
		r->end = CALL_OVERFLOW;
	r->signal = signal;
	r->code = info->si_code;
	r->address = address;
	r->stack_size = (uint32_t)copy_stack(sp, guard.copy);
	siglongjmp(guard.out, 1);
}

/* --- exit ------------------------------------------------------------------------------------------------------ */

static void leave_by_exit(int status)
{
	guard.result->end = CALL_EXITED;
	guard.result->code = status;
	guard.result->stack_size = 0;
	siglongjmp(guard.out, 1);
}

void guard_exit(int status)
{
	if (is_guarded())
		leave_by_exit(status);
	exit(status);
}

void guard_exit_now(int status)
{
	if (is_guarded())
		leave_by_exit(status);
	_exit(status);
}

/* Called once: the next run registers it again. */
static void on_exit_called(int status, void *unused)
{
	(void)unused;
	if (!is_guarded())
		return;
	guard.exit_known = false;
	leave_by_exit(status);
}

/* exit() lets go of its lock while it calls what was registered, in C libraries before 2.41. Later ones hold another
 * lock to the end, so that leaving would block the program's own exit: there it is not contained. */
static void learn_of_exit(void)
{
	const char *version = gnu_get_libc_version();

	if (guard.exit_known)
		return;
	guard.exit_known = true;
	if (atoi(version) == 2 && strchr(version, '.') && atoi(strchr(version, '.') + 1) < 41)
		on_exit(on_exit_called, NULL);
}

/* --- a run ----------------------------------------------------------------------------------------------------- */

static int add_library(struct dl_phdr_info *info, size_t size, void *unused)
{
	const char *slash = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
	const uintptr_t inside[] = {(uintptr_t)malloc, (uintptr_t)exit};

	(void)size, (void)unused;
	if (!slash || guard.library_count == LIBRARIES_MAX) /* the program itself has no name */
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + p->p_vaddr, end = begin + p->p_memsz;
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		bool holds = strncmp(slash + 1, "ld-", 3) == 0 || strncmp(slash + 1, "libc.", 5) == 0;
		for (unsigned k = 0; k < 2; k++)
			holds |= inside[k] >= begin && inside[k] < end;
		if (!holds || guard.library_count == LIBRARIES_MAX)
			continue;
		guard.libraries[guard.library_count].begin = begin;
		guard.libraries[guard.library_count++].end = end;
	}
	return 0;
}

static void prepare(void)
{
	if (guard.prepared)
		return;
	guard.prepared = true;
	dl_iterate_phdr(add_library, NULL);
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guard.stack = stack == MAP_FAILED ? NULL : stack;
}

/* A real-time signal that the program leaves alone, from the top: those at the bottom are taken first by others. */
static int unused_signal(void)
{
	struct sigaction action;

	for (int signal = SIGRTMAX - 1; signal > SIGRTMIN; signal--)
		if (sigaction(signal, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
		    action.sa_handler == SIG_DFL)
			return signal;
	return 0;
}

static void install(void)
{
	pthread_mutex_lock(&guard.changing);
	guard.installed = true;
	guard.interrupt = unused_signal();
	memcpy(guard.signals, fault_signals, sizeof(fault_signals));
	guard.signals[FAULTS] = guard.interrupt;
	for (unsigned i = 0; i < HANDLED; i++) {
		if (!guard.signals[i])
			continue;
		struct sigaction *before = &guard.before[i], ours = {.sa_sigaction = on_signal};
		sigaction(guard.signals[i], NULL, before);
		ours.sa_mask = before->sa_mask;
		ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before->sa_flags & (SA_NODEFER | SA_RESTART));
		sigaction(guard.signals[i], &ours, NULL);
	}
	pthread_mutex_unlock(&guard.changing);
}

/* The program's handlers again, but for one that the program has set since. */
static void uninstall(void)
{
	pthread_mutex_lock(&guard.changing);
	for (unsigned i = 0; i < HANDLED; i++) {
		struct sigaction now;
		if (guard.signals[i] && sigaction(guard.signals[i], NULL, &now) == 0 &&
		    (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
			sigaction(guard.signals[i], &guard.before[i], NULL);
	}
	guard.installed = false;
	pthread_mutex_unlock(&guard.changing);
}

bool guard_lock_signals(void)
{
	pthread_mutex_lock(&guard.changing);
	if (!guard.installed)
		return true;
	pthread_mutex_unlock(&guard.changing);
	return false;
}

void guard_unlock_signals(void)
{
	pthread_mutex_unlock(&guard.changing);
}

/* The signals that a guarded thread takes. */
static void handled_set(sigset_t *set)
{
	sigemptyset(set);
	for (unsigned i = 0; i < HANDLED; i++)
		if (guard.signals[i])
			sigaddset(set, guard.signals[i]);
}

/* Where the thread has no stack for handlers it gets ours; true if so. */
static bool lend_stack(stack_t *before)
{
	stack_t ours = {.ss_sp = guard.stack, .ss_size = STACK_BYTES};

	return guard.stack && sigaltstack(NULL, before) == 0 && (before->ss_flags & SS_DISABLE) &&
	       sigaltstack(&ours, NULL) == 0;
}

/* Nobody interrupts from here on; what was sent is taken out before the signal means something else again. */
static void stop_interrupts(void)
{
	struct timespec none = {0};
	sigset_t set;

	pthread_mutex_lock(&guard.mutex);
	__atomic_store_n(&guard.thread, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&guard.mutex);
	if (!guard.interrupt)
		return;
	sigemptyset(&set);
	sigaddset(&set, guard.interrupt);
	while (sigtimedwait(&set, NULL, &none) > 0)
		;
}

static void thread_ends(void *unused)
{
	sigset_t set;

	if (guard.pid != getpid())
		return;
	handled_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	guard.result->end = CALL_THREAD_ENDED;
	stop_interrupts();
	uninstall();
	(void)unused;
}

void guard_run(void (*function)(void *), void *argument, struct message_called *out, unsigned char *copy)
{
	sigset_t handled, before;
	stack_t stack;
	int cancelling;

	/* What is cancelled is the guarded code, and nothing that comes before it or cleans up behind it. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
	*out = (struct message_called){.end = CALL_RETURNED};
	prepare();
	learn_of_exit();
	guard.result = out;
	guard.copy = copy;
	guard.pid = getpid();
	__atomic_store_n(&guard.wanted, false, __ATOMIC_RELEASE);
	install();
	handled_set(&handled);
	pthread_sigmask(SIG_BLOCK, &handled, &before);
	bool lent = lend_stack(&stack);
	pthread_cleanup_push(thread_ends, NULL);
	/* The mask that is kept here has our signals blocked: so they are again wherever a jump comes from. */
	if (sigsetjmp(guard.out, 1) == 0) {
		__atomic_store_n(&guard.thread, thread_id(), __ATOMIC_RELEASE);
		pthread_sigmask(SIG_UNBLOCK, &handled, NULL);
		pthread_setcancelstate(cancelling, NULL);
		function(argument);
		if (guard.pid != getpid())
			_exit(0); /* it forked: the child has nothing to go on with */
		pthread_sigmask(SIG_BLOCK, &handled, NULL);
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_pop(0);
	stop_interrupts();
	if (lent)
		sigaltstack(&stack, NULL);
	uninstall();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_setcancelstate(cancelling, NULL);
}

void guard_interrupt(bool patient)
{
	pthread_mutex_lock(&guard.mutex);
	pid_t thread = __atomic_load_n(&guard.thread, __ATOMIC_ACQUIRE);
	if (thread && guard.interrupt && guard.pid == getpid()) {
		__atomic_store_n(&guard.patient, patient, __ATOMIC_RELEASE);
		__atomic_store_n(&guard.wanted, true, __ATOMIC_RELEASE);
		syscall(SYS_tgkill, guard.pid, thread, guard.interrupt);
	}
	pthread_mutex_unlock(&guard.mutex);
}

void guard_forget(void)
{
	pthread_mutex_init(&guard.mutex, NULL);
	pthread_mutex_init(&guard.changing, NULL);
	__atomic_store_n(&guard.thread, 0, __ATOMIC_RELEASE);
	if (guard.installed)
		uninstall();
}
