#include "expose.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static const char used_mark[] = " __attribute__((__used__)) ";
static const char function_mark[] = " __attribute__((__noipa__)) ";

struct mark {
	uint32_t at;
	const char *text;
};

struct expose {
	struct token_reader reader;
	struct token token, previous, earlier;
	unsigned depth, parentheses, brackets; /* { and ( and [ */
	uint32_t begin;                        /* of the declaration at file scope that is being read */
	/* Where its function's name may begin, or what comes before that: a mark in front of `[[…]]`, which a macro may hide,
	 * would be an error. */
	uint32_t name;
	uint32_t name_before; /* of a name right in front of it, or `name`: the function's, if that one is a macro */
	char before_name; /* what the token in front of the last name begins with */
	bool has_parameters, has_initialiser, is_hidden, is_new;
	bool is_old; /* a `{` that begins a declaration: the body of an old-style definition */
	/* The last declaration that may be the head of an old-style definition, whose parameters' declarations follow. */
	uint32_t old_name;
	bool old_is_hidden;
	struct mark *marks;
	size_t count, room;
	bool failed;
};

static void add_mark(struct expose *expose, uint32_t at, const char *text)
{
	if (expose->count == expose->room) {
		size_t room = expose->room ? expose->room * 2 : 16;
		struct mark *bigger = realloc(expose->marks, room * sizeof *bigger);
		if (!bigger) {
			expose->failed = true;
			return;
		}
		expose->marks = bigger;
		expose->room = room;
	}
	expose->marks[expose->count++] = (struct mark){at, text};
}

static bool is_group_word(const struct token_reader *reader, const struct token *token)
{
	static const char *const words[] = {"__attribute__", "__attribute", "__typeof__", "__typeof",
					    "typeof",        "_Alignas",    "__declspec"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (token_is(reader, token, words[i]))
			return true;
	return false;
}

/* Behind a `static` of file scope: whether it declares a variable. `int (*p)(void)` counts as one; so does a
 * function that returns such a pointer, which a mark does not harm. */
static bool declares_variable(struct token_reader reader)
{
	struct token token;
	for (token_next(&reader, &token); token.kind != TOKEN_END; token_next(&reader, &token)) {
		if (is_group_word(&reader, &token)) {
			token_next(&reader, &token);
			if (token.first == '(')
				token_skip_group(&reader, &token);
			continue;
		}
		if (token.kind != TOKEN_PUNCTUATOR)
			continue;
		if (token.first == '{') {
			token_skip_group(&reader, &token);
			continue;
		}
		if (token.first == '(') {
			token_next(&reader, &token);
			return token.first == '*';
		}
		if (strchr(";=[,", token.first))
			return true;
	}
	return false;
}

static void begin_declaration(struct expose *expose)
{
	expose->is_new = true;
	expose->parentheses = 0;
	expose->has_parameters = expose->has_initialiser = expose->is_hidden = expose->is_old = false;
}

/* `int f(a, b) int a;`: a name behind the parameters. */
static void note_old_style(struct expose *expose)
{
	if (expose->depth || !expose->has_parameters || expose->has_initialiser ||
	    expose->previous.first != ')' || is_group_word(&expose->reader, &expose->token))
		return;
	expose->old_name = expose->name;
	expose->old_is_hidden = expose->is_hidden;
}

static void read_name(struct expose *expose)
{
	const struct token_reader *reader = &expose->reader;
	const struct token *token = &expose->token;
	note_old_style(expose);
	expose->before_name = expose->previous.first;
	if (token_is(reader, token, "static")) {
		if (expose->brackets)
			return; /* of a parameter: `int v[static 3]` */
		if (expose->depth || declares_variable(*reader))
			add_mark(expose, token->end, used_mark);
		if (!expose->depth)
			expose->is_hidden = true;
	} else if (!expose->depth &&
		   (token_is(reader, token, "inline") || token_is(reader, token, "__inline") ||
		    token_is(reader, token, "__inline__") || token_is(reader, token, "typedef"))) {
		expose->is_hidden = true;
	}
}

/* Whether the word before `at` begins a tag: `struct order`. */
static bool is_tag(const char *text, uint32_t at)
{
	static const char *const words[] = {"struct", "union", "enum"};

	while (at && strchr(" \t\n", text[at - 1]))
		at--;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t length = strlen(words[i]);
		if (at >= length && memcmp(text + at - length, words[i], length) == 0)
			return true;
	}
	return false;
}

