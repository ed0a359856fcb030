#include "snippet.h"
#include "binding.h"
#include "context.h"
#include "elsewhere.h"
#include "opaque.h"
#include "place.h"
#include "record.h"
#include "show.h"
#include "typed.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the text's own, so that what cannot be read is a fault in the entry, and no compiler's idea of memcpy. */
#define COPY \
	"static void rtf_copy(void *rtf_to, const void *rtf_from, unsigned long rtf_n)\n{\n" \
	"volatile char *rtf_t = rtf_to; const volatile char *rtf_f = rtf_from;\n" \
	"if ((((unsigned long)rtf_t | (unsigned long)rtf_f) & 7) == 0)\n" \
	"for (; rtf_n >= 8; rtf_n -= 8, rtf_t += 8, rtf_f += 8)\n" \
	"*(volatile unsigned long *)rtf_t = *(const volatile unsigned long *)rtf_f;\n" \
	"for (; rtf_n; rtf_n--)\n*rtf_t++ = *rtf_f++;\n}\n"

static void build_end(struct snippet *x)
{
	if (x->built)
		build_fini(&x->build);
	x->built = false;
}

void snippet_free(struct snippet *x)
{
	evaluation_free(x->evaluation);
	build_end(x);
	scope_text_fini(&x->given);
	text_fini(&x->opaque);
	types_free(x->types);
	text_fini(&x->checked);
	text_fini(&x->run);
	text_fini(&x->also);
	for (size_t i = 0; i < x->variable_count; i++) {
		struct snippet_variable *v = &x->variables[i];
		free(v->name);
		free(v->declarator);
		free(v->base);
		types_free(v->types);
	}
	free(x->context);
	text_fini(&x->warnings);
	json_decref(x->diagnostics);
	free(x->compared);
	free(x->compared_as);
	free(x->second);
	free(x->first_fault);
	effects_fini(&x->effects);
	free(x->literals);
	free(x->text);
	free(x->line);
	free(x);
}

static void free_waiting(struct waiting *waiting)
{
	snippet_free((struct snippet *)waiting);
}

struct error *snippet_new_from(struct call *c, const char *text, size_t before, const char *typed,
			       size_t size, struct snippet **out)
{
	struct snippet *x = calloc(1, sizeof(*x));

	if (!x)
		return error_memory();
	x->state = c->state;
	x->live = c->live;
	x->host = c->state->host;
	x->waiting.free = free_waiting;
	x->options = VALUE_OPTIONS;
	x->text = strdup(text);
	x->size = strlen(text);
	x->typed = findings_text(c->entry, typed, size);
	x->typed.before = before;
	x->typed.line = x->line = strndup(x->typed.line, x->typed.size);
	if (!c->state->scope)
		c->state->scope = scope_new();
	bool made = x->text && x->line && c->state->scope;
	struct error *e = made ? context_unit(c->state, c->live, &x->unit) : error_memory();
	if (e) {
		snippet_free(x);
		return e;
	}
	*out = x;
	return NULL;
}

struct error *snippet_new(struct call *c, const char *text, size_t size, struct snippet **out)
{
	char *copy = strndup(text, size);
	struct error *e = copy ? snippet_new_from(c, copy, 0, text, size, out) : error_memory();

	free(copy);
	return e;
}

struct error *snippet_finish_text(struct snippet *x)
{
	char *whole = typed_finish(x->text, x->size);

	if (!whole)
		return error_memory();
	free(x->text);
	x->text = whole;
	x->size = strlen(whole);
	return NULL;
}

struct error *snippet_declare(struct snippet *x)
{
	struct text also = {0};

	for (size_t i = 0; i < x->variable_count; i++)
		text_printf(&also, "%s\n", x->variables[i].base);
	struct error *e = scope_text_new(x->state->scope, x->live, x->host->evaluator, x->state->file,
					 x->text, x->size, also.bytes, &x->given);
	text_fini(&also);
	return e;
}

/* Diagnostics count lines from the entry's first, which is the first or the third of what is checked. */
static void set_request(struct snippet *x)
{
	x->function = (struct target_function){
		.name = SNIPPET_FUNCTION, .file = x->unit->file, .unit = x->unit, .line = 1};
	x->request.function = &x->function;
	x->request.arena = context_arena(x->live, x->unit);
	x->request.text = x->checked.bytes;
	x->request.size = x->checked.size;
	x->request.extra = x->given.extra;
	x->request.extra_size = strlen(x->given.extra);
	x->request.extra_file = FINDINGS_DECLARED;
	x->request.given_file = FINDINGS_TYPED;
	x->request.given_line = x->from_first ? 1 : (unsigned)-1;
	x->request.file = x->unit->file;
	x->request.line = 1;
	x->request.patient = x->patient;
	x->request.also = x->also.bytes;
	x->request.resolve = scope_text_resolve;
	x->request.context = &x->given;
}

static struct error *declare_opaque(struct snippet *x, const struct source *source, const char *names,
				    bool read_alone, bool *any)
{
	const struct index *ix = x->request.index ? x->request.index : source->index;

	struct error *e =
		opaque_declare(x->host, x->unit, ix, names, read_alone, &x->opaque, &x->given.extra, any);
	x->request.extra = x->given.extra;
	x->request.extra_size = strlen(x->given.extra);
	return e;
}

