/* Guarded code: a fault inside a call parks it instead of ending the program, one inside what a watch evaluates ends that
 * evaluation.
 *
 * A guarded version (instrument.h) keeps a jump buffer in a frame on its stack, enters it here before its body runs, and
 * leaves it behind it. The handler of a fault (fault.h) jumps to the innermost frame of its thread; what was between is
 * lost, locks that it held stay locked. The frame of a call then waits here until the engine says which code the call goes on
 * with. The expressions of traces and probes (ring.h) have frames without an entry, and go on by themselves.
 * Frames are checked before they are trusted: a thread may have left them by a longjmp of its own, or ended. */
#ifndef RTF_PARK_H
#define RTF_PARK_H

#include "message.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARK_THREADS = 256 /* with guarded calls at a time; those of others are not guarded */ };

/* On the stack of the version that made it, which declares the same; 72 words. */
struct park_frame {
	uint64_t out[54]; /* a sigjmp_buf */
	uint64_t magic;
	uint64_t outer;  /* the thread's frame around this one, or 0 */
	uint64_t entry;  /* of the function, 0: of a watch */
	uint64_t target; /* what the call goes on with */
	uint64_t state;  /* enum park_state, its low half a futex */
	uint64_t address, pc;
	int64_t signal, code, thread; /* a watch's: WATCH_LATE or WATCH_EXITED where there was no signal */
	uint64_t serial;              /* of a watch's: which of its thread's */
	uint64_t arguments, version;  /* of a call, for the engine: message.h; set before it is entered */
	uint64_t reserved[5];
};

enum {
	PARK_LOOK_MS = 200,
	PARK_LOOKS = 5, /* that may find the same evaluation of a watch: a second; then it is ended */
	/* Until then neither inside the C library, whose locks the program needs, nor in a handler of the program's. */
	PARK_PATIENT_LOOKS = 15,
	PARK_LOOKS_AT_MOST = 60, /* it cannot be ended, or the frame is one that was jumped out of */
};

/* For the versions' code. Entry 0 is a watch's. The frame's magic is 0 if it is not guarded. park_wait returns the
 * address of the function that is to be called instead. */
void park_enter(struct park_frame *, uint64_t entry);
void park_leave(struct park_frame *);
uint64_t park_wait(struct park_frame *);

/* In the handler of a fault: does not return if the thread is in a guarded call, or in what a watch evaluates;
 * park_catch_watch: in the latter only. */
void park_catch(int signal, const siginfo_t *info, const void *context);
void park_catch_watch(int signal, siginfo_t *info, void *context);

/* Looks whether a watch evaluates for too long, and has such a thread stopped: it is sent a signal whose handler calls
 * park_stop, with park_stopper as its value. Agent thread; due after park_patience milliseconds (-1: never). */
int park_patience(void);
void park_look(void (*stop)(pid_t thread));
void *park_stopper(void);

/* In that handler: false if the signal is another one. True if there is nothing to leave any more, or not yet: what
 * `in_library` says of a place in code counts at first. */
bool park_stop(const siginfo_t *info, const void *context, bool (*in_library)(uint64_t pc));

/* exit() was called: does not return if that was in what a watch evaluates, guarded calls in between or not, and
 * calls `before` (or NULL) then. */
void park_exit(int status, void (*before)(void));

/* Whether calls may be parked, and what is written to, as to an eventfd, when one is. Agent thread. */
void park_watch(int wake);

/* One that the engine has not been told of. Agent thread; `park_untold`: a new engine is to be told of all. */
bool park_take(struct message_parked *out);
void park_untold(void);

/* Lets one go on: 0 or a negative errno. */
int park_release(const struct message_unpark *);

/* The console ends: what is parked is tried again, and nothing is caught any more. In a child: forgets. */
void park_end(void);
void park_forget(void);

#endif
