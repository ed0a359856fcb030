#include "timeline.h"
#include "log.h"
#include "lookup.h"
#include "record.h"
#include "show.h"
#include "texts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOTHING "nothing of that kind is in the history\n"

enum { LOG_LIMIT = 100, BUILDS_MAX = 64 };

/* --- what is wanted ---------------------------------------------------------------------------------------------- */

struct wanted {
	struct live_function *function; /* NULL: all */
	struct log_filter filter;
	char since[40];
	bool events;
	bool all; /* versions that only watched, too */
};

/* `90s`, `10m`, `2h`, `3d` ago, or a time in UTC, whole or its beginning. */
static struct error *parse_since(const char *word, char since[40])
{
	static const struct {
		char unit;
		long seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	long n = strtol(word, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end == word || *end != units[i].unit || end[1] || n < 0 || n > 100000000)
			continue;
		time_t then = time(NULL) - n * units[i].seconds;
		struct tm utc;
		if (!gmtime_r(&then, &utc) || !strftime(since, 40, "%Y-%m-%dT%H:%M:%S", &utc))
			break;
		return NULL;
	}
	int year, month, day, used = 0;
	if (sscanf(word, "%4d-%2d-%2d%n", &year, &month, &day, &used) == 3 && used == 10 &&
	    strlen(word) < 40 && (!word[used] || word[used] == 'T')) {
		snprintf(since, 40, "%s", word);
		return NULL;
	}
	return error_new(
		ERROR_USAGE,
		"%s is no time: 90s, 10m, 2h and 3d are ago; 2026-01-31 and 2026-01-31T14:30 are UTC", word);
}

static struct error *parse_option(struct call *c, size_t *i, struct wanted *w)
{
	const char *word = c->words[*i], *value = *i + 1 < c->count ? c->words[*i + 1] : NULL;
	int number;

	if (strcmp(word, "--events") == 0 || strcmp(word, "--faults") == 0) {
		w->events = true;
		if (word[2] == 'f')
			w->filter.kind = "fault";
		return NULL;
	}
	if (strcmp(word, "--all") == 0) {
		w->all = true;
		return NULL;
	}
	if (!value)
		return error_new(ERROR_USAGE, "\\log %s needs a value", word);
	++*i;
	if (strcmp(word, "--user") == 0) {
		w->filter.user = value;
		return NULL;
	}
	if (strcmp(word, "--since") == 0) {
		w->filter.since = w->since;
		return parse_since(value, w->since);
	}
	struct error *e = call_number(value, &number);
	if (!e && number == 0)
		e = error_new(ERROR_USAGE, "\\log %s 0 would show nothing", word);
	if (!e && strcmp(word, "-n") == 0)
		w->filter.limit = number;
	else if (!e)
		w->filter.before = number;
	return e;
}

static bool is_option(const char *word)
{
	static const char *const options[] = {"-n",    "--before", "--since", "--user",
					      "--all", "--faults", "--events"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(word, options[i]) == 0)
			return true;
	return false;
}

static struct error *parse(struct call *c, struct wanted *w)
{
	struct error *e = NULL;

	*w = (struct wanted){.filter = {.limit = LOG_LIMIT}};
	for (size_t i = 0; i < c->count && !e; i++) {
		if (is_option(c->words[i]))
			e = parse_option(c, &i, w);
		else if (*c->words[i] == '-' || w->function)
			e = error_new(
				ERROR_USAGE,
				"\\log takes a NAME and -n COUNT, --before N, --since TIME, --user USER, "
				"--all, --faults, --events; not %s",
				c->words[i]);
		else
			e = lookup_find(c->live, c->words[i], c->state->file, &w->function);
	}
	w->filter.function = w->function ? w->function->row : 0;
	return e;
}

/* --- versions ---------------------------------------------------------------------------------------------------- */

/* What compiled the optimised code of a function: the program's own compiler. */
static const char *own_compiler(const struct live *l, const struct live_function *f)
{
	struct source *source;

	struct error *e = sources_find(live_host(l)->sources, f->at.unit, &source);
	const char *name = e ? "cc" : source->flags.argv[0];
	error_free(e);
	return name;
}

