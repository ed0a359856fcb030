#include "claims.h"
#include "cursor.h"
#include "form.h"
#include "text.h"

#include <clang-c/Index.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING = 16, HELD_MAX = 1024 };

struct claims {
	uint64_t held
		[HELD_MAX]; /* hashes of what has been found to hold, of each the last in its place; 0: none */
};

struct pass {
	const struct claims_program *program;
	struct check_result *result;
	unsigned first_line; /* of the slice, whose claims are in question */
	bool passing;        /* it also names what other versions may make another thing */
	bool failed;         /* memory ran out */
};

/* --- libclang's types as forms ----------------------------------------------------------------------------------- */

static void put_type(CXType type, bool behind_pointer, int depth, struct text *out);

struct fields {
	struct text *out;
	uint64_t base; /* bits before the record that is being visited */
	int depth;
};

static enum CXVisitorResult put_field(CXCursor field, CXClientData data)
{
	struct fields *f = data;
	CXType type = clang_getCanonicalType(clang_getCursorType(field));
	long long offset = clang_Cursor_getOffsetOfField(field);
	uint64_t first = f->base + (uint64_t)(offset < 0 ? 0 : offset);

	if (cursor_is_named(field)) {
		text_printf(f->out, ",%llu:", (unsigned long long)first);
		put_type(type, false, f->depth + 1, f->out);
	} else if (type.kind == CXType_Record) {
		struct fields inner = {f->out, first, f->depth + 1};
		clang_Type_visitFields(type, put_field, &inner);
	}
	return CXVisit_Continue;
}

static uint64_t size_of(CXType type)
{
	long long size = clang_Type_getSizeOf(type);

	return size > 0 ? (uint64_t)size : 0;
}

static void put_record(CXType type, bool behind_pointer, int depth, struct text *out)
{
	CXCursor declaration = clang_getTypeDeclaration(type);
	bool is_union = clang_getCursorKind(declaration) == CXCursor_UnionDecl;
	bool anonymous = clang_Cursor_isAnonymous(declaration) || !cursor_is_named(declaration);
	CXString name = clang_getCursorSpelling(declaration);
	const char *bytes = clang_getCString(name);

	text_printf(out, "R%c%llu:%s;", is_union ? 'u' : 's',
		    (unsigned long long)(behind_pointer ? 0 : size_of(type)),
		    anonymous || !bytes ? "" : bytes);
	clang_disposeString(name);
	if (!anonymous || behind_pointer)
		return;
	struct fields fields = {out, 0, depth};
	text_puts(out, "{");
	clang_Type_visitFields(type, put_field, &fields);
	text_puts(out, "}");
}

static void put_function(CXType type, bool behind_pointer, int depth, struct text *out)
{
	text_puts(out, "F");
	put_type(clang_getResultType(type), behind_pointer, depth + 1, out);
	text_puts(out, "(");
	if (type.kind != CXType_FunctionProto) {
		text_puts(out, "?)");
		return;
	}
	int count = clang_getNumArgTypes(type);
	for (int i = 0; i < count; i++)
		put_type(clang_getArgType(type, (unsigned)i), behind_pointer, depth + 1, out);
	text_puts(out, clang_isFunctionTypeVariadic(type) ? ".)" : ")");
}

static char letter_of(enum CXTypeKind kind)
{
	if (cursor_is_integer(kind))
		return cursor_is_signed(kind) ? 's' : 'u';
	switch (kind) {
	case CXType_Bool:
		return 'b';
	case CXType_Enum:
		return 'e';
	case CXType_Half:
	case CXType_Float:
	case CXType_Double:
	case CXType_LongDouble:
	case CXType_Float128:
	case CXType_Float16:
		return 'f';
	case CXType_Complex:
		return 'c';
	default:
		return '?';
	}
}

