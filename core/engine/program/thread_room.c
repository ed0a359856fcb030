#include "thread_room.h"

#include <string.h>

void thread_room_init(struct thread_room *r, struct arena_view *a)
{
	uint64_t data = arena_view_header(a)->data_offset;

	*r = (struct thread_room){0};
	if (a->data_end - data < 4 * (uint64_t)THREAD_IMAGE)
		return;
	a->data_end -= THREAD_IMAGE;
	r->image = (struct thread_image *)(void *)(a->bytes + a->data_end);
	r->address = a->m.data_address + a->data_end - data;
}

bool thread_room_has(const struct thread_room *r, uint64_t address)
{
	return r->image && address >= r->address && address < r->address + THREAD_IMAGE;
}

uint32_t thread_room_mark(const struct thread_room *r)
{
	uint32_t used = sizeof(*r->image) - sizeof(r->image->bytes);

	if (r->image && r->image->used > used)
		used = r->image->used;
	return r->used > used ? r->used : used;
}

void thread_room_forget(struct thread_room *r, uint32_t mark)
{
	r->used = mark;
}

struct error *thread_room_add(struct thread_room *r, uint64_t size, uint64_t align, const void *initial,
			      uint64_t *address)
{
	uint64_t at = (thread_room_mark(r) + align - 1) & ~(align - 1);

	if (!r->image || align > THREAD_ALIGN || size > THREAD_IMAGE || at + size > THREAD_IMAGE)
		return error_new(ERROR_INTERNAL, "the arena has no room left for thread-local variables");
	if (initial)
		memcpy((char *)r->image + at, initial, size);
	else /* one that was forgotten may have been there */
		memset((char *)r->image + at, 0, size);
	r->used = (uint32_t)(at + size);
	*address = r->address + at;
	return NULL;
}

void thread_room_commit(struct thread_room *r)
{
	if (r->image && r->used > r->image->used)
		__atomic_store_n(&r->image->used, r->used, __ATOMIC_RELEASE);
}
