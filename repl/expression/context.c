#include "context.h"
#include "unread.h"

#include <string.h>

bool context_is_file(const char *path, const char *file)
{
	size_t n = path ? strlen(path) : 0, m = strlen(file);

	return n >= m && strcmp(path + n - m, file) == 0 &&
	       (n == m || path[n - m - 1] == '/' || *file == '/');
}

struct unit_search {
	const char *file, *function;
	const struct target_unit *found;
};

static bool match_unit(void *context, const struct target_function *f)
{
	struct unit_search *s = context;

	if (!f->unit || (s->function && (strcmp(f->name, s->function) != 0 || !f->external)) ||
	    (s->file && !context_is_file(f->unit->file, s->file)))
		return true;
	s->found = f->unit;
	return false;
}

static struct error *unit_of_main(struct host *host, struct live *l, const struct target_unit **out)
{
	struct unit_search s = {.function = "main"};

	if (!host->main_unit)
		host->main_unit = live_main_unit(l);
	if (!host->main_unit)
		target_each_function(live_target(l), match_unit, &s);
	if (s.found)
		host->main_unit = s.found;
	for (size_t i = 0; i < live_count(l) && !host->main_unit; i++)
		host->main_unit = live_function(l, i)->at.unit;
	*out = host->main_unit;
	return *out ? NULL
		    : error_new(ERROR_UNKNOWN, "the program has no debug information: compile it with -g");
}

struct error *context_unit(struct console_state *state, struct live *l, const struct target_unit **out)
{
	struct unit_search s = {.file = state->file};

	if (!state->file && state->unit) {
		*out = state->unit;
		return NULL;
	}
	if (!state->file)
		return unit_of_main(state->host, l, out);
	for (size_t i = 0; i < live_count(l); i++) {
		*out = live_function(l, i)->at.unit;
		if (*out && context_is_file((*out)->file, state->file))
			return NULL;
	}
	target_each_function(live_target(l), match_unit, &s);
	*out = s.found;
	return s.found ? NULL : error_new(ERROR_UNKNOWN, "no file %s is part of the program", state->file);
}

enum { ASKED_MAX = 8 };

/* Whether the unit is read, or soon, or to be read for this question. */
static bool is_asked(const struct console_state *state, const struct live *l, const struct target_unit *unit,
		     const char *name, size_t *asked)
{
	if (!sources_is_put_off(live_host(l)->sources, unit))
		return true;
	if (state->file)
		return context_is_file(unit->file, state->file);
	return name && *asked < ASKED_MAX && unread_mentions(l, unit, name) && ++*asked;
}

void context_note_unread(const struct console_state *state, const struct live *l, struct text *out)
{
	size_t unread = state->file ? 0 : unread_count(l);

	if (unread)
		text_printf(out,
			    "and of %zu %s that nobody has asked for yet, nothing: \\in FILE looks at one\n",
			    unread, unread == 1 ? "source" : "sources");
}

size_t context_units(struct console_state *state, struct live *l, const char *name,
		     const struct target_unit **units)
{
	size_t count = 0, asked = 0;
	char *file = state->file;
	const struct target_unit *main_unit = NULL, *last = state->unit;

	for (size_t i = 0; i < live_count(l) && count < CONTEXT_UNITS_MAX; i++) {
		const struct target_unit *unit = live_function(l, i)->at.unit;
		bool known = !unit;
		for (size_t k = 0; k < count && !known; k++)
			known = units[k] == unit;
		if (!known && is_asked(state, l, unit, name, &asked))
			units[count++] = unit;
	}
	state->file = NULL;
	state->unit = NULL;
	struct error *e = context_unit(state, l, &main_unit);
	state->file = file;
	state->unit = last;
	error_free(e);
	for (size_t k = 0; k < count && main_unit; k++)
		if (units[k] == main_unit)
			main_unit = NULL;
	if (main_unit && count < CONTEXT_UNITS_MAX)
		units[count++] = main_unit;
	return count;
}

uint32_t context_arena(struct live *l, const struct target_unit *unit)
{
	const struct live_function *near = NULL;

	for (size_t i = 0; i < live_count(l); i++) {
		const struct live_function *f = live_function(l, i);
		if (f->at.unit == unit)
			return f->arena;
		if (!near && unit && strcmp(f->at.module, unit->module) == 0)
			near = f;
	}
	return near ? near->arena : 0;
}
