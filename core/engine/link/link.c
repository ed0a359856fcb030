#include "link.h"
#include "object.h"
#include "x86_64.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, UNRESOLVED_SHOWN = 5 };

struct link {
	struct object object;
	const char *function;
	uint32_t function_symbol;
	const struct link_names *names;
	const struct link_region *code, *data;
	size_t code_used, data_used;
	struct x86_64_pool pool;
};

/* --- what is reached, where it goes --------------------------------------------------------------------- */

static bool is_unwind(const struct object *object, const struct object_piece *piece)
{
	return piece->section != SHN_COMMON &&
	       !strcmp(object_section_name(object, piece->section), ".eh_frame");
}

/* Everything from the code on. libtcc's nameless objects that code refers to are constants; where only a
 * variable points to one, it may be written to (a compound literal at file scope) and stays a variable. */
static struct error *mark_reached(struct link *link)
{
	struct object *object = &link->object;
	for (uint32_t i = 0; i < object->piece_count; i++) {
		struct object_piece *piece = &object->pieces[i];
		piece->reached = piece->kind == OBJECT_CODE || is_unwind(object, piece);
	}
	struct error *e = NULL;
	for (bool more = true; more && !e;) {
		more = false;
		struct object_walk walk = {0};
		struct object_reference reference;
		while (object_next(object, &walk, &reference, &e)) {
			const struct object_piece *from = &object->pieces[reference.from];
			if (!from->reached || reference.to == OBJECT_NO_PIECE)
				continue;
			struct object_piece *to = &object->pieces[reference.to];
			bool constant =
				from->kind != OBJECT_VARIABLE && to->anonymous && to->kind == OBJECT_VARIABLE;
			if (constant)
				to->kind = OBJECT_CONSTANT;
			more |= constant || !to->reached;
			to->reached = true;
		}
	}
	return e;
}

/* A variable's name in the text: without numbers behind (gcc) and the function before it (clang). */
static void plain_name(const char *name, const char **begin, size_t *length)
{
	size_t end = strlen(name);
	for (;;) {
		size_t dot = end;
		while (dot && name[dot - 1] >= '0' && name[dot - 1] <= '9')
			dot--;
		if (dot == end || dot < 2 || name[dot - 1] != '.')
			break;
		end = dot - 1;
	}
	size_t start = end;
	while (start && name[start - 1] != '.')
		start--;
	*begin = name + start;
	*length = end - start;
}

static bool same_name(const struct object_piece *a, const struct object_piece *b)
{
	const char *left, *right;
	size_t left_length, right_length;
	plain_name(a->name, &left, &left_length);
	plain_name(b->name, &right, &right_length);
	return left_length == right_length && !memcmp(left, right, left_length);
}

/* The number that a compiler put behind a name; -1: none. */
static long name_number(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1) ? strtol(dot + 1, NULL, 10)
										 : -1;
}

static bool is_named_variable(const struct object_piece *piece)
{
	return (piece->kind == OBJECT_VARIABLE || piece->kind == OBJECT_THREAD) && piece->name &&
	       !piece->anonymous;
}

/* Source order: clang counts up (f.n, f.n.1, f.n.2), gcc down (n.2, n.1, n.0), libtcc's table is in order. */
static bool comes_before(const struct object_piece *a, const struct object_piece *b)
{
	long left = name_number(a->name), right = name_number(b->name);
	if (left == right)
		return a->symbol < b->symbol;
	if (left < 0 || right < 0)
		return left < 0;
	const char *plain;
	size_t length;
	plain_name(a->name, &plain, &length);
	return plain == a->name ? left > right : left < right;
}

/* Counts over all variables of the object, reached or not, so that numbers do not depend on what an edit
 * uses. */