/* Whether it is not what another build was made from, which has the same number: 0. */
static bool is_own(const struct live *l, const char *build_id)
{
	return !build_id || strcmp(build_id, target_build_id(live_target(l))) == 0;
}

static const char *build_of(const json_t *row)
{
	return json_string_value(json_object_get(row, "build_id"));
}

static json_t *version_json(const struct live *l, const struct live_function *f, const char *name,
			    const char *file, const struct history_version *v)
{
	json_t *parent = v->parent < 0 ? json_null() : json_integer(v->parent);
	const struct live_version *loaded = f ? live_in_memory(f, v->number) : NULL;
	bool optimised = loaded && loaded->optimised;

	json_t *row = json_pack("{s:s, s:i, s:o, s:s, s:s, s:s, s:s, s:b, s:s, s:I}", "function", name,
				"version", v->number, "parent", parent, "origin", v->origin, "user", v->user,
				"time", v->time ? v->time : "", "backend", optimised ? "cc" : v->backend,
				"live", f && f->live == v->number && is_own(l, v->build_id), "note", v->note,
				"id", (json_int_t)v->id);
	json_object_set_new(row, "file", show_string(file ? file : ""));
	if (v->build_id)
		json_object_set_new(row, "build_id", json_string(v->build_id));
	const char *compiler = optimised ? own_compiler(l, f) : v->compiler;
	json_object_set_new(row, "compiler", json_string(compiler ? compiler : ""));
	if (optimised)
		json_object_set_new(row, "optimised", json_true());
	return row;
}

struct collecting {
	struct call *call;
	struct wanted *wanted;
	json_t *rows;
	int64_t *functions;      /* rows' function in the history, as many as there are */
	char *texts[BUILDS_MAX]; /* of other builds, that were added */
	size_t text_count;
};

static bool add_version(void *context, const struct history_version *v, const struct history_function *key)
{
	struct collecting *k = context;
	const struct live_function *f =
		k->wanted->function ? k->wanted->function : live_by_row(k->call->live, v->function);

	int64_t *more = reallocarray(k->functions, json_array_size(k->rows) + 1, sizeof(*more));
	if (!more)
		return false;
	k->functions = more;
	more[json_array_size(k->rows)] = v->function;
	json_array_append_new(k->rows, version_json(k->call->live, f, key->name, key->file, v));
	return true;
}

/* What other builds were made from, each text once; or, if all are wanted, each build. */
static bool add_build(void *context, const struct history_version *v, const struct history_function *key)
{
	struct collecting *k = context;
	const char *built = k->wanted->function->built_text;

	if (k->wanted->filter.limit && json_array_size(k->rows) >= (size_t)k->wanted->filter.limit)
		return false;
	if (is_own(k->call->live, v->build_id) || (!k->wanted->all && built && strcmp(built, v->text) == 0))
		return true;
	for (size_t i = 0; i < k->text_count && !k->wanted->all; i++)
		if (strcmp(k->texts[i], v->text) == 0)
			return true;
	if (!k->wanted->all && k->text_count < BUILDS_MAX) {
		k->texts[k->text_count] = strdup(v->text);
		k->text_count += k->texts[k->text_count] != NULL;
	}
	return add_version(context, v, key);
}

/* Behind all others, if nothing else was asked for and there is room for more. */
static struct error *add_builds(struct collecting *k)
{
	const struct wanted *w = k->wanted;
	struct error *e = NULL;

	if (w->function && w->filter.function && !w->filter.since && !w->filter.user &&
	    json_array_size(k->rows) < (size_t)w->filter.limit)
		e = log_built(live_history(k->call->live), w->filter.function, add_build, k);
	while (k->text_count)
		free(k->texts[--k->text_count]);
	return e;
}

/* How often each version faulted goes to its row. */
static struct error *count_faults(struct history *h, const struct collecting *k)
{
	struct error *e = NULL;
	json_t *row;
	size_t i;

