#include "difference.h"
#include "name_table.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = 4 }; /* the bits of enum difference_kind */

/* A spelling, in whatever name space: what stands under it matters. */
struct name {
	struct named named;   /* in one of the indexes */
	bool reached;         /* it names something that differs */
	bool opaque;          /* what differs is its body, which is nobody else's matter */
	uint64_t sums[KINDS]; /* hashes of its declarations by kind, old ones added, new ones taken off */
};

struct difference {
	const struct index *fresh;
	struct name_table names;
	uint64_t nameless;
	bool empty;
	bool failed;
};

static struct name *next(const struct difference *d, const struct name *name)
{
	return name_table_next(&d->names, name);
}

static const struct name *find(const struct difference *d, const char *text, size_t length)
{
	return name_table_find(&d->names, text, length);
}

static struct name *add(struct difference *d, const char *text, size_t length)
{
	struct name *name = name_table_put(&d->names, text, length);

	d->failed |= !name;
	return name;
}

static bool counts(const struct index_name *name)
{
	return name->kind != NAME_MEMBER && name->kind != NAME_TAG_FORWARD;
}

static uint64_t hash_tokens(const struct index *ix, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;
	uint64_t hash = TEXT_HASH_SEED;

	token_reader_within(&r, ix->text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			continue;
		hash = text_hash(hash, ix->text + t.begin, t.end - t.begin);
		hash = text_hash(hash, " ", 1);
	}
	return hash;
}

static void count(struct difference *d, const char *text, size_t length, unsigned kind, uint64_t hash)
{
	struct name *name = add(d, text, length);

	if (name)
		name->sums[kind] += hash;
}

/* `sign` is 1 for the old index, -1 (as unsigned) for the fresh one. A function counts twice: its head and its body. */
static void count_declarations(struct difference *d, const struct index *ix, uint64_t sign)
{
	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *e = &ix->declarations[i];
		bool function = e->kind == DECLARATION_FUNCTION;
		uint64_t head = sign * hash_tokens(ix, e->begin, function ? e->body : e->end);
		if (e->name_begin == e->name_end)
			d->nameless += head;
		for (uint32_t k = e->name_begin; k < e->name_end; k++) {
			const struct index_name *n = &ix->names[k];
			if (counts(n))
				count(d, ix->text + n->begin, n->end - n->begin, n->kind == NAME_TAG ? 2 : 1,
				      head);
		}
		if (function) {
			const struct index_name *n = &ix->names[e->name_end - 1];
			count(d, ix->text + n->begin, n->end - n->begin, 0,
			      sign * hash_tokens(ix, e->body, e->end));
		}
	}
}

static void count_macros(struct difference *d, const struct index *ix, uint64_t sign)
{
	for (uint32_t i = 0; i < ix->macro_count; i++) {
		const struct index_macro *m = &ix->macros[i];
		uint64_t hash = m->undefined ? 1 : hash_tokens(ix, m->name_end, m->end);
		count(d, ix->text + m->name_begin, m->name_end - m->name_begin, 3, sign * hash);
	}
}

struct error *difference_new(const struct index *old, const struct index *fresh, struct difference **out)
{
	struct difference *d = calloc(1, sizeof(*d));

	if (!d)
		return error_memory();
	d->fresh = fresh;
	d->names.item_size = sizeof(struct name);
	count_declarations(d, old, 1);
	count_macros(d, old, 1);
	count_declarations(d, fresh, (uint64_t)-1);
	count_macros(d, fresh, (uint64_t)-1);
	if (d->failed) {
		difference_free(d);
		return error_memory();
	}
	*out = d;
	return NULL;
}

void difference_free(struct difference *d)
{
	if (!d)
		return;
	name_table_fini(&d->names);
	free(d);
}

static unsigned kinds_of(const struct name *name)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < KINDS; i++)
		kinds |= name->sums[i] ? 1u << i : 0;
	return kinds;
}

static bool differs(const struct name *name)
{
	return name->reached || (kinds_of(name) && !name->opaque);
}

