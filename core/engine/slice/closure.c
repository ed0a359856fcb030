#include "closure.h"
#include "references.h"

#include <stdlib.h>
#include <string.h>

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

const struct index_declaration *closure_declaration(const struct closure *c, uint32_t number)
{
	return &c->ix->declarations[number];
}

static void want(struct closure *c, uint32_t number, enum closure_level level)
{
	if (c->request->everything && closure_declaration(c, number)->kind != DECLARATION_FUNCTION)
		level = CLOSURE_WHOLE;
	if (c->levels[number] >= level)
		return;
	if (c->levels[number] == CLOSURE_NONE)
		PUSH(c, chosen, chosen_count, chosen_room, &number);
	c->levels[number] = (uint8_t)level;
	PUSH(c, work, work_count, work_room, &number);
}

static bool name_is(const struct index *ix, const struct index_name *n, const char *name)
{
	size_t length = strlen(name);

	return n->end - n->begin == length && memcmp(ix->text + n->begin, name, length) == 0;
}

enum slice_presence closure_presence(const struct closure *c, const struct index_name *n)
{
	char name[256];
	size_t length = n->end - n->begin;

	if (length >= sizeof(name))
		return SLICE_ABSENT;
	memcpy(name, c->ix->text + n->begin, length);
	name[length] = '\0';
	return c->names->presence ? c->names->presence(c->names->context, name) : SLICE_PRESENT;
}

bool closure_has_static(const struct index *ix, const struct index_declaration *d)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, ix->text, d->body, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && t.first == 's' && token_is(&r, &t, "static"))
			return true;
	return false;
}

/* A function definition is wanted as a prototype if the program has a copy to call, else with its body. `prototype`: it
 * is declared elsewhere too, as an `extern inline` that stands in for a library's function is. */
static enum closure_level function_level(const struct closure *c, const struct index_declaration *d,
					 const struct index_name *n, bool prototype)
{
	if (name_is(c->ix, n, c->request->name))
		return CLOSURE_FORWARD;
	enum slice_presence p = closure_presence(c, n);
	if (p == SLICE_DECORATED)
		return CLOSURE_FORWARD;
	if (d->is_inline && !d->is_extern && !(p == SLICE_PRESENT && closure_has_static(c->ix, d)))
		return CLOSURE_WHOLE;
	if (p == SLICE_PRESENT || (d->is_inline && d->is_extern && prototype))
		return CLOSURE_FORWARD;
	return CLOSURE_WHOLE;
}

/* Everything declared under an ordinary name, from `first` on, or all but functions and variables. `by_value`: a type is used
 * as an object, not through a pointer. */
static void want_ordinary(struct closure *c, uint32_t first, bool by_value, bool constants)
{
	bool any_before = false;

	for (uint32_t i = first; i != INDEX_NONE; i = c->ix->names[i].next)
		any_before |= c->ix->names[i].begin <= c->position;

	const struct index_name *definition = NULL;
	uint32_t prototype = UINT32_MAX; /* where the first begins */
	for (uint32_t i = first; i != INDEX_NONE; i = c->ix->names[i].next) {
		const struct index_name *n = &c->ix->names[i];
		const struct index_declaration *d = closure_declaration(c, n->declaration);
		if (n->kind == NAME_FUNCTION && d->kind == DECLARATION_FUNCTION) {
			if (!definition || n->declaration == c->original)
				definition = n;
			continue;
		}
		if (any_before && n->begin > c->position)
			continue;
		if (constants && (n->kind == NAME_FUNCTION || n->kind == NAME_VARIABLE))
			continue;
		if (n->kind == NAME_FUNCTION && n->begin < prototype)
			prototype = n->begin;
		enum closure_level level =
			n->kind == NAME_FUNCTION || !by_value ? CLOSURE_FORWARD : CLOSURE_WHOLE;
		if (n->kind == NAME_VARIABLE || n->kind == NAME_ENUMERATOR)
			level = CLOSURE_WHOLE;
		if (d->kind == DECLARATION_FUNCTION) /* a constant of what it returns */
			level = function_level(c, d, &c->ix->names[d->name_end - 1], false);
		want(c, n->declaration, level);
	}
	if (!definition || constants)
		return;
	enum closure_level level = function_level(c, closure_declaration(c, definition->declaration),
						  definition, prototype != UINT32_MAX);
	/* A prototype may be an old one, `f()`, which any signature fits: what is defined anew is held against all. */
	bool itself = definition->declaration == c->original;
	/* Who calls it before there is a prototype knows it by the definition. */
	if (level == CLOSURE_WHOLE || itself || definition->begin < prototype)
		want(c, definition->declaration, level);
}

