/* What dlsym said in the program, by name: its libraries do not lose names, so an answer holds until modules come or go.
 *
 * A hash table, empty when it is all zeroes. One thread. */
#ifndef RTF_RESOLVED_H
#define RTF_RESOLVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resolved {
	struct resolved_name {
		char *name; /* NULL: a free place */
		uint64_t address;
	} * names;
	size_t count, room; /* room: 0 or a power of 2 */
};

bool resolved_find(const struct resolved *, const char *name, uint64_t *address);

/* The name is not there yet. Without memory it is not remembered. */
void resolved_add(struct resolved *, const char *name, uint64_t address);
void resolved_fini(struct resolved *); /* leaves it empty */

#endif
