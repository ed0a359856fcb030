#include "change.h"
#include "debugger.h"
#include "edit.h"
#include "note.h"
#include "notice.h"
#include "record.h"
#include "text.h"

#include <stdio.h>
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

enum { CHANGE_ARENAS = 64, PUBLISH_SOON_MS = 20 };

/* One function in a change. */
struct part {
	struct live_function *function;
	char *text;             /* what is stored */
	const char *definition; /* in the edit's text, or `text` itself */
	size_t definition_size;
	char *placed; /* the definition at the column that it was given at, or NULL: it is there already */
	struct build_request request;
	struct build build;
	bool built;      /* build_check was called */
	size_t note_at;  /* offset of its note in the arena's free code */
	uint64_t target; /* what its slot gets */
	bool watched; /* an instrumented version runs: the new one is to take its place instrumented, too */
	int from, to; /* versions */
};

struct change {
	struct part *parts;
	size_t count;
	char *extra;
	bool defines;        /* what it means for code that stays is to be told */
	const char *spelled; /* \define NAME: what the text calls the function, if not NAME; borrowed */
	size_t code[CHANGE_ARENAS], data[CHANGE_ARENAS]; /* bytes taken of each arena */
};

static void change_fini(struct change *c)
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

/* ERROR_COMPILE and so on from a check that found something: its findings go to the outcome. */
static struct error *refuse(struct part *p, struct change_outcome *out)
{
	struct check_result *r = &p->build.check;
	struct error *e =
		error_new(r->class, "%s: %s", p->function->at.name, r->message ? r->message : "refused");

	check_result_fini(&out->check);
	out->check = *r;
	*r = (struct check_result){0};
	return e;
}

static struct error *check_parts(struct live *l, struct change *c, struct change_outcome *out)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		struct error *e = build_check(live_host(l), &p->request, &p->build);
		p->built = true;
		if (e)
			return error_context(e, "%s", p->function->at.name);
		if (c->spelled && !p->build.check.signature)
			return error_new(ERROR_USAGE, "the text defines %s, not %s", c->spelled,
					 p->function->at.name);
		if (p->build.check.failed)
			return refuse(p, out);
		e = c->defines ? notice_find(l, p->function, &p->build) : NULL;
		if (e)
			return e;
		e = check_move(&out->check, &p->build.check); /* warnings */
		if (e)
			return e;
	}
	return NULL;
}

/* The variables that the part adds and later versions are to find; what is outside functions in the slice its unit shares.
 * Constants are not among them: the next text says what they are. The caller's. */
static struct note_variable *added_variables(const struct part *p, size_t *count)
{
	const struct check_result *check = &p->build.check;
	const struct link_result *r = &p->build.link;
	struct note_variable *list = calloc(r->variable_count + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; list && i < r->variable_count; i++) {
		const struct link_variable *v = &r->variables[i];
		bool outside = check_names(check->definitions, v->name);
		if (!check_names(check->constants, v->name))
			list[(*count)++] =
				(struct note_variable){v->name, v->address, v->size,
						       v->nth - (outside && v->nth), outside && v->nth == 0};
	}
	return list;
}

/* Writes the note before the code that was just linked, and the variables behind it. The parts after this one find the
 * variables too: two functions that come with one new static share it. */
static struct error *note_part(struct live *l, struct part *p, size_t *code_used)
{
	const struct link_result *r = &p->build.link;
	struct note note = {.slot = p->function->slot,
			    .number = -1,
			    .entry = r->entry,
			    .entry_size = (uint32_t)r->entry_size};
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

/* Compiles and links one part behind what the change has taken of the arena so far. */
static struct error *link_part(struct live *l, struct change *c, struct part *p)
{
	uint32_t arena = p->function->arena;

	p->note_at = c->code[arena];
	c->code[arena] += (size_t)NOTE_SIZE;
	struct error *e = build_link(live_host(l), &p->build, &c->code[arena], &c->data[arena]);
	if (!e)
		e = note_part(l, p, &c->code[arena]);
	if (!e)
		p->target = p->build.link.entry;
	return e;
}

static struct error *link_parts(struct live *l, struct change *c)
{
	size_t variables = live_variable_mark(l);
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && !e; i++)
		e = error_context(link_part(l, c, &c->parts[i]), "%s", c->parts[i].function->at.name);
	if (e)
		live_forget_variables(l, variables);
	return e;
}

