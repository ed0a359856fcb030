/* The source files that an export is about, as they go from version to version of the functions in them.
 *
 * Each function has a slot in its file: its text, with its decoration and, where \save wrote some, the helpers before it. What
 * a slot says changes, all else stays as the file has it, byte for byte. One thread. */
#ifndef RTF_TREE_H
#define RTF_TREE_H

#include "error.h"
#include "live.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

struct tree_slot {
	struct live_function *function;
	char *original; /* what the file says: its decoration is kept */
	size_t original_size, decorated;
	bool crlf;          /* how its lines end */
	size_t begin, size; /* in the file's text of the moment */
	char *build;        /* the build whose text was put there last, or NULL: for who puts it */
};

struct tree_file {
	char *path; /* absolute */
	char *relative; /* in its git work tree; where there is none, below the folder that all such files have in common */
	char *text;
	size_t size;
	char *before;            /* what it said at the last diff; NULL: the same */
	struct tree_slot *slots; /* by place */
	size_t count;
};

struct tree {
	struct tree_file *files;
	size_t count;
};

void tree_fini(struct tree *);

/* Gives a function its slot in its file as it is now, for all functions before anything is put. An error where it does not stand
 * in one as text. */
struct error *tree_add(struct tree *, struct live *, struct live_function *);

/* Helpers that \save wrote before a function belong to its slot: looks among its versions below `*before` (0: all) whether one has
 * them, some hundred at a time; `*before` 0: that was all. For every function, once all are added. */
struct error *tree_widen(struct tree *, struct live *, const struct live_function *, int *before);

/* Then, once, the names of the files. */
struct error *tree_name_files(struct tree *);

/* The function's slot, good until the next tree_add; NULL if it has none. */
struct tree_slot *tree_find(struct tree *, const struct live_function *, struct tree_file **file);

/* Makes a slot say a version's text. */
struct error *tree_put(struct tree_file *, struct tree_slot *, const char *text);

/* Appends what has changed since the last tree_diff or tree_begin, as git has it; nothing if nothing has. */
struct error *tree_diff(struct tree *, struct text *out);
void tree_begin(struct tree *);

#endif
