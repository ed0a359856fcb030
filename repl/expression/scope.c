#include "scope.h"
#include "indexer.h"
#include "pool.h"
#include "renaming.h"
#include "run.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { VALUES_KEPT = 10000 };

/* A declaration that came, one that went from number `at`, or one that was written otherwise there: then the item has its
 * texts and names, and shares all else. */
enum step_kind { STEP_CAME, STEP_WENT, STEP_CHANGED };
struct step {
	enum step_kind kind;
	size_t at;
	struct scope_item item;
};

struct scope {
	struct scope_item *items;
	size_t item_count, item_room;
	struct step *steps; /* since scope_begin */
	size_t step_count, step_room;
	struct renaming *renamings; /* of types that were declared once more */
	size_t renaming_count, renaming_room,
		renaming_begin;     /* `begin`: there were that many at scope_begin */
	struct scope_value *values; /* `first` and those after it */
	size_t value_count, value_room;
	unsigned fresh;
	char fresh_name[32];
	struct text includes;
	struct index *index;
	const struct index *index_of; /* what it was made from */
};

struct scope *scope_new(void)
{
	return calloc(1, sizeof(struct scope));
}

static void words_fini(struct scope_item *item)
{
	for (char **name = item->names; name && *name; name++)
		free(*name);
	free(item->names);
	free(item->text);
	free(item->definition);
}

static void item_fini(struct scope_item *item)
{
	words_fini(item);
	types_free(item->types);
}

static void steps_fini(struct scope *s)
{
	for (size_t i = 0; i < s->step_count; i++)
		if (s->steps[i].kind == STEP_WENT)
			item_fini(&s->steps[i].item);
		else if (s->steps[i].kind == STEP_CHANGED)
			words_fini(&s->steps[i].item);
	s->step_count = 0;
}

static void forget_renamings(struct scope *s, size_t from)
{
	while (s->renaming_count > from) {
		struct renaming *last = &s->renamings[--s->renaming_count];
		free(last->from);
		free(last->to);
	}
}

static void value_fini(struct scope_value *v)
{
	types_free(v->types);
	free(v->bytes);
	free(v->expression);
}

static void drop_index(struct scope *s)
{
	index_free(s->index);
	s->index = NULL;
	s->index_of = NULL;
}

void scope_free(struct scope *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->item_count; i++)
		item_fini(&s->items[i]);
	for (size_t i = 0; i < s->value_count; i++)
		value_fini(&s->values[i]);
	steps_fini(s);
	forget_renamings(s, 0);
	free(s->renamings);
	free(s->steps);
	free(s->items);
	free(s->values);
	text_fini(&s->includes);
	drop_index(s);
	free(s);
}

/* --- declarations -------------------------------------------------------------------------------------------------- */

/* Under that very name. */
static bool item_has(const struct scope_item *item, const char *name, size_t length)
{
	for (char **n = item->names; *n; n++)
		if (strlen(*n) == length && memcmp(*n, name, length) == 0)
			return true;
	return false;
}

const struct scope_item *scope_item(const struct scope *s, size_t i)
{
	return i < s->item_count ? &s->items[i] : NULL;
}

const struct scope_item *scope_find(const struct scope *s, const char *name, size_t length)
{
	for (size_t i = 0; i < s->item_count; i++)
		if (item_has(&s->items[i], name, length))
			return &s->items[i];
	return NULL;
}

void scope_move(struct scope *s, const char *name, uint64_t address)
{
	for (size_t i = 0; i < s->item_count; i++)
		if (item_has(&s->items[i], name, strlen(name)))
			s->items[i].address = address;
}

bool scope_is_type(const struct scope *s, const char *name, size_t length)
{
	const struct scope_item *item = scope_find(s, name, length);

	return item && item->kind == SCOPE_TYPE && strstr(item->text, "typedef");
}

const char *scope_tag_word(const struct scope_item *item, const char *tag)
{
	static const char *const words[] = {"struct", "union", "enum"};
	struct token_reader r;
	struct token t, before = {0};

	token_reader_init(&r, item->text, (uint32_t)strlen(item->text));
	for (token_next(&r, &t); t.kind != TOKEN_END; before = t, token_next(&r, &t))
		for (size_t i = 0; i < 3 && token_is(&r, &t, tag); i++)
			if (token_is(&r, &before, words[i]))
				return words[i];
	return words[0];
}