static char *join_flags(char *const *argv)
{
	struct text t = {0};

	for (char *const *word = argv; word && *word; word++)
		text_printf(&t, "%s%s", word == argv ? "" : " ", *word);
	return text_take(&t);
}

static struct history_version row_of(const struct part *p, const char *flags, const char *origin,
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

static struct error *add_versions(struct live *l, const struct change *c, const char *origin,
				  const char *user, struct history_version *rows, char **flags)
{
	struct error *e = NULL;

	for (size_t i = 0; i < c->count && !e; i++) {
		struct part *p = &c->parts[i];
		e = live_store_built(l, p->function);
		if (!flags[i])
			flags[i] = join_flags(p->build.source->flags.argv);
		rows[i] = row_of(p, flags[i], origin, user);
	}
	return e ? e : history_add(live_history(l), rows, c->count);
}

/* Gives every part its number: in the history, or, where even its stand-in fails, behind the last one known. */
static struct error *store_versions(struct live *l, struct change *c, const char *origin, const char *user)
{
	struct history_version *rows = calloc(c->count, sizeof(*rows));
	char **flags = calloc(c->count, sizeof(*flags));
	struct error *e = rows && flags ? NULL : error_memory();

	if (!e) {
		do
			e = add_versions(l, c, origin, user, rows, flags);
		while (record_lose(l, &e));
		for (size_t i = 0; i < c->count; i++) {
			struct part *p = &c->parts[i];
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
static struct error *announce(struct live *l, const struct part *p)
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
static struct error *ask_to_publish(struct live *l, const struct change *c, uint32_t *serial)
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

static struct error *publish(struct live *l, const struct change *c)
{
	uint32_t serial;
	struct error *e = ask_to_publish(l, c, &serial);

	return e ? e : program_published(live_program(l), serial);
}

/* `begin`: writes it, and leaves it to the caller to commit it. */
static struct error *record_moves(struct live *l, const struct change *c, enum history_kind kind,
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

static void record(struct live *l, const struct change *c, enum history_kind kind, int64_t subject,
		   const char *user)
{
	struct error *e;

	do
		e = record_moves(l, c, kind, subject, user, false);
	while (record_lose(l, &e));
	warn_unrecorded(l, e);
}

static void count_version(struct live_function *f, int number)
{
	f->versions++;
	f->newest = number > f->newest ? number : f->newest;
}

static void mark_live(const struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct live_function *f = c->parts[i].function;
		f->live = c->parts[i].to;
		*f->instrumented = '\0';
	}
}

/* What the program runs now. */
static void note_live(const struct change *c, enum history_kind kind)
{
	mark_live(c);
	for (size_t i = 0; i < c->count && kind == HISTORY_DEFINE; i++)
		count_version(c->parts[i].function, c->parts[i].to);
}

/* Publishes, and records that: the record is written while the program is at it, and committed when it has done it. A
 * program that takes its time (stopped in a debugger) does not keep other processes from the history meanwhile. `*us`
 * gets what was spent on the record alone. */
static struct error *publish_and_record(struct live *l, const struct change *c, enum history_kind kind,
					int64_t subject, const char *user, int64_t *us)
{
	uint32_t serial;
	struct error *e = ask_to_publish(l, c, &serial);

	if (e)
		return e;
	int64_t start = build_now_us();
	struct error *unwritten = record_moves(l, c, kind, subject, user, true);
	bool begun = !unwritten, soon;
	*us += build_now_us() - start;
	soon = program_publishes_soon(live_program(l), serial, PUBLISH_SOON_MS);
	if (begun && !soon)
		history_record_end(live_history(l), false);
	e = program_published(live_program(l), serial);
	if (!e)
		note_live(c, kind);
	start = build_now_us();
	if (begun && soon)
		unwritten = history_record_end(live_history(l), !e);
	if (!e && (record_lose(l, &unwritten) || (begun && !soon)))
		record(l, c, kind, subject, user);
	else if (!e)
		warn_unrecorded(l, unwritten);
	else
		error_free(unwritten);
	*us += build_now_us() - start;
	return e;
}

/* From here on the arena counts what was linked, whatever becomes of it. */
static struct error *commit_parts(struct live *l, struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		struct link_region code, data;
		if (!p->built)
			continue;
		program_regions(live_program(l), p->function->arena, &code, &data);
		note_set_number(&code, p->note_at, p->to);
		if (!live_add_version(p->function, p->to, p->target, (uint32_t)p->build.link.entry_size))
			return error_memory();
	}
	for (uint32_t arena = 0; arena < program_arena_count(live_program(l)) && arena < CHANGE_ARENAS;
	     arena++)
		if (c->code[arena])
			program_commit(live_program(l), arena, c->code[arena], c->data[arena]);
	return NULL;
}

static struct error *report(struct change_outcome *out, struct change *c, int64_t start, int64_t store_us)
{
	out->results = calloc(c->count + 1, sizeof(*out->results));
	if (!out->results)
		return error_memory();
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		out->results[out->count++] = (struct change_result){
			.function = p->function,
			.version = p->to,
			.backend = p->build.object.backend,
			.why_cc = p->build.object.backend == BACKEND_CC ? p->build.why_cc : NULL,
			.latency = {.total = build_now_us() - start,
				    .check = p->build.check_us,
				    .compile = p->build.compile_us,
				    .link = p->build.link_us,
				    .store = store_us},
		};
		if (p->build.object.backend == BACKEND_CC)
			p->build.why_cc = NULL;
	}
	return NULL;
}

/* --- defining -------------------------------------------------------------------------------------------------- */

/* What is stored of one function: its definition, with what it needs from around it. */
static char *stored_text(const struct change *c, const char *definition, size_t size)
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
static struct error *place_part(const char *text, struct part *p)
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

static struct error *find_parts(struct live *l, const struct change_request *q, const struct edit *edit,
				struct change *c)
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
		e = live_find(l, q->name ? q->name : edit->functions[i].name, q->file, &f);
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
		c->parts[c->count++] = (struct part){
			.function = f,
			.definition = edit->text + edit->functions[i].begin,
			.definition_size = edit->functions[i].end - edit->functions[i].begin,
			.request = {.given_line = edit->functions[i].line},
		};
		e = place_part(edit->text, &c->parts[c->count - 1]);
	}
	if (!e && !c->count && first_unknown) {
		e = first_unknown;
		first_unknown = NULL;
	} else if (!e && !c->count) {
		e = error_new(ERROR_USAGE, "the text defines no function");
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
				struct change *c)
{
	struct live_function *f;

	struct error *e = live_find(l, q->name, q->file, &f);
	if (e)
		return e;
	/* Unless a macro makes the right name of it, which the check will see. */
	if (holds_functions_alone(edit))
		c->spelled = edit->functions[0].name;
	c->parts = calloc(1, sizeof(*c->parts));
	if (!c->parts)
		return error_memory();
	c->count = 1;
	c->parts[0] = (struct part){.function = f,
				    .definition = q->text,
				    .definition_size = q->size,
				    .request = {.given_line = 1}};
	return NULL;
}

static struct error *prepare_parts(struct live *l, const struct change_request *q, struct change *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		struct error *e = live_see_unit(l, p->function->at.unit);
		if (e)
			return error_context(e, "%s", p->function->at.name);
		p->text = stored_text(c, p->definition, p->definition_size);
		if (!p->text)
			return error_memory();
		p->request.function = &p->function->at;
		p->request.arena = p->function->arena;
		p->request.text = p->placed ? p->placed : p->definition;
		p->request.size = p->placed ? strlen(p->placed) : p->definition_size;
		p->request.extra = c->extra;
		p->request.extra_size = c->extra ? strlen(c->extra) : 0;
		p->request.given_file = q->given_as ? q->given_as : "<console>";
		p->request.file = p->function->at.file;
		p->request.line = p->function->built_line ? p->function->built_line : p->function->at.line;
	}
	return NULL;
}

