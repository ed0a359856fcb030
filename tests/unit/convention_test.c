/* libtcc's calling convention against gcc's and clang's, shape by shape.
 *
 * The shapes are generated: pairs of members of a list, arrays that make structures of 1 to 40 bytes, unions, packed and
 * over-aligned structures, longer ones by a fixed random sequence, bare scalars. CONVENTION_SHOW=1 in the environment prints
 * each with the signatures that went wrong (a bit each) and the two answers. Each is compiled with each compiler into a
 * function that calls and one that is called, for eight signatures, libtcc as adapt.h puts the text; then they call one
 * another, in a child of ours that may crash: some of the values end where a page does behind which there is nothing. The values are random; CONVENTION_SEED=N repeats those of a run that printed that number. */
#include "adapt.h"
#include "check.h"
#include "convention.h"
#include "linking.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum {
	MEMBERS_MAX = 4,
	SCALARS_MAX = 4,
	BYTES_MAX = 40,
	ALL_MAX = MEMBERS_MAX * SCALARS_MAX + BYTES_MAX,
	SIGNATURES = 8,
	LISTED = 4,
	VARIADIC = 6,
	RANDOM_SHAPES = 60
};

struct member {
	const char *declaration; /* printf format of the name */
	struct {
		const char *path;
		enum convention_kind kind;
	} scalars[SCALARS_MAX];
	bool array, bit_field, choice; /* choice: a union, of which only the first path is used as a value */
};

#define I CONVENTION_INTEGER
#define F CONVENTION_FLOAT
#define L CONVENTION_LONG_DOUBLE
static const struct member members[] = {
	{"signed char %s", {{"", I}}, 0, 0, 0},
	{"_Bool %s", {{"", I}}, 0, 0, 0},
	{"short %s", {{"", I}}, 0, 0, 0},
	{"int %s", {{"", I}}, 0, 0, 0},
	{"long %s", {{"", I}}, 0, 0, 0},
	{"float %s", {{"", F}}, 0, 0, 0},
	{"double %s", {{"", F}}, 0, 0, 0},
	{"long double %s", {{"", L}}, 0, 0, 0},
	{"signed char %s[3]", {{"[0]", I}, {"[1]", I}, {"[2]", I}}, 1, 0, 0},
	{"int %s[2]", {{"[0]", I}, {"[1]", I}}, 1, 0, 0},
	{"float %s[2]", {{"[0]", F}, {"[1]", F}}, 1, 0, 0},
	{"float %s[3]", {{"[0]", F}, {"[1]", F}, {"[2]", F}}, 1, 0, 0},
	{"double %s[1]", {{"[0]", F}}, 1, 0, 0},
	{"double %s[2]", {{"[0]", F}, {"[1]", F}}, 1, 0, 0},
	{"struct { float u, v; } %s", {{".u", F}, {".v", F}}, 0, 0, 0},
	{"struct { int u; float v; } %s", {{".u", I}, {".v", F}}, 0, 0, 0},
	{"struct { short u; double v; } %s", {{".u", I}, {".v", F}}, 0, 0, 0},
	{"struct { float u; } %s[2]", {{"[0].u", F}, {"[1].u", F}}, 1, 0, 0},
	{"union { int u; float v; } %s", {{".u", I}, {".v", F}}, 0, 0, 1},
	{"union { double u; long v; } %s", {{".u", F}, {".v", I}}, 0, 0, 1},
	{"union { double u; float v; } %s", {{".u", F}, {".v", F}}, 0, 0, 1},
	{"int %s : 5", {{"", I}}, 0, 1, 0},
	{"long %s : 31", {{"", I}}, 0, 1, 0},
	{"unsigned char %s", {{"", I}}, 0, 0, 0},
	{"unsigned short %s", {{"", I}}, 0, 0, 0},
	{"unsigned %s", {{"", I}}, 0, 0, 0},
	{"unsigned long %s", {{"", I}}, 0, 0, 0},
	{"char *%s", {{"", I}}, 0, 0, 0},
	{"int (*%s)(double)", {{"", I}}, 0, 0, 0},
	{"unsigned char %s : 3", {{"", I}}, 0, 1, 0},
};
#undef I
#undef F
#undef L

enum { MEMBERS = sizeof members / sizeof *members, FIRST_UNSIGNED = 23 };

