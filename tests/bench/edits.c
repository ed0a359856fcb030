/* One edit of a function, several ways, side by side in one run; no text is the same twice. */
#include "host.h"
#include "parts.h"
#include "report.h"

#include <dlfcn.h>
#include <libtcc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A function, and how its text is made new each time: `old` becomes `new`, in which ROUND is a number. */
struct edit {
	const char *group;
	const char *host, *ready; /* the program */
	const char *file;         /* of its source */
	const char *function, *head;
	const char *old, *new;
	const char *compile; /* gcc's further arguments: how the file becomes a shared object */
	const char *flags;   /* RTF_CFLAGS where the source stands elsewhere */
	double prompt_goal, save_goal, median_goal;
};

struct costs {
	struct samples live, inside, first, back, saved, shared, slice, times, whole;
	char backend[16]; /* of the last version */
};

static char *edit_text(const struct edit *e, const char *original, int round)
{
	char number[32];

	snprintf(number, sizeof(number), "%d", round);
	char *new = child_replace(e->new, "ROUND", number);
	char *result = child_replace(original, e->old, new);
	if (!result)
		die("%s is not as expected: no \"%s\"", e->function, e->old);
	free(new);
	return result;
}

/* --- libtcc alone --------------------------------------------------------------------------------------- */

static void ignore_warning(void *closure, const char *message)
{
	(void)closure, (void)message;
}

static void measure_tcc(const char *options_text, const char *code, int count, struct samples *s)
{
	char *object = text("%s/alone.o", scratch);

	for (int round = 1; round <= count; round++) {
		double begin = clock_us();
		TCCState *tcc = tcc_new();

		tcc_set_error_func(tcc, NULL, ignore_warning);
		tcc_set_options(tcc, options_text);
		tcc_set_output_type(tcc, TCC_OUTPUT_OBJ);
		if (tcc_compile_string(tcc, code) || tcc_output_file(tcc, object))
			die("libtcc does not take the text");
		tcc_delete(tcc);
		samples_add(s, clock_us() - begin);
		unlink(object);
	}
	free(object);
}

static char *ask_slice(struct host *h, const char *function)
{
	char *command = text("\\slice %s", function);
	json_t *answer = host_command(h, command);
	const char *slice = json_string_value(json_object_get(json_object_get(answer, "data"), "text"));

	if (!slice)
		die("%s gave no text", command);
	char *copy = text("%s", slice);
	json_decref(answer);
	free(command);
	return copy;
}

/* --- with rtf ------------------------------------------------------------------------------------------- */

static void note_result(json_t *result, struct costs *costs)
{
	const char *backend = json_string_value(json_object_get(result, "backend"));

	samples_add(&costs->inside,
		    json_number_value(json_object_get(json_object_get(result, "latency_us"), "total")));
	snprintf(costs->backend, sizeof(costs->backend), "%s", backend ? backend : "?");
}

/* The engine's work and libtcc's by turns: each comes to a machine that has just done something else. */
static char *measure_prompt(const struct edit *e, const char *function, struct host *h, struct costs *costs)
{
	char *slice = NULL;

	for (int round = 1; round <= options.rounds + 1; round++) {
		char *definition = edit_text(e, function, round);
		double begin = clock_us();
		json_t *result = host_define(h, definition);
		double took = clock_us() - begin;

		/* The first may also wait until the file's declarations are known. */
		samples_add(round == 1 ? &costs->first : &costs->live, took);
		if (round > 1) {
			note_result(result, costs);
			measure_tcc("-nostdlib -nostdinc", slice, 1, &costs->slice);
			samples_add(&costs->times,
				    costs->inside.value[round - 2] / costs->slice.value[round - 2]);
		} else {
			slice = ask_slice(h, e->function);
		}
		json_decref(result);
		free(definition);
	}
	return slice;
}

static void measure_rollback(const struct edit *e, struct host *h, struct costs *costs)
{
	for (int round = 1; round <= options.rounds; round++) {
		char *command = text("\\rollback %s %d", e->function, 1 + round % 2);
		double begin = clock_us();
		json_t *answer = host_command(h, command);

		samples_add(&costs->back, clock_us() - begin);
		json_decref(answer);
		free(command);
	}
}

