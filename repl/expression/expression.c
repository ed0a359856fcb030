#include "expression.h"
#include "context.h"
#include "datum.h"
#include "declare.h"
#include "journal.h"
#include "macros.h"
#include "record.h"
#include "snippet.h"
#include "typed.h"
#include "value_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4 << 20 }; /* bytes of one value */

/* What is checked: one expression, statements. */
#define BEFORE_VALUE     "void " SNIPPET_FUNCTION "(void *rtf_result)\n{(\n"
#define BEFORE_STATEMENT "void " SNIPPET_FUNCTION "(void *rtf_result)\n{\n"

/* Before the value in the result's memory: how many versions have been called, or where an artificial array is and how many
 * it has. */
struct head {
	uint64_t first, second;
};

/* --- checking ------------------------------------------------------------------------------------------------------ */

static struct error *read_one(struct snippet *x)
{
	void *unit = check_unit(live_host(x->live)->check);

	types_free(x->types);
	x->types = NULL;
	return types_of_expressions(unit, SNIPPET_FUNCTION, 1, &x->types, &x->found);
}

static struct error *read_none(struct snippet *x)
{
	x->found = (struct type_found){0};
	return NULL;
}

static struct error *read_only_denies(struct snippet *x, bool runs)
{
	if (!x->state->read_only)
		return NULL;
	if (runs || x->writes)
		return error_new(
			ERROR_DENIED,
			"this connection is read-only: an expression may look, but not call or assign");
	return NULL;
}

/* --- values -------------------------------------------------------------------------------------------------------- */

static size_t bytes_of(const struct type *type)
{
	return type->kind == TYPE_FUNCTION ? 8 : type->kind == TYPE_VOID ? 0 : (size_t)type->size;
}

static struct error *keep_value(struct snippet *x, unsigned char *bytes, size_t size, unsigned *number)
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
static struct error *show_value(struct snippet *x, const unsigned char *bytes, size_t size,
				struct reply *reply)
{
	const struct type *type = x->found.type;
	struct value_source source = datum_source(x->state);
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
	datum_show(x->state, &reply->text, type, bytes, &x->options);
	text_puts(&reply->text, "\n");
	value_text(&text, type, bytes, &source, &x->options);
	json_t *string = json_stringn(text.bytes ? text.bytes : "", text.size);
	reply->data = json_pack("{s:s, s:o, s:s}", "type", type->name, "text", string ? string : json_null(),
				"name", name);
	value_json_put(reply->data, type, bytes, &source, &x->options);
	text_fini(&text);
	return NULL;
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

static struct error *finish_value(struct snippet *x, const struct evaluate_end *end, struct reply *reply)
{
	size_t size = bytes_of(x->found.type);
	unsigned char *bytes;

	struct error *e = snippet_explain(x, end, reply);
	journal_tell(x, end);
	if (!e)
		e = snippet_read(x, x->result, sizeof(struct head) + size, &bytes);
	if (e)
		return e;
	unsigned char *value = bytes + sizeof(struct head);
	if (x->done) {
		struct call c = {.state = x->state, .live = x->live, .reply = reply};
		e = x->done(x->context, &c, x->found.type, value);
	} else {
		e = show_value(x, value, size, reply);
	}
	free(bytes);
	return e;
}

static struct error *finish_compare(struct snippet *x, const struct evaluate_end *end, struct reply *reply)
{
	size_t size = bytes_of(x->found.type);
	struct value_source source = datum_source(x->state);
	unsigned char *bytes;
	char *texts[2] = {0};
	struct error *fault = NULL;

