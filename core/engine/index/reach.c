#include "reach.h"
#include "declaration.h"
#include "name_table.h"
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct word {
	const char *text;
	size_t length;
};

struct reach {
	struct name_table words;
	char **copies; /* texts without what no C compiler reads */
	size_t copy_count;
	bool all; /* in doubt, or without memory */
};

struct reach *reach_new(void)
{
	return calloc(1, sizeof(struct reach));
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->copy_count; i++)
		free(r->copies[i]);
	free(r->copies);
	name_table_fini(&r->words);
	free(r);
}

bool reach_is_empty(const struct reach *r)
{
	return !r->all && !r->words.count;
}

bool reach_is_all(const struct reach *r)
{
	return r->all;
}

/* --- words --------------------------------------------------------------------------------------------------------- */

bool reach_has(const struct reach *r, const char *name)
{
	return r->all || name_table_has(&r->words, name, strlen(name));
}

static void add_word(struct reach *r, const char *text, size_t length)
{
	name_table_add(&r->words, text, length, &r->all);
}

/* --- lines of the preprocessor --------------------------------------------------------------------------------------- */

/* A line, or what a reader of its words needs to know of it. */
struct line {
	struct token_reader words; /* behind the first */
	const char *word;
	size_t length;
};

static struct line line_of(const char *text, const struct token *directive)
{
	struct line line = {.word = ""};
	struct token t;

	token_read_directive(&line.words, text, directive, &t);
	if (t.kind == TOKEN_NAME) {
		line.word = text + t.begin;
		line.length = t.end - t.begin;
	}
	return line;
}

static bool line_is(const struct line *line, const char *word)
{
	return line->length == strlen(word) && memcmp(line->word, word, line->length) == 0;
}

static bool opens(const struct line *line)
{
	return line_is(line, "if") || line_is(line, "ifdef") || line_is(line, "ifndef");
}

/* Whether no C compiler reads what follows: the `extern "C"` of C++. */
static bool is_dead(const struct line *line)
{
	struct line rest = *line;
	struct token t;
	bool named = false;

	if (!line_is(line, "ifdef") && !line_is(line, "if"))
		return false;
	token_next(&rest.words, &t);
	if (line_is(line, "if") && t.kind == TOKEN_NUMBER)
		return t.end - t.begin == 1 && t.first == '0';
	for (; t.kind != TOKEN_END; token_next(&rest.words, &t)) {
		bool is = token_is(&rest.words, &t, "__cplusplus");
		named |= is;
		if (!is && !token_is(&rest.words, &t, "defined") && t.first != '(' && t.first != ')')
			return false;
	}
	return named;
}

/* Blanks what no C compiler reads, in place. */
static void blank_dead(char *text, uint32_t size)
{
	unsigned depth = 0, dead = 0; /* the depth that it is dead from on */
	struct token_reader r;
	struct token t;
	uint32_t from = 0;

	token_reader_init(&r, text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		struct line line = line_of(text, &t);
		bool ends = line_is(&line, "endif"), turns = line_is(&line, "else") || line_is(&line, "elif");
		if (dead && depth == dead && (ends || turns)) {
			token_blank(text, from, t.begin);
			dead = 0;
		}
		if (opens(&line)) {
			depth++;
			if (!dead && is_dead(&line)) {
				dead = depth;
				from = t.end;
			}
		}
		depth -= ends && depth;
	}
}

/* --- what a text declares --------------------------------------------------------------------------------------------- */

enum part_kind { PART_DECLARATION, PART_MACRO, PART_LINE };

/* A declaration, a #define or #undef, or another line that is not a condition. */
struct part {
	enum part_kind kind;
	uint64_t hash; /* of its words and of the conditions around it */
	uint32_t begin, end;
	uint32_t name_begin, name_end; /* of parts.names */
	bool doubtful;                 /* what it declares is not known */
	bool reached;
};

