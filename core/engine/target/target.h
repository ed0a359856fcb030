/* The running program as its files describe it: modules, symbols, DWARF, through elfutils' libdwfl.
 *
 * Reads the program's files, /proc/PID/exe and /proc/PID/maps, never the program's memory, and stops nothing.
 * The executable is read as it runs, even if it was deleted or built anew since. Each module's symbols and
 * DWARF are read when first asked for. Everything returned belongs to the target and stays valid until
 * target_free; what belonged to a module that target_refresh no longer found is then not found any more. One
 * thread at a time. */
#ifndef RTF_TARGET_H
#define RTF_TARGET_H

#include "error.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct target;

/* One translation unit that the program was built from. */
struct target_unit {
	const char *file;      /* absolute path of its source, source root mapped */
	const char *given;     /* the same as its compiler was given it, DW_AT_name */
	const char *directory; /* DW_AT_comp_dir, source root mapped */
	const char *producer;  /* DW_AT_producer: compiler, version and (gcc) its code generation flags */
	const char *module;    /* file name of the module, without directories */
	const char *const *include_directories; /* absolute; NULL at the end; those that the line table used,
						   the system's among them, `directory` not */
	const char *const
		*macros; /* its command line's -D and -U, where DWARF has them; NULL at the end, or NULL */
	bool optimized;  /* -O1 or more (-Og, -Os too), as far as DWARF tells */
	bool clang;      /* built by clang */
	bool unwinds; /* its module has tables of what is cleaned up when a thread or an exception ends a call */
	/* Whether it defines that at file scope: a variable, function, type, tag or enumeration constant; NULL: nobody can tell. */
	bool (*defines)(const struct target_unit *, const char *name);
};

struct target_function {
	const char *name; /* as in the source */
	const char *file; /* where it is defined: absolute, source root mapped; may be a header */
	unsigned line;  /* DW_AT_decl_line: the line of its name, not of its first specifier; 0 is unknown */
	uint64_t entry; /* run-time address that callers use */
	uint64_t size;  /* bytes of machine code that follow the entry, 0 if unknown */
	bool external;  /* not static */
	bool clone; /* the compiler's changed copy (f.constprop.0, f.isra.0, …): named as the source has it,
		       but with a calling convention of its own, so that no text can be compiled to take its
		       place */
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
	bool internal; /* static in the unit, or in the function; else one of the module's globals */
};

struct target_member {
	const char *name;    /* NULL: an anonymous struct or union; its own members follow, flattened */
	uint64_t bit_offset; /* from the start of the outermost struct; its lowest bit's, for a bit-field */
	uint32_t bit_size;   /* 0: not a bit-field */
	const char *form, *spelling; /* its type as form.h has it, and as C spells it; NULL without a name */
};

struct target_layout {
	uint64_t size;
	size_t count;                        /* 0 also for an enum, a scalar, an array, a pointer */
	const struct target_member *members; /* flattened through anonymous members */
};

enum target_tag { TARGET_STRUCT, TARGET_UNION, TARGET_ENUM, TARGET_TYPEDEF };

/* Opens process `pid`. `root_map` is "OLD=NEW" (sources moved since the build) or NULL. */
struct error *target_new(pid_t pid, const char *root_map, struct target **out);
void target_free(struct target *);

/* Learns of modules that were loaded since. What was returned before stays valid. */
struct error *target_refresh(struct target *);

const char *target_program(const struct target *);  /* absolute path of the executable */
const char *target_build_id(const struct target *); /* lower-case hex; else a hash of the file; never NULL */

/* Calls `each` for every unit of the executable and of modules with sleds, with decorated functions or without, until it
 * returns false. */
void target_each_unit(struct target *, bool (*each)(void *context, const struct target_unit *),
		      void *context);

/* When the file of the unit's module was written: sources that are newer were not built into it. False if that is not
 * known, or says nothing because the sources were moved since. */
bool target_built(struct target *, const struct target_unit *, struct timespec *out);

