#include "save.h"
#include "attempt.h"
#include "extent.h"
#include "bodies.h"
#include "changed.h"
#include "decorators.h"
#include "difference.h"
#include "record.h"
#include "reread.h"
#include "text.h"
#include "texts.h"
#include "turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A function that the save may have changed, with its text in the new file. */
struct candidate {
	struct live_function *function;
	char *text;
	unsigned line;
	char identity[33];
	bool resaved; /* its text was live by a save before, and something else is now: an older version */
};

/* A save while it is dealt with. */
struct work {
	const struct save *save;
	struct save_result *out;
	struct candidate *items;
	size_t count, room;
	struct text notes;
	bool refused;          /* a file is at fault: nothing goes live */
	bool looked;           /* for layouts that a header changed */
	bool puts_off;         /* sources that are still to be taken: they would be refused for that, too */
	const char *healed;    /* a file that was refused and is not any more */
	char *fault;           /* where the error stands that it is refused for, or NULL */
	bool taken;            /* a source was, as a header's save has made it */
	bool reviews;          /* and the compiler was asked about it */
	struct reread *reread; /* of the sources behind that; NULL: of none */
	bool failed;           /* memory ran out */
};

void save_result_fini(struct save_result *r)
{
	change_outcome_fini(&r->outcome);
	free(r->message);
	free(r->notes);
	free(r->file);
	*r = (struct save_result){0};
}

/* --- candidates -------------------------------------------------------------------------------------------------- */

static void add_candidate(struct work *w, struct live_function *function)
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

static void work_fini(struct work *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i].text);
	free(w->items);
	free(w->fault);
	text_fini(&w->notes);
}

static struct error *identity_of(const struct work *w, const struct live_function *function, const char *text,
				 unsigned line, char identity[33])
{
	struct build_request request = live_request(function, text, strlen(text), line);

	return build_identity(live_host(w->save->live), &request, identity);
}

/* The identity of what the file said so far, before its index is replaced. Where it said nothing, none. */
static struct error *remember_identity(const struct work *w, struct live_function *function)
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
	e = identity_of(w, function, text, line, function->saved.live);
	if (!e && !function->unsure)
		memcpy(function->saved.built, function->saved.live, sizeof(function->saved.built));
	free(text);
	return e;
}

/* The first thing that is wrong with the save is what is told. Takes the message and the findings. */
static void refuse(struct work *w, char *message, const char *file, struct check_result *findings)
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

static void refuse_for(struct work *w, struct error *e, const char *file)
{
	refuse(w, strdup(error_message(e)), file, NULL);
	error_free(e);
}

/* What libclang says of a function's text, with something that is to stand before it, or NULL. */
static struct error *check_text(const struct work *w, const struct live_function *function, const char *text,
				unsigned line, const char *before, struct check_result *out)
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

/* The history says why, next to the function's versions. */
static void record_refusal(const struct work *w, struct live_function *function, const char *why)
{
	record_event(w->save->live, "refused", function, -1, w->save->user, why);
}

/* --- bodies alone ------------------------------------------------------------------------------------------------ */

static bool remember_all(const struct work *w, const struct bodies *bodies)
{
	for (size_t i = 0; i < bodies->count; i++) {
		struct error *e = remember_identity(w, bodies->items[i].function);
		if (e) {
			error_free(e);
			return false;
		}
	}
	return true;
}

/* The save in the small way: true if that was all there is to it. */
static bool take_bodies(struct work *w, struct source *s)
{
	struct bodies bodies = {0};
	size_t size;
	char *text = s->index->source ? text_read_file(s->unit->file, &size) : NULL;

	bool taken = text && size < UINT32_MAX / 2 && bodies_find(w->save->live, s, text, size, &bodies) &&
		     remember_all(w, &bodies) && bodies_apply(s, text, &bodies);
	for (size_t i = 0; taken && i < bodies.count; i++)
		add_candidate(w, bodies.items[i].function);
	bodies_fini(&bodies);
	free(text);
	return taken;
}

/* --- the same bytes again ------------------------------------------------------------------------------------------ */

static bool says_the_same(const struct source *s)
{
	size_t size;
	char *text = s->index->source ? text_read_file(s->unit->file, &size) : NULL;
	bool same = text && size == s->index->source_size && memcmp(text, s->index->source, size) == 0;

	free(text);
	return same;
}

