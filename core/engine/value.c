#include "value.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 256, NESTING_MAX = 64, SEEN_MAX = 64, POINTEE_MAX = 1 << 20, CHUNK = 256 };

/* One value being printed. */
struct printing {
	struct text *out;
	const struct value_source *source;
	const struct value_options *options;
	unsigned nesting;
	unsigned hops;           /* pointers followed to get here */
	uint64_t seen[SEEN_MAX]; /* addresses of records that are being shown */
	size_t seen_count;
};

typedef unsigned __int128 wide;

/* --- bytes to numbers ---------------------------------------------------------------------------------------------- */

static wide load(const unsigned char *bytes, size_t size)
{
	wide value = 0;

	for (size_t i = size > 16 ? 16 : size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static wide sign_extend(wide value, unsigned bits)
{
	if (bits == 0 || bits >= 128 || !(value >> (bits - 1) & 1))
		return value;
	return value | ~(wide)0 << bits;
}

static wide zero_extend(wide value, unsigned bits)
{
	return bits >= 128 ? value : value & (((wide)1 << bits) - 1);
}

/* A scalar's bits, extended as its type says. */
static wide scalar(const struct type *type, const unsigned char *bytes)
{
	wide value = load(bytes, type->size);

	return type->is_signed ? sign_extend(value, (unsigned)type->size * 8) : value;
}

/* Copies a bit-field out of its record into the whole bytes that its type has. */
static void load_bits(const struct type_member *m, const unsigned char *record, size_t record_size,
		      unsigned char *out)
{
	uint64_t first = m->bit_offset / 8;
	size_t bytes = (size_t)((m->bit_offset % 8 + m->bit_size + 7) / 8);

	if (first + bytes > record_size)
		bytes = first < record_size ? record_size - first : 0;
	wide value = zero_extend(load(record + first, bytes) >> m->bit_offset % 8, m->bit_size);
	if (m->type->is_signed)
		value = sign_extend(value, m->bit_size);
	for (size_t i = 0; i < m->type->size && i < 16; i++)
		out[i] = (unsigned char)(value >> 8 * i);
}

static long double load_float(size_t size, const unsigned char *bytes)
{
	float f;
	double d;
	long double l;

	if (size == sizeof(f))
		return memcpy(&f, bytes, sizeof(f)), (long double)f;
	if (size == sizeof(d))
		return memcpy(&d, bytes, sizeof(d)), (long double)d;
	return memcpy(&l, bytes, sizeof(l)), l;
}

/* --- numbers to text ----------------------------------------------------------------------------------------------- */

static const char *decimal(wide value, bool is_signed, char buffer[48])
{
	bool negative = is_signed && (value >> 127 & 1);
	char *at = buffer + 47;

	if (negative)
		value = -value;
	*at = '\0';
	do
		*--at = (char)('0' + (int)(value % 10));
	while (value /= 10);
	if (negative)
		*--at = '-';
	return at;
}

static const char *radix(wide value, unsigned shift, char buffer[136])
{
	char *at = buffer + 135;

	*at = '\0';
	do
		*--at = "0123456789abcdef"[(unsigned)value & ((1u << shift) - 1)];
	while (value >>= shift);
	return at;
}

static bool is_nan_or_infinite(long double value, struct text *out)
{
	if (isnan(value))
		text_puts(out, signbit(value) ? "-nan" : "nan");
	else if (isinf(value))
		text_puts(out, value < 0 ? "-inf" : "inf");
	return isnan(value) || isinf(value);
}

/* With as few digits as give the same value back. */
static void put_float(struct text *out, size_t size, long double value)
{
	char buffer[64];

	if (is_nan_or_infinite(value, out))
		return;
	for (int digits = size == 4 ? 6 : size == 8 ? 15 : 18; digits < 22; digits++) {
		snprintf(buffer, sizeof(buffer), "%.*Lg", digits, value);
		if (size == 4   ? strtof(buffer, NULL) == (float)value
		    : size == 8 ? strtod(buffer, NULL) == (double)value
				: strtold(buffer, NULL) == value)
			break;
	}
	text_puts(out, buffer);
}

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

static void put_character(struct text *out, const struct type *type, wide value)
{
	uint32_t c = (uint32_t)zero_extend(value, (unsigned)type->size * 8);

	text_printf(out, "%s'", character_prefix(type));
	if (c >= 0xa0 && type->size > 1) {
		/* As UTF-8, in the way that strings are. */
		char utf8[5] = {0};
		if (c < 0x800)
			snprintf(utf8, sizeof(utf8), "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
		else if (c < 0x10000 && (c < 0xd800 || c > 0xdfff))
			snprintf(utf8, sizeof(utf8), "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63),
				 0x80 | (c & 63));
		else if (c >= 0x10000 && c < 0x110000)
			snprintf(utf8, sizeof(utf8), "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 63),
				 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
		if (*utf8)
			text_puts(out, utf8);
		else
			value_escape(out, c, '\'');
	} else {
		value_escape(out, c, '\'');
	}
	text_puts(out, "'");
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static bool name_of(const struct printing *p, uint64_t address, bool function, char *name)
{
	return p->source && p->source->name &&
	       p->source->name(p->source->context, address, function, name, NAME_MAX_BYTES);
}

static bool read_memory(const struct printing *p, uint64_t address, void *bytes, size_t size)
{
	return p->source && p->source->read && p->source->read(p->source->context, address, bytes, size);
}

static void put_address(struct printing *p, uint64_t address, bool function)
{
	char name[NAME_MAX_BYTES];

	text_printf(p->out, "0x%" PRIx64, address);
	if (address && name_of(p, address, function, name))
		text_printf(p->out, " <%s>", name);
}

/* --- strings ------------------------------------------------------------------------------------------------------- */

static bool is_character(const struct type *type)
{
	return type->kind == TYPE_INTEGER && type->character != CHARACTER_NONE;
}

/* Bytes of the valid UTF-8 sequence at the start of `count` bytes, beyond ASCII; 0 if it is none. */
static size_t utf8_length(const unsigned char *s, size_t count)
{
	size_t length = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
			: (s[0] & 0xf0) == 0xe0       ? 3
			: s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						      : 0;

	if (!length || length > count)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return length;
}

static uint32_t character_at(const struct type *type, const unsigned char *bytes, size_t i)
{
	return (uint32_t)load(bytes + i * type->size, type->size);
}

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
			put_character(p->out, type, character_at(type, bytes, i));
			text_printf(p->out, " <repeats %zu times>", run);
			i += run;
			shown += repeats;
			any = true;
			continue;
		}
		if (!open)
			text_printf(p->out, "%s%s\"", any ? ", " : "", character_prefix(type));
		open = any = true;
		size_t sequence = type->size == 1 ? utf8_length(bytes + i, count - i) : 0;
		if (sequence)
			text_append(p->out, (const char *)bytes + i, sequence);
		else
			value_escape(p->out, character_at(type, bytes, i), '"');
		i += sequence ? sequence : 1;
		shown++;
	}
	text_puts(p->out, open ? "\"" : "");
	text_puts(p->out, more ? "..." : "");
}

/* Characters at an address up to the NUL, at most `most`; false if there is no memory. *ended: the NUL was there. The
 * caller's. */
static bool read_string(const struct printing *p, const struct type *type, uint64_t address, size_t most,
			unsigned char **bytes, size_t *count, bool *ended)
{
	unsigned char *all = NULL;
	size_t have = 0;

	*ended = false;
	while (have < most && !*ended) {
		/* Up to the end of a page at a time: the next may not be there. */
		size_t left = 4096 - (size_t)((address + have * type->size) & 4095), n = left / type->size;
		if (n == 0)
			n = 1;
		if (n > CHUNK)
			n = CHUNK;
		if (n > most - have)
			n = most - have;
		unsigned char *bigger = realloc(all, (have + n) * type->size + 1);
		if (!bigger)
			break;
		all = bigger;
		while (n &&
		       !read_memory(p, address + have * type->size, all + have * type->size, n * type->size))
			n /= 2;
		if (n == 0)
			break;
		for (size_t i = 0; i < n && !*ended; i++) {
			*ended = character_at(type, all, have) == 0;
			have += !*ended;
		}
	}
	if (have == 0 && !*ended) {
		free(all);
		return false;
	}
	*bytes = all;
	*count = have;
	return true;
}

/* --- scalars ------------------------------------------------------------------------------------------------------- */

/* gdb takes an enumeration for flags where each constant has bits of its own, in a row. */
static bool is_flags(const struct type *e)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < e->constant_count; i++) {
		uint64_t value = (uint64_t)e->constants[i].value, low = value & -value;
		if (e->constants[i].value < 0 || (mask & value) || (value + low) & value)
			return false;
		mask |= value;
	}
	return e->constant_count > 0;
}

