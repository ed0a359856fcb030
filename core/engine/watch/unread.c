#include "unread.h"
#include "headers.h"
#include "kept.h"
#include "reach.h"
#include "ready.h"
#include "review.h"
#include "text.h"
#include "texts.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum { AT_ONCE = 50, MANY = 8 };

struct unread_header {
	struct kept_file *old, *fresh;
};

static struct sources *sources_of(const struct live *l)
{
	return live_host(l)->sources;
}

static struct kept *kept_of(const struct live *l)
{
	return sources_all_kept(sources_of(l));
}

/* --- units ------------------------------------------------------------------------------------------------------------ */

static int by_address(const void *a, const void *b)
{
	const struct target_unit *x = *(const struct target_unit *const *)a,
				 *y = *(const struct target_unit *const *)b;

	return ((uintptr_t)x > (uintptr_t)y) - ((uintptr_t)x < (uintptr_t)y);
}

/* Those that have functions and are not read; the caller's. NULL without memory. */
static const struct target_unit **unread_units(const struct live *l, size_t *count)
{
	const struct target_unit **units = calloc(live_count(l) + 1, sizeof(*units)), *last = NULL;
	size_t all = 0, kept = 0;

	for (size_t i = 0; units && i < live_count(l); i++) {
		const struct target_unit *unit = live_function(l, i)->at.unit;
		if (unit && unit != last && !sources_has(sources_of(l), unit))
			units[all++] = unit;
		last = unit ? unit : last;
	}
	if (all)
		qsort(units, all, sizeof(*units), by_address);
	for (size_t i = 0; i < all; i++)
		if (!i || units[i] != units[i - 1])
			units[kept++] = units[i];
	*count = kept;
	return units;
}

/* --- which are put off -------------------------------------------------------------------------------------------------- */

struct dated {
	const struct target_unit *unit;
	struct timespec modified;
};

static int newest_first(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->modified.tv_sec != y->modified.tv_sec)
		return x->modified.tv_sec < y->modified.tv_sec ? 1 : -1;
	if (x->modified.tv_nsec != y->modified.tv_nsec)
		return x->modified.tv_nsec < y->modified.tv_nsec ? 1 : -1;
	return strcmp(x->unit->file, y->unit->file);
}

/* All but those that were edited last. */
static void put_off(struct live *l, const struct target_unit *const *units, size_t count)
{
	struct dated *dated = calloc(count + 1, sizeof(*dated));
	size_t kept = 0;

	for (size_t i = 0; dated && i < count; i++) {
		const struct kept_file *file = kept_find(kept_of(l), units[i]->file);
		if (file)
			dated[kept++] = (struct dated){units[i], file->modified};
	}
	if (kept)
		qsort(dated, kept, sizeof(*dated), newest_first);
	for (size_t i = UNREAD_AHEAD; i < kept; i++)
		if (texts_age_of(l, dated[i].unit, dated[i].modified) != TEXTS_MISSED)
			sources_put_off(sources_of(l), dated[i].unit);
	free(dated);
}

/* Files whose sources cannot be put off: a macro says what they include, or a save of them was missed. */
struct doubtful {
	struct live *live;
	const struct kept_file **files;
	size_t count;
	bool failed;
};

static void add_doubtful(void *context, const struct kept_file *f)
{
	struct doubtful *d = context;
	bool missed = f->header && texts_age_of(d->live, NULL, f->modified) == TEXTS_MISSED;

	if (!missed && !headers_are_unclear(kept_of(d->live), f))
		return;
	void *more = realloc(d->files, (d->count + 1) * sizeof(*d->files));
	d->failed |= !more;
	if (!more)
		return;
	d->files = more;
	d->files[d->count++] = f;
}

static bool is_doubtful(const void *context, const struct kept_file *f)
{
	const struct doubtful *d = context;

	for (size_t i = 0; i < d->count; i++)
		if (d->files[i] == f)
			return true;
	return false;
}

static void recall_doubtful(struct live *l, const struct target_unit *const *units, size_t count)
{
	struct doubtful doubtful = {.live = l};

	kept_each(kept_of(l), add_doubtful, &doubtful);
	for (size_t i = 0; i < count && (doubtful.count || doubtful.failed); i++)
		if (doubtful.failed || sources_includes(sources_of(l), units[i], is_doubtful, &doubtful))
			sources_recall(sources_of(l), units[i]);
	free(doubtful.files);
}

