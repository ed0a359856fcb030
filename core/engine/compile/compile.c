#include "compile.h"
#include "dialect.h"
#include "expose.h"
#include "link.h"
#include "prelude.h"
#include "run.h"
#include "text.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <libtcc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CC_SECONDS = 60, CC_OUTPUT_MAX = 1 << 20, OBJECT_MAX = 256 << 20 };

static const char *const backend_names[] = {[BACKEND_TCC] = "tcc", [BACKEND_CC] = "cc"};

void compile_object_fini(struct compile_object *object)
{
	free(object->bytes);
	*object = (struct compile_object){0};
}

const char *compile_backend_name(enum compile_backend backend)
{
	return backend_names[backend];
}

static struct error *read_object(int fd, enum compile_backend backend, struct compile_object *out)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return error_errno(errno, "cannot read the compiled object");
	if (status.st_size <= 0 || status.st_size > OBJECT_MAX)
		return error_new(ERROR_INTERNAL, "a compiled object of %lld bytes",
				 (long long)status.st_size);

	size_t size = (size_t)status.st_size;
	unsigned char *bytes = malloc(size);
	if (!bytes)
		return error_memory();
	for (size_t have = 0; have < size;) {
		ssize_t got = pread(fd, bytes + have, size - have, (off_t)have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			free(bytes);
			return error_errno(got ? errno : EIO, "cannot read the compiled object");
		}
		have += (size_t)got;
	}
	*out = (struct compile_object){bytes, size, backend};
	return NULL;
}

struct helper {
	const char *name, *source;
};

/* Functions that libtcc's code calls and that libtcc1.a would bring, were it there. Written from what they
 * are called with. `type` of __va_arg is libtcc's class of the argument: 0 general registers, 1 SSE
 * registers, 2 memory; the registers are saved as psABI figure 3.33 shows. A struct of two doubles lies in
 * two slots of 16 bytes: its second half is moved into the first slot's unused one, so that it is in one
 * piece.
 *
 * The conversions are gcc's for every value that C defines; what libtcc converts without help it does itself.
 */
