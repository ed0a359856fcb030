#include "habits.h"
#include "text.h"
#include "typed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is said of some words. In it {f} is the format behind the word, with its stroke, {a:DEFAULT} what the command is given
 * or, without anything, the default, and {p} the program's number. */
struct habit {
	const char *words, *says;
};

#define GDB         "gdb works beside this console: gdb -p {p}"
#define NOT_STOPPED "the program is not stopped, so there is no frame to look at: "

/* Behind `info`. */
static const struct habit about[] = {
	{"locals args frame f",
	 NOT_STOPPED "\\probe NAME:LINE EXPR... shows locals each time that line is reached"},
	{"functions fun func", "\\list *{a:PART}* finds functions"},
	{"threads stack s", "\\threads shows where each thread is"},
	{"variables var", "\\vars *{a:PART}* finds variables"},
	{"types", "\\types *{a:PART}* finds types"},
	{"line symbol scope source address macro macros", "\\describe {a:NAME} says what it is and where"},
	{"breakpoints break b watchpoints display",
	 "\\list shows which functions are traced, probed or guarded"},
	{"program inferiors inferior proc", "\\status says it"},
};

static const struct habit habits[] = {
	{"print p inspect output expr expression po v",
	 "an expression alone shows its value, and \\print{f} {a:EXPR} does so in gdb's formats"},
	{"call", "a call is made by typing it: {a:f(x)}"},
	{"printf echo dprintf",
	 "an expression alone shows its value; what C's printf(\"...\") writes goes where "
	 "the program's output goes"},
	{"x", "memory is shown by \\x{f} {a:ADDRESS}"},
	{"ptype whatis explore", "here that is \\describe {a:NAME}"},
	{"display", "\\probe NAME:LINE {a:EXPR} shows it each time that line is reached"},
	{"undisplay", "here that is \\unprobe NAME:LINE, or \\unprobe *"},
	{"bt backtrace where thread threads",
	 "\\threads shows where each thread is, \\trace NAME the calls of a function, and " GDB},
	{"frame f up down", NOT_STOPPED
	 "\\threads shows where each thread is, \\trace NAME the calls of a function, \\probe NAME:LINE "
	 "EXPR... values in the middle of one, and " GDB},
	{"list l", "here that is \\source {a:NAME}"},
	{"break b br tbreak hbreak breakpoint", "nothing stops the program here: \\trace {a:NAME} shows "
						"calls, \\probe NAME:LINE EXPR... values at a line, "
						"and " GDB},
	{"watch rwatch awatch",
	 "\\probe NAME:LINE {a:EXPR} shows it each time that line is reached, and " GDB},
	{"continue c next n step s stepi si nexti ni finish until advance run r start jump reverse-continue",
	 "the program is not stopped: it goes on while you look"},
	{"delete clear disable enable tb",
	 "\\untrace *, \\unprobe * and \\unguard NAME end what is watched: \\list shows it"},
	{"disassemble disas", "\\x does not disassemble; " GDB
			      " -batch -ex 'disassemble {a:NAME}', which knows the versions' code too"},
	{"source",
	 "rtf-console -f {a:FILE} runs the commands of a file; \\source NAME shows a function's text"},
	{"help h apropos", "here that is \\help {a:}"},
	{"macro", "\\describe NAME says what a macro stands for"},
	{"q", "here that is \\quit"},
	{"show", "\\status, \\in and \\follow say what is set"},
	{"detach kill", "\\quit leaves; the program goes on"},
	{"tui layout shell python attach file core handle signal", GDB},
};

enum { HABITS = sizeof(habits) / sizeof(*habits), ABOUT = sizeof(about) / sizeof(*about) };

/* --- what was typed -------------------------------------------------------------------------------------------------- */

/* WORD[/FORMAT] [ARGUMENTS] on one line. */
struct habit_entry {
	const char *word, *format, *arguments;
	int word_size, format_size, arguments_size; /* the format with its stroke */
};

static int word_size(const char *text, size_t size)
{
	size_t n = 0;

	while (n < size && (isalnum((unsigned char)text[n]) || text[n] == '_' || (n && text[n] == '-')))
		n++;
	return (int)n;
}

static bool read_entry(const char *text, size_t size, struct habit_entry *out)
{
	size_t at = 0;

	size = typed_trim(text, size);
	if (memchr(text, '\n', size))
		return false;
	while (at < size && isspace((unsigned char)text[at]))
		at++;
	out->word = text + at;
	out->word_size = word_size(text + at, size - at);
	at += (size_t)out->word_size;
	out->format = text + at;
	out->format_size = 0;
	if (at < size && text[at] == '/')
		out->format_size = 1 + word_size(text + at + 1, size - at - 1);
	at += (size_t)out->format_size;
	if (out->word_size == 0 || (at < size && !isspace((unsigned char)text[at])))
		return false;
	while (at < size && isspace((unsigned char)text[at]))
		at++;
	out->arguments = text + at;
	out->arguments_size = (int)(size - at);
	return true;
}

/* Takes the first word of the arguments. */
static void shift(struct habit_entry *e)
{
	int n = word_size(e->arguments, (size_t)e->arguments_size);

	e->arguments += n;
	e->arguments_size -= n;
	while (e->arguments_size && isspace((unsigned char)*e->arguments)) {
		e->arguments++;
		e->arguments_size--;
	}
}

