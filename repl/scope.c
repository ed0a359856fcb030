#include "scope.h"
#include "change.h"
#include "lookup.h"
#include "pool.h"
#include "renaming.h"
#include "rollback.h"
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

/* Under that name or tag: a text that has it may mean either. */
static bool item_may_be(const struct scope_item *item, const char *name, size_t length)
{
	for (char **n = item->names; *n; n++)
		if (strlen(*n + (**n == '#')) == length && memcmp(*n + (**n == '#'), name, length) == 0)
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
		e = index_new_from_text(source->unit->file, output.out, output.out_size, NULL, 0, &s->index);
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

struct scope_value *scope_value(struct scope *s, unsigned number)
{
	if (number == 0)
		number = (unsigned)s->value_count;
	if (number == 0 || number > s->value_count || !s->values[number - 1].type)
		return NULL;
	return &s->values[number - 1];
}

/* --- texts --------------------------------------------------------------------------------------------------------- */

struct making {
	struct scope *scope;
	struct live *live;
	struct evaluator *evaluator;
	const char *file;
	struct scope_text *out;
	struct text before, extra; /* what needs nothing of the scope's; the rest */
	bool *wanted;              /* of the scope's items */
};

struct error *scope_text_bind(struct scope_text *t, const char *name, uint64_t address)
{
	for (size_t i = 0; i < t->binding_count; i++) {
		if (strcmp(t->bindings[i].name, name) == 0) {
			t->bindings[i].address = address;
			return NULL;
		}
	}
	struct scope_binding *more =
		pool_grow(t->bindings, t->binding_count, &t->binding_room, sizeof(*more));

	if (!more)
		return error_memory();
	t->bindings = more;
	struct scope_binding *b = &t->bindings[t->binding_count++];
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->address = address;
	return NULL;
}

bool scope_text_resolve(void *context, const char *name, uint64_t *address)
{
	const struct scope_text *t = context;

	for (size_t i = 0; i < t->binding_count; i++) {
		if (strcmp(t->bindings[i].name, name) != 0)
			continue;
		*address = t->bindings[i].address;
		return true;
	}
	return false;
}

static bool is_bound(const struct scope_text *t, const char *name)
{
	uint64_t unused;

	return scope_text_resolve((void *)t, name, &unused);
}

static void want_names(struct making *m, const char *text);

/* Into the program's memory, once: there it can be named. */
static struct error *place_value(struct making *m, struct scope_value *v)
{
	if (v->address)
		return NULL;
	struct error *e = evaluator_alloc(m->evaluator, v->size, v->type->align, &v->address);
	if (!e)
		e = program_write(live_program(m->live), v->address, v->bytes, v->size);
	if (e)
		v->address = 0;
	return e;
}

/* A literal of wide characters has them also where no header has declared their type. */
static void declare_characters(struct making *m, const struct type *type)
{
	static const char *const types[] = {[CHARACTER_WIDE] = "__typeof__(*L\"\")",
					    [CHARACTER_16] = "unsigned short",
					    [CHARACTER_32] = "unsigned int"};

	if (type->kind == TYPE_ARRAY && type->target->character >= CHARACTER_WIDE &&
	    strcmp(type->target->name, type_character_name(type->target->character)) == 0)
		text_printf(&m->before, "typedef %s %s;\n", types[type->target->character],
			    type->target->name);
}

/* By its type as it was when the value was shown. */
static struct error *declare_value(struct making *m, const struct scope_value *v, const char *name,
				   size_t length, const char *symbol)
{
	const struct scope *s = m->scope;
	struct text text = {0};
	char spelled[32];

	declare_characters(m, v->type);
	snprintf(spelled, sizeof(spelled), "%.*s", (int)length, name);
	/* A type without a name is that of the expression it came from. */
	if (v->type->nameless)
		text_printf(&text, "__typeof__(%s) %s", v->expression, spelled);
	else
		type_put_declaration(&text, v->type, spelled);
	char *said = text_take(&text);
	char *now = said ? renaming_apply(s->renamings + v->renamings, s->renaming_count - v->renamings, said,
					  false)
			 : NULL;
	free(said);
	if (!now)
		return error_memory();
	want_names(m, now);
	text_printf(&m->extra, "extern %s __asm__(\"%s\");\n", now, symbol);
	free(now);
	return NULL;
}

/* `$`, `$3`. */
static struct error *use_value(struct making *m, const char *name, size_t length)
{
	char digits[16], symbol[64], *end;

	snprintf(digits, sizeof(digits), "%.*s", (int)length - 1, name + 1);
	unsigned long number = strtoul(digits, &end, 10);
	if (*end)
		return NULL; /* a name of the program's, or no C */
	struct scope_value *v =
		number <= VALUES_KEPT * 100UL ? scope_value(m->scope, (unsigned)number) : NULL;
	if (!v || (length > 1 && number == 0))
		return error_new(ERROR_UNKNOWN, "there is no value %.*s", (int)length, name);
	snprintf(symbol, sizeof(symbol), "rtf_value_%zu", (size_t)(v - m->scope->values) + 1);
	struct error *e = place_value(m, v);
	if (!e && !is_bound(m->out, symbol))
		e = scope_text_bind(m->out, symbol, v->address);
	if (e)
		return e;
	if (v->type->kind == TYPE_FUNCTION)
		return error_new(ERROR_USAGE, "%.*s is a function: call it by its name", (int)length, name);
	return declare_value(m, v, name, length, symbol);
}

/* `price@2`: an older version, called past the entry. Behind a name that is no decorated function's `@` says how many stand
 * in a row: then *version is false. `number` is -1 for what is none. */
static struct error *use_version(struct making *m, const char *name, size_t length, int number, bool *version)
{
	char bare[256], symbol[96];
	struct live_function *f;
	struct change_outcome out;

	snprintf(bare, sizeof(bare), "%.*s", (int)length, name);
	struct error *e = lookup_find(m->live, bare, m->file, &f);
	*version = !e || error_class(e) != ERROR_UNKNOWN;
	if (!*version) {
		error_free(e);
		return NULL;
	}
	if (e)
		return e;
	if (number < 0)
		return error_new(ERROR_USAGE, "a version is a number: %s@0 is what was built", bare);
	uint64_t address = program_built(live_program(m->live), f->arena, f->slot);
	if (number > 0) {
		e = rollback_load(m->live, f, number, &out);
		change_outcome_fini(&out);
		const struct live_version *v = e ? NULL : live_in_memory(f, number);
		if (e || !v)
			return e ? e : error_new(ERROR_UNKNOWN, "%s has no version %d", bare, number);
		address = v->entry;
	}
	if (snprintf(symbol, sizeof(symbol), "rtf_version_%d_%s", number, bare) >= (int)sizeof(symbol))
		return error_new(ERROR_USAGE, "%s@%d: the name is too long", bare, number);
	if (is_bound(m->out, symbol))
		return NULL;
	text_printf(&m->before, "extern __typeof__(%s) %s$%d __asm__(\"%s\");\n", bare, bare, number, symbol);
	return scope_text_bind(m->out, symbol, address);
}

/* A static variable inside a function, for each function of that name. */
struct local {
	struct making *making;
	const char *function, *name;
	struct target_symbol symbol;
	struct text type;
	bool found;
};

static bool find_local(void *context, const struct target_function *f)
{
	struct local *l = context;
	const char *file = l->making->file;

	if (strcmp(f->name, l->function) != 0 || !f->unit ||
	    (file && !text_path_is(f->file, file) && !text_path_is(f->unit->file, file)))
		return true;
	l->found = target_spell_local(live_target(l->making->live), f->unit, l->function, l->name, &l->symbol,
				      &l->type);
	return !l->found;
}

/* `price::calls`, as gdb has it. */
static struct error *use_local(struct making *m, const char *text, const struct token *function,
			       const struct token *name)
{
	char names[2][256], symbol[64], spelled[600];
	struct local l = {m, names[0], names[1], {0}, {0}, false};
	struct error *e = NULL;

	snprintf(names[0], sizeof(names[0]), "%.*s", (int)(function->end - function->begin),
		 text + function->begin);
	snprintf(names[1], sizeof(names[1]), "%.*s", (int)(name->end - name->begin), text + name->begin);
	target_each_function(live_target(m->live), find_local, &l);
	if (!l.found)
		e = error_new(ERROR_UNKNOWN,
			      "the program was built with no static variable %s in a function %s", names[1],
			      names[0]);
	else if (l.symbol.thread_local)
		e = error_new(ERROR_UNKNOWN, "each thread has its own %s::%s", names[0], names[1]);
	snprintf(symbol, sizeof(symbol), "rtf_static_%zu", m->out->binding_count);
	if (!e)
		e = scope_text_bind(m->out, symbol, l.symbol.address);
	if (!e) {
		snprintf(spelled, sizeof(spelled), "%s$$%s", names[0], names[1]);
		text_puts(&m->extra, "extern ");
		type_put_named(&m->extra, l.type.bytes ? l.type.bytes : "int", spelled);
		text_printf(&m->extra, " __asm__(\"%s\");\n", symbol);
	}
	text_fini(&l.type);
	return e;
}

/* The scope's items that a text names, and those that they name. */
static void want_names(struct making *m, const char *text)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, text, (uint32_t)strlen(text));
	r.line_start = false;
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME)
			continue;
		for (size_t i = 0; i < m->scope->item_count; i++) {
			if (m->wanted[i] ||
			    !item_may_be(&m->scope->items[i], text + t.begin, t.end - t.begin))
				continue;
			m->wanted[i] = true;
			want_names(m, m->scope->items[i].text + (*m->scope->items[i].text == '#'));
		}
	}
}

