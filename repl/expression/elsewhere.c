#include "elsewhere.h"
#include "context.h"
#include "error.h"
#include "knows.h"
#include "live.h"
#include "sources.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	READ_MOST = 32,      /* files that are read for a name that may be a macro's */
	READ_FOR_SEVERAL = 4 /* files that are read as they may have more of several names */
};

struct elsewhere {
	struct live *live;
	const char *name; /* without its keyword */
	size_t length;
	bool tag;
	const struct target_unit *but, *found;
};

static bool declares(const struct elsewhere *w, const struct source *source)
{
	const struct index *ix = source->index;

	if (!w->tag)
		return index_find(ix, INDEX_ORDINARY, w->name, w->length) != INDEX_NONE ||
		       index_find_macro(ix, w->name, w->length, ix->size) != NULL;
	return index_has_tag(ix, w->name, w->length);
}

static bool look_in_read(void *context, struct source *source)
{
	struct elsewhere *w = context;
	bool executable;

	/* What was read of a module that is closed by now names nothing that is there. */
	if (source->unit != w->but && target_module(live_target(w->live), source->unit, &executable) &&
	    declares(w, source))
		w->found = source->unit;
	return !w->found;
}

static bool look_in(struct elsewhere *w, const struct target_unit *unit)
{
	struct source *source;

	struct error *e = sources_find(live_host(w->live)->sources, unit, &source);
	if (!e && declares(w, source))
		w->found = unit;
	error_free(e);
	return w->found;
}

struct defining {
	struct elsewhere *where;
	char *name;
};

static bool look_in_defining(void *context, const struct target_unit *unit)
{
	struct defining *d = context;
	struct elsewhere *w = d->where;

	return unit == w->but || sources_has(live_host(w->live)->sources, unit) ||
	       !unit->defines(unit, d->name) || !look_in(w, unit);
}

static struct elsewhere look_by_name(const char *name, size_t length)
{
	const char *blank = memchr(name, ' ', length);
	struct elsewhere w = {.name = name, .length = length, .tag = blank != NULL};

	if (blank) {
		w.name = blank + 1;
		w.length = length - (size_t)(w.name - name);
	}
	return w;
}

static struct elsewhere look_for(const struct host *host, const char *name, size_t length,
				 const struct target_unit *but)
{
	struct elsewhere w = look_by_name(name, length);

	w.live = host->live;
	w.but = but;
	sources_each(live_host(w.live)->sources, look_in_read, &w);
	return w;
}

static void look_in_unread(struct elsewhere *w)
{
	struct defining defining = {w, w->found ? NULL : strndup(w->name, w->length)};

	if (defining.name)
		target_each_unit(live_target(w->live), look_in_defining, &defining);
	free(defining.name);
}

const struct target_unit *elsewhere_unit(const struct host *host, const char *name, size_t length,
					 const struct target_unit *but)
{
	struct live *l = host->live;
	const struct target_unit *last = NULL;
	struct elsewhere w = look_for(host, name, length, but);
	size_t looked = 0;

	look_in_unread(&w);
	bool reads = !host->follow && !w.tag;
	for (size_t i = 0; reads && i < live_count(l) && looked < READ_MOST && !w.found; i++) {
		const struct target_unit *unit = live_function(l, i)->at.unit;
		if (!unit || unit == last || unit == but || sources_has(live_host(l)->sources, unit))
			continue;
		last = unit;
		looked++;
		look_in(&w, unit);
	}
	return w.found;
}

/* --- several names -------------------------------------------------------------------------------------------------- */

struct several {
	struct live *live;
	const char *names;
	const struct target_unit *but, *found;
	size_t count; /* how many of the names it declares */
};

/* Of the names, how many the source declares. */
static size_t count_declared(const struct source *source, const char *names)
{
	size_t count = 0;

	for (const char *at = names, *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		struct elsewhere w = look_by_name(at, (size_t)(end - at));
		count += w.length && declares(&w, source);
	}
	return count;
}

static void take_if_better(struct several *s, const struct source *source)
{
	size_t count = count_declared(source, s->names);

	if (count <= s->count)
		return;
	s->count = count;
	s->found = source->unit;
}

static bool count_in_read(void *context, struct source *source)
{
	struct several *s = context;
	bool executable;

	if (source->unit != s->but && target_module(live_target(s->live), source->unit, &executable))
		take_if_better(s, source);
	return true;
}

struct promising {
	const struct several *several;
	const struct target_unit *unit;
	size_t count;
};

static bool count_in_unread(void *context, const struct target_unit *unit)
{
	struct promising *p = context;
	const struct several *s = p->several;
	size_t count = 0;

	if (unit == s->but || sources_has(live_host(s->live)->sources, unit))
		return true;
	for (const char *at = s->names, *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		struct elsewhere w = look_by_name(at, (size_t)(end - at));
		char *name = strndup(w.name, w.length);
		count += name && *name && knows_of_name(unit, name);
		free(name);
	}
	if (count > p->count) {
		p->count = count;
		p->unit = unit;
	}
	return true;
}

const struct target_unit *elsewhere_unit_of(const struct host *host, const char *names,
					    const struct target_unit *but)
{
	struct several s = {.live = host->live, .names = names, .but = but};
	struct sources *sources = live_host(s.live)->sources;

	sources_each(sources, count_in_read, &s);
	for (size_t looked = 0; looked < READ_FOR_SEVERAL; looked++) {
		struct promising p = {.several = &s, .count = s.count};
		struct source *source;
		target_each_unit(live_target(s.live), count_in_unread, &p);
		struct error *e = p.unit ? sources_find(sources, p.unit, &source) : NULL;
		if (!p.unit || e) {
			error_free(e);
			break;
		}
		take_if_better(&s, source);
	}
	return s.found ? s.found : elsewhere_unit(host, names, strcspn(names, "\n"), but);
}

/* --- types ---------------------------------------------------------------------------------------------------------- */

struct type_name {
	struct live *live;
	const char *name;
	size_t length;
	bool is;
};

static bool is_type_in_read(void *context, struct source *source)
{
	struct type_name *n = context;

	n->is = index_find_kind(source->index, n->name, (uint32_t)n->length, NAME_TYPEDEF) != NULL;
	return !n->is;
}

static bool is_type_in_unit(void *context, const struct target_unit *unit)
{
	struct type_name *n = context;

	n->is = knows_type(unit, n->name);
	return !n->is;
}

bool elsewhere_is_type(const struct host *host, const char *name, size_t length)
{
	char *copy = strndup(name, length);
	struct type_name n = {host->live, copy, length, false};

	if (copy)
		sources_each(live_host(n.live)->sources, is_type_in_read, &n);
	if (copy && !n.is)
		target_each_unit(live_target(n.live), is_type_in_unit, &n);
	free(copy);
	return n.is;
}

struct source *elsewhere_definition(const struct host *host, const char *tag, const struct target_unit *but,
				    bool read_alone)
{
	struct elsewhere w = look_for(host, tag, strlen(tag), but);
	struct source *source = NULL;

	if (!read_alone)
		look_in_unread(&w);
	struct error *e = w.found ? sources_find(live_host(w.live)->sources, w.found, &source) : NULL;
	if (e)
		source = NULL;
	error_free(e);
	return source;
}
