#include "written.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 500 };

struct write {
	struct write *before;
	uint64_t evaluation, address;
	size_t size;
	unsigned char *old, *new; /* one block */
	char *place, *type, *old_text, *new_text;
	int64_t change; /* the last change of functions that \undo would have taken back at that time */
};

/* What \undo of functions would take back now; 0: nothing. */
static int64_t last_change(struct host *host)
{
	struct history_move *moves = NULL;
	int64_t change = 0;
	size_t count;

	error_free(history_next(live_history(host->live), false, &change, &moves, &count));
	free(moves);
	return change;
}

static void write_free(struct write *w)
{
	free(w->old);
	free(w->place);
	free(w->type);
	free(w->old_text);
	free(w->new_text);
	free(w);
}

static void list_free(struct write **list)
{
	while (*list) {
		struct write *w = *list;
		*list = w->before;
		write_free(w);
	}
}

void written_free(struct host *host)
{
	list_free(&host->written);
	list_free(&host->unwritten);
}

void written_add(struct host *host, const struct written *what, const unsigned char *old,
		 const unsigned char *new, const char *old_text, const char *new_text)
{
	struct write *w = calloc(1, sizeof(*w));

	if (!w)
		return;
	*w = (struct write){.evaluation = what->evaluation,
			    .address = what->address,
			    .size = what->size,
			    .old = malloc(2 * what->size + 1),
			    .place = strdup(what->place),
			    .type = strdup(what->type),
			    .old_text = strdup(old_text),
			    .new_text = strdup(new_text),
			    .change = last_change(host)};
	if (!w->old || !w->place || !w->type || !w->old_text || !w->new_text) {
		write_free(w);
		return;
	}
	w->new = w->old + w->size;
	memcpy(w->old, old, w->size);
	memcpy(w->new, new, w->size);
	list_free(&host->unwritten);
	w->before = host->written;
	host->written = w;
	size_t count = 0;
	for (struct write *at = w; at; at = at->before)
		if (++count == KEPT)
			list_free(&at->before);
}

/* Whether the value that is to go is there. */
static struct error *is_there(struct call *c, const struct write *w, bool redo, bool *there)
{
	unsigned char *now = malloc(w->size + 1);

	if (!now)
		return error_memory();
	struct error *e = program_read(c->state->host->program, w->address, now, w->size);
	*there = !e && memcmp(now, redo ? w->old : w->new, w->size) == 0;
	free(now);
	return e ? error_context(e, "%s", w->place) : NULL;
}

/* Takes the writes of the list's first evaluation that are not there any more out of it, and says which. */
static struct error *drop_drifted(struct call *c, struct write **list, bool redo)
{
	uint64_t evaluation = (*list)->evaluation;
	struct text gone = {0};
	struct error *e = NULL;

	while (*list && (*list)->evaluation == evaluation && !e) {
		struct write *w = *list;
		bool there;
		e = is_there(c, w, redo, &there);
		if (!e && there) {
			list = &w->before;
			continue;
		}
		if (!e)
			text_printf(&gone, "%s%s is not %s any more", gone.size ? ", " : "", w->place,
				    redo ? w->old_text : w->new_text);
		*list = w->before;
		write_free(w);
	}
	if (!e && gone.size)
		e = error_new(ERROR_DRIFT,
			      "%s: the program has written it since, and it stays; the next %s goes on with "
			      "what is left",
			      gone.bytes, redo ? "\\redo" : "\\undo");
	text_fini(&gone);
	return e;
}

static void tell(struct call *c, const struct write *w, bool redo)
{
	const char *old = redo ? w->old_text : w->new_text, *new = redo ? w->new_text : w->old_text;
	struct text detail = {0};

	text_printf(&detail, "%s: %s -> %s", w->place, old, new);
	text_printf(&c->reply->text, "%s = (%s) %s\n", w->place, w->type, new);
	json_array_append_new(c->reply->data, json_pack("{s:s, s:s, s:s, s:s}", "place", w->place, "type",
							w->type, "old", old, "text", new));
	if (detail.bytes) {
		record_event(c->live, "written", NULL, -1, c->state->user, detail.bytes);
		json_t *event = json_pack("{s:s, s:s, s:s, s:o}", "event", "written", "user", c->state->user,
					  "detail", detail.bytes, "text",
					  json_sprintf("%s written: %s\n", c->state->user, detail.bytes));
		host_tell_others(c->state->host, &c->state->listener, event);
	}
	text_fini(&detail);
}

struct error *written_undo(struct call *c, bool redo, bool *handled)
{
	struct host *host = c->state->host;
	struct write **from = redo ? &host->unwritten : &host->written,
		     **to = redo ? &host->written : &host->unwritten;
	struct write *w = *from;

	*handled = w && w->change == last_change(host);
	if (!*handled)
		return NULL;
	uint64_t evaluation = w->evaluation;
	struct error *e = drop_drifted(c, from, redo);
	if (e)
		return e;
	c->reply->data = json_array();
	while ((w = *from) && w->evaluation == evaluation) {
		e = program_write(host->program, w->address, redo ? w->new : w->old, w->size);
		if (e)
			return error_context(e, "%s", w->place);
		*from = w->before;
		w->before = *to;
		*to = w;
		tell(c, w, redo);
	}
	return NULL;
}