/* The function whose sled is at run-time address `sled` (the sled may stand a few bytes after the symbol:
 * endbr64). Without DWARF: name, entry and module from the symbol table, unit NULL, line 0. False if nothing
 * is known. */
bool target_function_at(struct target *, uint64_t sled, struct target_function *out);

/* main() of the executable; false where nothing is known of it. */
bool target_main(struct target *, struct target_function *out);

/* Decorated or not, for near misses: calls `each` for every subprogram that DWARF gives machine code in the
 * executable and in modules with sleds, until it returns false. */
void target_each_function(struct target *, bool (*each)(void *context, const struct target_function *),
			  void *context);

/* `name` as a file-scope name in `unit`: the unit's own statics and definitions first, then the module's
 * globals (hidden ones too). Only what really is in the binary under that very name: a function that was
 * inlined away or survives only as a clone (.isra, .constprop, .part, .cold) is not there, nor is a variable
 * that was optimised away or is not kept as its type says. A unit's static that is not there is never
 * answered with another unit's global. An asm label is found too. A library's global that the executable
 * defines as well (a copy relocation) is the executable's. IFUNCs and symbols that the module imports are not
 * found here: the dynamic linker knows those (see MESSAGE_RESOLVE). `unit` NULL: the executable's globals. */
bool target_find(struct target *, const struct target_unit *unit, const char *name,
		 struct target_symbol *out);

/* The `nth` (from 0, in source order) function-local static called `name` of `function`; those of functions
 * inlined into it are not its own. False also where optimisation removed a variable of that name before it,
 * perhaps a static, so that the count is uncertain. */
bool target_find_local(struct target *, const struct target_function *function, const char *name,
		       unsigned nth, struct target_symbol *out);

/* Whether `unit` has a variable of that name at file scope for which the binary has no single place: one that was
 * optimised away, is kept in pieces or as a constant. */
bool target_has_lost(struct target *, const struct target_unit *, const char *name);

/* Whether the unit has a static variable or function of that name at file scope, also one that the binary has no more: in it
 * no global of another unit is meant by the name. */
bool target_hides(struct target *, const struct target_unit *, const char *name);

/* Whether the unit has a variable or function of that name at file scope, or declares one of another's. */
bool target_declares(struct target *, const struct target_unit *, const char *name);

/* The source file in `unit`'s module that defines a global of that name, as DWARF names it, though the binary may have nothing of
 * it left: what is linked with -flto may be inlined in all files, or kept as a constant. NULL: there is none. */
const char *target_defining_file(struct target *, const struct target_unit *, const char *name);

/* Whether `unit`'s own file defines a static function of that name, though all of its code may have been inlined; the line of
 * its name, 0 if unknown. */
bool target_defines_static(struct target *, const struct target_unit *, const char *name, unsigned *line);

/* Whether clang, which saw all of its callers, passes the static function other arguments than it is written with: one of them
 * is in another register than its place says, or is not passed at all, as it is not used or always the same. */
bool target_passes_otherwise(struct target *, const struct target_function *);

/* target_find_local for what `unit` defines as `function`, also if all of its code was inlined elsewhere. */
bool target_find_helper_local(struct target *, const struct target_unit *, const char *function,
			      const char *name, unsigned nth, struct target_symbol *out);

/* Whether the program has that static, but not as its type says: a byte for an int that only ever has two values, or pieces. */
bool target_has_lost_local(struct target *, const struct target_function *, const char *name, unsigned nth);
bool target_has_lost_helper_local(struct target *, const struct target_unit *, const char *function,
				  const char *name, unsigned nth);

/* The first static variable of that name in what `unit` defines as `function`, and its type as C spells it. */
bool target_spell_local(struct target *, const struct target_unit *, const char *function, const char *name,
			struct target_symbol *out, struct text *spelling);

