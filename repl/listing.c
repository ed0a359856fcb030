#include "listing.h"
#include "context.h"
#include "datum.h"
#include "expression.h"
#include "lookup.h"
#include "scope.h"
#include "show.h"
#include "texts.h"
#include "value_json.h"

#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHORT_ELEMENTS = 16, /* of an array in a list */
	SHORT_COLUMNS = 72,
	VARIABLES_MAX = 2000,
	AT_ONCE = 100,       /* variables whose types are read from one slice */
	VALUE_MAX = 1 << 20, /* bytes; a larger variable is not shown in a list */
	UNITS_MAX = 256,
};

/* --- the program's own files --------------------------------------------------------------------------------------------- */

/* Each unit that has decorated functions, and that of main(). */
static size_t find_units(struct call *c, const struct target_unit **units)
{
	size_t count = 0;
	char *file = c->state->file;
	const struct target_unit *main_unit = NULL, *last = c->state->unit;

	for (size_t i = 0; i < live_count(c->live) && count < UNITS_MAX; i++) {
		const struct target_unit *unit = live_function(c->live, i)->at.unit;
		bool known = !unit;
		for (size_t k = 0; k < count && !known; k++)
			known = units[k] == unit;
		if (!known)
			units[count++] = unit;
	}
	c->state->file = NULL;
	c->state->unit = NULL;
	struct error *e = context_unit(c->state, c->live, &main_unit);
	c->state->file = file;
	c->state->unit = last;
	error_free(e);
	for (size_t k = 0; k < count && main_unit; k++)
		if (units[k] == main_unit)
			main_unit = NULL;
	if (main_unit && count < UNITS_MAX)
		units[count++] = main_unit;
	return count;
}

static struct error *source_of(struct call *c, const struct target_unit *unit, struct source **out)
{
	return sources_find(live_host(c->live)->sources, unit, out);
}

static char *spelling(const struct index *ix, const struct index_name *n)
{
	return strndup(ix->text + n->begin, n->end - n->begin);
}

static bool is_inside(const char *file, const char *directory)
{
	return strncmp(file, directory, strlen(directory)) == 0;
}

static bool is_systems(const char *file)
{
	return is_inside(file, "/usr/") || *file == '<';
}

/* --- variables ----------------------------------------------------------------------------------------------------------- */

struct variable {
	char *name;
	const char *file; /* of the declaration: the index's */
	const struct target_unit *unit;
	unsigned line;
	struct target_symbol symbol;
};

struct variables {
	struct variable *items;
	size_t count, room;
};

static void variables_fini(struct variables *v)
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

static bool add_variable(struct variables *v, const struct variable *item)
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

