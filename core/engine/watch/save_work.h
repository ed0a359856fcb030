/* A save while it is dealt with: the functions that it may have changed, and what there is to say of it. save.c finds them,
 * candidates.c makes them live. One thread. */
#ifndef RTF_SAVE_WORK_H
#define RTF_SAVE_WORK_H

#include "reread.h"
#include "save.h"
#include "text.h"

/* A function that the save may have changed, with its text in the new file. */
struct candidate {
	struct live_function *function;
	char *text;
	unsigned line;
	char identity[33];
	bool resaved; /* its text was live by a save before, and something else is now: an older version */
};

/* Begins as {0}, but for what is given. */
struct save_work {
	const struct save *save;
	struct save_result *out;
	struct candidate *items;
	size_t count, room;
	unsigned *groups; /* numbers of saves that this one touches: what they held is tried again */
	size_t group_count;
	struct text notes;
	bool refused;          /* a file is at fault: nothing goes live */
	bool looked;           /* for layouts that a header changed */
	bool puts_off;         /* sources that are still to be taken: they would be refused for that, too */
	const char *healed;    /* a file that was refused and is not any more */
	char *fault;           /* where the error stands that it is refused for, or NULL */
	bool taken;            /* a source was, as a header's save has made it */
	bool reviews;          /* and the compiler was asked about it */
	struct reread *reread; /* of the sources behind that; NULL: of none */
	bool failed;           /* memory ran out */
};

void save_work_fini(struct save_work *);

/* A candidate, unless it is one. */
void save_work_add(struct save_work *, struct live_function *);

void save_work_add_group(struct save_work *, unsigned number); /* 0 is none */
bool save_work_has_group(const struct save_work *, unsigned number);

/* What the function is with that text, which begins in that line of its file (build_identity). */
struct error *save_work_identity(const struct save_work *, const struct live_function *, const char *text,
				 unsigned line, char identity[33]);

/* The identity of what the file said so far, before its index is replaced. Where it said nothing, none. */
struct error *save_work_remember(const struct save_work *, struct live_function *);

/* What libclang says of a function's text, with something that is to stand before it, or NULL. */
struct error *save_work_check(const struct save_work *, const struct live_function *, const char *text,
			      unsigned line, const char *before, struct check_result *out);

/* The first thing that is wrong with the save is what is told. Takes the message and the findings, which may be NULL. */
void save_work_refuse(struct save_work *, char *message, const char *file, struct check_result *findings);
void save_work_refuse_for(struct save_work *, struct error *, const char *file); /* takes the error */

/* The history says why, next to the function's versions. */
void save_work_record(const struct save_work *, struct live_function *, const char *why);

#endif
