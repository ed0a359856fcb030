#include "declare.h"
#include "datum.h"
#include "declaration.h"
#include "declarator.h"
#include "elsewhere.h"
#include "journal.h"
#include "token.h"
#include "value_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE "void " SNIPPET_FUNCTION "(void *rtf_result)\n{\n" /* what is declared is checked as */

bool declare_is_type(void *snippet, const char *name, uint32_t length)
{
	const struct snippet *x = snippet;
	struct source *source;

	if (scope_is_type(x->state->scope, name, length))
		return true;
	const struct scope_item *hidden = scope_find(x->state->scope, name, length);
	struct error *e = sources_find(live_host(x->live)->sources, x->unit, &source);
	struct index *index = NULL;
	if (!e)
		e = scope_index(x->state->scope, source, &index);
	if (e || hidden) {
		error_free(e);
		return false;
	}
	if (!index)
		index = source->index;
	if (index_find(index, INDEX_ORDINARY, name, length) != INDEX_NONE)
		return index_find_kind(index, name, length, NAME_TYPEDEF) != NULL;
	return !index_find_macro(index, name, length, index->size) &&
	       elsewhere_is_type(x->host, name, length);
}

static char *name_at(const char *text, const struct declaration_name *n)
{
	return strndup(text + n->begin, n->end - n->begin);
}

/* A declaration that makes no variable: a type, a prototype, an extern. `alias`: the type of a group of variables by
 * itself, under that name. */
static struct error *declare_item(struct snippet *x, const char *text, const struct declaration *d,
				  const char *whole, const char *alias)
{
	struct scope_item item = {.kind = SCOPE_PROTOTYPE, .text = strdup(whole)};
	size_t count = 0;

	item.names = calloc(d->name_count * 2 + 2, sizeof(*item.names));
	if (!item.names || !item.text) {
		free(item.names);
		free(item.text);
		return error_memory();
	}
	for (size_t i = 0; i < d->name_count; i++) {
		const struct declaration_name *n = &d->names[i];
		bool object = n->kind == NAME_VARIABLE || n->kind == NAME_FUNCTION;
		if (n->kind == NAME_MEMBER || n->kind == NAME_TAG_FORWARD || (alias && object))
			continue;
		if (n->kind == NAME_TYPEDEF || n->kind == NAME_TAG || n->kind == NAME_ENUMERATOR)
			item.kind = SCOPE_TYPE;
		if (n->kind == NAME_TAG &&
		    asprintf(&item.names[count], "#%.*s", (int)(n->end - n->begin), text + n->begin) < 0)
			item.names[count] = NULL;
		else if (n->kind != NAME_TAG)
			item.names[count] = name_at(text, n);
		if (item.names[count])
			count++;
	}
	if (alias) {
		item.kind = SCOPE_TYPE;
		if ((item.names[count] = strdup(alias)))
			count++;
	}
	if (count == 0) {
		free(item.names);
		free(item.text);
		return NULL; /* only forward: it says nothing */
	}
	return scope_declare(x->state->scope, &item);
}

/* `name` in the declarator, its initialiser behind. */
static struct error *add_variable(struct snippet *x, const char *text, const struct declaration *d,
				  const struct declaration_name *n, const char *base)
{
	struct snippet_variable *v = &x->variables[x->variable_count];

	if (x->variable_count == SNIPPET_NAMES)
		return error_new(ERROR_USAGE, "more than %d variables in one entry", SNIPPET_NAMES);
	struct declarator at = declarator_find(text, d, n);
	x->variable_count++;
	v->name = name_at(text, n);
	v->base = strdup(base);
	v->initialised = at.cut_end;
	v->begin = v->typed_begin = at.cut_begin;
	v->end = v->typed_end = at.cut_end;
	if (asprintf(&v->declarator, "%.*s%s%.*s", (int)(n->begin - at.begin), text + at.begin, "%s",
		     (int)(at.stop - n->end), text + n->end) < 0)
		v->declarator = NULL;
	return v->name && v->base && v->declarator ? NULL : error_memory();
}

/* A group of declarators: its type by itself where it is defined here, then each variable. */
static struct error *add_declaration(struct snippet *x, const char *text, const struct declaration *d)
{
	bool variables = false, body = false;
	struct error *e = NULL;
	char *whole = NULL;

