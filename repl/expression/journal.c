#include "journal.h"
#include "datum.h"
#include "expand.h"
#include "written.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRIES = 64,
	ROOM = 32 * 1024, /* bytes of values, old and new */
	OWN = 64 * 1024,  /* bytes below the snippet's frame that are its own variables */
};

/* In the program; the snippet's text has it as an array of longs. */
struct head {
	uint64_t serial; /* of the evaluation: it has begun */
	uint64_t count, full, ended, used;
};

struct entry {
	uint64_t place, size, number; /* number: of the effect */
	uint64_t at;                  /* of the old value in the room; the new one follows */
};

enum {
	HEAD_LONGS = sizeof(struct head) / 8,
	ENTRY_LONGS = sizeof(struct entry) / 8,
	ROOM_AT = sizeof(struct head) + ENTRIES * sizeof(struct entry),
	JOURNAL_SIZE = ROOM_AT + ROOM,
};

static bool assigns(const struct snippet *x)
{
	for (size_t i = 0; i < x->effects.count; i++)
		if (x->effects.list[i].kind != EFFECT_LITERAL)
			return true;
	return false;
}

/* --- before -------------------------------------------------------------------------------------------------------- */

/* The command's, begun anew if that is another one. */
static struct console_trial *trial_of(struct snippet *x)
{
	struct console_trial *t = &x->state->trial;

	if (!x->state->asked_us || t->asked_us != x->state->asked_us)
		*t = (struct console_trial){.asked_us = x->state->asked_us};
	t->used = 0;
	return t;
}

/* A place that an earlier trial of the command has had, or a new one. */
static struct error *place_literal(struct snippet *x, struct console_trial *t, const struct type *type,
				   uint64_t *address)
{
	if (t->used < t->count && t->literals[t->used].size == type->size) {
		*address = t->literals[t->used++].address;
		return NULL;
	}
	struct error *e = evaluator_alloc(x->host->evaluator, type->size, type->align, address);
	if (e || t->used < t->count || t->count == sizeof(t->literals) / sizeof(*t->literals))
		return e;
	t->literals[t->count].address = *address;
	t->literals[t->count++].size = type->size;
	t->used = t->count;
	return NULL;
}

static struct error *place_literals(struct snippet *x, struct console_trial *t)
{
	struct error *e = NULL;

	x->literals = calloc(x->effects.count + 1, sizeof(*x->literals));
	if (!x->literals)
		return error_memory();
	for (size_t i = 0; i < x->effects.count && !e; i++) {
		const struct effect *f = &x->effects.list[i];
		if (f->kind == EFFECT_LITERAL && f->type->size)
			e = place_literal(x, t, f->type, &x->literals[i]);
	}
	return e;
}

static struct error *find_effects(struct snippet *x)
{
	effects_fini(&x->effects);
	return effects_find(check_unit(live_host(x->live)->check), &x->build.slice, SNIPPET_FUNCTION,
			    &x->effects);
}

/* What is typed becomes `text`, which is taken, and what it was is there afterwards. */
static struct error *check_instead(struct snippet *x, size_t offset, char **text)
{
	size_t size = strlen(x->given.text);
	struct text checked = {0};

	text_append(&checked, x->checked.bytes, offset);
	text_puts(&checked, *text);
	text_puts(&checked, x->checked.bytes + offset + size);
	if (checked.failed)
		return error_memory();
	text_fini(&x->checked);
	x->checked = checked;
	char *before = x->given.text;
	x->given.text = *text;
	*text = before;
	return snippet_check_once(x);
}

struct error *journal_expand(struct snippet *x, size_t offset, size_t begin, size_t end, char **out)
{
	const struct slice *slice = &x->build.slice;
	struct source *source;
	const char *at = slice->text;

	*out = NULL;
	for (uint32_t line = 1; line < slice->user_line; line++)
		at = strchr(at, '\n') + 1;
	size_t from = (size_t)(at - slice->text) + offset;
	struct error *e = sources_find(live_host(x->live)->sources, x->unit, &source);
	return e ? e : expand_piece(source, slice->text, from + begin, from + end, out);
}

struct error *journal_hides(struct snippet *x, bool *hidden)
{
	struct error *e = find_effects(x);

	*hidden = !e && x->effects.in_macros;
	return e;
}

/* What macros assign is seen where they are expanded. Where that cannot be, it is not told. */
static struct error *expand_macros(struct snippet *x, size_t offset)
{
	char *text;

	struct error *e = journal_expand(x, offset, 0, strlen(x->given.text), &text);
	if (e || !text)
		return e;
	e = check_instead(x, offset, &text);
	if (!e && x->build.check.failed)
		e = check_instead(x, offset, &text);
	free(text);
	return e ? e : find_effects(x);
}