/* What was watched goes on being watched, without a moment between; where that fails, without being watched. */
static struct error *publish_watched(struct live *l, struct change *c)
{
	bool plain = false;

	for (size_t i = 0; i < c->count; i++) {
		struct part *p = &c->parts[i];
		bool was = p->watched;
		p->watched = !was || live_ask_watcher(l, p->function);
		plain |= !p->watched;
	}
	return plain ? publish(l, c) : NULL;
}

/* `*us` gets what was spent on the record. */
static struct error *go_live(struct live *l, struct change *c, const char *user, int64_t *us)
{
	bool any_watched = false;

	for (size_t i = 0; i < c->count; i++) {
		c->parts[i].watched = *c->parts[i].function->instrumented;
		any_watched |= c->parts[i].watched;
	}
	if (!any_watched)
		return publish_and_record(l, c, HISTORY_DEFINE, 0, user, us);
	struct error *e = publish(l, c);
	if (e)
		return e;
	note_live(c, HISTORY_DEFINE);
	e = publish_watched(l, c);
	if (e)
		return e;
	int64_t start = build_now_us();
	record(l, c, HISTORY_DEFINE, 0, user);
	*us += build_now_us() - start;
	return NULL;
}

/* Everything behind the choice and the preparation of the parts. */
static struct error *make_live(struct live *l, const struct change_request *q, struct change *c,
			       int64_t start, struct change_outcome *out)
{
	c->defines = true;
	for (size_t i = 0; i < c->count; i++)
		c->parts[i].request.soon = c->count == 1 && !q->check_only;
	struct error *e = program_takes(live_program(l), c->count);
	if (!e)
		e = check_parts(l, c, out);
	if (e || q->check_only)
		return e ? e : report(out, c, start, 0);
	e = link_parts(l, c);
	if (e)
		return e;
	int64_t store_start = build_now_us();
	e = store_versions(l, c, q->origin, q->user);
	int64_t store_us = build_now_us() - store_start;
	if (!e)
		e = commit_parts(l, c);
	if (!e)
		e = go_live(l, c, q->user, &store_us);
	if (e)
		return e;
	struct error *reported = report(out, c, start, store_us);
	for (size_t i = 0; i < c->count; i++)
		if (c->parts[i].build.object.backend == BACKEND_TCC)
			live_tell_successor(l, c->parts[i].function, c->parts[i].to, &c->parts[i].build);
	return reported;
}

