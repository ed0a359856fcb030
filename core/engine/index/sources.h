/* The program's sources: for each translation unit the flags it was compiled with and the index of its file.
 *
 * Both are made when first asked for and kept; what the file said first is remembered, because that is what the program
 * was built from. Almost all of the time goes to the compiler's preprocessor, a process for each unit: who knows which
 * units he will ask for has several read at once. One thread. */
#ifndef RTF_SOURCES_H
#define RTF_SOURCES_H

#include "error.h"
#include "flags.h"
#include "index.h"
#include "kept.h"
#include "target.h"

#include <stdbool.h>
#include <time.h>

struct sources;

/* How many preprocessors are to be at work at once, at the most: as the machine has processors, and not all of many. */
size_t sources_at_once(void);

struct source {
	const struct target_unit *unit;
	struct flags flags;
	struct index *index;
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

/* `cflags` and `make` are RTF_CFLAGS' and RTF_MAKE's values or NULL. */
struct error *sources_new(const char *cflags, const char *make, struct sources **out);
void sources_free(struct sources *);

/* Whether the program has an entry for that function of the unit, through which new code calls it. Until it is set, none. */
typedef bool sources_entry_fn(void *context, const struct target_unit *, const char *name);
void sources_set_entries(struct sources *, sources_entry_fn *, void *context);

/* sources_find will be asked for it: what tells of several units at once is then asked but once. */
struct error *sources_expect(struct sources *, const struct target_unit *);

/* Begins to read the unit in a thread of its own, unless that was done; sources_find waits for it and has its errors. */
void sources_begin(struct sources *, const struct target_unit *);

/* The same while make is asked for the unit's flags (sources_are_asked), with those that it is likely to answer: who then finds
 * that it does uses what was read. Of one unit, once. Takes the flags. */
void sources_draft(struct sources *, const struct target_unit *, struct flags *);

/* Whether that thread is at work, so that sources_find would wait. The descriptor is ready for reading when one has come to
 * its end; sources_woken makes it wait for the next. */
bool sources_is_busy(const struct sources *, const struct target_unit *);
bool sources_is_begun(const struct sources *, const struct target_unit *);
int sources_fd(const struct sources *);
void sources_woken(struct sources *);

/* Whether the unit's source is indexed, so that sources_find has it at hand. */
bool sources_has(const struct sources *, const struct target_unit *);

/* Keeps what the unit's file says now, and its headers as far as they are found: that is what its first index is made of,
 * whenever it is made. The second: those too that only its flags lead to. */
void sources_keep(struct sources *, const struct target_unit *);
void sources_keep_headers(struct sources *, const struct target_unit *);

/* Flags that only make knows are asked for, in a thread; sources_fd tells of its end, too. What needs them waits, until
 * sources_are_asked is false. True if there are such flags. */
bool sources_ask_for(struct sources *, const struct target_unit *);
bool sources_are_asked(const struct sources *);

/* Somebody waits for that: it may take more of the machine. */
void sources_hurry(struct sources *);

/* The unit is read when somebody asks for it, and not before; for that it must be kept. */
void sources_put_off(struct sources *, const struct target_unit *);
bool sources_is_put_off(const struct sources *, const struct target_unit *);
void sources_recall(struct sources *, const struct target_unit *); /* from being put off */

/* Whether the unit is made of a file that is wanted, as far as that is known before it is read; true in doubt. */
bool sources_includes(struct sources *, const struct target_unit *,
		      bool (*wanted)(const void *context, const struct kept_file *), const void *context);

/* All that was to be read is read: what was kept of it is not needed any more, and what comes later begins with what its files
 * say then. With `all` nothing else is needed either. */
void sources_forget(struct sources *, bool all);

/* For unread.h. The flags are the caller's. The last: as far as they are known before make is asked. */
struct kept *sources_all_kept(const struct sources *);
struct error *sources_flags(struct sources *, const struct target_unit *, struct flags *out);
struct error *sources_early_flags(struct sources *, const struct target_unit *, struct flags *out);

/* What is kept of the unit's file; NULL once its source is read, or where nothing is. */
struct kept_file *sources_kept(const struct sources *, const struct target_unit *);

/* Someone follows the files and calls source_replace: sources_find need not look whether they have changed. */
void sources_set_followed(struct sources *, bool);

/* The unit's source, indexed. The pointer is good until sources_free; its index until it is replaced. Errors say what to
 * do: no DWARF, no such file, flags that do not preprocess it. */
struct error *sources_find(struct sources *, const struct target_unit *, struct source **out);

/* Every source that has been indexed, until `each` returns false. */
void sources_each(struct sources *, bool (*each)(void *context, struct source *), void *context);

/* Whether the file is a header that says something else by now than what is kept of it: unlike a source, it was not
 * watched from then on. */
bool sources_was_saved(const struct sources *, const char *path);

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
