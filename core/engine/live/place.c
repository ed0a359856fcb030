#include "place.h"
#include "edit.h"
#include "given.h"
#include "images.h"
#include "lines.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Code of ours: what the arena notes of it. */
struct piece {
	uint64_t begin, end;
	struct note note;
	struct live_function *function; /* NULL: of no function that runs */
};

static bool find_arena(struct live *l, uint64_t pc, uint32_t *arena, struct link_region *code)
{
	for (*arena = 0; *arena < program_arena_count(live_program(l)); ++*arena) {
		program_code(live_program(l), *arena, code);
		if (pc >= code->address && pc - code->address < code->size)
			return true;
	}
	return false;
}

bool place_is_ours(struct live *l, uint64_t pc)
{
	struct link_region code;
	uint32_t arena;

	return find_arena(l, pc, &arena, &code);
}

static bool find_piece(struct live *l, uint64_t pc, struct piece *out)
{
	struct link_region code;
	uint32_t arena;
	size_t begin, end;

	if (!find_arena(l, pc, &arena, &code))
		return false;
	*out = (struct piece){.note.number = -1};
	if (!note_find(&code, pc - code.address, &out->note, &begin, &end))
		return true;
	out->begin = code.address + begin;
	out->end = code.address + end;
	for (size_t i = 0; out->note.number >= 0 && i < live_count(l) && !out->function; i++) {
		struct live_function *f = live_function(l, i);
		if (f->arena == arena && f->slot == out->note.slot)
			out->function = f;
	}
	return true;
}

bool place_version(struct live *l, uint64_t pc, struct live_function **function, int *number)
{
	struct piece piece;

	if (!find_piece(l, pc, &piece) || !piece.function)
		return false;
	*function = piece.function;
	*number = piece.note.number;
	return true;
}

struct live_function *place_function(struct live *l, uint64_t pc, int *number)
{
	struct live_function *f;

	if (place_version(l, pc, &f, number))
		return f;
	*number = 0;
	for (size_t i = 0; i < live_count(l); i++) {
		f = live_function(l, i);
		if (pc >= f->at.entry && pc - f->at.entry < f->at.size)
			return f;
	}
	return NULL;
}

/* --- names --------------------------------------------------------------------------------------------------------- */

static void name_piece(const struct piece *piece, uint64_t pc, struct place *out)
{
	if (!piece->function) {
		snprintf(out->function, sizeof(out->function), "this entry");
		out->own = true;
		return;
	}
	snprintf(out->function, sizeof(out->function), "%s@%d", piece->function->at.name, piece->note.number);
	out->offset = pc - (pc >= piece->note.entry ? piece->note.entry : piece->begin);
}

static void name_built(struct live *l, uint64_t pc, bool is_return, struct place *out)
{
	struct target *target = live_target(l);
	uint64_t at = pc - is_return, size;
	const char *symbol;
	char text[256]; /* "0x1040 in libc.so.6" */

	if (target_find_symbol(target, at, &symbol, &out->offset, &size)) {
		out->offset += is_return;
		snprintf(out->function, sizeof(out->function), "%s", symbol);
	} else if (target_describe_address(target, at, text, sizeof(text))) {
		out->offset = strtoull(text, NULL, 16) + is_return;
		snprintf(out->function, sizeof(out->function), "%s", strstr(text, " in ") + 4);
	} else {
		snprintf(out->function, sizeof(out->function), "0x%" PRIx64, pc);
	}
}

