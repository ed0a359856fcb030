/* What a long history costs who reads it: a million versions by tests/bench/history.sql, or a fiftieth with --quick. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 1000000, GOAL_US = 10000, FILL_MS = 600000 };

static char *path;
static int versions;

static void start(struct host *h)
{
	host_start(h, "tests/demo/orders", "listening on ");
}

/* The functions that have the versions are known once they were defined. */
static void begin(void)
{
	struct host h;

	start(&h);
	json_decref(host_define(&h, "static double price(struct order *o) { return o->quantity; }"));
	json_decref(host_define(&h, "static const struct item *best_seller(void) { return items; }"));
	host_stop(&h);
}

static void fill(void)
{
	char *command =
		text("(echo '.timeout 60000'; echo 'PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;"
		     " CREATE TEMP TABLE wanted AS SELECT %d AS wanted;'; cat tests/bench/history.sql) | "
		     "sqlite3 -bail %s",
		     versions, path);
	char *output = NULL;

	if (child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, FILL_MS, &output))
		die("the history cannot be filled: %s", output ? output : "");
	free(output);
	free(command);
}

/* A command's answer, or its refusal: both have looked. */
static void measure(struct host *h, const char *name, const char *command)
{
	static struct samples took;
	char *title = text("%s, %d versions", command, versions);

	took.count = 0;
	for (int round = 0; round < options.rounds; round++) {
		double from = clock_us();
		json_decref(host_command(h, command));
		samples_add(&took, clock_us() - from);
	}
	report_row(&(struct row){.name = name, .title = title, .unit = "us", .ours = &took, .goal = GOAL_US});
	free(title);
}

static void time_starts(struct samples *took)
{
	struct host h;

	for (int round = 0; round < options.slow_rounds; round++) {
		double from = clock_us();
		start(&h);
		json_decref(host_command(&h, "\\list"));
		samples_add(took, clock_us() - from);
		host_stop(&h);
	}
}

void bench_history(void)
{
	static struct samples starts, starts_before;
	struct host h;

	versions = options.slow_rounds > 1 ? MANY : MANY / 50; /* --quick */
	path = text("%s/long.db", scratch);
	setenv("RTF_HISTORY", path, 1);
	begin();
	time_starts(&starts_before);
	fill();
	time_starts(&starts);
	char *title = text("start until the first \\list, %d versions", versions);
	report_row(&(struct row){"history_start", title, "us", &starts, "two versions", &starts_before,
				 RATIO_COST, 2, 0});
	free(title);
	start(&h);
	json_decref(host_define(&h, "static double price(struct order *o) { return o->quantity + 1; }"));
	measure(&h, "history_list", "\\list");
	measure(&h, "history_log", "\\log");
	measure(&h, "history_log_name", "\\log price");
	measure(&h, "history_log_faults", "\\log --faults");
	measure(&h, "history_log_since", "\\log --since 1d");
	measure(&h, "history_log_user", "\\log --user grace");
	measure(&h, "history_log_name_user", "\\log price --user grace");
	measure(&h, "history_log_events", "\\log --events");
	measure(&h, "history_diff", "\\diff price");
	host_stop(&h);
	unsetenv("RTF_HISTORY");
	free(path);
}
