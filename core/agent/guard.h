/* Runs code that nobody vouches for: a fault inside it is a result and not the end of the program.
 *
 * While it runs, and only then, the fault signals have our handler. It acts for the guarded thread alone: a fault of
 * any other thread is given to the program's own handler, or does what it would have done, with all that the flags
 * of sigaction(2) promise. What the guarded code did until then stays done: locks that it held stay locked, memory
 * that it took stays taken.
 *
 * Not contained: _exit() and quick_exit() called by code that was built into the program. exit() from there is: with
 * librtf.so before anything has come of it (leave.c); where the C library calls it, as in err(3), or with librtf.a, in C
 * libraries before 2.41 only, and functions registered with atexit() after the first guarded run have been called by then. */
#ifndef RTF_GUARD_H
#define RTF_GUARD_H

#include "message.h"

#include <signal.h>
#include <stdbool.h>

/* Runs it on the calling thread, to its end or to what ended it; `stack` (CALL_STACK bytes) then has a copy of what was
 * on its stack. One at a time in a program: the caller sees to it. */
void guard_run(void (*function)(void *), void *argument, struct message_called *out, unsigned char *stack);

/* Asks for an end; any thread. Guarded code in the C library is left alone at first, as it may hold a lock there: ask
 * again, with `patient` false once that has taken too long. */
void guard_interrupt(bool patient);

/* What exit() and _exit() are for code compiled for a guarded run: its end, in the guarded thread; elsewhere, and in a
 * forked child, themselves. */
_Noreturn void guard_exit(int status);
_Noreturn void guard_exit_now(int status);

/* exit() is about to be called: does not return in the guarded thread, or in what a leaver jumps out of. */
void guard_offer_exit(int status);

/* Between the two nobody but the caller changes who handles the fault signals. False: a guarded run has them, and there is
 * nothing to unlock. */
bool guard_lock_signals(void);
void guard_unlock_signals(void);

/* Who else is asked when a signal comes or exit() is called. The first three are called in the handler. */
struct guard_hooks {
	/* First, in any thread: true if the signal was one of its own. */
	bool (*stop)(siginfo_t *, void *context);
	/* The guarded thread meets a fault: may jump out to what is guarded more closely. */
	void (*fault)(int signal, siginfo_t *, void *context);
	/* A thread that is not guarded meets one, before it is handed on: one of the program's own. */
	void (*witness)(int signal, siginfo_t *, void *context);
	/* exit() was called: may jump out of that, and calls `before` (or NULL) then. */
	void (*leave)(int status, void (*before)(void));
};

/* All of them, for good; what they point to stays. */
void guard_set_hooks(const struct guard_hooks *);

/* Before exit() can be called in what others guard: has that known. Not sooner than that: what is registered later is called
 * before it. Agent thread. */
void guard_prepare(void);

/* Whether code at that place may hold a lock of the C library. */
bool guard_in_library(uint64_t pc);

/* Whether that is this handler. */
bool guard_handles(const struct sigaction *);

/* In a child of fork(), which has none of it. */
void guard_forget(void);

#endif