bool unread_prepare(struct live *l, size_t *at)
{
	size_t count, done = 0;

	if (sources_are_asked(sources_of(l)))
		return true;
	const struct target_unit **units = unread_units(l, &count);
	if (!units || count <= UNREAD_FEW) {
		free(units);
		return false;
	}
	if (!*at)
		put_off(l, units, count);
	for (; *at < count && done < AT_ONCE; ++*at, done++)
		sources_keep_headers(sources_of(l), units[*at]);
	bool more = *at < count;
	if (!more)
		recall_doubtful(l, units, count);
	free(units);
	return more;
}

size_t unread_count(const struct live *l)
{
	size_t count, put = 0;
	const struct target_unit **units = unread_units(l, &count);

	for (size_t i = 0; units && i < count; i++)
		put += sources_is_put_off(sources_of(l), units[i]);
	free(units);
	return put;
}

bool unread_mentions(const struct live *l, const struct target_unit *unit, const char *word)
{
	const struct kept_file *own = kept_find(kept_of(l), unit->file);

	return own && text_find_word(own->bytes, own->bytes + own->size, own->bytes, word);
}

size_t unread_naming(const struct live *l, const char *word)
{
	size_t count, naming = 0;
	const struct target_unit **units = unread_units(l, &count);

	for (size_t i = 0; units && i < count; i++)
		naming += sources_is_put_off(sources_of(l), units[i]) && unread_mentions(l, units[i], word);
	free(units);
	return naming;
}

bool unread_has(const struct live *l, const char *path)
{
	return kept_find(kept_of(l), path);
}

/* --- what a save asks for ------------------------------------------------------------------------------------------------ */

static void add_unit(struct unread *u, const struct target_unit *unit)
{
	for (size_t i = 0; i < u->count; i++)
		if (u->units[i] == unit)
			return;
	if (u->count == u->room) {
		size_t room = u->room ? u->room * 2 : 16;
		void *more = realloc(u->units, room * sizeof(*u->units));
		if (!more)
			return;
		u->units = more;
		u->room = room;
	}
	u->units[u->count++] = unit;
}

/* Headers that say something else now than what is kept. */
static void add_headers(struct unread *u, const struct live *l, const char *const *paths)
{
	for (const char *const *p = paths; *p; p++) {
		struct kept_file *old = kept_find(kept_of(l), *p);
		struct kept_file *fresh = old && old->header ? kept_read(*p) : NULL;
		struct unread_header *more =
			fresh ? realloc(u->headers, (u->header_count + 1) * sizeof(*more)) : NULL;
		if (!more) {
			kept_drop(fresh);
			continue;
		}
		u->headers = more;
		more[u->header_count++] = (struct unread_header){old, fresh};
	}
}

static bool is_saved_header(const void *context, const struct kept_file *f)
{
	const struct unread *u = context;

	for (size_t i = 0; i < u->header_count; i++)
		if (u->headers[i].old == f)
			return true;
	return false;
}

static bool includes_any(const struct unread *u, const struct live *l, const struct target_unit *unit)
{
	return u->header_count && sources_includes(sources_of(l), unit, is_saved_header, u);
}

/* Functions that stand in headers are their units' without a word of them there. */
static bool defines_reached(const struct live *l, const struct target_unit *unit, const struct reach *r)
{
	for (size_t i = 0; i < live_count(l); i++) {
		const struct live_function *f = live_function(l, i);
		if (f->at.unit == unit && f->at.file && strcmp(f->at.file, unit->file) != 0 &&
		    reach_has(r, f->at.name))
			return true;
	}
	return false;
}

static bool is_reached(const struct unread *u, const struct live *l, const struct target_unit *unit,
		       const struct reach *r)
{
	const struct kept_file *own = kept_find(kept_of(l), unit->file);

	if (!own)
		return false;
	return (!r || reach_touches(r, own->bytes, own->size) || defines_reached(l, unit, r)) &&
	       includes_any(u, l, unit);
}

static struct reach *find_reach(const struct unread *u, const struct live *l)
{
	struct reach *r = reach_new();

	for (size_t i = 0; r && i < u->header_count; i++)
		reach_add(r, u->headers[i].old->bytes, u->headers[i].old->size, u->headers[i].fresh->bytes,
			  u->headers[i].fresh->size);
	if (r)
		reach_spread(r, kept_of(l));
	return r;
}

