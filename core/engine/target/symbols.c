#include "symbols.h"

#include "names.h"
#include "pool.h"

#include <ctype.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

struct symbols {
	struct pool pool;
	struct symbol *all;
	size_t count, room;
	struct names names;
	uint32_t *order; /* indices of `all` by address, the preferred one of an address first */
	uint32_t ordered;
	uint32_t *places; /* of each symbol: its place in `order` */
	struct symbol *chosen;
	size_t chosen_count, chosen_room;
};

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	names_fini(&symbols->names);
	pool_fini(&symbols->pool);
	free(symbols->chosen);
	free(symbols->places);
	free(symbols->order);
	free(symbols->all);
	free(symbols);
}

static bool in_code(Elf *elf, GElf_Word section)
{
	GElf_Shdr header;
	Elf_Scn *scn = elf ? elf_getscn(elf, section) : NULL;

	return scn && gelf_getshdr(scn, &header) && header.sh_flags & SHF_EXECINSTR;
}

/* Defined and of a kind that C can name. An IFUNC's address is its resolver's. */
static bool wanted(const GElf_Sym *sym, GElf_Word section)
{
	int type = GELF_ST_TYPE(sym->st_info);

	return section != SHN_UNDEF && (type == STT_NOTYPE || type == STT_OBJECT || type == STT_FUNC ||
					type == STT_COMMON || type == STT_TLS || type == STT_GNU_IFUNC);
}

/* "name@VERSION" is an old version of the name, that programs built today do not mean; "name@@VERSION" is the
 * name. */
static const char *plain_name(struct symbols *symbols, const char *name)
{
	const char *at = strchr(name, '@');
	char *cut;

	if (!at || at == name)
		return name;
	if (at[1] != '@')
		return NULL;
	cut = pool_string(&symbols->pool, name);
	if (cut)
		cut[at - name] = '\0';
	return cut;
}

static bool add_symbol(struct symbols *symbols, const struct symbol *symbol)
{
	struct symbol *grown = pool_grow(symbols->all, symbols->count, &symbols->room, sizeof(*grown));

	if (!grown)
		return false;
	symbols->all = grown;
	grown[symbols->count] = *symbol;
	if (!names_add(&symbols->names, symbol->name, (uint32_t)symbols->count))
		return false;
	symbols->count++;
	return true;
}

/* Apart from all others: nothing of that name is at that address. */
static bool add_chosen(struct symbols *symbols, const struct symbol *symbol)
{
	struct symbol *grown =
		pool_grow(symbols->chosen, symbols->chosen_count, &symbols->chosen_room, sizeof(*grown));

	if (!grown)
		return false;
	symbols->chosen = grown;
	grown[symbols->chosen_count++] = *symbol;
	return true;
}

/* Locals stand behind the STT_FILE of their source. Behind a last one without a name GNU ld puts what was global, and that
 * it has made local because it was hidden (elf_link_output_extsym). `count`: there is nothing of that kind. */
static int first_demoted(Dwfl_Module *module, int count)
{
	int first = count;

	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		const char *name = dwfl_module_getsym_info(module, i, &sym, &address, NULL, NULL, NULL);
		if (name && GELF_ST_TYPE(sym.st_info) == STT_FILE)
			first = *name ? count : i;
	}
	return first;
}

static bool read_all(struct symbols *symbols, Dwfl_Module *module)
{
	int count = dwfl_module_getsymtab(module);
	int demoted = first_demoted(module, count);

	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		GElf_Word section;
		Elf *elf = NULL;
		const char *name = dwfl_module_getsym_info(module, i, &sym, &address, &section, &elf, NULL);
		int type = GELF_ST_TYPE(sym.st_info), visibility = GELF_ST_VISIBILITY(sym.st_other);
		bool hidden = visibility == STV_HIDDEN || visibility == STV_INTERNAL;
		bool bound_local = GELF_ST_BIND(sym.st_info) == STB_LOCAL;

		if (!name)
			continue;
		if (!*name || !wanted(&sym, section) || !(name = plain_name(symbols, name)))
			continue;
		struct symbol symbol = {
			.name = name,
			.address = type == STT_TLS ? sym.st_value : address,
			.size = sym.st_size,
			.function = type == STT_FUNC || (type == STT_NOTYPE && in_code(elf, section)),
			.thread_local = type == STT_TLS,
			.local = bound_local && !hidden && i < demoted,
			.interposable = !bound_local && visibility == STV_DEFAULT,
		};
		if (!(type == STT_GNU_IFUNC ? add_chosen : add_symbol)(symbols, &symbol))
			return false;
	}
	return true;
}

