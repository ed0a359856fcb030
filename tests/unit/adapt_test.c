/* Texts that are put otherwise for libtcc: they then do, on a stack that is full of other things and with values that end
 * where memory does, what gcc makes of the text as it was written. convention_test.c has structures of every shape. */
#include "adapt.h"
#include "check.h"
#include "linking.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* C as C, not as string literals. No directives and no line ends in it. */
#define TEXT(...) #__VA_ARGS__

enum { OUT_SIZE = 64 };

static struct check *check;
static char *edge; /* behind it is no memory */

static CXTranslationUnit parse(char *text)
{
	struct slice slice = {.text = text, .size = strlen(text)};
	CXTranslationUnit unit;

	assert_null(check_parse(check, &slice, NULL, &unit));
	for (unsigned i = 0; i < clang_getNumDiagnostics(unit); i++) {
		CXDiagnostic d = clang_getDiagnostic(unit, i);
		if (clang_getDiagnosticSeverity(d) >= CXDiagnostic_Error)
			fail_msg("%s: %s", clang_getCString(clang_getDiagnosticSpelling(d)), text);
		clang_disposeDiagnostic(d);
	}
	return unit;
}

static enum CXChildVisitResult look(CXCursor cursor, CXCursor parent, CXClientData data)
{
	(void)parent;
	adapt_look(data, cursor);
	return clang_Cursor_getStorageClass(cursor) == CX_SC_Static ? CXChildVisit_Continue
								    : CXChildVisit_Recurse;
}

static enum CXChildVisitResult examine(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct adapt_examination examination;

	(void)parent;
	if (clang_getCursorKind(cursor) == CXCursor_FunctionDecl && clang_isCursorDefinition(cursor)) {
		adapt_examine(cursor, data, &examination);
		clang_visitChildren(cursor, look, &examination);
		adapt_looked(&examination, cursor);
	}
	return CXChildVisit_Continue;
}

static bool fuses; /* the processor adds and multiplies at once */

static struct adapt_needs examined(const char *text)
{
	char *own = strdup(text);
	CXTranslationUnit unit = parse(own);
	struct adapt_needs needs = {.arithmetic = arithmetic_expect(text)};

	needs.arithmetic.fuses = fuses;
	clang_visitChildren(clang_getTranslationUnitCursor(unit), examine, &needs);
	clang_disposeTranslationUnit(unit);
	free(own);
	return needs;
}

/* NULL: it cannot be put otherwise. */
static char *adapted(const char *text)
{
	char *own = strdup(text), *out;
	CXTranslationUnit unit = parse(own);

	assert_null(adapt_text(unit, own, strlen(own), &out));
	clang_disposeTranslationUnit(unit);
	free(own);
	return out;
}

/* --- what comes of it ------------------------------------------------------------------------------------------ */

static const char preamble[] =
	"void *memcpy(void *, const void *, unsigned long);\n"
	"struct bits { unsigned a : 1, b : 3, c : 4; unsigned short s; unsigned d : 9; const char *text; };\n"
	"struct deep { char name[3]; struct bits bits[2]; union { struct { long x : 5, y : 9; } u; long l; "
	"}; };\n"
	"typedef struct { int a, b, c; } three;\n"
	"struct five { char c[5]; };\n"
	"static struct around { long l; three t; } *out_of(void *edge)\n"
	"{ return (struct around *)((char *)edge - (long)&((struct around *)0)->t - sizeof(three)); }\n"
	"static int sum(three t, int n, three u) { return t.a + t.b * 3 + t.c * 5 + n + u.c * 7; }\n"
	"static int sum5(struct five f) { return f.c[0] + f.c[4]; }\n"
	"static three twice(three t) { t.a *= 2; t.c *= 2; return t; }\n";

/* Fills the frame that the next call will have. */
static __attribute__((noinline)) void dirty(void)
{
	volatile char full[4096];

	for (size_t i = 0; i < sizeof(full); i++)
		full[i] = (char)0xee;
}

typedef void written(char *out, void *edge);

