#include "slice.h"
#include "attributes.h"
#include "closure.h"
#include "guards.h"
#include "head.h"
#include "helper.h"
#include "included.h"
#include "parameters.h"
#include "prelude.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- writing it out -------------------------------------------------------------------------------------------- */

/* [begin, end) of the index's text without macro definitions and line markers, which other lines take care of. */
static void copy(struct text *out, const struct index *ix, uint32_t begin, uint32_t end, bool has_directive)
{
	if (!has_directive) {
		text_append(out, ix->text + begin, end - begin);
		return;
	}
	while (begin < end) {
		const char *line = ix->text + begin;
		const char *newline = memchr(line, '\n', end - begin);
		uint32_t next = newline ? (uint32_t)(newline - ix->text) + 1 : end;
		bool pragma = next - begin > 7 && memcmp(line, "#pragma", 7) == 0;
		if (*line != '#' || pragma || begin == 0 || ix->text[begin - 1] != '\n')
			text_append(out, line, next - begin);
		begin = next;
	}
}

/* The same without the words that give a function or variable its linkage; `external`: `extern` may stay. */
static void copy_without(struct text *out, const struct index *ix, uint32_t begin, uint32_t end,
			 bool directives, bool external)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;
	uint32_t from = begin;

	token_reader_within(&r, ix->text, begin, end, true);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (!token_outside(&t, &depth) ||
		    !(token_is_linkage(&r, &t) || (!external && token_is(&r, &t, "extern"))))
			continue;
		copy(out, ix, from, t.begin, directives);
		from = t.end;
	}
	copy(out, ix, from, end, directives);
}

/* Without what makes it internal. */
static void copy_external(struct text *out, const struct index *ix, uint32_t begin, uint32_t end,
			  bool directives)
{
	copy_without(out, ix, begin, end, directives, true);
}

/* Behind `__extension__`, which nothing may stand in front of. */
static uint32_t begin_static(const struct index *ix, const struct index_declaration *d)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, ix->text, d->begin, d->end, true);
	for (token_next(&r, &t); token_is(&r, &t, "__extension__"); token_next(&r, &t))
		;
	return t.begin;
}

/* With a `static` of its own. */
static void copy_static(struct text *out, const struct index *ix, const struct index_declaration *d)
{
	text_puts(out, "static ");
	copy_without(out, ix, begin_static(ix, d), d->end, d->has_directive, false);
	text_puts(out, "\n");
}

/* A function that comes with its body. */
static void write_helper(const struct closure *c, struct text *out, const struct index_declaration *d)
{
	const struct index *ix = c->ix;

	if (!c->names->local_static || !closure_has_static(ix, d)) {
		copy_static(out, ix, d);
		return;
	}
	text_puts(out, "static ");
	copy_without(out, ix, begin_static(ix, d), d->body, d->has_directive, false);
	helper_write(out, ix, d, c->names->local_static, c->names->context);
	text_puts(out, "\n");
}

/* Whether the slice has a declaration of the function that is none of its definition. */
static bool is_declared_too(const struct closure *c, const struct index_declaration *d)
{
	const struct index_name *name = &c->ix->names[d->name_end - 1];
	uint32_t i = index_find(c->ix, INDEX_ORDINARY, c->ix->text + name->begin, name->end - name->begin);

	for (; i != INDEX_NONE; i = c->ix->names[i].next) {
		uint32_t number = c->ix->names[i].declaration;
		if (closure_declaration(c, number)->kind != DECLARATION_FUNCTION && c->levels[number])
			return true;
	}
	return false;
}

/* `whole`: with what an old-style definition says of its parameters, to hold a new one against. Callers may go by less, and
 * libtcc must: to it what is promoted there is another type than what the definition says. */