static void want_tag(struct closure *c, uint32_t first, bool is_enum, bool by_value)
{
	for (uint32_t i = first; i != INDEX_NONE; i = c->ix->names[i].next) {
		uint32_t number = c->ix->names[i].declaration;
		const struct index_declaration *d = closure_declaration(c, number);
		/* `enum x;` in front of its definition: a prototype between the two means that enum. */
		bool announced = is_enum && d->name_end - d->name_begin == 1;
		if (c->ix->names[i].kind != NAME_TAG && !announced)
			continue;
		if (d->kind == DECLARATION_FUNCTION) /* that returns it: its prototype has the type whole */
			want(c, number, function_level(c, d, &c->ix->names[d->name_end - 1], false));
		else
			want(c, number, is_enum || by_value ? CLOSURE_WHOLE : CLOSURE_FORWARD);
	}
}

/* `demoted`: every type is only mentioned. */
static void refer(struct closure *c, const char *text, const struct reference *n, bool demoted)
{
	const char *name = text + n->begin;
	uint32_t length = n->end - n->begin;
	bool by_value = demoted ? n->element : n->by_value, is_enum = n->keyword == 'e';

	if (n->kind == REFERENCE_TAG && !is_enum && name_table_add(&c->tags, name, length, &c->failed))
		text_printf(&c->forward, "%s %.*s;\n", n->keyword == 's' ? "struct" : "union", (int)length,
			    name);
	if (name_table_has(&c->hidden, name, length))
		return; /* the extra text declares it; a tag behind the prototypes that mention it */
	if (n->kind == REFERENCE_TAG)
		want_tag(c, n->first, is_enum, by_value);
	else if (n->kind == REFERENCE_ORDINARY)
		want_ordinary(c, n->first, by_value, !n->in_code);
}

static void read_user_text(struct closure *c, const char *text, uint32_t begin, uint32_t end);

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
	if (name_table_has(&c->seen_macros, name, length) || is_dynamic_macro(name, length))
		return;
	const struct index_macro *m = index_find_macro(c->ix, name, length, c->position);
	name_table_add(&c->seen_macros, name, length, &c->failed);
	if (!m) {
		/* Not defined for the program's compiler: nor may it be for the one that reads the slice. */
		if (length > 2 && name[0] == '_' && name[1] == '_')
			name_table_add(&c->absent_macros, name, length, &c->failed);
		return;
	}
	PUSH(c, macros, macro_count, macro_room, &m);
	read_user_text(c, c->ix->text, m->body_begin, m->end);
}

/* Macros are still in it, and its member names say which structs it looks into. */
static void read_user_text(struct closure *c, const char *text, uint32_t begin, uint32_t end)
{
	struct reference_reader r;
	struct reference n;

	pasted_add(&c->pasted, text, begin, end);
	reference_reader_init(&r, c->ix, text, begin, end, true);
	while (!c->failed && reference_next(&r, &n)) {
		if (n.kind == REFERENCE_DIRECTIVE) {
			read_user_text(c, text, n.begin + 1, n.end);
			continue;
		}
		if (n.kind == REFERENCE_MEMBER)
			name_table_add(&c->members, text + n.begin, n.end - n.begin, &c->failed);
		want_macro(c, text + n.begin, n.end - n.begin);
		refer(c, text, &n, false);
	}
}

