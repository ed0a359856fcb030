#include "near.h"
#include "text.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 64, NAME_LEAST = 3 /* of two letters too many names are near */ };

struct search {
	char name[NAME_MOST], nearest[NAME_MOST];
	size_t distance;
};

/* The name that a message says is not declared. */
static bool undeclared(const char *message, char *name)
{
	static const char *const says[] = {"use of undeclared identifier '",
					   "implicit declaration of function '"};

	for (size_t i = 0; i < sizeof(says) / sizeof(*says); i++) {
		size_t begin = strlen(says[i]),
		       length = strncmp(message, says[i], begin) == 0 ? strcspn(message + begin, "'") : 0;
		if (length >= NAME_LEAST && length < NAME_MOST) {
			snprintf(name, NAME_MOST, "%.*s", (int)length, message + begin);
			return true;
		}
	}
	return false;
}

static void consider(struct search *s, const char *name, size_t length)
{
	char other[NAME_MOST];

	if (length >= NAME_MOST || *name == '_') /* reserved names are nobody's spelling mistake */
		return;
	snprintf(other, sizeof(other), "%.*s", (int)length, name);
	if (strcmp(other, s->name) != 0 && text_is_nearer(s->name, other, &s->distance))
		strcpy(s->nearest, other);
}

static void search_text(struct search *s, const char *text, size_t size)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME)
			consider(s, text + t.begin, t.end - t.begin);
}

static void search_file(struct search *s, const struct index *file)
{
	for (uint32_t i = 0; i < file->name_count; i++) {
		const struct index_name *n = &file->names[i];
		if (n->kind != NAME_TAG && n->kind != NAME_TAG_FORWARD && n->kind != NAME_MEMBER)
			consider(s, file->text + n->begin, n->end - n->begin);
	}
	for (uint32_t i = 0; i < file->macro_count; i++) {
		const struct index_macro *m = &file->macros[i];
		if (!m->builtin)
			consider(s, file->text + m->name_begin, m->name_end - m->name_begin);
	}
}

static bool add(char **message, const char *near)
{
	static const char standard[] = " is invalid in C99"; /* says nothing to who mistyped a name */
	size_t length = strlen(*message), tail = sizeof(standard) - 1;
	char *text;

	if (length > tail && strcmp(*message + length - tail, standard) == 0)
		length -= tail;
	if (asprintf(&text, "%.*s; did you mean '%s'?", (int)length, *message, near) < 0)
		return false;
	free(*message);
	*message = text;
	return true;
}

struct error *near_tell(struct check_result *r, const struct index *file, const char *text, size_t size)
{
	for (size_t i = 0; i < r->count; i++) {
		char **message = &r->diagnostics[i].message;
		struct search s = {.nearest = ""};
		if (!undeclared(*message, s.name))
			continue;
		s.distance = strlen(s.name) > 5 ? 3 : 2;
		search_text(&s, text, size);
		search_file(&s, file);
		if (!*s.nearest)
			continue;
		bool first = r->message && strcmp(r->message, *message) == 0;
		if (!add(message, s.nearest) || (first && !add(&r->message, s.nearest)))
			return error_memory();
	}
	return NULL;
}
