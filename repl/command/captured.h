/* Values of calls, as text and as JSON: what a record holds of a call that is over, or what one that waits has in its arguments.
 * One thread. */
#ifndef RTF_CAPTURED_H
#define RTF_CAPTURED_H

#include "host.h"
#include "text.h"
#include "type.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { CAPTURED_VALUE = 160 /* bytes of a value's text that are shown */ };

/* What is known to have been in memory, before what is there now; of size 0: nothing. */
struct captured {
	uint64_t address;
	const unsigned char *bytes;
	size_t size;
};

/* A value of that type, whose bytes these are. `depth` as in value.h. The text is for the eye: what is long is cut, between
 * characters; *json, the caller's, has it whole. */
void captured_put(struct host *, const struct type *, const void *bytes, const struct captured *,
		  unsigned depth, struct text *, json_t **json);

#endif
