#include "follow.h"
#include "text.h"
#include "watch.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct follow {
	struct live *live;
	struct watch *watch;
	void (*tell)(void *context, const struct follow_news *);
	void *context;
	char *user;
	bool on;
	struct source **known; /* whose files are watched, with the index they were learnt from */
	size_t known_count;
};

/* Names of a source that one index declares otherwise than the other. A table by spelling. */
struct names {
	struct name {
		char *text;   /* NULL: free */
		uint64_t sum; /* of the hashes of its declarations, old ones added, new ones taken off: 0 if they are the same */
	} *items;
	size_t count, room;
	bool failed;
};

/* A function that the save may have changed, with its text in the new file. */
struct candidate {
	struct live_function *function;
	char *text;
	unsigned line;
	char identity[33];
};

struct candidates {
	struct candidate *items;
	size_t count, room;
	bool failed;
};

struct error *follow_new(struct live *live, void (*tell)(void *context, const struct follow_news *), void *context,
			 struct follow **out)
{
	struct follow *f = calloc(1, sizeof(*f));
	struct passwd *entry = getpwuid(geteuid());

	if (!f)
		return error_memory();
	f->live = live;
	f->tell = tell;
	f->context = context;
	f->on = true;
	f->user = strdup(entry ? entry->pw_name : "");
	struct error *e = f->user ? watch_new(&f->watch) : error_memory();
	if (e) {
		follow_free(f);
		return e;
	}
	sources_set_followed(live_host(live)->sources, true);
	*out = f;
	return NULL;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	watch_free(f->watch);
	free(f->known);
	free(f->user);
	free(f);
}

void follow_set(struct follow *f, bool on)
{
	f->on = on;
	sources_set_followed(live_host(f->live)->sources, on);
}

bool follow_is_on(const struct follow *f)
{
	return f->on;
}

int follow_fd(const struct follow *f)
{
	return watch_fd(f->watch);
}

int64_t follow_deadline(const struct follow *f)
{
	return watch_deadline(f->watch);
}

/* --- which files ------------------------------------------------------------------------------------------------ */

/* The system's headers do not change while one edits. */
static bool is_system_file(const char *path)
{
	return *path == '<' || strncmp(path, "/usr/include/", 13) == 0 || strncmp(path, "/usr/lib/", 9) == 0;
}

/* A name from a line marker, which may be relative to the folder the compiler ran in. */
static char *absolute(const struct source *s, const char *file)
{
	char *path = NULL;

	if (*file == '/')
		return strdup(file);
	return asprintf(&path, "%s/%s", s->flags.directory, file) < 0 ? NULL : path;
}

static void watch_source(struct follow *f, const struct source *s)
{
	error_free(watch_add(f->watch, s->unit->file));
	for (uint32_t i = 0; i < s->index->file_count; i++) {
		char *path = is_system_file(s->index->files[i]) ? NULL : absolute(s, s->index->files[i]);
		if (path)
			error_free(watch_add(f->watch, path));
		free(path);
	}
}

static bool learn_source(void *context, struct source *s)
{
	struct follow *f = context;

	for (size_t i = 0; i < f->known_count; i++)
		if (f->known[i] == s)
			return true;
	void *more = realloc(f->known, (f->known_count + 1) * sizeof(*f->known));
	if (!more)
		return true;
	f->known = more;
	f->known[f->known_count++] = s;
	watch_source(f, s);
	return true;
}

void follow_learn(struct follow *f)
{
	sources_each(live_host(f->live)->sources, learn_source, f);
}

/* --- one function's body ----------------------------------------------------------------------------------------- */

/* What differs between two texts: [begin, old_end) became [begin, new_end). */
struct difference {
	size_t begin, old_end, new_end;
};

static struct difference compare_texts(const char *old, size_t old_size, const char *new, size_t new_size)
{
	size_t begin = 0, tail = 0, shorter = old_size < new_size ? old_size : new_size;

	while (begin < shorter && old[begin] == new[begin])
		begin++;
	while (tail < shorter - begin && old[old_size - 1 - tail] == new[new_size - 1 - tail])
		tail++;
	return (struct difference){begin, old_size - tail, new_size - tail};
}

/* Whether the text can stand in a body without meaning anything to the rest of the file: its brackets close what they
 * open, no literal or comment runs on, no preprocessor line is in it. */
static bool is_closed(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;
	int depth = 0;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE || t.unterminated)
			return false;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			depth++;
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '}' && --depth < 0)
			return false;
	}
	return depth == 0 && !t.unterminated;
}

static size_t body_begin(const char *text, size_t size)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_PUNCTUATOR && t.first == '{')
			return t.end;
	return size;
}

