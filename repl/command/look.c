#include "look.h"
#include "datum.h"
#include "expression.h"
#include "scope.h"
#include "typed.h"
#include "value_json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS_MAX = 10000000, MEMORY_MAX = 1 << 20 };

/* --- \print ---------------------------------------------------------------------------------------------------------- */

static struct error *read_number(const char *word, size_t length, size_t *out)
{
	char digits[24], *end;

	snprintf(digits, sizeof(digits), "%.*s", (int)length, word);
	unsigned long long n = strtoull(digits, &end, 10);
	if (end == digits || *end || n > ELEMENTS_MAX)
		return error_new(ERROR_USAGE, "%s is not a number from 0 to %d", digits, ELEMENTS_MAX);
	*out = (size_t)n;
	return NULL;
}

/* `-elements N` and so on before an expression; *at goes behind them. */
static struct error *read_options(const char **at, const char *end, struct value_options *o)
{
	for (;;) {
		static const char *const names[] = {"elements", "from", "repeats", "depth", "pretty"};
		const char *word = *at + strspn(*at, " \t\r\n");
		size_t length = strcspn(word, " \t\r\n"), which = 0, n = 0;
		if (word >= end || *word != '-')
			return NULL;
		if (length == 2 && word[1] == '-' && word + length < end) {
			*at = word + length; /* gdb's end of options; C has an operand on its line */
			return NULL;
		}
		while (which < 5 && (strlen(names[which]) != length - 1 ||
				     strncmp(word + 1, names[which], length - 1) != 0))
			which++;
		if (which == 5)
			return NULL; /* an expression that begins with a minus */
		*at = word + length;
		if (which == 4) {
			o->pretty = true;
			continue;
		}
		word = *at + strspn(*at, " \t\r\n");
		length = strcspn(word, " \t\r\n");
		struct error *e = read_number(word, length, &n);
		if (e)
			return error_context(e, "-%s", names[which]);
		*at = word + length;
		if (which == 0)
			o->elements = n;
		else if (which == 1)
			o->from = n;
		else if (which == 2)
			o->repeats = n;
		else
			o->depth = (unsigned)(n > 100 ? 100 : n);
	}
}

struct error *look_print(struct call *c)
{
	struct value_options options = VALUE_OPTIONS;
	const char *at = c->rest, *end = c->rest + c->rest_size;

	if (*c->modifier && (strlen(c->modifier) != 1 || !strchr("xduotacfsz", *c->modifier)))
		return error_new(ERROR_USAGE, "\\print/F: F is one of x d u o t a c f s z");
	options.format = *c->modifier;
	struct error *e = read_options(&at, end, &options);
	if (e)
		return e;
	at += strspn(at, " \t\r\n");
	if (at >= end)
		return expression_print(c, at, 0, &options);
	return expression_print(c, at, (size_t)(end - at), &options);
}

/* --- \x ---------------------------------------------------------------------------------------------------------------- */

struct memory {
	size_t count, size;
	char format;
};

static size_t usual_size(char format)
{
	return format == 'a' || format == 'f' ? 8 : format == 'c' ? 1 : 4;
}

/* gdb's NFU: a count, a format, a unit. */
static struct error *read_modifier(const char *text, struct memory *m)
{
	char *end;

	*m = (struct memory){.count = 1};
	if (isdigit((unsigned char)*text)) {
		m->count = strtoul(text, &end, 10);
		text = end;
	}
	for (; *text; text++) {
		static const char sizes[] = "bhwg";
		const char *size = strchr(sizes, *text);
		if (size)
			m->size = (size_t)1 << (size - sizes);
		else if (strchr("xduotacfsz", *text))
			m->format = *text;
		else if (*text == 'i')
			return error_new(
				ERROR_USAGE,
				"\\x does not disassemble: gdb does, beside this console, and knows the "
				"versions' code too");
		else
			return error_new(
				ERROR_USAGE,
				"\\x/NFU: N is a number, F one of x d u o t a c f s z, U one of b h w g");
	}
	if (!m->format)
		m->format = 'x';
	if (!m->size)
		m->size = usual_size(m->format);
	if (m->format == 'a')
		m->size = 8;
	if (m->count == 0 || m->count * m->size > MEMORY_MAX)
		return error_new(ERROR_USAGE, "\\x shows 1 byte to %d MiB", MEMORY_MAX >> 20);
	return NULL;
}