struct error *journal_begin(struct snippet *x, size_t offset)
{
	static uint64_t serial;

	struct error *e = find_effects(x);
	/* Declarations have done that, part by part. */
	if (!e && x->effects.in_macros && !x->variable_count)
		e = expand_macros(x, offset);
	if (e)
		return e;
	struct console_trial *trial = trial_of(x);
	if (!trial->serial)
		trial->serial = ++serial;
	x->serial = trial->serial;
	size_t kept = 0, size = strlen(x->given.text);
	for (size_t i = 0; i < x->effects.count; i++) {
		struct effect f = x->effects.list[i];
		if (f.begin < offset || f.end > offset + size)
			continue; /* ours */
		f.begin -= (uint32_t)offset;
		f.end -= (uint32_t)offset;
		x->effects.list[kept++] = f;
	}
	x->effects.count = kept;
	return place_literals(x, trial);
}

size_t journal_size(const struct snippet *x)
{
	return assigns(x) ? JOURNAL_SIZE : 0;
}

void journal_place(struct snippet *x, uint64_t address)
{
	x->journal = assigns(x) ? address : 0;
}

void journal_put_macros(struct snippet *x)
{
	text_puts(&x->run, "#define rtf_kept(address, ...) (*({ __typeof__(__VA_ARGS__) *rtf_literal = "
			   "(void *)address; rtf_copy((void *)rtf_literal, &(__VA_ARGS__), "
			   "sizeof(*rtf_literal)); rtf_literal; }))\n");
	if (!x->journal)
		return;
	text_printf(
		&x->run,
		"#define rtf_noted(number, ...) (*({ __typeof__(__VA_ARGS__) *rtf_at = &(__VA_ARGS__); "
		"unsigned long *rtf_j = (unsigned long *)0x%" PRIx64
		"UL, *rtf_e = rtf_j + %d, *rtf_n = rtf_e + %d * rtf_j[1]; "
		"if ((unsigned long)__builtin_frame_address(0) - (unsigned long)rtf_at >= %dUL) { "
		"while (rtf_e < rtf_n && (rtf_e[0] != (unsigned long)rtf_at || rtf_e[1] != sizeof(*rtf_at))) "
		"rtf_e += %d; "
		"if (rtf_e == rtf_n && (rtf_j[1] == %d || rtf_j[4] + 2 * sizeof(*rtf_at) > %d)) rtf_j[2] = "
		"1; "
		"else if (rtf_e == rtf_n) { rtf_e[0] = (unsigned long)rtf_at; rtf_e[1] = sizeof(*rtf_at); "
		"rtf_e[2] = number; rtf_e[3] = rtf_j[4]; "
		"rtf_copy((char *)rtf_j + %d + rtf_j[4], (const void *)rtf_at, sizeof(*rtf_at)); "
		"rtf_j[4] += 2 * sizeof(*rtf_at); rtf_j[1]++; } } rtf_at; }))\n",
		x->journal, HEAD_LONGS, ENTRY_LONGS, OWN, ENTRY_LONGS, ENTRIES, ROOM, ROOM_AT);
}

void journal_put_begin(struct snippet *x)
{
	if (x->journal)
		text_printf(&x->run,
			    "unsigned long *rtf_journal = (unsigned long *)0x%" PRIx64
			    "UL; rtf_journal[1] = rtf_journal[2] = rtf_journal[3] = rtf_journal[4] = 0; "
			    "rtf_journal[0] = %" PRIu64 ";\n",
			    x->journal, x->serial);
}

void journal_put_end(struct snippet *x)
{
	if (x->journal)
		text_printf(
			&x->run,
			"for (unsigned long rtf_i = 0; rtf_i < rtf_journal[1]; rtf_i++) { unsigned long "
			"*rtf_e = rtf_journal + %d + %d * rtf_i; rtf_copy((char *)rtf_journal + %d + "
			"rtf_e[3] + rtf_e[1], (const void *)rtf_e[0], rtf_e[1]); }\nrtf_journal[3] = 1;\n",
			HEAD_LONGS, ENTRY_LONGS, ROOM_AT);
}

/* Of what begins at a byte and ends before `below`, what ends last. */
static size_t next_opening(const struct effects *effects, size_t at, size_t below)
{
	size_t best = effects->count;

	for (size_t i = 0; i < effects->count; i++)
		if (effects->list[i].begin == at && effects->list[i].end < below &&
		    (best == effects->count || effects->list[i].end > effects->list[best].end))
			best = i;
	return best;
}