static void count_names(struct object *object)
{
	for (uint32_t i = 0; i < object->piece_count; i++) {
		struct object_piece *piece = &object->pieces[i];
		if (!is_named_variable(piece))
			continue;
		for (uint32_t j = 0; j < object->piece_count; j++) {
			const struct object_piece *other = &object->pieces[j];
			if (j != i && is_named_variable(other) && same_name(other, piece) &&
			    comes_before(other, piece))
				piece->nth++;
		}
	}
}

/* What the piece begins with; NULL: with zeroes. */
static const unsigned char *initial_bytes(const struct object *object, const struct object_piece *piece)
{
	if (piece->section == SHN_COMMON || object->sections[piece->section].sh_type == SHT_NOBITS)
		return NULL;
	return object->bytes + object->sections[piece->section].sh_offset + piece->begin;
}

static bool has_relocations(struct object *object, const struct object_piece *piece)
{
	struct object_walk walk = {0};
	struct object_reference reference;
	struct error *e = NULL;

	while (object_next(object, &walk, &reference, &e))
		if (&object->pieces[reference.from] == piece)
			return true;
	error_free(e);
	return false;
}

/* A new one, in a place of its own in every thread's block. */
static struct error *add_thread_local(struct link *link, struct object_piece *piece, const char *name,
				      struct link_symbol *out)
{
	const struct link_names *names = link->names;

	if (!names->add_thread_local)
		return error_new(ERROR_COMPILE,
				 "%s: a new thread-local variable cannot be added to a running program",
				 name);
	if (has_relocations(&link->object, piece))
		return error_new(ERROR_COMPILE,
				 "%s: a new thread-local variable cannot begin with an address: give it that "
				 "when the function first runs",
				 name);
	piece->added = true;
	return names->add_thread_local(names->context, name, piece->size, piece->align,
				       initial_bytes(&link->object, piece), out);
}

static struct error *bind_piece(struct link *link, struct object_piece *piece, const char *name)
{
	const struct link_names *names = link->names;
	struct link_symbol symbol = {.thread_local = true};
	struct error *e = NULL;

	if (piece->kind == OBJECT_VARIABLE) {
		piece->bound = names->bind(names->context, name, piece->nth, piece->name_size, piece->local,
					   &piece->address);
		return NULL;
	}
	if (!names->bind_thread_local || !names->bind_thread_local(names->context, name, piece->nth,
								   piece->name_size, piece->local, &symbol))
		e = add_thread_local(link, piece, name, &symbol);
	if (e)
		return e;
	piece->bound = true;
	piece->address = symbol.address;
	piece->block = symbol.block;
	return NULL;
}

static struct error *bind_variables(struct link *link)
{
	count_names(&link->object);
	for (uint32_t i = 0; i < link->object.piece_count; i++) {
		struct object_piece *piece = &link->object.pieces[i];
		if (!piece->reached || !is_named_variable(piece))
			continue;
		const char *begin;
		size_t length;
		plain_name(piece->name, &begin, &length);
		char *name = strndup(begin, length);
		if (!name)
			return error_memory();
		struct error *e = bind_piece(link, piece, name);
		free(name);
		if (e)
			return e;
	}
	return NULL;
}

static struct error *no_room(const char *what)
{
	return error_new(ERROR_INTERNAL, "the arena has no room left for %s", what);
}

static struct error *reserve(const struct link_region *region, size_t *used, struct object_piece *piece,
			     const char *what)
{
	uint64_t align = piece->align;
	if (align > PAGE) /* one that the program has is where it is */
		return error_new(ERROR_COMPILE,
				 "%s is aligned to more than a page, which the arena cannot give it",
				 piece->name ? piece->name : "something");
	uint64_t padding = -(region->address + *used) & (align - 1);
	if (*used > region->size || padding > region->size - *used ||
	    piece->size > region->size - *used - padding)
		return no_room(what);
	*used += padding;
	piece->view = region->view + *used;
	piece->address = region->address + *used;
	*used += piece->size;
	return NULL;
}

