#include "value_json.h"
#include "number.h"
#include "printing.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { JSON_ELEMENTS_MAX = 100000 };

static json_t *json(struct printing *, const struct type *, const unsigned char *bytes);

static json_t *json_text(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	struct text text = {0};

	value_text(&text, type, bytes, p->source, p->options);
	char *string = text_take(&text);
	json_t *value = string ? json_string(string) : NULL;
	free(string);
	return value ? value : json_null();
}

static json_t *json_number(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	number_wide value = number_of(type, bytes);
	bool fits = type->is_signed ? number_sign_extend(number_zero_extend(value, 64), 64) == value
				    : value <= INT64_MAX;
	char buffer[48];

	(void)p;
	return fits ? json_integer((json_int_t)value)
		    : json_string(number_decimal(value, type->is_signed, buffer));
}

static json_t *json_float(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	long double value = number_float(type->size, bytes);
	struct text text = {0};

	(void)p;
	if (number_put_special(value, &text)) {
		json_t *name = json_string(text.bytes);
		text_fini(&text);
		return name;
	}
	if (type->size <= 4) {
		/* The double that has the float's shortest digits: 0.1 and not 0.10000000149011612. */
		number_put_float(&text, type->size, value);
		double near = text.bytes ? strtod(text.bytes, NULL) : (double)value;
		text_fini(&text);
		return json_real(near);
	}
	return isinf((double)value) ? json_text(p, type, bytes) : json_real((double)value);
}

/* Characters as one JSON string: UTF-8 where it is, else byte for byte as Latin-1 has them. */
static json_t *json_characters(const struct type *type, const unsigned char *bytes, size_t count)
{
	struct text text = {0};

	for (size_t i = 0; i < count;) {
		size_t sequence = type->size == 1 ? utf8_sequence((const char *)bytes + i, count - i) : 0;
		uint32_t c = printing_character_at(type, bytes, i);
		char utf8[UTF8_MOST];
		size_t length = sequence ? 0 : utf8_put(c, utf8);
		if (sequence)
			text_append(&text, (const char *)bytes + i, sequence);
		else if (length)
			text_append(&text, utf8, length);
		else
			text_puts(&text, "\xef\xbf\xbd");
		i += sequence ? sequence : 1;
	}
	json_t *value = json_stringn(text.bytes ? text.bytes : "", text.size);
	text_fini(&text);
	return value ? value : json_null();
}

static json_t *json_array_value(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	size_t count = type->incomplete ? 0 : (size_t)type->count;
	bool top = p->nesting == 0 && p->hops == 0;
	size_t from = top && p->options->from < count ? p->options->from : 0;

	if (printing_is_character(type->target)) {
		const unsigned char *begin = bytes + from * type->target->size;
		size_t used = 0;
		while (used < count - from && printing_character_at(type->target, begin, used))
			used++;
		bool zeros = true;
		for (size_t i = used; i < count - from && zeros; i++)
			zeros = printing_character_at(type->target, begin, i) == 0;
		return json_characters(type->target, begin, zeros ? used : count - from);
	}
	json_t *array = json_array();
	size_t most = p->options->elements > JSON_ELEMENTS_MAX ? JSON_ELEMENTS_MAX : p->options->elements;
	p->nesting++;
	for (size_t i = from; i < count && i - from < most; i++)
		json_array_append_new(array, json(p, type->target, bytes + i * type->target->size));
	p->nesting--;
	p->cut |= from || count - from > most;
	return array;
}

/* Members of anonymous ones stand beside the others, as they do in C. */
static void add_members(struct printing *p, json_t *object, const struct type *type,
			const unsigned char *bytes)
{
	const struct type *d = type->definition;
	unsigned char bits[16];

	for (size_t i = 0; i < d->member_count; i++) {
		const struct type_member *m = &d->members[i];
		const unsigned char *at = bytes + m->bit_offset / 8;
		if (m->bit_size) {
			number_bits(m, bytes, type->size, bits);
			at = bits;
		}
		if (m->name)
			json_object_set_new(object, m->name, json(p, m->type, at));
		else if (m->type && m->type->kind == TYPE_RECORD)
			add_members(p, object, m->type, at);
	}
}