static void call(const char *text, written *f, char out[OUT_SIZE])
{
	int status;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		for (int i = 1; i <= OUT_SIZE; i++)
			edge[-i] = (char)i;
		dirty();
		f(out, edge);
		_exit(write(fd[1], out, OUT_SIZE) != OUT_SIZE);
	}
	close(fd[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status)
		fail_msg("status %d: %s", status, text);
	assert_int_equal(read(fd[0], out, OUT_SIZE), OUT_SIZE);
	close(fd[0]);
}

static const char *const texts[] = {
	/* types that are the initialiser's */
	TEXT(void f(char *out, void *edge) {
		char c = 5;
		const int v[2] = {300, -4};
		__auto_type d = c;
		const __auto_type p = v;
		static __auto_type s = 7L;
		__auto_type sum_of = sum;
		__auto_type b = ((struct bits){.b = 2}).s;
		out[0] = sizeof d + sizeof p + sizeof s + sizeof b;
		out[1] = p[1];
		out[2] = sum_of((three){1, 2, 3}, 4, (three){5, 6, 7});
		out[3] = ({
			__auto_type left = ({
				__auto_type left = d + 0.5;
				left * 2;
			});
			left;
		});
	}),
	/* bit-fields */
	TEXT(void f(char *out, void *edge) {
		struct bits v = {.b = 2};
		memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		struct bits v = {1, 2}, w = {.s = 3};
		v.d = w.d;
		memcpy(out, &v, sizeof v);
		memcpy(out + 32, &w, sizeof w);
	}),
	TEXT(void f(char *out, void *edge) {
		const struct bits v = {.d = ((char *)edge)[-1], .text = "ab"};
		memcpy(out, &v, 8);
		out[20] = v.text[1];
	}),
	TEXT(void f(char *out, void *edge) {
		const struct bits v = {.text = "ab", .c = 9};
		memcpy(out, &v, 8);
		out[20] = v.text[1];
	}),
	TEXT(void f(char *out, void *edge) {
		struct bits v[] = {[1] = {.c = 5}, {.a = 1}};
		out[0] = sizeof v;
		memcpy(out + 1, &v[1], 12);
		memcpy(out + 14, &v[2], 12);
	}),
	TEXT(void f(char *out, void *edge) {
		struct bits v = {};
		memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		struct bits *v = &(struct bits){.b = 2};
		v->c++;
		memcpy(out, v, sizeof *v);
	}),
	TEXT(void f(char *out, void *edge) {
		out[0] = (char)((struct bits){.c = 2}.a + (struct bits){.b = 3}.c);
	}),
	TEXT(void f(char *out, void *edge) {
		struct bits v;
		v = (struct bits){.b = out == edge, .c = 7};
		memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		struct deep v = {{1}, {{}, {.d = 3}}, .u.x = 4};
		memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		struct bits w = {.c = 3};
		struct deep v = {.bits[1] = (struct bits){.b = 1}, .bits = {w}};
		memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		for (struct bits v = {.a = 1}; v.c < 3; v.c++)
			memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		static struct bits v = {.a = 1};
		memcpy(out, &v, sizeof v);
	}),
	TEXT(void f(char *out, void *edge) {
		struct deep v = {u : {y : 1}, bits : {{b : 2}}, name : {3}};
		memcpy(out, &v, sizeof v);
	}),
	/* structures that end where memory does */
	TEXT(void f(char *out, void *edge) {
		three *t = (three *)edge - 1;
		out[0] = (char)sum(*t, 1, t[0]);
	}),
	TEXT(void f(char *out, void *edge) {
		struct five *p = (struct five *)edge - 1;
		out[0] = (char)sum5(*p);
	}),
	TEXT(void f(char *out, void *edge) {
		three *t = (three *)edge - 1, u = {1, 2, 3};
		out[0] = (char)sum(twice(*t), sum(u, 2, *t), out ? *t : u);
	}),
	TEXT(void f(char *out, void *edge) {
		three *t = (three *)edge - 1, u;
		out[0] = (char)sum(*t = u = (three){1, 2, 3}, 1, (u.a++, *t));
	}),
	TEXT(void f(char *out, void *edge) {
		struct around *a = out_of(edge);
		int (*p)(three, int, three) = sum;
		out[0] = (char)p(a->t, 1, (*a).t);
	}),
	TEXT(
		static three g(void *edge) { return out_of(edge)->t; } void f(char *out, void *edge) {
			three t = g(edge);
			memcpy(out, &t, sizeof t);
		}),
	TEXT(
		static three g(three *t) {
			if (t->a)
				return *t;
			else
				return (three){1, 2, 3};
		} void f(char *out, void *edge) {
			three t = g((three *)edge - 1);
			memcpy(out, &t, sizeof t);
		}),
	TEXT(
		static struct five g(struct five *p, int n) { return p[n]; } void f(char *out, void *edge) {
			*(struct five *)out = g((struct five *)edge - 2, 1);
		}),
	/* results, between variables of other sizes that live on */
	TEXT(void f(char *out, void *edge) {
		char a = 1;
		three t = twice(((three *)edge)[-1]);
		char b = 2;
		int i = sum(twice(t), a, twice(twice(t)));
		char c = 3;
		short s = twice(t).c + a * 3;
		int j = i * 3 + twice(t).b + (c * 5 + twice(t).a) * b;
		char d = 4;
		out[0] = a, out[1] = b, out[2] = c, out[3] = d;
		memcpy(out + 4, &i, 4), memcpy(out + 8, &j, 4), memcpy(out + 12, &s, 2);
		memcpy(out + 16, &t, sizeof t);
	}),
	TEXT(
		static struct five g(long l) {
			struct five v = {{l, l >> 8, l >> 16, l >> 24, l >> 32}};
			return v;
		} void f(char *out, void *edge) {
			for (unsigned i = 0; i < 3; i++) {
				char k = i;
				if (g(0x7766554433221100 * (k + 1)).c[1] == 0x22)
					out[i] = 1;
				out[i + 8] += k;
			}
			char a = 5;
			*(struct five *)(out + 16) = g(0x0102030405060708);
			out[24] = a;
		}),
	/* counted by a variable right above: -1 in the register's unused half would end it */
	TEXT(
		static three g(unsigned long l) {
			union {
				unsigned long l[2];
				three t;
			} u = {{l, l}};
			return u.t;
		} void f(char *out, void *edge) {
			for (unsigned j = 0; j < 5; j++)
				if (g(j | 0xffffffff00000000).a == 3)
					out[j] = 1;
		}),
	/* definitions in the old style: what is narrow comes as int, and nobody says how many there are */
	TEXT(
		static int g(a, b, c, d, e, h) signed char a, *b; unsigned short c; int (*d)(); long e;
		double h; { return a + *b * 3 + c * 5 + d(e, 7) + (int)h; } int minus(a, b) long a;
		{ return a - b; } void f(out, edge) char *out; void *edge; {
			signed char n = -3;
			int i = g(n, &n, 0xffff, minus, 1L << 32 | 9, 2.5f),
			    j = g(0x1fe, &n, 0x10001, minus, 2L, 2.);
			memcpy(out, &i, 4), memcpy(out + 4, &j, 4);
		}),
	TEXT(
		static int g(t, n, array, s, last) three t; int n; short array[3]; struct five s; char last;
		{ return t.a + t.c * 3 + n + array[2] + s.c[4] + last; } void f(char *out, void *edge) {
			short array[3] = {1, 2, 3};
			struct five s = {{5, 4, 3, 2, 1}};
			out[0] = (char)g(*((three *)edge - 1), 2, array, s, 'x');
		}),
	TEXT(
		static int g(n) { return n > 1 ? n * g(n - 1) : 1; } void f(char *out, void *edge) {
			out[0] = (char)g(5);
		}),
	/* both at once */
	TEXT(void f(char *out, void *edge) {
		three *t = (three *)edge - 1;
		struct bits v = {.s = sum(*t, (struct bits){.b = 1}.c, *t), .c = 1};
		memcpy(out, &v, sizeof v);
	}),
};