/* Variables that a unit's text defines and the program has. `exact`: the pattern is a name. */
static struct error *find_variables(struct call *c, const struct target_unit *unit, const char *pattern,
				    bool exact, struct variables *out)
{
	struct source *source;

	struct error *e = source_of(c, unit, &source);
	if (e)
		return e;
	const struct index *ix = source->index;
	for (uint32_t i = 0; i < ix->name_count && out->count < VARIABLES_MAX; i++) {
		const struct index_name *n = &ix->names[i];
		const struct index_declaration *d = &ix->declarations[n->declaration];
		struct variable v = {.unit = unit};
		if (n->kind != NAME_VARIABLE || d->is_typedef || (d->is_extern && !exact))
			continue;
		v.name = spelling(ix, n);
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

/* A variable's bytes; NULL where they are not shown, and then `text` says why. */
static unsigned char *read_variable(struct call *c, const struct variable *v, const struct type *type,
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

static json_t *variable_json(struct call *c, const struct variable *v, const struct type *type,
			     const unsigned char *bytes, const char *text,
			     const struct value_options *options)
{
	struct value_source source = datum_source(c->state);
	char address[32];

	snprintf(address, sizeof(address), "0x%" PRIx64, v->symbol.address);
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:s, s:o}", "name", v->name, "file", v->file, "line",
			 (int)v->line, "type", type ? type->name : "?", "address", address, "size",
			 (json_int_t)(type ? type->size : v->symbol.size), "text", text, "value",
			 bytes ? value_json(type, bytes, &source, options) : json_null());
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

static void add_row(struct call *c, struct rows *rows, const struct variable *v, const struct type *type)
{
	struct value_options options = VALUE_OPTIONS;
	struct value_source source = datum_source(c->state);
	struct text text = {0};
	char place[300];

	options.elements = SHORT_ELEMENTS;
	options.depth = 0;
	unsigned char *bytes = type ? read_variable(c, v, type, &text) : NULL;
	if (bytes)
		value_text(&text, type, bytes, &source, &options);
	json_array_append_new(c->reply->data,
			      variable_json(c, v, type, bytes, text.bytes ? text.bytes : "", &options));
	free(bytes);
	shorten(&text);
	snprintf(place, sizeof(place), "%s:%u", text_base_name(v->file), v->line);
	const char *cells[] = {v->name, type ? type->name : "?", place, text.bytes ? text.bytes : ""};
	rows_add(rows, cells);
	text_fini(&text);
}

/* Types of some variables of one unit, all from one slice, or, if that fails, one by one. */
static void show_group(struct call *c, struct rows *rows, const struct variable *v, size_t count)
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

static void show_session_variables(struct call *c, struct rows *rows, const char *pattern)
{
	const struct scope_item *item;

	for (size_t i = 0; c->state->scope && (item = scope_item(c->state->scope, i)); i++) {
		struct variable v = {
			.name = item->names[0], .file = "<console>", .symbol.address = item->address};
		if (item->kind == SCOPE_VARIABLE && (!pattern || fnmatch(pattern, v.name, 0) == 0))
			add_row(c, rows, &v, item->type);
	}
}

struct error *listing_vars(struct call *c)
{
	static const char *const heading[] = {"VARIABLE", "TYPE", "PLACE", "VALUE"};
	const struct target_unit *units[UNITS_MAX];
	size_t count = find_units(c, units);
	struct variables found = {0};
	struct rows rows = {.columns = 4};
	struct error *e = NULL, *first = NULL;

	c->reply->data = json_array();
	rows_add(&rows, heading);
	for (size_t i = 0; i < count && (!e || error_class(e) != ERROR_INTERNAL); i++) {
		if (c->state->file && !context_is_file(units[i]->file, c->state->file))
			continue;
		e = find_variables(c, units[i], c->count ? c->words[0] : NULL, false, &found);
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
	} else if (!first) {
		text_puts(&c->reply->text,
			  c->count ? "no variable has a name like that\n" : "there are no variables\n");
	}
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
			      json_pack("{s:s, s:s, s:s, s:i, s:o}", "name", name, "kind", keyword, "file",
					file, "line", (int)line, "size",
					known ? json_integer((json_int_t)layout.size) : json_null()));
}

struct error *listing_types(struct call *c)
{
	static const char *const heading[] = {"TYPE", "SIZE", "PLACE"};
	const struct target_unit *units[UNITS_MAX];
	size_t count = find_units(c, units);
	struct rows rows = {.columns = 3};
	struct error *first = NULL;

	c->reply->data = json_array();
	rows_add(&rows, heading);
	for (size_t i = 0; i < count; i++) {
		struct source *source;
		if (c->state->file && !context_is_file(units[i]->file, c->state->file))
			continue;
		struct error *e = source_of(c, units[i], &source);
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
	if (rows.count > 1) {
		show_table(&c->reply->text, rows.cells, rows.count, 3, c->state->color);
		error_free(first);
		first = NULL;
	} else if (!first) {
		text_puts(&c->reply->text, c->count ? "no type has a name like that\n"
						    : "the program's own files define no types\n");
	}
	rows_fini(&rows);
	return first;
}

/* --- \describe: functions ------------------------------------------------------------------------------------------------- */

struct naming {
	const char *name;
	json_t *callers;
	struct text text;
};

/* Whether a range of preprocessed text names something. */
static bool names_it(const struct index *ix, uint32_t begin, uint32_t end, const char *name)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, ix->text, end);
	r.at = begin;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && token_is(&r, &t, name))
			return true;
	return false;
}