/* Whether a macro with arguments of the name that begins there is defined in front. */
static bool is_macro(const char *text, uint32_t begin)
{
	static const char define[] = "#define ";
	const char *at = text, *name = text + begin;
	size_t length = strcspn(name, "( \t\n");

	while ((at = memmem(at, (size_t)(name - at), define, sizeof define - 1))) {
		at += sizeof define - 1;
		if (at + length < name && memcmp(at, name, length) == 0 && at[length] == '(')
			return true;
	}
	return false;
}

/* `void tell ARGUMENTS(const char *, line)`: the macro makes the parameters and the brackets around them. */
static uint32_t place_of_name(const struct expose *expose)
{
	const char *text = expose->reader.text;

	return expose->name_before != expose->name && is_macro(text, expose->name) &&
			       !is_tag(text, expose->name_before)
		       ? expose->name_before
		       : expose->name;
}

/* `ADVICE(x) char *f(int) CHECKED(1)`: the `(` behind a name makes that the function's, unless a `)` stands before it. */
static void begin_parenthesis(struct expose *expose)
{
	bool named = expose->previous.kind == TOKEN_NAME && !is_group_word(&expose->reader, &expose->previous);

	if (!expose->depth && named) {
		if (!expose->parentheses && !(expose->has_parameters && expose->before_name == ')')) {
			bool follows =
				expose->earlier.kind == TOKEN_NAME && expose->earlier.begin >= expose->begin;
			expose->name = expose->previous.begin;
			expose->name_before = follows ? expose->earlier.begin : expose->name;
		}
		expose->has_parameters = true;
	}
	expose->parentheses++;
}

static void read_punctuator(struct expose *expose)
{
	switch (expose->token.first) {
	case '[':
		expose->brackets++;
		break;
	case ']':
		expose->brackets -= expose->brackets > 0;
		break;
	case '{':
		expose->is_old |= !expose->depth && expose->token.begin == expose->begin;
		if (!expose->depth && expose->is_old && !expose->old_is_hidden)
			add_mark(expose, expose->old_name, function_mark);
		if (!expose->depth++ && expose->has_parameters && !expose->has_initialiser &&
		    !expose->is_hidden && expose->previous.first == ')')
			add_mark(expose, place_of_name(expose), function_mark);
		break;
	case '}':
		expose->depth -= expose->depth > 0;
		if (!expose->depth &&
		    (expose->is_old || (expose->has_parameters && !expose->has_initialiser)))
			begin_declaration(expose); /* a function's end; a type's is followed by more */
		break;
	case '(':
		begin_parenthesis(expose);
		break;
	case ')':
		expose->parentheses -= expose->parentheses > 0;
		break;
	case '=':
		expose->has_initialiser |= !expose->depth;
		break;
	case ';':
		if (!expose->depth)
			begin_declaration(expose);
		break;
	}
}

static void find_marks(struct expose *expose)
{
	begin_declaration(expose);
	for (;;) {
		token_next(&expose->reader, &expose->token);
		if (expose->token.kind == TOKEN_END)
			return;
		if (expose->token.kind == TOKEN_DIRECTIVE)
			continue;
		if (expose->is_new) {
			expose->begin = expose->name = expose->name_before = expose->token.begin;
			expose->is_new = false;
		}
		if (expose->token.kind == TOKEN_NAME)
			read_name(expose);
		else if (expose->token.kind == TOKEN_PUNCTUATOR)
			read_punctuator(expose);
		expose->earlier = expose->previous;
		expose->previous = expose->token;
	}
}

static int compare_marks(const void *left, const void *right)
{
	const struct mark *a = left, *b = right;
	return a->at < b->at ? -1 : a->at > b->at;
}

static char *insert_marks(const struct expose *expose, const char *text, size_t size)
{
	size_t more = 0;
	for (size_t i = 0; i < expose->count; i++)
		more += strlen(expose->marks[i].text);
	char *out = malloc(size + more + 1);
	if (!out)
		return NULL;
	char *to = out;
	size_t from = 0;
	for (size_t i = 0; i < expose->count; i++) {
		to = mempcpy(to, text + from, expose->marks[i].at - from);
		to = stpcpy(to, expose->marks[i].text);
		from = expose->marks[i].at;
	}
	memcpy(to, text + from, size - from + 1);
	return out;
}

char *expose_text(const char *text)
{
	struct expose expose = {.failed = false};
	size_t size = strlen(text);
	token_reader_init(&expose.reader, text, (uint32_t)size);
	find_marks(&expose);
	if (expose.count)
		qsort(expose.marks, expose.count, sizeof *expose.marks, compare_marks);
	char *out = expose.failed ? NULL : insert_marks(&expose, text, size);
	free(expose.marks);
	return out;
}