	for (size_t i = 0; i < d->name_count; i++)
		variables |= d->names[i].kind == NAME_VARIABLE;
	if (d->is_typedef || !variables || (d->is_extern && !d->cut_count)) {
		if (asprintf(&whole, "%.*s%s", (int)(d->end - d->begin), text + d->begin,
			     text[d->end - 1] == ';' ? "" : ";") < 0)
			return error_memory();
		e = declare_item(x, text, d, whole, NULL);
		free(whole);
		return e;
	}
	char *base = declarator_specifiers(text, d->begin, d->specifiers);
	if (!base)
		return error_memory();
	if (d->begin < d->specifiers && base[strspn(base, " \t\n")] == '\0') {
		free(base);
		return error_new(ERROR_COMPILE,
				 "%.*s: a type is missing; __auto_type takes that of the initialiser",
				 (int)(d->names[0].end - d->names[0].begin), text + d->names[0].begin);
	}
	body = strchr(base, '{') != NULL;
	if (body) {
		const char *alias = scope_fresh_name(x->state->scope);
		if (asprintf(&whole, "typedef %s %s;", base, alias) < 0)
			e = error_memory();
		else
			e = declare_item(x, text, d, whole, alias);
		free(whole);
		free(base);
		base = strdup(alias);
		if (!base)
			return e ? e : error_memory();
	}
	for (size_t i = 0; i < d->name_count && !e; i++)
		if (d->names[i].kind == NAME_VARIABLE)
			e = add_variable(x, text, d, &d->names[i], base);
	free(base);
	return e;
}

/* A prototype that is static says nothing at a prompt, where it is no function of a file: the word becomes blanks. */
static void make_external(struct snippet *x, const struct declaration *d)
{
	struct token_reader r;
	struct token t;

	for (size_t i = 0; i < d->name_count; i++)
		if (d->names[i].kind == NAME_VARIABLE)
			return;
	token_reader_within(&r, x->text, d->begin, d->specifiers, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (token_is_linkage(&r, &t))
			memset(x->text + t.begin, ' ', t.end - t.begin);
}

static struct error *split_declarations(struct snippet *x)
{
	struct declaration_reader r;
	struct declaration d = {0};
	struct error *e = NULL;

	declaration_reader_init(&r, x->text, (uint32_t)x->size);
	r.is_type = declare_is_type;
	r.context = x;
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && !e; declaration_next(&r, &d)) {
		if (d.kind != DECLARATION_NAMES)
			continue;
		make_external(x, &d);
		e = add_declaration(x, x->text, &d);
	}
	declaration_fini(&d);
	return e;
}

/* Whether there is something between the declarations and definitions of the text that is neither. */
static struct error *refuse_other(const struct snippet *x)
{
	struct declaration_reader r;
	struct declaration d = {0};
	struct error *e = NULL;

	declaration_reader_init(&r, x->text, (uint32_t)x->size);
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && !e; declaration_next(&r, &d))
		if (d.kind == DECLARATION_OTHER && x->text[d.begin] != ';')
			e = error_new(ERROR_USAGE, "neither a declaration nor a function: %.*s",
				      (int)(d.end - d.begin > 60 ? 60 : d.end - d.begin), x->text + d.begin);
	declaration_fini(&d);
	return e;
}

struct error *declare_types(struct snippet *x)
{
	size_t before = x->variable_count;

	struct error *e = refuse_other(x);
	if (!e)
		e = split_declarations(x);
	if (!e && x->variable_count > before)
		e = error_new(ERROR_USAGE,
			      "%s: declare the session's variables first, in an entry of their own",
			      x->variables[before].name);
	return e;
}

static struct error *read_variables(struct snippet *x)
{
	void *unit = check_unit(live_host(x->live)->check);
	struct error *e = NULL;

	for (size_t i = 0; i < x->variable_count && !e; i++) {
		struct snippet_variable *v = &x->variables[i];
		types_free(v->types);
		v->types = NULL;
		e = types_of_variable(unit, SNIPPET_FUNCTION, v->name, &v->types, &x->found);
		v->type = x->found.type;
		if (!e && type_add_incomplete(v->type, x->options.depth, &x->also))
			return NULL; /* found.type has it: the check is made again */
	}
	return e;
}

