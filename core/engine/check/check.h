/* What the compiler would say of a slice: libclang's diagnostics, in lines of the text that the user gave; the layouts
 * and the signature that the running program relies on; and whether libtcc's calling convention can be trusted.
 *
 * One thread (libclang keeps an index for it). A finding is a result, not an error object: a slice with errors is
 * checked successfully. */
#ifndef RTF_CHECK_H
#define RTF_CHECK_H

#include "diagnostic.h"
#include "error.h"
#include "slice.h"
#include "statics.h"

#include <stdbool.h>
#include <stddef.h>

struct check; /* libclang, which starts when it is first needed */
struct CXTranslationUnitImpl;

struct check_result {
	size_t count;
	struct check_diagnostic *diagnostics;
	bool failed;            /* at least one error: what follows is not to be compiled */
	enum error_class class; /* then: COMPILE, SIGNATURE or LAYOUT */
	char *message;          /* then: one sentence */
	char *missing; /* then: what the slice does not declare, each on a line (`name`, `struct name`), or NULL */
	bool incomplete;    /* then: it wants a type whole that the slice only mentions */
	bool needs_cc;      /* libtcc would get it wrong */
	const char *why_cc; /* then: why, in the words of the answer; static */
	const char *
		why_text; /* else: why libtcc must be given what adapt_text makes of it; static, NULL: it must not */
	char *signature; /* of the function as checked */
	char **constants; /* names of its const statics, NULL-terminated: their values are the new text's; or NULL */
	char **definitions; /* names of the variables that the slice defines outside functions, likewise */
	char **named;       /* those of them that the function names itself, likewise */
	struct statics statics; /* all of them, and what functions have of their own */
};

struct error *check_new(struct check **out);
void check_free(struct check *); /* takes NULL */

/* Starts libclang in a thread of its own: whoever needs it waits for that. The first slice is likely to come with these flags, as
 * check_slice has them, or NULL: it then finds libclang ready for them. */
void check_begin(struct check *, const char *const *argv);

/* `argv`: the program's flags; those that change the meaning of C (-std, -f…, -m…) are taken from it. */
struct error *check_slice(struct check *, const struct slice *, const char *name, const char *const *argv,
			  const struct check_place *, struct check_result *out);
void check_result_fini(struct check_result *);

/* The next slice is likely to have before its definition what this one has. check_read_ahead begins with that, if it has not
 * yet, and returns at once: a slice that has it is checked in less time then, with the same result. */
void check_expect(struct check *, const struct slice *, const char *const *argv);
void check_read_ahead(struct check *);

/* Adds a diagnostic; takes its strings, which may be NULL if there was no memory for them. */
struct error *check_add(struct check_result *, struct check_diagnostic);
void check_diagnostic_fini(struct check_diagnostic *);

/* Adds a warning of our own about the line of `text` that `offset` is in; `text` begins at that line of that file. Takes
 * the message, which may be NULL if there was no memory for it. */
struct error *check_warn(struct check_result *, const char *file, unsigned line, const char *text,
			 size_t size, size_t offset, char *message);

/* Moves what `from` found behind what `to` has. */
struct error *check_move(struct check_result *to, struct check_result *from);

/* The translation unit of the slice that was checked last, NULL if there is none: the check's, until the next check. */
struct CXTranslationUnitImpl *check_unit(const struct check *);

/* Calls `each` with the name of each member that may stand at `offset` of the slice that was checked last, whatever its text
 * says from there on. */
struct error *check_complete(struct check *, const struct slice *, size_t offset,
			     void (*each)(void *context, const char *name), void *context);

/* The slice as libclang reads it, with a record of its macros' invocations: for who wants to know where things stand. The
 * caller's (clang_disposeTranslationUnit). */
struct error *check_parse(struct check *, const struct slice *, const char *const *argv,
			  struct CXTranslationUnitImpl **out);

#endif
