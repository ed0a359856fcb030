/* Objects of libtcc, gcc and clang, linked into an arena of the test's own and run there. */
#include "linking.h"

#include <elf.h>

struct compiler {
	const char *name;
	const char *argv[6]; /* none: libtcc */
};

static const struct compiler compilers[] = {
	{"libtcc", {NULL}},
	{"gcc -O0", {"gcc", "-O0", NULL}},
	{"gcc -O1", {"gcc", "-O1", NULL}},
	{"gcc -O2", {"gcc", "-O2", NULL}},
	{"gcc -O3", {"gcc", "-O3", NULL}},
	{"gcc -O2 -fno-plt", {"gcc", "-O2", "-fno-plt", "-fcf-protection", NULL}},
	{"gcc -O2 large", {"gcc", "-O2", "-mcmodel=large", NULL}},
	{"clang -O0", {"clang", "-O0", NULL}},
	{"clang -O2", {"clang", "-O2", NULL}},
};

enum { COMPILERS = sizeof compilers / sizeof *compilers };

/* Which one it was, for the reader of a failure. */
static const char *current;

static struct compile_object compile(const struct compiler *compiler, const char *text)
{
	current = compiler->name;
	return compiler->argv[0] ? linking_cc(text, compiler->argv) : linking_tcc(text);
}

static void *enter(const struct compiler *compiler, const char *text)
{
	return linking_enter(compile(compiler, text), "f");
}

static int forget(void **state)
{
	(void)state;
	linking_forget();
	return 0;
}

#define EACH_COMPILER(c) for (const struct compiler *c = compilers; c < compilers + COMPILERS; c++)

/* Functions and data of the program, which is far from the arena. */
static int far_calls;
static int far_data = 41;
static int far_function(int x)
{
	far_calls++;
	return x + 1;
}

static void strings_constants_and_calls_arrive(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		linking_know("far_function", (uintptr_t)far_function, false);
		linking_know("far_data", (uintptr_t)&far_data, false);
		int (*f)(char *, int) = (int (*)(char *, int))enter(
			compiler, "extern int far_data; int far_function(int); int snprintf(char *, "
				  "unsigned long, const char *, ...);\n"
				  "static const char *const names[] = { \"zero\", \"one\", \"two\" };\n"
				  "static int twice(int x) { return 2 * x; }\n"
				  "int f(char *out, int n) { double d = 2.5; float g = n * 0.25f; int "
				  "(*p)(int) = far_function, (*q)(int) = twice;\n"
				  "far_data += p(n); return snprintf(out, 100, \"%s %g %g %d %d %Lg "
				  "%s\", names[n], d * n, g, far_data, "
				  "far_function(q(n)), 1.5L * n, __func__); }\n");
		char out[100];
		far_data = 41;
		far_calls = 0;
		int length = f(out, 2);
		assert_int_equal(length, strlen(out));
		assert_string_equal(out, "two 5 0.5 44 5 3 f");
		assert_int_equal(far_data, 44);
		assert_int_equal(far_calls, 2);
	}
}

static void a_static_is_placed_once_and_bound_afterwards(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		linking_forget();
		linking.keeps = true;
		const char *text = "int f(void) { static int calls = 10; static int zero; zero += 2; return "
				   "++calls * 100 + zero; }";
		int (*first)(void) = (int (*)(void))enter(compiler, text);
		assert_int_equal(first(), 1102);
		size_t data_at = linking.data_at;
		int (*second)(void) = (int (*)(void))enter(compiler, text);
		assert_int_equal(second(), 1204);
		assert_int_equal(first(), 1306);
		assert_int_equal(linking.data_at, data_at);
		int (*third)(void) =
			(int (*)(void))enter(compiler, "int f(void) { static int added = 7; static int calls "
						       "= 99; return added++ + calls; }");
		assert_int_equal(third(), 20);
		assert_int_equal(linking.data_at, data_at + 4096);
	}
}

