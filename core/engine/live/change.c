#include "change.h"
#include "clock.h"
#include "attempt.h"
#include "edit.h"
#include "lookup.h"
#include "note.h"
#include "record.h"
#include "text.h"
#include "texts.h"

#include <stdlib.h>
#include <string.h>

void change_outcome_fini(struct change_outcome *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->results[i].why_cc);
	free(o->results);
	check_result_fini(&o->check);
	*o = (struct change_outcome){0};
}

/* --- defining -------------------------------------------------------------------------------------------------- */

/* What is stored of one function: its definition, with what it needs from around it. */
static char *stored_text(const struct attempt *c, const char *definition, size_t size)
{
	struct text t = {0};

	if (c->extra) {
		size_t begin = strspn(c->extra, " \t\r\n"), end = strlen(c->extra);
		while (end > begin && strchr(" \t\r\n", c->extra[end - 1]))
			end--;
		text_append(&t, c->extra + begin, end - begin);
		text_puts(&t, "\n\n");
	}
	text_append(&t, definition, size);
	return text_take(&t);
}

/* NAME of `file.c:NAME`. */
static const char *bare_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static bool defines(const struct edit *edit, const char *name)
{
	for (size_t i = 0; i < edit->count; i++)
		if (strcmp(edit->functions[i].name, name) == 0)
			return true;
	return false;
}

/* Blanks in the place of what stands before the definition on its first line, so that columns are those of the text as
 * it was given. */
static struct error *place_part(const char *text, struct attempt_part *p)
{
	const char *line = p->definition;

	while (line > text && line[-1] != '\n')
		line--;
	size_t before = (size_t)(p->definition - line);
	if (!before)
		return NULL;
	p->placed = malloc(before + p->definition_size + 1);
	if (!p->placed)
		return error_memory();
	for (size_t i = 0; i < before; i++)
		p->placed[i] = line[i] == '\t' ? '\t' : ' ';
	memcpy(p->placed + before, p->definition, p->definition_size);
	p->placed[before + p->definition_size] = '\0';
	return NULL;
}

/* A text of functions that have no entry, the program's own among them: what would make it count. */
static struct error *explain_helper(const struct live *l, const struct edit *edit, struct error *unknown)
{
	const char *name = edit->functions[0].name;

	if (strcmp(name, "main") == 0 || !lookup_is_plain(l, name))
		return unknown;
	struct error *e =
		error_new(ERROR_UNKNOWN,
			  "%s; for decorated functions alone, type the new text in one with that of such "
			  "a function that calls it, or save it in its file",
			  error_message(unknown));
	error_free(unknown);
	return e;
}

static struct error *find_parts(struct live *l, const struct change_request *q, const struct edit *edit,
				struct attempt *c)
{
	bool *taken = calloc(edit->count + 1, sizeof(*taken));

	c->parts = calloc(edit->count + 1, sizeof(*c->parts));
	if (!taken || !c->parts) {
		free(taken);
		return error_memory();
	}
	struct error *first_unknown = NULL, *e = NULL;
	for (size_t i = 0; i < edit->count && !e; i++) {
		struct live_function *f;
		if (q->name && strcmp(edit->functions[i].name, bare_name(q->name)) != 0)
			continue; /* a helper */
		e = lookup_find(l, q->name ? q->name : edit->functions[i].name, q->file, &f);
		if (e && error_class(e) == ERROR_UNKNOWN) {
			/* A helper that comes along with the function that needs it, or a mistake. */
			if (!first_unknown)
				first_unknown = e;
			else
				error_free(e);
			e = NULL;
			continue;
		}
		for (size_t k = 0; !e && k < c->count; k++)
			if (c->parts[k].function == f)
				e = error_new(ERROR_USAGE, "%s is defined twice in this text", f->at.name);
		if (e)
			break;
		taken[i] = true;
		c->parts[c->count++] = (struct attempt_part){
			.function = f,
			.definition = edit->text + edit->functions[i].begin,
			.definition_size = edit->functions[i].end - edit->functions[i].begin,
			.request = {.given_line = edit->functions[i].line},
		};
		e = place_part(edit->text, &c->parts[c->count - 1]);
	}
	if (!e && !c->count && first_unknown) {
		e = explain_helper(l, edit, first_unknown);
		first_unknown = NULL;
	} else if (!e && !c->count) {
		e = error_new(ERROR_USAGE,
			      "the text defines no function: \\check is followed by a definition");
	}
	error_free(first_unknown);
	if (!e)
		c->extra = edit_rest(edit, taken);
	free(taken);
	return e;
}

