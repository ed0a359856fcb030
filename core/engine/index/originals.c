#include "originals.h"
#include "name_table.h"
#include "uses.h"

#include <stdlib.h>
#include <string.h>

/* A definition of the file as it was first indexed. */
struct original {
	struct named named;
	uint64_t hash;
	bool changed;
	bool read; /* a variable whose value some text may learn */
};

struct originals {
	struct name_table table;
	bool failed;
};

static struct original *next(const struct originals *o, const struct original *item)
{
	return name_table_next(&o->table, item);
}

/* Tags and macros have no copy in the program, and what names them has them in its own text. */
static bool has_a_copy(const char *kind)
{
	return *kind == '\0' || *kind == 'b';
}

static void remember(void *context, const char *kind, const char *name, size_t length, uint64_t hash)
{
	struct originals *o = context;

	struct original *item = has_a_copy(kind) ? name_table_put(&o->table, name, length) : NULL;

	if (item)
		item->hash += hash; /* of all its declarations, in any order */
	else
		o->failed |= has_a_copy(kind);
}

struct originals *originals_new(struct index *first, bool optimized)
{
	struct originals *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->table = (struct name_table){.item_size = sizeof(struct original), .copies = true};
	index_each_identity(first, remember, o);
	if (o->failed) {
		originals_free(o);
		return NULL;
	}
	for (struct original *item = NULL; (item = next(o, item));)
		item->read = !optimized || uses_read(first, item->named.name);
	return o;
}

void originals_free(struct originals *o)
{
	if (!o)
		return;
	name_table_fini(&o->table);
	free(o);
}

bool originals_changed(const struct originals *o, const char *name)
{
	const struct original *item = name_table_find(&o->table, name, strlen(name));

	return item && item->changed;
}

bool originals_read(const struct originals *o, const char *name)
{
	const struct original *item = name_table_find(&o->table, name, strlen(name));

	return !item || item->read;
}

/* --- what is defined otherwise ----------------------------------------------------------------------------------- */

static void take_off(void *context, const char *kind, const char *name, size_t length, uint64_t hash)
{
	struct originals *o = context;
	struct original *item = has_a_copy(kind) ? name_table_find(&o->table, name, length) : NULL;

	if (item)
		item->hash -= hash; /* back to nothing if all are as they were */
}

static bool mark_own(struct originals *o, const struct index *fresh)
{
	uint64_t *hashes = calloc(o->table.count + 1, sizeof(*hashes));
	size_t i = 0;

	if (!hashes)
		return false;
	for (struct original *item = NULL; (item = next(o, item));)
		hashes[i++] = item->hash;
	index_each_identity(fresh, take_off, o);
	i = 0;
	for (struct original *item = NULL; (item = next(o, item));) {
		item->changed = item->hash != 0;
		item->hash = hashes[i++];
	}
	free(hashes);
	return true;
}

/* --- and what names it ------------------------------------------------------------------------------------------- */

struct spreading {
	struct originals *originals;
	const struct index *fresh;
	bool *differs; /* by number of a name of the index: what it means is not what the program has of it */
	originals_entry_fn *has_entry;
	void *context;
};

static bool has_entry(const struct spreading *s, const struct index_name *n)
{
	char name[256];
	size_t length = n->end - n->begin;

	if (!s->has_entry || length >= sizeof(name))
		return false;
	memcpy(name, s->fresh->text + n->begin, length);
	name[length] = '\0';
	return s->has_entry(s->context, name);
}

/* Whether what the name means goes into the code of those who name it, or into a copy of its own that they use. */
static bool is_part_of_others(const struct spreading *s, const struct index_name *n)
{
	const struct index *ix = s->fresh;
	const struct index_declaration *d = &ix->declarations[n->declaration];

	switch (n->kind) {
	case NAME_FUNCTION:
		return d->body && !has_entry(s, n);
	case NAME_VARIABLE:
		return declaration_is_const(ix->text, d->begin, n->begin);
	case NAME_TYPEDEF:
		return !memchr(ix->text + d->begin, '{', d->end - d->begin);
	case NAME_ENUMERATOR:
		return true;
	default:
		return false;
	}
}

/* Functions and constants that others may name, whose text differs. */
static bool mark_first(struct spreading *s)
{
	const struct index *ix = s->fresh;
	bool any = false;

	for (uint32_t i = 0; i < ix->name_count; i++) {
		const struct index_name *n = &ix->names[i];
		const struct original *item =
			name_table_find(&s->originals->table, ix->text + n->begin, n->end - n->begin);
		s->differs[i] = item && item->changed && is_part_of_others(s, n);
		any |= s->differs[i];
	}
	return any;
}

/* Whether the declaration names anything that differs. */
static bool names_any(const struct spreading *s, const struct index_declaration *d)
{
	const struct index *ix = s->fresh;
	struct token_reader r;
	struct token t, before = {0};

	token_reader_within(&r, ix->text, d->begin, d->end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME || token_selects(&r, &before))
			continue;
		uint32_t i = index_find(ix, INDEX_ORDINARY, ix->text + t.begin, t.end - t.begin);
		for (; i != INDEX_NONE; i = ix->names[i].next)
			if (s->differs[i])
				return true;
	}
	return false;
}

/* Whether the declaration has a name that may differ and does not yet. */
static bool may_differ(const struct spreading *s, const struct index_declaration *d)
{
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &s->fresh->names[i];
		if (!s->differs[i] && (n->kind == NAME_FUNCTION || n->kind == NAME_VARIABLE) &&
		    is_part_of_others(s, n))
			return true;
	}
	return false;
}

static void mark_declaration(struct spreading *s, const struct index_declaration *d)
{
	const struct index *ix = s->fresh;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		if (!is_part_of_others(s, n))
			continue;
		s->differs[i] = true;
		struct original *item =
			name_table_find(&s->originals->table, ix->text + n->begin, n->end - n->begin);
		if (item)
			item->changed = true;
	}
}

/* Helpers mostly stand before those who call them: one pass finds nearly all. */
static bool spread_once(struct spreading *s)
{
	bool more = false;

	for (uint32_t i = 0; i < s->fresh->declaration_count; i++) {
		const struct index_declaration *d = &s->fresh->declarations[i];
		if (d->is_typedef || !may_differ(s, d) || !names_any(s, d))
			continue;
		mark_declaration(s, d);
		more = true;
	}
	return more;
}

bool originals_compare(struct originals *o, const struct index *fresh, originals_entry_fn *entry,
		       void *context)
{
	struct spreading s = {o, fresh, calloc(fresh->name_count + 1, sizeof(bool)), entry, context};
	bool compared = s.differs && mark_own(o, fresh);

	if (compared && mark_first(&s))
		while (spread_once(&s))
			;
	free(s.differs);
	return compared;
}