/* Functions of one file that name it: calls, and where its address is taken. */
static bool find_callers(void *context, struct source *source)
{
	struct naming *naming = context;
	const struct index *ix = source->index;

	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		if (d->kind != DECLARATION_FUNCTION || !names_it(ix, d->body, d->end, naming->name))
			continue;
		char *caller = spelling(ix, &ix->names[d->name_end - 1]);
		if (!caller)
			continue;
		text_printf(&naming->text, "%s%s (%s:%u)", naming->text.size ? ", " : "", caller,
			    text_base_name(ix->files[d->file]), d->line);
		json_array_append_new(naming->callers,
				      json_pack("{s:s, s:s, s:i}", "function", caller, "file",
						ix->files[d->file], "line", (int)d->line));
		free(caller);
	}
	return true;
}

static bool is_variable_name(const struct index *ix, const char *name, size_t length)
{
	for (uint32_t i = index_find(ix, INDEX_ORDINARY, name, length); i != INDEX_NONE;
	     i = ix->names[i].next)
		if (ix->names[i].kind == NAME_VARIABLE)
			return true;
	return false;
}

static bool in_list(const json_t *list, const char *name, size_t length)
{
	size_t i;
	json_t *value;

	json_array_foreach((json_t *)list, i, value)
		if (json_string_length(value) == length &&
		    memcmp(json_string_value(value), name, length) == 0)
			return true;
	return false;
}

/* Names of file-scope variables in a text, each once; members are not among them. */
static json_t *used_variables(const struct index *ix, const char *text, struct text *out)
{
	json_t *list = json_array();
	struct token_reader r;
	struct token t, before = {0};

	token_reader_init(&r, text, (uint32_t)strlen(text));
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		size_t length = t.end - t.begin;
		bool member = before.kind == TOKEN_PUNCTUATOR &&
			      (before.first == '.' || token_is(&r, &before, "->"));
		if (t.kind != TOKEN_NAME || member || !is_variable_name(ix, text + t.begin, length) ||
		    in_list(list, text + t.begin, length))
			continue;
		text_printf(out, "%s%.*s", out->size ? ", " : "", (int)length, text + t.begin);
		json_array_append_new(list, json_stringn(text + t.begin, length));
	}
	return list;
}

struct inlining {
	json_t *list;
	struct text text;
};

static bool add_inlining(void *context, uint64_t address, const char *caller, const char *file, unsigned line)
{
	struct inlining *in = context;

	(void)address;
	text_printf(&in->text, "%s%s", in->text.size ? ", " : "",
		    caller ? caller : "a caller that debug information does not name");
	if (file)
		text_printf(&in->text, " (%s:%u)", text_base_name(file), line);
	json_array_append_new(in->list, json_pack("{s:s, s:s, s:i}", "function", caller ? caller : "", "file",
						  file ? file : "", "line", (int)line));
	return true;
}

static void put_line(struct text *out, const char *what, const struct text *text)
{
	if (text->size)
		text_printf(out, "%-10s %s\n", what, text->bytes);
}

static struct error *describe_function(struct call *c, struct live_function *f)
{
	struct naming naming = {.name = f->at.name, .callers = json_array()};
	struct inlining inlining = {.list = json_array()};
	struct text used = {0}, *out = &c->reply->text;
	json_t *variables = json_array();
	struct source *source = NULL;
	char *signature = texts_signature(c->live, f), *text = NULL;
	unsigned line;

