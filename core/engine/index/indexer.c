#include "indexer.h"
#include "marked.h"
#include "pushed.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is in progress while the text is read. */
struct builder {
	struct index *ix;
	uint32_t declaration_room, name_room, cut_room, macro_room, file_room;
	uint32_t file;          /* that the text is from now */
	uint32_t line, counted; /* `line` is that of offset `counted` */
	bool builtin;
	uint8_t pack, pack_stack[16];
	unsigned pack_depth;
	bool failed;
};

static void *grow(struct builder *b, void *array, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return array;
	uint32_t more = *room ? *room * 2 : 64;
	void *bigger = realloc(array, more * size);
	if (!bigger) {
		b->failed = true;
		return array;
	}
	*room = more;
	return bigger;
}

#define PUSH(b, array, count, room) \
	((b)->ix->array = grow(b, (b)->ix->array, (b)->ix->count, &(b)->room, sizeof(*(b)->ix->array)), \
	 (b)->failed ? NULL : &(b)->ix->array[(b)->ix->count++])

/* --- preprocessor lines ---------------------------------------------------------------------------------------- */

static uint32_t line_at(struct builder *b, uint32_t offset)
{
	if (offset > b->counted) {
		const char *p = b->ix->text + b->counted, *end = b->ix->text + offset;
		while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
			b->line++;
			p++;
		}
		b->counted = offset;
	}
	return b->line;
}

static bool is_spelled(const char *word, const char *name, size_t length)
{
	return strncmp(word, name, length) == 0 && word[length] == '\0';
}

static uint32_t file_number(struct builder *b, const char *name, size_t length)
{
	struct index *ix = b->ix;

	if (ix->file_count && is_spelled(ix->files[b->file], name, length))
		return b->file; /* most markers count lines anew, and no more */
	for (uint32_t i = ix->file_count; i-- > 0;)
		if (is_spelled(ix->files[i], name, length))
			return i;
	char *copy = strndup(name, length);
	char **slot = copy ? PUSH(b, files, file_count, file_room) : NULL;
	if (!slot) {
		free(copy);
		b->failed = true;
		return 0;
	}
	*slot = copy;
	return ix->file_count - 1;
}

/* Decimal digits in text that need not end behind them. */
static uint32_t number_at(const char *p, const char *end)
{
	uint32_t number = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++)
		number = number * 10 + (uint32_t)(*p - '0');
	return number;
}

/* The name in quotes at `c`, its escapes undone. */
static void unescape(const char *c, const char *end, struct text *name)
{
	for (; c < end && *c != '"'; c++) {
		c += *c == '\\' && c + 1 < end;
		text_append(name, c, 1);
	}
}

/* `# 12 "name" flags`: the next line is line 12 of that file. */
static void read_line_marker(struct builder *b, const char *p, uint32_t end_offset)
{
	const char *end = b->ix->text + end_offset;
	uint32_t line = number_at(p, end);
	const char *open = memchr(p, '"', (size_t)(end - p));
	const char *close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
	const char *name = open ? open + 1 : end;
	size_t length = close ? (size_t)(close - name) : 0;
	struct text unescaped = {0};

	if (open && (!close || memchr(name, '\\', length))) {
		unescape(name, end, &unescaped);
		name = unescaped.bytes;
		length = unescaped.size;
	}
	if (length) {
		b->file = file_number(b, name, length);
		b->builtin = name[0] == '<';
	}
	b->failed |= unescaped.failed;
	text_fini(&unescaped);
	b->line = line;
	b->counted = end_offset < b->ix->size ? end_offset + 1 : end_offset;
}

