#include "notice.h"
#include "attributes.h"
#include "cursor.h"
#include "initialiser.h"
#include "misread.h"
#include "texts.h"
#include "words.h"

#include <clang-c/Index.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONSTANTS_MAX = 20, CALLERS_MAX = 8 };

struct notice {
	struct live *live;
	struct live_function *function;
	struct build *build;
	const char *text; /* that is being read: the definition, or what was typed along with it */
	size_t size;
	const char *file;
	unsigned line;
	char *before;                    /* the text of the version that runs, NULL: it cannot be had */
	const struct check_result *said; /* of the functions before it in the same answer */
	size_t told;
	struct error *error;
};

/* What concerns the file is the same for each of its functions. */
static bool is_said(const struct check_result *said, const char *message)
{
	for (size_t i = 0; message && i < said->count; i++)
		if (strcmp(said->diagnostics[i].message, message) == 0)
			return true;
	return false;
}

static void __attribute__((format(printf, 3, 4)))
tell(struct notice *n, const char *at, const char *format, ...)
{
	va_list arguments;
	char *message;

	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	va_end(arguments);
	if (is_said(n->said, message)) {
		free(message);
		return;
	}
	n->error = check_warn(&n->build->check, n->file, n->line, n->text, n->size, (size_t)(at - n->text),
			      message);
}

static const char *begin_of(const struct notice *n)
{
	return n->text + strspn(n->text, " \t\r\n");
}

/* --- how the file was read ----------------------------------------------------------------------------------------- */

/* Every text of it may be compiled to something else than what was built. */
static void note_misread(struct notice *n)
{
	char *told = n->build->source->misread ? misread_tell(n->build->source) : NULL;

	if (told)
		tell(n, begin_of(n), "%s", told);
	free(told);
}

/* --- initialisers ------------------------------------------------------------------------------------------------- */

/* Whether a name in the range stands for something else that the file defines: then texts tell nothing. */
static bool has_macro(const struct index *ix, const char *text, uint32_t begin, uint32_t end)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && index_find_macro(ix, text + t.begin, t.end - t.begin, ix->size))
			return true;
	return false;
}

/* Whether the file initialises its variable of that name in the same way. */
static bool file_agrees(const struct index *ix, const char *text, const struct initialiser *given)
{
	uint32_t begin, end;

	index_find_initialiser(ix, given->name, given->length, &begin, &end);
	return initialiser_same(ix->text, begin, end, text, given->begin, given->end) ||
	       has_macro(ix, text, given->begin, given->end);
}

/* The name as a string; false if no variable can have so long a one. */
static bool copy_name(const struct initialiser *given, char name[256])
{
	if (given->length >= 256)
		return false;
	memcpy(name, given->name, given->length);
	name[given->length] = '\0';
	return true;
}

static bool was_typed(const struct notice *n, const struct initialiser *given)
{
	const struct build_host *host = live_host(n->live);
	char name[256], function[256] = "";
	uint64_t address, size;

	if (!copy_name(given, name) || given->function_length >= sizeof(function))
		return false;
	snprintf(function, sizeof(function), "%.*s", (int)given->function_length, given->function);
	return host->versions.variable(host->versions.context, n->function->at.unit,
				       given->function ? function : NULL, name, given->nth, &address, &size);
}

static bool is_built(const struct notice *n, const struct initialiser *given)
{
	struct target *target = live_target(n->live);
	struct target_symbol symbol;
	char name[256];

	if (!copy_name(given, name))
		return false;
	return given->function ? target_find_local(target, &n->function->at, name, given->nth, &symbol)
			       : target_find(target, n->function->at.unit, name, &symbol) && !symbol.function;
}

/* A static of the file that its compiler took for the value that it begins with. */
static bool is_lost(const struct notice *n, const struct initialiser *given)
{
	char name[256];

	return !given->function && copy_name(given, name) &&
	       target_has_lost(live_target(n->live), n->function->at.unit, name);
}

