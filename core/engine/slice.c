#include "slice.h"
#include "helper.h"
#include "parameters.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a set of spellings ---------------------------------------------------------------------------------------- */

struct spelling {
	const char *name;
	uint32_t length;
};

struct spellings {
	struct spelling *items;
	uint32_t size, used;
};

static bool spellings_has(const struct spellings *s, const char *name, uint32_t length)
{
	if (!s->size)
		return false;
	uint32_t at = (uint32_t)text_hash(TEXT_HASH_SEED, name, length) & (s->size - 1);
	for (; s->items[at].name; at = (at + 1) & (s->size - 1))
		if (s->items[at].length == length && memcmp(s->items[at].name, name, length) == 0)
			return true;
	return false;
}

/* True if it was not there yet. */
static bool spellings_add(struct spellings *s, const char *name, uint32_t length, bool *failed)
{
	if (spellings_has(s, name, length))
		return false;
	if (s->used * 2 >= s->size) {
		struct spellings bigger = {.size = s->size ? s->size * 2 : 64};
		bigger.items = calloc(bigger.size, sizeof(*bigger.items));
		if (!bigger.items) {
			*failed = true;
			return false;
		}
		for (uint32_t i = 0; i < s->size; i++)
			if (s->items[i].name)
				spellings_add(&bigger, s->items[i].name, s->items[i].length, failed);
		free(s->items);
		*s = bigger;
	}
	uint32_t at = (uint32_t)text_hash(TEXT_HASH_SEED, name, length) & (s->size - 1);
	while (s->items[at].name)
		at = (at + 1) & (s->size - 1);
	s->items[at] = (struct spelling){name, length};
	s->used++;
	return true;
}

/* --- the closure ----------------------------------------------------------------------------------------------- */

/* How much of a declaration is wanted. More is never wrong, only longer. */
enum level {
	LEVEL_NONE,
	LEVEL_FORWARD, /* that it exists: a struct's tag, a function's prototype */
	LEVEL_WHOLE,   /* its inside: a struct's members, a function's body */
};

struct closure {
	const struct slice_request *request;
	const struct slice_names *names;
	const struct index *ix;
	uint32_t position; /* of the function in the index's text: what stands behind it is second choice */
	uint32_t original; /* its declaration there, or INDEX_NONE */
	uint8_t *levels;   /* of each declaration */
	uint32_t *work;    /* declarations whose text is still to be read */
	size_t work_count, work_room;
	uint32_t *chosen; /* every declaration wanted, once */
	size_t chosen_count, chosen_room;
	const struct index_macro **macros;
	size_t macro_count, macro_room;
	struct spellings seen_macros, absent_macros, members, tags, hidden, head_macros;
	struct text forward; /* `struct x;` lines */
	bool failed;
};

static bool push(void **array, size_t *count, size_t *room, size_t size, const void *item)
{
	if (*count == *room) {
		size_t more = *room ? *room * 2 : 64;
		void *bigger = realloc(*array, more * size);
		if (!bigger)
			return false;
		*array = bigger;
		*room = more;
	}
	memcpy((char *)*array + *count * size, item, size);
	(*count)++;
	return true;
}

#define PUSH(c, array, count, room, item) \
	do { \
		if (!push((void **)&(c)->array, &(c)->count, &(c)->room, sizeof(*(c)->array), (item))) \
			(c)->failed = true; \
	} while (0)

static const struct index_declaration *declaration(const struct closure *c, uint32_t number)
{
	return &c->ix->declarations[number];
}

static void want(struct closure *c, uint32_t number, enum level level)
{
	if (c->request->everything && declaration(c, number)->kind != DECLARATION_FUNCTION)
		level = LEVEL_WHOLE;
	if (c->levels[number] >= level)
		return;
	if (c->levels[number] == LEVEL_NONE)
		PUSH(c, chosen, chosen_count, chosen_room, &number);
	c->levels[number] = (uint8_t)level;
	PUSH(c, work, work_count, work_room, &number);
}

static bool name_is(const struct index *ix, const struct index_name *n, const char *name)
{
	size_t length = strlen(name);

	return n->end - n->begin == length && memcmp(ix->text + n->begin, name, length) == 0;
}

static enum slice_presence presence(const struct closure *c, const struct index_name *n)
{
	char name[256];
	size_t length = n->end - n->begin;

	if (length >= sizeof(name))
		return SLICE_ABSENT;
	memcpy(name, c->ix->text + n->begin, length);
	name[length] = '\0';
	return c->names->presence ? c->names->presence(c->names->context, name) : SLICE_PRESENT;
}

/* Whether the body has a `static` in it: such a variable must not get a second copy. */
static bool has_static_inside(const struct index *ix, const struct index_declaration *d)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, ix->text, d->end);
	r.at = d->body;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && t.first == 's' && token_is(&r, &t, "static"))
			return true;
	return false;
}

/* A function definition is wanted as a prototype if the program has a copy to call, else with its body. `prototype`: it
 * is declared elsewhere too, as an `extern inline` that stands in for a library's function is. */
static enum level function_level(const struct closure *c, const struct index_declaration *d,
				 const struct index_name *n, bool prototype)
{
	if (name_is(c->ix, n, c->request->name))
		return LEVEL_FORWARD;
	enum slice_presence p = presence(c, n);
	if (p == SLICE_DECORATED)
		return LEVEL_FORWARD;
	if (d->is_inline && !d->is_extern && !(p == SLICE_PRESENT && has_static_inside(c->ix, d)))
		return LEVEL_WHOLE;
	if (p == SLICE_PRESENT || (d->is_inline && d->is_extern && prototype))
		return LEVEL_FORWARD;
	return d->is_static || d->is_inline ? LEVEL_WHOLE : LEVEL_FORWARD;
}

/* Everything declared under an ordinary name, or all but functions and variables. `by_value`: a type is used as an object,
 * not through a pointer. */