static void put_place(struct text *out, const struct value_source *source, uint64_t address)
{
	char name[256];

	text_printf(out, "0x%" PRIx64, address);
	if (source->name(source->context, address, false, name, sizeof(name)))
		text_printf(out, " <%s>", name);
	text_puts(out, ":");
}

static struct error *show_strings(struct call *c, const struct memory *m, uint64_t *at)
{
	uint64_t address = *at;
	struct value_source source = datum_source(c->state);
	struct type character = {
		.kind = TYPE_INTEGER, .character = CHARACTER_CHAR, .size = 1, .is_signed = true};
	struct type pointer = {.kind = TYPE_POINTER, .size = 8, .target = &character};
	struct value_options options = VALUE_OPTIONS;

	for (size_t i = 0; i < m->count; i++) {
		struct text text = {0};
		value_text(&text, &pointer, &address, &source, &options);
		const char *quote = text.bytes ? strchr(text.bytes, '"') : NULL;
		char byte = 0;
		if (!source.read(source.context, address, &byte, 1)) {
			text_fini(&text);
			return error_new(ERROR_FAULT, "cannot access memory at 0x%" PRIx64, address);
		}
		put_place(&c->reply->text, &source, address);
		text_printf(&c->reply->text, "\t%s\n", quote ? quote : "\"\"");
		json_array_append_new(json_object_get(c->reply->data, "values"),
				      value_json(&pointer, &address, &source, &options));
		text_fini(&text);
		while (source.read(source.context, address++, &byte, 1) && byte)
			;
	}
	*at = address;
	return NULL;
}

static struct error *show_units(struct call *c, const struct memory *m, uint64_t *at)
{
	uint64_t address = *at;
	struct value_source source = datum_source(c->state);
	size_t in_line = m->size == 1 || m->format == 'c'   ? 8
			 : m->format == 't' || m->size == 8 ? 2
							    : 16 / m->size;
	struct text *out = &c->reply->text;

	for (size_t i = 0; i < m->count; i++, address += m->size) {
		unsigned char bytes[8];
		struct text unit = {0};
		if (!source.read(source.context, address, bytes, m->size)) {
			text_puts(out, i % in_line ? "\n" : "");
			return error_new(ERROR_FAULT, "cannot access memory at 0x%" PRIx64, address);
		}
		if (i % in_line == 0)
			put_place(out, &source, address);
		value_unit(&unit, bytes, m->size, m->format, &source);
		text_printf(out, "\t%s%s", unit.bytes ? unit.bytes : "",
			    (i + 1) % in_line == 0 || i + 1 == m->count ? "\n" : "");
		json_array_append_new(json_object_get(c->reply->data, "values"),
				      json_string(unit.bytes ? unit.bytes : ""));
		text_fini(&unit);
	}
	*at = address;
	return NULL;
}

static struct error *show_at(struct call *c, const struct memory *m, uint64_t address)
{
	struct console_look *next = &c->state->look;
	char format[2] = {m->format}, text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	c->reply->data = json_pack("{s:s, s:s, s:I, s:[]}", "address", text, "format", format, "size",
				   (json_int_t)m->size, "values");
	struct error *e = m->format == 's' ? show_strings(c, m, &address) : show_units(c, m, &address);
	if (!e)
		*next = (struct console_look){address, m->size, m->format};
	return e;
}

static struct error *show_memory(void *context, struct call *c, const struct type *type,
				 const unsigned char *bytes)
{
	uint64_t address = 0;

	memcpy(&address, bytes, type->size < 8 ? type->size : 8);
	return show_at(c, context, address);
}

