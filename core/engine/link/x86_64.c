#include "x86_64.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum entry_kind { ENTRY_ADDRESS, ENTRY_STUB, ENTRY_THREAD };

struct x86_64_entry {
	enum entry_kind kind;
	uint64_t value, block, address;
};

bool x86_64_is_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32;
}

static void put(unsigned char *at, uint64_t value, unsigned width)
{
	memcpy(at, &value, width);
}

static bool fits_signed(uint64_t value)
{
	return (int64_t)value == (int32_t)value;
}

static struct error *pool_remember(struct x86_64_pool *pool, struct x86_64_entry entry)
{
	if (pool->count == pool->room) {
		size_t room = pool->room ? pool->room * 2 : 32;
		struct x86_64_entry *bigger = realloc(pool->entries, room * sizeof *bigger);
		if (!bigger)
			return error_memory();
		pool->entries = bigger;
		pool->room = room;
	}
	pool->entries[pool->count++] = entry;
	return NULL;
}

/* The address of a GOT entry that holds `value`, of two that hold `block` and it, or of a stub that jumps to it:
 *
 *      0  ff 25 02 00 00 00   jmp *2(%rip)
 *      6  cc cc
 *      8  the address
 */
static struct error *pool_find(struct x86_64_pool *pool, enum entry_kind kind, uint64_t value, uint64_t block,
			       uint64_t *address)
{
	static const unsigned char jump[8] = {0xff, 0x25, 2, 0, 0, 0, 0xcc, 0xcc};
	for (size_t i = 0; i < pool->count; i++) {
		const struct x86_64_entry *known = &pool->entries[i];
		if (known->kind == kind && known->value == value && known->block == block) {
			*address = known->address;
			return NULL;
		}
	}
	size_t size = kind == ENTRY_ADDRESS ? 8 : 16;
	if (pool->size < pool->used || pool->size - pool->used < size)
		return error_new(ERROR_INTERNAL, "the arena has no room left for code");
	unsigned char *at = pool->view + pool->used;
	if (kind == ENTRY_STUB)
		memcpy(at, jump, sizeof jump);
	else if (kind == ENTRY_THREAD)
		put(at, block, 8);
	put(at + size - 8, value, 8);
	struct x86_64_entry entry = {kind, value, block, pool->address + pool->used};
	struct error *e = pool_remember(pool, entry);
	if (e)
		return e;
	pool->used += size;
	*address = entry.address;
	return NULL;
}

static unsigned width_of(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
	case R_X86_64_GOTOFF64:
	case R_X86_64_GOTPC64:
	case R_X86_64_GOT64:
	case R_X86_64_GOTPCREL64:
	case R_X86_64_PLTOFF64:
	case R_X86_64_TPOFF64:
	case R_X86_64_SIZE64:
		return 8;
	case R_X86_64_16:
	case R_X86_64_PC16:
		return 2;
	case R_X86_64_8:
	case R_X86_64_PC8:
		return 1;
	default:
		return 4;
	}
}

static struct error *too_far(const struct x86_64_symbol *symbol)
{
	return error_new(ERROR_INTERNAL, "%s is too far from the arena for this kind of reference",
			 symbol->name);
}

/* The bytes of an instruction before the relocated field; 0 where there are none. */
static unsigned char byte_before(const struct x86_64_place *place, size_t distance)
{
	return place->offset >= distance ? place->section[place->offset - distance] : 0;
}

static bool is_branch(const struct x86_64_place *place)
{
	unsigned char opcode = byte_before(place, 1);
	return opcode == 0xe8 || opcode == 0xe9 || (byte_before(place, 2) == 0x0f && (opcode & 0xf0) == 0x80);
}

static struct error *put_relative(struct x86_64_pool *pool, const struct x86_64_place *place, uint32_t type,
				  const struct x86_64_symbol *symbol, int64_t addend)
{
	unsigned char *at = place->section + place->offset;
	uint64_t here = place->address + place->offset;
	uint64_t value = symbol->address + (uint64_t)addend - here;
	if (!fits_signed(value)) {
		if (type != R_X86_64_PLT32 && !is_branch(place))
			return too_far(symbol);
		uint64_t stub = 0;
		struct error *e = pool_find(pool, ENTRY_STUB, symbol->address, 0, &stub);
		if (e)
			return e;
		value = stub + (uint64_t)addend - here;
		if (!fits_signed(value))
			return too_far(symbol);
	}
	put(at, value, 4);
	return NULL;
}

/* `mov name@GOTPCREL(%rip), reg` becomes `lea name(%rip), reg`; an indirect call or jump becomes a direct
 * one. False: it has to stay what it is. */
