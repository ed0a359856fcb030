#include "helper.h"

#include "declaration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "rtf_static_"

enum { STATICS_MAX = 64, NAME_MAX_SIZE = 256 };

/* A static variable that was met, and how it is spelled in the slice as long as its block lasts. */
struct met {
	const char *name;
	uint32_t length;
	unsigned depth; /* of the block that declares it; 0 once that is over */
	unsigned nth;
	bool extern_now;
	uint64_t size; /* in bytes, 0: not known */
};

struct writing {
	struct text *out;
	const struct index *ix;
	helper_static_fn *has;
	void *context;
	char function[NAME_MAX_SIZE];
	struct met met[STATICS_MAX];
	size_t met_count;
	unsigned depth;
	uint32_t from; /* what is before is written */
};

static void write_up_to(struct writing *w, uint32_t end)
{
	text_append(w->out, w->ix->text + w->from, end - w->from);
	w->from = end;
}

/* An object that nobody writes to: `const` and no pointer. */
static bool is_constant(const struct index *ix, const struct declaration *d,
			const struct declaration_name *name)
{
	struct token_reader r;
	struct token t;
	bool constant = false;

	token_reader_within(&r, ix->text, d->begin, name->begin, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '*')
			constant = false;
		else if (token_is(&r, &t, "const") || token_is(&r, &t, "__const"))
			constant = true;
	}
	return constant;
}

static unsigned count_met(const struct writing *w, const struct declaration_name *name)
{
	uint32_t length = name->end - name->begin;
	unsigned count = 0;

	for (size_t i = 0; i < w->met_count; i++)
		count += w->met[i].length == length &&
			 memcmp(w->met[i].name, w->ix->text + name->begin, length) == 0;
	return count;
}

/* How many of the group's names are variables: those of its types and their members come with them. SIZE_MAX: something else is. */
static size_t count_variables(const struct declaration *d)
{
	size_t count = 0;

	for (size_t i = 0; i < d->name_count; i++) {
		if (d->names[i].kind == NAME_FUNCTION || d->names[i].kind == NAME_TYPEDEF)
			return SIZE_MAX;
		count += d->names[i].kind == NAME_VARIABLE;
	}
	return count;
}

static const struct declaration_cut *cut_at(const struct declaration *d, uint32_t begin)
{
	for (size_t i = 0; i < d->cut_count; i++)
		if (d->cuts[i].begin == begin)
			return &d->cuts[i];
	return NULL;
}

/* Whether it begins with addresses of labels, which are of the code that it comes with. */
static bool has_labels(const struct writing *w, const struct declaration *d, const struct declaration_name *n)
{
	const struct declaration_cut *cut = cut_at(d, index_declarator_end(w->ix, n->end, d->end));
	struct token_reader r;
	struct token t, before = {0};

	if (!cut)
		return false;
	token_reader_within(&r, w->ix->text, cut->begin, cut->end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t))
		if (t.first == '&' && t.end - t.begin == 2 && before.kind == TOKEN_PUNCTUATOR &&
		    before.first != ')' && before.first != ']')
			return true;
	return false;
}

/* Meets each variable of the group, of which there are that many. True if the program has one of them. */
static bool meet(struct writing *w, const struct declaration *d, size_t count)
{
	bool any = false;

	if (count > STATICS_MAX - w->met_count)
		return false;
	for (size_t i = 0; i < d->name_count; i++) {
		const struct declaration_name *n = &d->names[i];
		char name[NAME_MAX_SIZE];
		if (n->kind != NAME_VARIABLE)
			continue;
		struct met m = {
			.name = w->ix->text + n->begin,
			.length = n->end - n->begin,
			.depth = w->depth,
			.nth = count_met(w, n),
		};
		if (m.length < sizeof(name) && !is_constant(w->ix, d, n) && !has_labels(w, d, n)) {
			snprintf(name, sizeof(name), "%.*s", (int)m.length, m.name);
			m.extern_now = w->has(w->context, w->function, name, m.nth, &m.size) &&
				       (!n->bound || m.size);
		}
		w->met[w->met_count++] = m;
		any |= m.extern_now;
	}
	return any;
}

