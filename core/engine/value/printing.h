/* One value while it is shown, as text (value.c) or as JSON (value_json.c): what may be read for it, and how deep it is.
 *
 * Borrows source and options. A value is whoever shows it's own; no two threads share one. */
#ifndef RTF_PRINTING_H
#define RTF_PRINTING_H

#include "text.h"
#include "type.h"
#include "value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PRINTING_NAME_MAX = 256,        /* bytes of what has an address */
	PRINTING_NESTING_MAX = 64,      /* records and arrays in one another */
	PRINTING_SEEN_MAX = 64,         /* records that point to one another */
	PRINTING_POINTEE_MAX = 1 << 20, /* bytes of what is read behind a pointer */
};

struct printing {
	struct text *out;
	const struct value_source *source;
	const struct value_options *options;
	unsigned nesting;
	bool cut;                         /* something was left out of JSON */
	unsigned hops;                    /* pointers followed to get here */
	uint64_t seen[PRINTING_SEEN_MAX]; /* addresses of records that are being shown */
	size_t seen_count;
};

/* What has that address, in PRINTING_NAME_MAX bytes; false if nobody knows. */
bool printing_name(const struct printing *, uint64_t address, bool function, char *name);
bool printing_read(const struct printing *, uint64_t address, void *bytes, size_t size);

/* Characters at an address up to the NUL, at most `most`; false if there is no memory. *ended: the NUL was there. The
 * caller's. */
bool printing_string(const struct printing *, const struct type *, uint64_t address, size_t most,
		     unsigned char **bytes, size_t *count, bool *ended);

/* Whether a record is being shown already, or so many are that no more may be. */
bool printing_is_seen(const struct printing *, uint64_t address);

bool printing_is_number(const struct type *);
bool printing_is_character(const struct type *);
uint32_t printing_character_at(const struct type *, const unsigned char *bytes, size_t i);

#endif