/* libtcc has a name without a size for each string that only sizeof sees, where the next variable will be. */
static void a_static_behind_strings_that_are_only_measured_is_bound(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		linking_forget();
		linking.keeps = true;
		const char *text =
			"int f(void) { static char room[4][sizeof(\"01:01\")]; static int calls = 10; "
			"static int more = 1; room[calls % 4][sizeof(\"a\")]++; "
			"return ++calls * 100 + (more += 2); }";
		int (*first)(void) = (int (*)(void))enter(compiler, text);
		assert_int_equal(first(), 1103);
		int (*second)(void) = (int (*)(void))enter(compiler, text);
		assert_int_equal(second(), 1205);
		assert_int_equal(first(), 1307);
	}
}

static void new_variables_are_listed_and_begin_on_a_fresh_page(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		struct compile_object object =
			compile(compiler, "int shared = 3; static long big[1000]; int f(int i) { static "
					  "short mine = 4; big[i]++; return mine++ + shared++; }");
		struct link_result result;
		assert_null(linking_try(&object, "f", &result));
		assert_int_equal(result.variable_count, 3);
		assert_int_equal(result.data_size, 8192);
		for (size_t i = 0; i < 3; i++) {
			const struct link_variable *variable = &result.variables[i];
			bool shared = !strcmp(variable->name, "shared"),
			     mine = !strcmp(variable->name, "mine");
			assert_true(shared || mine || !strcmp(variable->name, "big"));
			assert_int_equal(variable->size, shared ? 4 : mine ? 2 : 8000);
			assert_int_equal(variable->local, !shared);
			assert_int_equal(variable->nth, 0);
			assert_true(variable->address >= (uintptr_t)linking.executable + LINKING_REGION);
		}
		linking_keep(&result);
		assert_int_equal(linking.data_at % 4096, 0);
		link_result_fini(&result);
		compile_object_fini(&object);
	}
}

static void statics_of_one_name_are_counted_in_source_order(void **state)
{
	(void)state;
	static int values[3];
	EACH_COMPILER(compiler)
	{
		for (unsigned i = 0; i < 3; i++) {
			values[i] = (int)i + 5;
			strcpy(linking.bound[i].name, "n");
			linking.bound[i].nth = i;
			linking.bound[i].address =
				(uintptr_t)linking.executable + LINKING_REGION + linking.data_at + 4 * i;
			memcpy(linking.writable + LINKING_REGION + linking.data_at + 4 * i, &values[i], 4);
		}
		linking.bound_count = 3;
		linking.data_at += 4096;
		int (*f)(int) =
			(int (*)(int))enter(compiler, "int f(int i) { { static int n = 1; if (i == 0) return "
						      "n++; } { static int n; if (i == 1) return n++; } "
						      "{ static int n = 3; return n++; } }");
		for (int i = 0; i < 3; i++)
			assert_int_equal(f(i), i + 5);
	}
}

static int entry(int n)
{
	return n > 100 ? 7000 : n;
}

/* A version never calls itself: whoever is the newest answers, and its address is the entry's. */
static void recursion_goes_through_the_entry(void **state)
{
	(void)state;
	linking_know("f", (uintptr_t)entry, false);
	EACH_COMPILER(compiler)
	{
		int (*f)(int) =
			(int (*)(int))enter(compiler, "int f(int n) { return n > 1 ? f(n + 100) + 1 : n; }");
		assert_int_equal(f(2), 7001);
		f = (int (*)(int))enter(compiler, "int f(int n) { if (n > 1) return f(n + 100); return n; }");
		assert_int_equal(f(2), 7000);
		void *(*address)(void) = (void *(*)(void))enter(
			compiler, "void *f(void); static void *const table[] = { f }; void "
				  "*f(void) { return table[0] == f ? (void *)f : 0; }");
		assert_ptr_equal(address(), (void *)entry);
		int (*deep)(int) = (int (*)(int))enter(
			compiler, "int f(int n); static int half(int n) { return n < 3 ? n : f(n + "
				  "100); } int f(int n) { return half(n) * 2; }");
		assert_int_equal(deep(4), 14000);
	}
}

