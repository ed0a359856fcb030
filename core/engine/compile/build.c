#include "build.h"
#include "adapt.h"
#include "binding.h"
#include "claims.h"
#include "clock.h"
#include "directives.h"
#include "extent.h"
#include "given.h"
#include "misread.h"
#include "near.h"
#include "opinion.h"
#include "result.h"
#include "run.h"
#include "text.h"
#include "trust.h"
#include "uses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* --- the slice's questions ------------------------------------------------------------------------------------- */

struct view {
	const struct build_host *host;
	const struct build_request *request;
	struct build *build;
};

static struct index *index_of(const struct build *b)
{
	return b->request->index ? b->request->index : b->source->index;
}

/* An optimiser that sees all callers of a static function fits it to them: what they never pass it need not
 * handle, and clang even takes arguments away, all under its old name. New code must not call that, so the function
 * comes with its body. Where its address is taken there may be callers unseen, and it is kept as it was written. */
static bool is_fitted(const struct view *v, const char *name)
{
	const struct target_unit *unit = v->request->function->unit;

	return unit && unit->optimized && !strstr(unit->producer, "-flive-patching") &&
	       !uses_take_address(index_of(v->build), name);
}

/* A variable that the program's code changed, or would have, or a pointer that it knows things by: a new copy would not
 * have its value. Said to be there, so that a reference to it is found by the link, and a name that only looks like it does
 * no harm. */
static bool is_lost(const struct view *v, const char *name)
{
	const struct target_unit *unit = v->request->function->unit;

	if (!unit || !target_has_lost(v->host->target, unit, name))
		return false;
	struct index *ix = index_of(v->build);
	return uses_compare(ix, name) || (uses_change(ix, name) && source_reads(v->build->source, name));
}

/* One that is only ever written: its compiler left it out because no one could see it. It begins anew with what the text
 * says. */
static bool is_unseen(const struct view *v, const char *name)
{
	const struct target_unit *unit = v->request->function->unit;

	return unit && target_has_lost(v->host->target, unit, name) && uses_change(index_of(v->build), name);
}

static bool local_static(void *context, const char *function, const char *name, unsigned nth, uint64_t *size)
{
	const struct view *v = context;
	const struct target_unit *unit = v->request->function->unit;
	struct target_symbol symbol;

	if (!target_find_helper_local(v->host->target, unit, function, name, nth, &symbol)) {
		*size = 0; /* lost: a reference to it, that the link refuses */
		return target_has_lost_helper_local(v->host->target, unit, function, name, nth);
	}
	*size = symbol.size;
	return true;
}

/* A decorated function is called through its entry, fitted or not: REALTIMEFUNC keeps compilers from it, the flag for a
 * whole file does not. */
static void note_fitted(const struct view *v, const char *name)
{
	const struct target_unit *unit = v->request->function->unit;
	struct target_symbol symbol;

	if (!unit || !unit->optimized ||
	    !(unit->clang || strstr(unit->producer, "-fpatchable-function-entry")))
		return;
	if (strcmp(name, v->request->function->name) == 0 ||
	    text_has_line(&v->build->fitted, name, strlen(name)))
		return;
	if (target_find(v->host->target, unit, name, &symbol) && symbol.internal && is_fitted(v, name) &&
	    !extent_is_decorated(index_of(v->build), name))
		text_printf(&v->build->fitted, "%s\n", name);
}

/* New code cannot call what was built of it, which clang fitted to its callers: they do not pass it what it is written to take, or
 * know what it returns, and it does not say so any more. */
static bool is_called_otherwise(const struct view *v, const char *name)
{
	const struct target_unit *unit = v->request->function->unit;
	struct target_symbol symbol;
	struct target_function f;

	if (!unit || !unit->clang || !unit->optimized || strcmp(name, v->request->function->name) == 0 ||
	    !target_find(v->host->target, unit, name, &symbol) || !symbol.internal ||
	    !target_function_at(v->host->target, symbol.address, &f))
		return false;
	return target_passes_otherwise(v->host->target, &f) ||
	       (!v->host->versions.redefined(v->host->versions.context, unit, name) &&
		!extent_is_decorated(index_of(v->build), name) &&
		result_is_constant(index_of(v->build), name));
}

