#include "misread.h"
#include "clock.h"
#include "text.h"
#include "token.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum line_kind { LINE_EMPTY, LINE_READ, LINE_PASSED };

/* A file of the index that is not newer than the program, by lines from 1; without a text, any other. */
struct file {
	const char *text;
	char *owned; /* the same, where it was read for this */
	uint32_t size, count;
	uint8_t *kind; /* enum line_kind */
};

struct look {
	struct source *source;
	struct timespec built;
	struct file *files; /* as index->files */

	const char *last; /* the path that was asked for last, and its file or NULL */
	const struct file *last_file;
};

/* --- the files ------------------------------------------------------------------------------------------------------ */

static void take_text(struct file *f, const char *text, size_t size)
{
	if (!text || size >= UINT32_MAX / 2)
		return;
	f->text = text;
	f->size = (uint32_t)size;
	f->count = 1 + token_line(text, f->size);
	f->kind = calloc((size_t)f->count + 2, sizeof(*f->kind));
	if (!f->kind)
		f->text = NULL;
}

static void read_header(const struct look *l, const char *name, struct file *f)
{
	char path[PATH_MAX];
	struct stat st;
	size_t size = 0;

	if (source_is_outside(name) || !text_join_path(l->source->flags.directory, name, path) ||
	    stat(path, &st) || clock_is_later(st.st_mtim, l->built))
		return;
	f->owned = text_read_file(path, &size);
	take_text(f, f->owned, size);
}

static bool is_own(const struct look *l, const char *name)
{
	return text_names_file(l->source->flags.directory, name, l->source->unit->file);
}

static bool open_files(struct look *l)
{
	const struct index *ix = l->source->index;

	l->files = calloc(ix->file_count + 1, sizeof(*l->files));
	for (uint32_t i = 0; l->files && i < ix->file_count; i++) {
		if (!is_own(l, ix->files[i]))
			read_header(l, ix->files[i], &l->files[i]);
		else if (!clock_is_later(l->source->own_modified, l->built))
			take_text(&l->files[i], ix->source, ix->source_size);
	}
	return l->files;
}

static void close_files(struct look *l)
{
	for (uint32_t i = 0; i < l->source->index->file_count; i++) {
		free(l->files[i].owned);
		free(l->files[i].kind);
	}
	free(l->files);
}

/* --- lines that the text has ------------------------------------------------------------------------------------------ */

static bool is_blank(const char *line, size_t length)
{
	return strspn(line, " \t\r") >= length;
}

/* The file that a `# 12 "name" 2` leads to; the one before if it names none. */
static struct file *file_of(const struct look *l, const char *marker, size_t length, struct file *before)
{
	const struct index *ix = l->source->index;
	const char *open = memchr(marker, '"', length);
	const char *close = open ? memchr(open + 1, '"', length - (size_t)(open + 1 - marker)) : NULL;
	size_t name = close ? (size_t)(close - open - 1) : 0;

	if (!name)
		return before;
	for (uint32_t i = ix->file_count; i-- > 0;)
		if (strncmp(ix->files[i], open + 1, name) == 0 && ix->files[i][name] == '\0')
			return &l->files[i];
	return NULL;
}

/* What came out of the preprocessor. */
static void mark_read(const struct look *l)
{
	const struct index *ix = l->source->index;
	const char *end = ix->text + ix->size;
	struct file *here = NULL;
	uint32_t number = 1;

	for (const char *line = ix->text, *next; line < end; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);
		next = line + length + 1;
		if (length > 2 && line[0] == '#' && line[1] == ' ' && line[2] >= '0' && line[2] <= '9') {
			number = (uint32_t)strtoul(line + 2, NULL, 10);
			here = file_of(l, line, length, here);
			continue;
		}
		if (here && here->text && number <= here->count && !is_blank(line, length))
			here->kind[number] = LINE_READ;
		number++;
	}
}

/* From one line of an #if to the next, none of which the text has. */
static bool pass_over(struct file *f, uint32_t first, uint32_t last)
{
	if (first >= last || memchr(f->kind + first, LINE_READ, last - first))
		return false;
	memset(f->kind + first, LINE_PASSED, last - first);
	return true;
}

/* What a line for the preprocessor begins with; NULL: it is none, or one that goes on from the line before. */
static const char *directive_of(const char *line, size_t length)
{
	size_t at = strspn(line, " \t");

	if (at >= length || line[at] != '#')
		return NULL;
	at++;
	return line + at + strspn(line + at, " \t");
}

/* What stands between two lines of `#if`s and did not come out. True if there is any. In a comment such a line does no harm: what
 * did not come out there has no code either. With a #line a file's lines have other numbers, and nothing is marked. */
static bool mark_passed(struct file *f)
{
	const char *end = f->text + f->size;
	uint32_t number = 1, first = 0;
	bool any = false;

	for (const char *line = f->text, *next; line < end; line = next, number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);
		const char *directive = directive_of(line, length);
		next = line + length + 1;
		if (!directive)
			continue;
		if (strncmp(directive, "line", 4) == 0) {
			memset(f->kind, LINE_EMPTY, (size_t)f->count + 1);
			return false;
		}
		if (strncmp(directive, "if", 2) != 0 && strncmp(directive, "el", 2) != 0 &&
		    strncmp(directive, "endif", 5) != 0)
			continue;
		if (first)
			any |= pass_over(f, first, number);
		first = number + 1;
	}
	return any;
}

/* --- lines that the program has --------------------------------------------------------------------------------------- */

static const struct file *find_file(const struct look *l, const char *path)
{
	const struct index *ix = l->source->index;

	for (uint32_t i = 0; i < ix->file_count; i++)
		if (l->files[i].text && text_path_is(path, text_base_name(ix->files[i])) &&
		    text_names_file(l->source->flags.directory, ix->files[i], path))
			return &l->files[i];
	return NULL;
}

static void look_at(void *context, const char *path, unsigned line)
{
	struct look *l = context;

	if (path != l->last) {
		l->last = path;
		l->last_file = find_file(l, path);
	}
	const struct file *f = l->last_file;
	if (!f || line > f->count || f->kind[line] != LINE_PASSED)
		return;
	struct source *s = l->source;
	if (!s->misread || (strcmp(s->misread, path) == 0 && line < s->misread_line)) {
		s->misread = path;
		s->misread_line = line;
	}
}

void misread_look(struct target *target, struct source *s)
{
	struct look l = {.source = s};
	bool any = false;

	if (s->compared)
		return;
	s->compared = true;
	if (!source_doubt(s) || !s->index->source || !target_built(target, s->unit, &l.built) ||
	    !open_files(&l))
		return;
	mark_read(&l);
	for (uint32_t i = 0; i < s->index->file_count; i++)
		if (l.files[i].text)
			any |= mark_passed(&l.files[i]);
	if (any)
		target_each_line(target, s->unit, look_at, &l);
	close_files(&l);
}

char *misread_tell(const struct source *s)
{
	char *told;

	if (!s->misread || !source_doubt(s) ||
	    asprintf(&told,
		     "%s was read otherwise than it was built (the program has code of line %u%s%s, which is "
		     "passed over here): %s",
		     text_base_name(s->unit->file), s->misread_line,
		     strcmp(s->misread, s->unit->file) == 0 ? "" : " of ",
		     strcmp(s->misread, s->unit->file) == 0 ? "" : text_base_name(s->misread),
		     source_doubt(s)) < 0)
		return NULL;
	return told;
}
