/* Whether every save made so far is dealt with: what rtf_sync() and, with the option `strict`, every call asks.
 *
 * The kernel queues a save with the engine's inotify(7) descriptor before the save's system call returns, and the engine
 * has lent us that descriptor: bytes to be read there are a save that it has not seen. It says that it is busy before it
 * reads them, in arena 0's head, and that it is done after the functions are live. So: nothing to be read, then not
 * busy, means that all is done. Costs one system call. */
#ifndef RTF_SYNC_H
#define RTF_SYNC_H

#include <stdbool.h>
#include <stdint.h>

enum { SYNC_SECONDS = 5 };

/* An engine is to look after saves; until it lends its descriptor, rtf_sync waits for it. Any thread. */
void sync_expect(void);

/* The calling thread never waits: the engine may be waiting for it. */
void sync_exempt(void);

/* Whether it is the one that has called sync_exempt. Any thread. */
bool sync_is_exempt(void);

/* Takes the descriptor. Agent's thread. */
void sync_take(int fd);

/* There is no engine any more: nobody waits. Any thread. */
void sync_forget(void);

/* The same in a forked child, for itself alone. `inherit` is called, from then on and by whichever thread is there first,
 * when the process that had the console has ended; `in_passing`: on the way into a function, wherever that is called from. */
void sync_leave(void (*inherit)(bool in_passing));

/* Calls it if it is time. Any thread. */
void sync_inherit(void);

/* Returns when it is time, or perhaps before. A thread of the child's that does nothing else. */
void sync_await_left(void);

/* Whether the console is the caller's to take over: once, of all processes and threads that ask. */
bool sync_claim(void);

/* 0 once all saves made so far are live or refused; -ENOTCONN: nobody follows them; -ETIMEDOUT after SYNC_SECONDS. Any
 * thread but the agent's, for which it is 0. */
int sync_wait(void);

/* Where strict entries lead, with the address of their target's word in r11; no C function. */
extern const char sync_enter[] __attribute__((visibility("hidden")));

#endif
