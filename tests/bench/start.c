/* The start: of a program with a console against the same without, and of the engine of a large one. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { START_ROUNDS = 40, IDLE_MS = 300, IDLE_ROUNDS = 200 };

struct start {
	struct samples until, inside, resident;
};

/* Until the process has had no processor for a while. */
static void await_idle(pid_t pid)
{
	double before = -1;

	for (int i = 0; i < IDLE_ROUNDS; i++) {
		double now = cpu_us(pid);
		if (now - before < 1000)
			return;
		before = now;
		poll(NULL, 0, IDLE_MS);
	}
	die("process %d is never idle", (int)pid);
}

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

void bench_start(void)
{
	bench_program();
	bench_engine();
}
