/* Calls: of a plain function, of a decorated one, of one that was redefined; in time and in instructions. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALLS = 20000000,       /* for a time */
	COUNTED_CALLS = 100000, /* for instructions: callgrind is 50 times slower, and exact */
	CALL_ROUNDS = 15,
	MIX_ROUNDS = 2000,
	COUNTED_MIX_ROUNDS = 100,
};

static const char decorated[] = "int decorated(int n)\n{\n\treturn n + 1;\n}\n";

/* As in calls.c, where the same text was compiled along with the program. */
static const char mix[] =
	"unsigned mix(unsigned rounds)\n"
	"{\n"
	"	unsigned sum = 0;\n"
	"\n"
	"	for (unsigned round = 0; round < rounds; round++) {\n"
	"		for (unsigned i = 0; i < CELLS; i++) {\n"
	"			cells[i] = cells[i] * factor + (cells[(i + 7) % CELLS] >> 5);\n"
	"			sum += cells[i] ^ round;\n"
	"		}\n"
	"	}\n"
	"	return sum;\n"
	"}\n";

static double call(struct host *h, const char *which, long count)
{
	char *line = text("%s %ld", which, count);
	double ns = strtod(host_ask(h, line), NULL);

	free(line);
	return ns;
}

static void measure(struct host *h, const char *which, long count, struct samples *s)
{
	for (int i = 0; i < CALL_ROUNDS; i++)
		samples_add(s, call(h, which, count));
}

/* Redefined, and by the program's own compiler again: what stays. */
static void define_optimised(struct host *h, const char *function, const char *definition)
{
	json_decref(host_define(h, definition));
	json_decref(host_event(h, "optimised", function));
}

static void measure_times(void)
{
	static struct samples plain, as_built, first, redefined, mix_plain, mix_first, mix_redefined;
	const char *against = "plain, not inlined", *built = "as the program was compiled, -O2";
	struct host h;

	host_start(&h, "tests/bench/calls", "ready");
	for (int i = 0; i < CALL_ROUNDS; i++) { /* in turn: what disturbs disturbs both */
		samples_add(&plain, call(&h, "plain", CALLS));
		samples_add(&as_built, call(&h, "decorated", CALLS));
	}
	json_decref(host_define(&h, mix));
	measure(&h, "mix", MIX_ROUNDS / 10, &mix_first);
	json_decref(host_event(&h, "optimised", "mix"));
	json_decref(host_define(&h, decorated));
	measure(&h, "decorated", CALLS / 10, &first);
	json_decref(host_event(&h, "optimised", "decorated"));
	for (int i = 0; i < CALL_ROUNDS; i++) {
		samples_add(&redefined, call(&h, "decorated", CALLS));
		samples_add(&mix_plain, call(&h, "mix_plain", MIX_ROUNDS));
		samples_add(&mix_redefined, call(&h, "mix", MIX_ROUNDS));
	}
	host_stop(&h);

	report_row(&(struct row){"call_decorated_ns", "a call, decorated", "ns", &as_built, against, &plain,
				 RATIO_MORE, 1, 0});
	report_row(&(struct row){"call_tcc_ns", "a call, redefined, libtcc's code", "ns", &first, against,
				 &plain, RATIO_MORE, 0, 0});
	report_row(&(struct row){"call_redefined_ns", "a call, redefined, optimised", "ns", &redefined,
				 against, &plain, RATIO_MORE, 1, 0});
	report_row(&(struct row){"loop_tcc", "a loop, redefined, libtcc's code", "ns", &mix_first, built,
				 &mix_plain, RATIO_COST, 0, 0});
	report_row(&(struct row){"loop_optimised", "a loop, redefined, optimised", "ns", &mix_redefined,
				 built, &mix_plain, RATIO_COST, 1.05, 0});
}

/* --- instructions --------------------------------------------------------------------------------------- */

struct counter {
	struct host host;
	char *prefix;
	int dumps;
};

