#include "versions.h"
#include "describe.h"
#include "events.h"
#include "findings.h"
#include "lookup.h"
#include "preamble.h"
#include "rollback.h"
#include "show.h"
#include "texts.h"
#include "written.h"
#include "watchers.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *latency_json(const struct change_latency *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)t->total, "check",
			 (json_int_t)t->check, "compile", (json_int_t)t->compile, "link", (json_int_t)t->link,
			 "store", (json_int_t)t->store);
}

/* --- \list ------------------------------------------------------------------------------------------------------- */

static bool matches(const struct live_function *f, const char *pattern)
{
	char place[1024];

	snprintf(place, sizeof(place), "%s:%s", text_base_name(f->at.file), f->at.name);
	return fnmatch(pattern, f->at.name, 0) == 0 || fnmatch(pattern, place, 0) == 0;
}

struct row_cells {
	char place[300], version[32], versions[32], state[128];
};

/* Whether the live version has still to be taken at the program's safe point. */
static bool waits_for_poll(const struct call *c, struct live_function *f)
{
	const struct program *p = live_program(c->live);
	const struct live_version *v = live_in_memory(f, f->live);
	uint64_t wanted = v ? v->entry : program_built(p, f->arena, f->slot);

	return program_flags(p) & HELLO_POLLED && (v || f->live == 0) &&
	       program_target(p, f->arena, f->slot) != wanted;
}

enum { LIST_COLUMNS = 5 };

/* What \list is made of. */
struct list {
	const char **cells;
	struct row_cells *strings;
	size_t rows;  /* the heading is one */
	bool unknown; /* one is without debug information */
	json_t *data;
};

/* Of functions of one name and place, as those of a header are, its spelling tells which it is. */
static const char *list_name(const struct live *l, const struct live_function *f)
{
	size_t count;
	struct live_function *const *named = live_named(l, f->at.name, &count);

	for (size_t i = 0; i < count; i++)
		if (named[i] != f && f->at.file && named[i]->at.file && named[i]->at.line == f->at.line &&
		    strcmp(named[i]->at.file, f->at.file) == 0)
			return f->name;
	return f->at.name;
}

static void list_row(struct list *list, const struct live *l, const struct live_function *f, unsigned line,
		     const char *state, bool optimised, bool waits)
{
	struct row_cells *s = &list->strings[list->rows];

	if (f->at.line)
		snprintf(s->place, sizeof(s->place), "%s:%u", text_base_name(f->at.file), line);
	else
		strcpy(s->place, "?");
	list->unknown |= !f->at.line;
	snprintf(s->version, sizeof(s->version), "%d", f->live);
	snprintf(s->versions, sizeof(s->versions), "%d", f->versions);
	snprintf(s->state, sizeof(s->state), "%s%s%s%s%s", state, optimised ? ", optimised" : "",
		 *f->instrumented ? ", " : "", f->instrumented, waits ? ", waits for rtf_poll()" : "");
	const char *row[LIST_COLUMNS] = {list_name(l, f), s->place, s->version, s->versions, s->state};
	memcpy(&list->cells[list->rows++ * LIST_COLUMNS], row, sizeof(row));
}

static json_t *list_object(struct call *c, struct live_function *f, unsigned line, const char *state,
			   bool optimised, bool waits)
{
	char *signature = texts_known_signature(c->live, f);
	json_t *object =
		json_pack("{s:s, s:s, s:o, s:o, s:i, s:s, s:i, s:i, s:s, s:o}", "function", f->at.name,
			  "spelling", f->name, "file", show_string(f->at.file ? f->at.file : ""), "unit",
			  show_string(f->at.unit ? f->at.unit->file : ""), "line", (int)line, "module",
			  f->at.module, "version", f->live, "versions", f->versions, "state", state,
			  "signature", show_string(signature ? signature : ""));

	free(signature);
	if (optimised)
		json_object_set_new(object, "optimised", json_true());
	if (waits)
		json_object_set_new(object, "waits", json_true());
	if (*f->instrumented) {
		json_object_set_new(object, "watch", json_string(f->instrumented));
		json_object_set_new(object, "plain", json_integer(f->plain));
	}
	return object;
}

