/* A function that is watched, and the instrumented version that does it: what watchers.c, records.c, traces.c, and parked.c
 * share. One thread. */
#ifndef RTF_WATCHED_H
#define RTF_WATCHED_H

#include "build.h"
#include "call.h"
#include "error.h"
#include "instrument.h"
#include "live.h"
#include "message.h"
#include "host.h"
#include "type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value that a watch records, or that a guarded call is made with. */
struct watched_value {
	char *name;
	struct types *types;
	const struct type *type;
};

struct watched_values {
	struct watched_value *list;
	size_t count;
};

/* A trace or a probe. */
struct tap {
	struct tap *next;
	const struct console_state *console; /* whose it is */
	unsigned serial, quota, line;        /* line 0: a trace */
	char *condition;
	char **expressions;
	size_t expression_count;
	struct watched_values values; /* a trace's last one is the result, if the function has one */
	bool has_result;
	int wanted, shown;
	int64_t missed_before; /* by the quota's users before it */
	bool over;             /* it tells nothing more, and the next instrumented version is without it */
};

/* A function that is watched. */
struct watched {
	struct watched *next;
	struct live_function *function;
	int version, plain; /* the instrumented one, and the one that it is of */
	char *user;         /* who asked first */
	bool cover, guard;
	bool guard_returns;              /* at once after a fault: */
	char *otherwise;                 /* this, or NULL */
	struct watched_values arguments; /* of a guarded one */
	struct tap *taps;
	bool shrinks; /* what is over is to be built out, once the compiler has time */
	struct instrument made;
	uint64_t counts_address, ring_address; /* 0: none */
	int64_t slots_seen;                    /* head.next when the slots were read last */
};

/* A guarded call that has faulted and waits. */
struct parked {
	struct parked *next;
	unsigned number;
	struct live_function *function;
	struct message_parked call;
	char *arguments; /* "o=0x0, n=3", or NULL: not known */
	json_t *args;    /* the same, by name; or NULL */
};

struct watchers {
	struct host *host;
	struct parked *parked; /* oldest first */
	unsigned parked_last;
	struct watched *first;
	unsigned serial;
	struct turn turn;            /* for what shrinks */
	struct check_result refused; /* what was found in the last form that was not taken */
	int64_t due;
};

/* Takes NULL. */
void tap_free(struct tap *);

/* The console's watchers. ERROR_INTERNAL if there are none. */
struct error *watched_all(const struct call *, struct watchers **out);

/* The function's entry in the list; NULL if it is not watched. */
struct watched *watched_find(const struct watchers *, const struct live_function *);

/* The same, a new one, of which nothing is asked yet, if there is none. */
struct error *watched_begin(const struct call *, struct watchers *, struct live_function *,
			    struct watched **out);

/* Forgets it; the version that runs goes on running. */
void watched_remove(struct watchers *, struct watched *);

/* Makes live a version with all that is asked of the function; what is over is gone then. What runs is untouched if that
 * fails. `count_anew`: its counters begin at zero. */
struct error *watched_instrument(struct watchers *, struct watched *, const char *user, bool count_anew);

/* The same ahead of a new definition, whose text and line that are: only the compiler's part, in turn. */
struct error *watched_prepare(struct watchers *, struct watched *, const char *text, unsigned line);

/* Whether anything is still asked of it. */
bool watched_is_wanted(const struct watched *);

/* What is still asked of it goes on; if that is nothing, the plain version does, and the entry is gone. */
struct error *watched_go_on(struct watchers *, struct watched *, const char *user);

/* The same without waiting for a compiler: what is over tells nothing any more, and is built out when it can be. */
struct error *watched_shrink(struct watchers *, struct watched *, const char *user);

/* What was asked of it last cannot be: what ran before that, which was this version, runs again. */
void watched_take_back(struct watchers *, struct watched *, int before, const char *user);

/* Ends what the call asks to be ended of the function that its first word names, which is this member of struct watched: the
 * answer says that it is live without `what`. ERROR_USAGE: it is not `being`. */
struct error *watched_end(struct call *, bool *(*member)(struct watched *), const char *being,
			  const char *what);

/* The text of the version that is watched, cut as it was given: the definition and what stands around it. */
struct plain_text {
	char *text, *extra; /* extra NULL: nothing */
	const char *definition;
	size_t size;
	unsigned line;
};

struct error *plain_read(struct live *, struct live_function *, struct plain_text *);
void plain_fini(struct plain_text *);

/* Checks it, and gives its slice, which is the build's, to whoever rewrites it. */
struct error *plain_check(struct live *, struct live_function *, const struct plain_text *, struct build *,
			  struct instrument_request *);

#endif
