#include "die.h"

#include <dwarf.h>
#include <stdlib.h>

enum { CHAIN = 64 }; /* more typedefs than any source has: a damaged file */

bool die_address_kept(uint64_t address)
{
	return address > 1 && address < UINT64_MAX - 1;
}

/* An operand that stands in .debug_addr (DW_OP_addrx, DW_OP_constx). */
static bool indexed_operand(Dwarf_Attribute *location, const Dwarf_Op *op, uint64_t *value)
{
	Dwarf_Attribute operand;
	Dwarf_Word word;

	if (dwarf_getlocation_attr(location, op, &operand) != 0)
		return false;
	if (dwarf_formaddr(&operand, value) == 0)
		return true;
	if (dwarf_formudata(&operand, &word) != 0)
		return false;
	*value = word;
	return true;
}

static bool address_operand(Dwarf_Attribute *location, const Dwarf_Op *op, uint64_t *address)
{
	if (op->atom == DW_OP_addrx || op->atom == DW_OP_GNU_addr_index)
		return indexed_operand(location, op, address);
	*address = op->number;
	return op->atom == DW_OP_addr;
}

static bool offset_operand(Dwarf_Attribute *location, const Dwarf_Op *op, uint64_t *offset)
{
	switch (op->atom) {
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		return indexed_operand(location, op, offset);
	case DW_OP_addr:
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
	case DW_OP_const4s:
	case DW_OP_const8s:
	case DW_OP_constu:
		*offset = op->number;
		return true;
	default:
		return op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31 &&
		       (*offset = op->atom - DW_OP_lit0, true);
	}
}

static bool is_tls(const Dwarf_Op *op)
{
	return op->atom == DW_OP_form_tls_address || op->atom == DW_OP_GNU_push_tls_address;
}

/* What clang makes of a variable that has one address: the operation behind the address. A value that is computed from another
 * variable's address, or from what is there, has others. */
static bool is_altered(const Dwarf_Op *op)
{
	return op->atom == DW_OP_deref_size || op->atom == DW_OP_piece || op->atom == DW_OP_bit_piece;
}

enum die_place die_place(Dwarf_Die *die, uint64_t *address)
{
	Dwarf_Attribute location;
	Dwarf_Op *ops;
	size_t count;
	uint64_t value;

	if (!dwarf_attr_integrate(die, DW_AT_location, &location))
		return DIE_NOWHERE;
	if (dwarf_getlocation(&location, &ops, &count) != 0)
		return DIE_ELSEWHERE; /* a list: it moves about */
	if (count == 0)
		return DIE_NOWHERE;
	if (count == 2 && is_tls(&ops[1]) && offset_operand(&location, &ops[0], &value)) {
		*address = value;
		return DIE_THREAD;
	}
	if (!address_operand(&location, &ops[0], &value))
		return DIE_ELSEWHERE;
	/* Any further operation changes what is there: clang keeps an int that is only 0 or 1 in a byte. */
	bool altered = count > 1 && is_altered(&ops[1]);
	if (!altered && (count > 2 || (count == 2 && ops[1].atom != DW_OP_plus_uconst)))
		return DIE_ELSEWHERE;
	if (!die_address_kept(value))
		return DIE_NOWHERE;
	if (altered) {
		*address = value;
		return DIE_ALTERED;
	}
	*address = value + (count == 2 ? ops[1].number : 0);
	return DIE_STATIC;
}

static const char *string_attribute(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

const char *die_name(Dwarf_Die *die)
{
	return string_attribute(die, DW_AT_name);
}

const char *die_linkage_name(Dwarf_Die *die)
{
	const char *name = string_attribute(die, DW_AT_linkage_name);

	return name ? name : string_attribute(die, DW_AT_MIPS_linkage_name);
}

bool die_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	bool set;

	return dwarf_formflag(dwarf_attr_integrate(die, name, &attribute), &set) == 0 && set;
}

unsigned die_line(Dwarf_Die *die)
{
	int line;

	return dwarf_decl_line(die, &line) == 0 && line > 0 ? (unsigned)line : 0;
}

bool die_entry(Dwarf_Die *die, uint64_t *address)
{
	Dwarf_Addr base, low, end;

	if (dwarf_entrypc(die, &low) && dwarf_ranges(die, 0, &base, &low, &end) <= 0)
		return false;
	*address = low;
	return true;
}

Dwarf_Die die_origin(Dwarf_Die *die)
{
	Dwarf_Die origin = *die;

	for (int i = 0; i < CHAIN; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;

		if (!dwarf_attr(&origin, DW_AT_abstract_origin, &attribute) &&
		    !dwarf_attr(&origin, DW_AT_specification, &attribute))
			break;
		if (!dwarf_formref_die(&attribute, &next))
			break;
		origin = next;
	}
	return origin;
}

