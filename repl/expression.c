#include "expression.h"
#include "declaration.h"
#include "evaluate.h"
#include "record.h"
#include "scope.h"
#include "show.h"
#include "token.h"
#include "typed.h"
#include "written.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION "rtf_evaluate"
#define COPY     "extern void *rtf_copy(void *, const void *, unsigned long) __asm__(\"memcpy\");\n"

enum {
	VALUE_MAX = 4 << 20, /* bytes of one value */
	NAMES_MAX = 64,      /* variables of one declaration */
	UNITS_MAX = 32,      /* files that are looked into for a name */
	WIDTH = 100,
};

/* Before the value in the result's memory: what was assigned to, and what stood there. */
struct head {
	uint64_t place, size;
	unsigned char old[16];
};

/* A variable that an entry declares. */
struct variable {
	char *name;
	char *declarator;  /* without initialiser, its name replaced */
	char *initialiser; /* with its `=`; NULL: none */
	char *base;        /* what stands before the declarator */
	struct types *types;
	const struct type *type;
	uint64_t address;
};

enum job { JOB_VALUE, JOB_STATEMENT, JOB_DECLARATION, JOB_COMPARE, JOB_HAND };

/* One entry, from its check to its answer. */
struct expression {
	struct waiting waiting; /* first */
	enum job job;
	struct console_state *state;
	struct live *live;
	struct session_host *host;
	struct scope_text given;
	char *text; /* as typed */
	size_t size;
	const struct target_unit *unit;
	struct target_function function;
	struct build_request request;
	struct build build;
	bool built;
	struct text checked, run, also;
	struct types *types;
	struct type_found found;
	struct value_options options;
	struct evaluation *evaluation;
	uint64_t result, argument;
	bool tracked; /* an assignment whose place is known */
	char *place;  /* the text of what is assigned to */
	bool writes;
	struct variable variables[NAMES_MAX];
	size_t variable_count;
	expression_done *done;
	void *context;
	char *compared;
	int versions[2];
	struct text warnings; /* of the compiler, for the answer */
	json_t *diagnostics;
};

static void build_end(struct expression *x)
{
	if (x->built)
		build_fini(&x->build);
	x->built = false;
}

static void expression_free(struct waiting *waiting)
{
	struct expression *x = (struct expression *)waiting;

	evaluation_free(x->evaluation);
	build_end(x);
	scope_text_fini(&x->given);
	types_free(x->types);
	text_fini(&x->checked);
	text_fini(&x->run);
	text_fini(&x->also);
	for (size_t i = 0; i < x->variable_count; i++) {
		struct variable *v = &x->variables[i];
		free(v->name);
		free(v->declarator);
		free(v->initialiser);
		free(v->base);
		types_free(v->types);
	}
	free(x->context);
	text_fini(&x->warnings);
	json_decref(x->diagnostics);
	free(x->compared);
	free(x->place);
	free(x->text);
	free(x);
}

/* --- whose declarations -------------------------------------------------------------------------------------------- */

bool expression_is_file(const char *path, const char *file)
{
	size_t n = path ? strlen(path) : 0, m = strlen(file);

	return n >= m && strcmp(path + n - m, file) == 0 &&
	       (n == m || path[n - m - 1] == '/' || *file == '/');
}

struct unit_search {
	const char *file, *function;
	const struct target_unit *found;
};

static bool match_unit(void *context, const struct target_function *f)
{
	struct unit_search *s = context;

	if (!f->unit || (s->function && (strcmp(f->name, s->function) != 0 || !f->external)) ||
	    (s->file && !expression_is_file(f->unit->file, s->file)))
		return true;
	s->found = f->unit;
	return false;
}

static struct error *unit_of_main(struct session_host *host, struct live *l, const struct target_unit **out)
{
	struct unit_search s = {.function = "main"};

	if (!host->main_unit)
		target_each_function(live_target(l), match_unit, &s);
	if (s.found)
		host->main_unit = s.found;
	for (size_t i = 0; i < live_count(l) && !host->main_unit; i++)
		host->main_unit = live_function(l, i)->at.unit;
	*out = host->main_unit;
	return *out ? NULL
		    : error_new(ERROR_UNKNOWN, "the program has no debug information: compile it with -g");
}

struct error *expression_unit(struct console_state *state, struct live *l, const struct target_unit **out)
{
	struct unit_search s = {.file = state->file};

	if (!state->file && state->unit) {
		*out = state->unit;
		return NULL;
	}
	if (!state->file)
		return unit_of_main(state->host, l, out);
	for (size_t i = 0; i < live_count(l); i++) {
		*out = live_function(l, i)->at.unit;
		if (*out && expression_is_file((*out)->file, state->file))
			return NULL;
	}
	target_each_function(live_target(l), match_unit, &s);
	*out = s.found;
	return s.found ? NULL : error_new(ERROR_UNKNOWN, "no file %s is part of the program", state->file);
}

uint32_t expression_arena(struct live *l, const struct target_unit *unit)
{
	const struct live_function *near = NULL;

	for (size_t i = 0; i < live_count(l); i++) {
		const struct live_function *f = live_function(l, i);
		if (f->at.unit == unit)
			return f->arena;
		if (!near && unit && strcmp(f->at.module, unit->module) == 0)
			near = f;
	}
	return near ? near->arena : 0;
}

/* --- checking ------------------------------------------------------------------------------------------------------ */

static struct error *new_expression(struct call *c, enum job job, const char *text, size_t size,
				    struct expression **out)
{
	struct expression *x = calloc(1, sizeof(*x));

	if (!x)
		return error_memory();
	x->job = job;
	x->state = c->state;
	x->live = c->live;
	x->host = c->state->host;
	x->waiting.free = expression_free;
	x->options = VALUE_OPTIONS;
	x->text = strndup(text, size);
	x->size = size;
	if (!c->state->scope)
		c->state->scope = scope_new();
	struct error *e =
		x->text && c->state->scope ? expression_unit(c->state, c->live, &x->unit) : error_memory();
	if (e) {
		expression_free(&x->waiting);
		return e;
	}
	*out = x;
	return NULL;
}

static struct error *declare(struct expression *x)
{
	struct text also = {0};

