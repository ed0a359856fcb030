#include "parameters.h"
#include "declaration.h"

#include <string.h>

enum { TYPEDEFS_MAX = 16 };

enum width {
	WIDTH_KEPT,   /* it is passed as it is */
	WIDTH_INT,    /* promoted to that */
	WIDTH_DOUBLE, /* likewise */
	WIDTH_UNKNOWN,
};

static bool is_one_of(const struct token_reader *r, const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (token_is(r, t, *words))
			return true;
	return false;
}

static enum width width_of_typedef(const struct index *ix, const char *name, uint32_t length, unsigned depth);

/* What becomes of a value whose type the declaration specifiers in [begin, end) alone say. */
static enum width width_of(const struct index *ix, uint32_t begin, uint32_t end, unsigned depth)
{
	static const char *const kept[] = {"int",    "long",  "double",   "unsigned", "signed", "__signed__",
					   "struct", "union", "__int128", "_Complex", "void",   NULL};
	static const char *const narrow[] = {"char", "short", "_Bool", NULL};
	static const char *const nothing[] = {"const", "volatile", "register", "restrict", NULL};
	enum width width = WIDTH_UNKNOWN;
	struct token_reader r;
	struct token t;

	token_reader_within(&r, ix->text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME)
			return t.kind == TOKEN_PUNCTUATOR && t.first == '{' ? width : WIDTH_UNKNOWN;
		if (is_one_of(&r, &t, nothing))
			continue;
		if (token_is(&r, &t, "struct") || token_is(&r, &t, "union"))
			return WIDTH_KEPT;
		if (is_one_of(&r, &t, narrow))
			return WIDTH_INT; /* unsigned short too: int has room for it */
		if (token_is(&r, &t, "float"))
			return WIDTH_DOUBLE;
		if (is_one_of(&r, &t, kept))
			width = WIDTH_KEPT;
		else if (width == WIDTH_UNKNOWN)
			return width_of_typedef(ix, ix->text + t.begin, t.end - t.begin, depth + 1);
		else
			return WIDTH_UNKNOWN;
	}
	return width;
}

/* Whether anything but the name stands in a declarator: then it is a pointer, or is passed as one. */
static bool is_pointer(const struct index *ix, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, ix->text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_PUNCTUATOR && strchr("*[(", t.first))
			return true;
	return false;
}

static enum width width_of_typedef(const struct index *ix, const char *name, uint32_t length, unsigned depth)
{
	const struct index_name *n = index_find_kind(ix, name, length, NAME_TYPEDEF);

	if (!n || depth > TYPEDEFS_MAX)
		return WIDTH_UNKNOWN;
	const struct index_declaration *d = &ix->declarations[n->declaration];
	uint32_t from = d->specifiers;
	for (uint32_t k = d->name_begin; k < d->name_end && ix->names[k].begin < n->begin; k++)
		if (ix->names[k].kind == NAME_TYPEDEF)
			from = ix->names[k].end;
	if (is_pointer(ix, from, index_declarator_end(ix, n->end, d->end)))
		return WIDTH_KEPT;
	struct token_reader r;
	struct token t;
	token_reader_within(&r, ix->text, d->begin, d->specifiers, true);
	token_next(&r, &t);
	return width_of(ix, token_is(&r, &t, "typedef") ? t.end : d->begin, d->specifiers, depth);
}

/* The parameter of that name among the declarations in [begin, end). */
static bool write_parameter(struct text *out, const struct index *ix, uint32_t begin, uint32_t end,
			    const struct token *name)
{
	struct declaration_reader r;
	struct declaration d = {0};
	bool written = false, ended = false;

	declaration_reader_init(&r, ix->text, end);
	r.tokens.at = begin;
	r.tokens.line_start = false;
	while (!ended && !written) {
		declaration_next(&r, &d);
		ended = d.kind != DECLARATION_NAMES;
		uint32_t from = d.specifiers;
		for (size_t i = 0; !ended && !written && i < d.name_count; i++) {
			const struct declaration_name *n = &d.names[i];
			if (n->kind != NAME_VARIABLE && n->kind != NAME_FUNCTION)
				continue; /* a tag */
			uint32_t stop = index_declarator_end(ix, n->end, d.end);
			bool wanted =
				n->end - n->begin == name->end - name->begin &&
				memcmp(ix->text + n->begin, ix->text + name->begin, n->end - n->begin) == 0;
			enum width width = is_pointer(ix, from, stop)
						   ? WIDTH_KEPT
						   : width_of(ix, d.begin, d.specifiers, 0);
			if (wanted && width == WIDTH_UNKNOWN)
				ended = true;
			else if (wanted && width == WIDTH_KEPT)
				text_printf(out, "%.*s %.*s", (int)(d.specifiers - d.begin),
					    ix->text + d.begin, (int)(stop - from), ix->text + from);
			else if (wanted)
				text_puts(out, width == WIDTH_INT ? "int" : "double");
			written = wanted && !ended;
			from = stop + 1;
		}
		ended |= d.has_directive;
	}
	declaration_fini(&d);
	return written;
}

bool parameters_write(struct text *out, const struct index *ix, const struct index_declaration *d)
{
	struct text list = {0};
	struct token_reader r;
	struct token t, closing;

	if (d->has_directive)
		return false;
	token_reader_within(&r, ix->text, ix->names[d->name_end - 1].end, d->body, false);
	token_next(&r, &t);
	if (t.kind != TOKEN_PUNCTUATOR || t.first != '(')
		return false;
	struct token_reader behind = r;
	token_skip_group(&behind, &closing);
	bool whole = closing.kind != TOKEN_END;
	for (token_next(&r, &t); whole && t.begin < closing.begin; token_next(&r, &t)) {
		if (t.kind == TOKEN_NAME)
			whole = write_parameter(&list, ix, closing.end, d->body, &t);
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == ',')
			text_puts(&list, ", ");
		else
			whole = false;
	}
	if (whole)
		text_printf(out, "(%s)", list.size ? list.bytes : "void");
	text_fini(&list);
	return whole;
}