static const struct helper helpers[] = {
	{"__va_arg", "typedef struct { unsigned gp, fp; char *overflow, *saved; } rtf_va;\n"
		     "void *__va_arg(__builtin_va_list list, int type, int size, int align)\n"
		     "{\n"
		     "	rtf_va *ap = (rtf_va *)list;\n"
		     "	unsigned words = (unsigned)(size + 7) / 8;\n"
		     "	if (type == 0 && ap->gp + 8 * words <= 48) {\n"
		     "		ap->gp += 8 * words;\n"
		     "		return ap->saved + ap->gp - 8 * words;\n"
		     "	}\n"
		     "	if (type == 1 && ap->fp + 16 * words <= 176) {\n"
		     "		unsigned long *slot = (unsigned long *)(ap->saved + ap->fp);\n"
		     "		if (words == 2)\n"
		     "			slot[1] = slot[2];\n"
		     "		ap->fp += 16 * words;\n"
		     "		return slot;\n"
		     "	}\n"
		     "	if (align > 8)\n"
		     "		ap->overflow = (char *)((unsigned long)(ap->overflow + 15) & ~15ul);\n"
		     "	ap->overflow += 8 * words;\n"
		     "	return ap->overflow - 8 * words;\n"
		     "}\n"},
	{"__fixunsdfdi",
	 "unsigned long __fixunsdfdi(double x)\n"
	 "{ return x < 0x1p63 ? (unsigned long)(long)x : (unsigned long)(long)(x - 0x1p63) ^ 1ul << 63; }\n"},
	{"__fixunssfdi", "unsigned long __fixunssfdi(float x)\n"
			 "{ return x < 0x1p63f ? (unsigned long)(long)x : (unsigned long)(long)(x - 0x1p63f) "
			 "^ 1ul << 63; }\n"},
	{"__fixunsxfdi", "unsigned long __fixunsxfdi(long double x)\n"
			 "{ return x < 0x1p63L ? (unsigned long)(long)x : (unsigned long)(long)(x - 0x1p63L) "
			 "^ 1ul << 63; }\n"},
	/* Halved with the lost bit kept, so that one rounding is all there is. */
	{"__floatundidf",
	 "double __floatundidf(unsigned long x)\n"
	 "{ return (long)x >= 0 ? (double)(long)x : 2 * (double)(long)(x >> 1 | (x & 1)); }\n"},
	{"__floatundisf",
	 "float __floatundisf(unsigned long x)\n"
	 "{ return (long)x >= 0 ? (float)(long)x : 2 * (float)(long)(x >> 1 | (x & 1)); }\n"},
	{"__floatundixf", "long double __floatundixf(unsigned long x)\n"
			  "{ return (long double)(long)x + ((long)x >= 0 ? 0.0L : 0x1p64L); }\n"},
	{"__rtf_ffs", "int __rtf_ffs(unsigned long x)\n"
		      "{ int n = 1; if (!x) return 0; while (!(x & 1)) { x >>= 1; n++; } return n; }\n"},
	{"__rtf_fls", "int __rtf_fls(unsigned long x)\n"
		      "{ int n = 0; while (x) { x >>= 1; n++; } return n; }\n"},
	{"__rtf_popcount", "int __rtf_popcount(unsigned long x)\n"
			   "{ int n = 0; while (x) { x &= x - 1; n++; } return n; }\n"},
	/* Signs and magnitudes, so that no operation of C's own overflows; the product in halves. */
	{"__rtf_overflow",
	 "_Bool __rtf_overflow(int op, unsigned long a, int a_negative, unsigned long b, int b_negative, "
	 "void *result, int size, int is_signed)\n"
	 "{\n"
	 "	unsigned long x = a_negative ? -a : a, y = b_negative ? -b : b, low, high = 0;\n"
	 "	int negative = a_negative != b_negative;\n"
	 "	if (op == '-')\n"
	 "		negative = !negative, b_negative = !b_negative;\n"
	 "	if (op == '*') {\n"
	 "		unsigned long x0 = (unsigned)x, x1 = x >> 32, y0 = (unsigned)y, y1 = y >> 32;\n"
	 "		unsigned long middle = (x0 * y0 >> 32) + (unsigned)(x1 * y0) + (unsigned)(x0 * y1);\n"
	 "		low = x * y;\n"
	 "		high = x1 * y1 + (x1 * y0 >> 32) + (x0 * y1 >> 32) + (middle >> 32);\n"
	 "	} else if (negative) {\n"
	 "		low = x > y ? x - y : y - x;\n"
	 "		negative = x > y ? a_negative : b_negative;\n"
	 "	} else {\n"
	 "		low = x + y;\n"
	 "		high = low < x;\n"
	 "		negative = a_negative;\n"
	 "	}\n"
	 "	unsigned long value = negative ? -low : low, top = 1ul << (size * 8 - 1);\n"
	 "	if (size == 1)\n"
	 "		*(unsigned char *)result = value;\n"
	 "	else if (size == 2)\n"
	 "		*(unsigned short *)result = value;\n"
	 "	else if (size == 4)\n"
	 "		*(unsigned *)result = value;\n"
	 "	else\n"
	 "		*(unsigned long *)result = value;\n"
	 "	if (high)\n"
	 "		return 1;\n"
	 "	if (negative && low)\n"
	 "		return !is_signed || low > top;\n"
	 "	return low > (is_signed ? top - 1 : top - 1 + top);\n"
	 "}\n"},
	{"__rtf_fetch_add", "unsigned long __rtf_fetch_add(void *p, unsigned long value, int size)\n"
			    "{\n"
			    "	if (size == 1)\n"
			    "		__asm__ volatile(\"lock\\n\\txaddb %b0,(%1)\" : \"=a\"(value) : "
			    "\"d\"(p), \"0\"(value));\n"
			    "	else if (size == 2)\n"
			    "		__asm__ volatile(\"lock\\n\\txaddw %w0,(%1)\" : \"=a\"(value) : "
			    "\"d\"(p), \"0\"(value));\n"
			    "	else if (size == 4)\n"
			    "		__asm__ volatile(\"lock\\n\\txaddl %k0,(%1)\" : \"=a\"(value) : "
			    "\"d\"(p), \"0\"(value));\n"
			    "	else\n"
			    "		__asm__ volatile(\"lock\\n\\txaddq %0,(%1)\" : \"=a\"(value) : "
			    "\"d\"(p), \"0\"(value));\n"
			    "	return value;\n"
			    "}\n"},
	{"__rtf_exchange",
	 "unsigned long __rtf_exchange(void *p, unsigned long value, int size)\n"
	 "{\n"
	 "	if (size == 1)\n"
	 "		__asm__ volatile(\"xchgb %b0,(%1)\" : \"=a\"(value) : \"d\"(p), \"0\"(value));\n"
	 "	else if (size == 2)\n"
	 "		__asm__ volatile(\"xchgw %w0,(%1)\" : \"=a\"(value) : \"d\"(p), \"0\"(value));\n"
	 "	else if (size == 4)\n"
	 "		__asm__ volatile(\"xchgl %k0,(%1)\" : \"=a\"(value) : \"d\"(p), \"0\"(value));\n"
	 "	else\n"
	 "		__asm__ volatile(\"xchgq %0,(%1)\" : \"=a\"(value) : \"d\"(p), \"0\"(value));\n"
	 "	return value;\n"
	 "}\n"},
	{"__rtf_compare_exchange",
	 "unsigned long __rtf_compare_exchange(void *p, unsigned long old, unsigned long value, int size)\n"
	 "{\n"
	 "	if (size == 1)\n"
	 "		__asm__ volatile(\"lock\\n\\tcmpxchgb %b2,(%1)\" : \"=a\"(old) : \"d\"(p), "
	 "\"c\"(value), \"0\"(old));\n"
	 "	else if (size == 2)\n"
	 "		__asm__ volatile(\"lock\\n\\tcmpxchgw %w2,(%1)\" : \"=a\"(old) : \"d\"(p), "
	 "\"c\"(value), \"0\"(old));\n"
	 "	else if (size == 4)\n"
	 "		__asm__ volatile(\"lock\\n\\tcmpxchgl %k2,(%1)\" : \"=a\"(old) : \"d\"(p), "
	 "\"c\"(value), \"0\"(old));\n"
	 "	else\n"
	 "		__asm__ volatile(\"lock\\n\\tcmpxchgq %2,(%1)\" : \"=a\"(old) : \"d\"(p), "
	 "\"c\"(value), \"0\"(old));\n"
	 "	return old;\n"
	 "}\n"},
	{"__rtf_zero", "void __rtf_zero(void *p, unsigned long size)\n"
		       "{ char *at = p; while (size--) *at++ = 0; }\n"},
	/* The thread's pointer: psABI, 3.4 of ELF Handling For Thread-Local Storage. */
	{"__rtf_thread", "char *__rtf_thread(void) { char *p; __asm__ volatile(\"mov %%fs:0, %0\" : "
			 "\"=r\"(p)); return p; }\n"},
	{"__rtf_fence", "void __rtf_fence(void) { __asm__ volatile(\"mfence\"); }\n"},
};

