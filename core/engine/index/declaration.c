#include "declaration.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

void declaration_reader_init(struct declaration_reader *r, const char *text, uint32_t size)
{
	*r = (struct declaration_reader){0};
	token_reader_init(&r->tokens, text, size);
}

void declaration_fini(struct declaration *d)
{
	free(d->names);
	free(d->cuts);
	*d = (struct declaration){0};
}

static void add_name(struct declaration *d, enum name_kind kind, const struct token *t)
{
	if (d->name_count == d->name_room) {
		size_t room = d->name_room ? d->name_room * 2 : 16;
		void *more = realloc(d->names, room * sizeof(*d->names));
		if (!more) {
			d->out_of_memory = true;
			return;
		}
		d->names = more;
		d->name_room = room;
	}
	d->names[d->name_count++] = (struct declaration_name){.kind = kind, .begin = t->begin, .end = t->end};
}

static void add_cut(struct declaration *d, uint32_t begin, uint32_t end)
{
	if (d->cut_count == d->cut_room) {
		size_t room = d->cut_room ? d->cut_room * 2 : 4;
		void *more = realloc(d->cuts, room * sizeof(*d->cuts));
		if (!more) {
			d->out_of_memory = true;
			return;
		}
		d->cuts = more;
		d->cut_room = room;
	}
	d->cuts[d->cut_count++] = (struct declaration_cut){begin, end};
}

/* --- tokens, with preprocessor lines handed to whom they concern ---------------------------------------- */

static void advance(struct declaration_reader *r, struct declaration *d)
{
	r->behind = r->current.end;
	for (;;) {
		token_next(&r->tokens, &r->current);
		if (r->current.kind != TOKEN_DIRECTIVE)
			return;
		if (d)
			d->has_directive = true;
		if (r->directive)
			r->directive(r->context, &r->current);
	}
}

static bool at(const struct declaration_reader *r, char c)
{
	return r->current.kind == TOKEN_PUNCTUATOR && r->current.first == c &&
	       (r->current.end - r->current.begin == 1 || strchr("[]{}", c));
}

static bool at_end(const struct declaration_reader *r)
{
	return r->current.kind == TOKEN_END;
}

/* Past a group whose opening bracket is current. */
static void skip_group(struct declaration_reader *r, struct declaration *d)
{
	unsigned depth = 0;

	do {
		if (r->current.kind == TOKEN_PUNCTUATOR) {
			char c = r->current.first;
			if (c == '(' || c == '[' || c == '{')
				depth++;
			else if (c == ')' || c == ']' || c == '}')
				depth--;
		}
		advance(r, d);
	} while (depth && !at_end(r));
}

/* --- words ---------------------------------------------------------------------------------------------- */

enum word {
	WORD_PLAIN,
	WORD_TYPEDEF,
	WORD_STATIC,
	WORD_EXTERN,
	WORD_INLINE,
	WORD_THREAD,
	WORD_QUALIFIER, /* and other words that say nothing here */
	WORD_TYPE,      /* a basic type */
	WORD_GROUPED,   /* attribute, alignment: brackets follow */
	WORD_ASM,       /* likewise; at the start of a declaration it is one of its own */
	WORD_TYPEOF,    /* brackets follow, and it names a type */
	WORD_RECORD,    /* struct or union */
	WORD_ENUM,
	WORD_ASSERT,
};

struct spelled {
	const char *spelling;
	enum word word;
};

#define SPELLED(...) \
	(const struct spelled[]) \
	{ \
		__VA_ARGS__, \
		{ \
			NULL, WORD_PLAIN \
		} \
	}

