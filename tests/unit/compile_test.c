/* libtcc and cc: what they are trusted with, that they mean the same by it, and how they fail. */
#include "expose.h"
#include "linking.h"
#include "object.h"
#include "trust.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* C as C, not as string literals. No directives and no line ends in it. */
#define TEXT(...) #__VA_ARGS__

static const char *const gcc[] = {"gcc", "-O0", "-std=gnu11", NULL};

/* --- what libtcc is trusted with ------------------------------------------------------------------------ */

static char *reason_against(const char *text)
{
	struct compile_object object = {0};
	char *why = NULL;
	struct error *e = compile_tcc(text, &object, &why);
	assert_null(e);
	assert_int_equal(why == NULL, object.bytes != NULL);
	compile_object_fini(&object);
	return why;
}

static void accept(const char *text)
{
	char *why = reason_against(text);
	if (why)
		fail_msg("refused (%s): %s", why, text);
}

static void refuse(const char *text, const char *reason)
{
	char *why = reason_against(text);
	if (!why)
		fail_msg("accepted: %s", text);
	if (!strstr(why, reason))
		fail_msg("refused, but because: %s (expected \"%s\"): %s", why, reason, text);
	free(why);
}

static void an_implicit_declaration_is_refused(void **state)
{
	(void)state;
	refuse("int f(void) { return g(1); }", "implicit declaration");
	refuse("int f(int *p) { return __atomic_is_lock_free(4, p); }", "implicit declaration");
	refuse("int f(int a, int b) { return __builtin_add_overflow_p(a, b, 0); }", "implicit declaration");
	refuse("int f(int *p) { return __sync_fetch_and_min(p, 1); }", "implicit declaration");
}

/* It names the string all the same, at a place behind its section's end. */
static void a_string_in_code_that_is_left_out_does_no_harm(void **state)
{
	struct compile_object object = {0};
	struct object read;
	char *why = NULL;

	(void)state;
	assert_null(compile_tcc("void g(const char *); void f(void) { if (1) ; else g(\"left out\"); }",
				&object, &why));
	assert_null(why);
	assert_null(object_init(&read, object.bytes, object.size));
	object_fini(&read);
	compile_object_fini(&object);
}

static void types_that_libtcc_cannot_read_are_spelled_otherwise(void **state)
{
	(void)state;
	accept("#define SHARED(t) _Atomic(t)\nextern _Atomic int a; extern int _Atomic *p;\n"
	       "struct s { _Atomic ( long ) b; SHARED(short) c; const char *text; } s = {.text = "
	       "\"_Atomic(\"};\n"
	       "_Static_assert(sizeof(struct s) == 24, \"\");\n"
	       "_Static_assert(sizeof(\"_Atomic(\") == 9, \"\");\n"
	       "int f(void) { return a + *p + s.b + s.c; }");
	accept("struct a; struct b;\n"
	       "typedef union { const struct a *__restrict a;\n struct b *b; }\n"
	       "any __attribute__ ((__transparent_union__));\n"
	       "typedef union { int n; struct b *b; } other;\n"
	       "int g(int, any, other *);\n"
	       "int f(struct a *a, const struct b *b, other *o) { return g(1, a, o) + g(2, b, o) + o->n; }");
}

static void bounds_of_parameters_that_name_others_are_left_out(void **state)
{
	(void)state;
	accept("typedef struct { int so, eo; } match_t; enum { N = 3 };\n"
	       "extern int exec(const char *restrict text, unsigned long n,\n"
	       "                match_t match[restrict\n n], int (*each)(int n, int values[n + (1)]), int);\n"
	       "extern int (*table[N])(int n, int values[n]);\n"
	       "extern __typeof__(struct { char c; } [N]) typed;\n"
	       "static int row(int n, int rows[n][N], struct { char bytes[N]; } *s) { return n + "
	       "sizeof(*rows) + "
	       "sizeof(s->bytes); }\n"
	       "static unsigned long size = sizeof(char *[N]) + sizeof(match_t [N]);\n"
	       "_Static_assert(sizeof(table) == 24 && sizeof(typed) == 3 && sizeof(match_t [N]) == 24, "
	       "\"\");\n"
	       "int f(const char *text) { match_t match[N]; return exec(text, 3, match, 0, 1) + table[0](0, "
	       "0) + "
	       "row(1, 0, 0) + size; }");
}

static void attributes_of_enumerators_are_left_out(void **state)
{
	(void)state;
	accept("enum e { A, B __attribute__((deprecated)), C __attribute__ ((deprecated (\"}\"))) = 1 << "
	       "(4),\n"
	       " D = sizeof(struct { char c[3]; }) } v;\n"
	       "enum other { E __attribute__((unavailable)) = 7 };\n"
	       "enum e f(enum e a, enum other b) { return a == C && b == E ? B + D : A; }\n"
	       "_Static_assert(B == 1 && C == 16 && D == 3 && E == 7, \"\");");
}

static void pragmas_that_change_no_code_are_left_out(void **state)
{
	(void)state;
	accept("#define BEGIN _Pragma (\"GCC diagnostic push\") _Pragma(\"GCC diagnostic ignored "
	       "\\\"-Wx\\\"\")\n"
	       "#define END _Pragma (\"GCC diagnostic pop\")\n"
	       "int f(int n) { BEGIN n++; END return n; }");
	accept("#define warn1(message) _Pragma (#message)\n"
	       "#define warn(message) warn1 (GCC warning message)\n"
	       "#define mask(n) warn (\"mask is old\") (1u << (n))\n"
	       "int f(int n) { return mask(n); }");
	refuse("#define PACK _Pragma(\"pack(1)\")\nPACK struct s { char c; int n; }; int f(void) { return 1; "
	       "}",
	       "_Pragma");
	refuse("#define DO(x) _Pragma(#x)\nDO(pack(1)) struct s { char c; int n; }; int f(void) { return 1; "
	       "}",
	       "_Pragma");
	refuse("#define ALL DO(GCC warning \"\")\n#define DO(x) _Pragma(#x)\nint f(void) { ALL return 1; }",
	       "_Pragma");
	refuse("#define DO(x) _Pragma(#x)\n#define MORE(x) _Pragma(#x)\nint f(void) { MORE(omp x) return 1; "
	       "}",
	       "_Pragma");
	refuse("#define DO(x) _Pragma(#x)\n#define CALL(m) m(pack(1))\nCALL(DO) int f(void) { return 1; }",
	       "_Pragma");
}

static void an_attribute_behind_a_name_of_an_enumerations_type_is_that_names(void **state)
{
	(void)state;
	accept("enum e { A, B }; int f(enum e n __attribute__((__unused__)), int m) { return m; }");
	accept("enum e { A, B }; enum e n __attribute__((used)); int f(void) { return n; }");
	refuse("enum e { A } __attribute__((packed)) n; int f(void) { return sizeof(n); }", "enumeration");
	refuse("enum e __attribute__((packed)); int f(void) { return 1; }", "enumeration");
}

