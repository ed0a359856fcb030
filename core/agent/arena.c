#include "arena.h"
#include "descriptor.h"
#include "x86_64.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

#define MIB            ((size_t)1 << 20)
#define CODE_SIZE      (256 * MIB)
#define DATA_SIZE      (64 * MIB)
#define PAGE           ((size_t)4096)
#define SLOTS_OFFSET   ((size_t)128) /* behind the header, on a cache line of its own */

#define ADDRESS_LOWEST (INT64_C(1) << 20)
#define ADDRESS_END    INT64_C(0x7ffffffff000)
#define GUARD          (INT64_C(16) << 20) /* left free around an arena, for neighbours that grow */

struct arena arena_all[ARENA_MAX];
uint32_t arena_count;

uint32_t arena_total(void)
{
	return __atomic_load_n(&arena_count, __ATOMIC_ACQUIRE);
}

uint32_t arena_slots(const struct arena *a)
{
	return __atomic_load_n(&a->slots, __ATOMIC_ACQUIRE);
}

static size_t head_size(size_t capacity)
{
	size_t size = SLOTS_OFFSET + 3 * capacity * sizeof(uint64_t);

	return (size + PAGE - 1) & ~(PAGE - 1);
}

size_t arena_size(size_t capacity)
{
	return head_size(capacity) + CODE_SIZE + DATA_SIZE + (size_t)(2 * GUARD);
}

/* A search through the gaps of the address space for a place near [low, high). Below is better: what follows
 * a program is its brk heap. If it must be above, then as far up as reach allows, for the same reason. */
struct search {
	int64_t low, high, size;
	int64_t below, above; /* the best so far; 0 is none */
};

static void search_gap(struct search *s, int64_t from, int64_t to)
{
	int64_t lowest = s->high - REACH, highest = s->low + REACH;

	int64_t begin = from > lowest ? from : lowest;
	int64_t end = (to < s->low ? to : s->low) - GUARD;
	if (begin < ADDRESS_LOWEST)
		begin = ADDRESS_LOWEST;
	if (end - begin > s->size)
		s->below = (end - s->size) & -(int64_t)PAGE;

	begin = (from > s->high ? from : s->high) + GUARD;
	end = (to < highest ? to : highest) - GUARD;
	if (end - begin > s->size)
		s->above = (end - s->size) & -(int64_t)PAGE;
}

static uintptr_t place_find(uintptr_t low, uintptr_t high, size_t size)
{
	struct search search = {.low = (int64_t)low, .high = (int64_t)high, .size = (int64_t)size};
	FILE *maps = fopen("/proc/self/maps", "re");
	char *line = NULL;
	size_t room = 0;
	int64_t from = ADDRESS_LOWEST;

	if (!maps)
		return 0;
	while (getline(&line, &room, maps) > 0) {
		unsigned long begin, end;
		if (sscanf(line, "%lx-%lx", &begin, &end) != 2 || begin >= (unsigned long)ADDRESS_END)
			continue;
		search_gap(&search, from, (int64_t)begin);
		from = (int64_t)end;
	}
	search_gap(&search, from, ADDRESS_END);
	free(line);
	fclose(maps);
	return (uintptr_t)(search.below ? search.below : search.above);
}

