#include "completed.h"
#include "closure.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the file knows one of the names that a declaration gives, for the same or another thing. */
static bool is_known(const struct index *to, const struct index *from, const struct index_declaration *d)
{
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &from->names[i];
		const char *name = from->text + n->begin;
		size_t length = n->end - n->begin;
		bool ordinary = n->kind != NAME_TAG && n->kind != NAME_TAG_FORWARD && n->kind != NAME_MEMBER;
		if (n->kind == NAME_TAG
			    ? index_has_tag(to, name, length)
			    : ordinary && index_find(to, INDEX_ORDINARY, name, length) != INDEX_NONE)
			return true;
	}
	return false;
}

static bool is_type(const struct closure *c, const struct index_declaration *d)
{
	return d->kind != DECLARATION_FUNCTION && (d->is_typedef || !closure_has_variable(c, d)) &&
	       d->name_begin < d->name_end;
}

/* Without the directives in it, which say where it stands; with those that are in force there. */
static void write_declaration(const struct index *ix, const struct index_declaration *d, struct text *out)
{
	struct token_reader r;
	struct token t;

	index_open_pragmas(ix, d, false, out);
	token_reader_within(&r, ix->text, d->begin, d->end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind != TOKEN_DIRECTIVE)
			text_printf(out, "%.*s ", (int)(t.end - t.begin), ix->text + t.begin);
	text_puts(out, "\n");
	index_close_pragmas(ix, d, false, out);
}

struct error *completed_text(struct index *from, const struct index *to, const char *tag, char **out)
{
	const char *name = strrchr(tag, ' ');
	const struct slice_names names = {0};
	struct closure c;
	struct text text = {0}, made = {0};

	*out = NULL;
	if (!name || !index_has_tag(from, name + 1, strlen(name + 1)))
		return NULL;
	text_printf(&text, "char rtf_completed[sizeof(%s)];", tag);
	char *wanted = text_take(&text);
	if (!wanted)
		return error_memory();
	const struct slice_request request = {.index = from,
					      .name = "rtf_completed",
					      .text = wanted,
					      .size = strlen(wanted),
					      .file = from->file,
					      .line = 1,
					      .everything = true};
	bool closed = closure_init(&c, &request, &names);
	for (size_t i = 0; closed && i < c.chosen_count; i++) {
		const struct index_declaration *d = closure_declaration(&c, c.chosen[i]);
		if (is_type(&c, d) && !is_known(to, from, d))
			write_declaration(from, d, &made);
	}
	closure_fini(&c);
	free(wanted);
	*out = closed ? text_take(&made) : NULL;
	if (!closed)
		text_fini(&made);
	return *out ? NULL : error_memory();
}
