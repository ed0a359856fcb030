/* What a version, the file and the build say of a function, and which of them agree.
 *
 * The file's text is that of its source's index; a version's is in the history; what was built is kept from the moment the
 * engine first sees the file, before it can change. A file that is newer than the program's own file may not be what was
 * built, and is not taken for it: saved before the program started, its text is shown and said to be unsure; saved since,
 * what was built is not known, unless an engine before this one has stored it. Texts that are handed out are the caller's.
 * One thread. */
#ifndef RTF_TEXTS_H
#define RTF_TEXTS_H

#include "error.h"
#include "live.h"

#include <stdbool.h>
#include <stddef.h>

enum texts_state { TEXTS_BUILT, TEXTS_LIVE, TEXTS_SAVED, TEXTS_OUT_OF_SYNC, TEXTS_REFUSED };

/* Reads the function's source only if something else than what was built runs: what is not read yet is known by its time. */
enum texts_state texts_state(struct live *, struct live_function *);
const char *texts_state_name(enum texts_state);

/* The function's text in its file as it is now; the caller's. */
struct error *texts_of_file(struct live *, const struct live_function *, char **text, unsigned *line);

/* The line on which its name stands there; as it was built, where the file has not been read or does not have it. */
unsigned texts_line(struct live *, const struct live_function *);

/* Whether a file's text of a function is what a version's text says, which may have helpers before it and be without
 * decoration or `static`. */
bool texts_say(const char *file_text, const char *text);

/* The same, whatever the comments and spaces are. */
bool texts_mean(const char *file_text, const char *text);

/* That it has no such version, and which it has. */
struct error *texts_no_version(const struct live_function *, int number);

/* The text of a version; the caller's. Version 0 is what was built. */
struct error *texts_of_version(struct live *, struct live_function *, int number, char **text,
			       unsigned *line);

/* What another build of the program was made from, whose id begins so, where the history has it: the text, the caller's, and
 * the whole id. ERROR_UNKNOWN, or ERROR_AMBIGUOUS if several begin so and say different things. */
struct error *texts_of_build(struct live *, const struct live_function *, const char *build, char **text,
			     unsigned *line, char id[64]);

/* The function's declaration on one line, as its file has it; NULL without source. The caller's. */
char *texts_signature(struct live *, const struct live_function *);

/* The same without reading its source: until that is done, as the line of its name has it, or debug information. */
char *texts_known_signature(struct live *, const struct live_function *);

/* The slice that its live text would be compiled from; the caller's. */
struct error *texts_slice(struct live *, struct live_function *, char **text);

/* Reads the source of one function that has not been seen yet: true if there may be more to do. For idle moments: while
 * texts_wait, what is to be read next is not ready, and sources_fd tells when that may have changed. */
bool texts_read_ahead(struct live *);
bool texts_wait(struct live *);

/* The first file that was newer than the program's own when it was first read; NULL if there is none. */
const char *texts_newer(struct live *);

/* How many units are still to be read ahead. */
size_t texts_ahead(struct live *);

/* How many of the functions that were read ahead have no text, and why the first of their sources could not be read; NULL if
 * all have. */
const char *texts_unread(struct live *, size_t *count);

/* How old the source was when it was first read. TEXTS_MISSED: a save since the program started, or since the last that
 * another engine of it has dealt with, that nobody has followed. */
enum texts_age { TEXTS_AS_BUILT, TEXTS_NEWER, TEXTS_MISSED };
enum texts_age texts_age(struct live *, const struct source *);

/* The same of a file by its time; NULL: it is of no unit in particular. */
enum texts_age texts_age_of(struct live *, const struct target_unit *, struct timespec modified);

/* Whether the function's text, of a source in which a save was missed, is new: none that was live by way of the file, and
 * not what was built as far as that is known. */
bool texts_missed(struct live *, struct live_function *);

/* Keeps the text of every function of the unit as it was built, once, before the file can change. */
struct error *texts_see_unit(struct live *, const struct target_unit *);

/* Gives the function its row in the history and stores its version 0, unless they are there. */
struct error *texts_store_built(struct live *, struct live_function *);

#endif