static void is_of_file(void *context, const struct history_version *v)
{
	*(bool *)context = strcmp(v->origin, "file") == 0;
}

/* Whether the function was put back to what was built, or to what an older save said. What was typed at the console is newer
 * than the file and stays. */
static bool is_put_back(const struct work *w, struct live_function *function)
{
	bool of_file = false;

	if (!*function->saved.live || function->saved.pending_with)
		return false;
	if (live_plain(function) == 0)
		return *function->saved.built != '\0';
	if (function->row)
		error_free(history_find(live_history(w->save->live), function->row, live_plain(function),
					is_of_file, &of_file));
	return of_file;
}

/* Who saves a file as it is wants what it says: a save that was undone goes live again. */
static void take_again(struct work *w, const struct source *s)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != s->unit || !is_put_back(w, function))
			continue;
		size_t before = w->count;
		add_candidate(w, function);
		if (w->count > before)
			w->items[before].resaved = true;
	}
}

/* --- a whole file ------------------------------------------------------------------------------------------------ */

/* Decorated functions of the unit that the old index defines and the fresh one does not. */
static bool loses_functions(const struct work *w, const struct source *s, const struct index *fresh)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		const struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit == s->unit && !index_find_function(fresh, function->at.name, 0) &&
		    index_find_function(s->index, function->at.name, 0))
			return true;
	}
	return false;
}

static bool any_definition_touches(const struct difference *d, const struct index *ix, const char *name)
{
	const struct index_declaration *e;

	for (unsigned nth = 0; (e = index_find_function(ix, name, nth)); nth++)
		if (difference_touches(d, ix->text, e->begin, e->end))
			return true;
	return false;
}

/* A function's declaration as the index has it, as one for another file; NULL for an old-style one. The caller's. */
static char *copy_prototype(const struct index *ix, const char *name)
{
	const struct index_declaration *d = index_find_function(ix, name, 0);
	struct token_reader r;
	struct token t;
	struct text text = {0};

	if (!d || d->old_style)
		return NULL;
	token_reader_within(&r, ix->text, d->begin, d->body, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind != TOKEN_DIRECTIVE && !token_is(&r, &t, "static") && !token_is(&r, &t, "inline"))
			text_printf(&text, "%.*s ", (int)(t.end - t.begin), ix->text + t.begin);
	text_puts(&text, ";\n");
	return text_take(&text);
}

/* Every decorated function of the unit that may be another one in the new index. */
static struct error *find_candidates(struct work *w, struct source *s, const struct index *fresh,
				     struct difference *d)
{
	for (size_t i = 0; i < live_count(w->save->live) && !w->failed; i++) {
		struct live_function *function = live_function(w->save->live, i);
		const char *name = function->at.name;
		if (function->at.unit != s->unit)
			continue;
		if (!function->saved.edited && !difference_has(d, name, strlen(name)) &&
		    !any_definition_touches(d, fresh, name))
			continue;
		struct error *e = remember_identity(w, function);
		if (e)
			return e;
		if (!function->saved.prototype && difference_kinds(d, name, strlen(name)) & DIFFERENCE_HEAD)
			function->saved.prototype = copy_prototype(s->index, name);
		add_candidate(w, function);
	}
	return w->failed ? error_memory() : NULL;
}

/* What came with a save before goes on waiting with this one, which is refused, too. */
static void carry_over(const struct work *w, unsigned before)
{
	if (!before || before == w->save->number)
		return;
	for (size_t i = 0; i < live_count(w->save->live); i++)
		if (live_function(w->save->live, i)->saved.pending_with == before)
			live_function(w->save->live, i)->saved.pending_with = w->save->number;
	for (size_t i = 0; i < w->save->count; i++) {
		struct save_source *s = &w->save->sources[i];
		if (!s->touched && s->refusal == before) /* those that are have their own turn */
			s->refusal = w->save->number;
		if (!s->touched && s->put_off == before)
			s->put_off = w->save->number;
	}
}

static void refuse_source(const struct work *w, struct save_source *ss)
{
	carry_over(w, ss->refusal);
	ss->refusal = w->save->number;
}

