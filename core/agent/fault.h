/* Faults of the program's own threads inside versions that are live: told to the engine, which records them, before the
 * program's handler has its turn or the program ends.
 *
 * There are handlers for the fault signals only while a version is live that the program was not built with. They act on
 * nothing: a fault goes to the program's own handler once it is recorded, if it concerns a version, and once those are that
 * other threads met at the same time; or after FAULT_WAIT_MS; with all that the flags of sigaction(2) promise. What the
 * program sets later is found by looking, less and less often, and has its turn in the same way. Forked children record
 * nothing. */
#ifndef RTF_FAULT_H
#define RTF_FAULT_H

#include "message.h"

#include <stddef.h>

enum { FAULT_WAIT_MS = 1000, FAULTS_MAX = 100 /* recorded, of one run of the program */ };

/* Versions are about to be live: has handlers before the first of them can fault. fault_watch follows. Agent thread, or with
 * console_mutex held. */
void fault_expect(int wake);

/* Looks whether a version is live, and has handlers if so. `wake` is written to, as to an eventfd, when there is something
 * to take. Agent thread, or with console_mutex held. */
void fault_watch(int wake);

/* Looks whether the program has set handlers of its own since. Agent thread; due after fault_patience milliseconds (-1:
 * never), and fault_wait_longer when it was. While code runs guarded it has to wait. A signal whose fault was handed on
 * a moment ago, and that has no handler now, is left alone: the program is about to end by it. */
void fault_look(void);
int fault_patience(void);
void fault_wait_longer(void);

/* Ends what a watch evaluates for too long. Agent thread; due after park_patience milliseconds. */
void fault_end_watches(void);

/* The console ends: nothing is recorded any more. */
void fault_forget(void);

/* In a child of fork(), which has no console: whatever was on its way was its parent's. */
void fault_leave(void);

/* What is to be sent as MESSAGE_FAULT: its size, or 0. Once it is known, or if it cannot be sent, fault_known lets the thread
 * go on, and has room for the next one. Agent thread. */
size_t fault_take(unsigned char out[MESSAGE_MAX]);
void fault_known(void);

/* Nobody is there to be told, also of one that was not taken yet. Agent thread. */
void fault_give_up(void);

#endif
