#include "variables.h"
#include "added.h"
#include "datum.h"
#include "instrument.h"
#include "show.h"
#include "value_json.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VARIABLES_MAX = 2000,
	VALUE_MAX = 1 << 20, /* bytes; a larger variable is not shown in a list */
};

void variables_fini(struct variables *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i].name);
	free(v->items);
}

static bool is_listed(const struct variables *v, const struct target_symbol *symbol, const char *name)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->items[i].symbol.address == symbol->address && strcmp(v->items[i].name, name) == 0)
			return true;
	return false;
}

static bool add_variable(struct variables *v, const struct variables_item *item)
{
	if (v->count == v->room) {
		size_t room = v->room ? v->room * 2 : 64;
		void *more = realloc(v->items, room * sizeof(*v->items));
		if (!more)
			return false;
		v->items = more;
		v->room = room;
	}
	v->items[v->count++] = *item;
	return true;
}

struct search {
	struct call *call;
	const struct index *index;
	const struct target_unit *unit;
	const char *pattern;
	bool exact;
	struct variables *out;
};

static bool is_wanted(const struct search *s, const char *name)
{
	return !s->pattern || (s->exact ? strcmp(name, s->pattern) == 0 : fnmatch(s->pattern, name, 0) == 0);
}

/* Takes the item's name. `bare`: it is wanted under that one too. */
static struct error *take(struct search *s, struct variables_item *v, const char *bare, bool has)
{
	if (has && (is_wanted(s, v->name) || (!s->exact && is_wanted(s, bare))) &&
	    !is_listed(s->out, &v->symbol, v->name)) {
		if (add_variable(s->out, v))
			return NULL;
		free(v->name);
		return error_memory();
	}
	free(v->name);
	return NULL;
}

static struct error *add_file_variable(struct search *s, const struct index_name *n)
{
	const struct index *ix = s->index;
	const struct index_declaration *d = &ix->declarations[n->declaration];
	struct variables_item v = {.unit = s->unit, .file = ix->files[d->file]};

	if (n->kind != NAME_VARIABLE || d->is_typedef || (d->is_extern && !s->exact))
		return NULL;
	v.name = strndup(ix->text + n->begin, n->end - n->begin);
	if (!v.name)
		return error_memory();
	v.line = d->line + token_line(ix->text + d->begin, n->begin - d->begin);
	bool has = is_wanted(s, v.name) &&
		   target_find(live_target(s->call->live), s->unit, v.name, &v.symbol) && !v.symbol.function;
	return take(s, &v, v.name, has);
}

/* --- statics of functions -------------------------------------------------------------------------------------------- */

/* By the name that gdb has for it. */
static struct error *add_static(struct search *s, const struct index_declaration *d, const char *function,
				const struct declaration_name *n)
{
	const struct index *ix = s->index;
	struct variables_item v = {.unit = s->unit,
				   .file = ix->files[d->file],
				   .line = d->line + token_line(ix->text + d->begin, n->begin - d->begin)};

	if (asprintf(&v.name, "%s::%.*s", function, (int)(n->end - n->begin), ix->text + n->begin) < 0)
		return error_memory();
	const char *bare = v.name + strlen(function) + 2;
	bool has =
		target_find_helper_local(live_target(s->call->live), s->unit, function, bare, 0, &v.symbol);
	return take(s, &v, bare, has);
}

/* What a `static` inside a function declares. */
static struct error *add_declared(struct search *s, const struct index_declaration *d, const char *function,
				  uint32_t at)
{
	struct declaration_reader r;
	struct declaration declared = {0};
	struct error *e = NULL;

	declaration_reader_init(&r, s->index->text, d->end);
	r.tokens.at = at;
	r.tokens.line_start = false;
	r.context = (void *)s->index;
	r.is_type = index_is_typedef;
	declaration_next(&r, &declared);
	for (size_t i = 0; declared.kind == DECLARATION_NAMES && i < declared.name_count && !e; i++)
		if (declared.names[i].kind == NAME_VARIABLE)
			e = add_static(s, d, function, &declared.names[i]);
	declaration_fini(&declared);
	return e;
}

static struct error *add_statics(struct search *s, const struct index_declaration *d)
{
	const struct index *ix = s->index;
	const struct index_name *n = &ix->names[d->name_end - 1];
	struct token_reader r;
	struct token t;
	struct error *e = NULL;
	char function[256];