static json_t *json_record(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	json_t *object = json_object();

	p->nesting++;
	add_members(p, object, type, bytes);
	p->nesting--;
	return object;
}

static json_t *json_pointed(struct printing *p, const struct type *type, uint64_t address)
{
	json_t *value = NULL;
	unsigned char *bytes = malloc(type->size + 1);

	if (bytes && printing_read(p, address, bytes, type->size)) {
		p->seen[p->seen_count++] = address;
		p->hops++;
		value = json(p, type, bytes);
		p->hops--;
		p->seen_count--;
	}
	free(bytes);
	return value;
}

static json_t *json_pointer(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	uint64_t address = (uint64_t)number_load(bytes, type->size);
	const struct type *target = type->target;
	bool top = p->nesting == 0 && p->hops == 0, ended;
	char text[PRINTING_NAME_MAX + 32], name[PRINTING_NAME_MAX];
	unsigned char *string;
	size_t count;

	if (!address)
		return json_null();
	if (target && printing_is_character(target) &&
	    printing_string(p, target, address, p->options->elements, &string, &count, &ended)) {
		json_t *value = json_characters(target, string, count);
		p->cut |= !ended;
		free(string);
		return value;
	}
	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	if (printing_name(p, address, target && target->kind == TYPE_FUNCTION, name))
		snprintf(text, sizeof(text), "0x%" PRIx64 " <%s>", address, name);
	bool followed = target && target->size && target->size <= PRINTING_POINTEE_MAX &&
			p->hops < p->options->depth &&
			((target->kind == TYPE_RECORD && !target->incomplete) ||
			 (top && printing_is_number(target))) &&
			!printing_is_seen(p, address);
	json_t *value = followed ? json_pointed(p, target, address) : NULL;
	return value ? json_pack("{s:s, s:o}", "address", text, "value", value) : json_string(text);
}

static json_t *json(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	if (!type || p->nesting > PRINTING_NESTING_MAX)
		return json_null();
	switch (type->kind) {
	case TYPE_VOID:
		return json_null();
	case TYPE_BOOL:
		return json_boolean(number_load(bytes, type->size));
	case TYPE_INTEGER:
		return json_number(p, type, bytes);
	case TYPE_FLOAT:
		return json_float(p, type, bytes);
	case TYPE_ARRAY:
	case TYPE_VECTOR:
		return json_array_value(p, type, bytes);
	case TYPE_RECORD:
		return type->incomplete ? json_null() : json_record(p, type, bytes);
	case TYPE_POINTER:
		return json_pointer(p, type, bytes);
	default:
		return json_text(p, type, bytes);
	}
}

static json_t *json_whole(const struct type *type, const void *bytes, const struct value_source *source,
			  const struct value_options *options, bool *cut)
{
	struct value_options plain = *options;
	struct text unused = {0};
	struct printing p = {.out = &unused, .source = source, .options = &plain};

	plain.format = 0;
	plain.pretty = false;
	json_t *value = json(&p, type, bytes);
	*cut = p.cut;
	return value;
}

json_t *value_json(const struct type *type, const void *bytes, const struct value_source *source,
		   const struct value_options *options)
{
	bool unused;

	return json_whole(type, bytes, source, options, &unused);
}

void value_json_put(json_t *object, const struct type *type, const void *bytes,
		    const struct value_source *source, const struct value_options *options)
{
	bool cut;

	json_object_set_new(object, "value", json_whole(type, bytes, source, options, &cut));
	if (!cut)
		return;
	json_object_set_new(object, "truncated", json_true());
	if (type->kind == TYPE_ARRAY || type->kind == TYPE_VECTOR)
		json_object_set_new(object, "count", json_integer((json_int_t)type->count));
}