static char *with_preamble(const char *text)
{
	char *whole;

	assert_true(asprintf(&whole, "%s%s\n", preamble, text) > 0);
	return whole;
}

static void what_is_put_otherwise_does_what_gcc_makes_of_it(void **state)
{
	static const char *const gcc[] = {"gcc", "-O0", "-std=gnu11", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char *whole = with_preamble(texts[i]), *other = adapted(whole);
		char expected[OUT_SIZE] = {0}, got[OUT_SIZE] = {0};
		if (!other)
			fail_msg("it is not put otherwise: %s", texts[i]);
		call(texts[i], (written *)linking_enter(linking_cc(whole, gcc), "f"), expected);
		call(other, (written *)linking_enter(linking_tcc(other), "f"), got);
		if (memcmp(expected, got, OUT_SIZE))
			fail_msg("it does something else: %s\n%s", texts[i], other + sizeof(preamble) - 1);
		free(other);
		free(whole);
	}
}

/* --- what is needed -------------------------------------------------------------------------------------------- */

static void what_lies_in_the_frame_is_passed_as_it_is(void **state)
{
	static const char *const fine[] = {
		TEXT(int f(three t) {
			three u = {1, 2, 3};
			return sum(t, 1, u);
		}),
		TEXT(int f(three t) {
			return sum((t), 1, (three){1, 2, 3});
		}),
		TEXT(int f(three t) {
			struct around a = {1, t};
			return sum(a.t, 1, (a.t));
		}),
		TEXT(three f(three t) { return t; }),
		TEXT(unsigned u(unsigned); unsigned f(int n) { return u(u(n)) + n; }),
		TEXT(int i(int); unsigned f(unsigned n) { return (unsigned)i(n) + n; }),
		TEXT(int i(int); long f(unsigned n) { return i(n) + 1L; }),
		TEXT(
			struct s { short n; }; int f(int n) {
				struct s s = {.n = n ?: 3};
				return s.n;
			}),
		TEXT(int f(const char *p, int n) {
			switch (*p++) {
			case 1:
				return p[n] ? n ?: 2 : 3;
			}
			switch (p[n]) {
			case 2:
				return 4;
			}
			return 3;
		}),
		TEXT(unsigned f(int a, int b) {
			return (unsigned)(a - b) / 2 + (unsigned)-a + (unsigned)(a < b);
		}),
		TEXT(unsigned f(unsigned short c, unsigned n) { return (signed char)c + (n ? n : 1u); }),
		TEXT(
			struct s { unsigned n : 32, m : 3; }; long f(struct s * s) { return -s->n; }),
		TEXT(int f(three * t) { return t->a; }),
		TEXT(double f(int n, long double d) { return n - d * 2 - 2.f > 3 && (n ? d : 1); }),
		TEXT(double f(double d) { return 1.0 / 3 + 2 * 0.5 + (d + 0x1.001p-53) + (1.0 + d); }),
		TEXT(long double f(void) { return 1.0L + 0x1.001p-53L + (1.0f + 0x1.001p-24f); }),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		char *whole = with_preamble(fine[i]);
		struct adapt_needs needs = examined(whole);
		/* The preamble's own are fine too. */
		if (needs.why_text || needs.why_cc)
			fail_msg("%s: %s", needs.why_text ? needs.why_text : needs.why_cc, fine[i]);
		free(whole);
	}
}

