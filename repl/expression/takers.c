#include "takers.h"
#include "edit.h"
#include "events.h"
#include "findings.h"
#include "preamble.h"
#include "show.h"
#include "text.h"
#include "texts.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- whether a version has another text of it ---------------------------------------------------------------------- */

/* The next token that is not about who may call the function. */
static void next_word(struct token_reader *r, struct token *t)
{
	do
		token_next(r, t);
	while (t->kind != TOKEN_END && token_is_linkage(r, t));
}

/* But for comments, spaces and linkage. */
static bool same_words(const char *a, size_t a_size, const char *b, size_t b_size)
{
	struct token_reader left, right;
	struct token t, u;

	token_reader_init(&left, a, (uint32_t)a_size);
	token_reader_init(&right, b, (uint32_t)b_size);
	do {
		next_word(&left, &t);
		next_word(&right, &u);
		if (t.end - t.begin != u.end - u.begin || memcmp(a + t.begin, b + u.begin, t.end - t.begin))
			return false;
	} while (t.kind != TOKEN_END && u.kind != TOKEN_END);
	return t.kind == u.kind;
}

static const struct takers_helper *named(const struct takers_helper *helpers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(helpers[i].name, name) == 0)
			return &helpers[i];
	return NULL;
}

/* The edit's text with the new definitions in the place of the old; `words` gets their names. False: it has none that is
 * another. */
static bool put_new(const struct edit *edit, const struct takers_helper *helpers, size_t count,
		    struct text *out, struct text *words)
{
	uint32_t at = 0;

	for (size_t i = 0; i < edit->count; i++) {
		const struct edit_function *f = &edit->functions[i];
		const struct takers_helper *new = named(helpers, count, f->name);
		if (!new || same_words(edit->text + f->begin, f->end - f->begin, new->definition, new->size))
			continue;
		text_append(out, edit->text + at, f->begin - at);
		text_printf(out, "static %.*s", (int)new->size, new->definition);
		text_printf(words, "%s%s", words->size ? ", " : "", f->name);
		at = f->end;
	}
	text_append(out, edit->text + at, edit->size - at);
	return at > 0;
}

/* --- one version ---------------------------------------------------------------------------------------------------- */

static struct error *define(struct call *c, const struct live_function *f, const char *text,
			    struct change_outcome *out)
{
	struct preamble preamble;

	*out = (struct change_outcome){0};
	struct error *e = preamble_new(c, f->name, text, strlen(text), &preamble);
	if (e)
		return e;
	struct change_request request = {.text = text,
					 .size = strlen(text),
					 .name = f->name,
					 .declared = preamble.text,
					 .declared_as = FINDINGS_DECLARED,
					 .placed = preamble_place,
					 .context = &preamble,
					 .given_as = f->name,
					 .origin = "console",
					 .user = c->state->user};
	e = change_define(c->live, &request, out);
	if (!e)
		preamble_settle(&preamble);
	preamble_fini(&preamble);
	return e;
}

static void tell_followed(struct call *c, const struct change_outcome *out, const char *words, json_t *rows)
{
	for (size_t i = 0; i < out->count; i++) {
		const struct change_result *r = &out->results[i];
		text_printf(&c->reply->text, "%s is now version %d (%s, %.1f ms), with %s as it is now\n",
			    r->function->name, r->version, compile_backend_name(r->backend),
			    (double)r->latency.total / 1000, words);
		events_tell_changed(c->state, r->function, r->version);
		json_array_append_new(
			rows,
			json_pack("{s:s, s:o, s:i, s:s, s:s}", "function", r->function->at.name, "file",
				  show_string(r->function->at.file ? r->function->at.file : ""), "version",
				  r->version, "backend", compile_backend_name(r->backend), "with", words));
	}
}

static void tell_kept(struct call *c, const struct live_function *f, const char *words,
		      const struct error *why, json_t *rows)
{
	text_printf(&c->reply->text, "%s goes on with the %s that it was made with: %s\n", f->name, words,
		    error_message(why));
	json_array_append_new(rows, json_pack("{s:s, s:o, s:i, s:s, s:s}", "function", f->at.name, "file",
					      show_string(f->at.file ? f->at.file : ""), "version",
					      live_plain(f), "keeps", words, "why", error_message(why)));
}

/* Whether it runs with the new ones from now on. */
static bool follow(struct call *c, struct live_function *f, const char *text, const char *words, json_t *rows)
{
	struct change_outcome out;

	struct error *e = define(c, f, text, &out);
	if (e)
		tell_kept(c, f, words, e, rows);
	else
		tell_followed(c, &out, words, rows);
	if (out.check.count)
		show_diagnostics(&c->reply->text, &out.check, c->state->color);
	change_outcome_fini(&out);
	error_free(e);
	return !e;
}

static bool look_at(struct call *c, struct live_function *f, const struct takers_helper *helpers,
		    size_t count, json_t *rows)
{
	struct text new = {0}, words = {0};
	struct edit edit;
	char *text = NULL;
	unsigned line;
	bool followed = false;

	struct error *e = texts_of_version(c->live, f, live_plain(f), &text, &line);
	if (!e)
		e = edit_new(text, strlen(text), &edit);
	if (!e) {
		if (put_new(&edit, helpers, count, &new, &words) && !new.failed && !words.failed)
			followed = follow(c, f, new.bytes, words.bytes, rows);
		edit_fini(&edit);
	}
	text_fini(&new);
	text_fini(&words);
	free(text);
	error_free(e);
	return followed;
}

size_t takers_follow(struct call *c, const struct takers_helper *helpers, size_t count, json_t *rows)
{
	size_t followed = 0;

	for (size_t i = 0; i < live_count(c->live); i++) {
		struct live_function *f = live_function(c->live, i);
		if (live_plain(f) > 0)
			followed += look_at(c, f, helpers, count, rows);
	}
	return followed;
}