/* Of what begins at or behind a byte, before `below`, and ends at another, what begins last. */
static size_t next_closing(const struct effects *effects, size_t begin, size_t below, size_t at)
{
	size_t best = effects->count;

	for (size_t i = 0; i < effects->count; i++)
		if (effects->list[i].end == at && effects->list[i].begin >= begin &&
		    effects->list[i].begin < below &&
		    (best == effects->count || effects->list[i].begin > effects->list[best].begin))
			best = i;
	return best;
}

static void put_opening(struct snippet *x, size_t i)
{
	switch (x->effects.list[i].kind) {
	case EFFECT_LITERAL:
		text_printf(&x->run, "rtf_kept(0x%" PRIx64 "UL, ", x->literals[i]);
		break;
	case EFFECT_BITS:
		text_printf(&x->run, "(&rtf_noted(%zu, *(", i);
		break;
	default:
		text_printf(&x->run, "rtf_noted(%zu, ", i);
	}
}

/* Ranges nest: the outermost opens first, and each closes where it ends. */
void journal_put_text(struct snippet *x, size_t begin, size_t end)
{
	const struct effects *effects = &x->effects;

	for (size_t at = begin; at <= end; at++) {
		for (size_t i = next_closing(effects, begin, at, at); i < effects->count;
		     i = next_closing(effects, begin, effects->list[i].begin, at))
			text_puts(&x->run, effects->list[i].kind == EFFECT_BITS ? ")))" : ")");
		for (size_t i = next_opening(effects, at, end + 1); i < effects->count;
		     i = next_opening(effects, at, effects->list[i].end))
			put_opening(x, i);
		if (at < end)
			text_append(&x->run, x->given.text + at, 1);
	}
}

/* --- afterwards ---------------------------------------------------------------------------------------------------- */

static char *value_of(const struct snippet *x, const struct type *type, const unsigned char *bytes)
{
	struct value_source source = datum_source(x->state);
	struct text t = {0};

	value_text(&t, type, bytes, &source, &x->options);
	return text_take(&t);
}

static void tell_entry(struct snippet *x, const struct entry *entry, const unsigned char *old,
		       const unsigned char *now)
{
	const struct effect *f = &x->effects.list[entry->number];
	char *before = value_of(x, f->type, old), *after = value_of(x, f->type, now), *detail = NULL;
	char *place = NULL;

	if (asprintf(&place, "%s%.*s", f->kind == EFFECT_BITS ? "*" : "", (int)(f->end - f->begin),
		     x->given.text + f->begin) < 0)
		place = NULL;
	if (before && after && place && asprintf(&detail, "%s: %s -> %s", place, before, after) >= 0) {
		snippet_tell(x, "written", detail);
		free(detail);
		written_add(x->host,
			    &(struct written){.evaluation = x->serial,
					      .address = entry->place,
					      .size = (size_t)entry->size,
					      .place = place,
					      .type = f->type->name},
			    old, now, before, after);
	}
	free(before);
	free(after);
	free(place);
}

/* False where there is nothing to tell of it. */
static bool tell_entries(struct snippet *x, unsigned char *bytes, size_t count, bool ended)
{
	const struct entry *entries = (const struct entry *)(bytes + sizeof(struct head));

	for (size_t i = 0; i < count; i++) {
		struct entry e = entries[i];
		if (e.number >= x->effects.count || e.size > ROOM || e.at > ROOM - 2 * e.size ||
		    x->effects.list[e.number].type->size != e.size)
			return false; /* somebody wrote into it */
		unsigned char *old = bytes + ROOM_AT + e.at, *now = old + e.size;
		if (!ended) {
			struct error *error = program_read(x->host->program, e.place, now, (size_t)e.size);
			if (error) {
				error_free(error);
				return false;
			}
		}
		tell_entry(x, &e, old, now);
	}
	return true;
}

void journal_tell(struct snippet *x, const struct evaluate_end *end)
{
	bool all = !x->effects.untold, any = false;
	unsigned char *bytes = NULL;
	struct head head = {0};

	if (x->journal) {
		error_free(snippet_read(x, x->journal, JOURNAL_SIZE, &bytes));
		if (bytes)
			memcpy(&head, bytes, sizeof(head));
		bool begun = bytes && head.serial == x->serial && head.count <= ENTRIES;
		any = begun && head.count > 0;
		all &= begun && !head.full && tell_entries(x, bytes, head.count, head.ended);
		free(bytes);
	}
	if (end->how == CALL_RETURNED && (!all || !any) && (x->writes || any))
		snippet_tell(x, "evaluated", x->text);
}