/* Whether functions are all that the text holds. */
static bool holds_functions_alone(const struct edit *edit)
{
	bool *all = malloc((edit->count + 1) * sizeof(*all));

	if (!all)
		return false;
	memset(all, true, edit->count * sizeof(*all));
	char *rest = edit_rest(edit, all);
	free(all);
	free(rest);
	return edit->count && !rest;
}

/* \define NAME: the whole text defines that one function, through a macro perhaps. */
static struct error *named_part(struct live *l, const struct change_request *q, const struct edit *edit,
				struct attempt *c)
{
	struct live_function *f;

	struct error *e = lookup_find(l, q->name, q->file, &f);
	if (e)
		return e;
	c->named = true;
	/* Unless a macro makes the right name of it, which the check will see. */
	if (holds_functions_alone(edit))
		c->spelled = edit->functions[0].name;
	c->parts = calloc(1, sizeof(*c->parts));
	if (!c->parts)
		return error_memory();
	c->count = 1;
	c->parts[0] = (struct attempt_part){.function = f,
					    .definition = q->text,
					    .definition_size = q->size,
					    .request = {.given_line = 1}};
	return NULL;
}

static struct error *put_declared(const struct change_request *q, struct attempt *c)
{
	struct text whole = {0};

	if (!q->declared)
		return NULL;
	text_puts(&whole, q->declared);
	c->declared = whole.size;
	text_puts(&whole, c->extra ? c->extra : "");
	free(c->extra);
	c->extra = text_take(&whole);
	return c->extra ? NULL : error_memory();
}

static struct error *prepare_parts(struct live *l, const struct change_request *q, struct attempt *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct attempt_part *p = &c->parts[i];
		struct error *e = p->function->built_text ? NULL : texts_see_unit(l, p->function->at.unit);
		if (e)
			return error_context(e, "%s", p->function->name);
		p->text = stored_text(c, p->definition, p->definition_size);
		if (!p->text)
			return error_memory();
		p->request.function = &p->function->at;
		p->request.arena = p->function->arena;
		p->request.text = p->placed ? p->placed : p->definition;
		p->request.size = p->placed ? strlen(p->placed) : p->definition_size;
		p->request.extra = c->extra;
		p->request.extra_size = c->extra ? strlen(c->extra) : 0;
		p->request.declared = c->declared;
		p->request.declared_file = q->declared_as;
		p->request.given_file = q->given_as ? q->given_as : "<console>";
		p->request.file = p->function->at.file;
		p->request.line = p->function->built_line ? p->function->built_line : p->function->at.line;
	}
	return NULL;
}

/* What was watched goes on being watched, without a moment between; where that fails, without being watched. */
static struct error *publish_watched(struct live *l, struct attempt *c)
{
	bool plain = false;

	for (size_t i = 0; i < c->count; i++) {
		struct attempt_part *p = &c->parts[i];
		bool was = p->watched;
		p->watched = !was || live_ask_watcher(l, p->function);
		plain |= !p->watched;
	}
	return plain ? attempt_publish(l, c) : NULL;
}

/* `*us` gets what was spent on the record. */
static struct error *go_live(struct live *l, struct attempt *c, const char *user, int64_t *us)
{
	bool any_watched = false;

	for (size_t i = 0; i < c->count; i++) {
		c->parts[i].watched = *c->parts[i].function->instrumented;
		any_watched |= c->parts[i].watched;
	}
	if (!any_watched)
		return attempt_publish_and_record(l, c, HISTORY_DEFINE, 0, user, us);
	struct error *e = attempt_publish(l, c);
	if (e)
		return e;
	attempt_note_live(l, c, HISTORY_DEFINE);
	e = publish_watched(l, c);
	if (e)
		return e;
	int64_t start = clock_now_us();
	attempt_record(l, c, HISTORY_DEFINE, 0, user);
	*us += clock_now_us() - start;
	return NULL;
}

