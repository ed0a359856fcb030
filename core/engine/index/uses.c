#include "uses.h"
#include "declaration.h"
#include "locals.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum use { USE_ADDRESS_TAKEN = 1, USE_CHANGED = 2, USE_COMPARED = 4, USE_READ = 8 };

/* A name behind `before` may be a value: it is no member, and not being declared. */
static bool may_be_value(const struct token_reader *r, const struct token *before)
{
	if (before->kind == TOKEN_NAME)
		return token_is(r, before, "return");
	return before->kind == TOKEN_PUNCTUATOR && before->first && strchr("(,={&?:[!|<>", before->first);
}

/* What stands before a name: the last of them first. */
struct context {
	struct token before, opener, third;
};

/* `(type *) &name` and `(a) & name` differ by what the brackets hold last. */
static bool is_cast(const struct index *ix, const struct token_reader *r, const struct token *last)
{
	if (last->kind == TOKEN_NAME)
		return locals_is_type(ix, r, last);
	return last->kind == TOKEN_PUNCTUATOR && last->first != ')' && last->first != ']';
}

/* Whether the `&` before a name takes its address: where a value stands before that, it is an operator of two. */
static bool takes_address(const struct index *ix, const struct token_reader *r, const struct context *c)
{
	static const char *const words[] = {"return", "case", "sizeof", "else", "do", "__extension__"};
	const struct token *value = &c->opener;

	if (c->before.first != '&' || c->before.end - c->before.begin != 1)
		return false;
	if (value->kind == TOKEN_NUMBER || value->kind == TOKEN_STRING || value->kind == TOKEN_CHARACTER)
		return false;
	for (size_t i = 0; value->kind == TOKEN_NAME && i < sizeof(words) / sizeof(*words); i++)
		if (token_is(r, value, words[i]))
			return true;
	if (value->kind == TOKEN_PUNCTUATOR && value->first == ')')
		return is_cast(ix, r, &c->third);
	return value->kind != TOKEN_NAME && !(value->kind == TOKEN_PUNCTUATOR && value->first == ']');
}

static bool is_step(const struct index *ix, const struct token *t)
{
	return t->kind == TOKEN_PUNCTUATOR && t->end - t->begin == 2 &&
	       (t->first == '+' || t->first == '-') && ix->text[t->begin + 1] == t->first;
}

static bool is_assignment(const struct index *ix, const struct token *t)
{
	if (t->kind != TOKEN_PUNCTUATOR || ix->text[t->end - 1] != '=')
		return false;
	return t->end - t->begin != 2 || !strchr("=!<>", t->first);
}

/* Where the operand of `sizeof (…)` or its like ends, whose value nobody asks for; 0: it is no such word. */
static uint32_t unevaluated_end(const struct token_reader *r, const struct token *word,
				const struct token *next)
{
	static const char *const words[] = {
		"sizeof",   "typeof",      "__typeof__", "__typeof",
		"_Alignof", "__alignof__", "__alignof",  "__builtin_types_compatible_p"};
	struct token_reader inside = *r;
	struct token t = *next;
	bool found = false;

	if (next->kind != TOKEN_PUNCTUATOR || next->first != '(')
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !found; i++)
		found = token_is(r, word, words[i]);
	if (!found)
		return 0;
	token_skip_group(&inside, &t);
	return t.end;
}

/* Whether the variable is `*name` wherever it is declared: `name[i]` and `*name` are not in it. */
static bool is_pointer(const struct index *ix, uint32_t i)
{
	bool is = i != INDEX_NONE;

	for (; i != INDEX_NONE && is; i = ix->names[i].next) {
		const char *before = text_skip_back(ix->text, ix->text + ix->names[i].begin);
		const char *behind = ix->text + ix->names[i].end;
		behind += strspn(behind, " \t\r\n");
		is = ix->names[i].kind == NAME_VARIABLE && before > ix->text && before[-1] == '*' &&
		     *behind != '[' && *behind != '(' && *behind != ')';
	}
	return is;
}

/* The brackets that are open: the function that those of a call are behind, and which of its arguments is read. */
struct calls {
	struct token callee[64]; /* no name: no call */
	uint32_t argument[64];
	uint32_t depth;
};