/* What was typed and did not go live is not lost either: it is in the log, with the reason. */
static void record_rejection(struct live *l, const struct change *c, const struct change_request *q,
			     const struct error *why)
{
	struct live_function *f = NULL;
	struct text detail = {0};

	if (q->check_only || !c->count || error_class(why) == ERROR_INTERNAL)
		return;
	for (size_t i = 0; i < c->count; i++)
		if (c->parts[i].built || !f)
			f = c->parts[i].function;
	text_printf(&detail, "%s\n", error_message(why));
	text_append(&detail, q->text, q->size);
	record_event(l, "rejected", f, -1, q->user, detail.bytes);
	text_fini(&detail);
}

struct error *change_define(struct live *l, const struct change_request *q, struct change_outcome *out)
{
	int64_t start = build_now_us();
	struct change c = {0};
	struct edit edit;

	*out = (struct change_outcome){0};
	struct error *e = edit_new(q->text, q->size, &edit);
	if (e)
		return e;
	if (q->name && !defines(&edit, bare_name(q->name)))
		e = named_part(l, q, &edit, &c);
	else
		e = find_parts(l, q, &edit, &c);
	if (!e)
		e = prepare_parts(l, q, &c);
	if (!e)
		e = make_live(l, q, &c, start, out);
	if (e)
		record_rejection(l, &c, q, e);
	edit_fini(&edit);
	change_fini(&c);
	return e;
}

struct error *change_texts(struct live *l, const struct change_text *texts, size_t count,
			   const struct change_request *q, struct change_outcome *out)
{
	int64_t start = build_now_us();
	struct change c = {.parts = calloc(count + 1, sizeof(*c.parts))};
	struct error *e = c.parts ? NULL : error_memory();

	*out = (struct change_outcome){0};
	for (size_t i = 0; i < count && !e; i++) {
		const struct change_text *t = &texts[i];
		struct part *p = &c.parts[c.count++];
		*p = (struct part){.function = t->function,
				   .text = strndup(t->text, t->size),
				   .definition = t->text,
				   .definition_size = t->size};
		p->request = (struct build_request){.function = &t->function->at,
						    .arena = t->function->arena,
						    .text = t->text,
						    .size = t->size,
						    .given_file = t->function->at.file,
						    .given_line = t->line,
						    .file = t->function->at.file,
						    .line = t->line};
		if (!p->text)
			e = error_memory();
	}
	if (!e)
		e = make_live(l, q, &c, start, out);
	change_fini(&c);
	return e;
}

/* --- going back ------------------------------------------------------------------------------------------------ */

/* A version that is not in memory (an earlier run's) is built again from its text. */
static struct error *rebuild(struct live *l, struct part *p, struct change *c, struct change_outcome *out)
{
	struct edit edit;
	unsigned line;
	struct error *e = live_version_text(l, p->function, p->to, &p->text, &line);

