/* The console's end of the socket: connecting, requests out, answers and events in.
 *
 * Lines of JSON, as rtf-protocol(7) says. Whatever waits here also ends by Ctrl-C, and takes what arrives
 * meanwhile: events go to `event` as they come, the answer to who awaits it, answers that nobody awaits
 * any more are dropped. One thread. */
#ifndef RTF_CONNECTION_H
#define RTF_CONNECTION_H

#include "buffer.h"
#include "error.h"
#include "options.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* An event, or an error that answers no request, as JSON and as the line that it came in. Both are lent. */
typedef void connection_event(void *context, const json_t *root, const char *raw);

struct connection {
	const char *socket;
	connection_event *event;
	void *context;
	int fd;           /* -1: not connected */
	bool interrupted; /* Ctrl-C, not yet acted upon */
	bool foreign;     /* what answered does not speak the protocol */
	json_int_t next_id;
	int width; /* of the terminal, as the engine was told */
	char *program; /* its file name, for the prompt */
	json_int_t pid, functions;
	struct buffer received;
};

/* The one answer to a request. */
struct answer {
	json_t *root;
	char *raw; /* the line as it came */
};

void answer_fini(struct answer *);

/* Whether the terminal has another width than the engine was told, which is for the caller to do now. */
bool connection_resized(struct connection *);

/* Connects and says hello; also again, when the connection was lost. `socket`, `event` and `fd` are set
 * before. */
struct error *connection_connect(struct connection *, const struct options *, bool interactive,
				 int64_t limit_ms);
void connection_close(struct connection *);
void connection_fini(struct connection *);

struct error *connection_lost(const struct connection *); /* what to say of it */

enum sent { SENT, SEND_LOST, SEND_ENDED };

/* Sends a line and takes `request` (NULL: there was no memory for it); takes what arrives meanwhile, so
 * that two that both talk much do not wait for each other. The deadline (-1: none) and Ctrl-C end it; the
 * connection is then closed, for what follows half a line is not understood. */
enum sent connection_send(struct connection *, json_t *request, int64_t deadline);

enum outcome { OUTCOME_NONE, OUTCOME_ANSWER, OUTCOME_LOST, OUTCOME_LATE, OUTCOME_INTERRUPTED };

/* Waits for the answer to request `id` until `deadline` (-1: for ever). */
enum outcome connection_await(struct connection *, json_int_t id, int64_t deadline, struct answer *out);

bool connection_fill(struct connection *);  /* receives once; false: the connection is lost */
void connection_take(struct connection *);  /* acts on what was received while no answer is awaited */
void connection_pause(struct connection *); /* a moment, before another try */

#endif