struct shape {
	enum { SHAPE_BARE, SHAPE_STRUCT, SHAPE_UNION } form;
	const char *attribute;
	unsigned count;
	unsigned member[MEMBERS_MAX];
	unsigned bytes; /* an array of so many behind the others, or none */
};

static struct shape shapes[1000];
static unsigned shape_count, seed;

static void add_shape(struct shape shape)
{
	assert_true(shape_count < sizeof shapes / sizeof *shapes);
	shapes[shape_count++] = shape;
}

static uint32_t random_below(uint32_t *state, uint32_t limit)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % limit;
}

static void make_shapes(void)
{
	static const char packed[] = "__attribute__((packed))", aligned[] = "__attribute__((aligned(16)))";
	static const unsigned char second[] = {0, 3, 4, 5, 6, 7, 10, 15, 22}; /* one of each kind */
	for (unsigned i = 0; i < MEMBERS; i++)
		if (i < 8 || (i >= FIRST_UNSIGNED && !members[i].bit_field))
			add_shape((struct shape){SHAPE_BARE, "", 1, {i}, 0});
	for (unsigned bytes = 1; bytes <= BYTES_MAX; bytes++) {
		unsigned member = second[bytes % (sizeof second / sizeof *second)];
		add_shape((struct shape){SHAPE_STRUCT, "", 0, {0}, bytes});
		add_shape((struct shape){SHAPE_STRUCT, "", 1, {member}, bytes});
		if (bytes + 8 <= BYTES_MAX)
			add_shape((struct shape){SHAPE_STRUCT, packed, 1, {bytes % 2 ? 6 : 4}, bytes});
	}
	for (unsigned i = 0; i < MEMBERS; i++) {
		add_shape((struct shape){SHAPE_STRUCT, "", 1, {i}, 0});
		for (unsigned j = 0; j < sizeof second / sizeof *second; j++)
			add_shape((struct shape){SHAPE_STRUCT, "", 2, {i, second[j]}, 0});
	}
	for (unsigned i = 0; i < 8; i++) {
		add_shape((struct shape){SHAPE_STRUCT, aligned, 1, {i}, 0});
		add_shape((struct shape){SHAPE_STRUCT, aligned, 2, {i, 7 - i}, 0});
		for (unsigned j = 0; j < 8; j++) {
			add_shape((struct shape){SHAPE_STRUCT, packed, 2, {i, j}, 0});
			if (i < j)
				add_shape((struct shape){SHAPE_UNION, "", 2, {i, j}, 0});
		}
	}
	uint32_t state = 20;
	for (unsigned i = 0; i < RANDOM_SHAPES; i++) {
		struct shape shape = {SHAPE_STRUCT, random_below(&state, 8) ? "" : packed, 0, {0}, 0};
		shape.form = random_below(&state, 6) ? SHAPE_STRUCT : SHAPE_UNION;
		shape.count = 2 + random_below(&state, 3);
		for (unsigned j = 0; j < shape.count; j++)
			shape.member[j] = random_below(&state, FIRST_UNSIGNED);
		add_shape(shape);
	}
}

/* --- the text ------------------------------------------------------------------------------------------- */

static const char preamble[] =
	"typedef unsigned long word;\n"
	"typedef __builtin_va_list va_list;\n"
	"void *memset(void *, int, unsigned long);\n"
	"static __attribute__((noinline)) long next(word *seed)\n"
	"{ *seed = *seed * 6364136223846793005ul + 1442695040888963407ul; return (long)(*seed >> 33) % 101 - "
	"50; }\n"
	"static void bits(const char *v, long size, long *to)\n"
	"{ long a = 0, b = size; while (!v[a]) a++; while (!v[b - 1]) b--; to[0] = b - a; to[1] = a; }\n"
	"static __attribute__((noinline)) word mix(word h, long v) { return (h ^ (word)v) * 1099511628211ul "
	"+ 7; }\n";

