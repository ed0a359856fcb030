/* What a first edit needs, got ready before anybody asks for it, besides what texts.h reads ahead: libclang, from the start on;
 * once a console is there, the source of main(), which says what is typed there; and where that comes, or a save, before make has
 * answered, what can be done without its answer. One thread. */
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
void ready_for_console(struct ready *, struct live *);

/* Somebody waits for what make is asked: what can be done meanwhile is, for that unit or, with NULL, for the one that was edited
 * last. */
void ready_hurry(struct live *, const struct target_unit *);

/* In idle moments, when all sources that are read ahead are. While ready_is_due there is more to do: now or, while ready_waits,
 * when sources_fd tells that something has come to its end. */
void ready_serve(struct ready *, struct live *);
bool ready_waits(const struct ready *, const struct live *);
bool ready_is_due(const struct ready *);

#endif
