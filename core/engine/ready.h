/* What a first edit needs besides the source that it is in, got ready before anybody asks for it: libclang, from the start on,
 * and, once a console is there, the source of main(), which says what is typed there. The functions' own sources are read
 * ahead by texts.h. One thread. */
#ifndef RTF_READY_H
#define RTF_READY_H

#include "live.h"

#include <stdbool.h>

struct ready {
	bool console; /* one has come */
	bool done;    /* there is nothing more to get ready */
};

/* Starts libclang, for the flags that the program's sources are most likely to have. */
void ready_begin(struct live *);

/* Somebody is likely to type soon. */
void ready_for_console(struct ready *);

/* In idle moments, when all sources that are read ahead are: true if there is more to do, now or, while ready_waits, when
 * sources_fd tells that something has come to its end. */
bool ready_serve(struct ready *, struct live *);
bool ready_waits(const struct ready *, const struct live *);
bool ready_is_due(const struct ready *);

#endif
