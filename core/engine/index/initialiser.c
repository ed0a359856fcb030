#include "initialiser.h"
#include "declaration.h"

#include <stdlib.h>
#include <string.h>

struct walk {
	const char *text;
	bool (*each)(void *context, const struct initialiser *);
	void *context;
	struct initialiser *seen; /* of the function that is being read */
	size_t seen_count, seen_room;
	bool ended;
};

static bool same_name(const struct initialiser *a, const struct initialiser *b)
{
	return a->length == b->length && memcmp(a->name, b->name, a->length) == 0;
}

static void tell(struct walk *w, struct initialiser found)
{
	for (size_t i = 0; i < w->seen_count; i++)
		found.nth += same_name(&w->seen[i], &found);
	if (w->seen_count == w->seen_room) {
		size_t room = w->seen_room ? w->seen_room * 2 : 16;
		void *more = realloc(w->seen, room * sizeof(*w->seen));
		if (!more) {
			w->ended = true; /* a notice less */
			return;
		}
		w->seen = more;
		w->seen_room = room;
	}
	w->seen[w->seen_count++] = found;
	w->ended |= !w->each(w->context, &found);
}

static void tell_declared(struct walk *w, const struct declaration *d,
			  const struct declaration_name *function)
{
	if (d->is_extern || d->is_typedef || d->is_thread_local)
		return;
	for (size_t i = 0; i < d->name_count && !w->ended; i++) {
		const struct declaration_name *n = &d->names[i];
		if (n->kind != NAME_VARIABLE || declaration_is_const(w->text, d->begin, n->begin))
			continue;
		uint32_t next = i + 1 < d->name_count ? d->names[i + 1].begin : d->end;
		struct initialiser found = {.name = w->text + n->begin, .length = n->end - n->begin};
		if (function) {
			found.function = w->text + function->begin;
			found.function_length = function->end - function->begin;
		}
		for (size_t k = 0; k < d->cut_count; k++) {
			if (d->cuts[k].begin < n->end || d->cuts[k].begin >= next)
				continue;
			found.begin = d->cuts[k].begin;
			found.end = d->cuts[k].end;
		}
		tell(w, found);
	}
}

static void read_body(struct walk *w, const struct declaration *function)
{
	struct token_reader r;
	struct token t;

	w->seen_count = 0;
	token_reader_within(&r, w->text, function->body, function->end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END && !w->ended; token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME || !token_is(&r, &t, "static"))
			continue;
		struct declaration_reader inner;
		struct declaration d = {0};
		declaration_reader_init(&inner, w->text, function->end);
		inner.tokens.at = t.begin;
		inner.tokens.line_start = false;
		declaration_next(&inner, &d);
		if (d.kind == DECLARATION_NAMES)
			tell_declared(w, &d, &function->names[function->name_count - 1]);
		if (d.kind != DECLARATION_END && d.end > r.at)
			r.at = d.end;
		declaration_fini(&d);
	}
	w->seen_count = 0;
}

void initialiser_each(const char *text, size_t size, bool (*each)(void *context, const struct initialiser *),
		      void *context)
{
	struct walk w = {.text = text, .each = each, .context = context};
	struct declaration_reader r;
	struct declaration d = {0};

	declaration_reader_init(&r, text, (uint32_t)size);
	for (declaration_next(&r, &d); d.kind != DECLARATION_END && !w.ended; declaration_next(&r, &d)) {
		if (d.kind == DECLARATION_NAMES)
			tell_declared(&w, &d, NULL);
		else if (d.kind == DECLARATION_FUNCTION && d.name_count)
			read_body(&w, &d);
	}
	declaration_fini(&d);
	free(w.seen);
}

struct search {
	const struct initialiser *wanted;
	struct initialiser *out;
	bool found;
};

static bool is_wanted(void *context, const struct initialiser *i)
{
	struct search *s = context;
	const struct initialiser *w = s->wanted;

	if (!same_name(w, i) || w->nth != i->nth || w->function_length != i->function_length ||
	    (w->function && memcmp(w->function, i->function, w->function_length) != 0))
		return true;
	*s->out = *i;
	s->found = true;
	return false;
}

bool initialiser_find(const char *text, size_t size, const struct initialiser *wanted,
		      struct initialiser *out)
{
	struct search s = {.wanted = wanted, .out = out};

	initialiser_each(text, size, is_wanted, &s);
	return s.found;
}

bool initialiser_same(const char *a, uint32_t a_begin, uint32_t a_end, const char *b, uint32_t b_begin,
		      uint32_t b_end)
{
	struct token_reader ra, rb;
	struct token ta, tb;

	token_reader_within(&ra, a, a_begin, a_end, false);
	token_reader_within(&rb, b, b_begin, b_end, false);
	do {
		token_next(&ra, &ta);
		token_next(&rb, &tb);
		if (ta.kind != tb.kind || ta.end - ta.begin != tb.end - tb.begin ||
		    memcmp(a + ta.begin, b + tb.begin, ta.end - ta.begin) != 0)
			return false;
	} while (ta.kind != TOKEN_END);
	return true;
}