/* Whether one more of the file's macros may be called by a name that others paste together. */
static bool want_pasted(struct closure *c)
{
	size_t before = c->macro_count;

	for (uint32_t i = 0; i < c->ix->macro_count && c->pasted.any && !c->failed; i++) {
		const struct index_macro *m = &c->ix->macros[i];
		const char *name = c->ix->text + m->name_begin;
		if (pasted_makes(&c->pasted, name, m->name_end - m->name_begin))
			want_macro(c, name, m->name_end - m->name_begin);
	}
	c->failed |= c->pasted.failed;
	return c->macro_count > before;
}

/* Of every name in a text, with those in its lines for the preprocessor. */
static void want_macros(struct closure *c, const char *text, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, begin == 0);
	for (token_next(&r, &t); t.kind != TOKEN_END && !c->failed; token_next(&r, &t))
		if (t.kind == TOKEN_DIRECTIVE)
			want_macros(c, text, t.begin + 1, t.end);
		else if (t.kind == TOKEN_NAME)
			want_macro(c, text + t.begin, t.end - t.begin);
}

/* Of the file: what it looks into counts as if the user's text did. */
static void read_code(struct closure *c, uint32_t begin, uint32_t end, bool members)
{
	struct reference_reader r;
	struct reference n;

	reference_reader_init(&r, c->ix, c->ix->text, begin, end, true);
	while (!c->failed && reference_next(&r, &n)) {
		if (n.kind == REFERENCE_MEMBER && members)
			name_table_add(&c->members, c->ix->text + n.begin, n.end - n.begin, &c->failed);
		refer(c, c->ix->text, &n, false);
	}
}

bool closure_record(const struct closure *c, const struct index_declaration *d, struct declaration_cut *out)
{
	const struct references *all = references_of(c->request->index, d);

	if (all)
		*out = all->record;
	return all && all->record.end;
}

bool closure_has_name(const struct closure *c, const char *name, size_t length)
{
	uint32_t i = index_find(c->ix, INDEX_ORDINARY, name, length);

	for (; i != INDEX_NONE; i = c->ix->names[i].next)
		if (c->levels[c->ix->names[i].declaration] != CLOSURE_NONE)
			return true;
	return false;
}

bool closure_has_variable(const struct closure *c, const struct index_declaration *d)
{
	for (uint32_t i = d->name_begin; i < d->name_end; i++)
		if (c->ix->names[i].kind == NAME_VARIABLE)
			return true;
	return false;
}

bool closure_only_mentions(const struct closure *c, uint32_t number)
{
	const struct index_declaration *d = closure_declaration(c, number);
	bool tag = false;

	if (c->levels[number] != CLOSURE_FORWARD || d->kind == DECLARATION_FUNCTION || d->is_typedef)
		return false;
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &c->ix->names[i];
		if (n->kind != NAME_TAG && n->kind != NAME_MEMBER)
			return false;
		tag |= n->kind == NAME_TAG;
	}
	return tag;
}

/* Of what a declaration refers to: all of it, or what stands outside of its record. */
static void refer_to(struct closure *c, const struct references *all, const struct declaration_cut *record,
		     bool demoted)
{
	for (uint32_t i = 0; i < all->count && !c->failed; i++) {
		const struct reference *n = &all->items[i];
		if (!record || n->begin < record->begin || n->begin >= record->end)
			refer(c, c->ix->text, n, demoted);
	}
}

/* Reads the part of a wanted declaration that will stand in the slice. An initialiser that is cut needs nothing; one that stays is
 * of a variable that the program lacks. */