static void put_type(CXType type, bool behind_pointer, int depth, struct text *out)
{
	type = clang_getCanonicalType(type);
	if (type.kind == CXType_Atomic)
		type = clang_getCanonicalType(clang_Type_getValueType(type));
	if (depth > NESTING) {
		text_puts(out, "?0");
		return;
	}
	switch (type.kind) {
	case CXType_Void:
		text_puts(out, "v");
		break;
	case CXType_Pointer:
		text_puts(out, "p");
		if (behind_pointer)
			text_puts(out, "?0");
		else
			put_type(clang_getPointeeType(type), true, depth + 1, out);
		break;
	case CXType_ConstantArray:
	case CXType_IncompleteArray:
	case CXType_VariableArray: {
		long long count = clang_getArraySize(type);
		text_printf(out, "A%lld,", count > 0 ? count : 0);
		put_type(clang_getArrayElementType(type), behind_pointer, depth + 1, out);
		break;
	}
	case CXType_Record:
		put_record(type, behind_pointer, depth, out);
		break;
	case CXType_FunctionProto:
	case CXType_FunctionNoProto:
		put_function(type, behind_pointer, depth, out);
		break;
	default:
		text_printf(out, "%c%llu", letter_of(type.kind), (unsigned long long)size_of(type));
		break;
	}
}

/* --- findings ---------------------------------------------------------------------------------------------------- */

/* The first is what is told. Takes the message. */
static void refuse(struct pass *p, CXCursor cursor, enum error_class class, char *message)
{
	struct check_result *r = p->result;
	unsigned line = 0, column = 0;
	CXString file;

	if (r->failed || !message) {
		p->failed |= !message;
		free(message);
		return;
	}
	r->failed = true;
	r->class = class;
	r->message = message;
	clang_getPresumedLocation(clang_getCursorLocation(cursor), &file, &line, &column);
	struct check_diagnostic d = {.file = cursor_take(file),
				     .line = line,
				     .column = column,
				     .severity = strdup("error"),
				     .message = strdup(message),
				     .source = strdup("")};
	struct error *e = check_add(r, d);
	p->failed |= e != NULL;
	error_free(e);
}

static char *__attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list arguments;
	char *said;

	va_start(arguments, format);
	if (vasprintf(&said, format, arguments) < 0)
		said = NULL;
	va_end(arguments);
	return said;
}

/* --- variables and functions ------------------------------------------------------------------------------------- */

static void check_added(struct pass *p, CXCursor cursor, const char *name)
{
	const struct claims_program *program = p->program;
	uint64_t known, size = size_of(clang_getCursorType(cursor));

	p->passing = true;
	if (program->added && program->added(program->context, name, &known) && size && known &&
	    size != known)
		refuse(p, cursor, ERROR_LAYOUT,
		       say("%s has %llu bytes in the running program, %llu here", name,
			   (unsigned long long)known, (unsigned long long)size));
}

static char *spell_function(const char *type, const char *name)
{
	const char *bracket = strchr(type, '(');

	return bracket ? say("%.*s%s%s", (int)(bracket - type), type, name, bracket) : strdup(type);
}

/* A function of another file, which this one declared like that when it was built, too: what it then calls is what it called. */
static bool was_declared_so(struct pass *p, const char *name, const struct text *here)
{
	const struct claims_program *program = p->program;
	struct text form = {0};

	bool agrees = target_find_declared_form(program->target, program->function->unit, name, &form) &&
		      form.bytes && form_agrees(form.bytes, here->bytes);
	text_fini(&form);
	return agrees;
}

/* A function in the old style that is declared with what its parameters are promoted to. DWARF has what the definition says of
 * them. The file shows that it is one; of another file's, that some of the program was built with such a declaration. */
static bool is_declared_promoted(struct pass *p, const char *name, const struct text *form,
				 const struct text *here)
{
	const struct claims_program *program = p->program;

	return form_takes_promoted(form->bytes, here->bytes) &&
	       ((program->old_style && program->old_style(program->context, name)) ||
		target_is_declared(program->target, program->function->unit, name, here->bytes));
}

/* Holds the object's type against that of the program, which may have been found. Takes both texts. */
static void compare(struct pass *p, CXCursor cursor, const char *name, struct text *form,
		    struct text *spelling)
{
	struct text here = {0};
	CXType type = clang_getCursorType(cursor);