/* Types and prototypes alone: whether they are C. */
static struct error *check_items(struct snippet *x, struct reply *reply)
{
	struct error *e = snippet_declare(x);
	if (!e) {
		text_printf(&x->checked, BEFORE "%s\n;}\n", x->given.text);
		/* The scope has them already: what is checked is that it can stand. */
		e = snippet_check(x);
	}
	if (!e)
		e = snippet_refuse(x, reply);
	return e;
}

static struct error *place_variables(struct snippet *x)
{
	struct error *e = NULL;

	for (size_t i = 0; i < x->variable_count && !e; i++) {
		struct snippet_variable *v = &x->variables[i];
		if (v->type->incomplete || v->type->size == 0)
			return error_new(ERROR_COMPILE, "the size of %s is not known", v->name);
		e = evaluator_alloc(x->host->evaluator, v->type->size, v->type->align, &v->address);
		if (!e)
			e = scope_text_bind(&x->given, v->name, v->address);
	}
	return e;
}

/* "BASE DECLARATOR" with a name put into the declarator. */
static void put_declarator(struct text *out, const struct snippet_variable *v, const char *name)
{
	const char *hole = strstr(v->declarator, "%s");

	text_printf(out, "%s %.*s%s%s", v->base, (int)(hole - v->declarator), v->declarator, name, hole + 2);
}

/* The variable's declaration for all that comes after it: its type is complete now. */
static void put_external(struct text *out, const struct snippet_variable *v)
{
	text_puts(out, "extern ");
	if (v->type->nameless)
		put_declarator(out, v, v->name);
	else
		type_put_declaration(out, v->type, v->name);
	text_puts(out, ";");
}

/* The variable as a definition: its whole declaration, and what it was typed to begin with. */
static void put_definition(struct text *out, struct snippet *x, const struct snippet_variable *v,
			   struct scope_item *item)
{
	if (v->type->nameless)
		put_declarator(out, v, v->name);
	else
		type_put_declaration(out, v->type, v->name);
	if (!v->initialised)
		return;
	text_puts(out, " ");
	item->initialiser = out->size;
	text_append(out, x->text + v->typed_begin, v->typed_end - v->typed_begin);
}

static struct error *show_variable(struct snippet *x, struct snippet_variable *v, struct reply *reply)
{
	unsigned char *bytes;

	struct error *e = snippet_read(x, v->address, (size_t)v->type->size, &bytes);
	if (e)
		return e;
	struct value_source source = datum_source(x->state);
	struct text text = {0};
	char address[32];
	text_printf(&reply->text, "%s = ", v->name);
	datum_show(x->state, &reply->text, v->type, bytes, &x->options);
	text_puts(&reply->text, "\n");
	value_text(&text, v->type, bytes, &source, &x->options);
	snprintf(address, sizeof(address), "0x%" PRIx64, v->address);
	json_t *string = json_stringn(text.bytes ? text.bytes : "", text.size);
	json_t *row =
		json_pack("{s:s, s:s, s:s, s:I, s:o}", "name", v->name, "type", v->type->name, "address",
			  address, "size", (json_int_t)v->type->size, "text", string ? string : json_null());
	value_json_put(row, v->type, bytes, &source, &x->options);
	json_array_append_new(reply->data, row);
	text_fini(&text);
	free(bytes);
	return NULL;
}

/* From now on the console knows them. */
static struct error *finish_declaration(struct snippet *x, const struct evaluate_end *end,
					struct reply *reply)
{
	struct error *e = snippet_explain(x, end, reply);

	journal_tell(x, end);
	if (e)
		return e;
	reply->data = json_array();
	for (size_t i = 0; i < x->variable_count && !e; i++) {
		struct snippet_variable *v = &x->variables[i];
		struct scope_item item = {
			.kind = SCOPE_VARIABLE, .address = v->address, .types = v->types, .type = v->type};
		e = show_variable(x, v, reply);
		if (e)
			break;
		struct text text = {0};
		item.names = calloc(2, sizeof(*item.names));
		put_external(&text, v);
		item.text = text_take(&text);
		put_definition(&text, x, v, &item);
		item.definition = text_take(&text);
		if (!item.names || !item.text || !item.definition || !(item.names[0] = strdup(v->name))) {
			free(item.names);
			free(item.text);
			free(item.definition);
			e = error_memory();
			break;
		}
		e = scope_declare(x->state->scope, &item);
		if (!e)
			v->types = NULL; /* the scope's */
	}
	return e;
}