struct parts {
	const char *text;
	struct part *items;
	size_t count, room;
	struct word *names;
	size_t name_count, name_room;
	uint64_t *conditions; /* around what follows the line at offsets[i] */
	uint32_t *offsets;
	size_t condition_count, condition_room;
	uint64_t lines; /* conditions and all other lines that are no macros, in their order */
	bool failed;    /* no memory, or brackets that do not match */
};

static void parts_fini(struct parts *p)
{
	free(p->items);
	free(p->names);
	free(p->conditions);
	free(p->offsets);
}

/* Room for one more. */
static bool make_room(void **items, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown = count < *room ? *items : realloc(*items, more * size);

	if (!grown)
		return false;
	*room = count < *room ? *room : more;
	*items = grown;
	return true;
}

static void add_name(struct parts *p, const char *text, size_t length)
{
	if (make_room((void **)&p->names, p->name_count, &p->name_room, sizeof(*p->names)))
		p->names[p->name_count++] = (struct word){text, length};
	else
		p->failed = true;
}

static uint64_t hash_words(const char *text, uint32_t begin, uint32_t end, uint64_t hash)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE) {
			hash = hash_words(text, t.begin + 1, t.end, text_hash(hash, "#", 1));
			continue;
		}
		hash = text_hash(hash, text + t.begin, t.end - t.begin);
		hash = text_hash(hash, " ", 1);
	}
	return hash;
}

