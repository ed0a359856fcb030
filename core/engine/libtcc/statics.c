#include "statics.h"

#include <stdlib.h>
#include <string.h>

static bool has_outside(const struct statics *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].scope == STATICS_OUTSIDE && strcmp(s->list[i].name, name) == 0)
			return true;
	return false;
}

void statics_add(struct statics *s, const struct statics_variable *v)
{
	if (v->scope == STATICS_OUTSIDE && has_outside(s, v->name))
		return;
	struct statics_variable *more = realloc(s->list, (s->count + 1) * sizeof(*more));
	char *name = strdup(v->name);
	if (more)
		s->list = more;
	if (!more || !name) {
		s->failed = true;
		free(name);
		return;
	}
	s->list[s->count] = *v;
	s->list[s->count++].name = name;
}

void statics_fini(struct statics *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].name);
	free(s->list);
	*s = (struct statics){0};
}

bool statics_share_names(const struct statics *s)
{
	for (size_t i = 1; i < s->count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(s->list[i].name, s->list[k].name) == 0)
				return true;
	return false;
}

struct statics_place statics_find(const struct statics *s, const char *name, unsigned nth, bool constants)
{
	struct statics_place place = {.scope = STATICS_OWN};
	unsigned before = 0;

	for (size_t i = 0; i < 2 * s->count; i++) {
		const struct statics_variable *v = &s->list[i % s->count];
		if (v->late != (i >= s->count) || strcmp(v->name, name) != 0)
			continue;
		if ((constants || !v->constant) && before++ == nth) {
			place.scope = v->scope;
			place.constant = v->constant;
			place.labels = v->labels;
			return place;
		}
		place.inner += v->scope != STATICS_OUTSIDE;
		place.own += v->scope == STATICS_OWN;
	}
	place.inner += nth - before;
	place.own += nth - before;
	return place;
}
