#include "token.h"

#include <string.h>

void token_reader_init(struct token_reader *reader, const char *text, uint32_t size)
{
	*reader = (struct token_reader){.text = text, .size = size, .line_start = true};
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		reader->at = 3; /* a byte order mark */
}

void token_reader_within(struct token_reader *reader, const char *text, uint32_t begin, uint32_t end,
			 bool line_start)
{
	*reader = (struct token_reader){.text = text, .size = end, .at = begin, .line_start = line_start};
}

void token_read_directive(struct token_reader *line, const char *text, const struct token *directive,
			  struct token *word)
{
	token_reader_within(line, text, directive->begin + 1, directive->end, false);
	token_next(line, word);
}

static char peek(const struct token_reader *r, uint32_t ahead)
{
	return ahead < r->size - r->at ? r->text[r->at + ahead] : '\0';
}

/* Bytes of a line splice (backslash, newline) at offset `at`, 0 if there is none. */
static uint32_t splice(const struct token_reader *r, uint32_t at)
{
	if (at + 1 >= r->size || r->text[at] != '\\')
		return 0;
	if (r->text[at + 1] == '\n')
		return 2;
	return r->text[at + 1] == '\r' && at + 2 < r->size && r->text[at + 2] == '\n' ? 3 : 0;
}

/* Letters, digits, `_`, `$` and every byte above ASCII may stand in a name. */
static const unsigned char name_byte[256] = {
	['0' ... '9'] = 2, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['_'] = 1, ['$'] = 1, [0x80 ... 0xff] = 1,
};

/* What ends nothing and begins nothing: all but line ends, quotes, backslashes and slashes. */
static const unsigned char plain_byte[256] = {
	[0 ... '\n' - 1] = 1,       ['\n' + 1 ... '"' - 1] = 1, ['"' + 1 ... '\'' - 1] = 1,
	['\'' + 1 ... '/' - 1] = 1, ['/' + 1 ... '\\' - 1] = 1, ['\\' + 1 ... 0xff] = 1,
};

static const unsigned char blank_byte[256] = {
	[' '] = 1, ['\t'] = 1, ['\r'] = 1, ['\f'] = 1, ['\v'] = 1,
};

/* Past all bytes of a kind that follow each other: most of any text, so without a look at memory but for them. */
static inline void skip_bytes(struct token_reader *r, const unsigned char kind[256])
{
	const char *text = r->text;
	uint32_t at = r->at, size = r->size;

	while (at < size && kind[(unsigned char)text[at]])
		at++;
	r->at = at;
}

/* Past a line comment's last byte (its newline stays). */
static void skip_line_comment(struct token_reader *r)
{
	while (r->at < r->size && r->text[r->at] != '\n') {
		uint32_t n = splice(r, r->at);
		r->at += n ? n : 1;
	}
}

/* Past a block comment; false if it never ends. */
static bool skip_block_comment(struct token_reader *r)
{
	for (r->at += 2; r->at < r->size; r->at++) {
		const char *star = memchr(r->text + r->at, '*', r->size - r->at);
		if (!star)
			break;
		r->at = (uint32_t)(star - r->text);
		if (peek(r, 1) == '/') {
			r->at += 2;
			return true;
		}
	}
	r->at = r->size;
	return false;
}

/* Bytes of an attribute list `[[…]]` (C23 6.7.12.1) at r->at, 0 if there is none: no other C has two such brackets in a row. */
static uint32_t attribute_list(const struct token_reader *r)
{
	unsigned depth = 0;

	if (peek(r, 1) != '[')
		return 0;
	for (uint32_t i = 2; peek(r, i); i++) {
		char c = peek(r, i);
		if (c == '"') {
			for (i++; peek(r, i) && peek(r, i) != '"' && peek(r, i) != '\n'; i++)
				i += peek(r, i) == '\\';
		} else if (c == '(' || c == '[') {
			depth++;
		} else if (c == ']' && depth == 0) {
			return peek(r, i + 1) == ']' ? i + 2 : 0;
		} else if (c == ')' || c == ']') {
			depth -= depth > 0;
		} else if (strchr(";{}#", c)) {
			return 0;
		}
	}
	return 0;
}

