/* The values that value.h shows, as JSON, for programs to read.
 *
 * The options count as they do there, but for format and pretty. Any thread that may use the source. */
#ifndef RTF_VALUE_JSON_H
#define RTF_VALUE_JSON_H

#include "type.h"
#include "value.h"

#include <jansson.h>

/* Numbers, strings, arrays, objects. A pointer is null, the string that it points to (char), {"address", "value"} where
 * what it points to is shown, or its address as a string; so are numbers that JSON has not. */
json_t *value_json(const struct type *, const void *bytes, const struct value_source *,
		   const struct value_options *);

/* The same as "value" of an object. Where an array or a string in it is longer than the options allow, "truncated" is true;
 * where the value is an array, "count" then says how many elements it has. */
void value_json_put(json_t *object, const struct type *, const void *bytes, const struct value_source *,
		    const struct value_options *);

#endif
