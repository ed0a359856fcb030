/* Measured values of one kind. Adding beyond SAMPLES_MAX is ignored. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>

enum { SAMPLES_MAX = 4000 };

struct samples {
	size_t count;
	double value[SAMPLES_MAX];
};

void samples_add(struct samples *, double value);

/* The nearest-rank percentile, NAN of none. Sorts the values. */
double samples_percentile(struct samples *, double percent);
double samples_median(struct samples *);

/* The middle half's width, as a part of the median. */
double samples_spread(struct samples *);

#endif