static struct error *tell_placed(const struct change_request *q, const struct attempt *c)
{
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && q->placed; i++) {
		const struct build *b = &c->parts[i].build;
		for (size_t k = 0; k < b->link.variable_count && !e; k++) {
			const struct link_variable *v = &b->link.variables[k];
			struct statics_place place = statics_find(&b->check.statics, v->name, v->nth,
								  b->object.backend == BACKEND_TCC);
			if (place.scope == STATICS_OUTSIDE)
				e = q->placed(q->context, v->name, v->address, v->size);
		}
	}
	return e;
}

/* The compiler makes the watched forms ready that publish_watched is to find. */
static struct error *prepare_watched(struct live *l, const struct attempt *c)
{
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && turns_can_wait(live_host(l)->turns); i++) {
		const struct attempt_part *p = &c->parts[i];
		struct error *waits = *p->function->instrumented
					      ? live_ask_forerunner(l, p->function, p->text, p->request.line)
					      : NULL;
		if (!e)
			e = waits;
		else
			error_free(waits);
	}
	return e;
}

/* Another text went live while the compiler was at this one: whoever typed it has not seen that. */
static struct error *refuse_overtaken(const struct attempt *c, int64_t asked_us)
{
	for (size_t i = 0; i < c->count; i++) {
		struct live_function *f = c->parts[i].function;
		if (asked_us && f->moved_us > asked_us)
			return error_new(ERROR_DRIFT,
					 "version %d of %s was made live while this was compiled: enter it "
					 "once more to replace that",
					 live_plain(f), f->name);
	}
	return NULL;
}

/* Whoever has changed one function may change it again, above all where the text was refused. */
static void expect_another(struct live *l, const struct attempt *c)
{
	if (c->count != 1 || !c->parts[0].built)
		return;
	const struct build *b = &c->parts[0].build;
	if (b->source && b->slice.text)
		check_expect(live_host(l)->check, &b->slice, (const char *const *)b->source->flags.argv);
}

/* Everything behind the choice and the preparation of the parts. */
static struct error *make_live(struct live *l, const struct change_request *q, struct attempt *c,
			       int64_t start, struct change_outcome *out)
{
	c->defines = true;
	for (size_t i = 0; i < c->count; i++) {
		c->parts[i].request.soon = c->count == 1 && !q->check_only;
		c->parts[i].request.patient = q->asked_us != 0;
	}
	struct error *e = program_takes(live_program(l), c->count);
	if (!e)
		e = attempt_check(l, c, out);
	if (e || q->check_only)
		return e ? e : attempt_report(out, c, start, 0);
	e = prepare_watched(l, c);
	if (!e)
		e = attempt_link(l, c);
	if (!e)
		e = tell_placed(q, c);
	int64_t store_start = clock_now_us();
	if (!e)
		e = attempt_store(l, c, q->origin, q->user);
	int64_t store_us = clock_now_us() - store_start;
	if (!e)
		e = attempt_commit(l, c);
	if (!e)
		e = go_live(l, c, q->user, &store_us);
	if (e) {
		attempt_abandon(l, c);
		return e;
	}
	struct error *reported = attempt_report(out, c, start, store_us);
	for (size_t i = 0; i < c->count; i++)
		if (c->parts[i].build.object.backend == BACKEND_TCC)
			live_tell_successor(l, c->parts[i].function, c->parts[i].to, &c->parts[i].build);
	return reported;
}

/* What was typed and did not go live is not lost either: it is in the log, with the reason. `why` NULL: it was only
 * checked, and nothing is against it. */
