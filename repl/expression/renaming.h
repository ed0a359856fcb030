/* Types that a console has declared once more: what means the declaration before says so under another name.
 *
 * Pure; any thread. */
#ifndef RTF_RENAMING_H
#define RTF_RENAMING_H

#include <stdbool.h>
#include <stddef.h>

/* As a scope has names: a tag with a `#` before it. */
struct renaming {
	char *from, *to;
};

/* Whether C text means what has that name: not a member of that name, nor a tag where none is asked for. */
bool renaming_concerns(const char *text, const char *name);

/* The text after renamings, one after the other. `declares`: it is the text that declares the names. The caller's; NULL
 * without memory. */
char *renaming_apply(const struct renaming *, size_t count, const char *text, bool declares);

#endif
