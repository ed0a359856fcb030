#include "save_work.h"
#include "record.h"
#include "texts.h"

#include <stdlib.h>
#include <string.h>

void save_work_add(struct save_work *w, struct live_function *function)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].function == function)
			return;
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 16;
		void *more = realloc(w->items, room * sizeof(*w->items));
		if (!more) {
			w->failed = true;
			return;
		}
		w->items = more;
		w->room = room;
	}
	w->items[w->count++] = (struct candidate){.function = function};
}

void save_work_fini(struct save_work *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i].text);
	free(w->items);
	free(w->fault);
	free(w->groups);
	text_fini(&w->notes);
}

struct error *save_work_identity(const struct save_work *w, const struct live_function *function,
				 const char *text, unsigned line, char identity[33])
{
	struct build_request request = live_request(function, text, strlen(text), line);

	return build_identity(live_host(w->save->live), &request, identity);
}

struct error *save_work_remember(const struct save_work *w, struct live_function *function)
{
	char *text;
	unsigned line;

	if (*function->saved.live || function->saved.pending_with)
		return NULL;
	struct error *e = texts_of_file(w->save->live, function, &text, &line);
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e);
		return NULL;
	}
	if (e)
		return e;
	e = save_work_identity(w, function, text, line, function->saved.live);
	if (!e && !function->unsure)
		memcpy(function->saved.built, function->saved.live, sizeof(function->saved.built));
	free(text);
	return e;
}

void save_work_refuse(struct save_work *w, char *message, const char *file, struct check_result *findings)
{
	if (w->refused) {
		free(message);
		if (findings)
			check_result_fini(findings);
		return;
	}
	w->refused = true;
	w->out->message = message;
	w->out->file = strdup(file);
	if (!findings)
		return;
	check_result_fini(&w->out->outcome.check);
	w->out->outcome.check = *findings;
	if (findings->count)
		w->fault = strdup(findings->diagnostics[0].file);
}

void save_work_refuse_for(struct save_work *w, struct error *e, const char *file)
{
	save_work_refuse(w, strdup(error_message(e)), file, NULL);
	error_free(e);
}

struct error *save_work_check(const struct save_work *w, const struct live_function *function,
			      const char *text, unsigned line, const char *before, struct check_result *out)
{
	struct build_request request = live_request(function, text, strlen(text), line);
	struct build build = {0};

	request.extra = before;
	request.extra_size = before ? strlen(before) : 0;
	struct error *e = build_check(live_host(w->save->live), &request, &build);
	if (!e) {
		*out = build.check;
		build.check = (struct check_result){0};
	}
	build_fini(&build);
	return e;
}

void save_work_record(const struct save_work *w, struct live_function *function, const char *why)
{
	record_event(w->save->live, "refused", function, -1, w->save->user, why);
}

bool save_work_has_group(const struct save_work *w, unsigned number)
{
	for (size_t i = 0; i < w->group_count; i++)
		if (w->groups[i] == number)
			return true;
	return false;
}

void save_work_add_group(struct save_work *w, unsigned number)
{
	if (!number || save_work_has_group(w, number))
		return;
	unsigned *more = realloc(w->groups, (w->group_count + 1) * sizeof(*more));
	if (!more) {
		w->failed = true;
		return;
	}
	w->groups = more;
	more[w->group_count++] = number;
}