static void jump_tables_and_computed_gotos_work(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		int (*f)(int, int) = (int (*)(int, int))enter(
			compiler, "int f(int n, int x) { static void *const t[] = { &&a, &&b, "
				  "&&c }; switch (n) { case 0: return x * 3; "
				  "case 1: x ^= 5; break; case 2: return x - 7; case 3: "
				  "return x / 3; case 4: x += 9; case 5: return x << 2; "
				  "case 6: return -x; case 7: goto *t[x % 3]; default: return "
				  "0; } return x; a: return 100; b: return 200; "
				  "c: return 300; }");
		static const int expected[] = {30, 15, 3, 3, 76, 40, -10, 200, 0};
		for (int i = 0; i < 9; i++)
			assert_int_equal(f(i, 10), expected[i]);
	}
}

static void data_with_pointers_and_large_copies_work(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		long (*f)(int) = (long (*)(int))enter(
			compiler,
			"struct big { long v[100]; }; struct node { struct node *next; int v; const char *s; "
			"};\n"
			"static int plus(int x) { return x + 1; } static int minus(int x) { return x - 1; }\n"
			"static int (*actions[])(int) = { plus, minus, plus }; static struct node b = { 0, "
			"2, \"bb\" };\n"
			"static struct node a = { &b, 1, \"a\" + 0 }; static struct node *head = &a, **hold "
			"= &head; static char *end = "
			"(char *)&b + sizeof b;\n"
			"static struct big twice(struct big x) { for (int i = 0; i < 100; i++) x.v[i] *= 2; "
			"return x; }\n"
			"long f(int n) { struct big x = { { 1, 2, 3 } }, y; x.v[99] = n; y = twice(x); x = "
			"y; int *lit = (int[]){ n, 8 };\n"
			"(*hold)->next->v++; actions[n & 1] = minus; return x.v[99] * 1000 + actions[n & "
			"1](n) + head->next->v + "
			"head->next->s[1] + lit[1] + (end == (char *)(&b + 1)); }");
		assert_int_equal(f(3), 6000 + 2 + 3 + 'b' + 8 + 1);
		assert_int_equal(f(3), 6000 + 2 + 4 + 'b' + 8 + 1);
	}
}

static void a_nameless_object_of_file_scope_can_be_written_to(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		int (*f)(void) = (int (*)(void))enter(compiler, "static struct s { int n; } *one = &(struct "
								"s){ 5 }; int f(void) { return one->n++; }");
		assert_int_equal(f(), 5);
		assert_int_equal(f(), 6);
	}
}

static void variadic_functions_work_both_ways(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		double (*f)(int, ...) = (double (*)(int, ...))enter(
			compiler,
			"struct pair { double a, b; }; struct words { long a, b; }; struct big { int "
			"v[20]; };\n"
			"double f(int n, ...) { __builtin_va_list ap; double sum = 0; "
			"__builtin_va_start(ap, n);\n"
			"while (n--) { sum += __builtin_va_arg(ap, int); sum += __builtin_va_arg(ap, "
			"double);\n"
			"struct pair p = __builtin_va_arg(ap, struct pair); sum += p.a * 10 + p.b;\n"
			"struct words w = __builtin_va_arg(ap, struct words); sum += w.a * 100 + w.b;\n"
			"sum += __builtin_va_arg(ap, struct big).v[19]; sum += __builtin_va_arg(ap, "
			"long double);\n"
			"sum += *__builtin_va_arg(ap, char *); } __builtin_va_end(ap); return sum; }");
		struct pair {
			double a, b;
		} pair = {1, 2};
		struct words {
			long a, b;
		} words = {3, 4};
		struct big {
			int v[20];
		} big = {.v = {[19] = 5}};
		double once = 1 + 0.5 + 12 + 304 + 5 + 2 + 'x';
		assert_true(f(1, 1, .5, pair, words, big, 2.L, "x") == once);
		assert_true(f(4, 1, .5, pair, words, big, 2.L, "x", 1, .5, pair, words, big, 2.L, "x", 1, .5,
			      pair, words, big, 2.L, "x", 1, .5, pair, words, big, 2.L, "x") == 4 * once);
	}
}

static __thread int thread_variable;

