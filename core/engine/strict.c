#include "strict.h"
#include "note.h"

#include <string.h>

enum { ENTRY_SIZE = 32, ENTRY_TARGET = 24, ENTRY_JUMP = 13 };

static const unsigned char head[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8d, 0x1d, ENTRY_JUMP, 0, 0, 0, 0xff, 0x25};

_Static_assert(sizeof(head) == ENTRY_JUMP && 4 + 7 + ENTRY_JUMP == ENTRY_TARGET, "lea leads to the word");

uint64_t *strict_word(unsigned char *code, size_t size)
{
	return size >= ENTRY_SIZE && memcmp(code, head, sizeof(head)) == 0 ? (uint64_t *)(code + ENTRY_TARGET) : NULL;
}

static void write_entry(unsigned char *at, uint64_t address, uint64_t enter_word, uint64_t target)
{
	int32_t distance = (int32_t)(enter_word - (address + sizeof(head) + sizeof(distance)));

	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), &distance, sizeof(distance));
	memcpy(at + ENTRY_TARGET, &target, sizeof(target));
}

/* `entries`: the run-time address of the first of the strict entries, or 0: the slots get what those lead to. */
static struct error *publish_all(struct program *p, uint32_t arena, uint64_t entries)
{
	struct message_publish slots[256];

	for (uint32_t i = 0, n, count = program_slot_count(p, arena); i < count; i += n) {
		for (n = 0; n < 256 && i + n < count; n++)
			slots[n] = (struct message_publish){arena, i + n,
							    entries ? entries + (uint64_t)(i + n) * ENTRY_SIZE
								    : program_target(p, arena, i + n)};
		struct error *e = program_publish_slots(p, slots, n);
		if (e)
			return e;
	}
	return NULL;
}

/* One block for all slots: a note that belongs to no slot, the word with the agent's address, the entries. */
static struct error *install(struct program *p, uint32_t arena)
{
	uint32_t count = program_slot_count(p, arena);
	size_t words = NOTE_SIZE + 2 * sizeof(uint64_t), end = words + (size_t)count * ENTRY_SIZE;
	struct link_region code, data;
	struct note note = {.slot = UINT32_MAX, .number = -1};
	uint64_t enter = program_enter(p);

	program_regions(p, arena, &code, &data);
	if (code.size < end + NOTE_SIZE)
		return error_new(ERROR_INTERNAL, "the arena is full");
	memcpy(code.view + NOTE_SIZE, &enter, sizeof(enter));
	for (uint32_t i = 0; i < count; i++) {
		size_t at = words + (size_t)i * ENTRY_SIZE;
		write_entry(code.view + at, code.address + at, code.address + NOTE_SIZE, program_target(p, arena, i));
	}
	if (!note_write(&code, 0, &note, NULL, 0, &end))
		return error_new(ERROR_INTERNAL, "the arena is full");
	program_commit(p, arena, end, 0);
	return publish_all(p, arena, code.address + words);
}

struct error *strict_install(struct program *p)
{
	for (uint32_t arena = 0; arena < program_arena_count(p); arena++) {
		if (!program_slot_count(p, arena) || program_is_strict(p, arena))
			continue;
		struct error *e = install(p, arena);
		if (e)
			return error_context(e, "calls do not wait for saves");
	}
	return NULL;
}

struct error *strict_remove(struct program *p)
{
	struct error *e = NULL;

	for (uint32_t arena = 0; arena < program_arena_count(p) && !e; arena++)
		if (program_slot_count(p, arena) && program_is_strict(p, arena))
			e = publish_all(p, arena, 0);
	return e;
}
