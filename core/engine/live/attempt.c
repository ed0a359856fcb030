#include "attempt.h"
#include "clock.h"
#include "around.h"
#include "debugger.h"
#include "folded.h"
#include "note.h"
#include "notice.h"
#include "record.h"
#include "text.h"
#include "texts.h"
#include "words.h"

#include <stdlib.h>

enum { PUBLISH_SOON_MS = 20 };

void attempt_fini(struct attempt *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->parts[i].built)
			build_fini(&c->parts[i].build);
		free(c->parts[i].text);
		free(c->parts[i].placed);
	}
	free(c->parts);
	free(c->extra);
}

struct error *attempt_refuse(const struct live_function *function, struct check_result *r,
			     struct change_outcome *out)
{
	struct error *e = error_new(r->class, "%s: %s", function->name, r->message ? r->message : "refused");

	check_result_fini(&out->check);
	out->check = *r;
	*r = (struct check_result){0};
	return e;
}

/* What the text around all parts means for those that it does not define. */
static struct error *note_around(struct live *l, const struct attempt *c, struct change_outcome *out)
{
	struct live_function **functions = c->extra ? calloc(c->count, sizeof(struct live_function *)) : NULL;

	if (!functions)
		return c->extra ? error_memory() : NULL;
	for (size_t i = 0; i < c->count; i++)
		functions[i] = c->parts[i].function;
	struct around around = {.live = l,
				.functions = functions,
				.count = c->count,
				.text = c->extra + c->declared,
				.file = c->parts[0].request.given_file};
	struct error *e = around_note(&around, &out->check);
	free(functions);
	return e;
}

struct error *attempt_check(struct live *l, struct attempt *c, struct change_outcome *out)
{
	for (size_t i = 0; i < c->count; i++) {
		struct attempt_part *p = &c->parts[i];
		struct error *e = build_check(live_host(l), &p->request, &p->build);
		p->built = true;
		if (e)
			return error_context(e, "%s", p->function->name);
		if (c->spelled && !p->build.check.signature)
			return error_new(ERROR_USAGE, "the text defines %s, not %s", c->spelled,
					 p->function->at.name);
		if (p->build.check.failed)
			return attempt_refuse(p->function, &p->build.check, out);
		/* Where libclang did not understand it the link will see. */
		if (c->named && !p->build.check.signature && !p->build.check.needs_cc)
			return error_new(ERROR_USAGE, "the text does not define %s", p->function->at.name);
		e = c->defines ? folded_check(l, p->function, p->text) : NULL;
		if (!e && c->defines)
			e = notice_find(l, p->function, &p->build, &out->check);
		if (e)
			return e;
		e = check_move(&out->check, &p->build.check); /* warnings */
		if (e)
			return e;
	}
	return c->defines ? note_around(l, c, out) : NULL;
}

/* The variables that the part adds and later versions are to find; what is outside functions in the slice its unit shares.
 * Constants are not among them: the next text says what they are. The caller's. */
static struct note_variable *added_variables(const struct attempt_part *p, size_t *count)
{
	const struct link_result *r = &p->build.link;
	struct note_variable *list = calloc(r->variable_count + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; list && i < r->variable_count; i++) {
		const struct link_variable *v = &r->variables[i];
		struct statics_place place = statics_find(&p->build.check.statics, v->name, v->nth,
							  p->build.object.backend == BACKEND_TCC);
		bool outside = place.scope == STATICS_OUTSIDE;
		if (!place.constant)
			list[(*count)++] = (struct note_variable){v->name, v->address, v->size,
								  outside ? 0 : place.inner, outside};
	}
	return list;
}

struct error *attempt_note_part(struct live *l, struct attempt_part *p, size_t *code_used)
{
	const struct link_result *r = &p->build.link;
	struct note note = {.slot = p->function->slot,
			    .number = -1,
			    .entry = r->entry,
			    .entry_size = (uint32_t)r->entry_size,
			    .instrumented = p->instrumented,
			    .plain = live_plain(p->function)};
	struct link_region code, data;
	size_t count;

	struct note_variable *variables = added_variables(p, &count);
	if (!variables)
		return error_memory();
	program_regions(live_program(l), p->function->arena, &code, &data);
	bool written = note_write(&code, p->note_at, &note, variables, count, code_used), kept = true;
	for (size_t i = 0; written && kept && i < count; i++)
		kept = live_add_variable(l, p->function, &variables[i]);
	free(variables);
	if (!written)
		return error_new(ERROR_INTERNAL, "the arena is full");
	return kept ? NULL : error_memory();
}

struct error *attempt_link_part(struct live *l, struct attempt *c, struct attempt_part *p)
{
	uint32_t arena = p->function->arena;

