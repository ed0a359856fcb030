#include "resolved.h"

#include <string.h>

struct answer {
	struct named named;
	uint64_t address;
};

bool resolved_find(const struct resolved *r, const char *name, uint64_t *address)
{
	const struct answer *answer = name_table_find(&r->names, name, strlen(name));

	if (answer)
		*address = answer->address;
	return answer != NULL;
}

void resolved_add(struct resolved *r, const char *name, uint64_t address)
{
	r->names.item_size = sizeof(struct answer);
	r->names.copies = true;
	struct answer *answer = name_table_put(&r->names, name, strlen(name));
	if (answer)
		answer->address = address;
}

void resolved_fini(struct resolved *r)
{
	name_table_fini(&r->names);
}
