#include "samples.h"

#include <math.h>
#include <stdlib.h>

void samples_add(struct samples *s, double value)
{
	if (s->count < SAMPLES_MAX)
		s->value[s->count++] = value;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_percentile(struct samples *s, double percent)
{
	if (!s->count)
		return NAN;
	qsort(s->value, s->count, sizeof(s->value[0]), by_value);
	size_t rank = (size_t)ceil(percent / 100 * (double)s->count);
	return s->value[rank ? rank - 1 : 0];
}

double samples_median(struct samples *s)
{
	return samples_percentile(s, 50);
}

double samples_spread(struct samples *s)
{
	double median = samples_median(s);

	return median ? (samples_percentile(s, 75) - samples_percentile(s, 25)) / median : 0;
}
