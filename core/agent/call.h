/* Evaluations: code of the engine's that runs once, in a thread of the agent's own or, where the program asked for that,
 * inside rtf_poll(); never in both.
 *
 * One at a time. The thread is made when it is first needed and leaves when nothing has come for a while. Any thread may
 * call what is said so; the rest is for the console's own thread. */
#ifndef RTF_CALL_H
#define RTF_CALL_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0: it will be run, and `wake` is called in the thread that ran it when it is over. -EBUSY: another one is not over;
 * -EINVAL: that is no code of ours; or a negative errno. */
int call_start(const struct message_call *, uint32_t serial, bool polled, void (*wake)(void));

/* What became of it, once: bytes of the answer, or 0 if it is not over or nobody wants to know. */
size_t call_take(unsigned char answer[MESSAGE_MAX], uint32_t *serial);

/* Ends the call of that serial; one that waits for rtf_poll is over at once. */
void call_interrupt(uint32_t serial);

/* Ends whatever runs, for nobody. */
void call_abandon(void);

/* While an end is wanted and has not come: microseconds until call_insist, else -1. It may never come: of what waits for
 * ever in the C library, or where the program uses every signal. */
int call_patience(void);
void call_insist(void);

/* Whether one waits for rtf_poll (any thread, cheap), and runs it in the calling thread. */
bool call_waits(void);
void call_poll(void);

/* In a child of fork(). */
void call_forget(void);

#endif