	for (size_t i = 0; i < x->variable_count; i++)
		text_printf(&also, "%s\n", x->variables[i].base);
	struct error *e = scope_text_new(x->state->scope, x->live, x->host->evaluator, x->state->file,
					 x->text, x->size, also.bytes, &x->given);
	text_fini(&also);
	return e;
}

/* Diagnostics count lines from the entry's first, which is the third of what is checked. */
static void set_request(struct expression *x)
{
	x->function =
		(struct target_function){.name = FUNCTION, .file = x->unit->file, .unit = x->unit, .line = 1};
	x->request.function = &x->function;
	x->request.arena = expression_arena(x->live, x->unit);
	x->request.text = x->checked.bytes;
	x->request.size = x->checked.size;
	x->request.extra = x->given.extra;
	x->request.extra_size = strlen(x->given.extra);
	x->request.given_file = "<console>";
	x->request.given_line = (unsigned)-1;
	x->request.file = x->unit->file;
	x->request.line = 1;
	x->request.also = x->also.bytes;
	x->request.resolve = scope_text_resolve;
	x->request.context = &x->given;
}

static struct error *check_once(struct expression *x)
{
	const struct build_host *host = live_host(x->live);
	struct source *source;

	build_end(x);
	set_request(x);
	struct error *e = sources_find(host->sources, x->unit, &source);
	if (!e)
		e = scope_index(x->state->scope, source, &x->request.index);
	if (!e) {
		e = build_check(host, &x->request, &x->build);
		x->built = true;
	}
	return e;
}

static bool declares(const struct source *source, const char *name, size_t length)
{
	return index_find(source->index, INDEX_ORDINARY, name, length) != INDEX_NONE ||
	       index_find_macro(source->index, name, length, source->index->size) != NULL;
}

/* A file of the program that declares the first name that this one does not. */
static const struct target_unit *other_unit(struct expression *x)
{
	const char *missing = x->build.check.missing;
	size_t length = missing ? strcspn(missing, "\n") : 0, looked = 0;
	const struct target_unit *last = NULL;

	if (!length || memchr(missing, ' ', length))
		return NULL;
	for (size_t i = 0; i < live_count(x->live) && looked < UNITS_MAX; i++) {
		const struct target_unit *unit = live_function(x->live, i)->at.unit;
		struct source *source;
		if (!unit || unit == last || unit == x->unit)
			continue;
		last = unit;
		looked++;
		struct error *e = sources_find(live_host(x->live)->sources, unit, &source);
		if (!e && declares(source, missing, length))
			return unit;
		error_free(e);
	}
	return NULL;
}

/* Where the file at hand does not know a name and none was chosen with \in, the file that does counts. */
static struct error *check(struct expression *x)
{
	struct error *e = check_once(x);

	if (e || !x->build.check.failed || x->state->file)
		return e;
	const struct target_unit *before = x->unit, *other = other_unit(x);
	if (!other)
		return NULL;
	x->unit = other;
	e = check_once(x);
	if (e || !x->build.check.failed)
		return e;
	x->unit = before;
	return check_once(x);
}

/* The findings go to the reply; an error if they are errors. */
static struct error *refuse(struct expression *x, struct reply *reply)
{
	struct check_result *r = &x->build.check;

	if (r->count) {
		show_diagnostics(&reply->text, r, x->state->color);
		reply->diagnostics = show_diagnostics_json(r);
	}
	return r->failed ? error_new(r->class, "%s", r->message ? r->message : "refused") : NULL;
}

/* Macros that the slice holds: what they do the expression may do. */
static bool macros_write(const char *slice)
{
	for (const char *line = slice; (line = strstr(line, "#define ")); line++) {
		size_t length = strcspn(line, "\n");
		if ((line == slice || line[-1] == '\n') && typed_writes(line + 8, length - 8))
			return true;
	}
	return false;
}

/* Types that printing would follow come whole into the slice, and it is checked again. */
static struct error *check_with_types(struct expression *x, struct reply *reply, unsigned depth,
				      struct error *(*read)(struct expression *))
{
	for (int tries = 0; tries < 4; tries++) {
		struct error *e = check(x);
		if (!e && x->build.check.failed)
			e = refuse(x, reply);
		if (!e)
			e = read(x);
		if (e || !type_add_incomplete(x->found.type, depth, &x->also))
			return e;
		types_free(x->types);
		x->types = NULL;
	}
	return check(x);
}

static struct error *read_one(struct expression *x)
{
	void *unit = check_unit(live_host(x->live)->check);

	struct type_found found[2] = {0};

	types_free(x->types);
	x->types = NULL;
	struct error *e = types_of_expressions(unit, FUNCTION, x->place ? 2 : 1, &x->types, found);
	x->found = found[0];
	x->tracked = x->place && !found[1].bit_field;
	return e;
}

static struct error *read_none(struct expression *x)
{
	x->found = (struct type_found){0};
	return NULL;
}

static struct error *read_only_denies(struct expression *x, bool runs)
{
	if (!x->state->read_only)
		return NULL;
	if (runs || x->found.calls || x->writes)
		return error_new(
			ERROR_DENIED,
			"this connection is read-only: an expression may look, but not call or assign");
	return NULL;
}

/* --- values -------------------------------------------------------------------------------------------------------- */

static bool read_program(void *context, uint64_t address, void *bytes, size_t size)
{
	struct console_state *state = context;

	struct error *e = program_read(state->host->program, address, bytes, size);
	bool read = !e;
	error_free(e);
	return read;
}

static bool name_version(struct live *l, uint64_t address, char *buffer, size_t size)
{
	struct evaluate_place place;

	const char *symbol;
	uint64_t offset, bytes;

	evaluate_describe(l, address, false, &place);
	if (place.own)
		return false;
	if (!strchr(place.function, '@')) {
		/* No version. In data without a size nothing can be said but at its very start. */
		if (!target_find_symbol(live_target(l), address, &symbol, &offset, &bytes) ||
		    (offset && !bytes))
			return false;
		snprintf(place.function, sizeof(place.function), "%s", symbol);
		place.offset = offset;
	}
	if (place.offset)
		snprintf(buffer, size, "%s+%" PRIu64, place.function, place.offset);
	else
		snprintf(buffer, size, "%s", place.function);
	return true;
}