	if (!e)
		e = live_see_unit(l, p->function->at.unit);
	if (!e)
		e = edit_new(p->text, strlen(p->text), &edit);
	if (e)
		return e;
	bool *taken = calloc(edit.count + 1, sizeof(*taken));
	char *extra = NULL;
	p->definition = p->text;
	p->definition_size = strlen(p->text);
	p->request.given_line = 1;
	for (size_t i = 0; taken && i < edit.count; i++) {
		if (strcmp(edit.functions[i].name, p->function->at.name) != 0)
			continue;
		taken[i] = true;
		p->definition += edit.functions[i].begin;
		p->definition_size = edit.functions[i].end - edit.functions[i].begin;
		p->request.given_line = edit.functions[i].line;
		extra = edit_rest(&edit, taken);
		break;
	}
	p->request.function = &p->function->at;
	p->request.arena = p->function->arena;
	p->request.text = p->definition;
	p->request.size = p->definition_size;
	p->request.extra = extra;
	p->request.extra_size = extra ? strlen(extra) : 0;
	p->request.given_file = "<history>";
	p->request.file = p->function->at.file;
	p->request.line = line ? line : p->function->at.line;
	e = build_check(live_host(l), &p->request, &p->build);
	p->built = true;
	if (!e && p->build.check.failed)
		e = refuse(p, out);
	if (!e) {
		size_t variables = live_variable_mark(l);
		e = link_part(l, c, p);
		if (e)
			live_forget_variables(l, variables);
	}
	p->request.extra = NULL;
	free(extra);
	free(taken);
	edit_fini(&edit);
	return error_context(e, "version %d of %s does not fit the running program", p->to,
			     p->function->at.name);
}

static struct error *aim(struct live *l, struct part *p, struct change *c, struct change_outcome *out)
{
	const struct live_version *v = live_in_memory(p->function, p->to);

	p->from = live_plain(p->function);
	if (p->to == 0)
		p->target = program_built(live_program(l), p->function->arena, p->function->slot);
	else if (v)
		p->target = v->entry;
	else
		return rebuild(l, p, c, out);
	return NULL;
}

/* Makes live what every part aims at, as one change. */
static struct error *move_aimed(struct live *l, struct change *c, enum history_kind kind, int64_t subject,
				const char *user, int64_t start, struct change_outcome *out)
{
	struct error *e = program_takes(live_program(l), c->count);
	int64_t store_us = 0;

	if (!e)
		e = commit_parts(l, c);
	if (!e)
		e = publish_and_record(l, c, kind, subject, user, &store_us);
	return e ? e : report(out, c, start, store_us);
}

/* Moves every part to its version, as one change. */
static struct error *move(struct live *l, struct change *c, enum history_kind kind, int64_t subject,
			  const char *user, int64_t start, struct change_outcome *out)
{
	struct error *e = program_takes(live_program(l), c->count);

	for (size_t i = 0; i < c->count && !e; i++)
		e = aim(l, &c->parts[i], c, out);
	return e ? e : move_aimed(l, c, kind, subject, user, start, out);
}

/* Aims the next part, or leaves it out and the arena as it was. */
static struct error *aim_next(struct live *l, struct change *c, struct change_outcome *out)
{
	struct part *p = &c->parts[c->count];
	uint32_t arena = p->function->arena;
	size_t code = c->code[arena], data = c->data[arena];

	struct error *e = p->function->row ? NULL : live_store_built(l, p->function);
	if (!e)
		e = aim(l, p, c, out);
	if (!e) {
		c->count++;
		return NULL;
	}
	c->code[arena] = code;
	c->data[arena] = data;
	if (p->built)
		build_fini(&p->build);
	free(p->text);
	return e;
}

struct error *change_restore(struct live *l, struct change_step *steps, size_t count, const char *user,
			     struct change_outcome *out)
{
	int64_t start = build_now_us();
	struct change c = {.parts = calloc(count + 1, sizeof(*c.parts))};
	struct error *e = c.parts ? NULL : error_memory();

	*out = (struct change_outcome){0};
	for (size_t i = 0; i < count && !e; i++) {
		c.parts[c.count] = (struct part){.function = steps[i].function, .to = steps[i].to};
		steps[i].why = aim_next(l, &c, out);
	}
	if (!e && c.count)
		e = move_aimed(l, &c, HISTORY_RESTORE, 0, user, start, out);
	change_fini(&c);
	return e;
}

