#include "functions.h"
#include "attributes.h"
#include "declare.h"
#include "edit.h"
#include "folded.h"
#include "lookup.h"
#include "record.h"
#include "snippet.h"
#include "takers.h"
#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE \
	"void " SNIPPET_FUNCTION "(void *rtf_result)\n{\n" /* behind the functions: it tells where they are */

/* --- whose they are ------------------------------------------------------------------------------------------------ */

/* The program has a function of that name: one with an entry, or in its symbols. */
static bool program_has(const struct live *l, const char *name)
{
	struct live_function *f;

	struct error *e = lookup_find(l, name, NULL, &f);
	bool has = !e || error_class(e) != ERROR_UNKNOWN || lookup_is_plain(l, name);
	error_free(e);
	return has;
}

bool functions_take(struct call *c, const char *text, size_t size)
{
	struct edit edit;

	struct error *e = edit_new(text, size, &edit);
	if (e) {
		error_free(e);
		return false;
	}
	bool all = edit.count > 0;
	for (size_t i = 0; i < edit.count && all; i++)
		all = !program_has(c->live, edit.functions[i].name);
	edit_fini(&edit);
	return all;
}

/* The file may have one whose body is everywhere and nowhere, or the C library has it. */
static struct error *refuse_known(struct snippet *x, const char *name)
{
	struct source *source;

	struct error *e = sources_find(live_host(x->live)->sources, x->unit, &source);
	if (e)
		return e;
	uint32_t first = index_find(source->index, INDEX_ORDINARY, name, strlen(name));
	if (first == INDEX_NONE)
		return NULL;
	const struct live_function *keeper = folded_into(x->live, name);
	if (keeper)
		return folded_error(name, keeper);
	for (uint32_t i = first; i != INDEX_NONE; i = source->index->names[i].next) {
		const struct index_declaration *d =
			&source->index->declarations[source->index->names[i].declaration];
		const char *resolver;
		size_t length;
		if (attributes_find_resolver(source->index->text, d->begin, d->end, &resolver, &length))
			return error_new(ERROR_UNKNOWN,
					 "%s is what its resolver %.*s chose when the program was loaded: "
					 "redefine the function that it chose",
					 name, (int)length, resolver);
	}
	return error_new(
		ERROR_UNKNOWN,
		"the program has no function %s that could be redefined, but %s declares that name: one "
		"for this session needs another",
		name, text_base_name(x->unit->file));
}

/* --- the text ------------------------------------------------------------------------------------------------------ */

/* Where the `{` of the body stands; 0: it is an old-style definition. */
static uint32_t body_of(const char *text, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t, before = {0};

	token_reader_within(&r, text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (t.kind != TOKEN_PUNCTUATOR)
			continue;
		if (t.first == ';')
			return 0;
		if (t.first == '{' && before.kind == TOKEN_PUNCTUATOR && before.first == ')')
			return t.begin;
		if (token_opens(&t))
			token_skip_group(&r, &t);
	}
	return 0;
}

/* Everybody may call it: blanks where its head says `static` or `inline`. */
static void make_external(char *text, uint32_t begin, uint32_t body)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, body, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (token_is_linkage(&r, &t))
			memset(text + t.begin, ' ', t.end - t.begin);
}

static char *prototype_of(const char *text, uint32_t begin, uint32_t body)
{
	struct text out = {0};

	text_append_words(&out, text + begin, body - begin);
	while (out.size && out.bytes[out.size - 1] == ' ')
		out.size--;
	text_puts(&out, ";");
	char *whole = text_take(&out);
	if (whole)
		memmove(whole, whole + strspn(whole, " "), strlen(whole) + 1 - strspn(whole, " "));
	return whole;
}

/* A name of the program's that this one was to be, perhaps: one letter is wrong, or two stand in each other's place. */
static const char *near_name(const struct live *l, const char *name)
{
	for (size_t i = 0; i < live_count(l); i++)
		if (text_distance(name, live_by_name(l)[i]->at.name) == 1)
			return live_by_name(l)[i]->at.name;
	return NULL;
}

/* Who mistypes a name wants to be told, and not to have two functions. */
static struct error *refuse_near(struct snippet *x, const char *name, const char *prototype)
{
	const char *near = near_name(x->live, name);

	if (!near || scope_find(x->state->scope, name, strlen(name)))
		return NULL;
	return error_new(
		ERROR_UNKNOWN,
		"the program has no function %s: did you mean %s? For one of this session declare it first: "
		"%s",
		name, near, prototype);
}

