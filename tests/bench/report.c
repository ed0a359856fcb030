#include "report.h"
#include "workshop.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *rows, *limits;
static unsigned missed; /* goals */

/* --- limits --------------------------------------------------------------------------------------------- */

/* {"rows": {NAME: {"ratio" or "median": what was reached, "margin": what part worse it may be}}} */
static void read_limits(const char *path)
{
	json_error_t error;
	json_t *file = json_load_file(path, 0, &error);

	if (!file)
		die("%s:%d: %s", path, error.line, error.text);
	limits = json_incref(json_object_get(file, "rows"));
	json_decref(file);
	if (!json_is_object(limits))
		die("%s has no rows", path);
}

bool report_wants(const char *name)
{
	return !limits || json_object_get(limits, name);
}

/* Whether the value is worse than the limit allows; more is better of some ratios. */
static bool is_over(json_t *limit, const char *key, double value, bool more_is_better, double *allowed)
{
	json_t *reached = json_object_get(limit, key);
	double margin = json_number_value(json_object_get(limit, "margin"));

	if (!reached)
		return false;
	*allowed = json_number_value(reached) * (more_is_better ? 1 - margin : 1 + margin);
	return more_is_better ? !(value >= *allowed) : !(value <= *allowed);
}

static bool is_within_limit(const char *name, json_t *limit)
{
	json_t *row = json_object_get(rows, name);
	double allowed = 0, median = json_number_value(json_object_get(row, "median"));
	double ratio = json_number_value(json_object_get(row, "ratio"));

	if (!row) {
		fprintf(stderr, "bench: %s was not measured\n", name);
		return false;
	}
	if (is_over(limit, "median", median, false, &allowed)) {
		fprintf(stderr, "bench: %s: the median is %.6g, at most %.6g is allowed\n", name, median,
			allowed);
		return false;
	}
	if (is_over(limit, "ratio", ratio, json_is_true(json_object_get(row, "more_is_better")), &allowed)) {
		fprintf(stderr, "bench: %s: the ratio is %.6g, the limit is %.6g\n", name, ratio, allowed);
		return false;
	}
	return true;
}

/* --- the table ------------------------------------------------------------------------------------------ */

void report_open(void)
{
	rows = json_object();
	if (options.limits)
		read_limits(options.limits);
	if (!options.json)
		printf("%-47s %10s %10s %6s   %-35s %10s %10s %6s %9s  %s\n", "", "median", "p95", "spread",
		       "against", "median", "p95", "spread", "ratio", "to reach");
}

/* 1234 us as "1.23 ms". */
static void show_value(char out[24], double value, const char *unit)
{
	static const struct {
		const char *unit;
		double from, divisor;
		const char *as;
	} scales[] = {
		{"us", 1e6, 1e6, "s"},         {"us", 1e3, 1e3, "ms"}, {"bytes", 1 << 20, 1 << 20, "MiB"},
		{"bytes", 10240, 1024, "KiB"}, {"bytes", 0, 1, "B"},   {"instructions", 1e6, 1e6, "Mi"},
		{"instructions", 0, 1, "i"}};

	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++) {
		if (strcmp(scales[i].unit, unit) || fabs(value) < scales[i].from)
			continue;
		value /= scales[i].divisor;
		unit = scales[i].as;
		break;
	}
	snprintf(out, 24, "%.*f %s", fabs(value) < 100 ? 2 : fabs(value) < 1000 ? 1 : 0, value, unit);
}

static double ratio_of(const struct row *r, double ours, double base)
{
	switch (r->ratio) {
	case RATIO_FASTER:
		return base / ours;
	case RATIO_COST:
	case RATIO_SHARE:
		return ours / base;
	case RATIO_MORE:
		return ours - base;
	default:
		return NAN;
	}
}

static bool more_is_better(enum row_ratio ratio)
{
	return ratio == RATIO_FASTER || ratio == RATIO_SHARE;
}

static bool is_reached(const struct row *r, double median, double ratio)
{
	double value = r->ratio == RATIO_NONE ? median : ratio;

	if (r->goal && !(more_is_better(r->ratio) ? value >= r->goal : value <= r->goal))
		return false;
	return !r->goal_median || median <= r->goal_median;
}

static void show_goal(char out[64], const struct row *r)
{
	char goal[24] = "", median[24] = "";

	if (r->goal && (r->ratio == RATIO_NONE || r->ratio == RATIO_MORE))
		show_value(goal, r->goal, r->unit);
	else if (r->goal)
		snprintf(goal, sizeof(goal), "%.*f", r->goal < 10 ? 2 : 0, r->goal);
	if (r->goal_median)
		show_value(median, r->goal_median, r->unit);
	snprintf(out, 64, "%s%s%s%s",
		 !*goal                     ? ""
		 : more_is_better(r->ratio) ? ">= "
					    : "<= ",
		 goal, *median ? ", <= " : "", median);
}

