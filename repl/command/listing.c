#include "listing.h"
#include "context.h"
#include "datum.h"
#include "expression.h"
#include "scope.h"
#include "show.h"
#include "variables.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHORT_ELEMENTS = 16, /* of an array in a list */
	SHORT_COLUMNS = 72,
	AT_ONCE = 100, /* variables whose types are read from one slice */
};

/* --- the program's own files --------------------------------------------------------------------------------------------- */

static bool is_inside(const char *file, const char *directory)
{
	return strncmp(file, directory, strlen(directory)) == 0;
}

static bool is_systems(const char *file)
{
	return is_inside(file, "/usr/") || *file == '<';
}

/* --- variables ----------------------------------------------------------------------------------------------------------- */

/* On one line, cut to what a table holds. */
static void shorten(struct text *t)
{
	size_t at = 0;

	for (size_t i = 0; i < t->size; i++)
		if (t->bytes[i] == '\n')
			t->bytes[i] = ' ';
	if (t->size <= SHORT_COLUMNS)
		return;
	at = SHORT_COLUMNS - 3;
	while (at && ((unsigned char)t->bytes[at] & 0xc0) == 0x80)
		at--;
	t->size = at;
	t->bytes[at] = '\0';
	text_puts(t, "...");
}

/* Rows of a table, as strings of their own. */
struct rows {
	const char **cells;
	size_t count, room, columns;
};

static bool rows_add(struct rows *r, const char *const *cells)
{
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		void *more = realloc(r->cells, room * r->columns * sizeof(*r->cells));
		if (!more)
			return false;
		r->cells = more;
		r->room = room;
	}
	for (size_t i = 0; i < r->columns; i++)
		r->cells[r->count * r->columns + i] = cells[i] ? strdup(cells[i]) : NULL;
	r->count++;
	return true;
}

static void rows_fini(struct rows *r)
{
	for (size_t i = 0; i < r->count * r->columns; i++)
		free((char *)r->cells[i]);
	free(r->cells);
}

static void add_row(struct call *c, struct rows *rows, const struct variables_item *v,
		    const struct type *type)
{
	struct value_options options = VALUE_OPTIONS;
	struct value_source source = datum_source(c->state);
	struct text text = {0};
	char place[300];

	options.elements = SHORT_ELEMENTS;
	options.depth = 0;
	unsigned char *bytes = type ? variables_read(c, v, type, &text) : NULL;
	if (bytes)
		value_text(&text, type, bytes, &source, &options);
	json_array_append_new(c->reply->data,
			      variables_json(c, v, type, bytes, text.bytes ? text.bytes : "", &options));
	free(bytes);
	shorten(&text);
	if (v->line)
		snprintf(place, sizeof(place), "%s:%u", text_base_name(v->file), v->line);
	else
		snprintf(place, sizeof(place), "%s", v->file); /* this console's */
	const char *cells[] = {v->name, type ? type->name : "?", place, text.bytes ? text.bytes : ""};
	rows_add(rows, cells);
	text_fini(&text);
}

/* Types of some variables of one unit, all from one slice, or, if that fails, one by one. */
static void show_group(struct call *c, struct rows *rows, const struct variables_item *v, size_t count)
{
	const char *names[AT_ONCE];
	struct type_found found[AT_ONCE];
	struct types *types = NULL;

	for (size_t i = 0; i < count; i++)
		names[i] = v[i].name;
	struct error *e = expression_types(c, v->unit, names, count, 0, &types, found);
	if (e && count > 1) {
		for (size_t i = 0; i < count; i++)
			show_group(c, rows, &v[i], 1);
	} else {
		for (size_t i = 0; i < count; i++)
			add_row(c, rows, &v[i], e ? NULL : found[i].type);
	}
	error_free(e);
	types_free(types);
}