	struct error *unread = source_of(c, f->at.unit, &source), *e;
	if (source)
		sources_each(live_host(c->live)->sources, find_callers, &naming);
	e = texts_of_version(c->live, f, f->live, &text, &line);
	if (!e && source) {
		json_decref(variables);
		variables = used_variables(source->index, text, &used);
	}
	error_free(e);
	target_each_inlined(live_target(c->live), &f->at, add_inlining, &inlining);
	char *flags = NULL;
	for (char **word = source ? source->flags.argv : NULL; word && *word; word++) {
		char *longer;
		if (asprintf(&longer, "%s%s%s", flags ? flags : "", flags ? " " : "", *word) < 0)
			break;
		free(flags);
		flags = longer;
	}
	text_printf(out, "%s\n", signature ? signature : f->at.name);
	text_printf(out, "%-10s %s:%u in %s, at 0x%" PRIx64 "\n", "defined", f->at.file ? f->at.file : "?",
		    f->at.line, f->at.module, f->at.entry);
	text_printf(out, "%-10s %d of %d, %s\n", "live", f->live, f->versions,
		    texts_state_name(texts_state(c->live, f)));
	if (flags)
		text_printf(out, "%-10s %s (from %s)\n", "flags", flags, source->flags.origin);
	if (unread)
		text_printf(out, "%-10s %s\n", "unread", error_message(unread));
	error_free(unread);
	put_line(out, "called by", &naming.text);
	put_line(out, "inlined in", &inlining.text);
	put_line(out, "uses", &used);
	c->reply->data = json_pack(
		"{s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "kind", "function",
		"function", f->at.name, "signature", signature ? signature : "", "file",
		f->at.file ? f->at.file : "", "line", (int)f->at.line, "module", f->at.module, "version",
		f->live, "versions", f->versions, "state", texts_state_name(texts_state(c->live, f)), "flags",
		flags ? flags : "", "flags_from", source ? source->flags.origin : "", "called_by",
		naming.callers, "inlined_in", inlining.list, "uses", variables);
	text_fini(&naming.text);
	text_fini(&inlining.text);
	text_fini(&used);
	free(flags);
	free(signature);
	free(text);
	return NULL;
}

/* --- \describe: types, variables, macros ---------------------------------------------------------------------------------- */

static void put_comment(struct text *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put_comment(struct text *line, const char *format, ...)
{
	va_list args;
	char comment[128];

	va_start(args, format);
	vsnprintf(comment, sizeof(comment), format, args);
	va_end(args);
	while (line->size < 40)
		text_puts(line, " ");
	text_printf(line, " /* %s */\n", comment);
}

static void describe_member(struct text *out, json_t *list, const struct type_member *m, uint64_t *end)
{
	struct text line = {0};
	uint64_t offset = m->bit_offset / 8, bits = m->bit_size ? m->bit_size : m->type->size * 8;

	if (m->bit_offset > *end && m->bit_offset - *end >= 8) {
		text_puts(&line, "  ");
		put_comment(&line, "%" PRIu64 " bytes free", (m->bit_offset - *end) / 8);
		text_append(out, line.bytes, line.size);
		text_fini(&line);
	}
	text_puts(&line, "  ");
	if (!m->name)
		text_puts(&line, m->type->is_union ? "union {...}" : "struct {...}");
	else if (m->type->nameless)
		text_printf(&line, "%s {...} %s", m->type->is_union ? "union" : "struct", m->name);
	else
		type_put_declaration(&line, m->type, m->name);
	if (m->bit_size) {
		text_printf(&line, " : %u;", m->bit_size);
		put_comment(&line, "%" PRIu64 ", bit %" PRIu64, offset, m->bit_offset % 8);
	} else {
		text_puts(&line, ";");
		put_comment(&line, "%" PRIu64 ", %" PRIu64 " bytes", offset, m->type->size);
	}
	text_append(out, line.bytes, line.size);
	text_fini(&line);
	json_t *row = json_pack("{s:s, s:s, s:I, s:I}", "name", m->name ? m->name : "", "type", m->type->name,
				"offset", (json_int_t)offset, "size", (json_int_t)m->type->size);
	if (m->bit_size)
		json_object_update_new(row, json_pack("{s:i, s:i}", "bits", (int)m->bit_size, "bit",
						      (int)(m->bit_offset % 8)));
	json_array_append_new(list, row);
	if (m->bit_offset + bits > *end)
		*end = m->bit_offset + bits;
}

static void describe_layout(struct call *c, const struct type *type)
{
	struct text *out = &c->reply->text;
	const struct type *d = type->definition;
	json_t *list = json_array();
	uint64_t end = 0;

	c->reply->data = json_pack("{s:s, s:s, s:I, s:I}", "kind", "type", "name", type->name, "size",
				   (json_int_t)type->size, "align", (json_int_t)type->align);
	if (!d) {
		text_printf(out, "%s: %" PRIu64 " bytes, aligned to %" PRIu64 "\n", type->name, type->size,
			    type->align);
		json_decref(list);
		return;
	}
	text_printf(out, "%s {", type->name);
	text_printf(out, " /* %" PRIu64 " bytes, aligned to %" PRIu64 " */\n", type->size, type->align);
	for (size_t i = 0; i < d->member_count; i++)
		describe_member(out, list, &d->members[i], &end);
	for (size_t i = 0; i < d->constant_count; i++) {
		text_printf(out, "  %s = %" PRId64 ",\n", d->constants[i].name, d->constants[i].value);
		json_array_append_new(list, json_pack("{s:s, s:I}", "name", d->constants[i].name, "value",
						      (json_int_t)d->constants[i].value));
	}
	if (type->kind == TYPE_RECORD && !type->is_union && type->size * 8 >= end + 8) {
		struct text line = {0};
		put_comment(&line, "%" PRIu64 " bytes free at the end", (type->size * 8 - end) / 8);
		text_append(out, line.bytes, line.size);
		text_fini(&line);
	}
	text_puts(out, "}\n");
	json_object_set_new(c->reply->data, d->kind == TYPE_ENUM ? "enumerators" : "members", list);
}

/* How an expression names the type that `name` may be; NULL in *spelled if it is none. */
static char *type_spelling(const struct index *ix, const char *name)
{
	static const char *const keywords[] = {"struct ", "union ", "enum "};
	char *spelled = NULL;

	for (size_t i = 0; i < 3; i++)
		if (strncmp(name, keywords[i], strlen(keywords[i])) == 0)
			return strdup(name);
	for (uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name)); i != INDEX_NONE;
	     i = ix->names[i].next)
		if (ix->names[i].kind == NAME_TYPEDEF)
			return strdup(name);
	for (uint32_t i = index_find(ix, INDEX_TAG, name, strlen(name)); i != INDEX_NONE;
	     i = ix->names[i].next) {
		if (ix->names[i].kind != NAME_TAG)
			continue;
		if (asprintf(&spelled, "%s %s", keyword_of(ix, &ix->names[i]), name) < 0)
			spelled = NULL;
		return spelled;
	}
	return NULL;
}