static int by_address(const void *left, const void *right, void *all)
{
	const struct symbol *a = (const struct symbol *)all + *(const uint32_t *)left;
	const struct symbol *b = (const struct symbol *)all + *(const uint32_t *)right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->function != b->function)
		return a->function ? -1 : 1;
	if (a->local != b->local)
		return a->local ? 1 : -1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return a < b ? -1 : a > b;
}

static bool sort_all(struct symbols *symbols)
{
	symbols->order = calloc(symbols->count + 1, sizeof(*symbols->order));
	symbols->places = calloc(symbols->count + 1, sizeof(*symbols->places));
	if (!symbols->order || !symbols->places)
		return false;
	for (uint32_t i = 0; i < symbols->count; i++)
		if (!symbols->all[i].thread_local)
			symbols->order[symbols->ordered++] = i;
	qsort_r(symbols->order, symbols->ordered, sizeof(*symbols->order), by_address, symbols->all);
	for (uint32_t i = 0; i < symbols->ordered; i++)
		symbols->places[symbols->order[i]] = i;
	return true;
}

struct symbols *symbols_new(Dwfl_Module *module)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (symbols && read_all(symbols, module) && sort_all(symbols))
		return symbols;
	symbols_free(symbols);
	return NULL;
}

const struct symbol *symbols_global(const struct symbols *symbols, const char *name)
{
	for (uint32_t at = names_first(&symbols->names, name); at; at = names_next(&symbols->names, at)) {
		const struct symbol *symbol = &symbols->all[names_value(&symbols->names, at)];
		if (!symbol->local)
			return symbol;
	}
	return NULL;
}

const struct symbol *symbols_local(const struct symbols *symbols, const char *name,
				   const struct symbol *previous)
{
	for (uint32_t at = names_first(&symbols->names, name); at; at = names_next(&symbols->names, at)) {
		const struct symbol *symbol = &symbols->all[names_value(&symbols->names, at)];
		if (symbol->local && (!previous || symbol > previous))
			return symbol;
	}
	return NULL;
}

const struct symbol *symbols_chosen(const struct symbols *symbols, const struct symbol *previous)
{
	size_t next = previous ? (size_t)(previous - symbols->chosen) + 1 : 0;

	return next < symbols->chosen_count ? &symbols->chosen[next] : NULL;
}

const struct symbol *symbols_below(const struct symbols *symbols, uint64_t address)
{
	uint32_t low = 0, high = symbols->ordered; /* all before `low` are not above `address` */

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (symbols->all[symbols->order[middle]].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	address = symbols->all[symbols->order[--low]].address;
	while (low && symbols->all[symbols->order[low - 1]].address == address)
		low--;
	return &symbols->all[symbols->order[low]];
}

const struct symbol *symbols_beside(const struct symbols *symbols, const struct symbol *symbol)
{
	uint32_t next = symbols->places[symbol - symbols->all] + 1;

	if (next >= symbols->ordered || symbols->all[symbols->order[next]].address != symbol->address)
		return NULL;
	return &symbols->all[symbols->order[next]];
}

/* One piece of a symbol behind a dot: a number, or a word with which a static is only renamed. */
static bool renames_only(const char *piece, size_t length)
{
	static const char *const words[] = {"lto_priv", "llvm", "localalias", "__uniq"};
	size_t digits = 0;

	while (digits < length && isdigit((unsigned char)piece[digits]))
		digits++;
	if (length && digits == length)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && memcmp(words[i], piece, length) == 0)
			return true;
	return false;
}

bool symbols_is_clone(const char *symbol)
{
	for (const char *dot = strchr(symbol, '.'); dot; dot = strchr(dot + 1, '.'))
		if (dot > symbol && !renames_only(dot + 1, strcspn(dot + 1, ".")))
			return true;
	return false;
}
