/* The table that the benchmark prints, or the same as JSON, and the limits that it may be held against.
 *
 * A row has two sides measured in one run, and a ratio of their medians or, where they were measured in pairs, the median of
 * the pairs' ratios: what else the machine does then is the same for both. Or one side and a goal. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "samples.h"

#include <stdbool.h>

enum row_ratio {
	RATIO_NONE,   /* one side: the goal is for its median, at most */
	RATIO_FASTER, /* how many times less than the other side: the goal is at least */
	RATIO_COST,   /* how many times as much as the other side: the goal is at most */
	RATIO_MORE,   /* how much more than the other side, in its unit: the goal is at most */
	RATIO_SHARE,  /* what part of the other side is left: the goal is at least */
};

struct row {
	const char *name, *title;
	const char *unit; /* of both sides: "us", "ns", "instructions", "bytes", "1/s" */
	struct samples *ours;
	const char *against; /* title of the other side */
	struct samples *base;
	enum row_ratio ratio;
	double goal;        /* of the ratio, or the median; 0: none */
	double goal_median; /* besides: of our own median, at most; 0: none */
};

void report_open(void);
void report_row(const struct row *);
void report_pairs(const struct row *, struct samples *ratios); /* ours by the other's of each pair; RATIO_FASTER and
								 * RATIO_MORE have none */
void report_value(const char *name, const char *title, const char *unit, double ours, const char *against,
		  double base, enum row_ratio, double goal);                     /* a row of single values */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2))); /* below the row before it */

/* Whether anybody wants that row: all are wanted unless there are limits, which name theirs. */
bool report_wants(const char *name);

/* Ends the table. False if a row is over its limit, or one that has a limit was not measured. */
bool report_close(void);

#endif