static struct error *describe_type(struct call *c, const struct target_unit *unit, const char *spelled)
{
	struct type_found found;
	struct types *types;
	char *text;

	if (asprintf(&text, "*(%s *)0", spelled) < 0)
		return error_memory();
	const char *texts[] = {text};
	struct error *e = expression_types(c, unit, texts, 1, 0, &types, &found);
	free(text);
	if (e)
		return e;
	if (found.type->incomplete)
		e = error_new(ERROR_UNKNOWN, "%s is only mentioned, nowhere defined", spelled);
	else
		describe_layout(c, found.type);
	types_free(types);
	return e;
}

static struct error *describe_variable(struct call *c, const struct variable *v)
{
	struct value_options options = VALUE_OPTIONS;
	struct value_source source = datum_source(c->state);
	struct type_found found;
	struct types *types;
	struct text text = {0}, declaration = {0}, *out = &c->reply->text;
	const char *names[] = {v->name};

	struct error *e = expression_types(c, v->unit, names, 1, options.depth, &types, &found);
	if (e)
		return e;
	unsigned char *bytes = read_variable(c, v, found.type, &text);
	if (bytes)
		value_text(&text, found.type, bytes, &source, &options);
	if (found.type->nameless)
		text_printf(&declaration, "%s %s", found.type->name, v->name);
	else
		type_put_declaration(&declaration, found.type, v->name);
	text_printf(out, "%s%s\n", v->symbol.internal ? "static " : "",
		    declaration.bytes ? declaration.bytes : v->name);
	text_printf(out, "%-10s %s:%u\n", "declared", v->file, v->line);
	text_printf(out, "%-10s 0x%" PRIx64 ", %" PRIu64 " bytes\n", "at", v->symbol.address,
		    found.type->size);
	text_printf(out, "%-10s ", "value");
	if (bytes)
		datum_show(c->state, out, found.type, bytes, &options);
	else
		text_puts(out, text.bytes ? text.bytes : "");
	text_puts(out, "\n");
	c->reply->data = variable_json(c, v, found.type, bytes, text.bytes ? text.bytes : "", &options);
	json_object_set_new(c->reply->data, "kind", json_string("variable"));
	free(bytes);
	text_fini(&text);
	text_fini(&declaration);
	types_free(types);
	return NULL;
}