/* Marks what the broken file changed, for all to see; their texts count when the file is whole again. */
static void blame(struct work *w, const struct source *s, const struct index *fresh,
		  const struct difference *d, const struct check_result *findings)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		const char *name = function->at.name;
		if (function->at.unit != s->unit)
			continue;
		const struct index_declaration *e = index_find_function(fresh, name, 0);
		bool blamed = e && difference_has(d, name, strlen(name));
		for (size_t k = 0; e && !blamed && k < findings->count; k++)
			blamed = strcmp(findings->diagnostics[k].file, function->at.file) == 0 &&
				 findings->diagnostics[k].line >= e->line &&
				 findings->diagnostics[k].line <= e->last_line;
		if (!blamed)
			continue;
		error_free(remember_identity(w, function));
		function->refused = true;
		*function->saved.pending = '\0';
		carry_over(w, function->saved.pending_with);
		function->saved.pending_with = w->save->number;
		record_refusal(w, function, findings->message);
	}
}

/* Nobody can tell what a file holds that cannot be read: none of its functions is what it says. */
static void blame_all(struct work *w, struct save_source *ss, const struct check_result *findings)
{
	const char *why = findings ? findings->message : w->out->message;

	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != ss->source->unit)
			continue;
		if (!function->refused)
			record_refusal(w, function, why);
		function->refused = true;
	}
}

/* It can be read again: what was refused for that alone is not. */
static void forgive_all(struct work *w, const struct save_source *ss)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != ss->source->unit || function->saved.pending_with)
			continue;
		if (function->refused)
			w->healed = ss->source->unit->file;
		function->refused = false;
	}
}

/* It does not even preprocess; the compiler says where. Takes what the preprocessor said. */
static void refuse_unreadable(struct work *w, struct save_source *ss, struct error *said)
{
	struct source *s = ss->source;
	struct check_result findings = {0};

	struct error *e = reread_review(w->reread, s, &findings);
	bool shown = !e && findings.failed;
	if (shown && !awaited_find(&ss->awaited, &s->flags, &findings))
		w->failed = true;
	if (shown) {
		char *message = findings.message;
		blame_all(w, ss, &findings);
		findings.message = NULL;
		refuse(w, message, s->unit->file, &findings);
		error_free(said);
	} else {
		refuse_for(w, said, s->unit->file);
		blame_all(w, ss, NULL);
		check_result_fini(&findings);
	}
	error_free(e);
	refuse_source(w, ss);
}

/* Whether the file as a whole is C, where that is in doubt. NULL and *broken, and the save refused, if it is not. */
static struct error *review(struct work *w, struct source *s, const struct index *fresh,
			    const struct difference *d, bool *broken)
{
	struct check_result findings = {0};

	w->reviews = true;
	struct error *e = reread_review(w->reread, s, &findings);
	if (e)
		return e;
	*broken = findings.failed;
	if (*broken) {
		blame(w, s, fresh, d, &findings);
		char *message = findings.message;
		findings.message = NULL;
		refuse(w, message, s->unit->file, &findings);
	} else {
		check_result_fini(&findings);
	}
	return NULL;
}

/* Compares the file as it is with what it was. *broken: it is no C now, the save is refused and the old index stays. */
static struct error *compare(struct work *w, struct source *s, const struct index *fresh,
			     struct decorators *entries, bool *broken)
{
	struct difference *d;

	struct error *e = difference_new(s->index, fresh, &d);
	if (e)
		return e;
	struct changed changed = {.live = w->save->live, .source = s, .fresh = fresh, .entries = entries};
	difference_each(d, changed_add, &changed);
	if (changed.any || difference_is_nameless(d) || loses_functions(w, s, fresh))
		e = review(w, s, fresh, d, broken);
	if (!e && !*broken) /* a broken file says nothing that can be relied on */
		e = changed_note(&changed, &w->notes);
	changed_fini(&changed);
	if (!e && !*broken) {
		if (!decorators_note(w->save->live, s, fresh, entries, &w->notes))
			w->failed = true;
		e = difference_spread(d, decorators_have, entries);
	}
	if (!e && !*broken)
		e = find_candidates(w, s, fresh, d);
	difference_free(d);
	return e;
}

static void forget_edits(const struct work *w, const struct source *s)
{
	for (size_t i = 0; i < live_count(w->save->live); i++)
		if (live_function(w->save->live, i)->at.unit == s->unit)
			live_function(w->save->live, i)->saved.edited = false;
}