static bool relax_got(const struct x86_64_place *place, uint64_t target)
{
	unsigned char *at = place->section + place->offset;
	uint64_t after = place->address + place->offset + 4;
	unsigned char opcode = byte_before(place, 2), operand = byte_before(place, 1);
	uint64_t distance = target - after;
	if (opcode == 0x8b && fits_signed(distance)) {
		at[-2] = 0x8d;
		put(at, distance, 4);
		return true;
	}
	if (opcode == 0xff && operand == 0x15 && fits_signed(distance)) {
		at[-2] = 0x67; /* addr32: a prefix without effect */
		at[-1] = 0xe8;
		put(at, distance, 4);
		return true;
	}
	if (opcode == 0xff && operand == 0x25 && fits_signed(distance + 1)) {
		at[-2] = 0xe9;
		put(at - 1, distance + 1, 4);
		at[3] = 0x90;
		return true;
	}
	return false;
}

static struct error *put_got(struct x86_64_pool *pool, const struct x86_64_place *place, uint32_t type,
			     uint64_t value, const struct x86_64_symbol *symbol, int64_t addend)
{
	bool relaxable = type == R_X86_64_GOTPCRELX || type == R_X86_64_REX_GOTPCRELX;
	if (relaxable && addend == -4 && value && relax_got(place, value))
		return NULL;
	uint64_t slot = 0;
	struct error *e = pool_find(pool, ENTRY_ADDRESS, value, 0, &slot);
	if (e)
		return e;
	uint64_t distance = slot + (uint64_t)addend - (place->address + place->offset);
	if (!fits_signed(distance))
		return too_far(symbol);
	put(place->section + place->offset, distance, 4);
	return NULL;
}

/* The large code model's: the entry is named by its distance from the table, or from here. */
static struct error *put_got64(struct x86_64_pool *pool, const struct x86_64_place *place, uint64_t from,
			       uint64_t value, int64_t addend)
{
	uint64_t slot = 0;
	struct error *e = pool_find(pool, ENTRY_ADDRESS, value, 0, &slot);
	if (!e)
		put(place->section + place->offset, slot + (uint64_t)addend - from, 8);
	return e;
}

/* General to local exec: 16 bytes, of which the relocated field is in the middle of the first half.
 *
 *      66 48 8d 3d TLSGD      lea x@tlsgd(%rip), %rdi      64 48 8b 04 25 0 0 0 0   mov %fs:0, %rax
 *      66 66 48 e8 PLT32      call __tls_get_addr          48 8d 80 TPOFF           lea TPOFF(%rax), %rax
 *   or 66 48 ff 15 GOTPCRELX
 */
static struct error *relax_general_tls(const struct x86_64_place *place, const struct x86_64_symbol *symbol,
				       bool *swallow)
{
	static const unsigned char before[4] = {0x66, 0x48, 0x8d, 0x3d};
	static const unsigned char call[4] = {0x66, 0x66, 0x48, 0xe8}, indirect[4] = {0x66, 0x48, 0xff, 0x15};
	static const unsigned char local[12] = {0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0x48, 0x8d, 0x80};
	unsigned char *at = place->section + place->offset;
	if (place->offset < 4 || place->size - place->offset < 12 || memcmp(at - 4, before, 4) ||
	    (memcmp(at + 4, call, 4) && memcmp(at + 4, indirect, 4)))
		return error_new(ERROR_INTERNAL, "thread-local %s is reached in an unknown way",
				 symbol->name);
	memcpy(at - 4, local, sizeof local);
	put(at + 8, symbol->address, 4);
	*swallow = true;
	return NULL;
}

/* General dynamic as it stands: %rdi points to the block's number and the offset, and the call is made. */
static struct error *put_general_tls(struct x86_64_pool *pool, const struct x86_64_place *place,
				     const struct x86_64_symbol *symbol, int64_t addend)
{
	uint64_t pair = 0;
	struct error *e = pool_find(pool, ENTRY_THREAD, symbol->address, symbol->block, &pair);
	if (e)
		return e;
	uint64_t distance = pair + (uint64_t)addend - (place->address + place->offset);
	if (!fits_signed(distance))
		return too_far(symbol);
	put(place->section + place->offset, distance, 4);
	return NULL;
}

/* A library's, in two steps: its block, and in that the variable. */
static struct error *relocate_block(struct x86_64_pool *pool, const struct x86_64_place *place, uint32_t type,
				    const struct x86_64_symbol *symbol, int64_t addend)
{
	const struct x86_64_symbol block = {.name = symbol->name, .block = symbol->block};
	uint64_t value = symbol->address + (uint64_t)addend;
	switch (type) {
	case R_X86_64_TLSGD:
		return put_general_tls(pool, place, symbol, addend);
	case R_X86_64_TLSLD:
		return put_general_tls(pool, place, &block, addend);
	case R_X86_64_DTPOFF32:
		if (!fits_signed(value))
			return too_far(symbol);
		put(place->section + place->offset, value, 4);
		return NULL;
	default:
		return error_new(ERROR_INTERNAL,
				 "thread-local %s of a library is reached as if it were the program's",
				 symbol->name);
	}
}

