/* The target, of programs whose symbols and debug information are damaged: whatever it makes of them, the engine goes on. The
 * damage is the same at every run of the test. */
#include "target.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_S = 120, DAMAGES = 40 };

static const char source[] =
	"#include <unistd.h>\n"
	"struct order { int a; struct { long x; unsigned b : 3; } in; const char *name;\n"
	"	union { int u; float f; }; int rows[4][5]; };\n"
	"enum color { RED, GREEN = 7 };\n"
	"typedef struct order order_t;\n"
	"static int count;\n"
	"static order_t last;\n"
	"int global = 3;\n"
	"static __thread int own;\n"
	"static inline int helper(int x) { static int calls; return x + ++calls; }\n"
	"__attribute__((noinline, patchable_function_entry(16, 0)))\n"
	"int price(struct order *o, int n, ...)\n"
	"{ static int times; { int k = n; static long deep; deep += k; times += (int)deep; }\n"
	"	return o->a + n + helper(n) + times + count + own; }\n"
	"int main(int argc, char **argv)\n"
	"{ (void)argv; last.a = argc; if (argc > 1) return price(&last, RED) + GREEN;\n"
	"	if (write(1, \"r\", 1) < 0) return 1; for (;;) pause(); }\n";

static char work[] = "/tmp/rtf-damaged-XXXXXX";

static char *image; /* of the undamaged program */
static size_t image_size;

/* --- asking -------------------------------------------------------------------------------------------------------- */

static struct target *target;
static int answers;

static bool ask_unit(void *context, const struct target_unit *unit)
{
	static const char *const names[] = {"order",  "order_t", "color", "count", "last",
					    "global", "own",     "price", "main"};
	struct text form = {0}, spelling = {0};
	struct target_layout layout;
	struct target_symbol symbol;
	uint64_t bound;
	int64_t value;

	(void)context;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		for (int tag = TARGET_STRUCT; tag <= TARGET_TYPEDEF; tag++)
			answers += target_find_layout(target, unit, (enum target_tag)tag, names[i], &layout);
		answers += target_find(target, unit, names[i], &symbol);
		answers += target_find_bound(target, unit, names[i], &bound);
		answers += target_find_form(target, unit, names[i], &form, &spelling);
		answers += target_has_lost(target, unit, names[i]);
		target_defining_file(target, unit, names[i]);
		text_fini(&form);
		text_fini(&spelling);
	}
	answers += target_find_enumerator(target, unit, "GREEN", &value);
	return true;
}

static bool see_inlined(void *context, uint64_t address, const char *caller, const char *file, unsigned line)
{
	(void)context, (void)address, (void)caller, (void)file, (void)line;
	return ++answers < 100000;
}

static bool ask_function(void *context, const struct target_function *f)
{
	static const char *const names[] = {"times", "deep", "calls", "k"};
	struct text form = {0}, spelling = {0};
	struct target_symbol symbol;
	const char *file;
	unsigned line;

	(void)context;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		answers += target_find_local(target, f, names[i], 0, &symbol);
		answers += target_find_local_form(target, f, names[i], 0, &form, &spelling);
		text_fini(&form);
		text_fini(&spelling);
	}
	target_each_inlined(target, f, see_inlined, NULL);
	answers += target_find_line(target, f->entry, &file, &line);
	return true;
}

/* 0: answered; 1: refused to look; 2: knows nothing. */
static int ask(pid_t pid)
{
	struct error *e = target_new(pid, NULL, &target);

	if (e) {
		error_free(e);
		return 1;
	}
	target_each_unit(target, ask_unit, NULL);
	target_each_function(target, ask_function, NULL);
	target_free(target);
	return answers ? 0 : 2;
}

/* --- programs ------------------------------------------------------------------------------------------------------ */

static char *read_whole(const char *path, size_t *size)
{
	char *bytes = text_read_file(path, size);

	if (!bytes)
		fail_msg("cannot read %s", path);
	return bytes;
}

