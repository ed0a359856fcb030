#include "references.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* --- words ------------------------------------------------------------------------------------------------------ */

static bool is_keyword(const char *name, uint32_t length)
{
	static const char *const words[] = {
		[2] = "do if",
		[3] = "for int",
		[4] = "case else enum goto char long void",
		[5] = "break const short float union while",
		[6] = "extern inline double signed return sizeof static struct switch",
		[7] = "default typedef",
		[8] = "continue unsigned register volatile restrict",
	};

	if (length >= sizeof(words) / sizeof(*words) || !words[length])
		return false;
	for (const char *word = words[length]; *word; word += length + (word[length] == ' '))
		if (memcmp(word, name, length) == 0)
			return true;
	return false;
}

static bool is_record_keyword(const struct token_reader *r, const struct token *t)
{
	return token_is(r, t, "struct") || token_is(r, t, "union");
}

static bool is_attribute(const struct token_reader *r, const struct token *t)
{
	return token_is_attribute(r, t) || token_is(r, t, "_Alignas");
}

static bool is_qualifier(const struct token_reader *r, const struct token *t)
{
	return t->kind == TOKEN_NAME && (token_is(r, t, "const") || token_is(r, t, "volatile") ||
					 token_is(r, t, "__const") || token_is(r, t, "restrict"));
}

/* Words whose operand is an expression, wherever they stand. */
static bool takes_expression(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"sizeof",   "typeof",      "__typeof__", "__typeof",
					    "_Alignof", "__alignof__", "__alignof"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(r, t, words[i]))
			return true;
	return false;
}

/* --- a text ----------------------------------------------------------------------------------------------------- */

/* Where the operand ends that begins with `next`. */
static uint32_t operand_end(struct token_reader ahead, struct token next)
{
	if (next.kind == TOKEN_PUNCTUATOR && next.first == '(')
		token_skip_group(&ahead, &next);
	return next.end;
}

/* Whether `behind`, which follows a type, is a name with `[` behind it: an array's elements must be whole, even those
 * of a parameter that is only declared. */
static bool is_array(struct token_reader ahead, const struct token *behind)
{
	struct token t = *behind;

	if (t.kind == TOKEN_NAME)
		token_next(&ahead, &t);
	return t.kind == TOKEN_PUNCTUATOR && t.first == '[';
}

void reference_reader_init(struct reference_reader *r, const struct index *ix, const char *text,
			   uint32_t begin, uint32_t end, bool code)
{
	*r = (struct reference_reader){.ix = ix, .code = code};
	token_reader_within(&r->tokens, text, begin, end, begin == 0 || text[begin - 1] == '\n');
	token_next(&r->tokens, &r->next);
}

static void find_use(const struct reference_reader *r, struct reference *out)
{
	struct token_reader ahead = r->tokens;
	struct token behind = r->next;

	while (is_qualifier(&ahead, &behind))
		token_next(&ahead, &behind);
	out->by_value = !(behind.kind == TOKEN_PUNCTUATOR && behind.first == '*');
	out->element = !r->code && out->by_value && is_array(ahead, &behind);
	out->in_code = r->code || out->begin < r->code_end;
}

static void read_name(struct reference_reader *r, const struct token *t, bool member, struct reference *out)
{
	const char *name = r->tokens.text + t->begin;
	uint32_t length = t->end - t->begin;

	if (is_record_keyword(&r->tokens, t) || token_is(&r->tokens, t, "enum")) {
		r->keyword = *name;
		return;
	}
	if (r->keyword && is_attribute(&r->tokens, t) && r->next.first == '(') {
		token_skip_group(&r->tokens, &r->next); /* struct __attribute__((packed)) tag */
		token_next(&r->tokens, &r->next);
		return;
	}
	if (takes_expression(&r->tokens, t) && t->end > r->code_end)
		r->code_end = operand_end(r->tokens, r->next);
	out->keyword = r->keyword;
	r->keyword = '\0';
	if (is_qualifier(&r->tokens, t) || is_keyword(name, length))
		return;
	out->kind = out->keyword ? REFERENCE_TAG : member ? REFERENCE_MEMBER : REFERENCE_ORDINARY;
	if (out->kind == REFERENCE_MEMBER)
		return;
	out->first = index_find(r->ix, out->keyword ? INDEX_TAG : INDEX_ORDINARY, name, length);
	find_use(r, out);
}