/* Whether what the program has under that name is another unit's: this one's file makes it a static one of its own, say in
 * a header, which nothing used when it was built. */
static bool is_anothers(const struct view *v, const char *name)
{
	const struct target_unit *unit = v->request->function->unit;
	const struct index *ix = index_of(v->build);
	uint32_t i = index_find(ix, INDEX_ORDINARY, name, strlen(name));

	return unit && i != INDEX_NONE && ix->declarations[ix->names[i].declaration].is_static &&
	       strcmp(name, v->request->function->name) != 0 && !target_declares(v->host->target, unit, name);
}

static enum slice_presence presence(void *context, const char *name)
{
	const struct view *v = context;
	const struct target_unit *unit = v->request->function->unit;
	bool anothers = is_anothers(v, name);
	struct target_symbol symbol;
	uint64_t address, size;

	if (!anothers && v->host->versions.entry(v->host->versions.context, unit, name, &address)) {
		if (is_called_otherwise(v, name))
			return SLICE_ABSENT;
		note_fitted(v, name);
		return SLICE_DECORATED;
	}
	/* The program's copy of what the file says otherwise by now is not what the text means, unless it is a variable:
	 * that keeps its value whatever its initialiser says. */
	if (!anothers && target_find(v->host->target, unit, name, &symbol)) {
		if (symbol.function && symbol.internal && is_fitted(v, name))
			return SLICE_ABSENT;
		bool by_text = symbol.function || source_is_constant(v->build->source, name);
		return by_text && source_has_changed(v->build->source, name) ? SLICE_ABSENT : SLICE_PRESENT;
	}
	if (v->host->versions.variable(v->host->versions.context, unit, NULL, name, 0, &address, &size))
		return SLICE_PRESENT;
	if (is_lost(v, name))
		return SLICE_PRESENT;
	if (is_unseen(v, name) && !text_has_line(&v->build->anew, name, strlen(name)))
		text_printf(&v->build->anew, "%s\n", name);
	return SLICE_ABSENT;
}

static bool bound(void *context, const char *variable, uint64_t *elements)
{
	const struct view *v = context;

	return target_find_bound(v->host->target, v->request->function->unit, variable, elements);
}

static bool layout(void *context, enum target_tag tag, const char *name, struct target_layout *out)
{
	const struct view *v = context;

	return target_find_layout(v->host->target, v->request->function->unit, tag, name, out);
}

static struct error *make_slice(const struct build_host *host, struct build *b, bool everything,
				const char *also)
{
	const struct build_request *q = b->request;
	struct view v = {.host = host, .request = q, .build = b};
	struct slice_names names = {.context = &v,
				    .presence = presence,
				    .bound = bound,
				    .layout = layout,
				    .local_static = local_static};
	struct slice_request request = {
		.index = index_of(b),
		.name = q->function->name,
		.text = q->text,
		.size = q->size,
		.line = q->line,
		.extra = q->extra,
		.extra_size = q->extra_size,
		.everything = everything,
		.also = also,
	};

	char *given = q->file ? given_name(b->source->flags.argv, q->file) : NULL;

	if (q->file && !given)
		return error_memory();
	request.file = given;
	source_definition(b->source, q->function, &request.nth);
	slice_fini(&b->slice);
	struct error *e = slice_new(&request, &names, &b->slice);
	free(given);
	return e;
}

struct error *build_identity(const struct build_host *host, const struct build_request *q, char hash[33])
{
	struct build b = {.request = q};

	struct error *e = sources_find(host->sources, q->function->unit, &b.source);
	if (!e)
		e = make_slice(host, &b, false, NULL);
	if (!e)
		memcpy(hash, b.slice.hash, sizeof(b.slice.hash));
	slice_fini(&b.slice);
	text_fini(&b.fitted);
	text_fini(&b.anew);
	return e;
}

/* --- checking -------------------------------------------------------------------------------------------------- */

static bool added(void *context, const char *name, uint64_t *size)
{
	const struct view *v = context;
	uint64_t address;

	return v->host->versions.variable(v->host->versions.context, v->request->function->unit, NULL, name,
					  0, &address, size);
}

