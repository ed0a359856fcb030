#include "entry.h"

#include <stdlib.h>
#include <string.h>

/* Words of C that say what the words behind them are. */
static const char *const specifier_words[] = {
	"REALTIMEFUNC", "static",        "extern",   "typedef",   "inline",       "__inline",
	"__inline__",   "register",      "auto",     "_Noreturn", "__thread",     "_Thread_local",
	"const",        "__const",       "volatile", "restrict",  "__volatile__", "__restrict",
	"__restrict__", "__extension__", NULL,
};
static const char *const type_words[] = {
	"void",       "char",       "short",    "int",       "long",     "float",  "double",
	"signed",     "unsigned",   "_Bool",    "_Atomic",   "_Complex", "typeof", "__typeof",
	"__typeof__", "__signed__", "__int128", "_Float128", NULL,
};
static const char *const tag_words[] = {"struct", "union", "enum", NULL};
static const char *const control_words[] = {"if", "for", "while", "switch", NULL};
static const char *const expression_words[] = {
	"return", "sizeof", "goto",     "case",        "default", "break",   "continue",
	"else",   "do",     "_Alignof", "__alignof__", "asm",     "__asm__", "__asm",
	"if",     "for",    "while",    "switch",      NULL,
};

/* Words whose bracket group is part of them and says nothing about the shape of what they stand in. */
static const char *const attribute_words[] = {
	"__attribute__", "__attribute", "__declspec", "_Alignas", "asm", "__asm__", "__asm", NULL,
};
static const char *const typeof_words[] = {"typeof", "__typeof__", "__typeof", "_Atomic", NULL};

static bool text_is(const char *text, const struct token *t, const char *word)
{
	size_t n = strlen(word);

	return t->end - t->begin == n && memcmp(text + t->begin, word, n) == 0;
}

static bool text_is_one_of(const char *text, const struct token *t, const char *const *words)
{
	if (t->kind != TOKEN_NAME)
		return false;
	for (; *words; words++) {
		if (text_is(text, t, *words))
			return true;
	}
	return false;
}

/* A name that is no keyword of a declaration or a statement. */
static bool text_is_plain(const char *text, const struct token *t)
{
	return t->kind == TOKEN_NAME && !text_is_one_of(text, t, specifier_words) &&
	       !text_is_one_of(text, t, type_words) && !text_is_one_of(text, t, tag_words) &&
	       !text_is_one_of(text, t, expression_words);
}

/* A punctuator; a bracket that opens a group stands for the group in a piece. */
static bool token_begins(const struct token *t, char first)
{
	return t->kind == TOKEN_PUNCTUATOR && t->first == first;
}

void entry_init(struct entry *e)
{
	memset(e, 0, sizeof(*e));
	entry_clear(e);
}

void entry_fini(struct entry *e)
{
	free(e->text);
	e->text = NULL;
}

void entry_clear(struct entry *e)
{
	char *text = e->text;
	size_t capacity = e->capacity;

	memset(e, 0, offsetof(struct entry, condition));
	e->text = text;
	e->capacity = capacity;
	e->line_start = true;
}

/* The inside of a group of the piece as text of its own. */
static void read_group(struct token_reader *r, const struct entry *e, const struct token *group)
{
	uint32_t end = group->end > group->begin + 1 ? group->end - 1 : group->begin + 1;

	token_reader_init(r, e->text + group->begin + 1, end - group->begin - 1);
	r->line_start = false;
}

/* Whether a bracket group declares parameters, which no call's arguments can look like: `(void)`, `(int n)`,
 * `(order_t *, size_t n)`. */
