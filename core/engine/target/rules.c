#include "rules.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

static bool read_cfa(Dwarf_Frame *frame, struct rules *out)
{
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_frame_cfa(frame, &ops, &count) || count != 1)
		return false;
	if (ops[0].atom == DW_OP_bregx) {
		out->cfa_register = (unsigned)ops[0].number;
		out->cfa_offset = (int64_t)ops[0].number2;
	} else if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		out->cfa_register = ops[0].atom - DW_OP_breg0;
		out->cfa_offset = (int64_t)ops[0].number;
	} else {
		return false;
	}
	return out->cfa_register < RULES_REGISTERS;
}

/* One that lies at the CFA plus something; the others are as they were, or lost. */
static void read_register(Dwarf_Frame *frame, int number, struct rules *out)
{
	Dwarf_Op memory[3], *ops;
	size_t count;

	if (dwarf_frame_register(frame, number, memory, &ops, &count) || count == 0 || count > 2 ||
	    ops[0].atom != DW_OP_call_frame_cfa || (count == 2 && ops[1].atom != DW_OP_plus_uconst))
		return;
	out->saved[number] = true;
	out->at[number] = count == 2 ? (int64_t)ops[1].number : 0;
}

static bool read_frame(Dwarf_Frame *frame, struct rules *out)
{
	*out = (struct rules){0};
	if (!read_cfa(frame, out))
		return false;
	for (int i = 0; i < RULES_REGISTERS; i++)
		read_register(frame, i, out);
	return out->saved[RULES_REGISTERS - 1];
}

bool rules_find(const void *image, size_t size, uint64_t address, struct rules *out)
{
	char *copy = malloc(size ? size : 1); /* libelf wants one that may be written to */
	Dwarf_Frame *frame = NULL;
	bool found = false;

	if (!copy)
		return false;
	memcpy(copy, image, size);
	elf_version(EV_CURRENT);
	Elf *elf = elf_memory(copy, size);
	Dwarf_CFI *table = elf ? dwarf_getcfi_elf(elf) : NULL;
	if (table) {
		found = dwarf_cfi_addrframe(table, address, &frame) == 0 && read_frame(frame, out);
		free(frame);
		dwarf_cfi_end(table);
	}
	elf_end(elf);
	free(copy);
	return found;
}
