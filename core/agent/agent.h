/* What one open console is, for the two halves of the agent: agent.c (what is exported, the thread, the
 * consoles that connect) and channel.c (the engine). */
#ifndef RTF_AGENT_H
#define RTF_AGENT_H

#include "listener.h"
#include "message.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { RESTARTS_MAX = 5, RESTARTS_SECONDS = 10 };

struct deferred;

/* Belongs to its thread from the moment that it runs, except what is said to be guarded. */
struct console {
	pid_t pid; /* of the process that opened it */
	pthread_t thread;
	bool stop; /* atomic */

	/* Guarded: taken, stored and closed under agent_mutex, so that a forked child finds every one of them
	 * here and lets go of it. A copy in a child would keep a channel or a console's connection open. */
	struct listener listener;
	int wake;   /* eventfd: stop, or deferred versions were applied */
	int client; /* a console on its way to the engine */
	int engine; /* our end of the channel, -1: none runs */
	int far;    /* the engine's end, until it has it */
	int log;    /* RTF_LOG, or -1 */

	struct deferred *deferred; /* guarded: versions that wait for rtf_poll, or were applied there */

	uint32_t flags; /* HELLO_* */
	char *history, *source_root, *log_path, *engine_wanted, *search;
	char **environment;
	void (*callback)(void *context, int level, const char *text);
	void *context;

	time_t starts[RESTARTS_MAX + 1]; /* of engines; a ring */
	unsigned start_count;
	bool stuck;     /* it takes no messages */
	char why[2048]; /* there is no engine: a sentence */
	_Alignas(uint64_t) unsigned char buffer[MESSAGE_MAX];
	_Alignas(uint64_t) unsigned char answer[MESSAGE_MAX];
};

/* Guards what is guarded above, and which console is open. Held by fork(); never held across anything that
 * waits. */
extern pthread_mutex_t agent_mutex;

/* Has the open console's thread look for what is to be reported; not with agent_mutex held. */
void agent_wake(void);

/* One line for the program's log: its callback, RTF_LOG, or nobody. Not with agent_mutex held. */
__attribute__((format(printf, 3, 4))) void agent_log(const struct console *, int level, const char *format,
						     ...);

#endif