static void put_enum(struct text *out, const struct type *type, wide value)
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
		text_puts(out, decimal(value, type->is_signed, buffer));
		return;
	}
	value = zero_extend(value, (unsigned)type->size * 8);
	for (size_t i = 0; i < e->constant_count; i++) {
		uint64_t bits = (uint64_t)e->constants[i].value;
		if (!((uint64_t)value & bits))
			continue;
		text_printf(out, "%s%s", first ? "(" : " | ", e->constants[i].name);
		value &= ~(wide)bits;
		first = false;
	}
	if (value)
		text_printf(out, "%sunknown: 0x%s)", first ? "(" : " | ", radix(value, 4, buffer));
	else
		text_puts(out, first ? "0" : ")");
}

static void put_format(struct text *out, wide value, size_t size, bool is_signed, char format,
		       const struct value_source *source)
{
	char buffer[136];
	unsigned bits = (unsigned)size * 8;
	wide plain = zero_extend(value, bits);

	switch (format) {
	case 'x':
		text_printf(out, "0x%s", radix(plain, 4, buffer));
		break;
	case 'z':
		text_printf(out, "0x%0*" PRIx64, (int)size * 2, (uint64_t)plain);
		break;
	case 'o':
		text_printf(out, "%s%s", plain ? "0" : "", radix(plain, 3, buffer));
		break;
	case 't':
		text_puts(out, radix(plain, 1, buffer));
		break;
	case 'u':
		text_puts(out, decimal(plain, false, buffer));
		break;
	case 'c': {
		struct type c = {.kind = TYPE_INTEGER, .character = CHARACTER_CHAR, .size = 1};
		wide shown = is_signed ? sign_extend(zero_extend(value, 8), 8) : zero_extend(value, 8);
		text_printf(out, "%s ", decimal(shown, is_signed, buffer));
		put_character(out, &c, value);
		break;
	}
	case 'a': {
		struct printing p = {.out = out, .source = source};
		put_address(&p, (uint64_t)plain, false);
		break;
	}
	default:
		text_puts(out, decimal(sign_extend(plain, bits), true, buffer));
	}
}

