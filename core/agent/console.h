/* One open console: what the agent's parts share of it, its log and its wake-up. It knows none of them: agent.c
 * is above (what is exported, the thread, the consoles that connect), and channel.c between (the engine). */
#ifndef RTF_CONSOLE_H
#define RTF_CONSOLE_H

#include "listener.h"
#include "message.h"
#include "rtf.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { RESTARTS_MAX = 5, RESTARTS_SECONDS = 10, HANDED_MAX = 32 };

struct deferred;

/* Belongs to its thread from the moment that it runs, except what is said to be guarded. */
struct console {
	pid_t pid; /* of the process that opened it */
	pthread_t thread;
	bool stop; /* atomic */

	/* Guarded: taken, stored and closed under console_mutex, so that a forked child finds every one of them
	 * here and lets go of it. A copy in a child would keep a channel or a console's connection open. */
	struct listener listener;
	int wake;   /* eventfd: stop, or deferred versions were applied */
	int client; /* a console on its way to the engine */
	/* Those that were handed to the engine and that it has not begun to serve: if it ends, another one gets them. */
	struct handed {
		int fd;
		uint32_t number;
	} handed[HANDED_MAX];
	unsigned handed_count;
	uint32_t client_number; /* of the last one that came */
	int engine;             /* our end of the channel, -1: none runs */
	int far;                /* the engine's end, until it has it */
	int log;                /* RTF_LOG, or -1 */

	struct deferred *deferred; /* guarded: versions that wait for rtf_poll, or were applied there */

	uint32_t flags; /* HELLO_* */
	char *history, *source_root, *log_path, *engine_wanted, *search;
	char **environment;
	void (*callback)(void *context, int level, const char *text);
	void *context;

	time_t starts[RESTARTS_MAX + 1]; /* of engines; a ring */
	unsigned start_count;
	uint32_t arenas_sent;                  /* to this engine */
	size_t notes_told;                     /* bytes of entry_notes() that the log has */
	unsigned renewals_noted, modules_told; /* how many renewals (entry.h) it knows of */
	bool stuck;                            /* it takes no messages */
	char why[2048];                        /* there is no engine: a sentence */
	_Alignas(uint64_t) unsigned char buffer[MESSAGE_MAX];
	_Alignas(uint64_t) unsigned char answer[MESSAGE_MAX];
};

/* Guards what is guarded above, and which console is open. Held by fork(); never held across anything that
 * waits. */
extern pthread_mutex_t console_mutex;

extern struct console *console_current; /* guarded: the open one, or NULL */

/* How a thread was before it took the mutex. */
struct console_hold {
	int cancelling;
	sigset_t signals;
};

/* How the program's threads take the mutex: until it is let go of they cannot be cancelled, which would leave it locked
 * for ever, and take no signals, whose handlers may fork, and wait for it. The second form: false if
 * somebody else has it so long, which may be 0. */
void console_lock(struct console_hold *);
bool console_lock_within(struct console_hold *, int milliseconds);
void console_unlock(const struct console_hold *);

/* By the options and the environment, its log open, no other descriptor; NULL: there is no memory. */
struct console *console_new(const struct rtf_options *);
void console_free(struct console *); /* takes NULL; closes what is open */

/* Closes what a forked child has copies of, and keeps what it would open the console with. */
void console_let_go(struct console *);

/* Opens RTF_LOG, if there is one; c->log is -1 if it cannot be opened. */
void console_open_log(struct console *);

/* One line for the program's log: its callback, RTF_LOG, or nobody. Not with console_mutex held. */
__attribute__((format(printf, 3, 4))) void console_log(const struct console *, int level, const char *format,
						       ...);

/* One line for RTF_LOG alone; with console_mutex held or not. */
__attribute__((format(printf, 2, 3))) void console_log_to_file(const struct console *, const char *format,
							       ...);

/* Has the console's thread look for what is to be reported. */
void console_wake(const struct console *);

/* The same for the open one, if there is one; not with console_mutex held. */
void console_wake_current(void);

#endif