static void literals_and_parameters_that_libtcc_cannot_read_are_spelled_otherwise(void **state)
{
	(void)state;
	accept("#define NAME u8\"name\"\nconst char *f(void) { return u8\"a\" \"b\" NAME; }");
	accept("enum { N = 3 }; int g(int n, int a[n], int b[static n * 2], int c[const], int d[N]);\n"
	       "int h(int (*each)(int n, int a[n]), int m[2][N]); extern int (*one)(int n, int a[n]);\n"
	       "int f(int n, int a[restrict n]) { return g(n, a, a, a, a) + a[n]; }");
	accept("static const int t[] = {1, 2}; int v[sizeof(int[2])] = {sizeof(t[0])}; int f(int n) { return "
	       "t[n]; }");
	refuse("int f(void) { return u\"a\"[0]; }", "UTF-16");
	refuse("int f(void) { return U'a'; }", "UTF-16 and UTF-32 literals");
	refuse("int f(int r, int c, int m[r][c]) { return m[0][0]; }",
	       "libtcc does not take what the program's compiler may: ");
	refuse("struct s { char c; int n; };\n_Static_assert(sizeof(struct s) == 5, \"rtf\");\n"
	       "int f(struct s *s) { return s->n; }",
	       "libtcc lays a type out otherwise than the program's compiler");
}

static void what_libtcc_gets_wrong_is_refused(void **state)
{
	(void)state;
	refuse("_Complex double f(void) { return 1; }", "complex");
	refuse("__int128 f(void) { return 1; }", "128-bit");
	refuse("int f(int n) { char *p = __builtin_alloca(n); return *p = 1; }", "alloca()");
	refuse("void *alloca(unsigned long);\nint f(int n) { char *p = alloca(n); return *p = 1; }",
	       "alloca()");
	refuse("struct s { long a, b; } s; void f(struct s *t) { __atomic_load(&s, t, 5); }", "");
	refuse("long double s; void f(long double *t) { __atomic_store(&s, t, 5); }", "");
	refuse("struct s { long a, b; } s; void f(struct s *t) { __atomic_exchange(&s, t, t, 5); }", "");
	refuse("extern __thread int n; int f(void) { return n; }", "thread-local");
	refuse("extern _Thread_local int n; int f(void) { return n; }", "thread-local");
	refuse("typedef int v __attribute__((vector_size(16))); int f(void) { return 1; }", "vectors");
	refuse("typedef int v __attribute__((__vector_size__(16))); int f(void) { return 1; }", "vectors");
	refuse("typedef int v __attribute__((mode(TI))); int f(void) { return 1; }", "mode");
	refuse("struct s { unsigned long n : 33; }; int f(struct s *s) { return (s->n << 1) == 0; }",
	       "bit-field");
	refuse("struct s { long n : 20 + 20; }; int f(void) { return 1; }", "bit-field");
	refuse("struct s { long n : 5 * 8; }; int f(void) { return 1; }", "bit-field");
	refuse("struct s { long n : sizeof(int) ? 2 : 40; }; int f(void) { return 1; }", "bit-field");
	refuse("enum { W = 40 }; struct s { long n : W; }; int f(void) { return 1; }", "bit-field");
	refuse("struct s { int a; struct { long n : (40); } b; }; int f(void) { return 1; }", "bit-field");
	refuse("enum __attribute__((packed)) e { A }; int f(void) { return sizeof(enum e); }", "enumeration");
	refuse("typedef enum { A } __attribute__((__packed__)) e; int f(void) { return sizeof(e); }",
	       "enumeration");
	refuse("double f(void) { return 0x1.0000000000000801p0; }", "a hexadecimal number of more digits");
	refuse("long double f(void) { return 0xc.90fdaa22168c235p-2L; }", "a hexadecimal number");
	refuse("long double f(void) { return 0X1P16383l; }", "a hexadecimal number");
	refuse("const char *f(void) { return \"\\u00e9\"; }", "universal");
	refuse("int f(void) { return 'ab'; }", "multi-character");
	refuse("int f(void) { int n __attribute__((aligned(64))); return ((long)&n & 63) != 0; }",
	       "alignment");
	refuse("int f(void) { _Alignas(32) int n; return ((long)&n & 31) != 0; }", "alignment");
	refuse("struct s { char a __attribute__((aligned(8))), b; }; int f(void) { return sizeof(struct s); "
	       "}",
	       "one of several members");
	refuse("static int n __attribute__((section(\"mine\"))) = 3; int f(void) { return n; }", "section");
	refuse("extern inline int g(void) { return 1; } int n __attribute__((section(\"mine\"))); int "
	       "f(void) { return n; }",
	       "section");
	refuse("extern int n __attribute__((section(\"mine\"), mode(QI))); int f(void) { return n; }",
	       "mode");
	refuse("extern int m; int n __attribute__((section(\"mine\"))); int f(void) { return n; }",
	       "section");
	refuse("__attribute__((constructor)) int f(void) { return 1; }", "constructor");
	refuse("int g(void) __attribute__((ms_abi)); int f(void) { return g(); }", "convention");
	refuse("typedef union { int *i; long n; } u __attribute__((transparent_union)); int f(u x) { return "
	       "1; }",
	       "transparent_union");
	refuse("typedef union { int *i; } u __attribute__((transparent_union)); int f(u x) { return *x.i; }",
	       "");
	refuse("struct s { int a; } __attribute__((scalar_storage_order(\"big-endian\"))); int f(void) { "
	       "return 1; }",
	       "scalar_storage_order");
	refuse("int f(int x) { __asm__ volatile (\"bswap %0\" : \"+r\"(x)); return x; }", "assembler");
	refuse("int f(int x) { if (x) __asm__ (\"nop\"); return x; }", "assembler");
	refuse("__asm__(\"nop\"); int f(int x) { return x; }", "assembler");
	refuse("#define stop() __asm__ (\"hlt\")\nint f(int x) { stop(); return x; }", "assembler");
	refuse("#define wide __int128\nint f(int x) { return x; }", "128-bit");
	refuse("#include \"/dev/null\"\nint f(int x) { return x; }", "directive");
	refuse("#pragma omp parallel\nint f(int x) { return x; }", "#pragma");
	refuse("#define X\nint f(int x) {\n#ifdef X\n__asm__(\"nop\");\n#endif\nreturn x; }", "assembler");
	refuse("int f(int x) {\n#ifndef X\n__asm__(\"nop\");\n#endif\nreturn x; }", "assembler");
	refuse("#define X 0\nint f(int x) {\n#if X\n__asm__(\"nop\");\n#endif\nreturn x; }", "assembler");
	refuse("int f(int x) {\n#ifdef X\n#else\n__asm__(\"nop\");\n#endif\nreturn x; }", "assembler");
	refuse("int f(int x) {\n#if 0\n#elif defined(Y) && 0\n__asm__(\"nop\");\n#endif\nreturn x; }",
	       "assembler");
	refuse("#define X\n#if 0\n#undef X\n#endif\nint f(int x) {\n#if defined "
	       "X\n__asm__(\"nop\");\n#endif\nreturn x; }",
	       "assembler");
	refuse("int f(int x) {\n#ifdef X\n#ifndef Y\n#endif\n#endif\n__asm__(\"nop\");\nreturn x; }",
	       "assembler");
	refuse("int *f(int x) { return x; }", "makes pointer from integer");
	refuse("int f(int x) { return \"unfinished; }", "terminating");
	refuse("int f(void) { int g(void) { return 1; } return g(); }", "local functions");
}