/* To the first byte of a token; false if a comment was cut off by the end of the text. */
static bool skip_space(struct token_reader *r)
{
	for (;;) {
		uint32_t passed;

		skip_bytes(r, blank_byte);
		char c = r->at < r->size ? r->text[r->at] : '\0';
		if (c == '\n') {
			r->line_start = true;
			r->at++;
		} else if (c == '\\' && (passed = splice(r, r->at))) {
			r->at += passed;
		} else if (c == '/' && peek(r, 1) == '/') {
			skip_line_comment(r);
		} else if (c == '/' && peek(r, 1) == '*') {
			if (!skip_block_comment(r))
				return false;
		} else if (c == '[' && !r->lists && (passed = attribute_list(r))) {
			r->at += passed;
		} else {
			return true;
		}
	}
}

/* Past a literal whose opening quote is at r->at; false if the line or the text ends first. */
static bool skip_literal(struct token_reader *r)
{
	char quote = r->text[r->at++];

	for (;;) {
		skip_bytes(r, plain_byte);
		if (r->at >= r->size || r->text[r->at] == '\n')
			return false;
		char c = r->text[r->at];
		if (c == '\\') {
			uint32_t n = splice(r, r->at);
			r->at += n ? n : (r->size - r->at > 1 ? 2 : 1);
			continue;
		}
		r->at++;
		if (c == quote)
			return true;
	}
}

/* Past a preprocessor line. Block comments may carry it over newlines; quotes in it may be unbalanced: one
 * that has no other on the line is an apostrophe, and no more of its kind are looked for. */
static bool skip_directive(struct token_reader *r)
{
	char unbalanced[2] = {0};

	for (;;) {
		skip_bytes(r, plain_byte);
		if (r->at >= r->size || r->text[r->at] == '\n')
			return true;
		uint32_t n = splice(r, r->at);
		if (n) {
			r->at += n;
		} else if (r->text[r->at] == '/' && peek(r, 1) == '*') {
			if (!skip_block_comment(r))
				return false;
		} else if (r->text[r->at] == '/' && peek(r, 1) == '/') {
			skip_line_comment(r);
		} else if (r->text[r->at] == '"' || r->text[r->at] == '\'') {
			uint32_t start = r->at;
			char quote = r->text[start], *known = &unbalanced[quote == '"'];
			if (*known || !skip_literal(r)) {
				*known = quote;
				r->at = start + 1;
			}
		} else {
			r->at++;
		}
	}
}

static void skip_name(struct token_reader *r)
{
	for (;;) {
		skip_bytes(r, name_byte);
		uint32_t n = splice(r, r->at);
		if (!n || r->at + n >= r->size || !name_byte[(unsigned char)r->text[r->at + n]])
			return;
		r->at += n;
	}
}

static void skip_number(struct token_reader *r)
{
	while (r->at < r->size) {
		char c = r->text[r->at];
		char next = peek(r, 1);
		if ((c == 'e' || c == 'E' || c == 'p' || c == 'P') && (next == '+' || next == '-'))
			r->at += 2;
		else if (name_byte[(unsigned char)c] || c == '.')
			r->at++;
		else if (splice(r, r->at) && r->at + splice(r, r->at) < r->size &&
			 name_byte[(unsigned char)r->text[r->at + splice(r, r->at)]])
			r->at += splice(r, r->at);
		else
			return;
	}
}

/* Bytes of the punctuator that begins with `c`, whose next two bytes are these (C17 6.4.6). */
static uint32_t punctuator_length(char c, char next, char third)
{
	switch (c) {
	case '-':
		return next == '>' || next == '-' || next == '=' ? 2 : 1;
	case '+':
	case '&':
	case '|':
		return next == c || next == '=' ? 2 : 1;
	case '<':
	case '>':
		if (next == c)
			return third == '=' ? 3 : 2;
		return next == '=' || (c == '<' && (next == ':' || next == '%')) ? 2 : 1;
	case '=':
	case '!':
	case '*':
	case '/':
	case '^':
		return next == '=' ? 2 : 1;
	case '%':
		return next == '=' || next == '>' || next == ':' ? 2 : 1;
	case '#':
		return next == '#' ? 2 : 1;
	case ':':
		return next == '>' ? 2 : 1;
	case '.':
		return next == '.' && third == '.' ? 3 : 1;
	default:
		return 1;
	}
}