/* Behind what was shown last, in that way as far as nothing else is said. */
static struct error *show_next(struct call *c)
{
	const struct console_look *last = &c->state->look;
	struct memory m;

	struct error *e = read_modifier(c->modifier, &m);
	if (!e && !last->format)
		e = error_new(ERROR_USAGE,
			      "usage: \\x [/NFU] ADDRESS; without one it goes on behind the last");
	if (e)
		return e;
	bool sized = strpbrk(c->modifier, "bhwg"), formatted = strpbrk(c->modifier, "xduotacfsz");
	if (!formatted)
		m.format = last->format;
	if (!sized)
		m.size = formatted ? usual_size(m.format) : last->size;
	return show_at(c, &m, last->address);
}

static struct error *look_at(struct call *c, const struct memory *memory)
{
	struct memory *m = malloc(sizeof(*m));
	static const char cast[] = "(unsigned long)(";
	char *text = NULL;

	if (!m)
		return error_memory();
	if (asprintf(&text, "%s%.*s)", cast, (int)c->rest_size, c->rest) < 0) {
		free(m);
		return error_memory();
	}
	*m = *memory;
	struct error *e = expression_value(c, text, strlen(cast), c->rest, c->rest_size, show_memory, m);
	free(text);
	return e;
}

struct error *look_memory(struct call *c)
{
	struct memory m;
	size_t at;

	if (!c->rest_size)
		return show_next(c);
	struct error *e = read_modifier(c->modifier, &m);
	if (!e && typed_array(c->rest, c->rest_size, &at))
		e = error_new(ERROR_USAGE,
			      "\\x takes an address, and how many units behind the stroke: \\x/2 %.*s",
			      (int)at, c->rest);
	return e ? e : look_at(c, &m);
}

/* --- \forget, \compare ----------------------------------------------------------------------------------------------------- */

struct error *look_forget(struct call *c)
{
	struct scope *s = c->state->scope;

	c->reply->data = json_array();
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->words[i], "*") == 0) {
			const struct scope_item *item;
			while (s && (item = scope_item(s, 0))) {
				char *name = strdup(item->names[0]);
				json_array_append_new(c->reply->data, json_string(name ? name : ""));
				if (!name || !scope_forget(s, name))
					break;
				free(name);
			}
			if (s)
				scope_forget_includes(s);
			continue;
		}
		char tag[256];
		snprintf(tag, sizeof(tag), "#%s", c->words[i]);
		bool forgotten = s && scope_forget(s, c->words[i]);
		forgotten |= s && scope_forget(s, tag);
		if (!forgotten)
			return error_new(ERROR_UNKNOWN, "this console has declared no %s", c->words[i]);
		json_array_append_new(c->reply->data, json_string(c->words[i]));
	}
	return NULL;
}

/* Where another function has its name the file decides which is called, as after \in. */
static struct error *compare(struct call *c, const struct live_function *f, int a, int b,
			     const char *arguments)
{
	struct console_state *state = c->state;
	char *file = state->file;
	bool shared = strcmp(f->name, f->at.name) != 0;

	if (shared && f->at.unit)
		state->file = (char *)f->at.unit->file; /* borrowed, and put back below */
	else if (!file)
		state->unit = f->at.unit;
	struct error *e =
		expression_compare(c, f, a, b, arguments, c->rest_size - (size_t)(arguments - c->rest));
	state->file = file;
	return e;
}

/* NAME A B (ARGS): the arguments as they stand, over lines if need be. */
struct error *look_compare(struct call *c)
{
	struct live_function *f;
	int a, b, unused;

	struct error *e = call_find_version(c, c->words[0], &f, &unused);
	if (!e)
		e = call_number(c->words[1], &a);
	if (!e)
		e = call_number(c->words[2], &b);
	if (e)
		return e;
	const char *open = memchr(c->rest, '(', c->rest_size);
	if (!open)
		return error_new(ERROR_USAGE, "usage: \\compare NAME A B (ARGS)");
	return compare(c, f, a, b, open);
}
