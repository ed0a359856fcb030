#include "series.h"
#include "clock.h"
#include "log.h"
#include "mail.h"
#include "text.h"
#include "texts.h"
#include "tree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAMED_MAX = 3, DIGITS_MIN = 4, CHANGES = 500, STEP_US = 5000 };

/* One function's part in a step. */
struct part {
	struct live_function *function;
	int number;
};

/* What went live together: parts `first` to `first + count`. */
struct step {
	int64_t change; /* 0: none, but what was built, or is live now */
	char kind[12], time[32], build[72];
	char *user;
	size_t first, count;
};

struct series {
	struct live *live;
	struct live_function **functions;
	size_t function_count;
	struct tree tree;
	char *directory, *user;
	struct part *parts;
	size_t part_count, part_room;
	struct step *steps;
	size_t step_count, step_room;
	int digits; /* of a patch's number: by name they are in order */
	bool failed;
	struct series_count count;

	/* Where it is: what is done next, and to the how manyth function, change or step. */
	struct error *(*next)(struct series *);
	size_t at;
	int before; /* of the function: its versions below this one are still to be looked at */
	int64_t change_at, change_end;
};

void series_free(struct series *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->step_count; i++)
		free(s->steps[i].user);
	free(s->steps);
	free(s->parts);
	free(s->functions);
	free(s->directory);
	free(s->user);
	tree_fini(&s->tree);
	free(s);
}

void series_counted(const struct series *s, struct series_count *out)
{
	*out = s->count;
}

static void go_on_with(struct series *s, struct error *(*next)(struct series *))
{
	s->next = next;
	s->at = 0;
}

/* --- the changes ------------------------------------------------------------------------------------------------- */

static bool add_step(struct series *s, const struct log_move *move)
{
	if (s->step_count == s->step_room) {
		size_t room = s->step_room ? s->step_room * 2 : 64;
		struct step *more = reallocarray(s->steps, room, sizeof(*more));
		if (!more)
			return false;
		s->steps = more;
		s->step_room = room;
	}
	struct step *step = &s->steps[s->step_count];
	*step = (struct step){.change = move->change, .user = strdup(move->user), .first = s->part_count};
	snprintf(step->kind, sizeof(step->kind), "%s", move->kind);
	snprintf(step->time, sizeof(step->time), "%s", move->time);
	snprintf(step->build, sizeof(step->build), "%s", move->build_id);
	s->step_count++;
	return step->user != NULL;
}

static bool add_part(struct series *s, struct live_function *f, int number)
{
	if (s->part_count == s->part_room) {
		size_t room = s->part_room ? s->part_room * 2 : 64;
		struct part *more = reallocarray(s->parts, room, sizeof(*more));
		if (!more)
			return false;
		s->parts = more;
		s->part_room = room;
	}
	s->parts[s->part_count++] = (struct part){f, number};
	s->steps[s->step_count - 1].count++;
	return true;
}

static bool take_move(void *context, const struct log_move *move)
{
	struct series *s = context;
	struct live_function *f = live_by_row(s->live, move->function);
	struct tree_file *file;

	if (!f || !tree_find(&s->tree, f, &file))
		return true;
	if (!s->step_count || s->steps[s->step_count - 1].change != move->change)
		s->failed |= !add_step(s, move);
	if (!s->failed)
		s->failed |= !add_part(s, f, move->to);
	return !s->failed;
}

static int by_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;
	int order = strcmp(x->time, y->time);

	return order ? order : x->change < y->change ? -1 : x->change > y->change;
}

/* A rescued run's changes were stored later than they were made. */
static void order_steps(struct series *s)
{
	bool ordered = true;

	for (size_t i = 1; i < s->step_count && ordered; i++)
		ordered = by_time(&s->steps[i - 1], &s->steps[i]) < 0;
	if (!ordered)
		qsort(s->steps, s->step_count, sizeof(*s->steps), by_time);
}

static struct error *write_steps(struct series *);

static struct error *find_steps(struct series *s)
{
	int64_t from = s->change_at, to = from + CHANGES < s->change_end ? from + CHANGES : s->change_end;
	int64_t only = s->function_count == 1 ? s->functions[0]->row : 0;

	s->change_at = to;
	struct error *e = log_moves(live_history(s->live), only, from, to, take_move, s);
	if (!e && s->failed)
		e = error_memory();
	if (e || to < s->change_end)
		return e;
	order_steps(s);
	s->digits = DIGITS_MIN;
	for (size_t n = 2 * s->step_count + 1; n >= 10000; n /= 10)
		s->digits++;
	go_on_with(s, write_steps);
	return NULL;
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

struct search {
	const char *build; /* NULL: the oldest */
	char *text, *found;
	bool failed;
};

static bool take_built(void *context, const struct history_version *v, const struct history_function *key)
{
	struct search *search = context;

	(void)key;
	if (search->build && strcmp(search->build, v->build_id) != 0)
		return true;
	free(search->text);
	free(search->found);
	search->text = strdup(v->text);
	search->found = strdup(v->build_id);
	search->failed |= !search->text || !search->found;
	return !search->build && !search->failed;
}

/* A function's text in a build, or in the oldest; NULL if the history does not have it. Whose text stands there is noted with
 * the slot, whether or not it is known. */
static struct error *find_built(struct series *s, struct tree_slot *slot, const char *build, char **text)
{
	struct search search = {.build = build};
	struct error *e = log_built(live_history(s->live), slot->function->row, take_built, &search);

