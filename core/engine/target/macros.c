#include "macros.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct pool *pool;
	Dwarf *dwarf;
	char **options;
	size_t count, room;
	bool nested; /* in what an entry imports: that imports nothing in turn */
	bool ended;
};

static bool add(struct reading *r, const char *letter, const char *text)
{
	const char *brackets = strchr(text, '(');
	size_t name = strcspn(text, " ");
	char *option;

	if (brackets && brackets < text + name) /* the parameters may have blanks between them */
		name = (size_t)(text + strcspn(text, ")") - text) + 1;
	bool value = *letter == 'D' && name < strlen(text);
	int length = asprintf(&option, "-%s%.*s%s%s", letter, (int)name, text, *letter == 'D' ? "=" : "",
			      value ? text + name + 1 : "");
	if (length < 0)
		return false;
	char **grown = pool_grow(r->options, r->count, &r->room, sizeof(*grown));
	if (grown) {
		r->options = grown;
		grown[r->count++] = pool_string(r->pool, option);
	}
	free(option);
	return grown && grown[r->count - 1];
}

static int read_entry(Dwarf_Macro *macro, void *context)
{
	struct reading *r = context;
	Dwarf_Attribute attribute;
	const char *text = NULL;
	Dwarf_Word line = 0, offset;
	unsigned opcode = 0;

	dwarf_macro_opcode(macro, &opcode);
	switch (opcode) {
	case DW_MACRO_start_file:
		r->ended = true;
		break;
	case DW_MACRO_import:
		if (r->nested || dwarf_macro_param(macro, 0, &attribute) ||
		    dwarf_formudata(&attribute, &offset) || !offset)
			break;
		r->nested = true;
		dwarf_getmacros_off(r->dwarf, offset, read_entry, r, DWARF_GETMACROS_START);
		r->nested = false;
		break;
	case DW_MACRO_define:
	case DW_MACRO_define_strp:
	case DW_MACRO_undef:
	case DW_MACRO_undef_strp:
		if (dwarf_macro_param1(macro, &line) || line || dwarf_macro_param2(macro, NULL, &text) ||
		    !text || strncmp(text, "__", 2) == 0)
			break;
		bool undefined = opcode == DW_MACRO_undef || opcode == DW_MACRO_undef_strp;
		r->ended = !add(r, undefined ? "U" : "D", text);
		break;
	}
	return r->ended ? DWARF_CB_ABORT : DWARF_CB_OK;
}

const char *const *macros_of_command_line(struct pool *pool, Dwarf_Die *unit)
{
	struct reading r = {.pool = pool, .dwarf = dwarf_cu_getdwarf(unit->cu)};
	const char **list = NULL;

	/* .debug_macinfo, gcc's and clang's for old DWARF, and what is imported there have the same opcodes. */
	dwarf_getmacros(unit, read_entry, &r, DWARF_GETMACROS_START);
	if (r.count)
		list = pool_alloc(pool, (r.count + 1) * sizeof(*list));
	for (size_t i = 0; list && i < r.count; i++)
		list[i] = r.options[i];
	free(r.options);
	return list;
}