static unsigned char *space_map(uintptr_t place, size_t size)
{
	void *got = mmap((void *)place, size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (got == (void *)place)
		return got;
	if (got != MAP_FAILED)
		munmap(got, size); /* a kernel that does not know NOREPLACE takes it for a hint */
	return NULL;
}

/* With what is to be left free around it. */
static unsigned char *space_map_guarded(int64_t place, size_t size)
{
	unsigned char *got = space_map((uintptr_t)(place - GUARD), size + (size_t)(2 * GUARD));

	if (!got)
		return NULL;
	munmap(got, GUARD);
	munmap(got + GUARD + size, GUARD);
	return got + GUARD;
}

/* Where the search would most likely find it: to look there costs less than to read where everything is. */
static unsigned char *space_guess(uintptr_t low, uintptr_t high, size_t size)
{
	int64_t page = (int64_t)PAGE, begin = (int64_t)low & -page, end = (int64_t)high;
	int64_t below = begin - GUARD - (int64_t)size, above = begin + REACH - GUARD - (int64_t)size;

	if (below >= ADDRESS_LOWEST + GUARD && below >= end - REACH)
		return space_map_guarded(below, size);
	if (above >= end + GUARD && above + (int64_t)size + GUARD <= ADDRESS_END)
		return space_map_guarded(above, size);
	return NULL;
}

/* Address space of `size` bytes near [low, high). Another thread may take a gap that we saw: look again. */
static unsigned char *space_reserve(uintptr_t low, uintptr_t high, size_t size)
{
	unsigned char *got = space_guess(low, high, size);

	for (int tries = 0; !got && tries < 4; tries++) {
		uintptr_t place = place_find(low, high, size);
		if (!place)
			return NULL;
		got = space_map(place, size);
	}
	return got;
}

/* The file keeps its size: nobody who holds it can make the program's mapping fault. The head is allocated
 * now, so that a machine without memory says so here and not with a signal. */
static int file_new(size_t size, size_t head)
{
	int fd = memfd_create("rtf-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("rtf-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fd = descriptor_raise(fd);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    fallocate(fd, 0, 0, (off_t)head)) {
		descriptor_close(&fd);
		return -1;
	}
	return fd;
}

static bool file_map(int fd, unsigned char *base, size_t head)
{
	struct view {
		size_t offset, size;
		int protection, flags;
	} views[] = {
		{0, head, PROT_READ | PROT_WRITE, MAP_SHARED},
		{head, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_NORESERVE},
		{head + CODE_SIZE, DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE},
	};

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		const struct view *v = &views[i];
		void *got = mmap(base + v->offset, v->size, v->protection, v->flags | MAP_FIXED, fd,
				 (off_t)v->offset);
		if (got == MAP_FAILED)
			return false;
	}
	return true;
}

struct arena *arena_new(uintptr_t low, uintptr_t high, size_t capacity, const char **why)
{
	size_t head = head_size(capacity), size = head + CODE_SIZE + DATA_SIZE;

	if (arena_count == ARENA_MAX) {
		*why = "too many arenas";
		return NULL;
	}
	unsigned char *base = space_reserve(low, high, size);
	if (!base) {
		*why = "no free address space near it";
		return NULL;
	}
	int fd = file_new(size, head);
	if (fd < 0) {
		*why = "no memory file for an arena";
		munmap(base, size);
		return NULL;
	}
	if (!file_map(fd, base, head)) {
		*why = "the arena's code cannot be mapped executable";
		munmap(base, size);
		descriptor_close(&fd);
		return NULL;
	}

	struct arena_header *header = (struct arena_header *)base;
	*header = (struct arena_header){
		.magic = ARENA_MAGIC,
		.version = MESSAGE_VERSION,
		.slots_offset = SLOTS_OFFSET,
		.sleds_offset = SLOTS_OFFSET + capacity * sizeof(uint64_t),
		.built_offset = SLOTS_OFFSET + 2 * capacity * sizeof(uint64_t),
		.code_offset = head,
		.data_offset = head + CODE_SIZE,
		.end_offset = size,
	};

	struct arena *a = &arena_all[arena_count];
	*a = (struct arena){
		.fd = fd,
		.capacity = (uint32_t)capacity,
		.size = size,
		.head = base,
		.code = base + head,
		.data = base + head + CODE_SIZE,
		.slot = (uint64_t *)(base + header->slots_offset),
		.sled = (uint64_t *)(base + header->sleds_offset),
		.built = (uint64_t *)(base + header->built_offset),
	};
	__atomic_store_n(&arena_count, arena_count + 1, __ATOMIC_RELEASE);
	return a;
}

