#include "index.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* --- chains of names, by spelling ------------------------------------------------------------------------------ */

static bool table_grow(struct index_table *t, const char *text,
		       uint32_t (*begin_end)(const struct index *, uint32_t, uint32_t *),
		       const struct index *ix)
{
	struct index_table bigger = {.size = t->size ? t->size * 2 : 1024, .used = t->used};

	bigger.slots = malloc(bigger.size * sizeof(uint32_t));
	bigger.lasts = malloc(bigger.size * sizeof(uint32_t));
	if (!bigger.slots || !bigger.lasts) {
		free(bigger.slots);
		free(bigger.lasts);
		return false;
	}
	memset(bigger.slots, 0xff, bigger.size * sizeof(uint32_t));
	for (uint32_t i = 0; i < t->size; i++) {
		if (t->slots[i] == INDEX_NONE)
			continue;
		uint32_t end, begin = begin_end(ix, t->slots[i], &end);
		uint32_t at =
			(uint32_t)text_hash(TEXT_HASH_SEED, text + begin, end - begin) & (bigger.size - 1);
		while (bigger.slots[at] != INDEX_NONE)
			at = (at + 1) & (bigger.size - 1);
		bigger.slots[at] = t->slots[i];
		bigger.lasts[at] = t->lasts[i];
	}
	free(t->slots);
	free(t->lasts);
	*t = bigger;
	return true;
}

static uint32_t name_range(const struct index *ix, uint32_t i, uint32_t *end)
{
	*end = ix->names[i].end;
	return ix->names[i].begin;
}

static uint32_t macro_range(const struct index *ix, uint32_t i, uint32_t *end)
{
	*end = ix->macros[i].name_end;
	return ix->macros[i].name_begin;
}

/* The slot for a spelling: its chain's, or the free one where it would go. */
static uint32_t table_slot(const struct index *ix, const struct index_table *t,
			   uint32_t (*range)(const struct index *, uint32_t, uint32_t *), const char *name,
			   size_t length)
{
	uint32_t at = (uint32_t)text_hash(TEXT_HASH_SEED, name, length) & (t->size - 1);

	for (; t->slots[at] != INDEX_NONE; at = (at + 1) & (t->size - 1)) {
		uint32_t end, begin = range(ix, t->slots[at], &end);
		if (end - begin == length && memcmp(ix->text + begin, name, length) == 0)
			break;
	}
	return at;
}

/* Appends entry `i` to the chain of its spelling: *before is the entry before it, or INDEX_NONE. */
static bool table_append(struct index *ix, struct index_table *t,
			 uint32_t (*range)(const struct index *, uint32_t, uint32_t *), uint32_t i,
			 uint32_t *before)
{
	if (t->used * 2 >= t->size && !table_grow(t, ix->text, range, ix))
		return false;
	uint32_t end, begin = range(ix, i, &end);
	uint32_t at = table_slot(ix, t, range, ix->text + begin, end - begin);
	*before = INDEX_NONE;
	if (t->slots[at] == INDEX_NONE) {
		t->slots[at] = i;
		t->used++;
	} else {
		*before = t->lasts[at];
	}
	t->lasts[at] = i;
	return true;
}

static enum index_space space_of(enum name_kind kind)
{
	if (kind == NAME_TAG || kind == NAME_TAG_FORWARD)
		return INDEX_TAG;
	return kind == NAME_MEMBER ? INDEX_MEMBER : INDEX_ORDINARY;
}

bool index_chain_name(struct index *ix, uint32_t i)
{
	struct index_table *t = &ix->spaces[space_of((enum name_kind)ix->names[i].kind)];
	uint32_t before;

	if (!table_append(ix, t, name_range, i, &before))
		return false;
	if (before != INDEX_NONE)
		ix->names[before].next = i;
	return true;
}

bool index_chain_macro(struct index *ix, uint32_t i)
{
	uint32_t before;

	if (!table_append(ix, &ix->macro_table, macro_range, i, &before))
		return false;
	if (before != INDEX_NONE)
		ix->macros[before].next = i;
	return true;
}

uint32_t index_find(const struct index *ix, enum index_space space, const char *name, size_t length)
{
	const struct index_table *t = &ix->spaces[space];

	return t->size ? t->slots[table_slot(ix, t, name_range, name, length)] : INDEX_NONE;
}

/* --- preprocessor lines ---------------------------------------------------------------------------------------- */