/* Enumerators stand in braces, and so do members. */
bool scope_declares_type(const struct scope_item *item, const char *name)
{
	struct token_reader r;
	struct token t;
	unsigned depth = 0;
	bool outside = false;

	if (item->kind != SCOPE_TYPE || *name == '#')
		return item->kind == SCOPE_TYPE;
	token_reader_init(&r, item->text, (uint32_t)strlen(item->text));
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_PUNCTUATOR)
			depth += (t.first == '{') - (t.first == '}');
		outside |= depth == 0 && token_is(&r, &t, name);
	}
	return outside;
}

static bool add_step(struct scope *s, const struct step *step)
{
	struct step *more = pool_grow(s->steps, s->step_count, &s->step_room, sizeof(*more));

	if (!more)
		return false;
	s->steps = more;
	s->steps[s->step_count++] = *step;
	return true;
}

bool scope_forget(struct scope *s, const char *name)
{
	bool any = false;

	for (size_t i = 0; i < s->item_count;) {
		if (!item_has(&s->items[i], name, strlen(name))) {
			i++;
			continue;
		}
		if (!add_step(s, &(struct step){STEP_WENT, i, s->items[i]}))
			item_fini(&s->items[i]);
		memmove(&s->items[i], &s->items[i + 1], (--s->item_count - i) * sizeof(*s->items));
		any = true;
	}
	return any;
}

void scope_begin(struct scope *s)
{
	steps_fini(s);
	s->renaming_begin = s->renaming_count;
}

/* Takes the words of `from`. */
static void give_words(struct scope_item *to, const struct scope_item *from)
{
	to->names = from->names;
	to->text = from->text;
	to->definition = from->definition;
	to->initialiser = from->initialiser;
}

void scope_take_back(struct scope *s)
{
	forget_renamings(s, s->renaming_begin);
	while (s->step_count) {
		struct step *step = &s->steps[--s->step_count];
		if (step->kind == STEP_CAME) {
			item_fini(&s->items[--s->item_count]);
			continue;
		}
		if (step->kind == STEP_CHANGED) {
			words_fini(&s->items[step->at]);
			give_words(&s->items[step->at], &step->item);
			continue;
		}
		/* There is room: it came from here. */
		memmove(&s->items[step->at + 1], &s->items[step->at],
			(s->item_count++ - step->at) * sizeof(*s->items));
		s->items[step->at] = step->item;
	}
}

/* --- types that are declared once more: what was made of them stays what it is ------------------------------------------ */

/* Whether something but the declaration itself means the type of that name. */
static bool is_needed(const struct scope *s, const struct scope_item *type, const char *name)
{
	for (size_t i = 0; i < s->item_count; i++) {
		const struct scope_item *item = &s->items[i];
		if (item != type && item->kind != SCOPE_MACRO &&
		    (renaming_concerns(item->text, name) ||
		     (item->definition && renaming_concerns(item->definition, name))))
			return true;
	}
	for (size_t i = 0; i < s->value_count; i++)
		if (s->values[i].type && (renaming_concerns(s->values[i].type->name, name) ||
					  renaming_concerns(s->values[i].expression, name)))
			return true;
	return false;
}

static bool copy_names(const struct scope *s, const struct scope_item *old, size_t from,
		       struct scope_item *new)
{
	size_t count = 0;

	while (old->names[count])
		count++;
	new->names = calloc(count + 1, sizeof(*new->names));
	for (size_t i = 0; i < count && new->names; i++) {
		const char *name = old->names[i];
		for (size_t j = from; j < s->renaming_count; j++)
			if (strcmp(name, s->renamings[j].from) == 0)
				name = s->renamings[j].to;
		new->names[i] = strdup(name);
		if (!new->names[i])
			return false;
	}
	return new->names != NULL;
}

/* What the item says after the renamings `from` and on. */
static bool rename_words(const struct scope *s, const struct scope_item *old, size_t from, bool declares,
			 struct scope_item *new)
{
	const struct renaming *list = s->renamings + from;
	size_t count = s->renaming_count - from;

