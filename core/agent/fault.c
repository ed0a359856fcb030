#include "fault.h"
#include "guard.h"
#include "kernel.h"
#include "large.h"
#include "park.h"
#include "arena.h"
#include "signals.h"
#include "x86_64.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 4, FIRST_LOOK_MS = 50, LAST_LOOK_MS = 60000, HANDED_MS = 1000 };

/* Where a fault is on its way. One at a time: a thread that comes second waits for its turn. Each has a ticket, STATES more
 * than the one before, and the state is its ticket and one of these: whoever is late changes nothing about the next one. */
enum fault_state { STATE_FREE, STATE_FILLED_BY_THREAD, STATE_WAITS, STATE_TAKEN, STATES };

static struct {
	pid_t pid;          /* atomic: whose faults are recorded, 0: nobody's */
	unsigned state;     /* atomic, a futex: ticket + enum fault_state */
	unsigned pending;   /* atomic, a futex: threads whose fault is not recorded yet */
	int count;          /* atomic: recorded so far */
	bool wanted, known; /* atomic: there are to be handlers; there may be */
	int look_ms;        /* atomic: until it is looked whether the program has set a handler */
	long long handed_ms[SIGNALS_FAULTS]; /* atomic: when one was handed on last */
	/* The program's, by the level of ours that came over it; they stay, as the program may have kept our handler. */
	struct sigaction before[LEVELS][SIGNALS_FAULTS];
	unsigned levels[SIGNALS_FAULTS]; /* in use */
	struct message_called fault;
	unsigned char stack[CALL_STACK];
} faults LARGE;

static int wake_fd = -1; /* atomic */

/* --- in the thread that faults: nothing but system calls ----------------------------------------------------------- */