static void read_pack(struct builder *b, const char *p, const char *end)
{
	const unsigned room = sizeof(b->pack_stack);
	bool push = false, pop = false, number = false;
	uint32_t value = 0;
	struct token_reader r;
	struct token t;

	token_reader_within(&r, p, 0, (uint32_t)(end - p), false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		push |= token_is(&r, &t, "push");
		pop |= token_is(&r, &t, "pop");
		if (t.kind != TOKEN_NUMBER)
			continue;
		number = true;
		value = number_at(p + t.begin, end);
	}
	if (push && b->pack_depth++ < room)
		b->pack_stack[b->pack_depth - 1] = b->pack;
	if (pop && b->pack_depth && --b->pack_depth < room)
		b->pack = b->pack_stack[b->pack_depth];
	if (number)
		b->pack = value <= 16 ? (uint8_t)value : 0;
	else if (!push && !pop)
		b->pack = 0;
}

static void read_macro(struct builder *b, const struct token *t, const char *p, bool undefined)
{
	const char *end = b->ix->text + t->end;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	const char *name = p;
	while (p < end && (*p == '_' || *p == '$' || (unsigned char)*p >= 0x80 || (*p >= '0' && *p <= '9') ||
			   (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
		p++;
	if (p == name)
		return;
	struct index_macro *m = PUSH(b, macros, macro_count, macro_room);
	if (!m)
		return;
	*m = (struct index_macro){.begin = t->begin,
				  .at = t->begin,
				  .line = line_at(b, t->begin),
				  .file = (uint16_t)b->file,
				  .end = t->end,
				  .name_begin = (uint32_t)(name - b->ix->text),
				  .name_end = (uint32_t)(p - b->ix->text),
				  .body_begin = (uint32_t)(p - b->ix->text),
				  .next = INDEX_NONE,
				  .undefined = undefined,
				  .builtin = b->builtin};
	b->failed |= !index_chain_macro(b->ix, b->ix->macro_count - 1);
}

static void read_directive(void *context, const struct token *t)
{
	struct builder *b = context;
	const char *p = b->ix->text + t->begin + 1, *end = b->ix->text + t->end;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	size_t left = (size_t)(end - p);
	if (left && *p >= '0' && *p <= '9')
		read_line_marker(b, p, t->end);
	else if (left > 7 && memcmp(p, "define ", 7) == 0)
		read_macro(b, t, p + 7, false);
	else if (left > 6 && memcmp(p, "undef ", 6) == 0)
		read_macro(b, t, p + 6, true);
	else if (left > 11 && memcmp(p, "pragma pack", 11) == 0)
		read_pack(b, p + 11, end);
	else if (left > 7 && memcmp(p, "pragma ", 7) == 0)
		pragmas_read(&b->ix->pragmas, p + 7, left - 7);
}

/* --- declarations ---------------------------------------------------------------------------------------------- */

static bool is_typedef_name(void *context, const char *name, uint32_t length)
{
	return index_is_typedef(((struct builder *)context)->ix, name, length);
}

static void add_names(struct builder *b, const struct declaration *d, uint32_t declaration)
{
	for (size_t i = 0; i < d->name_count && !b->failed; i++) {
		struct index_name *n = PUSH(b, names, name_count, name_room);
		if (!n)
			return;
		*n = (struct index_name){.begin = d->names[i].begin,
					 .end = d->names[i].end,
					 .bound = d->names[i].bound,
					 .declaration = declaration,
					 .next = INDEX_NONE,
					 .kind = (uint8_t)d->names[i].kind};
		b->failed = !index_chain_name(b->ix, b->ix->name_count - 1);
	}
	for (size_t i = 0; i < d->cut_count && !b->failed; i++) {
		struct declaration_cut *c = PUSH(b, cuts, cut_count, cut_room);
		if (c)
			*c = d->cuts[i];
	}
}

/* The place where the declaration begins must be known before the reader, a token ahead, meets the next line marker:
 * so the reader's callbacks keep the line of what was read, and this is asked with the first token's offset. */
struct position {
	uint32_t file, line;
	uint16_t types, code;
	uint8_t pack;
};

static void add_declaration(struct builder *b, const struct declaration *d, struct position begin)
{
	struct index *ix = b->ix;
	uint32_t name_begin = ix->name_count, cut_begin = ix->cut_count;
	struct index_declaration *e = PUSH(b, declarations, declaration_count, declaration_room);

	if (!e)
		return;
	*e = (struct index_declaration){
		.begin = d->begin,
		.end = d->end,
		.specifiers = d->specifiers,
		.body = d->body,
		.first_name = d->first_name,
		.name_begin = name_begin,
		.cut_begin = cut_begin,
		.file = (uint16_t)begin.file,
		.line = begin.line,
		.kind = (uint8_t)d->kind,
		.types = begin.types,
		.code = begin.code,
		.pack = begin.pack,
		.is_typedef = d->is_typedef,
		.is_static = d->is_static,
		.is_extern = d->is_extern,
		.is_inline = d->is_inline,
		.is_thread_local = d->is_thread_local,
		.old_style = d->old_style,
		.has_directive = d->has_directive,
	};
	uint32_t number = ix->declaration_count - 1;
	add_names(b, d, number);
	ix->declarations[number].name_end = ix->name_count;
	ix->declarations[number].cut_end = ix->cut_count;
	/* Line markers inside it have set the count anew, so this is right unless it ended with one. */
	ix->declarations[number].last_line = 0;
}

/* Lines of a declaration's last byte: the line of its beginning, moved on by newlines and by markers in between. */
static uint32_t last_line(const struct index *ix, const struct index_declaration *d)
{
	uint32_t line = d->line;
	const char *p = ix->text + d->begin, *end = ix->text + d->end;

	for (;;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			return line;
		p = newline + 1;
		line++;
		if (p + 2 < end && p[0] == '#' && p[1] == ' ' && p[2] >= '0' && p[2] <= '9') {
			line = number_at(p + 2, end);
			newline = memchr(p, '\n', (size_t)(end - p));
			if (!newline)
				return line;
			p = newline + 1;
		}
	}
}

static struct error *read_text(struct builder *b)
{
	struct declaration_reader reader;
	struct declaration d = {0};

	declaration_reader_init(&reader, b->ix->text, b->ix->size);
	reader.context = b;
	reader.is_type = is_typedef_name;
	reader.directive = read_directive;
	b->file = file_number(b, b->ix->file, strlen(b->ix->file));
	b->line = 1;

	/* The reader stands on the first token of the next declaration when it returns, markers before it read: the
	 * state of the builder is then that of this token. */
	reader.started = true;
	do
		token_next(&reader.tokens, &reader.current);
	while (reader.current.kind == TOKEN_DIRECTIVE && (read_directive(b, &reader.current), true));
	for (;;) {
		struct position begin = {.file = b->file,
					 .line = line_at(b, reader.current.begin),
					 .types = b->ix->pragmas.types,
					 .code = b->ix->pragmas.code,
					 .pack = b->pack};
		declaration_next(&reader, &d);
		if (d.out_of_memory || b->ix->pragmas.failed)
			b->failed = true;
		if (b->failed || d.kind == DECLARATION_END)
			break;
		add_declaration(b, &d, begin);
	}
	declaration_fini(&d);
	for (uint32_t i = 0; !b->failed && i < b->ix->declaration_count; i++) {
		struct index_declaration *e = &b->ix->declarations[i];
		if (e->kind == DECLARATION_FUNCTION)
			e->last_line = last_line(b->ix, e);
	}
	return b->failed ? error_memory() : NULL;
}

struct error *indexer_read_text(const char *file, char *text, size_t size, const char *source,
				size_t source_size, struct index **out)
{
	struct index *ix = calloc(1, sizeof(*ix));
	struct builder b = {.ix = ix};

	if (!ix || size >= UINT32_MAX / 2 || source_size >= UINT32_MAX / 2) {
		struct error *e =
			ix ? error_new(ERROR_COMPILE, "%s is larger than 2 GiB", file) : error_memory();
		free(text);
		free(ix);
		return e;
	}
	ix->text = text;
	ix->size = (uint32_t)size;
	ix->file = strdup(file);
	if (source) {
		ix->source = strndup(source, source_size);
		ix->source_size = (uint32_t)(ix->source ? strlen(ix->source) : 0);
	}
	struct error *e = NULL;
	if (!ix->file || (source && (!ix->source || !index_find_source_lines(ix))))
		e = error_memory();
	if (!e)
		e = read_text(&b);
	if (!e && !pushed_restore(ix))
		e = error_memory();
	if (e) {
		index_free(ix);
		return e;
	}
	*out = ix;
	return NULL;
}

/* --- files ----------------------------------------------------------------------------------------------------- */

/* The text of a file by the name that a line marker gives it; NULL if it cannot be read, or has no place in an index. */
static char *read_included(const char *name, const char *directory, size_t *size)
{
	char *path = NULL, *text;

	if (*name == '/')
		text = text_read_file(name, size);
	else if (asprintf(&path, "%s/%s", directory, name) < 0)
		return NULL;
	else
		text = text_read_file(path, size);
	free(path);
	if (text && (*size >= UINT32_MAX / 2 || memchr(text, 0, *size))) {
		free(text);
		return NULL;
	}
	return text;
}

/* Headers mostly define inline functions alone: their text is read when somebody asks. */
static bool has_functions(const struct index *ix, uint32_t file)
{
	for (uint32_t i = 0; i < ix->declaration_count; i++) {
		const struct index_declaration *d = &ix->declarations[i];
		if (d->file == file && d->kind == DECLARATION_FUNCTION && !d->is_inline)
			return true;
	}
	return false;
}

/* What stands in an included file is found in its text, which may be another one by the time that somebody looks. */
static bool keep_included(struct index *ix, const char *directory)
{
	ix->file_texts = calloc(ix->file_count + 1, sizeof(*ix->file_texts));
	for (uint32_t i = 0; ix->file_texts && i < ix->file_count; i++) {
		const char *name = ix->files[i];
		size_t size;
		if (*name != '<' && strncmp(name, "/usr/", 5) != 0 && strcmp(name, ix->file) != 0 &&
		    has_functions(ix, i))
			ix->file_texts[i] = read_included(name, directory, &size);
	}
	return ix->file_texts != NULL;
}

static bool says_the_same(const char *name, const char *directory, const char *text, size_t length)
{
	size_t size;
	char *now = read_included(name, directory, &size);
	bool same = now && size == length && memcmp(now, text, size) == 0;

	free(now);
	return same;
}

bool indexer_is_current(const struct index *ix, const char *directory)
{
	if (!ix->source || !says_the_same(ix->file, directory, ix->source, ix->source_size))
		return false;
	for (uint32_t i = 0; ix->file_texts && i < ix->file_count; i++)
		if (ix->file_texts[i] &&
		    !says_the_same(ix->files[i], directory, ix->file_texts[i], strlen(ix->file_texts[i])))
			return false;
	return true;
}

static struct error *read_files(const char *file, const struct flags *flags, const char *source,
				size_t source_size, const struct preprocess_file *files, size_t count,
				struct index **out)
{
	char *text, *folders = NULL;
	size_t size;

	struct error *e =
		marked_preprocess(file, flags, source, source_size, files, count, &text, &size, &folders);
	if (!e)
		e = indexer_read_text(file, text, size, source, source_size, out);
	if (!e)
		(*out)->folders = folders;
	else
		free(folders);
	if (!e && !keep_included(*out, flags->directory)) {
		index_free(*out);
		e = error_memory();
	}
	return e;
}

struct error *indexer_read_file(const char *file, const struct flags *flags, struct index **out)
{
	size_t size;
	char *source = text_read_file(file, &size);

	if (!source)
		return error_errno(errno, "cannot read the source %s", file);
	struct error *e = read_files(file, flags, source, size, NULL, 0, out);
	free(source);
	return e;
}

struct error *indexer_read_files(const char *file, const struct flags *flags,
				 const struct preprocess_file *files, size_t count, struct index **out)
{
	return read_files(file, flags, files[0].bytes, files[0].size, files, count, out);
}