static void ordinary_programs_are_accepted(void **state)
{
	(void)state;
	accept("struct s { int a : (1+3), b : 0x10; unsigned c : 9 __attribute__((unused)); int : 0; }; int "
	       "f(struct s *s) { "
	       "return s->b; }");
	accept("#define assert(e) extern int (*check(void))[sizeof(struct { int error : (e) ? 2 : -1; "
	       "})]\nint f(int x) { return "
	       "x; }");
	accept("extern struct s { int a; } n __attribute__((section(\"mine\"), aligned(64))), m; int f(void) "
	       "{ return n.a; }");
	accept("extern int n __asm__(\"other\"); int f(void) { extern int m __asm__(\"third\"); return n + "
	       "m; }");
	accept("extern int g(int) __asm__(\"\" \"other\") __attribute__((__nothrow__, __leaf__)); int "
	       "f(void) { return g(1); }");
	accept("#define barrier() __asm__ __volatile__ (\"\" ::: \"memory\")\nint f(int x) { if (x) "
	       "barrier(); return x; }");
	accept("__attribute__((format(printf, 1, 2), nonnull, pure, noinline, noipa, "
	       "patchable_function_entry(16, 0))) "
	       "int f(const char *s, ...) { switch (*s) { case 1: s++; __attribute__((fallthrough)); case 2: "
	       "return 1; } "
	       "return 0; }");
	accept("__attribute__((__target__(\"bmi,bmi2\"))) int f(int n) { return n & -n; }");
	accept("struct __attribute__((packed)) s { int a : 31; unsigned : 0; char b; } "
	       "__attribute__((aligned(8))); "
	       "int f(struct s *s) { return s->a ? s->b : 64; }");
	accept("struct s { char a; _Alignas(64) int b; } __attribute__((aligned(sizeof(long) * 16))); int "
	       "f(struct s "
	       "*s) { return s->b; }");
	accept("extern __inline __attribute__((__gnu_inline__, __always_inline__)) int g(int x) { return x; "
	       "} "
	       "int f(void) { return g(1); }");
	accept("int f(const char *s) { char *t = s; return t == (void *)1; }");
	accept("#define X 1\n#define X 2\nint f(void) { return X; }");
	/* What is passed over is no reason. */
	accept("int f(int x) {\n#ifdef __VMS\n#pragma message disable\n#endif\nreturn x; }");
	accept("int f(int x) {\n#if 0\nreturn alloca(3) != 0;\n#elif 0\n__asm__(\"nop\");\n#else\nreturn "
	       "x;\n#endif\n}");
	accept("#define X\nint f(int x) {\n#if defined(X)\nreturn x;\n#elif Y > "
	       "3\n__asm__(\"nop\");\n#else\n#pragma omp "
	       "parallel\n#endif\n}");
	accept("#define X\n#undef X\nint f(int x) {\n# ifdef X // of old\n#ifndef "
	       "Y\n__asm__(\"nop\");\n#else\n__asm__"
	       "(\"nop\");\n#endif\n#endif\nreturn x; }");
	accept("#define X 1\nint f(int x) {\n#if !defined(X)\n__asm__(\"nop\");\n#endif\n#ifndef X\n__int128 "
	       "y;\n#endif\n"
	       "return x; }");
	accept("typedef __signed__ char c; int f(void *__restrict p) { __typeof__(p) q = p; return "
	       "__alignof__(c) + (q == p); }");
	accept("__extension__ typedef struct { __extension__ union { int a; float b; }; } s; int f(s *x) { "
	       "return x->a; }");
	accept("#pragma GCC diagnostic ignored \"-Wall\"\n# 1 \"x.c\" 3 4\n#line 7 \"y.c\"\nint f(void) { "
	       "return 1; }");
	accept("int f(a, b) char a; long *b; { return a + *b; }");
	accept("static inline int g([[maybe_unused]] int a, int b [[__maybe_unused__]]) { return b; "
	       "}\n#define LIST [[deprecated(\"[[x]]\"), "
	       "nodiscard]]\nint h(void) LIST; int f(int x) { switch (x) { case 1: h(); [[fallthrough]]; "
	       "default: return g(1, 2); } }");
	accept("int linux, unix; int f(void) { return linux + unix; }");
	accept("_Noreturn void abort(void); int f(int x) { if (x) __builtin_unreachable(); abort(); }");
	accept("_Static_assert(sizeof(long) == 8, \"size\"); int f(void) { return __builtin_expect(1, 0); }");
}

static void libtcc_is_named_as_what_it_is(void **state)
{
	(void)state;
	char text[64];
	int major, minor, patch;
	assert_int_equal(sscanf(compile_tcc_name(), "libtcc %d.%d.%d", &major, &minor, &patch), 3);
	snprintf(text, sizeof text, "_Static_assert(__TINYC__ == %d, \"\");",
		 major * 10000 + minor * 100 + patch);
	accept(text);
}

static void a_failed_assertion_and_a_syntax_error_are_reasons(void **state)
{
	(void)state;
	refuse("_Static_assert(sizeof(int) == 5, \"int: 4 bytes, was 5\"); int f(void) { return 1; }",
	       "int: 4 bytes, was 5");
	refuse("#line 41 \"shop.c\"\nint f(void)\n{ return nothing; }", "shop.c:42");
	refuse("int f(void) { return 1 }", "error");
	refuse("#define AT(x) (__LINE__ + (x))\nint f(int n) { return AT(\nn); }", "over several lines");
	refuse("#define AT() __LINE__\n#define PLUS(x) (AT() + (x))\nint f(int n) { return PLUS(1)\n\t+ "
	       "PLUS\n(n); }",
	       "over several lines");
	refuse("#define PLAIN(x) ((x) + 1)\nint f(int n) { return PLAIN(\nn + __LINE__); }",
	       "over several lines");
	/* Another macro may go over as many lines as it likes. */
	accept("#define AT(x) (__LINE__ + (x))\n#define PLAIN(x) ((x) + 1)\nint f(int n) { return PLAIN(\nn) "
	       "+ AT(n); }");
	accept("#define AT(x) (__LINE__ + (x))\n#define PLAIN(x) ((x) + 1)\n#define USES(x) (AT(1) + (x))\n"
	       "int f(int n) { return PLAIN(\nn) + USES(n); }");
	accept("#define AT(x) (__LINE__ + (x))\nint g(int); int f(int n) { return AT(n) + g(\n__LINE__); }");
	/* Two members for gcc, and three with -fms-extensions. */
	refuse("int f(void) { struct { int a; struct deep { int x; }; int b; } s; return sizeof(s); }",
	       "identifier expected");
	refuse("typedef struct { int x; } t; struct tag { int y; };\n"
	       "int f(void) { struct { int a; struct tag; } s; return sizeof(s); }",
	       "identifier expected");
	accept("int f(void) { struct { int a; struct { int x; }; union { int u; }; } s; return s.x; }");
	accept("");
}

