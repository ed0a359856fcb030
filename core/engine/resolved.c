#include "resolved.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Its place, or the free one where it would go: there is always one. */
static struct resolved_name *place_of(const struct resolved *r, const char *name)
{
	size_t at = (size_t)text_hash(TEXT_HASH_SEED, name, strlen(name)) & (r->room - 1);

	while (r->names[at].name && strcmp(r->names[at].name, name) != 0)
		at = (at + 1) & (r->room - 1);
	return &r->names[at];
}

static bool make_room(struct resolved *r)
{
	if (r->count * 2 < r->room)
		return true;
	struct resolved more = {.count = r->count, .room = r->room ? r->room * 2 : 256};
	more.names = calloc(more.room, sizeof(*more.names));
	if (!more.names)
		return false;
	for (size_t i = 0; i < r->room; i++)
		if (r->names[i].name)
			*place_of(&more, r->names[i].name) = r->names[i];
	free(r->names);
	*r = more;
	return true;
}

bool resolved_find(const struct resolved *r, const char *name, uint64_t *address)
{
	const struct resolved_name *known = r->room ? place_of(r, name) : NULL;

	if (!known || !known->name)
		return false;
	*address = known->address;
	return true;
}

void resolved_add(struct resolved *r, const char *name, uint64_t address)
{
	if (!make_room(r))
		return;
	struct resolved_name *place = place_of(r, name);
	place->name = strdup(name);
	place->address = address;
	r->count += place->name != NULL;
}

void resolved_fini(struct resolved *r)
{
	for (size_t i = 0; i < r->room; i++)
		free(r->names[i].name);
	free(r->names);
	*r = (struct resolved){0};
}
