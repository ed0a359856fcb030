#include "opinion.h"

#include <string.h>

/* What no compiler takes, if it is the first thing that is wrong: what comes later may follow from something that only
 * libclang does not know. */
static const char *const certain[] = {
	"use of undeclared identifier '",
	"implicit declaration of function '",
	"no member named '",
	"cannot assign to ",
	"member reference type '",
	"indirection requires pointer operand",
	"too few arguments to function call",
	"too many arguments to function call",
};

bool opinion_may_differ(const struct check_result *r)
{
	size_t first = 0;

	while (first < r->count &&
	       (!r->diagnostics[first].severity || strcmp(r->diagnostics[first].severity, "error") != 0))
		first++;
	const char *message = first < r->count ? r->diagnostics[first].message : NULL;
	for (size_t i = 0; message && i < sizeof(certain) / sizeof(*certain); i++) {
		size_t length = strlen(certain[i]);
		/* Reserved names may be a compiler's own. */
		if (strncmp(message, certain[i], length) == 0 && message[length] != '_')
			return false;
	}
	return true;
}