enum { HELPERS = sizeof helpers / sizeof *helpers };

static void want_helper(void *context, const char *name)
{
	bool *wanted = context;
	for (size_t i = 0; i < HELPERS; i++)
		if (!strcmp(name, helpers[i].name))
			wanted[i] = true;
}

/* --- libtcc
 * ----------------------------------------------------------------------------------------------------------
 */

/* libtcc's errors and warnings; keeps the first that matters. */
static void hear_message(void *context, const char *message)
{
	char **why = context;
	static const char marker[] = "warning: ";
	const char *warning = strstr(message, marker);
	if (*why || (warning && trust_warning(warning + sizeof marker - 1)))
		return;
	*why = strdup(message);
}

static struct error *write_object(TCCState *state, struct compile_object *out)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	if (fd < 0)
		return error_errno(errno, "cannot make room for an object");
	/* libtcc unlinks the name before it writes, which procfs refuses and libtcc does not mind. */
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct error *e;
	if (tcc_output_file(state, path))
		e = error_new(ERROR_INTERNAL, "libtcc cannot write its object");
	else
		e = read_object(fd, BACKEND_TCC, out);
	close(fd);
	return e;
}

/* One run. On return either `*why`, an error, or `out` is set. */
static struct error *run_tcc(const char *source, const bool *wanted, struct compile_object *out, char **why)
{
	TCCState *state = tcc_new();
	if (!state)
		return error_memory();
	tcc_set_error_func(state, why, hear_message);
	/* A struct with a tag in another that declares no member is one to libtcc, if not told otherwise. */
	tcc_set_options(state, "-g -nostdlib -nostdinc -std=c11 -fno-common -fno-ms-extensions "
			       "-Wunsupported -Wimplicit-function-declaration");
	tcc_set_output_type(state, TCC_OUTPUT_OBJ);
	tcc_define_symbol(state, "_Atomic", ""); /* as a qualifier; see atomics.h */