static void want_ordinary(struct closure *c, const char *name, uint32_t length, bool by_value, bool constants)
{
	if (spellings_has(&c->hidden, name, length))
		return;
	uint32_t first = index_find(c->ix, INDEX_ORDINARY, name, length);
	bool any_before = false;
	for (uint32_t i = first; i != INDEX_NONE; i = c->ix->names[i].next)
		any_before |= c->ix->names[i].begin <= c->position;

	const struct index_name *definition = NULL;
	bool prototype = false;
	for (uint32_t i = first; i != INDEX_NONE; i = c->ix->names[i].next) {
		const struct index_name *n = &c->ix->names[i];
		const struct index_declaration *d = declaration(c, n->declaration);
		if (n->kind == NAME_FUNCTION && d->kind == DECLARATION_FUNCTION) {
			if (!definition || n->declaration == c->original)
				definition = n;
			continue;
		}
		if (any_before && n->begin > c->position)
			continue;
		if (constants && (n->kind == NAME_FUNCTION || n->kind == NAME_VARIABLE))
			continue;
		prototype |= n->kind == NAME_FUNCTION;
		enum level level = n->kind == NAME_FUNCTION || !by_value ? LEVEL_FORWARD : LEVEL_WHOLE;
		if (n->kind == NAME_VARIABLE || n->kind == NAME_ENUMERATOR)
			level = LEVEL_WHOLE;
		want(c, n->declaration, level);
	}
	if (!definition || constants)
		return;
	enum level level = function_level(c, declaration(c, definition->declaration), definition, prototype);
	/* A prototype may be an old one, `f()`, which any signature fits: what is defined anew is held against all. */
	bool itself = definition->declaration == c->original;
	if (level == LEVEL_WHOLE || !prototype || itself)
		want(c, definition->declaration, level);
}

static void want_tag(struct closure *c, const char *keyword, const char *name, uint32_t length, bool by_value)
{
	bool is_enum = *keyword == 'e';
	if (!is_enum && spellings_add(&c->tags, name, length, &c->failed))
		text_printf(&c->forward, "%s %.*s;\n", *keyword == 's' ? "struct" : "union", (int)length,
			    name);
	if (spellings_has(&c->hidden, name, length))
		return; /* the extra text defines it, behind the prototypes that mention it */
	for (uint32_t i = index_find(c->ix, INDEX_TAG, name, length); i != INDEX_NONE;
	     i = c->ix->names[i].next)
		if (c->ix->names[i].kind == NAME_TAG)
			want(c, c->ix->names[i].declaration,
			     is_enum || by_value ? LEVEL_WHOLE : LEVEL_FORWARD);
}

/* How the names in a text are to be taken. */
enum reading {
	READ_CODE = 0,
	READ_USER = 1,    /* macros are still in it, and its member names say which structs it looks into */
	READ_DEMOTED = 2, /* every type is only mentioned */
	READ_DECLARATION =
		4, /* no code: outside of sizeof and the like, what is named as a function or a variable is a
				* member or a parameter that happens to be called so */
};

static void read_names(struct closure *c, const char *text, uint32_t begin, uint32_t end,
		       enum reading reading);

static bool is_dynamic_macro(const char *name, uint32_t length)
{
	static const char *const dynamic[] = {"__LINE__",    "__FILE__",    "__func__",
					      "__COUNTER__", "__VA_ARGS__", "__VA_OPT__"};

	for (size_t i = 0; i < sizeof(dynamic) / sizeof(*dynamic); i++)
		if (strlen(dynamic[i]) == length && memcmp(dynamic[i], name, length) == 0)
			return true;
	return false;
}

/* A name in text that is still to be preprocessed: the macro in force comes along, with what its body names. */
static void want_macro(struct closure *c, const char *name, uint32_t length)
{
	if (spellings_has(&c->seen_macros, name, length) || is_dynamic_macro(name, length))
		return;
	const struct index_macro *m = index_find_macro(c->ix, name, length, c->position);
	spellings_add(&c->seen_macros, name, length, &c->failed);
	if (!m) {
		/* Not defined for the program's compiler: nor may it be for the one that reads the slice. */
		if (length > 2 && name[0] == '_' && name[1] == '_')
			spellings_add(&c->absent_macros, name, length, &c->failed);
		return;
	}
	PUSH(c, macros, macro_count, macro_room, &m);
	read_names(c, c->ix->text, m->body_begin, m->end, READ_USER);
}

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

static bool is_attribute(const struct token_reader *r, const struct token *t)
{
	return token_is(r, t, "__attribute__") || token_is(r, t, "__attribute") || token_is(r, t, "_Alignas");
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

/* Every name in [begin, end) of `text`. */
static void read_names(struct closure *c, const char *text, uint32_t begin, uint32_t end,
		       enum reading reading)
{
	bool user_text = reading & READ_USER, demote = reading & READ_DEMOTED;
	uint32_t expression_end = reading & READ_DECLARATION ? 0 : end;
	struct token_reader r;
	struct token t, next, before = {0};
	const char *keyword = NULL;

	token_reader_init(&r, text, end);
	r.at = begin;
	r.line_start = begin == 0 || text[begin - 1] == '\n';
	for (token_next(&r, &t); t.kind != TOKEN_END && !c->failed; before = t, t = next) {
		token_next(&r, &next);
		if (t.kind == TOKEN_DIRECTIVE && user_text)
			read_names(c, text, t.begin + 1, t.end, READ_USER);
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			keyword = NULL; /* it had no tag */
		if (t.kind != TOKEN_NAME)
			continue;
		const char *name = text + t.begin;
		uint32_t length = t.end - t.begin;
		bool member =
			before.kind == TOKEN_PUNCTUATOR &&
			(before.first == '.' || (before.first == '-' && before.end - before.begin == 2 &&
						 text[before.begin + 1] == '>'));
		if (member && user_text)
			spellings_add(&c->members, name, length, &c->failed);
		if (user_text)
			want_macro(c, name, length);
		if (token_is(&r, &t, "struct") || token_is(&r, &t, "union") || token_is(&r, &t, "enum")) {
			keyword = name;
			continue;
		}
		if (keyword && is_attribute(&r, &t) && next.first == '(') {
			token_skip_group(&r, &next); /* struct __attribute__((packed)) tag */
			token_next(&r, &next);
			continue;
		}
		if (takes_expression(&r, &t) && t.end > expression_end)
			expression_end = operand_end(r, next);
		if (is_qualifier(&r, &t) || is_keyword(name, length)) {
			keyword = NULL;
			continue;
		}
		struct token_reader ahead = r;
		struct token behind = next;
		while (is_qualifier(&ahead, &behind))
			token_next(&ahead, &behind);
		bool by_value = !(behind.kind == TOKEN_PUNCTUATOR && behind.first == '*');
		if (demote && by_value)
			by_value = is_array(ahead, &behind);
		if (keyword)
			want_tag(c, keyword, name, length, by_value);
		else if (!member)
			want_ordinary(c, name, length, by_value, t.begin >= expression_end);
		keyword = NULL;
	}
}

/* The group that a struct's or union's tag opens in the declaration's specifiers; false without a tag or a body. */
static bool find_tagged_body(const struct index *ix, const struct index_declaration *d,
			     struct declaration_cut *body)
{
	struct token_reader r;
	struct token t;
	bool record = false, tag = false;

	token_reader_init(&r, ix->text, d->end);
	r.at = d->begin;
	for (token_next(&r, &t); t.kind != TOKEN_END && t.begin < d->specifiers; token_next(&r, &t)) {
		if (t.kind == TOKEN_NAME && (token_is(&r, &t, "struct") || token_is(&r, &t, "union")))
			record = true;
		else if (t.kind == TOKEN_NAME && record && !is_attribute(&r, &t))
			tag = true;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '(')
			token_skip_group(&r, &t);
		if (t.kind != TOKEN_PUNCTUATOR || t.first != '{')
			continue;
		if (!tag)
			return false;
		body->begin = t.begin;
		token_skip_group(&r, &t);
		body->end = t.end;
		return true;
	}
	return false;
}