/* Instructions of one round of the calls that are made now. */
static double count(struct counter *c, const char *which, long rounds)
{
	static const char label[] = "\ntotals: ";

	call(&c->host, which, rounds);
	char *path = text("%s.%d", c->prefix, ++c->dumps), *content = child_read_file(path);
	const char *totals = content ? strstr(content, label) : NULL;
	if (!totals)
		die("callgrind left no totals in %s", path);
	double instructions = strtod(totals + strlen(label), NULL) / (double)rounds;
	free(content);
	free(path);
	return instructions;
}

static void count_instructions(void)
{
	struct counter c = {.prefix = text("%s/callgrind.out", scratch)};
	char *calls = text("%s/tests/bench/calls", build_folder), *socket = text("%s/counted.sock", scratch);
	char *option = text("--callgrind-out-file=%s", c.prefix),
	     *log = text("--log-file=%s/callgrind.log", scratch);
	const char *against = "plain, not inlined";

	host_start_command(
		&c.host,
		(const char *const[]){"valgrind", "--tool=callgrind", log, option, calls, socket, NULL},
		"ready");
	define_optimised(&c.host, "mix", mix);
	json_decref(host_define(&c.host, decorated));
	double first = count(&c, "decorated", COUNTED_CALLS);
	json_decref(host_event(&c.host, "optimised", "decorated"));
	double redefined = count(&c, "decorated", COUNTED_CALLS);
	double loop = count(&c, "mix", COUNTED_MIX_ROUNDS),
	       loop_plain = count(&c, "mix_plain", COUNTED_MIX_ROUNDS);
	json_decref(host_command(&c.host, "\\rollback decorated 0"));
	double as_built = count(&c, "decorated", COUNTED_CALLS), plain = count(&c, "plain", COUNTED_CALLS);
	host_stop(&c.host);

	report_value("call_decorated_instructions", "a call, decorated", "instructions", as_built, against,
		     plain, RATIO_MORE, 1.01);
	report_value("call_tcc_instructions", "a call, redefined, libtcc's code", "instructions", first,
		     against, plain, RATIO_MORE, 0);
	report_value("call_redefined_instructions", "a call, redefined, optimised", "instructions", redefined,
		     against, plain, RATIO_MORE, 1.01);
	report_value("loop_instructions", "a loop, redefined, optimised", "instructions", loop,
		     "as the program was compiled, -O2", loop_plain, RATIO_COST, 1.05);
	free(log);
	free(option);
	free(socket);
	free(calls);
	free(c.prefix);
}

/* Once all sources are read calls wait for saves. */
static void await_strict(struct host *h)
{
	for (bool reading = true; reading;) {
		json_t *answer = host_command(h, "\\status");
		reading = json_integer_value(json_object_get(json_object_get(answer, "data"), "to_read"));
		json_decref(answer);
	}
	json_decref(host_command(h, "\\status")); /* between two of them the entries are made strict */
}

/* What the strict promise costs a call that has nothing to wait for. */
static void measure_strict(void)
{
	static struct samples plain, strict;
	char *calls = text("%s/tests/bench/calls", build_folder), *socket = text("%s/strict.sock", scratch);
	struct host h;

	host_start_command(&h, (const char *const[]){calls, "strict", socket, NULL}, "ready");
	await_strict(&h);
	for (int i = 0; i < CALL_ROUNDS; i++) {
		samples_add(&plain, call(&h, "plain", CALLS));
		samples_add(&strict, call(&h, "decorated", CALLS / 10));
	}
	host_stop(&h);
	report_row(&(struct row){"call_strict_ns", "a call, decorated, strict: waits for saves", "ns",
				 &strict, "plain, not inlined", &plain, RATIO_MORE, 0, 0});
	free(socket);
	free(calls);
}

void bench_calls(void)
{
	if (report_wants("call_decorated_ns"))
		measure_times();
	if (report_wants("call_strict_ns"))
		measure_strict();
	count_instructions();
}
