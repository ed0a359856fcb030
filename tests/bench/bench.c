/* What an edit and a call cost, side by side, in one run: bench [--json] [--rounds N]
 *
 * For one function of the demo and one of SQLite: from the prompt's text to the answer that it is live
 * (one round trip over an open connection), against the same edit of the same file by `gcc -O0 -g -shared`
 * and dlopen(), and against libtcc alone on the text that rtf gives it. Then: what a call of a plain, a
 * decorated and a redefined function costs. No text is the same twice. Programs are found in $RTF_BUILD
 * (build), SQLite's source in $RTF_REAL (build/real). It runs from the top of the source tree. */
#include "../real/child.h"

#include <dlfcn.h>
#include <jansson.h>
#include <libtcc.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	DEADLINE_MS = 180000,
	STOP_MS = 10000,
	SAMPLES_MAX = 1000,
	CALLS = 20000000,       /* for a time */
	COUNTED_CALLS = 100000, /* for instructions: callgrind is 50 times slower, and exact */
	CALL_ROUNDS = 15,
	SLOW_ROUNDS = 3, /* gcc on sqlite3.c takes seconds */
};

static int rounds = 50;
static const char *build_folder, *real_folder;
static char *scratch;

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	child_directory_remove(scratch);
	exit(1); /* what was started dies with us */
}

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	if (vasprintf(&result, format, arguments) < 0)
		die("no memory");
	va_end(arguments);
	return result;
}

static double clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

/* --- samples -------------------------------------------------------------------------------------------- */

struct samples {
	size_t count;
	double value[SAMPLES_MAX];
};

static void samples_add(struct samples *s, double value)
{
	if (s->count < SAMPLES_MAX)
		s->value[s->count++] = value;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The nearest-rank percentile. */
static double samples_percentile(struct samples *s, double percent)
{
	if (!s->count)
		return NAN;
	qsort(s->value, s->count, sizeof(s->value[0]), by_value);
	size_t rank = (size_t)ceil(percent / 100 * s->count);
	return s->value[rank ? rank - 1 : 0];
}

static double samples_median(struct samples *s)
{
	return samples_percentile(s, 50);
}

/* --- what is printed ------------------------------------------------------------------------------------ */

static bool as_json;
static json_t *report;

static void print_heading(const char *title, const char *unit, const char *against)
{
	char median[32], p95[32];

	snprintf(median, sizeof(median), "median %s", unit);
	snprintf(p95, sizeof(p95), "p95 %s", unit);
	if (!as_json)
		printf("\n%-50s %11s %11s %6s %10s\n", title, median, p95, "runs", against);
}

/* One row: also report[group][name]. `base` is the median of what it is compared with. */
static void print_row(const char *group, const char *name, const char *title, struct samples *s, double base)
{
	if (!s->count)
		return;
	double median = samples_median(s), p95 = samples_percentile(s, 95), ratio = median / base;
	json_t *in = json_object_get(report, group);

	if (!in)
		json_object_set_new(report, group, in = json_object());
	json_object_set_new(in, name,
			    json_pack("{s:f, s:f, s:I, s:f}", "median", median, "p95", p95, "runs",
				      (json_int_t)s->count, "ratio", ratio));
	if (!as_json)
		printf("  %-48s %11.2f %11.2f %6zu %9.*fx\n", title, median, p95, s->count,
		       ratio < 0.1 ? 4 : 2, ratio);
	fflush(stdout);
}

/* --- a console connection, as an editor would have it --------------------------------------------------- */

struct connection {
	struct child stream; /* for its line buffer: a connection, not a process */
	int serial;
};

/* The answer with that id; events, which have none, are passed over. */
static json_t *connection_receive(struct connection *c, int id)
{
	static char line[CHILD_LINE_MAX];

	while (child_read_line(&c->stream, DEADLINE_MS, line, sizeof(line))) {
		json_t *answer = json_loads(line, 0, NULL);
		json_t *got = json_object_get(answer, "id");

		if (json_is_integer(got) && json_integer_value(got) == id)
			return answer;
		json_decref(answer);
	}
	die("the console gave no answer to request %d", id);
}

static void connection_open(struct connection *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*c = (struct connection){0};
	if (strlen(path) >= sizeof(address.sun_path))
		die("the path is too long for a socket: %s", path);
	strcpy(address.sun_path, path);
	c->stream.input = c->stream.output = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->stream.output, (struct sockaddr *)&address, sizeof(address)))
		die("cannot connect to %s", path);
	child_send(&c->stream, "{\"id\":0,\"hello\":{\"version\":1,\"text\":false}}\n");
	json_decref(connection_receive(c, 0));
}

