#include "preamble.h"
#include "edit.h"
#include "index.h"
#include "indexer.h"
#include "locals.h"
#include "lookup.h"
#include "scope.h"
#include "sources.h"
#include "texts.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { UNSEEN, BEGUN, WRITTEN };

struct making {
	struct scope *scope;
	const struct index *file;  /* of the function */
	struct index *included;    /* the same with the console's includes; NULL: there are none */
	const struct index *entry; /* of what is being read */
	const struct index *typed; /* of what was typed: its own names are not looked for */
	uint32_t typed_at;         /* where it begins in its index */
	enum state *states;        /* of the scope's items */
	size_t reading;            /* the one whose definition is being read */
	bool includes;             /* they are needed */
	struct text out, names;
};

/* --- constant initialisers ----------------------------------------------------------------------------------------- */

static bool is_constant_name(const struct making *m, const char *name, size_t length)
{
	static const char *const words[] = {"sizeof",   "_Alignof", "struct", "union", "enum", "const",
					    "unsigned", "signed",   "char",   "short", "int",  "long",
					    "float",    "double",   "void",   "_Bool", NULL};

	for (const char *const *word = words; *word; word++)
		if (strlen(*word) == length && memcmp(*word, name, length) == 0)
			return true;
	const struct scope_item *item = scope_find(m->scope, name, length);
	return (item && (item->kind == SCOPE_MACRO || item->kind == SCOPE_TYPE)) ||
	       index_find_macro(m->file, name, length, m->file->size) ||
	       index_find_kind(m->file, name, length, NAME_ENUMERATOR) ||
	       index_find_kind(m->file, name, length, NAME_TYPEDEF);
}

/* Whether a variable that outlives a call may be initialised so. Careful the one way: what is not sure of it is not. */
static bool is_constant(const struct making *m, const char *initialiser)
{
	struct token_reader r;
	struct token t, before = {0};

	token_reader_init(&r, initialiser, (uint32_t)strlen(initialiser));
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (t.kind == TOKEN_NAME && !token_is(&r, &before, ".") &&
		    !is_constant_name(m, initialiser + t.begin, t.end - t.begin))
			return false;
	}
	return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static void put_variable(struct making *m, const struct scope_item *item)
{
	const char *initialiser = item->initialiser ? item->definition + item->initialiser : "";
	bool keep = *initialiser && is_constant(m, initialiser);
	size_t size = keep || !item->initialiser ? strlen(item->definition) : item->initialiser;

	text_printf(&m->out, "static %.*s;\n", (int)size, item->definition);
}

static void put_item(struct making *m, const struct scope_item *item)
{
	const char *name = item->names[0];

	if (item->kind == SCOPE_VARIABLE)
		put_variable(m, item);
	else if (item->kind == SCOPE_FUNCTION)
		text_printf(&m->out, "static %s\n", item->definition + strspn(item->definition, " \t\r\n"));
	else
		text_printf(&m->out, "%s\n", item->text);
	text_printf(&m->names, "\n%s", name + (*name == '#'));
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static struct error *read_code(struct making *m, const char *code, size_t size, bool typed);
static struct error *read_words(struct making *m, const char *text);

static bool index_has(const struct index *ix, enum index_space space, const char *name, size_t length)
{
	return index_find(ix, space, name, length) != INDEX_NONE ||
	       (space == INDEX_ORDINARY && index_find_macro(ix, name, length, ix->size));
}

/* A name that the typed text declares itself. */
static bool is_typed(const struct making *m, enum index_space space, const char *name, size_t length)
{
	if (!m->typed)
		return false;
	if (space == INDEX_ORDINARY && index_find_macro(m->typed, name, length, m->typed->size))
		return true;
	for (uint32_t i = index_find(m->typed, space, name, length); i != INDEX_NONE;
	     i = m->typed->names[i].next)
		if (m->typed->names[i].begin >= m->typed_at && m->typed->names[i].kind != NAME_TAG_FORWARD)
			return true;
	return false;
}

static bool goes_by(const struct scope_item *item, enum index_space space, const char *name, size_t length)
{
	for (char **n = item->names; *n; n++)
		if ((**n == '#') == (space == INDEX_TAG) && strlen(*n + (**n == '#')) == length &&
		    memcmp(*n + (**n == '#'), name, length) == 0)
			return true;
	return false;
}

/* Behind everything that it needs itself. */
static struct error *want_item(struct making *m, size_t i)
{
	const struct scope_item *item = scope_item(m->scope, i);

	if (m->states[i] == BEGUN && i != m->reading && item->kind == SCOPE_FUNCTION)
		text_printf(&m->out, "static %s\n", item->text); /* two that call each other */
	if (m->states[i] != UNSEEN)
		return NULL;
	m->states[i] = BEGUN;
	size_t outer = m->reading;
	struct error *e;
	m->reading = i;
	if (item->kind == SCOPE_FUNCTION)
		e = read_code(m, item->definition, strlen(item->definition), false);
	else
		e = read_words(m, item->definition ? item->definition : item->text);
	if (!e)
		put_item(m, item);
	m->states[i] = WRITTEN;
	m->reading = outer;
	return e;
}

static struct error *want_name(struct making *m, enum index_space space, const char *name, size_t length)
{
	bool in_file = index_has(m->file, space, name, length);

	if (is_typed(m, space, name, length))
		return NULL;
	for (size_t i = 0; scope_item(m->scope, i); i++) {
		const struct scope_item *item = scope_item(m->scope, i);
		bool is_type = item->kind == SCOPE_TYPE || item->kind == SCOPE_MACRO;
		if (goes_by(item, space, name, length) && (is_type || !in_file))
			return want_item(m, i);
	}
	if (!in_file && m->included && index_has(m->included, space, name, length))
		m->includes = true;
	return NULL;
}

static bool is_tag_word(const struct token_reader *r, const struct token *t)
{
	return t->kind == TOKEN_NAME &&
	       (token_is(r, t, "struct") || token_is(r, t, "union") || token_is(r, t, "enum"));
}

/* A declaration's words, or a macro's. */
static struct error *read_words(struct making *m, const char *text)
{
	struct token_reader r;
	struct token t, before = {0};
	struct error *e = NULL;

	token_reader_within(&r, text, *text == '#', (uint32_t)strlen(text), false);
	for (token_next(&r, &t); t.kind != TOKEN_END && !e; before = t, token_next(&r, &t))
		if (t.kind == TOKEN_NAME && !token_selects(&r, &before))
			e = want_name(m, is_tag_word(&r, &before) ? INDEX_TAG : INDEX_ORDINARY,
				      text + t.begin, t.end - t.begin);
	return e;
}

/* The names that are types by what the file and the console say, said again: so are a text's own variables told from what
 * it takes from outside. */
static void put_types(const struct making *m, const char *code, size_t size, struct text *out)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, code, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		const char *name = code + t.begin;
		size_t length = t.end - t.begin;
		if (t.kind == TOKEN_NAME && (index_find_kind(m->file, name, length, NAME_TYPEDEF) ||
					     scope_is_type(m->scope, name, length)))
			text_printf(out, "typedef int %.*s;\n", (int)length, name);
	}
}

