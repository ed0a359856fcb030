/* A module's ELF symbols, by name and by address: its .symtab, from a separate debug file if need be, else
 * .dynsym.
 *
 * Holds pointers into the module's file: it must be freed before its Dwfl_Module goes. One thread at a time.
 * Source: the ELF gABI, "Symbol Table"; libdwfl.h. */
#ifndef RTF_SYMBOLS_H
#define RTF_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>

struct symbol {
	const char *name;
	uint64_t address; /* run-time; of a thread-local its offset in the module's TLS block */
	uint64_t size;
	bool function, thread_local;
	bool local;        /* STB_LOCAL; a hidden global is local after linking, and is none here */
	bool interposable; /* a global that another module's definition may replace: STV_DEFAULT */
};

struct symbols;

/* NULL without memory; a module without symbols gives an empty table. */
struct symbols *symbols_new(Dwfl_Module *);
void symbols_free(struct symbols *); /* takes NULL */

/* The global symbol of that name, hidden ones included; NULL if the module has none. */
const struct symbol *symbols_global(const struct symbols *, const char *name);

/* The first local symbol of that name after `previous` (NULL: from the start); NULL at the end. */
const struct symbol *symbols_local(const struct symbols *, const char *name, const struct symbol *previous);

/* Those that a resolver chooses (STT_GNU_IFUNC), in turn, whose address is the resolver's; NULL at the end. They are not found
 * in any other way. */
const struct symbol *symbols_chosen(const struct symbols *, const struct symbol *previous);

/* The best symbol at the highest address not above `address` (functions and globals first), and what else
 * stands at the same address, in turn; NULL at the end. Thread-locals have no address and are not found. */
const struct symbol *symbols_below(const struct symbols *, uint64_t address);
const struct symbol *symbols_beside(const struct symbols *, const struct symbol *);

/* Whether a compiler made the function called `symbol` as a changed copy of another (f.constprop.0, f.isra.0,
 * f.part.0, f.cold, …), which then has a calling convention of its own. A linker's or a compiler's renaming
 * of a static function (f.lto_priv.0, f.llvm.123, f.3) is none. */
bool symbols_is_clone(const char *symbol);

#endif
