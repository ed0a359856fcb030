#include "texts.h"
#include "heading.h"
#include "log.h"
#include "text.h"
#include "token.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

struct error *texts_of_file(struct live *l, const struct live_function *f, char **text, unsigned *line)
{
	struct source *source;

	struct error *e = sources_find(live_host(l)->sources, f->at.unit, &source);
	return e ? e : source_function_text(source, &f->at, text, line);
}

/* How many lines below the text's first its name is. */
static unsigned lines_before(const char *text, const char *name)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)strlen(text));
	do
		token_next(&r, &t);
	while (t.kind != TOKEN_END && !(t.kind == TOKEN_NAME && token_is(&r, &t, name)));
	return t.kind == TOKEN_END ? 0 : token_line(text, t.begin);
}

unsigned texts_line(struct live *l, const struct live_function *f)
{
	char *text;
	unsigned line;

	if (!f->at.unit || !sources_has(live_host(l)->sources, f->at.unit))
		return f->at.line;
	struct error *e = texts_of_file(l, f, &text, &line);
	if (e) {
		error_free(e);
		return f->at.line;
	}
	line += lines_before(text, f->at.name);
	free(text);
	return line;
}

struct version_copy {
	char *text;
	unsigned line;
};

struct build_search {
	const char *build;
	struct version_copy copy;
	char *id;
	bool failed, ambiguous;
};

static bool take_build(void *context, const struct history_version *v, const struct history_function *key)
{
	struct build_search *s = context;

	(void)key;
	if (strncmp(v->build_id, s->build, strlen(s->build)) != 0)
		return true;
	if (s->copy.text) {
		s->ambiguous |= strcmp(s->copy.text, v->text) != 0;
		return true;
	}
	snprintf(s->id, 64, "%s", v->build_id);
	s->copy = (struct version_copy){.text = strdup(v->text), .line = (unsigned)v->line};
	s->failed = !s->copy.text;
	return !s->failed;
}

struct error *texts_of_build(struct live *l, const struct live_function *f, const char *build, char **text,
			     unsigned *line, char id[64])
{
	struct build_search s = {.build = build, .id = id};
	struct error *e = f->row ? log_built(live_history(l), f->row, take_build, &s) : NULL;

	if (!e && s.failed)
		e = error_memory();
	if (!e && s.ambiguous)
		e = error_new(ERROR_AMBIGUOUS, "several builds' ids begin with %s", build);
	if (!e && !s.copy.text)
		e = error_new(ERROR_UNKNOWN, "the history has no text of %s for a build %s", f->name, build);
	if (e) {
		free(s.copy.text);
		return e;
	}
	*text = s.copy.text;
	*line = s.copy.line;
	return NULL;
}

static void copy_version(void *context, const struct history_version *v)
{
	struct version_copy *copy = context;

	copy->text = strdup(v->text);
	copy->line = (unsigned)v->line;
}

struct built_copy {
	struct version_copy copy;
	const char *flags; /* that the file was read with now; NULL: they are no matter */
	bool others;       /* it was read with other ones then */
};

static void copy_built(void *context, const struct history_version *v)
{
	struct built_copy *built = context;

	copy_version(&built->copy, v);
	built->others = built->flags && *v->flags && strcmp(v->flags, built->flags) != 0;
}

/* A run before this one, of the very same build, has stored what was built, perhaps before the file was edited. Not taken, and
 * `renews` set: what it read with other flags than these, which may be NULL. */
static bool take_built_before(struct live *l, struct live_function *f, const char *flags)
{
	struct built_copy built = {.flags = flags};

	if (!f->row)
		return false;
	error_free(history_find(live_history(l), f->row, 0, copy_built, &built));
	f->renews = built.copy.text && *built.copy.text && built.others;
	if (built.copy.text && *built.copy.text && !built.others) {
		f->built_text = built.copy.text;
		f->built_line = built.copy.line;
		return true;
	}
	free(built.copy.text);
	return false;
}

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

enum texts_age texts_age_of(struct live *l, const struct target_unit *unit, struct timespec modified)
{
	struct timespec built;
	bool known = unit && target_built(live_target(l), unit, &built);

	if (known && ns_of(modified) <= ns_of(built))
		return TEXTS_AS_BUILT;
	if (ns_of(modified) > live_reading(l)->followed)
		return TEXTS_MISSED;
	return known && ns_of(modified) <= live_reading(l)->started ? TEXTS_NEWER : TEXTS_AS_BUILT;
}