/* Whether the file or the console has something else under the name. */
static bool is_taken(struct snippet *x, const char *name)
{
	struct source *source;

	struct error *e = sources_find(live_host(x->live)->sources, x->unit, &source);
	bool known = !e && index_find(source->index, INDEX_ORDINARY, name, strlen(name)) != INDEX_NONE;
	error_free(e);
	return known || scope_find(x->state->scope, name, strlen(name));
}

/* The line that declares what a version has added becomes blanks; false: there is none. */
static bool hide_added(struct snippet *x, const char *name)
{
	char *begin = NULL;

	if (asprintf(&begin, SCOPE_TEXT_ADDED, name) < 0)
		return false;
	char *at = strstr(x->given.extra, begin);
	free(begin);
	if (at)
		memset(at, ' ', strcspn(at, "\n"));
	return at != NULL;
}

/* The variables are declared before what is run, in the place of what has their names in the file and at this console until
 * now. */
static struct error *hide_others(struct snippet *x, struct reply *reply)
{
	struct text extra = {0};
	bool any = false;

	for (size_t i = 0; i < x->variable_count; i++) {
		const struct snippet_variable *v = &x->variables[i];
		bool added = hide_added(x, v->name);
		if (!added && !is_taken(x, v->name))
			continue;
		any = true;
		const struct scope_item *old = scope_find(x->state->scope, v->name, strlen(v->name));
		char *at = old && old->kind == SCOPE_VARIABLE ? strstr(x->given.extra, old->text) : NULL;
		if (at)
			memset(at, ' ', strlen(old->text));
	}
	if (!any)
		return NULL;
	text_puts(&extra, x->given.extra);
	for (size_t i = 0; i < x->variable_count; i++) {
		put_external(&extra, &x->variables[i]);
		text_puts(&extra, "\n");
	}
	char *whole = text_take(&extra);
	if (!whole)
		return error_memory();
	free(x->given.extra);
	x->given.extra = whole;
	struct error *e = snippet_check(x);
	return e ? e : snippet_refuse(x, reply);
}

/* Each initialiser sees the variables where they will be: a local of another name gets the value, which is copied. */
static void write_initialisers(struct snippet *x)
{
	for (size_t i = 0; i < x->variable_count; i++) {
		const struct snippet_variable *v = &x->variables[i];
		put_external(&x->run, v);
		text_puts(&x->run, "\n");
	}
	journal_put_macros(x);
	text_puts(&x->run, "void " SNIPPET_FUNCTION "(void *rtf_result)\n{\n");
	journal_put_begin(x);
	for (size_t i = 0; i < x->variable_count; i++) {
		const struct snippet_variable *v = &x->variables[i];
		if (!v->initialised)
			continue;
		text_puts(&x->run, "{ ");
		put_declarator(&x->run, v, "rtf_initial");
		journal_put_text(x, v->begin, v->end);
		text_printf(&x->run,
			    ";\nrtf_copy((void *)0x%" PRIx64
			    "UL, (const void *)&rtf_initial, sizeof(rtf_initial)); }\n",
			    v->address);
	}
	journal_put_end(x);
	text_puts(&x->run, "}\n");
}

/* The initialiser says that instead. */
static struct error *put_initialiser(struct snippet *x, struct snippet_variable *v, const char *text)
{
	struct text whole = {0};
	size_t length = strlen(text), before = v->end - v->begin;

	text_append(&whole, x->given.text, v->begin);
	text_puts(&whole, text);
	text_puts(&whole, x->given.text + v->end);
	char *bytes = text_take(&whole);
	if (!bytes)
		return error_memory();
	free(x->given.text);
	x->given.text = bytes;
	v->end = v->begin + length;
	for (v++; v < x->variables + x->variable_count; v++) {
		v->begin += length - before;
		v->end += length - before;
	}
	return NULL;
}

static struct error *check_declarations(struct snippet *x)
{
	text_fini(&x->checked);
	text_printf(&x->checked, BEFORE "%s\n;}\n", x->given.text);
	return snippet_check_once(x);
}