void difference_each(const struct difference *d,
		     void (*each)(void *context, const char *name, size_t length, unsigned kinds),
		     void *context)
{
	for (const struct name *name = NULL; (name = next(d, name));)
		if (kinds_of(name))
			each(context, name->named.name, name->named.length, kinds_of(name));
}

bool difference_is_nameless(const struct difference *d)
{
	return d->nameless != 0;
}

static bool reaches(const struct difference *d, const char *name, size_t length)
{
	const struct name *found = find(d, name, length);

	return found && differs(found);
}

bool difference_has(const struct difference *d, const char *name, size_t length)
{
	const struct name *found = find(d, name, length);

	return found && (found->reached || kinds_of(found));
}

unsigned difference_kinds(const struct difference *d, const char *name, size_t length)
{
	const struct name *found = find(d, name, length);

	return found ? kinds_of(found) : 0;
}

bool difference_touches(const struct difference *d, const char *text, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;

	if (d->empty)
		return false;
	token_reader_within(&r, text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_NAME && reaches(d, text + t.begin, t.end - t.begin))
			return true;
		if (t.kind == TOKEN_DIRECTIVE && difference_touches(d, text, t.begin + 1, t.end))
			return true;
	}
	return false;
}

/* --- spreading --------------------------------------------------------------------------------------------------- */

static bool reach(struct difference *d, const char *text, size_t length)
{
	struct name *name = add(d, text, length);

	if (!name || name->reached)
		return false;
	name->reached = true;
	return true;
}

static bool spread_macros(struct difference *d)
{
	const struct index *ix = d->fresh;
	bool more = false;

	for (uint32_t i = 0; i < ix->macro_count; i++) {
		const struct index_macro *m = &ix->macros[i];
		const char *name = ix->text + m->name_begin;
		size_t length = m->name_end - m->name_begin;
		if (!m->builtin && !reaches(d, name, length) &&
		    difference_touches(d, ix->text, m->body_begin, m->end))
			more |= reach(d, name, length);
	}
	return more;
}

/* Whether every name of the declaration differs already. */
static bool is_done(const struct difference *d, const struct index_declaration *e)
{
	for (uint32_t k = e->name_begin; k < e->name_end; k++) {
		const struct index_name *name = &d->fresh->names[k];
		if (counts(name) && !reaches(d, d->fresh->text + name->begin, name->end - name->begin))
			return false;
	}
	return true;
}

static bool spread_declarations(struct difference *d,
				bool (*is_opaque)(void *context, const char *name, size_t length),
				void *context)
{
	const struct index *ix = d->fresh;
	bool more = false;

	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *e = &ix->declarations[i];
		uint32_t end = e->end;
		if (is_done(d, e))
			continue;
		if (e->kind == DECLARATION_FUNCTION) {
			const struct index_name *name = &ix->names[e->name_end - 1];
			if (is_opaque(context, ix->text + name->begin, name->end - name->begin))
				end = e->body;
		}
		if (!difference_touches(d, ix->text, e->begin, end))
			continue;
		for (uint32_t k = e->name_begin; k < e->name_end; k++)
			if (counts(&ix->names[k]))
				more |= reach(d, ix->text + ix->names[k].begin,
					      ix->names[k].end - ix->names[k].begin);
	}
	return more;
}

/* Whether nothing differs that could reach anything. */
static bool is_empty(struct difference *d, bool (*is_opaque)(void *context, const char *name, size_t length),
		     void *context)
{
	bool empty = true;

	for (struct name *name = NULL; (name = next(d, name));) {
		name->opaque = kinds_of(name) == DIFFERENCE_BODY &&
			       is_opaque(context, name->named.name, name->named.length);
		empty &= !differs(name);
	}
	return empty;
}

struct error *difference_spread(struct difference *d,
				bool (*is_opaque)(void *context, const char *name, size_t length),
				void *context)
{
	d->empty = is_empty(d, is_opaque, context);
	for (bool more = !d->empty; more && !d->failed;) {
		more = spread_macros(d);
		more |= spread_declarations(d, is_opaque, context);
	}
	return d->failed ? error_memory() : NULL;
}