static bool name_address(void *context, uint64_t address, bool function, char *buffer, size_t size)
{
	struct console_state *state = context;
	const struct scope_item *item;

	(void)function;
	for (size_t i = 0; state->scope && (item = scope_item(state->scope, i)); i++) {
		if (item->kind != SCOPE_VARIABLE || address < item->address ||
		    address >= item->address + item->type->size)
			continue;
		if (address == item->address)
			snprintf(buffer, size, "%s", item->names[0]);
		else
			snprintf(buffer, size, "%s+%" PRIu64, item->names[0], address - item->address);
		return true;
	}
	return name_version(state->host->live, address, buffer, size);
}

struct value_source expression_source(struct console_state *state)
{
	return (struct value_source){.context = state, .read = read_program, .name = name_address};
}

void expression_show(struct console_state *state, struct text *out, const struct type *type,
		     const void *bytes, const struct value_options *options)
{
	struct value_source source = expression_source(state);
	struct value_options pretty = *options;
	struct text line = {0};

	if (type->kind != TYPE_FUNCTION)
		text_printf(out, "(%s) ", type->name);
	value_text(&line, type, bytes, &source, options);
	size_t width = state->width > 40 ? (size_t)state->width : WIDTH;
	pretty.pretty = true;
	if (line.size + strlen(type->name) + 8 > width && memchr(line.bytes, '{', line.size))
		value_text(out, type, bytes, &source, &pretty);
	else
		text_puts(out, line.bytes ? line.bytes : "");
	text_fini(&line);
}

static size_t bytes_of(const struct type *type)
{
	return type->kind == TYPE_FUNCTION ? 8 : type->kind == TYPE_VOID ? 0 : (size_t)type->size;
}

/* What goes into the history and to who listens. */
static void tell(struct expression *x, const char *kind, const char *detail)
{
	json_t *event = json_pack("{s:s, s:s, s:s, s:o}", "event", kind, "user", x->state->user, "detail",
				  detail, "text", json_sprintf("%s %s: %s\n", x->state->user, kind, detail));
	bool wants = x->state->events;

	x->state->events = false; /* who did it has the answer */
	if (event)
		session_broadcast(x->host, event);
	x->state->events = wants;
	/* The log's faults are the program's own: this was an evaluation, whatever its end. */
	record_event(x->live, strcmp(kind, "written") == 0 ? kind : "evaluated", NULL, -1, x->state->user,
		     detail);
}

static char *short_value(struct expression *x, const unsigned char *bytes)
{
	struct value_source source = expression_source(x->state);
	struct text t = {0};

	value_text(&t, x->found.type, bytes, &source, &x->options);
	return text_take(&t);
}

static void tell_written(struct expression *x, const struct head *head, const unsigned char *now)
{
	char *before = short_value(x, head->old), *after = short_value(x, now), *detail = NULL;

	if (before && after && asprintf(&detail, "%s: %s -> %s", x->place, before, after) >= 0) {
		tell(x, "written", detail);
		written_add(x->host,
			    &(struct written){.address = head->place,
					      .size = (size_t)head->size,
					      .place = x->place,
					      .type = x->found.type->name},
			    head->old, now, before, after);
	}
	free(before);
	free(after);
	free(detail);
}

static struct error *keep_value(struct expression *x, unsigned char *bytes, size_t size, unsigned *number)
{
	struct scope_value value = {.types = x->types,
				    .type = x->found.type,
				    .bytes = bytes,
				    .size = size,
				    .expression = strdup(x->given.text)};

	if (!value.expression)
		return error_memory();
	struct error *e = scope_keep(x->state->scope, &value, number);
	if (e)
		free(value.expression);
	else
		x->types = NULL; /* the value's */
	return e;
}

/* {"type", "text", "value", "name"}, and a line for people. */
static struct error *show_value(struct expression *x, const unsigned char *bytes, size_t size,
				struct reply *reply)
{
	const struct type *type = x->found.type;
	struct value_source source = expression_source(x->state);
	struct text text = {0};
	unsigned number = 0;
	char name[32];

	if (type->kind == TYPE_VOID) {
		reply->data =
			json_pack("{s:s, s:s, s:n, s:n}", "type", type->name, "text", "", "value", "name");
		return NULL;
	}
	unsigned char *copy = malloc(size + 1);
	if (!copy)
		return error_memory();
	memcpy(copy, bytes, size);
	struct error *e = keep_value(x, copy, size, &number);
	if (e) {
		free(copy);
		return e;
	}
	snprintf(name, sizeof(name), "$%u", number);
	text_printf(&reply->text, "%s = ", name);
	expression_show(x->state, &reply->text, type, bytes, &x->options);
	text_puts(&reply->text, "\n");
	value_text(&text, type, bytes, &source, &x->options);
	json_t *string = json_stringn(text.bytes ? text.bytes : "", text.size);
	reply->data =
		json_pack("{s:s, s:o, s:o, s:s}", "type", type->name, "text", string ? string : json_null(),
			  "value", value_json(type, bytes, &source, &x->options), "name", name);
	text_fini(&text);
	return NULL;
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

/* Frames that are the same as the one before are counted and not repeated. */
static json_t *backtrace_json(struct expression *x, const struct evaluate_end *end, struct text *out)
{
	json_t *list = json_array();

	for (size_t i = 0, n; i < end->count; i += n) {
		struct evaluate_place place;
		char pc[32];
		for (n = 1; i + n < end->count && end->pcs[i + n] == end->pcs[i]; n++)
			;
		evaluate_describe(x->live, end->pcs[i], i > 0, &place);
		text_printf(out, "  #%-2zu 0x%016" PRIx64 " in %s", i, end->pcs[i], place.function);
		if (place.offset)
			text_printf(out, "+%" PRIu64, place.offset);
		if (place.file)
			text_printf(out, " at %s:%u", text_base_name(place.file), place.line);
		if (n > 1)
			text_printf(out, ", %zu times", n);
		text_puts(out, "\n");
		snprintf(pc, sizeof(pc), "0x%" PRIx64, end->pcs[i]);
		json_t *frame = json_pack("{s:s, s:I, s:s, s:I}", "function", place.function, "offset",
					  (json_int_t)place.offset, "pc", pc, "times", (json_int_t)n);
		if (place.file)
			json_object_update_new(
				frame, json_pack("{s:s, s:i}", "file", place.file, "line", (int)place.line));
		json_array_append_new(list, frame);
		if (place.own)
			break; /* what called it is ours */
	}
	return list;
}

static struct error *explain(struct expression *x, const struct evaluate_end *end, struct reply *reply)
{
	struct error *e = evaluate_explain(x->live, end);