/* Calls `with` for every scalar of a shape that carries a value. */
static void each_value(FILE *out, const struct shape *shape, const char *format)
{
	unsigned first = shape->form == SHAPE_UNION ? shape->count - 1 : 0;
	for (unsigned i = first; i < shape->count; i++) {
		const struct member *member = &members[shape->member[i]];
		for (unsigned j = 0; j < SCALARS_MAX && member->scalars[j].path && !(member->choice && j);
		     j++) {
			char path[32];
			snprintf(path, sizeof path, shape->form == SHAPE_BARE ? "(*v)%.0u%s" : "v->m%u%s", i,
				 member->scalars[j].path);
			bool tiny = !strcmp(member->declaration, "_Bool %s") || member->bit_field;
			bool pointer = strchr(member->declaration, '*') != NULL;
			fprintf(out, format, path, pointer ? "(void *)" : "", tiny ? "& 7" : "");
		}
	}
	for (unsigned i = 0; i < shape->bytes; i++) {
		char path[32];
		snprintf(path, sizeof path, "v->bytes[%u]", i);
		fprintf(out, format, path, "", "");
	}
}

static void write_type(FILE *out, unsigned k, const struct shape *shape)
{
	char name[32];
	if (shape->form == SHAPE_BARE) {
		snprintf(name, sizeof name, "T%u", k);
		fputs("typedef ", out);
		fprintf(out, members[shape->member[0]].declaration, name);
		fputs(";\n", out);
		return;
	}
	fprintf(out, "typedef %s %s { ", shape->form == SHAPE_UNION ? "union" : "struct", shape->attribute);
	for (unsigned i = 0; i < shape->count; i++) {
		snprintf(name, sizeof name, "m%u", i);
		fprintf(out, members[shape->member[i]].declaration, name);
		fputs("; ", out);
	}
	if (shape->bytes)
		fprintf(out, "signed char bytes[%u]; ", shape->bytes);
	fprintf(out, "} T%u;\n", k);
}

/* Arguments that are promoted where `...` is cannot be read back as what they were. */
static bool can_be_variadic(const struct shape *shape)
{
	unsigned member = shape->member[0];
	return shape->form != SHAPE_BARE || member == 3 || member == 4 ||
	       (member >= 6 && member != FIRST_UNSIGNED && member != FIRST_UNSIGNED + 1);
}

/* A signature: its parameters, how its callee mixes them, and how its caller names them. T is the type. */
static const struct {
	const char *parameters, *body, *arguments, *expected;
} signatures[LISTED] = {
	{"T a", "h = H(h, &a);", "*edge", "h = H(h, edge);"},
	{"int i, T a, long j, T b, T c, signed char k",
	 "h = mix(h, i); h = H(h, &a); h = mix(h, j); h = H(h, &b); "
	 "h = H(h, &c); h = mix(h, k);",
	 "-7, a, 8, b, c, (signed char)(s | 0x80)",
	 "h = mix(h, -7); h = H(h, &a); h = mix(h, 8); h = H(h, &b); h = H(h, &c); h = mix(h, (signed "
	 "char)(s | 0x80));"},
	{"double p, double q, double r, double s, double t, double u, double w, T a, T b, float x, T c",
	 "h = mix(h, (long)(p + 2 * q + 3 * r + 4 * s + 5 * t + 6 * u + 7 * w + 8 * x)); h = H(h, &a); h = "
	 "H(h, &b); "
	 "h = H(h, &c);",
	 "1, 2, 3, 4, 5, 6, 7, a, b, 8, c", "h = mix(h, 204); h = H(h, &a); h = H(h, &b); h = H(h, &c);"},
	{"long p, long q, long r, long s, long t, T a, T b, double u, int w, long double x, T c",
	 "h = mix(h, p + 2 * q + 3 * r + 4 * s + 5 * t + 6 * (long)u + 7 * w + 8 * (long)x); h = H(h, &a); "
	 "h = H(h, &b); h = H(h, &c);",
	 "1, 2, 3, 4, 5, a, b, 6, 7, 8, c", "h = mix(h, 204); h = H(h, &a); h = H(h, &b); h = H(h, &c);"},
};

