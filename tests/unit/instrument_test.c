/* Instrumented texts: each is compiled by the compiler of the tests, run, and must have counted or recorded what happened
 * and changed nothing else. */
#include "fixture.h"
#include "instrument.h"
#include "ring.h"
#include "run.h"
#include "token.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct check *check;

/* A function `f`, instrumented, compiled and loaded. */
struct subject {
	const char *before; /* other declarations, whole lines */
	const char *text;   /* the definition */
	const char *drive;  /* what `drive` does: statements that return a long */
	const struct capture *watches;
	size_t watch_count;
	bool no_cover, careful;
	struct instrument made;
	void *library;
	long result; /* drive's */
	unsigned long *counts;
	struct ring *ring;
};

/* --- the guest's part (core/agent/park.h) --------------------------------------------------------------------------- */

static bool guarded = true;
static uint64_t *innermost; /* the frame */

static void enter(uint64_t *words, uint64_t entry)
{
	assert_int_equal(entry, 0);
	words[54] = guarded;
	innermost = guarded ? words : NULL;
}

static void leave(uint64_t *words)
{
	assert_ptr_equal(words, innermost);
	innermost = NULL;
}

static void on_fault(int number, siginfo_t *info, void *unused)
{
	uint64_t *words = innermost;

	(void)unused;
	words[59] = (uint64_t)(uintptr_t)info->si_addr;
	words[61] = (uint64_t)number;
	innermost = NULL;
	siglongjmp((struct __jmp_buf_tag *)words, 1);
}

static void guard_faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGSEGV, &action, NULL);
}

/* ---------------------------------------------------------------------------------------------------------------------- */

static struct error *instrument(struct subject *s)
{
	struct text unit = {0};

	text_puts(&unit, s->before ? s->before : "");
	uint32_t line = token_line(unit.bytes ? unit.bytes : "", (uint32_t)unit.size) + 1;
	text_puts(&unit, s->text);
	text_puts(&unit, "\n");
	struct slice slice = {.text = unit.bytes,
			      .size = unit.size,
			      .user_line = line,
			      .user_lines = 1 + token_line(s->text, (uint32_t)strlen(s->text)),
			      .given = s->text,
			      .given_size = strlen(s->text)};
	struct instrument_request q = {.check = check,
				       .slice = &slice,
				       .name = "f",
				       .line = 1,
				       .version = 1,
				       .cover = !s->no_cover,
				       .enter = (uint64_t)(uintptr_t)enter,
				       .leave = (uint64_t)(uintptr_t)leave,
				       .watches = s->watches,
				       .watch_count = s->watch_count,
				       .careful = s->careful};
	struct error *e = instrument_new(&q, &s->made);
	text_fini(&unit);
	return e;
}

/* False, and what the compiler said on standard error, if it does not compile. */
static bool compile(struct subject *s, const char *library)
{
	const char *cc = getenv("CC") && *getenv("CC") ? getenv("CC") : "gcc";
	const char *argv[] = {cc,
			      "-xc",
			      "-std=gnu11",
			      "-O2",
			      "-g",
			      "-w",
			      "-Werror=implicit-function-declaration",
			      "-fPIC",
			      "-shared",
			      "-o",
			      library,
			      "-",
			      NULL};
	struct run_output output;
	struct text t = {0};

	text_printf(&t, "%s%s%s\n", s->before ? s->before : "", s->made.extra, s->made.text);
	text_printf(&t, "void *counts(void) { return %s; }\n",
		    s->made.counters.name ? s->made.counters.name : "(void *)0");
	text_printf(&t, "void *ring(void) { return %s%s; }\n", s->made.ring ? "&" : "(void *)0",
		    s->made.ring ? s->made.ring : "");
	text_printf(&t, "long drive(void) { %s }\n", s->drive ? s->drive : "return 0;");
	assert_null(run(argv, NULL, t.bytes, &output));
	bool compiled = WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0;
	if (getenv("SHOW") || (!compiled && !s->careful))
		fprintf(stderr, "%s\n%s", t.bytes, output.err);
	run_output_fini(&output);
	text_fini(&t);
	return compiled;
}

