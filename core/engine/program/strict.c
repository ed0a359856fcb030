#include "strict.h"
#include "note.h"
#include "strict_entry.h"

#include <string.h>

/* Slots from the first to before the last; `entries`: the run-time address of the first one's strict entry, or 0: the slots
 * get what those lead to. */
static struct error *publish_all(struct program *p, uint32_t arena, uint32_t first, uint32_t last,
				 uint64_t entries)
{
	struct message_publish slots[256];

	for (uint32_t i = first, n; i < last; i += n) {
		for (n = 0; n < 256 && i + n < last; n++) {
			uint64_t entry = entries + (uint64_t)(i + n - first) * STRICT_ENTRY_SIZE;
			uint64_t target = entries ? entry : program_target(p, arena, i + n);
			slots[n] = (struct message_publish){arena, i + n, target};
		}
		struct error *e = program_publish_slots(p, slots, n);
		if (e)
			return e;
	}
	return NULL;
}

/* One block for all slots from the first: a note that belongs to no slot, the word with the agent's address, the entries. */
static struct error *install(struct program *p, uint32_t arena, uint32_t first)
{
	uint32_t last = program_slot_count(p, arena), count = last - first;
	size_t words = NOTE_SIZE + 2 * sizeof(uint64_t), end = words + (size_t)count * STRICT_ENTRY_SIZE;
	struct link_region code, data;
	struct note note = {.slot = UINT32_MAX, .number = -1};
	uint64_t enter = program_enter(p);

	program_regions(p, arena, &code, &data);
	if (code.size < end + NOTE_SIZE)
		return error_new(ERROR_INTERNAL, "the arena is full");
	memcpy(code.view + NOTE_SIZE, &enter, sizeof(enter));
	for (uint32_t i = 0; i < count; i++) {
		size_t at = words + (size_t)i * STRICT_ENTRY_SIZE;
		strict_entry_write(code.view + at, code.address + at, code.address + NOTE_SIZE,
				   program_target(p, arena, first + i));
	}
	if (!note_write(&code, 0, &note, NULL, 0, &end))
		return error_new(ERROR_INTERNAL, "the arena is full");
	program_commit(p, arena, end, 0);
	return publish_all(p, arena, first, last, code.address + words);
}

struct error *strict_install(struct program *p)
{
	for (uint32_t arena = 0; arena < program_arena_count(p); arena++) {
		uint32_t strict = program_strict_count(p, arena);
		if (strict == program_slot_count(p, arena))
			continue;
		struct error *e = install(p, arena, strict);
		if (e)
			return error_context(e, "calls do not wait for saves");
	}
	return NULL;
}

struct error *strict_remove(struct program *p)
{
	struct error *e = NULL;

	for (uint32_t arena = 0; arena < program_arena_count(p) && !e; arena++)
		e = publish_all(p, arena, 0, program_strict_count(p, arena), 0);
	return e;
}
