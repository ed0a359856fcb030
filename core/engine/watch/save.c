#include "save.h"
#include "attempt.h"
#include "bodies.h"
#include "candidates.h"
#include "changed.h"
#include "decorators.h"
#include "difference.h"
#include "misread.h"
#include "texts.h"

#include <stdlib.h>
#include <string.h>

void save_result_fini(struct save_result *r)
{
	change_outcome_fini(&r->outcome);
	free(r->message);
	free(r->notes);
	free(r->file);
	*r = (struct save_result){0};
}

/* --- bodies alone ------------------------------------------------------------------------------------------------ */

static bool remember_all(const struct save_work *w, const struct bodies *bodies)
{
	for (size_t i = 0; i < bodies->count; i++) {
		struct error *e = save_work_remember(w, bodies->items[i].function);
		if (e) {
			error_free(e);
			return false;
		}
	}
	return true;
}

/* The save in the small way: true if that was all there is to it. */
static bool take_bodies(struct save_work *w, struct source *s)
{
	struct bodies bodies = {0};
	size_t size;
	char *text = s->index->source ? text_read_file(s->unit->file, &size) : NULL;

	bool taken = text && size < UINT32_MAX / 2 && bodies_find(w->save->live, s, text, size, &bodies) &&
		     remember_all(w, &bodies) && bodies_apply(s, text, &bodies);
	for (size_t i = 0; taken && i < bodies.count; i++)
		save_work_add(w, bodies.items[i].function);
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
static bool is_put_back(const struct save_work *w, struct live_function *function)
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
static void take_again(struct save_work *w, const struct source *s)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != s->unit || !is_put_back(w, function))
			continue;
		size_t before = w->count;
		save_work_add(w, function);
		if (w->count > before)
			w->items[before].resaved = true;
	}
}

/* --- a whole file ------------------------------------------------------------------------------------------------ */

/* Decorated functions of the unit that the old index defines and the fresh one does not. */
static bool loses_functions(const struct save_work *w, const struct source *s, const struct index *fresh)
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
static struct error *find_candidates(struct save_work *w, struct source *s, const struct index *fresh,
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
		struct error *e = save_work_remember(w, function);
		if (e)
			return e;
		if (!function->saved.prototype && difference_kinds(d, name, strlen(name)) & DIFFERENCE_HEAD)
			function->saved.prototype = copy_prototype(s->index, name);
		save_work_add(w, function);
	}
	return w->failed ? error_memory() : NULL;
}

/* What came with a save before goes on waiting with this one, which is refused, too. */
static void carry_over(const struct save_work *w, unsigned before)
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

static void refuse_source(const struct save_work *w, struct save_source *ss)
{
	carry_over(w, ss->refusal);
	ss->refusal = w->save->number;
}

/* Marks what the broken file changed, for all to see; their texts count when the file is whole again. */
static void blame(struct save_work *w, const struct source *s, const struct index *fresh,
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
		error_free(save_work_remember(w, function));
		function->refused = true;
		*function->saved.pending = '\0';
		carry_over(w, function->saved.pending_with);
		function->saved.pending_with = w->save->number;
		save_work_record(w, function, findings->message);
	}
}

/* Nobody can tell what a file holds that cannot be read: none of its functions is what it says. */
static void blame_all(struct save_work *w, struct save_source *ss, const struct check_result *findings)
{
	const char *why = findings ? findings->message : w->out->message;

	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != ss->source->unit)
			continue;
		if (!function->refused)
			save_work_record(w, function, why);
		function->refused = true;
	}
}

/* It can be read again: what was refused for that alone is not. */
static void forgive_all(struct save_work *w, const struct save_source *ss)
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
static void refuse_unreadable(struct save_work *w, struct save_source *ss, struct error *said)
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
		save_work_refuse(w, message, s->unit->file, &findings);
		error_free(said);
	} else {
		save_work_refuse_for(w, said, s->unit->file);
		blame_all(w, ss, NULL);
		check_result_fini(&findings);
	}
	error_free(e);
	refuse_source(w, ss);
}

/* Whether the file as a whole is C, where that is in doubt. NULL and *broken, and the save refused, if it is not. */
static struct error *review(struct save_work *w, struct source *s, const struct index *fresh,
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
		save_work_refuse(w, message, s->unit->file, &findings);
	} else {
		check_result_fini(&findings);
	}
	return NULL;
}

/* Compares the file as it is with what it was. *broken: it is no C now, the save is refused and the old index stays. */
static struct error *compare(struct save_work *w, struct source *s, const struct index *fresh,
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

static void forget_edits(const struct save_work *w, const struct source *s)
{
	for (size_t i = 0; i < live_count(w->save->live); i++)
		if (live_function(w->save->live, i)->at.unit == s->unit)
			live_function(w->save->live, i)->saved.edited = false;
}

/* What stands in files that the source includes, or was made of with #line, is told by their text (extent.h), which the old index
 * has as it was. A grammar is saved before what is generated of it: what the source said so far is lost by then. */
static struct error *remember_included(const struct save_work *w, const struct source *s)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		unsigned nth;
		const struct index_declaration *d =
			function->at.unit == s->unit ? source_definition(s, &function->at, &nth) : NULL;
		struct error *e = d && s->index->file_texts[d->file] ? save_work_remember(w, function) : NULL;
		if (e)
			return e;
	}
	return NULL;
}

static struct error *take_file(struct save_work *w, struct save_source *ss)
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
	e = remember_included(w, s);
	if (e) {
		index_free(fresh);
		return e;
	}
	e = source_replace(s, fresh);
	if (!e)
		forget_edits(w, s);
	return e;
}