static void what_does_not_is_named(void **state)
{
	static const struct {
		const char *text, *why_text, *why_cc;
	} needy[] = {
		{TEXT(extern three g; int f(three t) { return sum(g, 1, t); }), "passes values", NULL},
		{TEXT(int f(three t) {
			 static three g;
			 return sum(g, 1, t);
		 }),
		 "passes values", NULL},
		{TEXT(three f(three * t) { return *t; }), "passes values", NULL},
		{TEXT(int f(three * t) { return sum(t[1], 1, *t); }), "passes values", NULL},
		{TEXT(int f(three t) { return twice(t).b; }), "passes values", NULL},
		{TEXT(int f(void) {
			 struct bits b = {1};
			 return b.a;
		 }),
		 "initialises bit-fields", NULL},
		{TEXT(
			 struct mixed {
				 double d;
				 int i;
			 };
			 int g(struct mixed); int f(struct mixed * m) { return g(*m); }),
		 NULL, "passes values"},
		{TEXT(
			 struct mixed {
				 double d;
				 int i;
			 };
			 struct mixed g(void); double f(void) { return g().d; }),
		 NULL, "passes values"},
		{TEXT(double f(a, b) int a; float b; { return a + b; }), NULL, "passes values"},
		{TEXT(typedef const float few; double f(a) few a; { return a; }), NULL, "passes values"},
		{TEXT(
			 struct mixed {
				 double d;
				 int i;
			 };
			 double f(m) struct mixed m; { return m.d; }),
		 NULL, "passes values"},
		{TEXT(int f(b) _Bool b; { return b; }), NULL, "passes values"},
		{TEXT(unsigned u(int); long f(int n) { return u(n); }), "of an unsigned int", NULL},
		{TEXT(unsigned u(int); int f(int *p) { return p[u(1)] + *(p + u(2)); }), "of an unsigned int",
		 NULL},
		{TEXT(unsigned u(int); double f(int n) { return n ? u(1) : 2.0; }), "of an unsigned int",
		 NULL},
		{TEXT(enum e{A} e(int); long f(int n) { return e(n); }), "of an unsigned int", NULL},
		{TEXT(int i(int); long f(int n) { return (unsigned)i(n); }), "of an unsigned int", NULL},
		{TEXT(int i(int); int f(int n, unsigned u, int *p) { return p[u = n ? i(n) : 2]; }),
		 "of an unsigned int", NULL},
		{TEXT(int f(signed char c) { return (unsigned short)c; }), "for a signed or a longer one",
		 NULL},
		{TEXT(int g(unsigned short); int f(char *c) { return g(*c); }),
		 "for a signed or a longer one", NULL},
		{TEXT(long f(int n) { return -(n ? 1u : 0u); }), "for a signed or a longer one", NULL},
		{TEXT(long f(int n) { return ~(n ? n == 2 : (0u)); }), "for a signed or a longer one", NULL},
		{TEXT(long f(int a, int b) { return ~(unsigned)(a && (b)); }), "for a signed or a longer one",
		 NULL},
		{TEXT(long f(int a, int b) { return -(unsigned)!(a || b); }), "for a signed or a longer one",
		 NULL},
		{TEXT(long f(int a) { return -(unsigned)(a ? 1 : 0); }), "for a signed or a longer one",
		 NULL},
		{TEXT(
			 struct s { unsigned long n : 32; }; long f(struct s * s) { return -s->n; }),
		 NULL, "bit-field of 32 bits"},
		{TEXT(
			 struct s { unsigned m : 3, n : 32; } __attribute__((packed));
			 long f(struct s s) { return -s.n; }),
		 NULL, "bit-field of 32 bits"},
		{TEXT(
			 struct s { int m : 18; short n : 16; } __attribute__((packed));
			 int f(struct s * s) { return s->n; }),
		 NULL, "of its type's width"},
		{TEXT(
			 struct s { int m : 30; short n : 16; signed char o : 7; } __attribute__((packed));
			 void f(struct s * s) { s->o = 1; }),
		 NULL, "of its type's width"},
		{TEXT(
			 struct s { int m : 18; short n : 16; } __attribute__((packed));
			 int f(void) { static struct s s = {1, 2}; return *(char *)&s; }),
		 NULL, "of its type's width"},
		{TEXT(
			 struct s { int m : 16; short n : 16; } __attribute__((packed));
			 int f(struct s * s) { return s->n; }),
		 NULL, NULL},
		{TEXT(
			 struct s { unsigned long m : 3, n : 30; };
			 long f(int i) { struct s s = {.n = i}; return s.n; }),
		 NULL, "store in part"},
		{TEXT(
			 struct s { int m : 3; unsigned long n : 30; };
			 long f(int i) { return (struct s){.n = i}.n; }),
		 NULL, "store in part"},
		{TEXT(
			 struct s { unsigned long m : 3, n : 30; };
			 long f(int i) { struct s s; s.n = i; return s.n; }),
		 NULL, NULL},
		{TEXT(
			 struct s { unsigned short n : 9; }; int f(struct s * s) { return s->n++ > -1; }),
		 NULL, "before ++ or ?:"},
		{TEXT(
			 struct s { unsigned n : 4; }; int f(int a, struct s s) { return a ? (s.n--) : -1; }),
		 NULL, "before ++ or ?:"},
		{TEXT(
			 struct s { unsigned n : 4; }; int f(int a, struct s s) { return (s.n ?: a) / 2; }),
		 NULL, "before ++ or ?:"},
		{TEXT(int f(int a) { return (a ? 0 : 0) ? 2 : 3; }), NULL, "the same either way"},
		{TEXT(int f(int a) { return (long)(a > 3 ? 0 : (0)) ? a : 3; }), NULL, "the same either way"},
		{TEXT(int f(int a) { return ((a ? 0 : 0) && a) ? 2 : 3; }), NULL, "the same either way"},
		{TEXT(int f(int a) { return (a ? 0 : (a ? (a && 0) : 0)) ? 2 : 3; }), NULL, "either way"},
		{TEXT(int f(int a) { return !((a, !(a ? 1 : 2)) ? 2 : a); }), NULL, "either way"},
		{TEXT(int f(int a) { return (a ? 1 : 0) ? 2 : 3; }), NULL, NULL},
		{TEXT(int f(int a) { return (a && 0) ? 2 : a ? 0 : 0; }), NULL, NULL},
		{TEXT(int f(long double d) { return d; }), NULL, "of a long double"},
		{TEXT(unsigned long f(long double d) { return 1 + (unsigned long)d; }), NULL,
		 "of a long double"},
		{TEXT(int f(int n, long double d) { return n += d; }), NULL, "of a long double"},
		{TEXT(int f(double a, long double b) { return a / 2 < b * 2; }), NULL, "change places"},
		{TEXT(long double f(float a, long double b) { return a - b; }), NULL, "change places"},
		{TEXT(double f(double a, long double b) { return a -= b; }), NULL, "change places"},
		{TEXT(double f(void) { return 1.0 + 0x1.001p-53; }), NULL, "rounds twice"},
		{TEXT(double f(void) {
			 static double d = 3 * (1 - -0x1.001p-53);
			 return d;
		 }),
		 NULL, "rounds twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(needy) / sizeof(*needy); i++) {
		char *whole = with_preamble(needy[i].text);
		struct adapt_needs needs = examined(whole);
		const char *why = needs.why_text ? needs.why_text : "",
			   *why_cc = needs.why_cc ? needs.why_cc : "";
		if (!strstr(why, needy[i].why_text ? needy[i].why_text : "") || !*why != !needy[i].why_text ||
		    !strstr(why_cc, needy[i].why_cc ? needy[i].why_cc : "") || !*why_cc != !needy[i].why_cc)
			fail_msg("%s: \"%s\", \"%s\"", needy[i].text, why, why_cc);
		free(whole);
	}
}

static void a_sum_with_a_product_of_reals_is_for_cc_where_they_may_be_one_operation(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} sums[] = {
		{"float f(float a, float b, float c) { return a * b + c; }", true},
		{"double f(double a, double b) { double p = a * b; p -= b; return p; }", true},
		{"float twice(float a) { return 2 * a; } float f(float a) { return a - twice(a); }", true},
		{"int f(int a, int b, int c) { return a * b + c; }", false},
		{"float f(float a, int b, int c) { return a + b * c; }", false},
		{"float f(float a, float b) { return a * b / 3 > b; }", false},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(sums) / sizeof(*sums); i++) {
		fuses = i % 2;
		struct adapt_needs needs = examined(sums[i / 2].text);
		if ((needs.why_cc && strstr(needs.why_cc, "multiplies reals")) != (fuses && sums[i / 2].is))
			fail_msg("%s: %s", sums[i / 2].text, needs.why_cc);
	}
	fuses = false;
}