static bool has_variable(const struct closure *c, const struct index_declaration *d)
{
	for (uint32_t i = d->name_begin; i < d->name_end; i++)
		if (c->ix->names[i].kind == NAME_VARIABLE)
			return true;
	return false;
}

/* Whether a record is all that it declares, and no more is wanted of that than that it exists: what mentioned it has seen
 * to a line that says so. */
static bool is_only_mentioned(const struct closure *c, uint32_t number)
{
	const struct index_declaration *d = declaration(c, number);
	bool tag = false;

	if (c->levels[number] != LEVEL_FORWARD || d->kind == DECLARATION_FUNCTION || d->is_typedef)
		return false;
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &c->ix->names[i];
		if (n->kind != NAME_TAG && n->kind != NAME_MEMBER)
			return false;
		tag |= n->kind == NAME_TAG;
	}
	return tag;
}

/* Reads the part of a wanted declaration that will stand in the slice. */
static void read_declaration(struct closure *c, uint32_t number)
{
	const struct index_declaration *d = declaration(c, number);
	struct declaration_cut body;

	if (is_only_mentioned(c, number))
		return;
	if (d->kind == DECLARATION_FUNCTION) {
		if (c->levels[number] == LEVEL_WHOLE) {
			read_names(c, c->ix->text, d->begin, d->end, READ_CODE);
			/* What it looks into counts as if the user's text did. */
			struct token_reader r;
			struct token t, before = {0};
			token_reader_init(&r, c->ix->text, d->end);
			r.at = d->body;
			for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t))
				if (t.kind == TOKEN_NAME && before.kind == TOKEN_PUNCTUATOR &&
				    (before.first == '.' || before.first == '-'))
					spellings_add(&c->members, c->ix->text + t.begin, t.end - t.begin,
						      &c->failed);
		} else {
			read_names(c, c->ix->text, d->begin, d->body,
				   c->request->everything ? READ_DECLARATION
							  : READ_DECLARATION | READ_DEMOTED);
		}
		return;
	}
	if (c->levels[number] == LEVEL_WHOLE) {
		uint32_t from = d->begin;
		for (uint32_t i = d->cut_begin; i < d->cut_end; i++) {
			/* An initialiser that is cut needs nothing; one that stays is of a variable the program lacks. */
			read_names(c, c->ix->text, from, c->ix->cuts[i].begin, READ_DECLARATION);
			from = c->ix->cuts[i].end;
		}
		read_names(c, c->ix->text, from, d->end, READ_DECLARATION);
		return;
	}
	if (find_tagged_body(c->ix, d, &body) && !has_variable(c, d)) {
		read_names(c, c->ix->text, d->begin, body.begin, READ_DECLARATION | READ_DEMOTED);
		read_names(c, c->ix->text, body.end, d->end, READ_DECLARATION | READ_DEMOTED);
		return;
	}
	/* An anonymous struct or an enum cannot be forward: what it holds by value must be whole. */
	bool anonymous = false;
	for (uint32_t i = d->begin; i < d->specifiers && !anonymous; i++)
		anonymous = c->ix->text[i] == '{';
	if (anonymous)
		c->levels[number] = LEVEL_WHOLE;
	read_names(c, c->ix->text, d->begin, d->end,
		   anonymous ? READ_DECLARATION : READ_DECLARATION | READ_DEMOTED);
}

/* Structs that are only mentioned so far but have a member of a name that the text looks up become whole. */
static bool promote_by_members(struct closure *c)
{
	bool promoted = false;

	for (size_t k = 0; k < c->chosen_count; k++) {
		uint32_t number = c->chosen[k];
		const struct index_declaration *d = declaration(c, number);
		if (c->levels[number] == LEVEL_WHOLE || d->kind == DECLARATION_FUNCTION)
			continue;
		for (uint32_t i = d->name_begin; i < d->name_end; i++) {
			const struct index_name *n = &c->ix->names[i];
			if (n->kind != NAME_MEMBER ||
			    !spellings_has(&c->members, c->ix->text + n->begin, n->end - n->begin))
				continue;
			want(c, number, LEVEL_WHOLE);
			promoted = true;
			break;
		}
	}
	return promoted;
}

/* Variables that the program does not have come with their initialisers, which name things too. */
static bool keeps_initialiser(const struct closure *c, const struct index_declaration *d)
{
	if (d->kind == DECLARATION_FUNCTION || d->is_typedef || !d->is_static || !c->names->presence)
		return false;
	for (uint32_t i = d->name_begin; i < d->name_end; i++)
		if (c->ix->names[i].kind == NAME_VARIABLE && presence(c, &c->ix->names[i]) == SLICE_ABSENT)
			return true;
	return false;
}