static void write_prototype(const struct closure *c, struct text *out, const struct index_declaration *d,
			    bool whole)
{
	const struct index *ix = c->ix;
	struct text parameters = {0};

	if (d->old_style && is_declared_too(c, d))
		return; /* by a prototype, perhaps with what `()` cannot mean: char, float */
	if (!d->old_style) {
		copy_external(out, ix, d->begin, d->body, d->has_directive);
		text_puts(out, ";\n");
		return;
	}
	whole = whole && parameters_write(&parameters, ix, d);
	if (whole)
		text_puts(out, "#ifndef " PRELUDE_LIBTCC "\n");
	copy_external(out, ix, d->begin, ix->names[d->name_end - 1].end, d->has_directive);
	text_printf(out, "%s;\n", whole ? parameters.bytes : "()");
	if (whole)
		text_puts(out, "#endif\n");
	out->failed |= parameters.failed;
	text_fini(&parameters);
}

/* Variables and prototypes: extern, without initialisers, with the bounds that an initialiser would have given. */
static void write_extern(const struct closure *c, struct text *out, const struct index_declaration *d)
{
	const struct index *ix = c->ix;
	uint32_t from = d->begin, cut = d->cut_begin;

	if (!d->is_extern && closure_has_variable(c, d))
		text_puts(out, "extern ");
	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		uint64_t elements;
		char name[256];
		if (n->kind != NAME_VARIABLE || !n->bound || n->end - n->begin >= sizeof(name) ||
		    !c->names->bound)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(n->end - n->begin), ix->text + n->begin);
		if (!c->names->bound(c->names->context, name, &elements))
			continue;
		while (cut < d->cut_end && ix->cuts[cut].begin < n->bound) {
			copy_external(out, ix, from, ix->cuts[cut].begin, d->has_directive);
			from = ix->cuts[cut++].end;
		}
		copy_external(out, ix, from, n->bound, d->has_directive);
		text_printf(out, "%llu", (unsigned long long)elements);
		from = n->bound;
	}
	for (; cut < d->cut_end; cut++) {
		copy_external(out, ix, from, ix->cuts[cut].begin, d->has_directive);
		from = ix->cuts[cut].end;
	}
	copy_external(out, ix, from, d->end, d->has_directive);
	text_puts(out, "\n");
}

static bool is_absent(const struct closure *c, const struct index_name *n)
{
	return n->kind == NAME_VARIABLE && closure_presence(c, n) == SLICE_ABSENT;
}

static const struct declaration_cut *cut_at(const struct index *ix, const struct index_declaration *d,
					    uint32_t begin)
{
	for (uint32_t i = d->cut_begin; i < d->cut_end; i++)
		if (ix->cuts[i].begin == begin)
			return &ix->cuts[i];
	return NULL;
}

/* A group of statics of which the program has some: each on its own, the others with their initialisers. */
static void write_split(const struct closure *c, struct text *out, const struct index_declaration *d)
{
	const struct index *ix = c->ix;
	uint32_t begin = d->specifiers;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		if (n->kind != NAME_VARIABLE && n->kind != NAME_FUNCTION)
			continue;
		uint32_t end = index_declarator_end(ix, n->end, d->end);
		const struct declaration_cut *cut = cut_at(ix, d, end);
		bool absent = is_absent(c, n);
		text_puts(out, !absent ? "extern " : d->is_static ? "static " : "");
		copy_without(out, ix, d->begin, d->specifiers, d->has_directive, false);
		if (absent) {
			copy(out, ix, begin, cut ? cut->end : end, d->has_directive);
			text_puts(out, ";");
		} else {
			struct index_declaration alone = {.begin = begin,
							  .end = end,
							  .name_begin = i,
							  .name_end = i + 1,
							  .is_extern = true};
			write_extern(c, out, &alone);
			text_puts(out, ";");
		}
		text_puts(out, "\n");
		begin = (cut ? cut->end : end) + 1; /* behind the comma */
	}
}

/* Whether the program has some of the variables and lacks others, and the group can be taken apart. */
static bool must_be_split(const struct closure *c, const struct index_declaration *d)
{
	bool any_absent = false, any_present = false;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		bool absent = is_absent(c, &c->ix->names[i]);
		any_absent |= absent;
		any_present |= !absent && c->ix->names[i].kind == NAME_VARIABLE;
	}
	return any_absent && any_present && !memchr(c->ix->text + d->begin, '{', d->specifiers - d->begin);
}