/* Whether a text has the variable (then *known) and initialises it in the same way. */
static bool text_agrees(const struct notice *n, const char *text, const struct initialiser *given,
			bool *known)
{
	struct initialiser former;

	if (!text || !initialiser_find(text, strlen(text), given, &former))
		return false;
	*known = true;
	return initialiser_same(text, former.begin, former.end, n->text, given->begin, given->end);
}

static bool note_initialiser(void *context, const struct initialiser *given)
{
	struct notice *n = context;
	bool built = is_built(n, given), known = false, same;

	bool typed = !built && was_typed(n, given);
	if (!built && !typed && !is_lost(n, given))
		return true;
	known = typed; /* it is told of what nobody knows the first text of, too */
	same = text_agrees(n, n->before, given, &known) ||
	       (!typed && !given->function && file_agrees(n->build->source->index, n->text, given)) ||
	       (!typed && given->function && text_agrees(n, n->function->built_text, given, &known));
	known |= !given->function;
	if (same || !known)
		return true;
	if (!built && !typed)
		tell(n, given->name,
		     "%.*s is this text's own: the program keeps none, and what is not defined anew goes on "
		     "with the value that was built in",
		     (int)given->length, given->name);
	else
		tell(n, given->name, "%.*s keeps the value it has: %s", (int)given->length, given->name,
		     built ? "how it is initialised counts when the program is built"
			   : "a version before this one has initialised it");
	return !n->error;
}

/* Whether a static variable may stand in a function's body. */
static bool may_initialise(const char *text, size_t size)
{
	const char *body = memchr(text, '{', size);

	return body && memmem(body, size - (size_t)(body - text), "static", 6);
}

static void note_initialisers(struct notice *n)
{
	const struct build_request *q = n->build->request;
	bool inside = may_initialise(q->text, q->size), outside = q->extra_size > q->declared;
	unsigned line;

	if (!inside && !outside)
		return;
	error_free(texts_of_version(n->live, n->function, live_plain(n->function), &n->before, &line));
	if (outside && !n->error) {
		struct notice extra = *n;
		extra.text = q->extra + q->declared;
		extra.size = q->extra_size - q->declared;
		extra.line = 1;
		initialiser_each(extra.text, extra.size, note_initialiser, &extra);
		n->error = extra.error;
	}
	if (inside && !n->error)
		initialiser_each(n->text, n->size, note_initialiser, n);
	free(n->before);
	n->before = NULL;
}

/* --- enumeration constants ----------------------------------------------------------------------------------------- */

/* Where the constant stands in a text; NULL: nowhere. */
static const char *find_name(const char *text, size_t size, const char *name)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME && token_is(&r, &t, name))
			return text + t.begin;
	return NULL;
}

static void tell_constant(struct notice *n, const char *name, int64_t now, int64_t built)
{
	const struct build_request *q = n->build->request;
	const char *at =
		q->extra ? find_name(q->extra + q->declared, q->extra_size - q->declared, name) : NULL;
	struct notice extra = *n, *place = n;

	if (at) {
		extra.text = q->extra + q->declared;
		extra.size = q->extra_size - q->declared;
		extra.line = 1;
		place = &extra;
	} else {
		at = find_name(n->text, n->size, name);
	}
	tell(place, at ? at : begin_of(n),
	     "%s is %" PRId64 " here and was %" PRId64
	     " when the program was built: what is not defined anew goes on with that",
	     name, now, built);
	n->error = place->error;
}

static enum CXChildVisitResult note_constant(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct notice *n = data;
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	int64_t built;

	(void)parent;
	if (kind == CXCursor_EnumDecl || kind == CXCursor_StructDecl || kind == CXCursor_UnionDecl)
		return CXChildVisit_Recurse;
	if (kind != CXCursor_EnumConstantDecl)
		return CXChildVisit_Continue;
	CXString name = clang_getCursorSpelling(cursor);
	int64_t now = cursor_enumerator(cursor);
	if (target_find_enumerator(live_target(n->live), n->function->at.unit, clang_getCString(name),
				   &built) &&
	    built != now && ++n->told <= CONSTANTS_MAX)
		tell_constant(n, clang_getCString(name), now, built);
	clang_disposeString(name);
	return n->error ? CXChildVisit_Break : CXChildVisit_Continue;
}