static void thread_local_variables_are_reached(void **state)
{
	(void)state;
	uint64_t pointer;
	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	linking_know("thread_variable", (uintptr_t)&thread_variable - pointer, true);
	EACH_COMPILER(compiler)
	{
		if (!compiler->argv[0] || strstr(compiler->name, "large"))
			continue; /* libtcc refuses the text; the large model has its own sequences */
		thread_variable = 5;
		int (*f)(void) = (int (*)(void))enter(
			compiler,
			"extern __thread int thread_variable; "
			"int f(void) { int *p = &thread_variable; return thread_variable++ + *p; }");
		assert_int_equal(f(), 11);
		assert_int_equal(thread_variable, 6);
		f = (int (*)(void))enter(
			compiler,
			"extern __thread int thread_variable __attribute__((tls_model(\"global-dynamic\"))); "
			"int f(void) { return thread_variable += 10; }");
		assert_int_equal(f(), 16);
	}
}

static void new_thread_locals_and_constructors_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"int f(void) { static __thread int n; return n++; }",
		"int f(void) { return 1; } __attribute__((constructor)) void begin(void) { f(); }",
	};
	for (size_t i = 0; i < 2; i++) {
		struct compile_object object = compile(&compilers[3], texts[i]);
		struct link_result result;
		struct error *e = linking_try(&object, "f", &result);
		assert_non_null(e);
		assert_int_equal(error_class(e), ERROR_COMPILE);
		assert_non_null(strstr(error_message(e), "cannot be added to a running program"));
		error_free(e);
		compile_object_fini(&object);
	}
}

static void cold_parts_and_compiler_library_calls_work(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		linking_know("far_function", (uintptr_t)far_function, false);
		int (*f)(int) =
			(int (*)(int))enter(compiler, "int far_function(int) __attribute__((cold)); int "
						      "f(int n) { if (__builtin_expect(n < 0, 0)) { "
						      "int s = 0; for (int i = n; i; i++) s += "
						      "far_function(i); return s; } return n * 2; }");
		assert_int_equal(f(4), 8);
		assert_int_equal(f(-2), -1);
		if (!compiler->argv[0])
			continue;
		f = (int (*)(int))enter(
			compiler, "int f(int n) { __int128 a = (__int128)n << 70; volatile unsigned p = n; "
				  "return (int)(a / ((__int128)n << 69)) + __builtin_popcount(p); }");
		assert_int_equal(f(7), 5);
	}
}

static void a_large_object_is_linked(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	fputs("unsigned long strlen(const char *); long f(long n) { long sum = 0; static int hits[3000];\n",
	      out);
	for (int i = 0; i < 3000; i++)
		fprintf(out, "if (n > %d) { sum += strlen(\"text %d\") + (long)(n * %d.5); hits[%d]++; }\n",
			i, i, i, i);
	fputs("return sum + hits[2999]; }\n", out);
	fclose(out);
	long sums[2];
	for (int i = 0; i < 2; i++)
		sums[i] = ((long (*)(long))enter(&compilers[i], text))(5000);
	assert_int_equal(sums[0], sums[1]);
	free(text);
}

static void a_new_versions_constants_count(void **state)
{
	(void)state;
	linking.keeps = true;
	for (unsigned i = 1; i < COMPILERS; i++) { /* libtcc's objects do not tell constants: bind has to */
		for (int version = 1; version < 3; version++) {
			char text[200];
			snprintf(text, sizeof text,
				 "int f(int i) { static const int table[] = { %d, %d, %d }; return table[i]; "
				 "}",
				 version, version * 2, version * 3);
			assert_int_equal(((int (*)(int))enter(&compilers[i], text))(2), version * 3);
		}
	}
}

/* --- what cannot be linked ------------------------------------------------------------------------------ */

static void all_unresolved_names_are_listed(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		struct compile_object object =
			compile(compiler, "int none1(void), none2(void), none3(void), none4(void), "
					  "none5(void), none6(void); extern int none7;\n"
					  "int abs(int); int f(void) { return none1() + none2() + none3() + "
					  "none4() + none5() + none6() + none7 + abs(1); }");
		struct link_result result;
		struct error *e = linking_try(&object, "f", &result);
		assert_non_null(e);
		assert_int_equal(error_class(e), ERROR_UNKNOWN);
		assert_non_null(strstr(error_message(e), "and 2 more"));
		assert_int_equal(result.code_size + result.data_size + result.entry, 0);
		unsigned seen = 0;
		for (char **name = result.unresolved; *name; name++) {
			assert_int_equal(strncmp(*name, "none", 4), 0);
			seen |= 1u << ((*name)[4] - '0');
		}
		assert_int_equal(seen, 0xfe);
		error_free(e);
		link_result_fini(&result);
		compile_object_fini(&object);
	}
}