static void read_declaration(struct closure *c, uint32_t number)
{
	const struct index_declaration *d = closure_declaration(c, number);

	if (closure_only_mentions(c, number))
		return;
	if (d->kind == DECLARATION_FUNCTION && c->levels[number] == CLOSURE_WHOLE) {
		read_code(c, d->begin, d->end, true);
		return;
	}
	const struct references *all = references_of(c->request->index, d);
	if (!all) {
		c->failed = true;
	} else if (d->kind == DECLARATION_FUNCTION) {
		refer_to(c, all, NULL, !c->request->everything);
	} else if (c->levels[number] == CLOSURE_WHOLE) {
		refer_to(c, all, NULL, false);
	} else if (all->record.end && !closure_has_variable(c, d)) {
		refer_to(c, all, &all->record, true);
	} else {
		/* An anonymous struct or an enum cannot be forward: what it holds by value must be whole. */
		bool anonymous = memchr(c->ix->text + d->begin, '{', d->specifiers - d->begin);
		if (anonymous)
			c->levels[number] = CLOSURE_WHOLE;
		refer_to(c, all, NULL, !anonymous);
	}
}

/* Structs that are only mentioned so far but have a member of a name that the text looks up become whole. */
static bool promote_by_members(struct closure *c)
{
	bool promoted = false;

	for (size_t k = 0; k < c->chosen_count; k++) {
		uint32_t number = c->chosen[k];
		const struct index_declaration *d = closure_declaration(c, number);
		if (c->levels[number] == CLOSURE_WHOLE || d->kind == DECLARATION_FUNCTION)
			continue;
		for (uint32_t i = d->name_begin; i < d->name_end; i++) {
			const struct index_name *n = &c->ix->names[i];
			if (n->kind != NAME_MEMBER ||
			    !name_table_has(&c->members, c->ix->text + n->begin, n->end - n->begin))
				continue;
			want(c, number, CLOSURE_WHOLE);
			promoted = true;
			break;
		}
	}
	return promoted;
}

/* Whether the slice has the variable itself: one that the program lacks, or a constant whose value in the program is not what the
 * file says. */
static bool is_defined_here(const struct closure *c, const struct index_declaration *d,
			    const struct index_name *n)
{
	if (n->kind != NAME_VARIABLE || closure_presence(c, n) != SLICE_ABSENT)
		return false;
	return d->is_static || !d->is_extern ||
	       (d->cut_begin < d->cut_end && declaration_is_const(c->ix->text, d->begin, n->begin));
}

bool closure_keeps_initialiser(const struct closure *c, const struct index_declaration *d)
{
	if (d->kind == DECLARATION_FUNCTION || d->is_typedef || !c->names->presence)
		return false;
	for (uint32_t i = d->name_begin; i < d->name_end; i++)
		if (is_defined_here(c, d, &c->ix->names[i]))
			return true;
	return false;
}

static void close_over(struct closure *c)
{
	do {
		while (c->work_count && !c->failed) {
			uint32_t number = c->work[--c->work_count];
			const struct index_declaration *d = closure_declaration(c, number);
			read_declaration(c, number);
			if (d->cut_begin < d->cut_end && closure_keeps_initialiser(c, d))
				for (uint32_t i = d->cut_begin; i < d->cut_end; i++)
					read_code(c, c->ix->cuts[i].begin, c->ix->cuts[i].end, false);
		}
	} while (!c->failed && (promote_by_members(c) || want_pasted(c)));
}

