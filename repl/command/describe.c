#include "describe.h"
#include "attributes.h"
#include "context.h"
#include "datum.h"
#include "declaration.h"
#include "elsewhere.h"
#include "expression.h"
#include "folded.h"
#include "layout.h"
#include "lookup.h"
#include "notice.h"
#include "scope.h"
#include "show.h"
#include "texts.h"
#include "unread.h"
#include "variables.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MOST = 200 };

/* --- functions ------------------------------------------------------------------------------------------------- */

struct naming {
	const char *name;
	json_t *callers;
	struct text text;
};

/* Whether a range of preprocessed text names a function; a member's name or a tag is none. */
static bool names_it(const struct index *ix, uint32_t begin, uint32_t end, const char *name)
{
	struct token_reader r;
	struct token t, before = {0};

	token_reader_within(&r, ix->text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t))
		if (t.kind == TOKEN_NAME && token_is(&r, &t, name) && !token_selects(&r, &before) &&
		    !token_is(&r, &before, "struct") && !token_is(&r, &before, "union") &&
		    !token_is(&r, &before, "enum"))
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
		const struct index_name *n = &ix->names[d->name_end - 1];
		char *caller = strndup(ix->text + n->begin, n->end - n->begin);
		if (!caller)
			continue;
		text_printf(&naming->text, "%s%s (%s:%u)", naming->text.size ? ", " : "", caller,
			    text_base_name(ix->files[d->file]), d->line);
		json_array_append_new(naming->callers,
				      json_pack("{s:s, s:o, s:i}", "function", caller, "file",
						show_string(ix->files[d->file]), "line", (int)d->line));
		free(caller);
	}
	return true;
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

static void add_used(const char *name, size_t length, json_t *list, struct text *out)
{
	if (in_list(list, name, length))
		return;
	text_printf(out, "%s%.*s", out->size ? ", " : "", (int)length, name);
	json_array_append_new(list, json_stringn(name, length));
}

/* The variables that the declaration at a `static` of the text makes; none where a function begins there. */
static void add_statics(const struct index *ix, const char *text, uint32_t at, json_t *list, struct text *out)
{
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, text, (uint32_t)strlen(text));
	r.tokens.at = at;
	r.tokens.line_start = false;
	r.context = (void *)ix;
	r.is_type = index_is_typedef;
	declaration_next(&r, &d);
	for (size_t i = 0; d.kind == DECLARATION_NAMES && i < d.name_count; i++)
		if (d.names[i].kind == NAME_VARIABLE)
			add_used(text + d.names[i].begin, d.names[i].end - d.names[i].begin, list, out);
	declaration_fini(&d);
}

/* Names of file-scope variables in a text and its own statics, each once; members are not among them. */
static json_t *used_variables(const struct index *ix, const char *text, struct text *out)
{
	json_t *list = json_array();
	struct token_reader r;
	struct token t, before = {0};

	token_reader_init(&r, text, (uint32_t)strlen(text));
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (token_is(&r, &t, "static"))
			add_statics(ix, text, t.begin, list, out);
		else if (t.kind == TOKEN_NAME && !token_selects(&r, &before) &&
			 index_find_kind(ix, text + t.begin, t.end - t.begin, NAME_VARIABLE))
			add_used(text + t.begin, t.end - t.begin, list, out);
	}
	return list;
}

struct inlining {
	const struct live *live;
	const struct live_function *function;
	json_t *list;
	struct text text;
};

static bool add_inlining(void *context, uint64_t address, const char *caller, const char *file, unsigned line)
{
	struct inlining *in = context;

	(void)address;
	if (!notice_keeps_copy(in->live, in->function, caller))
		return true;
	json_t *place = json_pack("{s:s, s:o, s:i}", "function", caller ? caller : "", "file",
				  show_string(file ? file : ""), "line", (int)line);
	for (size_t i = 0; i < json_array_size(in->list); i++) {
		if (!json_equal(place, json_array_get(in->list, i)))
			continue;
		json_decref(place); /* a macro has two calls on a line */
		return true;
	}
	json_array_append_new(in->list, place);
	text_printf(&in->text, "%s%s", in->text.size ? ", " : "",
		    caller ? caller : "a caller that debug information does not name");
	if (file)
		text_printf(&in->text, " (%s:%u)", text_base_name(file), line);
	return true;
}