static void *symbol(struct subject *s, const char *name)
{
	void *found = dlsym(s->library, name);

	assert_non_null(found);
	return found;
}

/* Instruments and loads; what `drive` does is still to be done. */
static void load(struct subject *s)
{
	char library[128];
	void *(*address)(void);
	static int number;

	struct error *e = instrument(s);
	if (e)
		fail_msg("%s", error_message(e));
	assert_int_equal(token_line(s->made.text, (uint32_t)strlen(s->made.text)),
			 token_line(s->text, (uint32_t)strlen(s->text)));
	snprintf(library, sizeof(library), "%s/%d.so", fixture_directory, ++number);
	if (!compile(s, library))
		fail_msg("the instrumented text does not compile");
	s->library = dlopen(library, RTLD_NOW);
	if (!s->library)
		fail_msg("%s", dlerror());
	memcpy(&address, (void *[]){symbol(s, "counts")}, sizeof(address));
	s->counts = address();
	memcpy(&address, (void *[]){symbol(s, "ring")}, sizeof(address));
	s->ring = address();
}

static void drive(struct subject *s)
{
	long (*function)(void);

	memcpy(&function, (void *[]){symbol(s, "drive")}, sizeof(function));
	s->result = function();
}

static void run_subject(struct subject *s)
{
	load(s);
	for (size_t i = 0; s->ring && i < RING_QUOTAS; i++)
		s->ring->head.quota[i] = 1000;
	drive(s);
}

static void end_subject(struct subject *s)
{
	if (s->library)
		dlclose(s->library);
	instrument_fini(&s->made);
}

/* "1:3 2:0 …": each line that is counted, in the order of the text. */
static void assert_lines(const struct subject *s, const char *expected)
{
	struct text t = {0};

	for (size_t i = 0; i < s->made.counters.line_count; i++)
		text_printf(&t, "%s%u:%lu", i ? " " : "", s->made.counters.lines[i].line,
			    s->counts[s->made.counters.lines[i].counter]);
	assert_string_equal(t.bytes ? t.bytes : "", expected);
	text_fini(&t);
}

/* "a > 1 3/0, case 2 1" */
static void assert_branches(const struct subject *s, const char *expected)
{
	struct text t = {0};

	for (size_t i = 0; i < s->made.counters.branch_count; i++) {
		const struct counters_branch *b = &s->made.counters.branches[i];
		text_printf(&t, "%s%s %lu", i ? ", " : "", b->text, s->counts[b->counter]);
		if (!b->label)
			text_printf(&t, "/%lu", s->counts[b->counter + 1]);
	}
	assert_string_equal(t.bytes ? t.bytes : "", expected);
	text_fini(&t);
}

/* --- counting ------------------------------------------------------------------------------------------------------ */