static bool exchange(unsigned from, unsigned to)
{
	return __atomic_compare_exchange_n(&faults.state, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* Whatever ticket it is. */
static bool take_over(enum fault_state from, enum fault_state to)
{
	unsigned state = __atomic_load_n(&faults.state, __ATOMIC_ACQUIRE);

	return state % STATES == from && exchange(state, state - from + to);
}

/* False: the time is over. */
static bool wait_while(const unsigned *word, unsigned value, long long deadline)
{
	long long left = deadline - now_ms();
	struct timespec limit = {left / 1000, left % 1000 * 1000000};

	if (left <= 0)
		return false;
	futex_wait(word, value, &limit);
	return true;
}

/* Begins to fill the record, once it is no other fault's. */
static bool take_ticket(long long deadline, unsigned *ticket)
{
	for (;;) {
		unsigned state = __atomic_load_n(&faults.state, __ATOMIC_ACQUIRE);
		*ticket = state + STATES;
		if (state % STATES != STATE_FREE) {
			if (!wait_while(&faults.state, state, deadline))
				return false;
		} else if (exchange(state, *ticket + STATE_FILLED_BY_THREAD)) {
			return true;
		}
	}
}

static void let_next(void)
{
	futex_wake_all(&faults.state);
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

static void wait_until_known(unsigned ticket, long long deadline)
{
	unsigned state;

	do
		state = __atomic_load_n(&faults.state, __ATOMIC_ACQUIRE);
	while ((state == ticket + STATE_WAITS || state == ticket + STATE_TAKEN) &&
	       wait_while(&faults.state, state, deadline));
}

static void record_in_turn(int signal, const siginfo_t *info, const void *context, long long deadline)
{
	uint64_t one = 1;
	unsigned ticket;

	if (!take_ticket(deadline, &ticket))
		return;
	faults.fault = (struct message_called){
		.end = CALL_FAULT,
		.signal = signal,
		.code = info->si_code,
		.address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0,
	};
	registers_of(context, faults.fault.registers);
	faults.fault.stack_size =
		(uint32_t)signals_copy_stack(faults.fault.registers[REGISTER_SP], faults.stack);
	bool concerns =
		concerns_version() && __atomic_fetch_add(&faults.count, 1, __ATOMIC_RELAXED) < FAULTS_MAX;
	__atomic_store_n(&faults.state, ticket + (concerns ? STATE_WAITS : STATE_FREE), __ATOMIC_RELEASE);
	if (concerns && write(__atomic_load_n(&wake_fd, __ATOMIC_ACQUIRE), &one, sizeof(one)) > 0)
		wait_until_known(ticket, deadline);
	exchange(ticket + STATE_WAITS, ticket + STATE_FREE); /* one that is taken is the agent's to free */
	let_next();
}

/* What comes next may end the program: the faults that other threads have met by now are recorded before that. */
static void record(int signal, const siginfo_t *info, const void *context)
{
	long long deadline = now_ms() + FAULT_WAIT_MS;
	unsigned pending;

	__atomic_fetch_add(&faults.pending, 1, __ATOMIC_ACQ_REL);
	record_in_turn(signal, info, context, deadline);
	__atomic_fetch_sub(&faults.pending, 1, __ATOMIC_ACQ_REL);
	futex_wake_all(&faults.pending);
	do
		pending = __atomic_load_n(&faults.pending, __ATOMIC_ACQUIRE);
	while (pending && wait_while(&faults.pending, pending, deadline));
}

static unsigned index_of(int signal)
{
	unsigned i = 0;

	while (signals_faults[i] != signal)
		i++;
	return i;
}

static bool has_level(const struct sigaction *, unsigned level);

/* A program's handler that was set over ours may call ours: then the fault is recorded already. */
static bool is_outermost(unsigned level, int signal)
{
	struct sigaction now;

	return sigaction(signal, NULL, &now) == 0 && has_level(&now, level);
}

/* Does not return if a guarded call, or what a watch evaluates, is left: the latter is no fault of the version. */
static void meet(int signal, siginfo_t *info, void *context)
{
	park_catch_watch(signal, info, context);
	if (__atomic_load_n(&faults.pid, __ATOMIC_ACQUIRE) == getpid())
		record(signal, info, context);
	park_catch(signal, info, context);
}

static bool stop_watch(siginfo_t *info, void *context)
{
	return park_stop(info, context, guard_in_library);
}

static void on_fault(unsigned level, int signal, siginfo_t *info, void *context)
{
	unsigned i = index_of(signal);
	int saved = errno;

	if (stop_watch(info, context)) {
		errno = saved;
		return;
	}
	if (is_outermost(level, signal))
		meet(signal, info, context);
	errno = saved;
	__atomic_store_n(&faults.handed_ms[i], now_ms(), __ATOMIC_RELEASE);
	signals_pass_on(&faults.before[level][i], signal, info, context);
}

/* One for each level, so that each knows whose place it took: a handler that the program sets over ours may hand on to it,
 * and may take itself away again, and ours then comes over that one at the next level. */
static void on_fault_0(int signal, siginfo_t *info, void *context)
{
	on_fault(0, signal, info, context);
}

static void on_fault_1(int signal, siginfo_t *info, void *context)
{
	on_fault(1, signal, info, context);
}

static void on_fault_2(int signal, siginfo_t *info, void *context)
{
	on_fault(2, signal, info, context);
}

static void on_fault_3(int signal, siginfo_t *info, void *context)
{
	on_fault(3, signal, info, context);
}

static void (*const handlers[LEVELS])(int, siginfo_t *, void *) = {on_fault_0, on_fault_1, on_fault_2,
								   on_fault_3};

/* --- in the agent --------------------------------------------------------------------------------------------------- */

static bool has_level(const struct sigaction *action, unsigned level)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handlers[level];
}

static bool is_ours(const struct sigaction *action, unsigned *level)
{
	for (*level = 0; *level < LEVELS; ++*level)
		if (has_level(action, *level))
			return true;
	return false;
}

/* The level for our handler over one of the program's: where it came over the same one before, or the next; LEVELS: the
 * program has had too many, and this one's faults are its own. */
static unsigned level_over(unsigned i, const struct sigaction *program)
{
	for (unsigned level = 0; level < faults.levels[i]; level++)
		if (faults.before[level][i].sa_handler == program->sa_handler)
			return level;
	return faults.levels[i] < LEVELS ? faults.levels[i]++ : LEVELS;
}

/* Whether the program is about to end by a fault, which has no handler any more: it is not to be met again. */
static bool is_last(unsigned i, const struct sigaction *now)
{
	long long handed = __atomic_load_n(&faults.handed_ms[i], __ATOMIC_ACQUIRE);

	if (now->sa_handler != SIG_DFL || !handed || now_ms() - handed >= HANDED_MS)
		return false;
	__atomic_store_n(&faults.look_ms, HANDED_MS, __ATOMIC_RELAXED); /* it may go on, after all */
	return true;
}

static void install(void)
{
	for (unsigned i = 0; i < SIGNALS_FAULTS; i++) {
		struct sigaction now, ours = {0};
		unsigned level;
		if (sigaction(signals_faults[i], NULL, &now) || is_ours(&now, &level) || is_last(i, &now) ||
		    (level = level_over(i, &now)) == LEVELS)
			continue;
		bool handled = now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN;
		faults.before[level][i] = now;
		ours.sa_sigaction = handlers[level];
		ours.sa_mask = now.sa_mask;
		ours.sa_flags = SA_SIGINFO | (handled ? now.sa_flags & SA_ONSTACK : SA_ONSTACK) |
				(now.sa_flags & (SA_NODEFER | SA_RESTART));
		sigaction(signals_faults[i], &ours, NULL);
	}
}

/* The program's handlers again, but for one that was set since. */
static void uninstall(void)
{
	for (unsigned i = 0; i < SIGNALS_FAULTS; i++) {
		struct sigaction now;
		unsigned level;
		if (sigaction(signals_faults[i], NULL, &now) == 0 && is_ours(&now, &level))
			sigaction(signals_faults[i], &faults.before[level][i], NULL);
	}
}

/* Whether the thread has the signal blocked, or that cannot be known. */
static bool is_blocked(pid_t thread, int signal)
{
	char path[64], status[4096];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)thread);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, status, sizeof(status) - 1) : -1;
	if (fd >= 0)
		close(fd);
	status[size > 0 ? size : 0] = '\0';
	const char *mask = strstr(status, "SigBlk:");
	return !mask || strtoull(mask + strlen("SigBlk:"), NULL, 16) >> (signal - 1) & 1;
}

