#include "completion.h"
#include "build.h"
#include "context.h"
#include "edit.h"
#include "elsewhere.h"
#include "folders.h"
#include "pool.h"
#include "run.h"
#include "scope_text.h"
#include "sources.h"
#include "token.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define POINT "rtf_completion" /* stands where the member is to come */

enum { MATCHES_MAX = 1000, DEPTH_MAX = 200 };

struct completion {
	struct console_state *state;
	struct live *live;
	const char *text;
	size_t begin, word, point;
	const struct target_unit *unit; /* whose declarations count, or NULL */
	struct source *source;          /* its */
	char **matches;
	size_t count, room;
};

/* --- matches ------------------------------------------------------------------------------------------------------- */

static void add(struct completion *c, const char *name, size_t length)
{
	size_t typed = c->point - c->word;

	if (length < typed || memcmp(name, c->text + c->word, typed) != 0 || c->count >= 100 * MATCHES_MAX)
		return;
	char **more = pool_grow(c->matches, c->count, &c->room, sizeof(*more));
	if (!more)
		return;
	c->matches = more;
	if ((more[c->count] = strndup(name, length)))
		c->count++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static json_t *take_matches(struct completion *c)
{
	json_t *list = json_array();

	if (c->count)
		qsort(c->matches, c->count, sizeof(*c->matches), by_name);
	for (size_t i = 0; i < c->count; i++)
		if ((!i || strcmp(c->matches[i], c->matches[i - 1]) != 0) &&
		    json_array_size(list) < MATCHES_MAX)
			json_array_append_new(list, json_string(c->matches[i]));
	for (size_t i = 0; i < c->count; i++)
		free(c->matches[i]);
	free(c->matches);
	return list;
}

/* --- names --------------------------------------------------------------------------------------------------------- */

static void add_functions(struct completion *c)
{
	for (size_t i = 0; i < live_count(c->live); i++) {
		const char *name = live_function(c->live, i)->at.name;
		add(c, name, strlen(name));
	}
}

static void add_files(struct completion *c)
{
	for (size_t i = 0; i < live_count(c->live); i++) {
		const char *name = text_base_name(live_function(c->live, i)->at.file);
		add(c, name, strlen(name));
	}
}

/* `tag`: only those of "struct", "union" or "enum"; NULL: what stands without such a word. */
static void add_declared(struct completion *c, const struct index *ix, const char *tag, bool types)
{
	size_t typed = c->point - c->word;

	for (uint32_t i = 0; i < ix->name_count; i++) {
		const struct index_name *n = &ix->names[i];
		bool is_tag = n->kind == NAME_TAG || n->kind == NAME_TAG_FORWARD;
		if (n->kind == NAME_MEMBER || is_tag != (tag != NULL) || n->end - n->begin < typed ||
		    (types && n->kind != NAME_TYPEDEF && !is_tag) ||
		    memcmp(ix->text + n->begin, c->text + c->word, typed) != 0)
			continue;
		if (is_tag && *tag &&
		    strcmp(declaration_tag_word(ix->text, ix->declarations[n->declaration].begin, n->begin),
			   tag) != 0)
			continue;
		add(c, ix->text + n->begin, n->end - n->begin);
	}
	for (uint32_t i = 0; i < ix->macro_count && !tag && !types; i++) {
		const struct index_macro *m = &ix->macros[i];
		const char *name = ix->text + m->name_begin;
		size_t length = m->name_end - m->name_begin;
		if (length >= typed && memcmp(name, c->text + c->word, typed) == 0 &&
		    index_find_macro(ix, name, length, ix->size))
			add(c, name, length);
	}
}

static void add_scope(struct completion *c, bool tags)
{
	const struct scope_item *item;

	for (size_t i = 0; c->state->scope && (item = scope_item(c->state->scope, i)); i++)
		for (char **name = item->names; *name; name++)
			if ((**name == '#') == tags)
				add(c, *name + tags, strlen(*name + tags));
}

/* Parameters and variables of what is being typed: its names, whatever they are. */
static void add_typed(struct completion *c)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, c->text + c->begin, (uint32_t)(c->word - c->begin));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME)
			add(c, r.text + t.begin, t.end - t.begin);
}

struct others {
	struct completion *completion;
	const char *tag;
	bool types;
};

static bool add_others(void *context, struct source *source)
{
	struct others *o = context;

	add_declared(o->completion, source->index, o->tag, o->types);
	return true;
}

/* The file's and, as expressions look there too, those of the files that are known already. */
static void add_names(struct completion *c, const char *tag, bool types)
{
	struct others others = {c, tag, types};
	struct index *ix = NULL;

	add_scope(c, tag != NULL);
	if (c->source && c->state->scope)
		error_free(scope_index(c->state->scope, c->source, &ix));
	if (ix)
		add_declared(c, ix, tag, types);
	else if (c->source)
		add_declared(c, c->source->index, tag, types);
	if (!c->state->file)
		sources_each(live_host(c->live)->sources, add_others, &others);
}

/* --- headers ------------------------------------------------------------------------------------------------------- */