/* --- what stands in the way ------------------------------------------------------------------------------------ */

static void macros_that_are_not_one_operand_stand_in_the_way(void **state)
{
	static const struct {
		const char *text;
		bool possible;
	} macros[] = {
		{"#define AT(p) (*(p))\nint f(three *t) { return sum(AT(t), 1, AT(t)); }\n", false},
		{"#define P (t + 1)\nint f(three *t) { return sum(*P, 1, P[0]); }\n", false},
		{"#define P (t + 1)\nint f(three *t) { return sum(*P, 1, *(P)); }\n", true},
		{"#define T t[0]\nint f(three *t) { return sum(T, 1, *t); }\n", false},
		{"#define CALL(p) sum(*(p), 1, *(p))\nint f(three *t) { return CALL(t); }\n", false},
		{"#define SAME(x) x\nint f(three *t) { return SAME(sum(*t, 1, *t)); }\n", false},
		{"#define TWO b, *t\nint f(three *t) { int b = 1; return sum(*t, TWO); }\n", false},
		{"#define FIRST .b = 1\nint f(void) { struct bits v = {FIRST}; return v.b; }\n", false},
		{"#define ONE 1\nint f(void) { struct bits v = {.b = ONE}; return v.b; }\n", true},
		{"#define BOTH 1, 2\nint f(void) { struct bits v = {BOTH}; return v.b; }\n", false},
		{"#define LIST {1}\nint f(void) { struct bits v = LIST; return v.b; }\n", false},
		{"int f(void) { struct bits v = {\n#if 1\n.b =\n#else\n.a =\n#endif\n1}; return v.b; }\n",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++) {
		char *whole = with_preamble(macros[i].text), *other = adapted(whole);
		if (!other == macros[i].possible)
			fail_msg("%s: %s", macros[i].text,
				 other ? other + sizeof(preamble) - 1 : "not possible");
		free(other);
		free(whole);
	}
}

/* What becomes of those that are reached tests/system/thread_locals_test.c shows. */
static void thread_locals_that_are_made_here_stand_in_the_way(void **state)
{
	static const struct {
		const char *text;
		bool possible;
	} made[] = {
		{"extern __thread int t; int f(void) { return t; }", true},
		{"static __thread int t; int f(void) { return t++; }", true},
		{"_Thread_local int t, *u; int f(void) { return *u + t; }", true},
		{"extern __thread struct { int a[3]; } t; int f(int i) { return t.a[i] + sizeof t; }", true},
		{"static __thread int t = 3; int f(void) { return t; }", false},
		{"int f(void) { static __thread int t; return t++; }", false},
		{"int f(void) { extern __thread int t; return t; }", false},
	};

	(void)state;
	assert_false(adapt_names_thread_locals("enum { anon_sym___thread, __threads, my_Thread_local };"));
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		assert_true(adapt_names_thread_locals(made[i].text));
		char *other = adapted(made[i].text);
		if (!other == made[i].possible)
			fail_msg("%s: %s", made[i].text, other ? other : "not possible");
		if (other && (strstr(other, "__thread ") || strstr(other, "_Thread_local")))
			fail_msg("%s: %s", made[i].text, other);
		free(other);
	}
}

static int open_all(void **state)
{
	long page = sysconf(_SC_PAGESIZE);

	(void)state;
	linking_open();
	edge = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED || mprotect(edge + page, (size_t)page, PROT_NONE))
		return -1;
	edge += page;
	return check_new(&check) ? -1 : 0;
}

static int close_all(void **state)
{
	(void)state;
	check_free(check);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_otherwise_does_what_gcc_makes_of_it),
		cmocka_unit_test(what_lies_in_the_frame_is_passed_as_it_is),
		cmocka_unit_test(what_does_not_is_named),
		cmocka_unit_test(a_sum_with_a_product_of_reals_is_for_cc_where_they_may_be_one_operation),
		cmocka_unit_test(macros_that_are_not_one_operand_stand_in_the_way),
		cmocka_unit_test(thread_locals_that_are_made_here_stand_in_the_way),
	};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