static bool stands_in_header(const struct unread *u, const char *file)
{
	for (size_t i = 0; i < u->header_count; i++)
		if (strcmp(u->headers[i].old->path, file) == 0)
			return true;
	return false;
}

/* Whether the compiler finds an error in a saved header itself: one source shows it as well as a thousand do. */
static bool is_broken(const struct unread *u, const struct live *l, const struct target_unit *unit)
{
	struct check_result findings = {0};
	struct flags flags;
	bool broken = false;

	struct error *e = sources_flags(sources_of(l), unit, &flags);
	if (!e) {
		e = review_file(unit->file, &flags, &findings);
		flags_fini(&flags);
	}
	for (size_t i = 0; !e && findings.failed && i < findings.count && !broken; i++)
		broken = strcmp(findings.diagnostics[i].severity, "error") == 0 &&
			 stands_in_header(u, findings.diagnostics[i].file);
	check_result_fini(&findings);
	error_free(e);
	return broken;
}

static bool reach_is_none(const struct reach *r)
{
	return r && reach_is_empty(r);
}

/* A source that shows whether the headers are C: one of many that are to be read, or, where none is, any that includes them, for
 * else nobody would tell. */
static const struct target_unit *find_witness(const struct unread *u, const struct live *l,
					      const struct target_unit *const *units, size_t count)
{
	if (u->count)
		return u->count > MANY ? u->units[0] : NULL;
	for (size_t i = 0; units && i < count; i++)
		if (includes_any(u, l, units[i]))
			return units[i];
	return NULL;
}

void unread_add(struct unread *u, struct live *l, const char *const *paths)
{
	size_t count;
	const struct target_unit **units = unread_units(l, &count);

	add_headers(u, l, paths);
	struct reach *r = u->header_count ? find_reach(u, l) : NULL;
	for (size_t i = 0; units && i < count; i++) {
		bool begun = u->header_count && sources_is_begun(sources_of(l), units[i]);
		if (begun || words_list_has(paths, units[i]->file) ||
		    (u->header_count && is_reached(u, l, units[i], r)))
			add_unit(u, units[i]);
	}
	const struct target_unit *witness =
		u->header_count && !reach_is_none(r) ? find_witness(u, l, units, count) : NULL;
	reach_free(r);
	if (!witness || !is_broken(u, l, witness)) {
		free(units);
		return;
	}
	u->broken = true;
	u->count = 0;
	add_unit(u, witness);
	for (size_t i = 0; units && i < count; i++)
		if (words_list_has(paths, units[i]->file))
			add_unit(u, units[i]);
	free(units);
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

/* As many preprocessors as there are processors; false while any unit is still to be read. */
static bool begin_readers(struct unread *u, struct live *l)
{
	size_t most = sources_at_once(), busy = 0;

	if (sources_are_asked(sources_of(l))) {
		ready_hurry(l, u->count ? u->units[0] : NULL);
		return false;
	}
	for (size_t i = 0; i < u->begun; i++)
		busy += sources_is_busy(sources_of(l), u->units[i]);
	while (u->begun < u->count && busy < most) {
		sources_begin(sources_of(l), u->units[u->begun]);
		busy += sources_is_busy(sources_of(l), u->units[u->begun++]);
	}
	return u->begun == u->count && !busy;
}

bool unread_read(struct unread *u, struct live *l,
		 void (*each)(void *context, const struct target_unit *, struct source *), void *context)
{
	struct source *source;

	if (!begin_readers(u, l))
		return false;
	for (size_t i = 0; i < u->count; i++) {
		struct error *e = sources_find(sources_of(l), u->units[i], &source);
		if (!e)
			each(context, u->units[i], source);
		if (!e)
			e = texts_see_unit(l, u->units[i]);
		if (e)
			program_log(live_program(l), LOG_WARNING, "%s", error_message(e));
		error_free(e);
	}
	return true;
}

void unread_end(struct unread *u)
{
	for (size_t i = 0; i < u->header_count; i++)
		if (u->broken)
			kept_drop(u->headers[i].fresh);
		else
			kept_replace(u->headers[i].old, u->headers[i].fresh);
	free(u->headers);
	free(u->units);
	*u = (struct unread){0};
}