enum texts_age texts_age(struct live *l, const struct source *s)
{
	return texts_age_of(l, s->unit, s->modified);
}

struct step {
	struct version_copy copy;
	int parent;
	bool of_file;
};

static void copy_step(void *context, const struct history_version *v)
{
	struct step *step = context;

	copy_version(&step->copy, v);
	step->parent = v->parent;
	step->of_file = strcmp(v->origin, "file") == 0;
}

bool texts_missed(struct live *l, struct live_function *f)
{
	char *text;
	unsigned line;
	bool found = false, last = !f->row;

	struct error *e = texts_of_file(l, f, &text, &line);
	if (e) {
		error_free(e); /* it does not define the function any more */
		return false;
	}
	/* What was live was made from what the file said; an edit at the console changes no file. */
	for (int number = live_plain(f); !found && !last;) {
		struct step step = {0};
		e = history_find(live_history(l), f->row, number, copy_step, &step);
		found = !e && step.copy.text && texts_say(text, step.copy.text);
		last = e || number == 0 || step.of_file;
		number = step.parent;
		free(step.copy.text);
		error_free(e);
	}
	free(text);
	return !found;
}

/* Keeps what was built before the file can change: for every function of the unit, once. */
struct error *texts_see_unit(struct live *l, const struct target_unit *unit)
{
	struct source *source;

	struct error *e = sources_find(live_host(l)->sources, unit, &source);
	if (e)
		return e;
	enum texts_age age = texts_age(l, source);
	char *flags = age == TEXTS_AS_BUILT ? words_join(source->flags.argv) : NULL;
	for (size_t i = 0; i < live_count(l); i++) {
		struct live_function *f = live_function(l, i);
		if (f->at.unit != unit || f->built_text)
			continue;
		if (take_built_before(l, f, flags))
			continue;
		f->unsure = age != TEXTS_AS_BUILT;
		if (age == TEXTS_MISSED)
			continue;
		e = source_function_text(source, &f->at, &f->built_text, &f->built_line);
		if (e && f->renews)
			take_built_before(l, f, NULL);
		error_free(e); /* its own file does not define it: told when somebody asks */
	}
	free(flags);
	return NULL;
}

/* Where the first one of a unit was inlined is known when all are. */
static bool stop(void *context, uint64_t address, const char *caller, const char *file, unsigned line)
{
	(void)context;
	(void)address;
	(void)caller;
	(void)file;
	(void)line;
	return false;
}

/* Its functions are listed, but no save of theirs and no definition can go live before that is mended. Of many sources that are
 * not there, as where a build makes them and removes them again, the first is told with what to do. */
static void note_unread(struct live *l, struct error *e)
{
	struct live_reading *reading = live_reading(l);

	if (!e)
		return;
	if (error_class(e) != ERROR_UNKNOWN || !reading->gone++)
		program_log(live_program(l), LOG_WARNING, "%s", error_message(e));
	if (!reading->unread)
		reading->unread = strdup(error_message(e));
	error_free(e);
}

static void tell_gone(struct live *l)
{
	struct live_reading *reading = live_reading(l);

	if (reading->gone < 2)
		return;
	program_log(live_program(l), LOG_WARNING, "%zu more %s cannot be found either", reading->gone - 1,
		    reading->gone == 2 ? "source" : "sources");
	reading->gone = 1;
}

/* A unit that has functions behind `at` which were not seen yet. Those of a unit mostly stand in a row. */
static const struct target_unit *next_unit(struct live *l, size_t *at)
{
	const struct sources *sources = live_host(l)->sources;
	const struct target_unit *last = *at ? live_function(l, *at - 1)->at.unit : NULL;

	while (*at < live_count(l)) {
		const struct live_function *f = live_function(l, (*at)++);
		if (f->at.unit && f->at.unit != last && !f->built_text &&
		    !sources_is_put_off(sources, f->at.unit))
			return f->at.unit;
		last = f->at.unit;
	}
	return NULL;
}

/* As many preprocessors as there are processors, this one's among them. */
static void begin_next(struct live *l, size_t at)
{
	for (size_t i = 1; i < sources_at_once(); i++)
		sources_begin(live_host(l)->sources, next_unit(l, &at));
}

