#include "value.h"
#include "number.h"
#include "printing.h"
#include "utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- characters ----------------------------------------------------------------------------------------------------- */

/* Source for the escapes: gdb's "print" of characters, as measured. */
void value_escape(struct text *out, uint32_t c, char quote)
{
	static const char *const short_escapes = "abtnvfr"; /* from 7 to 13 */

	if (c >= 0x20 && c < 0x7f)
		text_printf(out, c == (unsigned char)quote || c == '\\' ? "\\%c" : "%c", (int)c);
	else if (c >= 7 && c <= 13)
		text_printf(out, "\\%c", short_escapes[c - 7]);
	else if (c < 0x100)
		text_printf(out, "\\%03o", c);
	else
		text_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
}

static const char *character_prefix(const struct type *type)
{
	static const char *const prefixes[] = {"", "", "L", "u", "U"};

	return prefixes[type->character];
}

/* A character inside quotes: a wide one as UTF-8, in the way that strings of bytes are. */
static void put_code(struct text *out, const struct type *type, uint32_t c, char quote)
{
	char utf8[UTF8_MOST];
	size_t length = c < 0xa0 || type->size == 1 ? 0 : utf8_put(c, utf8);

	if (length)
		text_append(out, utf8, length);
	else
		value_escape(out, c, quote);
}

