/* What the names in a version's object are in the running program: entries, variables that it has, thread-local ones too, and
 * what earlier versions have added.
 *
 * The answers to link.h's questions, for one link. One thread. */
#ifndef RTF_BINDING_H
#define RTF_BINDING_H

#include "error.h"
#include "link.h"
#include "program.h"
#include "statics.h"
#include "target.h"

#include <stdbool.h>
#include <stdint.h>

/* Who knows which functions are decorated, and which variables versions have added. */
struct binding_versions {
	void *context;
	/* The entry of a decorated function as seen from `unit`. */
	bool (*entry)(void *context, const struct target_unit *unit, const char *name, uint64_t *entry);
	/* Whether that one runs a version, and not what was built. */
	bool (*redefined)(void *context, const struct target_unit *unit, const char *name);
	/* A variable that an earlier version added: `function` NULL for one at file scope. */
	bool (*variable)(void *context, const struct target_unit *unit, const char *function,
			 const char *name, unsigned nth, uint64_t *address, uint64_t *size);
};

struct binding {
	struct program *program;
	struct target *target;
	const struct binding_versions *versions;
	const struct target_function *function; /* that gets the version */
	const struct statics *statics;          /* of its slice */
	bool by_libtcc;                         /* made the object */
	bool asks;  /* the object calls __tls_get_addr() for each thread-local variable */
	bool scans; /* the slice names thread-local variables: worth to read all modules' symbols for one */
	/* Names that mean something else here than in the program: asked first, or NULL. */
	bool (*resolve)(void *context, const char *name, uint64_t *address);
	void *resolve_context;
	/* Whether the program has a variable of that name, but not in one place. */
	bool (*lost)(void *context, const char *name);
	void *lost_context;

	/* What came of it. */
	char *refusal;    /* why a variable cannot be bound to, the caller's; or NULL */
	bool added_tls;   /* a thread-local variable is one that a version has added */
	bool library_tls; /* or one of a library */
};

/* For link_object; good as long as the binding is. */
struct link_names binding_names(struct binding *);

/* ERROR_LAYOUT: that the program has a variable of that name, but not in one place. */
struct error *binding_lost(const char *name);

#endif