static void flags_that_change_meaning_are_found(void **state)
{
	(void)state;
	const char *const plain[] = {"gcc",   "-O2",  "-std=gnu11", "-fno-strict-aliasing",
				     "-Wall", "-m64", NULL};
	const char *const odd[] = {"gcc", "-O2", "-funsigned-char", NULL};
	assert_null(trust_flags(plain, ""));
	assert_null(
		trust_flags((const char *const[]){"gcc", "-fms-extensions", NULL}, "")); /* refused if used */
	assert_string_equal(trust_flags(odd, ""), "-funsigned-char");
	static const char *const others[] = {"-fno-signed-char", "-ftrivial-auto-var-init=zero",
					     "-ftrivial-auto-var-init=pattern", "-fpcc-struct-return"};
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_string_equal(trust_flags((const char *const[]){"gcc", others[i], NULL}, ""),
				    others[i]);
	assert_null(
		trust_flags((const char *const[]){"gcc", "-ftrivial-auto-var-init=uninitialized", NULL}, ""));
	assert_true(trust_fuses((const char *const[]){"gcc", "-O3", "-march=native", NULL}));
	assert_true(trust_fuses((const char *const[]){"gcc", "-march=x86-64", "-mfma", NULL}));
	assert_true(trust_fuses(
		(const char *const[]){"gcc", "-march=znver4", "-mno-fma", "-ffp-contract=off", NULL}));
	assert_false(trust_fuses((const char *const[]){"gcc", "-march=x86-64", "-O3", NULL}));
	/* It matters to what is cleaned up alone. */
	const char *const exceptions[] = {"gcc", "-fexceptions", NULL};
	assert_null(trust_flags(exceptions, "int cleanups; int f(void) { return cleanups; }"));
	assert_string_equal(trust_flags(exceptions, "void f(void) { __attribute__((cleanup(g))) int n; }"),
			    "-fexceptions");
}

/* --- libtcc means what gcc means ------------------------------------------------------------------------ */

static const char preamble[] =
	"int snprintf(char *, unsigned long, const char *, ...); void *memset(void *, int, unsigned long);\n"
	"static char *out; typedef __builtin_va_list va_list;\n"
	"#define say(...) (out += snprintf(out, 200, __VA_ARGS__))\n"
	"#define P(x) say(\"%lx \", (unsigned long)(x))\n"
	"#define ENTRY void f(char *to)\n";

/* Runs the text's `void f(char *out)` from both compilers and compares what they wrote. */
static void compare(const char *body)
{
	static char by_tcc[1 << 16], by_gcc[1 << 16];
	char *text = NULL;
	assert_true(asprintf(&text, "%s%s", preamble, body) > 0);
	memset(by_tcc, 0, sizeof by_tcc);
	memset(by_gcc, 0, sizeof by_gcc);
	((void (*)(char *))linking_enter(linking_tcc(text), "f"))(by_tcc);
	((void (*)(char *))linking_enter(linking_cc(text, gcc), "f"))(by_gcc);
	assert_true(strlen(by_gcc) > 10);
	assert_string_equal(by_tcc, by_gcc);
	free(text);
}

static void layouts_are_gccs(void **state)
{
	(void)state;
	compare(TEXT(
		struct packed {
			char c;
			int i __attribute__((packed));
			short s;
		};
		struct aligned {
			char c;
			int i __attribute__((aligned(8)));
			_Alignas(16) char d;
		};
		struct bits {
			unsigned a : 3;
			unsigned b : 7;
			char c;
			unsigned d : 20;
		} __attribute__((packed));
		struct more {
			char a;
			int b : 4;
			short c : 9;
			long d : 30;
			_Bool e : 1;
			int : 0;
			char f : 2;
		};
		struct crossing {
			short a : 9;
			short b : 9;
			char c : 3;
			int d : 29;
		};
		union view {
			unsigned w;
			struct {
				unsigned lo : 12;
				unsigned mid : 8;
				unsigned hi : 12;
			};
		};
		static void bytes(void *p, int n) {
			for (int i = 0; i < n; i++)
				P(((unsigned char *)p)[i]);
		} ENTRY {
			out = to;
			P(sizeof(struct packed));
			P(__builtin_offsetof(struct packed, i));
			P(sizeof(struct aligned));
			P(__builtin_offsetof(struct aligned, d));
			P(__alignof__(struct aligned));
			struct bits b;
			memset(&b, 0, sizeof b);
			b.a = 5;
			b.b = 100;
			b.c = -1;
			b.d = 0xabcde;
			bytes(&b, sizeof b);
			struct more m;
			memset(&m, 0, sizeof m);
			m.a = 1;
			m.b = -3;
			m.c = 200;
			m.d = 0x1234567;
			m.e = 1;
			m.f = 1;
			bytes(&m, sizeof m);
			struct crossing c;
			memset(&c, 0, sizeof c);
			c.a = -1;
			c.b = 85;
			c.c = 2;
			c.d = 0x1abcdef;
			bytes(&c, sizeof c);
			P(c.a);
			P(c.b);
			P(c.c);
			P(c.d);
			union view v = {.w = 0xdeadbeef};
			P(v.lo);
			P(v.mid);
			P(v.hi);
			v.mid++;
			P(v.w);
			v.hi -= 3;
			P(v.w);
			P(v.lo++);
			P(--v.lo);
			P(v.w);
			struct {
				int a : 4;
				unsigned b : 4;
				_Bool c : 1;
			} s;
			s.a = 7;
			s.a++;
			s.b = 15;
			s.b++;
			s.c = 4;
			P(s.a);
			P(s.b);
			P(s.c);
			P((s.b = 20));
			P((s.a = 12));
		}));
}

static void arithmetic_is_gccs(void **state)
{
	(void)state;
	compare(TEXT(
		static unsigned char narrow(int x) { return x; } static _Bool truth(int x) {
			return x;
		} static short half(long x) { return x; } ENTRY {
			out = to;
			P(0x80000000 > 0);
			P(2147483648 > 0);
			P(-2147483648 < 0);
			P(sizeof(0x80000000));
			P(sizeof(2147483648));
			P(sizeof(1 ? 1 : 1L));
			P(-1 >> 31);
			P(-1L >> 63);
			P((unsigned)-1 >> 31);
			P((char)0x80 >> 1);
			P(~0u >> 1);
			P((unsigned char)~0);
			P(~(unsigned char)0);
			P((short)-1 == (unsigned short)-1);
			P(5u - 10 > 0);
			P(5u - 10L > 0);
			P((1 ? -1 : 1u) > 0);
			P(-7 / 2 * 10 + -7 % 2);
			volatile long m = 0x123456789abcdef;
			P(m * m);
			P(m / 1000);
			P(m % 1000);
			P(-m / 7);
			P(-m % 7);
			P((unsigned)m * 3u);
			P((int)m * 5L);
			P(m >> 60);
			P(m << 4);
			volatile unsigned long u = -m;
			P(u / 3);
			P(u % 7);
			P(u >> 60);
			volatile int a = -17;
			volatile int b = 5;
			P(a / b);
			P(a % b);
			P((unsigned)a / b);
			P(a * (unsigned)b);
			P(1L << (b * 7));
			unsigned char c = 250;
			c += 10;
			P(c);
			c <<= 4;
			P(c);
			c = ~c;
			P(c);
			c = -c;
			P(c);
			short s = -32768;
			s = -s;
			P(s);
			s--;
			P(s);
			a += 3.7;
			P(a);
			a = 7;
			a *= 1.5;
			P(a);
			c = 200;
			c *= 1.5;
			P(c);
			P(narrow(300) + 1);
			P(truth(256));
			P(truth(0));
			P(half(0x12348000) < 0);
			unsigned n = 0;
			int v[4] = {1, 2, 3, 4};
			int *p = v + 3;
			signed char k = -2;
			P(p[(int)(n - 1)]);
			P(p[k]);
			P((char *)p - (char *)v);
			P(p - v);
			int w = 3;
			w = w++ + ++w > 0;
			P(w);
			P(1 < 2 == 1);
			P(~w & 7 ^ 2 | 8);
			P((void *)a);
			P((void *)(unsigned)a);
			P((int)(void *)0x123456789abcdef);
			enum e { A, B } x = A;
			P((x - 1) < 0);
			enum { C = -1, D } y = D;
			P((y - 1) < 0);
			_Bool t = 0.5;
			P(t);
			t += 5;
			P(t);
			t--;
			P(t);
		}));
}