static uint64_t conditions_at(const struct parts *p, uint32_t offset)
{
	size_t low = 0, high = p->condition_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (p->offsets[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? p->conditions[low - 1] : 0;
}

static struct part *add_part(struct parts *p, enum part_kind kind, uint32_t begin, uint32_t end)
{
	if (!make_room((void **)&p->items, p->count, &p->room, sizeof(*p->items))) {
		p->failed = true;
		return NULL;
	}
	struct part *part = &p->items[p->count++];
	*part = (struct part){.kind = kind,
			      .hash = hash_words(p->text, begin, end, conditions_at(p, begin)),
			      .begin = begin,
			      .end = end,
			      .name_begin = (uint32_t)p->name_count,
			      .name_end = (uint32_t)p->name_count};
	return part;
}

static void note_condition(struct parts *p, uint32_t offset, uint64_t around)
{
	size_t room = p->condition_room;

	if (!make_room((void **)&p->offsets, p->condition_count, &room, sizeof(*p->offsets)) ||
	    !make_room((void **)&p->conditions, p->condition_count, &p->condition_room,
		       sizeof(*p->conditions))) {
		p->failed = true;
		return;
	}
	p->offsets[p->condition_count] = offset;
	p->conditions[p->condition_count++] = around;
}

/* A macro that the system's headers may ask for, too. */
static bool is_for_the_system(const char *name, size_t length)
{
	static const char *const known[] = {"NDEBUG", "FD_SETSIZE"};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (length == strlen(known[i]) && memcmp(name, known[i], length) == 0)
			return true;
	return *name == '_';
}

static void add_macro(struct parts *p, const struct token *directive, struct line *line)
{
	struct part *part = add_part(p, PART_MACRO, directive->begin, directive->end);
	struct token name;

	token_next(&line->words, &name);
	if (!part || name.kind != TOKEN_NAME)
		return;
	part->doubtful = is_for_the_system(p->text + name.begin, name.end - name.begin);
	add_name(p, p->text + name.begin, name.end - name.begin);
	p->items[p->count - 1].name_end = (uint32_t)p->name_count;
}

enum { CONDITIONS_MAX = 64 };

static void read_lines(struct parts *p, uint32_t size)
{
	uint64_t around[CONDITIONS_MAX] = {0};
	struct token_reader r;
	struct token t;
	size_t depth = 0;

	token_reader_init(&r, p->text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END && !p->failed; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		struct line line = line_of(p->text, &t);
		bool turns = line_is(&line, "else") || line_is(&line, "elif");
		if (line_is(&line, "define") || line_is(&line, "undef")) {
			add_macro(p, &t, &line);
			continue;
		}
		p->lines = hash_words(p->text, t.begin + 1, t.end, p->lines);
		if (opens(&line) && depth + 1 < CONDITIONS_MAX) {
			depth++;
			around[depth] = hash_words(p->text, t.begin + 1, t.end, around[depth - 1]);
		} else if (turns && depth) {
			around[depth] = hash_words(p->text, t.begin + 1, t.end, around[depth] + 1);
		} else if (line_is(&line, "endif") && depth) {
			depth--;
		} else if (opens(&line) || turns || line_is(&line, "endif")) {
			p->failed = true;
		} else {
			add_part(p, PART_LINE, t.begin, t.end);
		}
		note_condition(p, t.end, around[depth]);
	}
	p->failed |= depth != 0;
}

/* Words behind which a bracket follows that declares nothing. */
static bool takes_brackets(const struct token_reader *r, const struct token *t)
{
	static const char *const words[] = {
		"__attribute__", "__attribute", "__asm__",        "__asm",
		"asm",           "_Alignas",    "__typeof__",     "typeof",
		"__declspec",    "_Atomic",     "_Static_assert", "__extension__"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is(r, t, words[i]))
			return true;
	return false;
}

static bool declares(const struct declaration *d, const struct token *t)
{
	for (size_t i = 0; i < d->name_count; i++)
		if (d->names[i].begin == t->begin)
			return true;
	return false;
}

/* The first character of what is read next. */
static char text_behind(const struct token_reader *r)
{
	struct token_reader copy = *r;
	struct token t;

	token_next(&copy, &t);
	return t.first;
}

/* Whether a macro may declare something there: one that is called beside the declarators, among enumerators, or alone. */
static bool is_doubtful(const struct parts *p, const struct declaration *d)
{
	uint32_t end = d->kind == DECLARATION_FUNCTION ? d->body : d->end;
	bool enumerates = false;
	struct token_reader r;
	struct token t, next, before = {0};
	unsigned depth = 0;

	if (d->kind == DECLARATION_OTHER)
		return d->end - d->begin > 1 || p->text[d->begin] != ';'; /* a stray one declares nothing */
	if (!d->complete || d->specifiers <= d->begin)
		return true;
	token_reader_within(&r, p->text, d->begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, t = next) {
		token_next(&r, &next);
		enumerates |= token_is(&r, &t, "enum");
		bool outside = token_outside(&t, &depth);
		if (t.kind != TOKEN_NAME || next.first != '(')
			continue;
		if (enumerates && (before.first == '{' || before.first == ','))
			return true;
		if (outside && !takes_brackets(&r, &t) && !declares(d, &t) &&
		    !(t.end <= d->specifiers && text_behind(&r) == '*')) /* int (*f)(void) */
			return true;
	}
	return false;
}

static void read_declarations(struct parts *p, uint32_t size)
{
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, p->text, size);
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && !p->failed; declaration_next(&r, &d)) {
		struct part *part = add_part(p, PART_DECLARATION, d.begin, d.end);
		if (!part)
			break;
		part->doubtful = is_doubtful(p, &d);
		for (size_t i = 0; i < d.name_count; i++)
			if (d.names[i].kind != NAME_MEMBER && d.names[i].kind != NAME_TAG_FORWARD)
				add_name(p, p->text + d.names[i].begin, d.names[i].end - d.names[i].begin);
		part->name_end = (uint32_t)p->name_count;
	}
	p->failed |= d.out_of_memory;
	declaration_fini(&d);
}

/* The text's parts, in a copy that the reach keeps: names are to outlive this. */
static bool read_parts(struct reach *reach, const char *text, size_t size, struct parts *p)
{
	char *copy = size < UINT32_MAX / 2 ? strndup(text, size) : NULL;
	char **more = copy ? realloc(reach->copies, (reach->copy_count + 1) * sizeof(*more)) : NULL;

	*p = (struct parts){.text = copy, .failed = !more};
	if (!more) {
		free(copy);
		return false;
	}
	reach->copies = more;
	more[reach->copy_count++] = copy;
	size = strlen(copy);
	blank_dead(copy, (uint32_t)size);
	read_lines(p, (uint32_t)size);
	if (!p->failed)
		read_declarations(p, (uint32_t)size);
	return !p->failed;
}