static void record_text(struct live *l, const struct attempt *c, const struct change_request *q,
			const struct error *why)
{
	struct live_function *f = NULL;
	struct text detail = {0};

	if (why && error_class(why) == ERROR_INTERNAL)
		return;
	for (size_t i = 0; i < c->count; i++)
		if (c->parts[i].built || !f)
			f = c->parts[i].function;
	text_printf(&detail, "%s\n", why ? error_message(why) : "nothing against it");
	text_append(&detail, q->text, q->size);
	record_event(l, q->check_only ? "checked" : "rejected", f, -1, q->user, detail.bytes);
	text_fini(&detail);
}

struct error *change_define(struct live *l, const struct change_request *q, struct change_outcome *out)
{
	int64_t start = q->asked_us ? q->asked_us : clock_now_us();
	struct attempt c = {0};
	struct edit edit;

	*out = (struct change_outcome){0};
	struct error *e = edit_new(q->text, q->size, &edit);
	if (e) {
		record_text(l, &c, q, e);
		return e;
	}
	if (q->name && !defines(&edit, bare_name(q->name)))
		e = named_part(l, q, &edit, &c);
	else
		e = find_parts(l, q, &edit, &c);
	if (!e)
		e = refuse_overtaken(&c, q->asked_us);
	if (!e)
		e = put_declared(q, &c);
	if (!e)
		e = prepare_parts(l, q, &c);
	if (!e)
		e = make_live(l, q, &c, start, out);
	if ((e && !turns_lack(live_host(l)->turns)) || q->check_only)
		record_text(l, &c, q, e);
	expect_another(l, &c);
	edit_fini(&edit);
	attempt_fini(&c);
	return e;
}

struct error *change_texts(struct live *l, const struct change_text *texts, size_t count,
			   const struct change_request *q, struct change_outcome *out)
{
	int64_t start = clock_now_us();
	struct attempt c = {.parts = calloc(count + 1, sizeof(*c.parts))};
	struct error *e = c.parts ? NULL : error_memory();

	*out = (struct change_outcome){0};
	for (size_t i = 0; i < count && !e; i++) {
		const struct change_text *t = &texts[i];
		struct attempt_part *p = &c.parts[c.count++];
		*p = (struct attempt_part){.function = t->function,
					   .text = strndup(t->text, t->size),
					   .definition = t->text,
					   .definition_size = t->size};
		p->request = live_request(t->function, t->text, t->size, t->line);
		if (!p->text)
			e = error_memory();
	}
	if (!e)
		e = make_live(l, q, &c, start, out);
	expect_another(l, &c);
	attempt_fini(&c);
	return e;
}

/* --- optimised again -------------------------------------------------------------------------------------------- */

struct error *change_optimised(struct live *l, struct live_function *f, int version, struct build *build,
			       bool *replaced)
{
	struct attempt_part part = {.function = f, .built = true, .from = version, .to = version};
	struct attempt c = {.parts = &part, .count = 1};

	*replaced = false;
	if (live_plain(f) != version)
		return NULL;
	/* The build is the caller's: its request has no extra text, whose variables libtcc's version has placed already. */
	part.build = *build;
	struct link_region code, data;
	struct live_variable_mark variables = live_variable_mark(l);
	part.note_at = c.code[f->arena];
	c.code[f->arena] += (size_t)NOTE_SIZE;
	struct error *e = build_link_object(live_host(l), &part.build, &c.code[f->arena], &c.data[f->arena]);
	*build = part.build;
	if (!e)
		e = attempt_note_part(l, &part, &c.code[f->arena]);
	if (e) {
		live_forget_variables(l, variables);
		return e;
	}
	part.target = part.build.link.entry;
	program_regions(live_program(l), f->arena, &code, &data);
	note_set_number(&code, part.note_at, version);
	program_commit(live_program(l), f->arena, c.code[f->arena], c.data[f->arena]);
	/* A watched form runs on, until the plain one is to. */
	e = *f->instrumented ? NULL : attempt_publish(l, &c);
	if (e)
		return e;
	live_optimised_version(f, version, part.target, (uint32_t)part.build.link.entry_size);
	record_event(l, "optimised", f, version, "", build_compiler(&part.build));
	*replaced = true;
	return NULL;
}
