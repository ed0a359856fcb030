#include "head.h"

#include <string.h>

static bool is_free(const struct head *h, const char *name, uint32_t length)
{
	const struct slice_request *q = h->closure->request;

	for (int space = 0; space < INDEX_SPACES; space++)
		if (index_find(h->closure->ix, (enum index_space)space, name, length) != INDEX_NONE)
			return false;
	return !index_find_macro(h->closure->ix, name, length, h->closure->ix->size) &&
	       !memmem(q->text, q->size, name, length) &&
	       !(q->extra && memmem(q->extra, q->extra_size, name, length));
}

static bool find_alias(const struct head *h, const char *name, uint32_t length, char alias[256])
{
	static const char letters[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	if (length >= 256 || !name_table_has(&h->macros, name, length))
		return false;
	memcpy(alias, name, length);
	alias[length] = '\0';
	for (uint32_t at = length; at-- > 0; alias[at] = '_')
		for (size_t i = 0; i < sizeof(letters) - 1 - (at ? 0 : 10); i++) {
			alias[at] = letters[i];
			if (is_free(h, alias, length))
				return true;
		}
	return false;
}

/* [begin, end) of a macro's line without the words that give linkage, and with the aliases of other such macros. */
static void copy_head(const struct head *h, struct text *out, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;
	uint32_t from = begin;
	char alias[256];

	token_reader_within(&r, h->closure->ix->text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (!token_outside(&t, &depth) || t.kind != TOKEN_NAME)
			continue;
		bool drop = token_is_linkage(&r, &t);
		bool rename = !drop && find_alias(h, h->closure->ix->text + t.begin, t.end - t.begin, alias);
		if (!drop && !rename)
			continue;
		text_append(out, h->closure->ix->text + from, t.begin - from);
		if (rename)
			text_puts(out, alias);
		from = t.end;
	}
	text_append(out, h->closure->ix->text + from, end - from);
}

void head_write_macro(const struct head *h, struct text *out, const struct index_macro *m)
{
	const struct index *ix = h->closure->ix;
	char alias[256];

	if (!find_alias(h, ix->text + m->name_begin, m->name_end - m->name_begin, alias))
		return;
	text_printf(out, "\n#define %s", alias);
	text_append(out, ix->text + m->name_end, m->body_begin - m->name_end);
	copy_head(h, out, m->body_begin, m->end);
}

void head_write_definition(const struct head *h, struct text *out)
{
	const struct slice_request *q = h->closure->request;
	struct token_reader r;
	struct token t;
	size_t at = out->size;
	char alias[256];

	text_append(out, q->text, q->size);
	text_puts(out, "\n");
	if (out->failed)
		return;
	token_reader_init(&r, q->text, (uint32_t)q->size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			break;
		if (token_is(&r, &t, q->name))
			break;
		if (token_is_linkage(&r, &t))
			memset(out->bytes + at + t.begin, ' ', t.end - t.begin);
		if (t.kind == TOKEN_NAME && find_alias(h, q->text + t.begin, t.end - t.begin, alias))
			memcpy(out->bytes + at + t.begin, alias, t.end - t.begin);
	}
}

static bool says_linkage(struct head *h, const struct index_macro *m, unsigned depth);

/* Macros in [begin, end) of a text that say `static`, up to the function's name or body. */
static bool find_head_macros(struct head *h, const char *text, uint32_t begin, uint32_t end, unsigned depth)
{
	struct token_reader r;
	struct token t;
	bool found = false;

	token_reader_within(&r, text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END && !h->failed; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			break;
		if (t.kind != TOKEN_NAME)
			continue;
		if (!depth && token_is(&r, &t, h->closure->request->name))
			break;
		found |= depth && token_is_linkage(&r, &t);
		const struct index_macro *m = index_find_macro(h->closure->ix, text + t.begin,
							       t.end - t.begin, h->closure->position);
		if (m && !name_table_has(&h->closure->hidden, text + t.begin, t.end - t.begin))
			found |= says_linkage(h, m, depth + 1);
	}
	return found;
}

/* Whether the macro, or one that it expands to, has such a word; each that does is remembered. */
static bool says_linkage(struct head *h, const struct index_macro *m, unsigned depth)
{
	enum { DEPTH_MAX = 32 };

	if (depth > DEPTH_MAX || !find_head_macros(h, h->closure->ix->text, m->body_begin, m->end, depth))
		return false;
	name_table_add(&h->macros, h->closure->ix->text + m->name_begin, m->name_end - m->name_begin,
		       &h->failed);
	return true;
}

bool head_init(struct head *h, const struct closure *c)
{
	const struct slice_request *q = c->request;

	*h = (struct head){.closure = c};
	find_head_macros(h, q->text, 0, (uint32_t)q->size, 0);
	return !h->failed;
}

void head_fini(struct head *h)
{
	name_table_fini(&h->macros);
}
