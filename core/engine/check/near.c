#include "near.h"
#include "cursor.h"
#include "source.h"
#include "text.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_MOST = 64,
	NAME_LEAST = 3, /* of two letters too many names are near */
	MEMBER_LEAST = 2,
	TYPE_MOST = 256,
};

struct search {
	char name[NAME_MOST], nearest[NAME_MOST];
	size_t distance;
};

/* What stands behind `before` up to the next quote. */
static bool take_quoted(const char *message, const char *before, size_t least, char *name, size_t room)
{
	size_t begin = strlen(before),
	       length = strncmp(message, before, begin) == 0 ? strcspn(message + begin, "'") : 0;

	if (length < least || length >= room)
		return false;
	snprintf(name, room, "%.*s", (int)length, message + begin);
	return true;
}

/* The name that a message says is not declared. */
static bool undeclared(const char *message, char *name)
{
	return take_quoted(message, "use of undeclared identifier '", NAME_LEAST, name, NAME_MOST) ||
	       take_quoted(message, "implicit declaration of function '", NAME_LEAST, name, NAME_MOST);
}

/* The name that a message says is no member, and the type, as libclang spells it, that has none such. */
static bool no_member(const char *message, char *name, char *type)
{
	const char *behind = strstr(message, "' in '"), *designated = strstr(message, " in type '");

	return (behind && take_quoted(message, "no member named '", MEMBER_LEAST, name, NAME_MOST) &&
		take_quoted(behind, "' in '", 1, type, TYPE_MOST)) ||
	       (designated && take_quoted(message, "field designator '", MEMBER_LEAST, name, NAME_MOST) &&
		take_quoted(designated, " in type '", 1, type, TYPE_MOST));
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

/* Whether that is said of the name: then it is not what another one was to be. */
static bool is_undeclared(const struct check_result *found, const char *name, size_t length)
{
	char other[NAME_MOST];

	for (size_t i = 0; i < found->count; i++)
		if (undeclared(found->diagnostics[i].message, other) && strlen(other) == length &&
		    memcmp(other, name, length) == 0)
			return true;
	return false;
}

static void search_text(struct search *s, const struct check_result *found, const char *text, size_t size)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && !is_undeclared(found, text + t.begin, t.end - t.begin))
			consider(s, text + t.begin, t.end - t.begin);
}

/* Of the names that stand in one of the program's own files, or of all others. */
static void search_file(struct search *s, const struct index *file, bool outside)
{
	for (uint32_t i = 0; i < file->name_count; i++) {
		const struct index_name *n = &file->names[i];
		const char *path = file->files[file->declarations[n->declaration].file];
		if (n->kind != NAME_TAG && n->kind != NAME_TAG_FORWARD && n->kind != NAME_MEMBER &&
		    source_is_outside(path) == outside)
			consider(s, file->text + n->begin, n->end - n->begin);
	}
	for (uint32_t i = 0; i < file->macro_count; i++) {
		const struct index_macro *m = &file->macros[i];
		if (!m->builtin && source_is_outside(file->files[m->file]) == outside)
			consider(s, file->text + m->name_begin, m->name_end - m->name_begin);
	}
}

static void search_names(struct search *s, const struct check_result *found, const struct index *file,
			 const char *text, size_t size)
{
	search_text(s, found, text, size);
	search_file(s, file, false);
	if (s->distance > 2)
		s->distance = 2;
	search_file(s, file, true);
}

/* Those of a struct in it that has no name itself are the struct's, too. */
static enum CXVisitorResult consider_member(CXCursor field, CXClientData data)
{
	char *name = cursor_take(clang_getCursorSpelling(field));

	if (name && *name)
		consider(data, name, strlen(name));
	else
		clang_Type_visitFields(clang_getCursorType(field), consider_member, data);
	free(name);
	return CXVisit_Continue;
}

struct record {
	const char *type;
	struct search *search;
};

static enum CXChildVisitResult find_record(CXCursor cursor, CXCursor parent, CXClientData data)
{
	const struct record *record = data;
	CXType type = clang_getCursorType(cursor);

	(void)parent;
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	if ((kind != CXCursor_StructDecl && kind != CXCursor_UnionDecl) || !clang_isCursorDefinition(cursor))
		return CXChildVisit_Recurse;
	char *spelling = cursor_take(clang_getTypeSpelling(type));
	bool same = spelling && strcmp(spelling, record->type) == 0;
	free(spelling);
	if (!same)
		return CXChildVisit_Recurse;
	clang_Type_visitFields(type, consider_member, record->search);
	return CXChildVisit_Break;
}

static void search_members(struct search *s, const char *type, struct CXTranslationUnitImpl *unit)
{
	struct record record = {type, s};

	if (unit)
		clang_visitChildren(clang_getTranslationUnitCursor(unit), find_record, &record);
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

struct error *near_tell(struct check_result *r, const struct index *file, const char *text, size_t size,
			struct CXTranslationUnitImpl *unit)
{
	for (size_t i = 0; i < r->count; i++) {
		char **message = &r->diagnostics[i].message, type[TYPE_MOST] = "";
		struct search s = {.nearest = ""};
		if (!undeclared(*message, s.name) && !no_member(*message, s.name, type))
			continue;
		s.distance = strlen(s.name) > 5 ? 3 : 2;
		if (*type)
			search_members(&s, type, unit);
		else
			search_names(&s, r, file, text, size);
		if (!*s.nearest)
			continue;
		bool first = r->message && strcmp(r->message, *message) == 0;
		if (!add(message, s.nearest) || (first && !add(&r->message, s.nearest)))
			return error_memory();
	}
	return NULL;
}