static struct error *take_file(struct work *w, struct save_source *ss)
{
	struct source *s = ss->source;
	struct decorators entries;
	struct index *fresh;
	bool broken = false;

	struct error *e = reread_take(w->reread, s, &fresh);
	if (e && error_class(e) == ERROR_COMPILE) {
		refuse_unreadable(w, ss, e);
		return NULL;
	}
	if (e || !fresh)
		return e;
	awaited_fini(&ss->awaited);
	forgive_all(w, ss);
	e = decorators_find(w->save->live, s, &entries) ? compare(w, s, fresh, &entries, &broken)
							: error_memory();
	decorators_fini(&entries);
	if (e || broken) {
		index_free(fresh);
		if (broken)
			refuse_source(w, ss);
		return e;
	}
	e = source_replace(s, fresh);
	if (!e)
		forget_edits(w, s);
	return e;
}

/* --- what goes live ---------------------------------------------------------------------------------------------- */

/* Another followed source that defines the function now, or NULL. */
static const char *find_new_home(const struct work *w, const struct live_function *function)
{
	for (size_t i = 0; i < w->save->count; i++) {
		const struct source *s = w->save->sources[i].source;
		if (s->unit != function->at.unit && index_find_function(s->index, function->at.name, 0))
			return s->unit->file;
	}
	return NULL;
}

static void note_gone(struct work *w, struct live_function *function)
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
static struct error *read_candidate(struct work *w, struct candidate *c, bool *gone)
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
	return e ? e : identity_of(w, c->function, c->text, c->line, c->identity);
}

static void copy_hash(void *context, const struct history_version *v)
{
	snprintf(context, 33, "%s", v->slice_hash);
}

/* Whether what runs is what the file says now, though not by way of the file: written back, or rolled back. */
static bool runs_already(const struct work *w, const struct candidate *c)
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

static bool is_group(const unsigned *groups, size_t count, unsigned group)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* A set of saves that this one touches: what they held is tried again. */
struct groups {
	unsigned *numbers;
	size_t count;
};

static void add_group(struct work *w, struct groups *g, unsigned number)
{
	if (!number || is_group(g->numbers, g->count, number))
		return;
	unsigned *more = realloc(g->numbers, (g->count + 1) * sizeof(*more));
	if (!more) {
		w->failed = true;
		return;
	}
	g->numbers = more;
	more[g->count++] = number;
}

/* Everything that came with one of these. */
static void add_pending(struct work *w, const struct groups *g)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->saved.pending_with &&
		    is_group(g->numbers, g->count, function->saved.pending_with))
			add_candidate(w, function);
	}
}

/* Drops candidates that are what they were; what a refused save held comes along as soon as one of it changes. */
static struct error *settle_candidates(struct work *w, struct groups *g)
{
	size_t kept = 0;

	add_pending(w, g);
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
			     !is_group(g->numbers, g->count, c.function->saved.pending_with);
		if (!again && c.function->saved.pending_with) {
			add_group(w, g, c.function->saved.pending_with);
			add_pending(w, g); /* behind this one */
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

static void mark_pending(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct live_function *function = w->items[i].function;
		function->saved.pending_with = w->save->number;
		memcpy(function->saved.pending, w->items[i].identity, sizeof(function->saved.pending));
	}
}

static void mark_refused(struct work *w)
{
	mark_pending(w);
	for (size_t i = 0; i < w->count; i++) {
		w->items[i].function->refused = true;
		record_refusal(w, w->items[i].function, w->out->message);
	}
	w->out->kind = "refused";
}

/* The program goes on calling the function as it was built, whatever its file declares by now. */
static struct error *check_prototype(struct work *w, const struct candidate *c)
{
	const char *prototype = c->function->saved.prototype;
	struct check_result findings = {0};

	struct error *e = check_text(w, c->function, c->text, c->line, prototype, &findings);
	if (!e && findings.failed)
		e = attempt_refuse(c->function, &findings, &w->out->outcome);
	check_result_fini(&findings);
	return e;
}

static struct error *check_prototypes(struct work *w)
{
	struct error *e = NULL;

