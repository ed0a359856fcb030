/* The variables and functions that a binary really has, by name: what DWARF's entries and the symbol table say together.
 *
 * What target.h promises of target_find and its like is kept here, for one module. One thread at a time. */
#ifndef RTF_OBJECTS_H
#define RTF_OBJECTS_H

#include "module.h"
#include "target.h"
#include "unit.h"

#include <elfutils/libdw.h>
#include <stdbool.h>

/* Whether the entry is a variable's or a function's. */
bool objects_are(Dwarf_Die *);

/* As a file-scope name in `unit`, which is the module's; NULL: as one of the module's globals. */
bool objects_find(struct module *, struct unit *unit, const char *name, struct target_symbol *out);

/* One of the globals in the module's symbol table. */
bool objects_find_global(struct module *, const char *name, struct target_symbol *out);

/* Whether the unit has a variable of that name at file scope for which the binary has no single place. */
bool objects_has_lost(struct unit *, const char *name);

/* Whether the unit speaks of any variable or function of that name at file scope, whatever the build has left of it; `internal`: of
 * a static one. */
bool objects_has(struct unit *, const char *name, bool internal);

/* The first unit whose source defines a global of that name, whatever the build has left of it; NULL: none of the module. */
struct unit *objects_defining_unit(struct module *, const char *name);

/* The `nth` (from 0, in source order) static variable of that name in the function, and its entry. */
bool objects_find_local(struct unit_function *, const char *name, unsigned nth, Dwarf_Die *variable,
			struct target_symbol *out);

/* The same in what the unit defines as `function`, also if all of its code was inlined elsewhere; and where clang, which
 * built the unit, says no more of it than a symbol's name. */
bool objects_find_helper_local(struct unit *, const char *function, const char *name, unsigned nth,
			       Dwarf_Die *variable, struct target_symbol *out);
bool objects_find_clang_local(struct unit *, const char *function, const char *name, unsigned nth,
			      struct target_symbol *out);

/* Whether it is there, but clang keeps it in another way than its type says. */
bool objects_has_lost_local(struct unit_function *, const char *name, unsigned nth);
bool objects_has_lost_helper_local(struct unit *, const char *function, const char *name, unsigned nth);

#endif