static void floating_point_is_gccs(void **state)
{
	(void)state;
	compare(TEXT(
		static double sum(float a, double b, long double c, char d, unsigned char e, unsigned f) {
			return a + b + c + d + e + f;
		} ENTRY {
			out = to;
			volatile double z = 0;
			double nan = z / z;
			P(nan < 1);
			P(nan > 1);
			P(nan <= 1);
			P(nan >= 1);
			P(nan == nan);
			P(nan != nan);
			P(!(nan < 1));
			P(nan ? 1 : 0);
			P(nan < 1 || nan > 1);
			P(nan && 1);
			float fn = nan;
			P(!(fn == fn));
			long double ln = nan;
			P(ln < 1);
			P(ln == ln);
			P(ln != ln);
			while (nan < 2) {
				P(99);
				break;
			}
			say("%g %g %Lg ", -z, -(float)z, -(long double)z);
			P(!-z);
			P(__builtin_isnan(nan));
			volatile double numbers[] = {0,       -0.0,  1,      -1e300, 1e-310,
						     -4e-320, 1 / z, -1 / z, 0 / z,  2.3e-308};
			for (int i = 0; i < 10; i++) {
				double w = numbers[i];
				float v = w;
				long double x = w;
				P(__builtin_isinf_sign(w) + __builtin_isinf_sign(v) * 3 +
				  __builtin_isinf_sign(x) * 9);
				P(__builtin_isfinite(w) + __builtin_isfinite(v) * 2 +
				  __builtin_isfinite(x) * 4);
				P(__builtin_fpclassify(1, 2, 3, 4, 5, w));
				P(__builtin_fpclassify(1, 2, 3, 4, 5, v));
				P(__builtin_fpclassify(1, 2, 3, 4, 5, x));
				P(__builtin_fpclassify(1, 2, 3, 4, 5, x * 3e-4930L));
				P(__builtin_fpclassify(1, 2, 3, 4, 5, v * 1e-38f));
			}
			P(__builtin_isnan(1.0f));
			P((int)3.99);
			P((int)-3.99);
			P((unsigned)3000000000.0);
			P((long)-1e18);
			say("%.9g ", 0.1f * 3);
			float f = 16777217;
			double d = 9007199254740993L;
			say("%.9g %.17g ", f, d);
			volatile unsigned long u = 0x8000000000000401;
			d = u;
			f = u;
			say("%.17g %.9g ", d, f);
			u = 0xfffffffffffffc01;
			d = u;
			f = u;
			say("%.17g %.9g ", d, f);
			u = 0x8000008000000001;
			f = u;
			long double l = u;
			say("%.9g %.20Lg ", f, l);
			P((unsigned long)l);
			volatile double v = 1e19;
			P((unsigned long)v);
			v = 5;
			P((unsigned long)v);
			v = -1;
			P((int)v);
			P((long)v);
			v = 4294967295.0;
			P((unsigned)v);
			volatile float vf = 3e9f;
			P((unsigned)vf);
			P((unsigned long)vf);
			vf = 1e19f;
			P((unsigned long)vf);
			say("%g ", sum(1.5f, 2.5, 3.5L, -4, 250, 4000000000u));
			f = 1;
			f++;
			f += 0.1;
			say("%.9g %g %g ", f, __builtin_inf(), -__builtin_huge_val());
			say("%.3Lf %Lg ", 1e18L + 0.5L, (long double)1e300 * 1e300);
			int i = 7;
			i /= 0.5;
			P(i);
		}));
}

static void statements_are_gccs(void **state)
{
	(void)state;
	compare(TEXT(
		struct s {
			int x;
			int a[3];
		};
		static struct s make(int i) {
			struct s s = {i, {i + 1, i + 2, i + 3}};
			return s;
		} static int pick(unsigned long v) {
			switch (v) {
			case -1ul:
				return 1;
			case 0x80000000:
				return 2;
			case 1ul << 63:
				return 3;
			case 8 ... 11:
				return 4;
			}
			return 0;
		} static int duff(int n) {
			int c = 0;
			switch (n % 4) {
			case 0:
				do {
					c++;
				case 3:
					c++;
				case 2:
					c++;
				case 1:
					c++;
				} while ((n -= 4) > 0);
			}
			return c;
		} static int jump(int n) {
			static void *const t[] = {&&a, &&b, &&c};
			int r = 0;
			goto *t[n];
		a:
			r += 1;
		b:
			r += 10;
		c:
			r += 100;
			return r;
		} static int calls;
		static int count(int r) {
			calls++;
			return r;
		} static long stack(int n) {
			long first = 0;
			for (int i = 0; i < 10000; i++) {
				char v[n];
				v[0] = v[n - 1] = 1;
				if (!first)
					first = (long)v;
				if ((long)v != first)
					return 1;
				if (i & 1)
					continue;
			}
			return 0;
		} static void done(int *p) { P(*p); } static int leave(int n) {
			int a __attribute__((cleanup(done))) = n;
			for (int i = 0; i < 3; i++) {
				int b __attribute__((__cleanup__(done))) = 10 + i;
				if (i == 1)
					continue;
				if (n == 2)
					goto out;
				if (n == 3)
					return a + b;
				if (n == 4)
					break;
			}
			return a;
		out:
			return -a;
		} static long sum(int n, ...) {
			va_list ap;
			va_list two;
			long r = 0;
			__builtin_va_start(ap, n);
			__builtin_va_copy(two, ap);
			struct pair {
				double a;
				double b;
			};
			struct big {
				long v[3];
			};
			while (n--) {
				r = r * 3 + __builtin_va_arg(ap, int);
				r += __builtin_va_arg(ap, double);
				struct pair p = __builtin_va_arg(ap, struct pair);
				r += p.a + 2 * p.b;
				r += __builtin_va_arg(ap, long double);
				r += __builtin_va_arg(ap, struct big).v[2];
			}
			r += __builtin_va_arg(two, int);
			__builtin_va_end(two);
			__builtin_va_end(ap);
			return r;
		} ENTRY {
			out = to;
			struct s v;
			struct s q = {9};
			int c = 1;
			P(make(4).x);
			P(make(4).a[2]);
			P((c ? v = make(1), v : q).a[1]);
			P(pick(-1));
			P(pick(0x80000000));
			P(pick(1ul << 63));
			P(pick(9));
			for (int i = 1; i < 12; i++)
				P(duff(i));
			for (int i = 0; i < 3; i++)
				P(jump(i));
			P(count(0) && count(1) || count(1) && !count(0));
			P(calls);
			P(sizeof(calls++));
			P(calls);
			P(0 ?: 5);
			P(({
				int t = 1;
				for (int k = 0; k < 3; k++)
					t *= 2;
				t;
			}));
			P(_Generic(1.0f, float : 1, double : 2));
			int r[10] = {[2 ... 5] = 3, 9};
			P(r[5]);
			P(r[6]);
			P(r[7]);
			struct s *p = &(struct s){.a = {[1] = 8}};
			P(p->a[1]);
			static const struct {
				const char *n;
				int v;
			} t[] = {{"a", 1}, {.v = 2, .n = "b"}, {"c"}};
			say("%s%d%s%d%s%d ", t[0].n, t[0].v, t[1].n, t[1].v, t[2].n, t[2].v);
			char three[3] = "abc";
			P(three[2]);
			say("%s %s ", __func__, __PRETTY_FUNCTION__);
			P(stack(5000));
			int n = 3;
			int a[n][n + 1];
			P(sizeof a);
			P(sizeof a[0]);
			a[n - 1][n] = 8;
			P(a[2][3]);
			for (int i = 1; i < 5; i++)
				P(leave(i));
			struct pair {
				double a;
				double b;
			};
			struct big {
				long v[3];
			};
			struct pair pr = {3, 4};
			struct big bg = {{1, 2, 3}};
			P(sum(5, -1, 1.5, pr, 2.5L, bg, 2, 2.5, pr, 3.5L, bg, 3, 3.5, pr, 4.5L, bg, 4, 4.5,
			      pr, 5.5L, bg, 5, 5.5, pr, 6.5L, bg));
			__WCHAR_TYPE__ w[] = L"ab";
			P(w[1]);
			say("%s", "\x4"
				  "1"
				  "\101\e\\u");
			struct s x[2] = {make(1), make(2)};
			x[0] = x[1];
			P(x[0].x);
		}));
}