json_t *describe_inlined(const struct live *l, const struct live_function *f, struct text *out)
{
	struct inlining inlining = {.live = l, .function = f, .list = json_array()};

	target_each_inlined(live_target(l), &f->at, add_inlining, &inlining);
	*out = inlining.text;
	return inlining.list;
}

static void put_line(struct text *out, const char *what, const struct text *text)
{
	if (text->size)
		text_printf(out, "%-10s %s\n", what, text->bytes);
}

/* Callers are known of what is read. */
static void put_unread(struct call *c, const char *name)
{
	size_t naming = unread_naming(c->live, name);

	if (naming)
		text_printf(&c->reply->text, "%-10s %zu %s that %s not read yet: \\in FILE reads one\n",
			    "named in", naming, naming == 1 ? "source" : "sources",
			    naming == 1 ? "is" : "are");
}

static struct error *describe_function(struct call *c, struct live_function *f)
{
	struct naming naming = {.name = f->at.name, .callers = json_array()};
	struct text used = {0}, folded = {0}, inlined, *out = &c->reply->text;
	json_t *variables = json_array();
	struct source *source = NULL;
	char *signature = texts_signature(c->live, f), *text = NULL;
	unsigned line;

	struct error *unread = sources_find(live_host(c->live)->sources, f->at.unit, &source), *e;
	if (source)
		sources_each(live_host(c->live)->sources, find_callers, &naming);
	e = texts_of_version(c->live, f, f->live, &text, &line);
	if (!e && source) {
		json_decref(variables);
		variables = used_variables(source->index, text, &used);
	}
	error_free(e);
	json_t *inlined_in = describe_inlined(c->live, f, &inlined);
	char *flags = source ? words_join(source->flags.argv) : NULL;
	line = texts_line(c->live, f);
	text_printf(out, "%s\n", signature ? signature : f->name);
	text_printf(out, "%-10s %s:%u in %s, at 0x%" PRIx64 "\n", "defined", f->at.file ? f->at.file : "?",
		    line, f->at.module, f->at.entry);
	text_printf(out, "%-10s %d of %d, %s\n", "live", f->live, f->versions,
		    texts_state_name(texts_state(c->live, f)));
	if (flags)
		text_printf(out, "%-10s %s (from %s)\n", "flags", flags, source->flags.origin);
	if (unread)
		text_printf(out, "%-10s %s\n", "unread", error_message(unread));
	error_free(unread);
	folded_names(&f->at, &folded);
	put_line(out, "one with", &folded);
	put_line(out, "called by", &naming.text);
	put_unread(c, f->at.name);
	put_line(out, "inlined in", &inlined);
	put_line(out, "uses", &used);
	c->reply->data =
		json_pack("{s:s, s:s, s:s, s:o, s:i, s:s, s:i, s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "kind",
			  "function", "function", f->at.name, "signature", signature ? signature : "", "file",
			  show_string(f->at.file ? f->at.file : ""), "line", (int)line, "module",
			  f->at.module, "version", f->live, "versions", f->versions, "state",
			  texts_state_name(texts_state(c->live, f)), "flags", flags ? flags : "",
			  "flags_from", source ? source->flags.origin : "", "called_by", naming.callers,
			  "inlined_in", inlined_in, "uses", variables);
	if (folded.size)
		json_object_set_new(c->reply->data, "folded", json_string(folded.bytes));
	text_fini(&folded);
	text_fini(&naming.text);
	text_fini(&inlined);
	text_fini(&used);
	free(flags);
	free(signature);
	free(text);
	return NULL;
}