/* `@` right behind a name, and where it is; the number right behind that, or -1. */
static bool version_behind(const struct token_reader *r, const char *text, const struct token *name,
			   uint32_t *sign, int *number)
{
	struct token at, digits;

	struct token_reader ahead = *r;
	token_next(&ahead, &at);
	if (at.kind != TOKEN_PUNCTUATOR || at.first != '@' || at.begin != name->end || at.end - at.begin != 1)
		return false;
	*sign = at.begin;
	*number = -1;
	token_next(&ahead, &digits);
	bool whole = digits.kind == TOKEN_NUMBER && digits.begin == at.end && digits.end - digits.begin <= 9;
	for (uint32_t i = digits.begin; i < digits.end && whole; i++)
		whole = text[i] >= '0' && text[i] <= '9';
	if (whole)
		*number = atoi(text + digits.begin);
	return true;
}

/* `::` right behind a name, and a name right behind that. */
static bool local_behind(const struct token_reader *r, const char *text, const struct token *function,
			 struct token *name)
{
	struct token_reader ahead = *r;

	if (text[function->end] != ':' || text[function->end + 1] != ':')
		return false;
	ahead.at = function->end + 2;
	token_next(&ahead, name);
	return name->kind == TOKEN_NAME && name->begin == function->end + 2;
}

