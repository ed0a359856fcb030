#include "stale.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

enum { USERS_TOLD = 8 };

/* While users are looked for: by a name's first entry in the index, the changed names that it leads to, a bit each. */
struct search {
	struct stale *stale;
	const struct index *ix;
	uint64_t *leads;
	uint64_t *uses; /* by declaration: what a function that goes on as it is uses */
	bool *is_made;  /* by declaration: new code takes the function's place */
	bool *has_code; /* by declaration: the program has the function under its name */
	bool more;
};

struct stale_name *stale_add(struct stale *s, const char *name, size_t length)
{
	if (s->count == STALE_MAX || index_find(s->before, INDEX_ORDINARY, name, length) == INDEX_NONE)
		return NULL;
	struct stale_name *added = &s->names[s->count++];
	*added = (struct stale_name){.text = name, .length = length};
	return added;
}

void stale_fini(struct stale *s)
{
	for (size_t i = 0; i < s->count; i++)
		text_fini(&s->names[i].users);
	s->count = 0;
}

static uint64_t *leads_of(const struct search *s, uint32_t begin, uint32_t end)
{
	uint32_t first = index_find(s->ix, INDEX_ORDINARY, s->ix->text + begin, end - begin);

	return first == INDEX_NONE ? NULL : &s->leads[first];
}

/* What a range of the text leads to; members are names of their own. */
static uint64_t read_range(const struct search *s, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t, before = {0};
	uint64_t leads = 0;

	token_reader_within(&r, s->ix->text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t)) {
		bool outside = t.kind == TOKEN_NAME && !token_selects(&r, &before);
		const uint64_t *found = outside ? leads_of(s, t.begin, t.end) : NULL;
		leads |= found ? *found : 0;
	}
	return leads;
}

static void lead(struct search *s, const struct index_name *n, uint64_t leads)
{
	uint64_t *known = leads_of(s, n->begin, n->end);

	if (!known || (*known | leads) == *known)
		return;
	*known |= leads;
	s->more = true;
}

static void read_function(struct search *s, uint32_t number)
{
	const struct index_declaration *d = &s->ix->declarations[number];

	if (s->is_made[number])
		return;
	uint64_t leads = read_range(s, d->body, d->end);
	if (s->has_code[number])
		s->uses[number] = leads;
	else
		lead(s, &s->ix->names[d->name_end - 1], leads);
}

/* Constants are made of constants; what initialises a variable is told of the variable. */
static void read_constants(struct search *s, const struct index_declaration *d)
{
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &s->ix->names[i];
		uint32_t end = i + 1 < d->name_end ? s->ix->names[i + 1].begin : d->end;
		if (n->kind == NAME_ENUMERATOR ||
		    (n->kind == NAME_VARIABLE && declaration_is_const(s->ix->text, d->begin, n->begin)))
			lead(s, n, read_range(s, n->end, end));
	}
}

static void spread(struct search *s)
{
	do {
		s->more = false;
		for (uint32_t i = 0; i < s->ix->declaration_count; i++) {
			const struct index_declaration *d = &s->ix->declarations[i];
			if (d->kind == DECLARATION_FUNCTION && d->name_begin < d->name_end)
				read_function(s, i);
			else if (d->kind == DECLARATION_NAMES && !d->is_typedef)
				read_constants(s, d);
		}
	} while (s->more);
}

/* Asks once what each function is. */
static void sort_functions(struct search *s)
{
	const struct stale *stale = s->stale;
	struct target_symbol symbol;
	char text[256];

	for (uint32_t i = 0; i < s->ix->declaration_count; i++) {
		const struct index_declaration *d = &s->ix->declarations[i];
		if (d->kind != DECLARATION_FUNCTION || d->name_begin == d->name_end)
			continue;
		const struct index_name *n = &s->ix->names[d->name_end - 1];
		size_t length = n->end - n->begin;
		if (length >= sizeof(text))
			continue;
		memcpy(text, s->ix->text + n->begin, length);
		text[length] = '\0';
		s->is_made[i] = stale->is_new(stale->context, text, length);
		s->has_code[i] = target_find(stale->target, stale->unit, text, &symbol) && symbol.function;
	}
}

void stale_tell_user(struct stale_name *name, const struct index *now, const char *user, size_t length)
{
	char text[256];

	if (length >= sizeof(text) || (length == name->length && memcmp(user, name->text, length) == 0))
		return; /* itself */
	if (name->user_count++ >= USERS_TOLD) {
		if (name->user_count == USERS_TOLD + 1)
			text_puts(&name->users, " and others");
		return;
	}
	memcpy(text, user, length);
	text[length] = '\0';
	const struct index_declaration *d = index_find_function(now, text, 0);
	text_printf(&name->users, "%s%s", name->users.size ? ", " : "", text);
	if (d)
		text_printf(&name->users, " (%s:%u)", text_base_name(now->files[d->file]), d->line);
}

static void tell_users(struct search *s)
{
	for (uint32_t i = 0; i < s->ix->declaration_count; i++) {
		const struct index_declaration *d = &s->ix->declarations[i];
		for (size_t k = 0; s->uses[i] && k < s->stale->count; k++) {
			const struct index_name *n = &s->ix->names[d->name_end - 1];
			if (s->uses[i] >> k & 1)
				stale_tell_user(&s->stale->names[k], s->stale->now, s->ix->text + n->begin,
						n->end - n->begin);
		}
	}
}

struct error *stale_find(struct stale *stale)
{
	const struct index *ix = stale->before;
	size_t count = ix->declaration_count + 1;
	struct search s = {.stale = stale,
			   .ix = ix,
			   .leads = calloc(ix->name_count + 1, sizeof(*s.leads)),
			   .uses = calloc(count, sizeof(*s.uses)),
			   .is_made = calloc(count, sizeof(*s.is_made)),
			   .has_code = calloc(count, sizeof(*s.has_code))};
	struct error *e = NULL;

	if (!s.leads || !s.uses || !s.is_made || !s.has_code) {
		e = error_memory();
	} else if (stale->count) {
		for (size_t i = 0; i < stale->count; i++)
			s.leads[index_find(ix, INDEX_ORDINARY, stale->names[i].text,
					   stale->names[i].length)] = (uint64_t)1 << i;
		sort_functions(&s);
		spread(&s);
		tell_users(&s);
	}
	free(s.leads);
	free(s.uses);
	free(s.is_made);
	free(s.has_code);
	return e;
}
