/* The translation units of one module's DWARF: their functions by address, their file-scope names.
 *
 * Nothing is read before it is asked for: a unit's functions on the first address inside it, its names on the
 * first name. Function bodies are not descended into. gcc's link-time optimiser puts the machine code of all
 * units into units of its own, called "<artificial>": what they hold counts for the unit that first declared
 * it. Units and functions come from the pool and outlive the DWARF (units_free), empty of all but what was
 * shown by then. Addresses are those of the DWARF file. One thread at a time. Source: DWARF 5, chapters 3.1
 * (units) and 3.3 (subprograms). */
#ifndef RTF_UNIT_H
#define RTF_UNIT_H

#include "inlined.h"
#include "names.h"
#include "paths.h"
#include "pool.h"
#include "target.h"

#include <elfutils/libdw.h>

struct units;
struct unit;
struct unit_span;

struct unit_function {
	struct target_function shown; /* what target_function_at hands out, once `filled` */
	bool filled;
	Dwarf_Die die;      /* has the machine code */
	uint64_t low, high; /* the range that begins at its entry */
	struct unit *unit;  /* the unit with its machine code */
	struct unit *owner; /* the unit that declares it; mostly the same */
	struct unit_function *next;
};

struct unit {
	struct target_unit shown; /* first: the caller's pointer to it is turned back */
	void *module;             /* whatever units_new was given */
	struct units *home;       /* NULL once units_free was called */
	Dwarf_Die die;            /* its children are the declarations; of the .dwo if there is one */
	Dwarf_Die skeleton;       /* has the ranges and the line table; mostly the same */
	size_t number;
	bool artificial, published, functions_read, names_read, has_ranges;
	struct unit_function *functions; /* in DWARF order */
	struct unit_span *spans;
	size_t span_count, span_room;
	struct names names;
	Dwarf_Die *named;
	size_t named_count, named_room;
	struct inlined_calls inlined;
};

/* Lists the units of `dwarf`. NULL without memory. */
struct units *units_new(struct pool *, struct paths *, Dwarf *dwarf, const char *module_name, void *module);
void units_free(struct units *); /* takes NULL */

/* Said before any is published: their module has tables of what is cleaned up when a call ends early. */
void units_unwind(struct units *);

/* Those with declarations of their own, "<artificial>" ones left out; NULL at the end. */
struct unit *units_next(struct units *, const struct unit *previous);

struct unit_function *units_function_at(struct units *, uint64_t address);

/* The unit whose ranges hold an address; NULL where none says so. */
struct unit *units_at(struct units *, uint64_t address);

/* All functions with machine code, in turn; NULL at the end. */
struct unit_function *units_next_function(struct units *, const struct unit_function *previous);

static inline struct unit *unit_of(const struct target_unit *shown)
{
	return (struct unit *)shown;
}

/* Fills `shown` if that is still to be done. False without memory. */
bool unit_publish(struct unit *);

/* A path that the unit's DWARF gives, as paths_resolve makes it; NULL without memory. */
const char *unit_path(struct unit *, const char *file);

/* The `nth` file-scope entry of that name: variables and functions (by their linkage name too), tags,
 * typedefs, enumerators, in DWARF order; false if there are no more. */
bool unit_find(struct unit *, const char *name, unsigned nth, Dwarf_Die *die);

/* Whether such an entry defines something. */
bool unit_defines(const struct target_unit *, const char *name);

/* All of them by number, from 0; false behind the last. */
bool unit_entry(struct unit *, size_t number, Dwarf_Die *die);

/* As unit_find, for what the module keeps in type units (-fdebug-types-section). */
bool units_find_type(struct units *, const char *name, unsigned nth, Dwarf_Die *die);

#endif