static bool is_put_off(struct live *l, const struct live_function *f)
{
	return f->at.unit && sources_is_put_off(live_host(l)->sources, f->at.unit);
}

static bool is_newer(struct live *l, const struct live_function *f)
{
	if (!is_put_off(l, f))
		return f->unsure && f->built_text;
	const struct kept_file *kept = sources_kept(live_host(l)->sources, f->at.unit);
	return kept && texts_age_of(l, f->at.unit, kept->modified) == TEXTS_NEWER;
}

const char *texts_newer(struct live *l)
{
	for (size_t i = 0; i < live_count(l); i++)
		if (is_newer(l, live_function(l, i)))
			return live_function(l, i)->at.file;
	return NULL;
}

size_t texts_ahead(struct live *l)
{
	size_t at = live_reading(l)->ahead, count = 0;

	while (next_unit(l, &at))
		count++;
	return count;
}

/* The unit of the function, if it is the first of it to come by. */
static const struct target_unit *due_unit(struct live *l, size_t i)
{
	const struct live_function *f = live_function(l, i);
	bool same_as_before = i && live_function(l, i - 1)->at.unit == f->at.unit;

	return f->built_text || same_as_before || is_put_off(l, f) ? NULL : f->at.unit;
}

bool texts_wait(struct live *l)
{
	if (sources_are_asked(live_host(l)->sources))
		return true;
	size_t ahead = live_reading(l)->ahead;
	const struct target_unit *unit = ahead < live_count(l) ? due_unit(l, ahead) : NULL;

	return unit && sources_is_busy(live_host(l)->sources, unit);
}

bool texts_read_ahead(struct live *l)
{
	struct live_reading *reading = live_reading(l);

	while (reading->ahead < live_count(l)) {
		struct live_function *f = live_function(l, reading->ahead);
		const struct target_unit *unit = due_unit(l, reading->ahead);
		if (unit) {
			sources_begin(live_host(l)->sources, unit);
			begin_next(l, reading->ahead + 1);
			if (texts_wait(l))
				return true;
		}
		reading->ahead++;
		if (f->at.unit && f->at.unit->optimized && !is_put_off(l, f))
			target_each_inlined(live_target(l), &f->at, stop, NULL);
		if (!unit)
			continue;
		note_unread(l, texts_see_unit(l, unit));
		return true;
	}
	tell_gone(l);
	return false;
}

const char *texts_unread(struct live *l, size_t *count)
{
	const struct live_reading *reading = live_reading(l);

	*count = 0;
	for (size_t i = 0; i < reading->ahead; i++)
		*count += live_function(l, i)->at.unit && !live_function(l, i)->built_text &&
			  !is_put_off(l, live_function(l, i));
	return *count ? reading->unread : NULL;
}

/* Its file was read and did not define it, and may do so by now: that is another text than what was built, then. */
static struct error *why_no_text(struct live *l, const struct live_function *f)
{
	struct source *source;
	char *text;
	unsigned line;

	struct error *e = sources_find(live_host(l)->sources, f->at.unit, &source);
	if (!e)
		e = source_function_text(source, &f->at, &text, &line);
	if (e)
		return e;
	free(text);
	return error_new(ERROR_UNKNOWN,
			 "%s: what was built is not known: %s did not define it when it was first read",
			 f->name, text_base_name(f->at.file));
}

struct error *texts_no_version(const struct live_function *f, int number)
{
	if (number > 0 && number <= f->newest)
		return error_new(ERROR_UNKNOWN, "the history holds no version %d of %s any more", number,
				 f->name);
	if (f->newest == 0)
		return error_new(ERROR_UNKNOWN, "%s has no version %d: 0, which was built, is the only one",
				 f->name, number);
	if (f->versions <= f->newest)
		return error_new(ERROR_UNKNOWN, "%s has no version %d: its newest is %d", f->name, number,
				 f->newest);
	return error_new(ERROR_UNKNOWN, "%s has no version %d: it has 0 to %d", f->name, number, f->newest);
}