static void write_functions(FILE *out, unsigned k, const struct shape *shape)
{
	write_type(out, k, shape);
	fprintf(out, "#undef T\n#undef H\n#define T T%u\n#define H hash%u\n", k, k);
	fprintf(out,
		"static __attribute__((noinline)) void fill%u(T *v, word *seed)\n{\n\tmemset(v, 0, sizeof "
		"*v);\n",
		k);
	each_value(out, shape, "\t%s = %s next(seed) %s;\n");
	fprintf(out, "}\nstatic __attribute__((noinline)) word hash%u(word h, const T *v)\n{\n", k);
	each_value(out, shape, "\th = mix(h, (long)%s);\n");
	fputs("\treturn h;\n}\n", out);
	for (unsigned s = 0; s < LISTED; s++) {
		fprintf(out, "static word called%u_%u(%s)\n{ word h = 1; %s return h; }\n", k, s,
			signatures[s].parameters, signatures[s].body);
		fprintf(out,
			"static int caller%u_%u(void *f, T *edge)\n{ word s = %u, h = 1; T a, b, c; "
			"fill%u(&a, &s); "
			"fill%u(&b, &s); fill%u(&c, &s); fill%u(edge, &s); %s return ((word (*)(%s))f)(%s) "
			"== h; }\n",
			k, s, seed + k * 10 + s, k, k, k, k, signatures[s].expected, signatures[s].parameters,
			signatures[s].arguments);
	}
	/* Returned, between two guards, and to the end of a page. */
	fprintf(out, "static T called%u_4(word s)\n{ T v; fill%u(&v, &s); return v; }\n", k, k);
	fprintf(out,
		"static int caller%u_4(void *f, T *edge)\n{ struct { char g; T v; char h; } r; T e; word s = "
		"%u; fill%u(&e, &s); "
		"memset(&r, 77, sizeof r); r.v = ((T (*)(word))f)(%u); "
		"*edge = ((T (*)(word))f)(%u); "
		"return r.g == 77 && r.h == 77 && H(1, &r.v) == H(1, &e) && H(1, edge) == H(1, &e); }\n",
		k, seed + k, k, seed + k, seed + k);
	/* Taken and returned. */
	fprintf(out,
		"static T called%u_5(long p, T a, double q, T b)\n{ return p + (long)q == 5 ? b : a; }\n", k);
	fprintf(out,
		"static int caller%u_5(void *f, T *edge)\n{ T a, b, r; word s = %u; fill%u(&a, &s); "
		"fill%u(&b, &s); "
		"r = ((T (*)(long, T, double, T))f)(2, a, 3, b); return H(1, &r) == H(1, &b); }\n",
		k, seed + k, k, k);
	/* Returned from the end of a page, where it is a structure's last member, to below small variables. */
	fprintf(out,
		"static T called%u_7(T *edge, int i)\n{ struct around { long l; T v; } *p = (void *)((char "
		"*)edge - "
		"__builtin_offsetof(struct around, v)); return i ? p->v : *edge; }\n",
		k);
	fprintf(out,
		"static int caller%u_7(void *f, T *edge)\n{ T e, r; word s = %u; fill%u(&e, &s); s = %u; "
		"fill%u(edge, &s); char near = 77; r = ((T (*)(T *, int))f)(edge, 1); "
		"if (near != 77 || H(1, &r) != H(1, &e)) return 0; unsigned nearer = 78; "
		"r = ((T (*)(T *, int))f)(edge, 0); "
		"return near == 77 && nearer == 78 && H(1, &r) == H(1, &e); }\n",
		k, seed + k, k, seed + k, k);
	if (!can_be_variadic(shape))
		return;
	fprintf(out,
		"static word called%u_6(int n, ...)\n{ va_list ap, other; word h = 1; __builtin_va_start(ap, "
		"n); "
		"__builtin_va_copy(other, ap);"
		"for (int i = 0; i < n; i++) { T v = __builtin_va_arg(ap, T); h = H(h, &v); "
		"h = mix(h, __builtin_va_arg(ap, int)); h = mix(h, (long)__builtin_va_arg(ap, double)); } "
		"h = mix(h, (long)__builtin_va_arg(ap, long double)); __builtin_va_end(ap); "
		"T w = __builtin_va_arg(other, T); h = H(h, &w); __builtin_va_end(other); return h; }\n",
		k);
	fprintf(out,
		"static int caller%u_6(void *f, T *edge)\n{ T a, b, c, d; word h = 1, s = %u; fill%u(&a, "
		"&s); fill%u(&b, &s); "
		"fill%u(&c, &s); fill%u(&d, &s); h = mix(mix(H(h, &a), -1), 2); h = mix(mix(H(h, &b), 3), "
		"4); "
		"h = mix(mix(H(h, &c), 5), 6); h = mix(mix(H(h, &d), 7), 8); h = mix(h, 9); h = H(h, &a); "
		"return ((word (*)(int, ...))f)(4, a, -1, 2., b, 3, 4., c, 5, 6., d, 7, 8., 9.L) == h; }\n",
		k, seed + k, k, k, k, k);
}

