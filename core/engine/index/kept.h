/* What files said when the engine first looked at them: the bytes alone, which takes microseconds, so that a file that is
 * saved before it is read is compared with what it said before. One thread. */
#ifndef RTF_KEPT_H
#define RTF_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct kept_file {
	char *path, *bytes;
	size_t size;
	struct timespec modified; /* when it had been saved last, when it was kept first */
	struct timespec saved;    /* when the bytes had been */
	struct timespec changed;  /* its inode's time, then */
	ino_t inode;
	bool header;      /* for sources.h: it is no unit's own file */
	bool later;       /* for the same: its unit is read when somebody asks for it */
	bool unclear;     /* for headers.h: what it includes, a macro says that the flags do not define */
	bool absent;      /* there is none */
	uint64_t folders; /* for the same: in which its includes were looked for */
	unsigned users;   /* who has taken it */
	bool forgotten;
	unsigned line; /* where kept_line was last */
	size_t line_begin;
	struct kept_file *next;
};

struct kept;

struct kept *kept_new(void);   /* NULL without memory */
void kept_free(struct kept *); /* takes NULL */

/* Keeps what the file says now, unless one that was added before is there. One that cannot be read, is empty (someone writes
 * it just now) or is no text is not kept. */
void kept_add(struct kept *, const char *path);

/* NULL if it is not kept. */
struct kept_file *kept_find(const struct kept *, const char *path);

/* Where a line, from 1, begins in its bytes; its size if there are not so many. Cheap for one line after the other. */
size_t kept_line(struct kept_file *, unsigned line);

/* What the file says now, beside what is kept; NULL if it cannot be kept. It replaces what is kept, or is dropped. */
struct kept_file *kept_read(const char *path);
void kept_replace(struct kept_file *, struct kept_file *fresh);
void kept_drop(struct kept_file *); /* takes NULL */

/* Whether the file has those bytes now. */
bool kept_is_current(const struct kept_file *);

/* Every file that is to be found. */
void kept_each(const struct kept *, void (*each)(void *context, const struct kept_file *), void *context);

/* It stays until it is released; the second takes NULL. */
void kept_take(struct kept_file *);
void kept_release(struct kept *, struct kept_file *);

/* It is not to be found any more, and gone when nobody has it; the second: so are all. */
void kept_forget_file(struct kept *, struct kept_file *);
void kept_forget(struct kept *);

#endif