static struct error *add_function(struct snippet *x, const struct edit_function *f)
{
	struct snippet_variable *v = &x->variables[x->variable_count];

	if (x->variable_count == SNIPPET_NAMES)
		return error_new(ERROR_USAGE, "more than %d functions in one entry", SNIPPET_NAMES);
	for (size_t i = 0; i < x->variable_count; i++)
		if (strcmp(x->variables[i].name, f->name) == 0)
			return error_new(ERROR_USAGE, "%s is defined twice in this text", f->name);
	struct error *e = refuse_known(x, f->name);
	uint32_t body = body_of(x->text, f->begin, f->end);
	if (!e && !body)
		e = error_new(ERROR_USAGE, "%s: give the types of its parameters between the parentheses",
			      f->name);
	if (e)
		return e;
	make_external(x->text, f->begin, body);
	x->variable_count++;
	v->begin = f->begin;
	v->end = f->end;
	v->name = strdup(f->name);
	v->declarator = prototype_of(x->text, f->begin, body);
	v->base = strdup("");
	if (!v->name || !v->declarator || !v->base)
		return error_memory();
	return refuse_near(x, v->name, v->declarator);
}

static bool is_inside(const struct snippet *x, size_t at)
{
	for (size_t i = 0; i < x->variable_count; i++)
		if (at >= x->variables[i].begin && at < x->variables[i].end)
			return true;
	return false;
}

/* What stands around the functions is declared before them, and leaves the text. */
static struct error *declare_rest(struct snippet *x)
{
	struct token_reader r;
	struct token t;

	struct error *e = declare_types(x);
	token_reader_init(&r, x->text, (uint32_t)x->size);
	for (token_next(&r, &t); t.kind != TOKEN_END && !e; token_next(&r, &t))
		if (t.kind == TOKEN_DIRECTIVE && !is_inside(x, t.begin))
			e = declare_directive(x, &t);
	for (size_t i = 0; i < x->size; i++)
		if (x->text[i] != '\n' && !is_inside(x, i))
			x->text[i] = ' ';
	return e;
}

static struct error *read_text(struct snippet *x)
{
	struct edit edit;

	struct error *e = snippet_finish_text(x);
	if (!e)
		e = edit_new(x->text, x->size, &edit);
	if (e)
		return e;
	for (size_t i = 0; i < edit.count && !e; i++)
		e = add_function(x, &edit.functions[i]);
	edit_fini(&edit);
	return e ? e : declare_rest(x);
}

/* What had the names until now would stand beside what has them now. Each may call all. */
static struct error *put_prototypes(struct snippet *x)
{
	struct text extra = {0};

	for (size_t i = 0; i < x->variable_count; i++) {
		const char *name = x->variables[i].name;
		const struct scope_item *old = scope_find(x->state->scope, name, strlen(name));
		bool stands = old && (old->kind == SCOPE_VARIABLE || old->kind == SCOPE_FUNCTION);
		char *at = stands ? strstr(x->given.extra, old->text) : NULL;
		if (at)
			memset(at, ' ', strlen(old->text));
	}
	text_puts(&extra, x->given.extra);
	for (size_t i = 0; i < x->variable_count; i++)
		text_printf(&extra, "%s\n", x->variables[i].declarator);
	char *whole = text_take(&extra);
	if (!whole)
		return error_memory();
	free(x->given.extra);
	x->given.extra = whole;
	return NULL;
}