static void connection_close(struct connection *c)
{
	close(c->stream.output);
	free(c->stream.buffer);
}

/* The whole answer, the caller's; a refused command ends the run. */
static json_t *connection_command(struct connection *c, const char *command)
{
	int id = ++c->serial;
	json_t *request = json_pack("{s:i, s:s}", "id", id, "command", command);
	char *line = json_dumps(request, JSON_COMPACT);

	child_send(&c->stream, line);
	child_send(&c->stream, "\n");
	free(line);
	json_decref(request);

	json_t *answer = connection_receive(c, id);
	if (!json_is_true(json_object_get(answer, "ok")))
		die("refused: %s\n%s", command, json_dumps(answer, JSON_INDENT(2)));
	return answer;
}

/* --- one edit, three ways ------------------------------------------------------------------------------- */

/* A function, and how its text is made a new one each time: `old` becomes `new`, in which ROUND is a
 * number. */
struct edit {
	const char *group;
	const char *file; /* of its source */
	const char *function, *head;
	const char *old, *new;
	const char *compile; /* gcc's further arguments: how the file becomes a shared object */
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

struct costs {
	struct samples live, inside, first, shared, tcc;
	char backend[16]; /* of the last version */
};

/* What the engine says of its own work. */
static void note_answer(json_t *answer, struct costs *costs)
{
	json_t *defined = json_array_get(json_object_get(answer, "data"), 0);
	const char *backend = json_string_value(json_object_get(defined, "backend"));

	samples_add(&costs->inside,
		    json_number_value(json_object_get(json_object_get(defined, "latency_us"), "total")));
	snprintf(costs->backend, sizeof(costs->backend), "%s", backend ? backend : "?");
}

static void measure_console(const struct edit *e, const char *function, struct connection *c,
			    struct costs *costs)
{
	for (int round = 1; round <= rounds + 1; round++) {
		char *definition = edit_text(e, function, round);
		double begin = clock_us();
		json_t *answer = connection_command(c, definition);
		double took = clock_us() - begin;

		/* The first may also wait until the file's declarations are known. */
		samples_add(round == 1 ? &costs->first : &costs->live, took);
		if (round > 1)
			note_answer(answer, costs);
		json_decref(answer);
		free(definition);
	}
}

/* The edit without rtf: the file is saved, compiled whole as a shared object and loaded. */
static void measure_shared(const struct edit *e, const char *source, int count, struct costs *costs)
{
	for (int round = 1; round <= count; round++) {
		char *edited = edit_text(e, source, round);
		char *file = text("%s/%s%d.c", scratch, e->group, round);
		char *object = text("%s/%s%d.so", scratch, e->group, round);
		char *command = text("gcc -O0 -g -w -shared -fPIC -o %s %s %s", object, file, e->compile);
		char *output = NULL;
		double begin = clock_us();

		if (!child_write_file(file, edited))
			die("cannot write %s", file);
		if (child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, DEADLINE_MS, &output))
			die("%s\n%s", command, output);
		void *loaded = dlopen(object, RTLD_NOW | RTLD_LOCAL);
		if (!loaded)
			die("%s", dlerror());
		samples_add(&costs->shared, clock_us() - begin);

		unlink(file);
		unlink(object);
		free(output);
		free(command);
		free(object);
		free(file);
		free(edited);
	}
}