struct error *texts_of_version(struct live *l, struct live_function *f, int number, char **text,
			       unsigned *line)
{
	struct version_copy copy = {0};

	if (f->row && (number || !f->renews)) {
		struct error *e = history_find(live_history(l), f->row, number, copy_version, &copy);
		if (live_keeper(l)->lose(l, &e))
			e = f->row ? history_find(live_history(l), f->row, number, copy_version, &copy)
				   : error_new(ERROR_UNKNOWN, "no row");
		if (!e && !copy.text)
			return error_memory();
		/* A version 0 without a text was stored when its source could not be read: it may be there now. */
		if (!e && (number || *copy.text)) {
			*text = copy.text;
			*line = copy.line;
			return NULL;
		}
		free(copy.text);
		if (e && error_class(e) != ERROR_UNKNOWN)
			return e;
		error_free(e);
	}
	if (number != 0)
		return texts_no_version(f, number);
	if (!f->built_text) {
		struct error *e = texts_see_unit(l, f->at.unit);
		if (e)
			return error_context(e, "%s", f->name);
	}
	if (!f->built_text && f->unsure)
		return error_new(ERROR_UNKNOWN,
				 "%s: what was built is not known: %s was saved before it was first read",
				 f->name, text_base_name(f->at.file));
	if (!f->built_text)
		return why_no_text(l, f);
	*text = strdup(f->built_text);
	*line = f->built_line;
	return *text ? NULL : error_memory();
}

char *texts_signature(struct live *l, const struct live_function *f)
{
	struct source *source;
	unsigned nth;

	struct error *e = sources_find(live_host(l)->sources, f->at.unit, &source);
	if (e) {
		error_free(e);
		return NULL;
	}
	const struct index_declaration *d = source_definition(source, &f->at, &nth);
	return d ? index_head(source->index, d) : NULL;
}

/* A definition behind its linkage and decoration, which are the file's matter. */
static const char *bare_definition(const char *text)
{
	static const char *const words[] = {"REALTIMEFUNC", "static"};

	for (bool more = true; more;) {
		more = false;
		text += strspn(text, " \t\r\n");
		for (size_t i = 0; i < 2; i++) {
			size_t length = strlen(words[i]);
			if (strncmp(text, words[i], length) != 0 || !text[length] ||
			    !strchr(" \t\r\n", text[length]))
				continue;
			text += length;
			more = true;
			break;
		}
	}
	return text;
}

/* Whether `size` bytes of `text` end with the definition; lines may end in CR LF in one and not in the other. *before: what
 * stands before that. */
static bool ends_with(const char *text, size_t size, const char *definition, size_t *before)
{
	size_t length = strlen(definition);

	while (length) {
		if (!size || text[size - 1] != definition[length - 1])
			return false;
		bool newline = definition[--length] == '\n';
		size--;
		if (newline && length && definition[length - 1] == '\r')
			length--;
		if (newline && size && text[size - 1] == '\r')
			size--;
	}
	*before = size;
	return true;
}

bool texts_say(const char *file_text, const char *text)
{
	size_t before;

	if (!file_text || !text)
		return false;
	const char *definition = bare_definition(file_text);
	size_t whole = strlen(text);
	while (whole && strchr(" \t\r\n", text[whole - 1]))
		whole--;
	if (!*definition || !ends_with(text, whole, definition, &before))
		return false;
	/* Before it stand helpers, or nothing but decoration. */
	return !before || strchr(" \t\r\n", text[before - 1]);
}

/* The text's tokens, a blank before and behind each: comments and spaces do not count. NULL without memory. */
static char *tokens_text(const char *text)
{
	struct token_reader r;
	struct token t;
	struct text plain = {0};

	token_reader_init(&r, text, (uint32_t)strlen(text));
	text_puts(&plain, " ");
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		text_printf(&plain, "%.*s ", (int)(t.end - t.begin), text + t.begin);
	return text_take(&plain);
}

bool texts_mean(const char *file_text, const char *text)
{
	if (texts_say(file_text, text))
		return true;
	if (!file_text || !text)
		return false;
	char *definition = tokens_text(bare_definition(file_text)), *whole = tokens_text(text);
	size_t size = definition ? strlen(definition) : 0, all = whole ? strlen(whole) : 0;
	bool same = size > 1 && all >= size && memcmp(whole + all - size, definition, size) == 0;
	free(definition);
	free(whole);
	return same;
}

