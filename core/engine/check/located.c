#include "located.h"
#include "cursor.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* The line without its end; the caller's. "" if there are fewer. */
static char *copy_line(const char *text, size_t size, size_t line)
{
	const char *begin = text_line(text, size, line);
	const char *end = begin ? memchr(begin, '\n', (size_t)(text + size - begin)) : NULL;

	return begin ? strndup(begin, (size_t)((end ? end : text + size) - begin)) : strdup("");
}

static char *slice_line(const struct slice *s, unsigned line)
{
	return copy_line(s->text, s->size, line);
}

const struct slice_guard *located_guard(const struct slice *s, unsigned line)
{
	for (size_t i = 0; i < s->guard_count; i++)
		if (s->guards[i].line == line)
			return &s->guards[i];
	return NULL;
}

/* A text that breaks off ends for libclang behind the slice, or where what it has read ahead ends, which is the line before
 * the definition (ahead.h). */
static bool is_end(const struct slice *s, unsigned line)
{
	return s->given_size && (line + 1 == s->user_line || line >= s->user_line + s->user_lines);
}

/* For the user that is behind the last thing that was given. */
static void find_end(const struct slice *s, unsigned *line, unsigned *column)
{
	size_t end = s->given_size, begin;

	while (end && strchr(" \t\n\v\f\r", s->given[end - 1]))
		end--;
	for (begin = end; begin && s->given[begin - 1] != '\n'; begin--)
		;
	*line = s->user_line;
	for (size_t i = 0; i < begin; i++)
		*line += s->given[i] == '\n';
	*column = (unsigned)(end - begin) + 1;
}

bool located_find(const struct slice *s, const struct check_place *place, CXSourceLocation location,
		  struct check_diagnostic *d)
{
	unsigned line = 0, column = 0, presumed = 0;
	CXString file;

	clang_getExpansionLocation(location, NULL, &line, &column, NULL);
	const struct slice_guard *guard = located_guard(s, line);
	if (guard && guard->given_line) {
		line = guard->given_line;
		column = guard->given_column;
	}
	if (is_end(s, line))
		find_end(s, &line, &column);
	d->column = column;
	if (line >= s->user_line && line < s->user_line + s->user_lines) {
		d->line = line - s->user_line + place->line;
		d->file = strdup(place->file);
		/* As it was given: the slice has blanks where its head says `static`. */
		d->source = copy_line(s->given, s->given_size, line - s->user_line + 1);
		return true;
	}
	if (s->extra_line && line >= s->extra_line && line < s->user_line) {
		unsigned at = line - s->extra_line + 1, declared = place->declared_lines;
		d->line = at > declared ? at - declared : at;
		d->file = strdup(at > declared ? place->extra_file : place->declared_file);
		d->source = slice_line(s, line);
		return true;
	}
	clang_getPresumedLocation(location, &file, &presumed, &column);
	d->line = presumed;
	d->file = cursor_take(file);
	d->source = line ? slice_line(s, line) : strdup("");
	return false;
}