/* By length: few names are as long as a word that begins with the same letter. */
static const struct spelled *const words[] = {
	[3] = SPELLED({"int", WORD_TYPE}, {"asm", WORD_ASM}),
	[4] = SPELLED({"auto", WORD_QUALIFIER}, {"void", WORD_TYPE}, {"char", WORD_TYPE}, {"long", WORD_TYPE},
		      {"enum", WORD_ENUM}),
	[5] = SPELLED({"const", WORD_QUALIFIER}, {"short", WORD_TYPE}, {"float", WORD_TYPE},
		      {"_Bool", WORD_TYPE}, {"__asm", WORD_ASM}, {"union", WORD_RECORD}),
	[6] = SPELLED({"static", WORD_STATIC}, {"extern", WORD_EXTERN}, {"inline", WORD_INLINE},
		      {"double", WORD_TYPE}, {"signed", WORD_TYPE}, {"typeof", WORD_TYPEOF},
		      {"struct", WORD_RECORD}),
	[7] = SPELLED({"typedef", WORD_TYPEDEF}, {"__const", WORD_QUALIFIER}, {"_Atomic", WORD_QUALIFIER},
		      {"__asm__", WORD_ASM}, {"_BitInt", WORD_TYPEOF}),
	[8] = SPELLED({"__inline", WORD_INLINE}, {"__thread", WORD_THREAD}, {"volatile", WORD_QUALIFIER},
		      {"restrict", WORD_QUALIFIER}, {"register", WORD_QUALIFIER}, {"__signed", WORD_TYPE},
		      {"unsigned", WORD_TYPE}, {"_Complex", WORD_TYPE}, {"__int128", WORD_TYPE},
		      {"_Float16", WORD_TYPE}, {"_Float32", WORD_TYPE}, {"_Float64", WORD_TYPE},
		      {"_Alignas", WORD_GROUPED}, {"__typeof", WORD_TYPEOF}),
	[9] = SPELLED({"__const__", WORD_QUALIFIER}, {"_Noreturn", WORD_QUALIFIER}, {"_Float128", WORD_TYPE},
		      {"_Float32x", WORD_TYPE}, {"_Float64x", WORD_TYPE}),
	[10] = SPELLED({"__inline__", WORD_INLINE}, {"__volatile", WORD_QUALIFIER},
		       {"__restrict", WORD_QUALIFIER}, {"__signed__", WORD_TYPE}, {"__int128_t", WORD_TYPE},
		       {"__float128", WORD_TYPE}, {"_Decimal32", WORD_TYPE}, {"_Decimal64", WORD_TYPE},
		       {"__declspec", WORD_GROUPED}, {"__typeof__", WORD_TYPEOF}),
	[11] = SPELLED({"__complex__", WORD_TYPE}, {"__uint128_t", WORD_TYPE}, {"_Decimal128", WORD_TYPE},
		       {"__auto_type", WORD_TYPE}, {"__attribute", WORD_GROUPED}),
	[12] = SPELLED({"__volatile__", WORD_QUALIFIER}, {"__restrict__", WORD_QUALIFIER}),
	[13] = SPELLED({"_Thread_local", WORD_THREAD}, {"__extension__", WORD_QUALIFIER},
		       {"__attribute__", WORD_GROUPED}, {"static_assert", WORD_ASSERT}),
	[14] = SPELLED({"_Static_assert", WORD_ASSERT}),
	[17] = SPELLED({"__builtin_va_list", WORD_TYPE}),
};

static enum word word_of(const struct declaration_reader *r, const struct token *t)
{
	uint32_t length = t->end - t->begin;

	if (t->kind != TOKEN_NAME || length >= sizeof(words) / sizeof(*words) || !words[length])
		return WORD_PLAIN;
	for (const struct spelled *w = words[length]; w->spelling; w++)
		if (w->spelling[0] == t->first && memcmp(r->tokens.text + t->begin, w->spelling, length) == 0)
			return w->word;
	return WORD_PLAIN;
}

static bool is_grouped(const struct declaration_reader *r, const struct token *t)
{
	enum word word = word_of(r, t);

	return word == WORD_GROUPED || word == WORD_ASM;
}

/* The token behind the current one, without using it up. */
static struct token look_ahead(const struct declaration_reader *r)
{
	struct token_reader copy = r->tokens;

	return token_past_directives(&copy);
}

/* --- struct, union, enum -------------------------------------------------------------------------------- */

static void read_tagged(struct declaration_reader *r, struct declaration *d, bool is_enum);
static void skip_grouped(struct declaration_reader *r, struct declaration *d);

/* Deeper than any program's: the stack is finite, and text may be anything. */
enum { NESTED_MAX = 200 };

/* The body of an enum; current is its `{`. */
static void read_enumerators(struct declaration_reader *r, struct declaration *d)
{
	advance(r, d);
	while (!at(r, '}') && !at_end(r)) {
		if (r->current.kind == TOKEN_NAME)
			add_name(d, NAME_ENUMERATOR, &r->current);
		while (!at(r, ',') && !at(r, '}') && !at_end(r)) {
			if (at(r, '(') || at(r, '[') || at(r, '{'))
				skip_group(r, d);
			else
				advance(r, d);
		}
		if (at(r, ','))
			advance(r, d);
	}
	advance(r, d);
}

