#include "rewrite.h"
#include "text.h"
#include "token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- insertions ----------------------------------------------------------------------------------------------------- */

void *rewrite_grow(struct rewrite *w, void *array, size_t count, size_t size)
{
	/* Room for a power of two of them. */
	if (count & (count - 1))
		return array;
	void *more = realloc(array, (count ? count * 2 : 1) * size);
	w->failed |= !more;
	return more ? more : array;
}

/* Takes the text. */
void rewrite_insert(struct rewrite *w, uint32_t at, bool closes, char *text)
{
	w->failed |= !text;
	if (!w->failed)
		w->insertions = rewrite_grow(w, w->insertions, w->insertion_count, sizeof(*w->insertions));
	if (w->failed) {
		free(text);
		return;
	}
	w->insertions[w->insertion_count] =
		(struct insertion){at, closes, (uint32_t)w->insertion_count, text};
	w->insertion_count++;
}

/* What closes comes first, the innermost before all; what opens comes in the order of coming. */
static int by_place(const void *a, const void *b)
{
	const struct insertion *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->closes != y->closes)
		return x->closes ? -1 : 1;
	int order = x->order < y->order ? -1 : 1;
	return x->closes ? -order : order;
}

/* --- cursors --------------------------------------------------------------------------------------------------- */

static enum CXChildVisitResult take_child(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct children *c = data;

	(void)parent;
	if ((c->count & (c->count - 1)) == 0) {
		void *more = realloc(c->list, (c->count ? c->count * 2 : 1) * sizeof(*c->list));
		if (!more) {
			c->failed = true;
			return CXChildVisit_Break;
		}
		c->list = more;
	}
	c->list[c->count++] = cursor;
	return CXChildVisit_Continue;
}

struct children rewrite_children(struct rewrite *w, CXCursor cursor)
{
	struct children c = {0};

	clang_visitChildren(cursor, take_child, &c);
	w->failed |= c.failed;
	return c;
}

const struct expansion *rewrite_macro(const struct rewrite *w, uint32_t at)
{
	for (size_t i = 0; i < w->macro_count; i++)
		if (w->macros[i].begin <= at && at < w->macros[i].end)
			return &w->macros[i];
	return NULL;
}

bool rewrite_offset(const struct rewrite *w, CXSourceLocation location, uint32_t *at)
{
	CXFile file;
	unsigned offset;

	clang_getExpansionLocation(location, &file, NULL, NULL, &offset);
	if (!file || offset < w->base || offset > w->base + w->size)
		return false;
	*at = offset - w->base;
	return true;
}

/* The bytes of a node. False for what is not, or not as a whole, in the text: a part of a macro's body. */
bool rewrite_range(const struct rewrite *w, CXCursor cursor, struct range *r)
{
	CXSourceRange extent = clang_getCursorExtent(cursor);

	if (!rewrite_offset(w, clang_getRangeStart(extent), &r->begin) ||
	    !rewrite_offset(w, clang_getRangeEnd(extent), &r->end))
		return false;
	/* The end of a macro's last argument is told as the macro's begin. */
	const struct expansion *last = rewrite_macro(w, r->end);
	if (last && r->end <= last->end && r->begin <= last->begin && last->begin == r->end)
		r->end = last->end;
	const struct expansion *first = rewrite_macro(w, r->begin);
	last = r->end ? rewrite_macro(w, r->end - 1) : NULL;
	if (w->careful && first)
		return false;
	return r->begin < r->end && (!first || first->begin == r->begin) && (!last || last->end == r->end);
}

unsigned rewrite_line(const struct rewrite *w, uint32_t at)
{
	return w->line + token_line(w->text, at);
}

void rewrite_token(const struct rewrite *w, uint32_t at, struct token_reader *r, struct token *t)
{
	token_reader_within(r, w->text, at, w->size, false);
	token_next(r, t);
}

/* Whether the text has that keyword there, and no macro. */
bool rewrite_has_keyword(const struct rewrite *w, uint32_t at, const char *keyword)
{
	struct token_reader r;
	struct token t;

	rewrite_token(w, at, &r, &t);
	return !rewrite_macro(w, at) && t.begin == at && token_is(&r, &t, keyword);
}

char *rewrite_format(struct rewrite *w, const char *f, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, f);
	if (vasprintf(&text, f, args) < 0)
		text = NULL;
	va_end(args);
	w->failed |= !text;
	return text;
}

char *rewrite_apply(struct rewrite *w, const char *tail)
{
	struct text t = {0};
	uint32_t from = 0;

	if (w->insertion_count)
		qsort(w->insertions, w->insertion_count, sizeof(*w->insertions), by_place);
	for (size_t i = 0; i < w->insertion_count; i++) {
		text_append(&t, w->text + from, w->insertions[i].at - from);
		text_puts(&t, w->insertions[i].text);
		from = w->insertions[i].at;
	}
	text_append(&t, w->text + from, w->size - from);
	text_puts(&t, tail ? tail : "");
	char *text = text_take(&t);
	w->failed |= !text;
	return text;
}

void rewrite_fini(struct rewrite *w)
{
	for (size_t i = 0; i < w->insertion_count; i++)
		free(w->insertions[i].text);
	free(w->insertions);
	free(w->macros);
}

/* Behind the last byte of a statement, its `;` included. */
static bool end_of_statement(struct rewrite *r, CXCursor cursor, uint32_t *end)
{
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	struct token_reader reader;
	struct token t;
	struct range range;

	switch (kind) {
	case CXCursor_IfStmt:
	case CXCursor_WhileStmt:
	case CXCursor_ForStmt:
	case CXCursor_SwitchStmt:
	case CXCursor_LabelStmt:
	case CXCursor_CaseStmt:
	case CXCursor_DefaultStmt: {
		struct children c = rewrite_children(r, cursor);
		bool found = c.count && end_of_statement(r, c.list[c.count - 1], end);
		free(c.list);
		return found;
	}
	default:
		break;
	}
	if (!rewrite_range(r, cursor, &range))
		return false;
	*end = range.end;
	if (kind == CXCursor_CompoundStmt)
		return r->text[range.end - 1] == '}';
	if (r->text[range.end - 1] == ';')
		return true;
	rewrite_token(r, range.end, &reader, &t);
	*end = t.end;
	return t.kind == TOKEN_PUNCTUATOR && t.first == ';';
}

void rewrite_insert_before(struct rewrite *r, CXCursor statement, uint32_t begin, bool is_body, char *text)
{
	uint32_t end;

	if (!is_body) {
		rewrite_insert(r, begin, false, text);
		return;
	}
	if (!end_of_statement(r, statement, &end)) {
		free(text);
		return;
	}
	rewrite_insert(r, begin, false, rewrite_format(r, "{%s", text));
	rewrite_insert(r, end, true, strdup("}"));
	free(text);
}