/* What the compiler says of the shape: size, alignment, and each scalar as kind, size, offset, up to a kind
 * of -1. A bit-field is where its bits are. */
static void write_description(FILE *out, unsigned k, const struct shape *shape)
{
	fprintf(out, "static void about%u(long *to)\n{\n\t*to++ = sizeof(T%u); *to++ = _Alignof(T%u);\n", k,
		k, k);
	for (unsigned i = 0; i < shape->count; i++) {
		const struct member *member = &members[shape->member[i]];
		for (unsigned j = 0; j < SCALARS_MAX && member->scalars[j].path; j++) {
			const char *path = member->scalars[j].path;
			fprintf(out, "\t*to++ = %d; ", (int)member->scalars[j].kind);
			if (shape->form == SHAPE_BARE)
				fprintf(out, "*to++ = sizeof(T%u); *to++ = 0;\n", k);
			else if (member->bit_field)
				fprintf(out,
					"{ T%u v; memset(&v, 0, sizeof v); v.m%u = -1; bits((char *)&v, "
					"sizeof v, to); "
					"to += 2; }\n",
					k, i);
			else
				fprintf(out,
					"*to++ = sizeof(((T%u *)0)->m%u%s); *to++ = __builtin_offsetof(T%u, "
					"m%u%s);\n",
					k, i, path, k, i, path);
		}
	}
	for (unsigned i = 0; i < shape->bytes; i++)
		fprintf(out, "\t*to++ = %d; *to++ = 1; *to++ = __builtin_offsetof(T%u, bytes[%u]);\n",
			CONVENTION_INTEGER, k, i);
	fputs("\t*to = -1;\n}\n", out);
}

/* `table` gives: for each shape its callers, its called ones, its description. */
static char *write_text(unsigned first, unsigned end, bool described)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	fputs(preamble, out);
	for (unsigned k = first; k < end; k++) {
		write_functions(out, k, &shapes[k]);
		if (described)
			write_description(out, k, &shapes[k]);
	}
	fputs("static const void *const functions[] = {\n", out);
	for (unsigned k = first; k < end; k++) {
		for (unsigned s = 0; s < SIGNATURES; s++) {
			if (s == VARIADIC && !can_be_variadic(&shapes[k]))
				fputs("0, 0, ", out);
			else
				fprintf(out, "(void *)caller%u_%u, (void *)called%u_%u, ", k, s, k, s);
		}
		if (described)
			fprintf(out, "(void *)about%u,\n", k);
		else
			fputs("0,\n", out);
	}
	fputs("};\nconst void *const *table(void) { return functions; }\n", out);
	fclose(out);
	return text;
}

/* --- compiling, linking, calling ------------------------------------------------------------------------ */

static unsigned char *page_end; /* behind it is no memory */

static void make_page_end(void)
{
	page_end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page_end == MAP_FAILED || mprotect(page_end + 4096, 4096, PROT_NONE))
		abort();
	page_end += 4096;
}

typedef void *const *table_function(void);

static struct check *check;

/* The text as libtcc is to read it; the caller's. */
static char *adapted(char *text)
{
	struct slice slice = {.text = text, .size = strlen(text)};
	CXTranslationUnit unit;
	char *out;

	assert_null(check_parse(check, &slice, NULL, &unit));
	assert_null(adapt_text(unit, text, slice.size, &out));
	assert_non_null(out);
	clang_disposeTranslationUnit(unit);
	return out;
}

static void *const *load_tcc(const char *text)
{
	return ((table_function *)linking_enter(linking_tcc(text), "table"))();
}

static void *const *load_cc(const char *text, const char *compiler, const char *level)
{
	const char *argv[] = {compiler, level, NULL};
	return ((table_function *)linking_enter(linking_cc(text, argv), "table"))();
}

enum { ENTRIES = 2 * SIGNATURES + 1 };

/* One bit for each signature that goes wrong between this caller's and that callee's side. */
static unsigned try_shape(unsigned k, size_t size, void *const *callers, void *const *callees)
{
	unsigned wrong = 0;
	for (unsigned s = 0; s < SIGNATURES; s++) {
		int (*caller)(void *, void *) = (int (*)(void *, void *))callers[k * ENTRIES + 2 * s];
		if (caller && caller(callees[k * ENTRIES + 2 * s + 1], page_end - size) != 1)
			wrong |= 1u << s;
	}
	return wrong;
}

