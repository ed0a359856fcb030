#include "die_form.h"
#include "die.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING = 16 };

/* --- forms ------------------------------------------------------------------------------------------------------- */

static void put_type(Dwarf_Die *type, bool behind_pointer, int depth, struct text *out);

/* That of the entry's DW_AT_type. */
static void put_type_of(Dwarf_Die *die, bool behind_pointer, int depth, struct text *out)
{
	Dwarf_Die type;

	if (die_type(die, &type))
		put_type(&type, behind_pointer, depth, out);
	else
		text_puts(out, "v");
}

static uint64_t size_of(Dwarf_Die *type)
{
	uint64_t size;

	return die_size(type, &size) ? size : 0;
}

static void put_base(Dwarf_Die *type, struct text *out)
{
	static const char letters[] = {
		[DW_ATE_boolean] = 'b',       [DW_ATE_complex_float] = 'c', [DW_ATE_float] = 'f',
		[DW_ATE_signed] = 's',        [DW_ATE_signed_char] = 's',   [DW_ATE_unsigned] = 'u',
		[DW_ATE_unsigned_char] = 'u', [DW_ATE_UTF] = 'u',
	};
	Dwarf_Attribute attribute;
	Dwarf_Word encoding = 0;

	dwarf_formudata(dwarf_attr_integrate(type, DW_AT_encoding, &attribute), &encoding);
	char letter = encoding < sizeof(letters) && letters[encoding] ? letters[encoding] : '?';
	text_printf(out, "%c%llu", letter, (unsigned long long)size_of(type));
}

/* The elements of one dimension, 0 if that is not known. */
static uint64_t elements(Dwarf_Die *range)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;

	if (dwarf_formudata(dwarf_attr(range, DW_AT_count, &attribute), &number) == 0)
		return number;
	if (dwarf_formudata(dwarf_attr(range, DW_AT_upper_bound, &attribute), &number) != 0)
		return 0;
	return number >= UINT32_MAX ? 0 : number + 1; /* -1, in whatever size: none */
}

static void put_array(Dwarf_Die *type, bool behind_pointer, int depth, struct text *out)
{
	Dwarf_Die range;

	if (die_flag(type, DW_AT_GNU_vector)) {
		text_printf(out, "?%llu", (unsigned long long)size_of(type));
		return;
	}
	if (dwarf_child(type, &range) == 0) {
		do {
			if (dwarf_tag(&range) == DW_TAG_subrange_type)
				text_printf(out, "A%llu,", (unsigned long long)elements(&range));
		} while (dwarf_siblingof(&range, &range) == 0);
	}
	put_type_of(type, behind_pointer, depth + 1, out);
}