static bool group_is_parameters(const struct entry *e, const struct token *group)
{
	struct token_reader r;
	struct token t;
	bool typed = false, qualified = false, named = false, tag = false;
	unsigned tokens = 0;
	bool only_void = false;

	read_group(&r, e, group);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		tokens++;
		if (tag) {
			tag = false;
		} else if (text_is_one_of(r.text, &t, tag_words)) {
			tag = typed = true;
		} else if (text_is_one_of(r.text, &t, type_words)) {
			typed = true;
			only_void = tokens == 1 && text_is(r.text, &t, "void");
		} else if (text_is_one_of(r.text, &t, specifier_words)) {
			qualified = true;
		} else if (text_is_plain(r.text, &t)) {
			if (typed || named)
				return true;
			typed = qualified;
			named = true;
		} else if (token_begins(&t, '*')) {
			named = false;
		} else if (token_is(&r, &t, "...")) {
			return true;
		} else {
			if (t.first == '(' || t.first == '[' || t.first == '{')
				token_skip_group(&r, &t);
			typed = qualified = named = false;
		}
	}
	return only_void && tokens == 1;
}

/* Whether `t`, a name, is one of the names in a group that holds nothing but names. */
static bool group_lists(const struct entry *e, const struct token *group, const struct token *t)
{
	struct token_reader r;
	struct token name;
	bool found = false;

	read_group(&r, e, group);
	for (token_next(&r, &name); name.kind != TOKEN_END; token_next(&r, &name)) {
		if (name.kind != TOKEN_NAME && !token_begins(&name, ','))
			return false;
		if (name.end - name.begin == t->end - t->begin &&
		    memcmp(r.text + name.begin, e->text + t->begin, t->end - t->begin) == 0)
			found = true;
	}
	return found;
}

/* At a `;`: whether the piece is `NAME(a, b) int a` and so on, the beginning of a K&R definition. */
static bool piece_is_old_style(const struct entry *e)
{
	unsigned list = 1;

	while (list < e->count && !token_begins(&e->piece[list], '('))
		list++;
	if (list + 2 >= e->count || !text_is_plain(e->text, &e->piece[list - 1]))
		return false;
	if (e->piece[list + 1].kind != TOKEN_NAME)
		return false;
	for (unsigned i = list + 2; i < e->count; i++) {
		if (text_is_plain(e->text, &e->piece[i]) && group_lists(e, &e->piece[list], &e->piece[i]))
			return true;
	}
	return false;
}

/* Whether the declaration in the piece ends in a function's parameters: `f(int a)`, `(*f(int a))(void)`. */
static bool piece_is_function_head(const struct entry *e)
{
	const struct token *last = &e->piece[e->count - 1];
	struct token_reader r;
	struct token t;

	if (e->count < 2 || !token_begins(last, '('))
		return false;
	if (last[-1].kind == TOKEN_NAME)
		return text_is_plain(e->text, &last[-1]);
	if (!token_begins(&last[-1], '('))
		return false;

	read_group(&r, e, &last[-1]);
	do
		token_next(&r, &t);
	while (token_begins(&t, '*') || text_is_one_of(r.text, &t, specifier_words));
	if (t.kind != TOKEN_NAME)
		return false;
	token_next(&r, &t);
	return token_begins(&t, '(');
}

/* Whether a piece without an operator at its end is the beginning of a declaration that must go on. */
static bool piece_is_open_declaration(const struct entry *e)
{
	const struct token *last = &e->piece[e->count - 1];
	bool typed = false, special = false;
	unsigned i;

	for (i = 0; i < e->count; i++) {
		const struct token *t = &e->piece[i];
		if (text_is_one_of(e->text, t, specifier_words)) {
			special = true;
		} else if (text_is_one_of(e->text, t, type_words)) {
			special = typed = true;
		} else if (text_is_one_of(e->text, t, tag_words)) {
			special = typed = true;
			if (i + 1 < e->count && t[1].kind == TOKEN_NAME)
				i++;
		} else if (!typed && text_is_plain(e->text, t) &&
			   (special || (i + 1 < e->count && t[1].kind == TOKEN_NAME))) {
			typed = true;
		} else {
			break;
		}
	}
	if (i == e->count)
		return special; /* only a type; but a lone name is an expression */
	if (typed)
		return piece_is_function_head(e);
	return e->count >= 2 && token_begins(last, '(') && text_is_plain(e->text, &last[-1]) &&
	       group_is_parameters(e, last);
}