uint32_t index_declarator_end(const struct index *ix, uint32_t name_end, uint32_t limit)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;

	token_reader_within(&r, ix->text, name_end, limit, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (token_outside(&t, &depth) && t.kind == TOKEN_PUNCTUATOR && t.end - t.begin == 1 &&
		    strchr("=,;", t.first))
			return t.begin;
	return limit;
}

bool index_find_initialiser(const struct index *ix, const char *name, size_t length, uint32_t *begin,
			    uint32_t *end)
{
	bool found = false;

	*begin = *end = 0;
	for (uint32_t i = index_find(ix, INDEX_ORDINARY, name, length); i != INDEX_NONE;
	     i = ix->names[i].next) {
		const struct index_name *n = &ix->names[i];
		const struct index_declaration *d = &ix->declarations[n->declaration];
		if (n->kind != NAME_VARIABLE)
			continue;
		found = true;
		uint32_t declarator = index_declarator_end(ix, n->end, d->end);
		for (uint32_t k = d->cut_begin; k < d->cut_end; k++) {
			if (ix->cuts[k].begin != declarator)
				continue;
			*begin = ix->cuts[k].begin;
			*end = ix->cuts[k].end;
		}
	}
	return found;
}

uint32_t index_first_macro(const struct index *ix, const char *name, size_t length)
{
	if (!ix->macro_table.size)
		return INDEX_NONE;
	return ix->macro_table.slots[table_slot(ix, &ix->macro_table, macro_range, name, length)];
}

const struct index_macro *index_find_macro(const struct index *ix, const char *name, size_t length,
					   uint32_t offset)
{
	const struct index_macro *in_force = NULL;

	uint32_t i = index_first_macro(ix, name, length);
	for (; i != INDEX_NONE && ix->macros[i].at <= offset; i = ix->macros[i].next)
		in_force = &ix->macros[i];
	return in_force && !in_force->undefined ? in_force : NULL;
}

/* --- declarations ---------------------------------------------------------------------------------------------- */

/* --- the source itself ----------------------------------------------------------------------------------------- */

bool index_find_source_lines(struct index *ix)
{
	ix->source_line_count = 1 + token_line(ix->source, ix->source_size);
	ix->source_lines = malloc((ix->source_line_count + 1) * sizeof(uint32_t));
	if (!ix->source_lines)
		return false;

	uint32_t line = 0;
	const char *p = ix->source, *end = p + ix->source_size;
	ix->source_lines[line++] = 0;
	while ((p = memchr(p, '\n', (size_t)(end - p))))
		ix->source_lines[line++] = (uint32_t)(++p - ix->source);
	ix->source_lines[line] = ix->source_size;
	return true;
}

const struct index_name *index_find_kind(const struct index *ix, const char *name, size_t length,
					 enum name_kind kind)
{
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, length);

	while (i != INDEX_NONE && ix->names[i].kind != kind)
		i = ix->names[i].next;
	return i == INDEX_NONE ? NULL : &ix->names[i];
}

void index_open_pragmas(const struct index *ix, const struct index_declaration *d, bool body,
			struct text *out)
{
	pragmas_open(&ix->pragmas, d->types, out);
	if (body)
		pragmas_open(&ix->pragmas, d->code, out);
	if (d->pack)
		text_printf(out, "#pragma pack(push, %u)\n", d->pack);
}

void index_close_pragmas(const struct index *ix, const struct index_declaration *d, bool body,
			 struct text *out)
{
	if (d->pack)
		text_puts(out, "#pragma pack(pop)\n");
	if (body)
		pragmas_close(&ix->pragmas, d->code, out);
	pragmas_close(&ix->pragmas, d->types, out);
}

bool index_has_tag(const struct index *ix, const char *tag, size_t length)
{
	for (uint32_t i = index_find(ix, INDEX_TAG, tag, length); i != INDEX_NONE; i = ix->names[i].next)
		if (ix->names[i].kind == NAME_TAG)
			return true;
	return false;
}

bool index_is_typedef(void *index, const char *name, uint32_t length)
{
	return index_find_kind(index, name, length, NAME_TYPEDEF) != NULL;
}

const struct index_declaration *index_find_function(const struct index *ix, const char *name, unsigned nth)
{
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name));

	for (; i != INDEX_NONE; i = ix->names[i].next) {
		const struct index_declaration *d = &ix->declarations[ix->names[i].declaration];
		if (ix->names[i].kind == NAME_FUNCTION && d->kind == DECLARATION_FUNCTION && nth-- == 0)
			return d;
	}
	return NULL;
}