static void close_over(struct closure *c)
{
	do {
		while (c->work_count && !c->failed) {
			uint32_t number = c->work[--c->work_count];
			const struct index_declaration *d = declaration(c, number);
			read_declaration(c, number);
			if (d->cut_begin < d->cut_end && keeps_initialiser(c, d))
				for (uint32_t i = d->cut_begin; i < d->cut_end; i++)
					read_names(c, c->ix->text, c->ix->cuts[i].begin, c->ix->cuts[i].end,
						   READ_CODE);
		}
	} while (!c->failed && promote_by_members(c));
}

/* --- writing it out -------------------------------------------------------------------------------------------- */

/* [begin, end) of the index's text without macro definitions and line markers, which other lines take care of. */
static void copy(struct text *out, const struct index *ix, uint32_t begin, uint32_t end, bool has_directive)
{
	if (!has_directive) {
		text_append(out, ix->text + begin, end - begin);
		return;
	}
	while (begin < end) {
		const char *line = ix->text + begin;
		const char *newline = memchr(line, '\n', end - begin);
		uint32_t next = newline ? (uint32_t)(newline - ix->text) + 1 : end;
		bool pragma = next - begin > 7 && memcmp(line, "#pragma", 7) == 0;
		if (*line != '#' || pragma || begin == 0 || ix->text[begin - 1] != '\n')
			text_append(out, line, next - begin);
		begin = next;
	}
}

/* The same without the words that give a function or variable its linkage: the first `count` of them. */
static void copy_without(struct text *out, const struct index *ix, uint32_t begin, uint32_t end,
			 bool directives, size_t count)
{
	static const char *const linkage[] = {"static", "inline", "__inline", "__inline__", "extern"};
	struct token_reader r;
	struct token t;
	unsigned depth = 0;
	uint32_t from = begin;

	token_reader_init(&r, ix->text, end);
	r.at = begin;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && strchr("([{", t.first))
			depth++;
		if (t.kind == TOKEN_PUNCTUATOR && strchr(")]}", t.first) && depth)
			depth--;
		for (size_t i = 0; depth == 0 && i < count; i++) {
			if (!token_is(&r, &t, linkage[i]))
				continue;
			copy(out, ix, from, t.begin, directives);
			from = t.end;
		}
	}
	copy(out, ix, from, end, directives);
}

/* Without what makes it internal. */
static void copy_external(struct text *out, const struct index *ix, uint32_t begin, uint32_t end,
			  bool directives)
{
	copy_without(out, ix, begin, end, directives, 4);
}

/* With a `static` of its own. */
static void copy_static(struct text *out, const struct index *ix, const struct index_declaration *d)
{
	text_puts(out, "static ");
	copy_without(out, ix, d->begin, d->end, d->has_directive, 5);
	text_puts(out, "\n");
}

/* A function that comes with its body. */
static void write_helper(struct closure *c, struct text *out, const struct index_declaration *d)
{
	const struct index *ix = c->ix;

	if (!c->names->local_static || !has_static_inside(ix, d)) {
		copy_static(out, ix, d);
		return;
	}
	text_puts(out, "static ");
	copy_without(out, ix, d->begin, d->body, d->has_directive, 5);
	helper_write(out, ix, d, c->names->local_static, c->names->context);
	text_puts(out, "\n");
}

/* `whole`: with what an old-style definition says of its parameters, to hold a new one against. Callers may go by less. */
static void write_prototype(struct text *out, const struct index *ix, const struct index_declaration *d,
			    bool whole)
{
	if (d->old_style) {
		copy_external(out, ix, d->begin, ix->names[d->name_end - 1].end, d->has_directive);
		if (!whole || !parameters_write(out, ix, d))
			text_puts(out, "()");
	} else {
		copy_external(out, ix, d->begin, d->body, d->has_directive);
	}
	text_puts(out, ";\n");
}

/* Variables and prototypes: extern, without initialisers, with the bounds that an initialiser would have given. */
static void write_extern(struct closure *c, struct text *out, const struct index_declaration *d)
{
	const struct index *ix = c->ix;
	uint32_t from = d->begin, cut = d->cut_begin;

	if (!d->is_extern && has_variable(c, d))
		text_puts(out, "extern ");
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		uint64_t elements;
		char name[256];
		if (n->kind != NAME_VARIABLE || !n->bound || n->end - n->begin >= sizeof(name) ||
		    !c->names->bound)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n->end - n->begin), ix->text + n->begin);
		if (!c->names->bound(c->names->context, name, &elements))
			continue;
		while (cut < d->cut_end && ix->cuts[cut].begin < n->bound) {
			copy_external(out, ix, from, ix->cuts[cut].begin, d->has_directive);
			from = ix->cuts[cut++].end;
		}
		copy_external(out, ix, from, n->bound, d->has_directive);
		text_printf(out, "%llu", (unsigned long long)elements);
		from = n->bound;
	}
	for (; cut < d->cut_end; cut++) {
		copy_external(out, ix, from, ix->cuts[cut].begin, d->has_directive);
		from = ix->cuts[cut].end;
	}
	copy_external(out, ix, from, d->end, d->has_directive);
	text_puts(out, "\n");
}

static bool is_absent(const struct closure *c, const struct index_name *n)
{
	return n->kind == NAME_VARIABLE && presence(c, n) == SLICE_ABSENT;
}

static const struct declaration_cut *cut_at(const struct index *ix, const struct index_declaration *d,
					    uint32_t begin)
{
	for (uint32_t i = d->cut_begin; i < d->cut_end; i++)
		if (ix->cuts[i].begin == begin)
			return &ix->cuts[i];
	return NULL;
}