	/* Most have none, and the files are long. */
	if (!memmem(ix->text + d->body, d->end - d->body, "static", 6))
		return NULL;
	snprintf(function, sizeof(function), "%.*s", (int)(n->end - n->begin), ix->text + n->begin);
	token_reader_within(&r, ix->text, d->body, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END && !e && s->out->count < VARIABLES_MAX;
	     token_next(&r, &t))
		if (t.kind == TOKEN_NAME && token_is(&r, &t, "static"))
			e = add_declared(s, d, function, t.begin);
	return e;
}

/* --- what versions have added ----------------------------------------------------------------------------------------- */

static struct error *add_added(struct search *s, const struct live_variable *added)
{
	const struct target_function *owner = &added->owner->at;
	struct variables_item v = {
		.unit = s->unit,
		.file = owner->file ? owner->file : s->unit->file,
		.line = owner->line,
		.symbol = {.address = added->address,
			   .size = added->size,
			   .internal = true,
			   .thread_local = added_is_thread_local(s->call->live, added)},
	};
	int printed = added->file_scope ? asprintf(&v.name, "%s", added->name)
					: asprintf(&v.name, "%s::%s", owner->name, added->name);
	if (printed < 0)
		return error_memory();
	/* Only the first of a name can be named. */
	bool first = added == added_find(s->call->live, s->unit->file, added->file_scope ? NULL : owner->name,
					 added->name, strlen(added->name));
	return take(s, &v, added->name, first);
}

static struct error *add_all_added(struct search *s)
{
	const struct live_variable *added;
	struct error *e = NULL;

	for (size_t i = 0; (added = live_variable(s->call->live, i)) && !e; i++)
		if (added->owner->at.unit == s->unit && !instrument_made(added->name) &&
		    s->out->count < VARIABLES_MAX)
			e = add_added(s, added);
	return e;
}

struct error *variables_find(struct call *c, const struct target_unit *unit, const char *pattern, bool exact,
			     struct variables *out)
{
	struct source *source;

	struct error *e = sources_find(live_host(c->live)->sources, unit, &source);
	if (e)
		return e;
	const struct index *ix = source->index;
	struct search s = {c, ix, unit, pattern, exact, out};
	for (uint32_t i = 0; i < ix->name_count && out->count < VARIABLES_MAX && !e; i++)
		e = add_file_variable(&s, &ix->names[i]);
	bool locals = !exact || strstr(pattern, "::");
	for (uint32_t i = 0; locals && i < ix->declaration_count && out->count < VARIABLES_MAX && !e; i++)
		if (ix->declarations[i].kind == DECLARATION_FUNCTION)
			e = add_statics(&s, &ix->declarations[i]);
	return e ? e : add_all_added(&s);
}

unsigned char *variables_read(struct call *c, const struct variables_item *v, const struct type *type,
			      struct text *text)
{
	if (v->symbol.thread_local) {
		text_puts(text, "<one for each thread>");
		return NULL;
	}
	if (type->incomplete || type->size == 0 || type->size > VALUE_MAX) {
		text_printf(text, type->size > VALUE_MAX ? "<%" PRIu64 " bytes>" : "<unknown size>",
			    type->size);
		return NULL;
	}
	unsigned char *bytes = malloc(type->size);
	struct error *e = bytes ? program_read(live_program(c->live), v->symbol.address, bytes, type->size)
				: error_memory();
	if (e) {
		text_printf(text, "<%s>", error_message(e));
		error_free(e);
		free(bytes);
		return NULL;
	}
	return bytes;
}

json_t *variables_json(struct call *c, const struct variables_item *v, const struct type *type,
		       const unsigned char *bytes, const char *text, const struct value_options *options)
{
	struct value_source source = datum_source(c->state);
	char address[32];

	snprintf(address, sizeof(address), "0x%" PRIx64, v->symbol.address);
	json_t *row = json_pack("{s:s, s:o, s:i, s:s, s:s, s:I, s:s, s:n}", "name", v->name, "file",
				show_string(v->file), "line", (int)v->line, "type", type ? type->name : "?",
				"address", address, "size", (json_int_t)(type ? type->size : v->symbol.size),
				"text", text, "value");
	if (bytes)
		value_json_put(row, type, bytes, &source, options);
	return row;
}