static struct error *parent_of(struct live *l, struct live_function *f, int *number);

struct error *change_rollback(struct live *l, struct live_function *f, int number, const char *user,
			      struct change_outcome *out)
{
	int64_t start = build_now_us();
	struct part part = {.function = f, .to = number};
	struct change c = {.count = 1};

	*out = (struct change_outcome){0};
	if (number < 0) {
		struct error *e = parent_of(l, f, &part.to);
		if (e)
			return e;
	}
	if (*f->instrumented && part.to == f->plain)
		return change_plain(l, f, user, out); /* not even a change: that is what is live */
	if (part.to > 0 && !live_in_memory(f, part.to)) {
		char *text;
		unsigned line;
		struct error *e = live_version_text(l, f, part.to, &text, &line);
		if (e)
			return e;
		free(text);
	}
	c.parts = malloc(sizeof(part));
	if (!c.parts)
		return error_memory();
	c.parts[0] = part;
	struct error *e = NULL;
	if (f->row == 0)
		record_function(l, f);
	if (!e)
		e = move(l, &c, HISTORY_ROLLBACK, 0, user, start, out);
	change_fini(&c);
	return e;
}

static void take_parent(void *context, const struct history_version *v)
{
	*(int *)context = v->parent;
}

static struct error *parent_of(struct live *l, struct live_function *f, int *number)
{
	if (f->live == 0)
		return error_new(ERROR_USAGE, "%s runs what was built: there is nothing before it",
				 f->at.name);
	*number = 0;
	if (!f->row)
		return NULL;
	struct error *e = history_find(live_history(l), f->row, f->live, take_parent, number);
	if (*number < 0)
		*number = 0;
	if (e && error_class(e) == ERROR_UNKNOWN) {
		error_free(e); /* a version that the history never got */
		e = NULL;
	}
	return e;
}

struct error *change_undo(struct live *l, bool redo, const char *user, struct change_outcome *out)
{
	int64_t start = build_now_us(), subject;
	struct history_move *moves = NULL;
	struct change c = {0};
	size_t count;

	*out = (struct change_outcome){0};
	struct error *e = history_next(live_history(l), redo, &subject, &moves, &count);
	if (record_lose(l, &e))
		e = history_next(live_history(l), redo, &subject, &moves, &count);
	if (e)
		return e;
	if (!subject) {
		free(moves);
		return error_new(ERROR_USAGE, redo ? "there is nothing to redo" : "there is nothing to undo");
	}
	c.parts = calloc(count + 1, sizeof(*c.parts));
	if (!c.parts)
		e = error_memory();
	for (size_t i = 0; i < count && !e; i++) {
		struct live_function *f = live_by_row(l, moves[i].function);
		if (!f)
			e = error_new(ERROR_INTERNAL,
				      "the history names a function that the program does not have");
		else
			c.parts[c.count++] = (struct part){.function = f, .to = moves[i].to};
	}
	if (!e)
		e = move(l, &c, redo ? HISTORY_REDO : HISTORY_UNDO, subject, user, start, out);
	free(moves);
	change_fini(&c);
	return e;
}

/* --- instrumented versions -------------------------------------------------------------------------------------- */

static struct error *instrument(struct live *l, const struct change_instrument *q, struct change *c,
				struct change_outcome *out)
{
	struct live_function *f = q->function;
	int64_t start = build_now_us();
	int plain = live_plain(f);

	struct error *e = check_parts(l, c, out);
	if (!e)
		e = link_parts(l, c);
	if (!e)
		e = store_versions(l, c, q->what, q->user);
	if (!e)
		e = commit_parts(l, c);
	if (!e)
		e = publish(l, c);
	if (e)
		return e;
	mark_live(c);
	count_version(f, f->live);
	f->plain = plain;
	snprintf(f->instrumented, sizeof(f->instrumented), "%s", q->what);
	record_event(l, "watched", f, plain, q->user, q->what);
	return report(out, c, start, 0);
}

static void commit_aside(struct live *l, const struct change *c)
{
	for (uint32_t arena = 0; arena < program_arena_count(live_program(l)) && arena < CHANGE_ARENAS;
	     arena++)
		if (c->code[arena])
			program_commit(live_program(l), arena, c->code[arena], c->data[arena]);
}