/* In a function's head, before its body: the name of a parameter. */
static bool is_parameter(const struct locals *l, const struct token_reader *r, const struct token *before,
			 const struct token *next)
{
	return !l->braces && l->brackets && next->kind == TOKEN_PUNCTUATOR && strchr(",)[", next->first) &&
	       (before->kind == TOKEN_NAME || token_is(r, before, "*"));
}

static bool ends_statement(const struct token_reader *r, const struct token *before)
{
	return before->kind == TOKEN_PUNCTUATOR && (token_is(r, before, ";") || token_is(r, before, "{") ||
						    token_is(r, before, "}") || token_is(r, before, ":"));
}

static struct error *read_index(struct making *m, const struct index *ix, uint32_t from)
{
	struct token_reader r;
	struct token t, next, before = {0};
	struct locals locals = {.ix = ix};
	struct error *e = NULL;

	token_reader_within(&r, ix->text, from, ix->size, true);
	for (token_next(&r, &t); t.kind != TOKEN_END && !e; before = t, t = next) {
		token_next(&r, &next);
		locals_follow(&locals, &r, &before, &t, &next, ends_statement(&r, &before));
		if (t.kind == TOKEN_DIRECTIVE) {
			char *line = strndup(ix->text + t.begin, t.end - t.begin);
			e = line ? read_words(m, line) : error_memory();
			free(line);
			continue;
		}
		enum index_space space = is_tag_word(&r, &before) ? INDEX_TAG : INDEX_ORDINARY;
		bool own = space == INDEX_ORDINARY &&
			   (locals_have(&locals, &t) || is_parameter(&locals, &r, &before, &next));
		if (t.kind == TOKEN_NAME && !token_selects(&r, &before) && !own)
			e = want_name(m, space, ix->text + t.begin, t.end - t.begin);
	}
	locals_fini(&locals);
	return e;
}

/* Functions, with what stands around them. */
static struct error *read_code(struct making *m, const char *code, size_t size, bool typed)
{
	struct text whole = {0};
	struct index *ix;

	put_types(m, code, size, &whole);
	uint32_t from = (uint32_t)whole.size;
	text_append(&whole, code, size);
	size_t whole_size = whole.size;
	char *bytes = text_take(&whole);
	struct error *e = bytes ? indexer_read_text("", bytes, whole_size, NULL, 0, &ix) : error_memory();
	if (e)
		return e;
	const struct index *outer = m->typed;
	uint32_t outer_at = m->typed_at;
	if (typed) {
		m->typed = ix;
		m->typed_at = from;
	}
	e = read_index(m, ix, from);
	m->typed = outer;
	m->typed_at = outer_at;
	index_free(ix);
	return e;
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

/* The first of the text's functions that the program has, or NULL. */
static struct live_function *find_function(struct call *c, const char *name, const char *text, size_t size)
{
	struct live_function *f = NULL;
	struct edit edit;