struct error *snippet_check_once(struct snippet *x)
{
	const struct build_host *host = live_host(x->live);
	struct source *source;
	bool any = false;

	build_end(x);
	set_request(x);
	struct error *e = sources_find(host->sources, x->unit, &source);
	if (!e)
		e = scope_index(x->state->scope, source, &x->request.index);
	if (!e)
		e = declare_opaque(x, source, x->also.bytes, true, &any);
	if (!e) {
		e = build_check(host, &x->request, &x->build);
		x->built = true;
	}
	return e;
}

/* The names of both, each on a line; NULL without memory or if `more` has nothing that `names` has not. */
static char *names_with(const char *names, const char *more)
{
	struct text all = {0};
	bool any = false;

	text_puts(&all, names);
	for (const char *at = more ? more : "", *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		size_t length = (size_t)(end - at);
		if (!length || text_has_line(&all, at, length))
			continue;
		text_append(&all, at, length);
		text_puts(&all, "\n");
		any = true;
	}
	char *both = text_take(&all);
	if (any)
		return both;
	free(both);
	return NULL;
}

struct error *snippet_check_here(struct snippet *x)
{
	struct error *e = snippet_check_once(x);

	for (bool any = true; any && !e && x->build.check.failed;) {
		any = false;
		e = declare_opaque(x, x->build.source, x->build.check.missing, false, &any);
		if (any && !e)
			e = snippet_check_once(x);
	}
	return e;
}

/* In the file that declares most of what is missing here. The compiler need not have said all of that at once: what is missing
 * there is looked for too. */
static struct error *check_elsewhere(struct snippet *x)
{
	const struct target_unit *before = x->unit, *last = before;
	char *names = names_with("", x->build.check.missing);
	struct error *e = NULL;

	while (names) {
		const struct target_unit *other = elsewhere_unit_of(x->host, names, before);
		if (!other || other == last)
			break;
		x->unit = last = other;
		e = snippet_check_once(x);
		if (e || !x->build.check.failed)
			break;
		char *more = names_with(names, x->build.check.missing);
		free(names);
		names = more;
	}
	free(names);
	if (e || !x->build.check.failed || x->unit == before)
		return e;
	x->unit = before;
	return snippet_check_once(x);
}

struct error *snippet_check(struct snippet *x)
{
	struct error *e = snippet_check_here(x);

	return e || !x->build.check.failed ? e : check_elsewhere(x);
}

/* A variable that the text names and the program has not: the slice would define one that nobody else sees. Constants are
 * what the file says they are. */
static struct error *refuse_lost(const struct check_result *r)
{
	for (char **name = r->named; name && *name; name++)
		if (!words_list_has((const char *const *)r->constants, *name))
			return binding_lost(*name);
	return NULL;
}

struct error *snippet_refuse(struct snippet *x, struct reply *reply)
{
	struct check_result *r = &x->build.check;

	struct error *e = findings_place(&x->typed, r);
	if (!e && r->failed)
		e = findings_look(&x->typed, r);
	if (e)
		return e;
	if (r->count) {
		show_diagnostics(&reply->text, r, x->state->color);
		reply->diagnostics = show_diagnostics_json(r);
	}
	return r->failed ? error_new(r->class, "%s", r->message ? r->message : "refused") : refuse_lost(r);
}

struct error *snippet_check_with_types(struct snippet *x, struct reply *reply, unsigned depth,
				       struct error *(*read)(struct snippet *))
{
	for (int tries = 0; tries < 4; tries++) {
		struct error *e = snippet_check(x);
		if (!e && x->build.check.failed)
			e = snippet_refuse(x, reply);
		if (!e)
			e = read(x);
		if (e || !type_add_incomplete(x->found.type, depth, &x->also))
			return e;
		types_free(x->types);
		x->types = NULL;
	}
	return snippet_check(x);
}

/* --- running ------------------------------------------------------------------------------------------------------- */

static bool is_ready(struct waiting *waiting, struct console_state *state, bool interrupted,
		     struct reply *reply, struct error **e)
{
	struct snippet *x = (struct snippet *)waiting;
	struct evaluate_end end;

	(void)state;
	if (!evaluation_poll(x->evaluation, interrupted, &end)) {
		waiting->deadline_us = evaluation_deadline(x->evaluation);
		return false;
	}
	if (x->retry && x->retry(x, &end)) {
		waiting->deadline_us = 0;
		return false;
	}
	reply->text = x->warnings;
	reply->diagnostics = x->diagnostics;
	x->warnings = (struct text){0};
	x->diagnostics = NULL;
	*e = x->finish(x, &end, reply);
	return true;
}

/* Compiles `run` in the place of what was checked. */
static struct error *evaluate(struct snippet *x)
{
	struct text whole = {0};

