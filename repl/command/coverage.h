/* Counts of lines and branches, as \cover and \source show them. Pure. */
#ifndef RTF_COVERAGE_H
#define RTF_COVERAGE_H

#include "instrument.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The counters as they were read, in the order of the instrument's. */
struct coverage {
	const struct instrument *instrument;
	const uint64_t *counts;
};

/* One line of summary, then the branches of which an outcome never came. */
void coverage_show(struct text *, const struct coverage *, const char *function, int version,
		   const char *file);

/* {"lines":{"run","total"},"branches":{"taken","total"}}, added to an object. */
void coverage_add_summary(json_t *, const struct coverage *);

/* "counts":[{"line","count"}] and "outcomes":[{"line","text","true","false"} or {"line","text","reached"}]. */
void coverage_add_counts(json_t *, const struct coverage *);

/* The text with line numbers and counts; ##### where a line never ran. */
void coverage_source(struct text *, const struct coverage *, const char *source, unsigned first_line,
		     bool color);

#endif