	if (!copy_names(s, old, from, new))
		return false;
	new->text = renaming_apply(list, count, old->text, declares);
	if (!new->text || !old->definition)
		return new->text != NULL;
	if (old->initialiser) {
		char *head = strndup(old->definition, old->initialiser);
		char *renamed = head ? renaming_apply(list, count, head, declares) : NULL;
		new->initialiser = renamed ? strlen(renamed) : 0;
		free(head);
		free(renamed);
	}
	new->definition = renaming_apply(list, count, old->definition, declares);
	return new->definition != NULL;
}

static struct error *rename_item(struct scope *s, size_t i, size_t from, bool declares)
{
	struct scope_item new = {0};

	if (!rename_words(s, &s->items[i], from, declares, &new) ||
	    !add_step(s, &(struct step){STEP_CHANGED, i, s->items[i]})) {
		words_fini(&new);
		return error_memory();
	}
	give_words(&s->items[i], &new);
	return NULL;
}

static bool add_renaming(struct scope *s, const char *name)
{
	struct renaming *more = pool_grow(s->renamings, s->renaming_count, &s->renaming_room, sizeof(*more));
	struct renaming new = {strdup(name), NULL};
	size_t length = strlen(name) + 40;

	if (more)
		s->renamings = more;
	new.to = malloc(length);
	if (!more || !new.from || !new.to) {
		free(new.from);
		free(new.to);
		return false;
	}
	snprintf(new.to, length, "%s" TYPE_BEFORE, name);
	for (int n = 2; scope_find(s, new.to, strlen(new.to)); n++)
		snprintf(new.to, length, "%s" TYPE_BEFORE "%d", name, n);
	s->renamings[s->renaming_count++] = new;
	return true;
}

/* A type declared once more: the declaration before goes, or, where something needs it, stays under other names. */
static struct error *keep_type(struct scope *s, size_t i, const struct scope_item *again)
{
	size_t from = s->renaming_count;
	bool needed = false;

	for (char **name = s->items[i].names; *name && !needed; name++)
		needed = is_needed(s, &s->items[i], *name);
	for (char **name = s->items[i].names; *name && needed; name++)
		if (item_has(again, *name, strlen(*name)) && !add_renaming(s, *name))
			return error_memory();
	struct error *e = NULL;
	for (size_t k = 0; k < s->item_count && s->renaming_count > from && !e; k++) {
		bool concerned = k == i;
		for (size_t j = from; j < s->renaming_count && s->items[k].kind != SCOPE_MACRO; j++)
			concerned |= renaming_concerns(s->items[k].text, s->renamings[j].from) ||
				     (s->items[k].definition &&
				      renaming_concerns(s->items[k].definition, s->renamings[j].from));
		if (concerned)
			e = rename_item(s, k, from, k == i);
	}
	return e;
}

static bool is_said_again(const struct scope_item *item, const struct scope_item *again)
{
	struct token_reader a, b;
	struct token x, y;

	if (item->kind != SCOPE_TYPE || again->kind != SCOPE_TYPE)
		return false;
	token_reader_init(&a, item->text, (uint32_t)strlen(item->text));
	token_reader_init(&b, again->text, (uint32_t)strlen(again->text));
	do {
		token_next(&a, &x);
		token_next(&b, &y);
		if (x.kind != y.kind || x.end - x.begin != y.end - y.begin ||
		    memcmp(item->text + x.begin, again->text + y.begin, x.end - x.begin) != 0)
			return false;
	} while (x.kind != TOKEN_END);
	return true;
}

/* What has a name of the item's makes room for it. */
static struct error *make_room(struct scope *s, const struct scope_item *item)
{
	struct error *e = NULL;

	for (char **name = item->names; *name && !e; name++)
		for (size_t i = 0; i < s->item_count && !e; i++)
			if (s->items[i].kind == SCOPE_TYPE && item_has(&s->items[i], *name, strlen(*name)))
				e = keep_type(s, i, item);
	for (char **name = item->names; *name && !e; name++)
		scope_forget(s, *name);
	return e;
}

struct error *scope_declare(struct scope *s, const struct scope_item *item)
{
	for (size_t i = 0; i < s->item_count; i++) {
		if (is_said_again(&s->items[i], item)) {
			struct scope_item same = *item;
			item_fini(&same);
			return NULL;
		}
	}
	struct error *e = make_room(s, item);
	if (e)
		return e;
	struct scope_item *more = pool_grow(s->items, s->item_count, &s->item_room, sizeof(*more));
	if (!more)
		return error_memory();
	s->items = more;
	if (!add_step(s, &(struct step){STEP_CAME, s->item_count, {0}}))
		return error_memory();
	s->items[s->item_count++] = *item;
	return NULL;
}