	text_puts(&whole, COPY);
	text_puts(&whole, x->run.bytes ? x->run.bytes : "");
	char *text = text_take(&whole);
	struct error *e = text ? build_replace_text(&x->build, text) : error_memory();
	free(text);
	if (!e)
		e = evaluation_new(x->host->evaluator, &x->build, x->argument, &x->evaluation);
	return e;
}

struct error *snippet_again(struct snippet *x)
{
	evaluation_free(x->evaluation);
	x->evaluation = NULL;
	struct error *e = snippet_check_once(x);
	if (!e && x->build.check.failed)
		e = error_new(ERROR_INTERNAL, "what was checked once cannot be checked again");
	if (!e)
		e = evaluate(x);
	build_end(x);
	return e;
}

struct error *snippet_start(struct snippet *x, snippet_finish *finish, struct reply *reply)
{
	struct error *e = evaluate(x);

	if (e) {
		snippet_free(x);
		return e;
	}
	build_end(x);
	x->warnings = reply->text;
	x->diagnostics = reply->diagnostics;
	reply->text = (struct text){0};
	reply->diagnostics = NULL;
	x->finish = finish;
	x->waiting.ready = is_ready;
	x->waiting.outside = true;
	reply->waiting = &x->waiting;
	return NULL;
}

/* --- the answer ---------------------------------------------------------------------------------------------------- */

void snippet_tell(struct snippet *x, const char *kind, const char *detail)
{
	json_t *event = json_pack("{s:s, s:s, s:s, s:o}", "event", kind, "user", x->state->user, "detail",
				  detail, "text", json_sprintf("%s %s: %s\n", x->state->user, kind, detail));

	host_tell_others(x->host, &x->state->listener, event); /* who did it has the answer */
	/* The log's faults are the program's own: this was an evaluation, whatever its end. */
	record_event(x->live, strcmp(kind, "written") == 0 ? kind : "evaluated", NULL, -1, x->state->user,
		     detail);
}

/* Frames that are the same as the one before are counted and not repeated. */
static json_t *backtrace_json(struct snippet *x, const struct evaluate_end *end, struct text *out)
{
	json_t *list = json_array();

	for (size_t i = 0, n; i < end->count; i += n) {
		struct place place;
		char pc[32];
		for (n = 1; i + n < end->count && end->pcs[i + n] == end->pcs[i]; n++)
			;
		place_describe(x->live, end->pcs[i], i > 0, &place);
		text_printf(out, "  #%-2zu 0x%016" PRIx64 " in %s", i, end->pcs[i], place.function);
		if (place.offset)
			text_printf(out, "+%" PRIu64, place.offset);
		if (*place.file)
			text_printf(out, " at %s:%u", text_base_name(place.file), place.line);
		if (n > 1)
			text_printf(out, ", %zu times", n);
		text_puts(out, "\n");
		snprintf(pc, sizeof(pc), "0x%" PRIx64, end->pcs[i]);
		json_t *frame = json_pack("{s:s, s:I, s:s, s:I}", "function", place.function, "offset",
					  (json_int_t)place.offset, "pc", pc, "times", (json_int_t)n);
		show_place(frame, &place);
		json_array_append_new(list, frame);
		if (place.own)
			break; /* what called it is ours */
	}
	return list;
}

struct error *snippet_explain(struct snippet *x, const struct evaluate_end *end, struct reply *reply)
{
	struct error *e = evaluate_explain(x->live, end);

	if (e && !evaluation_has_begun(x->evaluation)) {
		error_free(e);
		return error_new(ERROR_INTERRUPTED,
				 program_flags(x->host->program) & HELLO_POLLED
					 ? "interrupted: the program has not come to rtf_poll()"
					 : "interrupted: another evaluation was still running");
	}
	if (!e || error_class(e) == ERROR_INTERNAL)
		return e;
	text_printf(&reply->text, "error: %s\n", error_message(e));
	reply->told = true;
	reply->more = json_object();
	json_object_set_new(reply->more, "backtrace", backtrace_json(x, end, &reply->text));
	if (end->how == CALL_FAULT || end->how == CALL_OVERFLOW) {
		char address[32];
		snprintf(address, sizeof(address), "0x%" PRIx64, end->address);
		const char *name = sigabbrev_np(end->signal);
		json_object_set_new(reply->more, "signal", json_sprintf("SIG%s", name ? name : "?"));
		json_object_set_new(reply->more, "address", json_string(address));
	}
	if (end->how == CALL_EXITED)
		json_object_set_new(reply->more, "exit_status", json_integer(end->code));
	char *detail;
	if (asprintf(&detail, "%s: %.*s", x->text, (int)strcspn(error_message(e), ":;"), error_message(e)) >=
	    0) {
		snippet_tell(x, error_class(e) == ERROR_FAULT ? "faulted" : "interrupted", detail);
		free(detail);
	}
	return e;
}

struct error *snippet_read(struct snippet *x, uint64_t at, size_t size, unsigned char **out)
{
	unsigned char *bytes = malloc(size + 16);

	if (!bytes)
		return error_memory();
	struct error *e = size ? program_read(x->host->program, at, bytes, size) : NULL;
	if (e) {
		free(bytes);
		return e;
	}
	*out = bytes;
	return NULL;
}