	put_type(type, false, 0, &here);
	if (!here.bytes || !form->bytes || !spelling->bytes) {
		p->failed = true;
	} else if (!form_agrees(form->bytes, here.bytes) &&
		   !(*form->bytes == 'F' &&
		     (was_declared_so(p, name, &here) || is_declared_promoted(p, name, form, &here)))) {
		char *now = cursor_take(clang_getTypeSpelling(type));
		char *prototype = now && *form->bytes == 'F' ? spell_function(now, name) : NULL;
		if (prototype)
			refuse(p, cursor, ERROR_SIGNATURE,
			       say("the signature of %s differs: the program has %s, here it is %s", name,
				   spelling->bytes, prototype));
		else
			refuse(p, cursor, ERROR_LAYOUT,
			       say("%s is %s in the running program, %s here", name, spelling->bytes,
				   now ? now : ""));
		free(prototype);
		free(now);
	}
	text_fini(form);
	text_fini(spelling);
	text_fini(&here);
}

static void check_object(struct pass *p, CXCursor cursor, const char *name)
{
	struct target *target = p->program->target;
	const struct target_unit *unit = p->program->function->unit;
	struct text form = {0}, spelling = {0};
	struct target_symbol symbol;

	if (p->program->hidden && p->program->hidden(p->program->context, name))
		return;
	if (target_find_form(target, unit, name, &form, &spelling))
		compare(p, cursor, name, &form, &spelling);
	else if (clang_getCursorKind(cursor) == CXCursor_VarDecl && !target_find(target, unit, name, &symbol))
		check_added(p, cursor, name);
}

/* --- statics of the function itself ------------------------------------------------------------------------------ */

struct locals {
	struct pass *pass;
	struct text seen; /* the names of those before, a line each */
};

/* How many statics of that name came before this one. */
static unsigned count_seen(struct locals *l, const char *name)
{
	size_t length = strlen(name);
	unsigned count = 0;

	for (const char *at = l->seen.bytes; at && *at; at = strchr(at, '\n') + 1)
		count += strncmp(at, name, length) == 0 && at[length] == '\n';
	text_printf(&l->seen, "%s\n", name);
	l->pass->failed |= l->seen.failed;
	return count;
}

