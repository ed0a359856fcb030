#include "binding.h"
#include "adapt.h"
#include "chosen.h"
#include "helper.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A file-scope name, or a static variable of a function that came with its body. */
static bool find_symbol(const struct binding *b, const char *name, struct target_symbol *out)
{
	const struct target_unit *unit = b->function->unit;
	char function[256], variable[256];
	unsigned nth;

	if (helper_parse(name, function, variable, sizeof(function), &nth))
		return target_find_helper_local(b->target, unit, function, variable, nth, out);
	return target_find(b->target, unit, name, out);
}

static void __attribute__((format(printf, 2, 3))) refuse(struct binding *b, const char *format, ...)
{
	va_list arguments;

	if (b->refusal)
		return;
	va_start(arguments, format);
	if (vasprintf(&b->refusal, format, arguments) < 0)
		b->refusal = NULL;
	va_end(arguments);
}

struct error *binding_lost(const char *name)
{
	return error_new(ERROR_LAYOUT,
			 "the running program does not keep %s as one variable: its compiler optimised it "
			 "away or took it apart, so its value is not known",
			 name);
}

static void refuse_lost(struct binding *b, const char *name)
{
	struct error *lost = binding_lost(name);

	refuse(b, "%s", error_message(lost));
	error_free(lost);
}

static bool is_lost_helpers(const struct binding *b, const char *name, char variable[256])
{
	char function[256];
	unsigned nth;

	return helper_parse(name, function, variable, sizeof(function), &nth) &&
	       target_has_lost_helper_local(b->target, b->function->unit, function, variable, nth);
}

/* A thread-local variable: the program's own lie at an offset from the thread pointer that is the same in every thread, a
 * library's in a block of its own. */
static bool resolve_thread_local(struct binding *b, const struct target_symbol *symbol, uint64_t module,
				 struct link_symbol *out)
{
	const struct target_unit *unit = b->function->unit;
	bool executable;
	uint64_t own = target_module(b->target, unit, &executable);

	out->thread_local = true;
	out->address = symbol->address;
	if ((!module || module == own) && target_tls_offset(b->target, unit, symbol->address, &out->address))
		return true;
	b->library_tls = true;
	struct error *e = program_thread_block(b->program, module ? module : own, &out->block);
	bool found = !e;
	error_free(e);
	return found;
}

/* One that a version has added. */
static bool resolve_added(struct binding *b, uint64_t address, struct link_symbol *out)
{
	const struct thread_room *room = program_thread_room(b->program);

	if (!thread_room_has(room, address))
		return false;
	b->added_tls = true;
	*out = (struct link_symbol){
		.thread_local = true, .address = address - room->address, .block = room->address};
	return true;
}

/* Where one of the program's own lies from the thread's pointer (ADAPT_OFFSET), as an address. */
static bool resolve_offset(const struct binding *b, const char *variable, struct link_symbol *out)
{
	const struct target_unit *unit = b->function->unit;
	uint64_t address, size;
	struct target_symbol symbol;

	return !b->versions->variable(b->versions->context, unit, NULL, variable, 0, &address, &size) &&
	       target_find(b->target, unit, variable, &symbol) && symbol.thread_local &&
	       target_tls_offset(b->target, unit, symbol.address, &out->address);
}

static bool resolve(void *context, const char *name, struct link_symbol *out)
{
	struct binding *b = context;
	const struct target_function *f = b->function;
	struct target_symbol symbol;
	uint64_t size;

	if (strcmp(name, "__tls_get_addr") == 0 && b->added_tls) {
		out->address = program_storage(b->program);
		return true;
	}

	if (strncmp(name, ADAPT_OFFSET, strlen(ADAPT_OFFSET)) == 0)
		return resolve_offset(b, name + strlen(ADAPT_OFFSET), out);
	if (b->resolve && b->resolve(b->resolve_context, name, &out->address))
		return true;
	/* A version's own name is its function's entry, however many functions share the name. */
	if (strcmp(name, f->name) == 0) {
		out->address = f->entry;
		return true;
	}
	if (b->versions->entry(b->versions->context, f->unit, name, &out->address))
		return true;
	if (b->versions->variable(b->versions->context, f->unit, NULL, name, 0, &out->address, &size)) {
		resolve_added(b, out->address, out);
		return true;
	}
	if (find_symbol(b, name, &symbol)) {
		out->address = symbol.address;
		if (!symbol.thread_local)
			return true;
		return resolve_thread_local(b, &symbol, 0, out);
	}
	uint64_t module;
	if (b->scans && target_find_thread_local(b->target, name, &symbol, &module))
		return resolve_thread_local(b, &symbol, module, out);
	if (chosen_find(b->program, f->unit, name, &out->address))
		return true;
	struct error *e = program_resolve(b->program, name, &out->address);
	if (!e && !out->address && f->entry)
		e = program_resolve_in(b->program, f->entry, name, &out->address);
	bool found = !e && out->address;
	error_free(e);
	char variable[256];
	if (!found && is_lost_helpers(b, name, variable))
		refuse_lost(b, variable);
	else if (!found && b->lost(b->lost_context, name))
		refuse_lost(b, name);
	return found;
}