static void a_weak_name_that_is_missing_is_null(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		int (*f)(void) = (int (*)(void))enter(
			compiler,
			"int none(void) __attribute__((weak)); extern int nothing "
			"__attribute__((weak)); int f(void) { return none ? none() : &nothing ? 2 : 3; }");
		assert_int_equal(f(), 3);
	}
}

static void a_name_out_of_reach_is_said(void **state)
{
	(void)state;
	linking_know("far_data", 0x10, false);
	const char *const argv[] = {"gcc", "-O2", "-fPIC", NULL};
	/* Hidden: the compiler may assume that it is near. */
	struct compile_object object =
		linking_cc("extern int far_data __attribute__((visibility(\"hidden\"))); "
			   "int f(void) { return far_data; }",
			   argv);
	struct link_result result;
	struct error *e = linking_try(&object, "f", &result);
	assert_non_null(e);
	assert_int_equal(error_class(e), ERROR_INTERNAL);
	assert_non_null(strstr(error_message(e), "far_data is too far"));
	error_free(e);
	compile_object_fini(&object);
}

static const char all_sorts[] =
	"int abs(int); int snprintf(char *, unsigned long, const char *, ...); static int k = 5; static long "
	"z[20];\n"
	"static const char *const names[] = { \"a\", \"bb\" }; static int h(int x) { return x < 1 ? 1 : x * "
	"k; }\n"
	"int f(int n) { static int c = 3; char b[20]; double d = n * 1.5; z[n & 7] += n; switch (n) { case "
	"0: return 1; "
	"case 1: return abs(c); case 2: return h(k); case 3: return 9; case 4: return d; case 5: return "
	"names[c & 1][0]; }\n"
	"return n > 9 ? f(n - 1) + snprintf(b, 20, \"%d %g\", c++, d) : h(n) + z[n & 3]; }\n";

static void a_full_region_is_an_error_at_every_size(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		struct compile_object object = compile(compiler, all_sorts);
		linking_know("f", (uintptr_t)entry, false);
		static unsigned char view[65536] __attribute__((aligned(4096)));
		bool linked = false;
		for (size_t size = 0; size < 8192 && !linked; size += 8) {
			struct link_region code = {view, 0x7f0000000000, size};
			struct link_region data = {view + 32768, 0x7f0000010000, size < 4096 ? size : 4096};
			struct link_result result;
			memset(view, 0x5a, sizeof view);
			struct error *e = link_object(object.bytes, object.size, "f", &linking_names, &code,
						      &data, &result);
			for (size_t i = size; i < 32768; i++)
				assert_int_equal(view[i], 0x5a);
			linked = !e;
			if (!linked) {
				assert_int_equal(error_class(e), ERROR_INTERNAL);
				assert_non_null(strstr(error_message(e), "no room"));
			} else {
				assert_true(result.code_size <= size);
				assert_int_equal(result.data_size, 4096);
			}
			error_free(e);
			link_result_fini(&result);
		}
		assert_true(linked);
		compile_object_fini(&object);
	}
}

static void ignore_name(void *context, const char *name)
{
	*(size_t *)context += strlen(name);
}

/* Whatever comes out, nothing may be read or written that is not the object's or the region's. */
static void link_anything(const void *bytes, size_t size)
{
	static unsigned char view[1 << 18] __attribute__((aligned(4096)));
	struct link_region code = {view, 0x7f0000000000, 1 << 17};
	struct link_region data = {view + (1 << 17), 0x7f0000100000, 1 << 17};
	struct link_result result;
	unsigned char *copy = malloc(size ? size : 1); /* exactly as large, for a sanitizer to watch */
	assert_non_null(copy);
	memcpy(copy, bytes, size);
	error_free(link_object(copy, size, "f", &linking_names, &code, &data, &result));
	link_result_fini(&result);
	size_t length = 0;
	error_free(link_each_undefined(copy, size, ignore_name, &length));
	free(copy);
}