/* By the type as it is called now: what was declared once more since has another name. */
static void show_session_variable(struct call *c, struct rows *rows, const struct target_unit *unit,
				  const struct scope_item *item)
{
	struct variables_item v = {
		.name = item->names[0], .file = "<console>", .symbol.address = item->address};
	const char *names[] = {v.name};
	struct types *types = NULL;
	struct type_found found;

	struct error *e = expression_types(c, unit, names, 1, 0, &types, &found);
	add_row(c, rows, &v, e ? item->type : found.type);
	error_free(e);
	types_free(types);
}

static void show_session_variables(struct call *c, struct rows *rows, const char *pattern)
{
	const struct target_unit *unit = NULL;
	const struct scope_item *item;

	struct error *e = context_unit(c->state, c->live, &unit);
	for (size_t i = 0; !e && c->state->scope && (item = scope_item(c->state->scope, i)); i++)
		if (item->kind == SCOPE_VARIABLE && (!pattern || fnmatch(pattern, item->names[0], 0) == 0))
			show_session_variable(c, rows, unit, item);
	error_free(e);
}

struct error *listing_vars(struct call *c)
{
	static const char *const heading[] = {"VARIABLE", "TYPE", "PLACE", "VALUE"};
	const struct target_unit *units[CONTEXT_UNITS_MAX];
	size_t count = context_units(c->state, c->live, c->count ? c->words[0] : NULL, units);
	struct variables found = {0};
	struct rows rows = {.columns = 4};
	struct error *e = NULL, *first = NULL;

	c->reply->data = json_array();
	rows_add(&rows, heading);
	for (size_t i = 0; i < count && (!e || error_class(e) != ERROR_INTERNAL); i++) {
		if (c->state->file && !context_is_file(units[i]->file, c->state->file))
			continue;
		e = variables_find(c, units[i], c->count ? c->words[0] : NULL, false, &found);
		if (e && !first)
			first = e;
		else
			error_free(e);
		e = NULL;
	}
	for (size_t i = 0, n; i < found.count; i += n) {
		for (n = 1;
		     n < AT_ONCE && i + n < found.count && found.items[i + n].unit == found.items[i].unit;
		     n++)
			;
		show_group(c, &rows, &found.items[i], n);
	}
	show_session_variables(c, &rows, c->count ? c->words[0] : NULL);
	if (rows.count > 1) {
		show_table(&c->reply->text, rows.cells, rows.count, 4, c->state->color);
		error_free(first);
		first = NULL;
	} else if (!first && c->count) {
		show_none_like(&c->reply->text, "variable", "\\vars", c->words[0]);
	} else if (!first) {
		text_puts(&c->reply->text, "there are no variables\n");
	}
	context_note_unread(c->state, c->live, &c->reply->text);
	rows_fini(&rows);
	variables_fini(&found);
	return first;
}

/* --- types ---------------------------------------------------------------------------------------------------------------- */

/* The keyword before a tag. */
static const char *keyword_of(const struct index *ix, const struct index_name *n)
{
	return declaration_tag_word(ix->text, ix->declarations[n->declaration].begin, n->begin);
}

static enum target_tag tag_of(const char *keyword)
{
	return *keyword == 's'   ? TARGET_STRUCT
	       : *keyword == 'u' ? TARGET_UNION
	       : *keyword == 'e' ? TARGET_ENUM
				 : TARGET_TYPEDEF;
}

static bool has_type(const json_t *list, const char *name, const char *file)
{
	size_t i;
	json_t *row;

	json_array_foreach((json_t *)list, i, row)
		if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
		    strcmp(json_string_value(json_object_get(row, "file")), file) == 0)
			return true;
	return false;
}