static enum CXChildVisitResult visit_local(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct locals *l = data;
	struct pass *p = l->pass;
	struct text form = {0}, spelling = {0};

	(void)parent;
	if (clang_getCursorKind(cursor) != CXCursor_VarDecl ||
	    clang_Cursor_getStorageClass(cursor) != CX_SC_Static)
		return CXChildVisit_Recurse;
	char *name = cursor_take(clang_getCursorSpelling(cursor));
	unsigned nth = name ? count_seen(l, name) : 0;
	p->failed |= !name;
	if (!p->failed && !cursor_is_constant(clang_getCursorType(cursor)) &&
	    target_find_local_form(p->program->target, p->program->function, name, nth, &form, &spelling))
		compare(p, cursor, name, &form, &spelling);
	free(name);
	return p->failed || p->result->failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* Whether it has any is known. */
static bool has_locals(const struct statics *statics)
{
	size_t i = 0;

	while (i < statics->count && statics->list[i].scope != STATICS_OWN)
		i++;
	return i < statics->count;
}

static void check_locals(struct pass *p, CXCursor function)
{
	struct locals locals = {.pass = p};

	if (has_locals(&p->result->statics))
		clang_visitChildren(function, visit_local, &locals);
	text_fini(&locals.seen);
}

/* --- members ----------------------------------------------------------------------------------------------------- */

struct record_pass {
	struct pass *pass;
	const char *subject; /* "struct order" */
	const struct target_layout *layout;
	uint64_t base; /* as above */
	size_t next;   /* members mostly come in the order that they had */
};

static const struct target_member *find_member(struct record_pass *r, const char *name)
{
	for (size_t i = 0; i < r->layout->count; i++) {
		const struct target_member *m = &r->layout->members[(r->next + i) % r->layout->count];
		if (!m->name || strcmp(m->name, name) != 0)
			continue;
		r->next = (size_t)(m - r->layout->members) + 1;
		return m;
	}
	return NULL;
}

/* A bit-field that fills its type: clang's DWARF has no word of its being one. */
static bool same_width(const struct target_member *m, uint32_t width, CXType type)
{
	return m->bit_size == width || (!m->bit_size && width == 8 * size_of(type));
}

/* What stands at the place: one that has only been given another name is none the worse for it. */
static const struct target_member *member_at(const struct record_pass *r, uint64_t offset, uint32_t width,
					     CXType type)
{
	for (size_t i = 0; i < r->layout->count; i++) {
		const struct target_member *m = &r->layout->members[i];
		if (m->name && m->bit_offset == offset && same_width(m, width, type))
			return m;
	}
	return NULL;
}

static char *spell_place(uint64_t offset, uint32_t width)
{
	return width ? say("%u bits from bit %llu on", width, (unsigned long long)offset)
		     : say("at byte %llu", (unsigned long long)offset / 8);
}

static char *say_places(const struct record_pass *r, const char *name, const struct target_member *m,
			uint64_t offset, uint32_t width)
{
	char *before = spell_place(m->bit_offset, m->bit_size), *now = spell_place(offset, width),
	     *said = NULL;

	if (before && now)
		said = say("%s.%s is %s in the running program, %s here", r->subject, name, before, now);
	free(before);
	free(now);
	return said;
}

static void check_member(struct record_pass *r, CXCursor field, const char *name, uint64_t offset)
{
	bool bit_field = clang_Cursor_isBitField(field);
	uint32_t width = bit_field ? (uint32_t)clang_getFieldDeclBitWidth(field) : 0;
	const struct target_member *m = find_member(r, name);
	struct text here = {0};
	CXType type = clang_getCursorType(field);

	if (!m)
		m = member_at(r, offset, width, type);
	if (!m) {
		refuse(r->pass, field, ERROR_LAYOUT,
		       say("%s has no member %s in the running program", r->subject, name));
		return;
	}
	if (m->bit_offset != offset || !same_width(m, width, type)) {
		refuse(r->pass, field, ERROR_LAYOUT, say_places(r, name, m, offset, width));
		return;
	}
	put_type(type, false, 0, &here);
	if (!here.bytes) {
		r->pass->failed = true;
	} else if (!form_agrees(m->form, here.bytes)) {
		char *now = cursor_take(clang_getTypeSpelling(type));
		bool nameless = now && strstr(now, "(unnamed");
		refuse(r->pass, field, ERROR_LAYOUT,
		       nameless ? say("%s.%s has other members in the running program", r->subject, name)
				: say("%s.%s is %s in the running program, %s here", r->subject, name,
				      m->spelling, now ? now : ""));
		free(now);
	}
	text_fini(&here);
}

static enum CXVisitorResult visit_field(CXCursor field, CXClientData data)
{
	struct record_pass *r = data;
	uint64_t base = r->base;
	long long offset = clang_Cursor_getOffsetOfField(field);
	char *name = cursor_take(clang_getCursorSpelling(field));

	if (offset < 0 || !name) {
		free(name);
		return CXVisit_Break;
	}
	if (*name) {
		check_member(r, field, name, base + (uint64_t)offset);
	} else if (!clang_Cursor_isBitField(field)) {
		r->base = base + (uint64_t)offset;
		clang_Type_visitFields(clang_getCanonicalType(clang_getCursorType(field)), visit_field, r);
		r->base = base;
	}
	free(name);
	return r->pass->result->failed ? CXVisit_Break : CXVisit_Continue;
}

static void check_record(struct pass *p, CXType type, enum target_tag tag, const char *name)
{
	static const char *const prefixes[] = {"struct ", "union ", "enum ", ""};
	struct target_layout layout;
	char *subject = say("%s%s", prefixes[tag], name);

	if (!subject)
		p->failed = true;
	else if (target_find_layout(p->program->target, p->program->function->unit, tag, name, &layout) &&
		 layout.count) {
		struct record_pass r = {.pass = p, .subject = subject, .layout = &layout};
		clang_Type_visitFields(type, visit_field, &r);
	}
	free(subject);
}

/* --- the slice --------------------------------------------------------------------------------------------------- */

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data);

