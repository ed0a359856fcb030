/* Every sentence that refuses something is asked for by some test.
 *
 * The sentences are found in the sources: the literals in calls of the functions that make refusals. A sentence counts as
 * asked for if a good part of what it says between its conversions stands in a literal of some test. What no test asks for is
 * listed below with the reason, and must still be there. */
#include "text.h"
#include "token.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const folders[] = {"core/engine/*/*.c", "repl/*.c", "repl/*/*.c"};
static const char *const test_files[] = {"tests/unit/*.c", "tests/system/*.c", "tests/real/*.c"};
static const char *const makers[] = {"error_new", "refuse", "refuse_line", "cannot_wrap", "fail"};

/* A fault of ours, or of a compiler's. */
static const char *const unreachable[] = {
	"no row",
	"%s is being written: export once more", /* between two reads */
	"libclang does not start",
	"libclang cannot be loaded: %s",
	"libclang cannot read the slice of %s",
	"libclang cannot read a slice",
	"libclang completes nothing",
	"libclang does not find %s in its own slice",
	"libclang cannot tell the type of this expression",
	"libclang cannot read this expression",
	"libclang finds no declaration of %s",
	"libtcc cannot write its object",
	"a compiled object of %lld bytes",
	"malformed object: %s is in a section that is not placed",
	"malformed object: %s",
	"malformed object: a relocation outside its section",
	"section %s of unknown type %u",
	"malformed object: a thread-local variable without a name",
	"thread-local %s of the program is reached as if it were a library's",
	"thread-local %s is reached in an unknown way",
	"thread-local %s of a library is reached as if it were the program's",
	"%s is reached by a relocation of unknown type %u",
	"%s is too far from the arena for this kind of reference",
	"the history names a function that the program does not have",
	"what was checked once cannot be checked again",
	"the evaluation ended in an unknown way",
	"another evaluation is not over",
	"the module has no thread-local variables",
	"no file %s is part of the program",
	"it waits for the compiler", /* and is tried again before anybody hears of it */
	/* The check's words, or the protocol's, come first. */
	"the size of %s is not known here",
	"the includes cannot be preprocessed",
	"the text holds a NUL",
	"%s@%d: the name is too long",
	"a text of %zu bytes is too long to compile",
	/* A program or a library that is not the one this was built with. */
	"the program's hello is too short",
	"the program's librtf speaks version %u, this engine version %d: rebuild both",
	"the program's hello is malformed",
	"the program sent a malformed arena",
	"the program sent an empty arena",
	"the program has more than %d arenas",
	"the program sent an arena that does not fit its file",
	"the program sent message %u at the start",
	"%s speaks version %",
	/* A machine that is broken, or has no more of something. */
	"the arena is full",
	"cannot list the modules of process %d: %s",
	"cannot start libdwfl: %s",
	"process %d does not have %s mapped",
	"%s is larger than 2 GiB",
	"%s took longer than %d s and was ended",
	"%zu %s cannot be watched, saves there are noticed later: raise fs.inotify.max_user_watches",
	"saves are not followed in this program: its log and \\status say why",
	"nothing can be watched: memory ran out at the start",
	"diff failed: %s",
	"%s: where the console was started is not known; give an absolute path",
	/* A moment: what is asked changes while it is answered. */
	"cannot read memory at 0x%llx",
	"cannot write memory at 0x%llx",
	"that call does not wait any more",
	"%s has changed in this moment: nothing was written",
	"%s: what was built is not known: %s did not define it when it was first read",
	"an evaluation of an engine before this one still runs",
	"interrupted, but the evaluation does not end: it waits in the kernel, or has blocked signals; "
	"others will "
	"wait for it",
	"the history had to be opened anew: ask again",
	"interrupted: a part was removed, the rest is whole",
	"the history cannot be written at the moment: there is nothing to prune",
	"interrupted while connecting to %s",
	/* Of declarations that the hosts of these tests do not have, but those of tests/system/shapes. */
	"%s is aligned to more than a page, which the arena cannot give it",
	/* Of the terminal, whose tests read what it shows. */
	"more than %d functions in one entry",
	"the editor failed: nothing was changed",
	"cannot read any further: %s",
	"a line too long",
	"--all takes its commands from -c, -f or standard input, not from a terminal",
	"too many consoles are connected",
};

enum { PIECE = 24 }; /* so much of a sentence is not there by chance */

static struct text asked; /* all literals of the tests, a line each */
static bool *used;        /* of unreachable[] */
static unsigned missing, found;

/* --- literals ---------------------------------------------------------------------------------------------------- */

/* A literal and those that follow it at once, as one, without escapes but for those of quotes and backslashes; what a macro
 * stands for in between is a conversion. Leaves `t` at the token behind. */