/* A variable that stands outside functions in the slice: the text that was typed defines it, or the program has lost it. */
static bool bind_outside(struct binding *b, const char *name, uint64_t *address, uint64_t *known)
{
	const struct target_unit *unit = b->function->unit;
	struct target_symbol symbol;

	if (!target_find(b->target, unit, name, &symbol) || symbol.function || symbol.thread_local)
		return b->versions->variable(b->versions->context, unit, NULL, name, 0, address, known);
	*address = symbol.address;
	*known = symbol.size;
	return true;
}

static struct statics_place find_static(const struct binding *b, const char *name, unsigned nth)
{
	return statics_find(b->statics, name, nth, b->by_libtcc);
}

static bool bind_thread_local(void *context, const char *name, unsigned nth, uint64_t size, bool local,
			      struct link_symbol *out)
{
	struct binding *b = context;
	const struct target_function *f = b->function;
	struct target_symbol symbol;
	struct statics_place place = find_static(b, name, nth);

	bool outside = place.scope == STATICS_OUTSIDE;
	bool found = outside ? target_find(b->target, f->unit, name, &symbol)
			     : place.scope == STATICS_OWN && local &&
				       target_find_local(b->target, f, name, place.own, &symbol);
	uint64_t address, known;
	if (!found && b->versions->variable(b->versions->context, f->unit, outside ? NULL : f->name, name,
					    outside ? 0 : place.inner, &address, &known)) {
		if (known != size || !resolve_added(b, address, out))
			refuse(b, "%s is another variable, of %llu bytes, in the version before", name,
			       (unsigned long long)known);
		return true;
	}
	if (!found || symbol.function || !symbol.thread_local)
		return false;
	if (symbol.size && size && symbol.size != size)
		refuse(b, "thread-local %s has %llu bytes in the running program, %llu here", name,
		       (unsigned long long)symbol.size, (unsigned long long)size);
	return resolve_thread_local(b, &symbol, 0, out);
}

static struct error *add_thread_local(void *context, const char *name, uint64_t size, uint64_t align,
				      const void *initial, struct link_symbol *out)
{
	struct binding *b = context;
	uint64_t address;

	(void)name;
	if (!b->asks) { /* the code takes it for one of the program's: compiled anew it will not */
		b->added_tls = true;
		return error_new(ERROR_LAYOUT, "%s is new", name);
	}
	struct error *e = thread_room_add(program_thread_room(b->program), size, align, initial, &address);
	if (!e)
		resolve_added(b, address, out);
	return e;
}

static bool bind_inside(struct binding *b, const char *name, const struct statics_place *place, bool local,
			uint64_t *address, uint64_t *known)
{
	const struct target_function *f = b->function;
	struct target_symbol symbol;

	bool own = local && place->scope == STATICS_OWN;
	if (!own || !target_find_local(b->target, f, name, place->own, &symbol) || symbol.thread_local) {
		if (b->versions->variable(b->versions->context, f->unit, f->name, name, place->inner, address,
					  known))
			return true;
		if (own && target_has_lost_local(b->target, f, name, place->own))
			refuse_lost(b, name);
		return false;
	}
	*address = symbol.address;
	*known = symbol.size;
	return true;
}

static bool bind(void *context, const char *name, unsigned nth, uint64_t size, bool local, uint64_t *address)
{
	struct binding *b = context;
	uint64_t known = 0;

	struct statics_place place = find_static(b, name, nth);
	if (place.constant || place.labels)
		return false;
	bool found = place.scope == STATICS_OUTSIDE ? bind_outside(b, name, address, &known)
						    : bind_inside(b, name, &place, local, address, &known);
	if (!found)
		return false;
	if (thread_room_has(program_thread_room(b->program), *address))
		refuse(b, "%s is thread-local in the version before", name);
	if (known && size && known != size)
		refuse(b, "static %s has %llu bytes in the running program, %llu here", name,
		       (unsigned long long)known, (unsigned long long)size);
	return true;
}

struct link_names binding_names(struct binding *b)
{
	return (struct link_names){.context = b,
				   .resolve = resolve,
				   .bind = bind,
				   .bind_thread_local = bind_thread_local,
				   .add_thread_local = add_thread_local};
}
