#include "source.h"
#include "extent.h"
#include "originals.h"
#include "uses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "<built-in>" and the folder that the compiler ran in, with its slashes behind, are no files. */
bool source_is_outside(const char *path)
{
	size_t length = strlen(path);

	return !length || *path == '<' || path[length - 1] == '/' ||
	       strncmp(path, "/usr/include/", 13) == 0 || strncmp(path, "/usr/lib/", 9) == 0;
}

/* Names from line markers may be relative to the folder that the compiler ran in. */
bool source_each_file(const struct source *s, bool (*each)(void *context, const char *path), void *context)
{
	if (!each(context, s->unit->file))
		return false;
	for (uint32_t i = 0; i < s->index->file_count; i++) {
		const char *file = s->index->files[i];
		char *path = NULL;
		if (source_is_outside(file) ||
		    (*file != '/' && asprintf(&path, "%s/%s", s->flags.directory, file) < 0))
			continue;
		bool more = each(context, path ? path : file);
		free(path);
		if (!more)
			return false;
	}
	return true;
}

static bool has_entry(void *context, const char *name)
{
	const struct source *source = context;

	return source->entries->has(source->entries->context, source->unit, name);
}

struct error *source_replace(struct source *source, struct index *fresh)
{
	if (!source->originals && source->index)
		source->originals = originals_new(source->index, source->unit && source->unit->optimized);
	if (source->index &&
	    (!source->originals ||
	     !originals_compare(source->originals, fresh, source->entries->has ? has_entry : NULL, source))) {
		index_free(fresh);
		return error_memory();
	}
	index_free(source->index);
	source->index = fresh;
	return NULL;
}

bool source_has_changed(const struct source *source, const char *name)
{
	return source->originals && originals_changed(source->originals, name);
}

bool source_reads(const struct source *source, const char *name)
{
	return source->originals ? originals_read(source->originals, name) : uses_read(source->index, name);
}

bool source_is_constant(const struct source *source, const char *name)
{
	const struct index *ix = source->index;

	const struct index_name *n = index_find_kind(ix, name, strlen(name), NAME_VARIABLE);

	return n && declaration_is_const(ix->text, ix->declarations[n->declaration].begin, n->begin);
}

const struct index_declaration *source_definition(const struct source *s, const struct target_function *f,
						  unsigned *nth)
{
	const struct index_declaration *d;

	for (unsigned n = 0; (d = index_find_function(s->index, f->name, n)); n++) {
		if (f->line < d->line || f->line > d->last_line)
			continue;
		*nth = n;
		return d;
	}
	*nth = 0;
	return index_find_function(s->index, f->name, 0);
}

/* By where the flags are from: what may be wrong with them. */
struct doubt {
	const char *origin; /* how its name begins */
	const char *doubt, *flags;
};

#define DOUBT(origin, verb, flags) \
	{ \
		origin, "it has changed, or " verb " compiled with " flags, flags \
	}

static const struct doubt doubts[] = {
	DOUBT("DWARF", "is",
	      "-D, which DWARF tells of gcc's -g3 alone (else RTF_CFLAGS or compile_commands.json must)"),
	DOUBT("make", "was",
	      "other -D than make tells (RTF_MAKE can say make VARIABLE=VALUE; gcc's -g3 leaves all -D in "
	      "the "
	      "program)"),
};

static const struct doubt *doubt_of(const struct source *s)
{
	static const struct doubt none;

	for (size_t i = 0; i < sizeof(doubts) / sizeof(*doubts); i++)
		if (strncmp(s->flags.origin, doubts[i].origin, strlen(doubts[i].origin)) == 0)
			return &doubts[i];
	return &none;
}

const char *source_doubt(const struct source *s)
{
	return doubt_of(s)->doubt;
}

const char *source_other_flags(const struct source *s)
{
	return s->originals ? NULL : doubt_of(s)->flags;
}

struct error *source_function_text(const struct source *s, const struct target_function *f, char **text,
				   unsigned *line)
{
	const struct index *ix = s->index;
	uint32_t begin, end, first;
	unsigned nth;

	const struct index_declaration *d = source_definition(s, f, &nth);
	const char *doubt = source_doubt(s);
	if (!d && doubt)
		return error_new(ERROR_UNKNOWN, "%s does not define %s: %s", ix->file, f->name, doubt);
	if (!d)
		return error_new(ERROR_UNKNOWN, "%s does not define %s any more", ix->file, f->name);
	if (extent_find(ix, d, &begin, &end, &first)) {
		*text = strndup(ix->source + begin, end - begin);
	} else if (extent_included_text(ix, d, s->flags.directory, text, &first)) {
		/* as its own file has it */
	} else {
		*text = strndup(ix->text + d->begin, d->end - d->begin);
		first = d->line;
	}
	*line = first;
	return *text ? NULL : error_memory();
}