static bool token_is_open_operator(const struct token *t)
{
	if (t->kind != TOKEN_PUNCTUATOR || !t->first || !strchr("+-*/%&|^!~<>=?:,.", t->first))
		return false;
	uint32_t length = t->end - t->begin;
	return !(length == 3 && t->first == '.');
}

/* Whether what stands outside brackets at the end of the text cannot end there. */
static bool piece_is_open(const struct entry *e)
{
	if (!e->count)
		return false;

	const struct token *first = &e->piece[0], *last = &e->piece[e->count - 1];
	if (e->old_style || text_is(e->text, first, "do") || text_is(e->text, last, "else"))
		return true;
	if (text_is(e->text, last, "++") || text_is(e->text, last, "--"))
		return false;
	if (token_is_open_operator(last))
		return true;
	if (token_begins(last, '{'))
		return text_is(e->text, first, "typedef");
	if (token_begins(last, '(') && e->count >= 2 && text_is_one_of(e->text, &last[-1], control_words))
		return true;
	if (text_is(e->text, first, "REALTIMEFUNC"))
		return true;
	for (unsigned i = 0; i < e->count; i++) {
		if (text_is(e->text, &e->piece[i], "="))
			return false;
	}
	return piece_is_open_declaration(e);
}

static void piece_add(struct entry *e, const struct token *t)
{
	if (e->count == ENTRY_PIECE) { /* its beginning and its end tell enough */
		e->piece[ENTRY_PIECE - 2] = e->piece[ENTRY_PIECE - 1];
		e->count--;
	}
	e->piece[e->count++] = *t;
}

static void scan_open(struct entry *e, const struct token *t)
{
	if (e->depth == ENTRY_BRACKETS) {
		e->broken = true;
		return;
	}
	e->brackets[e->depth++] = t->first;
	if (e->depth > 1)
		return;

	const struct token *before = e->count ? &e->piece[e->count - 1] : NULL;
	e->hidden_group = false;
	if (before && t->first == '(' && text_is_one_of(e->text, before, attribute_words)) {
		e->count--;
		e->hidden_group = true;
	} else if (before && t->first == '(' && text_is_one_of(e->text, before, typeof_words)) {
		e->hidden_group = true;
	} else {
		piece_add(e, t);
	}
}

/* A `{}` outside other brackets has been closed: was it the body of something, which ends there? */
static bool piece_ends_in_body(const struct entry *e)
{
	if (e->count < 2 || text_is(e->text, &e->piece[0], "do"))
		return false;
	const struct token *before = &e->piece[e->count - 2];
	return e->old_style || token_begins(before, '(') || text_is(e->text, before, "else");
}

static char bracket_opening(char closing)
{
	return closing == ')' ? '(' : closing == ']' ? '[' : '{';
}

/* A closing bracket also closes what was left open inside it: faulty text must end somewhere too. */
static void scan_close(struct entry *e, const struct token *t)
{
	char opening = bracket_opening(t->first);
	unsigned depth = e->depth;

	while (depth && e->brackets[depth - 1] != opening) {
		if (e->brackets[depth - 1] == '{')
			return; /* a stray `)` in a block */
		depth--;
	}
	if (!depth) {
		e->broken = e->broken || !e->conditions; /* else it is of a branch that does not count */
		return;
	}
	e->depth = depth - 1;
	if (e->depth || e->hidden_group)
		return;

	if (!e->count)
		return; /* branches of an #if that do not match */
	e->piece[e->count - 1].end = t->end;
	if (t->first == '}' && piece_ends_in_body(e)) {
		e->count = 0;
		e->old_style = false;
	}
}

/* A literal without its closing quote has eaten what closes the brackets of its statement. */
static void scan_unterminated(struct entry *e)
{
	while (e->depth && e->brackets[e->depth - 1] != '{')
		e->depth--;
	if (!e->depth)
		e->broken = true;
}

static void begin_condition(struct entry *e, bool first)
{
	if (e->conditions == ENTRY_CONDITIONS)
		e->broken = true;
	else
		e->condition[e->conditions++] =
			(struct entry_condition){.depth = e->depth, .end = e->depth, .first = first};
}

