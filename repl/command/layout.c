#include "layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { COMMENT_COLUMN = 40, DEPTH_MOST = 16 };

/* Members of one record, and of those without a name in it. */
struct layout {
	struct text *out;
	uint64_t base; /* of it in the outermost, in bits */
	unsigned depth;
	uint64_t end; /* of what was said, in bits from the base */
};

static void put_comment(struct text *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put_comment(struct text *line, const char *format, ...)
{
	va_list args;
	char comment[128];

	va_start(args, format);
	vsnprintf(comment, sizeof(comment), format, args);
	va_end(args);
	while (line->size < COMMENT_COLUMN)
		text_puts(line, " ");
	text_printf(line, " /* %s */\n", comment);
}

static void put_line(const struct layout *l, struct text *line)
{
	text_append(l->out, line->bytes, line->size);
	text_fini(line);
}

static void indent(const struct layout *l, struct text *line)
{
	text_printf(line, "%*s", (int)(2 * l->depth), "");
}

static void put_free(const struct layout *l, uint64_t bits, const char *where)
{
	struct text line = {0};

	if (bits < 8)
		return;
	indent(l, &line);
	put_comment(&line, "%" PRIu64 " byte%s free%s", bits / 8, text_s(bits / 8), where);
	put_line(l, &line);
}

static void describe_members(struct layout *, const struct type *, json_t *list);

static bool is_open(const struct layout *l, const struct type_member *m)
{
	return m->type->kind == TYPE_RECORD && (!m->name || m->type->nameless) && m->type->definition &&
	       l->depth < DEPTH_MOST;
}

/* A struct or union whose members can only be said here. */
static void describe_open(struct layout *l, const struct type_member *m, json_t *row)
{
	struct layout inner = {l->out, l->base + m->bit_offset, l->depth + 1, 0};
	struct text line = {0};
	json_t *list = json_array();

	indent(l, &line);
	text_puts(&line, m->type->is_union ? "union {" : "struct {");
	put_comment(&line, "%" PRIu64 ", %" PRIu64 " byte%s", inner.base / 8, m->type->size,
		    text_s(m->type->size));
	put_line(l, &line);
	describe_members(&inner, m->type, list);
	indent(l, &line);
	text_printf(&line, m->name ? "} %s;\n" : "};\n", m->name);
	put_line(l, &line);
	json_object_set_new(row, "members", list);
}

static void describe_plain(struct layout *l, const struct type_member *m)
{
	struct text line = {0};
	uint64_t at = l->base + m->bit_offset;

	indent(l, &line);
	if (!m->name)
		text_puts(&line, m->type->is_union ? "union {...}" : "struct {...}");
	else if (m->type->nameless)
		text_printf(&line, "%s %s", m->type->name, m->name);
	else
		type_put_declaration(&line, m->type, m->name);
	if (m->bit_size) {
		text_printf(&line, " : %u;", m->bit_size);
		put_comment(&line, "%" PRIu64 ", bit %" PRIu64, at / 8, at % 8);
	} else {
		text_puts(&line, ";");
		put_comment(&line, "%" PRIu64 ", %" PRIu64 " byte%s", at / 8, m->type->size,
			    text_s(m->type->size));
	}
	put_line(l, &line);
}

static void describe_member(struct layout *l, const struct type_member *m, json_t *list)
{
	uint64_t bits = m->bit_size ? m->bit_size : m->type->size * 8, at = l->base + m->bit_offset;
	json_t *row = json_pack("{s:s, s:s, s:I, s:I}", "name", m->name ? m->name : "", "type", m->type->name,
				"offset", (json_int_t)(at / 8), "size", (json_int_t)m->type->size);

	if (m->bit_offset > l->end)
		put_free(l, m->bit_offset - l->end, "");
	if (is_open(l, m))
		describe_open(l, m, row);
	else
		describe_plain(l, m);
	if (m->bit_size)
		json_object_update_new(
			row, json_pack("{s:i, s:i}", "bits", (int)m->bit_size, "bit", (int)(at % 8)));
	json_array_append_new(list, row);
	if (m->bit_offset + bits > l->end)
		l->end = m->bit_offset + bits;
}

static void describe_members(struct layout *l, const struct type *type, json_t *list)
{
	const struct type *d = type->definition;

	for (size_t i = 0; i < d->member_count; i++)
		describe_member(l, &d->members[i], list);
	if (!type->is_union && type->size * 8 > l->end)
		put_free(l, type->size * 8 - l->end, " at the end");
}

static void describe_constants(struct text *out, const struct type *d, json_t *list)
{
	for (size_t i = 0; i < d->constant_count; i++) {
		text_printf(out, d->is_signed ? "  %s = %" PRId64 ",\n" : "  %s = %" PRIu64 ",\n",
			    d->constants[i].name, d->constants[i].value);
		json_array_append_new(list, json_pack("{s:s, s:I}", "name", d->constants[i].name, "value",
						      (json_int_t)d->constants[i].value));
	}
}

void layout_describe(struct call *c, const struct type *type)
{
	struct text *out = &c->reply->text;
	const struct type *d = type->definition;

	c->reply->data = json_pack("{s:s, s:s, s:I, s:I}", "kind", "type", "name", type->name, "size",
				   (json_int_t)type->size, "align", (json_int_t)type->align);
	if (!d) {
		text_printf(out, "%s: %" PRIu64 " byte%s, aligned to %" PRIu64 "\n", type->name, type->size,
			    text_s(type->size), type->align);
		return;
	}
	if (type->incomplete) {
		text_printf(out, "%s, which is only mentioned in what has been read\n", type->name);
		return;
	}
	struct layout l = {.out = out, .depth = 1};
	json_t *list = json_array();
	text_printf(out, "%s {", type->name);
	text_printf(out, " /* %" PRIu64 " byte%s, aligned to %" PRIu64 " */\n", type->size,
		    text_s(type->size), type->align);
	if (d->kind == TYPE_ENUM)
		describe_constants(out, d, list);
	else
		describe_members(&l, type, list);
	text_puts(out, "}\n");
	json_object_set_new(c->reply->data, d->kind == TYPE_ENUM ? "enumerators" : "members", list);
}