static bool hidden(void *context, const char *name)
{
	const struct build_request *q = ((const struct view *)context)->request;
	uint64_t address;

	return q->resolve(q->context, name, &address);
}

static bool old_style(void *context, const char *name)
{
	const struct index_declaration *d =
		index_find_function(index_of(((const struct view *)context)->build), name, 0);

	return d && d->old_style;
}

static struct claims_program claims_program(struct view *v)
{
	return (struct claims_program){.target = v->host->target,
				       .function = v->request->function,
				       .added = added,
				       .hidden = v->request->resolve ? hidden : NULL,
				       .old_style = old_style,
				       .context = v};
}

static struct error *check_once(const struct build_host *host, struct build *b)
{
	const struct build_request *q = b->request;
	struct view v = {.host = host, .request = q, .build = b};
	struct claims_program program = claims_program(&v);

	b->slice.guards_held = claims_held(host->claims, &b->slice, &program);
	check_result_fini(&b->check);
	struct check_place place = {.file = q->given_file,
				    .line = q->given_line,
				    .declared_lines =
					    q->declared ? token_line(q->extra, (uint32_t)q->declared) : 0,
				    .declared_file = q->declared_file,
				    .extra_file = q->extra_file ? q->extra_file : q->given_file};
	return check_slice(host->check, &b->slice, q->function->name,
			   (const char *const *)b->source->flags.argv, &place, &b->check);
}

/* What libclang refuses the program's own compiler may know: gcc's extensions. Its word counts. */
static struct error *second_opinion(struct build *b, bool *accepted)
{
	static const char *const more[] = {"-xc", "-fsyntax-only", "-Werror=implicit-function-declaration",
					   "-", NULL};
	struct run_output output;
	const char **argv = flags_for_text(&b->source->flags, b->slice.text, more);

	if (!argv)
		return error_memory();
	struct error *e = run(argv, b->source->flags.directory, b->slice.text, &output);
	free(argv);
	if (e) {
		error_free(e); /* no compiler here: libclang's word stands */
		*accepted = false;
		return NULL;
	}
	*accepted = WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0;
	run_output_fini(&output);
	return NULL;
}

static bool is_declared(const struct index *ix, const char *name, size_t length)
{
	const char *tag = memchr(name, ' ', length);

	if (tag++)
		return index_find(ix, INDEX_TAG, tag, length - (size_t)(tag - name)) != INDEX_NONE;
	return index_find(ix, INDEX_ORDINARY, name, length) != INDEX_NONE ||
	       index_find_macro(ix, name, length, ix->size) != NULL;
}

/* Adds to `also` what the check missed and the file has; false if that is nothing new. */
static bool add_missing(const struct build *b, struct text *also)
{
	bool added = false;

	for (const char *at = b->check.missing; at && *at; at = strchr(at, '\n') + 1) {
		size_t length = strcspn(at, "\n");
		if (!is_declared(index_of(b), at, length) || text_has_line(also, at, length))
			continue;
		text_printf(also, "%.*s\n", (int)length, at);
		added = true;
	}
	return added;
}

/* The precise slice may lack what only shows when it is read: types that are looked into without naming a member, names
 * that a macro pastes together. Both are added on demand, a few times. */
static struct error *check_until_complete(const struct build_host *host, struct build *b)
{
	struct text also = {0};
	bool everything = false;

	if (b->request->also)
		text_puts(&also, b->request->also);
	struct error *e = NULL;
	for (int tries = 0; tries < 8; tries++) {
		e = make_slice(host, b, everything, also.bytes);
		if (!e && b->request->soon && !b->request->why_cc &&
		    !trust_flags((const char *const *)b->source->flags.argv, b->slice.text))
			compiler_begin(host->compiler, b->slice.text);
		if (!e)
			e = check_once(host, b);
		if (e || !b->check.failed)
			break;
		if (add_missing(b, &also))
			continue;
		if (!b->check.incomplete || everything)
			break;
		everything = true;
	}
	text_fini(&also);
	return e;
}