static bool is_typedef_name(void *context, const char *name, uint32_t length)
{
	const struct closure *c = context;

	return index_find_kind(c->ix, name, length, NAME_TYPEDEF) != NULL;
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
				name_table_add(&c->hidden, text + d.names[i].begin,
					       d.names[i].end - d.names[i].begin, &c->failed);
	c->failed |= d.out_of_memory;
	declaration_fini(&d);
	token_reader_init(&tokens, text, size);
	for (token_next(&tokens, &t); t.kind != TOKEN_END; token_next(&tokens, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		struct token_reader line;
		struct token word;
		token_read_directive(&line, text, &t, &word);
		bool define = token_is(&line, &word, "define");
		token_next(&line, &word);
		if (define && word.kind == TOKEN_NAME)
			name_table_add(&c->hidden, text + word.begin, word.end - word.begin, &c->failed);
	}
}

/* So does a type that the function's own text defines in front of its name. */
static void hide_own_types(struct closure *c)
{
	const struct slice_request *q = c->request;
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, q->text, (uint32_t)q->size);
	r.context = c;
	r.is_type = is_typedef_name;
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d))
		for (size_t i = 0; d.kind == DECLARATION_FUNCTION && i < d.name_count; i++) {
			c->own_type |= d.names[i].kind == NAME_TAG || d.names[i].kind == NAME_MEMBER ||
				       d.names[i].kind == NAME_ENUMERATOR;
			if (d.names[i].kind == NAME_TAG)
				name_table_add(&c->hidden, q->text + d.names[i].begin,
					       d.names[i].end - d.names[i].begin, &c->failed);
		}
	c->failed |= d.out_of_memory;
	declaration_fini(&d);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int by_line(const void *a, const void *b)
{
	const struct index_macro *const *x = a, *const *y = b;

	return (*x)->begin < (*y)->begin ? -1 : (*x)->begin > (*y)->begin;
}

/* Which macros are defined decides what files that are included say, and no compiler misses one that is only asked for. */
static void read_included_files(struct closure *c)
{
	const struct slice_request *q = c->request;

	if (q->extra)
		included_read(&c->files, c->ix, q->extra, q->extra_size);
	included_read(&c->files, c->ix, q->text, q->size);
	c->failed |= c->files.failed;
	for (size_t i = 0; i < c->files.count; i++) {
		pasted_add(&c->pasted, c->files.items[i].text, 0, c->files.items[i].size);
		want_macros(c, c->files.items[i].text, 0, c->files.items[i].size);
	}
}

static void read_included(void *context, uint32_t begin, uint32_t end)
{
	struct closure *c = context;

	read_user_text(c, c->ix->text, begin, end);
}

bool closure_init(struct closure *c, const struct slice_request *q, const struct slice_names *names)
{
	const struct reference own = {.end = (uint32_t)strlen(q->name),
				      .first = index_find(q->index, INDEX_ORDINARY, q->name, strlen(q->name)),
				      .kind = REFERENCE_ORDINARY,
				      .in_code = true};

	*c = (struct closure){.request = q, .names = names, .ix = q->index, .original = INDEX_NONE};
	const struct index_declaration *original = index_find_function(c->ix, q->name, q->nth);
	c->position = original ? original->begin : c->ix->size;
	c->original = original ? (uint32_t)(original - c->ix->declarations) : INDEX_NONE;
	c->levels = calloc(c->ix->declaration_count + 1, 1);
	if (!c->levels)
		return false;
	if (q->extra) {
		hide_extra(c);
		read_user_text(c, q->extra, 0, (uint32_t)q->extra_size);
	}
	hide_own_types(c);
	refer(c, q->name, &own, false);
	read_user_text(c, q->text, 0, (uint32_t)q->size);
	read_included_files(c);
	c->includes = original && included_any(q->text, q->size);
	if (c->includes)
		included_each(c->ix, original, read_included, c);
	if (q->also)
		read_user_text(c, q->also, 0, (uint32_t)strlen(q->also));
	close_over(c);
	if (c->chosen_count)
		qsort(c->chosen, c->chosen_count, sizeof(*c->chosen), by_number);
	if (c->macro_count)
		qsort(c->macros, c->macro_count, sizeof(*c->macros), by_line);
	return !c->failed && !c->forward.failed;
}

void closure_fini(struct closure *c)
{
	free(c->levels);
	free(c->work);
	free(c->chosen);
	free(c->macros);
	name_table_fini(&c->seen_macros);
	name_table_fini(&c->absent_macros);
	pasted_fini(&c->pasted);
	name_table_fini(&c->members);
	name_table_fini(&c->tags);
	name_table_fini(&c->hidden);
	included_files_fini(&c->files);
	text_fini(&c->forward);
}
