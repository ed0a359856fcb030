#include "folded.h"

#include "die.h"
#include "module.h"
#include "symbols.h"
#include "texts.h"
#include "unit.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

static struct module *module_of(const struct target_function *f)
{
	struct module *module = f->unit ? unit_of(f->unit)->module : NULL;

	return module && module->dwfl ? module : NULL;
}

/* A symbol's name as the source has it; a changed copy is another function. */
static bool plain_name(const struct symbol *symbol, char *name, size_t size)
{
	size_t length = strcspn(symbol->name, ".");

	if (!symbol->function || !length || length >= size || symbols_is_clone(symbol->name))
		return false;
	memcpy(name, symbol->name, length);
	name[length] = '\0';
	return true;
}

/* An alias is only declared. */
static bool is_defined(struct module *module, const char *name)
{
	struct units *units = module_units(module);
	Dwarf_Die die;

	for (struct unit *unit = NULL; units && (unit = units_next(units, unit));)
		for (unsigned nth = 0; unit_find(unit, name, nth, &die); nth++)
			if (dwarf_tag(&die) == DW_TAG_subprogram && !die_flag(&die, DW_AT_declaration))
				return true;
	return false;
}

/* The symbols at the function's entry, in turn; NULL at the end. */
static const struct symbol *next_symbol(const struct symbols *symbols, const struct target_function *f,
					const struct symbol *previous)
{
	const struct symbol *symbol =
		previous ? symbols_beside(symbols, previous) : symbols_below(symbols, f->entry);

	return symbol && symbol->address == f->entry ? symbol : NULL;
}

void folded_names(const struct target_function *f, struct text *names)
{
	struct module *module = module_of(f);
	const struct symbols *symbols = module ? module_symbols(module) : NULL;
	const struct symbol *symbol = NULL;
	bool itself = false;
	char name[256];

	while (symbols && (symbol = next_symbol(symbols, f, symbol))) {
		if (!plain_name(symbol, name, sizeof(name)))
			continue;
		bool same = strcmp(name, f->name) == 0;
		if (same && strchr(symbol->name, '.'))
			continue;                        /* f.localalias, by which it calls itself */
		if (same && (!itself || !symbol->local)) /* another of this name is another file's static */
			itself = true;
		else if (same || is_defined(module, name))
			text_printf(names, "%s%s", names->size ? ", " : "", name);
	}
}

struct error *folded_check(struct live *l, struct live_function *f, const char *text)
{
	struct text names = {0};
	char *built = NULL;
	unsigned line;
	struct error *e = NULL;

	folded_names(&f->at, &names);
	if (names.size) {
		error_free(texts_of_version(l, f, 0, &built, &line));
		if (!built || !texts_mean(built, text))
			e = error_new(ERROR_UNKNOWN,
				      "%s has its code in common with %s, which would change with it: the "
				      "build folded them into one (--icf of the linker, or gcc's -fipa-icf)",
				      f->at.name, names.bytes ? names.bytes : "");
	}
	free(built);
	text_fini(&names);
	return e;
}

const struct live_function *folded_into(const struct live *l, const char *name)
{
	char plain[256];

	for (size_t i = 0; i < live_count(l); i++) {
		const struct target_function *f = &live_function(l, i)->at;
		struct module *module = module_of(f);
		const struct symbols *symbols = module ? module_symbols(module) : NULL;
		const struct symbol *symbol = NULL;
		while (symbols && strcmp(f->name, name) != 0 && (symbol = next_symbol(symbols, f, symbol)))
			if (plain_name(symbol, plain, sizeof(plain)) && strcmp(plain, name) == 0 &&
			    is_defined(module, name))
				return live_function(l, i);
	}
	return NULL;
}

struct error *folded_error(const char *name, const struct live_function *keeper)
{
	return error_new(ERROR_UNKNOWN,
			 "%s has no entry of its own: its code is that of %s, the build folded them into one "
			 "(--icf of the linker, or gcc's -fipa-icf)",
			 name, keeper->at.name);
}
