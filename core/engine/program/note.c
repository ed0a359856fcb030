#include "note.h"

#include <string.h>

struct head {
	uint32_t magic;
	uint32_t size; /* to the next note */
	uint32_t slot;
	int32_t number;
	uint64_t entry;
	uint32_t entry_size;
	uint32_t variables_offset, variable_count;
	uint32_t instrumented;
	int32_t plain;
	uint32_t reserved;
};

/* Followed by the name, NUL-terminated, padded to 8 bytes. */
struct variable {
	uint64_t address, size;
	uint32_t nth, file_scope;
};

enum { NOTE_MAGIC = 0x65746f6e }; /* "note" */

_Static_assert(sizeof(struct head) == NOTE_SIZE && NOTE_SIZE % NOTE_ALIGN == 0,
	       "code behind a note stays aligned");

static size_t padded(size_t length)
{
	return (length + 8) & ~(size_t)7;
}

bool note_write(const struct link_region *region, size_t at, const struct note *note,
		const struct note_variable *variables, size_t count, size_t *end)
{
	size_t next = (*end + 7) & ~(size_t)7;
	struct head head = {.magic = NOTE_MAGIC,
			    .slot = note->slot,
			    .number = note->number,
			    .entry = note->entry,
			    .entry_size = note->entry_size,
			    .variables_offset = (uint32_t)(next - at),
			    .variable_count = (uint32_t)count,
			    .instrumented = note->instrumented,
			    .plain = note->plain};

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(variables[i].name);
		struct variable v = {variables[i].address, variables[i].size, variables[i].nth,
				     variables[i].file_scope};
		if (next > region->size || region->size - next < sizeof(v) + padded(length))
			return false;
		memcpy(region->view + next, &v, sizeof(v));
		memcpy(region->view + next + sizeof(v), variables[i].name, length + 1);
		next += sizeof(v) + padded(length);
	}
	next = (next + NOTE_ALIGN - 1) & ~(size_t)(NOTE_ALIGN - 1);
	if (next > region->size || next - at > UINT32_MAX)
		return false;
	head.size = (uint32_t)(next - at);
	memcpy(region->view + at, &head, sizeof(head));
	*end = next;
	return true;
}

static bool is_head(const struct head *head, size_t room)
{
	return head->magic == NOTE_MAGIC && head->size >= sizeof(*head) && head->size % NOTE_ALIGN == 0 &&
	       head->size <= room;
}

static struct note note_of(const struct head *head)
{
	return (struct note){.slot = head->slot,
			     .number = head->number,
			     .entry = head->entry,
			     .entry_size = head->entry_size,
			     .instrumented = head->instrumented,
			     .plain = head->plain};
}

static void set_word(const struct link_region *region, size_t at, int32_t value)
{
	memcpy(region->view + at, &value, sizeof(value));
}

void note_set_number(const struct link_region *region, size_t at, int number)
{
	set_word(region, at + offsetof(struct head, number), number);
}

void note_renumber(const struct link_region *region, uint32_t slot, int from, int to)
{
	struct head head;

	for (size_t at = 0; at + sizeof(head) <= region->size; at += head.size) {
		memcpy(&head, region->view + at, sizeof(head));
		if (!is_head(&head, region->size - at))
			return;
		if (head.slot != slot)
			continue;
		if (head.number == from)
			note_set_number(region, at, to);
		if (head.instrumented && head.plain == from)
			set_word(region, at + offsetof(struct head, plain), to);
	}
}

bool note_find(const struct link_region *region, size_t offset, struct note *out, size_t *begin, size_t *end)
{
	struct head head;

	for (size_t at = 0; at <= offset && at + sizeof(head) <= region->size; at += head.size) {
		memcpy(&head, region->view + at, sizeof(head));
		if (!is_head(&head, region->size - at))
			return false;
		if (offset - at >= head.size)
			continue;
		*out = note_of(&head);
		*begin = at;
		*end = at + head.size;
		return true;
	}
	return false;
}

static void each_variable(const unsigned char *at, const struct head *head, const struct note *note,
			  void (*variable)(void *context, const struct note *, const struct note_variable *),
			  void *context)
{
	size_t offset = head->variables_offset;

	for (uint32_t i = 0; i < head->variable_count; i++) {
		struct variable v;
		if (offset > head->size || head->size - offset <= sizeof(v))
			return;
		memcpy(&v, at + offset, sizeof(v));
		const char *name = (const char *)at + offset + sizeof(v);
		size_t room = head->size - offset - sizeof(v), length = strnlen(name, room);
		if (length == room)
			return;
		struct note_variable out = {name, v.address, v.size, v.nth, v.file_scope != 0};
		variable(context, note, &out);
		offset += sizeof(v) + padded(length);
	}
}

void note_each(const struct link_region *region, void (*each)(void *context, const struct note *),
	       void (*variable)(void *context, const struct note *, const struct note_variable *),
	       void *context)
{
	for (size_t at = 0; at + sizeof(struct head) <= region->size;) {
		struct head head;
		memcpy(&head, region->view + at, sizeof(head));
		if (!is_head(&head, region->size - at))
			return; /* an engine that died before it committed */
		struct note note = note_of(&head);
		each(context, &note);
		each_variable(region->view + at, &head, &note, variable, context);
		at += head.size;
	}
}