	json_array_foreach(k->rows, i, row) {
		int faults = 0;
		if (!is_own(k->call->live, build_of(row)))
			continue; /* its faults are not those of this one's version 0 */
		e = log_faults(h, k->functions[i], (int)json_integer_value(json_object_get(row, "version")),
			       &faults);
		if (e)
			break;
		if (faults)
			json_object_set_new(row, "faults", json_integer(faults));
	}
	return e;
}

static bool take_refusal(void *context, const struct log_event *event)
{
	json_t **out = context;

	*out = json_pack("{s:s, s:s}", "time", event->time, "message", event->detail ? event->detail : "");
	return false;
}

/* Why the file's last save is not live: in the row of what runs instead. */
static struct error *add_refusal(struct call *c, const struct wanted *w, json_t *rows)
{
	struct log_filter filter = {.function = w->function->row, .kind = "refused", .limit = 1};
	json_t *refusal = NULL, *row;
	size_t i;

	struct error *e = log_events(live_history(c->live), &filter, take_refusal, &refusal);
	if (e || !refusal)
		return e;
	json_array_foreach(rows, i, row)
		if (json_is_true(json_object_get(row, "live")))
			json_object_set(row, "refused", refusal);
	text_printf(&c->reply->text, "its file's last save was refused (%s): %s\n",
		    json_string_value(json_object_get(refusal, "time")),
		    json_string_value(json_object_get(refusal, "message")));
	json_decref(refusal);
	return NULL;
}

/* Whether a row is for programs alone, unless all were asked for: it was somebody's looking at another version, and is over. */
static bool is_folded(const struct wanted *w, json_t *row)
{
	static const char *const kinds[] = {"cover", "trace", "probe", "guard"};
	const char *origin = json_string_value(json_object_get(row, "origin"));

	if (w->all || json_is_true(json_object_get(row, "live")) || json_object_get(row, "faults") ||
	    *json_string_value(json_object_get(row, "note")))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strncmp(origin, kinds[i], 5) == 0 && (!origin[5] || origin[5] == '+'))
			return true;
	return false;
}

/* "3", "3 live"; "0.3f2a9c01" of another build. */
static void spell_version(const struct live *l, json_t *row, char *out, size_t size)
{
	const char *build = build_of(row);
	bool own = is_own(l, build);

	snprintf(out, size, "%lld%s%.8s%s", (long long)json_integer_value(json_object_get(row, "version")),
		 own ? "" : ".", own ? "" : build, json_is_true(json_object_get(row, "live")) ? " live" : "");
}

/* Its name or, where the program has several of that name, with the file before it; the row's or the function's. */
static const char *spelling_of(const struct live *l, const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "function"));
	const char *file = json_string_value(json_object_get(row, "file"));
	size_t count;
	struct live_function *const *named = live_named(l, name, &count);

	for (size_t i = 0; i < count && file; i++)
		if (named[i]->at.file && strcmp(named[i]->at.file, file) == 0)
			return named[i]->name;
	return name;
}

static void show_versions(struct call *c, const struct wanted *w, const json_t *rows)
{
	enum { COLUMNS = 8 };
	size_t count = json_array_size(rows), shown = 0, i;
	const char **cells = calloc((count + 1) * COLUMNS, sizeof(*cells));
	char(*strings)[3][300] = calloc(count + 1, sizeof(*strings));
	json_t *row;

	static const char *const heading[COLUMNS] = {"FUNCTION", "VERSION", "FROM",     "ORIGIN",
						     "USER",     "TIME",    "COMPILER", "NOTE"};
	if (cells && strings) {
		memcpy(cells, heading, sizeof(heading));
		json_array_foreach(rows, i, row) {
			if (is_folded(w, row))
				continue;
			json_t *parent = json_object_get(row, "parent");
			json_int_t faults = json_integer_value(json_object_get(row, "faults"));
			const char *note = json_string_value(json_object_get(row, "note"));
			char(*s)[300] = strings[i];
			spell_version(c->live, row, s[0], sizeof(s[0]));
			if (json_is_integer(parent))
				snprintf(s[1], sizeof(s[1]), "%lld", (long long)json_integer_value(parent));
			if (faults)
				snprintf(s[2], sizeof(s[2]), "faulted%s %s", faults > 1 ? " often" : "",
					 note);
			const char *line[COLUMNS] = {spelling_of(c->live, row),
						     s[0],
						     s[1],
						     json_string_value(json_object_get(row, "origin")),
						     json_string_value(json_object_get(row, "user")),
						     json_string_value(json_object_get(row, "time")),
						     json_string_value(json_object_get(row, "backend")),
						     faults ? s[2] : note};
			memcpy(&cells[++shown * COLUMNS], line, sizeof(line));
		}
		if (count)
			show_table(&c->reply->text, cells, shown + 1, COLUMNS, c->state->color);
		else
			text_puts(&c->reply->text, NOTHING);
		if (shown < count)
			text_printf(&c->reply->text, "and %zu that only watched: \\log --all has %s\n",
				    count - shown, count - shown == 1 ? "it" : "them");
	}
	free(cells);
	free(strings);
}

