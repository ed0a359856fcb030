/* The decorated functions of the running program, their versions, and which of them is live.
 *
 * What runs is what the slots say; the history says what was ever made. Read here, changed in change.h. One thread. */
#ifndef RTF_LIVE_H
#define RTF_LIVE_H

#include "build.h"
#include "error.h"
#include "history.h"
#include "note.h"
#include "program.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct images;
struct live;
/* Who keeps the history: record.h, which is above this. Set before anything else is asked of the history. */
struct live_keeper {
	struct history *history;                       /* in use now */
	bool (*whole)(const struct live *);            /* it is the file itself, with everything in it */
	bool (*lose)(struct live *, struct error **e); /* record_lose */
};

/* A version whose code is in the program. */
struct live_version {
	int number;
	uint64_t entry;
	uint32_t size;  /* bytes of machine code */
	bool optimised; /* by the program's own compiler, in place of libtcc's code */
};

enum { LIVE_WATCHES = 32 };

struct live_function {
	struct target_function at;
	char *name; /* as people spell it: NAME or, where several have it, `file.c:NAME`; see lookup.h */
	uint32_t arena, slot;
	int64_t row;      /* in the history, 0 until it has one */
	int live;         /* number of the version that runs */
	int versions;     /* how many there are, version 0 included */
	int newest;       /* the highest number that was ever given */
	int64_t moved_us; /* live_note_moved */
	int plain;        /* if `live` is an instrumented version: the one that it was made from */
	char instrumented[LIVE_WATCHES]; /* what for: "cover", "trace+probe"; "": it is plain */
	char *built_text; /* its text when the engine first saw its file, NULL: not seen yet or not found */
	unsigned built_line;
	bool renews;  /* built_text, which was read with other flags than what the history has */
	bool unsure;  /* its file was newer than the program by then: something else may have been built */
	bool refused; /* the file's last save could not go live */
	bool told;    /* what optimisers may have learnt, which no other text changes: it is said once */
	struct {      /* what its file said, as save.h keeps it; identities are "" until they are needed */
		char live[33], built[33]; /* identity of the text that was last made live, and of the first */
		char pending
			[33]; /* of the text that is not live: refused, or saved while saves are passed over */
		unsigned
			pending_with; /* its save, or 0: what came with it goes live with it, or not at all */
		char *prototype;      /* as it was built, where the file has had another one since; or NULL */
		bool edited;          /* the index holds an older body than the file */
		bool gone;            /* the file does not define it */
	} saved;
	struct live_version *in_memory;
	size_t in_memory_count;
};

/* A variable that a version added to the program: the versions after it find it here. */
struct live_variable {
	const struct live_function *owner;
	char *name;
	unsigned nth;
	uint64_t address, size;
	bool file_scope; /* declared outside the function, so that other functions of the unit share it */
};

/* Borrows the program and the compiler. A history that cannot be opened costs history alone: `live_warning` says why. */
struct error *live_new(struct program *, struct compiler *, struct live **out);
void live_free(struct live *);

const char *live_warning(const struct live *); /* NULL: nothing to say */
struct history *live_history(const struct live *);
struct target *live_target(const struct live *);
struct images *live_images(const struct live *); /* of the versions that the program holds */

const struct target_unit *live_main_unit(const struct live *); /* of main(); NULL: not known */

size_t live_count(const struct live *);
struct live_function *live_function(const struct live *, size_t i); /* sorted by file, then line */
struct live_function *live_by_row(const struct live *, int64_t row);
struct live_function *live_by_key(const struct live *, const struct history_function *);
struct live_function *const *live_by_name(const struct live *); /* all of them, sorted by name */

/* The first of those with that name; `*count` of them, perhaps none, stand in a row. */
struct live_function *const *live_named(const struct live *, const char *name, size_t *count);

/* Modules came or went (program_take_renewal): their functions with them. One that came back is another function than before,
 * which runs what was built; what belonged to the module that went stays where it is, and is nobody's. */
struct error *live_renew(struct live *, size_t *came, size_t *went);

/* Learns what other processes with the same history have added to it: how many versions there are. */
void live_refresh(struct live *);
void live_refresh_all(struct live *); /* the same after we have removed some ourselves */

/* Another text of the function is live, now; and when that was said last of any, on clock_now_us's clock, 0: never. */
void live_note_moved(struct live *, struct live_function *);
int64_t live_moved_us(const struct live *);

/* The live version without what watches it. */
int live_plain(const struct live_function *);

/* What a build is asked of a text of the function that stands in its file at `line`. Borrows the text. */
struct build_request live_request(const struct live_function *, const char *text, size_t size, unsigned line);

/* --- for change.c, which makes versions live --- */

struct program *live_program(const struct live *);
const struct build_host *live_host(const struct live *);

/* Told of every version of libtcc's that is made live, with what it was built from, which it may take; NULL: it was in memory. */
void live_set_successor(struct live *,
			void (*told)(void *context, struct live_function *, int version, struct build *),
			void *context);
void live_tell_successor(struct live *, struct live_function *, int version, struct build *);

/* Asked, when a function that runs an instrumented version gets a new definition, to make that one live in its instrumented
 * form. False: it is to be made live as it is. */
void live_set_watcher(struct live *, bool (*follow)(void *context, struct live_function *), void *context);
bool live_ask_watcher(struct live *, struct live_function *);

/* Asked before, with the text and its line: whether the compiler, which others do not wait for, can make that form ready. An
 * error means that it is at it. */
void live_set_forerunner(struct live *,
			 struct error *(*prepare)(void *context, struct live_function *, const char *text,
						  unsigned line),
			 void *context);
struct error *live_ask_forerunner(struct live *, struct live_function *, const char *text, unsigned line);

/* Whose turn it is with the compiler; borrowed. */
void live_set_turns(struct live *, struct turns *);

/* Takes the error: something that costs history and nothing else. Logged, and kept for `live_warning`. */
void live_warn(struct live *, struct error *);

/* For texts.c: how far reading ahead has come. */
struct live_reading {
	size_t ahead;               /* functions before this one have been seen */
	uint64_t started, followed; /* program_started and program_followed, when this engine started */
	char *unread;               /* why the first of the sources that cannot be read cannot */
	size_t gone; /* sources that are not there: the first, and those that were not told yet */
};
struct live_reading *live_reading(struct live *);

/* For record.c: the key of a function in the history; rows and counts as the history has them; and a version whose number
 * has changed. */
struct live_keeper *live_keeper(const struct live *);
void live_set_keeper(struct live *, struct live_keeper *);
struct history_function live_key(const struct live_function *);
struct error *live_read_rows(struct live *);
void live_renumber(struct live *, const struct history_function *, int from, int to);
void live_forget_warning(struct live *);

/* Versions and variables whose code and data are in the program's arena now. False if memory ran out. */
bool live_add_version(struct live_function *, int number, uint64_t entry, uint32_t size);
void live_remove_version(struct live_function *, int number); /* the one that was added last */
void live_optimised_version(struct live_function *, int number, uint64_t entry, uint32_t size);
const struct live_version *live_in_memory(const struct live_function *, int number); /* NULL: it is not */
bool live_add_variable(struct live *, const struct live_function *owner, const struct note_variable *);

const struct live_variable *live_variable(const struct live *, size_t i); /* NULL behind the last */

/* Variables that were added since a mark are forgotten, and thread-local ones give their room back: the change they came with
 * failed. */
struct live_variable_mark {
	size_t count;
	uint32_t thread; /* thread_room_mark's */
};
struct live_variable_mark live_variable_mark(const struct live *);
void live_forget_variables(struct live *, struct live_variable_mark);

#endif