/* The body of a struct or union; current is its `{`. Tags and enumerators in it have file scope (C17
 * 6.2.1). A member's name is the last name before `;` `,` `:` `[` or `)`: good enough to know which names
 * could be members. */
static void read_members(struct declaration_reader *r, struct declaration *d)
{
	struct token last = {0};

	if (r->nested >= NESTED_MAX) {
		skip_group(r, d);
		return;
	}
	r->nested++;
	advance(r, d);
	while (!at(r, '}') && !at_end(r)) {
		enum word word = word_of(r, &r->current);
		if (word == WORD_RECORD || word == WORD_ENUM) {
			read_tagged(r, d, word == WORD_ENUM);
			last.kind = TOKEN_END;
			continue;
		}
		if (word == WORD_GROUPED || word == WORD_TYPEOF || word == WORD_ASSERT) {
			skip_grouped(r, d);
			continue;
		}
		if (r->current.kind == TOKEN_NAME && word == WORD_PLAIN) {
			last = r->current;
		} else if (r->current.kind == TOKEN_PUNCTUATOR && strchr(";,:[)", r->current.first)) {
			if (last.kind == TOKEN_NAME)
				add_name(d, NAME_MEMBER, &last);
			last.kind = TOKEN_END;
			if (at(r, '[')) {
				skip_group(r, d);
				continue;
			}
			if (at(r, ':')) {
				while (!at(r, ',') && !at(r, ';') && !at(r, '}') && !at_end(r))
					advance(r, d);
				continue;
			}
			if (at(r, ')')) {
				/* `(*name)(parameters)`: the parameters are no members. */
				advance(r, d);
				if (at(r, '('))
					skip_group(r, d);
				continue;
			}
		}
		advance(r, d);
	}
	advance(r, d);
	r->nested--;
}

/* `struct`, `union` or `enum` is current; reads up to what stands behind the tag and the body. */
static void read_tagged(struct declaration_reader *r, struct declaration *d, bool is_enum)
{
	struct token tag = {0};

	advance(r, d);
	while (word_of(r, &r->current) == WORD_GROUPED)
		skip_grouped(r, d);
	if (r->current.kind == TOKEN_NAME) {
		tag = r->current;
		advance(r, d);
		while (word_of(r, &r->current) == WORD_GROUPED)
			skip_grouped(r, d);
	}
	if (tag.kind == TOKEN_NAME)
		add_name(d, at(r, '{') ? NAME_TAG : NAME_TAG_FORWARD, &tag);
	if (!at(r, '{'))
		return;
	if (is_enum)
		read_enumerators(r, d);
	else
		read_members(r, d);
}

/* An attribute or the like: its word is current, brackets follow. */
static void skip_grouped(struct declaration_reader *r, struct declaration *d)
{
	advance(r, d);
	while (word_of(r, &r->current) == WORD_QUALIFIER) /* asm volatile */
		advance(r, d);
	if (at(r, '('))
		skip_group(r, d);
}

/* --- specifiers and declarators ------------------------------------------------------------------------- */

static bool is_pointer(const struct token *t)
{
	return t->kind == TOKEN_PUNCTUATOR && t->first == '*' && t->end - t->begin == 1;
}

/* Whether the current name, no known type, is still one of the specifiers: another name follows, or `*` does,
 * attributes between them looked past. */
static bool is_specifier(const struct declaration_reader *r, bool have_type)
{
	struct token_reader copy = r->tokens;
	struct token next = token_past_directives(&copy);
	bool grouped = false;

	for (; is_grouped(r, &next); next = token_past_directives(&copy)) {
		struct token open = token_past_directives(&copy);
		grouped = true;
		if (open.first == '(')
			token_skip_group(&copy, &open);
	}
	if (next.kind == TOKEN_NAME)
		return !grouped || !have_type;
	return !have_type && is_pointer(&next);
}

/* Whether brackets that were just opened hold names and commas alone, as an old-style definition's do;
 * then `tokens` stands behind them. */
static bool read_name_list(const struct declaration_reader *r, struct token_reader *tokens)
{
	struct token t = token_past_directives(tokens);

	if (t.kind != TOKEN_NAME)
		return false;
	for (; t.kind == TOKEN_NAME || t.first == ','; t = token_past_directives(tokens))
		if (t.kind == TOKEN_NAME && word_of(r, &t) != WORD_PLAIN)
			return false;
	return t.kind == TOKEN_PUNCTUATOR && t.first == ')';
}

