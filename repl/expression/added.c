#include "added.h"
#include "context.h"
#include "declarator.h"
#include "texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct live_variable *added_find(const struct live *l, const char *file, const char *function,
				       const char *name, size_t length)
{
	const struct live_variable *v, *best = NULL;

	for (size_t i = 0; (v = live_variable(l, i)); i++) {
		const struct target_function *at = &v->owner->at;
		if (!at->unit || strlen(v->name) != length || memcmp(v->name, name, length) != 0 ||
		    v->file_scope != !function || (function && strcmp(at->name, function) != 0) ||
		    (file && !context_is_file(at->unit->file, file)))
			continue;
		if (!best || v->nth < best->nth)
			best = v;
	}
	return best;
}

bool added_is_thread_local(const struct live *l, const struct live_variable *v)
{
	return thread_room_has(program_thread_room(live_program(l)), v->address);
}

/* --- what a text declares -------------------------------------------------------------------------------------------- */

static bool is_name(const char *text, const struct declaration_name *n, const char *name)
{
	return n->kind == NAME_VARIABLE && strlen(name) == n->end - n->begin &&
	       memcmp(text + n->begin, name, n->end - n->begin) == 0;
}

/* An array without a bound has the one that its initialiser gave it. */
static char *spell(const char *text, const struct declaration *d, const struct declaration_name *n,
		   uint64_t size, const char *spelled, const char *symbol)
{
	char *bounded = NULL, *open_name = NULL, *open = NULL, *whole = NULL, *out = NULL;

	if (n->bound) {
		if (asprintf(&open_name, "%s$open", spelled) < 0 ||
		    asprintf(&bounded, "%s[%llu / sizeof(%s$open[0])]", spelled, (unsigned long long)size,
			     spelled) < 0)
			goto end;
		struct declaration_name bare = *n;
		open = declarator_spell(text, d, n, open_name);
		bare.end = n->bound + 1; /* behind its `[]` */
		whole = declarator_spell(text, d, &bare, bounded);
		if (open && whole &&
		    asprintf(&out, "extern %s; extern %s __asm__(\"%s\");", open, whole, symbol) < 0)
			out = NULL;
	} else {
		whole = declarator_spell(text, d, n, spelled);
		if (whole && asprintf(&out, "extern %s __asm__(\"%s\");", whole, symbol) < 0)
			out = NULL;
	}
end:
	free(bounded);
	free(open_name);
	free(open);
	free(whole);
	return out;
}

struct search {
	const struct live_variable *variable;
	const char *spelled, *symbol;
	char *found;
};

static bool take(struct search *s, const char *text, const struct declaration *d)
{
	for (size_t i = 0; d->kind == DECLARATION_NAMES && !d->is_typedef && i < d->name_count; i++) {
		if (!is_name(text, &d->names[i], s->variable->name))
			continue;
		s->found = spell(text, d, &d->names[i], s->variable->size, s->spelled, s->symbol);
		return true;
	}
	return false;
}

/* What a `static` in a function declares. */
static void read_statics(struct search *s, const char *text, const struct declaration *function)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, function->body, function->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END && !s->found; token_next(&r, &t)) {
		struct declaration_reader inside;
		struct declaration d = {0};
		if (!token_is(&r, &t, "static"))
			continue;
		declaration_reader_init(&inside, text, function->end);
		inside.tokens.at = t.begin;
		inside.tokens.line_start = false;
		declaration_next(&inside, &d);
		take(s, text, &d);
		declaration_fini(&d);
	}
}

static bool defines(const char *text, const struct declaration *d, const char *function)
{
	const struct declaration_name *n = d->name_count ? &d->names[d->name_count - 1] : NULL;

	return d->kind == DECLARATION_FUNCTION && n && strlen(function) == n->end - n->begin &&
	       memcmp(text + n->begin, function, n->end - n->begin) == 0;
}

static void read_text(struct search *s, const char *text)
{
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, text, (uint32_t)strlen(text));
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && !s->found; declaration_next(&r, &d)) {
		if (s->variable->file_scope)
			take(s, text, &d);
		else if (defines(text, &d, s->variable->owner->at.name))
			read_statics(s, text, &d);
	}
	declaration_fini(&d);
}

struct error *added_declare(struct live *l, const struct live_variable *v, const char *spelled,
			    const char *symbol, char **out)
{
	struct live_function *f = (struct live_function *)v->owner;
	struct search s = {.variable = v, .spelled = spelled, .symbol = symbol};

	/* The live version's text, then the others', the newest first. */
	for (int number = f->newest + 1; number > 0 && !s.found; number--) {
		char *text = NULL;
		unsigned line;
		struct error *e = texts_of_version(l, f, number > f->newest ? f->live : number, &text, &line);
		if (!e)
			read_text(&s, text);
		error_free(e);
		free(text);
	}
	if (!s.found)
		return error_new(ERROR_UNKNOWN, "%s was added by a version of %s whose text is not kept",
				 v->name, f->name);
	*out = s.found;
	return NULL;
}
