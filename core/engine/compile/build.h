/* One function's new version on its way into the program: slice, check, compile, link.
 *
 * Every step leaves its result in `struct build`; nothing is stored or published here, and until build_commit the
 * arena counts nothing of it. One thread. */
#ifndef RTF_BUILD_H
#define RTF_BUILD_H

#include "binding.h"
#include "check.h"
#include "claims.h"
#include "compile.h"
#include "compiler.h"
#include "error.h"
#include "program.h"
#include "slice.h"
#include "sources.h"
#include "target.h"
#include "text.h"
#include "turns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a build draws on. */
struct build_host {
	struct program *program;
	struct target *target;
	struct sources *sources;
	struct check *check;
	struct claims *claims;
	struct compiler *compiler;
	struct turns *turns; /* for requests that can wait; NULL: none does */
	struct binding_versions versions;
};

struct build_request {
	const struct target_function *function;
	uint32_t arena;
	const char *text; /* the definition */
	size_t size;
	const char *extra; /* what was typed along with it, or NULL */
	size_t extra_size;
	size_t declared; /* bytes at its begin that were declared before: in declared_file, by diagnostics */
	const char *declared_file;
	const char *extra_file; /* names that in diagnostics; NULL: as given_file */
	const char *given_file; /* names the text in diagnostics, whose lines count from given_line */
	unsigned given_line;
	const char *file; /* absolute: __FILE__ and __LINE__ are to say as what the compiler was given it */
	unsigned line;
	const char *also;    /* further names that are needed, separated by newlines, or NULL */
	struct index *index; /* to cut the slice from, instead of the file's own; or NULL */
	/* Names that mean something else here than in the program: asked first, or NULL. */
	bool (*resolve)(void *context, const char *name, uint64_t *address);
	void *context;
	const char *why_cc; /* it is nothing for libtcc, for this reason; or NULL */
	bool patient;       /* whoever wants it can try again once its compiler has run: turns.h */
	bool soon; /* it is compiled as soon as it is checked: libtcc begins while libclang still reads */
};

struct build {
	const struct build_request *request;
	struct source *source;
	struct slice slice;
	struct check_result check; /* if check.failed: what is wrong, and the rest was not done */
	struct compile_object object;
	struct link_result link;
	char *why_cc;     /* why libtcc did not do it, or NULL */
	bool added_tls;   /* it uses thread-local variables that versions have added, */
	bool general_tls; /* and is compiled to ask for each, */
	bool plain_tls;   /* without optimisation if need be */
	bool library_tls; /* it uses, or may use, thread-local variables of a library */
	struct text
		fitted; /* functions it calls that, as built, may rely on what their callers passed; a line each */
	struct text anew; /* statics that the program does not keep because nothing read them, a line each */
	int64_t check_us, compile_us, link_us;
};

/* The identity of a text: the hash of its slice. Only the function, the text, file and line of the request count. */
struct error *build_identity(const struct build_host *, const struct build_request *, char hash[33]);

/* Slice and check. NULL and check.failed where the text is at fault; an error where we are. */
struct error *build_check(const struct build_host *, const struct build_request *, struct build *);

/* The same for a text that is not finished: what its slice is, and what libclang says of it. */
struct error *build_look(const struct build_host *, const struct build_request *, struct build *);

/* Compiles another definition than the one that was checked, but from the same slice. */
struct error *build_replace_text(struct build *, const char *text);

/* Compile and link into the arena's free part, `code_before` and `data_before` bytes behind its start (other builds of
 * the same change may stand there). Both go up by what this one takes. ERROR_LAYOUT if a static changed its size. */
struct error *build_link(const struct build_host *, struct build *, size_t *code_before, size_t *data_before);

/* The two halves of the same, for code that takes the place of libtcc's: the slice by the program's own compiler, which
 * may run in any thread, and the object's way into the arena. */
struct error *build_compile_cc(struct build *);
struct error *build_link_object(const struct build_host *, struct build *, size_t *code_before,
				size_t *data_before);

const char *build_compiler(const struct build *); /* compile_tcc_name() or the compiler's name */
void build_fini(struct build *);

#endif