	for (size_t i = 0; i < w->count && !e; i++)
		if (w->items[i].function->saved.prototype)
			e = check_prototype(w, &w->items[i]);
	return e;
}

/* Held until the compiler has run; what was refused of it before is not any more. */
static void wait_for_compiler(struct work *w)
{
	mark_pending(w);
	for (size_t i = 0; i < w->count; i++)
		w->items[i].function->refused = false;
	w->out->kind = "waits";
}

static void go_live(struct work *w)
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
		mark_refused(w);
		return;
	}
	for (size_t i = 0; i < w->count; i++) {
		memcpy(w->items[i].function->saved.live, w->items[i].identity, sizeof(w->items[i].identity));
		heal(w->items[i].function);
	}
	w->out->kind = "live";
}

static void hold(struct work *w)
{
	mark_pending(w);
	w->out->kind = "held";
}

/* What was saved while saves were passed over. */
static void release(struct work *w, struct groups *g)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		const struct live_function *function = live_function(w->save->live, i);
		if (!function->refused)
			add_group(w, g, function->saved.pending_with);
	}
}

/* Who saves once more what was refused is told why once more; what it was refused for may be mended elsewhere. */
static void try_again(struct work *w, const struct source *s, struct groups *g)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		const struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit == s->unit && function->refused)
			add_group(w, g, function->saved.pending_with);
	}
}

static void take_source(struct work *w, struct save_source *ss, struct groups *g)
{
	unsigned before = ss->refusal;

	if (ss->only_itself && !before && says_the_same(ss->source)) {
		take_again(w, ss->source);
		try_again(w, ss->source, g);
		return;
	}
	/* After a refusal the file is read anew: the index is older than what was saved last. */
	if (ss->only_itself && !before && take_bodies(w, ss->source))
		return;
	struct error *e = take_file(w, ss);
	if (e)
		refuse_for(w, e, ss->source->unit->file);
	else if (ss->refusal == before) {
		ss->refusal = 0;
		add_group(w, g, before);
		if (before)
			w->healed = ss->source->unit->file;
	}
}

static bool is_other_file(void *context, const char *path)
{
	return strcmp(context, path) != 0;
}

/* Whether the save is refused already, for an error in a header that this source includes as well: it would be the same
 * once more, for each of them. The source is read when that is mended. */
static bool shares_fault(const struct work *w, struct save_source *ss)
{
	if (!w->fault || strcmp(w->fault, ss->source->unit->file) == 0 ||
	    source_each_file(ss->source, is_other_file, w->fault))
		return false;
	refuse_source(w, ss);
	return true;
}

/* Why what the function is now cannot be, if a type is laid out in another way than in the program; NULL: it is none. */
static struct error *check_layouts(struct work *w, const struct live_function *function)
{
	struct check_result findings = {0};
	char identity[33], *text = NULL;
	unsigned line;

	struct error *e = texts_of_file(w->save->live, function, &text, &line);
	if (!e)
		e = identity_of(w, function, text, line, identity);
	if (!e && strcmp(identity, function->saved.live) != 0)
		e = check_text(w, function, text, line, NULL, &findings);
	free(text);
	error_free(e); /* whoever makes it live has that again */
	e = findings.failed && findings.class == ERROR_LAYOUT
		    ? attempt_refuse(function, &findings, &w->out->outcome)
		    : NULL;
	check_result_fini(&findings);
	return e;
}

/* A source that was not saved itself has functions that cannot be: a header lays a type out in another way than the program has
 * it, and would for all that include it. They are read when it is mended. */
static void look_for_layouts(struct work *w, const struct source *s)
{
	for (size_t i = 0; i < w->count && !w->refused; i++) {
		if (w->items[i].function->at.unit != s->unit)
			continue;
		struct error *e = check_layouts(w, w->items[i].function);
		if (!e)
			continue;
		w->refused = w->puts_off = true;
		w->out->message = strdup(error_message(e));
		error_free(e);
	}
}

/* None of its functions is known to be what the file says now. */
static void put_off(const struct work *w, struct save_source *ss)
{
	refuse_source(w, ss);
	ss->put_off = w->save->number;
	for (size_t i = 0; i < live_count(w->save->live); i++)
		if (live_function(w->save->live, i)->at.unit == ss->source->unit)
			live_function(w->save->live, i)->refused = true;
}

static bool is_last_touched(const struct work *w, const struct save_source *ss)
{
	for (const struct save_source *s = ss + 1; s < w->save->sources + w->save->count; s++)
		if (s->touched)
			return false;
	return true;
}