char *texts_known_signature(struct live *l, const struct live_function *f)
{
	struct text form = {0}, spelling = {0};

	if (!f->at.unit || sources_has(live_host(l)->sources, f->at.unit))
		return texts_signature(l, f);
	struct kept_file *kept = sources_kept(live_host(l)->sources, f->at.unit);
	char *head = kept && strcmp(kept->path, f->at.file) == 0
			     ? heading_find(kept->bytes, kept->size, f->at.name, kept_line(kept, f->at.line))
			     : NULL;
	if (head)
		return head;
	target_find_form(live_target(l), f->at.unit, f->at.name, &form, &spelling);
	text_fini(&form);
	return text_take(&spelling);
}

/* Of a function that runs what was built, and whose source is still to be read. */
static enum texts_state unread_state(struct live *l, const struct live_function *f)
{
	const struct kept_file *kept = sources_kept(live_host(l)->sources, f->at.unit);
	bool other = kept && texts_age_of(l, f->at.unit, kept->modified) != TEXTS_AS_BUILT;

	return other || f->unsure ? TEXTS_OUT_OF_SYNC : TEXTS_BUILT;
}

enum texts_state texts_state(struct live *l, struct live_function *f)
{
	char *file_text = NULL, *live_text = NULL, *built_text = NULL;
	unsigned line;

	if (f->refused)
		return TEXTS_REFUSED;
	int number = live_plain(f);
	if (number == 0 && f->at.unit && !sources_has(live_host(l)->sources, f->at.unit))
		return unread_state(l, f);
	if (number == 0 && f->unsure)
		return TEXTS_OUT_OF_SYNC;
	if (number == 0 && !f->built_text)
		return TEXTS_BUILT; /* never looked at: nothing is known against it */
	struct error *e = texts_of_file(l, f, &file_text, &line);
	if (!e)
		e = texts_of_version(l, f, number, &live_text, &line);
	bool same = texts_mean(file_text, live_text);
	if (!e && !same) /* an engine before this one may have seen what was built, and this one not yet */
		e = texts_of_version(l, f, 0, &built_text, &line);
	bool unknown = e != NULL;
	error_free(e);
	enum texts_state state = number ? TEXTS_LIVE : TEXTS_BUILT;
	if (!unknown && same)
		state = number ? TEXTS_SAVED : TEXTS_BUILT;
	else if (!unknown && *built_text && !texts_mean(file_text, built_text))
		state = TEXTS_OUT_OF_SYNC;
	free(file_text);
	free(live_text);
	free(built_text);
	return state;
}

const char *texts_state_name(enum texts_state state)
{
	static const char *const names[] = {"built", "live", "saved", "out-of-sync", "refused"};

	return names[state];
}

struct error *texts_store_built(struct live *l, struct live_function *f)
{
	struct history_function key = live_key(f);
	char *text = NULL;
	unsigned line = 0;

	if (!f->row) {
		struct error *e = history_function_id(live_history(l), &key, &f->row);
		if (e)
			return e;
	}
	if (!f->built_text)
		error_free(texts_see_unit(l, f->at.unit));
	if (f->built_text && !f->unsure) {
		text = f->built_text;
		line = f->built_line;
	}
	struct source *source = NULL;
	if (text && f->at.unit && sources_has(live_host(l)->sources, f->at.unit))
		error_free(sources_find(live_host(l)->sources, f->at.unit, &source));
	char *flags = source ? words_join(source->flags.argv) : NULL;
	struct history_version built = {.function = f->row,
					.text = text ? text : "",
					.slice_hash = "",
					.compiler = f->at.unit && f->at.unit->producer ? f->at.unit->producer
										       : "",
					.flags = flags ? flags : "",
					.user = "",
					.note = "",
					.file = f->at.file ? f->at.file : "",
					.line = (int)line};
	struct error *e = history_add_built(live_history(l), &built);
	if (!e && f->renews && text)
		e = history_renew_built(live_history(l), &built);
	if (!e)
		f->renews = false;
	free(flags);
	return e;
}

struct error *texts_slice(struct live *l, struct live_function *f, char **text)
{
	struct build build = {0};
	char *live_text = NULL;
	unsigned line;

	struct error *e = texts_of_version(l, f, f->live, &live_text, &line);
	if (e)
		return e;
	struct build_request request = live_request(f, live_text, strlen(live_text), line);
	e = build_check(live_host(l), &request, &build);
	if (!e) {
		*text = strdup(build.slice.text);
		if (!*text)
			e = error_memory();
	}
	build_fini(&build);
	free(live_text);
	return e;
}