/* Whether one of the names that were declared already. */
static bool is_used(const struct text *used, const char *name, int length)
{
	char key[600];

	snprintf(key, sizeof(key), " %.*s ", length, name);
	return used->bytes && strstr(used->bytes, key);
}

static struct error *read_text(struct making *m, char *text, size_t size)
{
	struct token_reader r;
	struct token t, local, before = {0};
	struct error *e = NULL;
	struct text used = {0}; /* values and statics that have been declared */

	token_reader_init(&r, text, (uint32_t)size);
	for (token_next(&r, &t); t.kind != TOKEN_END && !e; before = t, token_next(&r, &t)) {
		const char *name = text + t.begin;
		int length = (int)(t.end - t.begin), number;
		uint32_t sign;
		bool version;
		bool member = before.kind == TOKEN_PUNCTUATOR &&
			      (token_is(&r, &before, ".") || token_is(&r, &before, "->"));
		if (t.kind != TOKEN_NAME || member)
			continue;
		if (*name == '$') {
			if (is_used(&used, name, length))
				continue;
			text_printf(&used, " %.*s ", length, name);
			e = use_value(m, name, (size_t)length);
		} else if (local_behind(&r, text, &t, &local)) {
			int both = (int)(local.end - t.begin);
			memset(text + t.end, '$', 2); /* a name as long as what was there */
			r.at = local.end;
			if (is_used(&used, name, both))
				continue;
			text_printf(&used, " %.*s ", both, name);
			e = use_local(m, text, &t, &local);
		} else if (version_behind(&r, text, &t, &sign, &number)) {
			e = use_version(m, name, (size_t)length, number, &version);
			if (!e && version) {
				text[sign] = '$'; /* a name as long as what was there */
				r.at = sign + 1 + (uint32_t)strspn(text + sign + 1, "0123456789");
			}
		}
	}
	text_fini(&used);
	return e;
}

static struct error *bind_items(struct making *m, struct text *extra)
{
	struct error *e = NULL;

	for (size_t i = 0; i < m->scope->item_count && !e; i++) {
		const struct scope_item *item = &m->scope->items[i];
		if (!m->wanted[i])
			continue;
		text_printf(extra, "%s\n", item->text);
		if (item->kind == SCOPE_VARIABLE || item->kind == SCOPE_FUNCTION)
			e = scope_text_bind(m->out, item->names[0], item->address);
	}
	return e;
}

/* What ends the program ends only the evaluation. */
static struct error *bind_exits(struct making *m)
{
	static const char *const now[] = {"_exit", "_Exit", "quick_exit"};
	const struct program *program = live_program(m->live);

	struct error *e = scope_text_bind(m->out, "exit", program_exit(program, false));
	for (size_t i = 0; i < 3 && !e; i++)
		e = scope_text_bind(m->out, now[i], program_exit(program, true));
	return e;
}

struct error *scope_text_new(struct scope *s, struct live *l, struct evaluator *ev, const char *file,
			     const char *text, size_t size, const char *also, struct scope_text *out)
{
	struct making m = {.scope = s, .live = l, .evaluator = ev, .file = file, .out = out};
	struct text extra = {0};

	*out = (struct scope_text){.text = strndup(text, size)};
	m.wanted = calloc(s->item_count + 1, sizeof(*m.wanted));
	struct error *e = out->text && m.wanted ? NULL : error_memory();
	if (!e)
		e = read_text(&m, out->text, strlen(out->text));
	if (!e)
		want_names(&m, out->text);
	if (!e && also)
		want_names(&m, also);
	if (!e)
		e = bind_exits(&m);
	if (!e) {
		text_append(&extra, m.before.bytes ? m.before.bytes : "", m.before.size);
		e = bind_items(&m, &extra);
		text_append(&extra, m.extra.bytes ? m.extra.bytes : "", m.extra.size);
	}
	free(m.wanted);
	text_fini(&m.before);
	text_fini(&m.extra);
	out->extra = text_take(&extra);
	if (!e && !out->extra)
		e = error_memory();
	if (e) {
		scope_text_fini(out);
		*out = (struct scope_text){0};
	}
	return e;
}

void scope_text_fini(struct scope_text *t)
{
	free(t->text);
	free(t->extra);
	free(t->bindings);
	*t = (struct scope_text){0};
}