static void every_statement_is_counted_on_its_line(void **state)
{
	struct subject s = {.text = "int f(int a)\n{\n\tint b = 1, c;\n\n\tc = b;\n\tif "
				    "(a)\n\t\tc++;\n\telse\n\t\tc--;\n\treturn c;\n}",
			    .drive = "return f(1) + f(2) + f(0);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 4);
	assert_lines(&s, "3:3 5:3 6:3 7:2 9:1 10:3");
	assert_branches(&s, "a 2/1");
	end_subject(&s);
}

static void loops_count_each_round_and_each_end(void **state)
{
	struct subject s = {.text = "int f(int n)\n{\n\tint t = 0;\n\tfor (int i = 0; i < n; i++)\n\t\tt += "
				    "i;\n\twhile (n --> 0)\n\t\tt++;\n"
				    "\tdo\n\t\tt--;\n\twhile (t > 100);\n\tfor (;;)\n\t\tbreak;\n\tdo t++; "
				    "while (0);\n\treturn t;\n}",
			    .drive = "return f(3);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 6);
	assert_lines(&s, "3:1 4:1 5:3 6:1 7:3 8:1 9:1 11:1 12:1 13:1 13:1 14:1");
	assert_branches(&s, "i < n 3/1, n --> 0 3/1, t > 100 0/1");
	end_subject(&s);
}

static void operands_of_logical_operators_are_conditions_of_their_own(void **state)
{
	struct subject s = {
		.text = "int f(int a, int b, int c)\n{\n\tif ((a && b) || !c)\n\t\treturn a ? 1 : 2;\n"
			"\tint d = a && c;\n\twhile (a || b)\n\t\ta = b = 0;\n\tfor (; a && "
			"b;)\n\t\t;\n\treturn d;\n}",
		.drive = "return f(1, 1, 1) * 1000 + f(1, 0, 1) * 100 + f(0, 9, 1) * 10 + f(0, 0, 0);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 1102);
	assert_branches(&s, "a 2/2, b 1/1, !c 1/2, a 1/1, a 1/1, c 1/0, a 1/3, b 1/2, a 0/2, b 0/0");
	end_subject(&s);
}

static void labels_of_a_switch_are_counted_where_they_are_reached(void **state)
{
	struct subject s = {.text = "int f(int n)\n{\n\tswitch (n) {\n\tcase 1:\n\tcase 2:\n\t\treturn "
				    "10;\n\tcase 3 ... 5: {\n"
				    "\t\tn++;\n\t}\n\t\tbreak;\n\tdefault:\n\t\t;\n\t}\n\tswitch (n) case 7: "
				    "n = 70;\n\treturn n;\n}",
			    .drive = "return f(1) + f(2) + f(4) + f(7);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 95);
	assert_branches(&s, "case 1 1, case 2 2, case 3 ... 5 1, default 1, case 7 1");
	end_subject(&s);
}

static void bodies_without_braces_get_them(void **state)
{
	struct subject s = {.text = "int f(int a, int b)\n{\n\tif (a) if (b) return 1; else return 2; else "
				    "if (b) return 3;\n\telse\n\t\twhile (a < 3)\n"
				    "\t\t\tif (a++ == 1) goto out;\n\t\t\telse continue;\n\tfor (;;) do if "
				    "(1) return 4; while (1);\nout:\n\tb = 5;\n"
				    "end: return b;\n}",
			    .drive = "return f(1, 1) * 1000 + f(1, 0) * 100 + f(0, 1) * 10 + f(0, 0);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 1235);
	assert_branches(&s, "a 2/2, b 1/1, b 1/1, a < 3 2/0, a++ == 1 1/1");
	end_subject(&s);
}

static void what_must_be_constant_is_left_alone(void **state)
{
	struct subject s = {
		.before = "enum { A = 1 };\n",
		.text = "int f(int n)\n{\n\tstatic int once = A && 1 ? 3 : 4;\n\tint list[A ? 2 : 3] = {A || "
			"0};\n"
			"\tstruct { int bits : A && 1 ? 4 : 5; } s = {.bits = n ? 1 : "
			"0};\n\t_Static_assert(A && 1, \"\");\n"
			"\tenum { B = A && 2 };\n\tswitch (n) {\n\tcase A && 1:\n\t\tn = sizeof(char[A && 1 "
			"? 2 : 3]);\n\t}\n"
			"\tn += __builtin_constant_p(A && 1);\n\tn += _Generic(A && 1, int: 1, default: 2);\n"
			"\treturn n + once + list[0] + s.bits + B + __builtin_choose_expr(A && 1, 1, 2);\n}",
		.drive = "return f(1);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 11);
	end_subject(&s);
}

static void declarations_stay_in_scope(void **state)
{
	struct subject s = {.text = "int f(int n)\n{\n\tint a = n;\n\tconst char *s = \"}{;\", *t = s + "
				    "1;\n\tstruct p { int x; } p = {1};\n"
				    "again:;\n\tint b = a + p.x;\n\tif (b < 3) { a++; goto again; "
				    "}\n\treturn b + *t - *s + 2;\n}",
			    .drive = "return f(0);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 3);
	assert_lines(&s, "3:1 4:1 5:1 7:3 8:3 8:2 8:2 9:1");
	end_subject(&s);
}

static void macros_are_counted_from_outside(void **state)
{
	struct subject s = {.before = "#define SWAP(a, b) t = a; a = b; b = t\n#define BOTH(a, b) ((a) && "
				      "(b))\n#define MAX(a, b) ((a) > (b) ? (a) : (b))\n"
				      "#define EACH(i, n) for (int i = 0; i < (n); i++)\n#define UNLESS(x) "
				      "if (!(x))\n#define ID(x) x\n",
			    .text = "int f(int a, int b)\n{\n\tint t;\n\tSWAP(a, b);\n\tif (BOTH(a, b) || "
				    "ID(a) == ID(b))\n\t\ta = MAX(a, b);\n"
				    "\tEACH(i, 3) {\n\t\tb++;\n\t}\n\tUNLESS(a > 2)\n\t\treturn "
				    "7;\n\tEACH(k, 2)\n\t\ta++;\n\treturn ID(a) + ID(b);\n}",
			    .drive = "return f(1, 4) * 10 + f(0, 0);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 107);
	assert_branches(&s, "BOTH(a, b) 1/1"); /* what ID makes of its argument might be anything */
	assert_lines(&s, "4:2 5:2 6:2 7:2 8:6 10:2 11:1 12:1 13:2 14:1");
	end_subject(&s);
}

static void macros_that_are_no_operands_are_no_conditions(void **state)
{
	static const struct {
		const char *before, *condition, *branches;
	} cases[] = {
		{"#define M a || b\n", "M && c", "c 0/0"},
		{"#define M(x) x || b\n#define N M(a)\n", "c && N", "c 0/1"},
		{"#define M (a || b)\n#define N !M\n", "N && c", "N 0/1, c 0/0"},
		{"#define M(x, y) ((x) || (y))\n", "M(a, b) && c", "M(a, b) 1/0, c 0/1"},
		{"#define M(x) x\n", "M(a || b) && c", "c 0/0"},
		{"#define M p->a\n", "(M || b) && c", "M 1/0, b 0/0, c 0/1"},
		{"#define M a ? b\n", "M : c", ""},
		{"#define M 1\n#define N M\n", "N && c", "N 1/0, c 0/1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[300];
		snprintf(text, sizeof(text),
			 "int f(int a, int b, int c)\n{\n\tstruct { int a; } s = {a}, *p = &s;\n\treturn "
			 "%s;\n}",
			 cases[i].condition);
		struct subject s = {.before = cases[i].before, .text = text, .drive = "return f(1, 0, 0);"};
		run_subject(&s);
		assert_branches(&s, cases[i].branches);
		/* a || b && c is true, (a || b) && c is not */
		assert_int_equal(s.result, i == 0 || i == 4 ? 1 : 0);
		end_subject(&s);
	}
}

static void macros_that_open_and_close_things_compile_in_careful_mode(void **state)
{
	struct subject s = {
		.before = "#define BEGIN do {\n#define END } while (0)\n#define OR_ELSE(x) else x\n",
		.text = "int f(int a)\n{\n\tif (a) a++;\n\tOR_ELSE(a = "
			"5);\n\tBEGIN\n\t\ta++;\n\tEND;\n\treturn a;\n}",
		.drive = "return f(0) * 10 + f(1);",
		.careful = true};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 63);
	assert_branches(&s, "a 1/1");
	end_subject(&s);
}

static void the_inactive_branch_of_an_if_is_not_counted(void **state)
{
	struct subject s = {
		.text = "int f(int a)\n{\n#if 0\n\ta = 1;\n#else\n\ta = 2;\n#endif\n\treturn a; // a = 3;\n}",
		.drive = "return f(1);"};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 2);
	assert_lines(&s, "6:1 8:1");
	end_subject(&s);
}

static void an_empty_function_has_nothing_to_count(void **state)
{
	struct subject s = {.text = "void f(void)\n{\n}"};

	(void)state;
	struct error *e = instrument(&s);
	assert_non_null(e);
	assert_int_equal(error_class(e), ERROR_USAGE);
	error_free(e);
}

static void a_body_that_a_macro_makes_cannot_be_watched(void **state)
{
	struct subject s = {.before = "#define MAKE(n) int n(int a) { return a; }\n", .text = "MAKE(f)"};

	(void)state;
	struct error *e = instrument(&s);
	assert_non_null(e);
	assert_int_equal(error_class(e), ERROR_USAGE);
	error_free(e);
}

/* --- records ------------------------------------------------------------------------------------------------------- */

static const struct capture trace = {.serial = 77, .quota = 2};

/* The values of the nth record (from 0), as integers of their sizes: "1 2 -> 3". */
static void assert_record(const struct subject *s, size_t n, const char *expected)
{
	const struct ring_slot *slot = &s->ring->slots[n];
	struct ring_value v;
	struct text t = {0};

	assert_int_equal(slot->state, RING_TAKEN | RING_COMPLETE);
	assert_true(slot->begin_ns > 0 && slot->end_ns >= slot->begin_ns && slot->thread > 0);
	for (size_t at = 0; ring_next_value(slot, &at, &v);) {
		long value = 0;
		memcpy(&value, v.bytes, v.size < sizeof(value) ? v.size : sizeof(value));
		if (v.followed_size)
			text_printf(&t, "%s->%d", t.size ? " " : "", v.followed[0]);
		else
			text_printf(&t, "%s%ld", t.size ? " " : "", v.no_room ? -1 : value);
	}
	assert_string_equal(t.bytes ? t.bytes : "", expected);
	text_fini(&t);
}

static void a_trace_records_arguments_and_result(void **state)
{
	struct subject s = {.text = "int f(int a, const char *p)\n{\n\ta++;\n\tif (a > 5)\n\t\treturn "
				    "*p;\n\treturn a;\n}",
			    .drive = "return f(1, 0) + f(9, \"*\") + f(2, (char *)16);",
			    .watches = &trace,
			    .watch_count = 1};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 47);
	assert_int_equal(s.ring->head.next, 3);
	assert_int_equal(s.ring->slots[0].watch, 77);
	assert_int_equal(s.ring->slots[0].version, 1);
	assert_record(&s, 0, "1 0 2");
	assert_record(&s, 1, "9 ->42 42");
	assert_record(&s, 2, "2 16 3");
	assert_lines(&s, "3:3 4:3 5:1 6:2");
	end_subject(&s);
}

static void a_trace_leaves_every_kind_of_function_as_it_is(void **state)
{
	static const struct {
		const char *before, *text, *drive;
		long result;
		const char *record; /* the first, or NULL: none is looked at */
	} cases[] = {
		{NULL, "void f(int *p)\n{\n\tif (!p)\n\t\treturn;\n\t*p = 3;\n}",
		 "int n = 0; f(0); f(&n); return n;", 3, "0"},
		{NULL,
		 "long f(int n, ...)\n{\n\t__builtin_va_list l;\n\tlong t = 0;\n\t__builtin_va_start(l, "
		 "n);\n\twhile (n--)\n"
		 "\t\tt += __builtin_va_arg(l, int);\n\t__builtin_va_end(l);\n\treturn t;\n}",
		 "return f(3, 1, 2, 3);", 6, "3 6"},
		{"struct s { char c[40]; int n; };\n", "struct s f(struct s a)\n{\n\ta.n++;\n\treturn a;\n}",
		 "struct s a = {.n = 4}; return f(a).n;", 5, NULL},
		{NULL, "int f(int n, int list[n])\n{\n\treturn n ? list[n - 1] : 0;\n}",
		 "int l[] = {8, 9}; return f(2, l);", 9, NULL},
		{NULL, "int f(n, c)\n\tint n;\n\tchar c;\n{\n\treturn n + c;\n}", "return f(1, 2);", 3,
		 "1 2 3"},
		{"typedef int (*function)(int);\nstatic int twice(int n) { return n * 2; }\n",
		 "int (*f(int n))(int)\n{\n\treturn n ? twice : (function)0;\n}", "return f(1)(4);", 8, NULL},
		{NULL, "_Bool f(float x, double y)\n{\n\treturn x < y;\n}", "return f(1, 2);", 1, NULL},
		{NULL, "unsigned char f(int n)\n{\n\treturn n;\n}", "return f(0x1ff);", 255, "511 255"},
		{"#define CHECK(x) do { if (!(x)) return -1; } while (0)\n",
		 "int f(int n)\n{\n\tCHECK(n);\n\treturn n;\n}", "return f(0) * 10 + f(3);", -7, "0"},
		{NULL, "int f(int n)\n{\n\treturn n < 2 ? n : f(n - 1) + f(n - 2);\n}", "return f(7);", 13,
		 "1 1"},
		{NULL, "int f(register int n)\n{\n\treturn (n, n + 1);\n}", "return f(1);", 2, "1 2"},
		{"#include <errno.h>\n", "int f(int n)\n{\n\terrno = n;\n\treturn n;\n}",
		 "errno = 0; f(33); return errno;", 33, "33 33"},
		{NULL, "const char *f(int n)\n{\n\tconst char *name = __func__;\n\treturn name;\n}",
		 "return f(1)[0] == 'f';", 1, NULL},
		{NULL, "void *f(void)\n{\n\treturn\n\t\t0;\n}", "return f() == 0;", 1, NULL},
		{"typedef struct { int x, y; } point;\n", "point f(int n)\n{\n\treturn (point){n, 2};\n}",
		 "return f(1).x + f(1).y;", 3, NULL},
		{NULL,
		 "int f(int n)\n{\n\tint a[n + 1];\n\ta[n] = 4;\n\tif (n) { int b[n]; b[0] = 1; return a[n] "
		 "+ b[0]; }\n\treturn a[n];\n}",
		 "return f(3);", 5, "3 5"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct subject s = {.before = cases[i].before,
				    .text = cases[i].text,
				    .drive = cases[i].drive,
				    .watches = &trace,
				    .watch_count = 1};
		run_subject(&s);
		if (s.result != cases[i].result)
			fail_msg("case %zu: %ld, not %ld", i, s.result, cases[i].result);
		assert_int_equal(s.ring->slots[0].state, RING_TAKEN | RING_COMPLETE);
		if (cases[i].record)
			assert_record(&s, 0, cases[i].record);
		end_subject(&s);
	}
}

static void results_that_a_macro_returns_are_known_to_be_hidden(void **state)
{
	struct subject s = {.before = "#define BACK(x) return x\n",
			    .text = "int f(int a)\n{\n\tBACK(a);\n}",
			    .watches = &trace,
			    .watch_count = 1};

	(void)state;
	assert_null(instrument(&s));
	assert_true(s.made.returns_hidden);
	assert_false(s.made.has_results);
	end_subject(&s);
}

static void a_condition_decides_before_the_quota_is_touched(void **state)
{
	static const struct capture watch = {.serial = 1, .condition = "a % 2 && limit"};
	struct subject s = {.before = "static int limit = 1;\n",
			    .text = "int f(int a)\n{\n\treturn a;\n}",
			    .drive = "for (int i = 0; i < 10; i++) f(i); return 0;",
			    .watches = &watch,
			    .watch_count = 1,
			    .no_cover = true};

	(void)state;
	load(&s);
	s.ring->head.quota[0] = 3;
	drive(&s);
	assert_int_equal(s.ring->head.next, 3);
	assert_int_equal(s.ring->head.missed[0], 2);
	assert_record(&s, 2, "5 5");
	end_subject(&s);
}

static void slots_that_nobody_has_read_are_not_overwritten(void **state)
{
	struct subject s = {.text = "int f(int a)\n{\n\treturn a;\n}",
			    .drive = "for (int i = 0; i < 100; i++) f(i); return 0;",
			    .watches = &trace,
			    .watch_count = 1};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.ring->head.lost, 100 - RING_SLOTS);
	assert_record(&s, 0, "0 0");
	assert_record(&s, RING_SLOTS - 1, "63 63");
	end_subject(&s);
}

static void what_does_not_fit_into_a_record_is_left_out(void **state)
{
	struct subject s = {.before = "struct big { char c[2000]; };\n",
			    .text = "int f(struct big b, int a)\n{\n\treturn a;\n}",
			    .drive = "struct big b; return f(b, 5);",
			    .watches = &trace,
			    .watch_count = 1};

	(void)state;
	run_subject(&s);
	assert_record(&s, 0, "-1 5 5");
	end_subject(&s);
}

static void a_probe_records_values_where_its_line_is_reached(void **state)
{
	static char *const expressions[] = {"i * 2", "t", "s.bit", "s.name"};
	static const struct capture watch = {.serial = 5, .line = 6, .expressions = expressions, .count = 4};
	struct subject s = {.text = "int f(int n)\n{\n\tstruct { unsigned bit : 1; char name[4]; } s = {1, "
				    "\"*\"};\n\tint t = 0;\n\tfor (int i = 0; i < n; i++)\n"
				    "\t\tt += i;\n\treturn t;\n}",
			    .drive = "return f(3);",
			    .watches = &watch,
			    .watch_count = 1};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 3);
	assert_int_equal(s.ring->head.next, 3);
	assert_record(&s, 0, "0 0 1 ->42");
	assert_record(&s, 2, "4 1 1 ->42");
	assert_lines(&s, "3:1 4:1 5:1 6:3 7:1");
	end_subject(&s);
}

static void a_probe_behind_the_last_statement_is_refused(void **state)
{
	static char *const expressions[] = {"1"};
	static const struct capture watch = {.serial = 5, .line = 9, .expressions = expressions, .count = 1};
	struct subject s = {.text = "int f(int n)\n{\n\treturn n;\n}", .watches = &watch, .watch_count = 1};

	(void)state;
	struct error *e = instrument(&s);
	assert_non_null(e);
	assert_int_equal(error_class(e), ERROR_UNKNOWN);
	error_free(e);
}

static void what_a_watch_evaluates_is_left_at_its_first_fault(void **state)
{
	static char *const expressions[] = {"n", "*(volatile int *)(n < 4 ? &n : (int *)16)"};
	static const struct capture watches[] = {
		{.serial = 5, .condition = "n != 3 || *(volatile int *)8"},
		{.serial = 6, .quota = 1, .line = 3, .expressions = expressions, .count = 2}};
	struct subject s = {.text = "int f(int n)\n{\n\treturn n * 2;\n}",
			    .drive = "int sum = 0; for (int i = 0; i < 8; i++) sum += f(i); return sum;",
			    .no_cover = true,
			    .watches = watches,
			    .watch_count = 2};

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* its siglongjmp looks for a setjmp that it has seen, and the subject's is none */
#endif
	guard_faults();
	run_subject(&s);
	signal(SIGSEGV, SIG_DFL);
	assert_int_equal(s.result, 56);
	assert_int_equal(s.ring->head.next, 3 + 4);
	assert_int_equal(s.ring->head.fault[0], 5);
	assert_int_equal(s.ring->head.signal[0], SIGSEGV);
	assert_int_equal(s.ring->head.address[0], 8);
	assert_int_equal(s.ring->head.fault[1], 6);
	assert_int_equal(s.ring->head.address[1], 16);
	assert_null(innermost);
	end_subject(&s);
}

static void what_cannot_be_guarded_is_not_evaluated(void **state)
{
	static const struct capture watch = {.serial = 5, .condition = "*(volatile int *)8"};
	struct subject s = {.text = "int f(int n)\n{\n\treturn n * 2;\n}",
			    .drive = "return f(4);",
			    .no_cover = true,
			    .watches = &watch,
			    .watch_count = 1};

	(void)state;
	guarded = false;
	run_subject(&s);
	guarded = true;
	assert_int_equal(s.result, 8);
	assert_int_equal(s.ring->head.next, 0);
	end_subject(&s);
}

static void several_watches_share_a_version(void **state)
{
	static char *const expressions[] = {"n"};
	const struct capture watches[] = {
		{.serial = 1, .quota = 0, .condition = "n > 1"},
		{.serial = 2, .quota = 1, .line = 3, .expressions = expressions, .count = 1},
		{.serial = 3, .quota = 2}};
	struct subject s = {.text = "int f(int n)\n{\n\treturn n + 1;\n}",
			    .drive = "return f(1) + f(2);",
			    .watches = watches,
			    .watch_count = 3};

	(void)state;
	run_subject(&s);
	assert_int_equal(s.result, 5);
	assert_int_equal(s.ring->head.next, 5);
	assert_int_equal(s.ring->slots[0].watch, 2);
	assert_int_equal(s.ring->slots[1].watch, 3);
	assert_record(&s, 0, "1");
	assert_record(&s, 1, "1 2");
	end_subject(&s);
}

static void damaged_records_end_early(void **state)
{
	struct ring_slot slot = {.size = RING_VALUES + 1};
	struct ring_value v;
	size_t at = 0;

	(void)state;
	assert_false(ring_next_value(&slot, &at, &v));
	for (unsigned seed = 1; seed < 5000; seed++) {
		unsigned random = seed;
		for (size_t i = 0; i < sizeof(slot.values); i++)
			slot.values[i] = (unsigned char)((random = random * 1103515245 + 12345) >> 20);
		slot.values[1] = slot.values[3] = 0;
		slot.size = seed % (RING_VALUES + 1);
		for (at = 0; ring_next_value(&slot, &at, &v);)
			assert_true(v.bytes + v.size <= slot.values + slot.size &&
				    v.followed + v.followed_size <= slot.values + slot.size);
	}
}

static int open_all(void **state)
{
	return check_new(&check) ? -1 : fixture_open(state);
}

static int close_all(void **state)
{
	check_free(check);
	return fixture_close(state);
}

/* Variables and members may have the names of functions that end the program. */
static void what_ends_the_program_in_an_expression_is_a_call_alone(void **state)
{
	struct text t = {0};

	(void)state;
	ring_put_expression(&t, "exit > 3 && o->exit(1) + o.exit (2) && (exit (4), _exit(exit))");
	assert_string_equal(t.bytes, "exit > 3 && o->exit(1) + o.exit (2) && (" RING_EXIT " (4), " RING_EXIT
				     "(exit))");
	text_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_is_counted_on_its_line),
		cmocka_unit_test(loops_count_each_round_and_each_end),
		cmocka_unit_test(operands_of_logical_operators_are_conditions_of_their_own),
		cmocka_unit_test(labels_of_a_switch_are_counted_where_they_are_reached),
		cmocka_unit_test(bodies_without_braces_get_them),
		cmocka_unit_test(what_must_be_constant_is_left_alone),
		cmocka_unit_test(declarations_stay_in_scope),
		cmocka_unit_test(macros_are_counted_from_outside),
		cmocka_unit_test(macros_that_are_no_operands_are_no_conditions),
		cmocka_unit_test(macros_that_open_and_close_things_compile_in_careful_mode),
		cmocka_unit_test(the_inactive_branch_of_an_if_is_not_counted),
		cmocka_unit_test(an_empty_function_has_nothing_to_count),
		cmocka_unit_test(a_body_that_a_macro_makes_cannot_be_watched),
		cmocka_unit_test(a_trace_records_arguments_and_result),
		cmocka_unit_test(a_trace_leaves_every_kind_of_function_as_it_is),
		cmocka_unit_test(results_that_a_macro_returns_are_known_to_be_hidden),
		cmocka_unit_test(a_condition_decides_before_the_quota_is_touched),
		cmocka_unit_test(slots_that_nobody_has_read_are_not_overwritten),
		cmocka_unit_test(what_does_not_fit_into_a_record_is_left_out),
		cmocka_unit_test(a_probe_records_values_where_its_line_is_reached),
		cmocka_unit_test(a_probe_behind_the_last_statement_is_refused),
		cmocka_unit_test(what_a_watch_evaluates_is_left_at_its_first_fault),
		cmocka_unit_test(what_cannot_be_guarded_is_not_evaluated),
		cmocka_unit_test(several_watches_share_a_version),
		cmocka_unit_test(damaged_records_end_early),
		cmocka_unit_test(what_ends_the_program_in_an_expression_is_a_call_alone),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
