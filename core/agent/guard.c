#include "guard.h"
#include "kernel.h"
#include "signals.h"
#include "x86_64.h"

#include <gnu/libc-version.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum {
	HANDLED = SIGNALS_FAULTS + 1, /* and the one that interrupts */
	STACK_BYTES = 64 * 1024,
	NEAR_STACK = 128 * 1024, /* how far below the stack pointer one frame may reach */
	LIBRARIES_MAX = 4,
};

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
	const struct guard_hooks *hooks;  /* atomic; NULL: nobody is asked */
	void *stack;                      /* for handlers, when a stack is used up */
	pthread_once_t prepared;
	bool exit_known; /* atomic */
	struct {
		uintptr_t begin, end;
	} libraries[LIBRARIES_MAX]; /* code in which locks are held that the program cannot do without */
	unsigned library_count;
} guard = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	   .changing = PTHREAD_MUTEX_INITIALIZER,
	   .prepared = PTHREAD_ONCE_INIT};

static const struct guard_hooks *hooks_now(void)
{
	static const struct guard_hooks none;
	const struct guard_hooks *hooks = __atomic_load_n(&guard.hooks, __ATOMIC_ACQUIRE);

	return hooks ? hooks : &none;
}

/* Whether this is the thread that is guarded, and no child of it. */
static bool is_guarded(void)
{
	return __atomic_load_n(&guard.thread, __ATOMIC_ACQUIRE) == thread_id() && guard.pid == getpid();
}

/* --- the handler ----------------------------------------------------------------------------------------------- */

bool guard_in_library(uint64_t pc)
{
	for (unsigned i = 0; i < guard.library_count; i++)
		if (pc >= guard.libraries[i].begin && pc < guard.libraries[i].end)
			return true;
	return false;
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
	struct sigaction *action = NULL;

	for (unsigned i = 0; i < HANDLED; i++)
		if (guard.signals[i] == signal)
			action = &guard.before[i];
	if (!action || signal == guard.interrupt)
		return;
	signals_pass_on(action, signal, info, context);
}

/* Whether the guarded thread is to be left for a signal that interrupts. */
static bool is_interrupted(uint64_t pc)
{
	bool patient = __atomic_load_n(&guard.patient, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&guard.wanted, __ATOMIC_ACQUIRE) && !(patient && guard_in_library(pc));
}

/* The run ends here: notes why. */
static _Noreturn void leave_by_signal(int signal, const siginfo_t *info)
{
	struct message_called *r = guard.result;
	uint64_t sp = r->registers[REGISTER_SP];
	bool met = info->si_code > 0;
	uint64_t address = met ? (uint64_t)(uintptr_t)info->si_addr : 0;
	bool near_stack = address >= sp - NEAR_STACK && address < sp + 2 * 4096;

	r->end = signal == guard.interrupt ? CALL_INTERRUPTED : CALL_FAULT;
	if (signal == SIGSEGV && met && near_stack)
		r->end = CALL_OVERFLOW;
	r->signal = signal;
	r->code = info->si_code;
	r->address = address;
	r->stack_size = (uint32_t)signals_copy_stack(sp, guard.copy);
	siglongjmp(guard.out, 1);
}

static void on_guarded_signal(int signal, siginfo_t *info, void *context)
{
	const struct guard_hooks *hooks = hooks_now();

	registers_of(context, guard.result->registers);
	if (signal == guard.interrupt) {
		if (!is_interrupted(guard.result->registers[REGISTER_PC]))
			return;
	} else if (hooks->fault) {
		hooks->fault(signal, info, context);
	}
	leave_by_signal(signal, info);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const struct guard_hooks *hooks = hooks_now();
	int saved = errno;

	if (hooks->stop && hooks->stop(info, context)) {
		errno = saved;
		return;
	}
	if (is_guarded()) {
		on_guarded_signal(signal, info, context);
		return;
	}
	if (hooks->witness && signal != guard.interrupt)
		hooks->witness(signal, info, context);
	pass_on(signal, info, context);
	errno = saved;
}

/* --- exit ------------------------------------------------------------------------------------------------------ */

static void leave_by_exit(int status)
{
	guard.result->end = CALL_EXITED;
	guard.result->code = status;
	guard.result->stack_size = 0;
	siglongjmp(guard.out, 1);
}

/* Does not return if someone guards this more closely. */
static void offer_exit(int status, void (*before)(void))
{
	const struct guard_hooks *hooks = hooks_now();

	if (hooks->leave)
		hooks->leave(status, before);
}

void guard_offer_exit(int status)
{
	offer_exit(status, NULL);
	if (is_guarded())
		leave_by_exit(status);
}

void guard_exit(int status)
{
	guard_offer_exit(status);
	exit(status);
}

void guard_exit_now(int status)
{
	offer_exit(status, NULL);
	if (is_guarded())
		leave_by_exit(status);
	_exit(status);
}

static void learn_of_exit(void);

/* What was registered is called once: again only if this exit is none, or exit() would never come to its end. */
static void learn_again(void)
{
	__atomic_store_n(&guard.exit_known, false, __ATOMIC_RELEASE);
	learn_of_exit();
}

static void on_exit_called(int status, void *unused)
{
	(void)unused;
	offer_exit(status, learn_again);
	if (!is_guarded())
		return;
	learn_again();
	leave_by_exit(status);
}

/* For what leave.c does not see. exit() lets go of its lock while it calls what was registered, in C libraries before 2.41.
 * Later ones hold another lock to the end, so that leaving would block the program's own exit: there it is not contained. */
static void learn_of_exit(void)
{
	const char *version = gnu_get_libc_version();

	if (__atomic_exchange_n(&guard.exit_known, true, __ATOMIC_ACQ_REL))
		return;
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

static void prepare_once(void)
{
	dl_iterate_phdr(add_library, NULL);
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guard.stack = stack == MAP_FAILED ? NULL : stack;
}

static void prepare(void)
{
	pthread_once(&guard.prepared, prepare_once);
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
	memcpy(guard.signals, signals_faults, sizeof(signals_faults));
	guard.signals[SIGNALS_FAULTS] = guard.interrupt;
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

void guard_set_hooks(const struct guard_hooks *hooks)
{
	__atomic_store_n(&guard.hooks, hooks, __ATOMIC_RELEASE);
}

void guard_prepare(void)
{
	prepare();
	learn_of_exit();
}

bool guard_handles(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_signal;
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
		thread_signal(thread, guard.interrupt);
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
