#include "variables.h"
#include "datum.h"
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

struct error *variables_find(struct call *c, const struct target_unit *unit, const char *pattern, bool exact,
			     struct variables *out)
{
	struct source *source;

	struct error *e = sources_find(live_host(c->live)->sources, unit, &source);
	if (e)
		return e;
	const struct index *ix = source->index;
	for (uint32_t i = 0; i < ix->name_count && out->count < VARIABLES_MAX; i++) {
		const struct index_name *n = &ix->names[i];
		const struct index_declaration *d = &ix->declarations[n->declaration];
		struct variables_item v = {.unit = unit};
		if (n->kind != NAME_VARIABLE || d->is_typedef || (d->is_extern && !exact))
			continue;
		v.name = strndup(ix->text + n->begin, n->end - n->begin);
		if (!v.name)
			return error_memory();
		bool wanted =
			!pattern || (exact ? strcmp(v.name, pattern) == 0 : fnmatch(pattern, v.name, 0) == 0);
		if (!wanted || !target_find(live_target(c->live), unit, v.name, &v.symbol) ||
		    v.symbol.function || is_listed(out, &v.symbol, v.name)) {
			free(v.name);
			continue;
		}
		v.file = ix->files[d->file];
		v.line = d->line + token_line(ix->text + d->begin, n->begin - d->begin);
		if (!add_variable(out, &v)) {
			free(v.name);
			return error_memory();
		}
	}
	return NULL;
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
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:s, s:o}", "name", v->name, "file", v->file, "line",
			 (int)v->line, "type", type ? type->name : "?", "address", address, "size",
			 (json_int_t)(type ? type->size : v->symbol.size), "text", text, "value",
			 bytes ? value_json(type, bytes, &source, options) : json_null());
}