/* --- what is reached --------------------------------------------------------------------------------------------------- */

static void reach_part(struct reach *r, const struct parts *p, struct part *part)
{
	part->reached = true;
	r->all |= part->doubtful || part->kind == PART_LINE;
	for (uint32_t i = part->name_begin; i < part->name_end; i++)
		add_word(r, p->names[i].text, p->names[i].length);
}

static int by_hash(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Parts that only one of them has, or has more often. */
static void compare(struct reach *r, struct parts *old, struct parts *fresh)
{
	size_t i = 0, k = 0;

	if (old->lines != fresh->lines) {
		r->all = true;
		return;
	}
	if (old->count)
		qsort(old->items, old->count, sizeof(*old->items), by_hash);
	if (fresh->count)
		qsort(fresh->items, fresh->count, sizeof(*fresh->items), by_hash);
	while (i < old->count || k < fresh->count) {
		bool first =
			i < old->count && (k == fresh->count || old->items[i].hash < fresh->items[k].hash);
		bool second =
			k < fresh->count && (i == old->count || fresh->items[k].hash < old->items[i].hash);
		if (first)
			reach_part(r, old, &old->items[i]);
		else if (second)
			reach_part(r, fresh, &fresh->items[k]);
		i += !second;
		k += !first;
	}
}

void reach_add(struct reach *r, const char *old, size_t old_size, const char *fresh, size_t fresh_size)
{
	struct parts before = {0}, after = {0};

	if (r->all)
		return;
	if (read_parts(r, old, old_size, &before) && read_parts(r, fresh, fresh_size, &after))
		compare(r, &before, &after);
	else
		r->all = true;
	parts_fini(&before);
	parts_fini(&after);
}

/* --- mentioning -------------------------------------------------------------------------------------------------------- */

/* Whether a reached word begins or ends with the piece. */
static bool is_piece(const struct reach *r, const char *piece, size_t length, bool ends)
{
	for (const struct named *w = NULL; (w = name_table_next(&r->words, w));)
		if (w->length > length &&
		    memcmp(w->name + (ends ? w->length - length : 0), piece, length) == 0)
			return true;
	return false;
}

struct pasting {
	struct word parameters[16];
	size_t count;
};

/* Behind a macro's name: its parameters, and where its body begins. */
static void read_parameters(struct token_reader *r, struct pasting *p, uint32_t name_end)
{
	struct token_reader start = *r;
	struct token t;

	token_next(r, &t);
	if (t.kind != TOKEN_PUNCTUATOR || t.first != '(' || t.begin != name_end) {
		*r = start;
		return;
	}
	for (token_next(r, &t); t.kind != TOKEN_END && t.first != ')'; token_next(r, &t))
		if (t.kind == TOKEN_NAME && p->count < sizeof(p->parameters) / sizeof(*p->parameters))
			p->parameters[p->count++] = (struct word){r->text + t.begin, t.end - t.begin};
}

/* A piece that is written out and is no part of a reached word makes none. */
static bool makes_none(const struct reach *r, const struct pasting *p, const char *text,
		       const struct token *t, bool ends)
{
	if (t->kind != TOKEN_NAME)
		return false;
	for (size_t i = 0; i < p->count; i++)
		if (p->parameters[i].length == t->end - t->begin &&
		    memcmp(p->parameters[i].text, text + t->begin, p->parameters[i].length) == 0)
			return false;
	return !is_piece(r, text + t->begin, t->end - t->begin, ends);
}

/* Whether the macro may paste a reached word together. */
static bool pastes(const struct reach *r, const char *text, struct line line)
{
	struct pasting p = {.count = 0};
	struct token name, t, before = {0};

	token_next(&line.words, &name);
	read_parameters(&line.words, &p, name.end);
	for (token_next(&line.words, &t); t.kind != TOKEN_END; token_next(&line.words, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && t.end - t.begin == 2 && t.first == '#') {
			token_next(&line.words, &t);
			if (!makes_none(r, &p, text, &before, false) && !makes_none(r, &p, text, &t, true))
				return true;
		}
		before = t;
	}
	return false;
}

/* A line whose words are no names: a path, a message. */
static bool is_prose(const struct line *line)
{
	struct line rest = *line;
	struct token t;

	token_next(&rest.words, &t);
	return line_is(line, "error") || line_is(line, "warning") ||
	       (line_is(line, "include") && t.kind != TOKEN_NAME);
}

static bool mentions(const struct reach *r, const char *text, uint32_t begin, uint32_t end, bool line_start)
{
	struct token_reader reader;
	struct token t;

	token_reader_within(&reader, text, begin, end, line_start);
	for (token_next(&reader, &t); t.kind != TOKEN_END; token_next(&reader, &t)) {
		if (t.kind == TOKEN_NAME && name_table_has(&r->words, text + t.begin, t.end - t.begin))
			return true;
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		struct line line = line_of(text, &t);
		if (is_prose(&line))
			continue;
		if (mentions(r, text, t.begin + 1, t.end, false) ||
		    (line_is(&line, "define") && pastes(r, text, line)))
			return true;
	}
	return false;
}

bool reach_touches(const struct reach *r, const char *text, size_t size)
{
	return r->all || size >= UINT32_MAX / 2 ||
	       (r->words.count && mentions(r, text, 0, (uint32_t)size, true));
}

/* --- spreading --------------------------------------------------------------------------------------------------------- */

/* A condition or another line that names something reached: what it decides is not known. */
static bool decides(const struct reach *r, const struct parts *p, uint32_t size)
{
	struct token_reader reader;
	struct token t;

	token_reader_init(&reader, p->text, size);
	for (token_next(&reader, &t); t.kind != TOKEN_END; token_next(&reader, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		struct line line = line_of(p->text, &t);
		if (!line_is(&line, "define") && !line_is(&line, "undef") && !is_prose(&line) &&
		    mentions(r, p->text, t.begin + 1, t.end, false))
			return true;
	}
	return false;
}

struct spreading {
	struct reach *reach;
	struct parts *headers;
	size_t count, room;
};

static void read_header(void *context, const struct kept_file *f)
{
	struct spreading *s = context;

	if (!f->header || s->reach->all)
		return;
	if (make_room((void **)&s->headers, s->count, &s->room, sizeof(*s->headers)) &&
	    read_parts(s->reach, f->bytes, f->size, &s->headers[s->count]))
		s->count++;
	else
		s->reach->all = true;
}

/* True if there are more words now. */
static bool spread_in(struct reach *r, struct parts *p)
{
	size_t before = r->words.count;

	r->all |= decides(r, p, (uint32_t)strlen(p->text));
	for (size_t i = 0; i < p->count && !r->all; i++) {
		struct part *part = &p->items[i];
		if (!part->reached && part->kind != PART_LINE &&
		    mentions(r, p->text, part->begin, part->end, part->kind == PART_MACRO))
			reach_part(r, p, part);
	}
	return r->words.count > before;
}

void reach_spread(struct reach *r, const struct kept *kept)
{
	struct spreading s = {.reach = r};

	if (!r->words.count || r->all)
		return;
	kept_each(kept, read_header, &s);
	for (bool more = true; more && !r->all;) {
		more = false;
		for (size_t i = 0; i < s.count; i++)
			more |= spread_in(r, &s.headers[i]);
	}
	for (size_t i = 0; i < s.count; i++)
		parts_fini(&s.headers[i]);
	free(s.headers);
}
