#include "decorators.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static int by_bytes(const void *a, const void *b)
{
	const struct decorators_name *x = a, *y = b;
	size_t shorter = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->text, y->text, shorter);

	return order ? order : (x->length > y->length) - (x->length < y->length);
}

bool decorators_find(const struct live *l, const struct source *s, struct decorators *out)
{
	*out = (struct decorators){.names = calloc(live_count(l) + 1, sizeof(*out->names))};
	if (!out->names)
		return false;
	for (size_t i = 0; i < live_count(l); i++) {
		const struct live_function *function = live_function(l, i);
		if (function->at.unit == s->unit)
			out->names[out->count++] =
				(struct decorators_name){function->at.name, strlen(function->at.name)};
	}
	qsort(out->names, out->count, sizeof(*out->names), by_bytes);
	return true;
}

bool decorators_have(void *context, const char *name, size_t length)
{
	const struct decorators *d = context;
	struct decorators_name key = {name, length};

	return bsearch(&key, d->names, d->count, sizeof(*d->names), by_bytes) != NULL;
}

/* Whether a macro somewhere down the file makes `REALTIMEFUNC` something else does not matter: people write the word. */
static bool is_word(const struct token_reader *r, const struct token *t)
{
	return token_is(r, t, "REALTIMEFUNC");
}

static size_t count_words(const char *source, size_t size)
{
	static const char word[] = "REALTIMEFUNC";
	const char *at = source, *end = source + size;
	size_t count = 0;

	while (at && (at = memmem(at, (size_t)(end - at), word, sizeof(word) - 1))) {
		at += sizeof(word) - 1;
		count++;
	}
	return count;
}

/* The function that the word at that line decorates: the first definition that ends there or behind. */
static const struct index_declaration *decorated_at(const struct index *ix, uint32_t line)
{
	const struct index_declaration *found = NULL;

	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		if (d->kind == DECLARATION_FUNCTION && d->last_line >= line &&
		    strcmp(ix->files[d->file], ix->file) == 0 && (!found || d->line < found->line))
			found = d;
	}
	return found;
}

/* The functions that have the word before them in the file. */
static bool find_words(const struct index *ix, struct decorators *out)
{
	struct token_reader r;
	struct token t;

	*out = (struct decorators){
		.names = calloc(count_words(ix->source, ix->source_size) + 1, sizeof(*out->names))};
	if (!out->names)
		return false;
	token_reader_init(&r, ix->source, ix->source_size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		const struct index_declaration *d =
			is_word(&r, &t) ? decorated_at(ix, 1 + token_line(r.text, t.begin)) : NULL;
		if (!d)
			continue;
		const struct index_name *name = &ix->names[d->name_end - 1];
		out->names[out->count++] =
			(struct decorators_name){ix->text + name->begin, name->end - name->begin};
	}
	qsort(out->names, out->count, sizeof(*out->names), by_bytes);
	return true;
}

static bool defines(const struct index *ix, struct decorators_name name)
{
	for (uint32_t i = index_find(ix, INDEX_ORDINARY, name.text, name.length); i != INDEX_NONE;
	     i = ix->names[i].next)
		if (ix->names[i].kind == NAME_FUNCTION &&
		    ix->declarations[ix->names[i].declaration].kind == DECLARATION_FUNCTION)
			return true;
	return false;
}

/* Whether the program has an entry for that function, from another file that defined it when it was built. */
static bool note_moved(const struct live *l, const struct source *s, struct decorators_name name,
		       struct text *notes)
{
	const struct build_host *host = live_host(l);
	char text[256];
	uint64_t entry;

	if (name.length >= sizeof(text))
		return false;
	memcpy(text, name.text, name.length);
	text[name.length] = '\0';
	if (!host->versions.entry(host->versions.context, s->unit, text, &entry))
		return false;
	text_printf(notes, "%s is in %s now: that counts when the program is built again\n", text,
		    text_base_name(s->unit->file));
	return true;
}

bool decorators_note(const struct live *l, const struct source *s, const struct index *fresh,
		     struct decorators *entries, struct text *notes)
{
	struct decorators before = {0}, now = {0};

	if (!s->index->source || !fresh->source ||
	    (!count_words(s->index->source, s->index->source_size) &&
	     !count_words(fresh->source, fresh->source_size)))
		return true; /* a file that is decorated as a whole */
	bool found = find_words(s->index, &before) && find_words(fresh, &now);
	for (size_t i = 0; found && i < now.count; i++) {
		struct decorators_name n = now.names[i];
		if (decorators_have(&before, n.text, n.length) ||
		    decorators_have(entries, n.text, n.length) || note_moved(l, s, n, notes))
			continue;
		if (defines(s->index, n))
			text_printf(
				notes,
				"%.*s is decorated now: it can be changed once the program is built again\n",
				(int)n.length, n.text);
		else
			text_printf(notes,
				    "%.*s is new: it is a part of the functions of its file that call it "
				    "until the "
				    "program is built again\n",
				    (int)n.length, n.text);
	}
	for (size_t i = 0; found && i < before.count; i++) {
		struct decorators_name n = before.names[i];
		if (!decorators_have(&now, n.text, n.length) && decorators_have(entries, n.text, n.length) &&
		    defines(fresh, n))
			text_printf(notes,
				    "%.*s is not decorated any more: it is followed all the same until the "
				    "program is built again\n",
				    (int)n.length, n.text);
	}
	decorators_fini(&before);
	decorators_fini(&now);
	return found;
}

void decorators_fini(struct decorators *d)
{
	free(d->names);
	*d = (struct decorators){0};
}