/* --- types, variables, macros ---------------------------------------------------------------------------------- */

/* How an expression names the type that `name` may be; NULL in *spelled if it is none. */
static char *type_spelling(const struct index *ix, const char *name)
{
	static const char *const keywords[] = {"struct ", "union ", "enum "};
	char *spelled = NULL;

	for (size_t i = 0; i < 3; i++)
		if (strncmp(name, keywords[i], strlen(keywords[i])) == 0)
			return strdup(name);
	if (index_find_kind(ix, name, strlen(name), NAME_TYPEDEF))
		return strdup(name);
	for (uint32_t i = index_find(ix, INDEX_TAG, name, strlen(name)); i != INDEX_NONE;
	     i = ix->names[i].next) {
		if (ix->names[i].kind != NAME_TAG)
			continue;
		if (asprintf(&spelled, "%s %s",
			     declaration_tag_word(ix->text, ix->declarations[ix->names[i].declaration].begin,
						  ix->names[i].begin),
			     name) < 0)
			spelled = NULL;
		return spelled;
	}
	return NULL;
}

/* What a typedef that has no members stands for, as its file says it. */
static void put_typedef(struct text *out, const struct index *ix, const char *name)
{
	const struct index_name *n = index_find_kind(ix, name, strlen(name), NAME_TYPEDEF);
	const struct index_declaration *d = n ? &ix->declarations[n->declaration] : NULL;
	struct text line = {0};

	if (!d)
		return;
	text_append_words(&line, ix->text + d->begin, d->end - d->begin);
	if (line.size && line.size < LINE_MOST)
		text_printf(out, "%s\n", line.bytes);
	text_fini(&line);
}

/* Goes on until a source has the tag. */
static bool lacks_tag(void *context, struct source *source)
{
	const char **tag = context;

	if (index_find(source->index, INDEX_TAG, *tag, strlen(*tag)) != INDEX_NONE)
		*tag = NULL;
	return *tag != NULL;
}

static struct error *explain_incomplete(struct call *c, const char *spelled)
{
	const char *space = strrchr(spelled, ' '), *tag = space ? space + 1 : spelled;

	sources_each(live_host(c->live)->sources, lacks_tag, &tag);
	if (tag)
		return error_new(ERROR_UNKNOWN, "no source has a %s: \\types lists those that there are",
				 spelled);
	return error_new(ERROR_UNKNOWN, "%s is only mentioned, nowhere defined", spelled);
}

static struct error *describe_type(struct call *c, const struct target_unit *unit, const struct index *ix,
				   const char *spelled)
{
	struct type_found found;
	struct types *types;
	char *text;

	if (asprintf(&text, "*(%s *)0", spelled) < 0)
		return error_memory();
	const char *texts[] = {text};
	struct error *e = expression_types(c, unit, texts, 1, 0, &types, &found);
	free(text);
	if (!e) {
		if (!found.type->definition && ix)
			put_typedef(&c->reply->text, ix, spelled);
		layout_describe(c, found.type);
		types_free(types);
		return NULL;
	}
	if (error_class(e) != ERROR_COMPILE || !strstr(error_message(e), "incomplete type"))
		return e;
	error_free(e);
	return explain_incomplete(c, spelled);
}

static struct error *describe_variable(struct call *c, const struct variables_item *v)
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
	unsigned char *bytes = variables_read(c, v, found.type, &text);
	if (bytes)
		value_text(&text, found.type, bytes, &source, &options);
	if (found.type->nameless)
		text_printf(&declaration, "%s %s", found.type->name, v->name);
	else
		type_put_declaration(&declaration, found.type, v->name);
	text_printf(out, "%s%s\n", v->symbol.internal ? "static " : "",
		    declaration.bytes ? declaration.bytes : v->name);
	text_printf(out, "%-10s %s:%u\n", "declared", v->file, v->line);
	text_printf(out, "%-10s 0x%" PRIx64 ", %" PRIu64 " byte%s\n", "at", v->symbol.address,
		    found.type->size, text_s(found.type->size));
	text_printf(out, "%-10s ", "value");
	if (bytes)
		datum_show(c->state, out, found.type, bytes, &options);
	else
		text_puts(out, text.bytes ? text.bytes : "");
	text_puts(out, "\n");
	c->reply->data = variables_json(c, v, found.type, bytes, text.bytes ? text.bytes : "", &options);
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
	c->reply->data =
		json_pack("{s:s, s:s, s:o}", "kind", "macro", "name", name, "text", show_string(text));
	free(text);
	return NULL;
}