/* What a digraph of two bytes stands for, 0 if it is none. */
static char digraph(char c, char next)
{
	if (c == '<')
		return next == ':' ? '[' : next == '%' ? '{' : '\0';
	if (c == '%')
		return next == '>' ? '}' : next == ':' ? '#' : '\0';
	return c == ':' && next == '>' ? ']' : '\0';
}

static void punctuator(struct token_reader *r, struct token *out)
{
	char c = r->text[r->at], next = peek(r, 1);
	uint32_t length = punctuator_length(c, next, peek(r, 2));

	out->kind = TOKEN_PUNCTUATOR;
	if (c == '[' && r->lists && attribute_list(r))
		length = attribute_list(r);
	if (length == 2) {
		char meant = digraph(c, next);
		out->first = meant ? meant : c;
		if (meant == '#' && peek(r, 2) == '%' && peek(r, 3) == ':')
			length = 4;
	}
	r->at += length;
}

/* Whether the name just read, [begin, at), is an encoding prefix with a literal behind it. */
static bool is_prefix(const struct token_reader *r, uint32_t begin)
{
	uint32_t n = r->at - begin;
	const char *s = r->text + begin;

	if (r->at >= r->size || (r->text[r->at] != '"' && r->text[r->at] != '\''))
		return false;
	return (n == 1 && (*s == 'L' || *s == 'u' || *s == 'U')) || (n == 2 && s[0] == 'u' && s[1] == '8');
}

void token_next(struct token_reader *r, struct token *out)
{
	bool whole = skip_space(r);
	bool line_start = r->line_start;
	uint32_t begin = r->at;

	*out = (struct token){.kind = TOKEN_END, .begin = begin, .end = begin, .unterminated = !whole};
	if (begin >= r->size)
		return;

	char c = r->text[begin];
	r->line_start = false;
	out->first = c;
	if (line_start && (c == '#' || (c == '%' && peek(r, 1) == ':'))) {
		out->kind = TOKEN_DIRECTIVE;
		out->unterminated = !skip_directive(r);
	} else if (name_byte[(unsigned char)c] == 1) {
		skip_name(r);
		out->kind = TOKEN_NAME;
		if (is_prefix(r, begin)) {
			out->kind = r->text[r->at] == '"' ? TOKEN_STRING : TOKEN_CHARACTER;
			out->unterminated = !skip_literal(r);
		}
	} else if (name_byte[(unsigned char)c] == 2 ||
		   (c == '.' && name_byte[(unsigned char)peek(r, 1)] == 2)) {
		out->kind = TOKEN_NUMBER;
		skip_number(r);
	} else if (c == '"' || c == '\'') {
		out->kind = c == '"' ? TOKEN_STRING : TOKEN_CHARACTER;
		out->unterminated = !skip_literal(r);
	} else {
		punctuator(r, out);
	}
	out->end = r->at;
}

void token_blank(char *text, uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		if (text[i] != '\n' && !(text[i] == '\\' && text[i + 1] == '\n'))
			text[i] = ' ';
}

bool token_is_linkage(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {"static", "inline", "__inline", "__inline__"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(r, t, words[i]))
			return true;
	return false;
}

void token_skip_group(struct token_reader *r, struct token *out)
{
	unsigned depth = 1;

	do {
		token_next(r, out);
		if (out->kind != TOKEN_PUNCTUATOR)
			continue;
		if (out->first == '(' || out->first == '[' || out->first == '{')
			depth++;
		else if (out->first == ')' || out->first == ']' || out->first == '}')
			depth--;
	} while (depth && out->kind != TOKEN_END);
}

/* A directive's name, and what follows it on the line. */
static const char *directive_word(const char *text, const struct token *t, uint32_t *left)
{
	uint32_t at = t->begin + 1;

	while (at < t->end && strchr(" \t:", text[at]) && text[at])
		at++;
	*left = t->end - at;
	return text + at;
}

bool token_directive_begins(const char *text, const struct token *directive, const char *with)
{
	uint32_t left;
	const char *word = directive_word(text, directive, &left);
	size_t length = strlen(with);

	return left >= length && memcmp(word, with, length) == 0;
}

bool token_holds_undefined(const char *text, const struct token *directive)
{
	return token_directive_begins(text, directive, "ifndef") ||
	       token_directive_begins(text, directive, "if !") ||
	       token_directive_begins(text, directive, "if 1");
}

