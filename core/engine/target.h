/* The running program as its files describe it: modules, symbols, DWARF, through elfutils' libdwfl.
 *
 * Reads the program's files and /proc/PID/maps, never the program's memory, and stops nothing. Everything returned
 * belongs to the target and stays valid until target_free; one thread at a time. */
#ifndef RTF_TARGET_H
#define RTF_TARGET_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct target;

/* One translation unit that the program was built from. */
struct target_unit {
	const char *file;      /* absolute path of its source, source root mapped */
	const char *directory; /* DW_AT_comp_dir, source root mapped */
	const char *producer;  /* DW_AT_producer: compiler, version and (gcc) its code generation flags */
	const char *module;    /* file name of the module, without directories */
	const char *const *include_directories; /* absolute; NULL at the end; from the line table */
	bool optimized;        /* -O1 or more, as far as DWARF tells */
	bool clang;            /* built by clang */
};

struct target_function {
	const char *name;  /* as in the source */
	const char *file;  /* where it is defined: absolute, source root mapped; may be a header */
	unsigned line;     /* DW_AT_decl_line: the line of its name, not of its first specifier; 0 is unknown */
	uint64_t entry;    /* run-time address that callers use */
	uint64_t size;     /* bytes of machine code, 0 if unknown */
	bool external;     /* not static */
	const struct target_unit *unit; /* NULL without DWARF */
	const char *module;
	uint64_t die; /* for target's own use */
};

/* A variable or function that exists in the running program. */
struct target_symbol {
	uint64_t address; /* run-time; for a thread-local its offset in the module's TLS block */
	uint64_t size;    /* 0 if unknown */
	bool thread_local;
	bool function;
};

struct target_member {
	const char *name; /* NULL for an anonymous struct or union member, whose own members follow, flattened */
	uint64_t bit_offset;
	uint32_t bit_size; /* 0: not a bit-field */
};

struct target_layout {
	uint64_t size;
	size_t count;
	const struct target_member *members; /* flattened through anonymous members */
};

enum target_tag { TARGET_STRUCT, TARGET_UNION, TARGET_ENUM, TARGET_TYPEDEF };

/* Opens process `pid`. `root_map` is "OLD=NEW" (sources moved since the build) or NULL. */
struct error *target_new(pid_t pid, const char *root_map, struct target **out);
void target_free(struct target *);

/* Learns of modules that were loaded since. What was returned before stays valid. */
struct error *target_refresh(struct target *);

const char *target_program(const struct target *);  /* absolute path of the executable */
const char *target_build_id(const struct target *); /* lower-case hex; without one, a hash of the file: never NULL */

/* The function whose sled is at run-time address `sled` (the sled may stand a few bytes after the symbol: endbr64).
 * Without DWARF: name, entry and module from the symbol table, unit NULL, line 0. False if nothing is known. */
bool target_function_at(struct target *, uint64_t sled, struct target_function *out);

/* All units with a function of this name, decorated or not, for near misses: calls `each` for every subprogram that
 * has machine code, until it returns false. */
void target_each_function(struct target *, bool (*each)(void *context, const struct target_function *), void *context);

/* `name` as a file-scope name in `unit`: the unit's own statics and definitions first, then the module's globals
 * (hidden ones too). Only what really is in the binary under that very name: a function that was inlined away
 * or survives only as a clone (.isra, .constprop, .part, .cold) is not there. IFUNCs and symbols that the module
 * imports are not found here: the dynamic linker knows those (see MESSAGE_RESOLVE). */
bool target_find(struct target *, const struct target_unit *unit, const char *name, struct target_symbol *out);

/* The `nth` (from 0, in source order) function-local static called `name` of `function`. */
bool target_find_local(struct target *, const struct target_function *function, const char *name, unsigned nth,
		       struct target_symbol *out);

/* How the binary lays out a type that `unit` knows under that tag or typedef name; false if DWARF has no complete
 * type of that name in the unit. */
bool target_find_layout(struct target *, const struct target_unit *unit, enum target_tag, const char *name,
			struct target_layout *out);

/* The value of an enumeration constant that `unit` knows. */
bool target_find_enumerator(struct target *, const struct target_unit *unit, const char *name, int64_t *out);

/* Elements of the first dimension of array variable `name` of `unit`; false if unknown or not an array. */
bool target_find_bound(struct target *, const struct target_unit *unit, const char *name, uint64_t *out);

/* The nearest symbol at or below a run-time address: "price+0x12 in shop"; false if in no module. */
bool target_describe_address(struct target *, uint64_t address, char *buffer, size_t size);

#endif