static bool has_flag(const struct build *b, const char *flag)
{
	for (char **word = b->source->flags.argv; *word; word++)
		if (strcmp(*word, flag) == 0)
			return true;
	return false;
}

/* Nobody splits the stack of a version: what does that is hidden in the program. */
static struct error *warn_of_split_stack(struct build *b)
{
	const struct build_request *q = b->request;
	char *message =
		strdup("the program is compiled with -fsplit-stack: this version, and what it calls in "
		       "libraries, takes the stack that is there and cannot ask for more");

	return check_warn(&b->check, q->given_file, q->given_line, q->text, q->size, 0, message);
}

/* What the text takes for granted of the program. */
static struct error *check_claims(const struct build_host *host, struct build *b)
{
	struct view v = {.host = host, .request = b->request, .build = b};
	struct claims_program program = claims_program(&v);
	struct CXTranslationUnitImpl *unit = check_unit(host->check);

	return unit ? claims_check(host->claims, unit, &b->slice, &program, &b->check) : NULL;
}

/* Behind what is wrong. Takes `why`, which may be NULL if there was no memory for it. */
static struct error *explain(struct build *b, char *why)
{
	char *more = NULL;

	if (why && asprintf(&more, "%s: %s", b->check.message, why) < 0)
		more = NULL;
	free(why);
	if (!more)
		return error_memory();
	free(b->check.message);
	b->check.message = more;
	return NULL;
}

/* What is wrong may be so because the file was read otherwise than it was compiled; or a type of it, which nobody has saved since
 * the program runs, is not as it was compiled. */
static struct error *explain_flags(struct build *b)
{
	const char *flags = source_other_flags(b->source);
	char *why;

	if (!b->check.failed)
		return NULL;
	if (b->source->misread)
		return explain(b, misread_tell(b->source));
	if (b->check.class != ERROR_LAYOUT || b->request->extra || !flags)
		return NULL;
	if (asprintf(&why, "if no file of %s has changed since, it was compiled with %s",
		     text_base_name(b->source->unit->file), flags) < 0)
		why = NULL;
	return explain(b, why);
}

struct error *build_check(const struct build_host *host, const struct build_request *q, struct build *b)
{
	int64_t start = clock_now_us();

	*b = (struct build){.request = q};
	if (target_passes_otherwise(host->target, q->function))
		return error_new(ERROR_SIGNATURE,
				 "%s: clang knew all of its callers, and built it to be passed other "
				 "arguments than it is written with: decorate it with REALTIMEFUNC, or "
				 "compile its file with -O0",
				 q->function->name);
	struct error *e = sources_find(host->sources, q->function->unit, &b->source);
	if (!e)
		misread_look(host->target, b->source);
	if (!e)
		e = check_until_complete(host, b);
	if (!e && b->check.failed && b->check.class == ERROR_COMPILE && opinion_may_differ(&b->check)) {
		bool accepted = false;
		e = second_opinion(b, &accepted);
		if (!e && accepted) {
			if (asprintf(&b->why_cc,
				     "libclang does not take what the program's compiler does: %s",
				     b->check.message) < 0)
				b->why_cc = NULL;
			b->check.failed = false;
			b->check.needs_cc = true;
			b->check.count = 0;
		}
	}
	if (!e && b->check.failed)
		e = near_tell(&b->check, index_of(b), q->text, q->size, check_unit(host->check));
	if (!e && !b->check.failed)
		e = check_claims(host, b);
	if (!e)
		e = explain_flags(b);
	if (!e && !b->check.failed && has_flag(b, "-fsplit-stack"))
		e = warn_of_split_stack(b);
	b->check_us = clock_now_us() - start;
	return e;
}

struct error *build_look(const struct build_host *host, const struct build_request *q, struct build *b)
{
	*b = (struct build){.request = q};
	struct error *e = sources_find(host->sources, q->function->unit, &b->source);
	return e ? e : check_until_complete(host, b);
}

struct error *build_replace_text(struct build *b, const char *text)
{
	const char *at = b->slice.text;
	struct text whole = {0};

