/* The program's sources, one for each translation unit (source.h).
 *
 * Each is made when it is first asked for and kept. Almost all of the time goes to the compiler's preprocessor, a process for each
 * unit: who knows which units he will ask for has several read at once. One thread. */
#ifndef RTF_SOURCES_H
#define RTF_SOURCES_H

#include "error.h"
#include "flags.h"
#include "kept.h"
#include "source.h"
#include "target.h"

#include <stdbool.h>
#include <time.h>

struct sources;

/* How many preprocessors are to be at work at once, at the most: as the machine has processors, and not all of many. */
size_t sources_at_once(void);

/* `cflags` and `make` are RTF_CFLAGS' and RTF_MAKE's values or NULL. */
struct error *sources_new(const char *cflags, const char *make, struct sources **out);
void sources_free(struct sources *);

/* Through which functions new code calls the program: none until it is set. */
void sources_set_entries(struct sources *, source_entry_fn *, void *context);

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

#endif
