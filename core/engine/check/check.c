#include "check.h"
#include "adapt.h"
#include "ahead.h"
#include "atomics.h"
#include "cursor.h"
#include "enumerators.h"
#include "flags.h"
#include "guards.h"
#include "libclang.h"
#include "located.h"
#include "text.h"
#include "token.h"
#include "trust.h"
#include "warm.h"
#include "words.h"

#include <clang-c/Index.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SLICE_NAME "rtf-slice.c"

/* A translation unit that is parsed again and again with other texts: that leaves out what clang's driver does at each new
 * one, two thirds of the time that a small slice takes. One for each set of arguments. */
struct reused {
	uint64_t arguments; /* hash */
	CXTranslationUnit unit;
};

enum { MESSAGE_MOST = 1000 }; /* of libclang's, which repeats names of any length */
enum { REUSED_MAX = 8, LIBCLANG_STACK = 8 << 20 /* of its threads */ };

struct check {
	pthread_t starter;
	bool starting;       /* by that thread, which alone has all else until it is joined */
	struct error *wrong; /* why libclang did not start */
	struct words warm;   /* the arguments of what it starts with */
	CXIndex index;
	struct reused reused[REUSED_MAX];
	CXTranslationUnit last;
	struct ahead *ahead;
	size_t next; /* to be given up when another set of arguments comes */
};

static uint64_t hash_arguments(const char *const *arguments, int count)
{
	uint64_t hash = TEXT_HASH_SEED;

	for (int i = 0; i < count; i++)
		hash = text_hash(hash, arguments[i], strlen(arguments[i]) + 1);
	return hash;
}

/* The unit stays the check's. NULL if libclang gives up. */
static CXTranslationUnit parse(struct check *c, const char *const *arguments, int count, const char *text,
			       size_t size)
{
	struct CXUnsavedFile file = {SLICE_NAME, text, size};
	uint64_t hash = hash_arguments(arguments, count);
	struct reused *r = NULL;

	for (size_t i = 0; i < REUSED_MAX && !r; i++)
		if (c->reused[i].unit && c->reused[i].arguments == hash)
			r = &c->reused[i];
	if (r && clang_reparseTranslationUnit(r->unit, 1, &file, 0) == 0)
		return r->unit;
	/* A new one, or one that is fit for nothing but to be given up. */
	if (!r)
		r = &c->reused[c->next++ % REUSED_MAX];
	if (r->unit)
		clang_disposeTranslationUnit(r->unit);
	*r = (struct reused){.arguments = hash};
	if (clang_parseTranslationUnit2(c->index, SLICE_NAME, arguments, count, &file, 1, 0, &r->unit) !=
	    CXError_Success)
		r->unit = NULL;
	return r->unit;
}

static bool has_deep_stack(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= LIBCLANG_STACK;
}

struct error *check_new(struct check **out)
{
	struct check *c = calloc(1, sizeof(*c));

	if (!c)
		return error_memory();
	/* Its crash recovery would install signal handlers; a crash of ours is the agent's to notice. Its threads, a new one
	 * for each text, are there for the size of their stacks. */
	setenv("LIBCLANG_DISABLE_CRASH_RECOVERY", "1", 1);
	if (has_deep_stack())
		setenv("LIBCLANG_NOTHREADS", "1", 1);
	*out = c;
	return NULL;
}

static void start(struct check *c)
{
	c->wrong = libclang_load();
	if (c->wrong)
		return;
	c->index = clang_createIndex(0, 0);
	if (!c->index) {
		c->wrong = error_new(ERROR_INTERNAL, "libclang does not start");
		return;
	}
	/* The first parse pays for libclang's own start: not the first user. */
	parse(c, (const char *const *)c->warm.items, (int)c->warm.count, warm_text, strlen(warm_text));
	c->ahead = ahead_new();
}

static void *run_starter(void *context)
{
	start(context);
	return NULL;
}