/* When the module that holds it was built, as far as that is known. */
static void built_at(const struct live *l, const struct live_function *f, char time[32])
{
	struct timespec built;
	struct tm utc;

	if (f->at.unit && target_built(live_target(l), f->at.unit, &built) && gmtime_r(&built.tv_sec, &utc) &&
	    strftime(time, 20, "%Y-%m-%dT%H:%M:%S", &utc))
		snprintf(time + 19, 13, ".%03dZ", (int)(built.tv_nsec / 1000000 % 1000));
}

static struct error *log_of_versions(struct call *c, struct wanted *w)
{
	struct collecting k = {.call = c, .wanted = w, .rows = c->reply->data};
	struct history *h = live_history(c->live);
	struct error *e = NULL;

	if (!w->function || w->filter.function)
		e = log_versions(h, &w->filter, add_version, &k);
	if (!e && w->function && json_array_size(k.rows) == 0 && !w->filter.before && !w->filter.since &&
	    !w->filter.user) {
		/* Never touched: what was built is all there is. */
		char time[32] = "";
		built_at(c->live, w->function, time);
		struct history_version built = {.parent = -1,
						.origin = "built",
						.user = "",
						.backend = "built",
						.note = "",
						.time = time,
						.build_id = target_build_id(live_target(c->live))};
		json_array_append_new(k.rows, version_json(c->live, w->function, w->function->at.name,
							   w->function->at.file, &built));
	}
	if (!e)
		e = add_builds(&k);
	if (!e && k.functions)
		e = count_faults(h, &k);
	free(k.functions);
	if (!e)
		show_versions(c, w, k.rows);
	if (!e && w->function && w->function->refused && w->function->row)
		e = add_refusal(c, w, k.rows);
	return e;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static bool add_event(void *context, const struct log_event *event)
{
	json_t *rows = context;
	json_t *row = json_pack("{s:I, s:s, s:s, s:I, s:s}", "id", (json_int_t)event->id, "time", event->time,
				"kind", event->kind, "pid", (json_int_t)event->pid, "user", event->user);

	json_object_set_new(row, "function", event->name ? json_string(event->name) : json_null());
	if (event->file)
		json_object_set_new(row, "file", show_string(event->file));
	json_object_set_new(row, "version", event->number >= 0 ? json_integer(event->number) : json_null());
	json_object_set_new(row, "detail", event->detail ? json_string(event->detail) : json_null());
	json_array_append_new(rows, row);
	return true;
}

static void show_events(struct call *c, const json_t *rows)
{
	json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		text_puts(&c->reply->text, NOTHING);
	json_array_foreach(rows, i, row) {
		const char *function = json_string_value(json_object_get(row, "function"));
		const char *detail = json_string_value(json_object_get(row, "detail"));
		json_t *version = json_object_get(row, "version");
		struct text *out = &c->reply->text;
		text_printf(out, "%s  %6lld  %-9s", json_string_value(json_object_get(row, "time")),
			    (long long)json_integer_value(json_object_get(row, "pid")),
			    json_string_value(json_object_get(row, "kind")));
		if (function) {
			text_printf(out, "  %s", spelling_of(c->live, row));
		}
		if (json_is_integer(version))
			text_printf(out, "@%lld", (long long)json_integer_value(version));
		if (detail)
			text_printf(out, "  %.*s%s", (int)strcspn(detail, "\n"), detail,
				    strchr(detail, '\n') ? " …" : "");
		if (*json_string_value(json_object_get(row, "user")))
			text_printf(out, "  (%s)", json_string_value(json_object_get(row, "user")));
		text_puts(out, "\n");
		if (strchr(detail ? detail : "", '\n') &&
		    strcmp(json_string_value(json_object_get(row, "kind")), "fault") == 0)
			text_printf(out, "%s\n", strchr(detail, '\n') + 1);
	}
}

static struct error *log_of_events(struct call *c, struct wanted *w)
{
	struct error *e = NULL;

