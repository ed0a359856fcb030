#include "typed.h"
#include "edit.h"
#include "declaration.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const struct token_reader *r, const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (token_is(r, t, *words))
			return true;
	return false;
}

static bool begins_statement(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"for",     "while", "do",      "if",       "switch",
					    "return",  "goto",  "break",   "continue", "asm",
					    "__asm__", "case",  "default", NULL};

	return (t->kind == TOKEN_PUNCTUATOR && strchr("{;", t->first)) ||
	       (t->kind == TOKEN_NAME && is_one_of(r, t, words));
}

bool typed_begins_statement(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	token_next(&r, &t);
	return begins_statement(&r, &t);
}

static bool begins_declaration(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"void",
					    "char",
					    "short",
					    "int",
					    "long",
					    "float",
					    "double",
					    "signed",
					    "unsigned",
					    "_Bool",
					    "_Complex",
					    "struct",
					    "union",
					    "enum",
					    "typedef",
					    "static",
					    "extern",
					    "register",
					    "auto",
					    "const",
					    "volatile",
					    "inline",
					    "_Noreturn",
					    "_Thread_local",
					    "__thread",
					    "__typeof__",
					    "typeof",
					    "__typeof",
					    "__attribute__",
					    "_Alignas",
					    "_Atomic",
					    "__int128",
					    "__auto_type",
					    "__inline",
					    "__inline__",
					    "__extension__",
					    "__signed__",
					    "__const",
					    "_Float128",
					    "__float128",
					    NULL};

	return t->kind == TOKEN_NAME && is_one_of(r, t, words);
}

bool typed_begins_declaration(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	token_next(&r, &t);
	return begins_declaration(&r, &t) || (t.kind == TOKEN_NAME && token_is(&r, &t, "REALTIMEFUNC"));
}

static bool defines_function(const char *text, size_t size)
{
	struct edit edit;

	struct error *e = edit_new(text, size, &edit);
	if (e) {
		error_free(e);
		return true; /* the way of definitions says what is wrong */
	}
	bool any = edit.count > 0;
	edit_fini(&edit);
	return any;
}

/* Whether a statement that a keyword begins stands outside all braces, behind declarations perhaps: there is none such in what
 * defines functions. */
static bool has_statement(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;
	bool begins = true;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		bool word = t.kind == TOKEN_NAME && !token_is(&r, &t, "asm") && !token_is(&r, &t, "__asm__");
		if (begins && !depth && word && begins_statement(&r, &t))
			return true;
		token_outside(&t, &depth);
		begins = t.kind == TOKEN_DIRECTIVE || (t.kind == TOKEN_PUNCTUATOR && strchr(";}", t.first));
	}
	return false;
}

/* `RB_FOREACH(w, windows, &windows) w->flags = 0;`: no type begins with brackets. */
static bool begins_call(const char *text, uint32_t begin, uint32_t end,
			bool (*is_type)(void *, const char *, uint32_t), void *context)
{
	struct token_reader r;
	struct token name, open;

	token_reader_within(&r, text, begin, end, false);
	token_next(&r, &name);
	token_next(&r, &open);
	return name.kind == TOKEN_NAME && open.first == '(' && !begins_declaration(&r, &name) &&
	       !(is_type && is_type(context, text + name.begin, name.end - name.begin));
}

/* Whether declarations are all that the text holds. */
static bool declares_only(const char *text, size_t size, bool (*is_type)(void *, const char *, uint32_t),
			  void *context)
{
	struct declaration_reader r;
	struct declaration d = {0};
	bool only = true, any = false;

	declaration_reader_init(&r, text, (uint32_t)size);
	r.is_type = is_type;
	r.context = context;
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && only; declaration_next(&r, &d)) {
		bool stray = d.kind == DECLARATION_OTHER && d.end - d.begin == 1 && text[d.begin] == ';';
		/* Without a type it is an expression, such as `a->b++, (c) = 0`. */
		only = (d.kind == DECLARATION_NAMES && d.specifiers > d.begin &&
			!begins_call(text, d.begin, d.end, is_type, context)) ||
		       stray;
		any |= !stray;
	}
	declaration_fini(&d);
	return only && any;
}

size_t typed_trim(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;
	size_t end = 0;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (!(t.kind == TOKEN_PUNCTUATOR && t.first == ';'))
			end = t.end;
	return end;
}

char *typed_finish(const char *text, size_t size)
{
	struct token_reader r;
	struct token t, last = {0};
	char *whole = malloc(size + 2);

	if (!whole)
		return NULL;
	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		last = t;
	memcpy(whole, text, size);
	whole[size] = whole[size + 1] = '\0';
	if (last.kind == TOKEN_PUNCTUATOR && last.first == ';')
		return whole;
	/* Before a comment that may end the text. */
	memmove(whole + last.end + 1, whole + last.end, size - last.end);
	whole[last.end] = ';';
	return whole;
}

/* A semicolon outside all brackets. */
static bool has_semicolon(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (token_outside(&t, &depth) && t.kind == TOKEN_PUNCTUATOR && t.first == ';')
			return true;
	return false;
}

enum typed_kind typed_classify(const char *text, size_t size, bool (*is_type)(void *, const char *, uint32_t),
			       void *context)
{
	struct token_reader r;
	struct token first, second;

	token_reader_init(&r, text, (uint32_t)size);
	token_next(&r, &first);
	bool directive = first.kind == TOKEN_DIRECTIVE;
	while (first.kind == TOKEN_DIRECTIVE)
		token_next(&r, &first);
	token_next(&r, &second);
	bool statement = begins_statement(&r, &first) || has_statement(text, size);
	if (first.kind == TOKEN_NAME && !statement && defines_function(text, size))
		return TYPED_DEFINITION;
	if (directive)
		return TYPED_DIRECTIVE;
	if (first.kind == TOKEN_END)
		return TYPED_EMPTY;
	if (statement)
		return TYPED_STATEMENT;
	bool named = first.kind == TOKEN_NAME && second.kind == TOKEN_NAME; /* an unknown type, perhaps */
	bool type = first.kind == TOKEN_NAME && is_type &&
		    is_type(context, text + first.begin, first.end - first.begin);
	bool operator= token_is(&r, &first, "sizeof") || token_is(&r, &first, "_Alignof") ||
		token_is(&r, &first, "__alignof__");
	if (begins_declaration(&r, &first) || type || (named && !operator)) {
		/* The last one may do without its `;`. */
		char *whole = typed_finish(text, size);
		bool only = whole && declares_only(whole, strlen(whole), is_type, context);
		free(whole);
		return only ? TYPED_DECLARATION : TYPED_STATEMENT;
	}
	return has_semicolon(text, typed_trim(text, size)) ? TYPED_STATEMENT : TYPED_EXPRESSION;
}

bool typed_array(const char *text, size_t size, size_t *at)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (token_outside(&t, &depth) && t.kind == TOKEN_PUNCTUATOR && t.first == '@' &&
		    t.begin > 0) {
			*at = t.begin;
			return true;
		}
	return false;
}