/* Digits of 1 << shift, with zeros before them. */
static void put_padded(struct text *out, wide value, unsigned shift, size_t width)
{
	char buffer[136];
	const char *digits = radix(value, shift, buffer);

	for (size_t have = strlen(digits); have < width; have++)
		text_puts(out, "0");
	text_puts(out, digits);
}

void value_unit(struct text *out, const void *bytes, size_t size, char format,
		const struct value_source *source)
{
	if (format == 'f' && (size == 4 || size == 8))
		put_float(out, size, load_float(size, bytes));
	else if (format == 'x')
		put_format(out, load(bytes, size), size, true, 'z', source);
	else if (format == 't')
		put_padded(out, load(bytes, size), 1, size * 8);
	else if (format == 'o')
		put_padded(out, load(bytes, size), 3, (size * 8 + 2) / 3 + 1);
	else
		put_format(out, load(bytes, size), size, true, format, source);
}

static bool is_number(const struct type *type)
{
	return type->kind == TYPE_BOOL || type->kind == TYPE_INTEGER || type->kind == TYPE_ENUM ||
	       type->kind == TYPE_POINTER || type->kind == TYPE_FLOAT;
}

/* In the format that was asked for; false where it does not change what this type shows. */
static bool put_formatted(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	char format = p->options->format;

	if (!format || format == 's' || !is_number(type) || type->size > 16)
		return false;
	if (type->kind == TYPE_FLOAT && (format == 'f' || format == 'c' || format == 's'))
		return false;
	if (type->kind == TYPE_FLOAT) {
		/* gdb shows the number's integer part in these formats. */
		long double whole = load_float(type->size, bytes);
		put_format(p->out, (wide)(__int128)whole, type->size > 8 ? 8 : type->size, true, format,
			   p->source);
		return true;
	}
	if (format == 'f') {
		if (type->size != 4 && type->size != 8)
			return false;
		if (type->kind == TYPE_INTEGER) {
			put_format(p->out, scalar(type, bytes), type->size, type->is_signed,
				   type->is_signed ? 'd' : 'u', NULL);
			return true;
		}
		put_float(p->out, type->size, load_float(type->size, bytes));
		return true;
	}
	put_format(p->out, scalar(type, bytes), type->size, type->is_signed || format == 'd', format,
		   p->source);
	return true;
}

