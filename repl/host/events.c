#include "events.h"
#include "show.h"
#include "text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Of several that were saved together, the function's own if it is one. */
static const char *file_of(const struct follow_news *news, const struct live_function *function)
{
	bool own = news->files && words_list_has(news->files, function->at.file);

	return text_base_name(own ? function->at.file : news->file);
}

/* One line a function. */
static json_t *functions_json(struct text *text, const struct follow_news *news, bool polled)
{
	json_t *list = json_array();

	for (size_t i = 0; news->outcome && i < news->outcome->count; i++) {
		const struct change_result *r = &news->outcome->results[i];
		text_printf(text, "%s %s version %d (%s saved, %s, %.1f ms)%s\n", r->function->name,
			    polled ? "will be" : "is now", r->version, file_of(news, r->function),
			    compile_backend_name(r->backend), (double)news->latency_us / 1000,
			    polled ? ": it waits for rtf_poll()" : "");
		json_t *row = json_pack("{s:s, s:i, s:s}", "function", r->function->at.name, "version",
					r->version, "backend", compile_backend_name(r->backend));
		if (r->why_cc) {
			text_printf(text, "  by cc, not libtcc: %s\n", r->why_cc);
			json_object_set_new(row, "why_cc", json_string(r->why_cc));
		}
		json_array_append_new(list, row);
	}
	return list;
}

static void tell_lines(struct program *program, int level, const char *text)
{
	while (text && *text) {
		size_t size = strcspn(text, "\n");
		program_log(program, level, "%.*s", (int)size, text);
		text += size + (text[size] == '\n');
	}
}

/* "unchanged" is for scripts that wait for their save; people are told what changed. */
void events_tell_save(void *context, const struct follow_news *news)
{
	struct host *host = context;
	struct text text = {0};
	bool refused = strcmp(news->kind, "refused") == 0;

	json_t *functions = functions_json(&text, news, program_flags(host->program) & HELLO_POLLED);
	json_t *event =
		json_pack("{s:s, s:o, s:o, s:I}", "event", news->kind, "file", show_string(news->file),
			  "functions", functions, "latency_us", (json_int_t)news->latency_us);
	if (news->outcome && news->outcome->check.count) {
		show_diagnostics(&text, &news->outcome->check, false);
		json_object_set_new(event, "diagnostics", show_diagnostics_json(&news->outcome->check));
	}
	if (news->message) {
		text_printf(&text, "%s: %s; what ran before still runs\n", text_base_name(news->file),
			    news->message);
		json_object_set_new(event, "message", show_string(news->message));
	}
	if (strcmp(news->kind, "held") == 0)
		text_printf(&text, "%s saved, and not followed: \\follow is off\n",
			    text_base_name(news->file));
	if (*news->notes) {
		text_puts(&text, news->notes);
		json_object_set_new(event, "notes", show_string(news->notes));
	}
	json_object_set_new(event, "text", show_string(text.bytes ? text.bytes : ""));
	tell_lines(host->program, refused || *news->notes ? LOG_WARNING : LOG_INFO, text.bytes);
	text_fini(&text);
	host_broadcast(host, event);
}

void events_tell_optimised(void *context, const struct live_function *f, int version, const char *message)
{
	struct host *host = context;
	char text[512];

	if (message)
		snprintf(text, sizeof(text), "%s@%d stays as libtcc made it: %s\n", f->name, version,
			 message);
	else
		snprintf(text, sizeof(text), "%s@%d is optimised now\n", f->name, version);
	program_log(host->program, message ? LOG_WARNING : LOG_INFO, "%.*s", (int)strcspn(text, "\n"), text);
	json_t *event = json_pack("{s:s, s:s, s:i, s:s}", "event", message ? "not-optimised" : "optimised",
				  "function", f->at.name, "version", version, "text", text);
	if (event && message)
		json_object_set_new(event, "message", json_string(message));
	host_broadcast(host, event);
}

void events_tell_fault(struct host *host, const struct fault *fault)
{
	const char *name = fault->function->name, *signal = sigabbrev_np(fault->signal);
	char text[4400];

	snprintf(text, sizeof(text), "%s@%d: %s\n", name, fault->version, fault->text);
	program_log(host->program, LOG_ERR, "a fault in version %d of %s: %.*s", fault->version, name,
		    (int)strcspn(fault->text, "\n"), fault->text);
	json_t *event = json_pack("{s:s, s:s, s:i, s:s, s:I, s:s}", "event", "fault", "function",
				  fault->function->at.name, "version", fault->version, "signal",
				  signal ? signal : "?", "address", (json_int_t)fault->address, "text", text);
	if (event)
		show_place(event, &fault->place);
	host_broadcast(host, event);
}

void events_tell_inside(void *context, const struct inside *i)
{
	const struct live_function *f = i->function;
	struct host *host = context;
	struct text text = {0};

	text_printf(&text, "%s: thread %d is still inside ", f->name, (int)i->thread);
	place_put(&text, &i->place);
	if (!i->version)
		text_puts(&text, ", as built");
	if (i->threads > 1)
		text_printf(&text,
			    ", and %zu more are inside older versions: those calls go on as they began\n",
			    i->threads - 1);
	else
		text_puts(&text, ": that call goes on as it began\n");
	const char *line = text.bytes ? text.bytes : "";
	program_log(host->program, LOG_WARNING, "%.*s", (int)strcspn(line, "\n"), line);
	json_t *event = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:s}", "event", "inside", "function",
				  f->at.name, "version", i->version, "live", f->live, "thread",
				  (int)i->thread, "threads", (int)i->threads, "text", line);
	if (event)
		show_place(event, &i->place);
	host_broadcast(host, event);
	text_fini(&text);
}

void events_tell_changed(const struct console_state *by, const struct live_function *f, int version)
{
	json_t *event = json_pack("{s:s, s:s, s:s, s:o, s:i, s:o}", "event", "changed", "user", by->user,
				  "function", f->at.name, "file", show_string(f->at.file ? f->at.file : ""),
				  "version", version, "text",
				  json_sprintf("%s: %s is now version %d%s\n", by->user, f->name, version,
					       version ? "" : " (as built)"));

	host_tell_others(by->host, &by->listener, event);
}