/* A group of statics of which the program has some: each on its own, the others with their initialisers. */
static void write_split(struct closure *c, struct text *out, const struct index_declaration *d)
{
	const struct index *ix = c->ix;
	uint32_t begin = d->specifiers;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		if (n->kind != NAME_VARIABLE && n->kind != NAME_FUNCTION)
			continue;
		uint32_t end = index_declarator_end(ix, n->end, d->end);
		const struct declaration_cut *cut = cut_at(ix, d, end);
		bool absent = is_absent(c, n);
		text_puts(out, absent ? "static " : "extern ");
		copy_without(out, ix, d->begin, d->specifiers, d->has_directive, 5);
		if (absent) {
			copy(out, ix, begin, cut ? cut->end : end, d->has_directive);
			text_puts(out, ";");
		} else {
			struct index_declaration alone = {.begin = begin,
							  .end = end,
							  .name_begin = i,
							  .name_end = i + 1,
							  .is_extern = true};
			write_extern(c, out, &alone);
			text_puts(out, ";");
		}
		text_puts(out, "\n");
		begin = (cut ? cut->end : end) + 1; /* behind the comma */
	}
}

/* Whether the program has some of the variables and lacks others, and the group can be taken apart. */
static bool must_be_split(const struct closure *c, const struct index_declaration *d)
{
	bool any_absent = false, any_present = false;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		bool absent = is_absent(c, &c->ix->names[i]);
		any_absent |= absent;
		any_present |= !absent && c->ix->names[i].kind == NAME_VARIABLE;
	}
	return any_absent && any_present && !memchr(c->ix->text + d->begin, '{', d->specifiers - d->begin);
}

/* Whether the slice has the body of a function that this declares. */
static bool declares_whole(const struct closure *c, const struct index_declaration *d)
{
	const struct index *ix = c->ix;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		if (n->kind != NAME_FUNCTION)
			continue;
		uint32_t other = index_find(ix, INDEX_ORDINARY, ix->text + n->begin, n->end - n->begin);
		for (; other != INDEX_NONE; other = ix->names[other].next) {
			uint32_t number = ix->names[other].declaration;
			if (declaration(c, number)->kind == DECLARATION_FUNCTION &&
			    c->levels[number] == LEVEL_WHOLE)
				return true;
		}
	}
	return false;
}

static void write_declaration(struct closure *c, struct text *out, uint32_t number)
{
	const struct index *ix = c->ix;
	const struct index_declaration *d = declaration(c, number);
	struct declaration_cut body;

	if (d->kind == DECLARATION_FUNCTION) {
		if (c->levels[number] != LEVEL_WHOLE) {
			write_prototype(out, ix, d, number == c->original);
			return;
		}
		write_helper(c, out, d);
		return;
	}
	if (!d->is_typedef && declares_whole(c, d)) {
		copy_static(out, ix, d);
		return;
	}
	if (keeps_initialiser(c, d) && must_be_split(c, d)) {
		write_split(c, out, d);
		return;
	}
	if (keeps_initialiser(c, d)) {
		copy(out, ix, d->begin, d->end, d->has_directive);
		text_puts(out, "\n");
		return;
	}
	bool names_objects = false;
	for (uint32_t i = d->name_begin; i < d->name_end; i++)
		names_objects |= ix->names[i].kind == NAME_VARIABLE || ix->names[i].kind == NAME_FUNCTION;
	if (!d->is_typedef && names_objects) {
		write_extern(c, out, d);
		return;
	}
	if (c->levels[number] == LEVEL_FORWARD && find_tagged_body(ix, d, &body)) {
		copy(out, ix, d->begin, body.begin, d->has_directive);
		copy(out, ix, body.end, d->end, d->has_directive);
		text_puts(out, "\n");
		return;
	}
	copy(out, ix, d->begin, d->end, d->has_directive);
	text_puts(out, "\n");
}

/* `# LINE "FILE"`, a line of its own. */
static void write_marker(struct text *out, unsigned line, const char *file)
{
	text_printf(out, "# %u \"", line);
	while (*file) {
		size_t plain = strcspn(file, "\"\\");
		text_append(out, file, plain);
		file += plain;
		if (*file)
			text_printf(out, "\\%c", *file++);
	}
	text_puts(out, "\"\n");
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void write_declarations(struct closure *c, struct text *out)
{
	text_append(out, c->forward.bytes ? c->forward.bytes : "", c->forward.size);
	if (c->chosen_count)
		qsort(c->chosen, c->chosen_count, sizeof(*c->chosen), by_number);
	for (size_t i = 0; i < c->chosen_count; i++) {
		const struct index_declaration *d = declaration(c, c->chosen[i]);
		if (is_only_mentioned(c, c->chosen[i]))
			continue;
		write_marker(out, d->line, c->ix->files[d->file]);
		if (d->pack)
			text_printf(out, "#pragma pack(push, %u)\n", d->pack);
		write_declaration(c, out, c->chosen[i]);
		if (d->pack)
			text_puts(out, "#pragma pack(pop)\n");
	}
}

/* --- guards ---------------------------------------------------------------------------------------------------- */

struct guard_list {
	struct slice_guard *items;
	size_t count, room;
	uint32_t line;                     /* of the next assertion */
	uint32_t given_line, given_column; /* of the type that it is about */
	bool failed;
};

static void add_guard(struct guard_list *g, struct text *out, const char *type, const char *member,
		      uint64_t value)
{
	struct slice_guard guard = {.line = g->line++,
				    .offset = member != NULL,
				    .value = value,
				    .given_line = g->given_line,
				    .given_column = g->given_column};

	if (asprintf(&guard.subject, "%s%s%s", type, member ? "." : "", member ? member : "") < 0)
		guard.subject = NULL;
	if (!guard.subject || !push((void **)&g->items, &g->count, &g->room, sizeof(guard), &guard)) {
		free(guard.subject);
		g->failed = true;
		return;
	}
	if (member)
		text_printf(out, "_Static_assert(__builtin_offsetof(%s, %s) == %llu, \"rtf\");\n", type,
			    member, (unsigned long long)value);
	else
		text_printf(out, "_Static_assert(sizeof(%s) == %llu, \"rtf\");\n", type,
			    (unsigned long long)value);
}

static void guard_type(struct closure *c, struct guard_list *g, struct text *out, enum target_tag tag,
		       const char *name, uint32_t length)
{
	static const char *const prefixes[] = {"struct ", "union ", "enum ", ""};
	struct target_layout layout;
	char type[300];
	int prefix = (int)strlen(prefixes[tag]);

	if (length > 250)
		return;
	snprintf(type, sizeof(type), "%s%.*s", prefixes[tag], (int)length, name);
	if (!c->names->layout(c->names->context, tag, type + prefix, &layout))
		return;
	if (layout.count == 0 && layout.size == 0)
		return;
	add_guard(g, out, type, NULL, layout.size);
	for (size_t i = 0; i < layout.count; i++) {
		const struct target_member *m = &layout.members[i];
		if (m->name && !m->bit_size && spellings_has(&c->members, m->name, (uint32_t)strlen(m->name)))
			add_guard(g, out, type, m->name, m->bit_offset / 8);
	}
}

/* The word before a tag, looking back over attributes: s(truct), u(nion) or e(num). */
static char tag_keyword(const char *text, uint32_t begin, uint32_t name)
{
	struct token_reader r;
	struct token t;
	char keyword = 's';

	token_reader_init(&r, text, name);
	r.at = begin;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && strchr("sue", t.first) &&
		    (token_is(&r, &t, "struct") || token_is(&r, &t, "union") || token_is(&r, &t, "enum")))
			keyword = t.first;
	return keyword;
}