static void add_type(struct call *c, struct rows *rows, const struct source *source,
		     const struct index_name *n, const char *pattern)
{
	const struct index *ix = source->index;
	const struct index_declaration *d = &ix->declarations[n->declaration];
	const char *file = ix->files[d->file];
	const char *keyword = n->kind == NAME_TAG ? keyword_of(ix, n) : "typedef";
	struct target_layout layout = {0};
	char name[300], place[300], size[32] = "", bare[256];

	snprintf(bare, sizeof(bare), "%.*s", (int)(n->end - n->begin), ix->text + n->begin);
	snprintf(name, sizeof(name), "%s%s%s", *keyword == 't' ? "" : keyword, *keyword == 't' ? "" : " ",
		 bare);
	if (pattern ? fnmatch(pattern, bare, 0) != 0 && fnmatch(pattern, name, 0) != 0 : is_systems(file))
		return;
	if (has_type(c->reply->data, name, file))
		return;
	bool known = target_find_layout(live_target(c->live), source->unit, tag_of(keyword), bare, &layout);
	if (known)
		snprintf(size, sizeof(size), "%" PRIu64, layout.size);
	unsigned line = d->line + token_line(ix->text + d->begin, n->begin - d->begin);
	snprintf(place, sizeof(place), "%s:%u", text_base_name(file), line);
	const char *cells[] = {name, size, place};
	rows_add(rows, cells);
	json_array_append_new(c->reply->data,
			      json_pack("{s:s, s:s, s:o, s:i, s:o}", "name", name, "kind", keyword, "file",
					show_string(file), "line", (int)line, "size",
					known ? json_integer((json_int_t)layout.size) : json_null()));
}

/* Those of this console, and what they were before they were declared once more. */
static void add_session_types(struct call *c, struct rows *rows, const char *pattern)
{
	const struct scope_item *item;

	for (size_t i = 0; c->state->scope && (item = scope_item(c->state->scope, i)); i++) {
		for (char **name = item->names; item->kind == SCOPE_TYPE && *name; name++) {
			const char *bare = *name + (**name == '#');
			const char *keyword = **name == '#' ? scope_tag_word(item, bare) : "typedef";
			char spelled[300];
			snprintf(spelled, sizeof(spelled), "%s%s%s", **name == '#' ? keyword : "",
				 **name == '#' ? " " : "", bare);
			if (!scope_declares_type(item, *name) ||
			    strncmp(bare, TYPE_FRESH, strlen(TYPE_FRESH)) == 0 ||
			    (pattern && fnmatch(pattern, bare, 0) != 0 && fnmatch(pattern, spelled, 0) != 0))
				continue;
			const char *cells[] = {spelled, "", "<console>"};
			rows_add(rows, cells);
			json_array_append_new(c->reply->data,
					      json_pack("{s:s, s:s, s:s, s:i, s:n}", "name", spelled, "kind",
							keyword, "file", "<console>", "line", 0, "size"));
		}
	}
}

struct error *listing_types(struct call *c)
{
	static const char *const heading[] = {"TYPE", "SIZE", "PLACE"};
	const struct target_unit *units[CONTEXT_UNITS_MAX];
	size_t count = context_units(c->state, c->live, c->line[0] ? c->line : NULL, units);
	struct rows rows = {.columns = 3};
	struct error *first = NULL;

	c->reply->data = json_array();
	rows_add(&rows, heading);
	for (size_t i = 0; i < count; i++) {
		struct source *source;
		if (c->state->file && !context_is_file(units[i]->file, c->state->file))
			continue;
		struct error *e = sources_find(live_host(c->live)->sources, units[i], &source);
		if (e) {
			error_free(first);
			first = e;
			continue;
		}
		for (uint32_t k = 0; k < source->index->name_count; k++) {
			const struct index_name *n = &source->index->names[k];
			if (n->kind == NAME_TAG || n->kind == NAME_TYPEDEF)
				add_type(c, &rows, source, n, c->line[0] ? c->line : NULL);
		}
	}
	add_session_types(c, &rows, c->line[0] ? c->line : NULL);
	if (rows.count > 1) {
		show_table(&c->reply->text, rows.cells, rows.count, 3, c->state->color);
		error_free(first);
		first = NULL;
	} else if (!first && c->count) {
		show_none_like(&c->reply->text, "type", "\\types", c->line);
	} else if (!first) {
		text_puts(&c->reply->text, "the program's own files define no types\n");
	}
	context_note_unread(c->state, c->live, &c->reply->text);
	rows_fini(&rows);
	return first;
}