	struct error *e = NULL;
	int failed = tcc_compile_string(state, source);
	for (size_t i = 0; i < HELPERS && !failed && !*why; i++)
		if (wanted[i])
			failed = tcc_compile_string(state, helpers[i].source);
	if (failed && !*why)
		*why = strdup("libtcc failed without a word");
	if (failed && !*why)
		e = error_memory();
	if (!*why && !e)
		e = write_object(state, out);
	tcc_delete(state);
	return e;
}

/* There is no call for it: the macro's value is brought out as an error's text. 0 is no version. */
static int tcc_version(void)
{
	static const char asks[] = "#define TEXT(x) #x\n#define VALUE(x) TEXT(x)\n"
				   "_Static_assert(0, VALUE(__TINYC__));\n";
	TCCState *state = tcc_new();
	char *said = NULL;

	if (!state)
		return 0;
	tcc_set_error_func(state, &said, hear_message);
	tcc_set_options(state, "-nostdlib -nostdinc");
	tcc_set_output_type(state, TCC_OUTPUT_OBJ);
	tcc_compile_string(state, asks);
	tcc_delete(state);
	const char *number = said ? strrchr(said, ' ') : NULL;
	int version = number ? atoi(number) : 0;
	free(said);
	return version;
}

const char *compile_tcc_name(void)
{
	static char name[32];
	int version = *name ? 0 : tcc_version();

	if (version)
		snprintf(name, sizeof name, "libtcc %d.%d.%d", version / 10000, version / 100 % 100,
			 version % 100);
	return *name ? name : "libtcc";
}

static bool any(const bool *flags, size_t count)
{
	return memchr(flags, true, count) != NULL;
}

static struct error *compile_trusted(const char *source, struct compile_object *out, char **why)
{
	bool wanted[HELPERS] = {false};
	struct compile_object object = {0};
	struct error *e = run_tcc(source, wanted, &object, why);
	if (e || *why)
		return e;
	e = link_each_undefined(object.bytes, object.size, want_helper, wanted);
	if (!e && any(wanted, HELPERS)) {
		compile_object_fini(&object);
		e = run_tcc(source, wanted, &object, why);
	}
	if (e || *why) {
		compile_object_fini(&object);
		return e;
	}
	*out = object;
	return NULL;
}

/* Whether one of a slice's own assertions (guards.h) failed. */
static bool is_of_layout(const char *said)
{
	static const char assertion[] = ": error: rtf";
	size_t length = strlen(said);

	return length >= sizeof(assertion) - 1 &&
	       strcmp(said + length - (sizeof(assertion) - 1), assertion) == 0;
}