static void list_add(struct list *list, struct call *c, struct live_function *f)
{
	const char *state = texts_state_name(texts_state(c->live, f));
	const struct live_version *runs = live_in_memory(f, f->live);
	bool optimised = runs && runs->optimised, waits = waits_for_poll(c, f);
	unsigned line = texts_line(c->live, f);

	list_row(list, c->live, f, line, state, optimised, waits);
	json_array_append_new(list->data, list_object(c, f, line, state, optimised, waits));
}

static void list_show(const struct list *list, struct call *c)
{
	if (list->rows > 1)
		show_table(&c->reply->text, list->cells, list->rows, LIST_COLUMNS, c->state->color);
	else if (c->count)
		show_none_like(&c->reply->text, "decorated function", "\\list", c->words[0]);
	else
		text_printf(&c->reply->text, "%s\n", lookup_why_none(c->live));
	if (list->unknown)
		text_puts(&c->reply->text, "?: compiled without -g, and cannot be changed\n");
}

struct error *versions_list(struct call *c)
{
	static const char *const heading[LIST_COLUMNS] = {"FUNCTION", "FILE", "LIVE", "VERSIONS", "STATE"};
	size_t count = live_count(c->live);
	struct list list = {.cells = calloc((count + 1) * LIST_COLUMNS, sizeof(*list.cells)),
			    .strings = calloc(count + 1, sizeof(*list.strings)),
			    .rows = 1,
			    .data = c->reply->data = json_array()};
	struct error *e = list.cells && list.strings ? NULL : error_memory();

	if (!e) {
		live_refresh(c->live);
		memcpy(list.cells, heading, sizeof(heading));
		for (size_t i = 0; i < count; i++)
			if (!c->count || matches(live_function(c->live, i), c->words[0]))
				list_add(&list, c, live_function(c->live, i));
		list_show(&list, c);
	}
	free(list.cells);
	free(list.strings);
	return e;
}

/* --- \source, \slice ---------------------------------------------------------------------------------------------- */

static struct error *source_of_build(struct call *c, struct live_function *f, const char *build)
{
	char *text, id[64];
	unsigned line;

	struct error *e = texts_of_build(c->live, f, build, &text, &line, id);
	if (e)
		return e;
	text_printf(&c->reply->text, "%s, as the build %s had it\n", f->name, id);
	show_source(&c->reply->text, text, line, c->state->color);
	c->reply->data = json_pack("{s:s, s:i, s:s, s:o, s:i, s:o}", "function", f->at.name, "version", 0,
				   "build_id", id, "file", show_string(f->at.file ? f->at.file : ""), "line",
				   (int)line, "text", show_string(text));
	free(text);
	return NULL;
}

struct error *versions_source(struct call *c)
{
	struct call_version v;
	struct live_function *f;
	int number;
	char *text;
	unsigned line;

	struct error *e = call_find_any(c, c->words[0], &f, &v);
	if (!e && *v.build)
		return source_of_build(c, f, v.build);
	number = e || v.number >= 0 ? v.number : f->live;
	if (!e)
		e = texts_of_version(c->live, f, number, &text, &line);
	if (e)
		return e;
	if (watchers_source(c, f, number, text, line, &e)) {
		free(text);
		return e;
	}
	bool unsure = number == 0 && f->unsure;
	text_printf(&c->reply->text, "%s, version %d%s%s\n", f->name, number,
		    number == f->live ? ", live" : "",
		    unsure ? "; the file is newer than the program: what was built may be other text" : "");
	show_source(&c->reply->text, text, line, c->state->color);
	c->reply->data = json_pack("{s:s, s:i, s:o, s:i, s:o}", "function", f->at.name, "version", number,
				   "file", show_string(f->at.file ? f->at.file : ""), "line", (int)line,
				   "text", show_string(text));
	if (unsure)
		json_object_set_new(c->reply->data, "unsure", json_true());
	free(text);
	return NULL;
}

struct error *versions_slice(struct call *c)
{
	struct live_function *f;
	char *text;

