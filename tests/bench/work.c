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

/* A function that is redefined again and again: `old` of its text becomes `new`, in which ROUND is a number. */
struct counted {
	const char *row, *title;
	const char *host, *ready; /* the program */
	const char *file, *head, *old, *new;
	const char *look; /* a command that needs its source to be read */
};

/* Starts the host with an engine under callgrind, whose instructions in each change_define() go to `totals`.1, .2 and so on. */
static void start_counted(const struct counted *c, struct host *h, const char *totals)
{
	char *engine = text("%s", getenv("RTF_ENGINE")), *wrapper = text("%s/counted-engine", scratch);
	char *script =
		text("#!/bin/sh\nexec valgrind --tool=callgrind --toggle-collect=change_define "
		     "--dump-after=change_define --log-file=%s.log --callgrind-out-file=%s %s \"$@\"\n",
		     totals, totals, engine);
	char *allow = text("chmod +x %s", wrapper);

	if (!child_write_file(wrapper, script))
		die("cannot write %s", wrapper);
	free(run_command(allow));
	setenv("RTF_ENGINE", wrapper, 1);
	host_start(h, c->host, c->ready);
	setenv("RTF_ENGINE", engine, 1);
	free(allow);
	free(script);
	free(wrapper);
	free(engine);
}

/* The mean of those behind the first, which alone may have to do what is done once for a file: when it comes to that before the
 * first definition is a matter of time. */
static double count_definitions(const struct counted *c)
{
	char *source = child_read_file(c->file), *totals = text("%s/%s.out", scratch, c->row);
	char *function = source ? child_cut_function(source, c->head) : NULL;
	double instructions = 0;
	struct host h;

	if (!function)
		die("%s has no \"%s\"", c->file, c->head);
	start_counted(c, &h, totals);
	json_decref(host_command(&h, c->look)); /* its source is read now, and by no definition */
	for (int i = 0; i <= COUNTED_DEFINITIONS; i++) {
		char *number = text("%d", i + 1), *new = child_replace(c->new, "ROUND", number),
		     *definition = child_replace(function, c->old, new);
		json_decref(host_define(&h, definition));
		free(definition);
		free(new);
		free(number);
	}
	host_stop(&h); /* the engine has written all of its account at its end */
	for (int i = 1; i <= COUNTED_DEFINITIONS; i++) {
		char *path = text("%s.%d", totals, i + 1);
		instructions += read_totals(path) / COUNTED_DEFINITIONS;
		free(path);
	}
	free(function);
	free(totals);
	free(source);
	return instructions;
}

static void count(const struct counted *c)
{
	if (report_wants(c->row))
		report_value(c->row, c->title, "instructions", count_definitions(c), NULL, 0, RATIO_NONE, 0);
}

void bench_work(void)
{
	char *sqlite = text("%s/sqlite3/sqlite3.c", real_folder);

	count_reading();
	count(&(struct counted){.row = "definition_instructions",
				.title = "a redefinition of price(), the engine",
				.host = "tests/demo/orders",
				.ready = "listening on ",
				.file = "tests/demo/orders.c",
				.head = "static double price(",
				.old = "return with_tax(",
				.new = "return ROUND + with_tax(",
				.look = "\\slice price"});
	/* Of a file of 269,000 lines, of which it needs 380. */
	count(&(struct counted){.row = "definition_instructions_sqlite",
				.title = "a redefinition of substrFunc(), the engine",
				.host = "tests/real/sqlite_host",
				.ready = "ready",
				.file = sqlite,
				.head = "static void substrFunc(",
				.old = "p1 = sqlite3_value_int64(argv[1]);",
				.new = "p1 = sqlite3_value_int64(argv[1]) + (ROUND > 0);",
				.look = "\\slice substrFunc"});
	free(sqlite);
}