static void build(const char *flags)
{
	char command[256], path[64];

	snprintf(path, sizeof(path), "%s/source.c", work);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(source, f) >= 0 && fclose(f) == 0);
	snprintf(command, sizeof(command), "cd %s && ${CC:-cc} -w %s source.c -o built", work, flags);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/built", work);
	free(image);
	image = read_whole(path, &image_size);
}

/* Runs it, and returns once it is in main. */
static pid_t start(const char *bytes)
{
	char path[64], c;
	int ready[2];

	snprintf(path, sizeof(path), "%s/damaged", work);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, bytes, image_size), image_size);
	close(fd);
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ready[1], STDOUT_FILENO);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* What was made of a program with these bytes; `how` is told if that was its end. */
static int look_at(const char *bytes, const char *how)
{
	pid_t program = start(bytes), asker = fork();
	int status;

	if (asker == 0) {
		alarm(DEADLINE_S);
		_exit(ask(program));
	}
	assert_int_equal(waitpid(asker, &status, 0), asker);
	kill(program, SIGKILL);
	waitpid(program, NULL, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 2)
		fail_msg("%s: status %#x", how, status);
	return WEXITSTATUS(status);
}

/* --- damage -------------------------------------------------------------------------------------------------------- */

/* The next section that the program runs without, behind `at`; 0: there is none. */
static size_t next_section(char *bytes, size_t at, Elf64_Shdr **out)
{
	const Elf64_Ehdr *header = (void *)bytes;
	Elf64_Shdr *sections = (void *)(bytes + header->e_shoff);

	for (at++; at < header->e_shnum; at++) {
		if (!(sections[at].sh_flags & SHF_ALLOC) && sections[at].sh_type != SHT_NOBITS &&
		    at != header->e_shstrndx) {
			*out = &sections[at];
			return at;
		}
	}
	return 0;
}

static char *copy_image(void)
{
	char *copy = malloc(image_size);

	assert_non_null(copy);
	return memcpy(copy, image, image_size);
}

static void each_section_may_be_of_zeroes(void)
{
	char *bytes = copy_image(), how[64];
	Elf64_Shdr *section;
	size_t at = 0;
	int count = 0;

	for (; (at = next_section(bytes, at, &section)); count++) {
		memset(bytes + section->sh_offset, 0, section->sh_size);
		snprintf(how, sizeof(how), "section %zu of zeroes", at);
		look_at(bytes, how);
		memcpy(bytes, image, image_size);
	}
	assert_true(count > 5);
	free(bytes);
}

static uint32_t chance(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u; /* Knuth, The Art of Computer Programming 3.3.4 */
	return *state >> 8;
}

static void any_bytes_may_be_others(void)
{
	uint32_t state = 1;
	int known = 0;

	for (int i = 0; i < DAMAGES; i++) {
		char *bytes = copy_image(), how[64];
		for (uint32_t hits = 1 + chance(&state) % 12; hits; hits--) {
			Elf64_Shdr *section = NULL;
			size_t at = 0;
			for (uint32_t skip = chance(&state) % 12; skip || !at; skip -= !!skip)
				at = next_section(bytes, at, &section);
			bytes[section->sh_offset + chance(&state) % section->sh_size] = (char)chance(&state);
		}
		snprintf(how, sizeof(how), "damage %d", i);
		known += look_at(bytes, how) == 0;
		free(bytes);
	}
	assert_true(known > DAMAGES / 2); /* so much is never lost that nothing would be asked */
}

static void damage(const char *flags)
{
	build(flags);
	assert_int_equal(look_at(image, "undamaged"), 0);
	each_section_may_be_of_zeroes();
	any_bytes_may_be_others();
}

static void plain_debug_information_may_be_damaged(void **state)
{
	(void)state;
	damage("-g3 -O0");
}

static void type_units_may_be_damaged(void **state)
{
	(void)state;
	damage("-g -O2 -gdwarf-4 -fdebug-types-section");
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(work) ? 0 : -1;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	free(image);
	snprintf(command, sizeof(command), "rm -r %s", work);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_debug_information_may_be_damaged),
		cmocka_unit_test(type_units_may_be_damaged),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