	if (e && !evaluation_has_begun(x->evaluation)) {
		error_free(e);
		return error_new(ERROR_INTERRUPTED,
				 program_flags(x->host->program) & HELLO_POLLED
					 ? "interrupted: the program has not come to rtf_poll()"
					 : "interrupted: another evaluation was still running");
	}
	if (!e || error_class(e) == ERROR_INTERNAL)
		return e;
	text_printf(&reply->text, "error: %s\n", error_message(e));
	reply->told = true;
	reply->more = json_object();
	json_object_set_new(reply->more, "backtrace", backtrace_json(x, end, &reply->text));
	if (end->how == CALL_FAULT || end->how == CALL_OVERFLOW) {
		char address[32];
		snprintf(address, sizeof(address), "0x%" PRIx64, end->address);
		const char *name = sigabbrev_np(end->signal);
		json_object_set_new(reply->more, "signal", json_sprintf("SIG%s", name ? name : "?"));
		json_object_set_new(reply->more, "address", json_string(address));
	}
	if (end->how == CALL_EXITED)
		json_object_set_new(reply->more, "exit_status", json_integer(end->code));
	char *detail;
	if (asprintf(&detail, "%s: %.*s", x->text, (int)strcspn(error_message(e), ":;"), error_message(e)) >=
	    0) {
		tell(x, error_class(e) == ERROR_FAULT ? "faulted" : "interrupted", detail);
		free(detail);
	}
	return e;
}

static struct error *read_result(struct expression *x, uint64_t at, size_t size, unsigned char **out)
{
	unsigned char *bytes = malloc(size + 16);

	if (!bytes)
		return error_memory();
	struct error *e = size ? program_read(x->host->program, at, bytes, size) : NULL;
	if (e) {
		free(bytes);
		return e;
	}
	*out = bytes;
	return NULL;
}

static struct error *finish_value(struct expression *x, struct reply *reply)
{
	size_t size = bytes_of(x->found.type);
	unsigned char *bytes;

	struct error *e = read_result(x, x->result, sizeof(struct head) + size, &bytes);
	if (e)
		return e;
	unsigned char *value = bytes + sizeof(struct head);
	if (x->tracked) {
		struct head head;
		memcpy(&head, bytes, sizeof(head));
		tell_written(x, &head, value);
	} else if (x->writes || x->found.calls) {
		tell(x, "evaluated", x->text);
	}
	if (x->job == JOB_HAND) {
		struct call c = {.state = x->state, .live = x->live, .reply = reply};
		e = x->done(x->context, &c, x->found.type, value);
	} else {
		e = show_value(x, value, size, reply);
	}
	free(bytes);
	return e;
}

static struct error *show_variable(struct expression *x, struct variable *v, struct reply *reply)
{
	unsigned char *bytes;

	struct error *e = read_result(x, v->address, (size_t)v->type->size, &bytes);
	if (e)
		return e;
	struct value_source source = expression_source(x->state);
	struct text text = {0};
	char address[32];
	text_printf(&reply->text, "%s = ", v->name);
	expression_show(x->state, &reply->text, v->type, bytes, &x->options);
	text_puts(&reply->text, "\n");
	value_text(&text, v->type, bytes, &source, &x->options);
	snprintf(address, sizeof(address), "0x%" PRIx64, v->address);
	json_t *string = json_stringn(text.bytes ? text.bytes : "", text.size);
	json_array_append_new(reply->data,
			      json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "name", v->name, "type",
					v->type->name, "address", address, "size", (json_int_t)v->type->size,
					"text", string ? string : json_null(), "value",
					value_json(v->type, bytes, &source, &x->options)));
	text_fini(&text);
	free(bytes);
	return NULL;
}

/* "BASE DECLARATOR" with a name put into the declarator. */
static void put_declarator(struct text *out, const struct variable *v, const char *name)
{
	const char *hole = strstr(v->declarator, "%s");

	text_printf(out, "%s %.*s%s%s", v->base, (int)(hole - v->declarator), v->declarator, name, hole + 2);
}

/* The variable's declaration for all that comes after it: its type is complete now. */
static void put_external(struct text *out, const struct variable *v)
{
	text_puts(out, "extern ");
	if (v->type->nameless)
		put_declarator(out, v, v->name);
	else
		type_put_declaration(out, v->type, v->name);
	text_puts(out, ";");
}

/* From now on the console knows them. */
static struct error *finish_declaration(struct expression *x, struct reply *reply)
{
	struct error *e = NULL;

	reply->data = json_array();
	for (size_t i = 0; i < x->variable_count && !e; i++) {
		struct variable *v = &x->variables[i];
		struct scope_item item = {
			.kind = SCOPE_VARIABLE, .address = v->address, .types = v->types, .type = v->type};
		e = show_variable(x, v, reply);
		if (e)
			break;
		struct text text = {0};
		item.names = calloc(2, sizeof(*item.names));
		put_external(&text, v);
		item.text = text_take(&text);
		if (!item.names || !item.text || !(item.names[0] = strdup(v->name))) {
			free(item.names);
			free(item.text);
			e = error_memory();
			break;
		}
		e = scope_declare(x->state->scope, &item);
		if (!e)
			v->types = NULL; /* the scope's */
	}
	return e;
}

static struct error *finish_compare(struct expression *x, const struct evaluate_end *end, struct reply *reply)
{
	size_t size = bytes_of(x->found.type);
	struct value_source source = expression_source(x->state);
	unsigned char *bytes;
	char *texts[2] = {0};
	json_t *results = json_array();
	struct error *fault = NULL;