static void visit_named(struct pass *p, CXCursor cursor, enum CXCursorKind kind, const char *name)
{
	CXType type = clang_getCursorType(cursor);

	switch (kind) {
	case CXCursor_VarDecl:
		/* A constant's value is the text's. */
		if (clang_Cursor_getStorageClass(cursor) == CX_SC_Extern || !cursor_is_constant(type))
			check_object(p, cursor, name);
		break;
	case CXCursor_FunctionDecl:
		if (strcmp(name, p->program->function->name) == 0) {
			if (clang_isCursorDefinition(cursor))
				check_locals(p, cursor);
		} else if (clang_Cursor_isNull(clang_getCursorDefinition(cursor))) {
			check_object(p, cursor, name);
		}
		break;
	case CXCursor_StructDecl:
	case CXCursor_UnionDecl:
		if (*name && clang_isCursorDefinition(cursor))
			check_record(p, type, kind == CXCursor_StructDecl ? TARGET_STRUCT : TARGET_UNION,
				     name);
		clang_visitChildren(cursor, visit, p);
		break;
	case CXCursor_TypedefDecl: {
		CXType whole = clang_getCanonicalType(type);
		CXCursor record = clang_getTypeDeclaration(whole);
		if (whole.kind == CXType_Record &&
		    (clang_Cursor_isAnonymous(record) || !cursor_is_named(record)))
			check_record(p, whole, TARGET_TYPEDEF, name);
		break;
	}
	default:
		break;
	}
}

static unsigned line_of(CXCursor cursor)
{
	unsigned line = 0;

	clang_getExpansionLocation(clang_getCursorLocation(cursor), NULL, &line, NULL, NULL);
	return line;
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct pass *p = data;
	enum CXCursorKind kind = clang_getCursorKind(cursor);

	(void)parent;
	if (p->first_line && line_of(cursor) < p->first_line)
		return CXChildVisit_Continue;
	if (clang_isInvalidDeclaration(cursor))
		return CXChildVisit_Continue; /* libclang's guess at a dialect that it does not know */
	if (kind == CXCursor_VarDecl || kind == CXCursor_FunctionDecl || kind == CXCursor_StructDecl ||
	    kind == CXCursor_UnionDecl || kind == CXCursor_TypedefDecl) {
		char *name = cursor_take(clang_getCursorSpelling(cursor));
		if (name)
			visit_named(p, cursor, kind, name);
		p->failed |= !name;
		free(name);
	}
	return p->failed || p->result->failed ? CXChildVisit_Break : CXChildVisit_Continue;
}

/* Of what stands before the definition, of whose file, which has its flags for as long as it is known, and of which function;
 * 0: it has to be asked each time. */
static uint64_t hash_head(const struct slice *slice, const struct claims_program *program)
{
	const struct target_unit *unit = program->function->unit;

	if (slice->extra_line || program->hidden)
		return 0;
	uint64_t hash = text_hash(TEXT_HASH_SEED, &unit, sizeof(unit));
	hash = text_hash(hash, program->function->name, strlen(program->function->name));
	hash = text_hash(hash, &slice->head, sizeof(slice->head));
	return hash ? hash : 1;
}

bool claims_held(const struct claims *c, const struct slice *slice, const struct claims_program *program)
{
	uint64_t head = hash_head(slice, program);

	return head && c->held[head % HELD_MAX] == head;
}

struct error *claims_check(struct claims *c, struct CXTranslationUnitImpl *unit, struct slice *slice,
			   const struct claims_program *program, struct check_result *result)
{
	struct pass p = {.program = program, .result = result};
	uint64_t head = hash_head(slice, program);

	if (claims_held(c, slice, program))
		p.first_line = slice->user_line;
	clang_visitChildren(clang_getTranslationUnitCursor(unit), visit, &p);
	if (p.failed)
		return error_memory();
	if (head && !p.passing && !result->failed)
		c->held[head % HELD_MAX] = head;
	slice->guards_held = claims_held(c, slice, program);
	return NULL;
}

struct error *claims_new(struct claims **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? NULL : error_memory();
}

void claims_free(struct claims *c)
{
	free(c);
}

void claims_forget(struct claims *c)
{
	memset(c->held, 0, sizeof(c->held));
}