static void note_constants(struct notice *n)
{
	CXTranslationUnit unit = check_unit(live_host(n->live)->check);

	if (unit && strstr(n->build->slice.text, "enum"))
		clang_visitChildren(clang_getTranslationUnitCursor(unit), note_constant, n);
	if (n->told > CONSTANTS_MAX && !n->error)
		tell(n, begin_of(n),
		     "%zu more enumeration constants are not what they were when the program was built",
		     n->told - CONSTANTS_MAX);
}

/* --- inlined calls -------------------------------------------------------------------------------------------------- */

struct callers {
	const struct notice *notice;
	struct text names;
	size_t count;
};

bool notice_keeps_copy(const struct live *l, const struct live_function *callee, const char *caller)
{
	if (!caller)
		return true;
	if (strcmp(caller, callee->at.name) == 0)
		return false;
	for (size_t i = 0; i < live_count(l); i++) {
		const struct live_function *f = live_function(l, i);
		if (f->live && f->at.unit == callee->at.unit && strcmp(f->at.name, caller) == 0)
			return false;
	}
	return true;
}

/* "main (shop.c:12)" once, however often: false if it is there already. */
static bool add_place(struct text *names, const char *caller, const char *file, unsigned line, bool room)
{
	char place[512];

	snprintf(place, sizeof(place), "%s",
		 caller ? caller : "a caller that debug information does not name");
	if (file)
		snprintf(place + strlen(place), sizeof(place) - strlen(place), " (%s:%u)",
			 text_base_name(file), line);
	if (names->bytes && strstr(names->bytes, place))
		return false;
	if (room)
		text_printf(names, "%s%s", names->size ? ", " : "", place);
	return true;
}

static bool add_caller(void *context, uint64_t address, const char *caller, const char *file, unsigned line)
{
	struct callers *c = context;

	(void)address;
	if (!notice_keeps_copy(c->notice->live, c->notice->function, caller))
		return true;
	if (add_place(&c->names, caller, file, line, c->count < CALLERS_MAX))
		c->count++;
	return c->count <= CALLERS_MAX;
}

static void note_inlined(struct notice *n)
{
	struct callers c = {.notice = n};
	const struct target_function *f = &n->function->at;

	if (!f->unit || !f->unit->optimized)
		return;
	target_each_inlined(live_target(n->live), f, add_caller, &c);
	if (c.count)
		tell(n, begin_of(n), "%s was inlined in %s%s: there what was built goes on", f->name,
		     c.names.bytes ? c.names.bytes : "", c.count > CALLERS_MAX ? " and others" : "");
	text_fini(&c.names);
}

/* --- statics that nobody could see ---------------------------------------------------------------------------------- */

static void note_anew(struct notice *n)
{
	const struct check_result *check = &n->build->check;
	char name[256];

	for (const char *at = n->build->anew.bytes; at && *at && !n->error; at = strchr(at, '\n') + 1) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "\n"), at);
		const char *place = find_name(n->text, n->size, name);
		if (!words_list_has((const char *const *)check->definitions, name))
			continue;
		tell(n, place ? place : begin_of(n),
		     "%s begins anew: nothing in the program read it, so its compiler left it out", name);
	}
}

/* --- what optimisers learn of functions ------------------------------------------------------------------------------ */

/* Whether it is called by its name in [begin, end) of the text. */
static bool calls(const char *text, uint32_t begin, uint32_t end, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text + begin; (at = text_find_word(text, text + end, at, name)); at += length) {
		const char *behind = at + length;
		while (behind < text + end && strchr(" \t\n", *behind))
			behind++;
		if (behind < text + end && *behind == '(')
			return true;
	}
	return false;
}

