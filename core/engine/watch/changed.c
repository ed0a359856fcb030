#include "changed.h"
#include "difference.h"
#include "initialiser.h"
#include "token.h"

#include <string.h>

static bool defines(const struct index *ix, const char *name)
{
	return index_find_function(ix, name, 0) != NULL;
}

/* --- enumeration constants --------------------------------------------------------------------------------------- */

/* Where the value of a constant is written: behind itself, or behind the constant that is `steps` before it. Empty: nowhere,
 * it is its place in the list. */
static void find_value(const struct index *ix, const struct index_name *n, uint32_t *begin, uint32_t *end,
		       uint32_t *steps)
{
	const struct index_declaration *d = &ix->declarations[n->declaration];
	const struct index_name *first = &ix->names[d->name_begin];
	struct token_reader r;
	struct token t;

	*begin = *end = *steps = 0;
	for (const struct index_name *at = n; at >= first && at->kind == NAME_ENUMERATOR; at--, ++*steps) {
		token_reader_within(&r, ix->text, at->end, d->end, true);
		token_next(&r, &t);
		if (!token_is(&r, &t, "="))
			continue;
		*begin = t.end;
		*end = index_declarator_end(ix, t.end, d->end);
		return;
	}
}

static bool has_other_value(const struct index *old, const struct index_name *a, const struct index *fresh,
			    const struct index_name *b)
{
	uint32_t old_begin, old_end, old_steps, begin, end, steps;

	find_value(old, a, &old_begin, &old_end, &old_steps);
	find_value(fresh, b, &begin, &end, &steps);
	return old_steps != steps ||
	       !initialiser_same(old->text, old_begin, old_end, fresh->text, begin, end);
}

/* --- what has changed -------------------------------------------------------------------------------------------- */

static void add_stale(struct changed *c, const char *name, size_t length, bool function, bool has_code)
{
	size_t number = c->stale.count;

	if (!c->stale.target) {
		c->stale.target = live_target(c->live);
		c->stale.unit = c->source->unit;
		c->stale.before = c->source->index;
		c->stale.now = c->fresh;
		c->stale.is_new = decorators_have;
		c->stale.context = c->entries;
	}
	if (!stale_add(&c->stale, name, length)) {
		c->more++;
		return;
	}
	c->function[number] = function;
	c->has_code[number] = has_code;
}

/* Constants of the file, and what its compiler took for constant, are the new text's in new code; any other variable is the
 * running one. */
static void add_variable(struct changed *c, const char *name, const struct index_name *n)
{
	const char *spelled = c->fresh->text + n->begin;
	size_t length = n->end - n->begin;
	const struct build_host *host = live_host(c->live);
	const struct target_unit *unit = c->source->unit;
	const struct index_declaration *d = &c->fresh->declarations[n->declaration];
	struct target_symbol symbol;
	uint64_t address, size;

	if (declaration_is_const(c->fresh->text, d->begin, n->begin))
		add_stale(c, spelled, length, false, false);
	else if (target_find(live_target(c->live), unit, name, &symbol) && !symbol.function)
		text_printf(
			&c->kept,
			"%s keeps the value it has: how it is initialised counts when the program is built\n",
			name);
	else if (host->versions.variable(host->versions.context, unit, NULL, name, 0, &address, &size))
		text_printf(&c->kept,
			    "%s keeps the value it has: a version before this one has initialised it\n",
			    name);
	else if (target_has_lost(live_target(c->live), unit, name)) {
		text_printf(&c->kept,
			    "%s begins with what the file says now: the compiler took it for a constant, and "
			    "the program has none\n",
			    name);
		add_stale(c, spelled, length, false, false);
	}
}

static bool is_initialised_otherwise(const struct changed *c, const char *name, size_t length)
{
	const struct index *old = c->source->index, *fresh = c->fresh;
	uint32_t old_begin, old_end, begin, end;

	return index_find_initialiser(old, name, length, &old_begin, &old_end) &&
	       index_find_initialiser(fresh, name, length, &begin, &end) &&
	       !initialiser_same(old->text, old_begin, old_end, fresh->text, begin, end);
}

void changed_add(void *context, const char *name, size_t length, unsigned kinds)
{
	struct changed *c = context;
	const struct index *old = c->source->index, *fresh = c->fresh;
	const struct index_name *before, *now;
	struct target_symbol symbol;
	char text[256];

	if (kinds == DIFFERENCE_MACRO || decorators_have(c->entries, name, length))
		return;
	c->any = true;
	if (length >= sizeof(text))
		return;
	memcpy(text, name, length);
	text[length] = '\0';
	if (kinds & DIFFERENCE_BODY && defines(old, text) && defines(fresh, text)) {
		bool has_code =
			target_find(live_target(c->live), c->source->unit, text, &symbol) && symbol.function;
		add_stale(c, name, length, true, has_code);
	} else if ((now = index_find_kind(fresh, name, length, NAME_VARIABLE))) {
		if (is_initialised_otherwise(c, name, length))
			add_variable(c, text, now);
	} else if ((now = index_find_kind(fresh, name, length, NAME_ENUMERATOR)) &&
		   (before = index_find_kind(old, name, length, NAME_ENUMERATOR)) &&
		   has_other_value(old, before, fresh, now)) {
		add_stale(c, name, length, false, false);
	}
}

/* --- what is said ------------------------------------------------------------------------------------------------- */

/* A function that was in another file when the program was built has its entry from there, and is called through it. */
static bool has_entry_elsewhere(const struct changed *c, const struct stale_name *name)
{
	const struct build_host *host = live_host(c->live);
	char text[256];
	uint64_t entry;

	if (name->length >= sizeof(text))
		return false;
	memcpy(text, name->text, name->length);
	text[name->length] = '\0';
	return host->versions.entry(host->versions.context, c->source->unit, text, &entry);
}

static void note(const struct changed *c, size_t number, struct text *notes)
{
	const struct stale_name *name = &c->stale.names[number];
	const char *users = name->users.bytes;
	int length = (int)name->length;

	if (!users && !c->has_code[number] && !(c->function[number] && has_entry_elsewhere(c, name)))
		return; /* all that uses it is new */
	if (c->function[number] && has_entry_elsewhere(c, name))
		text_printf(notes, "%.*s is in %s now: that counts when the program is built again\n", length,
			    name->text, text_base_name(c->source->unit->file));
	else if (c->function[number])
		text_printf(notes,
			    "%.*s is not decorated: its new text runs where a decorated function calls it, "
			    "elsewhere what was built%s%s\n",
			    length, name->text, users ? ": " : "", users ? users : "");
	else
		text_printf(notes,
			    "%.*s has changed for decorated functions alone, elsewhere it stays what it "
			    "was: %s\n",
			    length, name->text, users);
}

struct error *changed_note(struct changed *c, struct text *notes)
{
	struct error *e = c->stale.count ? stale_find(&c->stale) : NULL;
	if (e)
		return e;
	text_puts(notes, c->kept.bytes ? c->kept.bytes : "");
	for (size_t i = 0; i < c->stale.count; i++)
		note(c, i, notes);
	if (c->more)
		text_printf(notes,
			    "%zu more names have changed in %s: what uses them and is not decorated stays as "
			    "it was\n",
			    c->more, text_base_name(c->source->unit->file));
	return NULL;
}

void changed_fini(struct changed *c)
{
	stale_fini(&c->stale);
	text_fini(&c->kept);
}