/* Whether the slice has the body of a function that this declares. */
static bool declares_whole(const struct closure *c, const struct index_declaration *d)
{
	const struct index *ix = c->ix;

	for (uint32_t i = d->name_begin; i < d->name_end; i++) {
		const struct index_name *n = &ix->names[i];
		if (n->kind != NAME_FUNCTION)
			continue;
		uint32_t other = index_find(ix, INDEX_ORDINARY, ix->text + n->begin, n->end - n->begin);
		for (; other != INDEX_NONE; other = ix->names[other].next) {
			uint32_t number = ix->names[other].declaration;
			if (closure_declaration(c, number)->kind == DECLARATION_FUNCTION &&
			    c->levels[number] == CLOSURE_WHOLE)
				return true;
		}
	}
	return false;
}

/* A static name for another symbol: it has no value of its own that the program could keep. */
static bool is_weak_reference(const struct index *ix, const struct index_declaration *d)
{
	const char *text = ix->text + d->begin, *end = ix->text + d->end;

	return d->is_static && memmem(text, d->end - d->begin, "__attribute", strlen("__attribute")) &&
	       (text_find_word(text, end, text, "weakref") || text_find_word(text, end, text, "__weakref__"));
}

static void write_declaration(const struct closure *c, struct text *out, uint32_t number)
{
	const struct index *ix = c->ix;
	const struct index_declaration *d = closure_declaration(c, number);
	struct declaration_cut body;

	if (d->kind == DECLARATION_FUNCTION) {
		if (number == c->original && c->own_type)
			return; /* what its prototype would define the text defines */
		if (c->levels[number] != CLOSURE_WHOLE) {
			write_prototype(c, out, d, number == c->original);
			return;
		}
		write_helper(c, out, d);
		return;
	}
	if (!d->is_typedef && (declares_whole(c, d) || is_weak_reference(ix, d))) {
		copy_static(out, ix, d);
		return;
	}
	if (closure_keeps_initialiser(c, d) && must_be_split(c, d)) {
		write_split(c, out, d);
		return;
	}
	if (closure_keeps_initialiser(c, d)) {
		copy(out, ix, d->begin, d->end, d->has_directive);
		text_puts(out, "\n");
		return;
	}
	bool names_objects = false;
	for (uint32_t i = d->name_begin; i < d->name_end; i++)
		names_objects |= ix->names[i].kind == NAME_VARIABLE || ix->names[i].kind == NAME_FUNCTION;
	if (!d->is_typedef && names_objects) {
		write_extern(c, out, d);
		return;
	}
	if (c->levels[number] == CLOSURE_FORWARD && closure_record(c, d, &body)) {
		copy(out, ix, d->begin, body.begin, d->has_directive);
		text_puts(out, " "); /* typedef struct tag{…}tag; */
		copy(out, ix, body.end, d->end, d->has_directive);
		text_puts(out, "\n");
		return;
	}
	copy(out, ix, d->begin, d->end, d->has_directive);
	text_puts(out, "\n");
}

/* `# LINE "FILE"`, a line of its own. */
static void write_marker(struct text *out, unsigned line, const char *file)
{
	text_printf(out, "# %u \"", line);
	while (*file) {
		size_t plain = strcspn(file, "\"\\");
		text_append(out, file, plain);
		file += plain;
		if (*file)
			text_printf(out, "\\%c", *file++);
	}
	text_puts(out, "\"\n");
}

/* Those about names that the slice has. */
static void write_name_pragmas(const struct closure *c, struct text *out)
{
	for (size_t i = 0; i < c->ix->pragmas.name_count; i++) {
		const struct pragma_name *n = &c->ix->pragmas.names[i];
		if (closure_has_name(c, n->line + n->name, n->length))
			text_printf(out, "#pragma %s\n", n->line);
	}
}