	if (!e && search.failed)
		e = error_memory();
	if (!e && !search.found && build)
		search.found = strdup(build);
	free(slot->build);
	slot->build = search.found;
	*text = search.text;
	return e;
}

static struct error *put_built(struct series *s, struct tree_file *file, struct tree_slot *slot,
			       const char *build)
{
	char *text = NULL;
	struct error *e = find_built(s, slot, build, &text);

	if (!e && text)
		e = tree_put(file, slot, text);
	free(text);
	return e;
}

/* Version 0 is that of the run in which it was made live. */
static struct error *put_part(struct series *s, const struct part *part, const char *build)
{
	struct tree_file *file;
	struct tree_slot *slot = tree_find(&s->tree, part->function, &file);
	char *text = NULL;
	unsigned line;

	if (part->number == 0)
		return put_built(s, file, slot, build);
	struct error *e = texts_of_version(s->live, part->function, part->number, &text, &line);
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e); /* it was pruned */
		return NULL;
	}
	if (!e)
		e = tree_put(file, slot, text);
	free(text);
	return e;
}

/* --- patches ----------------------------------------------------------------------------------------------------- */

static struct error *write_patch(const char *path, const struct text *text)
{
	FILE *f = text->failed ? NULL : fopen(path, "wxe");

	if (!f)
		return text->failed ? error_memory() : error_errno(errno, "cannot write %s", path);
	bool ok = fwrite(text->bytes, 1, text->size, f) == text->size;
	ok = fclose(f) == 0 && ok;
	return ok ? NULL : error_errno(errno, "cannot write %s", path);
}

static void put_subject(struct text *out, const struct part *parts, size_t count, const char *kind)
{
	bool define = strcmp(kind, "define") == 0;

	for (size_t i = 0; i < count && i < NAMED_MAX; i++)
		text_printf(out, "%s%s: %sversion %d", i ? ", " : "", parts[i].function->name,
			    define || strcmp(kind, "built") == 0 ? "" : "back to ", parts[i].number);
	if (count > NAMED_MAX)
		text_printf(out, ", and %zu more", count - NAMED_MAX);
	if (!define)
		text_printf(out, " (%s)", kind);
}

struct message {
	struct text *out;
	const struct part *part;
	bool named;
};

static void put_version(void *context, const struct history_version *v)
{
	struct message *m = context;

	if (m->named)
		text_printf(m->out, "\n%s: version %d\n", m->part->function->name, v->number);
	text_printf(m->out, "Origin: %s, compiled by %s", v->origin, v->backend);
	if (v->parent >= 0)
		text_printf(m->out, ", made from version %d", v->parent);
	text_puts(m->out, ".\n");
	if (*v->note)
		text_printf(m->out, "Note: %.*s\n", (int)strcspn(v->note, "\r\n"), v->note);
}

static void put_message(struct series *s, struct text *out, const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct message m = {out, &parts[i], count > 1};
		if (parts[i].number)
			error_free(history_find(live_history(s->live), parts[i].function->row,
						parts[i].number, put_version, &m));
	}
}

/* What the tree says now and did not at the last patch, if there is any. */
static struct error *cut_patch(struct series *s, const struct part *parts, size_t count,
			       const struct step *step)
{
	struct text diff = {0}, subject = {0}, message = {0}, mail = {0};
	char path[PATH_MAX + 300], more[32] = "";

	struct error *e = tree_diff(&s->tree, &diff);
	if (e || !diff.size) {
		s->count.unchanged += !e && step->change;
		text_fini(&diff);
		return e;
	}
	put_subject(&subject, parts, count, step->kind);
	put_message(s, &message, parts, count);
	if (!message.size)
		text_puts(&message, "As it was built.\n");
	mail.failed = subject.failed || message.failed;
	if (!mail.failed)
		mail_write(&mail, &(struct mail){.user = step->user,
						 .time = step->time,
						 .subject = subject.bytes,
						 .message = message.bytes,
						 .diff = diff.bytes,
						 .diff_size = diff.size});
	if (count > 1)
		snprintf(more, sizeof(more), "-and-%zu-more", count - 1);
	snprintf(path, sizeof(path), "%s/%0*zu-%.200s-%d%s.patch", s->directory, s->digits,
		 s->count.patches + 1, parts[0].function->at.name, parts[0].number, more);
	e = write_patch(path, &mail);
	s->count.patches += !e;
	text_fini(&diff);
	text_fini(&subject);
	text_fini(&message);
	text_fini(&mail);
	return e;
}

/* --- the series -------------------------------------------------------------------------------------------------- */