/* Saves the edited file where the running program's source stands, and waits until that is live. */
static void measure_saves(const struct edit *e, const char *source, struct costs *costs)
{
	struct host h;
	const char *slash = strrchr(e->file, '/');
	char *folder = text("%s/%s", scratch, e->group), *file = text("%s/%s", folder, slash + 1);
	char *original = text("%.*s", (int)(slash - e->file), e->file), *absolute = realpath(original, NULL);
	char *copy = text("cp -a %s %s", absolute, folder), *root = text("%s=%s", absolute, folder);

	free(run_command(copy));
	setenv("RTF_SOURCE_ROOT", root, 1);
	setenv("RTF_CFLAGS", e->flags, 1);
	host_start(&h, e->host, e->ready);
	char *warm_up = text("\\source %s", e->function);
	json_decref(host_command(&h, warm_up));
	for (int round = 1; round <= options.rounds + 1; round++) {
		char *edited = edit_text(e, source, round),
		     *wait = text("\\wait %s %d 60", e->function, round);
		if (!child_write_file(file, edited))
			die("cannot write %s", file);
		double begin = clock_us();
		json_decref(host_command(&h, wait));
		if (round > 1)
			samples_add(&costs->saved, clock_us() - begin);
		free(wait);
		free(edited);
	}
	host_stop(&h);
	unsetenv("RTF_SOURCE_ROOT");
	unsetenv("RTF_CFLAGS");
	free(warm_up);
	free(root);
	free(copy);
	free(absolute);
	free(original);
	free(file);
	free(folder);
}

/* --- without it ----------------------------------------------------------------------------------------- */