	if (!w->function || w->filter.function)
		e = log_events(live_history(c->live), &w->filter, add_event, c->reply->data);
	if (!e)
		show_events(c, c->reply->data);
	return e;
}

static void tell_of_more(struct call *c, const struct wanted *w)
{
	size_t count = json_array_size(c->reply->data);
	json_t *last = count ? json_array_get(c->reply->data, count - 1) : NULL;
	bool by_number = w->function && !w->events;
	json_int_t mark = json_integer_value(json_object_get(last, by_number ? "version" : "id"));

	if (count < (size_t)w->filter.limit || mark <= 1)
		return;
	struct text *out = &c->reply->text;
	text_puts(out, "what is older: \\log");
	if (w->function) {
		text_printf(out, " %s", w->function->name);
	}
	text_printf(out, " --before %lld", (long long)mark);
	if (w->events)
		text_puts(out, w->filter.kind ? " --faults" : " --events");
	if (w->filter.since)
		text_printf(out, " --since %s", w->filter.since);
	if (w->filter.user)
		text_printf(out, " --user %s", w->filter.user);
	if (w->filter.limit != LOG_LIMIT)
		text_printf(out, " -n %d", w->filter.limit);
	text_puts(out, "\n");
}

static struct error *log_once(struct call *c, struct wanted *w)
{
	json_array_clear(c->reply->data);
	text_fini(&c->reply->text);
	return w->events ? log_of_events(c, w) : log_of_versions(c, w);
}

struct error *timeline_log(struct call *c)
{
	struct wanted w;
	struct error *e = parse(c, &w);

	if (e)
		return e;
	c->reply->data = json_array();
	e = log_once(c, &w);
	if (record_lose(c->live, &e)) {
		w.filter.function = w.function ? w.function->row : 0;
		e = log_once(c, &w);
	}
	if (!e)
		tell_of_more(c, &w);
	return e;
}

/* --- \diff ------------------------------------------------------------------------------------------------------- */

/* One side of a comparison. */
struct side {
	int number;     /* -1: the file */
	char build[64]; /* of version 0, if it is another build's */
	char name[300];
	char *text;
};

static struct error *parse_side(const struct call *c, const char *word, struct side *side)
{
	struct call_version v;

	if (strcmp(word, "file") == 0) {
		side->number = -1;
		return NULL;
	}
	if (strcmp(word, "built") == 0) {
		side->number = 0;
		return NULL;
	}
	struct error *e = call_version(c, word, &v);
	side->number = v.number;
	memcpy(side->build, v.build, sizeof(side->build));
	return e;
}

static struct error *read_side(struct call *c, struct live_function *f, struct side *side)
{
	unsigned line;