/* As dwarf_decl_file, which ends the process (elfutils 0.188) on split units whose line table is the
 * skeleton's. */
static const char *file_of(Dwarf_Attribute *attribute)
{
	Dwarf_Die unit;
	Dwarf_Files *files;
	Dwarf_Word number;
	size_t count;

	if (dwarf_formudata(attribute, &number) != 0 ||
	    dwarf_cu_info(attribute->cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) != 0 ||
	    dwarf_getsrcfiles(&unit, &files, &count) != 0 || number >= count)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

const char *die_file(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return file_of(dwarf_attr_integrate(die, DW_AT_decl_file, &attribute));
}

const char *die_call(Dwarf_Die *die, unsigned *line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;

	*line = dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &number) == 0 ? (unsigned)number
											    : 0;
	return file_of(dwarf_attr(die, DW_AT_call_file, &attribute));
}

enum passing { IN_MEMORY, AS_INTEGER, AS_FLOAT };

/* In which kind of register a parameter goes; IN_MEMORY also for what is in several, or is not known. */
static enum passing passing_of(Dwarf_Die *parameter)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;
	Dwarf_Word encoding, size;

	if (!dwarf_formref_die(dwarf_attr_integrate(parameter, DW_AT_type, &attribute), &type) ||
	    dwarf_peel_type(&type, &type) != 0)
		return IN_MEMORY;
	if (dwarf_tag(&type) == DW_TAG_pointer_type || dwarf_tag(&type) == DW_TAG_enumeration_type)
		return AS_INTEGER;
	if (dwarf_tag(&type) != DW_TAG_base_type || dwarf_aggregate_size(&type, &size) != 0 || size > 8 ||
	    dwarf_formudata(dwarf_attr_integrate(&type, DW_AT_encoding, &attribute), &encoding) != 0)
		return IN_MEMORY;
	return encoding == DW_ATE_float ? AS_FLOAT : AS_INTEGER;
}

/* The register that holds it when the function begins, or behind its room for a jump, as DWARF numbers them; -1: none does, or
 * it is not known. */
static int register_of(Dwarf_Die *parameter, Dwarf_Addr begin)
{
	enum { ROOM = 16 };
	Dwarf_Attribute location;
	Dwarf_Op *ops;
	size_t count;

	if (!dwarf_attr(parameter, DW_AT_location, &location))
		return -1;
	if (dwarf_getlocation_addr(&location, begin, &ops, &count, 1) != 1 &&
	    dwarf_getlocation_addr(&location, begin + ROOM, &ops, &count, 1) != 1)
		return -1;
	return count == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31
		       ? ops[0].atom - DW_OP_reg0
		       : -1;
}

/* Whether DWARF says nothing of where it is, or what it always is: where callers are known, they do not pass it. An argument that
 * is passed and not used is in its register when the function begins. */
static bool is_left_out(Dwarf_Die *parameter)
{
	Dwarf_Attribute attribute;

	return !dwarf_attr(parameter, DW_AT_location, &attribute);
}