/* Whether `#ifdef NAME` or `#ifndef NAME` is not the case if the one that came first with that name was. */
static bool is_contradicted(struct token_braces *b, const char *text, const struct token *t)
{
	uint32_t left;
	const char *word = directive_word(text, t, &left);
	bool defined = token_directive_begins(text, t, "ifdef");

	if (!defined && !token_directive_begins(text, t, "ifndef"))
		return false;
	const char *name = word + (defined ? 5 : 6), *end = word + left;
	while (name < end && (*name == ' ' || *name == '\t'))
		name++;
	uint32_t length = 0;
	while (name + length < end && !strchr(" \t\r\n\\/", name[length]))
		length++;
	for (unsigned i = 0; i < b->name_count; i++)
		if (b->names[i].length == length && memcmp(b->names[i].name, name, length) == 0)
			return b->names[i].defined != defined;
	if (length && b->name_count < TOKEN_BRACES_NAMES) {
		b->names[b->name_count].name = name;
		b->names[b->name_count].length = length;
		b->names[b->name_count++].defined = defined;
	}
	return false;
}

/* Whether the first branch does not count. */
static bool is_passed_over(struct token_braces *b, const char *text, const struct token *t)
{
	if (b->undefined)
		return !token_holds_undefined(text, t);
	return token_directive_begins(text, t, "if 0") || is_contradicted(b, text, t);
}

static void count_condition(const struct token_reader *r, const struct token *t, struct token_braces *b)
{
	const char *text = r->text;

	if (token_directive_begins(text, t, "if")) {
		b->conditional = true;
		b->conditions++;
		if (!b->skip && is_passed_over(b, text, t)) {
			b->skip = b->conditions + 1;
			b->zero = true;
		}
	} else if (token_directive_begins(text, t, "endif")) {
		if (b->skip == b->conditions + 1)
			b->skip = 0;
		b->orphan |= b->conditions == 0;
		b->conditions -= b->conditions > 0;
	} else if (token_directive_begins(text, t, "el")) {
		b->orphan |= b->conditions == 0;
		if (b->zero && b->skip == b->conditions + 1) {
			if (!b->undefined || token_directive_begins(text, t, "else"))
				b->skip = 0;
		} else if (!b->skip) {
			b->skip = b->conditions + 1;
			b->zero = false;
		}
	}
}

void token_count_brace(const struct token_reader *r, const struct token *t, struct token_braces *b)
{
	if (t->kind == TOKEN_DIRECTIVE)
		count_condition(r, t, b);
	if (t->kind != TOKEN_PUNCTUATOR || b->skip)
		return;
	if (t->first == '{')
		b->depth++;
	else if (t->first == '}' && b->depth)
		b->depth--;
}

uint32_t token_line(const char *text, uint32_t offset)
{
	uint32_t lines = 0;
	const char *end = text + offset;

	for (const char *p = text; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

/* --- lines that ask -------------------------------------------------------------------------------------------------- */

static size_t count_letters(const char *at, const char *end)
{
	size_t count = 0;

	while (at + count < end && at[count] >= 'a' && at[count] <= 'z')
		count++;
	return count;
}

/* What neither counts nor asks for anything; "" stands before a line's number. */
static bool is_harmless(const char *word, size_t length)
{
	static const char *const words[] = {"define", "undef", "ifdef", "ifndef",
					    "else",   "endif", "line",  "pragma"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && !memcmp(words[i], word, length))
			return true;
	return length == 0 && *word >= '0' && *word <= '9';
}

bool token_has_pair(const char *text, size_t size, char first, char second)
{
	const char *end = text + size;

	for (const char *at = text; (at = memchr(at, first, (size_t)(end - at))); at++)
		if (at + 1 < end && at[1] == second)
			return true;
	return false;
}

/* A look at what stands behind each `#`, wherever that is, and at its other spellings, `%:` and a trigraph. */
bool token_may_ask(const char *text, size_t size)
{
	const char *end = text + size;

	for (const char *at = text; (at = memchr(at, '#', (size_t)(end - at)));) {
		for (at++; at < end && (*at == ' ' || *at == '\t');)
			at++;
		if (at < end && !is_harmless(at, count_letters(at, end)))
			return true;
	}
	return token_has_pair(text, size, '%', ':') || token_has_pair(text, size, '?', '?');
}