static void take_literal(struct token_reader *r, struct token *t, struct text *out)
{
	while (t->kind == TOKEN_STRING || (t->kind == TOKEN_NAME && r->text[t->begin] == 'P')) {
		if (t->kind == TOKEN_NAME)
			text_puts(out, "d");
		for (uint32_t i = t->begin + 1; t->kind == TOKEN_STRING && i + 1 < t->end; i++) {
			if (r->text[i] == '\\' && i + 2 < t->end && strchr("\"\\", r->text[i + 1]))
				i++;
			text_append(out, r->text + i, 1);
		}
		token_next(r, t);
	}
}

static void each_file(const char *pattern, void (*each)(const char *file, struct token_reader *))
{
	glob_t files;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		size_t size;
		char *text = text_read_file(files.gl_pathv[i], &size);
		struct token_reader r;
		assert_non_null(text);
		token_reader_init(&r, text, (uint32_t)size);
		each(files.gl_pathv[i], &r);
		free(text);
	}
	globfree(&files);
}

static void read_test(const char *file, struct token_reader *r)
{
	struct token t;

	if (strstr(file, "refusals_test.c") && strstr(file, "unit"))
		return;
	token_next(r, &t);
	while (t.kind != TOKEN_END) {
		if (t.kind != TOKEN_STRING) {
			token_next(r, &t);
			continue;
		}
		take_literal(r, &t, &asked);
		text_puts(&asked, "\n");
	}
}

/* --- sentences --------------------------------------------------------------------------------------------------- */

/* The longest part between conversions. */
static size_t longest_piece(const char *sentence, const char **piece)
{
	size_t longest = 0;

	for (const char *at = sentence; *at;) {
		if (*at == '%') {
			at += 1 + strspn(at + 1, "-.*0123456789lhz");
			at += *at != '\0';
			continue;
		}
		size_t length = strcspn(at, "%");
		if (length > longest) {
			longest = length;
			*piece = at;
		}
		at += length;
	}
	return longest;
}

static bool is_asked(const char *sentence)
{
	const char *piece = "";
	size_t length = longest_piece(sentence, &piece), part = length < PIECE ? length : PIECE;

	for (size_t i = 0; i + part <= length; i++)
		if (memmem(asked.bytes, asked.size, piece + i, part))
			return true;
	return false;
}

static bool is_unreachable(const char *sentence)
{
	bool is = false;

	for (size_t i = 0; i < sizeof(unreachable) / sizeof(*unreachable); i++)
		if (strcmp(unreachable[i], sentence) == 0)
			is = used[i] = true;
	return is;
}

static void hold(const char *file, const char *sentence)
{
	const char *piece;

	size_t length = longest_piece(sentence, &piece);

	if (length < 6 || !memchr(piece, ' ', length))
		return; /* "%s: %s", a word: no sentence */
	found++;
	if (is_unreachable(sentence) || is_asked(sentence))
		return;
	missing++;
	print_error("%s: no test asks for \"%s\"\n", file, sentence);
}

static bool is_maker(const struct token_reader *r, const struct token *t)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
		if (token_is(r, t, makers[i]))
			return true;
	return false;
}

/* The literals between the brackets that `t` opens. */
static void read_call(const char *file, struct token_reader *r, struct token *t)
{
	unsigned depth = 0;

	do {
		if (t->kind == TOKEN_STRING) {
			struct text sentence = {0};
			take_literal(r, t, &sentence);
			hold(file, sentence.bytes ? sentence.bytes : "");
			text_fini(&sentence);
			continue;
		}
		depth += t->first == '(' && t->kind == TOKEN_PUNCTUATOR;
		depth -= t->first == ')' && t->kind == TOKEN_PUNCTUATOR;
		token_next(r, t);
	} while (depth && t->kind != TOKEN_END);
}

static void read_source(const char *file, struct token_reader *r)
{
	struct token t;

	token_next(r, &t);
	while (t.kind != TOKEN_END) {
		bool maker = is_maker(r, &t);
		token_next(r, &t);
		if (maker && t.kind == TOKEN_PUNCTUATOR && t.first == '(')
			read_call(file, r, &t);
	}
}

static void every_refusal_is_asked_for(void **state)
{
	(void)state;
	used = calloc(sizeof(unreachable) / sizeof(*unreachable), sizeof(*used));
	assert_non_null(used);
	for (size_t i = 0; i < sizeof(test_files) / sizeof(*test_files); i++)
		each_file(test_files[i], read_test);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		each_file(folders[i], read_source);
	for (size_t i = 0; i < sizeof(unreachable) / sizeof(*unreachable); i++)
		if (!used[i])
			fail_msg("nothing says \"%s\" any more", unreachable[i]);
	free(used);
	text_fini(&asked);
	print_message("%u sentences\n", found);
	assert_true(found > 150);
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_refusal_is_asked_for)};

	return cmocka_run_group_tests_name("unit: refusals", tests, NULL, NULL);
}
