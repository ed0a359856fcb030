#include "writing.h"
#include "edit.h"
#include "extent.h"
#include "indexer.h"
#include "log.h"
#include "text.h"
#include "texts.h"
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANCESTORS_MAX = 100000, SEARCHED_MAX = 2000 };

static const char decoration[] = "REALTIMEFUNC";

/* --- the new text ----------------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the decoration before `begin` starts; `begin` itself if there is none. */
static size_t find_decoration(const char *source, size_t begin)
{
	size_t at = begin, length = sizeof(decoration) - 1;

	while (at && is_space(source[at - 1]))
		at--;
	if (at < length || memcmp(source + at - length, decoration, length) != 0)
		return begin;
	at -= length;
	return at == 0 || is_space(source[at - 1]) ? at : begin;
}

/* Whether the word stands in the head of a definition, before its first parenthesis. */
static bool head_says(const char *text, size_t size, const char *word)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR && (t.first == '(' || t.first == '{'))
			return false;
		if (token_is(&r, &t, word))
			return true;
	}
	return false;
}

/* The definition of `name` in a version's text; the rest of it are helpers. */
struct cut {
	const char *definition;
	size_t size;
	char *helpers; /* NULL: none */
};

static bool cut_text(const char *text, const char *name, struct cut *out)
{
	struct edit edit;
	struct error *e = edit_new(text, strlen(text), &edit);

	*out = (struct cut){.definition = text, .size = strlen(text)};
	if (e) {
		error_free(e);
		return false;
	}
	bool *taken = calloc(edit.count + 1, sizeof(*taken));
	for (size_t i = 0; taken && i < edit.count; i++) {
		if (strcmp(edit.functions[i].name, name) != 0)
			continue;
		taken[i] = true;
		out->definition = text + edit.functions[i].begin;
		out->size = edit.functions[i].end - edit.functions[i].begin;
		out->helpers = edit_rest(&edit, taken);
		break;
	}
	bool ok = taken != NULL;
	free(taken);
	edit_fini(&edit);
	return ok;
}

/* The helpers without the blanks that stand for what was cut out. */
static void append_helpers(struct text *out, const char *helpers)
{
	size_t begin = strspn(helpers, " \t\r\n"), end = strlen(helpers);

	while (end > begin && is_space(helpers[end - 1]))
		end--;
	text_append(out, helpers + begin, end - begin);
	text_puts(out, "\n\n");
}

size_t writing_slot(const char *source, size_t begin)
{
	return find_decoration(source, begin);
}

/* How many bytes of decoration a text begins with, the blanks behind it among them. */
static size_t leading_decoration(const char *text, size_t size)
{
	size_t length = sizeof(decoration) - 1, at = 0;

	while (size - at > length && memcmp(text + at, decoration, length) == 0 &&
	       is_space(text[at + length]))
		for (at += length; at < size && is_space(text[at]);)
			at++;
	return at;
}

bool writing_in_crlf(const char *source, size_t size, size_t begin, size_t end)
{
	const char *newline = memchr(source + begin, '\n', end - begin);

	if (!newline)
		newline = memchr(source, '\n', size);
	return newline && newline > source && newline[-1] == '\r';
}

/* With the line ends of the file that the text goes into. */
static void append_lines(struct text *out, const char *text, size_t size, bool crlf)
{
	for (size_t i = 0; i < size; i++) {
		bool cr = text[i] == '\r' && i + 1 < size && text[i + 1] == '\n';
		if (cr)
			continue;
		if (text[i] == '\n' && crlf)
			text_append(out, "\r", 1);
		text_append(out, text + i, 1);
	}
}

char *writing_render(const char *slot, size_t size, size_t decorated, bool crlf, const char *name,
		     const char *text, size_t *new_size)
{
	struct text rendered = {0}, out = {0};
	struct cut cut;
	size_t skip = 0;

	if (!cut_text(text, name, &cut))
		return NULL;
	decorated += leading_decoration(slot + decorated, size - decorated); /* on the line of the function */
	if (decorated)
		skip = leading_decoration(cut.definition, cut.size);
	if (cut.helpers)
		append_helpers(&rendered, cut.helpers);
	text_append(&rendered, slot, decorated);
	static const char *const kept[] = {"static", decoration};
	for (size_t i = 0; i < 2; i++)
		if (head_says(slot + decorated, size - decorated, kept[i]) &&
		    !head_says(cut.definition + skip, cut.size - skip, kept[i]))
			text_printf(&rendered, "%s ", kept[i]);
	text_append(&rendered, cut.definition + skip, cut.size - skip);
	free(cut.helpers);
	out.failed = rendered.failed;
	append_lines(&out, rendered.bytes ? rendered.bytes : "", rendered.size, crlf);
	text_fini(&rendered);
	*new_size = out.size;
	return text_take(&out);
}