static void builtins_are_gccs(void **state)
{
	(void)state;
	compare(TEXT(ENTRY {
		out = to;
		volatile unsigned long v = 0x0123456789abcde0;
		volatile int one = 1;
		P(__builtin_bswap16(v));
		P(__builtin_bswap32(v));
		P(__builtin_bswap64(v));
		P(__builtin_clz(v));
		P(__builtin_clzl(v));
		P(__builtin_clzll(v));
		P(__builtin_ctz(v));
		P(__builtin_ctzl(v));
		P(__builtin_ffs(v));
		P(__builtin_ffsl(v));
		P(__builtin_ffs(0));
		P(__builtin_popcount(v));
		P(__builtin_popcountl(v));
		P(__builtin_parity(v));
		P(__builtin_expect(one, 0));
		P(sizeof(__builtin_expect(one, 0)));
		P(__builtin_expect(one < 2, 1) << 40);
		P(__builtin_constant_p(3));
		P(__builtin_strlen("abc"));
		P(__builtin_types_compatible_p(int, long));
		P(__builtin_choose_expr(1, 2, 3.0));
		P(__builtin_clz(one));
		P(__builtin_object_size(to, 0) > 100);
		__builtin_prefetch(to, 1);
		P(__builtin_assume_aligned(to, 1) == to);
		P(sizeof(__builtin_bswap16(v)));
		P(__builtin_ffs(-one));
		P(__builtin_popcount(-one));
		P(__builtin_ctz(one << 31));
	}));
	compare(TEXT(ENTRY {
		out = to;
		long n = 1;
		char c = -2;
		const char *text = "x";
		void *volatile p = 0;
		int order = 5;
		__atomic_store_n(&n, -3, 5);
		P(n);
		__atomic_store_n(&n, 4, 0);
		P(__atomic_load_n(&n, 2));
		__atomic_store_n(&c, n + 255, 3);
		P(__atomic_load_n(&c, order));
		P(sizeof(__atomic_load_n(&c, 5)));
		__atomic_store_n(&p, to, order);
		P(__atomic_load_n(&p, 5) == to);
		P(*__atomic_load_n(&text, 1));
		__sync_synchronize();
		__atomic_thread_fence(5);
		__atomic_thread_fence(2);
		__atomic_signal_fence(5);
		long *at = &n;
		__atomic_store_n(at++, 9, 5);
		P(at - &n);
		P(n);
		P(__atomic_load_n(--at, 5));
		double d = 1.5;
		double e = 2.5;
		long m = 77;
		__atomic_store(&d, &e, 5);
		__atomic_load(&d, &e, 2);
		P(d * 10 + e);
		__atomic_store(at, &m, order);
		m = 0;
		__atomic_load(at, &m, 5);
		P(m);
	}));
	compare(TEXT(_Noreturn void exit(int); __attribute__((__noreturn__)) void _exit(int); ENTRY {
		extern void abort(void) __attribute__((cold, noreturn));
		out = to;
		int x = 7;
		(void)(__builtin_expect(sizeof(x) > 100, 0) && (abort(), 0));
		P(x);
		P(x + (1 || (exit(1), 1)));
		P(sizeof((_exit(2), 1)));
		__typeof__((abort(), 1)) y = 2;
		P(y);
		P(__builtin_choose_expr(0, (abort(), 1), 2));
		P(_Generic((abort(), x), long : 3, int : 2));
		if (x < 0)
			abort();
		P(x > 8 ? (abort(), 1) : 4);
		P(x);
	}));
	compare(TEXT(ENTRY {
		out = to;
		double d = -0.0;
		float f = 0;
		long double l = -3.5L;
		P(!!__builtin_signbit(d));
		P(!!__builtin_signbit(f));
		P(!!__builtin_signbit(-f));
		P(!!__builtin_signbit(l));
		P(!!__builtin_signbit(-l));
		P(!!__builtin_signbit(d - 1));
	}));
	compare(TEXT(ENTRY {
		out = to;
		unsigned char c = 250;
		short s = -3;
		int i = 2147483647;
		volatile unsigned long u = 7;
		const char *text = "words";
		P(__atomic_fetch_add(&c, 7, 5));
		P(__atomic_add_fetch(&c, 255, 0));
		P(__atomic_sub_fetch(&s, 40000, 5));
		P(__atomic_fetch_sub(&s, -1, 5));
		P(s);
		P(__atomic_add_fetch(&i, 2, 5));
		P(__sync_fetch_and_add(&i, 5) + __sync_sub_and_fetch(&i, 1L));
		P(__sync_add_and_fetch(&u, -9));
		P(__sync_fetch_and_sub(&u, 1u));
		P(*__atomic_add_fetch(&text, 2, 5));
		P(*__atomic_exchange_n(&text, "other", 5));
		P(*text);
		P(__atomic_exchange_n(&c, 300, 2));
		P(c);
		P(__sync_val_compare_and_swap(&i, i, 9));
		P(__sync_bool_compare_and_swap(&i, 8, 10));
		P(__sync_bool_compare_and_swap(&i, 9, -10));
		P(i);
		short old = 5;
		P(__atomic_compare_exchange_n(&s, &old, 6, 0, 5, 5));
		P(old == s);
		P(__atomic_compare_exchange_n(&s, &old, 6, 1, 5, 0));
		P(s);
		long n[2] = {1, 2};
		long *at = n;
		P(__atomic_fetch_add(at++, __atomic_fetch_add(&n[1], 3, 5), 5));
		P(at - n + n[0] * 10 + n[1] * 100);
		P(sizeof(__atomic_fetch_add(&c, 1L, 5)));
	}));
	compare(TEXT(ENTRY {
		out = to;
		unsigned char c = 250;
		volatile short s = -3;
		int i = 0x7ffffff0;
		unsigned long u = 7;
		int order = 5;
		P(__atomic_fetch_or(&c, 0x105, 5));
		P(c);
		P(__atomic_or_fetch(&s, 2, order));
		P(__atomic_and_fetch(&s, 0xff0f, 0));
		P(__atomic_fetch_and(&i, -16, 2));
		P(__atomic_xor_fetch(&u, -1, 5));
		P(__atomic_fetch_xor(&u, u - 1, 5));
		P(__atomic_nand_fetch(&c, 0x3c, 5));
		P(__atomic_fetch_nand(&i, 0xff, 5));
		P(i);
		P(__sync_fetch_and_or(&i, 3) + __sync_or_and_fetch(&c, 1));
		P(__sync_and_and_fetch(&u, ~4ul));
		P(__sync_fetch_and_and(&s, 0x0fff));
		P(__sync_xor_and_fetch(&s, 1));
		P(__sync_fetch_and_xor(&s, __atomic_or_fetch(&c, 64, 5)));
		P(s);
		P(__sync_nand_and_fetch(&c, 5));
		P(__sync_fetch_and_nand(&c, 5));
		P(sizeof(__atomic_or_fetch(&c, 1L, 5)));
		P(__sync_lock_test_and_set(&i, 12));
		P(i);
		__sync_lock_release(&i);
		P(i);
		c = 0;
		P(__atomic_test_and_set(&c, 5));
		P(c);
		__atomic_clear(&c, 5);
		P(__atomic_test_and_set(&c, 5) * 2 + c);
		unsigned long v = 3;
		unsigned long w = 0;
		__atomic_exchange(&u, &v, &w, 5);
		P(u == 3 && w != 3);
		P(__atomic_compare_exchange(&u, &w, &v, 0, 5, 5));
		P(w);
		v = 8;
		P(__atomic_compare_exchange(&u, &w, &v, 1, 5, 0));
		P(u);
	}));
}