/* The decorated function of the source that alone holds the difference in its body; NULL if it is not that simple. */
static struct live_function *find_edited_body(struct follow *f, const struct source *s, const char *new,
					      struct difference difference, uint32_t *begin, uint32_t *end)
{
	for (size_t i = 0; i < live_count(f->live); i++) {
		struct live_function *function = live_function(f->live, i);
		unsigned nth;
		uint32_t line;
		if (function->at.unit != s->unit)
			continue;
		const struct index_declaration *d = source_definition(s, &function->at, &nth);
		if (!d || d->is_inline || !index_source_range(s->index, d, begin, end, &line))
			continue;
		if (difference.begin < *begin || difference.old_end >= *end)
			continue;
		const char *old = s->index->source;
		size_t new_end = *end - difference.old_end + difference.new_end;
		size_t inside = *begin + body_begin(old + *begin, *end - *begin);
		bool simple = difference.begin >= inside && is_closed(old + *begin, *end - *begin) &&
			      is_closed(new + *begin, new_end - *begin) && new[new_end - 1] == '}';
		return simple ? function : NULL;
	}
	return NULL;
}

/* --- two indexes of one file ------------------------------------------------------------------------------------- */

static struct name *find_name(const struct names *n, const char *text)
{
	size_t at = (size_t)text_hash(TEXT_HASH_SEED, text, strlen(text)) & (n->room - 1);

	while (n->items[at].text && strcmp(n->items[at].text, text) != 0)
		at = (at + 1) & (n->room - 1);
	return &n->items[at];
}

static bool grow_names(struct names *n)
{
	struct names bigger = {.room = n->room ? n->room * 2 : 1024};

	if (n->count * 2 < n->room)
		return true;
	bigger.items = calloc(bigger.room, sizeof(*bigger.items));
	if (!bigger.items)
		return false;
	for (size_t i = 0; i < n->room; i++)
		if (n->items[i].text)
			*find_name(&bigger, n->items[i].text) = n->items[i];
	bigger.count = n->count;
	free(n->items);
	*n = bigger;
	return true;
}

static void add_name(struct names *n, const char *text, uint64_t hash)
{
	if (!grow_names(n)) {
		n->failed = true;
		return;
	}
	struct name *name = find_name(n, text);
	if (!name->text) {
		name->text = strdup(text);
		n->failed |= !name->text;
		n->count += name->text != NULL;
	}
	name->sum += hash;
}

static void names_fini(struct names *n)
{
	for (size_t i = 0; i < n->room; i++)
		free(n->items[i].text);
	free(n->items);
}

static void count_name(struct names *n, const char *name, size_t length, uint64_t hash)
{
	char text[300];

	if (length >= sizeof(text))
		return;
	memcpy(text, name, length);
	text[length] = '\0';
	add_name(n, text, hash);
}

/* The kind is left out: what stands under a spelling matters, in whatever name space. */
static void count_old(void *context, const char *kind, const char *name, size_t length, uint64_t hash)
{
	(void)kind;
	count_name(context, name, length, hash);
}

static void count_new(void *context, const char *kind, const char *name, size_t length, uint64_t hash)
{
	(void)kind;
	count_name(context, name, length, -hash);
}

static bool has_changed(const struct names *n, const char *name, size_t length)
{
	char text[300];

	if (!n->room || length >= sizeof(text))
		return length >= sizeof(text);
	memcpy(text, name, length);
	text[length] = '\0';
	const struct name *found = find_name(n, text);
	return found->text && found->sum;
}

static bool names_any(const struct names *n, const char *text, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, end);
	r.at = begin;
	r.line_start = false;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_NAME && has_changed(n, text + t.begin, t.end - t.begin))
			return true;
		if (t.kind == TOKEN_DIRECTIVE && names_any(n, text, t.begin + 1, t.end))
			return true;
	}
	return false;
}

/* What names something that changed has changed too, so far as that matters to others: until nothing is added. A
 * decorated function's body matters to nobody else. */
static void spread(struct names *n, const struct index *ix, struct follow *f)
{
	bool more = true;

	for (int pass = 0; more && pass < 64 && !n->failed; pass++) {
		more = false;
		for (uint32_t i = 0; i < ix->macro_count; i++) {
			const struct index_macro *m = &ix->macros[i];
			const char *name = ix->text + m->name_begin;
			size_t length = m->name_end - m->name_begin;
			if (m->builtin || has_changed(n, name, length) || !names_any(n, ix->text, m->body_begin, m->end))
				continue;
			count_name(n, name, length, 1);
			more = true;
		}
		for (uint32_t i = 0; i < ix->declaration_count; i++) {
			const struct index_declaration *d = &ix->declarations[i];
			uint32_t end = d->end;
			if (d->kind == DECLARATION_FUNCTION && d->name_end > d->name_begin) {
				const struct index_name *name = &ix->names[d->name_end - 1];
				char text[300];
				struct live_function *function = NULL;
				snprintf(text, sizeof(text), "%.*s", (int)(name->end - name->begin), ix->text + name->begin);
				struct error *e = live_find(f->live, text, ix->file, &function);
				bool decorated = !e || error_class(e) == ERROR_AMBIGUOUS;
				error_free(e);
				if (decorated)
					end = d->body;
			}
			bool named = false;
			for (uint32_t k = d->name_begin; k < d->name_end; k++) {
				const struct index_name *name = &ix->names[k];
				if (name->kind == NAME_MEMBER || name->kind == NAME_TAG_FORWARD ||
				    has_changed(n, ix->text + name->begin, name->end - name->begin))
					continue;
				if (!named && !(named = names_any(n, ix->text, d->begin, end)))
					break;
				count_name(n, ix->text + name->begin, name->end - name->begin, 1);
				more = true;
			}
		}
	}
}

