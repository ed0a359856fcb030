/* One call of a command: what it is given, and what it leaves.
 *
 * A command is handed its words and the text behind its line, and leaves data for scripts and text for people in the
 * reply. An error object says what went wrong; the reply may then still hold diagnostics. */
#ifndef RTF_CALL_H
#define RTF_CALL_H

#include "change.h"
#include "error.h"
#include "host.h"
#include "live.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Where \x goes on. */
struct console_look {
	uint64_t address;
	size_t size;
	char format; /* 0: nothing was looked at yet */
};

/* What a command has had of the program: another trial of it (later.h) has the same, or its text would be another one. */
struct console_trial {
	int64_t asked_us; /* the command's */
	uint64_t serial;  /* of its evaluation; 0: none yet */
	struct {
		uint64_t address, size;
	} literals[16];
	size_t count, used; /* of those; and by this trial */
};

/* The console's own state. */
struct console_state {
	struct host *host;
	struct listener listener; /* its place in the audience */
	char *user;               /* login name of the peer */
	struct console_look look;
	struct console_trial trial;
	bool read_only;
	bool color;
	int width;                      /* columns; 0 unknown */
	char *directory;                /* where the console was started, or NULL */
	char *file;                     /* \in: whose declarations count where that is not plain, or NULL */
	const struct target_unit *unit; /* of the function that was redefined here last, or NULL */
	int64_t asked_us;    /* when the command that is run was typed, on clock_now_us's clock; 0: none is */
	unsigned tap;        /* the number of the watch that waits for the compiler; 0: none does */
	struct scope *scope; /* what was declared here: scope.h; NULL: nothing yet */
};

struct reply;

/* A command whose answer is yet to come. While it waits its console's further requests wait too, interrupts excepted. */
struct waiting {
	/* Asked whenever something has happened: true once the reply (or *e) is the answer. `interrupted`: someone wants an
	 * end to it, so it must be true now, or soon. */
	bool (*ready)(struct waiting *, struct console_state *, bool interrupted, struct reply *,
		      struct error **e);
	void (*free)(struct waiting *);
	int64_t deadline_us; /* on clock_now_us's clock: asked again then; 0: never */
	bool outside;        /* the engine has nothing to do for it: something is to happen in the program, or elsewhere */
};

struct reply {
	struct waiting *waiting; /* instead of all else: the answer comes later */
	json_t *data;            /* NULL: null */
	json_t *diagnostics;     /* of a compilation, or NULL */
	json_t *more;            /* members that stand beside the data, or NULL */
	struct text text;        /* for people */
	bool told;               /* the text says already what the error object says */
	const char *command;     /* its long name, "\\list"; or "expression", "definition" */
};

enum { CALL_WORDS = 16 };

/* What a command is given. */
struct call {
	struct console_state *state;
	struct live *live;
	const char *entry;       /* the whole of what was typed, which `rest` is in */
	char *words[CALL_WORDS]; /* behind the command's name, on its line */
	size_t count;
	char modifier[32]; /* behind a slash that follows the name: `x` of \print/x; "" without one */
	const char *line;  /* the same, unsplit, without space at either end */
	const char *rest;  /* everything behind the name, the lines that follow too */
	size_t rest_size;
	struct reply *reply;
};

/* `NAME`, `NAME@N`, `file.c:NAME@N`; *number is -1 without `@N`. */
struct error *call_find_version(const struct call *, const char *word, struct live_function **, int *number);

/* A version as it is typed: N or, of what another build of the program was made from, 0.BUILD, with as much of the build's id as
 * tells it from others. */
struct call_version {
	int number;     /* -1: none was given */
	char build[64]; /* "": not that of another build */
};

struct error *call_version(const struct call *, const char *word, struct call_version *out);

/* `NAME`, `NAME@N`, `NAME@0.BUILD`, each with a file before it. */
struct error *call_find_any(const struct call *, const char *word, struct live_function **,
			    struct call_version *);

/* A word that is a number of something, 0 or more. */
struct error *call_number(const char *word, int *number);

#endif