/* --- all sources that the save touches ---------------------------------------------------------------------------- */

/* Who saves once more what was refused is told why once more; what it was refused for may be mended elsewhere. */
static void try_again(struct save_work *w, const struct source *s)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		const struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit == s->unit && function->refused)
			save_work_add_group(w, function->saved.pending_with);
	}
}

static void take_source(struct save_work *w, struct save_source *ss)
{
	unsigned before = ss->refusal;

	misread_look(live_target(w->save->live), ss->source);
	if (ss->only_itself && !before && says_the_same(ss->source)) {
		take_again(w, ss->source);
		try_again(w, ss->source);
		return;
	}
	/* After a refusal the file is read anew: the index is older than what was saved last. */
	if (ss->only_itself && !before && take_bodies(w, ss->source))
		return;
	struct error *e = take_file(w, ss);
	if (e)
		save_work_refuse_for(w, e, ss->source->unit->file);
	else if (ss->refusal == before) {
		ss->refusal = 0;
		save_work_add_group(w, before);
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
static bool shares_fault(const struct save_work *w, struct save_source *ss)
{
	if (!w->fault || strcmp(w->fault, ss->source->unit->file) == 0 ||
	    source_each_file(ss->source, is_other_file, w->fault))
		return false;
	refuse_source(w, ss);
	return true;
}

/* Why what the function is now cannot be, if a type is laid out in another way than in the program; NULL: it is none. */
static struct error *check_layouts(struct save_work *w, const struct live_function *function)
{
	struct check_result findings = {0};
	char identity[33], *text = NULL;
	unsigned line;

	struct error *e = texts_of_file(w->save->live, function, &text, &line);
	if (!e)
		e = save_work_identity(w, function, text, line, identity);
	if (!e && strcmp(identity, function->saved.live) != 0)
		e = save_work_check(w, function, text, line, NULL, &findings);
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
static void look_for_layouts(struct save_work *w, const struct source *s)
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
static void put_off(const struct save_work *w, struct save_source *ss)
{
	refuse_source(w, ss);
	ss->put_off = w->save->number;
	for (size_t i = 0; i < live_count(w->save->live); i++)
		if (live_function(w->save->live, i)->at.unit == ss->source->unit)
			live_function(w->save->live, i)->refused = true;
}

static bool is_last_touched(const struct save_work *w, const struct save_source *ss)
{
	for (const struct save_source *s = ss + 1; s < w->save->sources + w->save->count; s++)
		if (s->touched)
			return false;
	return true;
}

/* Sources that a header's save has touched: the first was taken, and all others will be. */
static void read_ahead(struct save_work *w, const struct save_source *ss)
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

static void take_touched(struct save_work *w, struct save_source *ss)
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
	take_source(w, ss);
	w->taken |= !ss->only_itself;
	if (!looks || w->count == before)
		return;
	look_for_layouts(w, ss->source);
	w->looked = true; /* the first tells for all: mostly there is no such thing */
}

/* What a source says that was saved before it was first read. There is no text to compare it with but what the history
 * has: everything else is taken as new, which is right whatever it was before. */
static void take_missed(struct save_work *w, struct save_source *ss)
{
	size_t before = w->count;

	ss->missed = false;
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		struct live_function *function = live_function(w->save->live, i);
		if (function->at.unit != ss->source->unit || !texts_missed(w->save->live, function))
			continue;
		*function->saved.live = *function->saved.built = '\0';
		save_work_add(w, function);
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
static bool take_put_off(struct save_work *w)
{
	bool any = false;

	for (size_t i = 0; i < w->save->count; i++) {
		struct save_source *ss = &w->save->sources[i];
		if (ss->touched || !ss->put_off || !save_work_has_group(w, ss->put_off))
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
		take_touched(w, ss);
		if (ss->missed && !ss->refusal)
			take_missed(w, ss);
	}
	return any;
}

/* What was saved while saves were passed over. */
static void release(struct save_work *w)
{
	for (size_t i = 0; i < live_count(w->save->live); i++) {
		const struct live_function *function = live_function(w->save->live, i);
		if (!function->refused)
			save_work_add_group(w, function->saved.pending_with);
	}
}

void save_take(const struct save *save, struct save_result *out)
{
	struct save_work w = {.save = save, .out = out};

	*out = (struct save_result){.kind = "unchanged"};
	for (size_t i = 0; i < save->count; i++)
		if (save->sources[i].touched)
			take_touched(&w, &save->sources[i]);
	for (size_t i = 0; i < save->count; i++)
		if (save->sources[i].touched && save->sources[i].missed && !save->sources[i].refusal)
			take_missed(&w, &save->sources[i]);
	if (save->release)
		release(&w);
	struct error *e = w.failed ? error_memory() : candidates_settle(&w);
	while (!e && !w.refused && take_put_off(&w))
		e = candidates_settle(&w);
	if (e)
		save_work_refuse_for(&w, e, w.count ? w.items[0].function->at.file : "");
	if (w.refused)
		candidates_refuse(&w);
	else if (w.count && save->hold)
		candidates_hold(&w);
	else if (w.count)
		candidates_go_live(&w);
	else if (w.healed)
		text_printf(&w.notes, "%s is in order again and changes nothing\n",
			    text_base_name(save->refused ? save->refused : w.healed));
	out->notes = text_take(&w.notes);
	reread_end(w.reread);
	save_work_fini(&w);
}