/* --- what a save changed ----------------------------------------------------------------------------------------- */

static struct error *identity_of(struct follow *f, const struct live_function *function, const char *text, unsigned line,
				 char identity[33])
{
	struct build_request request = {.function = &function->at,
					.arena = function->arena,
					.text = text,
					.size = strlen(text),
					.file = function->at.file,
					.line = line};

	return build_identity(live_host(f->live), &request, identity);
}

/* The identity of what the file said so far, before its index is replaced. */
static struct error *remember_identity(struct follow *f, struct live_function *function)
{
	char *text;
	unsigned line;

	if (*function->identity)
		return NULL;
	struct error *e = live_file_text(f->live, function, &text, &line);
	if (e)
		return e;
	e = identity_of(f, function, text, line, function->identity);
	free(text);
	return e;
}

static void add_candidate(struct candidates *c, struct live_function *function)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].function == function)
			return;
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 16;
		void *more = realloc(c->items, room * sizeof(*c->items));
		if (!more) {
			c->failed = true;
			return;
		}
		c->items = more;
		c->room = room;
	}
	c->items[c->count++] = (struct candidate){.function = function};
}

static void candidates_fini(struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->items[i].text);
	free(c->items);
}

/* The file in the small way: true if that was all there is to it. */
static bool take_body(struct follow *f, struct source *s, struct candidates *c, struct error **e)
{
	size_t size;
	uint32_t begin, end;
	unsigned nth;
	char *text = text_read_file(s->unit->file, &size);

	if (!text || !s->index->source)
		goto no;
	struct difference difference = compare_texts(s->index->source, s->index->source_size, text, size);
	if (difference.begin == difference.old_end && difference.begin == difference.new_end) {
		free(text);
		return true; /* the same bytes again */
	}
	struct live_function *function = find_edited_body(f, s, text, difference, &begin, &end);
	if (!function)
		goto no;
	*e = remember_identity(f, function);
	if (*e)
		goto no;
	if (!index_edit_body(s->index, source_definition(s, &function->at, &nth), text, size))
		goto no;
	add_candidate(c, function);
	free(text);
	return true;
no:
	free(text);
	return false;
}

/* Every decorated function of the unit that may be another one in the new index. */
static struct error *find_candidates(struct follow *f, struct source *s, const struct index *fresh, struct candidates *c)
{
	struct names changed = {0};
	struct error *e = NULL;

	index_each_identity(s->index, count_old, &changed);
	index_each_identity(fresh, count_new, &changed);
	spread(&changed, fresh, f);
	for (size_t i = 0; i < live_count(f->live) && !e && !changed.failed; i++) {
		struct live_function *function = live_function(f->live, i);
		if (function->at.unit != s->unit)
			continue;
		const struct index_declaration *d = index_find_function(fresh, function->at.name, 0);
		const char *name = function->at.name;
		bool affected = function->refused || !d || has_changed(&changed, name, strlen(name)) ||
				names_any(&changed, fresh->text, d->begin, d->end);
		/* A macro may have changed that the preprocessed body no longer shows. */
		uint32_t begin, end, line;
		if (!affected && index_source_range(fresh, d, &begin, &end, &line))
			affected = names_any(&changed, fresh->source, begin, end);
		if (!affected)
			continue;
		e = remember_identity(f, function);
		if (e && error_class(e) == ERROR_UNKNOWN) {
			error_free(e); /* the file had no such function before either */
			e = NULL;
		}
		if (!e)
			add_candidate(c, function);
	}
	if (!e && (changed.failed || c->failed))
		e = error_memory();
	names_fini(&changed);
	return e;
}

static struct error *take_file(struct follow *f, struct source *s, struct candidates *c)
{
	struct index *fresh;

	struct error *e = index_new(s->unit->file, &s->flags, &fresh);
	if (e)
		return e;
	e = find_candidates(f, s, fresh, c);
	if (e) {
		index_free(fresh);
		return e;
	}
	e = source_replace(s, fresh);
	if (!e)
		watch_source(f, s); /* it may include more now */
	return e;
}