/* The file with another text in the function's place. */
static char *replace(const char *source, size_t size, size_t begin, size_t end, const char *name,
		     const char *text, size_t *new_size)
{
	size_t slot = writing_slot(source, begin), slot_size;
	struct text out = {0};

	char *rendered = writing_render(source + slot, end - slot, begin - slot,
					writing_in_crlf(source, size, slot, end), name, text, &slot_size);
	if (!rendered)
		return NULL;
	text_append(&out, source, slot);
	text_append(&out, rendered, slot_size);
	text_append(&out, source + end, size - end);
	free(rendered);
	*new_size = out.size;
	return text_take(&out);
}

/* --- whether it may be written ---------------------------------------------------------------------------------- */

static void take_parent(void *context, const struct history_version *v)
{
	*(int *)context = v->parent;
}

/* Whether the file says what the version was made from, or something that was made from. */
static struct error *comes_from(struct live *l, struct live_function *f, int number, const char *file_text,
				bool *out)
{
	*out = false;
	for (int i = 0; number >= 0 && i < ANCESTORS_MAX && !*out; i++) {
		char *text = NULL;
		unsigned line;
		struct error *e = texts_of_version(l, f, number, &text, &line);
		if (e && error_class(e) != ERROR_UNKNOWN)
			return e;
		*out = !e && texts_say(file_text, text);
		free(text);
		bool ends = e || number == 0 || !f->row;
		error_free(e);
		if (ends)
			break;
		e = history_find(live_history(l), f->row, number, take_parent, &number);
		if (e)
			return e;
	}
	return NULL;
}

struct search {
	const char *file_text;
	bool found;
};

static bool compare_version(void *context, const struct history_version *v,
			    const struct history_function *key)
{
	struct search *s = context;

	(void)key;
	s->found = texts_say(s->file_text, v->text);
	return !s->found;
}

/* Whether the file says any version at all: then nothing is lost with what it says. */
static struct error *find_version(struct live *l, struct live_function *f, const char *file_text, bool *found)
{
	struct search search = {.file_text = file_text};
	struct log_filter filter = {.function = f->row, .limit = SEARCHED_MAX};

	struct error *e = log_has_text(live_history(l), f->row, file_text, found);
	if (e || *found)
		return e;
	e = log_versions(live_history(l), &filter, compare_version, &search);
	*found = search.found;
	return e;
}

static struct error *require_known(struct live *l, struct live_function *f, int number, const char *file_text)
{
	bool known = texts_say(file_text, f->built_text);
	struct error *e = known || !f->row ? NULL : find_version(l, f, file_text, &known);

	if (!e && !known)
		e = comes_from(l, f, number, file_text, &known);
	if (e || known)
		return e;
	return error_new(
		ERROR_DRIFT,
		"%s has moved on: what it says of %s is no version of it; \\diff %s shows how they differ",
		f->at.file, f->at.name, f->name);
}

/* --- the file --------------------------------------------------------------------------------------------------- */