static void follow_calls(struct calls *c, const struct token *before, const struct token *t)
{
	if (t->kind != TOKEN_PUNCTUATOR || t->end - t->begin != 1)
		return;
	if (strchr("([{", t->first)) {
		if (c->depth < sizeof(c->argument) / sizeof(*c->argument)) {
			c->callee[c->depth] = t->first == '(' ? *before : (struct token){0};
			c->argument[c->depth] = 0;
		}
		c->depth++;
	} else if (strchr(")]}", t->first)) {
		c->depth -= c->depth != 0;
	} else if (t->first == ',' && c->depth && c->depth <= sizeof(c->argument) / sizeof(*c->argument)) {
		c->argument[c->depth - 1]++;
	}
}

/* `const T *name`, and no pointer to a pointer: whoever is handed an address so has no leave to write there. */
static bool is_pointer_to_const(struct token_reader r, uint32_t parameter)
{
	struct token t;
	bool is_const = false, pointer = false;

	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && (t.first == '(' || t.first == '['))
			return false; /* what is not plain */
		if (t.kind == TOKEN_PUNCTUATOR && (t.first == ')' || (t.first == ',' && parameter == 0)))
			return parameter == 0 && is_const && pointer;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == ',') {
			parameter--;
			is_const = pointer = false;
			continue;
		}
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '*' && pointer)
			return false;
		pointer |= t.kind == TOKEN_PUNCTUATOR && t.first == '*';
		is_const |= !pointer && token_is(&r, &t, "const");
	}
	return false;
}

/* Whether `&name` is the argument of a function that is declared to only look there. */
static bool is_lent(const struct index *ix, struct token_reader r, const struct context *c,
		    const struct calls *calls, const struct token *name)
{
	struct token t;

	if (!calls->depth || calls->depth > sizeof(calls->argument) / sizeof(*calls->argument) ||
	    c->before.first != '&' || c->opener.kind != TOKEN_PUNCTUATOR || !strchr("(,", c->opener.first))
		return false;
	const struct token *callee = &calls->callee[calls->depth - 1];
	r.at = name->end;
	token_next(&r, &t);
	if (callee->kind != TOKEN_NAME || t.kind != TOKEN_PUNCTUATOR || !strchr("),", t.first))
		return false;
	const struct index_name *n =
		index_find_kind(ix, ix->text + callee->begin, callee->end - callee->begin, NAME_FUNCTION);
	if (!n)
		return false;
	r.at = n->end;
	token_next(&r, &t);
	return t.kind == TOKEN_PUNCTUATOR && t.first == '(' &&
	       is_pointer_to_const(r, calls->argument[calls->depth - 1]);
}

/* `name`, `name[i]`, `name.member`: is that assigned to, stepped, or handed to somebody by address? */
static bool is_changed(const struct index *ix, struct token_reader r, const struct context *c,
		       const struct token *name, bool evaluated)
{
	const struct token *before = &c->before, *opener = &c->opener;
	uint32_t i = index_find(ix, INDEX_ORDINARY, ix->text + name->begin, name->end - name->begin);
	struct token_reader behind = r;
	struct token t;
	bool whole = true;

	behind.at = name->end;
	token_next(&behind, &t);
	bool beyond = t.kind == TOKEN_PUNCTUATOR && t.first == '[';
	beyond |= before->first == '*' && before->end - before->begin == 1 && is_assignment(ix, &t);
	if (beyond && is_pointer(ix, i))
		return false;
	if (is_step(ix, before) || (evaluated && takes_address(ix, &r, c)))
		return true;
	r.at = name->end;
	token_next(&r, &t);
	while (t.kind == TOKEN_PUNCTUATOR && (t.first == '[' || (t.first == '.' && t.end - t.begin == 1))) {
		whole = false;
		if (t.first == '[')
			token_skip_group(&r, &t);
		else
			token_next(&r, &t);
		token_next(&r, &t);
	}
	if (is_assignment(ix, &t) || is_step(ix, &t))
		return true;
	/* An array's name alone is its address: what a function is to fill comes first, and a pointer may change it later. */
	if (before->first == '=' && before->end - before->begin == 1 && t.first != '[' && whole &&
	    evaluated && i != INDEX_NONE && ix->text[ix->names[i].end] == '[')
		return true;
	return whole && evaluated && i != INDEX_NONE && ix->text[ix->names[i].end] == '[' &&
	       before->first == '(' && opener->kind == TOKEN_NAME && !token_is(&r, opener, "sizeof");
}