	struct error *e = read_result(x, x->result, sizeof(struct head) + 2 * size, &bytes);
	if (e)
		return e;
	struct head head;
	memcpy(&head, bytes, sizeof(head));
	for (int i = 0; i < 2; i++) {
		const unsigned char *value = bytes + sizeof(head) + (size_t)i * size;
		struct text text = {0};
		json_t *row = json_pack("{s:s, s:i}", "function", x->compared, "version", x->versions[i]);
		text_printf(&reply->text, "%s@%d = ", x->compared, x->versions[i]);
		if (head.place > (uint64_t)i) {
			value_text(&text, x->found.type, value, &source, &x->options);
			json_object_set_new(row, "text", json_string(text.bytes ? text.bytes : ""));
			json_object_set_new(row, "value",
					    value_json(x->found.type, value, &source, &x->options));
			expression_show(x->state, &reply->text, x->found.type, value, &x->options);
			texts[i] = text_take(&text);
		} else if (head.place == (uint64_t)i) {
			fault = evaluate_explain(x->live, end);
			text_puts(&reply->text, fault ? error_message(fault) : "nothing");
			json_object_set_new(row, "error", json_string(fault ? error_message(fault) : ""));
		} else {
			text_puts(&reply->text, "not called");
			json_object_set_new(row, "error", json_string("not called"));
		}
		text_puts(&reply->text, "\n");
		json_array_append_new(results, row);
	}
	bool same =
		texts[0] && texts[1] && memcmp(bytes + sizeof(head), bytes + sizeof(head) + size, size) == 0;
	if (texts[0] && texts[1])
		text_puts(&reply->text, size == 0 ? "both returned\n" : same ? "the same\n" : "different\n");
	reply->data = json_pack("{s:s, s:s, s:b, s:o}", "function", x->compared, "type", x->found.type->name,
				"same", same, "results", results);
	tell(x, "evaluated", x->text);
	free(texts[0]);
	free(texts[1]);
	free(bytes);
	if (fault)
		reply->told = true;
	return fault;
}

static struct error *finish(struct expression *x, const struct evaluate_end *end, struct reply *reply)
{
	if (x->job == JOB_COMPARE)
		return finish_compare(x, end, reply);
	struct error *e = explain(x, end, reply);
	if (e)
		return e;
	switch (x->job) {
	case JOB_STATEMENT:
		tell(x, "evaluated", x->text);
		reply->data = json_pack("{s:s, s:s, s:n, s:n}", "type", "void", "text", "", "value", "name");
		return NULL;
	case JOB_DECLARATION:
		return finish_declaration(x, reply);
	default:
		return finish_value(x, reply);
	}
}

static bool expression_ready(struct waiting *waiting, struct console_state *state, bool interrupted,
			     struct reply *reply, struct error **e)
{
	struct expression *x = (struct expression *)waiting;
	struct evaluate_end end;

	(void)state;
	if (!evaluation_poll(x->evaluation, interrupted, &end)) {
		waiting->deadline_us = evaluation_deadline(x->evaluation);
		return false;
	}
	reply->text = x->warnings;
	reply->diagnostics = x->diagnostics;
	x->warnings = (struct text){0};
	x->diagnostics = NULL;
	*e = finish(x, &end, reply);
	return true;
}

/* --- running ------------------------------------------------------------------------------------------------------- */

/* Compiles what is to be run in place of what was checked, and waits for its end. Takes the expression. */
static struct error *start(struct expression *x, struct reply *reply)
{
	struct text whole = {0};

	text_puts(&whole, COPY);
	text_puts(&whole, x->run.bytes ? x->run.bytes : "");
	char *text = text_take(&whole);
	struct error *e = text ? build_replace_text(&x->build, text) : error_memory();
	free(text);
	if (!e)
		e = evaluation_new(x->host->evaluator, &x->build, x->argument, &x->evaluation);
	if (e) {
		expression_free(&x->waiting);
		return e;
	}
	build_end(x);
	x->warnings = reply->text;
	x->diagnostics = reply->diagnostics;
	reply->text = (struct text){0};
	reply->diagnostics = NULL;
	x->waiting.ready = expression_ready;
	reply->waiting = &x->waiting;
	return NULL;
}

/* The integer that an unnamed enumeration's bit-field is read as. */
static const char *readable_name(const struct type *type)
{
	if (!type->nameless)
		return type->name;
	return type->is_signed ? "int" : "unsigned int";
}

static bool is_scalar(const struct type *type)
{
	return (type->kind == TYPE_BOOL || type->kind == TYPE_INTEGER || type->kind == TYPE_ENUM ||
		type->kind == TYPE_FLOAT || type->kind == TYPE_POINTER) &&
	       type->size && type->size <= sizeof(((struct head *)0)->old);
}

/* What an assignment assigns to, where that can be looked at. */
static void find_place(struct expression *x)
{
	size_t begin, end;

	if (!typed_assigned(x->given.text, strlen(x->given.text), &begin, &end))
		return;
	while (begin < end && strchr(" \t\n", x->given.text[begin]))
		begin++;
	while (end > begin && strchr(" \t\n", x->given.text[end - 1]))
		end--;
	x->place = strndup(x->given.text + begin, end - begin);
}

/* Before an assignment: where to, and what is there. */
static void write_tracking(struct expression *x)
{
	x->tracked &= is_scalar(x->found.type);
	if (!x->tracked)
		return;
	text_printf(&x->run,
		    "{ const volatile void *rtf_place = (const volatile void *)&(%s);\n"
		    "((const volatile void **)rtf_result)[0] = rtf_place;\n"
		    "((unsigned long *)rtf_result)[1] = sizeof(%s);\n"
		    "rtf_copy((char *)rtf_result + 16, (const void *)rtf_place, sizeof(%s)); }\n",
		    x->place, x->place, x->place);
}

static void write_value(struct expression *x)
{
	const char *text = x->given.text;
	const struct type *type = x->found.type;
	int head = (int)sizeof(struct head);

	text_puts(&x->run, "void " FUNCTION "(void *rtf_result)\n{\n");
	write_tracking(x);
	if (type->kind == TYPE_VOID)
		text_printf(&x->run, "(\n%s\n);\n", text);
	else if (type->kind == TYPE_FUNCTION)
		text_printf(&x->run, "*(const void **)((char *)rtf_result + %d) = (const void *)(\n%s\n);\n",
			    head, text);
	else if (type->kind == TYPE_ARRAY)
		text_printf(&x->run,
			    "rtf_copy((char *)rtf_result + %d, (const void *)(\n%s\n), %" PRIu64 "UL);\n",
			    head, text, type->size);
	else if (x->found.bit_field || (x->writes && type->kind == TYPE_INTEGER))
		/* What is assigned to a bit-field is as wide as that for some compilers' typeof. */
		text_printf(&x->run, "*(%s *)((char *)rtf_result + %d) = (\n%s\n);\n", readable_name(type),
			    head, text);
	else
		text_printf(
			&x->run,
			"__typeof__(\n%s\n) rtf_value = (\n%s\n);\n"
			"rtf_copy((char *)rtf_result + %d, (const void *)&rtf_value, sizeof(rtf_value));\n",
			text, text, head);
	text_puts(&x->run, "}\n");
}

