#include "around.h"
#include "extent.h"
#include "initialiser.h"
#include "sources.h"
#include "stale.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file's functions among those that are defined anew. */
struct view {
	const struct around *around;
	const struct index *ix;
	struct stale stale;
	struct check_result *result;
	struct error *error;
};

static bool is_new(void *context, const char *name, size_t length)
{
	const struct view *v = context;

	for (size_t i = 0; i < v->around->count; i++) {
		const struct target_function *f = &v->around->functions[i]->at;
		if (f->unit == v->stale.unit && strlen(f->name) == length &&
		    memcmp(f->name, name, length) == 0)
			return true;
	}
	return false;
}

static void tell(struct view *v, const char *name, size_t length, const struct text *users)
{
	const char *text = v->around->text;
	char *message;

	if (!users->size || v->error)
		return;
	if (asprintf(&message, "%.*s is this text's own: elsewhere it stays what it was: %s", (int)length,
		     name, users->bytes) < 0)
		message = NULL;
	v->error =
		check_warn(v->result, v->around->file, 1, text, strlen(text), (size_t)(name - text), message);
}

/* --- functions and constants ---------------------------------------------------------------------------------------- */

static void add_function(struct view *v, const struct declaration *d)
{
	const struct declaration_name *n = &d->names[d->name_count - 1];
	const char *text = v->around->text;
	char name[256];

	if (n->end - n->begin >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(n->end - n->begin), text + n->begin);
	const struct index_declaration *old = index_find_function(v->ix, name, 0);
	if (old && !initialiser_same(v->ix->text, old->body, old->end, text, d->body, d->end))
		stale_add(&v->stale, text + n->begin, n->end - n->begin);
}

static void add_constants(struct view *v, const struct declaration *d)
{
	const char *text = v->around->text;

	for (size_t i = 0; i < d->name_count; i++) {
		const struct declaration_name *n = &d->names[i];
		uint32_t next = i + 1 < d->name_count ? d->names[i + 1].begin : d->end, begin, end;
		if (n->kind != NAME_VARIABLE || !declaration_is_const(text, d->begin, n->begin) ||
		    !index_find_initialiser(v->ix, text + n->begin, n->end - n->begin, &begin, &end))
			continue;
		for (size_t k = 0; k < d->cut_count; k++)
			if (d->cuts[k].begin >= n->end && d->cuts[k].begin < next &&
			    !initialiser_same(v->ix->text, begin, end, text, d->cuts[k].begin,
					      d->cuts[k].end))
				stale_add(&v->stale, text + n->begin, n->end - n->begin);
	}
}

static void add_declarations(struct view *v)
{
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, v->around->text, (uint32_t)strlen(v->around->text));
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d)) {
		if (d.kind == DECLARATION_FUNCTION && d.name_count)
			add_function(v, &d);
		else if (d.kind == DECLARATION_NAMES && !d.is_typedef && !d.is_extern)
			add_constants(v, &d);
	}
	declaration_fini(&d);
}

/* --- macros ---------------------------------------------------------------------------------------------------------- */

static bool names_it(const struct index *ix, uint32_t begin, uint32_t end, const char *name, size_t length)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, ix->source, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && t.end - t.begin == length &&
		    memcmp(ix->source + t.begin, name, length) == 0)
			return true;
	return false;
}

/* The preprocessed text has no macros any more: they are looked for in the file's own. */
static void note_macro(struct view *v, const char *name, size_t length)
{
	struct stale_name macro = {.text = name, .length = length};
	uint32_t begin, end, line;

	for (uint32_t i = 0; v->ix->source && i < v->ix->declaration_count; i++) {
		const struct index_declaration *d = &v->ix->declarations[i];
		if (d->kind != DECLARATION_FUNCTION || d->name_begin == d->name_end)
			continue;
		const struct index_name *n = &v->ix->names[d->name_end - 1];
		const char *user = v->ix->text + n->begin;
		if (!is_new(v, user, n->end - n->begin) && extent_find(v->ix, d, &begin, &end, &line) &&
		    names_it(v->ix, begin, end, name, length))
			stale_tell_user(&macro, v->ix, user, n->end - n->begin);
	}
	tell(v, name, length, &macro.users);
	text_fini(&macro.users);
}

/* A `#define` or `#undef` of what the file defines otherwise. */
static void read_directive(struct view *v, const struct token *directive)
{
	const char *text = v->around->text;
	struct token_reader r;
	struct token word, name;

	token_read_directive(&r, text, directive, &word);
	bool undefines = token_is(&r, &word, "undef");
	if (!undefines && !token_is(&r, &word, "define"))
		return;
	token_next(&r, &name);
	const struct index_macro *m =
		index_find_macro(v->ix, text + name.begin, name.end - name.begin, v->ix->size);
	if (!m || m->undefined ||
	    (!undefines &&
	     initialiser_same(v->ix->text, m->name_end, m->end, text, name.end, directive->end)))
		return;
	note_macro(v, text + name.begin, name.end - name.begin);
}

static void note_macros(struct view *v)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, v->around->text, (uint32_t)strlen(v->around->text));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_DIRECTIVE)
			read_directive(v, &t);
}

/* --- every file ------------------------------------------------------------------------------------------------------- */

static struct error *note_unit(const struct around *a, const struct target_unit *unit,
			       struct check_result *result)
{
	struct view v = {.around = a, .result = result};
	struct source *source;

	struct error *e = sources_find(live_host(a->live)->sources, unit, &source);
	if (e)
		return e;
	v.ix = source->index;
	v.stale = (struct stale){.target = live_target(a->live),
				 .unit = unit,
				 .before = v.ix,
				 .now = v.ix,
				 .is_new = is_new,
				 .context = &v};
	add_declarations(&v);
	e = v.stale.count ? stale_find(&v.stale) : NULL;
	for (size_t i = 0; i < v.stale.count && !e; i++)
		tell(&v, v.stale.names[i].text, v.stale.names[i].length, &v.stale.names[i].users);
	if (!e)
		note_macros(&v);
	stale_fini(&v.stale);
	return e ? e : v.error;
}

struct error *around_note(const struct around *a, struct check_result *result)
{
	struct error *e = NULL;

	for (size_t i = 0; i < a->count && !e; i++) {
		const struct target_unit *unit = a->functions[i]->at.unit;
		bool again = !unit;
		for (size_t k = 0; k < i; k++)
			again |= a->functions[k]->at.unit == unit;
		if (!again)
			e = note_unit(a, unit, result);
	}
	return e;
}
