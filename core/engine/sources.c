#include "sources.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct entry {
	struct source source;
	struct timespec modified;
	struct entry *next;
};

struct sources {
	char *cflags;
	struct entry *entries;
};

struct error *sources_new(const char *cflags, struct sources **out)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s || (cflags && !(s->cflags = strdup(cflags)))) {
		free(s);
		return error_memory();
	}
	*out = s;
	return NULL;
}

static void entry_free(struct entry *entry)
{
	flags_fini(&entry->source.flags);
	index_free(entry->source.index);
	free(entry);
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	for (struct entry *entry = s->entries, *next; entry; entry = next) {
		next = entry->next;
		entry_free(entry);
	}
	free(s->cflags);
	free(s);
}

static struct error *refresh(struct entry *entry, struct timespec modified)
{
	struct index *fresh;

	struct error *e = index_new(entry->source.unit->file, &entry->source.flags, &fresh);
	if (e)
		return e;
	index_free(entry->source.index);
	entry->source.index = fresh;
	entry->modified = modified;
	return NULL;
}

static struct error *add(struct sources *s, const struct target_unit *unit, struct timespec modified, struct entry **out)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return error_memory();
	entry->source.unit = unit;
	struct error *e = flags_new(unit, s->cflags, &entry->source.flags);
	if (!e)
		e = refresh(entry, modified);
	if (e) {
		entry_free(entry);
		return e;
	}
	entry->next = s->entries;
	s->entries = entry;
	*out = entry;
	return NULL;
}

struct error *sources_find(struct sources *s, const struct target_unit *unit, struct source **out)
{
	struct stat st;
	struct entry *entry;

	if (!unit)
		return error_new(ERROR_UNKNOWN, "the program has no debug information for it: compile with -g");
	if (stat(unit->file, &st))
		return error_new(ERROR_UNKNOWN,
				 "cannot find its source %s (%s): if it was moved since the build, start the program with "
				 "RTF_SOURCE_ROOT=OLD=NEW",
				 unit->file, strerror(errno));
	for (entry = s->entries; entry; entry = entry->next)
		if (entry->source.unit == unit)
			break;
	struct error *e = NULL;
	if (!entry)
		e = add(s, unit, st.st_mtim, &entry);
	else if (entry->modified.tv_sec != st.st_mtim.tv_sec || entry->modified.tv_nsec != st.st_mtim.tv_nsec)
		e = refresh(entry, st.st_mtim);
	if (e)
		return e;
	*out = &entry->source;
	return NULL;
}

const struct index_declaration *source_definition(const struct source *s, const struct target_function *f, unsigned *nth)
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

struct error *source_function_text(const struct source *s, const struct target_function *f, char **text, unsigned *line)
{
	const struct index *ix = s->index;
	uint32_t begin, end, first;
	unsigned nth;

	const struct index_declaration *d = source_definition(s, f, &nth);
	if (!d)
		return error_new(ERROR_UNKNOWN, "%s does not define %s any more", ix->file, f->name);
	if (index_source_range(ix, d, &begin, &end, &first)) {
		*text = strndup(ix->source + begin, end - begin);
	} else {
		*text = strndup(ix->text + d->begin, d->end - d->begin);
		first = d->line;
	}
	*line = first;
	return *text ? NULL : error_memory();
}
