/* A program whose files a test saves, with a connection that hears what becomes of each save.
 *
 * Around compiled.h. Each test has a directory, a program and a history of its own. */
#ifndef TESTS_FOLLOWED_H
#define TESTS_FOLLOWED_H

#include "compiled.h"

struct followed {
	struct subject subject;
	struct wire events;
};

/* The sources, the program and its console; every source is followed when it returns. */
void followed_init(struct followed *);
void followed_fini(struct followed *);

/* The same in two steps: what stands in the directory may be changed before it is built. */
void followed_prepare(struct followed *);
void followed_start(struct followed *);

/* The same for another program: its sources (how->sources) are brought, built, started and followed. */
void followed_init_host(struct followed *, const struct compiled_how *);

/* The steps of it: the directory with the program; a connection to a console that is there. */
void followed_prepare_host(struct followed *, const struct compiled_how *);
void followed_listen(struct followed *);

/* A file of the directory with the first `old` replaced: its text, malloc'ed, and the same saved in place. */
char *followed_edited(const struct followed *, const char *name, const char *old, const char *new);
void followed_edit(const struct followed *, const char *name, const char *old, const char *new);
char *followed_read(const struct followed *, const char *name);
void followed_write(const struct followed *, const char *name, const char *text);

/* The next event about a save; the caller's. The second: it must be of that kind. */
json_t *followed_next(struct followed *);
json_t *followed_await(struct followed *, const char *kind);

/* The next save goes live with these functions (names separated by blanks, in any order) and no others. */
void followed_assert_live(struct followed *, const char *functions);

/* The next save is refused, and says `part`. */
void followed_assert_refused(struct followed *, const char *part);

/* The next save changes nothing; its notes contain `note` (NULL: there are none). */
void followed_assert_unchanged(struct followed *, const char *note);

/* The function called with n gives that. */
void followed_assert_call(struct followed *, const char *function, int n, int result);

/* The function's state as \list has it. */
void followed_assert_state(struct followed *, const char *function, const char *state);

/* Runs a command in the directory; it must succeed. */
void followed_run(const struct followed *, const char *command);

#endif
