/* The same host in every way that people build programs; and calls from many threads while versions
 * change. */
#include "compiled.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct subject host;

static int version_of(const char *text)
{
	json_t *data = compiled_data(&host, text);
	int version = (int)json_integer_value(json_object_get(json_array_get(data, 0), "version"));

	json_decref(data);
	return version;
}

#define PRODUCT           "int add(int a, int b) { return a * b; }"
#define PRODUCT_WITH_CALL "int add(int a, int b) { return is_add(add) ? a * b : -1; }"

/* What depends on how the host was built: entries and their addresses, statics, pointers, constants, calls
 * between files. */
static void assert_the_road_is_whole(const char *product)
{
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_answer(&host, "price 2 10", "24 after 1");
	compiled_assert_answer(&host, "ticks", "1");

	assert_int_equal(version_of(product), 1);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	compiled_assert_answer(&host, "pointer", "same");
	version_of("static double price(const struct order *o)\n"
		   "{\n\tcalls += 10;\n\treturn o->qty * o->unit * 1.5 + (strcmp(o->name, \"nut\") ? 1000 : "
		   "0);\n}");
	compiled_assert_answer(&host, "price 2 10", "30 after 11");
	version_of("static int ticks(void) { static int n; return n += 10; }");
	compiled_assert_answer(&host, "ticks", "11");
	version_of("static long factorial(int n) { return n < 2 ? 100 : n * factorial(n - 1); }");
	compiled_assert_answer(&host, "factorial 4", "2400");
	version_of("static int sum(int count, ...)\n"
		   "{\n\tva_list list;\n\tint last = 0;\n\n\tva_start(list, count);\n\twhile (count-- > 0)\n"
		   "\t\tlast = va_arg(list, int);\n\tva_end(list);\n\treturn last;\n}");
	compiled_assert_answer(&host, "sum", "3");
	free(compiled_console(&host, 0, NULL, "-c", "\\in host_other.c", "-c",
			      "static int shifted(int n) { return n - bias; }", NULL));
	compiled_assert_answer(&host, "shifted 1", "101 -199");
	json_decref(compiled_data(&host, "\\define three_times\nTIMES(three, 30)"));
	compiled_assert_answer(&host, "three_times 5", "150");

	/* By cc, so that its relocations are tried too. */
	assert_int_equal(version_of("int add(int a, int b) { __int128 n = a; return (int)(n + b) + "
				    "(int)strlen(\"cc\"); }"),
			 2);
	compiled_assert_answer(&host, "add 3 4", "9 9");
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	subject_rollback(&host, "add", 0);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	compiled_assert_history_whole(&host);
}

static void assert_build(const struct compiled_how *how)
{
	compiled_init(&host, how);
	compiled_start(&host);
	assert_the_road_is_whole(PRODUCT_WITH_CALL);
}

static void gcc_unoptimised(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){.compiler = "gcc", .flags = {"-O0"}});
}

static void gcc_optimised(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){.compiler = "gcc", .flags = {"-O2"}});
}

static void gcc_optimised_with_lto(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){.compiler = "gcc", .flags = {"-O2", "-flto"}});
	compiled_start(&host);
	/* Inlined away in every other file, it is nowhere: that is said, not guessed around. */
	compiled_assert_refused(&host, PRODUCT_WITH_CALL, "unknown", "the program has no is_add");
	compiled_assert_refused(&host, PRODUCT_WITH_CALL, "unknown",
				"defines is_add, but the build inlined it wherever it is used, or left it out");
	assert_the_road_is_whole(PRODUCT);
}

static void gcc_without_pie(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){.compiler = "gcc", .flags = {"-O2", "-fno-pie", "-no-pie"}});
}

static void gcc_with_branch_protection(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){.compiler = "gcc", .flags = {"-O2", "-fcf-protection=full"}});
}

static void gcc_with_the_archive(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){.compiler = "gcc", .with_archive = true});
}

static void gcc_with_all_that_distributions_add(void **state)
{
	(void)state;
	assert_build(
		&(struct compiled_how){.compiler = "gcc",
				       .flags = {"-O2", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2",
						 "-fPIE", "-pie", "-Wl,-z,relro,-z,now", "-fno-plt"}});
}

static void clang_unoptimised(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){.compiler = "clang", .flags = {"-O0"}});
}

static void clang_without_pie_and_with_the_archive(void **state)
{
	(void)state;
	assert_build(&(struct compiled_how){
		.compiler = "clang", .flags = {"-fno-pie", "-no-pie"}, .with_archive = true});
}