enum { ALL_WRONG = (1 << SIGNATURES) - 1 };

/* Both ways; which of them goes wrong does not matter, and a process less is made. */
static unsigned try_in_child(unsigned k, size_t size, void *const *tcc, void *const *cc)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct rlimit none = {0, 0}, seconds = {10, 10};
		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_CPU,
			  &seconds); /* of the processor: how busy the machine is does not count */
		for (int number = 1; number < 32; number++)
			signal(number, SIG_DFL); /* cmocka's would go on with the tests here */
		_exit((int)(try_shape(k, size, tcc, cc) | try_shape(k, size, cc, tcc)));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) & ALL_WRONG : ALL_WRONG;
}

/* --- the predicate against it --------------------------------------------------------------------------- */

static const char *shape_text(const struct shape *shape)
{
	static char text[512];
	FILE *out = fmemopen(text, sizeof text, "w");
	write_type(out, 0, shape);
	fclose(out);
	return text;
}

static unsigned describe(const struct shape *shape, const long *about, struct convention_scalar *scalars,
			 struct convention_shape *out)
{
	unsigned count = 0;
	about += 2;
	for (unsigned i = 0; i < shape->count; i++) {
		const struct member *member = &members[shape->member[i]];
		for (unsigned j = 0; j < SCALARS_MAX && member->scalars[j].path; j++, about += 3) {
			scalars[count] = (struct convention_scalar){.kind = (enum convention_kind)about[0],
								    .size = (uint64_t)about[1],
								    .offset = (uint64_t)about[2],
								    .bit_field = member->bit_field,
								    .in_array = member->array};
			count++;
		}
	}
	for (unsigned i = 0; i < shape->bytes; i++, about += 3)
		scalars[count++] = (struct convention_scalar){.kind = (enum convention_kind)about[0],
							      .size = (uint64_t)about[1],
							      .offset = (uint64_t)about[2],
							      .in_array = true};
	out->count = count;
	out->scalars = scalars;
	return count;
}

static unsigned check_shape(const struct shape *shape, const long *about, unsigned wrong, unsigned *useful)
{
	struct convention_scalar scalars[ALL_MAX];
	struct convention_shape description = {.size = (uint64_t)about[0], .align = (uint64_t)about[1]};
	describe(shape, about, scalars, &description);
	bool yes = convention_match(&description) != CONVENTION_DIFFERENT;
	if (getenv("CONVENTION_SHOW"))
		fprintf(stderr, "%02x %d %s", wrong, yes, shape_text(shape));
	*useful += yes && !wrong;
	if (yes && wrong) {
		print_error("trusted, but differs (%02x): %s", wrong, shape_text(shape));
		return 1;
	}
	return 0;
}

enum { BATCH = 72, COMPILERS = 2 };

static const char *const compilers[COMPILERS] = {"gcc", "clang"};

/* A batch on libtcc's side and on the others', which all have the same text. */
static void compare_batch(unsigned first, unsigned end, unsigned lies[], unsigned useful[],
			  unsigned matching[])
{
	char *text = write_text(first, end, true);
	char *changed = adapted(text);
	void *const *tcc = load_tcc(changed);
	for (unsigned i = 0; i < COMPILERS; i++) {
		void *const *cc = load_cc(text, compilers[i], "-O0");
		for (unsigned k = first; k < end; k++) {
			long about[2 + ALL_MAX * 3 + 1];
			((void (*)(long *))cc[(k - first) * ENTRIES + ENTRIES - 1])(about);
			size_t bytes = (size_t)about[0];
			assert_int_equal(try_shape(k - first, bytes, cc, cc), 0); /* the test is right */
			unsigned wrong = try_in_child(k - first, bytes, tcc, cc);
			lies[i] += check_shape(&shapes[k], about, wrong, &useful[i]);
			matching[i] += !wrong;
		}
	}
	free(changed);
	free(text);
}

static void no_shape_is_trusted_that_gcc_or_clang_passes_otherwise(void **state)
{
	(void)state;
	unsigned lies[COMPILERS] = {0}, useful[COMPILERS] = {0}, matching[COMPILERS] = {0};
	print_message("CONVENTION_SEED=%u\n", seed);
	for (unsigned first = 0; first < shape_count; first += BATCH)
		compare_batch(first, first + BATCH < shape_count ? first + BATCH : shape_count, lies, useful,
			      matching);
	for (unsigned i = 0; i < COMPILERS; i++) {
		assert_int_equal(lies[i], 0);
		/* A predicate that always says no would pass the line above. */
		print_message("%s: of %u shapes %u match, of which %u are trusted\n", compilers[i],
			      shape_count, matching[i], useful[i]);
		assert_true(useful[i] > matching[i] * 9 / 10);
	}
}

