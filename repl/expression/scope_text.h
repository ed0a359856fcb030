/* What a person types, made fit for compilers: `$`, `$N`, `$$`, `$$N`, NAME@N, FUNCTION::STATIC, session variables and what versions have
 * added are declared before it. One thread. */
#ifndef RTF_SCOPE_TEXT_H
#define RTF_SCOPE_TEXT_H

#include "error.h"
#include "evaluate.h"
#include "live.h"
#include "scope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins the line of `extra` that declares what a version has added, for printf with its name. */
#define SCOPE_TEXT_ADDED "/* %s */ "

/* A text made fit for compilers: its `$`, `$N`, NAME@N and session variables declared. */
struct scope_text {
	char *text;  /* as long as the original */
	char *extra; /* declarations that stand before it */
	struct scope_binding {
		char name[96];
		uint64_t address;
	} * bindings;
	size_t binding_count, binding_room;
};

/* Values that it names come into the program's memory, and versions that are not there. `also`: further names that are
 * to be declared, or NULL. */
struct error *scope_text_new(struct scope *, struct live *, struct evaluator *, const char *file,
			     const char *text, size_t size, const char *also, struct scope_text *out);
void scope_text_fini(struct scope_text *);

/* Says where a name is, from now on. */
struct error *scope_text_bind(struct scope_text *, const char *name, uint64_t address);

/* For build_request: `context` is the scope_text. */
bool scope_text_resolve(void *context, const char *name, uint64_t *address);

#endif