static void put_integer(struct printing *p, const struct type *type, wide value)
{
	char buffer[48];

	text_puts(p->out, decimal(value, type->is_signed, buffer));
	if (is_character(type)) {
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
			load_bits(m, bytes, type->size, bits);
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
	if (!is_character(element) || (p->options->format && p->options->format != 's')) {
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
		while (used < count && character_at(element, bytes, used))
			used++;
		bool zeros = true;
		for (size_t i = used; i < count && zeros; i++)
			zeros = character_at(element, bytes, i) == 0;
		cut = !zeros;
		used = count;
	}
	if (!cut && used && character_at(element, bytes, used - 1) == 0)
		used--;
	put_string(p, element, bytes, used, false);
}

static void put_pointed_string(struct printing *p, const struct type *type, uint64_t address)
{
	unsigned char *bytes;
	size_t count;
	bool ended;

	text_puts(p->out, " ");
	if (!read_string(p, type, address, p->options->elements, &bytes, &count, &ended)) {
		text_printf(p->out, "<error: Cannot access memory at address 0x%" PRIx64 ">", address);
		return;
	}
	put_string(p, type, bytes, count, !ended);
	free(bytes);
}

static bool is_seen(const struct printing *p, uint64_t address)
{
	for (size_t i = 0; i < p->seen_count; i++)
		if (p->seen[i] == address)
			return true;
	return p->seen_count == SEEN_MAX;
}

/* " -> {...}": what it points to, where that is a record, or, at the top, a number. */
static void put_pointed(struct printing *p, const struct type *type, uint64_t address)
{
	bool top = p->nesting == 0 && p->hops == 0;
	bool record = type->kind == TYPE_RECORD && !type->incomplete;

	if (!record && !(top && is_number(type) && type->size))
		return;
	if (p->hops >= p->options->depth || type->size > POINTEE_MAX)
		return;
	if (is_seen(p, address)) {
		text_puts(p->out, " <shown above>");
		return;
	}
	unsigned char *bytes = malloc(type->size + 1);
	if (!bytes)
		return;
	text_puts(p->out, " -> ");
	if (read_memory(p, address, bytes, type->size)) {
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
	uint64_t address = (uint64_t)load(bytes, type->size);
	const struct type *target = type->target;

	put_address(p, address, target && target->kind == TYPE_FUNCTION);
	if (!address || !target)
		return;
	if (is_character(target))
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
	if (!type || is_full(p) || p->nesting > NESTING_MAX) {
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
		if (load(bytes, type->size) > 1)
			text_printf(p->out, "%u", (unsigned)load(bytes, type->size));
		else
			text_puts(p->out, load(bytes, type->size) ? "true" : "false");
		return;
	case TYPE_INTEGER:
		put_integer(p, type, scalar(type, bytes));
		return;
	case TYPE_ENUM:
		put_enum(p->out, type, scalar(type, bytes));
		return;
	case TYPE_FLOAT:
		put_float(p->out, type->size, load_float(type->size, bytes));
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
		put_address(p, (uint64_t)load(bytes, 8), true);
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

/* --- JSON ---------------------------------------------------------------------------------------------------------- */

enum { JSON_ELEMENTS_MAX = 100000 };

static json_t *json(struct printing *, const struct type *, const unsigned char *bytes);

static json_t *json_text(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	struct text text = {0};
	struct printing alone = *p;

	alone.out = &text;
	put(&alone, type, bytes);
	char *string = text_take(&text);
	json_t *value = string ? json_string(string) : NULL;
	free(string);
	return value ? value : json_null();
}

static json_t *json_number(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	wide value = scalar(type, bytes);
	bool fits = type->is_signed ? sign_extend(zero_extend(value, 64), 64) == value : value <= INT64_MAX;
	char buffer[48];

	(void)p;
	return fits ? json_integer((json_int_t)value) : json_string(decimal(value, type->is_signed, buffer));
}

static json_t *json_float(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	long double value = load_float(type->size, bytes);
	struct text text = {0};

	(void)p;
	if (is_nan_or_infinite(value, &text)) {
		json_t *name = json_string(text.bytes);
		text_fini(&text);
		return name;
	}
	if (type->size == 4) {
		/* The double that has the float's shortest digits: 0.1 and not 0.10000000149011612. */
		put_float(&text, 4, value);
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
		size_t sequence = type->size == 1 ? utf8_length(bytes + i, count - i) : 0;
		uint32_t c = character_at(type, bytes, i);
		if (sequence)
			text_append(&text, (const char *)bytes + i, sequence);
		else if (c < 0x80)
			text_append(&text, &(char){(char)c}, 1);
		else if (c < 0x800)
			text_printf(&text, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
		else if (c < 0x10000 && (c < 0xd800 || c > 0xdfff))
			text_printf(&text, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
		else if (c >= 0x10000 && c < 0x110000)
			text_printf(&text, "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 63),
				    0x80 | (c >> 6 & 63), 0x80 | (c & 63));
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

	if (is_character(type->target)) {
		const unsigned char *begin = bytes + from * type->target->size;
		size_t used = 0;
		while (used < count - from && character_at(type->target, begin, used))
			used++;
		bool zeros = true;
		for (size_t i = used; i < count - from && zeros; i++)
			zeros = character_at(type->target, begin, i) == 0;
		return json_characters(type->target, begin, zeros ? used : count - from);
	}
	json_t *array = json_array();
	size_t most = p->options->elements > JSON_ELEMENTS_MAX ? JSON_ELEMENTS_MAX : p->options->elements;
	p->nesting++;
	for (size_t i = from; i < count && i - from < most; i++)
		json_array_append_new(array, json(p, type->target, bytes + i * type->target->size));
	p->nesting--;
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
			load_bits(m, bytes, type->size, bits);
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

	if (bytes && read_memory(p, address, bytes, type->size)) {
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
	uint64_t address = (uint64_t)load(bytes, type->size);
	const struct type *target = type->target;
	bool top = p->nesting == 0 && p->hops == 0, ended;
	char text[NAME_MAX_BYTES + 32], name[NAME_MAX_BYTES];
	unsigned char *string;
	size_t count;

	if (!address)
		return json_null();
	if (target && is_character(target) &&
	    read_string(p, target, address, p->options->elements, &string, &count, &ended)) {
		json_t *value = json_characters(target, string, count);
		free(string);
		return value;
	}
	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	if (name_of(p, address, target && target->kind == TYPE_FUNCTION, name))
		snprintf(text, sizeof(text), "0x%" PRIx64 " <%s>", address, name);
	bool followed =
		target && target->size && target->size <= POINTEE_MAX && p->hops < p->options->depth &&
		((target->kind == TYPE_RECORD && !target->incomplete) || (top && is_number(target))) &&
		!is_seen(p, address);
	json_t *value = followed ? json_pointed(p, target, address) : NULL;
	return value ? json_pack("{s:s, s:o}", "address", text, "value", value) : json_string(text);
}

static json_t *json(struct printing *p, const struct type *type, const unsigned char *bytes)
{
	if (!type || p->nesting > NESTING_MAX)
		return json_null();
	switch (type->kind) {
	case TYPE_VOID:
		return json_null();
	case TYPE_BOOL:
		return json_boolean(load(bytes, type->size));
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

json_t *value_json(const struct type *type, const void *bytes, const struct value_source *source,
		   const struct value_options *options)
{
	struct value_options plain = *options;
	struct text unused = {0};
	struct printing p = {.out = &unused, .source = source, .options = &plain};

	plain.format = 0;
	plain.pretty = false;
	return json(&p, type, bytes);
}