	for (uint32_t line = 1; line < b->slice.user_line && at; line++)
		at = strchr(at, '\n') + 1;
	text_append(&whole, b->slice.text, (size_t)(at - b->slice.text));
	text_puts(&whole, text);
	size_t size = whole.size;
	char *bytes = text_take(&whole);
	if (!bytes)
		return error_memory();
	free(b->slice.text);
	b->slice.text = bytes;
	b->slice.size = size;
	return NULL;
}

/* --- compiling and linking ------------------------------------------------------------------------------------- */

static bool lost(void *context, const char *name)
{
	return is_lost(context, name);
}

static struct error *link_here(const struct build_host *host, struct build *b, size_t code_before,
			       size_t data_before)
{
	const struct build_request *q = b->request;
	struct view v = {.host = host, .request = q, .build = b};
	struct binding binding = {.program = host->program,
				  .target = host->target,
				  .versions = &host->versions,
				  .function = q->function,
				  .statics = &b->check.statics,
				  .by_libtcc = b->object.backend == BACKEND_TCC,
				  .asks = b->general_tls,
				  /* Through every module for one: that reads all their symbols. */
				  .scans = adapt_names_thread_locals(b->slice.text),
				  .resolve = q->resolve,
				  .resolve_context = q->context,
				  .lost = lost,
				  .lost_context = &v,
				  .added_tls = b->added_tls,
				  .library_tls = b->library_tls};
	struct link_names names = binding_names(&binding);
	struct link_region code, data;

	program_regions(host->program, q->arena, &code, &data);
	if (code.size < code_before || data.size < data_before)
		return error_new(ERROR_INTERNAL, "the arena is full");
	code = (struct link_region){code.view + code_before, code.address + code_before,
				    code.size - code_before};
	data = (struct link_region){data.view + data_before, data.address + data_before,
				    data.size - data_before};
	struct thread_room *room = program_thread_room(host->program);
	uint32_t mark = thread_room_mark(room);
	struct error *e = link_object(b->object.bytes, b->object.size, q->function->name, &names, &code,
				      &data, &b->link);
	b->added_tls = binding.added_tls;
	b->library_tls = binding.library_tls;
	if (binding.refusal && (!e || error_class(e) == ERROR_UNKNOWN)) {
		error_free(e);
		e = error_new(ERROR_LAYOUT, "%s", binding.refusal);
		link_result_fini(&b->link);
	}
	if (e)
		thread_room_forget(room, mark);
	free(binding.refusal);
	return e;
}

/* So that all of a function is in one piece, which has one image and one table of lines. The array is the caller's; NULL
 * without memory. */
static const char **cc_arguments(const struct build *b)
{
	const bool clang = b->request->function->unit->clang;
	const char *more[8];
	size_t count = 0;

	more[count++] =
		b->library_tls || b->general_tls ? "-ftls-model=global-dynamic" : "-ftls-model=initial-exec";
	if (b->general_tls)
		more[count++] = "-fPIC";
	if (b->plain_tls)
		more[count++] = "-O0";
	if (!clang) {
		more[count++] = "-mtls-dialect=gnu";
		more[count++] = "-fno-reorder-blocks-and-partition";
	}
	more[count] = NULL;
	return flags_for_text(&b->source->flags, b->slice.text, more);
}

struct error *build_compile_cc(struct build *b)
{
	const char **argv = cc_arguments(b);

	if (!argv)
		return error_memory();
	compile_object_fini(&b->object);
	struct error *e = compile_cc(b->slice.text, argv, b->source->flags.directory, &b->object, NULL);
	free(argv);
	return e;
}

/* The same from the engine's own thread. */
static struct error *compile_in_turn(const struct build_host *host, struct build *b)
{
	if (!b->request->patient || !host->turns)
		return build_compile_cc(b);
	const char **argv = cc_arguments(b);
	if (!argv)
		return error_memory();
	compile_object_fini(&b->object);
	int64_t before;
	struct error *e = turns_compile(host->turns, b->slice.text, argv, b->source->flags.directory,
					&b->object, &before);
	b->compile_us += before;
	free(argv);
	return e;
}

static void set_why(struct build *b, char *why)
{
	free(b->why_cc);
	b->why_cc = why;
}