static struct error *instrument_one(struct live *l, const struct change_instrument *q, uint64_t *aside,
				    struct change_outcome *out)
{
	struct change c = {.parts = calloc(1, sizeof(*c.parts)), .count = 1};

	*out = (struct change_outcome){0};
	if (!c.parts)
		return error_memory();
	c.parts[0] = (struct part){.function = q->function,
				   .text = strdup(q->stored),
				   .definition = q->text,
				   .definition_size = strlen(q->text)};
	c.parts[0].request = (struct build_request){.function = &q->function->at,
						    .arena = q->function->arena,
						    .text = q->text,
						    .size = strlen(q->text),
						    .extra = q->extra,
						    .extra_size = q->extra ? strlen(q->extra) : 0,
						    .given_file = q->function->at.file,
						    .given_line = q->line,
						    .file = q->function->at.file,
						    .line = q->line,
						    .why_cc = "it counts and records with atomic operations"};
	struct error *e = c.parts[0].text ? NULL : error_memory();
	if (!e && !aside)
		e = instrument(l, q, &c, out);
	else if (!e)
		e = check_parts(l, &c, out);
	if (!e && aside)
		e = link_parts(l, &c);
	if (!e && aside) {
		commit_aside(l, &c);
		*aside = c.parts[0].target;
	}
	change_fini(&c);
	return e;
}

struct error *change_instrument(struct live *l, const struct change_instrument *q, struct change_outcome *out)
{
	return instrument_one(l, q, NULL, out);
}

struct error *change_aside(struct live *l, const struct change_instrument *q, uint64_t *entry,
			   struct change_outcome *out)
{
	return instrument_one(l, q, entry, out);
}

struct error *change_plain(struct live *l, struct live_function *f, const char *user,
			   struct change_outcome *out)
{
	int64_t start = build_now_us();
	struct part part = {.function = f, .to = live_plain(f)};
	struct change c = {.parts = &part, .count = 1};

	*out = (struct change_outcome){0};
	struct error *e = aim(l, &part, &c, out);
	if (!e)
		e = commit_parts(l, &c);
	if (!e)
		e = publish(l, &c);
	if (!e) {
		mark_live(&c);
		record_event(l, "unwatched", f, part.to, user, NULL);
		e = report(out, &c, start, 0);
	}
	if (part.built)
		build_fini(&part.build);
	free(part.text);
	return e;
}

struct error *change_load(struct live *l, struct live_function *f, int number, struct change_outcome *out)
{
	struct part part = {.function = f, .to = number};
	struct change c = {.parts = &part, .count = 1};

	*out = (struct change_outcome){0};
	if (number == 0 || live_in_memory(f, number))
		return NULL;
	struct error *e = aim(l, &part, &c, out);
	if (!e)
		e = commit_parts(l, &c);
	if (part.built)
		build_fini(&part.build);
	free(part.text);
	return e;
}

/* --- optimised again -------------------------------------------------------------------------------------------- */

struct error *change_optimised(struct live *l, struct live_function *f, int version, struct build *build,
			       bool *replaced)
{
	struct part part = {.function = f, .built = true, .from = version, .to = version};
	struct change c = {.parts = &part, .count = 1};

	*replaced = false;
	if (f->live != version)
		return NULL;
	/* The build is the caller's: its request has no extra text, whose variables libtcc's version has placed already. */
	part.build = *build;
	struct link_region code, data;
	size_t variables = live_variable_mark(l);
	part.note_at = c.code[f->arena];
	c.code[f->arena] += (size_t)NOTE_SIZE;
	struct error *e = build_link_object(live_host(l), &part.build, &c.code[f->arena], &c.data[f->arena]);
	*build = part.build;
	if (!e)
		e = note_part(l, &part, &c.code[f->arena]);
	if (e) {
		live_forget_variables(l, variables);
		return e;
	}
	part.target = part.build.link.entry;
	program_regions(live_program(l), f->arena, &code, &data);
	note_set_number(&code, part.note_at, version);
	program_commit(live_program(l), f->arena, c.code[f->arena], c.data[f->arena]);
	e = publish(l, &c);
	if (e)
		return e;
	live_optimised_version(f, version, part.target, (uint32_t)part.build.link.entry_size);
	record_event(l, "optimised", f, version, "", build_compiler(&part.build));
	*replaced = true;
	return NULL;
}