/* What libtcc says it says as the last word on C, which it is not: it did not take the text, the program's compiler may. */
static bool put_in_place(char **why)
{
	char *said = *why;

	*why = NULL;
	if (said && is_of_layout(said))
		*why = strdup("libtcc lays a type out otherwise than the program's compiler");
	else if (said && asprintf(why, "libtcc does not take what the program's compiler may: %s", said) < 0)
		*why = NULL;
	bool put = !said || *why;
	free(said);
	return put;
}

struct error *compile_tcc(const char *text, struct compile_object *out, char **why)
{
	*why = NULL;
	size_t size = strlen(text);
	if (size > UINT32_MAX)
		return error_new(ERROR_INTERNAL, "a text of %zu bytes is too long to compile", size);

	const char *reason = trust_text(text, (uint32_t)size);
	if (reason)
		return asprintf(why, "libtcc is not trusted with %s", reason) < 0 ? error_memory() : NULL;

	char *respelled = strndup(text, size);
	if (respelled)
		dialect_respell(respelled, size);
	char *source = respelled ? prelude_put(respelled, size) : NULL;
	free(respelled);
	if (!source)
		return error_memory();
	struct error *e = compile_trusted(source, out, why);
	free(source);
	if (!e && !put_in_place(why))
		e = error_memory();
	if (e) {
		free(*why);
		*why = NULL;
	}
	return e;
}

/* --- the program's own compiler ------------------------------------------------------------------------- */

/* Behind the program's flags, so that these win. The object must say by name whatever it needs (semantic interposition, no
 * tail calls: its own function too, whose newest version may be another; see also expose.h), keep each variable apart, and
 * be machine code, unprofiled and without an entry of its own to patch. Its lines are for lines.h: all of a function in one
 * section, file names where the line program stands. */
static const char *const cc_flags[] = {
	"-x",
	"c",
	"-w",
	"-fPIC",
	"-fsemantic-interposition",
	"-fvisibility=default",
	"-fdata-sections",
	"-fno-common",
	"-fno-optimize-sibling-calls",
	"-fno-lto",
	"-g1",
	"-gdwarf-4",
	"-gno-split-dwarf",
	"-gz=none",
	"-fpatchable-function-entry=0",
	"-c",
	NULL,
};

/* A second step, for an object that calls the compiler's own library, which a program need not hold: takes in
 * those parts. */
static const char *const library_flags[] = {"-w", "-fno-lto", "-nostdlib", "-r", NULL};

struct cc_run {
	char *directory, *object, *merged; /* the last two are in it */
	int stop;                          /* as run_options has it */
	struct text printed;
};

static struct error *start_run(struct cc_run *run)
{
	struct error *e = run_make_folder("rtf-cc", &run->directory);

	if (e)
		return e;
	if (asprintf(&run->object, "%s/o", run->directory) < 0)
		run->object = NULL;
	if (asprintf(&run->merged, "%s/r", run->directory) < 0)
		run->merged = NULL;
	return run->object && run->merged ? NULL : error_memory();
}

static void end_run(struct cc_run *run)
{
	if (run->object)
		unlink(run->object);
	if (run->merged)
		unlink(run->merged);
	if (run->directory)
		rmdir(run->directory);
	free(run->object);
	free(run->merged);
	free(run->directory);
	text_fini(&run->printed);
}

static size_t count_strings(const char *const *list)
{
	size_t count = 0;
	while (list[count])
		count++;
	return count;
}

/* The three lists behind one another. Borrowed strings, array owned. */
static char **join_arguments(const char *const *argv, const char *const *flags, const char *const *files)
{
	const char *const *lists[] = {argv, flags, files};
	char **all =
		calloc(count_strings(argv) + count_strings(flags) + count_strings(files) + 1, sizeof *all);
	if (!all)
		return NULL;
	size_t used = 0;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (const char *const *each = lists[i]; *each; each++)
			all[used++] = (char *)*each;
	return all;
}

