/* The program's sources: for each translation unit the flags it was compiled with and the index of its file.
 *
 * Both are made when first asked for and kept until the file changes on disk. One thread. */
#ifndef RTF_SOURCES_H
#define RTF_SOURCES_H

#include "error.h"
#include "flags.h"
#include "index.h"
#include "target.h"

struct sources;

struct source {
	const struct target_unit *unit;
	struct flags flags;
	struct index *index;
};

/* `cflags` is RTF_CFLAGS' value or NULL. */
struct error *sources_new(const char *cflags, struct sources **out);
void sources_free(struct sources *);

/* The unit's source, indexed. The pointer is good until sources_free; its index until the file changes and the unit is
 * asked for again. Errors say what to do: no DWARF, no such file, flags that do not preprocess it. */
struct error *sources_find(struct sources *, const struct target_unit *, struct source **out);

/* The function's definition in the index, NULL if the file has none any more. Of several (a file included twice, with
 * macros that differ) the one around DWARF's line; `*nth` is then its number in the index. */
const struct index_declaration *source_definition(const struct source *, const struct target_function *, unsigned *nth);

/* The file's own text of a function: what a person sees there, or, where a macro made it, what came out of the macro.
 * The caller's. `*line` is its first line. ERROR_UNKNOWN if the file has no such function. */
struct error *source_function_text(const struct source *, const struct target_function *, char **text, unsigned *line);

#endif