static struct error *check_size(const struct type *type)
{
	if (type->incomplete)
		return error_new(ERROR_COMPILE, "the size of %s is not known here", type->name);
	if (type->size > VALUE_MAX)
		return error_new(ERROR_USAGE,
				 "%s has %" PRIu64
				 " bytes, more than the %d MiB that are shown at once: name a part of it",
				 type->name, type->size, VALUE_MAX >> 20);
	return NULL;
}

/* gdb's artificial array: `place@count`. */
static struct error *rewrite_array(struct expression *x)
{
	size_t at;
	char *text;

	if (!typed_array(x->given.text, strlen(x->given.text), &at))
		return NULL;
	if (asprintf(&text, "*(__typeof__(%.*s) (*)[(%s)])(void *)&(%.*s)", (int)at, x->given.text,
		     x->given.text + at + 1, (int)at, x->given.text) < 0)
		return error_memory();
	free(x->given.text);
	x->given.text = text;
	return NULL;
}

static struct error *run_value(struct expression *x, struct reply *reply)
{
	struct error *e = declare(x);
	if (!e)
		e = rewrite_array(x);
	if (!e) {
		find_place(x);
		text_printf(&x->checked, "void " FUNCTION "(void *rtf_result)\n{(\n%s\n);", x->given.text);
		if (x->place)
			text_printf(&x->checked, "(%s);", x->place);
		text_puts(&x->checked, "}\n");
		x->writes = typed_writes(x->given.text, strlen(x->given.text));
		e = check_with_types(x, reply, x->options.depth, read_one);
	}
	if (!e)
		e = refuse(x, reply);
	if (!e)
		e = check_size(x->found.type);
	if (!e) {
		x->writes |= macros_write(x->build.slice.text);
		e = read_only_denies(x, false);
	}
	if (!e)
		e = evaluator_result(x->host->evaluator, sizeof(struct head) + bytes_of(x->found.type),
				     &x->result);
	if (e) {
		expression_free(&x->waiting);
		return e;
	}
	x->argument = x->result;
	write_value(x);
	return start(x, reply);
}

static struct error *run_statement(struct expression *x, struct reply *reply)
{
	struct error *e = declare(x);

	if (!e) {
		text_printf(&x->checked, "void " FUNCTION "(void *rtf_result)\n{\n%s\n;}\n", x->given.text);
		e = check_with_types(x, reply, 0, read_none);
	}
	if (!e)
		e = refuse(x, reply);
	if (!e)
		e = read_only_denies(x, true);
	if (e) {
		expression_free(&x->waiting);
		return e;
	}
	text_puts(&x->run, x->checked.bytes);
	return start(x, reply);
}

/* --- declarations -------------------------------------------------------------------------------------------------- */

static bool is_type_name(void *context, const char *name, uint32_t length)
{
	const struct expression *x = context;
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
	for (uint32_t i = index_find(index, INDEX_ORDINARY, name, length); i != INDEX_NONE;
	     i = index->names[i].next)
		if (index->names[i].kind == NAME_TYPEDEF)
			return true;
	return false;
}

/* The specifiers without what says how long a variable lives, and without extern. */
static char *plain_specifiers(const char *text, uint32_t begin, uint32_t end)
{
	static const char *const storage[] = {"static", "extern",        "register",
					      "auto",   "_Thread_local", "__thread"};
	char *out = strndup(text + begin, end - begin);
	struct token_reader r;
	struct token t;

	if (!out)
		return NULL;
	token_reader_init(&r, out, (uint32_t)strlen(out));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		for (size_t i = 0; i < sizeof(storage) / sizeof(*storage); i++)
			if (token_is(&r, &t, storage[i]))
				memset(out + t.begin, ' ', t.end - t.begin);
	return out;
}

static char *name_at(const char *text, const struct declaration_name *n)
{
	return strndup(text + n->begin, n->end - n->begin);
}

/* A declaration that makes no variable: a type, a prototype, an extern. `alias`: the type of a group of variables by
 * itself, under that name. */
static struct error *declare_item(struct expression *x, const char *text, const struct declaration *d,
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

/* One declarator of a group: `name` in it, its initialiser behind. */
static struct error *add_variable(struct expression *x, const char *text, const struct declaration *d,
				  const struct declaration_name *n, const char *base)
{
	struct variable *v = &x->variables[x->variable_count];
	uint32_t begin = d->specifiers, end = d->end, cut_begin = 0, cut_end = 0;
	struct token_reader r;
	struct token t;
	unsigned depth = 0;

	if (x->variable_count == NAMES_MAX)
		return error_new(ERROR_USAGE, "more than %d variables in one entry", NAMES_MAX);
	token_reader_init(&r, text, d->end);
	r.at = d->specifiers;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_PUNCTUATOR)
			continue;
		if (strchr("([{", t.first))
			depth++;
		else if (strchr(")]}", t.first) && depth)
			depth--;
		else if (depth == 0 && (t.first == ',' || t.first == ';')) {
			if (t.begin > n->begin) {
				end = t.begin;
				break;
			}
			begin = t.end;
		}
	}
	for (size_t i = 0; i < d->cut_count; i++) {
		if (d->cuts[i].begin >= n->end && d->cuts[i].begin < end) {
			cut_begin = d->cuts[i].begin;
			cut_end = d->cuts[i].end < end ? d->cuts[i].end : end;
			break;
		}
	}
	uint32_t stop = cut_end ? cut_begin : end;
	if (cut_end && end > cut_end)
		cut_end = end;
	x->variable_count++;
	v->name = name_at(text, n);
	v->base = strdup(base);
	v->initialiser = cut_end ? strndup(text + cut_begin, cut_end - cut_begin) : NULL;
	if (asprintf(&v->declarator, "%.*s%s%.*s", (int)(n->begin - begin), text + begin, "%s",
		     (int)(stop - n->end), text + n->end) < 0)
		v->declarator = NULL;
	return v->name && v->base && v->declarator && (v->initialiser || !cut_end) ? NULL : error_memory();
}

