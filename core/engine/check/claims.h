/* What a slice claims of the program: that its variables, the members of its structs and the parameters of its functions have
 * these types. Each is held against the program's DWARF; what has changed since is refused, for new code would take the old
 * bytes for something else, or call old code in another way than it expects.
 *
 * What the file says before the function is the same for most of its versions: once it has held, it is not asked again.
 *
 * One thread. */
#ifndef RTF_CLAIMS_H
#define RTF_CLAIMS_H

#include "check.h"
#include "error.h"
#include "slice.h"
#include "target.h"

#include <stdbool.h>
#include <stdint.h>

struct claims_program {
	struct target *target;
	const struct target_function
		*function; /* whose slice it is: its own signature is the check's matter */
	/* A variable that an earlier version added: its size is known. */
	bool (*added)(void *context, const char *name, uint64_t *size);
	/* A name that is not the program's here: a console's own variable. */
	bool (*hidden)(void *context, const char *name);
	/* A function that the file defines in the old style: what declares it may say what its parameters are promoted to. */
	bool (*old_style)(void *context, const char *name);
	void *context;
};

struct claims;

struct error *claims_new(struct claims **out);
void claims_free(struct claims *);

/* The program has other modules now: nothing is known to hold. */
void claims_forget(struct claims *);

/* Whether what the slice says before its function is known to hold: its assertions (guards.h) are part of that. */
bool claims_held(const struct claims *, const struct slice *, const struct claims_program *);

/* `unit` is check_unit's, of a slice that was checked without a finding. A claim that does not hold makes *result a failed
 * one, of class layout or signature. The slice is told whether its guards are known to hold now. */
struct error *claims_check(struct claims *, struct CXTranslationUnitImpl *unit, struct slice *,
			   const struct claims_program *, struct check_result *result);

#endif