bool die_passes_otherwise(Dwarf_Die *function)
{
	static const int integers[] = {
		5, 4, 1, 2, 8, 9}; /* rdi, rsi, rdx, rcx, r8, r9: psABI 3.2.3, and its DWARF numbers */
	size_t next = 0;
	Dwarf_Addr begin;
	Dwarf_Die child;

	if (dwarf_lowpc(function, &begin) != 0 || dwarf_child(function, &child) != 0)
		return false;
	do {
		if (dwarf_tag(&child) != DW_TAG_formal_parameter)
			continue;
		enum passing passing = passing_of(&child);
		if (passing == IN_MEMORY || next == sizeof(integers) / sizeof(*integers))
			return false;
		if (is_left_out(&child))
			return true;
		if (passing == AS_FLOAT)
			continue;
		int at = register_of(&child, begin);
		if (at >= 0 && at != integers[next])
			return true;
		next++;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static bool is_alias(int tag)
{
	switch (tag) {
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_packed_type:
		return true;
	default:
		return false;
	}
}

bool die_type(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Die at = *die;

	for (int i = 0; i < CHAIN; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;

		if (!dwarf_attr_integrate(&at, DW_AT_type, &attribute) ||
		    !dwarf_formref_die(&attribute, &next))
			return false;
		at = next;
		if (!is_alias(dwarf_tag(&at))) {
			*type = at;
			return true;
		}
	}
	return false;
}

bool die_complete(Dwarf_Die *type)
{
	Dwarf_Attribute attribute;
	Dwarf_Die full;

	if (!dwarf_attr(type, DW_AT_signature, &attribute))
		return !die_flag(type, DW_AT_declaration);
	if (!dwarf_formref_die(&attribute, &full))
		return false;
	*type = full;
	return !die_flag(type, DW_AT_declaration);
}

bool die_size(Dwarf_Die *die, uint64_t *size)
{
	Dwarf_Die type = *die;
	Dwarf_Word bytes;

	if (dwarf_tag(die) == DW_TAG_variable && !die_type(die, &type))
		return false;
	if (!die_complete(&type) || dwarf_aggregate_size(&type, &bytes) != 0)
		return false;
	*size = bytes;
	return true;
}

/* A constant, however it is written; expressions that need a running program are none. */
static bool constant(Dwarf_Die *die, unsigned name, uint64_t *value)
{
	Dwarf_Attribute attribute;
	Dwarf_Word word;

	if (!dwarf_attr_integrate(die, name, &attribute))
		return false;
	switch (dwarf_whatform(&attribute)) {
	case DW_FORM_sdata:
	case DW_FORM_implicit_const: {
		Dwarf_Sword signed_word;
		if (dwarf_formsdata(&attribute, &signed_word) != 0)
			return false;
		*value = (uint64_t)signed_word;
		return true;
	}
	default: /* libdw would take the top bit of DW_FORM_data1's 200 for a sign */
		if (dwarf_formudata(&attribute, &word) != 0)
			return false;
		*value = word;
		return true;
	}
}

/* Bytes from the start of the struct to a member: a constant, or in old DWARF an expression that adds one. */
static bool member_bytes(Dwarf_Die *member, uint64_t *bytes)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *ops;
	size_t count;

	if (!dwarf_attr(member, DW_AT_data_member_location, &attribute)) {
		*bytes = 0; /* a union's member */
		return true;
	}
	if (constant(member, DW_AT_data_member_location, bytes))
		return true;
	if (dwarf_getlocation(&attribute, &ops, &count) != 0 || count != 1 ||
	    ops[0].atom != DW_OP_plus_uconst)
		return false;
	*bytes = ops[0].number;
	return true;
}

/* Before DWARF 5 a bit-field's place counted from the top bit of a unit of storage, here drawn for
 *little-endian:
 *
 *	bytes                                           bytes + storage
 *	│       offset       │◄─ width ─►│◄─ from_top ──►│
 */
static bool old_bit_offset(Dwarf_Die *member, uint64_t bytes, uint64_t width, uint64_t *offset)
{
	uint64_t from_top, storage;
	Dwarf_Die type;

	if (!constant(member, DW_AT_bit_offset, &from_top))
		return false;
	if (!constant(member, DW_AT_byte_size, &storage) &&
	    !(die_type(member, &type) && die_size(&type, &storage)))
		return false;
	*offset = (bytes + storage) * 8 - from_top - width;
	return true;
}

bool die_member(Dwarf_Die *member, uint64_t *offset, uint64_t *width)
{
	uint64_t bytes;

	if (!constant(member, DW_AT_bit_size, width))
		*width = 0;
	if (constant(member, DW_AT_data_bit_offset, offset))
		return true;
	if (!member_bytes(member, &bytes))
		return false;
	if (!*width || !old_bit_offset(member, bytes, *width, offset))
		*offset = bytes * 8;
	return true;
}

bool die_enumerator(Dwarf_Die *enumerator, int64_t *value)
{
	uint64_t word;

	if (!constant(enumerator, DW_AT_const_value, &word))
		return false;
	*value = (int64_t)word;
	return true;
}

static bool dimension(Dwarf_Die *range, uint64_t *count)
{
	uint64_t last;

	if (constant(range, DW_AT_count, count))
		return true;
	if (!constant(range, DW_AT_upper_bound, &last))
		return false;
	*count = last + 1; /* an upper bound of -1 is an array of none */
	return true;
}

bool die_bound(Dwarf_Die *variable, uint64_t *bound)
{
	Dwarf_Die type, range;

	if (!die_type(variable, &type) || dwarf_tag(&type) != DW_TAG_array_type ||
	    dwarf_child(&type, &range) != 0)
		return false;
	do {
		if (dwarf_tag(&range) == DW_TAG_subrange_type)
			return dimension(&range, bound);
	} while (dwarf_siblingof(&range, &range) == 0);
	return false;
}

bool die_element_size(Dwarf_Die *variable, uint64_t *size)
{
	Dwarf_Die type, element, range;
	uint64_t count;
	bool first = true;

	if (!die_type(variable, &type) || dwarf_tag(&type) != DW_TAG_array_type ||
	    !die_type(&type, &element) || !die_size(&element, size) || dwarf_child(&type, &range) != 0)
		return false;
	do {
		if (dwarf_tag(&range) != DW_TAG_subrange_type)
			continue;
		if (!first && (!dimension(&range, &count) || __builtin_mul_overflow(*size, count, size)))
			return false;
		first = false;
	} while (dwarf_siblingof(&range, &range) == 0);
	return !first && *size;
}