const char *scope_fresh_name(struct scope *s)
{
	snprintf(s->fresh_name, sizeof(s->fresh_name), TYPE_FRESH "%u", ++s->fresh);
	return s->fresh_name;
}

/* --- includes ------------------------------------------------------------------------------------------------------ */

const char *scope_includes(const struct scope *s)
{
	return s->includes.bytes ? s->includes.bytes : "";
}

struct error *scope_include(struct scope *s, const char *line)
{
	if (strstr(scope_includes(s), line))
		return NULL;
	text_printf(&s->includes, "%s\n", line);
	drop_index(s);
	return s->includes.failed ? error_memory() : NULL;
}

void scope_forget_includes(struct scope *s)
{
	text_fini(&s->includes);
	drop_index(s);
}

static char *first_line(const char *text)
{
	const char *error = strstr(text, "error: ");
	const char *from = error ? error + 7 : text;

	return strndup(from, strcspn(from, "\n"));
}

/* What `cc -E` makes of the file and the includes. */
static struct error *preprocess(const struct scope *s, const struct source *source, struct run_output *output)
{
	const char *slash = strrchr(source->unit->file, '/');
	char *directory =
		slash ? strndup(source->unit->file, (size_t)(slash - source->unit->file)) : strdup(".");
	char *input = NULL;
	size_t words = 0;

	while (source->flags.argv[words])
		words++;
	const char **argv = calloc(words + 10, sizeof(*argv));
	if (!argv || !directory ||
	    asprintf(&input, "#include \"%s\"\n%s", source->unit->file, scope_includes(s)) < 0) {
		free(argv);
		free(directory);
		return error_memory();
	}
	memcpy(argv, source->flags.argv, words * sizeof(*argv));
	const char *more[] = {"-iquote", directory, "-E", "-dD", "-w", "-DREALTIMEFUNC=", "-xc", "-"};
	memcpy(argv + words, more, sizeof(more));
	struct error *e = run(argv, source->flags.directory, input, output);
	free(argv);
	free(input);
	free(directory);
	return e;
}

struct error *scope_index(struct scope *s, const struct source *source, struct index **out)
{
	struct run_output output;

	*out = NULL;
	if (!s->includes.size)
		return NULL;
	if (s->index_of == source->index) {
		*out = s->index;
		return NULL;
	}
	drop_index(s);
	struct error *e = preprocess(s, source, &output);
	if (e)
		return e;
	if (!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0) {
		char *why = first_line(output.err);
		e = error_new(ERROR_COMPILE, "%s", why ? why : "the includes cannot be preprocessed");
		free(why);
	} else {
		e = indexer_read_text(source->unit->file, output.out, output.out_size, NULL, 0, &s->index);
		output.out = NULL;
	}
	run_output_fini(&output);
	if (e)
		return e;
	s->index_of = source->index;
	*out = s->index;
	return NULL;
}

/* --- values -------------------------------------------------------------------------------------------------------- */

struct error *scope_keep(struct scope *s, struct scope_value *value, unsigned *number)
{
	struct scope_value *more = pool_grow(s->values, s->value_count, &s->value_room, sizeof(*more));

	if (!more)
		return error_memory();
	s->values = more;
	if (s->value_count >= VALUES_KEPT) {
		/* A script that prints for days: the oldest go, their numbers stay. */
		struct scope_value *old = &s->values[s->value_count - VALUES_KEPT];
		value_fini(old);
		*old = (struct scope_value){0};
	}
	s->values[s->value_count] = *value;
	s->values[s->value_count++].renamings = s->renaming_count;
	*number = (unsigned)s->value_count;
	return NULL;
}

char *scope_said_now(const struct scope *s, const struct scope_value *v, const char *said)
{
	return renaming_apply(s->renamings + v->renamings, s->renaming_count - v->renamings, said, false);
}

size_t scope_value_count(const struct scope *s)
{
	return s->value_count;
}

struct scope_value *scope_value(struct scope *s, unsigned number)
{
	if (number == 0)
		number = (unsigned)s->value_count;
	if (number == 0 || number > s->value_count || !s->values[number - 1].type)
		return NULL;
	return &s->values[number - 1];
}