/* What libtcc has no type for it does not take for something else. */
static void numbers_that_libtcc_does_not_know_stop_it(void **state)
{
	static const char *const types[] = {"float _Complex",
					    "double _Complex",
					    "long double _Complex",
					    "__int128",
					    "unsigned __int128",
					    "struct { double _Complex z; }",
					    "struct { char c; __int128 v; }",
					    "union { long l; __int128 v; }"};

	(void)state;
	for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
		struct compile_object object = {0};
		char text[200], *why = NULL;
		snprintf(text, sizeof text, "typedef %s T;\nT called(T v) { return v; }\n", types[i]);
		struct error *e = compile_tcc(text, &object, &why);
		assert_null(e);
		if (!why)
			fail_msg("libtcc takes %s for something", types[i]);
		free(why);
		compile_object_fini(&object);
	}
}

/* Bits above a narrow value are anybody's when it is returned, and extended when it is passed, as clang
 * expects and the psABI does not say. */
static const char narrow_text[] =
	"signed char c(long v) { return v; }\nshort s(long v) { return v; }\n"
	"unsigned char uc(long v) { return v; }\nunsigned short us(long v) { return v; }\n_Bool b(long v) { "
	"return v; }\n"
	"long xc(signed char v) { return v; }\nlong xs(short v) { return v; }\nlong xuc(unsigned char v) { "
	"return v; }\n"
	"long xus(unsigned short v) { return v; }\nlong xb(_Bool v) { return v; }\n"
	"long xi(int v) { return v; }\nlong xui(unsigned v) { return v; }\n"
	"int called(void **f)\n{\n"
	"	long v = 0x1234567887f3f2f1; volatile long *p = &v;\n"
	"	if (((signed char (*)(long))f[0])(*p) + 0 != (signed char)v) return 1;\n"
	"	if (((short (*)(long))f[1])(*p) + 0 != (short)v) return 2;\n"
	"	if (((unsigned char (*)(long))f[2])(*p) + 0 != (unsigned char)v) return 3;\n"
	"	if (((unsigned short (*)(long))f[3])(*p) + 0 != (unsigned short)v) return 4;\n"
	"	if (((_Bool (*)(long))f[4])(*p) + 0 != 1) return 5;\n"
	"	if (((long (*)(signed char))f[5])(*p) != (signed char)v) return 6;\n"
	"	if (((long (*)(short))f[6])(*p) != (short)v) return 7;\n"
	"	if (((long (*)(unsigned char))f[7])(*p) != (unsigned char)v) return 8;\n"
	"	if (((long (*)(unsigned short))f[8])(*p) != (unsigned short)v) return 9;\n"
	"	if (((long (*)(_Bool))f[9])(*p) != 1) return 10;\n"
	"	if (((long (*)(int))f[10])(*p) != (int)v) return 11;\n"
	"	if (((long (*)(unsigned))f[11])(*p) != (unsigned)v) return 12;\n"
	"	return 0;\n}\n"
	"static const void *const list[] = { c, s, uc, us, b, xc, xs, xuc, xus, xb, xi, xui, called };\n"
	"const void *const *table(void) { return list; }\n";

static void narrow_values_arrive_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COMPILERS; i++) {
		void *const *tcc = load_tcc(narrow_text), *const *cc =
								  load_cc(narrow_text, compilers[i], "-O2");
		assert_int_equal(((int (*)(void *const *))tcc[12])(cc), 0);
		assert_int_equal(((int (*)(void *const *))cc[12])(tcc), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_shape_is_trusted_that_gcc_or_clang_passes_otherwise),
		cmocka_unit_test(numbers_that_libtcc_does_not_know_stop_it),
		cmocka_unit_test(narrow_values_arrive_whole),
	};
	const char *given = getenv("CONVENTION_SEED");
	/* Room above it: a seed that a shape's number is added to stays a number of 32 bits. */
	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL) % 1000000000;
	make_shapes();
	linking_open();
	make_page_end();
	if (check_new(&check))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	check_free(check);
	return failed;
}