/* By a signal whose handler is ours, of those that nobody sends. */
static void stop_thread(pid_t thread)
{
	static const int signals[] = {SIGILL, SIGBUS, SIGFPE, SIGSEGV};
	siginfo_t info = {.si_code = SI_QUEUE};
	struct sigaction now;
	unsigned level;

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = park_stopper();
	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		info.si_signo = signals[i];
		if (sigaction(signals[i], NULL, &now) || (!is_ours(&now, &level) && !guard_handles(&now)) ||
		    is_blocked(thread, signals[i]))
			continue;
		syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, signals[i], &info);
		return;
	}
}

void fault_end_watches(void)
{
	park_look(stop_thread);
}

static bool version_is_live(void)
{
	for (uint32_t i = 0; i < arena_total(); i++)
		for (uint32_t slot = 0; slot < arena_all[i].slots; slot++)
			if (__atomic_load_n(&arena_all[i].slot[slot], __ATOMIC_RELAXED) !=
			    arena_all[i].built[slot])
				return true;
	return false;
}

static void want(bool live, int wake)
{
	static const struct guard_hooks hooks = {
		.stop = stop_watch,
		.fault = park_catch_watch,
		.witness = meet, /* while code runs guarded its handlers are over ours */
		.leave = park_exit,
	};

	guard_set_hooks(&hooks);
	if (live)
		guard_prepare();
	__atomic_store_n(&wake_fd, wake, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.pid, live ? getpid() : 0, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.wanted, live, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.look_ms, FIRST_LOOK_MS, __ATOMIC_RELAXED);
	fault_look();
}

void fault_expect(int wake)
{
	want(true, wake);
}

void fault_watch(int wake)
{
	want(version_is_live(), wake);
}

static bool has_to_look(void)
{
	return __atomic_load_n(&faults.wanted, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&faults.known, __ATOMIC_ACQUIRE);
}

void fault_look(void)
{
	if (!has_to_look() || !guard_lock_signals())
		return;
	bool wanted = __atomic_load_n(&faults.wanted, __ATOMIC_ACQUIRE);
	if (wanted)
		install();
	else
		uninstall();
	__atomic_store_n(&faults.known, wanted, __ATOMIC_RELEASE);
	guard_unlock_signals();
}

int fault_patience(void)
{
	int ms = __atomic_load_n(&faults.look_ms, __ATOMIC_RELAXED);

	if (!has_to_look())
		return -1;
	return ms < LAST_LOOK_MS ? ms : LAST_LOOK_MS;
}

void fault_wait_longer(void)
{
	int ms = __atomic_load_n(&faults.look_ms, __ATOMIC_RELAXED);

	if (ms < LAST_LOOK_MS)
		__atomic_store_n(&faults.look_ms, ms * 2, __ATOMIC_RELAXED);
}

void fault_forget(void)
{
	__atomic_store_n(&faults.pid, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&wake_fd, -1, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.wanted, false, __ATOMIC_RELEASE);
	fault_look();
	fault_give_up();
}

void fault_leave(void)
{
	__atomic_store_n(&faults.pid, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&wake_fd, -1, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.state, STATE_FREE, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.pending, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&faults.count, 0, __ATOMIC_RELAXED);
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
	if (take_over(STATE_TAKEN, STATE_FREE))
		let_next();
}

void fault_give_up(void)
{
	if (take_over(STATE_TAKEN, STATE_FREE) || take_over(STATE_WAITS, STATE_FREE))
		let_next();
}