	struct error *e = lookup_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = texts_slice(c->live, f, &text);
	if (e)
		return e;
	text_puts(&c->reply->text, text);
	c->reply->data = json_pack("{s:s, s:o}", "function", f->at.name, "text", show_string(text));
	free(text);
	return NULL;
}

/* --- definitions ----------------------------------------------------------------------------------------------- */

/* What the version before it did for somebody, and this one does not. A trace and a probe tell of their own end. */
static const char *no_longer(const struct change_result *r)
{
	bool cover = strstr(r->was, "cover"), guard = strstr(r->was, "guard");

	if (*r->function->instrumented || (!cover && !guard))
		return "";
	return cover && guard ? ", and no longer counted and guarded"
	       : cover        ? ", and no longer counted"
			      : ", and no longer guarded";
}

static void show_outcome(struct call *c, const struct change_outcome *out, const struct preamble *preamble,
			 bool checked_only)
{
	c->reply->data = json_array();
	for (size_t i = 0; i < out->count; i++) {
		const struct change_result *r = &out->results[i];
		const struct live_function *f = r->function;
		json_t *row =
			json_pack("{s:s, s:o, s:i, s:s, s:o}", "function", f->at.name, "file",
				  show_string(f->at.file ? f->at.file : ""), "version", r->version, "backend",
				  compile_backend_name(r->backend), "latency_us", latency_json(&r->latency));
		if (checked_only) {
			json_object_del(row, "version");
			json_object_del(row, "backend");
			text_printf(&c->reply->text, "%s: nothing against it\n", f->name);
		} else {
			text_printf(&c->reply->text, "%s is now version %d (%s, %.1f ms)", f->name,
				    r->version, compile_backend_name(r->backend),
				    (double)r->latency.total / 1000);
			text_puts(&c->reply->text, no_longer(r));
			if (*f->instrumented && f->live != r->version) /* faults and \list call it that */
				text_printf(&c->reply->text, "; with %s it runs as %d", f->instrumented,
					    f->live);
			text_puts(&c->reply->text, "\n");
			events_tell_changed(c->state, f, r->version);
		}
		if (r->why_cc) {
			json_object_set_new(row, "why_cc", json_string(r->why_cc));
			text_printf(&c->reply->text, "  by cc, not libtcc: %s\n", r->why_cc);
		}
		if (preamble->text) {
			json_object_set_new(row, "declared", preamble_json(preamble));
			preamble_tell(preamble, &c->reply->text);
		}
		struct text inlined;
		json_t *inlined_in = describe_inlined(c->live, r->function, &inlined);
		if (json_array_size(inlined_in)) /* the findings say it in words */
			json_object_set(row, "inlined_in", inlined_in);
		json_decref(inlined_in);
		text_fini(&inlined);
		json_array_append_new(c->reply->data, row);
	}
}

static struct error *redefine(struct call *c, const struct change_request *request,
			      const struct preamble *preamble)
{
	struct change_outcome out;

	struct error *e = change_define(c->live, request, &out);
	struct findings_text typed = findings_text(c->entry, request->text, request->size);
	struct error *unplaced = findings_place(&typed, &out.check);
	if (!e)
		e = unplaced;
	else
		error_free(unplaced);
	if (out.check.count) {
		show_diagnostics(&c->reply->text, &out.check, c->state->color);
		c->reply->diagnostics = show_diagnostics_json(&out.check);
	}
	if (!e)
		show_outcome(c, &out, preamble, request->check_only);
	change_outcome_fini(&out);
	return e;
}

struct error *versions_redefine(struct call *c, const char *name, const char *text, size_t size,
				bool check_only)
{
	struct preamble preamble;

	struct error *e = preamble_new(c, name, text, size, &preamble);
	if (e)
		return e;
	struct change_request request = {.text = text,
					 .size = size,
					 .name = name,
					 .file = c->state->file,
					 .declared = preamble.text,
					 .declared_as = FINDINGS_DECLARED,
					 .placed = preamble_place,
					 .context = &preamble,
					 .given_as = FINDINGS_TYPED,
					 .origin = "console",
					 .user = c->state->user,
					 .check_only = check_only,
					 .asked_us = c->state->asked_us};
	e = redefine(c, &request, &preamble);
	if (!e && !check_only)
		preamble_settle(&preamble);
	preamble_fini(&preamble);
	return e;
}