/* One assertion for the size of every struct and union that stands whole in the slice, and for the offset of each of its
 * members that the text names. */
static void write_guards(struct closure *c, struct guard_list *g, struct text *out)
{
	if (!c->names->layout)
		return;
	for (size_t k = 0; k < c->chosen_count; k++) {
		const struct index_declaration *d = declaration(c, c->chosen[k]);
		if (c->levels[c->chosen[k]] != LEVEL_WHOLE || d->kind == DECLARATION_FUNCTION)
			continue;
		bool tagged = false, record = false;
		for (uint32_t i = d->name_begin; i < d->name_end; i++) {
			const struct index_name *n = &c->ix->names[i];
			record |= n->kind == NAME_MEMBER;
			if (n->kind == NAME_TAG) {
				char keyword = tag_keyword(c->ix->text, d->begin, n->begin);
				tagged = true;
				if (keyword != 'e')
					guard_type(c, g, out, keyword == 's' ? TARGET_STRUCT : TARGET_UNION,
						   c->ix->text + n->begin, n->end - n->begin);
			} else if (n->kind == NAME_TYPEDEF && record && !tagged) {
				guard_type(c, g, out, TARGET_TYPEDEF, c->ix->text + n->begin,
					   n->end - n->begin);
			}
		}
	}
}

/* A type of the file that the extra text defines anew must be the one that the program's data has. */
static void guard_given_type(struct closure *c, struct guard_list *g, struct text *out,
			     const struct declaration *d, const struct declaration_name *n,
			     uint32_t extra_line)
{
	const char *text = c->request->extra, *name = text + n->begin;
	uint32_t length = n->end - n->begin, line_begin = n->begin;
	bool is_tag = n->kind == NAME_TAG;
	char keyword = is_tag ? tag_keyword(text, d->begin, n->begin) : 't';

	if (keyword == 'e' ||
	    index_find(c->ix, is_tag ? INDEX_TAG : INDEX_ORDINARY, name, length) == INDEX_NONE)
		return;
	while (line_begin && text[line_begin - 1] != '\n')
		line_begin--;
	g->given_line = extra_line + token_line(text, n->begin);
	g->given_column = n->begin - line_begin + 1;
	guard_type(c, g, out,
		   keyword == 's'   ? TARGET_STRUCT
		   : keyword == 'u' ? TARGET_UNION
				    : TARGET_TYPEDEF,
		   name, length);
}

static void write_extra_guards(struct closure *c, struct guard_list *g, struct text *out, uint32_t extra_line)
{
	struct declaration_reader r;
	struct declaration d = {0};

	if (!c->names->layout)
		return;
	declaration_reader_init(&r, c->request->extra, (uint32_t)c->request->extra_size);
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d)) {
		bool tagged = false, record = false;
		for (size_t i = 0; d.kind != DECLARATION_FUNCTION && i < d.name_count; i++) {
			const struct declaration_name *n = &d.names[i];
			record |= n->kind == NAME_MEMBER;
			tagged |= n->kind == NAME_TAG;
			if (n->kind == NAME_TAG || (n->kind == NAME_TYPEDEF && record && !tagged))
				guard_given_type(c, g, out, &d, n, extra_line);
		}
	}
	c->failed |= d.out_of_memory;
	declaration_fini(&d);
}

/* --- macros and the function's own text ------------------------------------------------------------------------ */

/* A macro that stands before the function's name and says `static` goes by another name there, of the same length: the
 * function's symbol must be seen by the linker, while the macro means in its body what it means. */
static bool is_free(const struct closure *c, const char *name, uint32_t length)
{
	const struct slice_request *q = c->request;

	for (int space = 0; space < INDEX_SPACES; space++)
		if (index_find(c->ix, (enum index_space)space, name, length) != INDEX_NONE)
			return false;
	return !index_find_macro(c->ix, name, length, c->ix->size) &&
	       !memmem(q->text, q->size, name, length) &&
	       !(q->extra && memmem(q->extra, q->extra_size, name, length));
}

static bool head_alias(const struct closure *c, const char *name, uint32_t length, char alias[256])
{
	static const char letters[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	if (length >= 256 || !spellings_has(&c->head_macros, name, length))
		return false;
	memcpy(alias, name, length);
	alias[length] = '\0';
	for (uint32_t at = length; at-- > 0; alias[at] = '_')
		for (size_t i = 0; i < sizeof(letters) - 1 - (at ? 0 : 10); i++) {
			alias[at] = letters[i];
			if (is_free(c, alias, length))
				return true;
		}
	return false;
}

/* [begin, end) of a macro's line without the words that give linkage, and with the aliases of other such macros. */
static void copy_head(struct closure *c, struct text *out, uint32_t begin, uint32_t end)
{
	static const char *const linkage[] = {"static", "inline", "__inline", "__inline__"};
	struct token_reader r;
	struct token t;
	unsigned depth = 0;
	uint32_t from = begin;
	char alias[256];

	token_reader_init(&r, c->ix->text, end);
	r.at = begin;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && strchr("([{", t.first))
			depth++;
		if (t.kind == TOKEN_PUNCTUATOR && strchr(")]}", t.first) && depth)
			depth--;
		if (t.kind != TOKEN_NAME || depth)
			continue;
		bool drop = false;
		for (size_t i = 0; i < sizeof(linkage) / sizeof(*linkage); i++)
			drop |= token_is(&r, &t, linkage[i]);
		bool rename = !drop && head_alias(c, c->ix->text + t.begin, t.end - t.begin, alias);
		if (!drop && !rename)
			continue;
		text_append(out, c->ix->text + from, t.begin - from);
		if (rename)
			text_puts(out, alias);
		from = t.end;
	}
	text_append(out, c->ix->text + from, end - from);
}

