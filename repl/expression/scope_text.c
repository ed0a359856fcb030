#include "scope_text.h"
#include "added.h"
#include "binding.h"
#include "change.h"
#include "lookup.h"
#include "pool.h"
#include "rollback.h"
#include "texts.h"
#include "token.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under that name or tag: a text that has it may mean either. */
static bool item_may_be(const struct scope_item *item, const char *name, size_t length)
{
	for (char **n = item->names; *n; n++)
		if (strlen(*n + (**n == '#')) == length && memcmp(*n + (**n == '#'), name, length) == 0)
			return true;
	return false;
}

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

	if (type->kind == TYPE_ARRAY)
		type = type->target;
	if (type->character >= CHARACTER_WIDE &&
	    strcmp(type->name, type_character_name(type->character)) == 0)
		text_printf(&m->before, "typedef %s %s;\n", types[type->character], type->name);
}

/* By its type as it was when the value was shown. */
static struct error *declare_value(struct making *m, const struct scope_value *v, const char *name,
				   size_t length, const char *symbol)
{
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
	char *now = said ? scope_said_now(m->scope, v, said) : NULL;
	free(said);
	if (!now)
		return error_memory();
	want_names(m, now);
	text_printf(&m->extra, "extern %s __asm__(\"%s\");\n", now, symbol);
	free(now);
	return NULL;
}

/* Which value `$`, `$3`, `$$` or `$$3` is: false if that is a name of the program's, or no C. 0: there is none. */
static bool value_number(const struct making *m, const char *name, size_t length, unsigned long *number)
{
	unsigned long count = scope_value_count(m->scope), dollars = length > 1 && name[1] == '$' ? 2 : 1;
	char digits[16], *end;

	snprintf(digits, sizeof(digits), "%.*s", (int)(length - dollars), name + dollars);
	unsigned long n = strtoul(digits, &end, 10);
	if (*end)
		return false;
	if (dollars == 2)
		n = *digits ? n : 1; /* that many before the last */
	else if (*digits)
		return *number = n, true;
	else
		n = 0;
	*number = n < count ? count - n : 0;
	return true;
}

static struct error *use_value(struct making *m, const char *name, size_t length)
{
	unsigned long number;
	char symbol[64];

	if (!value_number(m, name, length, &number))
		return NULL;
	bool known = number && number <= UINT_MAX;
	struct scope_value *v = known ? scope_value(m->scope, (unsigned)number) : NULL;
	if (!v)
		return error_new(ERROR_UNKNOWN, "there is no value %.*s", (int)length, name);
	snprintf(symbol, sizeof(symbol), "rtf_value_%lu", number);
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
			return e ? e : texts_no_version(f, number);
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
	bool found, untyped, lost;
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

/* Of a function that was inlined wherever it is called nothing but the variable may be left; of clang's its symbol alone. */
static bool find_in_unit(void *context, const struct target_unit *unit)
{
	struct target *target;
	struct local *l = context;
	const char *file = l->making->file;

	if (file && !text_path_is(unit->file, file))
		return true;
	target = live_target(l->making->live);
	l->found = target_spell_local(target, unit, l->function, l->name, &l->symbol, &l->type);
	l->untyped = !l->found && target_find_helper_local(target, unit, l->function, l->name, 0, &l->symbol);
	l->lost = !l->found && !l->untyped &&
		  target_has_lost_helper_local(target, unit, l->function, l->name, 0);
	return !l->found && !l->untyped && !l->lost;
}

/* What a version has added. */
static struct error *use_added(struct making *m, const struct live_variable *v, const char *spelled)
{
	char symbol[64], *declaration;

	if (added_is_thread_local(m->live, v))
		return error_new(ERROR_UNKNOWN, "each thread has its own %s", v->name);
	snprintf(symbol, sizeof(symbol), "rtf_static_%zu", m->out->binding_count);
	struct error *e = added_declare(m->live, v, spelled, symbol, &declaration);
	if (e)
		return e;
	want_names(m, declaration);
	text_printf(&m->extra, SCOPE_TEXT_ADDED "%s\n", spelled, declaration);
	free(declaration);
	return scope_text_bind(m->out, symbol, v->address);
}

/* A variable at file scope that a version has added, where neither the console nor its file has one of that name. */
static struct error *use_shared(struct making *m, const char *name, size_t length)
{
	const struct live_variable *v = added_find(m->live, m->file, NULL, name, length);
	struct source *source;
	char spelled[256];