struct error *versions_check(struct call *c)
{
	if (!c->rest_size)
		return error_new(ERROR_USAGE, "\\check is followed by a definition");
	return versions_redefine(c, NULL, c->rest, c->rest_size, true);
}

struct error *versions_define(struct call *c)
{
	const char *behind = c->rest + strcspn(c->rest, " \t\n");

	behind += strspn(behind, " \t\r\n");
	size_t size = c->rest_size - (size_t)(behind - c->rest);
	if (!size)
		return error_new(ERROR_USAGE, "\\define NAME is followed by a definition");
	return versions_redefine(c, c->words[0], behind, size, false);
}

/* --- \rollback, \undo, \redo ----------------------------------------------------------------------------------- */

static json_t *moved(struct call *c, const struct change_result *r)
{
	const struct live_function *f = r->function;

	text_printf(&c->reply->text, "%s is now version %d%s%s\n", f->name, r->version,
		    r->version ? "" : " (as built)", no_longer(r));
	events_tell_changed(c->state, f, r->version);
	return json_pack("{s:s, s:o, s:i, s:o}", "function", f->at.name, "file",
			 show_string(f->at.file ? f->at.file : ""), "version", r->version, "latency_us",
			 latency_json(&r->latency));
}

static struct error *refused(struct call *c, struct change_outcome *out, struct error *e)
{
	if (e && out->check.count) {
		show_diagnostics(&c->reply->text, &out->check, c->state->color);
		c->reply->diagnostics = show_diagnostics_json(&out->check);
	}
	return e;
}

/* What another build was made from is a new version in this one, unless this one was made from the same. */
static struct error *roll_back_to_build(struct call *c, struct live_function *f, const char *build)
{
	struct change_outcome out = {0};
	char *text, *built = NULL, id[64];
	unsigned line;

	struct error *e = texts_of_build(c->live, f, build, &text, &line, id);
	if (e)
		return e;
	error_free(texts_of_version(c->live, f, 0, &built, &line));
	if (built && strcmp(built, text) == 0)
		e = rollback_to(c->live, f, 0, c->state->user, &out);
	else
		e = change_define(c->live,
				  &(struct change_request){.text = text,
							   .size = strlen(text),
							   .name = f->name,
							   .given_as = "<history>",
							   .origin = "built",
							   .user = c->state->user},
				  &out);
	e = refused(c, &out, e);
	if (!e) {
		c->reply->data = moved(c, &out.results[0]);
		text_printf(&c->reply->text, "which is what the build %s had\n", id);
	}
	change_outcome_fini(&out);
	free(built);
	free(text);
	return e;
}

struct error *versions_rollback(struct call *c)
{
	struct change_outcome out = {0};
	struct live_function *f;
	struct call_version v;

	struct error *e = call_find_any(c, c->words[0], &f, &v);
	if (!e && c->count == 2)
		e = call_version(c, c->words[1], &v);
	if (e)
		return e;
	if (*v.build)
		return roll_back_to_build(c, f, v.build);
	e = refused(c, &out, rollback_to(c->live, f, v.number, c->state->user, &out));
	if (!e)
		c->reply->data = moved(c, &out.results[0]);
	change_outcome_fini(&out);
	return e;
}

static struct error *undo_or_redo(struct call *c, bool redo)
{
	struct change_outcome out = {0};
	bool handled;

	struct error *e = written_undo(c, redo, &handled);
	if (e || handled)
		return e;
	e = refused(c, &out, rollback_undo(c->live, redo, c->state->user, &out));
	if (!e)
		c->reply->data = json_array();
	for (size_t i = 0; !e && i < out.count; i++)
		json_array_append_new(c->reply->data, moved(c, &out.results[i]));
	change_outcome_fini(&out);
	return e;
}

struct error *versions_undo(struct call *c)
{
	return undo_or_redo(c, false);
}

struct error *versions_redo(struct call *c)
{
	return undo_or_redo(c, true);
}