/* Whether the current name is a macro that makes specifiers of its arguments, as in `API(int) f(void)`: a
 * name follows its brackets. So it does in an old-style definition, but there a list of names stands in
 * them, and what follows is no other function. */
static bool is_macro_call(const struct declaration_reader *r)
{
	struct token_reader copy = r->tokens;
	struct token open = token_past_directives(&copy), t;

	if (open.first != '(' || open.kind != TOKEN_PUNCTUATOR)
		return false;
	struct token_reader list = copy;
	bool names = read_name_list(r, &list);
	token_skip_group(&copy, &t);
	struct token next = token_past_directives(&copy), after = token_past_directives(&copy);
	if (next.kind != TOKEN_NAME || is_grouped(r, &next))
		return false;
	return !names ||
	       (word_of(r, &next) == WORD_PLAIN && after.kind == TOKEN_PUNCTUATOR && after.first == '(');
}

/* A word of the language. Whether it says which type it is. */
static bool read_word(struct declaration_reader *r, struct declaration *d, enum word word)
{
	bool type = word == WORD_TYPE || (word == WORD_QUALIFIER && look_ahead(r).first == '(' &&
					  token_is(&r->tokens, &r->current, "_Atomic"));

	d->is_typedef |= word == WORD_TYPEDEF;
	d->is_static |= word == WORD_STATIC;
	d->is_extern |= word == WORD_EXTERN;
	d->is_inline |= word == WORD_INLINE;
	d->is_thread_local |= word == WORD_THREAD;
	advance(r, d);
	if (type && word == WORD_QUALIFIER)
		skip_group(r, d);
	return type;
}

/* A type's name or a macro's. False: it is neither, and not read. */
static bool read_plain_specifier(struct declaration_reader *r, struct declaration *d, bool *have_type,
				 bool *have_plain)
{
	uint32_t length = r->current.end - r->current.begin;
	bool type = !*have_type && r->is_type &&
		    r->is_type(r->context, r->tokens.text + r->current.begin, length);

	if (!type && !*have_type && !*have_plain && is_macro_call(r)) {
		skip_grouped(r, d);
	} else {
		if (!type && !is_specifier(r, *have_type))
			return false;
		*have_type |= type || look_ahead(r).first == '*';
		advance(r, d);
	}
	*have_plain = true;
	return true;
}

static void read_specifiers(struct declaration_reader *r, struct declaration *d)
{
	bool have_type = false, have_plain = false;

	for (; r->current.kind == TOKEN_NAME; d->specifiers = r->current.begin) {
		enum word word = word_of(r, &r->current);
		switch (word) {
		case WORD_GROUPED:
		case WORD_ASM:
			skip_grouped(r, d);
			break;
		case WORD_TYPEOF:
			skip_grouped(r, d);
			have_type = true;
			break;
		case WORD_RECORD:
		case WORD_ENUM:
			read_tagged(r, d, word == WORD_ENUM);
			have_type = true;
			break;
		case WORD_ASSERT:
		case WORD_PLAIN:
			if (!read_plain_specifier(r, d, &have_type, &have_plain))
				return;
			break;
		default:
			have_type |= read_word(r, d, word);
		}
	}
}

/* Up to the declarator's name: its pointers, attributes and brackets. `*plain`: the brackets closest to it hold no pointer, how
 * many they are in `*wrapped`. False: there is no name. */
static bool find_declared_name(struct declaration_reader *r, struct declaration *d, unsigned *wrapped,
			       bool *plain)
{
	*wrapped = 0;
	*plain = true;
	while (!at_end(r)) {
		if (at(r, '*') || at(r, '^')) {
			*plain = *wrapped == 0;
			advance(r, d);
		} else if (at(r, '(')) {
			++*wrapped;
			*plain = true;
			advance(r, d);
		} else if (r->current.kind != TOKEN_NAME) {
			return false;
		} else {
			struct token next = look_ahead(r);
			if (is_grouped(r, &r->current))
				skip_grouped(r, d);
			else if (word_of(r, &r->current) != WORD_PLAIN ||
				 (next.kind == TOKEN_NAME && !is_grouped(r, &next)) ||
				 (*wrapped && is_pointer(&next))) /* (WINAPI *f) */
				advance(r, d);
			else
				return true;
		}
	}
	return false;
}

/* What stands behind the name: parameters, dimensions, attributes, the brackets that wrapped the name; in the old style the
 * declarations of the parameters. */