static void put_character(struct text *out, const struct type *type, number_wide value)
{
	uint32_t c = (uint32_t)number_zero_extend(value, (unsigned)type->size * 8);

	text_printf(out, "%s'", character_prefix(type));
	put_code(out, type, c, '\'');
	text_puts(out, "'");
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static void put_address(struct printing *p, uint64_t address, bool function)
{
	char name[PRINTING_NAME_MAX];

	text_printf(p->out, "0x%" PRIx64, address);
	if (address && printing_name(p, address, function, name))
		text_printf(p->out, " <%s>", name);
}

/* --- strings ------------------------------------------------------------------------------------------------------- */

/* The run of equal characters at `i`. */
static size_t run_of(const struct type *type, const unsigned char *bytes, size_t i, size_t count)
{
	size_t end = i + 1;

	while (end < count && memcmp(bytes + end * type->size, bytes + i * type->size, type->size) == 0)
		end++;
	return end - i;
}

/* "abc", '\000' <repeats 12 times>, "d": `count` characters, folded where they repeat. */
static void put_string(struct printing *p, const struct type *type, const unsigned char *bytes, size_t count,
		       bool more)
{
	size_t repeats = p->options->repeats, shown = 0;
	bool open = false, any = false;

	if (count == 0 && !more)
		text_printf(p->out, "%s\"\"", character_prefix(type));
	for (size_t i = 0; i < count;) {
		size_t run = run_of(type, bytes, i, count);
		bool fold = repeats && run > repeats - 1 && run >= repeats;
		if (shown >= p->options->elements) {
			more = true;
			break;
		}
		if (fold) {
			text_puts(p->out, open ? "\", " : any ? ", " : "");
			open = false;
			put_character(p->out, type, printing_character_at(type, bytes, i));
			text_printf(p->out, " <repeats %zu times>", run);
			i += run;
			shown += repeats;
			any = true;
			continue;
		}
		if (!open)
			text_printf(p->out, "%s%s\"", any ? ", " : "", character_prefix(type));
		open = any = true;
		size_t sequence = type->size == 1 ? utf8_sequence((const char *)bytes + i, count - i) : 0;
		if (sequence)
			text_append(p->out, (const char *)bytes + i, sequence);
		else
			put_code(p->out, type, printing_character_at(type, bytes, i), '"');
		i += sequence ? sequence : 1;
		shown++;
	}
	text_puts(p->out, open ? "\"" : "");
	text_puts(p->out, more ? "..." : "");
}

/* --- scalars ------------------------------------------------------------------------------------------------------- */

/* gdb takes an enumeration for flags where no constant has more than one bit. */
static bool is_flags(const struct type *e)
{
	for (size_t i = 0; i < e->constant_count; i++) {
		uint64_t value = (uint64_t)e->constants[i].value;
		if ((e->is_signed && e->constants[i].value < 0) || value & (value - 1))
			return false;
	}
	return e->constant_count > 0;
}

static void put_enum(struct text *out, const struct type *type, number_wide value)
{
	const struct type *e = type->definition;
	char buffer[136];
	bool first = true;

	for (size_t i = 0; i < e->constant_count; i++) {
		if ((uint64_t)e->constants[i].value != (uint64_t)value)
			continue;
		text_puts(out, e->constants[i].name);
		return;
	}
	if (!is_flags(e)) {
		text_puts(out, number_decimal(value, type->is_signed, buffer));
		return;
	}
	value = number_zero_extend(value, (unsigned)type->size * 8);
	for (size_t i = 0; i < e->constant_count; i++) {
		uint64_t bits = (uint64_t)e->constants[i].value;
		if (!((uint64_t)value & bits))
			continue;
		text_printf(out, "%s%s", first ? "(" : " | ", e->constants[i].name);
		value &= ~(number_wide)bits;
		first = false;
	}
	if (value)
		text_printf(out, "%sunknown: 0x%s)", first ? "(" : " | ", number_radix(value, 4, buffer));
	else
		text_puts(out, first ? "0" : ")");
}

/* Digits of 1 << shift, with zeros before them. */
static void put_padded(struct text *out, number_wide value, unsigned shift, size_t width)
{
	char buffer[136];
	const char *digits = number_radix(value, shift, buffer);

	for (size_t have = strlen(digits); have < width; have++)
		text_puts(out, "0");
	text_puts(out, digits);
}

static void put_format(struct text *out, number_wide value, size_t size, bool is_signed, char format,
		       const struct value_source *source)
{
	char buffer[136];
	unsigned bits = (unsigned)size * 8;
	number_wide plain = number_zero_extend(value, bits);

	switch (format) {
	case 'x':
		text_printf(out, "0x%s", number_radix(plain, 4, buffer));
		break;
	case 'z':
		text_puts(out, "0x");
		put_padded(out, plain, 4, size * 2);
		break;
	case 'o':
		text_printf(out, "%s%s", plain ? "0" : "", number_radix(plain, 3, buffer));
		break;
	case 't':
		text_puts(out, number_radix(plain, 1, buffer));
		break;
	case 'u':
		text_puts(out, number_decimal(plain, false, buffer));
		break;
	case 'c': {
		struct type c = {.kind = TYPE_INTEGER, .character = CHARACTER_CHAR, .size = 1};
		number_wide shown = is_signed ? number_sign_extend(number_zero_extend(value, 8), 8)
					      : number_zero_extend(value, 8);
		text_printf(out, "%s ", number_decimal(shown, is_signed, buffer));
		put_character(out, &c, value);
		break;
	}
	case 'a': {
		struct printing p = {.out = out, .source = source};
		put_address(&p, (uint64_t)plain, false);
		break;
	}
	default:
		text_puts(out, number_decimal(number_sign_extend(plain, bits), true, buffer));
	}
}

void value_unit(struct text *out, const void *bytes, size_t size, char format,
		const struct value_source *source)
{
	if (format == 'f' && (size == 4 || size == 8))
		number_put_float(out, size, number_float(size, bytes));
	else if (format == 'x')
		put_format(out, number_load(bytes, size), size, true, 'z', source);
	else if (format == 't')
		put_padded(out, number_load(bytes, size), 1, size * 8);
	else
		put_format(out, number_load(bytes, size), size, true, format, source);
}

/* The integer part, as gdb takes it: what is beyond 64 bits is the nearest that they hold. */
static number_wide integer_part(long double value)
{
	if (isnan(value) || value <= -0x1p63L)
		return (number_wide)(__int128)INT64_MIN;
	return value >= 0x1p63L ? INT64_MAX : (number_wide)(__int128)value;
}

/* gdb shows the bits of a floating-point number in all formats but these. */
static void put_float_formatted(struct printing *p, size_t size, const unsigned char *bytes, char format)
{
	number_wide value = format == 'a' || format == 'c' ? integer_part(number_float(size, bytes))
							   : number_load(bytes, size == 16 ? 10 : size);

	put_format(p->out, value, format == 'a' ? 8 : size, true, format, p->source);
}

/* In the format that was asked for; false where it does not change what this type shows. */
static bool put_formatted(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	char format = p->options->format, buffer[48];
	size_t size = type->size;

	if (!format || format == 's' || !printing_is_number(type) || size > 16)
		return false;
	if (type->kind == TYPE_FLOAT && format == 'f')
		return false;
	if (type->kind == TYPE_FLOAT)
		put_float_formatted(p, size, bytes, format);
	else if (format == 'f' && (size == 4 || size == 8 || size == 16))
		number_put_float(p->out, size,
				 number_float(size, bytes)); /* what a float of that size has in these bits */
	else if (format == 'f')
		text_puts(p->out, number_decimal(number_of(type, bytes), type->is_signed, buffer));
	else
		put_format(p->out, number_of(type, bytes), format == 'a' ? 8 : size,
			   type->is_signed || format == 'd', format, p->source);
	return true;
}

static void put_integer(struct printing *p, const struct type *type, number_wide value)
{
	char buffer[48];

	text_puts(p->out, number_decimal(value, type->is_signed, buffer));
	if (printing_is_character(type)) {
		text_puts(p->out, " ");
		put_character(p->out, type, value);
	}
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

static void put(struct printing *, const struct type *, const unsigned char *bytes);

static bool is_full(const struct printing *p)
{
	return p->out->size > VALUE_TEXT_MAX;
}

static void new_line(struct printing *p)
{
	if (!p->options->pretty)
		return;
	text_puts(p->out, "\n");
	for (unsigned i = 0; i < p->nesting; i++)
		text_puts(p->out, "  ");
}

static void put_record(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	const struct type *d = type->definition;
	unsigned char bits[16];

	text_puts(p->out, "{");
	p->nesting++;
	for (size_t i = 0; i < d->member_count && !is_full(p); i++) {
		const struct type_member *m = &d->members[i];
		text_puts(p->out, i ? (p->options->pretty ? "," : ", ") : "");
		new_line(p);
		if (m->name)
			text_printf(p->out, "%s = ", m->name);
		if (m->bit_size) {
			number_bits(m, bytes, type->size, bits);
			put(p, m->type, bits);
		} else {
			put(p, m->type, bytes + m->bit_offset / 8);
		}
	}
	p->nesting--;
	if (d->member_count)
		new_line(p);
	text_puts(p->out, "}");
}

static size_t equal_run(const unsigned char *bytes, size_t size, size_t i, size_t count)
{
	size_t end = i + 1;

	while (end < count && memcmp(bytes + end * size, bytes + i * size, size) == 0)
		end++;
	return end - i;
}

static void put_elements(struct printing *p, const struct type *element, const unsigned char *bytes,
			 size_t count)
{
	size_t shown = 0, i = p->nesting == 0 && p->hops == 0 ? p->options->from : 0;
	size_t repeats = p->options->repeats;

	text_puts(p->out, "{");
	p->nesting++;
	for (bool first = true; i < count && shown < p->options->elements && !is_full(p); first = false) {
		text_puts(p->out, first ? "" : ", ");
		size_t run = equal_run(bytes, element->size, i, count);
		put(p, element, bytes + i * element->size);
		if (repeats && run >= repeats) {
			text_printf(p->out, " <repeats %zu times>", run);
			i += run;
			shown += repeats;
		} else {
			i++;
			shown++;
		}
	}
	p->nesting--;
	text_puts(p->out, i < count ? "...}" : "}");
}

/* gdb shows the NULs behind a string too, but for the last. */
static void put_array(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	const struct type *element = type->target;
	size_t count = (size_t)type->count;

	if (type->incomplete) {
		text_puts(p->out, "{...}");
		return;
	}
	if (!printing_is_character(element) || (p->options->format && p->options->format != 's')) {
		put_elements(p, element, bytes, count);
		return;
	}
	size_t from = p->nesting == 0 && p->hops == 0 && p->options->from < count ? p->options->from : 0;
	bytes += from * element->size;
	count -= from;
	bool cut = count > p->options->elements;
	size_t used = count;
	if (cut) {
		/* A string in a large buffer is no larger for that. */
		used = 0;
		while (used < count && printing_character_at(element, bytes, used))
			used++;
		bool zeros = true;
		for (size_t i = used; i < count && zeros; i++)
			zeros = printing_character_at(element, bytes, i) == 0;
		cut = !zeros;
		used = count;
	}
	if (!cut && used && printing_character_at(element, bytes, used - 1) == 0)
		used--;
	put_string(p, element, bytes, used, false);
}

static void put_pointed_string(struct printing *p, const struct type *type, uint64_t address)
{
	unsigned char *bytes;
	size_t count;
	bool ended;

	text_puts(p->out, " ");
	if (!printing_string(p, type, address, p->options->elements, &bytes, &count, &ended)) {
		text_printf(p->out, "<error: Cannot access memory at address 0x%" PRIx64 ">", address);
		return;
	}
	put_string(p, type, bytes, count, !ended);
	free(bytes);
}

/* " -> {...}": what it points to, where that is a record, or, at the top, a number. */
static void put_pointed(struct printing *p, const struct type *type, uint64_t address)
{
	bool top = p->nesting == 0 && p->hops == 0;
	bool record = type->kind == TYPE_RECORD && !type->incomplete;

	if (!record && !(top && printing_is_number(type) && type->size))
		return;
	if (p->hops >= p->options->depth || type->size > PRINTING_POINTEE_MAX)
		return;
	if (printing_is_seen(p, address)) {
		text_puts(p->out, " <shown above>");
		return;
	}
	unsigned char *bytes = malloc(type->size + 1);
	if (!bytes)
		return;
	text_puts(p->out, " -> ");
	if (printing_read(p, address, bytes, type->size)) {
		p->seen[p->seen_count++] = address;
		p->hops++;
		put(p, type, bytes);
		p->hops--;
		p->seen_count--;
	} else {
		text_printf(p->out, "<cannot access memory at 0x%" PRIx64 ">", address);
	}
	free(bytes);
}

static void put_pointer(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	uint64_t address = (uint64_t)number_load(bytes, type->size);
	const struct type *target = type->target;

	put_address(p, address, target && target->kind == TYPE_FUNCTION);
	if (!address || !target)
		return;
	if (printing_is_character(target))
		put_pointed_string(p, target, address);
	else
		put_pointed(p, target, address);
}

static void put_complex(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	put(p, type->target, bytes);
	text_puts(p->out, " + ");
	put(p, type->target, bytes + type->target->size);
	text_puts(p->out, "i");
}

static void put_bytes(struct printing *p, const unsigned char *bytes, size_t size)
{
	text_puts(p->out, "<bytes");
	for (size_t i = 0; i < size && i < 32; i++)
		text_printf(p->out, " %02x", bytes[i]);
	text_puts(p->out, size > 32 ? "...>" : ">");
}

static void put(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	if (!type || is_full(p) || p->nesting > PRINTING_NESTING_MAX) {
		text_puts(p->out, "...");
		return;
	}
	if (put_formatted(p, type, bytes))
		return;
	switch (type->kind) {
	case TYPE_VOID:
		text_puts(p->out, "void");
		return;
	case TYPE_BOOL:
		if (number_load(bytes, type->size) > 1)
			text_printf(p->out, "%u", (unsigned)number_load(bytes, type->size));
		else
			text_puts(p->out, number_load(bytes, type->size) ? "true" : "false");
		return;
	case TYPE_INTEGER:
		put_integer(p, type, number_of(type, bytes));
		return;
	case TYPE_ENUM:
		put_enum(p->out, type, number_of(type, bytes));
		return;
	case TYPE_FLOAT:
		number_put_float(p->out, type->size, number_float(type->size, bytes));
		return;
	case TYPE_COMPLEX:
		put_complex(p, type, bytes);
		return;
	case TYPE_POINTER:
		put_pointer(p, type, bytes);
		return;
	case TYPE_ARRAY:
		put_array(p, type, bytes);
		return;
	case TYPE_VECTOR:
		put_elements(p, type->target, bytes, (size_t)type->count);
		return;
	case TYPE_RECORD:
		if (type->incomplete)
			text_puts(p->out, "<incomplete type>");
		else
			put_record(p, type, bytes);
		return;
	case TYPE_FUNCTION: /* the bytes are its address */
		text_printf(p->out, "{%s} ", type->name);
		put_address(p, (uint64_t)number_load(bytes, 8), true);
		return;
	case TYPE_OTHER:
		put_bytes(p, bytes, (size_t)type->size);
	}
}

void value_text(struct text *out, const struct type *type, const void *bytes,
		const struct value_source *source, const struct value_options *options)
{
	struct printing p = {.out = out, .source = source, .options = options};

	put(&p, type, bytes);
	if (is_full(&p))
		text_puts(out, "...");
}