static bool is_comparison(const struct index *ix, const struct token *t)
{
	return t->kind == TOKEN_PUNCTUATOR && t->end - t->begin == 2 &&
	       (t->first == '=' || t->first == '!') && ix->text[t->begin + 1] == '=';
}

/* `NULL`, or 0, and nothing more, behind a comparison. */
static bool is_null(struct token_reader r)
{
	struct token t;
	unsigned open = 0;

	for (t = token_past_directives(&r); t.first == '('; t = token_past_directives(&r)) {
		struct token_reader inside = r;
		struct token word = token_past_directives(&inside), star = token_past_directives(&inside),
			     close = token_past_directives(&inside);
		bool cast = token_is(&inside, &word, "void") && star.first == '*' && close.first == ')';
		open += !cast;
		r = cast ? inside : r;
	}
	if (t.kind != TOKEN_NUMBER || t.end - t.begin != 1 || t.first != '0')
		return false;
	for (t = token_past_directives(&r); open && t.first == ')'; t = token_past_directives(&r))
		open--;
	return !open && (t.kind == TOKEN_END || strchr(");,?:}&|", t.first));
}

/* Whether the last token compares with a `NULL` that stands before it, as a pass over the tokens sees it. */
struct null {
	unsigned matched; /* tokens of `((void *)0)` */
	bool compared;
};

static void follow_null(struct null *n, const struct index *ix, const struct token *t)
{
	static const char *const tokens[] = {"(", "(", "void", "*", ")", "0", ")"};
	enum { ALL = sizeof(tokens) / sizeof(*tokens) };
	size_t size = t->end - t->begin;

	if (t->kind == TOKEN_DIRECTIVE)
		return;
	n->compared = n->matched == ALL && is_comparison(ix, t);
	const char *next = n->matched < ALL ? tokens[n->matched] : tokens[0];
	if (strlen(next) == size && memcmp(ix->text + t->begin, next, size) == 0)
		n->matched = n->matched < ALL ? n->matched + 1 : 1;
	else if (t->first != '(')
		n->matched = 0;
	else
		n->matched = n->matched == 2 ? 2 : 1;
}

/* Where statements begin, as a pass over the tokens sees it. */
struct statements {
	bool control[64]; /* of each open bracket: it belongs to `if`, `while`, `for` or `switch` */
	unsigned depth;
	bool begins, began; /* a statement begins behind the last token; and behind the one before it */
};

static void follow_statement(struct statements *s, const struct token_reader *r, const struct token *t,
			     const struct token *before)
{
	bool begins = t->kind == TOKEN_DIRECTIVE ? s->begins : false;

	if (t->kind == TOKEN_PUNCTUATOR && t->first == '(') {
		if (s->depth < sizeof(s->control))
			s->control[s->depth] = before->kind == TOKEN_NAME &&
					       (token_is(r, before, "if") || token_is(r, before, "while") ||
						token_is(r, before, "for") || token_is(r, before, "switch"));
		s->depth++;
	} else if (t->kind == TOKEN_PUNCTUATOR && t->first == ')') {
		s->depth -= s->depth != 0;
		begins = s->depth < sizeof(s->control) && s->control[s->depth];
	} else if (t->kind == TOKEN_PUNCTUATOR) {
		begins = t->end - t->begin == 1 && strchr(";{}", t->first);
	} else if (t->kind == TOKEN_NAME) {
		begins = token_is(r, t, "else") || token_is(r, t, "do");
	}
	s->began = s->begins;
	s->begins = begins;
}

/* A statement that does nothing with the name but give it a value: nobody learns by it which one it had. */
static bool is_only_written(const struct index *ix, struct token_reader r, const struct statements *s,
			    const struct token *before, const struct token *name)
{
	struct token t;
	bool stepped = is_step(ix, before) && s->began;

	if (!s->begins && !stepped)
		return false;
	r.at = name->end;
	token_next(&r, &t);
	while (t.kind == TOKEN_PUNCTUATOR && (t.first == '[' || (t.first == '.' && t.end - t.begin == 1))) {
		if (t.first == '[')
			token_skip_group(&r, &t);
		else
			token_next(&r, &t);
		token_next(&r, &t);
	}
	if (!stepped && is_assignment(ix, &t))
		return true;
	if (!stepped && is_step(ix, &t))
		token_next(&r, &t);
	else if (!stepped)
		return false;
	if (t.kind != TOKEN_PUNCTUATOR || t.first != ';')
		return false;
	token_next(&r, &t); /* the value of ({ …; x++; }) is that of its last statement */
	if (t.kind != TOKEN_PUNCTUATOR || t.first != '}')
		return true;
	token_next(&r, &t);
	return t.kind != TOKEN_PUNCTUATOR || t.first != ')';
}

