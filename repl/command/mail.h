/* Patches as mails that git-am(1) takes: the header, and a body that survives it byte for byte. */
#ifndef RTF_MAIL_H
#define RTF_MAIL_H

#include "text.h"

#include <stddef.h>

struct mail {
	const char *user, *time; /* who made it; ISO 8601, UTC */
	const char *subject;
	const char *message; /* lines, below the subject */
	const char *diff;    /* with its `diff --git` lines */
	size_t diff_size;
};

/* Lines that end in CR LF would lose the CR on their way: with one the body is quoted-printable (RFC 2045, 6.7). */
void mail_write(struct text *out, const struct mail *);

/* A path as git spells it in a diff, `a/` or `b/` before it: quoted where it holds quotes, backslashes or control characters. */
void mail_path(struct text *out, const char *side, const char *path);

#endif
