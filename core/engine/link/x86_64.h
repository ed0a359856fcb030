/* What linking knows of the x86-64 processor: relocation arithmetic, the instructions around a relocation,
 * stubs.
 *
 * Sources: System V psABI AMD64 supplement 4.4 (relocation types), B.2 (optimising GOTPCRELX), 11.1 (TLS
 * models, in its linker optimisations). All little-endian; the processor that runs this is the one linked
 * for. */
#ifndef RTF_X86_64_H
#define RTF_X86_64_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where addresses and stubs go that relocations ask for: the rest of the code region. The caller fills the
 * first four, aligns `used` to 8, and frees `entries`. */
struct x86_64_pool {
	unsigned char *view; /* of the region's first byte */
	uint64_t address;    /* the same in the program; also stands for _GLOBAL_OFFSET_TABLE_ */
	size_t used, size;
	struct x86_64_entry *entries; /* one for each address, so that none is there twice */
	size_t count, room;
};

/* The bytes of the section that the relocation changes. */
struct x86_64_place {
	unsigned char *section; /* to be written to */
	uint64_t address;       /* of the section in the program */
	size_t size, offset;
};

struct x86_64_symbol {
	const char *name; /* for messages */
	uint64_t address;
	bool thread_local; /* address is then the offset from the thread pointer, or, */
	uint64_t block;    /* if not 0, in that thread-local block */
};

/* Applies one relocation. ERROR_INTERNAL: unknown type, value out of its reach, no room. `*swallow`: the next
 * relocation belonged to the same sequence of instructions and is done too. */
struct error *x86_64_relocate(struct x86_64_pool *, const struct x86_64_place *, uint32_t type,
			      const struct x86_64_symbol *, int64_t addend, bool *swallow);

/* Whether the addend of this type counts from the end of a four-byte field (and so points 4 bytes short). */
bool x86_64_is_relative(uint32_t type);

/* Where among the code of a procedure linkage table, which begins at `address`, the stub stands that jumps to what `slot`
 * holds; false: nowhere. */
bool x86_64_find_stub(const unsigned char *code, size_t size, uint64_t address, uint64_t slot, size_t *at);

/* Defines a function that goes on in the one that the pointer variable `at` points to, whatever its arguments are. */
#define X86_64_GO_ON(function, at) \
	__asm__(".pushsection .text\n" \
		".globl " #function "\n" \
		".hidden " #function "\n" \
		".type " #function ", @function\n" #function ":\n" \
		"\tjmp *" #at "(%rip)\n" \
		".size " #function ", . - " #function "\n" \
		".popsection")

#endif