static void write_head_macro(struct closure *c, struct text *out, const struct index_macro *m)
{
	const struct index *ix = c->ix;
	char alias[256];

	if (!head_alias(c, ix->text + m->name_begin, m->name_end - m->name_begin, alias))
		return;
	text_printf(out, "\n#define %s", alias);
	text_append(out, ix->text + m->name_end, m->body_begin - m->name_end);
	copy_head(c, out, m->body_begin, m->end);
}

static void write_macros(struct closure *c, struct text *out)
{
	const struct index *ix = c->ix;

	for (uint32_t i = 0; i < c->absent_macros.size; i++) {
		const struct spelling *s = &c->absent_macros.items[i];
		static const char *const foreign[] = {
			"__clang__",       "__TINYC__",       "__llvm__",
			"__clang_major__", "__clang_minor__", "__GNUC__",
			"__GNUC_MINOR__",  "__OPTIMIZE__",    "__GNUC_STDC_INLINE__"};
		for (size_t k = 0; s->name && k < sizeof(foreign) / sizeof(*foreign); k++)
			if (strlen(foreign[k]) == s->length && memcmp(foreign[k], s->name, s->length) == 0)
				text_printf(out, "#undef %s\n", foreign[k]);
	}
	for (size_t i = 0; i < c->macro_count; i++) {
		const struct index_macro *m = c->macros[i];
		const char *name = ix->text + m->name_begin;
		uint32_t length = m->name_end - m->name_begin;
		if (spellings_has(&c->hidden, name, length))
			continue;
		if (m->builtin || name[0] == '_')
			text_printf(out, "#undef %.*s\n", (int)length, name);
		text_append(out, ix->text + m->begin, m->end - m->begin);
		write_head_macro(c, out, m);
		text_puts(out, "\n");
	}
}

/* The definition with blanks where its own head says `static` or `inline`: its symbol must be seen by the linker, and
 * line and column of everything else stay. */
static void write_definition(struct closure *c, struct text *out)
{
	static const char *const linkage[] = {"static", "inline", "__inline", "__inline__"};
	const struct slice_request *q = c->request;
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
		for (size_t i = 0; i < sizeof(linkage) / sizeof(*linkage); i++)
			if (token_is(&r, &t, linkage[i]))
				memset(out->bytes + at + t.begin, ' ', t.end - t.begin);
		if (t.kind == TOKEN_NAME && head_alias(c, q->text + t.begin, t.end - t.begin, alias))
			memcpy(out->bytes + at + t.begin, alias, t.end - t.begin);
	}
}

static bool says_linkage(struct closure *c, const struct index_macro *m, unsigned depth);

/* Macros in [begin, end) of a text that say `static`, up to the function's name or body. */
static bool find_head_macros(struct closure *c, const char *text, uint32_t begin, uint32_t end,
			     unsigned depth)
{
	static const char *const linkage[] = {"static", "inline", "__inline", "__inline__"};
	struct token_reader r;
	struct token t;
	bool found = false;

	token_reader_init(&r, text, end);
	r.at = begin;
	for (token_next(&r, &t); t.kind != TOKEN_END && !c->failed; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			break;
		if (t.kind != TOKEN_NAME)
			continue;
		if (!depth && token_is(&r, &t, c->request->name))
			break;
		for (size_t i = 0; depth && i < sizeof(linkage) / sizeof(*linkage); i++)
			found |= token_is(&r, &t, linkage[i]);
		const struct index_macro *m =
			index_find_macro(c->ix, text + t.begin, t.end - t.begin, c->position);
		if (m && !spellings_has(&c->hidden, text + t.begin, t.end - t.begin))
			found |= says_linkage(c, m, depth + 1);
	}
	return found;
}

/* Whether the macro, or one that it expands to, has such a word; each that does is remembered. */
static bool says_linkage(struct closure *c, const struct index_macro *m, unsigned depth)
{
	enum { DEPTH_MAX = 32 };

	if (depth > DEPTH_MAX || !find_head_macros(c, c->ix->text, m->body_begin, m->end, depth))
		return false;
	spellings_add(&c->head_macros, c->ix->text + m->name_begin, m->name_end - m->name_begin, &c->failed);
	return true;
}

static bool is_typedef_name(void *context, const char *name, uint32_t length)
{
	const struct closure *c = context;
	uint32_t i = index_find(c->ix, INDEX_ORDINARY, name, length);

	for (; i != INDEX_NONE; i = c->ix->names[i].next)
		if (c->ix->names[i].kind == NAME_TYPEDEF)
			return true;
	return false;
}

/* What the extra text declares hides what the file declares under the same names. */
static void hide_extra(struct closure *c)
{
	struct declaration_reader r;
	struct declaration d = {0};
	struct token_reader tokens;
	struct token t;
	const char *text = c->request->extra;
	uint32_t size = (uint32_t)c->request->extra_size;

	declaration_reader_init(&r, text, size);
	r.context = c;
	r.is_type = is_typedef_name;
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d))
		for (size_t i = 0; i < d.name_count; i++)
			if (d.names[i].kind != NAME_MEMBER && d.names[i].kind != NAME_TAG_FORWARD)
				spellings_add(&c->hidden, text + d.names[i].begin,
					      d.names[i].end - d.names[i].begin, &c->failed);
	c->failed |= d.out_of_memory;
	declaration_fini(&d);
	token_reader_init(&tokens, text, size);
	for (token_next(&tokens, &t); t.kind != TOKEN_END; token_next(&tokens, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		struct token_reader line;
		struct token word;
		token_reader_init(&line, text, t.end);
		line.at = t.begin + 1;
		line.line_start = false;
		token_next(&line, &word);
		bool define = token_is(&line, &word, "define");
		token_next(&line, &word);
		if (define && word.kind == TOKEN_NAME)
			spellings_add(&c->hidden, text + word.begin, word.end - word.begin, &c->failed);
	}
}