static void write_name(struct writing *w, const struct met *m)
{
	text_printf(w->out, PREFIX "%zu_%s_%.*s_%u", strlen(w->function), w->function, (int)m->length,
		    m->name, m->nth);
}

static const struct met *find_met(const struct writing *w, const struct token *t)
{
	for (size_t i = w->met_count; i-- > 0;) {
		const struct met *m = &w->met[i];
		if (m->depth && m->extern_now && m->length == t->end - t->begin &&
		    memcmp(m->name, w->ix->text + t->begin, m->length) == 0)
			return m;
	}
	return NULL;
}

/* In the slice what was met has its other name. */
static void rename_met(struct writing *w, const struct token *name)
{
	const struct met *m = find_met(w, name);

	if (!m)
		return;
	write_up_to(w, name->begin);
	write_name(w, m);
	w->from = name->end;
}

/* A piece of the text that is not where the writing has come to. */
static void write_piece(struct writing *w, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t, before = {0};

	w->from = begin;
	token_reader_within(&r, w->ix->text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t))
		if (t.kind == TOKEN_NAME && !token_selects(&r, &before))
			rename_met(w, &t);
	write_up_to(w, end);
}

/* A type that the specifiers define, and that is asked for more than once, has a name of its own in the slice. */
static bool defines_type(const struct writing *w, const struct declaration *d, size_t count)
{
	bool again = count > 1;

	for (size_t i = 0; i < d->name_count; i++)
		again |= d->names[i].kind == NAME_VARIABLE && d->names[i].bound;
	return again && memchr(w->ix->text + d->begin, '{', d->specifiers - d->begin);
}

/* The group's first variable names it: a slice does not say where in its file it stands. */
static void write_type_name(struct writing *w, size_t count)
{
	const struct met *first = &w->met[w->met_count - count];

	text_printf(w->out, " rtf_type_%.*s_%u ", (int)first->length, first->name, first->nth);
}

static void write_specifiers(struct writing *w, const struct declaration *d, size_t count,
			     const struct token *word)
{
	if (defines_type(w, d, count))
		write_type_name(w, count);
	else
		text_append(w->out, w->ix->text + word->end, d->specifiers - word->end);
}

/* One declarator, whose specifiers are those before it and what stands at `begin`, as the program's own. How long an array is
 * that its initialiser makes, an extern does not say: `char b[] = "abc"` is `char b[4 / sizeof(char)]`. */
static void write_extern(struct writing *w, const struct declaration *d, size_t count,
			 const struct token *word, const struct declaration_name *n, uint32_t begin,
			 uint32_t end, const struct met *m)
{
	const char *text = w->ix->text;
	uint32_t left = n->bound;

	while (left > n->end && text[left] != '[')
		left--;
	text_puts(w->out, "extern ");
	write_specifiers(w, d, count, word);
	text_append(w->out, text + begin, n->begin - begin);
	write_name(w, m);
	if (!n->bound) {
		text_append(w->out, text + n->end, end - n->end);
		return;
	}
	text_append(w->out, text + n->end, left + 1 - n->end);
	text_printf(w->out, "%llu / sizeof(", (unsigned long long)m->size);
	write_specifiers(w, d, count, word);
	text_append(w->out, text + begin, n->begin - begin);
	text_append(w->out, text + n->end, left - n->end);
	text_append(w->out, text + n->bound + 1, end - n->bound - 1);
	text_puts(w->out, ")");
	text_append(w->out, text + n->bound, end - n->bound);
}

/* `static int a = 1, *b;` as `extern int rtf_static_…_a_0; static int *b;`: each declarator on its own, since the
 * program may have one and not the other. */
