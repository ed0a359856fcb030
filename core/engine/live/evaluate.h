/* Code that runs once in the program: from a checked build to what its end was.
 *
 * An evaluation is a build whose function is `void NAME(void *)`; it is compiled, linked into the arena, and called with
 * one argument in the program, with its faults contained. One runs at a time, the others wait for their turn. Its code
 * is given back afterwards where nothing can point into it. One thread; nothing here waits for the program's code. */
#ifndef RTF_EVALUATE_H
#define RTF_EVALUATE_H

#include "build.h"
#include "error.h"
#include "live.h"
#include "message.h"

#include <stdbool.h>
#include <stdint.h>

struct evaluator;
struct evaluation;

struct error *evaluator_new(struct live *, struct evaluator **out);
void evaluator_free(struct evaluator *); /* takes NULL; evaluations first */

/* Memory of the program for what consoles make: zeroes, there for good, because the program may come to point to it. */
struct error *evaluator_alloc(struct evaluator *, uint64_t size, uint64_t align, uint64_t *address);

/* Where an evaluation may leave at least that many bytes: the same memory for each of them, so it is to be read before
 * the evaluation is freed. */
struct error *evaluator_result(struct evaluator *, uint64_t size, uint64_t *address);

/* Compiles and links what build_check has found nothing against, and has it run when its turn comes. */
struct error *evaluation_new(struct evaluator *, struct build *, uint64_t argument, struct evaluation **out);

/* Takes NULL. One that still runs is interrupted, and nobody will know its end. */
void evaluation_free(struct evaluation *);

enum { EVALUATE_FRAMES = 32 };

/* How one ended, and where it was if it did not return. */
struct evaluate_end {
	enum call_end how;
	int signal, code; /* si_code; exit's status; an errno */
	uint64_t address; /* of the fault */
	size_t count;
	uint64_t pcs[EVALUATE_FRAMES]; /* innermost first; all but the first are return addresses */
};

/* True once it is over, and then `*end` says how. `interrupt`: someone wants that. Asked again whenever something has
 * come from the program, and at the deadline. */
bool evaluation_poll(struct evaluation *, bool interrupt, struct evaluate_end *end);
int64_t evaluation_deadline(const struct evaluation *); /* on clock_now_us's clock; 0: none */

/* Whether it has begun; false also for one that waits for rtf_poll(). */
bool evaluation_has_begun(const struct evaluation *);

/* What the program told of an end, with the calls that it was in. */
void evaluate_locate(struct live *, const struct message_called *, const unsigned char *stack,
		     struct evaluate_end *out);

/* One sentence about an end that is none by return; the class says which kind it was. NULL for CALL_RETURNED. */
struct error *evaluate_explain(struct live *, const struct evaluate_end *);

#endif