/* What macros assign in initialisers is seen where they are expanded. Where that cannot be, they stay. */
static struct error *expand_initialisers(struct snippet *x)
{
	struct snippet_variable before[SNIPPET_NAMES];
	char *given = strdup(x->given.text);
	struct error *e = given ? NULL : error_memory();

	memcpy(before, x->variables, sizeof(before));
	for (size_t i = x->variable_count; i-- > 0 && !e;) {
		struct snippet_variable *v = &x->variables[i];
		char *text = NULL;
		if (v->initialised)
			e = journal_expand(x, strlen(BEFORE), v->begin, v->end, &text);
		if (!e && text)
			e = put_initialiser(x, v, text);
		free(text);
	}
	if (!e)
		e = check_declarations(x);
	if (!e && x->build.check.failed) {
		free(x->given.text);
		x->given.text = given;
		given = NULL;
		memcpy(x->variables, before, sizeof(before));
		e = check_declarations(x);
	}
	free(given);
	return e;
}

/* Its variables are in the program, and what gives them their values is written. */
static struct error *prepare_variables(struct snippet *x, struct reply *reply)
{
	struct error *e = snippet_declare(x);

	if (!e) {
		text_printf(&x->checked, BEFORE "%s\n;}\n", x->given.text);
		e = snippet_check_with_types(x, reply, x->options.depth, read_variables);
	}
	if (!e)
		e = snippet_refuse(x, reply);
	if (!e)
		e = place_variables(x);
	if (!e)
		e = hide_others(x, reply);
	bool hidden = false;
	if (!e)
		e = journal_hides(x, &hidden);
	if (!e && hidden)
		e = expand_initialisers(x);
	if (!e)
		e = journal_begin(x, strlen(BEFORE));
	if (!e && journal_size(x))
		e = evaluator_result(x->host->evaluator, journal_size(x), &x->result);
	if (e)
		return e;
	x->writes = x->effects.untold;
	journal_place(x, x->result);
	write_initialisers(x);
	return NULL;
}

struct error *declare_run(struct snippet *x, struct reply *reply)
{
	struct error *e = split_declarations(x);
	if (!e && x->variable_count && x->state->read_only)
		e = error_new(ERROR_DENIED,
			      "this connection is read-only: a variable is made in the program");
	if (!e)
		e = x->variable_count ? prepare_variables(x, reply) : check_items(x, reply);
	if (!e && x->variable_count)
		return snippet_start(x, finish_declaration, reply);
	if (!e)
		reply->data = json_array();
	snippet_free(x);
	return e;
}

/* --- directives ---------------------------------------------------------------------------------------------------- */

static struct error *define_macro(struct scope *s, const char *line, size_t size, const char *name,
				  size_t length)
{
	struct scope_item item = {.kind = SCOPE_MACRO, .text = strndup(line, size)};

	item.names = calloc(2, sizeof(*item.names));
	if (item.names)
		item.names[0] = strndup(name, length);
	if (!item.text || !item.names || !item.names[0]) {
		free(item.text);
		free(item.names);
		return error_memory();
	}
	return scope_declare(s, &item);
}

struct error *declare_directive(struct snippet *x, const struct token *t)
{
	const char *line = x->text + t->begin;
	struct token_reader r;
	struct token word, name;

	token_read_directive(&r, x->text, t, &word);
	if (token_is(&r, &word, "include")) {
		char *copy = strndup(line, t->end - t->begin);
		struct error *e = copy ? scope_include(x->state->scope, copy) : error_memory();
		struct source *source;
		struct index *index;
		free(copy);
		if (!e)
			e = sources_find(live_host(x->live)->sources, x->unit, &source);
		if (!e) {
			e = scope_index(x->state->scope, source, &index);
			if (e)
				scope_forget_includes(x->state->scope);
		}
		return e;
	}
	bool define = token_is(&r, &word, "define");
	if (!define && !token_is(&r, &word, "undef"))
		return error_new(ERROR_USAGE, "at the prompt there are #include, #define and #undef");
	token_next(&r, &name);
	if (name.kind != TOKEN_NAME)
		return error_new(ERROR_COMPILE, "a macro's name is missing");
	return define_macro(x->state->scope, line, t->end - t->begin, x->text + name.begin,
			    name.end - name.begin);
}
