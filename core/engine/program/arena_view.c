#include "arena_view.h"
#include "strict_entry.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool table_fits(uint64_t offset, uint32_t slots, uint64_t end)
{
	return offset % sizeof(uint64_t) == 0 && offset <= end && slots <= (end - offset) / sizeof(uint64_t);
}

/* Whether the arena's own account of itself fits its file: a header is data from elsewhere. */
static bool is_sound(const struct arena_view *a, uint64_t file_size)
{
	const struct arena_header *h = arena_view_header(a);

	return h->magic == ARENA_MAGIC && h->version == MESSAGE_VERSION && a->m.size == file_size &&
	       h->end_offset <= file_size && h->data_offset <= h->end_offset &&
	       h->code_offset <= h->data_offset && table_fits(h->slots_offset, h->slots, h->code_offset) &&
	       table_fits(h->sleds_offset, h->slots, h->code_offset) &&
	       table_fits(h->built_offset, h->slots, h->code_offset) &&
	       h->code_used <= h->data_offset - h->code_offset &&
	       h->data_used <= h->end_offset - h->data_offset;
}

struct error *arena_view_open(const void *payload, size_t length, int fd, struct arena_view *out)
{
	struct arena_view a;
	struct stat st;

	if (length != sizeof(a.m) || fd < 0 || fstat(fd, &st))
		return error_new(ERROR_INTERNAL, "the program sent a malformed arena");
	memcpy(&a.m, payload, sizeof(a.m));
	if ((uint64_t)st.st_size < sizeof(struct arena_header))
		return error_new(ERROR_INTERNAL, "the program sent an empty arena");
	a.bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (a.bytes == MAP_FAILED)
		return error_errno(errno, "cannot map the program's arena");
	if (!is_sound(&a, (uint64_t)st.st_size)) {
		munmap(a.bytes, (size_t)st.st_size);
		return error_new(ERROR_INTERNAL, "the program sent an arena that does not fit its file");
	}
	const struct arena_header *h = arena_view_header(&a);
	a.room = (uint32_t)((h->code_offset - h->built_offset) / sizeof(uint64_t));
	a.data_end = h->end_offset;
	*out = a;
	return NULL;
}

void arena_view_close(struct arena_view *a)
{
	munmap(a->bytes, a->m.size);
}

/* --- slots ------------------------------------------------------------------------------------------------------ */

uint32_t arena_view_slot_count(const struct arena_view *a)
{
	uint32_t slots = __atomic_load_n(&arena_view_header(a)->slots, __ATOMIC_ACQUIRE);

	return slots < a->room ? slots : a->room;
}

static uint64_t *table_entry(const struct arena_view *a, uint64_t offset, uint32_t slot)
{
	return (uint64_t *)(void *)(a->bytes + offset) + slot;
}

uint64_t arena_view_sled(const struct arena_view *a, uint32_t slot)
{
	return __atomic_load_n(table_entry(a, arena_view_header(a)->sleds_offset, slot), __ATOMIC_ACQUIRE);
}

uint64_t arena_view_built(const struct arena_view *a, uint32_t slot)
{
	return __atomic_load_n(table_entry(a, arena_view_header(a)->built_offset, slot), __ATOMIC_ACQUIRE);
}

uint64_t *arena_view_slot(const struct arena_view *a, uint32_t slot)
{
	return table_entry(a, arena_view_header(a)->slots_offset, slot);
}

uint64_t *arena_view_strict_word(const struct arena_view *a, uint32_t slot)
{
	const struct arena_header *h = arena_view_header(a);
	uint64_t at = __atomic_load_n(arena_view_slot(a, slot), __ATOMIC_ACQUIRE) - a->m.code_address;

	if (at >= h->code_used)
		return NULL;
	return strict_entry_word(a->bytes + h->code_offset + at, h->code_used - at);
}

/* --- code and data ---------------------------------------------------------------------------------------------- */

void arena_view_free(const struct arena_view *a, struct link_region *code, struct link_region *data)
{
	const struct arena_header *h = arena_view_header(a);

	*code = (struct link_region){.view = a->bytes + h->code_offset + h->code_used,
				     .address = a->m.code_address + h->code_used,
				     .size = h->data_offset - h->code_offset - h->code_used};
	*data = (struct link_region){.view = a->bytes + h->data_offset + h->data_used,
				     .address = a->m.data_address + h->data_used,
				     .size = a->data_end - h->data_offset - h->data_used};
}

void arena_view_code(const struct arena_view *a, struct link_region *out)
{
	const struct arena_header *h = arena_view_header(a);

	*out = (struct link_region){
		.view = a->bytes + h->code_offset, .address = a->m.code_address, .size = h->code_used};
}

void arena_view_commit(struct arena_view *a, size_t code, size_t data)
{
	struct arena_header *h = arena_view_header(a);

	/* Data first: an engine that ends in between has wasted a page and confused nobody. */
	h->data_used += data;
	__atomic_store_n(&h->code_used, h->code_used + code, __ATOMIC_RELEASE);
}

void arena_view_release(struct arena_view *a, uint64_t begin, uint64_t end)
{
	struct arena_header *h = arena_view_header(a);
	uint64_t base = a->m.code_address;

	if (base + h->code_used == end && begin >= base && begin < end)
		__atomic_store_n(&h->code_used, begin - base, __ATOMIC_RELEASE);
}
