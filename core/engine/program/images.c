#include "images.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_MAX = MESSAGE_MAX };

struct item {
	uint64_t code, address, size; /* where its code begins; where it stands, and its size */
};

struct images {
	struct program *program;
	uint64_t newest;    /* entry of the program's list that was looked at last, 0: none */
	struct item *items; /* the oldest first */
	size_t count, room;
};

/* The interface's structures, as the program has them. */
struct descriptor {
	uint32_t version, action;
	uint64_t relevant, first;
};

struct entry {
	uint64_t next, previous, address, size;
};

struct images *images_new(struct program *program)
{
	struct images *images = calloc(1, sizeof(*images));

	if (images)
		images->program = program;
	return images;
}

void images_free(struct images *images)
{
	if (!images)
		return;
	free(images->items);
	free(images);
}

static bool read_program(struct images *images, uint64_t address, void *bytes, size_t size)
{
	struct error *e = program_read(images->program, address, bytes, size);
	bool read = !e;

	error_free(e);
	return read;
}

static bool add(struct images *images, const struct item *item)
{
	if (images->count == images->room) {
		size_t room = images->room ? images->room * 2 : 64;
		struct item *more = reallocarray(images->items, room, sizeof(*more));
		if (!more)
			return false;
		images->items = more;
		images->room = room;
	}
	images->items[images->count++] = *item;
	return true;
}

/* One that is not ours, as a program may make code itself, has its own idea of what stands in the head. */
static bool look_at(struct images *images, const struct entry *entry)
{
	Elf64_Ehdr head;

	if (entry->size < sizeof(head) || entry->size > IMAGE_MAX)
		return true;
	if (!read_program(images, entry->address, &head, sizeof(head)))
		return false;
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || !head.e_entry)
		return true;
	return add(images, &(struct item){head.e_entry, entry->address, entry->size});
}

static void reverse(struct item *items, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct item last = items[count - 1 - i];
		items[count - 1 - i] = items[i];
		items[i] = last;
	}
}

/* What has come since. The list grows at its head only. */
static void refresh(struct images *images)
{
	uint64_t at = program_images(images->program);
	struct descriptor descriptor;
	size_t before = images->count;
	bool all = at && read_program(images, at, &descriptor, sizeof(descriptor));

	at = all ? descriptor.first : 0;
	while (all && at && at != images->newest) {
		struct entry entry;
		all = read_program(images, at, &entry, sizeof(entry)) && look_at(images, &entry);
		at = entry.next;
	}
	if (!all) {
		images->count = before;
		return;
	}
	images->newest = descriptor.first;
	reverse(images->items + before, images->count - before);
}

static bool copy(struct images *images, const struct item *item, void **bytes, size_t *size)
{
	void *copied = malloc(item->size);

	if (!copied || !read_program(images, item->address, copied, item->size)) {
		free(copied);
		return false;
	}
	*bytes = copied;
	*size = item->size;
	return true;
}

bool images_find(struct images *images, uint64_t begin, uint64_t end, void **bytes, size_t *size)
{
	refresh(images);
	for (size_t i = images->count; i-- > 0;)
		if (images->items[i].code >= begin && images->items[i].code < end)
			return copy(images, &images->items[i], bytes, size);
	return false;
}