bool index_may_resolve(struct index *ix)
{
	if (ix->resolvers == INDEX_UNASKED)
		ix->resolvers = memmem(ix->text, ix->size, "ifunc", 5) ? INDEX_YES : INDEX_NO;
	return ix->resolvers == INDEX_YES;
}

char *index_head(const struct index *ix, const struct index_declaration *d)
{
	uint32_t end = d->kind == DECLARATION_FUNCTION ? d->body : d->end;
	struct text head = {0};

	for (uint32_t at = d->begin; at < end;) {
		const char *line = ix->text + at, *newline = memchr(line, '\n', end - at);
		uint32_t next = newline ? (uint32_t)(newline - ix->text) + 1 : end;
		if (*line != '#' || at == 0 || line[-1] != '\n')
			text_append_words(&head, line, next - at);
		at = next;
	}
	return text_take(&head);
}

/* --- changes --------------------------------------------------------------------------------------------------- */

static uint64_t hash_tokens(const char *text, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;
	uint64_t hash = TEXT_HASH_SEED;

	token_reader_within(&r, text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			continue;
		hash = text_hash(hash, text + t.begin, t.end - t.begin);
		hash = text_hash(hash, " ", 1);
	}
	return hash;
}

void index_each_identity(const struct index *ix,
			 void (*each)(void *context, const char *kind, const char *name, size_t length,
				      uint64_t hash),
			 void *context)
{
	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		uint64_t hash = hash_tokens(ix->text, d->begin, d->end);
		for (uint32_t k = d->name_begin; k < d->name_end; k++) {
			const struct index_name *n = &ix->names[k];
			if (n->kind != NAME_MEMBER && n->kind != NAME_TAG_FORWARD)
				each(context,
				     n->kind == NAME_TAG                   ? "tag "
				     : n->kind == NAME_FUNCTION && d->body ? "body "
									   : "",
				     ix->text + n->begin, n->end - n->begin, hash);
		}
	}
	for (uint32_t i = 0; i < ix->macro_count; i++) {
		const struct index_macro *m = &ix->macros[i];
		uint64_t hash = hash_tokens(ix->text, m->name_end, m->end);
		each(context, "macro ", ix->text + m->name_begin, m->name_end - m->name_begin,
		     m->undefined ? 1 : hash);
	}
}

bool index_edit_body(struct index *ix, const struct index_declaration *d, const char *source, size_t size)
{
	char *old_source = ix->source, *fresh = strndup(source, size);
	uint32_t old_size = ix->source_size, *old_lines = ix->source_lines, old_count = ix->source_line_count;

	if (!fresh || size >= UINT32_MAX / 2)
		goto fail;
	ix->source = fresh;
	ix->source_size = (uint32_t)size;
	if (!index_find_source_lines(ix))
		goto fail;
	int64_t moved = (int64_t)ix->source_line_count - old_count;
	uint32_t last = d->last_line;
	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		struct index_declaration *e = &ix->declarations[i];
		if (e->file != d->file)
			continue;
		if (e->line > last)
			e->line = (uint32_t)(e->line + moved);
		if (e->last_line >= last)
			e->last_line = (uint32_t)(e->last_line + moved);
	}
	free(old_source);
	free(old_lines);
	return true;
fail:
	free(fresh);
	ix->source = old_source;
	ix->source_size = old_size;
	ix->source_lines = old_lines;
	ix->source_line_count = old_count;
	return false;
}

/* --- making one ------------------------------------------------------------------------------------------------ */

void index_free(struct index *ix)
{
	if (!ix)
		return;
	for (uint32_t i = 0; i < ix->file_count; i++) {
		free(ix->files[i]);
		if (ix->file_texts)
			free(ix->file_texts[i]);
	}
	free(ix->file_texts);
	free(ix->folders);
	for (int i = 0; i < INDEX_SPACES; i++) {
		free(ix->spaces[i].slots);
		free(ix->spaces[i].lasts);
	}
	for (uint32_t i = 0; ix->references && i < ix->declaration_count; i++)
		free(ix->references[i]);
	free(ix->references);
	free(ix->beginning.text);
	free(ix->uses);
	pragmas_fini(&ix->pragmas);
	free(ix->macro_table.slots);
	free(ix->macro_table.lasts);
	free(ix->files);
	free(ix->declarations);
	free(ix->names);
	free(ix->cuts);
	free(ix->macros);
	free(ix->source_lines);
	free(ix->source);
	free(ix->text);
	free(ix->file);
	free(ix);
}