/* A constant of an enumeration: its value as the program has it. */
static bool describe_enumerator(struct call *c, const struct target_unit *unit, const struct index *ix,
				const char *name)
{
	const struct index_name *n = index_find_kind(ix, name, strlen(name), NAME_ENUMERATOR);
	const struct index_declaration *d = n ? &ix->declarations[n->declaration] : NULL;
	const struct index_name *tag = n;
	struct text *out = &c->reply->text;
	int64_t value;

	if (!d)
		return false;
	while (tag >= &ix->names[d->name_begin] && tag->kind == NAME_ENUMERATOR)
		tag--;
	bool tagged = tag >= &ix->names[d->name_begin] && tag->kind == NAME_TAG &&
		      strcmp(declaration_tag_word(ix->text, d->begin, tag->begin), "enum") == 0;
	char *of = tagged ? strndup(ix->text + tag->begin, tag->end - tag->begin) : NULL;
	bool known = target_find_enumerator(live_target(c->live), unit, name, &value);
	text_puts(out, name);
	if (known)
		text_printf(out, " = %" PRId64, value);
	text_printf(out, "\n%-10s %s:%u, enum %s\n", "declared", ix->files[d->file], d->line,
		    of ? of : "without a tag");
	c->reply->data =
		json_pack("{s:s, s:s, s:s, s:o, s:i}", "kind", "enumerator", "name", name, "tag",
			  of ? of : "", "file", show_string(ix->files[d->file]), "line", (int)d->line);
	if (known)
		json_object_set_new(c->reply->data, "value", json_integer(value));
	free(of);
	return true;
}

/* Who calls a function without an entry, and what the answer is as data. `head`: its declaration, or NULL. */
static void answer_undecorated(struct call *c, const struct index *ix, const struct index_declaration *d,
			       const char *name, const char *head)
{
	struct naming naming = {.name = name, .callers = json_array()};

	sources_each(live_host(c->live)->sources, find_callers, &naming);
	put_line(&c->reply->text, "called by", &naming.text);
	put_unread(c, name);
	c->reply->data = json_pack("{s:s, s:s, s:s, s:o, s:i, s:o}", "kind", "function", "function", name,
				   "signature", head ? head : "", "file", show_string(ix->files[d->file]),
				   "line", (int)d->line, "called_by", naming.callers);
	text_fini(&naming.text);
}

/* A function without an entry: what its file says. */
static bool describe_plain_function(struct call *c, struct source *source, const char *name)
{
	const struct index *ix = source->index;
	const struct index_declaration *d = index_find_function(ix, name, 0);

	if (!d)
		return false;
	char *head = index_head(ix, d);
	const struct live_function *keeper = folded_into(c->live, name);
	text_printf(&c->reply->text, "%s\n%-10s %s:%u; %s%s\n", head ? head : name, "defined",
		    ix->files[d->file], d->line,
		    keeper ? "the build folded it into " : "not decorated, so it cannot be redefined",
		    keeper ? keeper->at.name : "");
	answer_undecorated(c, ix, d, name, head);
	free(head);
	return true;
}

