#include "opaque.h"
#include "completed.h"
#include "elsewhere.h"
#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only what has not changed since the build may be looked at so. */
static void assert_equal(struct text *out, const char *tag, const char *what, uint64_t value)
{
	text_printf(out, "_Static_assert(%s == %llu, \"%s is laid out otherwise in the running program\");\n",
		    what, (unsigned long long)value, tag);
}

static void assert_layout(const struct host *host, const struct target_unit *unit, const char *tag,
			  struct text *out)
{
	enum target_tag kind = *tag == 's' ? TARGET_STRUCT : TARGET_UNION;
	struct target_layout layout;
	char what[600];

	if (!target_find_layout(live_target(host->live), unit, kind, strchr(tag, ' ') + 1, &layout))
		return;
	snprintf(what, sizeof(what), "sizeof(%s)", tag);
	assert_equal(out, tag, what, layout.size);
	/* clang does not tell bit-fields that fill their type from others. */
	for (size_t i = 0; i < layout.count && !unit->clang; i++) {
		const struct target_member *m = &layout.members[i];
		if (!m->name || m->bit_size)
			continue;
		snprintf(what, sizeof(what), "__builtin_offsetof(%s, %s)", tag, m->name);
		assert_equal(out, tag, what, m->bit_offset / 8);
	}
}

static struct error *declare(const struct host *host, const struct target_unit *unit, const struct index *ix,
			     const char *tag, bool read_alone, char **declared, bool *any)
{
	struct text all = {0};
	char *text;

	struct source *source = elsewhere_definition(host, tag, unit, read_alone);
	if (!source)
		return NULL;
	struct error *e = completed_text(source->index, ix, tag, &text);
	if (e || !text)
		return e;
	text_puts(&all, text);
	assert_layout(host, source->unit, tag, &all);
	text_puts(&all, *declared);
	free(text);
	text = text_take(&all);
	if (!text)
		return error_memory();
	free(*declared);
	*declared = text;
	*any = true;
	return NULL;
}

/* "struct list" of "const struct list"; NULL: it is something else. */
static char *take_tag(const char *line, size_t length)
{
	static const char *const keywords[] = {"struct ", "union "};
	char *tag = strndup(line, length), *at = NULL;

	for (size_t i = 0; tag && i < 2 && !at; i++)
		at = strstr(tag, keywords[i]);
	if (!at || (at > tag && at[-1] != ' ') ||
	    strcspn(strchr(at, ' ') + 1, " *[(") != strlen(strchr(at, ' ') + 1)) {
		free(tag);
		return NULL;
	}
	memmove(tag, at, strlen(at) + 1);
	return tag;
}

struct error *opaque_declare(const struct host *host, const struct target_unit *unit, const struct index *ix,
			     const char *names, bool read_alone, struct text *known, char **declared,
			     bool *any)
{
	struct error *e = NULL;

	for (size_t length; names && *names && !e; names += length + (names[length] == '\n')) {
		length = strcspn(names, "\n");
		char *tag = take_tag(names, length);
		const char *name = tag ? strchr(tag, ' ') + 1 : NULL;
		if (!tag || index_has_tag(ix, name, strlen(name)) || text_has_line(known, tag, strlen(tag))) {
			free(tag);
			continue;
		}
		bool found = false;
		e = declare(host, unit, ix, tag, read_alone, declared, &found);
		if (found || !read_alone)
			text_printf(known, "%s\n", tag);
		*any |= found;
		free(tag);
	}
	return e || !known->failed ? e : error_memory();
}