static void write_texts(struct snippet *x)
{
	text_printf(&x->checked, "%s\n" BEFORE, x->given.text);
	text_printf(&x->run, "%s\n" BEFORE, x->given.text);
	for (size_t i = 0; i < x->variable_count; i++) {
		text_printf(&x->checked, "(void)%s;\n", x->variables[i].name);
		text_printf(&x->run, "((const void **)rtf_result)[%zu] = (const void *)%s;\n", i,
			    x->variables[i].name);
	}
	text_puts(&x->checked, "}\n");
	text_puts(&x->run, "}\n");
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

static struct error *declare_function(struct snippet *x, const struct snippet_variable *v, uint64_t address)
{
	struct scope_item item = {.kind = SCOPE_FUNCTION,
				  .text = strdup(v->declarator),
				  .definition = strndup(x->text + v->begin, v->end - v->begin),
				  .names = calloc(2, sizeof(*item.names)),
				  .address = address};

	if (item.names)
		item.names[0] = strdup(v->name);
	if (item.text && item.definition && item.names && item.names[0])
		return scope_declare(x->state->scope, &item);
	free(item.text);
	free(item.definition);
	if (item.names)
		free(item.names[0]);
	free(item.names);
	return error_memory();
}

static void show_function(const struct snippet_variable *v, uint64_t address, struct reply *reply)
{
	char place[32];

	text_printf(&reply->text, "%s is a function of this session\n", v->name);
	snprintf(place, sizeof(place), "0x%" PRIx64, address);
	json_array_append_new(reply->data, json_pack("{s:s, s:b, s:s, s:s}", "function", v->name, "session",
						     true, "signature", v->declarator, "address", place));
}

/* Versions that took what had these names until now take these. How many do. */
static size_t tell_takers(struct snippet *x, struct reply *reply)
{
	struct call c = {.state = x->state, .live = x->live, .entry = x->line, .reply = reply};
	struct takers_helper helpers[SNIPPET_NAMES];
	json_t *rows = json_array();

	for (size_t i = 0; i < x->variable_count; i++) {
		const struct snippet_variable *v = &x->variables[i];
		const char *definition = x->text + v->begin;
		size_t blanks = strspn(definition, " \t\r\n");
		helpers[i] = (struct takers_helper){v->name, definition + blanks, v->end - v->begin - blanks};
	}
	size_t followed = takers_follow(&c, helpers, x->variable_count, rows);
	if (!reply->data)
		reply->data = json_array();
	json_array_extend(reply->data, rows);
	json_decref(rows);
	return followed;
}

static struct error *finish(struct snippet *x, const struct evaluate_end *end, struct reply *reply)
{
	unsigned char *bytes;

	struct error *e = snippet_explain(x, end, reply);
	if (!e)
		e = snippet_read(x, x->result, x->variable_count * sizeof(uint64_t), &bytes);
	if (e)
		return e;
	reply->data = json_array();
	for (size_t i = 0; i < x->variable_count && !e; i++) {
		uint64_t address;
		memcpy(&address, bytes + i * sizeof(address), sizeof(address));
		e = declare_function(x, &x->variables[i], address);
		if (!e)
			show_function(&x->variables[i], address, reply);
	}
	free(bytes);
	if (!e)
		tell_takers(x, reply);
	return e;
}

/* What this console cannot have, for it lacks what the text names, may be what versions have in theirs: there the new text
 * takes the old one's place. False: there are none, or it does not fit them either. */
static bool goes_into_takers(struct snippet *x, struct reply *reply)
{
	struct reply other = {.command = reply->command};
	bool taken = tell_takers(x, &other) > 0;
	struct reply *drop = taken ? reply : &other;

	json_decref(drop->data);
	json_decref(drop->diagnostics);
	text_fini(&drop->text);
	if (taken)
		*reply = other;
	return taken;
}

struct error *functions_define(struct call *c, const char *text, size_t size)
{
	struct snippet *x;

	struct error *e = snippet_new(c, text, size, &x);
	if (e)
		return e;
	x->from_first = true;
	scope_begin(x->state->scope);
	e = read_text(x);
	if (!e)
		e = snippet_declare(x);
	if (!e)
		e = put_prototypes(x);
	if (!e) {
		write_texts(x);
		e = snippet_check(x);
	}
	if (!e)
		e = snippet_refuse(x, c->reply);
	if (e && error_class(e) == ERROR_COMPILE) {
		scope_take_back(c->state->scope);
		if (goes_into_takers(x, c->reply)) {
			error_free(e);
			snippet_free(x);
			return NULL;
		}
		if (x->variables[0].name) /* else it was not read so far */
			e = error_context(e, "the program has no function %s, and as one of this session",
					  x->variables[0].name);
	}
	if (!e)
		e = evaluator_result(x->host->evaluator, x->variable_count * sizeof(uint64_t), &x->result);
	if (e) {
		char *detail;
		if (error_class(e) != ERROR_INTERNAL &&
		    asprintf(&detail, "%s\n%.*s", error_message(e), (int)size, text) >= 0) {
			record_event(c->live, "rejected", NULL, -1, c->state->user, detail);
			free(detail);
		}
		scope_take_back(c->state->scope);
		snippet_free(x);
		return e;
	}
	x->argument = x->result;
	char *typed = strndup(text, size);
	record_event(c->live, "declared", NULL, -1, c->state->user, typed);
	free(typed);
	return snippet_start(x, finish, c->reply);
}