/* A group of declarators: its type by itself where it is defined here, then each variable. */
static struct error *add_declaration(struct expression *x, const char *text, const struct declaration *d)
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
	char *base = plain_specifiers(text, d->begin, d->specifiers);
	if (!base)
		return error_memory();
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

static struct error *split_declarations(struct expression *x)
{
	struct declaration_reader r;
	struct declaration d = {0};
	struct error *e = NULL;

	declaration_reader_init(&r, x->text, (uint32_t)x->size);
	r.is_type = is_type_name;
	r.context = x;
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && !e; declaration_next(&r, &d))
		if (d.kind == DECLARATION_NAMES)
			e = add_declaration(x, x->text, &d);
	declaration_fini(&d);
	return e;
}

static struct error *read_variables(struct expression *x)
{
	void *unit = check_unit(live_host(x->live)->check);
	struct error *e = NULL;

	for (size_t i = 0; i < x->variable_count && !e; i++) {
		struct variable *v = &x->variables[i];
		types_free(v->types);
		v->types = NULL;
		e = types_of_variable(unit, FUNCTION, v->name, &v->types, &x->found);
		v->type = x->found.type;
		if (!e && type_add_incomplete(v->type, x->options.depth, &x->also))
			return NULL; /* found.type has it: the check is made again */
	}
	return e;
}

/* Types and prototypes alone: whether they are C. */
static struct error *check_items(struct expression *x, struct reply *reply)
{
	struct error *e = declare(x);
	if (!e) {
		text_printf(&x->checked, "void " FUNCTION "(void *rtf_result)\n{\n%s\n;}\n", x->given.text);
		/* The scope has them already: what is checked is that it can stand. */
		e = check(x);
	}
	if (!e)
		e = refuse(x, reply);
	return e;
}

static struct error *place_variables(struct expression *x)
{
	struct error *e = NULL;

	for (size_t i = 0; i < x->variable_count && !e; i++) {
		struct variable *v = &x->variables[i];
		if (v->type->incomplete || v->type->size == 0)
			return error_new(ERROR_COMPILE, "the size of %s is not known", v->name);
		e = evaluator_alloc(x->host->evaluator, v->type->size, v->type->align, &v->address);
		if (!e)
			e = scope_text_bind(&x->given, v->name, v->address);
	}
	return e;
}

/* Each initialiser sees the variables where they will be: a local of another name gets the value, which is copied. */
static void write_initialisers(struct expression *x)
{
	for (size_t i = 0; i < x->variable_count; i++) {
		const struct variable *v = &x->variables[i];
		put_external(&x->run, v);
		text_puts(&x->run, "\n");
	}
	text_puts(&x->run, "void " FUNCTION "(void *rtf_result)\n{\n");
	for (size_t i = 0; i < x->variable_count; i++) {
		const struct variable *v = &x->variables[i];
		if (!v->initialiser)
			continue;
		text_puts(&x->run, "{ ");
		put_declarator(&x->run, v, "rtf_initial");
		text_printf(&x->run,
			    "%s;\nrtf_copy((void *)0x%" PRIx64
			    "UL, (const void *)&rtf_initial, sizeof(rtf_initial)); }\n",
			    v->initialiser, v->address);
	}
	text_puts(&x->run, "}\n");
}

static struct error *run_declaration(struct expression *x, struct reply *reply)
{
	struct error *e =
		x->state->read_only
			? error_new(ERROR_DENIED,
				    "this connection is read-only: a variable is made in the program")
			: split_declarations(x);
	if (!e && !x->variable_count) {
		e = check_items(x, reply);
		if (!e)
			reply->data = json_array();
		expression_free(&x->waiting);
		return e;
	}
	if (!e)
		e = declare(x);
	if (!e) {
		text_printf(&x->checked, "void " FUNCTION "(void *rtf_result)\n{\n%s\n;}\n", x->given.text);
		e = check_with_types(x, reply, x->options.depth, read_variables);
	}
	if (!e)
		e = refuse(x, reply);
	if (!e)
		e = place_variables(x);
	if (!e)
		write_initialisers(x);
	if (e) {
		expression_free(&x->waiting);
		return e;
	}
	return start(x, reply);
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

static struct error *run_directive(struct expression *x, const struct token *t)
{
	const char *line = x->text + t->begin;
	struct token_reader r;
	struct token word, name;

	token_reader_init(&r, x->text, t->end);
	r.at = t->begin + 1;
	r.line_start = false;
	token_next(&r, &word);
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

static struct error *enter_rest(struct call *c, const char *text, size_t size);

/* Preprocessor lines, then whatever follows them. */
static struct error *run_directives(struct expression *x, struct call *c)
{
	struct token_reader r;
	struct token t;
	struct error *e = NULL;

	token_reader_init(&r, x->text, (uint32_t)x->size);
	for (token_next(&r, &t); t.kind == TOKEN_DIRECTIVE && !e; token_next(&r, &t))
		e = run_directive(x, &t);
	if (!e && t.kind != TOKEN_END)
		e = enter_rest(c, x->text + t.begin, x->size - t.begin);
	else if (!e)
		c->reply->data = json_array();
	expression_free(&x->waiting);
	return e;
}

/* --- entries ------------------------------------------------------------------------------------------------------- */

bool expression_takes(struct call *c, const char *text, size_t size)
{
	(void)c;
	return typed_classify(text, size, NULL, NULL) != TYPED_DEFINITION;
}

static struct error *finish_text(struct expression *x)
{
	char *whole = typed_finish(x->text, x->size);

	if (!whole)
		return error_memory();
	free(x->text);
	x->text = whole;
	x->size = strlen(whole);
	return NULL;
}

static struct error *enter_rest(struct call *c, const char *text, size_t size)
{
	struct expression *x;