static struct error *relocate_tls(struct x86_64_pool *pool, const struct x86_64_place *place, uint32_t type,
				  const struct x86_64_symbol *symbol, int64_t addend, bool *swallow)
{
	unsigned char *at = place->section + place->offset;
	uint64_t value = symbol->address + (uint64_t)addend;
	if (!symbol->thread_local)
		return error_new(ERROR_LAYOUT,
				 "%s is thread-local here, and is not in the running program", symbol->name);
	if (symbol->block)
		return relocate_block(pool, place, type, symbol, addend);
	switch (type) {
	case R_X86_64_TPOFF64:
		put(at, value, 8);
		return NULL;
	case R_X86_64_TPOFF32:
		if (!fits_signed(value))
			return too_far(symbol);
		put(at, value, 4);
		return NULL;
	case R_X86_64_GOTTPOFF:
		return put_got(pool, place, type, symbol->address, symbol, addend);
	case R_X86_64_TLSLD:
	case R_X86_64_DTPOFF32:
		return error_new(ERROR_INTERNAL,
				 "thread-local %s of the program is reached as if it were a library's",
				 symbol->name);
	default:
		if (!fits_signed(symbol->address))
			return too_far(symbol);
		return relax_general_tls(place, symbol, swallow);
	}
}

static struct error *put_checked(unsigned char *at, uint64_t value, bool reaches,
				 const struct x86_64_symbol *symbol)
{
	if (!reaches)
		return too_far(symbol);
	put(at, value, 4);
	return NULL;
}

struct error *x86_64_relocate(struct x86_64_pool *pool, const struct x86_64_place *place, uint32_t type,
			      const struct x86_64_symbol *symbol, int64_t addend, bool *swallow)
{
	*swallow = false;
	if (type == R_X86_64_NONE)
		return NULL;
	if (place->offset > place->size || place->size - place->offset < width_of(type))
		return error_new(ERROR_INTERNAL, "malformed object: a relocation outside its section");

	unsigned char *at = place->section + place->offset;
	uint64_t here = place->address + place->offset;
	uint64_t value = symbol->address + (uint64_t)addend;
	switch (type) {
	case R_X86_64_TPOFF32:
	case R_X86_64_TPOFF64:
	case R_X86_64_GOTTPOFF:
	case R_X86_64_TLSGD:
	case R_X86_64_TLSLD:
	case R_X86_64_DTPOFF32:
		return relocate_tls(pool, place, type, symbol, addend, swallow);
	}
	if (symbol->thread_local)
		return error_new(ERROR_LAYOUT, "%s is thread-local in the running program, and is not here",
				 symbol->name);
	switch (type) {
	case R_X86_64_64:
		put(at, value, 8);
		return NULL;
	case R_X86_64_PC64:
		put(at, value - here, 8);
		return NULL;
	case R_X86_64_GOTOFF64:
	case R_X86_64_PLTOFF64: /* 64 bits reach the function itself */
		put(at, value - pool->address, 8);
		return NULL;
	case R_X86_64_GOT64:
		return put_got64(pool, place, pool->address, symbol->address, addend);
	case R_X86_64_GOTPCREL64:
		return put_got64(pool, place, here, symbol->address, addend);
	case R_X86_64_GOTPC64:
		put(at, pool->address + (uint64_t)addend - here, 8);
		return NULL;
	case R_X86_64_GOTPC32:
		value = pool->address + (uint64_t)addend - here;
		return put_checked(at, value, fits_signed(value), symbol);
	case R_X86_64_32:
		return put_checked(at, value, value <= UINT32_MAX, symbol);
	case R_X86_64_32S:
		return put_checked(at, value, fits_signed(value), symbol);
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return put_relative(pool, place, type, symbol, addend);
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		return put_got(pool, place, type, symbol->address, symbol, addend);
	default:
		return error_new(ERROR_INTERNAL, "%s is reached by a relocation of unknown type %u",
				 symbol->name, type);
	}
}

/* [endbr64] [bnd] jmp *slot(%rip) */
bool x86_64_find_stub(const unsigned char *code, size_t size, uint64_t address, uint64_t slot, size_t *at)
{
	static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};

	for (size_t i = 0; i + 6 <= size; i++) {
		int32_t distance;
		memcpy(&distance, code + i + 2, sizeof(distance));
		if (code[i] != 0xff || code[i + 1] != 0x25 || address + i + 6 + (uint64_t)distance != slot)
			continue;
		*at = i;
		if (*at && code[*at - 1] == 0xf2)
			--*at;
		if (*at >= sizeof(endbr64) && !memcmp(code + *at - sizeof(endbr64), endbr64, sizeof(endbr64)))
			*at -= sizeof(endbr64);
		return true;
	}
	return false;
}