static void add_headers_in(struct completion *c, const char *folder, size_t folder_length, char close)
{
	const char *typed = c->text + c->word;
	size_t below = c->point - c->word;
	char *path, name[300];

	while (below && typed[below - 1] != '/')
		below--;
	if (asprintf(&path, "%.*s/%.*s", (int)folder_length, folder, (int)below, typed) < 0)
		return;
	DIR *open = opendir(path);
	for (const struct dirent *d; open && (d = readdir(open));) {
		struct stat st;
		if (*d->d_name == '.' || fstatat(dirfd(open), d->d_name, &st, 0))
			continue;
		const char *dot = strrchr(d->d_name, '.');
		if (!S_ISDIR(st.st_mode) && (!dot || strcmp(dot, ".h") != 0))
			continue;
		int length = snprintf(name, sizeof(name), "%.*s%s%c", (int)below, typed, d->d_name,
				      S_ISDIR(st.st_mode) ? '/' : close);
		if (length > 0 && (size_t)length < sizeof(name))
			add(c, name, (size_t)length);
	}
	if (open)
		closedir(open);
	free(path);
}

/* The folders that the file's compiler tells when it is asked; the caller's, or NULL. It tells without being asked when it
 * reads the file. */
static char *ask_for_folders(const struct source *source)
{
	struct run_output output;
	struct run_options options = {.plain = true, .seconds = 2, .directory = source->flags.directory};
	const char *more[] = {"-E", "-v", "-xc", "/dev/null"};
	size_t words = 0;

	while (source->flags.argv[words])
		words++;
	const char **argv = calloc(words + sizeof(more) / sizeof(*more) + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	memcpy(argv, source->flags.argv, words * sizeof(*argv));
	memcpy(argv + words, more, sizeof(more));
	struct error *e = run_with(argv, &options, &output);
	free(argv);
	if (e) {
		error_free(e);
		return NULL;
	}
	char *folders = output.err ? folders_read(output.err) : NULL;
	run_output_fini(&output);
	return folders;
}

struct including {
	struct completion *completion;
	char close;
};

static void add_folder(void *context, const char *folder, size_t length)
{
	struct including *including = context;

	add_headers_in(including->completion, folder, length, including->close);
}

static void add_headers(struct completion *c, char close)
{
	struct including including = {c, close};

	if (!c->source)
		return;
	const char *slash = strrchr(c->unit->file, '/');
	if (close == '"' && slash)
		add_headers_in(c, c->unit->file, (size_t)(slash - c->unit->file), close);
	if (!c->source->index->folders)
		c->source->index->folders = ask_for_folders(c->source);
	folders_each(c->source->index->folders, close == '"', add_folder, &including);
}

/* Whether an #include is being typed: `word` is then behind its `<` or `"`, which `close` closes. */
static bool is_include(struct completion *c, char *close)
{
	size_t line = c->point;

	while (line > c->begin && c->text[line - 1] != '\n')
		line--;
	line += strspn(c->text + line, " \t");
	if (c->text[line] != '#')
		return false;
	line += 1 + strspn(c->text + line + 1, " \t");
	if (strncmp(c->text + line, "include", 7) != 0)
		return false;
	line += 7;
	line += strspn(c->text + line, " \t");
	if (line >= c->point || (c->text[line] != '<' && c->text[line] != '"'))
		return false;
	*close = c->text[line] == '<' ? '>' : '"';
	c->word = line + 1;
	return !memchr(c->text + c->word, *close, c->point - c->word);
}

/* --- members ------------------------------------------------------------------------------------------------------- */

/* What closes the brackets that are open in it. */
static void close_brackets(struct text *out)
{
	struct token_reader r;
	struct token t;
	char open[DEPTH_MAX];
	size_t depth = 0;

	token_reader_init(&r, out->bytes, (uint32_t)out->size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (token_opens(&t) && depth < DEPTH_MAX)
			open[depth++] = t.first;
		else if (token_closes(&t) && depth)
			depth--;
	}
	while (depth--)
		text_puts(out, open[depth] == '(' ? ")" : open[depth] == '[' ? "]" : ";}");
}

/* `typed` as a whole definition with POINT in it, and the name of what it defines. */
static char *write_definition(const char *typed, struct text *out)
{
	struct edit edit;
	char *name = NULL;

	text_printf(out, "%s" POINT, typed);
	close_brackets(out);
	if (out->failed)
		return NULL;
	struct error *e = edit_new(out->bytes, out->size, &edit);
	if (!e && edit.count)
		name = strdup(edit.functions[edit.count - 1].name);
	if (!e)
		edit_fini(&edit);
	error_free(e);
	if (name)
		return name;
	text_fini(out);
	text_printf(out, "void rtf_evaluate(void)\n{\n%s" POINT, typed);
	close_brackets(out);
	return strdup("rtf_evaluate");
}

static void add_member(void *context, const char *name)
{
	add(context, name, strlen(name));
}

static struct error *look_in(struct completion *c, struct build_request *q, struct source *source,
			     char **missing)
{
	const struct build_host *host = live_host(c->live);
	struct build b;

	struct error *e = scope_index(c->state->scope, source, &q->index);
	if (!e)
		e = build_look(host, q, &b);
	else
		return e;
	const char *at = !e && b.slice.text ? strstr(b.slice.text, POINT) : NULL;
	if (at)
		e = check_complete(host->check, &b.slice, (size_t)(at - b.slice.text), add_member, c);
	if (b.check.missing)
		*missing = strndup(b.check.missing, strcspn(b.check.missing, "\n"));
	build_fini(&b);
	return e;
}

/* In the file at hand or, where it does not know a name, in one that does. */
static struct error *look_around(struct completion *c, struct build_request *q,
				 struct target_function *function)
{
	const struct target_unit *other = NULL;
	struct source *source = NULL;
	char *missing = NULL;

	struct error *e = look_in(c, q, c->source, &missing);
	if (!e && !c->count && missing)
		other = elsewhere_unit(c->state->host, missing, strlen(missing), c->unit);
	if (other)
		e = sources_find(live_host(c->live)->sources, other, &source);
	if (source) {
		function->unit = other;
		function->file = other->file;
		char *again = NULL;
		e = look_in(c, q, source, &again);
		free(again);
	}
	free(missing);
	return e;
}

static void add_members(struct completion *c)
{
	struct scope_text given;
	struct text text = {0};

	if (!c->source)
		return;
	if (!c->state->scope && !(c->state->scope = scope_new()))
		return;
	struct error *e = scope_text_new(c->state->scope, c->live, c->state->host->evaluator, c->state->file,
					 c->text + c->begin, c->word - c->begin, NULL, &given);
	if (e) {
		error_free(e);
		return;
	}
	char *name = write_definition(given.text, &text);
	struct target_function function = {.name = name, .file = c->unit->file, .unit = c->unit, .line = 1};
	struct build_request q = {.function = &function,
				  .arena = context_arena(c->live, c->unit),
				  .text = text.bytes,
				  .size = text.size,
				  .extra = given.extra,
				  .extra_size = strlen(given.extra),
				  .given_file = "<console>",
				  .given_line = 1,
				  .file = c->unit->file,
				  .line = 1,
				  .resolve = scope_text_resolve,
				  .context = &given};
	if (name && !text.failed)
		error_free(look_around(c, &q, &function));
	free(name);
	text_fini(&text);
	scope_text_fini(&given);
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

/* Behind `.` or `->`, but not behind a number's point. */
static bool is_member(const struct completion *c)
{
	struct token_reader r;
	struct token t, before = {0}, last = {0};

	token_reader_init(&r, c->text + c->begin, (uint32_t)(c->word - c->begin));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		before = last;
		last = t;
	}
	return token_selects(&r, &last) &&
	       (before.kind == TOKEN_NAME || (before.kind == TOKEN_PUNCTUATOR && strchr(")]", before.first)));
}

/* The `struct`, `union` or `enum` before the word; NULL if there is none. */
static const char *tag_before(const struct completion *c)
{
	static const char *const words[] = {"struct", "union", "enum"};
	size_t end = c->word;

	while (end > c->begin && isspace((unsigned char)c->text[end - 1]))
		end--;
	for (size_t i = 0; i < 3 && end < c->word; i++) {
		size_t length = strlen(words[i]);
		if (end - c->begin >= length && strncmp(c->text + end - length, words[i], length) == 0 &&
		    (end - length == c->begin || !text_is_word(c->text[end - length - 1])))
			return words[i];
	}
	return NULL;
}

static void find_c(struct completion *c)
{
	const char *tag = tag_before(c);
	char close;

	if (is_include(c, &close)) {
		add_headers(c, close);
	} else if (is_member(c)) {
		add_members(c);
	} else if (tag) {
		add_names(c, tag, false);
	} else if (c->word == c->point) {
		add_functions(c); /* all that could be C would be of no help */
	} else {
		add_functions(c);
		add_typed(c);
		add_names(c, NULL, false);
	}
}

json_t *completion_find(struct console_state *state, enum completion_kind kind, const char *text,
			size_t begin, size_t point, size_t *start)
{
	struct completion c = {.state = state,
			       .live = state->host->live,
			       .text = text,
			       .begin = begin,
			       .word = point,
			       .point = point};

	while (c.word > begin && (text_is_word(text[c.word - 1]) ||
				  (kind == COMPLETION_FILE && !isspace((unsigned char)text[c.word - 1]))))
		c.word--;
	struct error *e = context_unit(state, c.live, &c.unit);
	if (!e)
		e = sources_find(live_host(c.live)->sources, c.unit, &c.source);
	error_free(e);
	switch (kind) {
	case COMPLETION_C:
		find_c(&c);
		break;
	case COMPLETION_FUNCTION:
		add_functions(&c);
		break;
	case COMPLETION_FILE:
		add_files(&c);
		break;
	case COMPLETION_NAME:
		if (is_member(&c)) {
			add_members(&c);
			break;
		}
		add_functions(&c);
		add_names(&c, NULL, false);
		add_names(&c, "", false);
		break;
	case COMPLETION_TYPE:
		add_names(&c, NULL, true);
		add_names(&c, "", true);
		break;
	}
	*start = c.word;
	return take_matches(&c);
}