/* The slice's text, or another in its place, as libtcc is to read it: NULL in *out if macros or what else is in the way. */
static struct error *adapt(const struct build_host *host, const struct build *b, char *text, char **out)
{
	struct slice slice = b->slice;
	CXTranslationUnit unit = NULL;

	*out = NULL;
	slice.text = text;
	slice.size = strlen(text);
	struct error *e = check_parse(host->check, &slice, (const char *const *)b->source->flags.argv, &unit);
	if (!e)
		e = adapt_text(unit, slice.text, slice.size, out);
	if (unit)
		clang_disposeTranslationUnit(unit);
	return e;
}

/* The slice's text behind the program's own preprocessor; NULL in *out if there is none. */
static struct error *preprocess(const struct build *b, char **out)
{
	static const char *const more[] = {"-xc", "-E", "-", NULL};
	const char **argv = flags_for_text(&b->source->flags, b->slice.text, more);
	struct run_output output;

	*out = NULL;
	if (!argv)
		return error_memory();
	struct error *e = run(argv, b->source->flags.directory, b->slice.text, &output);
	free(argv);
	if (e) {
		error_free(e); /* no compiler here: there is no such text */
		return NULL;
	}
	if (WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0) {
		*out = output.out;
		output.out = NULL;
	}
	run_output_fini(&output);
	return NULL;
}

/* What libtcc is to read in the place of the slice's text; NULL in *out: there is no such text. */
static struct error *put_for_tcc(const struct build_host *host, const struct build *b, bool preprocessed,
				 char **out)
{
	char *behind = NULL;
	struct error *e = preprocessed ? NULL : adapt(host, b, b->slice.text, out);

	if (e || (!preprocessed && *out))
		return e;
	e = preprocess(b, &behind);
	if (e || !behind)
		return e;
	if (!b->check.why_text) {
		*out = behind;
		return NULL;
	}
	e = adapt(host, b, behind, out);
	free(behind);
	return e;
}

/* Those of a library, and those that versions add, lie in blocks that code has to ask for; and where statics share a name
 * libtcc's are counted with the thread-local ones. */
static bool thread_locals_are_cc(const struct build *b)
{
	return adapt_names_thread_locals(b->slice.text) &&
	       (b->library_tls || b->general_tls || statics_share_names(&b->check.statics));
}

/* By libtcc, or a sentence in *why. */
static struct error *compile_tcc_text(const struct build_host *host, struct build *b, char **why)
{
	const bool preprocessed = directives_may_differ(b->slice.text, b->slice.size);
	char *text = NULL;

	if (!b->check.why_text && !preprocessed)
		return compiler_compile(host->compiler, b->slice.text, &b->object, why);
	struct error *e = thread_locals_are_cc(b) ? NULL : put_for_tcc(host, b, preprocessed, &text);
	if (!e && text)
		e = compiler_compile(host->compiler, text, &b->object, why);
	else if (!e)
		*why = strdup(b->check.why_text ? b->check.why_text
						: "libtcc is not trusted with its preprocessor lines");
	free(text);
	return e;
}

static struct error *compile(const struct build_host *host, struct build *b)
{
	const char *flag = trust_flags((const char *const *)b->source->flags.argv, b->slice.text);

	if (b->request->why_cc) {
		set_why(b, strdup(b->request->why_cc));
	} else if (flag && !b->why_cc) {
		char *why;
		set_why(b, asprintf(&why, "the program is compiled with %s, which libtcc does not know",
				    flag) < 0
				   ? NULL
				   : why);
	} else if (!b->check.needs_cc) {
		char *why = NULL;
		struct error *e = compile_tcc_text(host, b, &why);
		if (e || !why)
			return e;
		set_why(b, why);
	} else if (!b->why_cc) {
		set_why(b, strdup(b->check.why_cc ? b->check.why_cc : "libtcc is not trusted with it"));
	}
	return compile_in_turn(host, b);
}

/* Thread-local variables that versions add are in no block that the loader knows: code must ask for each. Optimised code
 * that asks once for all of its static ones cannot reach those of the program too: then without. */