	if (!c->linked)
		c->variables = live_variable_mark(l);
	c->linked = true;
	p->note_at = c->code[arena];
	c->code[arena] += (size_t)NOTE_SIZE;
	struct error *e = build_link(live_host(l), &p->build, &c->code[arena], &c->data[arena]);
	if (!e)
		e = attempt_note_part(l, p, &c->code[arena]);
	if (!e)
		p->target = p->build.link.entry;
	return e;
}

struct error *attempt_link(struct live *l, struct attempt *c)
{
	struct error *e = NULL;

	/* If some wait for the compiler, it gets them all. */
	for (size_t i = 0; i < c->count && (!e || turns_lack(live_host(l)->turns)); i++) {
		struct error *failed = error_context(attempt_link_part(l, c, &c->parts[i]), "%s",
						     c->parts[i].function->name);
		if (!e)
			e = failed;
		else
			error_free(failed);
	}
	if (e)
		attempt_abandon(l, c);
	return e;
}

static struct history_version row_of(const struct attempt_part *p, const char *flags, const char *origin,
				     const char *user)
{
	return (struct history_version){.function = p->function->row,
					.parent = live_plain(p->function),
					.text = p->text,
					.slice_hash = p->build.slice.hash,
					.backend = compile_backend_name(p->build.object.backend),
					.compiler = build_compiler(&p->build),
					.flags = flags ? flags : "",
					.origin = origin,
					.user = user,
					.note = "",
					.file = p->request.file,
					.line = (int)p->request.line};
}

static struct error *add_versions(struct live *l, const struct attempt *c, const char *origin,
				  const char *user, struct history_version *rows, char **flags)
{
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && !e; i++) {
		struct attempt_part *p = &c->parts[i];
		e = texts_store_built(l, p->function);
		if (!flags[i])
			flags[i] = words_join(p->build.source->flags.argv);
		rows[i] = row_of(p, flags[i], origin, user);
	}
	return e ? e : history_add(live_history(l), rows, c->count);
}

struct error *attempt_store(struct live *l, struct attempt *c, const char *origin, const char *user)
{
	struct history_version *rows = calloc(c->count, sizeof(*rows));
	char **flags = calloc(c->count, sizeof(*flags));
	struct error *e = rows && flags ? NULL : error_memory();

	turns_insist(live_host(l)->turns);
	if (!e) {
		do
			e = add_versions(l, c, origin, user, rows, flags);
		while (record_lose(l, &e));
		for (size_t i = 0; i < c->count; i++) {
			struct attempt_part *p = &c->parts[i];
			p->from = live_plain(p->function);
			p->to = e ? p->function->newest + 1 : rows[i].number;
			free(flags[i]);
		}
		if (e)
			live_warn(l, error_context(e, "this change is not in the history"));
		e = NULL;
	}
	free(flags);
	free(rows);
	return e;
}

/* Before the code can run, so that a breakpoint on its name is there when it does. */
static struct error *announce(struct live *l, const struct attempt_part *p)
{
	const struct link_result *r = &p->build.link;
	struct text image = {0};

	if (!p->built || !p->build.object.bytes || !r->entry)
		return NULL;
	struct debugger_code code = {.name = p->function->at.name,
				     .address = r->entry,
				     .size = r->entry_size,
				     .file = p->build.request->file,
				     .line = p->build.request->line,
				     .object = &p->build.object,
				     .unwind = r->unwind_view,
				     .unwind_size = r->unwind_size,
				     .unwind_address = r->unwind};
	struct error *e = debugger_image(&code, &image)
				  ? program_announce(live_program(l), image.bytes, image.size)
				  : error_memory();
	if (!e)
		debugger_map(program_pid(live_program(l)), &code);
	text_fini(&image);
	return e;
}

/* Says what comes, and asks the program to store the slots; does not wait for it. */
static struct error *ask_to_publish(struct live *l, const struct attempt *c, uint32_t *serial)
{
	struct message_publish *slots = calloc(c->count, sizeof(*slots));
	size_t count = 0;

	*serial = 0;
	if (!slots)
		return error_memory();
	for (size_t i = 0; i < c->count; i++)
		if (!c->parts[i].watched)
			slots[count++] = (struct message_publish){
				c->parts[i].function->arena, c->parts[i].function->slot, c->parts[i].target};
	struct error *e = NULL;
	for (size_t i = 0; i < c->count && !e; i++)
		e = announce(l, &c->parts[i]);
	if (!e && count)
		e = program_publish(live_program(l), slots, count, serial);
	free(slots);
	return e;
}

struct error *attempt_publish(struct live *l, const struct attempt *c)
{
	uint32_t serial;
	struct error *e = ask_to_publish(l, c, &serial);

	return e ? e : program_published(live_program(l), serial);
}