/* `(name = value)`: what it was is lost there, too. */
static bool is_replaced(const struct index *ix, struct token_reader r, const struct token *before,
			const struct token *name)
{
	struct token t;

	if (before->kind != TOKEN_PUNCTUATOR || !strchr("(,=", before->first) || is_comparison(ix, before))
		return false;
	r.at = name->end;
	token_next(&r, &t);
	return is_assignment(ix, &t) && t.end - t.begin == 1;
}

/* Which variables have been given a value by the call that the text is of: what they are read for then is no older than it.
 * That ends with the block of the statement that gave it, at a label, to which a jump may lead, and at a call of a function of
 * the file, which may give them another. */
struct given {
	uint32_t *marks;      /* of each name: the mark of the block in which it was given one, or 0 */
	uint32_t blocks[64];  /* the marks of those that are open */
	uint32_t depth, last; /* the last mark that was handed out */
	uint32_t pending;     /* is given one by the statement that is open, or INDEX_NONE */
};

static void open_block(struct given *g)
{
	if (g->depth < sizeof(g->blocks) / sizeof(*g->blocks))
		g->blocks[g->depth] = ++g->last;
	g->depth++;
}

static bool is_given(const struct given *g, uint32_t name)
{
	for (uint32_t i = 0; g->marks && i < g->depth && i < sizeof(g->blocks) / sizeof(*g->blocks); i++)
		if (g->marks[name] == g->blocks[i])
			return true;
	return false;
}

static void forget_given(struct given *g)
{
	for (uint32_t i = 0; i < g->depth && i < sizeof(g->blocks) / sizeof(*g->blocks); i++)
		g->blocks[i] = ++g->last;
}

static bool is_defined_here(const struct index *ix, const struct token *name)
{
	uint32_t i = index_find(ix, INDEX_ORDINARY, ix->text + name->begin, name->end - name->begin);

	for (; i != INDEX_NONE; i = ix->names[i].next)
		if (ix->declarations[ix->names[i].declaration].kind == DECLARATION_FUNCTION)
			return true;
	return false;
}

static void follow_given(struct given *g, const struct index *ix, const struct token_reader *r,
			 const struct token *t, const struct token *next, bool begins)
{
	bool punctuator = next->kind == TOKEN_PUNCTUATOR;

	if (t->kind == TOKEN_NAME) {
		bool label = token_is(r, t, "case") || token_is(r, t, "default") ||
			     (begins && punctuator && next->first == ':');
		if (label || (punctuator && next->first == '(' && is_defined_here(ix, t)))
			forget_given(g);
	} else if (t->kind == TOKEN_PUNCTUATOR && t->first == '{') {
		open_block(g);
	} else if (t->kind == TOKEN_PUNCTUATOR && t->first == '}') {
		g->depth -= g->depth != 0;
	} else if (t->kind == TOKEN_PUNCTUATOR && t->first == ';' && g->pending != INDEX_NONE) {
		if (g->marks && g->depth && g->depth <= sizeof(g->blocks) / sizeof(*g->blocks))
			g->marks[g->pending] = g->blocks[g->depth - 1];
		g->pending = INDEX_NONE;
	}
}

/* A statement `name = value;` that runs whenever its block does: no `if` or label stands before it. */
static bool gives_value(const struct index *ix, struct token_reader r, const struct token *before,
			const struct token *name)
{
	struct token t;

	if (before->kind != TOKEN_PUNCTUATOR || !strchr(";{}", before->first))
		return false;
	r.at = name->end;
	token_next(&r, &t);
	return is_assignment(ix, &t) && t.end - t.begin == 1;
}