/* What the parts' functions were built with in the build of this step, if what stands there is another build's. */
static struct error *write_build(struct series *s, const struct part *parts, size_t count,
				 const struct step *step)
{
	struct part *built = calloc(count + 1, sizeof(*built));
	struct step as_built = *step;
	struct error *e = built ? NULL : error_memory();
	size_t others = 0;

	for (size_t i = 0; i < count && !e; i++) {
		struct tree_file *file;
		struct tree_slot *slot = tree_find(&s->tree, parts[i].function, &file);
		if (slot->build && strcmp(slot->build, step->build) == 0)
			continue;
		built[others++] = (struct part){parts[i].function, 0};
		e = put_built(s, file, slot, step->build);
	}
	as_built.change = 0;
	snprintf(as_built.kind, sizeof(as_built.kind), "built");
	if (!e && others)
		e = cut_patch(s, built, others, &as_built);
	free(built);
	return e;
}

static struct error *write_step(struct series *s, const struct step *step)
{
	const struct part *parts = &s->parts[step->first];
	struct error *e = write_build(s, parts, step->count, step);

	for (size_t i = 0; i < step->count && !e; i++)
		e = put_part(s, &parts[i], step->build);
	return e ? e : cut_patch(s, parts, step->count, step);
}

/* In a run that has not made live what an earlier one had, or beside others with the same history, the last change is not what
 * is live here. */
static struct error *write_live(struct series *s)
{
	struct live_function *const *functions = s->functions;
	struct part *parts = calloc(s->function_count + 1, sizeof(*parts));
	struct step now = {.kind = "live now", .user = s->user};
	struct error *e = parts ? NULL : error_memory();
	time_t seconds = time(NULL);
	size_t moved = 0;
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(now.time, sizeof(now.time), "%Y-%m-%dT%H:%M:%SZ", &utc);
	s->next = NULL;
	for (size_t i = 0; i < s->function_count && !e; i++) {
		struct tree_file *file;
		struct tree_slot *slot = tree_find(&s->tree, functions[i], &file);
		char *text = NULL;
		unsigned line;
		e = slot ? texts_of_version(s->live, functions[i], functions[i]->live, &text, &line) : NULL;
		if (e && e != error_memory()) {
			error_free(e); /* its text is not known */
			e = NULL;
			continue;
		}
		const char *before = slot ? file->text : NULL;
		if (!e && slot)
			e = tree_put(file, slot, text);
		if (slot && file->text != before)
			parts[moved++] = (struct part){functions[i], functions[i]->live};
		free(text);
	}
	if (!e && moved)
		e = cut_patch(s, parts, moved, &now);
	free(parts);
	return e;
}

static struct error *write_steps(struct series *s)
{
	if (s->at == s->step_count) {
		go_on_with(s, write_live);
		return NULL;
	}
	return write_step(s, &s->steps[s->at++]);
}

/* --- the files at its beginning ---------------------------------------------------------------------------------- */

static struct error *put_first(struct series *s)
{
	struct tree_file *file;

	if (s->at == s->function_count) {
		tree_begin(&s->tree);
		go_on_with(s, find_steps);
		return NULL;
	}
	struct tree_slot *slot = tree_find(&s->tree, s->functions[s->at++], &file);
	return slot ? put_built(s, file, slot, NULL) : NULL;
}

static struct error *widen(struct series *s)
{
	if (s->at == s->function_count) {
		go_on_with(s, put_first);
		return tree_name_files(&s->tree);
	}
	struct error *e = tree_widen(&s->tree, s->live, s->functions[s->at], &s->before);
	s->at += !s->before;
	return e;
}

static struct error *place(struct series *s)
{
	if (s->at == s->function_count) {
		go_on_with(s, widen);
		return NULL;
	}
	struct error *e = tree_add(&s->tree, s->live, s->functions[s->at++]);
	if (e == error_memory())
		return e;
	s->count.placeless += e != NULL;
	error_free(e);
	return NULL;
}

struct error *series_new(struct live *l, struct live_function *const *functions, size_t count,
			 const char *directory, const char *user, struct series **out)
{
	struct series *s = calloc(1, sizeof(*s));

	if (!s)
		return error_memory();
	*s = (struct series){.live = l,
			     .functions = calloc(count + 1, sizeof(struct live_function *)),
			     .function_count = count,
			     .directory = strdup(directory),
			     .user = strdup(user),
			     .next = place};
	struct error *e = s->functions && s->directory && s->user
				  ? log_newest_change(live_history(l), &s->change_end)
				  : error_memory();
	if (e) {
		series_free(s);
		return e;
	}
	if (count)
		memcpy(s->functions, functions, count * sizeof(*functions));
	*out = s;
	return NULL;
}

struct error *series_step(struct series *s, bool *more)
{
	int64_t until = clock_now_us() + STEP_US;
	struct error *e = NULL;

	do
		e = s->next(s);
	while (!e && s->next && clock_now_us() < until);
	*more = !e && s->next;
	return e;
}
