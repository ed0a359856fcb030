#include "locals.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const struct token_reader *r, const struct token *t, const char *const *words)
{
	while (*words)
		if (token_is(r, t, *words++))
			return true;
	return false;
}

static bool is_punctuator(const struct token *t, const char *these)
{
	return t->kind == TOKEN_PUNCTUATOR && t->end - t->begin == 1 && t->first && strchr(these, t->first);
}

bool locals_is_type(const struct index *ix, const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {
		"void",       "char",         "short",    "int",      "long",     "float",
		"double",     "signed",       "unsigned", "_Bool",    "const",    "volatile",
		"__signed__", "__volatile__", "__const",  "__int128", "_Complex", "__builtin_va_list",
		NULL};

	if (t->kind != TOKEN_NAME)
		return false;
	if (is_one_of(r, t, words))
		return true;
	return index_find_kind(ix, r->text + t->begin, t->end - t->begin, NAME_TYPEDEF) != NULL;
}

/* Words that nothing but a declaration begins with. */
static bool begins_declaration(const struct locals *l, const struct token_reader *r, const struct token *t,
			       const struct token *next)
{
	static const char *const words[] = {"static",      "register",      "auto",       "extern",
					    "struct",      "union",         "enum",       "__thread",
					    "_Alignas",    "__extension__", "__typeof__", "typeof",
					    "__auto_type", "_Thread_local", "_Atomic",    NULL};

	if (t->kind != TOKEN_NAME)
		return false;
	return is_one_of(r, t, words) ||
	       (locals_is_type(l->ix, r, t) && (next->kind == TOKEN_NAME || is_punctuator(next, "*")));
}

static void add(struct locals *l, const struct token *name, unsigned depth)
{
	if (l->count == l->room) {
		size_t more = l->room ? l->room * 2 : 32;
		struct local_name *bigger = realloc(l->names, more * sizeof(*bigger));
		if (!bigger)
			return;
		l->names = bigger;
		l->room = more;
	}
	l->names[l->count++] = (struct local_name){name->begin, name->end - name->begin, depth};
}

/* The parameters of the function whose body begins at `body`: names with a type before them. */
static void add_parameters(struct locals *l, uint32_t body)
{
	const struct index *ix = l->ix;

	while (l->declaration < ix->declaration_count && ix->declarations[l->declaration].end <= body)
		l->declaration++;
	if (l->declaration == ix->declaration_count)
		return;
	const struct index_declaration *d = &ix->declarations[l->declaration];
	if (d->kind != DECLARATION_FUNCTION || d->body != body || d->old_style)
		return;
	struct token_reader r;
	struct token before, t, next;
	unsigned depth = 0;
	token_reader_within(&r, ix->text, ix->names[d->name_end - 1].end, body, true);
	token_next(&r, &before);
	depth = is_punctuator(&before, "(");
	token_next(&r, &t);
	for (; depth && t.kind != TOKEN_END; before = t, t = next) {
		token_next(&r, &next);
		depth += is_punctuator(&t, "(");
		depth -= is_punctuator(&t, ")");
		if (depth == 1 && t.kind == TOKEN_NAME && is_punctuator(&next, ",)[") &&
		    (before.kind == TOKEN_NAME || is_punctuator(&before, "*")) && !locals_is_type(ix, &r, &t))
			add(l, &t, 1);
	}
}

static void leave_block(struct locals *l)
{
	while (l->count && l->names[l->count - 1].depth >= l->braces)
		l->count--;
	l->braces -= l->braces != 0;
}

static void enter_block(struct locals *l, const struct token *brace)
{
	if (++l->braces < LOCALS_DEEP)
		l->blocks[l->braces] = (struct locals_block){false};
	if (l->braces == 1) {
		l->count = 0;
		add_parameters(l, brace->begin);
	}
}

/* A name in a declaration that is one of those that it declares: behind a type, a star or a comma, and before what may
 * follow a declarator. */
static bool is_declared(const struct token *before, const struct token *next)
{
	return (before->kind == TOKEN_NAME || is_punctuator(before, "*,})")) && is_punctuator(next, "=,;[");
}

static void follow_declaration(struct locals *l, const struct token_reader *r, const struct token *before,
			       const struct token *t, const struct token *next, bool begins)
{
	struct locals_block *b = &l->blocks[l->braces];

	if (is_punctuator(t, ";")) {
		*b = (struct locals_block){false};
		return;
	}
	if (begins && !b->declares) {
		b->declares = begins_declaration(l, r, t, next);
		b->is_extern = token_is(r, t, "extern");
		return;
	}
	if (!b->declares)
		return;
	if (is_punctuator(t, "="))
		b->initialises = true;
	else if (is_punctuator(t, ","))
		b->initialises = false;
	else if (t->kind == TOKEN_NAME && !b->initialises && !b->is_extern && is_declared(before, next) &&
		 !locals_is_type(l->ix, r, t))
		add(l, t, l->braces);
}

void locals_follow(struct locals *l, const struct token_reader *r, const struct token *before,
		   const struct token *t, const struct token *next, bool begins)
{
	if (is_punctuator(t, "(["))
		l->brackets++;
	else if (is_punctuator(t, ")]"))
		l->brackets -= l->brackets != 0;
	else if (is_punctuator(t, "{"))
		enter_block(l, t);
	else if (is_punctuator(t, "}"))
		leave_block(l);
	/* A statement expression's own are within brackets: left to the file. */
	else if (l->braces && l->braces < LOCALS_DEEP && !l->brackets)
		follow_declaration(l, r, before, t, next, begins);
}

bool locals_have(const struct locals *l, const struct token *name)
{
	size_t length = name->end - name->begin;

	for (size_t i = l->count; i-- > 0;)
		if (l->names[i].length == length &&
		    memcmp(l->ix->text + l->names[i].begin, l->ix->text + name->begin, length) == 0)
			return true;
	return false;
}

void locals_fini(struct locals *l)
{
	free(l->names);
	*l = (struct locals){0};
}