static void write_declarations(const struct closure *c, struct text *out)
{
	write_name_pragmas(c, out);
	text_append(out, c->forward.bytes ? c->forward.bytes : "", c->forward.size);
	for (size_t i = 0; i < c->chosen_count; i++) {
		const struct index_declaration *d = closure_declaration(c, c->chosen[i]);
		if (closure_only_mentions(c, c->chosen[i]))
			continue;
		write_marker(out, d->line, c->ix->files[d->file]);
		bool body = d->kind == DECLARATION_FUNCTION && c->levels[c->chosen[i]] == CLOSURE_WHOLE;
		index_open_pragmas(c->ix, d, body, out);
		write_declaration(c, out, c->chosen[i]);
		index_close_pragmas(c->ix, d, body, out);
	}
}

static void write_macros(const struct closure *c, const struct head *h, struct text *out)
{
	const struct index *ix = c->ix;

	for (const struct named *s = NULL; (s = name_table_next(&c->absent_macros, s));) {
		static const char *const foreign[] = {
			"__clang__",       "__TINYC__",       "__llvm__",
			"__clang_major__", "__clang_minor__", "__GNUC__",
			"__GNUC_MINOR__",  "__OPTIMIZE__",    "__GNUC_STDC_INLINE__"};
		for (size_t k = 0; k < sizeof(foreign) / sizeof(*foreign); k++)
			if (strlen(foreign[k]) == s->length && memcmp(foreign[k], s->name, s->length) == 0)
				text_printf(out, "#undef %s\n", foreign[k]);
	}
	for (size_t i = 0; i < c->macro_count; i++) {
		const struct index_macro *m = c->macros[i];
		const char *name = ix->text + m->name_begin;
		uint32_t length = m->name_end - m->name_begin;
		if (name_table_has(&c->hidden, name, length))
			continue;
		if (m->builtin || name[0] == '_')
			text_printf(out, "#undef %.*s\n", (int)length, name);
		text_append(out, ix->text + m->begin, m->end - m->begin);
		head_write_macro(h, out, m);
		text_puts(out, "\n");
	}
}

/* --- identity -------------------------------------------------------------------------------------------------- */

/* Two hashes of a token at a time: what one waits for the other has not to wait for. */
static void hash_token(const char *bytes, size_t size, uint64_t hash[2])
{
	uint64_t first = hash[0], second = hash[1];

	for (size_t i = 0; i < size; i++) {
		first = text_hash(first, bytes + i, 1);
		second = text_hash(second, bytes + i, 1);
	}
	hash[0] = text_hash(first, "", 1);
	hash[1] = second * 3;
}

/* A hash of the tokens: two texts that differ in space, comments and line markers alone have the same. */
static void hash_range(const char *text, uint32_t begin, uint32_t end, bool directive, uint64_t hash[2])
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, !directive);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE) {
			bool marker = t.end - t.begin > 2 && text[t.begin + 1] == ' ' &&
				      text[t.begin + 2] >= '0' && text[t.begin + 2] <= '9';
			if (!marker) {
				hash[0] = text_hash(hash[0], "#", 1);
				hash_range(text, t.begin + 1, t.end, true, hash);
				hash[0] = text_hash(hash[0], "\n", 1);
			}
			continue;
		}
		/* `M(a)` and `M (a)` are one call but two definitions. */
		if (directive && t.first == '(' && text[t.begin - 1] != ' ' && text[t.begin - 1] != '\t')
			hash[0] = text_hash(hash[0], "(", 1);
		hash_token(text + t.begin, t.end - t.begin, hash);
	}
}

struct included_hash {
	const struct index *ix;
	uint64_t hash[2];
};

static void hash_included(void *context, uint32_t begin, uint32_t end)
{
	struct included_hash *h = context;

	hash_range(h->ix->text, begin, end, false, h->hash);
}

/* Whoever changes one function again and again gets the same beginning each time. Without memory none is kept. There may be zero
 * bytes in it. */