/* A function that a resolver chooses, or that is not in the program's files: what the unit's file declares. */
static bool describe_in_unit(struct call *c, const struct target_unit *unit, const char *name)
{
	struct source *source;

	struct error *e = sources_find(live_host(c->live)->sources, unit, &source);
	if (e) {
		error_free(e);
		return false;
	}
	const struct index *ix = source->index;
	const struct index_name *n = index_find_kind(ix, name, strlen(name), NAME_FUNCTION);
	const char *resolver;
	size_t length;
	if (!n)
		return false;

	const struct index_declaration *d = &ix->declarations[n->declaration];
	char *head = index_head(ix, d);
	bool chosen = attributes_find_resolver(ix->text, d->begin, d->end, &resolver, &length);
	text_printf(&c->reply->text, "%s\n%-10s %s:%u%s\n", head ? head : name, "declared",
		    ix->files[d->file], d->line,
		    chosen ? "" : "; its body is in none of the program's files");
	if (chosen)
		text_printf(&c->reply->text, "%-10s %.*s, when the program was loaded\n", "chosen by",
			    (int)length, resolver);
	answer_undecorated(c, ix, d, name, head);
	free(head);
	return true;
}

/* What a name is in one unit: false if nothing. */
static bool describe_in(struct call *c, const struct target_unit *unit, const char *name, struct error **e)
{
	struct variables found = {0};
	struct source *source;

	*e = sources_find(live_host(c->live)->sources, unit, &source);
	if (*e)
		return false;
	*e = variables_find(c, unit, name, true, &found);
	if (!*e && found.count) {
		*e = describe_variable(c, &found.items[0]);
		variables_fini(&found);
		return true;
	}
	variables_fini(&found);
	char *spelled = type_spelling(source->index, name);
	if (spelled) {
		*e = describe_type(c, unit, source->index, spelled);
		free(spelled);
		return !*e;
	}
	const struct index_macro *m =
		index_find_macro(source->index, name, strlen(name), source->index->size);
	if (m && !m->undefined) {
		*e = describe_macro(c, source->index, m, name);
		return true;
	}
	return describe_enumerator(c, unit, source->index, name) || describe_plain_function(c, source, name);
}

/* --- what this console has declared ----------------------------------------------------------------------------- */

static const struct scope_item *find_item(const struct call *c, bool *tag)
{
	char name[256];
	const struct scope *s = c->state->scope;
	const struct scope_item *item = s ? scope_find(s, c->line, strlen(c->line)) : NULL;

	*tag = s && !item;
	if (!*tag)
		return item;
	snprintf(name, sizeof(name), "#%s", c->line);
	return scope_find(s, name, strlen(name));
}

static struct error *describe_type_item(struct call *c, const struct scope_item *item, bool tag)
{
	const struct target_unit *unit;
	char *spelled = NULL;

	struct error *e = context_unit(c->state, c->live, &unit);
	if (e)
		return e;
	if (tag && asprintf(&spelled, "%s %s", scope_tag_word(item, c->line), c->line) < 0)
		return error_memory();
	e = describe_type(c, unit, NULL, spelled ? spelled : c->line);
	if (!e && !strchr(c->reply->text.bytes, '{'))
		text_printf(&c->reply->text, "%s\n", item->text);
	free(spelled);
	return e;
}

static struct error *describe_item(struct call *c, const struct scope_item *item, bool tag)
{
	struct value_options options = VALUE_OPTIONS;

	switch (item->kind) {
	case SCOPE_VARIABLE:
		return expression_print(c, c->rest, strlen(c->line), &options);
	case SCOPE_FUNCTION:
		text_printf(&c->reply->text, "%s\na function of this session\n\n%s\n", item->text,
			    item->definition);
		c->reply->data = json_pack("{s:s, s:b, s:s, s:s}", "function", item->names[0], "session",
					   true, "signature", item->text, "text", item->definition);
		return NULL;
	case SCOPE_TYPE:
		return describe_type_item(c, item, tag);
	default:
		text_printf(&c->reply->text, "%s\n", item->text);
		c->reply->data = json_pack("{s:s, s:s, s:s}", "kind",
					   item->kind == SCOPE_MACRO ? "macro" : "prototype", "name",
					   item->names[0], "text", item->text);
		return NULL;
	}
}