/* --- what cc is told ------------------------------------------------------------------------------------ */

/* In `expected`, `@` stands for the mark of a variable and `!` for a function's. */
static void expose(const char *text, const char *expected)
{
	char *exposed = expose_text(text), wanted[1000], *to = wanted;
	assert_non_null(exposed);
	for (; *expected; expected++) {
		if (*expected == '@')
			to = stpcpy(to, " __attribute__((__used__)) ");
		else if (*expected == '!')
			to = stpcpy(to, " __attribute__((__noipa__)) ");
		else
			*to++ = *expected;
	}
	*to = '\0';
	assert_string_equal(exposed, wanted);
	free(exposed);
}

static void statics_and_functions_are_marked_for_cc(void **state)
{
	(void)state;
	expose("", "");
	expose("int f(int v[static 3]) { static int n; return n; }",
	       "int !f(int v[static 3]) { static@ int n; return n; }");
	expose("struct s { int a; }; extern int n;\n#define X {\nint g(void);\nint f(void) { return n; }",
	       "struct s { int a; }; extern int n;\n#define X {\nint g(void);\nint !f(void) { return n; }");
	expose("static int g(void) { return 1; } static int n = 3, *p; static int (*q)(void); int f(void) { "
	       "return 1; }",
	       "static int g(void) { return 1; } static@ int n = 3, *p; static@ int (*q)(void); int !f(void) "
	       "{ return 1; }");
	expose("extern inline __attribute__((x)) int g(void) { return 1; } struct s *f(void) "
	       "__attribute__((cold));"
	       "struct s *f(void) { return 0; } struct t { int a; } *h(int x) { return 0; }",
	       "extern inline __attribute__((x)) int g(void) { return 1; } struct s *f(void) "
	       "__attribute__((cold));"
	       "struct s *!f(void) { return 0; } struct t { int a; } *!h(int x) { return 0; }");
	expose("int v[] = { sizeof(int) }; __typeof__(int) m; __attribute__((used)) int f(void) { return 1; "
	       "}",
	       "int v[] = { sizeof(int) }; __typeof__(int) m; __attribute__((used)) int !f(void) { return 1; "
	       "}");
	expose("static struct { int a; } s; static __attribute__((x)) enum { A } e(void) { }",
	       "static@ struct { int a; } s; static __attribute__((x)) enum { A } e(void) { }");
	expose("static int g(a, b) int a; char b; { return a + b; } int f(void) { return 1; }",
	       "static int g(a, b) int a; char b; { return a + b; } int !f(void) { return 1; }");
	expose("int p(void) __attribute__((x)); int *f(a, b) register int *a; int (*b)(); { return a; } int "
	       "g(void) { return 1; }",
	       "int p(void) __attribute__((x)); int *!f(a, b) register int *a; int (*b)(); { return a; } "
	       "int !g(void) { return 1; }");
	expose("} ]; int f(void) { ({ static int a; }); \"static\" /* static",
	       "} ]; int !f(void) { ({ static@ int a; }); \"static\" /* static");
	expose("#define ADVICE [[nodiscard]]\nADVICE char *f(int a) { } ADVISED(x) int *g(int a) CHECKED(1) "
	       "{ } int (*h(int a))(int) { }",
	       "#define ADVICE [[nodiscard]]\nADVICE char *!f(int a) { } ADVISED(x) int *!g(int a) "
	       "CHECKED(1) { } !int (*h(int a))(int) { }");
	expose("#define REST(n) (int n, ...) {\n#define OF(n) n##_of\nint f REST(n) { } } char *g\nREST(n) { "
	       "} } "
	       "static REST2(n) int f(void) { } struct s OF(h)(void) { } unsigned OF(i)(void) { }",
	       "#define REST(n) (int n, ...) {\n#define OF(n) n##_of\nint !f REST(n) { } } char *!g\nREST(n) "
	       "{ } } "
	       "static REST2(n) int f(void) { } struct s !OF(h)(void) { } !unsigned OF(i)(void) { }");
}

static void overflow_is_found_as_gcc_finds_it(void **state)
{
	(void)state;
	compare("#define TRY(T, op, a, b) { T r = 0; seen = seen * 31 + __builtin_##op##_overflow(a, b, &r); "
		"seen = seen * 31 + r; }\n"
		"#define TRY_MIXED(T, op) TRY(T, op, x, y) TRY(T, op, (unsigned long)x, y) "
		"TRY(T, op, x, (unsigned long)y) TRY(T, op, (unsigned long)x, (unsigned long)y) "
		"TRY(T, op, (int)x, (unsigned short)y) TRY(T, op, (signed char)x, (unsigned)y)\n"
		"#define TRY_ALL(op) TRY_MIXED(long, op) TRY_MIXED(unsigned long, op) TRY_MIXED(int, op) "
		"TRY_MIXED(unsigned, op) TRY_MIXED(short, op) TRY_MIXED(unsigned char, op) P(seen);\n"
		"static const long v[] = { 0, 1, -1, 2, 127, 128, -128, -129, 32767, 65535, 65536, "
		"2147483647, "
		"-2147483648L, 2147483648, 4294967295, 4294967296, 3037000500, -3037000500, 6074001000, "
		"9223372036854775807, -9223372036854775807 - 1 };\n"
		"ENTRY { unsigned long seen = 0; for (int i = 0; i < 21 * 21; i++) { out = to + i % 20 * 60; "
		"long x = v[i / 21], y = v[i % 21]; TRY_ALL(add) TRY_ALL(sub) TRY_ALL(mul) } "
		"int one = 1, *at = &one; P(__builtin_add_overflow(one++, 1, at)); P(one); }");
}