	if (side->number < 0) {
		snprintf(side->name, sizeof(side->name), "%s in %s", f->at.name, text_base_name(f->at.file));
		return texts_of_file(c->live, f, &side->text, &line);
	}
	if (*side->build) {
		char id[64];
		snprintf(side->name, sizeof(side->name), "%s@0.%s", f->name, side->build);
		return texts_of_build(c->live, f, side->build, &side->text, &line, id);
	}
	snprintf(side->name, sizeof(side->name), "%s@%d", f->name, side->number);
	return texts_of_version(c->live, f, side->number, &side->text, &line);
}

/* `"file"`, a number, or `"0.BUILD"`. */
static json_t *side_json(const struct side *side)
{
	if (*side->build)
		return json_sprintf("0.%s", side->build);
	return side->number < 0 ? json_string("file") : json_integer(side->number);
}

static bool is_built(const struct side *side)
{
	return side->number == 0 && !*side->build;
}

static struct error *show_sides(struct call *c, const struct live_function *f, const struct side *a,
				const struct side *b)
{
	bool unsure = f->unsure && (is_built(a) || is_built(b));
	struct text plain = {0};

	struct error *e = show_diff(&plain, a->name, a->text, b->name, b->text, false);
	if (!e && c->state->color)
		e = show_diff(&c->reply->text, a->name, a->text, b->name, b->text, true);
	else if (!e)
		text_append(&c->reply->text, plain.bytes ? plain.bytes : "", plain.size);
	if (!e && !plain.size)
		text_printf(&c->reply->text, "%s and %s are the same\n", a->name, b->name);
	if (!e)
		c->reply->data =
			json_pack("{s:s, s:o, s:o, s:o}", "function", f->at.name, "from", side_json(a), "to",
				  side_json(b), "text", show_string(plain.bytes ? plain.bytes : ""));
	if (!e && unsure) {
		text_puts(&c->reply->text,
			  "the file is newer than the program: what was built may be other text\n");
		json_object_set_new(c->reply->data, "unsure", json_true());
	}
	text_fini(&plain);
	return e;
}

struct error *timeline_diff(struct call *c)
{
	struct live_function *f;
	struct side a = {0}, b = {.number = -1};
	struct call_version v;

	struct error *e = call_find_any(c, c->words[0], &f, &v);
	if (e)
		return e;
	int given = v.number;
	memcpy(a.build, v.build, sizeof(a.build));
	a.number = given < 0 ? f->live : given;
	if (given >= 0)
		b.number = f->live;
	if (c->count > 1) {
		e = parse_side(c, c->words[1], given < 0 ? &a : &b);
		if (given < 0)
			b.number = f->live;
	}
	if (!e && c->count > 2)
		e = given < 0 ? parse_side(c, c->words[2], &b)
			      : error_new(ERROR_USAGE, "usage: \\diff NAME [A [B]], or \\diff NAME@A [B]");
	if (!e)
		e = read_side(c, f, &a);
	if (!e)
		e = read_side(c, f, &b);
	if (!e)
		e = show_sides(c, f, &a, &b);
	free(a.text);
	free(b.text);
	return e;
}

/* --- \note ------------------------------------------------------------------------------------------------------- */

struct error *timeline_note(struct call *c)
{
	struct live_function *f;
	int number;

	struct error *e = call_find_version(c, c->words[0], &f, &number);
	if (e)
		return e;
	const char *note = c->line + strcspn(c->line, " \t");
	note += strspn(note, " \t");
	if (number < 0)
		number = f->live;
	do {
		if (!f->row)
			record_function(c->live, f);
		e = history_note(live_history(c->live), f->row, number, c->state->user, note);
	} while (record_lose(c->live, &e));
	if (e)
		return e;
	c->reply->data =
		json_pack("{s:s, s:i, s:s}", "function", f->at.name, "version", number, "note", note);
	text_printf(&c->reply->text, "noted with %s@%d\n", f->name, number);
	return NULL;
}

/* --- \status's part ---------------------------------------------------------------------------------------------- */

static void add_other(void *context, const struct log_run *run)
{
	json_array_append_new(context, json_pack("{s:I, s:o, s:s, s:s}", "pid", (json_int_t)run->pid,
						 "program", show_string(run->program), "build_id",
						 run->build_id, "since", run->time));
}

json_t *timeline_others(struct call *c)
{
	json_t *others = json_array(), *other;
	size_t i;

	error_free(log_others(live_history(c->live), add_other, others));
	json_array_foreach(others, i, other)
		text_printf(&c->reply->text, "%s%lld", i ? ", " : "shared    with pid ",
			    (long long)json_integer_value(json_object_get(other, "pid")));
	if (i)
		text_puts(&c->reply->text, "\n");
	return others;
}