/* `begin`: writes it, and leaves it to the caller to commit it. */
static struct error *record_moves(struct live *l, const struct attempt *c, enum history_kind kind,
				  int64_t subject, const char *user, bool begin)
{
	struct history_move *moves = calloc(c->count, sizeof(*moves));
	size_t count = 0;

	for (size_t i = 0; moves && i < c->count; i++)
		if (c->parts[i].function->row)
			moves[count++] = (struct history_move){c->parts[i].function->row, c->parts[i].from,
							       c->parts[i].to};
	struct error *e = NULL;
	if (!moves)
		e = error_memory();
	else if (begin)
		e = history_record_begin(live_history(l), kind, user, subject, moves, count);
	else
		e = history_record(live_history(l), kind, user, subject, moves, count, NULL);
	free(moves);
	return e;
}

static void warn_unrecorded(struct live *l, struct error *e)
{
	if (e)
		live_warn(l, error_context(e, "that these versions are live is not in the history"));
}

void attempt_record(struct live *l, const struct attempt *c, enum history_kind kind, int64_t subject,
		    const char *user)
{
	struct error *e;

	do
		e = record_moves(l, c, kind, subject, user, false);
	while (record_lose(l, &e));
	warn_unrecorded(l, e);
}

void attempt_count_version(struct live_function *f, int number)
{
	f->versions++;
	f->newest = number > f->newest ? number : f->newest;
}

void attempt_mark_live(const struct attempt *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct live_function *f = c->parts[i].function;
		f->live = c->parts[i].to;
		memcpy(c->parts[i].was, f->instrumented, sizeof(f->instrumented));
		*f->instrumented = '\0';
	}
}

void attempt_note_live(struct live *l, const struct attempt *c, enum history_kind kind)
{
	attempt_mark_live(c);
	for (size_t i = 0; i < c->count; i++) {
		live_note_moved(l, c->parts[i].function);
		if (kind == HISTORY_DEFINE)
			attempt_count_version(c->parts[i].function, c->parts[i].to);
	}
}

struct error *attempt_publish_and_record(struct live *l, const struct attempt *c, enum history_kind kind,
					 int64_t subject, const char *user, int64_t *us)
{
	uint32_t serial;
	struct error *e = ask_to_publish(l, c, &serial);

	if (e)
		return e;
	int64_t start = clock_now_us();
	struct error *unwritten = record_moves(l, c, kind, subject, user, true);
	bool begun = !unwritten, soon;
	*us += clock_now_us() - start;
	soon = program_publishes_soon(live_program(l), serial, PUBLISH_SOON_MS);
	if (begun && !soon)
		history_record_end(live_history(l), false);
	e = program_published(live_program(l), serial);
	if (!e)
		attempt_note_live(l, c, kind);
	start = clock_now_us();
	if (begun && soon)
		unwritten = history_record_end(live_history(l), !e);
	if (!e && (record_lose(l, &unwritten) || (begun && !soon)))
		attempt_record(l, c, kind, subject, user);
	else if (!e)
		warn_unrecorded(l, unwritten);
	else
		error_free(unwritten);
	*us += clock_now_us() - start;
	return e;
}

void attempt_abandon(struct live *l, struct attempt *c)
{
	if (c->linked && !c->committed)
		live_forget_variables(l, c->variables);
}

/* Of the parts before this one. */
static void take_versions_back(struct attempt *c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c->parts[i].built)
			live_remove_version(c->parts[i].function, c->parts[i].to);
}

struct error *attempt_commit(struct live *l, struct attempt *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct attempt_part *p = &c->parts[i];
		struct link_region code, data;
		if (!p->built)
			continue;
		program_regions(live_program(l), p->function->arena, &code, &data);
		note_set_number(&code, p->note_at, p->to);
		if (!live_add_version(p->function, p->to, p->target, (uint32_t)p->build.link.entry_size)) {
			take_versions_back(c, i);
			return error_memory();
		}
	}
	c->committed = true;
	for (uint32_t arena = 0; arena < program_arena_count(live_program(l)) && arena < ATTEMPT_ARENAS;
	     arena++)
		if (c->code[arena])
			program_commit(live_program(l), arena, c->code[arena], c->data[arena]);
	return NULL;
}

struct error *attempt_report(struct change_outcome *out, struct attempt *c, int64_t start, int64_t store_us)
{
	out->results = calloc(c->count + 1, sizeof(*out->results));
	if (!out->results)
		return error_memory();
	for (size_t i = 0; i < c->count; i++) {
		struct attempt_part *p = &c->parts[i];
		out->results[out->count++] = (struct change_result){
			.function = p->function,
			.version = p->to,
			.backend = p->build.object.backend,
			.why_cc = p->build.object.backend == BACKEND_CC ? p->build.why_cc : NULL,
			.latency = {.total = clock_now_us() - start,
				    .check = p->build.check_us,
				    .compile = p->build.compile_us,
				    .link = p->build.link_us,
				    .store = store_us},
		};
		memcpy(out->results[i].was, p->was, sizeof(p->was));
		if (p->build.object.backend == BACKEND_CC)
			p->build.why_cc = NULL;
	}
	return NULL;
}
