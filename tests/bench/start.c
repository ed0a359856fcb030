/* The start: of a program with a console against the same without, and of the engine of a large one; the first edit behind it. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

enum { START_ROUNDS = 40 };

struct start {
	struct samples until, inside, resident;
};

static void start_once(const char *name, bool console, struct start *s)
{
	struct host h = {0};
	double until, inside, begin = clock_us();

	if (console) {
		host_start(&h, name, "ready");
	} else {
		char *path = text("%s/%s", build_folder, name);
		if (!child_start(&h.program, (const char *const[]){path, NULL}) ||
		    !child_read_until(&h.program, "ready", DEADLINE_MS, h.ready, sizeof(h.ready)))
			die("%s did not start", path);
		free(path);
	}
	if (sscanf(h.ready, "ready %lf %lf", &until, &inside) != 2)
		die("%s said %s", name, h.ready);
	samples_add(&s->until, until / 1000 - begin);
	samples_add(&s->inside, inside / 1000);
	samples_add(&s->resident, private_bytes(h.program.pid));
	if (console)
		host_stop(&h);
	else
		child_stop(&h.program, STOP_MS);
}

static void bench_program(void)
{
	static struct start with, without;

	for (int i = 0; i < START_ROUNDS; i++) {
		start_once("tests/bench/starts", true, &with);
		start_once("tests/bench/starts_plain", false, &without);
	}
	report_row(&(struct row){"start_until", "exec to main's first line after rtf_start", "us",
				 &with.until, "the same program without rtf", &without.until, RATIO_MORE,
				 1000, 0});
	report_row(&(struct row){"start_inside", "rtf_start alone", "us", &with.inside, NULL, NULL,
				 RATIO_NONE, 1000, 0});
	report_row(&(struct row){"start_resident", "the program's own memory, engine connected", "bytes",
				 &with.resident, "the same program without rtf", &without.resident,
				 RATIO_MORE, 256 * 1024, 0});
}

static void bench_engine(void)
{
	struct samples ready = {0};
	struct host h;
	char *file = text("%s/sqlite3/sqlite3.c", real_folder), *source = child_read_file(file);
	char *definition = source ? child_cut_function(source, "static void hexFunc(") : NULL;

	if (!definition)
		die("%s has no hexFunc", file);
	for (int i = 0; i < options.slow_rounds; i++) {
		double begin = clock_us();
		host_start(&h, "tests/real/sqlite_host", "ready");
		json_decref(host_define(&h, definition));
		samples_add(&ready, clock_us() - begin);
		if (i + 1 < options.slow_rounds)
			host_stop(&h);
	}
	await_idle(h.engine);
	report_row(&(struct row){"engine_ready", "exec to the first redefinition, sqlite3.c", "us", &ready,
				 NULL, NULL, RATIO_NONE, 3e6, 0});
	report_value("engine_resident", "the engine, idle, sqlite3.c indexed", "bytes",
		     resident_bytes(h.engine), NULL, 0, RATIO_NONE, 200 << 20);
	host_stop(&h);
	free(definition);
	free(source);
	free(file);
}

/* --- the first edit ----------------------------------------------------------------------------------------------------- */

enum { FIRST_ROUNDS = 5 };

/* At once, as a script does it, and when the engine has done what it does at the start, as a person does. */
static void bench_first_edit(void)
{
	struct samples soon = {0}, first = {0}, next = {0};
	char *source = child_read_file("tests/demo/orders.c");
	char *price = source ? child_cut_function(source, "static double price(struct order *o)\n{") : NULL;
	int rounds = options.slow_rounds < FIRST_ROUNDS ? options.slow_rounds : FIRST_ROUNDS, serial = 0;
	struct host h;

	if (!price)
		die("tests/demo/orders.c has no price");
	for (int i = 0; i < rounds; i++) {
		double begin = clock_us();
		host_start(&h, "tests/demo/orders", "listening on ");
		host_define_price(&h, price, ++serial);
		samples_add(&soon, clock_us() - begin);
		host_stop(&h);
		host_start(&h, "tests/demo/orders", "listening on ");
		await_idle(h.engine);
		samples_add(&first, host_define_price(&h, price, ++serial));
		samples_add(&next, host_define_price(&h, price, ++serial));
		host_stop(&h);
	}
	report_row(&(struct row){"first_edit", "prompt to live, the first edit of price()", "us", &first,
				 "the second one", &next, RATIO_COST, 5, 0});
	report_row(&(struct row){"first_edit_at_once", "exec to the first redefinition, price()", "us", &soon,
				 NULL, NULL, RATIO_NONE, 5e5, 0});
	free(price);
	free(source);
}

void bench_start(void)
{
	bench_program();
	bench_first_edit();
	bench_engine();
}