/* --- identity -------------------------------------------------------------------------------------------------- */

/* A hash of the tokens: two texts that differ in space, comments and line markers alone have the same. */
static void hash_range(const char *text, uint32_t begin, uint32_t end, bool directive, uint64_t hash[2])
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, end);
	r.at = begin;
	r.line_start = !directive;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE) {
			bool marker = t.end - t.begin > 2 && text[t.begin + 1] == ' ' &&
				      text[t.begin + 2] >= '0' && text[t.begin + 2] <= '9';
			if (!marker) {
				hash[0] = text_hash(hash[0], "#", 1);
				hash_range(text, t.begin + 1, t.end, true, hash);
				hash[0] = text_hash(hash[0], "\n", 1);
			}
			continue;
		}
		/* `M(a)` and `M (a)` are one call but two definitions. */
		if (directive && t.first == '(' && text[t.begin - 1] != ' ' && text[t.begin - 1] != '\t')
			hash[0] = text_hash(hash[0], "(", 1);
		hash[0] = text_hash(hash[0], text + t.begin, t.end - t.begin);
		hash[0] = text_hash(hash[0], "", 1);
		hash[1] = text_hash(hash[1], text + t.begin, t.end - t.begin) * 3;
	}
}

static void hash_tokens(const char *text, size_t size, char hex[33])
{
	uint64_t hash[2] = {TEXT_HASH_SEED, ~TEXT_HASH_SEED};

	hash_range(text, 0, (uint32_t)size, false, hash);
	snprintf(hex, 33, "%016llx%016llx", (unsigned long long)hash[0], (unsigned long long)hash[1]);
}

static uint32_t count_lines(const struct text *t)
{
	return t->bytes ? token_line(t->bytes, (uint32_t)t->size) : 0;
}

/* The function's declaration as the file has it, on one line. */
static char *file_prototype(const struct closure *c)
{
	struct text head = {0}, line = {0};

	if (c->original != INDEX_NONE) {
		const struct index_declaration *d = declaration(c, c->original);
		copy(&head, c->ix, d->begin, d->body, d->has_directive);
	}
	for (size_t i = 0; i < head.size; i++) {
		bool space = strchr(" \t\n\r", head.bytes[i]) != NULL;
		if (!space)
			text_append(&line, head.bytes + i, 1);
		else if (line.size && line.bytes[line.size - 1] != ' ')
			text_puts(&line, " ");
	}
	while (line.size && line.bytes[line.size - 1] == ' ')
		line.bytes[--line.size] = '\0';
	line.failed |= head.failed;
	text_fini(&head);
	return text_take(&line);
}

struct error *slice_new(const struct slice_request *q, const struct slice_names *names, struct slice *out)
{
	struct closure c = {.request = q, .names = names, .ix = q->index, .original = INDEX_NONE};
	struct slice slice = {0};
	struct guard_list guards = {0};
	struct text text = {0};

	const struct index_declaration *original = index_find_function(c.ix, q->name, q->nth);
	c.position = original ? original->begin : c.ix->size;
	c.original = original ? (uint32_t)(original - c.ix->declarations) : INDEX_NONE;
	c.levels = calloc(c.ix->declaration_count + 1, 1);
	if (!c.levels)
		return error_memory();
	if (q->extra) {
		hide_extra(&c);
		read_names(&c, q->extra, 0, (uint32_t)q->extra_size, READ_USER);
	}
	find_head_macros(&c, q->text, 0, (uint32_t)q->size, 0);
	want_ordinary(&c, q->name, (uint32_t)strlen(q->name), false, false);
	read_names(&c, q->text, 0, (uint32_t)q->size, READ_USER);
	if (q->also)
		read_names(&c, q->also, 0, (uint32_t)strlen(q->also), READ_USER);
	close_over(&c);

	write_declarations(&c, &text);
	guards.line = count_lines(&text) + 1;
	write_guards(&c, &guards, &text);
	write_macros(&c, &text);
	if (q->extra) {
		write_marker(&text, 1, q->file);
		slice.extra_line = count_lines(&text) + 1;
		text_append(&text, q->extra, q->extra_size);
		text_puts(&text, "\n");
		guards.line = count_lines(&text) + 1;
		write_extra_guards(&c, &guards, &text, slice.extra_line);
	}
	write_marker(&text, q->line, q->file);
	slice.user_line = count_lines(&text) + 1;
	write_definition(&c, &text);
	slice.user_lines = count_lines(&text) + 1 - slice.user_line;
	slice.given = q->text;
	slice.given_size = q->size;
	slice.prototype = file_prototype(&c);
	slice.guards = guards.items;
	slice.guard_count = guards.count;
	slice.size = text.size;
	slice.text = text_take(&text);
	bool failed = c.failed || guards.failed || c.forward.failed || !slice.text || !slice.prototype;
	if (!failed)
		hash_tokens(slice.text, slice.size, slice.hash);

	free(c.levels);
	free(c.work);
	free(c.chosen);
	free(c.macros);
	free(c.seen_macros.items);
	free(c.absent_macros.items);
	free(c.members.items);
	free(c.tags.items);
	free(c.hidden.items);
	free(c.head_macros.items);
	text_fini(&c.forward);
	if (failed) {
		slice_fini(&slice);
		return error_memory();
	}
	*out = slice;
	return NULL;
}

void slice_fini(struct slice *s)
{
	for (size_t i = 0; i < s->guard_count; i++)
		free(s->guards[i].subject);
	free(s->guards);
	free(s->text);
	free(s->prototype);
	*s = (struct slice){0};
}