static bool is_record(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/* Flat: those of anonymous members stand among the others. */
static void put_members(Dwarf_Die *record, uint64_t base, int depth, struct text *out)
{
	Dwarf_Die member, type;
	uint64_t offset, width;

	if (depth > NESTING || dwarf_child(record, &member) != 0)
		return;
	do {
		if (dwarf_tag(&member) != DW_TAG_member || !die_member(&member, &offset, &width))
			continue;
		if (die_name(&member)) {
			text_printf(out, ",%llu:", (unsigned long long)(base + offset));
			put_type_of(&member, false, depth + 1, out);
		} else if (die_type(&member, &type) && is_record(&type)) {
			put_members(&type, base + offset, depth + 1, out);
		}
	} while (dwarf_siblingof(&member, &member) == 0);
}

static void put_record(Dwarf_Die *type, bool behind_pointer, int depth, struct text *out)
{
	const char *name = die_name(type);
	char keyword = dwarf_tag(type) == DW_TAG_union_type ? 'u' : 's';

	bool complete = die_complete(type);
	text_printf(out, "R%c%llu:%s;", keyword,
		    (unsigned long long)(complete && !behind_pointer ? size_of(type) : 0), name ? name : "");
	if (name || behind_pointer)
		return;
	text_puts(out, "{");
	put_members(type, 0, depth, out);
	text_puts(out, "}");
}

static void put_function(Dwarf_Die *function, bool behind_pointer, int depth, struct text *out)
{
	Dwarf_Die origin = die_origin(function), child;

	text_puts(out, "F");
	put_type_of(&origin, behind_pointer, depth + 1, out);
	text_puts(out, "(");
	if (!die_flag(&origin, DW_AT_prototyped)) {
		text_puts(out, "?)");
		return;
	}
	if (dwarf_child(&origin, &child) == 0) {
		do {
			if (dwarf_tag(&child) == DW_TAG_formal_parameter)
				put_type_of(&child, behind_pointer, depth + 1, out);
			else if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
				text_puts(out, ".");
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	text_puts(out, ")");
}

/* `behind_pointer`: it is enough to know what it is like. */
static void put_type(Dwarf_Die *type, bool behind_pointer, int depth, struct text *out)
{
	if (depth > NESTING) {
		text_puts(out, "?0");
		return;
	}
	switch (dwarf_tag(type)) {
	case DW_TAG_base_type:
		put_base(type, out);
		break;
	case DW_TAG_enumeration_type:
		die_complete(type);
		text_printf(out, "e%llu", (unsigned long long)size_of(type));
		break;
	case DW_TAG_pointer_type:
		text_puts(out, "p");
		if (behind_pointer)
			text_puts(out, "?0");
		else
			put_type_of(type, true, depth + 1, out);
		break;
	case DW_TAG_array_type:
		put_array(type, behind_pointer, depth, out);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		put_record(type, behind_pointer, depth, out);
		break;
	case DW_TAG_subroutine_type:
		put_function(type, behind_pointer, depth, out);
		break;
	default:
		text_puts(out, "?0");
		break;
	}
}

void die_form(Dwarf_Die *die, struct text *out)
{
	if (dwarf_tag(die) == DW_TAG_subprogram)
		put_function(die, false, 0, out);
	else
		put_type_of(die, false, 0, out);
}

/* --- spelling ---------------------------------------------------------------------------------------------------- */

static void spell(Dwarf_Die *die, const char *inner, int depth, struct text *out);

static void spell_parameters(Dwarf_Die *function, int depth, struct text *out)
{
	Dwarf_Die child;
	size_t count = 0;

	text_puts(out, "(");
	if (dwarf_child(function, &child) == 0) {
		do {
			int tag = dwarf_tag(&child);
			if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters)
				continue;
			text_puts(out, count++ ? ", " : "");
			if (tag == DW_TAG_formal_parameter)
				spell(&child, "", depth, out);
			else
				text_puts(out, "...");
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	text_puts(out, !count && die_flag(function, DW_AT_prototyped) ? "void)" : ")");
}

/* What the type's own declarator puts around what is inside of it. */
static void spell_declarator(Dwarf_Die *type, const char *inner, int depth, struct text *declarator)
{
	Dwarf_Die range;
	bool pointer = *inner == '*';

	if (dwarf_tag(type) == DW_TAG_pointer_type) {
		text_printf(declarator, "*%s", inner);
		return;
	}
	text_printf(declarator, pointer ? "(%s)" : "%s", inner);
	if (dwarf_tag(type) == DW_TAG_subroutine_type) {
		spell_parameters(type, depth, declarator);
		return;
	}
	if (dwarf_child(type, &range) != 0)
		return;
	do {
		uint64_t count = dwarf_tag(&range) == DW_TAG_subrange_type ? elements(&range) : 0;
		if (count)
			text_printf(declarator, "[%llu]", (unsigned long long)count);
		else
			text_puts(declarator, "[]");
	} while (dwarf_siblingof(&range, &range) == 0);
}

static void spell_type(Dwarf_Die *type, const char *inner, int depth, struct text *out)
{
	const char *name = die_name(type), *keyword = "";
	struct text declarator = {0};

	switch (dwarf_tag(type)) {
	case DW_TAG_pointer_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
		spell_declarator(type, inner, depth, &declarator);
		spell(type, declarator.bytes ? declarator.bytes : inner, depth, out);
		text_fini(&declarator);
		return;
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		spell(type, inner, depth, out);
		return;
	case DW_TAG_structure_type:
		keyword = "struct ";
		break;
	case DW_TAG_union_type:
		keyword = "union ";
		break;
	case DW_TAG_enumeration_type:
		keyword = "enum ";
		break;
	default:
		break;
	}
	text_printf(out, "%s%s%s%s", keyword, name ? name : "{...}", *inner ? " " : "", inner);
}

static void spell(Dwarf_Die *die, const char *inner, int depth, struct text *out)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (depth < NESTING * 2 &&
	    dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), &type))
		spell_type(&type, inner, depth + 1, out);
	else
		text_printf(out, "void%s%s", *inner ? " " : "", inner);
}

void die_spell(Dwarf_Die *die, struct text *out)
{
	Dwarf_Die origin = die_origin(die);
	struct text declarator = {0};

	if (dwarf_tag(die) != DW_TAG_subprogram) {
		spell(die, "", 0, out);
		return;
	}
	const char *name = die_name(&origin);
	text_puts(&declarator, name ? name : "");
	spell_parameters(&origin, 0, &declarator);
	spell(&origin, declarator.bytes ? declarator.bytes : "", 0, out);
	text_fini(&declarator);
}