static void finish_start(struct check *c)
{
	if (c->starting)
		pthread_join(c->starter, NULL);
	c->starting = false;
}

/* Before anything of libclang's is called. */
static struct error *await_start(struct check *c)
{
	finish_start(c);
	if (!c->index && !c->wrong)
		start(c);
	return c->wrong ? error_new(error_class(c->wrong), "%s", error_message(c->wrong)) : NULL;
}

void check_free(struct check *c)
{
	if (!c)
		return;
	finish_start(c);
	ahead_free(c->ahead);
	for (size_t i = 0; i < REUSED_MAX; i++)
		if (c->reused[i].unit)
			clang_disposeTranslationUnit(c->reused[i].unit);
	if (c->index)
		clang_disposeIndex(c->index);
	error_free(c->wrong);
	words_fini(&c->warm);
	free(c);
}

/* --- arguments ------------------------------------------------------------------------------------------------- */

enum { ARGUMENTS_MAX = 256 };

/* Flags that change what C means; optimisation, warnings, includes and macros are behind us. */
static bool changes_meaning(const char *flag)
{
	static const char *const whole[] = {"-funsigned-char",  "-fsigned-char",
					    "-fno-signed-char", "-fno-unsigned-char",
					    "-fshort-enums",    "-fms-extensions",
					    "-fgnu89-inline",   "-fshort-wchar",
					    "-fno-short-enums", "-ansi",
					    "-fpack-struct",    "-ffreestanding",
					    "-fblocks",         "-fplan9-extensions"};
	static const char *const prefix[] = {"-fpack-struct=", "-std=", "-msse",    "-mavx",   "-maes",
					     "-mbmi",          "-mfma", "-mpclmul", "-mpopcnt"};

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (strcmp(flag, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(*prefix); i++)
		if (strncmp(flag, prefix[i], strlen(prefix[i])) == 0)
			return true;
	return false;
}

/* A slice is preprocessed, and where macros are left in it, it defines them as the program's compiler does: what clang
 * defines and where it would look for headers counts for text that includes something, and costs half a small slice's time
 * otherwise. */
static int choose_arguments(const char *const *argv, const char *text, const char **arguments)
{
	static const char *const bare[] = {"-undef", "-nostdinc"};
	static const char *const ours[] = {
		"-xc",
		"-Wall",
		"-Wno-unused",
		"-Wno-unknown-attributes",
		"-Wno-ignored-attributes",
		"-Wno-unknown-warning-option",
		"-Wno-unknown-pragmas",
		"-Wno-visibility",
		"-Wno-invalid-source-encoding",
		"-Wno-macro-redefined",
		"-Wno-builtin-macro-redefined",
		"-Wno-incompatible-library-redeclaration",
		"-Wno-static-in-inline", /* only of what is not in the main file (ahead.h) */
		"-Werror=implicit-function-declaration",
		"-Werror=implicit-int",
		"-fdouble-square-bracket-attributes", /* gcc takes them whatever the standard is */
		"-ferror-limit=500", /* each name that a macro pastes together is one at first */
		FLAGS_NO_DEALLOCATORS,
	};
	int count = 0;

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		arguments[count++] = ours[i];
	bool includes = strstr(text, "include") != NULL;
	for (size_t i = 0; !includes && i < sizeof(bare) / sizeof(*bare); i++)
		arguments[count++] = bare[i];
	for (; argv && *argv && count + 1 < ARGUMENTS_MAX; argv++) {
		size_t joined;
		if (changes_meaning(*argv)) {
			arguments[count++] = *argv;
		} else if (includes && words_is_folder(*argv, &joined)) {
			arguments[count++] = *argv;
			if (!joined && argv[1])
				arguments[count++] = *++argv;
		}
	}
	return count;
}

void check_begin(struct check *c, const char *const *argv)
{
	const char *arguments[ARGUMENTS_MAX];
	int count = choose_arguments(argv, warm_text, arguments);

	if (c->index || c->starting)
		return;
	for (int i = 0; i < count; i++)
		words_add(&c->warm, arguments[i]);
	c->starting = !c->warm.failed && pthread_create(&c->starter, NULL, run_starter, c) == 0;
}

/* --- variables with a builtin's name --------------------------------------------------------------------------- */

enum { BUILTINS_MAX = 16 };

/* A builtin's name belongs to its function for libclang, which refuses the program's variable and then takes each use of it
 * for the function. For those that have been refused it is told that they are none; of all at once it would forget what
 * printf's format is. `flags` is room for them. */
static int add_builtins(CXTranslationUnit unit, char (*flags)[80], const char **arguments, int count)
{
	static const char before[] = "redefinition of '", behind[] = "' as different kind of symbol";
	unsigned diagnostics = clang_getNumDiagnostics(unit);
	int found = 0;

	for (unsigned i = 0; i < diagnostics && found < BUILTINS_MAX && count < ARGUMENTS_MAX; i++) {
		CXDiagnostic d = clang_getDiagnostic(unit, i);
		char *message = cursor_take(clang_getDiagnosticSpelling(d));
		clang_disposeDiagnostic(d);
		const char *name = message ? message + sizeof(before) - 1 : NULL;
		if (message && strncmp(message, before, sizeof(before) - 1) == 0 && strstr(name, behind)) {
			snprintf(flags[found], sizeof(*flags), "-fno-builtin-%.*s", (int)strcspn(name, "'"),
				 name);
			arguments[count++] = flags[found++];
		}
		free(message);
	}
	return count;
}

/* The arguments with those that its refusals ask for; how many. */
static int add_missed(CXTranslationUnit unit, char (*flags)[80], const char **arguments, int count)
{
	count = add_builtins(unit, flags, arguments, count);
	return atomics_allow(unit, arguments, count, ARGUMENTS_MAX);
}

/* --- diagnostics ----------------------------------------------------------------------------------------------- */

struct pass {
	const struct slice *slice;
	const char *name;
	const struct check_place *place;
	struct check_result *result;
	CXTranslationUnit unit;
	bool overrides; /* an initialiser has another one for what one before it has set */
	bool failed;    /* out of memory */
};

static const char *severity_name(enum CXDiagnosticSeverity severity)
{
	if (severity >= CXDiagnostic_Error)
		return "error";
	return severity == CXDiagnostic_Warning ? "warning" : "note";
}

struct type_search {
	const char *keyword, *name;
	CXCursor declared;
	CXType type;
};

static enum CXChildVisitResult find_type(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct type_search *s = data;
	enum CXCursorKind kind = clang_getCursorKind(cursor);
	bool right_kind = (*s->keyword == 's' && kind == CXCursor_StructDecl) ||
			  (*s->keyword == 'u' && kind == CXCursor_UnionDecl) ||
			  (!*s->keyword && kind == CXCursor_TypedefDecl);

	(void)parent;
	if (right_kind && cursor_spelled(cursor, s->name) &&
	    (!*s->keyword || clang_isCursorDefinition(cursor))) {
		s->declared = cursor;
		s->type = clang_getCanonicalType(clang_getCursorType(cursor));
		return CXChildVisit_Break;
	}
	return CXChildVisit_Continue;
}

/* What a guard's subject measures in the slice, and where the type is declared: -1 if that cannot be told. */
static long long measure(const struct pass *p, const struct slice_guard *g, CXCursor *declared)
{
	char subject[600];
	struct type_search search = {.keyword = ""};

	snprintf(subject, sizeof(subject), "%s", g->subject);
	char *name = subject, *member = NULL;
	if (strncmp(name, "struct ", 7) == 0 || strncmp(name, "union ", 6) == 0) {
		search.keyword = *name == 's' ? "s" : "u";
		name = strchr(name, ' ') + 1;
	}
	if (g->offset && (member = strchr(name, '.')))
		*member++ = '\0';
	search.name = name;
	clang_visitChildren(clang_getTranslationUnitCursor(p->unit), find_type, &search);
	if (search.type.kind == CXType_Invalid)
		return -1;
	*declared = search.declared;
	long long bits =
		member ? clang_Type_getOffsetOf(search.type, member) : clang_Type_getSizeOf(search.type) * 8;
	return bits < 0 ? -1 : bits / 8;
}

static char *quoted(const char *message)
{
	const char *open = strchr(message, '\'');
	const char *close = open ? strchr(open + 1, '\'') : NULL;

	return close ? strndup(open + 1, (size_t)(close - open - 1)) : NULL;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Adds what a message has in quotes to the names that the slice lacks: the type, where 'sizeof' stands before it. */
static void add_missing(struct pass *p, const char *message)
{
	struct check_result *r = p->result;
	const char *incomplete = strstr(message, "incomplete");
	char *name = quoted(incomplete ? incomplete : message), *list = NULL;

	if (!name || asprintf(&list, "%s%s\n", r->missing ? r->missing : "", name) < 0)
		list = NULL;
	free(name);
	if (!list)
		return;
	free(r->missing);
	r->missing = list;
}

struct signatures {
	const char *name;
	char *before, *now;
};

/* "long (long, char *)" of a definition in the old style, whose own type says nothing of its parameters. */
static char *old_style_type(CXCursor cursor)
{
	char *result = cursor_take(clang_getTypeSpelling(clang_getCursorResultType(cursor)));
	int count = clang_Cursor_getNumArguments(cursor);
	struct text type = {0};

	text_printf(&type, "%s (", result ? result : "");
	for (int i = 0; i < count; i++) {
		char *one = cursor_take(clang_getTypeSpelling(
			clang_getCursorType(clang_Cursor_getArgument(cursor, (unsigned)i))));
		text_printf(&type, "%s%s", i ? ", " : "", one ? one : "");
		free(one);
	}
	text_puts(&type, ")");
	free(result);
	return text_take(&type);
}

static enum CXChildVisitResult find_signatures(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct signatures *s = data;

	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_FunctionDecl || !cursor_spelled(cursor, s->name))
		return CXChildVisit_Continue;
	bool definition = clang_isCursorDefinition(cursor);
	bool whole = clang_getNumArgTypes(clang_getCursorType(cursor)) >= 0;
	char **place = definition ? &s->now : &s->before;
	if (*place && !definition && !whole)
		return CXChildVisit_Continue; /* an old one, `f()`, says less than what is there */
	free(*place);
	*place = whole ? cursor_take(clang_getTypeSpelling(clang_getCursorType(cursor)))
		       : old_style_type(cursor);
	return CXChildVisit_Continue;
}

/* "double price(const struct order *)" from "double (const struct order *)". */
static char *spell_signature(const char *type, const char *name)
{
	const char *bracket = type ? strchr(type, '(') : NULL;
	char *text = NULL;

	if (!bracket)
		return strdup(type ? type : "");
	bool space = bracket > type && bracket[-1] != '*' && bracket[-1] != ' ';
	if (asprintf(&text, "%.*s%s%s%s", (int)(bracket - type), type, space ? " " : "", name, bracket) < 0)
		return NULL;
	return text;
}

static void explain_layout(struct pass *p, const struct slice_guard *g, struct check_diagnostic *d)
{
	CXCursor declared;
	long long now = measure(p, g, &declared);
	char *text;

	if (now < 0 || asprintf(&text, "%s %s %llu in the running program, %lld here", g->subject,
				g->offset ? "is at byte" : "has size", (unsigned long long)g->value, now) < 0)
		return;
	free(d->message);
	d->message = text;
	if (!g->given_line) { /* the assertion is ours: what it is about stands in the file */
		free(d->file);
		free(d->source);
		located_find(p->slice, p->place, clang_getCursorLocation(declared), d);
		p->failed |= !d->file || !d->source;
	}
}

/* What kind of failure an error is, and what might heal it. */
static void classify(struct pass *p, CXSourceLocation location, struct check_diagnostic *d)
{
	struct check_result *r = p->result;
	unsigned line;

	clang_getExpansionLocation(location, NULL, &line, NULL, NULL);
	const struct slice_guard *guard = located_guard(p->slice, line);
	if (guard)
		explain_layout(p, guard, d);
	bool incomplete = strstr(d->message, "incomplete") != NULL;
	r->incomplete |= incomplete;
	if (incomplete || begins(d->message, "use of undeclared identifier") ||
	    begins(d->message, "unknown type name") ||
	    begins(d->message, "implicit declaration of function") ||
	    begins(d->message, "implicitly declaring library function"))
		add_missing(p, d->message);

	if (r->failed)
		return;
	r->failed = true;
	r->class = guard ? ERROR_LAYOUT : ERROR_COMPILE;
	char *subject =
		begins(d->message, "conflicting types for") || begins(d->message, "static declaration of")
			? quoted(d->message)
			: NULL;
	if (subject && strcmp(subject, p->name) == 0) {
		struct signatures s = {.name = p->name};
		clang_visitChildren(clang_getTranslationUnitCursor(p->unit), find_signatures, &s);
		char *before = spell_signature(s.before, p->name), *now = spell_signature(s.now, p->name);
		r->class = ERROR_SIGNATURE;
		if (asprintf(&r->message, "the signature differs: the program has %s, this is %s", before,
			     now) < 0)
			r->message = NULL;
		free(before);
		free(now);
		free(s.before);
		free(s.now);
	} else {
		r->message = strdup(d->message);
	}
	free(subject);
	p->failed |= !r->message;
}

void check_diagnostic_fini(struct check_diagnostic *d)
{
	free(d->file);
	free(d->severity);
	free(d->message);
	free(d->source);
}

static void add_diagnostic(struct pass *p, CXDiagnostic diagnostic)
{
	enum CXDiagnosticSeverity severity = clang_getDiagnosticSeverity(diagnostic);
	CXSourceLocation location = clang_getDiagnosticLocation(diagnostic);
	struct check_result *r = p->result;
	struct check_diagnostic d = {0};

	if (severity <= CXDiagnostic_Note)
		return;
	bool in_user_text = located_find(p->slice, p->place, location, &d);
	d.message = cursor_take(clang_getDiagnosticSpelling(diagnostic));
	p->overrides |= d.message && strstr(d.message, "overrides prior initialization");
	if (d.message)
		text_cut(d.message, MESSAGE_MOST);
	d.severity = strdup(severity_name(severity));
	void *more = realloc(r->diagnostics, (r->count + 1) * sizeof(d));
	if (more)
		r->diagnostics = more;
	if (!more || !d.message || !d.severity || !d.file || !d.source)
		p->failed = true;
	else if (severity >= CXDiagnostic_Error)
		classify(p, location, &d);
	if (p->failed || (severity < CXDiagnostic_Error && !in_user_text)) {
		check_diagnostic_fini(&d);
		return;
	}
	r->diagnostics[r->count++] = d;
}

/* --- variables that the slice brings ---------------------------------------------------------------------------- */

static bool add_name(char ***list, CXCursor cursor)
{
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	char **more = realloc(*list, (count + 2) * sizeof(*more));
	if (!more)
		return false;
	*list = more;
	more[count] = cursor_take(clang_getCursorSpelling(cursor));
	more[count + 1] = NULL;
	return true;
}

static enum CXChildVisitResult find_label(CXCursor cursor, CXCursor parent, CXClientData data)
{
	bool *found = data;

	(void)parent;
	*found = clang_getCursorKind(cursor) == CXCursor_AddrLabelExpr;
	return *found ? CXChildVisit_Break : CXChildVisit_Recurse;
}

static void add_static(struct check_result *r, CXCursor cursor, enum statics_scope scope, bool late)
{
	bool constant = cursor_is_constant(clang_getCursorType(cursor)), labels = false;

	/* A constant is the text's in any case, and its table may be long. */
	if (scope != STATICS_OUTSIDE && !constant)
		clang_visitChildren(cursor, find_label, &labels);
	struct statics_variable v = {.name = cursor_take(clang_getCursorSpelling(cursor)),
				     .scope = scope,
				     .constant = constant,
				     .labels = labels,
				     .late = late};

	r->statics.failed |= !v.name;
	if (v.name)
		statics_add(&r->statics, &v);
	free(v.name);
}

/* A variable outside functions that is more than mentioned. */
static bool add_definition(struct check_result *r, CXCursor cursor)
{
	if (clang_Cursor_getStorageClass(cursor) == CX_SC_Extern)
		return true;
	if (cursor_is_constant(clang_getCursorType(cursor)) && !add_name(&r->constants, cursor))
		return false;
	add_static(r, cursor, STATICS_OUTSIDE, false);
	return add_name(&r->definitions, cursor);
}

/* --- one function ---------------------------------------------------------------------------------------------- */

/* A variable that the slice defines outside functions. */
static bool names_definition(CXCursor reference)
{
	CXCursor declaration = clang_getCursorReferenced(reference);
	CXCursor parent = clang_getCursorSemanticParent(declaration);

	return clang_getCursorKind(declaration) == CXCursor_VarDecl &&
	       clang_getCursorKind(parent) == CXCursor_TranslationUnit &&
	       clang_Cursor_getStorageClass(declaration) != CX_SC_Extern;
}

struct function_search {
	struct adapt_examination adapt;
	struct check_result *result;
	enum statics_scope scope;
	bool late;
};

/* All that is asked about what stands in a function, on one way through it: libclang takes its time for each cursor. */
static enum CXChildVisitResult examine_inside(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct function_search *s = data;
	enum CXCursorKind kind = clang_getCursorKind(cursor);

	(void)parent;
	adapt_look(&s->adapt, cursor);
	if (kind == CXCursor_VarDecl && clang_Cursor_getStorageClass(cursor) == CX_SC_Static) {
		add_static(s->result, cursor, s->scope, s->late);
		if (s->scope == STATICS_OWN && cursor_is_constant(clang_getCursorType(cursor)))
			add_name(&s->result->constants, cursor);
		return CXChildVisit_Continue;
	}
	if (kind == CXCursor_DeclRefExpr && s->scope == STATICS_OWN && names_definition(cursor))
		add_name(&s->result->named, cursor);
	return CXChildVisit_Recurse;
}

struct declaration_search {
	const char *name;
	struct adapt_needs needs;
	struct check_result *result;
};

static enum CXChildVisitResult examine_declaration(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct declaration_search *s = data;
	struct check_result *r = s->result;

	(void)parent;
	if (clang_getCursorKind(cursor) == CXCursor_VarDecl)
		return add_definition(s->result, cursor) ? CXChildVisit_Continue : CXChildVisit_Break;
	if (clang_getCursorKind(cursor) != CXCursor_FunctionDecl || !clang_isCursorDefinition(cursor))
		return CXChildVisit_Continue;
	bool named = cursor_spelled(cursor, s->name);
	struct function_search inside = {
		.result = r,
		.scope = named ? STATICS_OWN : STATICS_OTHER,
		.late = clang_Cursor_isFunctionInlined(cursor) &&
			clang_Cursor_getStorageClass(cursor) == CX_SC_Static,
	};
	adapt_examine(cursor, &s->needs, &inside.adapt);
	clang_visitChildren(cursor, examine_inside, &inside);
	adapt_looked(&inside.adapt, cursor);
	if (!named)
		return CXChildVisit_Continue;
	char *type = cursor_take(clang_getTypeSpelling(clang_getCursorType(cursor)));
	free(r->signature);
	r->signature = spell_signature(type, s->name);
	free(type);
	return CXChildVisit_Continue;
}

/* --- one slice ------------------------------------------------------------------------------------------------- */

struct error *check_slice(struct check *c, const struct slice *slice, const char *name,
			  const char *const *argv, const struct check_place *where, struct check_result *out)
{
	const char *arguments[ARGUMENTS_MAX];
	char flags[BUILTINS_MAX][80];
	struct check_result result = {.class = ERROR_COMPILE};
	struct pass p = {.slice = slice, .name = name, .place = where, .result = &result};
	struct error *e = await_start(c);
	if (e)
		return e;
	int count = choose_arguments(argv, slice->text, arguments);
	char *blanked = slice->guards_held ? guards_blank(slice) : NULL;
	const char *text = blanked ? blanked : slice->text;

	p.unit = ahead_finish(c->ahead, arguments, count, text, slice->size);
	if (!p.unit)
		p.unit = parse(c, arguments, count, text, slice->size);
	int more = p.unit ? add_missed(p.unit, flags, arguments, count) : count;
	if (more > count)
		p.unit = parse(c, arguments, more, text, slice->size);
	free(blanked);
	c->last = p.unit;
	if (!p.unit)
		return error_new(ERROR_INTERNAL, "libclang cannot read the slice of %s", name);
	unsigned diagnostics = clang_getNumDiagnostics(p.unit);
	for (unsigned i = 0; i < diagnostics && !p.failed; i++) {
		CXDiagnostic d = clang_getDiagnostic(p.unit, i);
		add_diagnostic(&p, d);
		clang_disposeDiagnostic(d);
	}
	struct declaration_search search = {
		.name = name, .needs.arithmetic = arithmetic_expect(slice->text), .result = &result};
	search.needs.arithmetic.fuses = trust_fuses(argv);
	clang_visitChildren(clang_getTranslationUnitCursor(p.unit), examine_declaration, &search);
	adapt_examine_unit(p.unit, slice->text, &search.needs);
	result.why_cc = search.needs.why_cc;
	result.why_text = search.needs.why_text;
	if (!result.why_cc && strstr(slice->text, "_Atomic"))
		result.why_cc = atomics_reason(p.unit);
	if (!result.why_cc && strstr(slice->text, "enum"))
		result.why_cc = enumerators_reason(p.unit, strstr(slice->text + slice->user_at, "enum"));
	if (!result.why_cc && p.overrides)
		result.why_cc = "it initialises something twice, of which libtcc keeps more than gcc does";
	result.needs_cc = result.why_cc != NULL;
	if (p.failed || result.statics.failed) {
		check_result_fini(&result);
		return error_memory();
	}
	*out = result;
	return NULL;
}

void check_expect(struct check *c, const struct slice *slice, const char *const *argv)
{
	if (c->starting)
		return;
	const char *arguments[ARGUMENTS_MAX];
	int count = choose_arguments(argv, slice->text, arguments);
	char *blanked = slice->guards_held ? guards_blank(slice) : NULL;
	const char *text = blanked ? blanked : slice->text;

	ahead_expect(c->ahead, SLICE_NAME, arguments, count, text, slice->user_at);
	free(blanked);
}

void check_read_ahead(struct check *c)
{
	if (!c->starting)
		ahead_begin(c->ahead);
}

struct error *check_parse(struct check *c, const struct slice *slice, const char *const *argv,
			  struct CXTranslationUnitImpl **out)
{
	const char *arguments[ARGUMENTS_MAX];
	char flags[BUILTINS_MAX][80];
	struct CXUnsavedFile file = {SLICE_NAME, slice->text, slice->size};
	struct error *e = await_start(c);
	if (e)
		return e;
	int count = choose_arguments(argv, slice->text, arguments);

	for (int tries = 0; tries < 2; tries++) {
		CXTranslationUnit unit;
		if (clang_parseTranslationUnit2(c->index, SLICE_NAME, arguments, count, &file, 1,
						CXTranslationUnit_DetailedPreprocessingRecord,
						&unit) != CXError_Success)
			return error_new(ERROR_INTERNAL, "libclang cannot read a slice");
		*out = unit;
		int more = tries ? count : add_missed(unit, flags, arguments, count);
		if (more == count)
			break;
		count = more;
		clang_disposeTranslationUnit(unit);
	}
	return NULL;
}

/* The name that a completion types. */
static char *typed_text(CXCompletionString string)
{
	for (unsigned i = 0; i < clang_getNumCompletionChunks(string); i++)
		if (clang_getCompletionChunkKind(string, i) == CXCompletionChunk_TypedText)
			return cursor_take(clang_getCompletionChunkText(string, i));
	return NULL;
}

struct error *check_complete(struct check *c, const struct slice *slice, size_t offset,
			     void (*each)(void *context, const char *name), void *context)
{
	struct CXUnsavedFile file = {SLICE_NAME, slice->text, offset};
	size_t line = offset;

	while (line && slice->text[line - 1] != '\n')
		line--;
	struct error *e = await_start(c);
	if (e)
		return e;
	CXCodeCompleteResults *found =
		c->last ? clang_codeCompleteAt(c->last, SLICE_NAME,
					       1 + token_line(slice->text, (uint32_t)offset),
					       (unsigned)(offset - line) + 1, &file, 1, 0)
			: NULL;
	if (!found)
		return error_new(ERROR_INTERNAL, "libclang completes nothing");
	/* Elsewhere it tells all that can be C; members of nameless members have no cursor of their own. */
	bool members = clang_codeCompleteGetContexts(found) &
		       (CXCompletionContext_DotMemberAccess | CXCompletionContext_ArrowMemberAccess);
	for (unsigned i = 0; members && i < found->NumResults; i++) {
		char *name = typed_text(found->Results[i].CompletionString);
		if (name)
			each(context, name);
		free(name);
	}
	clang_disposeCodeCompleteResults(found);
	return NULL;
}

struct CXTranslationUnitImpl *check_unit(const struct check *c)
{
	return c->last;
}

struct error *check_add(struct check_result *r, struct check_diagnostic d)
{
	struct check_diagnostic *more = realloc(r->diagnostics, (r->count + 1) * sizeof(*more));

	if (more)
		r->diagnostics = more;
	if (!more || !d.file || !d.message || !d.severity || !d.source) {
		check_diagnostic_fini(&d);
		return error_memory();
	}
	more[r->count++] = d;
	return NULL;
}

struct error *check_warn(struct check_result *r, const char *file, unsigned line, const char *text,
			 size_t size, size_t offset, char *message)
{
	size_t begin = offset;

	while (begin && text[begin - 1] != '\n')
		begin--;
	const char *newline = memchr(text + begin, '\n', size - begin);
	struct check_diagnostic d = {
		.file = strdup(file),
		.line = line + token_line(text, (uint32_t)begin),
		.column = (unsigned)(offset - begin) + 1,
		.severity = strdup("warning"),
		.message = message,
		.source = strndup(text + begin, newline ? (size_t)(newline - text) - begin : size - begin),
	};
	return check_add(r, d);
}

struct error *check_move(struct check_result *to, struct check_result *from)
{
	if (!from->count)
		return NULL;
	struct check_diagnostic *more = realloc(to->diagnostics, (to->count + from->count) * sizeof(*more));
	if (!more)
		return error_memory();
	to->diagnostics = more;
	memcpy(more + to->count, from->diagnostics, from->count * sizeof(*more));
	to->count += from->count;
	free(from->diagnostics);
	from->diagnostics = NULL;
	from->count = 0;
	return NULL;
}

static void free_names(char **list)
{
	for (char **name = list; name && *name; name++)
		free(*name);
	free(list);
}

void check_result_fini(struct check_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		check_diagnostic_fini(&r->diagnostics[i]);
	free_names(r->constants);
	free_names(r->definitions);
	free_names(r->named);
	statics_fini(&r->statics);
	free(r->diagnostics);
	free(r->message);
	free(r->missing);
	free(r->signature);
	*r = (struct check_result){0};
}
