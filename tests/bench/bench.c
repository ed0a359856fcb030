/* What rtf costs, side by side with what it is compared with, in one run:
 *
 *     bench [--json] [--quick] [--rounds N] [--versions N] [--limits FILE] [PART]...
 *
 * It runs from the top of the source tree, finds programs in $RTF_BUILD (build) and SQLite's source in
 * $RTF_REAL (build/real). With limits only the rows that they name are shown, and one that is over its limit
 * makes the exit status 1. */
#include "parts.h"
#include "report.h"
#include "samples.h"
#include "workshop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{"edits", bench_edits},     {"calls", bench_calls},     {"start", bench_start},
	{"work", bench_work},       {"service", bench_service}, {"growth", bench_growth},
	{"history", bench_history},
};

enum { PARTS = sizeof(parts) / sizeof(*parts) };

static int usage(void)
{
	fprintf(stderr, "usage: bench [--json] [--quick] [--rounds N] [--versions N] [--limits FILE] "
			"[edits|calls|start|work|service|growth|history]...\n");
	return 2;
}

static bool choose(const char *name, bool chosen[PARTS])
{
	for (size_t i = 0; i < PARTS; i++) {
		if (strcmp(parts[i].name, name))
			continue;
		chosen[i] = true;
		return true;
	}
	return false;
}

static bool read_arguments(int argc, char **argv, bool chosen[PARTS])
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			options.json = true;
		else if (!strcmp(argv[i], "--quick"))
			options.rounds = 15, options.slow_rounds = 1, options.versions = 2500;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			options.rounds = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--versions") && i + 1 < argc)
			options.versions = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--limits") && i + 1 < argc)
			options.limits = argv[++i];
		else if (choose(argv[i], chosen))
			any = true;
		else
			return false;
	}
	for (size_t i = 0; i < PARTS; i++)
		chosen[i] |= !any;
	return options.rounds > 1 && options.rounds <= SAMPLES_MAX && options.versions > 0;
}

int main(int argc, char **argv)
{
	bool chosen[PARTS] = {false};

	if (!read_arguments(argc, argv, chosen))
		return usage();
	workshop_open();
	report_open();
	for (size_t i = 0; i < PARTS; i++)
		if (chosen[i])
			parts[i].run();
	bool within = report_close();
	workshop_close();
	return within ? 0 : 1;
}
