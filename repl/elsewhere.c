#include "elsewhere.h"
#include "context.h"
#include "error.h"
#include "knows.h"
#include "live.h"
#include "sources.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { READ_MOST = 32 }; /* files that are read for a name that may be a macro's */

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
	       !knows_name(unit, d->name) || !look_in(w, unit);
}

static struct elsewhere look_for(const struct host *host, const char *name, size_t length,
				 const struct target_unit *but)
{
	const char *blank = memchr(name, ' ', length);
	struct elsewhere w = {
		.live = host->live, .name = name, .length = length, .but = but, .tag = blank != NULL};

	if (blank) {
		w.name = blank + 1;
		w.length = length - (size_t)(w.name - name);
	}
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