/* What the text does with each name, wherever it does not declare it. */
static void find_uses(struct index *ix)
{
	struct token_reader r;
	struct token t, next;
	struct context c = {0};
	struct statements statements = {0};
	struct locals locals = {.ix = ix};
	struct given given = {.pending = INDEX_NONE, .marks = calloc(ix->name_count + 1, sizeof(uint32_t))};
	struct null null = {0};
	struct calls calls = {0};
	uint32_t unevaluated = 0;

	token_reader_init(&r, ix->text, ix->size);
	for (token_next(&r, &t); t.kind != TOKEN_END;
	     follow_statement(&statements, &r, &t, &c.before), follow_null(&null, ix, &t),
	     c.third = c.opener, c.opener = c.before, c.before = t, t = next) {
		token_next(&r, &next);
		locals_follow(&locals, &r, &c.before, &t, &next, statements.begins);
		follow_given(&given, ix, &r, &t, &next, statements.begins);
		follow_calls(&calls, &c.before, &t);
		if (t.kind != TOKEN_NAME || token_selects(&r, &c.before))
			continue;
		if (t.begin >= unevaluated)
			unevaluated = unevaluated_end(&r, &t, &next);
		uint32_t i = index_find(ix, INDEX_ORDINARY, ix->text + t.begin, t.end - t.begin);
		if (i == INDEX_NONE || locals_have(&locals, &t))
			continue;
		uint8_t uses = 0;
		bool called = next.kind == TOKEN_PUNCTUATOR && next.first == '(';
		if (!called && may_be_value(&r, &c.before))
			uses |= USE_ADDRESS_TAKEN;
		if (!called && is_changed(ix, r, &c, &t, t.begin >= unevaluated) &&
		    !is_lent(ix, r, &c, &calls, &t))
			uses |= USE_CHANGED;
		if ((is_comparison(ix, &c.before) && !null.compared) ||
		    (is_comparison(ix, &next) && !is_null(r)))
			uses |= USE_COMPARED;
		bool old = !is_given(&given, i) || takes_address(ix, &r, &c);
		if (old && !is_only_written(ix, r, &statements, &c.before, &t) &&
		    !is_replaced(ix, r, &c.before, &t))
			uses |= USE_READ;
		if (statements.begins && gives_value(ix, r, &c.before, &t))
			given.pending = i;
		for (; i != INDEX_NONE; i = ix->names[i].next)
			if (ix->names[i].begin != t.begin)
				ix->uses[i] |= uses;
	}
	locals_fini(&locals);
	free(given.marks);
}

static bool is_used(struct index *ix, const char *name, enum use use)
{
	if (!ix->uses) {
		ix->uses = calloc(ix->name_count + 1, sizeof(*ix->uses));
		if (!ix->uses)
			return true;
		find_uses(ix);
	}
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name));
	for (; i != INDEX_NONE; i = ix->names[i].next)
		if (ix->uses[i] & use)
			return true;
	return false;
}

bool uses_take_address(struct index *ix, const char *name)
{
	return is_used(ix, name, USE_ADDRESS_TAKEN);
}

/* Who is handed a constant's address reads what it says: C gives nobody leave to write there. */
bool uses_change(struct index *ix, const char *name)
{
	if (!is_used(ix, name, USE_CHANGED))
		return false;
	const struct index_name *n = index_find_kind(ix, name, strlen(name), NAME_VARIABLE);
	return !n || !declaration_is_const(ix->text, ix->declarations[n->declaration].begin, n->begin);
}

bool uses_read(struct index *ix, const char *name)
{
	return is_used(ix, name, USE_READ);
}

/* `*name = "text"` */
static bool is_set_to_string(const struct index *ix, const struct index_name *n)
{
	const struct index_declaration *d = &ix->declarations[n->declaration];
	uint32_t begin = index_declarator_end(ix, n->end, d->end);
	struct token_reader r;
	struct token t;

	if (!memchr(ix->text + d->begin, '*', n->begin - d->begin) || ix->text[begin] != '=')
		return false;
	token_reader_within(&r, ix->text, begin + 1, d->end, true);
	token_next(&r, &t);
	while (t.kind == TOKEN_PUNCTUATOR && t.first == '(')
		token_next(&r, &t);
	return t.kind == TOKEN_STRING;
}

bool uses_compare(struct index *ix, const char *name)
{
	if (!is_used(ix, name, USE_COMPARED))
		return false;
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name));
	for (; i != INDEX_NONE; i = ix->names[i].next)
		if (ix->names[i].kind == NAME_VARIABLE && is_set_to_string(ix, &ix->names[i]))
			return true;
	return false;
}