/* In another function of its file. What calls it by a pointer knows nothing of it. */
static bool has_callers(const struct index *ix, const char *name)
{
	const struct index_declaration *itself = index_find_function(ix, name, 0);

	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		if (d->kind == DECLARATION_FUNCTION && d != itself && calls(ix->text, d->begin, d->end, name))
			return true;
	}
	return false;
}

/* It looks into functions that it may not inline: what they return, what they leave as it is. */
static void note_folded(struct notice *n)
{
	const struct target_function *f = &n->function->at;

	if (f->unit->clang && has_callers(n->build->source->index, f->name))
		tell(n, begin_of(n),
		     "callers of %s in its own file may go on with what clang learnt of it when they were "
		     "built (a constant result, what it leaves as it is): compile with -O0",
		     f->name);
}

/* Functions that it calls may not be what their text says. */
static void note_fitted(struct notice *n)
{
	const char *names = n->build->fitted.bytes;
	size_t more = 0;
	char others[48] = "";

	if (!n->build->fitted.size)
		return;
	for (const char *at = names; (at = strchr(at, '\n')) && *++at;)
		more++;
	if (more)
		snprintf(others, sizeof(others), " and %zu more that it calls", more);
	tell(n, begin_of(n),
	     "%.*s%s may, as built, rely on what the program passed to it then, which the optimiser knew: %s",
	     (int)strcspn(names, "\n"), names, others,
	     n->function->at.unit->clang
		     ? "compile with -O0, or decorate with REALTIMEFUNC"
		     : "compile with -flive-patching=inline-clone, or decorate with REALTIMEFUNC");
}

/* Once for each function: every text of it is in the same case, and who works at it has read that. */
static void note_learnt(struct notice *n)
{
	const struct target_unit *unit = n->function->at.unit;
	size_t before = n->build->check.count;

	if (!unit || !unit->optimized || n->function->told)
		return;
	note_fitted(n);
	if (!n->error)
		note_folded(n);
	n->function->told = n->build->check.count > before;
}

/* --- resolvers -------------------------------------------------------------------------------------------------------- */

/* The loader has called it, and will not again. */
static void note_resolver(struct notice *n)
{
	struct index *ix = n->build->source->index;
	const char *name = n->function->at.name, *resolver;
	size_t length;

	if (!index_may_resolve(ix))
		return;
	for (uint32_t i = 0; i < ix->declaration_count && !n->error; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		const struct index_name *declared = &ix->names[d->name_begin];
		if (d->name_begin == d->name_end || declared->kind != NAME_FUNCTION ||
		    !attributes_find_resolver(ix->text, d->begin, d->end, &resolver, &length) ||
		    strlen(name) != length || memcmp(name, resolver, length) != 0)
			continue;
		tell(n, begin_of(n),
		     "%s ran when the program was loaded: calls of %.*s go on to what it chose then", name,
		     (int)(declared->end - declared->begin), ix->text + declared->begin);
	}
}

/* --- main() ----------------------------------------------------------------------------------------------------------- */

static void note_main(struct notice *n)
{
	struct target_function main;

	if (strcmp(n->function->at.name, "main") == 0 && target_main(live_target(n->live), &main) &&
	    main.entry == n->function->at.entry)
		tell(n, begin_of(n), "main was called at the program's start: that call goes on as it began");
}

struct error *notice_find(struct live *l, struct live_function *f, struct build *b,
			  const struct check_result *said)
{
	const struct build_request *q = b->request;
	struct notice n = {.live = l,
			   .function = f,
			   .build = b,
			   .said = said,
			   .text = q->text,
			   .size = q->size,
			   .file = q->given_file,
			   .line = q->given_line};

	note_misread(&n);
	if (!n.error)
		note_constants(&n);
	if (!n.error)
		note_initialisers(&n);
	if (!n.error)
		note_anew(&n);
	if (!n.error)
		note_inlined(&n);
	if (!n.error)
		note_learnt(&n);
	if (!n.error)
		note_resolver(&n);
	if (!n.error)
		note_main(&n);
	return n.error;
}