static void write_group(struct writing *w, const struct declaration *d, size_t count,
			const struct token *word)
{
	const struct met *m = &w->met[w->met_count - count];
	uint32_t begin = d->specifiers;

	write_up_to(w, word->begin);
	if (defines_type(w, d, count)) {
		text_puts(w->out, "typedef");
		text_append(w->out, w->ix->text + word->end, d->specifiers - word->end);
		write_type_name(w, count);
		text_puts(w->out, "; ");
	}
	for (size_t i = 0; i < d->name_count; i++) {
		const struct declaration_name *n = &d->names[i];
		if (n->kind != NAME_VARIABLE)
			continue;
		uint32_t end = index_declarator_end(w->ix, n->end, d->end);
		const struct declaration_cut *cut = cut_at(d, end);
		if (m->extern_now) {
			write_extern(w, d, count, word, n, begin, end, m);
		} else {
			text_puts(w->out, "static ");
			write_specifiers(w, d, count, word);
			text_append(w->out, w->ix->text + begin, end - begin);
			if (cut)
				write_piece(w, cut->begin, cut->end);
		}
		m++;
		text_puts(w->out, "; ");
		begin = (cut ? cut->end : end) + 1; /* behind the comma */
	}
	w->from = d->end;
}

/* The word `static` is read. True if its declaration was written. */
static bool rewrite_static(struct writing *w, struct token_reader *tokens, const struct token *word)
{
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, w->ix->text, tokens->size);
	r.tokens.at = word->begin;
	r.tokens.line_start = false;
	r.context = (void *)w->ix;
	r.is_type = index_is_typedef;
	declaration_next(&r, &d);
	size_t count = count_variables(&d);
	bool written =
		d.kind == DECLARATION_NAMES && d.complete && !d.out_of_memory && count && meet(w, &d, count);
	if (written) {
		write_group(w, &d, count, word);
		tokens->at = d.end;
	}
	declaration_fini(&d);
	return written;
}

static void leave_block(struct writing *w)
{
	for (size_t i = 0; i < w->met_count; i++)
		if (w->met[i].depth >= w->depth)
			w->met[i].depth = 0;
	w->depth--;
}

static void write_directive(struct writing *w, const struct token *t)
{
	write_up_to(w, t->begin);
	if (t->end - t->begin < 7 || memcmp(w->ix->text + t->begin, "#pragma", 7) != 0)
		w->from = t->end; /* line markers and macros: others take care of them */
}

static void write_body(struct writing *w, const struct index_declaration *d)
{
	struct token_reader r;
	struct token t, before = {0};

	w->from = d->body;
	token_reader_within(&r, w->ix->text, d->body, d->end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			write_directive(w, &t);
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			w->depth++;
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == '}')
			leave_block(w);
		if (t.kind != TOKEN_NAME)
			continue;
		bool member = token_selects(&r, &before);
		if (t.first == 's' && token_is(&r, &t, "static") && before.first != '[') {
			rewrite_static(w, &r, &t);
			continue;
		}
		if (!member)
			rename_met(w, &t);
	}
	write_up_to(w, d->end);
}

void helper_write(struct text *out, const struct index *ix, const struct index_declaration *d,
		  helper_static_fn *has, void *context)
{
	const struct index_name *name = &ix->names[d->name_end - 1];
	struct writing *w = calloc(1, sizeof(*w));

	if (!w || name->end - name->begin >= NAME_MAX_SIZE) {
		out->failed |= !w;
		free(w);
		return;
	}
	w->out = out;
	w->ix = ix;
	w->has = has;
	w->context = context;
	memcpy(w->function, ix->text + name->begin, name->end - name->begin);
	write_body(w, d);
	free(w);
}

bool helper_parse(const char *symbol, char *function, char *name, size_t size, unsigned *nth)
{
	char *end;

	if (strncmp(symbol, PREFIX, strlen(PREFIX)) != 0)
		return false;
	unsigned long length = strtoul(symbol + strlen(PREFIX), &end, 10);
	const char *last = strrchr(symbol, '_');
	if (*end != '_' || length >= size || strlen(end + 1) <= length + 1 || last <= end + length + 1)
		return false;
	const char *begin = end + 1 + length + 1;
	if (last <= begin || (size_t)(last - begin) >= size)
		return false;
	snprintf(function, size, "%.*s", (int)length, end + 1);
	snprintf(name, size, "%.*s", (int)(last - begin), begin);
	*nth = (unsigned)strtoul(last + 1, NULL, 10);
	return true;
}
