#include "image.h"
#include "arena.h"
#include "message.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The interface that gdb looks for by name. Weak: a program that makes code itself may bring it along, and then there is
 * one list. */

enum jit_action { JIT_NOACTION, JIT_REGISTER };

struct jit_code_entry {
	struct jit_code_entry *next_entry, *prev_entry;
	const char *symfile_addr;
	uint64_t symfile_size;
};

struct jit_descriptor {
	uint32_t version, action_flag;
	struct jit_code_entry *relevant_entry, *first_entry;
};

#define SHARED __attribute__((weak, visibility("hidden"), used))

SHARED struct jit_descriptor __jit_debug_descriptor = {.version = 1};

/* gdb has a breakpoint here. */
SHARED __attribute__((noinline)) void __jit_debug_register_code(void);
void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

struct image {
	struct jit_code_entry entry;
	struct image *next;
	size_t frame; /* offset of the unwind table in bytes, 0: none */
	char bytes[];
};

/* Images whose unwind tables nobody has taken yet. */
static struct image *unframed;

static void tell_gdb(struct jit_code_entry *entry)
{
	struct jit_descriptor *d = &__jit_debug_descriptor;

	entry->next_entry = d->first_entry;
	if (d->first_entry)
		d->first_entry->prev_entry = entry;
	d->first_entry = entry;
	d->relevant_entry = entry;
	d->action_flag = JIT_REGISTER;
	__jit_debug_register_code();
	d->action_flag = JIT_NOACTION;
}

/* libgcc comes when a program first needs it (C++, backtrace(), cancellation): it is not brought here, but found there. */
static void *find_in_libgcc(const char *name)
{
	/* By name, or the linker would warn of it in static programs. */
	void *(*open_library)(const char *, int) = NULL;
	void *symbol = dlsym(RTLD_DEFAULT, "dlopen");

	memcpy(&open_library, &symbol, sizeof(open_library));
	void *libgcc = open_library ? open_library("libgcc_s.so.1", RTLD_LAZY | RTLD_NOLOAD) : NULL;
	if (!libgcc)
		return NULL;
	symbol = dlsym(libgcc, name);
	dlclose(libgcc);
	return symbol;
}

static void (*find_register_frame(void))(const void *)
{
	static const char name[] = "__register_frame";
	void *symbol = dlsym(RTLD_DEFAULT, name);
	void (*function)(const void *) = NULL;

	if (!symbol)
		symbol = find_in_libgcc(name);
	memcpy(&function, &symbol, sizeof(function));
	return function;
}

static int count_libraries(struct dl_phdr_info *info, size_t size, void *count)
{
	unsigned long long *both = count;

	(void)size;
	both[0] = info->dlpi_adds;
	both[1] = info->dlpi_subs;
	return 1;
}

/* Whether libraries have come or gone since this was last asked. To look for one by name, which reads the linker's cache
 * each time, would cost the program more than the new version does. */
static bool libraries_changed(void)
{
	static unsigned long long known[2];
	unsigned long long now[2] = {0};

	dl_iterate_phdr(count_libraries, now);
	bool changed = !now[0] || memcmp(now, known, sizeof(now)) != 0;
	memcpy(known, now, sizeof(now));
	return changed;
}

static void tell_unwinder(void)
{
	static void (*register_frame)(const void *);

	if (unframed && libraries_changed())
		register_frame = find_register_frame();

	while (register_frame && unframed) {
		struct image *i = unframed;
		unframed = i->next;
		register_frame(i->bytes + i->frame);
	}
}

const void *image_list(void)
{
	return &__jit_debug_descriptor;
}

int image_add(const void *message, size_t size)
{
	struct message_image m;

	if (size < sizeof(m))
		return -EINVAL;
	memcpy(&m, message, sizeof(m));
	size -= sizeof(m);
	if (m.size > size || m.frame > size || m.frame % sizeof(uint64_t) ||
	    !arena_refresh(m.address, m.length))
		return -EINVAL;
	if (!m.size)
		return 0;
	struct image *i = malloc(sizeof(*i) + size);
	if (!i)
		return 0; /* code without a name in gdb is still code */
	*i = (struct image){.entry = {.symfile_addr = i->bytes, .symfile_size = m.size}, .frame = m.frame};
	memcpy(i->bytes, (const char *)message + sizeof(m), size);
	tell_gdb(&i->entry);
	if (i->frame) {
		i->next = unframed;
		unframed = i;
	}
	tell_unwinder();
	return 0;
}
