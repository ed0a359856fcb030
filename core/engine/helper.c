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

/* Meets each variable of the group. True if the program has one of them. */
static bool meet(struct writing *w, const struct declaration *d)
{
	bool any = false;

	for (size_t i = 0; i < d->name_count; i++) {
		const struct declaration_name *n = &d->names[i];
		char name[NAME_MAX_SIZE];
		if (n->kind != NAME_VARIABLE || w->met_count == STATICS_MAX ||
		    n->end - n->begin >= sizeof(name))
			return false;
		snprintf(name, sizeof(name), "%.*s", (int)(n->end - n->begin), w->ix->text + n->begin);
		struct met m = {w->ix->text + n->begin, n->end - n->begin, w->depth, count_met(w, n), false};
		m.extern_now = !n->bound && !is_constant(w->ix, d, n) &&
			       w->has(w->context, w->function, name, m.nth);
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

static const struct declaration_cut *cut_at(const struct declaration *d, uint32_t begin)
{
	for (size_t i = 0; i < d->cut_count; i++)
		if (d->cuts[i].begin == begin)
			return &d->cuts[i];
	return NULL;
}

/* `static int a = 1, *b;` as `extern int rtf_static_…_a_0; static int *b;`: each declarator on its own, since the
 * program may have one and not the other. */
static void write_group(struct writing *w, const struct declaration *d, const struct token *word)
{
	const struct met *m = &w->met[w->met_count - d->name_count];
	uint32_t begin = d->specifiers;

	write_up_to(w, word->begin);
	for (size_t i = 0; i < d->name_count; i++) {
		const struct declaration_name *n = &d->names[i];
		uint32_t end = index_declarator_end(w->ix, n->end, d->end);
		const struct declaration_cut *cut = cut_at(d, end);
		text_puts(w->out, m[i].extern_now ? "extern " : "static ");
		text_append(w->out, w->ix->text + word->end, d->specifiers - word->end);
		text_append(w->out, w->ix->text + begin, n->begin - begin);
		if (m[i].extern_now)
			write_name(w, &m[i]);
		else
			text_append(w->out, w->ix->text + n->begin, n->end - n->begin);
		text_append(w->out, w->ix->text + n->end, end - n->end);
		if (cut && !m[i].extern_now)
			text_append(w->out, w->ix->text + cut->begin, cut->end - cut->begin);
		text_puts(w->out, "; ");
		begin = (cut ? cut->end : end) + 1; /* behind the comma */
	}
	w->from = d->end;
}

/* A group whose specifiers define a type cannot be taken apart. */
static bool can_be_split(const struct index *ix, const struct declaration *d)
{
	return d->name_count == 1 || !memchr(ix->text + d->begin, '{', d->specifiers - d->begin);
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
	bool written = d.kind == DECLARATION_NAMES && d.complete && !d.out_of_memory &&
		       can_be_split(w->ix, &d) && meet(w, &d);
	if (written) {
		write_group(w, &d, word);
		tokens->at = d.end;
	}
	declaration_fini(&d);
	return written;
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
		const struct met *m = member ? NULL : find_met(w, &t);
		if (!m)
			continue;
		write_up_to(w, t.begin);
		write_name(w, m);
		w->from = t.end;
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
