#include "candidates.h"
#include "attempt.h"
#include "text.h"
#include "texts.h"
#include "turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another followed source that defines the function now, or NULL. */
static const char *find_new_home(const struct save_work *w, const struct live_function *function)
{
	for (size_t i = 0; i < w->save->count; i++) {
		const struct source *s = w->save->sources[i].source;
		if (s->unit != function->at.unit && index_find_function(s->index, function->at.name, 0))
			return s->unit->file;
	}
	return NULL;
}

static void note_gone(struct save_work *w, struct live_function *function)
{
	const char *home = find_new_home(w, function);

	if (function->saved.gone)
		return;
	function->saved.gone = true;
	text_printf(&w->notes, "%s does not define %s any more: ", text_base_name(function->at.unit->file),
		    function->at.name);
	if (function->live)
		text_printf(&w->notes, "version %d goes on running", function->live);
	else
		text_puts(&w->notes, "what was built goes on running");
	if (home)
		text_printf(&w->notes, "; %s does, which counts when the program is built again",
			    text_base_name(home));
	text_puts(&w->notes, "\n");
}

/* The candidate's text and its identity. *gone: its file does not define it. */
static struct error *read_candidate(struct save_work *w, struct candidate *c, bool *gone)
{
	struct error *e = texts_of_file(w->save->live, c->function, &c->text, &c->line);

	*gone = e && error_class(e) == ERROR_UNKNOWN;
	if (*gone) {
		/* Deleted, renamed or hidden by an #if. */
		note_gone(w, c->function);
		error_free(e);
		return NULL;
	}
	c->function->saved.gone = false;
	return e ? e : save_work_identity(w, c->function, c->text, c->line, c->identity);
}

static void copy_hash(void *context, const struct history_version *v)
{
	snprintf(context, 33, "%s", v->slice_hash);
}

/* Whether what runs is what the file says now, though not by way of the file: written back, or rolled back. */
static bool runs_already(const struct save_work *w, const struct candidate *c)
{
	const struct live_function *function = c->function;
	char hash[33] = "";

	if (live_plain(function) == 0)
		return strcmp(c->identity, function->saved.built) == 0;
	if (function->row)
		error_free(history_find(live_history(w->save->live), function->row, live_plain(function),
					copy_hash, hash));
	return strcmp(c->identity, hash) == 0;
}

static void heal(struct live_function *function)
{
	function->refused = false;
	function->saved.pending_with = 0;
	*function->saved.pending = '\0';
}

/* Everything that came with one of these. */
static void add_pending(struct save_work *w)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->saved.pending_with && save_work_has_group(w, function->saved.pending_with))
			save_work_add(w, function);
	}
}

struct error *candidates_settle(struct save_work *w)
{
	size_t kept = 0;

	add_pending(w);
	for (size_t i = 0; i < w->count; i++) {
		struct candidate c = w->items[i];
		bool gone = false;
		free(c.text); /* of what it was settled to before */
		c.text = w->items[i].text = NULL;
		struct error *e = read_candidate(w, &c, &gone);
		if (e) {
			free(c.text);
			for (size_t k = i; k < w->count; k++)
				w->items[kept++] = w->items[k];
			w->count = kept;
			return error_context(e, "%s", c.function->name);
		}
		bool changed = !gone && (c.resaved || strcmp(c.identity, c.function->saved.live) != 0);
		bool again = changed && c.function->saved.pending_with &&
			     strcmp(c.identity, c.function->saved.pending) == 0 &&
			     !save_work_has_group(w, c.function->saved.pending_with);
		if (!again && c.function->saved.pending_with) {
			save_work_add_group(w, c.function->saved.pending_with);
			add_pending(w); /* behind this one */
		}
		if (changed && !again && runs_already(w, &c)) {
			memcpy(c.function->saved.live, c.identity, sizeof(c.identity));
			changed = false;
		}
		if (!changed && c.function->refused)
			w->healed = c.function->at.unit->file;
		if (!changed)
			heal(c.function);
		if (changed && !again) {
			w->items[kept++] = c;
			continue;
		}
		free(c.text);
		w->items[i].function = NULL; /* its group may still be added */
	}
	w->count = kept;
	return w->failed ? error_memory() : NULL;
}

static void mark_pending(struct save_work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct live_function *function = w->items[i].function;
		function->saved.pending_with = w->save->number;
		memcpy(function->saved.pending, w->items[i].identity, sizeof(function->saved.pending));
	}
}

void candidates_refuse(struct save_work *w)
{
	mark_pending(w);
	for (size_t i = 0; i < w->count; i++) {
		w->items[i].function->refused = true;
		save_work_record(w, w->items[i].function, w->out->message);
	}
	w->out->kind = "refused";
}

/* The program goes on calling the function as it was built, whatever its file declares by now. */
static struct error *check_prototype(struct save_work *w, const struct candidate *c)
{
	const char *prototype = c->function->saved.prototype;
	struct check_result findings = {0};

	struct error *e = save_work_check(w, c->function, c->text, c->line, prototype, &findings);
	if (!e && findings.failed)
		e = attempt_refuse(c->function, &findings, &w->out->outcome);
	check_result_fini(&findings);
	return e;
}

static struct error *check_prototypes(struct save_work *w)
{
	struct error *e = NULL;

	for (size_t i = 0; i < w->count && !e; i++)
		if (w->items[i].function->saved.prototype)
			e = check_prototype(w, &w->items[i]);
	return e;
}

/* Held until the compiler has run; what was refused of it before is not any more. */
static void wait_for_compiler(struct save_work *w)
{
	mark_pending(w);
	for (size_t i = 0; i < w->count; i++)
		w->items[i].function->refused = false;
	w->out->kind = "waits";
}

void candidates_go_live(struct save_work *w)
{
	struct change_request request = {
		.origin = "file", .user = w->save->user, .asked_us = w->save->asked_us};
	struct change_text *texts = calloc(w->count + 1, sizeof(*texts));

	for (size_t i = 0; texts && i < w->count; i++)
		texts[i] = (struct change_text){w->items[i].function, w->items[i].text,
						strlen(w->items[i].text), w->items[i].line};
	struct error *e = texts ? check_prototypes(w) : error_memory();
	if (!e)
		e = change_texts(w->save->live, texts, w->count, &request, &w->out->outcome);
	free(texts);
	if (e && turns_lack(live_host(w->save->live)->turns)) {
		error_free(e);
		wait_for_compiler(w);
		return;
	}
	if (e) {
		w->out->message = strdup(error_message(e));
		error_free(e);
		candidates_refuse(w);
		return;
	}
	for (size_t i = 0; i < w->count; i++) {
		memcpy(w->items[i].function->saved.live, w->items[i].identity, sizeof(w->items[i].identity));
		heal(w->items[i].function);
	}
	w->out->kind = "live";
}

void candidates_hold(struct save_work *w)
{
	mark_pending(w);
	w->out->kind = "held";
}
