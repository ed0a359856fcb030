#include "branches.h"

enum answer { NO, YES, UNKNOWN };

void branches_fini(struct branches *b)
{
	name_table_fini(&b->macros);
}

bool branches_pass(const struct branches *b)
{
	for (unsigned i = 0; i < b->depth && i < BRANCHES_DEPTH; i++)
		if (b->open[i].passed)
			return true;
	return false;
}

static void define(struct branches *b, const struct token_reader *line, const struct token *name,
		   bool defined)
{
	if (name->kind != TOKEN_NAME)
		return;
	struct branches_macro *m =
		name_table_put(&b->macros, line->text + name->begin, name->end - name->begin);
	if (m)
		m->defined = defined;
	else
		b->failed = true;
}

static enum answer is_defined(const struct branches *b, const struct token_reader *line,
			      const struct token *name)
{
	if (name->kind != TOKEN_NAME)
		return UNKNOWN;
	const struct branches_macro *m =
		name_table_find(&b->macros, line->text + name->begin, name->end - name->begin);

	return m && m->defined ? YES : NO;
}

static enum answer negated(enum answer a)
{
	return a == UNKNOWN ? UNKNOWN : a == YES ? NO : YES;
}

/* `0`, `1`, `defined X`, `defined(X)`, and these behind a `!`. */
static enum answer evaluate(const struct branches *b, struct token_reader *line)
{
	struct token t;
	enum answer a = UNKNOWN;

	token_next(line, &t);
	bool negative = t.first == '!' && t.end - t.begin == 1;
	if (negative)
		token_next(line, &t);
	if (t.kind == TOKEN_NUMBER && t.end - t.begin == 1 && (t.first == '0' || t.first == '1')) {
		a = t.first == '1' ? YES : NO;
	} else if (token_is(line, &t, "defined")) {
		token_next(line, &t);
		bool bracket = t.first == '(';
		if (bracket)
			token_next(line, &t);
		a = is_defined(b, line, &t);
		if (bracket)
			token_next(line, &t);
	}
	token_next(line, &t);
	if (t.kind != TOKEN_END)
		return UNKNOWN;
	return negative ? negated(a) : a;
}

static void begin_branch(struct branches *b, enum answer a)
{
	unsigned i = b->depth - 1;

	if (b->depth > BRANCHES_DEPTH)
		return;
	b->open[i].passed = a == NO || b->open[i].taken;
	b->open[i].taken |= a == YES;
}

void branches_read(struct branches *b, const char *text, const struct token *directive)
{
	struct token_reader line;
	struct token word, name;

	token_read_directive(&line, text, directive, &word);
	struct token_reader rest = line;
	token_next(&rest, &name);
	bool ifdef = token_is(&line, &word, "ifdef"), ifndef = token_is(&line, &word, "ifndef");
	if (ifdef || ifndef || token_is(&line, &word, "if")) {
		b->depth++;
		if (b->depth <= BRANCHES_DEPTH)
			b->open[b->depth - 1].taken = false;
		begin_branch(b, ifdef    ? is_defined(b, &line, &name)
				: ifndef ? negated(is_defined(b, &line, &name))
					 : evaluate(b, &line));
	} else if (token_is(&line, &word, "endif")) {
		b->depth -= b->depth > 0;
	} else if (token_is(&line, &word, "elif") && b->depth) {
		begin_branch(b, evaluate(b, &line));
	} else if (token_is(&line, &word, "else") && b->depth) {
		begin_branch(b, UNKNOWN);
	} else if (!branches_pass(b) &&
		   (token_is(&line, &word, "define") || token_is(&line, &word, "undef"))) {
		define(b, &line, &name, token_is(&line, &word, "define"));
	}
}