static void print_row(const struct row *r, double ratio, bool reached)
{
	char median[24], p95[24], base[24] = "", base_p95[24] = "", spread[16] = "", base_spread[16] = "",
				  shown_ratio[24] = "", goal[64];

	show_value(median, samples_median(r->ours), r->unit);
	show_value(p95, samples_percentile(r->ours, 95), r->unit);
	if (r->ours->count > 1)
		snprintf(spread, sizeof(spread), "%.0f%%", 100 * samples_spread(r->ours));
	if (r->base) {
		show_value(base, samples_median(r->base), r->unit);
		if (r->base->count > 1)
			show_value(base_p95, samples_percentile(r->base, 95), r->unit);
		if (r->base->count > 1)
			snprintf(base_spread, sizeof(base_spread), "%.0f%%", 100 * samples_spread(r->base));
	}
	if (r->ratio == RATIO_MORE)
		show_value(shown_ratio, ratio, r->unit);
	else if (r->ratio != RATIO_NONE)
		snprintf(shown_ratio, sizeof(shown_ratio), "%.*fx", ratio < 10 ? 3 : 1, ratio);
	show_goal(goal, r);
	printf("%-47s %10s %10s %6s   %-35s %10s %10s %6s %9s  %s%s\n", r->title, median,
	       r->ours->count > 1 ? p95 : "", spread, r->against ? r->against : "", base, base_p95,
	       base_spread, shown_ratio, goal,
	       !*goal    ? ""
	       : reached ? " ok"
			 : " MISSED");
	fflush(stdout);
}

static json_t *side_json(const char *title, struct samples *s)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:I}", "title", title ? title : "", "median",
			 samples_median(s), "p95", samples_percentile(s, 95), "spread", samples_spread(s),
			 "runs", (json_int_t)s->count);
}

void report_row(const struct row *r)
{
	report_pairs(r, NULL);
}

void report_pairs(const struct row *r, struct samples *ratios)
{
	if (!r->ours->count || !report_wants(r->name) || (r->base && !r->base->count))
		return;
	double median = samples_median(r->ours);
	double ratio = r->base ? ratio_of(r, median, samples_median(r->base)) : NAN;
	if (ratios)
		ratio = samples_median(ratios);
	bool reached = is_reached(r, median, ratio);

	json_t *row = side_json(r->title, r->ours);
	json_object_set_new(row, "unit", json_string(r->unit));
	if (r->base) {
		json_object_set_new(row, "against", side_json(r->against, r->base));
		json_object_set_new(row, "ratio", json_real(ratio));
		json_object_set_new(row, "more_is_better", json_boolean(more_is_better(r->ratio)));
	}
	if (r->goal || r->goal_median)
		json_object_set_new(row, "reached", json_boolean(reached));
	if (r->goal)
		json_object_set_new(row, "goal", json_real(r->goal));
	if (r->goal_median)
		json_object_set_new(row, "goal_median", json_real(r->goal_median));
	json_object_set_new(rows, r->name, row);
	missed += !reached;
	if (!options.json)
		print_row(r, ratio, reached);
}

void report_value(const char *name, const char *title, const char *unit, double ours, const char *against,
		  double base, enum row_ratio ratio, double goal)
{
	static struct samples a, b; /* large, and done with at the end */

	a = (struct samples){.count = 1, .value = {ours}};
	b = (struct samples){.count = 1, .value = {base}};
	report_row(&(struct row){.name = name,
				 .title = title,
				 .unit = unit,
				 .ours = &a,
				 .against = against,
				 .base = against ? &b : NULL,
				 .ratio = against ? ratio : RATIO_NONE,
				 .goal = goal});
}

void report_note(const char *format, ...)
{
	va_list arguments;

	if (options.json)
		return;
	va_start(arguments, format);
	printf("    ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
}

/* How busy the machine was: what the figures are worth. */
static double load(void)
{
	double average = 0;

	return getloadavg(&average, 1) == 1 ? average : -1;
}

bool report_close(void)
{
	const char *name;
	json_t *limit;
	bool within = true;

	if (options.json) {
		json_object_set_new(rows, "load", json_real(load()));
		json_dumpf(rows, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		printf("\n");
	} else {
		printf("\n%u not reached; the load was %.1f\n", missed, load());
	}
	json_object_foreach(limits, name, limit)
		within &= is_within_limit(name, limit);
	json_decref(rows);
	json_decref(limits);
	return within;
}