static void ignore_warning(void *closure, const char *message)
{
	(void)closure, (void)message;
}

static void measure_tcc(const char *slice, struct costs *costs)
{
	char *object = text("%s/slice.o", scratch);

	for (int round = 1; round <= rounds; round++) {
		double begin = clock_us();
		TCCState *tcc = tcc_new();

		tcc_set_error_func(tcc, NULL, ignore_warning);
		tcc_set_options(tcc, "-nostdlib -nostdinc");
		tcc_set_output_type(tcc, TCC_OUTPUT_OBJ);
		if (tcc_compile_string(tcc, slice) || tcc_output_file(tcc, object))
			die("libtcc does not take the slice");
		tcc_delete(tcc);
		samples_add(&costs->tcc, clock_us() - begin);
		unlink(object);
	}
	free(object);
}

static char *ask_slice(struct connection *c, const char *function)
{
	char *command = text("\\slice %s", function);
	json_t *answer = connection_command(c, command);
	const char *slice = json_string_value(json_object_get(json_object_get(answer, "data"), "text"));

	if (!slice)
		die("%s gave no text", command);
	char *copy = text("%s", slice);
	json_decref(answer);
	free(command);
	return copy;
}

static unsigned count_lines(const char *of)
{
	unsigned lines = 0;

	for (; *of; of++)
		lines += *of == '\n';
	return lines;
}

static void measure_edit(const struct edit *e, struct connection *c, int shared_rounds)
{
	struct costs costs = {0};
	char *source = child_read_file(e->file);
	char *function = source ? child_cut_function(source, e->head) : NULL;

	if (!function)
		die("%s has no %s", e->file, e->function);
	measure_console(e, function, c, &costs);
	char *slice = ask_slice(c, e->function);
	measure_tcc(slice, &costs);
	measure_shared(e, source, shared_rounds, &costs);

	double base = samples_median(&costs.live);
	const char *base_name = strrchr(e->file, '/') + 1;
	char *title = text("%s(), %s of %u lines", e->function, base_name, count_lines(source));
	char *tcc_title = text("libtcc alone, its slice of %u lines", count_lines(slice));
	print_heading(title, "us", "to rtf");
	char *live_title = text("rtf: prompt to live, round trip (%s)", costs.backend);
	print_row(e->group, "prompt_to_live_us", live_title, &costs.live, base);
	json_object_set_new(json_object_get(report, e->group), "backend", json_string(costs.backend));
	print_row(e->group, "engine_us", "rtf: of that inside the engine", &costs.inside, base);
	print_row(e->group, "first_us", "rtf: the first edit of this function", &costs.first, base);
	print_row(e->group, "shared_us", "gcc -O0 -g -shared of the file, dlopen", &costs.shared, base);
	print_row(e->group, "tcc_us", tcc_title, &costs.tcc, base);
	free(live_title);
	free(tcc_title);
	free(title);
	free(slice);
	free(function);
	free(source);
}

/* --- the three programs --------------------------------------------------------------------------------- */

/* Starts BUILD/NAME with a console at *socket, and waits for a line that has `ready`, which is copied to
 * `line`. */
static void start_host(struct child *host, const char *name, const char *ready, char **socket, char *line,
		       size_t size)
{
	char *path = text("%s/%s", build_folder, name);

	*socket = text("%s/%s.sock", scratch, strrchr(path, '/') + 1);
	if (!child_start(host, (const char *const[]){path, *socket, NULL}) ||
	    !child_read_until(host, ready, DEADLINE_MS, line, size))
		die("%s did not start", path);
	free(path);
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
		.file = "tests/demo/orders.c",
		.function = "price",
		.head = "static double price(",
		.old = "return with_tax(",
		.new = "return ROUND + with_tax(",
		.compile = "-DRTF_DISABLE -Icore -Itests/demo -lmicrohttpd",
	};
	struct child host;
	struct connection c;
	char line[256], *socket, *output, *expected = text("\"price\":%d.00", 3 + rounds + 1);

	start_host(&host, "tests/demo/orders", "listening on ", &socket, line, sizeof(line));
	connection_open(&c, socket);
	measure_edit(&e, &c, rounds);

	/* What was measured must also be true: the last version answers. */
	char *url = text("http://%s/price?item=tea&qty=1", line + strlen("listening on "));
	const char *const curl[] = {"curl", "-sS", "--noproxy", "*", url, NULL};
	child_run(curl, NULL, DEADLINE_MS, &output);
	require_answer(url, output, expected);
	free(output);
	free(expected);
	free(url);
	connection_close(&c);
	child_stop(&host, STOP_MS);
	free(socket);
}