static bool is_among(const char *words, const char *word, int size)
{
	while (*words) {
		int length = (int)strcspn(words, " ");
		if (length == size && memcmp(words, word, (size_t)size) == 0)
			return true;
		words += length;
		words += strspn(words, " ");
	}
	return false;
}

static const struct habit *find(const struct habit *list, size_t count, const char *word, int size)
{
	for (size_t i = 0; i < count; i++)
		if (is_among(list[i].words, word, size))
			return &list[i];
	return NULL;
}

/* --- whether it is one ------------------------------------------------------------------------------------------------ */

/* Whether what C has against the entry is its first word. */
static bool is_to_blame(const struct habit_entry *e, const json_t *diagnostics)
{
	char quoted[64];
	size_t i;
	json_t *d;

	snprintf(quoted, sizeof(quoted), "'%.*s'", e->word_size, e->word);
	json_array_foreach((json_t *)diagnostics, i, d) {
		const char *message = json_string_value(json_object_get(d, "message"));
		if (message && strstr(message, quoted) && json_integer_value(json_object_get(d, "line")) == 1)
			return true;
	}
	return false;
}

/* A name, a number or a string behind a name: C has the first in declarations only. */
static bool is_no_c(const struct habit_entry *e)
{
	return (e->format_size > 1 && e->arguments_size) ||
	       (e->arguments_size &&
		(isalnum((unsigned char)*e->arguments) || strchr("_$\"", *e->arguments)));
}

/* Whether it goes on as no more than C would: `n + 1`, `p = 3`. */
static bool goes_on_as_c(const struct habit_entry *e)
{
	const char *a = e->arguments;
	bool infix = e->arguments_size && !isalnum((unsigned char)*a) && !strchr("_$\"'(", *a);

	return infix && (!strchr("*&-!~", *a) || e->arguments_size == 1 || isspace((unsigned char)a[1]) ||
			 a[1] == '=');
}

/* --- the answer --------------------------------------------------------------------------------------------------------- */

static void fill(struct text *out, const char *says, const struct habit_entry *e, pid_t program)
{
	while (*says) {
		size_t plain = strcspn(says, "{");
		text_append(out, says, plain);
		says += plain;
		if (!*says)
			return;
		int length = (int)strcspn(says, "}");
		if (says[1] == 'f')
			text_append(out, e->format, (size_t)e->format_size);
		else if (says[1] == 'p')
			text_printf(out, "%d", (int)program);
		else if (e->arguments_size)
			text_append(out, e->arguments, (size_t)e->arguments_size);
		else
			text_printf(out, "%.*s", length - 3, says + 3);
		says += length + 1;
	}
}

/* `set var PLACE = VALUE`, `set print elements 10`. */
static void say_of_set(struct text *out, struct habit_entry e)
{
	static const char options[] = "\\print takes -elements N, -repeats N, -depth N and -pretty";
	int n = word_size(e.arguments, (size_t)e.arguments_size);

	if (is_among("var variable", e.arguments, n))
		shift(&e);
	else if (!memchr(e.arguments, '=', (size_t)e.arguments_size)) {
		text_puts(out, is_among("print p", e.arguments, n) ? options
								   : "\\help lists what can be set here");
		return;
	}
	fill(out, "an assignment is typed as in C: {a:PLACE = VALUE}", &e, 0);
}

/* `$name = VALUE`. */
static void say_of_convenience(struct text *out, const char *text, size_t size)
{
	const char *equals = memchr(text, '=', size);
	int n = word_size(text + 1, size - 1);

	text_printf(out, "a variable of this console is declared as in C: __auto_type %.*s = ", n, text + 1);
	if (equals)
		equals += 1 + strspn(equals + 1, " \t");
	if (equals && equals < text + size)
		text_printf(out, "%.*s; then %.*s", (int)(typed_trim(text, size) - (size_t)(equals - text)),
			    equals, n, text + 1);
	else
		text_puts(out, "VALUE");
}

char *habits_answer(const char *entry, size_t size, const json_t *diagnostics, pid_t program, bool *alone)
{
	struct habit_entry e;
	struct text out = {0};
	size_t skip = 0;

	while (skip < size && isspace((unsigned char)entry[skip]))
		skip++;
	*alone = false;
	if (skip + 1 < size && entry[skip] == '$' && isalpha((unsigned char)entry[skip + 1])) {
		*alone = true;
		say_of_convenience(&out, entry + skip, size - skip);
		return text_take(&out);
	}
	if (!read_entry(entry, size, &e))
		return NULL;
	*alone = is_to_blame(&e, diagnostics);
	if ((!*alone && !is_no_c(&e)) || goes_on_as_c(&e))
		return NULL;
	const struct habit *habit = find(habits, HABITS, e.word, e.word_size);
	if (is_among("info i", e.word, e.word_size)) {
		habit = find(about, ABOUT, e.arguments, word_size(e.arguments, (size_t)e.arguments_size));
		shift(&e);
		fill(&out, habit ? habit->says : GDB, &e, program);
	} else if (is_among("set", e.word, e.word_size)) {
		say_of_set(&out, e);
	} else if (habit) {
		fill(&out, habit->says, &e, program);
	} else {
		return NULL;
	}
	return text_take(&out);
}
