/* What a source file declares, in order, found by name: the stock that slices are cut from.
 *
 * Made once for a file (indexer.h) and kept; every offset is into its preprocessed text. Immutable once made, but for
 * index_edit_body and what is kept of what was asked about it. */
#ifndef RTF_INDEX_H
#define RTF_INDEX_H

#include "declaration.h"
#include "pragmas.h"

struct index_declaration {
	uint32_t begin, end, specifiers, body, first_name;
	uint32_t name_begin, name_end; /* range of index->names */
	uint32_t cut_begin, cut_end;   /* range of index->cuts */
	uint32_t line;                 /* of `begin`, in its file */
	uint32_t last_line;            /* of the last byte */
	uint16_t file;                 /* index->files */
	uint16_t types, code;          /* states of index->pragmas that it stands in */
	uint8_t kind;                  /* enum declaration_kind */
	uint8_t pack;                  /* #pragma pack in force, 0 is none */
	bool is_typedef, is_static, is_extern, is_inline, is_thread_local, old_style, has_directive;
};

struct index_name {
	uint32_t begin, end, bound;
	uint32_t declaration; /* whose */
	uint32_t next;        /* the next of the same spelling and space, in text order; UINT32_MAX ends */
	uint8_t kind;         /* enum name_kind */
};

struct index_macro {
	uint32_t begin, end; /* the `#define` or `#undef` line */
	uint32_t name_begin, name_end;
	uint32_t body_begin; /* behind the name (and parameters) */
	uint32_t at;         /* from where on it counts: `begin`, or behind a #pragma pop_macro */
	uint32_t line;       /* of `begin`, in its file */
	uint16_t file;       /* index->files */
	uint32_t next;       /* the next line about the same name */
	bool undefined;      /* an #undef */
	bool builtin;        /* the compiler's own or from the command line */
};

enum index_space { INDEX_ORDINARY, INDEX_TAG, INDEX_MEMBER, INDEX_SPACES };

struct index_table {
	uint32_t *slots; /* first index of a chain, UINT32_MAX is free */
	uint32_t *lasts;
	uint32_t size, used;
};

/* What a slice has before its function, and the hash of those tokens (slice.c): the next slice is likely to begin alike. */
struct index_beginning {
	char *text; /* NULL: none was */
	size_t size;
	uint64_t hash[2];
};

enum index_answer { INDEX_UNASKED, INDEX_NO, INDEX_YES };

struct index {
	char *file; /* absolute path of the source */
	char *text; /* preprocessed */
	uint32_t size;
	char *source; /* the file itself, as it was then */
	uint32_t source_size;
	uint32_t *source_lines; /* offset of each line of source, from line 1 at [0] */
	uint32_t source_line_count;

	char *folders; /* where its compiler looks for headers, as folders.h has it; NULL: not known */
	char **files;
	char **file_texts; /* of included ones in which functions are defined, as they were then; else NULL */
	uint32_t file_count;
	struct index_declaration *declarations;
	uint32_t declaration_count;
	struct index_name *names;
	uint32_t name_count;
	struct declaration_cut *cuts;
	uint32_t cut_count;
	struct index_macro *macros;
	uint32_t macro_count;
	struct index_table spaces[INDEX_SPACES], macro_table;
	struct pragmas pragmas;
	struct references **references; /* of declarations (references.h), NULL until someone asks */
	uint8_t *
		uses; /* of names: what the text does with them, as uses.h keeps it; NULL until someone asks */
	struct index_beginning beginning; /* of the slice that was cut last */
	enum index_answer resolvers;      /* see index_may_resolve */
};

#define INDEX_NONE UINT32_MAX

void index_free(struct index *);

/* First entry (into names) of a spelling in a name space, or INDEX_NONE; the rest by `next`. */
uint32_t index_find(const struct index *, enum index_space, const char *name, size_t length);

/* The first entry of that kind that an ordinary name has, or NULL. */
const struct index_name *index_find_kind(const struct index *, const char *name, size_t length,
					 enum name_kind);

/* Writes what the file's #pragma lines make of a declaration; and, behind it, what ends that. `body`: code will be made of it. */
void index_open_pragmas(const struct index *, const struct index_declaration *, bool body, struct text *out);
void index_close_pragmas(const struct index *, const struct index_declaration *, bool body, struct text *out);

/* Whether a struct, union or enum with that tag is defined. */
bool index_has_tag(const struct index *, const char *tag, size_t length);

/* Whether the name is a typedef's, for a declaration_reader: `index` is one. */
bool index_is_typedef(void *index, const char *name, uint32_t length);

/* Where the declarator that holds the name before `name_end` ends, at its initialiser, comma or semicolon. */
uint32_t index_declarator_end(const struct index *, uint32_t name_end, uint32_t limit);

/* How the file initialises its variable of that name: with its `=`, empty if with zeroes; false if it has no such variable. */
bool index_find_initialiser(const struct index *, const char *name, size_t length, uint32_t *begin,
			    uint32_t *end);

/* The macro of that name in force at `offset` of the text, or NULL. */
const struct index_macro *index_find_macro(const struct index *, const char *name, size_t length,
					   uint32_t offset);

/* Its first line, into macros; INDEX_NONE: there is none. */
uint32_t index_first_macro(const struct index *, const char *name, size_t length);

/* The definition (with body) of a function, or NULL. With several, `nth` from 0. */
const struct index_declaration *index_find_function(const struct index *, const char *name, unsigned nth);

/* Whether any declaration may have the attribute ifunc. The first question reads the whole text. */
bool index_may_resolve(struct index *);

/* A function's head on one line, without preprocessor lines, or a declaration whole: as the file has it. The caller's; NULL
 * without memory. */
char *index_head(const struct index *, const struct index_declaration *);

/* A hash of everything that is declared: `each` is told a spelling (with what it names: "struct ", "macro ", "" before it)
 * and the hash of its tokens, once for each declaration of it. For telling two indexes of a file apart. */
void index_each_identity(const struct index *,
			 void (*each)(void *context, const char *kind, const char *name, size_t length,
				      uint64_t hash),
			 void *context);

/* The file's new text where only the inside of one function's body has changed: takes over the text and moves what stands
 * behind it, without reading the file again. `d` is the function, `begin` and `end` its old range in the source. The
 * preprocessed text of that body stays as it was. False if memory ran out: nothing has changed then. */
bool index_edit_body(struct index *, const struct index_declaration *d, const char *source, size_t size);

/* For who fills one: the last of names or macros, `i`, goes to the end of the chain of its spelling. False if memory ran out. */
bool index_chain_name(struct index *, uint32_t i);
bool index_chain_macro(struct index *, uint32_t i);

/* Counts the lines of `source` anew. False if memory ran out, and source_lines is then no memory. */
bool index_find_source_lines(struct index *);

#endif
