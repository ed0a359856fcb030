/* Tables by name: what is known of names that stand somewhere in a text, each once, found by their bytes.
 *
 * Items are the caller's structs, all zeroes when they come in, and each begins with a `struct named`. A table that is all zeroes
 * but for `item_size` and `copies` is empty and ready; with all zeroes it is a set of names. Items move when one is added: a
 * pointer to one is good until then. Names are borrowed and must outlive the table, or are copied. One thread at a time. */
#ifndef RTF_NAME_TABLE_H
#define RTF_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct named {
	const char *name; /* of `length` bytes, a copy has a NUL behind it; NULL: a free place */
	uint32_t length, hash;
};

struct name_table {
	void *items;          /* `size` places, at least half of them free */
	uint32_t size, count; /* size: a power of two, or 0 */
	uint32_t item_size;   /* in bytes, 0: that of `struct named` */
	bool copies;          /* of the names, which are the table's then */
};

void name_table_fini(struct name_table *); /* leaves it empty and ready */

/* The item of that name; NULL: there is none. */
void *name_table_find(const struct name_table *, const char *name, size_t length);

/* The same, added if need be; NULL: memory ran out, and nothing was added. */
void *name_table_put(struct name_table *, const char *name, size_t length);

/* For sets. name_table_add is true if the name was not there yet; out of memory sets *failed, and nothing is added. */
bool name_table_has(const struct name_table *, const char *name, size_t length);
bool name_table_add(struct name_table *, const char *name, size_t length, bool *failed);

/* The item behind `item`, the first one behind NULL, in an order that depends on the names alone; NULL: there is none. */
void *name_table_next(const struct name_table *, const void *item);

#endif