void place_name(struct live *l, uint64_t pc, bool is_return, struct place *out)
{
	struct piece piece;

	*out = (struct place){0};
	if (find_piece(l, pc - is_return, &piece))
		name_piece(&piece, pc, out);
	else
		name_built(l, pc, is_return, out);
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

struct told {
	char origin[32];
	int parent;
	char *text, *flags; /* told_fini */
	unsigned line;
};

static void told_fini(struct told *told)
{
	free(told->text);
	free(told->flags);
	*told = (struct told){0};
}

static void copy_told(void *context, const struct history_version *v)
{
	struct told *told = context;

	snprintf(told->origin, sizeof(told->origin), "%s", v->origin);
	told->parent = v->parent;
	told->text = strdup(v->text);
	told->flags = strdup(v->flags);
	told->line = (unsigned)v->line;
}

/* Who wrote a version's text: one that something was built into has its parent's. */
static bool find_writing(struct live *l, const struct live_function *f, int number, struct told *out)
{
	static const char *const instruments[] = {"trace", "probe", "cover", "guard"};

	for (bool again = true; again;) {
		*out = (struct told){0};
		again = false;
		if (!f->row)
			return false;
		struct error *e = history_find(live_history(l), f->row, number, copy_told, out);
		if (e) {
			error_free(e);
			return false;
		}
		for (size_t i = 0; i < sizeof(instruments) / sizeof(*instruments); i++)
			again |= strstr(out->origin, instruments[i]) != NULL;
		again = again && out->parent >= 0 && out->parent < number;
		number = out->parent;
		if (again)
			told_fini(out);
	}
	return out->text != NULL;
}

/* Whether that is what the version's code calls the file: by its path, or as the program's compiler was given it. */
static bool names_file(const struct told *told, const char *name, const char *file)
{
	struct words flags = {0};

	words_split(&flags, told->flags ? told->flags : "");
	char *given = given_name(flags.items, file);
	bool names = strcmp(name, file) == 0 || (given && strcmp(name, given) == 0);
	free(given);
	words_fini(&flags);
	return names;
}

/* The line of a text on which a function's definition begins. */
static unsigned line_within(const char *text, const char *function)
{
	struct edit edit;
	unsigned line = 1;

	struct error *e = edit_new(text, strlen(text), &edit);
	if (e) {
		error_free(e);
		return line;
	}
	for (size_t i = 0; i < edit.count; i++)
		if (strcmp(edit.functions[i].name, function) == 0)
			line = edit.functions[i].line;
	edit_fini(&edit);
	return line;
}

/* What was typed is compiled as if it stood in the file, where the function does; what was typed before it, from line 1 on.
 * Any other line is that of something from the file that came along. */
static void as_typed(struct live *l, const struct piece *piece, struct place *out)
{
	const struct live_function *f = piece->function;
	struct told told;

	if (!f->at.file || strcmp(text_base_name(out->file), text_base_name(f->at.file)) != 0 ||
	    !find_writing(l, f, piece->note.number, &told))
		return;
	if (!names_file(&told, out->file, f->at.file)) {
		told_fini(&told);
		return;
	}
	unsigned begin = line_within(told.text, f->at.name), lines = 1;
	for (const char *c = told.text; (c = strchr(c, '\n')); c++)
		lines++;
	bool own = out->line >= told.line && out->line - told.line <= lines - begin;
	if (strcmp(told.origin, "console") == 0 && (own || out->line < begin)) {
		snprintf(out->file, sizeof(out->file), "<console>");
		out->line += own ? begin - told.line : 0;
	}
	told_fini(&told);
}

static void find_line(struct live *l, const struct piece *piece, uint64_t pc, struct place *out)
{
	struct lines_place *found = malloc(sizeof(*found));
	void *image;
	size_t size;

	if (found && images_find(live_images(l), piece->begin, piece->end, &image, &size)) {
		if (lines_find(image, size, pc, found) && found->line) {
			snprintf(out->file, sizeof(out->file), "%s", found->file);
			out->line = found->line;
			out->wrapper = strcmp(text_base_name(out->file), PLACE_WRAPPER) == 0;
			if (out->wrapper)
				*out->file = '\0';
			else
				as_typed(l, piece, out);
		}
		free(image);
	}
	free(found);
}

bool place_rules(struct live *l, uint64_t pc, bool is_return, struct rules *out)
{
	struct piece piece;
	void *image;
	size_t size;

	if (!find_piece(l, pc - is_return, &piece) || !piece.function ||
	    !images_find(live_images(l), piece.begin, piece.end, &image, &size))
		return false;
	bool found = rules_find(image, size, pc - is_return, out);
	free(image);
	return found;
}

void place_describe(struct live *l, uint64_t pc, bool is_return, struct place *out)
{
	uint64_t at = pc - is_return;
	struct piece piece;
	const char *file;

	place_name(l, pc, is_return, out);
	if (find_piece(l, at, &piece)) {
		if (piece.function)
			find_line(l, &piece, at, out);
	} else if (target_find_line(live_target(l), at, &file, &out->line)) {
		snprintf(out->file, sizeof(out->file), "%s", file);
	}
}

void place_put(struct text *out, const struct place *place)
{
	text_puts(out, place->function);
	if (*place->file)
		text_printf(out, " (%s:%u)", text_base_name(place->file), place->line);
	else if (place->offset)
		text_printf(out, "+0x%" PRIx64, place->offset);
}