/* The file is saved, compiled whole as a shared object and loaded. */
static void measure_shared(const struct edit *e, const char *source, int count, struct costs *costs)
{
	for (int round = 1; round <= count; round++) {
		char *edited = edit_text(e, source, round);
		char *file = text("%s/%s%d.c", scratch, e->group, round);
		char *object = text("%s/%s%d.so", scratch, e->group, round);
		char *command = text("gcc -O0 -g -w -shared -fPIC -o %s %s %s", object, file, e->compile);
		double begin = clock_us();

		if (!child_write_file(file, edited))
			die("cannot write %s", file);
		free(run_command(command));
		void *loaded = dlopen(object, RTLD_NOW | RTLD_LOCAL);
		if (!loaded)
			die("%s", dlerror());
		samples_add(&costs->shared, clock_us() - begin);

		unlink(file);
		unlink(object);
		free(command);
		free(object);
		free(file);
		free(edited);
	}
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static unsigned count_lines(const char *of)
{
	unsigned lines = 0;

	for (; *of; of++)
		lines += *of == '\n';
	return lines;
}

static void report(const struct edit *e, struct costs *c, const char *source, const char *slice)
{
	char *prompt =
		text("prompt to live, %s() of %u lines (%s)", e->function, count_lines(source), c->backend);
	char *first = text("the first edit of %s()", e->function),
	     *engine = text("the engine's work for %s()", e->function);
	char *save = text("save to live, %s()", e->function),
	     *alone = text("libtcc alone, its slice of %u lines", count_lines(slice));
	char *back = text("rollback in memory, %s()", e->function);
	char *names[] = {text("prompt_%s", e->group),   text("first_%s", e->group),
			 text("engine_%s", e->group),   text("save_%s", e->group),
			 text("rollback_%s", e->group), text("prompt_%s_tcc", e->group)};
	const char *shared = "gcc -O0 -g -shared of the file, dlopen";

	report_row(&(struct row){names[0], prompt, "us", &c->live, shared, &c->shared, RATIO_FASTER,
				 e->prompt_goal, e->median_goal});
	report_row(&(struct row){names[1], first, "us", &c->first, shared, &c->shared, RATIO_FASTER, 0, 0});
	report_row(&(struct row){names[5], prompt, "us", &c->live, "libtcc alone, the whole file", &c->whole,
				 RATIO_FASTER, 10, 0});
	report_row(&(struct row){names[3], save, "us", &c->saved, shared, &c->shared, RATIO_FASTER,
				 e->save_goal, 0});
	report_pairs(&(struct row){names[2], engine, "us", &c->inside, alone, &c->slice, RATIO_COST, 8, 0},
		     &c->times);
	report_row(&(struct row){names[4], back, "us", &c->back, NULL, NULL, RATIO_NONE, 1000, 0});
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		free(names[i]);
	free(prompt);
	free(first);
	free(engine);
	free(save);
	free(alone);
	free(back);
}

/* `small`: another function of the same file, of which gcc takes the same time. */
static void measure(const struct edit *e, struct host *h, int shared_rounds, struct costs *costs)
{
	char *source = child_read_file(e->file);
	char *function = source ? child_cut_function(source, e->head) : NULL;

	if (!function)
		die("%s has no %s", e->file, e->function);
	char *slice = measure_prompt(e, function, h, costs);
	measure_rollback(e, h, costs);
	if (shared_rounds)
		measure_shared(e, source, shared_rounds, costs);
	if (e->save_goal)
		measure_saves(e, source, costs);
	report(e, costs, source, slice);
	free(slice);
	free(function);
	free(source);
}

static void require_answer(const char *what, const char *answer, const char *part)
{
	if (!strstr(answer, part))
		die("%s: expected %s, got %s", what, part, answer);
}

static void bench_demo(void)
{
	static const struct edit e = {
		.group = "demo",
		.host = "tests/demo/orders",
		.ready = "listening on ",
		.file = "tests/demo/orders.c",
		.function = "price",
		.head = "static double price(",
		.old = "return with_tax(",
		.new = "return ROUND + with_tax(",
		.compile = "-DRTF_DISABLE -Icore -Itests/demo -lmicrohttpd",
		.flags = "-Icore",
		.prompt_goal = 30,
		.save_goal = 5,
		.median_goal = 4000,
	};
	static struct costs costs;
	struct host h;

	host_start(&h, e.host, e.ready);
	measure(&e, &h, options.rounds / 2 + 1, &costs);

	/* What was measured must also be true: version 1 or 2 answers, by the last rollback. */
	char *command =
		text("curl -sS --noproxy '*' 'http://%s/price?item=tea&qty=1'", h.ready + strlen(e.ready));
	char *expected = text("\"price\":%d.00", 3 + 1 + options.rounds % 2), *output = run_command(command);
	require_answer(command, output, expected);
	free(output);
	free(expected);
	free(command);
	host_stop(&h);
}

/* libtcc comes without headers of its own: gcc's do. */
static void measure_whole(const char *file, struct samples *s)
{
	char *own = run_command("gcc -print-file-name=include"),
	     *triplet = run_command("gcc -print-multiarch");
	char *code = child_read_file(file);

	if (!code)
		die("cannot read %s", file);
	own[strcspn(own, "\n")] = triplet[strcspn(triplet, "\n")] = '\0';
	char *options_text = text("-w -nostdinc -I%s -I/usr/include/%s -I/usr/include", own, triplet);
	measure_tcc(options_text, code, options.slow_rounds * 3, s);
	free(options_text);
	free(code);
	free(triplet);
	free(own);
}

static void bench_sqlite(void)
{
	char *file = text("%s/sqlite3/sqlite3.c", real_folder);
	const struct edit e = {
		.group = "sqlite",
		.host = "tests/real/sqlite_host",
		.ready = "ready",
		.file = file,
		.function = "substrFunc",
		.head = "static void substrFunc(",
		.old = "p1 = sqlite3_value_int64(argv[1]);",
		.new = "p1 = sqlite3_value_int64(argv[1]) + (ROUND > 0);",
		.compile = "-lm",
		.flags = "",
		.prompt_goal = 500,
		.save_goal = 40,
	};
	const struct edit small = {
		.group = "sqlite_small",
		.file = file,
		.function = "hexFunc",
		.head = "static void hexFunc(",
		.old = "n = sqlite3_value_bytes(argv[0]);",
		.new = "n = sqlite3_value_bytes(argv[0]) + 0 * ROUND;",
		.prompt_goal = 500,
	};
	static struct costs costs, small_costs;
	struct host h;

	measure_whole(file, &costs.whole);
	host_start(&h, e.host, e.ready);
	measure(&e, &h, options.slow_rounds, &costs);
	small_costs.shared = costs.shared; /* of the same file gcc takes the same time */
	measure(&small, &h, 0, &small_costs);
	require_answer("substr", host_ask(&h, "select substr('hello', 2, 3)"), "llo");
	host_stop(&h);
	free(file);
}

void bench_edits(void)
{
	bench_demo();
	bench_sqlite();
}