struct arena *arena_find(uintptr_t low, uintptr_t high, size_t count)
{
	for (uint32_t i = 0; i < arena_count; i++) {
		struct arena *a = &arena_all[i];
		uintptr_t begin = (uintptr_t)a->head, end = begin + a->size;
		uintptr_t first = begin < low ? begin : low, last = end > high ? end : high;
		if (count <= a->capacity - a->slots && last - first <= (uintptr_t)REACH)
			return a;
	}
	return NULL;
}

bool arena_mark(void)
{
	for (uint32_t i = 0; i < arena_count; i++) {
		free(arena_all[i].kept);
		arena_all[i].kept = calloc(arena_all[i].slots + 1, sizeof(bool));
		if (!arena_all[i].kept)
			return false;
	}
	return true;
}

bool arena_keep(uint64_t sled, uint64_t slot)
{
	for (uint32_t i = 0; i < arena_count; i++) {
		struct arena *a = &arena_all[i];
		uint64_t at = (slot - (uint64_t)(uintptr_t)a->slot) / sizeof(uint64_t);
		if (at >= a->slots || (uint64_t)(uintptr_t)&a->slot[at] != slot || a->sled[at] != sled)
			continue;
		if (a->kept)
			a->kept[at] = true;
		return true;
	}
	return false;
}

bool arena_sweep(void)
{
	bool any = false;

	for (uint32_t i = 0; i < arena_count; i++) {
		struct arena *a = &arena_all[i];
		for (uint32_t slot = 0; a->kept && slot < a->slots; slot++) {
			if (a->kept[slot] || !a->sled[slot])
				continue;
			__atomic_store_n(&a->sled[slot], 0, __ATOMIC_RELEASE);
			any = true;
		}
		free(a->kept);
		a->kept = NULL;
	}
	return any;
}

uint64_t arena_fill(struct arena *a, uint32_t slot, uint64_t sled, uint64_t built)
{
	a->sled[slot] = sled;
	a->built[slot] = built;
	a->slot[slot] = built;
	return (uint64_t)(uintptr_t)&a->slot[slot];
}

void arena_commit(struct arena *a, uint32_t slots)
{
	__atomic_store_n(&((struct arena_header *)a->head)->slots, slots, __ATOMIC_RELEASE);
	__atomic_store_n(&a->slots, slots, __ATOMIC_RELEASE);
}

bool arena_refresh(uint64_t address, uint64_t length)
{
	for (uint32_t i = 0; i < arena_total(); i++) {
		uint64_t code = (uint64_t)(uintptr_t)arena_all[i].code;
		if (address < code || address - code >= CODE_SIZE)
			continue;
		uint64_t begin = address & ~(uint64_t)(PAGE - 1), left = code + CODE_SIZE - begin;
		length += address - begin;
		madvise((void *)(uintptr_t)begin, length < left ? length : left, MADV_DONTNEED);
		return true;
	}
	return false;
}

bool arena_accepts(const struct message_publish *p)
{
	if (p->arena >= arena_total() || p->slot >= arena_slots(&arena_all[p->arena]))
		return false;

	const struct arena *a = &arena_all[p->arena];
	uint64_t code = (uint64_t)(uintptr_t)a->code;
	return p->target == a->built[p->slot] || (p->target >= code && p->target - code < CODE_SIZE);
}

bool arena_has_code(uint64_t address)
{
	for (uint32_t i = 0; i < arena_total(); i++) {
		uint64_t code = (uint64_t)(uintptr_t)arena_all[i].code;
		if (address >= code && address - code < CODE_SIZE)
			return true;
	}
	return false;
}

void arena_publish(const struct message_publish *p)
{
	__atomic_store_n(&arena_all[p->arena].slot[p->slot], p->target, __ATOMIC_RELEASE);
}