static void bench_sqlite(void)
{
	char *file = text("%s/sqlite3/sqlite3.c", real_folder);
	const struct edit e = {
		.group = "sqlite",
		.file = file,
		.function = "substrFunc",
		.head = "static void substrFunc(",
		.old = "p1 = sqlite3_value_int64(argv[1]);",
		.new = "p1 = sqlite3_value_int64(argv[1]) + (ROUND > 0);",
		.compile = "-lm",
	};
	const struct edit small = {
		.group = "sqlite_small",
		.file = file,
		.function = "hexFunc",
		.head = "static void hexFunc(",
		.old = "n = sqlite3_value_bytes(argv[0]);",
		.new = "n = sqlite3_value_bytes(argv[0]) + 0 * ROUND;",
	};
	struct child host;
	struct connection c;
	char line[256], *socket;

	start_host(&host, "tests/real/sqlite_host", "ready", &socket, line, sizeof(line));
	connection_open(&c, socket);
	measure_edit(&e, &c, SLOW_ROUNDS);
	measure_edit(&small, &c, 0); /* for the same file gcc takes the same time */
	child_send(&host, "select substr('hello', 2, 3)\n");
	child_read_line(&host, DEADLINE_MS, line, sizeof(line));
	require_answer("substr", line, "llo");
	connection_close(&c);
	child_stop(&host, STOP_MS);
	free(socket);
	free(file);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

static void command_once(const char *socket, const char *command)
{
	struct connection c;

	connection_open(&c, socket);
	json_decref(connection_command(&c, command));
	connection_close(&c);
}

static void redefine_decorated(const char *socket)
{
	command_once(socket, "int decorated(int n)\n{\n\treturn n + 1;\n}\n");
}

static void roll_back_decorated(const char *socket)
{
	command_once(socket, "\\rollback decorated 0");
}

static void measure_calls(struct child *host, const char *which, long count, int runs, struct samples *s)
{
	char line[256];
	double ns;

	for (int i = 0; i < runs; i++) {
		snprintf(line, sizeof(line), "%s %ld\n", which, count);
		if (!child_send(host, line) || !child_read_line(host, DEADLINE_MS, line, sizeof(line)) ||
		    sscanf(line, "%lf", &ns) != 1)
			die("calls did not answer");
		if (s)
			samples_add(s, ns);
	}
}

static void bench_call_times(void)
{
	struct samples plain = {0}, decorated = {0}, redefined = {0};
	struct child host;
	char line[256], *socket;

	start_host(&host, "tests/bench/calls", "ready", &socket, line, sizeof(line));
	/* In turns, so that a change of the processor's clock hits both. */
	for (int i = 0; i < CALL_ROUNDS; i++) {
		measure_calls(&host, "plain", CALLS, 1, &plain);
		measure_calls(&host, "decorated", CALLS, 1, &decorated);
	}
	redefine_decorated(socket);
	measure_calls(&host, "decorated", CALLS, CALL_ROUNDS, &redefined);
	child_stop(&host, STOP_MS);
	free(socket);

	double base = samples_median(&plain);
	print_heading("a call of int f(int n) { return n + 1; }", "ns", "to plain");
	print_row("call", "plain_ns", "plain, not inlined", &plain, base);
	print_row("call", "decorated_ns", "REALTIMEFUNC, as built", &decorated, base);
	print_row("call", "redefined_ns", "redefined", &redefined, base);
}

/* Instructions of the calls of dump number `dump`, for each call. */
static double read_dump(const char *prefix, int dump)
{
	static const char label[] = "\ntotals: ";
	char *path = text("%s.%d", prefix, dump);
	char *content = child_read_file(path);
	const char *totals = content ? strstr(content, label) : NULL;

	if (!totals)
		die("callgrind left no totals in %s", path);
	double instructions = strtod(totals + strlen(label), NULL) / COUNTED_CALLS;
	free(content);
	free(path);
	return instructions;
}

static void print_count(const char *name, const char *title, double instructions, double base)
{
	struct samples one = {.count = 1, .value = {instructions}};

	print_row("instructions", name, title, &one, base);
}

static void bench_call_instructions(void)
{
	struct child host;
	char *calls = text("%s/tests/bench/calls", build_folder), *socket = text("%s/counted.sock", scratch);
	char *prefix = text("%s/callgrind.out", scratch), *option = text("--callgrind-out-file=%s", prefix);
	char *log = text("--log-file=%s/callgrind.log", scratch);
	const char *const argv[] = {"valgrind", "--tool=callgrind", log, option, calls, socket, NULL};
	char line[256];

	if (child_run((const char *const[]){"valgrind", "--version", NULL}, NULL, DEADLINE_MS, NULL)) {
		fprintf(stderr, "bench: valgrind is not installed, so instructions are not counted\n");
		return;
	}
	if (!child_start(&host, argv) || !child_read_until(&host, "ready", DEADLINE_MS, line, sizeof(line)))
		die("calls did not start under callgrind");
	redefine_decorated(socket);
	measure_calls(&host, "decorated", COUNTED_CALLS, 1, NULL);
	roll_back_decorated(socket);
	measure_calls(&host, "decorated", COUNTED_CALLS, 1, NULL);
	measure_calls(&host, "plain", COUNTED_CALLS, 1, NULL);
	child_stop(&host, STOP_MS);

	/* The console's work is before the first dump, as far as its threads were done by then. */
	double plain = read_dump(prefix, 3);
	print_heading("the same, instructions, loop included", "", "to plain");
	print_count("plain", "plain, not inlined", plain, plain);
	print_count("decorated", "REALTIMEFUNC, as built", read_dump(prefix, 2), plain);
	print_count("redefined", "redefined", read_dump(prefix, 1), plain);
	free(log);
	free(option);
	free(prefix);
	free(socket);
	free(calls);
}

/* -------------------------------------------------------------------------------------------------------- */

static void prepare(void)
{
	build_folder = getenv("RTF_BUILD") ? getenv("RTF_BUILD") : "build";
	real_folder = getenv("RTF_REAL") ? getenv("RTF_REAL") : "build/real";
	scratch = child_directory_new();
	char *engine = text("%s/rtf-engine", build_folder), *absolute = realpath(engine, NULL);
	if (!scratch || !absolute)
		die("no %s; run from the top of the source tree, after make", engine);
	setenv("RTF_ENGINE", absolute, 1);
	setenv("XDG_STATE_HOME", scratch, 1);
	unsetenv("RTF_HISTORY");
	unsetenv("RTF_SOCKET");
	free(absolute);
	free(engine);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			as_json = true;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			rounds = atoi(argv[++i]);
		else
			rounds = 0;
	}
	if (rounds < 1 || rounds > SAMPLES_MAX) {
		fprintf(stderr, "usage: bench [--json] [--rounds N]\n");
		return 2;
	}

	prepare();
	report = json_object();
	bench_demo();
	bench_sqlite();
	bench_call_times();
	bench_call_instructions();
	if (as_json) {
		json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		printf("\n");
	}
	json_decref(report);
	child_directory_remove(scratch);
	return 0;
}