static void hash_beginning(const struct slice *s, struct index_beginning *last, uint64_t hash[2])
{
	if (last->text && last->size == s->user_at && memcmp(last->text, s->text, s->user_at) == 0) {
		memcpy(hash, last->hash, sizeof(last->hash));
		return;
	}
	hash_range(s->text, 0, (uint32_t)s->user_at, false, hash);
	free(last->text);
	*last = (struct index_beginning){.text = malloc(s->user_at + 1)};
	if (!last->text)
		return;
	memcpy(last->text, s->text, s->user_at);
	memcpy(last->hash, hash, sizeof(last->hash));
	last->size = s->user_at;
}

/* What a text includes in its midst is part of it. */
static void hash_tokens(struct slice *s, const struct closure *c)
{
	struct included_hash included = {.ix = c->ix, .hash = {TEXT_HASH_SEED, ~TEXT_HASH_SEED}};
	uint64_t *hash = included.hash;

	hash_beginning(s, &c->request->index->beginning, hash);
	s->head = hash[0] ^ hash[1];
	hash_range(s->text, (uint32_t)s->user_at, (uint32_t)s->size, false, hash);
	if (c->includes)
		included_each(c->ix, closure_declaration(c, c->original), hash_included, &included);
	snprintf(s->hash, sizeof(s->hash), "%016llx%016llx", (unsigned long long)hash[0],
		 (unsigned long long)hash[1]);
}

static uint32_t count_lines(const struct text *t)
{
	return t->bytes ? token_line(t->bytes, (uint32_t)t->size) : 0;
}

/* The function's declaration as the file has it, on one line. */
static char *file_prototype(const struct closure *c)
{
	return c->original != INDEX_NONE ? index_head(c->ix, closure_declaration(c, c->original))
					 : strdup("");
}

struct error *slice_new(const struct slice_request *q, const struct slice_names *names, struct slice *out)
{
	struct closure c;
	struct head head = {0};
	struct slice slice = {0};
	struct guards guards = {0};
	struct text text = {0};

	if (!closure_init(&c, q, names) || !head_init(&head, &c)) {
		head_fini(&head);
		closure_fini(&c);
		return error_memory();
	}
	write_declarations(&c, &text);
	guards.line = count_lines(&text) + 1;
	guards_write(&guards, &c, &text);
	write_macros(&c, &head, &text);
	attributes_blank(text.bytes, text.size);
	if (q->extra) {
		write_marker(&text, 1, q->file);
		slice.extra_line = count_lines(&text) + 1;
		text_append(&text, q->extra, q->extra_size);
		text_puts(&text, "\n");
		guards.line = count_lines(&text) + 1;
		guards_write_given(&guards, &c, &text, q->extra, q->extra_size, slice.extra_line);
	}
	const struct index_declaration *original =
		c.original != INDEX_NONE ? closure_declaration(&c, c.original) : NULL;
	if (original)
		index_open_pragmas(c.ix, original, true, &text);
	slice.user_at = text.size;
	write_marker(&text, q->line, q->file);
	slice.user_line = count_lines(&text) + 1;
	size_t user_at = text.size;
	head_write_definition(&head, &text);
	if (!text.failed)
		attributes_blank(text.bytes + user_at, text.size - user_at);
	slice.user_lines = count_lines(&text) + 1 - slice.user_line;
	guards.line = count_lines(&text) + 1;
	guards_write_given(&guards, &c, &text, q->text, q->size, slice.user_line);
	if (original)
		index_close_pragmas(c.ix, original, true, &text);
	slice.given = q->text;
	slice.given_size = q->size;
	slice.prototype = file_prototype(&c);
	slice.guards = guards.items;
	slice.guard_count = guards.count;
	slice.size = text.size;
	slice.text = text_take(&text);
	if (slice.text)
		hash_tokens(&slice, &c);
	head_fini(&head);
	closure_fini(&c);
	if (guards.failed || !slice.text || !slice.prototype) {
		slice_fini(&slice);
		return error_memory();
	}
	*out = slice;
	return NULL;
}

void slice_fini(struct slice *s)
{
	for (size_t i = 0; i < s->guard_count; i++)
		free(s->guards[i].subject);
	free(s->guards);
	free(s->text);
	free(s->prototype);
	*s = (struct slice){0};
}