	if (name) {
		error_free(lookup_find(c->live, name, c->state->file, &f));
		return f;
	}
	struct error *e = edit_new(text, size, &edit);
	for (size_t i = 0; !e && i < edit.count && !f; i++)
		error_free(lookup_find(c->live, edit.functions[i].name, c->state->file, &f));
	if (!e)
		edit_fini(&edit);
	error_free(e);
	return f;
}

static struct error *write_all(struct making *m, const char *text, size_t size, struct preamble *out)
{
	struct text whole = {0};

	struct error *e = read_code(m, text, size, true);
	if (e || (!m->includes && !m->out.size))
		return e;
	if (m->includes)
		text_puts(&whole, scope_includes(m->scope));
	for (const char *at = m->includes ? scope_includes(m->scope) : ""; *at; at = strchr(at, '\n') + 1)
		text_printf(&out->names, "\n%.*s", (int)strcspn(at, "\n"), at);
	text_append(&whole, m->out.bytes ? m->out.bytes : "", m->out.size);
	text_append(&out->names, m->names.bytes ? m->names.bytes : "", m->names.size);
	out->text = text_take(&whole);
	return out->text && !out->names.failed ? NULL : error_memory();
}

struct error *preamble_new(struct call *c, const char *name, const char *text, size_t size,
			   struct preamble *out)
{
	struct scope *scope = c->state->scope;
	struct source *source;
	size_t count = 0;

	*out = (struct preamble){.call = c};
	while (scope && scope_item(scope, count))
		count++;
	if (!scope || (!count && !*scope_includes(scope)))
		return NULL;
	struct live_function *f = find_function(c, name, text, size);
	if (!f || !f->at.unit)
		return NULL;
	out->unit = f->at.unit;
	struct error *e = texts_see_unit(c->live, f->at.unit);
	if (!e)
		e = sources_find(live_host(c->live)->sources, f->at.unit, &source);
	if (e)
		return e;
	struct making m = {.scope = scope, .file = source->index, .reading = count};
	m.states = calloc(count + 1, sizeof(*m.states));
	e = m.states ? scope_index(scope, source, &m.included) : error_memory();
	if (!e)
		e = write_all(&m, text, size, out);
	free(m.states);
	text_fini(&m.out);
	text_fini(&m.names);
	if (e)
		preamble_fini(out);
	return e;
}

void preamble_fini(struct preamble *p)
{
	free(p->text);
	p->text = NULL;
	text_fini(&p->names);
}

/* --- its variables -------------------------------------------------------------------------------------------------- */

static const struct scope_item *variable_named(const struct preamble *p, const char *name, uint64_t size)
{
	struct scope *scope = p->text ? p->call->state->scope : NULL;
	const struct scope_item *item = scope ? scope_find(scope, name, strlen(name)) : NULL;
	char line[300];

	snprintf(line, sizeof(line), "\n%s", name);
	const char *at = item && p->names.bytes ? strstr(p->names.bytes, line) : NULL;
	while (at && at[strlen(line)] && at[strlen(line)] != '\n')
		at = strstr(at + 1, line);
	return at && item->kind == SCOPE_VARIABLE && item->type->size == size ? item : NULL;
}

struct error *preamble_place(void *context, const char *name, uint64_t address, uint64_t size)
{
	const struct preamble *p = context;
	const struct scope_item *item = variable_named(p, name, size);
	struct program *program = live_program(p->call->live);
	unsigned char *bytes = item ? malloc(2 * size + 1) : NULL;

	if (!item)
		return NULL;
	struct error *e = bytes ? program_read(program, item->address, bytes, size) : error_memory();
	if (!e)
		e = program_read(program, address, bytes + size, size);
	if (!e &&
	    memcmp(bytes, bytes + size, size) != 0) /* else its page stays one that forked children share */
		e = program_write(program, address, bytes, size);
	free(bytes);
	return e;
}

void preamble_settle(const struct preamble *p)
{
	const struct build_host *host = live_host(p->call->live);
	struct scope *scope = p->text ? p->call->state->scope : NULL;

	for (size_t i = 0; scope && scope_item(scope, i); i++) {
		const char *name = scope_item(scope, i)->names[0];
		uint64_t address, size;
		if (host->versions.variable(host->versions.context, p->unit, NULL, name, 0, &address,
					    &size) &&
		    variable_named(p, name, size))
			scope_move(scope, name, address);
	}
}

/* --- telling --------------------------------------------------------------------------------------------------------- */

void preamble_tell(const struct preamble *p, struct text *out)
{
	const char *before = "  with what was declared at this console: ";

	for (const char *at = p->names.bytes; at && *at; at += strcspn(at, "\n")) {
		at++;
		text_printf(out, "%s%.*s", before, (int)strcspn(at, "\n"), at);
		before = ", ";
	}
	if (p->names.size)
		text_puts(out, "\n");
}

json_t *preamble_json(const struct preamble *p)
{
	json_t *list = json_array();

	for (const char *at = p->names.bytes; at && *at; at += strcspn(at, "\n")) {
		at++;
		json_array_append_new(list, json_stringn(at, strcspn(at, "\n")));
	}
	return list;
}