static void every_truncation_is_survived(void **state)
{
	(void)state;
	EACH_COMPILER(compiler)
	{
		struct compile_object object = compile(compiler, all_sorts);
		for (size_t size = 0; size <= object.size; size += 1 + (size > 64 ? 4 : 0))
			link_anything(object.bytes, size);
		compile_object_fini(&object);
	}
}

/* Bytes of the headers and tables count most: half of the changes go there. */
static void random_damage_is_survived(void **state)
{
	(void)state;
	uint32_t random = 1;
	for (unsigned c = 0; c < 4; c += 3) {
		struct compile_object object = compile(&compilers[c], all_sorts);
		Elf64_Ehdr header;
		memcpy(&header, object.bytes, sizeof header);
		unsigned char *copy = malloc(object.size);
		assert_non_null(copy);
		for (unsigned round = 0; round < 20000; round++) {
			memcpy(copy, object.bytes, object.size);
			for (unsigned i = 0; i <= round % 5; i++) {
				random = random * 1664525 + 1013904223;
				size_t at = random % object.size;
				if (random & 0x80000000)
					at = header.e_shoff + random % (header.e_shnum * sizeof(Elf64_Shdr));
				random = random * 1664525 + 1013904223;
				copy[at] = random & 0x10000 ? (unsigned char)(random >> 20)
							    : (unsigned char)(1 << (random >> 29));
			}
			link_anything(copy, object.size);
		}
		free(copy);
		compile_object_fini(&object);
	}
}

static void an_object_without_the_function_is_said(void **state)
{
	(void)state;
	struct compile_object object =
		compile(&compilers[0], "static int f(void) { return 1; } int g(void) { return f(); }");
	struct link_result result;
	struct error *e = linking_try(&object, "f", &result);
	assert_non_null(e);
	assert_string_equal(error_message(e), "the object does not define f");
	error_free(e);
	compile_object_fini(&object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(strings_constants_and_calls_arrive, forget),
		cmocka_unit_test_setup(a_static_is_placed_once_and_bound_afterwards, forget),
		cmocka_unit_test_setup(a_static_behind_strings_that_are_only_measured_is_bound, forget),
		cmocka_unit_test_setup(new_variables_are_listed_and_begin_on_a_fresh_page, forget),
		cmocka_unit_test_setup(statics_of_one_name_are_counted_in_source_order, forget),
		cmocka_unit_test_setup(recursion_goes_through_the_entry, forget),
		cmocka_unit_test_setup(jump_tables_and_computed_gotos_work, forget),
		cmocka_unit_test_setup(data_with_pointers_and_large_copies_work, forget),
		cmocka_unit_test_setup(a_nameless_object_of_file_scope_can_be_written_to, forget),
		cmocka_unit_test_setup(variadic_functions_work_both_ways, forget),
		cmocka_unit_test_setup(thread_local_variables_are_reached, forget),
		cmocka_unit_test_setup(new_thread_locals_and_constructors_are_refused, forget),
		cmocka_unit_test_setup(cold_parts_and_compiler_library_calls_work, forget),
		cmocka_unit_test_setup(a_large_object_is_linked, forget),
		cmocka_unit_test_setup(a_new_versions_constants_count, forget),
		cmocka_unit_test_setup(all_unresolved_names_are_listed, forget),
		cmocka_unit_test_setup(a_weak_name_that_is_missing_is_null, forget),
		cmocka_unit_test_setup(a_name_out_of_reach_is_said, forget),
		cmocka_unit_test_setup(a_full_region_is_an_error_at_every_size, forget),
		cmocka_unit_test_setup(every_truncation_is_survived, forget),
		cmocka_unit_test_setup(random_damage_is_survived, forget),
		cmocka_unit_test_setup(an_object_without_the_function_is_said, forget),
	};
	linking_open();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (failed)
		fprintf(stderr, "the last compiler was %s\n", current);
	return failed;
}