	struct error *e = snippet_read(x, x->result, sizeof(struct head) + 2 * size, &bytes);
	if (e)
		return e;
	json_t *results = json_array();
	struct head head;
	memcpy(&head, bytes, sizeof(head));
	for (int i = 0; i < 2; i++) {
		const unsigned char *value = bytes + sizeof(head) + (size_t)i * size;
		struct text text = {0};
		json_t *row = json_pack("{s:s, s:i}", "function", x->compared, "version", x->versions[i]);
		text_printf(&reply->text, "%s@%d = ", x->compared_as, x->versions[i]);
		if (i == 0 && x->first_fault) {
			text_puts(&reply->text, x->first_fault);
			json_object_set_new(row, "error", json_string(x->first_fault));
			fault = error_new(ERROR_FAULT, "%s", x->first_fault);
		} else if (head.first > (uint64_t)i) {
			value_text(&text, x->found.type, value, &source, &x->options);
			json_object_set_new(row, "text", json_string(text.bytes ? text.bytes : ""));
			json_object_set_new(row, "value",
					    value_json(x->found.type, value, &source, &x->options));
			datum_show(x->state, &reply->text, x->found.type, value, &x->options);
			texts[i] = text_take(&text);
		} else if (head.first == (uint64_t)i) {
			error_free(fault);
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
	snippet_tell(x, "evaluated", x->text);
	free(texts[0]);
	free(texts[1]);
	free(bytes);
	if (fault)
		reply->told = true;
	return fault;
}

/* --- running ------------------------------------------------------------------------------------------------------- */

/* The integer that an unnamed enumeration's bit-field is read as. */
static const char *readable_name(const struct type *type)
{
	if (!type->nameless)
		return type->name;
	return type->is_signed ? "int" : "unsigned int";
}

/* The text, where it is evaluated. */
static void put_text(struct snippet *x)
{
	text_puts(&x->run, "(\n");
	journal_put_text(x, 0, strlen(x->given.text));
	text_puts(&x->run, "\n)");
}

/* A struct without a name can be told only once: said again it is another type. And what cannot be read is a fault in the
 * entry, and not in what a compiler copies structs with. */
static bool is_told_by_place(const struct snippet *x)
{
	return x->found.type->kind == TYPE_RECORD && x->found.place;
}

/* One, or what is assigned to one, whose width the type does not tell. An enumeration without a name cannot be spelled. */
static bool may_be_bit_field(const struct snippet *x)
{
	const struct type *type = x->found.type;

	return x->found.bit_field || (x->writes && (type->kind == TYPE_INTEGER ||
						    (type->kind == TYPE_ENUM && !strchr(type->name, '('))));
}

static void write_value(struct snippet *x)
{
	const struct type *type = x->found.type;
	int head = (int)sizeof(struct head);

	journal_put_macros(x);
	text_puts(&x->run, BEFORE_STATEMENT);
	journal_put_begin(x);
	if (type->kind == TYPE_VOID)
		put_text(x);
	else if (type->kind == TYPE_FUNCTION)
		text_printf(&x->run, "*(const void **)((char *)rtf_result + %d) = (const void *)", head);
	else if (type->kind == TYPE_ARRAY)
		text_printf(&x->run, "rtf_copy((char *)rtf_result + %d, (const void *)", head);
	else if (is_told_by_place(x))
		text_printf(&x->run, "rtf_copy((char *)rtf_result + %d, (const void *)&", head);
	else if (may_be_bit_field(x))
		/* What is assigned to a bit-field is as wide as that for some compilers' typeof. */
		text_printf(&x->run, "*(%s *)((char *)rtf_result + %d) = ", readable_name(type), head);
	else
		text_printf(&x->run, "__typeof__(\n%s\n) rtf_value = ", x->given.text);
	if (type->kind != TYPE_VOID)
		put_text(x);
	if (type->kind == TYPE_ARRAY || is_told_by_place(x))
		text_printf(&x->run, ", %" PRIu64 "UL)", type->size);
	text_puts(&x->run, ";\n");
	if (type->kind != TYPE_VOID && type->kind != TYPE_FUNCTION && type->kind != TYPE_ARRAY &&
	    !is_told_by_place(x) && !may_be_bit_field(x))
		text_printf(
			&x->run,
			"rtf_copy((char *)rtf_result + %d, (const void *)&rtf_value, sizeof(rtf_value));\n",
			head);
	journal_put_end(x);
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

/* --- gdb's artificial array: PLACE@COUNT --------------------------------------------------------------------------- */

static struct error *read_array(struct snippet *x)
{
	struct type_found found[2];

	types_free(x->types);
	x->types = NULL;
	struct error *e = types_of_expressions(check_unit(live_host(x->live)->check), SNIPPET_FUNCTION, 2,
					       &x->types, found);
	if (e)
		return e;
	x->found = found[0];
	x->writes = found[0].acts || found[1].acts;
	enum type_kind kind = found[0].type->kind, count = found[1].type->kind;
	if (kind == TYPE_FUNCTION)
		return error_new(ERROR_USAGE,
				 "%s: only a decorated function has versions, and functions do not stand in "
				 "a row",
				 x->text);
	if (!found[0].place || found[0].bit_field)
		return error_new(ERROR_USAGE, "%s: what stands before the @ is no place in memory", x->text);
	if (found[0].type->incomplete || !found[0].type->size)
		return error_new(ERROR_COMPILE, "the size of %s is not known here", found[0].type->name);
	if (count != TYPE_INTEGER && count != TYPE_ENUM && count != TYPE_BOOL)
		return error_new(ERROR_USAGE, "%s: the count is no integer", x->text);
	return NULL;
}

/* Its elements are where the program has told. */
static struct error *finish_array(struct snippet *x, const struct evaluate_end *end, struct reply *reply)
{
	unsigned char *bytes;
	struct head head;

	struct error *e = snippet_explain(x, end, reply);
	if (!e)
		e = snippet_read(x, x->result, sizeof(head), &bytes);
	if (e)
		return e;
	memcpy(&head, bytes, sizeof(head));
	free(bytes);
	if (x->writes)
		snippet_tell(x, "evaluated", x->text);
	if (head.second == 0 || head.second > INT64_MAX)
		return error_new(ERROR_USAGE, "%s: a count is 1 or more, this is %" PRId64, x->text,
				 (int64_t)head.second);
	if (head.second > VALUE_MAX / x->found.type->size)
		return error_new(
			ERROR_USAGE,
			"%s has more bytes than the %d MiB that are shown at once: name a part of it",
			x->text, VALUE_MAX >> 20);
	x->found.type = types_array(x->types, x->found.type, head.second);
	if (!x->found.type)
		return error_memory();
	e = snippet_read(x, head.first, (size_t)x->found.type->size, &bytes);
	if (e)
		return e;
	if (x->done) {
		struct call c = {.state = x->state, .live = x->live, .reply = reply};
		e = x->done(x->context, &c, x->found.type, bytes);
	} else {
		e = show_value(x, bytes, (size_t)x->found.type->size, reply);
	}
	free(bytes);
	return e;
}

static struct error *run_array(struct snippet *x, size_t at, struct reply *reply)
{
	char *place = strndup(x->given.text, at), *count = strdup(x->given.text + at + 1);
	struct error *e = place && count ? NULL : error_memory();

	if (!e && !typed_trim(count, strlen(count)))
		e = error_new(ERROR_USAGE, "%s: a count is missing behind the @", x->text);
	if (!e) {
		size_t line = at;
		while (line && place[line - 1] != '\n')
			line--;
		x->typed.split = 1 + token_line(place, (uint32_t)at);
		x->typed.more = 2;
		/* The count stands as far from its line's beginning as it was typed. */
		text_printf(&x->checked, BEFORE_VALUE "%s\n);(\n%*s%s\n);}\n", place, (int)(at + 1 - line),
			    "", count);
		e = snippet_check_with_types(x, reply, x->options.depth, read_array);
	}
	if (!e)
		e = snippet_refuse(x, reply);
	if (!e)
		e = read_only_denies(x, false);
	if (!e)
		e = evaluator_result(x->host->evaluator, sizeof(struct head), &x->result);
	if (!e) {
		x->argument = x->result;
		text_printf(&x->run,
			    BEFORE_STATEMENT "((const volatile void **)rtf_result)[0] = &(\n%s\n);\n"
					     "((long *)rtf_result)[1] = (\n%s\n);\n}\n",
			    place, count);
		/* What `$` says of its type where that has no name. */
		free(x->given.text);
		if (asprintf(&x->given.text, "*(__typeof__(%s) (*)[%s])0", place, count) < 0) {
			x->given.text = NULL;
			e = error_memory();
		}
	}
	free(place);
	free(count);
	if (!e)
		return snippet_start(x, finish_array, reply);
	snippet_free(x);
	return e;
}

/* --- one expression ------------------------------------------------------------------------------------------------ */

/* Of an array whose end nobody tells, such as a struct's last member, it is where that begins. */
static struct error *take_first(struct snippet *x, struct reply *reply)
{
	char *text;

	if (asprintf(&text, "&(%s)[0]", x->given.text) < 0)
		return error_memory();
	free(x->given.text);
	x->given.text = text;
	text_fini(&x->checked);
	text_printf(&x->checked, BEFORE_VALUE "%s\n);}\n", text);
	struct error *e = snippet_check_with_types(x, reply, x->options.depth, read_one);
	return e ? e : snippet_refuse(x, reply);
}

static struct error *run_value(struct snippet *x, struct reply *reply)
{
	x->patient = true;
	struct error *e = snippet_declare(x);
	size_t at;

	if (!e && typed_array(x->given.text, strlen(x->given.text), &at))
		return run_array(x, at, reply);
	if (!e) {
		text_printf(&x->checked, BEFORE_VALUE "%s\n);}\n", x->given.text);
		e = snippet_check_with_types(x, reply, x->options.depth, read_one);
	}
	if (!e)
		e = snippet_refuse(x, reply);
	if (!e && x->found.type->kind == TYPE_ARRAY && x->found.type->incomplete)
		e = take_first(x, reply);
	if (!e)
		e = check_size(x->found.type);
	if (!e) {
		x->writes = x->found.acts;
		e = read_only_denies(x, false);
	}
	if (!e)
		e = journal_begin(x, strlen(BEFORE_VALUE));
	size_t size = e ? 0 : (sizeof(struct head) + bytes_of(x->found.type) + 15) & ~(size_t)15;
	if (!e)
		e = evaluator_result(x->host->evaluator, size + journal_size(x), &x->result);
	if (e) {
		snippet_free(x);
		return e;
	}
	x->argument = x->result;
	journal_place(x, x->result + size);
	write_value(x);
	return snippet_start(x, finish_value, reply);
}

static struct error *finish_statement(struct snippet *x, const struct evaluate_end *end, struct reply *reply)
{
	struct error *e = snippet_explain(x, end, reply);
	journal_tell(x, end);
	if (e)
		return e;
	reply->data = json_pack("{s:s, s:s, s:n, s:n}", "type", "void", "text", "", "value", "name");
	return NULL;
}

static struct error *run_statement(struct snippet *x, struct reply *reply)
{
	x->patient = true;
	struct error *e = snippet_declare(x);

	if (!e) {
		text_printf(&x->checked, BEFORE_STATEMENT "%s\n;}\n", x->given.text);
		e = snippet_check_with_types(x, reply, 0, read_none);
	}
	if (!e)
		e = snippet_refuse(x, reply);
	if (!e)
		e = read_only_denies(x, true);
	if (!e)
		e = journal_begin(x, strlen(BEFORE_STATEMENT));
	if (!e && journal_size(x))
		e = evaluator_result(x->host->evaluator, journal_size(x), &x->result);
	if (e) {
		snippet_free(x);
		return e;
	}
	x->writes = true;
	journal_place(x, x->result);
	journal_put_macros(x);
	text_puts(&x->run, BEFORE_STATEMENT);
	journal_put_begin(x);
	journal_put_text(x, 0, strlen(x->given.text));
	text_puts(&x->run, "\n;\n");
	journal_put_end(x);
	text_puts(&x->run, "}\n");
	return snippet_start(x, finish_statement, reply);
}

/* --- directives ---------------------------------------------------------------------------------------------------- */

static struct error *enter_rest(struct call *c, const char *text, size_t size);

/* Preprocessor lines, then whatever follows them. */
static struct error *run_directives(struct snippet *x, struct call *c, const char *text)
{
	struct token_reader r;
	struct token t;
	struct error *e = NULL;

	token_reader_init(&r, x->text, (uint32_t)x->size);
	for (token_next(&r, &t); t.kind == TOKEN_DIRECTIVE && !e; token_next(&r, &t))
		e = declare_directive(x, &t);
	if (!e)
		scope_begin(x->state->scope); /* they stay, whatever becomes of the rest */
	if (!e && t.kind != TOKEN_END)
		e = enter_rest(c, text + t.begin, x->size - t.begin);
	else if (!e)
		c->reply->data = json_array();
	snippet_free(x);
	return e;
}

/* --- entries ------------------------------------------------------------------------------------------------------- */

bool expression_takes(struct call *c, const char *text, size_t size)
{
	return typed_classify(text, size, NULL, NULL) != TYPED_DEFINITION ||
	       macros_begin_statement(c, text, size);
}

static struct error *enter_rest(struct call *c, const char *text, size_t size)
{
	struct snippet *x;

	struct error *e = snippet_new(c, text, size, &x);
	if (e)
		return e;
	bool statement = macros_begin_statement(c, x->text, x->size);
	switch (statement ? TYPED_STATEMENT : typed_classify(x->text, x->size, declare_is_type, x)) {
	case TYPED_DIRECTIVE:
		c->reply->command = "directive";
		return run_directives(x, c, text);
	case TYPED_DECLARATION:
		c->reply->command = "declaration";
		e = snippet_finish_text(x);
		if (e) {
			snippet_free(x);
			return e;
		}
		return declare_run(x, c->reply);
	case TYPED_STATEMENT:
		c->reply->command = "statement";
		return run_statement(x, c->reply);
	default:
		c->reply->command = "expression";
		x->size = typed_trim(x->text, x->size);
		x->text[x->size] = '\0';
		return run_value(x, c->reply);
	}
}

/* What did not compile is in the log all the same; what ran is there when it has. */
static struct error *record_refusal(struct call *c, const char *text, size_t size, struct error *e)
{
	char *detail = NULL;

	if (e && error_class(e) != ERROR_INTERNAL &&
	    asprintf(&detail, "%s\n%.*s", error_message(e), (int)size, text) >= 0) {
		record_event(c->live, "rejected", NULL, -1, c->state->user, detail);
		free(detail);
	}
	return e;
}

/* Variables, types, macros and headers of the session: no version, and no evaluation tells of them. */
static void record_declared(struct call *c, const char *text, size_t size)
{
	char *detail = strndup(text, size);

	if (detail &&
	    (detail[strspn(detail, " \t\r\n")] == '#' || strcmp(c->reply->command, "declaration") == 0))
		record_event(c->live, "declared", NULL, -1, c->state->user, detail);
	free(detail);
}

struct error *expression_enter(struct call *c, const char *text, size_t size)
{
	if (memchr(text, '\0', size))
		return error_new(ERROR_USAGE, "the text holds a NUL");
	if (c->state->scope)
		scope_begin(c->state->scope);
	struct error *e = enter_rest(c, text, size);
	if (e && c->state->scope)
		scope_take_back(c->state->scope);
	if (!e)
		record_declared(c, text, size);
	return record_refusal(c, text, size, e);
}

struct error *expression_print(struct call *c, const char *text, size_t size,
			       const struct value_options *options)
{
	struct snippet *x;
	size_t trimmed = typed_trim(text, size);

	if (size && !trimmed)
		return error_new(ERROR_USAGE, "an expression is missing");
	struct error *e =
		size ? snippet_new(c, text, trimmed, &x) : snippet_new_from(c, "$", strlen("$"), text, 0, &x);
	if (e)
		return e;
	x->options = *options;
	return record_refusal(c, text, size, run_value(x, c->reply));
}

struct error *expression_value(struct call *c, const char *text, size_t before, const char *typed,
			       size_t size, snippet_done *done, void *context)
{
	struct snippet *x;

	struct error *e = typed_trim(typed, size) ? snippet_new_from(c, text, before, typed, size, &x)
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

/* The calls from the first or the second on. */
static void write_compare(struct snippet *x, const char *const calls[2], int first)
{
	const struct type *type = x->found.type;
	size_t size = bytes_of(type);

	text_printf(&x->run, BEFORE_STATEMENT "*(unsigned long *)rtf_result = %d;\n", first);
	for (int i = first; i < 2; i++) {
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

/* Where the first version did not come back by itself, the second is called all the same. */
static bool compare_second(struct snippet *x, const struct evaluate_end *end)
{
	bool ended = end->how == CALL_FAULT || end->how == CALL_OVERFLOW || end->how == CALL_EXITED ||
		     end->how == CALL_THREAD_ENDED;
	struct head head;

	if (!ended || x->first_fault)
		return false;
	struct error *e = program_read(x->host->program, x->result, &head, sizeof(head));
	if (e || head.first != 0) {
		error_free(e);
		return false;
	}
	struct error *fault = evaluate_explain(x->live, end);
	x->first_fault = fault ? strdup(error_message(fault)) : NULL;
	error_free(fault);
	if (!x->first_fault)
		return false;
	text_fini(&x->run);
	write_compare(x, (const char *const[]){NULL, x->second}, 1);
	e = snippet_again(x);
	if (!e)
		return true;
	error_free(e);
	free(x->first_fault);
	x->first_fault = NULL;
	return false;
}

struct error *expression_compare(struct call *c, const struct live_function *f, int a, int b,
				 const char *arguments, size_t size)
{
	const char *name = f->at.name;
	struct snippet *x;
	char *text = NULL, *calls[2] = {0};

	if (asprintf(&text, "%s@%d%.*s, %s@%d%.*s", name, a, (int)size, arguments, name, b, (int)size,
		     arguments) < 0)
		return error_memory();
	size_t before = (size_t)snprintf(NULL, 0, "%s@%d", name, a);
	struct error *e = snippet_new_from(c, text, before, arguments, size, &x);
	free(text);
	if (e)
		return e;
	x->patient = true;
	x->compared = strdup(name);
	x->compared_as = strdup(f->name);
	x->versions[0] = a;
	x->versions[1] = b;
	bool written = asprintf(&calls[0], "%s$%d%.*s", name, a, (int)size, arguments) >= 0 &&
		       asprintf(&calls[1], "%s$%d%.*s", name, b, (int)size, arguments) >= 0 && x->compared &&
		       x->compared_as;
	e = written ? snippet_declare(x) : error_memory();
	if (!e) {
		text_printf(&x->checked, "void " SNIPPET_FUNCTION "(void *rtf_result)\n{(\n%s\n);}\n",
			    calls[0]);
		e = snippet_check_with_types(x, c->reply, x->options.depth, read_one);
	}
	if (!e)
		e = snippet_refuse(x, c->reply);
	if (!e)
		e = check_size(x->found.type);
	if (!e)
		e = evaluator_result(x->host->evaluator, sizeof(struct head) + 2 * bytes_of(x->found.type),
				     &x->result);
	if (!e) {
		x->argument = x->result;
		write_compare(x, (const char *const *)calls, 0);
		x->second = calls[1];
		calls[1] = NULL;
		x->retry = compare_second;
		e = snippet_start(x, finish_compare, c->reply);
	} else {
		snippet_free(x);
	}
	free(calls[0]);
	free(calls[1]);
	return e;
}

/* --- types alone --------------------------------------------------------------------------------------------------- */

struct error *expression_types(struct call *c, const struct target_unit *unit, const char *const *texts,
			       size_t count, unsigned depth, struct types **out, struct type_found *found)
{
	struct snippet *x;

	struct error *e = snippet_new(c, c->entry, 0, &x);
	if (e)
		return e;
	x->unit = unit;
	struct text lines = {0};
	for (size_t i = 0; i < count; i++)
		text_printf(&lines, "(%s);\n", texts[i]);
	e = scope_text_new(c->state->scope, c->live, x->host->evaluator, c->state->file,
			   lines.bytes ? lines.bytes : "", lines.size, NULL, &x->given);
	text_fini(&lines);
	if (!e)
		text_printf(&x->checked, BEFORE_STATEMENT "%s}\n", x->given.text);
	for (int tries = 0; tries < 4 && !e; tries++) {
		bool again = false;
		e = snippet_check_here(x);
		if (!e && x->build.check.failed)
			e = error_new(x->build.check.class, "%s",
				      x->build.check.message ? x->build.check.message : "refused");
		if (!e) {
			types_free(x->types);
			x->types = NULL;
			e = types_of_expressions(check_unit(live_host(c->live)->check), SNIPPET_FUNCTION,
						 count, &x->types, found);
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
	snippet_free(x);
	return e;
}