/* Sources that a header's save has touched: the first was taken, and all others will be. */
static void read_ahead(struct work *w, const struct save_source *ss)
{
	const struct save_source *end = w->save->sources + w->save->count;
	struct source **sources = calloc((size_t)(end - ss), sizeof(*sources));
	size_t count = 0;

	for (; sources && ss < end; ss++)
		if (ss->touched && !ss->only_itself)
			sources[count++] = ss->source;
	if (count > 1)
		w->reread = reread_begin(sources, count, w->reviews);
	free(sources);
}

static void take_touched(struct work *w, struct save_source *ss, struct groups *g)
{
	size_t before = w->count;

	ss->put_off = 0;
	if (w->puts_off)
		put_off(w, ss);
	if (w->puts_off || shares_fault(w, ss))
		return;
	if (w->taken && !w->reread && !w->refused && !ss->only_itself)
		read_ahead(w, ss);
	bool looks = !w->looked && !w->refused && !w->save->hold && !ss->only_itself &&
		     !is_last_touched(w, ss) && says_the_same(ss->source);
	take_source(w, ss, g);
	w->taken |= !ss->only_itself;
	if (!looks || w->count == before)
		return;
	look_for_layouts(w, ss->source);
	w->looked = true; /* the first tells for all: mostly there is no such thing */
}

/* What a source says that was saved before it was first read. There is no text to compare it with but what the history
 * has: everything else is taken as new, which is right whatever it was before. */
static void take_missed(struct work *w, struct save_source *ss)
{
	size_t before = w->count;

	ss->missed = false;
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != ss->source->unit || !texts_missed(w->save->live, function))
			continue;
		*function->saved.live = *function->saved.built = '\0';
		add_candidate(w, function);
	}
	struct error *e = program_takes(live_program(w->save->live), w->count);
	if (!e)
		return;
	error_free(e);
	w->count = before;
	text_printf(
		&w->notes,
		"%s was saved before it was first read, and has more functions than can be made live in one "
		"go: those that are saved from now on are\n",
		text_base_name(ss->source->unit->file));
}

/* What was put off with what the save makes live now. True if there was any. */
static bool take_put_off(struct work *w, struct groups *g)
{
	bool any = false;

	for (size_t i = 0; i < w->save->count; i++) {
		struct save_source *ss = &w->save->sources[i];
		if (ss->touched || !ss->put_off || !is_group(g->numbers, g->count, ss->put_off))
			continue;
		ss->touched = any = true;
		ss->only_itself = false;
	}
	reread_end(w->reread);
	w->reread = NULL;
	for (size_t i = 0; i < w->save->count; i++) {
		struct save_source *ss = &w->save->sources[i];
		if (!ss->touched || !ss->put_off)
			continue;
		take_touched(w, ss, g);
		if (ss->missed && !ss->refusal)
			take_missed(w, ss);
	}
	return any;
}

void save_take(const struct save *save, struct save_result *out)
{
	struct work w = {.save = save, .out = out};
	struct groups groups = {0};

	*out = (struct save_result){.kind = "unchanged"};
	for (size_t i = 0; i < save->count; i++)
		if (save->sources[i].touched)
			take_touched(&w, &save->sources[i], &groups);
	for (size_t i = 0; i < save->count; i++)
		if (save->sources[i].touched && save->sources[i].missed && !save->sources[i].refusal)
			take_missed(&w, &save->sources[i]);
	if (save->release)
		release(&w, &groups);
	struct error *e = w.failed ? error_memory() : settle_candidates(&w, &groups);
	while (!e && !w.refused && take_put_off(&w, &groups))
		e = settle_candidates(&w, &groups);
	if (e)
		refuse_for(&w, e, w.count ? w.items[0].function->at.file : "");
	if (w.refused)
		mark_refused(&w);
	else if (w.count && save->hold)
		hold(&w);
	else if (w.count)
		go_live(&w);
	else if (w.healed)
		text_printf(&w.notes, "%s is in order again and changes nothing\n",
			    text_base_name(save->refused ? save->refused : w.healed));
	out->notes = text_take(&w.notes);
	free(groups.numbers);
	reread_end(w.reread);
	work_fini(&w);
}