static void end_branch(struct entry *e)
{
	struct entry_condition *c = &e->condition[e->conditions - 1];

	if (c->first != c->other)
		c->end = e->depth;
	e->depth = c->depth;
	c->other = true;
}

/* Each branch of an #if may open or close the same bracket: counts one of them. */
static void scan_directive(struct entry *e, const struct token *t)
{
	if (token_directive_begins(e->text, t, "if")) {
		begin_condition(e, token_holds_undefined(e->text, t));
	} else if (token_directive_begins(e->text, t, "el") && e->conditions) {
		end_branch(e);
	} else if (token_directive_begins(e->text, t, "endif") && e->conditions) {
		end_branch(e);
		e->depth = e->condition[--e->conditions].end;
	}
}

static void scan_token(struct entry *e, const struct token *t)
{
	if (!e->begun) {
		e->begun = true;
		e->statement = text_is(e->text, t, "if");
	}
	if (t->kind == TOKEN_DIRECTIVE) {
		scan_directive(e, t);
		return;
	}
	if (token_begins(t, '(') || token_begins(t, '[') || token_begins(t, '{')) {
		scan_open(e, t);
		return;
	}
	if (token_begins(t, ')') || token_begins(t, ']') || token_begins(t, '}')) {
		scan_close(e, t);
		return;
	}
	if (e->depth == 0 && token_begins(t, ';')) {
		e->old_style = e->old_style || piece_is_old_style(e);
		if (!e->old_style)
			e->count = 0;
	} else if (e->depth == 0) {
		piece_add(e, t);
	}
	if (t->unterminated)
		scan_unterminated(e);
}

/* Whether the text ends in a backslash that joins the next line to this one. */
static bool ends_in_splice(const struct entry *e)
{
	return e->size > e->scanned && e->text[e->size - 1] == '\\';
}

/* Reads the tokens that the new line brought. One that may go on in the next line is left for then. */
static void scan(struct entry *e, size_t line_begin)
{
	struct token_reader r = {.text = e->text,
				 .size = (uint32_t)e->size,
				 .at = (uint32_t)e->scanned,
				 .line_start = e->line_start};
	bool was_suspended = e->suspended;

	if (ends_in_splice(e)) {
		e->suspended = true;
		return;
	}
	/* Inside a long comment only the line that may end it is worth a look. */
	if (was_suspended && e->text[line_begin - 2] != '\\' &&
	    !memmem(e->text + line_begin, e->size - line_begin, "*/", 2))
		return;

	e->suspended = false;
	while (!e->broken) {
		struct token_reader before = r;
		struct token t;
		token_next(&r, &t);
		bool in_comment = t.unterminated && (t.kind == TOKEN_END || t.kind == TOKEN_DIRECTIVE);
		if (in_comment) {
			r = before;
			e->suspended = true;
			e->begun = e->begun || t.kind == TOKEN_DIRECTIVE;
			break;
		}
		if (t.kind == TOKEN_END)
			break;
		scan_token(e, &t);
	}
	e->scanned = r.at;
	e->line_start = r.line_start;
}

static enum entry_state judge(const struct entry *e)
{
	if (e->command || e->broken)
		return ENTRY_COMPLETE;
	if (e->suspended || e->depth || e->conditions)
		return ENTRY_OPEN;
	if (!e->begun)
		return e->definition ? ENTRY_OPEN : ENTRY_EMPTY;
	return piece_is_open(e) ? ENTRY_OPEN : ENTRY_COMPLETE;
}