struct error *writing_place(struct live *l, struct live_function *f, struct writing *w, size_t *begin,
			    size_t *end)
{
	struct source *source;
	struct index *fresh = NULL;
	uint32_t from = 0, to = 0, line = 0;
	unsigned nth;

	struct error *e = sources_find(live_host(l)->sources, f->at.unit, &source);
	if (e)
		return e;
	struct source now = *source;
	w->path = realpath(source->unit->file,
			   NULL); /* what a link stands for is to be written, not the link */
	w->before = w->path ? text_read_file(w->path, &w->before_size) : NULL;
	if (!w->before)
		return error_errno(errno, "cannot read %s", source->unit->file);
	if (!now.index->source || now.index->source_size != w->before_size ||
	    memcmp(now.index->source, w->before, w->before_size) != 0) {
		e = indexer_read_file(source->unit->file, &source->flags, &fresh);
		if (e)
			return error_context(e, "%s", f->name);
		now.index = fresh;
	}
	w->source = source;
	w->read = !fresh;
	const struct index_declaration *d = source_definition(&now, &f->at, &nth);
	bool found = d && extent_find(now.index, d, &from, &to, &line) && to <= w->before_size;
	index_free(fresh);
	if (!d)
		return error_new(ERROR_DRIFT, "%s does not define %s any more", source->unit->file,
				 f->at.name);
	if (!found)
		return error_new(ERROR_USAGE,
				 "%s does not stand in %s as text: a macro makes it, a header or another "
				 "source holds it, or an #if begins or ends in it",
				 f->at.name, source->unit->file);
	*begin = from;
	*end = to;
	return NULL;
}

static struct error *plan(struct live *l, struct live_function *f, int number, struct writing *w)
{
	size_t begin = 0, end = 0;
	char *text = NULL, *file_text = NULL;
	unsigned line;

	struct error *e = writing_place(l, f, w, &begin, &end);
	if (!e)
		e = texts_of_version(l, f, number, &text, &line);
	if (!e) {
		file_text = strndup(w->before + begin, end - begin);
		w->same = texts_say(file_text, text);
		e = !file_text ? error_memory() : w->same ? NULL : require_known(l, f, number, file_text);
	}
	if (!e) {
		w->after = w->same ? strndup(w->before, w->before_size)
				   : replace(w->before, w->before_size, begin, end, f->at.name, text,
					     &w->after_size);
		if (w->same)
			w->after_size = w->before_size;
		if (!w->after)
			e = error_memory();
	}
	free(file_text);
	free(text);
	return e;
}

struct error *writing_new(struct live *l, struct live_function *f, int number, struct writing *out)
{
	struct writing w = {0};

	struct error *e = plan(l, f, number, &w);
	if (e) {
		writing_fini(&w);
		return e;
	}
	*out = w;
	return NULL;
}

void writing_fini(struct writing *w)
{
	free(w->path);
	free(w->before);
	free(w->after);
	*w = (struct writing){0};
}

static struct error *still_the_same(const struct writing *w)
{
	size_t size = 0;
	char *now = text_read_file(w->path, &size);
	bool same = now && size == w->before_size && memcmp(now, w->before, size) == 0;

	free(now);
	return same ? NULL
		    : error_new(ERROR_DRIFT, "%s has changed in this moment: nothing was written", w->path);
}

/* The whole file under another name, with the old one's mode and owner. */
static struct error *write_beside(const struct writing *w, const char *beside)
{
	struct stat st;
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(errno, "cannot write %s", beside);
	bool ok = text_write_all(fd, w->after, w->after_size) && stat(w->path, &st) == 0 &&
		  fchmod(fd, st.st_mode & 07777) == 0;
	if (ok && (st.st_uid != geteuid() || st.st_gid != getegid()) && fchown(fd, st.st_uid, st.st_gid))
		ok = errno ==
		     EPERM; /* another's file in a folder of ours: it is ours then, as with any editor */
	ok = ok && fsync(fd) == 0;
	int error = errno;
	close(fd);
	return ok ? NULL : error_errno(error, "cannot write %s", beside);
}

/* What stands in the file now is live already. Where that cannot be read, the save is followed like any other. */
static void know_again(struct source *source)
{
	struct index *fresh;

	struct error *e = indexer_read_file(source->unit->file, &source->flags, &fresh);
	if (!e)
		e = source_replace(source, fresh);
	error_free(e);
}

struct error *writing_commit(const struct writing *w)
{
	char *beside = NULL;

	if (asprintf(&beside, "%s.rtf-%d", w->path, (int)getpid()) < 0)
		return error_memory();
	struct error *e = write_beside(w, beside);
	if (!e)
		e = still_the_same(w);
	if (!e && rename(beside, w->path))
		e = error_errno(errno, "cannot write %s", w->path);
	if (e)
		unlink(beside);
	else if (w->read)
		know_again(w->source);
	free(beside);
	return e;
}
