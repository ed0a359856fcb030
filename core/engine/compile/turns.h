/* Whose turn it is with the program's own compiler: who needs one of its runs gives way to all others meanwhile.
 *
 * What may need it is tried with a turn, from turn_begin to turn_end. A compilation whose result the turn does not hold is
 * noted, and fails the trial, which has then changed nothing. Once it is its turn and the compiler has run, in a thread of
 * its own, the same is tried again from its beginning, on whatever is the case by then, and finds the result. So nothing is
 * made live that fitted only what was live when it was asked for. One after the other, who came first first: what one makes
 * live is what the next one builds on.
 *
 * All calls from the engine's one thread. */
#ifndef RTF_TURNS_H
#define RTF_TURNS_H

#include "compile.h"
#include "error.h"

#include <stdbool.h>
#include <stdint.h>

struct turns;
struct turn_job;

/* A place in the queue, in the storage of whoever waits; all zero to begin with. */
struct turn {
	struct turn *next;     /* in the queue */
	struct turn *outside;  /* that was tried when this one's trial began */
	struct turn_job *jobs; /* compilations that it has lacked, and what came of them */
	unsigned tries;
	bool queued, ready, lacks, insists;
};

struct error *turns_new(struct turns **out);
void turns_free(struct turns *); /* takes NULL; ends the compilation in progress */

int turns_fd(const struct turns *); /* to poll for reading: a compilation has ended, or a turn has come */
void turns_serve(struct turns *);   /* what that came to: turns may be ready then */

/* From here to turn_end compilations are this turn's. Trials may stand in one another. */
void turn_begin(struct turns *, struct turn *);

/* True if the trial failed because of what it lacked: it is to be made again once the turn is ready. Otherwise the turn is
 * over. */
bool turn_end(struct turns *, bool failed);
bool turn_is_ready(const struct turn *);

/* Gives the turn up; its compilation in progress is ended. Also of one that does not wait. */
void turn_leave(struct turns *, struct turn *);

/* The trial cannot be given up any more: what it lacks from here on is compiled while all wait. Takes NULL. */
void turns_insist(struct turns *);

/* Whether compilations can be put off now, and whether one was. Takes NULL. */
bool turns_can_wait(const struct turns *);
bool turns_lack(const struct turns *);

/* compile_cc, in the trial's turn; at once without a trial, or without turns (NULL). `*us` gets what the compiler took
 * before this trial, 0 if it ran now. */
struct error *turns_compile(struct turns *, const char *text, const char *const *argv, const char *directory,
			    struct compile_object *out, int64_t *us);

#endif