/* --- cc
 * --------------------------------------------------------------------------------------------------------------
 */

static struct error *run(const char *const *argv, const char *text, const char *directory, char **output)
{
	struct compile_object object = {0};
	struct error *e = compile_cc(text, argv, directory, &object, output);
	assert_int_equal(e == NULL, object.bytes != NULL);
	compile_object_fini(&object);
	return e;
}

static void expect(struct error *e, enum error_class class, const char *message)
{
	assert_non_null(e);
	if (!strstr(error_message(e), message))
		fail_msg("said: %s", error_message(e));
	assert_int_equal(error_class(e), class);
	error_free(e);
}

static void a_compile_error_says_its_first_error_line(void **state)
{
	(void)state;
	char *output = NULL;
	struct error *e =
		run(gcc, "#line 7 \"shop.c\"\n#warning hm\nint f(void) { return nothing; }\n", NULL, &output);
	assert_non_null(strstr(error_message(e), "error: 'nothing' undeclared"));
	expect(e, ERROR_COMPILE, "shop.c:8:");
	assert_non_null(strstr(output, "nothing"));
	free(output);
}

static void cc_runs_in_the_directory_it_is_given(void **state)
{
	(void)state;
	char directory[] = "/tmp/compile_test_XXXXXX", path[64];
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/here.h", directory);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("#define HERE 5\n", file);
	fclose(file);
	const char *argv[] = {"gcc", "-I.", NULL};
	assert_null(run(argv, "#include <here.h>\nint f(void) { return HERE; }\n", directory, NULL));
	unlink(path);
	rmdir(directory);
	expect(run(argv, "int f(void) { return 1; }", directory, NULL), ERROR_INTERNAL,
	       "cannot run gcc in /tmp/compile_test_");
}

static void a_compiler_that_is_not_there_is_said(void **state)
{
	(void)state;
	const char *argv[] = {"no-such-compiler", "-O2", NULL};
	char *output = (char *)1;
	expect(run(argv, "int f;", NULL, &output), ERROR_INTERNAL,
	       "cannot run no-such-compiler in .: No such file");
	free(output);
}

static void a_compiler_that_dies_or_makes_nothing_is_said(void **state)
{
	(void)state;
	const char *const dies[] = {"sh", "-c", "kill -SEGV $$", NULL};
	const char *const silent[] = {"sh", "-c", "exit 3", NULL};
	const char *const lazy[] = {"true", NULL};
	expect(run(dies, "int f;", NULL, NULL), ERROR_COMPILE, "sh was ended by signal 11");
	expect(run(silent, "int f;", NULL, NULL), ERROR_COMPILE, "sh ended with status 3");
	expect(run(lazy, "int f;", NULL, NULL), ERROR_INTERNAL, "cannot open the object");
}

/* What is blocked here is not blocked there. */
static void cc_has_no_blocked_signals(void **state)
{
	(void)state;
	sigset_t every, before;
	sigfillset(&every);
	sigprocmask(SIG_SETMASK, &every, &before);
	const char *const ends[] = {"sh", "-c", "kill -TERM $$; exit 0", NULL};
	struct error *e = run(ends, "int f;", NULL, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	expect(e, ERROR_COMPILE, "signal 15");
}

static void much_output_is_read_and_capped(void **state)
{
	(void)state;
	const char *const loud[] = {"sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; exit 1", NULL};
	char *output = NULL;
	struct error *e = run(loud, "int f;", NULL, &output);
	assert_non_null(e);
	assert_int_equal(strlen(output), 1 << 20);
	error_free(e);
	free(output);
}

/* The object, and what the compiler needs beside it. */
static void temporary_files_go_where_they_are_wanted(void **state)
{
	(void)state;
	char directory[] = "/tmp/compile_test_XXXXXX", *output = NULL;
	const char *const tells[] = {"sh", "-c", "while [ \"$1\" != -o ]; do shift; done; echo $2", "sh",
				     NULL};
	assert_non_null(mkdtemp(directory));
	setenv("TMPDIR", directory, 1);
	assert_null(run(gcc, "int f(void) { return 1; }", NULL, NULL));
	error_free(run(tells, "int f;", NULL, &output));
	assert_memory_equal(output, directory, strlen(directory));
	free(output);
	assert_int_equal(rmdir(directory), 0);
	assert_null(run(gcc, "int f(void) { return 1; }", NULL, NULL));
	unsetenv("TMPDIR");
}

static unsigned count_entries(const char *path, const char *prefix)
{
	DIR *directory = opendir(path);
	assert_non_null(directory);
	unsigned count = 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		count += !strncmp(entry->d_name, prefix, strlen(prefix));
	closedir(directory);
	return count;
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	const char *const silent[] = {"false", NULL};
	unsigned fds = count_entries("/proc/self/fd", "");
	compile_object_fini(&(struct compile_object){0});
	assert_null(run(gcc, "int f(void) { return 1; }", NULL, NULL));
	error_free(run(gcc, "int f(void) { return }", NULL, NULL));
	error_free(run(silent, "int f;", NULL, NULL));
	accept("int f(void) { return 1; }");
	assert_int_equal(count_entries("/proc/self/fd", ""), fds);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_implicit_declaration_is_refused),
		cmocka_unit_test(a_string_in_code_that_is_left_out_does_no_harm),
		cmocka_unit_test(types_that_libtcc_cannot_read_are_spelled_otherwise),
		cmocka_unit_test(bounds_of_parameters_that_name_others_are_left_out),
		cmocka_unit_test(attributes_of_enumerators_are_left_out),
		cmocka_unit_test(pragmas_that_change_no_code_are_left_out),
		cmocka_unit_test(an_attribute_behind_a_name_of_an_enumerations_type_is_that_names),
		cmocka_unit_test(literals_and_parameters_that_libtcc_cannot_read_are_spelled_otherwise),
		cmocka_unit_test(what_libtcc_gets_wrong_is_refused),
		cmocka_unit_test(ordinary_programs_are_accepted),
		cmocka_unit_test(libtcc_is_named_as_what_it_is),
		cmocka_unit_test(a_failed_assertion_and_a_syntax_error_are_reasons),
		cmocka_unit_test(flags_that_change_meaning_are_found),
		cmocka_unit_test(layouts_are_gccs),
		cmocka_unit_test(arithmetic_is_gccs),
		cmocka_unit_test(floating_point_is_gccs),
		cmocka_unit_test(statements_are_gccs),
		cmocka_unit_test(builtins_are_gccs),
		cmocka_unit_test(overflow_is_found_as_gcc_finds_it),
		cmocka_unit_test(statics_and_functions_are_marked_for_cc),
		cmocka_unit_test(a_compile_error_says_its_first_error_line),
		cmocka_unit_test(cc_runs_in_the_directory_it_is_given),
		cmocka_unit_test(a_compiler_that_is_not_there_is_said),
		cmocka_unit_test(a_compiler_that_dies_or_makes_nothing_is_said),
		cmocka_unit_test(cc_has_no_blocked_signals),
		cmocka_unit_test(much_output_is_read_and_capped),
		cmocka_unit_test(temporary_files_go_where_they_are_wanted),
		cmocka_unit_test(nothing_is_left_behind),
	};
	linking_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