static size_t skip_blanks(const char *line, size_t size, size_t at)
{
	while (at < size && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r' || line[at] == '\f'))
		at++;
	return at;
}

static size_t skip_word(const char *line, size_t size, size_t at)
{
	while (at < size && !strchr(" \t\r\n", line[at] ? line[at] : 'x'))
		at++;
	return at;
}

/* A first line that begins with `\`: how much of it is not C. */
static void begin_command(struct entry *e, size_t backslash)
{
	size_t end = skip_word(e->text, e->size, backslash);
	size_t length = end - backslash;
	const char *word = e->text + backslash;

	e->command = true;
	if (length == 7 && memcmp(word, "\\define", 7) == 0) {
		size_t name = skip_blanks(e->text, e->size, end);
		end = skip_word(e->text, e->size, name);
		if (end == name)
			return; /* no name: the engine tells */
	} else if (length != 6 || memcmp(word, "\\check", 6) != 0) {
		return;
	}
	e->command = false;
	e->definition = true;
	e->scanned = end;
}

static bool make_room(struct entry *e, size_t more)
{
	size_t needed = e->size + more + 2, capacity = e->capacity ? e->capacity : 256;

	if (more > UINT32_MAX / 2 || needed > UINT32_MAX / 2)
		return false;
	if (needed <= e->capacity)
		return true;
	while (capacity < needed)
		capacity *= 2;
	char *text = realloc(e->text, capacity);
	if (!text)
		return false;
	e->text = text;
	e->capacity = capacity;
	return true;
}

bool entry_add(struct entry *e, const char *line, size_t size)
{
	bool first = e->size == 0 && !e->begun;

	if (!make_room(e, size))
		return false;
	if (e->size)
		e->text[e->size++] = '\n';
	size_t begin = e->size;
	if (size)
		memcpy(e->text + begin, line, size);
	e->size += size;
	e->text[e->size] = '\0';

	size_t start = skip_blanks(line, size, 0);
	if (first && start < size && line[start] == '\\')
		begin_command(e, start);
	if (!e->command)
		scan(e, begin);
	e->state = judge(e);
	return true;
}

enum entry_state entry_judge(const char *text, size_t size)
{
	struct entry e;
	bool whole = true;

	entry_init(&e);
	for (size_t at = 0; whole && at <= size;) {
		const char *newline = at < size ? memchr(text + at, '\n', size - at) : NULL;
		size_t length = newline ? (size_t)(newline - text) - at : size - at;
		whole = entry_add(&e, text + at, length);
		at += length + 1;
	}
	enum entry_state state = whole ? e.state : ENTRY_OPEN;
	entry_fini(&e);
	return state;
}

bool entry_is_ended_by(const struct entry *e, const char *line, size_t size)
{
	size_t start = skip_blanks(line, size, 0);

	if (e->state != ENTRY_OPEN || e->suspended || start + 1 >= size || line[start] != '\\')
		return false;
	char c = line[start + 1];
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '?';
}

/* Whether the piece is a type, for all one can see: names and stars. */
static bool piece_is_names(const struct entry *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		if (!token_begins(&e->piece[i], '*') &&
		    (e->piece[i].kind != TOKEN_NAME ||
		     text_is_one_of(e->text, &e->piece[i], expression_words)))
			return false;
	}
	return e->count > 0;
}

/* Whether a line begins with `NAME(` and parameters. */
static bool line_declares(const char *line, size_t size)
{
	struct entry next;
	bool declares = false;

	entry_init(&next);
	if (!entry_add(&next, line, size))
		goto out;
	struct token_reader r;
	struct token name, group, end;
	token_reader_init(&r, next.text, (uint32_t)next.size);
	token_next(&r, &name);
	token_next(&r, &group);
	if (!text_is_plain(next.text, &name) || !token_begins(&group, '('))
		goto out;
	token_skip_group(&r, &end);
	group.end = end.kind == TOKEN_END ? end.end + 1 : end.end;
	declares = group_is_parameters(&next, &group);
out:
	entry_fini(&next);
	return declares;
}

bool entry_goes_on_with(const struct entry *e, const char *next, size_t size)
{
	if (e->state != ENTRY_COMPLETE || e->command || e->broken)
		return false;

	size_t start = skip_blanks(next, size, 0);
	size_t word = start;
	while (word < size && next[word] >= 'a' && next[word] <= 'z')
		word++;
	if (e->statement && word - start == 4 && memcmp(next + start, "else", 4) == 0)
		return true;
	if (!e->count)
		return false;
	const struct token *last = &e->piece[e->count - 1];
	if (start < size && next[start] == '{')
		return token_begins(last, '(') || last->kind == TOKEN_NAME;
	return start == 0 && piece_is_names(e) && line_declares(next, size);
}