static void copy_piece(const struct object *object, const struct object_piece *piece)
{
	const unsigned char *initial = initial_bytes(object, piece);

	if (initial)
		memcpy(piece->view, initial, piece->size);
	else
		memset(piece->view, 0, piece->size);
}

static struct error *place_kind(struct link *link, int kind)
{
	bool variables = kind == OBJECT_VARIABLE;
	for (uint32_t i = 0; i < link->object.piece_count; i++) {
		struct object_piece *piece = &link->object.pieces[i];
		if (!piece->reached || piece->bound || (int)piece->kind != kind)
			continue;
		struct error *e = reserve(variables ? link->data : link->code,
					  variables ? &link->data_used : &link->code_used, piece,
					  variables ? "variables" : "code");
		if (e)
			return e;
		copy_piece(&link->object, piece);
	}
	return NULL;
}

/* Variables of different versions never share a page: one that the program has written to is its own copy
 * from then on, and would not show what the engine adds to it later. */
static struct error *place(struct link *link)
{
	size_t skip = -(size_t)link->data->address & (PAGE - 1);
	link->data_used = skip;
	struct error *e = place_kind(link, OBJECT_CODE);
	if (!e)
		e = place_kind(link, OBJECT_CONSTANT);
	if (!e)
		e = place_kind(link, OBJECT_VARIABLE);
	if (e)
		return e;
	if (link->data_used == skip) {
		link->data_used = 0;
		return NULL;
	}
	link->data_used += -(size_t)(link->data->address + link->data_used) & (PAGE - 1);
	return link->data_used <= link->data->size ? NULL : no_room("variables");
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool is_function(const struct link *link, uint32_t symbol)
{
	return symbol == link->function_symbol;
}

/* Whether the program is asked what this reference means. Unwind tables speak of this very version. */
static bool is_asked(const struct link *link, const struct object_reference *reference)
{
	const struct object_symbol *symbol = &link->object.symbols[reference->symbol];
	if (is_function(link, reference->symbol))
		return !is_unwind(&link->object, &link->object.pieces[reference->from]);
	return symbol->elf.st_shndx == SHN_UNDEF && reference->symbol && *symbol->name;
}

static void resolve_symbol(struct link *link, struct object_symbol *symbol)
{
	symbol->state = OBJECT_FOUND;
	if (!strcmp(symbol->name, "_GLOBAL_OFFSET_TABLE_"))
		symbol->value.address = link->code->address;
	else if (!link->names->resolve(link->names->context, symbol->name, &symbol->value)) {
		symbol->value = (struct link_symbol){0};
		/* Where nobody has __tls_get_addr, the relocations before its calls make them direct. */
		if (ELF64_ST_BIND(symbol->elf.st_info) != STB_WEAK && strcmp(symbol->name, "__tls_get_addr"))
			symbol->state = OBJECT_MISSING;
	}
}

/* Everything that is missing, as a list that the caller shows, and an error with the first of it. */
static struct error *report_unresolved(const struct link *link, size_t missing, struct link_result *out)
{
	char **list = calloc(missing + 1, sizeof *list);
	if (!list)
		return error_memory();
	char shown[512];
	int length = 0;
	size_t count = 0;
	for (uint32_t i = 1; i < link->object.symbol_count; i++) {
		const struct object_symbol *symbol = &link->object.symbols[i];
		if (symbol->state != OBJECT_MISSING)
			continue;
		list[count] = strdup(symbol->name);
		if (!list[count]) {
			while (count)
				free(list[--count]);
			free(list);
			return error_memory();
		}
		if (count++ < UNRESOLVED_SHOWN)
			length += snprintf(shown + length, sizeof shown - (size_t)length, "%s%.80s",
					   length ? ", " : "", symbol->name);
	}
	out->unresolved = list;
	if (missing <= UNRESOLVED_SHOWN)
		return error_new(ERROR_UNKNOWN, "the program has no %s", shown);
	return error_new(ERROR_UNKNOWN, "the program has no %s and %zu more", shown,
			 missing - UNRESOLVED_SHOWN);
}

static struct error *resolve(struct link *link, struct link_result *out)
{
	struct object *object = &link->object;
	struct object_walk walk = {0};
	struct object_reference reference;
	struct error *e = NULL;
	size_t missing = 0;
	while (object_next(object, &walk, &reference, &e)) {
		const struct object_piece *from = &object->pieces[reference.from];
		struct object_symbol *symbol = &object->symbols[reference.symbol];
		if (!from->reached || from->bound || !is_asked(link, &reference) ||
		    symbol->state != OBJECT_UNASKED)
			continue;
		resolve_symbol(link, symbol);
		missing += symbol->state == OBJECT_MISSING;
	}
	if (e || !missing)
		return e;
	return report_unresolved(link, missing, out);
}

/* --- relocating ----------------------------------------------------------------------------------------- */

static struct error *find_value(const struct link *link, const struct object_reference *reference,
				struct x86_64_symbol *out)
{
	const struct object_symbol *symbol = &link->object.symbols[reference->symbol];
	*out = (struct x86_64_symbol){.name = *symbol->name ? symbol->name : "a section"};
	if (is_asked(link, reference)) {
		out->address = symbol->value.address;
		out->thread_local = symbol->value.thread_local;
		out->block = symbol->value.block;
		return NULL;
	}
	if (reference->to != OBJECT_NO_PIECE) {
		const struct object_piece *to = &link->object.pieces[reference->to];
		out->address = to->address + reference->to_offset;
		out->thread_local = to->kind == OBJECT_THREAD;
		out->block = to->block;
		if (out->thread_local && !to->bound) /* without a name of its own */
			return error_new(ERROR_INTERNAL,
					 "malformed object: a thread-local variable without a name");
		return NULL;
	}
	if (symbol->elf.st_shndx == SHN_ABS)
		out->address = symbol->elf.st_value;
	else if (reference->symbol)
		return error_new(ERROR_INTERNAL, "malformed object: %s is in a section that is not placed",
				 out->name);
	return NULL;
}

static struct error *relocate(struct link *link)
{
	struct object *object = &link->object;
	struct object_walk walk = {0};
	struct object_reference reference;
	struct error *e = NULL;
	bool swallow = false;
	while (!e && object_next(object, &walk, &reference, &e)) {
		const struct object_piece *from = &object->pieces[reference.from];
		if (swallow) {
			swallow = false;
			continue;
		}
		if (!from->reached || from->bound)
			continue;
		struct x86_64_symbol symbol;
		struct x86_64_place place = {from->view, from->address, from->size, reference.from_offset};
		e = find_value(link, &reference, &symbol);
		if (!e)
			e = x86_64_relocate(&link->pool, &place, ELF64_R_TYPE(reference.rela.r_info), &symbol,
					    reference.rela.r_addend, &swallow);
	}
	return e;
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static struct error *find_function(struct link *link)
{
	for (uint32_t i = 1; i < link->object.symbol_count; i++) {
		const struct object_symbol *symbol = &link->object.symbols[i];
		if (ELF64_ST_TYPE(symbol->elf.st_info) != STT_FUNC || symbol->piece == OBJECT_NO_PIECE ||
		    ELF64_ST_BIND(symbol->elf.st_info) == STB_LOCAL || strcmp(symbol->name, link->function))
			continue;
		if (link->object.pieces[symbol->piece].kind != OBJECT_CODE)
			return object_malformed("a function that is no code");
		link->function_symbol = i;
		return NULL;
	}
	return error_new(ERROR_INTERNAL, "the object does not define %s", link->function);
}

static void fill_variable(const struct object_piece *piece, struct link_variable *out)
{
	const char *begin;
	size_t length;
	plain_name(piece->name, &begin, &length);
	*out = (struct link_variable){.name = strndup(begin, length),
				      .nth = piece->nth,
				      .address = piece->address + piece->block,
				      .size = piece->name_size,
				      .local = piece->local};
}

static struct error *fill_result(const struct link *link, struct link_result *out)
{
	const struct object *object = &link->object;
	const struct object_symbol *function = &object->symbols[link->function_symbol];
	const struct object_piece *code = &object->pieces[function->piece];
	struct link_result result = {0};
	result.entry = code->address + function->elf.st_value - code->begin;
	result.entry_size = function->elf.st_size;
	for (uint32_t i = 0; i < object->piece_count; i++)
		if (object->pieces[i].reached && !object->pieces[i].bound &&
		    object->pieces[i].kind != OBJECT_VARIABLE && object->pieces[i].kind != OBJECT_THREAD)
			result.besides += object->pieces[i].size;
	for (uint32_t i = 0; i < object->piece_count; i++) {
		const struct object_piece *piece = &object->pieces[i];
		if (!piece->reached || !is_unwind(object, piece))
			continue;
		result.unwind = piece->address;
		result.unwind_size = piece->size;
		result.unwind_view = piece->view;
	}
	result.besides -= result.besides < function->elf.st_size ? result.besides : function->elf.st_size;
	result.code_size = link->pool.count ? link->pool.used : link->code_used;
	result.data_size = link->data_used;
	result.variables = calloc((size_t)object->piece_count + 1, sizeof *result.variables);
	if (!result.variables)
		return error_memory();
	for (uint32_t i = 0; i < object->piece_count; i++) {
		const struct object_piece *piece = &object->pieces[i];
		if (!piece->reached || (piece->bound && !piece->added) || !is_named_variable(piece))
			continue;
		struct link_variable *variable = &result.variables[result.variable_count++];
		fill_variable(piece, variable);
		if (!variable->name) {
			link_result_fini(&result);
			return error_memory();
		}
	}
	*out = result;
	return NULL;
}

static struct error *link_pieces(struct link *link, struct link_result *out)
{
	struct error *e = object_cut(&link->object);
	if (!e)
		e = find_function(link);
	if (!e)
		e = mark_reached(link);
	if (!e)
		e = bind_variables(link);
	if (!e)
		e = place(link);
	if (!e)
		e = resolve(link, out);
	if (e)
		return e;
	size_t used = link->code_used + (-(link->code->address + link->code_used) & 7);
	link->pool = (struct x86_64_pool){.view = link->code->view,
					  .address = link->code->address,
					  .used = used,
					  .size = link->code->size};
	e = relocate(link);
	if (!e)
		e = fill_result(link, out);
	free(link->pool.entries);
	return e;
}

struct error *link_object(const void *object, size_t size, const char *function,
			  const struct link_names *names, const struct link_region *code,
			  const struct link_region *data, struct link_result *out)
{
	*out = (struct link_result){0};
	struct link link = {.function = function, .names = names, .code = code, .data = data};
	struct error *e = object_init(&link.object, object, size);
	if (!e)
		e = link_pieces(&link, out);
	object_fini(&link.object);
	return e;
}

void link_result_fini(struct link_result *result)
{
	for (size_t i = 0; i < result->variable_count; i++)
		free(result->variables[i].name);
	free(result->variables);
	for (char **name = result->unresolved; name && *name; name++)
		free(*name);
	free(result->unresolved);
	*result = (struct link_result){0};
}

struct error *link_each_undefined(const void *bytes, size_t size,
				  void (*each)(void *context, const char *name), void *context)
{
	struct object object;
	struct error *e = object_init(&object, bytes, size);
	for (uint32_t i = 1; i < object.symbol_count && !e; i++) {
		const struct object_symbol *symbol = &object.symbols[i];
		if (symbol->elf.st_shndx == SHN_UNDEF && *symbol->name)
			each(context, symbol->name);
	}
	object_fini(&object);
	return e;
}
