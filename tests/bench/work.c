/* The engine's own work, in instructions: on a busy machine the same as on a quiet one. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTED_DEFINITIONS = 10 };

static double read_totals(const char *path)
{
	char *content = child_read_file(path);
	const char *totals = content ? strstr(content, "\ntotals: ") : NULL;

	if (!totals)
		die("callgrind left no totals in %s", path);
	double instructions = strtod(totals + strlen("\ntotals: "), NULL);
	free(content);
	return instructions;
}

/* The index of sqlite3.c from its preprocessed text. */
static void count_reading(void)
{
	struct samples took = {0};
	char *text_file = text("%s/sqlite3.i", scratch), *totals = text("%s/reading.out", scratch);
	char *preprocess = text("gcc -E -dD -w %s/sqlite3/sqlite3.c -o %s", real_folder, text_file);
	char *time = text("%s/tests/bench/reads %s 10", build_folder, text_file);
	char *count = text("valgrind --tool=callgrind --toggle-collect=indexer_read_text --log-file=%s.log "
			   "--callgrind-out-file=%s "
			   "%s/tests/bench/reads %s",
			   totals, totals, build_folder, text_file);

	free(run_command(preprocess));
	char *output = run_command(time);
	for (char *word = strtok(output, "\n"); word; word = strtok(NULL, "\n"))
		samples_add(&took, strtod(word, NULL));
	free(run_command(count));
	report_row(&(struct row){"index_us", "the index of sqlite3.c, preprocessed: CPU", "us", &took, NULL,
				 NULL, RATIO_NONE, 40000, 0});
	report_value("index_instructions", "the same, instructions", "instructions", read_totals(totals),
		     NULL, 0, RATIO_NONE, 0);
	free(output);
	free(count);
	free(time);
	free(preprocess);
	free(totals);
	free(text_file);
}

/* Starts the host with an engine under callgrind, whose instructions in change_define() go to `totals`. */
static void start_counted(struct host *h, const char *totals)
{
	char *engine = text("%s", getenv("RTF_ENGINE")), *wrapper = text("%s/counted-engine", scratch);
	char *script = text(
		"#!/bin/sh\nexec valgrind --tool=callgrind --toggle-collect=change_define --log-file=%s.log "
		"--callgrind-out-file=%s %s \"$@\"\n",
		totals, totals, engine);
	char *allow = text("chmod +x %s", wrapper);

	if (!child_write_file(wrapper, script))
		die("cannot write %s", wrapper);
	free(run_command(allow));
	setenv("RTF_ENGINE", wrapper, 1);
	host_start(h, "tests/demo/orders", "listening on ");
	setenv("RTF_ENGINE", engine, 1);
	free(allow);
	free(script);
	free(wrapper);
	free(engine);
}

/* Definitions of the demo's price(), the first one left out: it warms up. */
static double count_definitions(int definitions)
{
	char *source = child_read_file("tests/demo/orders.c"),
	     *totals = text("%s/definitions%d.out", scratch, definitions);
	char *function = source ? child_cut_function(source, "static double price(") : NULL;
	struct host h;

	if (!function)
		die("tests/demo/orders.c has no price");
	start_counted(&h, totals);
	json_decref(host_command(&h, "\\list")); /* every source is read now, and by no definition */
	for (int i = 1; i <= definitions; i++) {
		char *new = text("return %d + with_tax(", i),
		     *definition = child_replace(function, "return with_tax(", new);
		json_decref(host_define(&h, definition));
		free(definition);
		free(new);
	}
	host_stop(&h); /* the engine writes its account at its end */
	double instructions = read_totals(totals);
	free(function);
	free(totals);
	free(source);
	return instructions;
}

void bench_work(void)
{
	count_reading();
	if (!report_wants("definition_instructions"))
		return;
	double one = count_definitions(1), more = count_definitions(1 + COUNTED_DEFINITIONS);
	report_value("definition_instructions", "a redefinition of price(), the engine", "instructions",
		     (more - one) / COUNTED_DEFINITIONS, NULL, 0, RATIO_NONE, 0);
}
