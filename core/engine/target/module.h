/* The files a process has mapped as code: its executable and its libraries.
 *
 * A module stays where it is until modules_fini; one that was unloaded keeps its name and has nothing else.
 * The files are those that are mapped, also where another has taken their path since. One thread at a time.
 * Sources: proc(5), libdwfl.h. */
#ifndef RTF_MODULE_H
#define RTF_MODULE_H

#include "error.h"
#include "names.h"
#include "pool.h"
#include "symbols.h"
#include "unit.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct modules;

struct module {
	struct module *next;
	struct modules *home;
	Dwfl_Module *dwfl; /* NULL once it was unloaded */
	const char *name;  /* without directories */
	bool executable;
	bool on_disk; /* under its path, as this file: */
	dev_t device;
	ino_t inode;
	struct timespec modified;
	uint64_t first_end; /* of the first of its mappings */
	GElf_Addr bias;     /* from DWARF's addresses to run-time ones */
	bool dwarf_read, symbols_read;
	struct units *units;
	struct symbols *symbols;
};

struct modules {
	pid_t pid;
	Dwfl *dwfl;
	struct pool *pool;
	struct paths *paths;
	const char *program; /* absolute path of the executable */
	struct module *list, *executable;
	struct names exports; /* of the executable: what its .dynsym defines */
	uint64_t *export_addresses;
	size_t export_count, export_room;
	bool exports_read;
};

/* `pool` and `paths` are borrowed until modules_fini, which takes what a failed modules_init left. */
struct error *modules_init(struct modules *, pid_t, struct pool *, struct paths *);
void modules_fini(struct modules *);

/* Learns what was loaded and unloaded since. */
struct error *modules_refresh(struct modules *);

/* The module at a run-time address; NULL if there is none. */
struct module *module_at(struct modules *, uint64_t address);

/* A descriptor of the running executable, the caller's; or -1 and errno. */
int modules_open_executable(const struct modules *);

/* When the module's file was written; false if it is not known. */
bool module_modified(const struct module *, struct timespec *out);

struct units *module_units(struct module *);     /* NULL for a module without DWARF; sets `bias` */
struct symbols *module_symbols(struct module *); /* NULL for what is no ELF file */

/* Whether it has sleds: a section __patchable_function_entries. */
bool module_is_decorated(struct module *);

/* Whether the machine code at `address` is only a changed copy of the function called so. Where symbols were
 * stripped nothing speaks against it. */
bool module_has_clone(struct module *, uint64_t address, const char *name);

/* The module's TLS segment; false if it has none. */
bool module_tls_segment(struct module *, GElf_Phdr *segment);

/* The address at which the executable exports that name. Such a definition takes the place of any library's:
 * the executable's own functions, and the variables of libraries that a non-PIC executable copied into its
 * .bss. */
bool modules_find_export(struct modules *, const char *name, uint64_t *address);

#endif
