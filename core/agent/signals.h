/* Signals handed on as if we were not there, and what is to be known of the thread that has one. Any thread, also in a handler:
 * nothing but system calls. */
#ifndef RTF_SIGNALS_H
#define RTF_SIGNALS_H

#include "message.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIGNALS_FAULTS = 5 };

extern const int signals_faults[SIGNALS_FAULTS];

/* For a handler of ours, whose mask and flags were those of `before`, the action that it came over: does what that does, and to
 * it what SA_RESETHAND says. A fault that is ignored is not: as without us. */
void signals_pass_on(struct sigaction *before, int signal, siginfo_t *, void *context);

/* Copies the stack from `from` (a stack pointer) up to where it ends: bytes of `out`. What lies below the stack, where that was
 * used up, is zero. */
size_t signals_copy_stack(uint64_t from, unsigned char out[CALL_STACK]);

/* Gives the calling thread a stack for signal handlers (sigaltstack(2)), if it has none: where its own is used up there is no
 * room to record that. signals_reclaim_stack takes it away, if the calling thread still has it. Not in a handler, and not both
 * at once. */
void signals_lend_stack(void);
void signals_reclaim_stack(void);

/* Whether the calling thread is in a signal handler: anything may have been interrupted, malloc() as well. Looks for the
 * frame that the kernel left on the stack, up to 1 MiB away; what such a frame left behind in memory that a function has not
 * written to counts, too. */
bool signals_are_handled_here(void);

/* Whether a handler runs on that part of the thread's stack: then the mask is the one that it came over, and of several the
 * outermost. */
bool signals_are_handled_between(uint64_t from, uint64_t to, uint64_t *mask);

#endif
