#include "macros.h"
#include "context.h"
#include "scope.h"
#include "sources.h"
#include "token.h"
#include "typed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 8 }; /* macros that stand for macros */

struct piece {
	const char *at, *end;
};

/* Behind a macro's name and its parameters. */
static struct piece behind_name(const char *at, const char *end)
{
	if (at < end && *at == '(') {
		const char *close = memchr(at, ')', (size_t)(end - at));
		at = close ? close + 1 : end;
	}
	return (struct piece){at, end};
}

/* What a macro of the console's, or the file's, stands for. */
static bool find_macro(const struct call *c, const struct index *ix, struct piece name, struct piece *out)
{
	size_t length = (size_t)(name.end - name.at);
	const struct scope_item *item = c->state->scope ? scope_find(c->state->scope, name.at, length) : NULL;

	if (item && item->kind == SCOPE_MACRO) {
		const char *at = strstr(item->text, item->names[0]);
		if (at)
			*out = behind_name(at + length, item->text + strlen(item->text));
		return at;
	}
	const struct index_macro *m = ix && !item ? index_find_macro(ix, name.at, length, ix->size) : NULL;
	if (!m || m->undefined)
		return false;
	*out = behind_name(ix->text + m->name_end, ix->text + m->end);
	return true;
}

static const struct index *index_at_hand(struct call *c)
{
	const struct target_unit *unit;
	struct source *source = NULL;

	struct error *e = context_unit(c->state, c->live, &unit);
	if (!e)
		e = sources_find(live_host(c->live)->sources, unit, &source);
	error_free(e);
	return e ? NULL : source->index;
}

bool macros_begin_statement(struct call *c, const char *text, size_t size)
{
	struct piece piece = {text, text + size};
	const struct index *ix = NULL;

	if (typed_begins_declaration(text, size))
		return false; /* whatever the file's macros are: it need not be read for that */
	for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
		struct token_reader r;
		struct token t;
		if (typed_begins_statement(piece.at, (size_t)(piece.end - piece.at)))
			return depth; /* without one it needs no macro */
		token_reader_init(&r, piece.at, (uint32_t)(piece.end - piece.at));
		token_next(&r, &t);
		if (t.kind != TOKEN_NAME)
			return false;
		if (!depth)
			ix = index_at_hand(c);
		if (!find_macro(c, ix, (struct piece){piece.at + t.begin, piece.at + t.end}, &piece))
			return false;
	}
	return false;
}
