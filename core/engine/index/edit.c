#include "edit.h"
#include "declaration.h"

#include <stdlib.h>
#include <string.h>

enum { EDIT_MAX = 16 << 20 };

/* Functions come in the order of the text, so that lines are counted once. */
static bool add(struct edit *e, size_t *room, const struct declaration *d)
{
	const struct declaration_name *name = &d->names[d->name_count - 1];
	const struct edit_function *last = e->count ? &e->functions[e->count - 1] : NULL;
	unsigned line = last ? last->line + token_line(e->text + last->begin, d->begin - last->begin)
			     : 1 + token_line(e->text, d->begin);

	if (e->count == *room) {
		size_t more = *room ? *room * 2 : 4;
		void *functions = realloc(e->functions, more * sizeof(*e->functions));
		if (!functions)
			return false;
		e->functions = functions;
		*room = more;
	}
	char *copy = strndup(e->text + name->begin, name->end - name->begin);
	if (!copy)
		return false;
	e->functions[e->count++] =
		(struct edit_function){.name = copy, .begin = d->begin, .end = d->end, .line = line};
	return true;
}

struct error *edit_new(const char *text, size_t size, struct edit *out)
{
	struct edit e = {.text = text};
	struct declaration_reader reader;
	struct declaration d = {0};
	size_t room = 0;
	bool failed = false;

	if (size > EDIT_MAX)
		return error_new(ERROR_USAGE,
				 "the text has %zu bytes, more than the %d MiB that one entry may have", size,
				 EDIT_MAX >> 20);
	if (memchr(text, '\0', size))
		return error_new(ERROR_USAGE, "the text holds a NUL byte");
	e.size = (uint32_t)size;
	declaration_reader_init(&reader, text, e.size);
	for (declaration_next(&reader, &d); d.kind != DECLARATION_END && !failed;
	     declaration_next(&reader, &d))
		if (d.kind == DECLARATION_FUNCTION)
			failed = !add(&e, &room, &d);
	failed |= d.out_of_memory;
	declaration_fini(&d);
	if (failed) {
		edit_fini(&e);
		return error_memory();
	}
	*out = e;
	return NULL;
}

void edit_fini(struct edit *e)
{
	for (size_t i = 0; i < e->count; i++)
		free(e->functions[i].name);
	free(e->functions);
	*e = (struct edit){0};
}

char *edit_rest(const struct edit *e, const bool *leave_out)
{
	struct token_reader r;
	struct token t;

	char *rest = strndup(e->text, e->size);
	if (!rest)
		return NULL;
	for (size_t i = 0; i < e->count; i++)
		for (uint32_t k = e->functions[i].begin; leave_out[i] && k < e->functions[i].end; k++)
			if (rest[k] != '\n')
				rest[k] = ' ';
	token_reader_init(&r, rest, e->size);
	token_next(&r, &t);
	if (t.kind != TOKEN_END)
		return rest;
	free(rest);
	return NULL;
}