/* A thread-local's offset from the thread pointer (negative, as unsigned, on x86-64), given its offset in the
 * TLS block of `unit`'s module (NULL: the executable). Known for the executable only: false elsewhere. */
bool target_tls_offset(struct target *, const struct target_unit *unit, uint64_t offset, uint64_t *out);

/* A thread-local variable that some module has among its globals, the executable's before the libraries': `*module` is an
 * address in that one. */
bool target_find_thread_local(struct target *, const char *name, struct target_symbol *out, uint64_t *module);

/* An address in the unit's module, 0 if it was unloaded; whether that is the executable. */
uint64_t target_module(struct target *, const struct target_unit *, bool *executable);

/* How the binary lays out a type that `unit` knows under that tag or typedef name at file scope (a typedef:
 * the layout of what it stands for); false if DWARF has no complete type of that name in the unit. */
bool target_find_layout(struct target *, const struct target_unit *unit, enum target_tag, const char *name,
			struct target_layout *out);

/* The type of what `unit` knows as the file-scope variable or function `name`, or of what the module has under that name: as
 * form.h has it, and as C spells it (a function's with its name in it). False if DWARF does not tell. */
bool target_find_form(struct target *, const struct target_unit *unit, const char *name, struct text *form,
		      struct text *spelling);

/* How the unit itself declared a function that another one defines, when it was built; false where debug information does not
 * say. */
bool target_find_declared_form(struct target *, const struct target_unit *, const char *name,
			       struct text *form);

/* Whether any unit of that one's module declared it so, which reads the names of all of them. */
bool target_is_declared(struct target *, const struct target_unit *, const char *name, const char *form);

/* The same for a static variable of a function's, found as target_find_local finds it. */
bool target_find_local_form(struct target *, const struct target_function *, const char *name, unsigned nth,
			    struct text *form, struct text *spelling);

/* The value of an enumeration constant that `unit` knows. */
bool target_find_enumerator(struct target *, const struct target_unit *unit, const char *name, int64_t *out);

/* Elements of the first dimension of array variable `name` of `unit`; false if unknown or not an array. */
bool target_find_bound(struct target *, const struct target_unit *unit, const char *name, uint64_t *out);

/* A call that has no code of its own: who is called, and where. `file` NULL, `line` 0: unknown. */
struct target_inlined {
	const char *name, *file;
	unsigned line;
};

/* Those that an address in what was built is in, innermost first. */
size_t target_inlined_at(struct target *, uint64_t address, struct target_inlined *out, size_t max);

/* Where a function was inlined, as far as DWARF of its own unit says: the address, the function that it stands in and the
 * line of that call (NULL, 0 where unknown), until `each` returns false. All are unknown, once, where nothing was left of
 * the inlined code but its result. */
void target_each_inlined(struct target *, const struct target_function *,
			 bool (*each)(void *context, uint64_t address, const char *caller, const char *file,
				      unsigned line),
			 void *context);

struct unwind_state;

/* unwind_frames in this program. */
size_t target_unwind(struct target *, const struct unwind_state *, uint64_t *pcs, size_t max);

/* The symbol that a run-time address lies in, or behind if it has no size: "price in shop", "price+0x12 in shop", "0x1040 in
 * shop" (from its first byte) if there is none; false if in no module. */
bool target_describe_address(struct target *, uint64_t address, char *buffer, size_t size);

/* The symbol that a run-time address lies in: its name, the offset from its first byte, its size (0: unknown). */
bool target_find_symbol(struct target *, uint64_t address, const char **name, uint64_t *offset,
			uint64_t *size);

/* Every line that the unit has code of, as often as DWARF says so; `file` is absolute, source root mapped, the target's, and mostly
 * the one before. */
void target_each_line(struct target *, const struct target_unit *,
		      void (*each)(void *context, const char *file, unsigned line), void *context);

/* The file (as DWARF spells it, the target's) and line of the code at a run-time address; false where nothing says. */
bool target_find_line(struct target *, uint64_t address, const char **file, unsigned *line);

#endif