/* rtf.h: optimised clang may fold what it learns of a static function into callers; an external one's
 * calls stay. */
static void clang_optimised_keeps_external_functions(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){.compiler = "clang", .flags = {"-O2"}});
	compiled_start(&host);
	compiled_assert_answer(&host, "add 3 4", "7 7");
	assert_int_equal(version_of("int add(int a, int b) { calls++; return a * b + bias; }"), 1);
	compiled_assert_answer(&host, "add 3 4", "112 112");
	subject_rollback(&host, "add", 0);
	compiled_assert_answer(&host, "add 3 4", "7 7");
}

static void a_program_without_a_source_change(void **state)
{
	(void)state;
	compiled_init(&host,
		      &(struct compiled_how){.compiler = "gcc",
					     .flags = {"-DRTF_DISABLE", "-fpatchable-function-entry=16"},
					     .without_library = true});
	compiled_start_preloaded(&host);
	json_decref(compiled_row(&host, "main"));
	assert_the_road_is_whole(PRODUCT_WITH_CALL);
	version_of("static int plain(int n) { return n - 1; }");
	compiled_assert_answer(&host, "plain 5", "4");
	compiled_assert_answer(&host, "start /elsewhere", "0");
}

static void an_engine_restarts_with_every_kind_of_address(void **state)
{
	(void)state;
	compiled_init(&host,
		      &(struct compiled_how){.compiler = "gcc", .flags = {"-O2", "-fno-pie", "-no-pie"}});
	compiled_start(&host);
	assert_int_equal(version_of(PRODUCT), 1);
	pid_t engine = compiled_engine(&host);
	kill(engine, SIGKILL);
	compiled_await_end(engine);
	compiled_assert_live(&host, "add", 1, 2, "live");
	subject_rollback(&host, "add", 0);
	subject_rollback(&host, "add", 1);
	compiled_assert_answer(&host, "add 3 4", "12 12");
}

/* --- threads ------------------------------------------------------------------------------------------ */

static void number_to_host(const char *what, int number)
{
	char line[64], answer[32];

	snprintf(line, sizeof(line), "%s %d", what, number);
	snprintf(answer, sizeof(answer), "%d", number);
	compiled_assert_answer(&host, line, answer);
}

/* Each version returns its number. Before one is made the threads hear that it may come, and once it is
 * answered for that no older one may answer a call that begins from then on. */
static void every_call_belongs_to_a_version_that_was_live(void **state)
{
	enum { VERSIONS = 60 };
	struct wire w;

	(void)state;
	compiled_init(&host, &(struct compiled_how){.flags = {"-O2"}});
	compiled_start(&host);
	compiled_assert_answer(&host, "threads 4", "4");
	wire_open(&w, host.socket);
	for (int i = 1; i <= VERSIONS; i++) {
		char text[200];
		/* Every third one is big enough to be in the middle of, when the next one comes. */
		snprintf(text, sizeof(text),
			 i % 3 ? "static int stamp(void) { return %d; }"
			       : "static int stamp(void) { volatile int n = 0; while (n < 20000) n++; return "
				 "%d; }",
			 i);
		number_to_host("highest", i);
		json_t *answer = wire_ask(&w, i, text);
		if (!json_is_true(json_object_get(answer, "ok")))
			fail_msg("version %d was refused", i);
		json_decref(answer);
		number_to_host("lowest", i);
	}
	compiled_assert_answer(&host, "join", "0 wrong of many");
	wire_close(&w);
	compiled_assert_live(&host, "stamp", VERSIONS, VERSIONS + 1, "live");
}

#define built(test) cmocka_unit_test_teardown(test, compiled_group_fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		built(gcc_unoptimised),
		built(gcc_optimised),
		built(gcc_optimised_with_lto),
		built(gcc_without_pie),
		built(gcc_with_branch_protection),
		built(gcc_with_the_archive),
		built(gcc_with_all_that_distributions_add),
		built(clang_unoptimised),
		built(clang_without_pie_and_with_the_archive),
		built(clang_optimised_keeps_external_functions),
		built(a_program_without_a_source_change),
		built(an_engine_restarts_with_every_kind_of_address),
		built(every_call_belongs_to_a_version_that_was_live),
	};

	return cmocka_run_group_tests_name("system: builds and threads", tests, NULL, NULL);
}