static void skip_declarator(struct declaration_reader *r, struct declaration *d, bool old_style)
{
	while (!at_end(r) && !at(r, ',') && !at(r, ';') && !at(r, '=') && !at(r, '{')) {
		if (at(r, '(') || at(r, '[')) {
			skip_group(r, d);
		} else if (is_grouped(r, &r->current)) {
			skip_grouped(r, d);
		} else if (old_style && r->current.kind == TOKEN_NAME && look_ahead(r).first != ';' &&
			   look_ahead(r).first != '{') {
			d->old_style = true;
			while (!at_end(r) && !at(r, '{'))
				advance(r, d);
		} else {
			advance(r, d);
		}
	}
}

/* One declarator, up to its `,` `;` `=` or `{`. Its name is the first plain name in it (C17 6.7.6). */
static void read_declarator(struct declaration_reader *r, struct declaration *d)
{
	unsigned wrapped;
	bool plain;

	if (!find_declared_name(r, d, &wrapped, &plain))
		return;

	struct token name = r->current;
	d->first_name = name.begin;
	advance(r, d);
	while (wrapped && at(r, ')') && plain) {
		wrapped--;
		advance(r, d);
	}
	bool function = at(r, '(');
	struct token_reader list = r->tokens;
	bool old_style = function && read_name_list(r, &list);

	size_t index = d->name_count;
	add_name(d, d->is_typedef ? NAME_TYPEDEF : function ? NAME_FUNCTION : NAME_VARIABLE, &name);
	if (at(r, '[') && look_ahead(r).first == ']' && index < d->name_count)
		d->names[index].bound = look_ahead(r).begin;
	skip_declarator(r, d, old_style);
}

static void read_initialiser(struct declaration_reader *r, struct declaration *d)
{
	uint32_t begin = r->current.begin;

	while (!at_end(r) && !at(r, ',') && !at(r, ';')) {
		if (at(r, '(') || at(r, '[') || at(r, '{'))
			skip_group(r, d);
		else
			advance(r, d);
	}
	add_cut(d, begin, r->behind);
}

/* Up to and including the next `;`, or a `}` that closes a group. */
static void read_other(struct declaration_reader *r, struct declaration *d)
{
	d->kind = DECLARATION_OTHER;
	while (!at_end(r)) {
		bool brace = at(r, '{');
		if (at(r, ';') || at(r, '}')) {
			d->end = r->current.end;
			d->complete = true;
			advance(r, NULL);
			return;
		}
		if (at(r, '(') || at(r, '[') || brace)
			skip_group(r, d);
		else
			advance(r, d);
		d->end = r->behind;
		if (brace)
			return;
	}
	d->end = r->behind;
}

/* Reads up to the end of the body, as `braces` says which branches count. */
static void read_body_as(struct declaration_reader *r, struct declaration *d, struct token_braces *braces)
{
	for (;;) {
		const struct token *t = &r->current;
		if (t->kind == TOKEN_END)
			return;
		d->end = t->end;
		token_count_brace(&r->tokens, t, braces);
		if (braces->depth == 0 && braces->conditions == 0)
			break;
		for (token_next(&r->tokens, &r->current); t->kind == TOKEN_DIRECTIVE;
		     token_next(&r->tokens, &r->current)) {
			d->has_directive = true;
			token_count_brace(&r->tokens, t, braces);
			if (r->directive)
				r->directive(r->context, t);
			if (braces->depth)
				continue;
			d->end = t->end;
			if (braces->conditions == 0)
				break;
		}
		if (t->kind == TOKEN_DIRECTIVE)
			break;
	}
	d->complete = true;
	advance(r, NULL);
}

/* Whether what is current stands in a function's body alone: the one before it did not end there. */
static bool is_inside_body(const struct declaration_reader *r)
{
	static const char *const statements[] = {"if",     "else", "for",   "while",    "do",   "return",
						 "switch", "case", "break", "continue", "goto", "default"};

	if (r->current.kind == TOKEN_NAME)
		for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
			if (token_is(&r->tokens, &r->current, statements[i]))
				return true;
	return at(r, '}');
}

/* Each branch of an `#if` behind the head may have a body: FLAC's. Not one that the head has a part of. */
static void count_before_body(const struct declaration_reader *r, struct token_braces *braces)
{
	const struct token_braces none = *braces;
	struct token_reader between;
	struct token t;

	token_reader_within(&between, r->tokens.text, r->behind, r->current.begin, true);
	for (token_next(&between, &t); t.kind != TOKEN_END; token_next(&between, &t))
		token_count_brace(&between, &t, braces);
	if (!braces->conditions || braces->orphan)
		*braces = none;
}