	struct error *e = new_expression(c, JOB_VALUE, text, size, &x);
	if (e)
		return e;
	switch (typed_classify(x->text, x->size, is_type_name, x)) {
	case TYPED_DIRECTIVE:
		c->reply->command = "directive";
		return run_directives(x, c);
	case TYPED_DECLARATION:
		c->reply->command = "declaration";
		x->job = JOB_DECLARATION;
		e = finish_text(x);
		if (e) {
			expression_free(&x->waiting);
			return e;
		}
		return run_declaration(x, c->reply);
	case TYPED_STATEMENT:
		c->reply->command = "statement";
		x->job = JOB_STATEMENT;
		return run_statement(x, c->reply);
	default:
		c->reply->command = "expression";
		x->size = typed_trim(x->text, x->size);
		x->text[x->size] = '\0';
		return run_value(x, c->reply);
	}
}

struct error *expression_enter(struct call *c, const char *text, size_t size)
{
	if (memchr(text, '\0', size))
		return error_new(ERROR_USAGE, "the text holds a NUL");
	return enter_rest(c, text, size);
}

struct error *expression_print(struct call *c, const char *text, size_t size,
			       const struct value_options *options)
{
	struct expression *x;
	size_t trimmed = typed_trim(text, size);

	if (!trimmed)
		return error_new(ERROR_USAGE, "an expression is missing");
	struct error *e = new_expression(c, JOB_VALUE, text, trimmed, &x);
	if (e)
		return e;
	x->options = *options;
	return run_value(x, c->reply);
}

struct error *expression_value(struct call *c, const char *text, size_t size, expression_done *done,
			       void *context)
{
	struct expression *x;
	size_t trimmed = typed_trim(text, size);

	struct error *e = trimmed ? new_expression(c, JOB_HAND, text, trimmed, &x)
				  : error_new(ERROR_USAGE, "an expression is missing");
	if (e) {
		free(context);
		return e;
	}
	x->done = done;
	x->context = context;
	return run_value(x, c->reply);
}

/* --- comparing ----------------------------------------------------------------------------------------------------- */

static void write_compare(struct expression *x, const char *const calls[2])
{
	const struct type *type = x->found.type;
	size_t size = bytes_of(type);

	text_puts(&x->run, "void " FUNCTION "(void *rtf_result)\n{\n*(unsigned long *)rtf_result = 0;\n");
	for (int i = 0; i < 2; i++) {
		if (type->kind == TYPE_VOID)
			text_printf(&x->run, "(%s);\n", calls[i]);
		else
			text_printf(&x->run,
				    "{ __typeof__(%s) rtf_value = (%s);\n"
				    "rtf_copy((char *)rtf_result + %zu, (const void *)&rtf_value, "
				    "sizeof(rtf_value)); }\n",
				    calls[i], calls[i], sizeof(struct head) + (size_t)i * size);
		text_printf(&x->run, "*(volatile unsigned long *)rtf_result = %d;\n", i + 1);
	}
	text_puts(&x->run, "}\n");
}

struct error *expression_compare(struct call *c, const char *name, int a, int b, const char *arguments,
				 size_t size)
{
	struct expression *x;
	char *text = NULL, *calls[2] = {0};

	if (c->state->read_only)
		return error_new(ERROR_DENIED, "this connection is read-only: \\compare calls");
	if (asprintf(&text, "%s@%d%.*s, %s@%d%.*s", name, a, (int)size, arguments, name, b, (int)size,
		     arguments) < 0)
		return error_memory();
	struct error *e = new_expression(c, JOB_COMPARE, text, strlen(text), &x);
	free(text);
	if (e)
		return e;
	x->compared = strdup(name);
	x->versions[0] = a;
	x->versions[1] = b;
	bool written = asprintf(&calls[0], "%s$%d%.*s", name, a, (int)size, arguments) >= 0 &&
		       asprintf(&calls[1], "%s$%d%.*s", name, b, (int)size, arguments) >= 0 && x->compared;
	e = written ? declare(x) : error_memory();
	if (!e) {
		text_printf(&x->checked, "void " FUNCTION "(void *rtf_result)\n{(\n%s\n);}\n", calls[0]);
		e = check_with_types(x, c->reply, x->options.depth, read_one);
	}
	if (!e)
		e = refuse(x, c->reply);
	if (!e)
		e = check_size(x->found.type);
	if (!e)
		e = evaluator_result(x->host->evaluator, sizeof(struct head) + 2 * bytes_of(x->found.type),
				     &x->result);
	if (!e) {
		x->argument = x->result;
		write_compare(x, (const char *const *)calls);
		e = start(x, c->reply);
	} else {
		expression_free(&x->waiting);
	}
	free(calls[0]);
	free(calls[1]);
	return e;
}

/* --- types alone --------------------------------------------------------------------------------------------------- */

struct error *expression_types(struct call *c, const struct target_unit *unit, const char *const *texts,
			       size_t count, unsigned depth, struct types **out, struct type_found *found)
{
	struct expression *x;

	struct error *e = new_expression(c, JOB_VALUE, "", 0, &x);
	if (e)
		return e;
	x->unit = unit;
	text_puts(&x->checked, "void " FUNCTION "(void *rtf_result)\n{\n");
	struct text names = {0};
	for (size_t i = 0; i < count; i++) {
		text_printf(&x->checked, "(%s);\n", texts[i]);
		text_printf(&names, "%s\n", texts[i]);
	}
	text_puts(&x->checked, "}\n");
	e = scope_text_new(c->state->scope, c->live, x->host->evaluator, c->state->file, "", 0, names.bytes,
			   &x->given);
	text_fini(&names);
	for (int tries = 0; tries < 4 && !e; tries++) {
		bool again = false;
		e = check_once(x);
		if (!e && x->build.check.failed)
			e = error_new(x->build.check.class, "%s",
				      x->build.check.message ? x->build.check.message : "refused");
		if (!e) {
			types_free(x->types);
			x->types = NULL;
			e = types_of_expressions(check_unit(live_host(c->live)->check), FUNCTION, count,
						 &x->types, found);
		}
		for (size_t i = 0; i < count && !e; i++)
			again |= type_add_incomplete(found[i].type, depth, &x->also);
		if (!again)
			break;
	}
	if (!e) {
		*out = x->types;
		x->types = NULL;
	}
	expression_free(&x->waiting);
	return e;
}