/* The line that says what is wrong; without one the first. */
static struct error *failure(const char *compiler, const char *printed, int status)
{
	const char *line = strstr(printed, "error: ");
	while (line && line > printed && line[-1] != '\n')
		line--;
	if (!line)
		line = printed;
	int length = (int)strcspn(line, "\n");
	if (length)
		return error_new(ERROR_COMPILE, "%.*s", length, line);
	if (WIFSIGNALED(status))
		return error_new(ERROR_COMPILE, "%s was ended by signal %d", compiler, WTERMSIG(status));
	return error_new(ERROR_COMPILE, "%s ended with status %d and no word", compiler, WEXITSTATUS(status));
}

static struct error *run_step(struct cc_run *run, const char *const *argv, const char *const *flags,
			      const char *const *files, const char *directory, const char *text)
{
	char **arguments = join_arguments(argv, flags, files);
	struct run_options options = {.directory = directory,
				      .input = text,
				      .seconds = CC_SECONDS,
				      .stop = run->stop,
				      .most = CC_OUTPUT_MAX,
				      .one_output = true,
				      .plain = true};
	struct run_output output;

	if (!arguments)
		return error_memory();
	struct error *e = run_with((const char *const *)arguments, &options, &output);
	free(arguments);
	if (e)
		return e;
	if (!WIFEXITED(output.status) || WEXITSTATUS(output.status))
		e = failure(argv[0], output.out, output.status);
	text_append(&run->printed, output.out, output.out_size);
	run_output_fini(&output);
	return e;
}

static struct error *read_file(const char *path, const char *compiler, struct compile_object *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_errno(errno, "cannot open the object that %s made", compiler);
	struct error *e = read_object(fd, BACKEND_CC, out);
	close(fd);
	return e;
}

/* Names of functions that gcc and clang call for what the processor has no instruction for: __popcountdi2,
 * __udivti3,
 * __muldc3, __floattidf (libgcc's manual, "The GCC low-level runtime library"). */
static void find_library_call(void *context, const char *name)
{
	bool *found = context;
	static const char *const beginnings[] = {"__fix", "__float", "__extend", "__trunc", "__powi"};
	size_t length = strlen(name);
	if (length < 6 || strncmp(name, "__", 2))
		return;
	if (name[length - 1] == '2' || name[length - 1] == '3' || name[length - 1] == '4')
		*found = true;
	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			*found = true;
}

static struct error *run_cc(struct cc_run *run, const char *text, const char *const *argv,
			    const char *directory, struct compile_object *out)
{
	const char *const compiled[] = {"-o", run->object, "-", NULL};
	const char *const merged[] = {"-o", run->merged, run->object, "-lgcc", NULL};
	struct compile_object object = {0};
	bool calls_library = false;
	struct error *e = run_step(run, argv, cc_flags, compiled, directory, text);
	if (!e)
		e = read_file(run->object, argv[0], &object);
	if (!e)
		e = link_each_undefined(object.bytes, object.size, find_library_call, &calls_library);
	if (!e && calls_library) {
		compile_object_fini(&object);
		e = run_step(run, argv, library_flags, merged, directory, NULL);
		if (!e)
			e = read_file(run->merged, argv[0], &object);
	}
	if (e) {
		compile_object_fini(&object);
		return e;
	}
	*out = object;
	return NULL;
}

static struct error *compile_cc_in(struct cc_run *run, const char *text, const char *const *argv,
				   const char *directory, struct compile_object *out)
{
	char *exposed = strlen(text) <= UINT32_MAX / 2 ? expose_text(text) : NULL;
	struct error *e = exposed ? start_run(run) : error_memory();

	if (!e)
		e = run_cc(run, exposed, argv, directory, out);
	free(exposed);
	return e;
}

struct error *compile_cc(const char *text, const char *const *argv, const char *directory,
			 struct compile_object *out, char **output)
{
	struct cc_run run = {0};
	struct error *e = compile_cc_in(&run, text, argv, directory, out);

	if (output)
		*output = text_take(&run.printed);
	end_run(&run);
	return e;
}

struct error *compile_cc_until(const char *text, const char *const *argv, const char *directory, int stop,
			       struct compile_object *out)
{
	struct cc_run run = {.stop = stop};
	struct error *e = compile_cc_in(&run, text, argv, directory, out);

	end_run(&run);
	return e;
}