/* The body; its `{` is current. The reader stops behind the `}`, or behind the `#endif` if each branch of
 * an `#if` has its own `}`. Where it does not end with the first branches, it may with those of nothing defined. */
static void read_body(struct declaration_reader *r, struct declaration *d)
{
	struct declaration_reader begin = *r;
	struct token_braces braces = {0}, undefined = {.undefined = true};

	d->kind = DECLARATION_FUNCTION;
	d->body = r->current.begin;
	count_before_body(r, &braces);
	count_before_body(r, &undefined);
	read_body_as(r, d, &braces);
	if (!braces.conditional || (d->complete && !is_inside_body(r)))
		return;

	struct declaration_reader as_first = *r;
	uint32_t end = d->end;
	bool complete = d->complete;
	*r = begin;
	d->complete = false;
	read_body_as(r, d, &undefined);
	if (d->complete && !is_inside_body(r))
		return;
	*r = as_first;
	d->end = end;
	d->complete = complete;
}

/* Of a declaration, `__extension__` looked past. */
static enum word first_word(const struct declaration_reader *r)
{
	struct token_reader copy = r->tokens;
	struct token t = r->current;

	while (token_is(&copy, &t, "__extension__"))
		t = token_past_directives(&copy);
	return word_of(r, &t);
}

/* Where the `[[…]]` begin that stand before a declaration, which are no tokens; `begin` if there is none. */
static uint32_t begin_of_lists(const char *text, uint32_t begin)
{
	for (uint32_t at = begin;;) {
		at = (uint32_t)(text_skip_back(text, text + at) - text);
		if (at < 4 || text[at - 1] != ']' || text[at - 2] != ']')
			return begin;
		for (at -= 2; at >= 2 && (text[at - 1] != '[' || text[at - 2] != '[');)
			at--;
		if (at < 2)
			return begin;
		at -= 2;
		begin = at;
	}
}

void declaration_next(struct declaration_reader *r, struct declaration *d)
{
	struct declaration_name *names = d->names;
	struct declaration_cut *cuts = d->cuts;
	size_t name_room = d->name_room, cut_room = d->cut_room;

	if (!r->started) {
		r->started = true;
		advance(r, NULL);
	}
	*d = (struct declaration){.kind = DECLARATION_NAMES,
				  .begin = r->current.begin,
				  .end = r->current.end,
				  .specifiers = r->current.begin,
				  .names = names,
				  .cuts = cuts,
				  .name_room = name_room,
				  .cut_room = cut_room,
				  .out_of_memory = d->out_of_memory};
	if (at_end(r)) {
		d->kind = DECLARATION_END;
		return;
	}
	enum word first = first_word(r);
	if (first == WORD_ASSERT || first == WORD_ASM) {
		read_other(r, d);
		return;
	}

	read_specifiers(r, d);
	if (d->is_typedef) /* [[gnu::aligned(32)]] is a part of what it names */
		d->begin = begin_of_lists(r->tokens.text, d->begin);
	for (;;) {
		read_declarator(r, d);
		if (at(r, '='))
			read_initialiser(r, d);
		if (at(r, '{')) {
			bool function = d->name_count && d->names[d->name_count - 1].kind == NAME_FUNCTION;
			if (function)
				read_body(r, d);
			else
				read_other(r, d);
			return;
		}
		if (at(r, ',')) {
			advance(r, d);
			continue;
		}
		break;
	}
	if (at(r, ';')) {
		d->end = r->current.end;
		d->complete = true;
		advance(r, NULL);
		return;
	}
	read_other(r, d);
}

bool declaration_is_const(const char *text, uint32_t begin, uint32_t name)
{
	struct token_reader r;
	struct token t;
	bool constant = false;

	token_reader_within(&r, text, begin, name, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			token_skip_group(&r, &t); /* members of a struct that is defined here */
		else if (t.kind == TOKEN_PUNCTUATOR && t.first == '*')
			constant = false;
		else if (token_is(&r, &t, "const") || token_is(&r, &t, "__const"))
			constant = true;
	}
	return constant;
}

const char *declaration_tag_word(const char *text, uint32_t begin, uint32_t name)
{
	static const char *const keywords[] = {"struct", "union", "enum"};
	const char *found = keywords[0];
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, name, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		for (size_t i = 0; t.kind == TOKEN_NAME && i < sizeof(keywords) / sizeof(*keywords); i++)
			if (token_is(&r, &t, keywords[i]))
				found = keywords[i];
	return found;
}
