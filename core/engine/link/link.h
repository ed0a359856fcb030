/* A relocatable object into the arena: places its code and constants, binds its names to the running program,
 * applies the relocations for the program's addresses. What depends on the processor is in x86_64.c.
 *
 *      code region   │ code │ constants, unwind tables │ far-call stubs and GOT entries │
 *      data region   │ new variables, from a fresh page on, to whole pages │
 *
 * Only what the code reaches is placed. An object is untrusted input: a malformed one is an error. Keeps no
 * state; any thread. Sources: the ELF gABI, the System V psABI AMD64 supplement chapter 4 (relocations, code
 * models, TLS). Nothing is published here: until someone stores the slot, the new bytes are dead weight. */
#ifndef RTF_LINK_H
#define RTF_LINK_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of arena to write to: `view` is the engine's rw- mapping of what the program sees at `address`. */
struct link_region {
	unsigned char *view;
	uint64_t address;
	size_t size; /* bytes free from here on */
};

/* What a name outside the object is. */
struct link_symbol {
	uint64_t address;
	bool thread_local; /* address is then the offset from the thread pointer (negative, as unsigned) */
	uint64_t
		block; /* a thread-local of a library: the loader's number of the block that address is an offset in */
};

/* The object's questions about the program. */
struct link_names {
	void *context;
	/* An undefined name, and also a reference to the new version's own name: entry of a function (never a
	 * version: calls go through the entry), address of a variable. False: the name does not exist in the
	 * program. A weak name that does not exist is 0. `*out` comes zeroed. */
	bool (*resolve)(void *context, const char *name, struct link_symbol *out);
	/* A variable that the object defines (a function-local static, a static that an earlier version
	 * added): true and its address if the program already has it, so that it is bound to and not placed
	 * anew. `nth` counts variables of the same name in the object, from 0, in source order; of those that
	 * an optimising compiler left in it, that is. The compiler's decoration (gcc's `n.0`, clang's
	 * `function.n`) is already cut off. `local`: a local symbol (static), not a global. Constants are not
	 * asked about, so that a new version's tables count. But libtcc's objects do not tell constants from
	 * variables: whoever knows the text must answer false for its `static const` ones. */
	bool (*bind)(void *context, const char *name, unsigned nth, uint64_t size, bool local,
		     uint64_t *address);
	/* The same of a thread-local variable. NULL: the program has none. False: it is a new one, of which no thread
	 * has a copy. */
	bool (*bind_thread_local)(void *context, const char *name, unsigned nth, uint64_t size, bool local,
				  struct link_symbol *out);
	/* Makes a new one, which begins in every thread with these bytes (NULL: zeroes). NULL: that cannot be, and the
	 * object is refused. */
	struct error *(*add_thread_local)(void *context, const char *name, uint64_t size, uint64_t align,
					  const void *initial, struct link_symbol *out);
};

struct link_variable {
	char *name;
	unsigned nth;
	uint64_t address, size; /* of a thread-local: its place in what all threads' begin with */
	bool local;
};

struct link_result {
	uint64_t entry;    /* run-time address of the new version */
	size_t entry_size; /* bytes of its machine code */
	size_t besides; /* bytes of constants and other functions that stand with it: 0, nothing can point into it */
	size_t code_size; /* bytes taken of the code region, alignment included */
	size_t data_size; /* bytes taken of the data region: 0, or whole pages */
	uint64_t unwind;  /* run-time address of the object's .eh_frame, 0: it has none */
	size_t unwind_size;
	const unsigned char *unwind_view; /* the same for us, in the code region */
	size_t variable_count;
	struct link_variable *variables; /* variables placed in the data region by this object */
	char **unresolved;               /* NULL-terminated, only if ERROR_UNKNOWN was returned; else NULL */
};

/* Links `object`, whose symbol `function` (global) is the new version. On failure neither region holds
 * anything that counts and result is zeroed but for `unresolved`. ERROR_UNKNOWN: names that the program does
 * not have. ERROR_INTERNAL: a malformed object, a relocation or section we do not know, something out of a
 * relocation's reach, or a region that is full. */
struct error *link_object(const void *object, size_t size, const char *function,
			  const struct link_names *names, const struct link_region *code,
			  const struct link_region *data, struct link_result *out);
void link_result_fini(struct link_result *);

/* Calls `each` for every name that the object needs from elsewhere; the names are the object's.
 * ERROR_INTERNAL: malformed. */
struct error *link_each_undefined(const void *object, size_t size,
				  void (*each)(void *context, const char *name), void *context);

#endif