	if (!v || scope_find(m->scope, name, length) || length >= sizeof(spelled))
		return NULL;
	struct error *e = sources_find(live_host(m->live)->sources, v->owner->at.unit, &source);
	bool known = e || index_find(source->index, INDEX_ORDINARY, name, length) != INDEX_NONE;
	error_free(e);
	if (known)
		return NULL;
	snprintf(spelled, sizeof(spelled), "%.*s", (int)length, name);
	return use_added(m, v, spelled);
}

/* `price::calls`, as gdb has it. */
static struct error *use_local(struct making *m, const char *text, const struct token *function,
			       const struct token *name)
{
	char names[2][256], symbol[64], spelled[600];
	struct local l = {.making = m, .function = names[0], .name = names[1]};
	struct error *e = NULL;

	snprintf(names[0], sizeof(names[0]), "%.*s", (int)(function->end - function->begin),
		 text + function->begin);
	snprintf(names[1], sizeof(names[1]), "%.*s", (int)(name->end - name->begin), text + name->begin);
	target_each_function(live_target(m->live), find_local, &l);
	const struct live_variable *added =
		l.found ? NULL : added_find(m->live, m->file, names[0], names[1], strlen(names[1]));
	if (added) {
		snprintf(spelled, sizeof(spelled), "%s$$%s", names[0], names[1]);
		return use_added(m, added, spelled);
	}
	if (!l.found)
		target_each_unit(live_target(m->live), find_in_unit, &l);
	snprintf(spelled, sizeof(spelled), "%s::%s", names[0], names[1]);
	if (l.untyped)
		e = error_new(ERROR_UNKNOWN,
			      "%s lies at 0x%llx, but its compiler inlined the function everywhere and tells "
			      "nowhere of what type it is: say it, as in *(int *)0x%llx",
			      spelled, (unsigned long long)l.symbol.address,
			      (unsigned long long)l.symbol.address);
	else if (l.lost)
		e = binding_lost(spelled);
	else if (!l.found)
		e = error_new(ERROR_UNKNOWN, "there is no static variable %s in a function %s of the program",
			      names[1], names[0]);
	else if (l.symbol.thread_local)
		e = error_new(ERROR_UNKNOWN, "each thread has its own %s", spelled);
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

	token_reader_within(&r, text, 0, (uint32_t)strlen(text), false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_NAME)
			continue;
		const struct scope_item *item;
		for (size_t i = 0; (item = scope_item(m->scope, i)); i++) {
			if (m->wanted[i] || !item_may_be(item, text + t.begin, t.end - t.begin))
				continue;
			m->wanted[i] = true;
			want_names(m, item->text + (*item->text == '#'));
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
		if (t.kind != TOKEN_NAME || token_selects(&r, &before))
			continue;
		if (*name == '$') {
			if (is_used(&used, name, length))
				continue;
			text_printf(&used, " %.*s ", length, name);
			e = use_value(m, name, (size_t)length);
			continue;
		}
		if (local_behind(&r, text, &t, &local)) {
			int both = (int)(local.end - t.begin);
			memset(text + t.end, '$', 2); /* a name as long as what was there */
			r.at = local.end;
			if (is_used(&used, name, both))
				continue;
			text_printf(&used, " %.*s ", both, name);
			e = use_local(m, text, &t, &local);
			continue;
		}
		version = false;
		if (version_behind(&r, text, &t, &sign, &number))
			e = use_version(m, name, (size_t)length, number, &version);
		if (!e && version) {
			text[sign] = '$'; /* a name as long as what was there */
			r.at = sign + 1 + (uint32_t)strspn(text + sign + 1, "0123456789");
		} else if (!e && !is_used(&used, name, length)) {
			text_printf(&used, " %.*s ", length, name);
			e = use_shared(m, name, (size_t)length);
		}
	}
	text_fini(&used);
	return e;
}

static struct error *bind_items(struct making *m, struct text *extra)
{
	const struct scope_item *item;
	struct error *e = NULL;

	for (size_t i = 0; (item = scope_item(m->scope, i)) && !e; i++) {
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

	size_t items = 0;
	while (scope_item(s, items))
		items++;
	*out = (struct scope_text){.text = strndup(text, size)};
	m.wanted = calloc(items + 1, sizeof(*m.wanted));
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