/* --- expressions ------------------------------------------------------------------------------------------------ */

/* Whether it cannot be a name, with its keyword, its file or its function before it. */
static bool is_expression(const char *line)
{
	struct token_reader r;
	struct token t;
	bool plain = true, colon = false, question = false;

	token_reader_init(&r, line, (uint32_t)strlen(line));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		plain &= t.kind == TOKEN_NAME && line[t.begin] != '$';
		colon |= token_is(&r, &t, ":");
		question |= token_is(&r, &t, "?");
	}
	return !plain && colon == question;
}

/* What the file at hand does not know of the expression, another may. */
static struct error *types_somewhere(struct call *c, const struct target_unit *unit, struct types **types,
				     struct type_found *found)
{
	const char *texts[] = {c->line};
	struct token_reader r;
	struct token t;

	struct error *e = expression_types(c, unit, texts, 1, 1, types, found);
	token_reader_init(&r, c->line, (uint32_t)strlen(c->line));
	for (token_next(&r, &t); e && error_class(e) == ERROR_COMPILE && t.kind != TOKEN_END;
	     token_next(&r, &t)) {
		char quoted[300];
		snprintf(quoted, sizeof(quoted), "'%.*s'", (int)(t.end - t.begin), c->line + t.begin);
		if (t.kind != TOKEN_NAME || !strstr(error_message(e), quoted))
			continue;
		const struct target_unit *other =
			elsewhere_unit(c->state->host, c->line + t.begin, t.end - t.begin, unit);
		if (!other)
			break;
		error_free(e);
		return expression_types(c, other, texts, 1, 1, types, found);
	}
	return e;
}

/* Its type alone: it is not evaluated. */
static struct error *describe_expression(struct call *c, const struct target_unit *unit)
{
	struct type_found found;
	struct types *types;

	struct error *e = types_somewhere(c, unit, &types, &found);
	if (e)
		return e;
	const struct type *type = found.type;
	if (type->kind == TYPE_POINTER && type->target->definition) {
		text_printf(&c->reply->text, "%s: %" PRIu64 " bytes, points to\n", type->name, type->size);
		type = type->target;
	}
	layout_describe(c, type);
	json_object_update_new(c->reply->data, json_pack("{s:s, s:s, s:s}", "kind", "expression",
							 "expression", c->line, "type", found.type->name));
	types_free(types);
	return NULL;
}

struct error *describe_name(struct call *c)
{
	const struct target_unit *units[CONTEXT_UNITS_MAX], *first = NULL;
	struct live_function *f;
	bool tag;
	const struct scope_item *item = find_item(c, &tag);

	if (item)
		return describe_item(c, item, tag);
	struct error *unknown = lookup_find(c->live, c->line, c->state->file, &f);
	if (!unknown)
		return describe_function(c, f);
	if (error_class(unknown) == ERROR_AMBIGUOUS)
		return unknown;
	struct error *e = context_unit(c->state, c->live, &first);
	bool done = !e && describe_in(c, first, c->line, &e);
	size_t count = done ? 0 : context_units(c->state, c->live, c->line, units);
	for (size_t i = 0; i < count && !done; i++) {
		struct error *other = NULL;
		if (units[i] == first)
			continue;
		done = describe_in(c, units[i], c->line, &other);
		if (!done && !other)
			continue; /* what the files before it say of the name stays */
		error_free(e);
		e = other;
	}
	for (size_t i = 0; i < count && !done && !e; i++)
		done = describe_in_unit(c, units[i], c->line);
	if (done || e) {
		error_free(unknown);
		return e;
	}
	if (first && is_expression(c->line)) {
		error_free(unknown);
		return describe_expression(c, first);
	}
	if (strstr(error_message(unknown), "did you mean"))
		return unknown;
	error_free(unknown);
	return error_new(ERROR_UNKNOWN, "the program's files have no function, variable, type or macro %s",
			 c->line);
}
