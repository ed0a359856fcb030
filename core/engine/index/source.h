/* One source of the program: a translation unit, the flags that it was compiled with, and the index of its file.
 *
 * sources.h makes it. What the file said when it was first indexed is remembered, because that is what the program was built
 * from. One thread. */
#ifndef RTF_SOURCE_H
#define RTF_SOURCE_H

#include "error.h"
#include "flags.h"
#include "index.h"
#include "target.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct originals;

/* Whether the program has an entry for that function of the unit, through which new code calls it. */
typedef bool source_entry_fn(void *context, const struct target_unit *, const char *name);

struct source_entries {
	source_entry_fn *has; /* NULL: no function has one */
	void *context;
};

struct source {
	const struct target_unit *unit;
	struct flags flags;
	struct index *index;
	struct originals *originals; /* what it said at first; NULL while the first index is the only one */
	const struct source_entries *entries;
	struct timespec
		read; /* when its files began to be read for the first index, by the clock that stamps files */
	struct timespec modified;     /* when the newest of its files was, then */
	struct timespec own_modified; /* when its own file was, then */
	bool followed;                /* for follow.h: its files are watched */
	bool early;                   /* the same: a save of it waits to be dealt with */
	bool compared;                /* for misread.h: with what was built, */
	const char *misread;          /* and found to differ in this file's line, the target's; NULL: not */
	unsigned misread_line;
};

/* Whether that file of an index is none of the program's own: the system's headers, which do not change while one edits, and
 * what is no file. */
bool source_is_outside(const char *path);

/* Calls `each` for every file that the source is made of, the system's headers left out, until it returns false; false then. */
bool source_each_file(const struct source *, bool (*each)(void *context, const char *path), void *context);

/* Takes the file's new index in place of the old. */
struct error *source_replace(struct source *, struct index *);

/* Whether a function or variable of that name is defined otherwise now than when the file was first indexed, or what it
 * uses is: the program's copy is not what the file says (originals.h). */
bool source_has_changed(const struct source *, const char *name);

/* Whether any text may have learnt the value of a variable when the file was first indexed (uses_read). */
bool source_reads(const struct source *, const char *name);

/* Whether the file declares a variable of that name const: then its value is what the text says, not what is running. */
bool source_is_constant(const struct source *, const char *name);

/* The function's definition in the index, NULL if the file has none any more. Of several (a file included twice, with
 * macros that differ) the one around DWARF's line; `*nth` is then its number in the index. */
const struct index_declaration *source_definition(const struct source *, const struct target_function *,
						  unsigned *nth);

/* Why a source that was read may be another one than was built, as a sentence about "it"; NULL where its flags are known for
 * certain. Static. */
const char *source_doubt(const struct source *);

/* The same of its flags alone, as the end of a sentence ("compiled with"); NULL too once a file of it was saved. */
const char *source_other_flags(const struct source *);

/* The file's own text of a function: what a person sees there, or, where a macro made it, what came out of the macro.
 * The caller's. `*line` is its first line. ERROR_UNKNOWN if the file has no such function. */
struct error *source_function_text(const struct source *, const struct target_function *, char **text,
				   unsigned *line);

#endif
