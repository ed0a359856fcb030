#include "lookup.h"
#include "folded.h"
#include "namesakes.h"
#include "sources.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct undecorated {
	const char *name;
	struct target *target;
	bool found, clone, inlined;
	char file[256];
	unsigned line;
};

static bool match_undecorated(void *context, const struct target_function *f)
{
	struct undecorated *u = context;

	if (strcmp(f->name, u->name) != 0)
		return true;
	u->found = true;
	u->clone = f->clone;
	snprintf(u->file, sizeof(u->file), "%s", f->file ? f->file : "");
	u->line = f->line;
	return false;
}

/* One that was inlined wherever it is called: only its source has it, which may be that of a module that is closed by now. */
static bool match_inlined(void *context, struct source *source)
{
	struct undecorated *u = context;
	const struct index_declaration *d = index_find_function(source->index, u->name, 0);
	bool executable;

	if (!d || source_is_outside(source->index->files[d->file]) ||
	    !target_module(u->target, source->unit, &executable))
		return true;
	u->found = u->inlined = true;
	snprintf(u->file, sizeof(u->file), "%s", source->index->files[d->file]);
	u->line = d->line;
	return false;
}

static void find_undecorated(const struct live *l, struct undecorated *u)
{
	u->target = live_target(l);
	target_each_function(u->target, match_undecorated, u);
	if (!u->found)
		sources_each(live_host(l)->sources, match_inlined, u);
}

bool lookup_is_plain(const struct live *l, const char *name)
{
	struct undecorated u = {.name = name};

	find_undecorated(l, &u);
	return u.found;
}

/* A static function of a file. */
struct own {
	struct target *target;
	const char *name, *file;
	bool found;
	unsigned line;
};

static bool match_own(void *context, const struct target_unit *unit)
{
	struct own *own = context;

	own->found = text_path_is(unit->file, own->file) &&
		     target_defines_static(own->target, unit, own->name, &own->line);
	return !own->found;
}

/* Why a name does not mean another file's function: the file has one of its own, of which no code is left that could be
 * replaced. NULL: it has none. */
static struct error *explain_own(const struct live *l, const char *name, const char *file)
{
	struct own own = {.target = live_target(l), .name = name, .file = file};

	target_each_unit(own.target, match_own, &own);
	if (!own.found)
		return NULL;
	return error_new(
		ERROR_UNKNOWN,
		"%s (%s:%u) is not decorated, or was inlined wherever it is called: put REALTIMEFUNC "
		"before it. Another file has a function of that name",
		name, text_base_name(file), own.line);
}

static bool has_slots(const struct live *l)
{
	for (uint32_t arena = 0; arena < program_arena_count(live_program(l)); arena++)
		if (program_slot_count(live_program(l), arena))
			return true;
	return false;
}

const char *lookup_why_none(const struct live *l)
{
	return has_slots(l) ? "the names of the program's functions were stripped: compile it with -g, and "
			      "do not strip it"
			    : "the program has no decorated function: put REALTIMEFUNC before one, or "
			      "compile with "
			      "-fpatchable-function-entry=16";
}

static struct error *explain_unknown(const struct live *l, const char *name, const char *file)
{
	struct undecorated u = {.name = name};
	const char *near = NULL;
	size_t least = 3, count;

	live_named(l, name, &count);
	if (file && count) {
		struct error *own = explain_own(l, name, file);
		return own ? own : error_new(ERROR_UNKNOWN, "%s has no decorated function %s", file, name);
	}
	const struct live_function *keeper = folded_into(l, name);
	if (keeper)
		return folded_error(name, keeper);
	find_undecorated(l, &u);
	if (u.clone)
		return error_new(ERROR_UNKNOWN,
				 "of %s (%s:%u) the compiler kept a changed copy alone, which no text can "
				 "replace: put "
				 "REALTIMEFUNC before it",
				 name, text_base_name(u.file), u.line);
	if (u.inlined)
		return error_new(
			ERROR_UNKNOWN,
			"%s (%s:%u) was inlined wherever it is called, and has no code of its own: put "
			"REALTIMEFUNC before it",
			name, text_base_name(u.file), u.line);
	if (u.found)
		return error_new(
			ERROR_UNKNOWN,
			"%s (%s:%u) is not decorated: put REALTIMEFUNC before it, or compile its file with "
			"-fpatchable-function-entry=16",
			name, text_base_name(u.file), u.line);
	for (size_t i = 0; i < live_count(l); i++)
		if (text_is_nearer(name, live_by_name(l)[i]->at.name, &least))
			near = live_by_name(l)[i]->at.name;
	if (near)
		return error_new(ERROR_UNKNOWN, "the program has no function %s: did you mean %s?", name,
				 near);
	if (live_count(l) == 0)
		return error_new(ERROR_UNKNOWN, "%s", lookup_why_none(l));
	return error_new(ERROR_UNKNOWN, "the program has no function %s", name);
}

struct error *lookup_find(const struct live *l, const char *name, const char *file,
			  struct live_function **out)
{
	char prefix[512];
	size_t count, matches = 0;
	struct live_function *found = NULL;

	const char *colon = strrchr(name, ':');
	if (colon) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)(colon - name), name);
		file = prefix;
		name = colon + 1;
	}
	struct live_function *const *named = live_named(l, name, &count);
	for (size_t i = 0; i < count; i++) {
		struct live_function *f = named[i];
		if (file && (count > 1 || colon) && !namesakes_stand_in(named, count, i, file))
			continue;
		found = f;
		matches++;
	}
	/* One alone is meant wherever one is, unless the file at hand has another. */
	struct error *own = NULL;
	if (matches == 1 && count == 1 && file && !namesakes_stand_in(named, count, 0, file))
		own = explain_own(l, name, file);
	if (own)
		return own;
	if (matches == 1) {
		*out = found;
		return NULL;
	}
	if (matches == 0)
		return explain_unknown(l, name, file);

	struct text candidates = {0};
	for (size_t i = 0; i < count; i++)
		text_printf(&candidates, "%s%s:%s", i ? ", " : "", namesakes_place(named, count, i), name);
	struct error *e = error_new(ERROR_AMBIGUOUS, "%s is ambiguous: %s", name,
				    candidates.bytes ? candidates.bytes : "");
	text_fini(&candidates);
	return e;
}