static void tell(struct follow *f, const char *kind, const char *file, const struct change_outcome *outcome,
		 const char *message, int64_t since)
{
	struct follow_news news = {kind, file, outcome, message, build_now_us() - since};

	f->tell(f->context, &news);
}

/* The new text of every candidate; those that are what they were are dropped. */
static struct error *keep_changed(struct follow *f, struct candidates *c, const char *file, int64_t since)
{
	size_t kept = 0;
	struct error *e = NULL;

	for (size_t i = 0; i < c->count; i++) {
		struct candidate *k = &c->items[i];
		if (!e)
			e = live_file_text(f->live, k->function, &k->text, &k->line);
		if (e && error_class(e) == ERROR_UNKNOWN) {
			/* Deleted, renamed or hidden by an #if: what runs goes on. */
			if (!k->function->refused)
				tell(f, "gone", file, NULL, error_message(e), since);
			error_free(e);
			e = NULL;
			continue;
		}
		if (!e)
			e = identity_of(f, k->function, k->text, k->line, k->identity);
		if (!e && strcmp(k->identity, k->function->identity) != 0) {
			c->items[kept++] = *k;
			continue;
		}
		k->function->refused = false;
		free(k->text);
		k->text = NULL;
	}
	c->count = kept;
	return e;
}

static void apply(struct follow *f, struct candidates *c, const char *file, int64_t since)
{
	struct change_request request = {.origin = "file", .user = f->user};
	struct change_outcome outcome = {0};
	struct change_text *texts = calloc(c->count + 1, sizeof(*texts));

	for (size_t i = 0; texts && i < c->count; i++)
		texts[i] = (struct change_text){c->items[i].function, c->items[i].text, strlen(c->items[i].text),
						c->items[i].line};
	struct error *e = texts ? change_texts(f->live, texts, c->count, &request, &outcome) : error_memory();
	for (size_t i = 0; i < c->count; i++) {
		struct live_function *function = c->items[i].function;
		function->refused = e != NULL;
		if (!e)
			memcpy(function->identity, c->items[i].identity, sizeof(function->identity));
		else if (function->row)
			error_free(history_event(live_history(f->live), "refused", function->row, -1, f->user, error_message(e)));
	}
	tell(f, e ? "refused" : "live", file, &outcome, e ? error_message(e) : NULL, since);
	error_free(e);
	change_outcome_fini(&outcome);
	free(texts);
}

static bool includes(const struct source *s, const char *path)
{
	if (strcmp(s->unit->file, path) == 0)
		return true;
	for (uint32_t i = 0; i < s->index->file_count; i++) {
		char *file = absolute(s, s->index->files[i]);
		bool same = file && strcmp(file, path) == 0;
		free(file);
		if (same)
			return true;
	}
	return false;
}

/* A file that is empty or gone is being written or moved: what follows is the save. */
static bool is_there(const char *path)
{
	size_t size = 0;
	char *text = text_read_file(path, &size);
	bool there = text && size;

	free(text);
	return there;
}

/* All files that were saved together are one change. */
static void take_saves(struct follow *f, const char **paths, int64_t since)
{
	struct candidates c = {0};
	struct error *e = NULL;

	for (size_t i = 0; i < f->known_count; i++) {
		struct source *s = f->known[i];
		bool only_itself = true, touched = false;
		for (const char **p = paths; *p; p++) {
			if (!is_there(*p) || !includes(s, *p))
				continue;
			touched = true;
			only_itself &= strcmp(*p, s->unit->file) == 0;
		}
		if (!touched || (only_itself && take_body(f, s, &c, &e)))
			continue;
		if (!e)
			e = take_file(f, s, &c);
		if (e) {
			tell(f, "refused", s->unit->file, NULL, error_message(e), since);
			error_free(e);
			e = NULL;
		}
	}
	/* What was refused before is part of every save until it heals. */
	for (size_t i = 0; i < live_count(f->live); i++)
		if (live_function(f->live, i)->refused)
			add_candidate(&c, live_function(f->live, i));
	size_t touched = c.count;
	e = c.failed ? error_memory() : keep_changed(f, &c, paths[0], since);
	if (e)
		tell(f, "refused", paths[0], NULL, error_message(e), since);
	else if (c.count)
		apply(f, &c, paths[0], since);
	else if (touched)
		tell(f, "unchanged", paths[0], NULL, NULL, since);
	error_free(e);
	candidates_fini(&c);
}

void follow_serve(struct follow *f)
{
	int64_t since = build_now_us();

	watch_read(f->watch);
	const char **paths = watch_take(f->watch);
	if (paths && *paths && f->on)
		take_saves(f, paths, since);
	free(paths);
}