static struct error *link_added(const struct build_host *host, struct build *b, struct error *e,
				size_t code_before, size_t data_before)
{
	b->general_tls = true;
	for (int tries = 0; e && tries < 2; tries++) {
		error_free(e);
		link_result_fini(&b->link);
		b->plain_tls = tries > 0;
		e = compile_in_turn(host, b);
		if (e && turns_lack(host->turns))
			break;
		if (!e)
			e = link_here(host, b, code_before, data_before);
	}
	return e;
}

/* What the source declares the program should have: else the build has left it out, or the source was read otherwise than it
 * was built. */
static struct error *explain_missing(const struct build_host *host, const struct build *b, struct error *e)
{
	char *const *missing = b->link.unresolved;
	const char *doubt = source_doubt(b->source), *file = NULL;
	struct error *more = NULL;

	if (error_class(e) != ERROR_UNKNOWN || !missing || !*missing ||
	    !is_declared(b->source->index, *missing, strlen(*missing)))
		return e;
	for (char *const *name = missing; *name && !more; name++)
		if ((file = target_defining_file(host->target, b->request->function->unit, *name)))
			more = error_new(
				ERROR_UNKNOWN,
				"%s: %s defines %s, but the build inlined it wherever it is used, or "
				"left it out (-flto): without -flto it is there",
				error_message(e), file, *name);
	if (!more && doubt)
		more = error_new(ERROR_UNKNOWN, "%s, which %s declares: %s", error_message(e),
				 b->source->index->file, doubt);
	if (!more)
		return e;
	error_free(e);
	return more;
}

struct error *build_link(const struct build_host *host, struct build *b, size_t *code_before,
			 size_t *data_before)
{
	int64_t start = clock_now_us();
	bool in_program;

	target_module(host->target, b->request->function->unit, &in_program);
	const bool library_tls = b->library_tls = !in_program;
	struct error *e = compile(host, b);
	b->compile_us += clock_now_us() - start;
	if (e)
		return e;
	start = clock_now_us();
	e = link_here(host, b, *code_before, *data_before);
	const bool by_offset = e && b->check.why_text && adapt_names_thread_locals(b->slice.text);
	if (e && (by_offset || error_class(e) == ERROR_UNKNOWN) && b->object.backend == BACKEND_TCC) {
		/* A name that nobody has: libtcc took a builtin for a function, or the name is really unknown; or a
		 * thread-local variable that is not the program's own. */
		set_why(b, strdup(by_offset ? b->check.why_text : error_message(e)));
		error_free(e);
		link_result_fini(&b->link);
		e = compile_in_turn(host, b);
		b->compile_us += clock_now_us() - start;
		start = clock_now_us();
		if (!e)
			e = link_here(host, b, *code_before, *data_before);
	}
	if (e && b->added_tls && !b->general_tls)
		e = link_added(host, b, e, *code_before, *data_before);
	if (e && b->library_tls && !library_tls) {
		/* Now it is known how they are to be reached. */
		error_free(e);
		link_result_fini(&b->link);
		e = compile_in_turn(host, b);
		if (!e)
			e = link_here(host, b, *code_before, *data_before);
	}
	b->link_us = clock_now_us() - start;
	if (e)
		return explain_missing(host, b, e);
	*code_before += b->link.code_size;
	*data_before += b->link.data_size;
	return NULL;
}

struct error *build_link_object(const struct build_host *host, struct build *b, size_t *code_before,
				size_t *data_before)
{
	struct error *e = link_here(host, b, *code_before, *data_before);

	if (e)
		return e;
	*code_before += b->link.code_size;
	*data_before += b->link.data_size;
	return NULL;
}

const char *build_compiler(const struct build *b)
{
	return b->object.backend == BACKEND_TCC ? compile_tcc_name() : b->source->flags.argv[0];
}

void build_fini(struct build *b)
{
	slice_fini(&b->slice);
	text_fini(&b->fitted);
	text_fini(&b->anew);
	check_result_fini(&b->check);
	compile_object_fini(&b->object);
	link_result_fini(&b->link);
	free(b->why_cc);
	*b = (struct build){0};
}