static struct error *describe_macro(struct call *c, const struct index *ix, const struct index_macro *m,
				    const char *name)
{
	char *text = strndup(ix->text + m->begin, m->end - m->begin);

	if (!text)
		return error_memory();
	text_printf(&c->reply->text, "%s\n", text);
	c->reply->data = json_pack("{s:s, s:s, s:s}", "kind", "macro", "name", name, "text", text);
	free(text);
	return NULL;
}

/* A function without an entry: what its file says. */
static bool describe_plain_function(struct call *c, struct source *source, const char *name)
{
	const struct index *ix = source->index;
	const struct index_declaration *d = index_find_function(ix, name, 0);
	struct naming naming = {.name = name};
	struct text head = {0};

	if (!d)
		return false;
	naming.callers = json_array();
	for (uint32_t i = d->begin; i < d->body; i++) {
		char letter = ix->text[i];
		bool space = isspace((unsigned char)letter);
		if (letter == '#' && (i == 0 || ix->text[i - 1] == '\n'))
			while (i + 1 < d->body && ix->text[i + 1] != '\n')
				i++;
		else if (!space)
			text_append(&head, &letter, 1);
		else if (head.size && head.bytes[head.size - 1] != ' ')
			text_puts(&head, " ");
	}
	while (head.size && head.bytes[head.size - 1] == ' ')
		head.bytes[--head.size] = '\0';
	sources_each(live_host(c->live)->sources, find_callers, &naming);
	text_printf(&c->reply->text, "%s\n%-10s %s:%u; not decorated, so it cannot be redefined\n",
		    head.bytes ? head.bytes : name, "defined", ix->files[d->file], d->line);
	put_line(&c->reply->text, "called by", &naming.text);
	c->reply->data = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "kind", "function", "function", name,
				   "signature", head.bytes ? head.bytes : "", "file", ix->files[d->file],
				   "line", (int)d->line, "called_by", naming.callers);
	text_fini(&naming.text);
	text_fini(&head);
	return true;
}

/* What a name is in one unit: false if nothing. */
static bool describe_in(struct call *c, const struct target_unit *unit, const char *name, struct error **e)
{
	struct variables found = {0};
	struct source *source;

	*e = source_of(c, unit, &source);
	if (*e)
		return false;
	*e = find_variables(c, unit, name, true, &found);
	if (!*e && found.count) {
		*e = describe_variable(c, &found.items[0]);
		variables_fini(&found);
		return true;
	}
	variables_fini(&found);
	char *spelled = type_spelling(source->index, name);
	if (spelled) {
		*e = describe_type(c, unit, spelled);
		free(spelled);
		return !*e;
	}
	const struct index_macro *m =
		index_find_macro(source->index, name, strlen(name), source->index->size);
	if (m && !m->undefined) {
		*e = describe_macro(c, source->index, m, name);
		return true;
	}
	return describe_plain_function(c, source, name);
}

struct error *listing_describe(struct call *c)
{
	const struct target_unit *units[UNITS_MAX], *first;
	struct live_function *f;
	const struct scope_item *item =
		c->state->scope ? scope_find(c->state->scope, c->line, strlen(c->line)) : NULL;

	if (item && item->kind == SCOPE_VARIABLE) {
		struct value_options options = VALUE_OPTIONS;
		return expression_print(c, c->line, strlen(c->line), &options);
	}
	struct error *unknown = lookup_find(c->live, c->line, c->state->file, &f);
	if (!unknown)
		return describe_function(c, f);
	if (error_class(unknown) == ERROR_AMBIGUOUS)
		return unknown;
	struct error *e = context_unit(c->state, c->live, &first);
	bool done = !e && describe_in(c, first, c->line, &e);
	size_t count = done ? 0 : find_units(c, units);
	for (size_t i = 0; i < count && !done; i++) {
		error_free(e);
		e = NULL;
		if (units[i] != first)
			done = describe_in(c, units[i], c->line, &e);
	}
	if (done || e) {
		error_free(unknown);
		return e;
	}
	if (strstr(error_message(unknown), "did you mean"))
		return unknown;
	error_free(unknown);
	return error_new(ERROR_UNKNOWN, "the program's files have no function, variable, type or macro %s",
			 c->line);
}