bool reference_next(struct reference_reader *r, struct reference *out)
{
	for (;;) {
		struct token t = r->next;
		bool member = token_selects(&r->tokens, &r->before);
		if (t.kind == TOKEN_END)
			return false;
		token_next(&r->tokens, &r->next);
		r->before = t;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			r->keyword = '\0'; /* it had no tag */
		if (t.kind != TOKEN_NAME && t.kind != TOKEN_DIRECTIVE)
			continue;
		*out = (struct reference){.begin = t.begin, .end = t.end, .first = INDEX_NONE};
		if (t.kind == TOKEN_NAME)
			read_name(r, &t, member, out);
		else
			out->kind = REFERENCE_DIRECTIVE;
		return true;
	}
}

/* --- a declaration ---------------------------------------------------------------------------------------------- */

static void find_record(const struct index *ix, const struct index_declaration *d,
			struct declaration_cut *out)
{
	struct token_reader r;
	struct token t;
	bool record = false, tag = false;

	token_reader_within(&r, ix->text, d->begin, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END && t.begin < d->specifiers; token_next(&r, &t)) {
		if (t.kind == TOKEN_NAME && is_record_keyword(&r, &t))
			record = true;
		else if (t.kind == TOKEN_NAME && record && !is_attribute(&r, &t))
			tag = true;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '(')
			token_skip_group(&r, &t);
		if (t.kind != TOKEN_PUNCTUATOR || t.first != '{')
			continue;
		uint32_t begin = t.begin;
		token_skip_group(&r, &t);
		if (tag)
			*out = (struct declaration_cut){begin, t.end};
		return;
	}
}

struct found {
	struct reference *items;
	size_t count, room;
};

static bool find_within(struct index *ix, uint32_t begin, uint32_t end, struct found *f)
{
	struct reference_reader r;
	struct reference n;

	reference_reader_init(&r, ix, ix->text, begin, end, false);
	while (reference_next(&r, &n)) {
		if (n.kind != REFERENCE_TAG && (n.kind != REFERENCE_ORDINARY || n.first == INDEX_NONE))
			continue;
		struct reference *more = pool_grow(f->items, f->count, &f->room, sizeof(n));
		if (!more)
			return false;
		f->items = more;
		more[f->count++] = n;
	}
	return true;
}

static struct references *find(struct index *ix, const struct index_declaration *d)
{
	bool function = d->kind == DECLARATION_FUNCTION, all = true;
	struct declaration_cut record = {0};
	struct references *out = NULL;
	struct found f = {0};
	uint32_t from = d->begin;

	if (!function)
		find_record(ix, d, &record);
	for (uint32_t i = d->cut_begin; !function && all && i < d->cut_end; i++) {
		all = find_within(ix, from, ix->cuts[i].begin, &f);
		from = ix->cuts[i].end;
	}
	if (all && find_within(ix, from, function ? d->body : d->end, &f))
		out = malloc(sizeof(*out) + f.count * sizeof(*f.items));
	if (out) {
		*out = (struct references){.record = record, .count = (uint32_t)f.count};
		if (f.count)
			memcpy(out->items, f.items, f.count * sizeof(*f.items));
	}
	free(f.items);
	return out;
}

const struct references *references_of(struct index *ix, const struct index_declaration *d)
{
	size_t number = (size_t)(d - ix->declarations);

	if (!ix->references)
		ix->references = calloc(ix->declaration_count + 1, sizeof(*ix->references));
	if (!ix->references)
		return NULL;
	if (!ix->references[number])
		ix->references[number] = find(ix, d);
	return ix->references[number];
}
