#include "entry.h"
#include "arena.h"
#include "descriptor.h"
#include "x86_64.h"

#include <elf.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTION "__patchable_function_entries"

enum {
	MODULES_MAX = 64,
	SECTIONS_MAX = 100000,
	NAMES_MAX = 64 << 20,
	ENTRIES_MAX = 1 << 22,
	RUN_MAX = 4096, /* on the stack */
	PAGE = 4096
};
enum {
	SPARE_SLOTS = 16384
}; /* of an arena for what comes later: modules that are opened again take slots anew */

struct module {
	const char *name;
	uintptr_t low, high; /* all that is mapped of it */
	uint64_t *sleds;     /* not patched yet; ascending, no two the same */
	size_t count;
	struct arena *arena;
};

static struct module modules[MODULES_MAX];
static size_t module_count;
static char notes[1024];

static __attribute__((format(printf, 1, 2))) void note(const char *format, ...)
{
	size_t used = strlen(notes);
	va_list args;

	va_start(args, format);
	vsnprintf(notes + used, sizeof(notes) - used, format, args);
	va_end(args);
}

const char *entry_notes(void)
{
	return notes;
}

uint32_t entry_count(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < arena_total(); i++)
		count += arena_slots(&arena_all[i]);
	return count;
}

/* Finding: the loader's list of modules, each one's file for the section headers, memory for the section
 * itself (in a position-independent module only memory has the relocated addresses). */

static bool segment_holds(const struct dl_phdr_info *info, uint32_t flag, uint64_t address, uint64_t size)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t begin = info->dlpi_addr + p->p_vaddr;
		if (p->p_type == PT_LOAD && p->p_flags & flag && address >= begin && size <= p->p_memsz &&
		    address - begin <= p->p_memsz - size)
			return true;
	}
	return false;
}

static int address_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Takes over the section's addresses that can be patched. Zero is what the linker leaves of a discarded
 * function. */
static void section_take(const struct dl_phdr_info *info, struct module *m, uint64_t address, uint64_t size)
{
	size_t count = size / sizeof(uint64_t), odd = 0;

	if (!count)
		return;
	if (count > ENTRIES_MAX || !segment_holds(info, PF_R, address, size)) {
		note("%s: its section " SECTION " is not in memory\n", m->name);
		return;
	}
	uint64_t *sleds = realloc(m->sleds, (m->count + count) * sizeof(*sleds));
	if (!sleds) {
		note("%s: out of memory; its functions stay as built\n", m->name);
		return;
	}
	m->sleds = sleds;

	for (size_t i = 0; i < count; i++) {
		uint64_t sled = ((const uint64_t *)(uintptr_t)address)[i];
		if (!sled)
			continue;
		if (segment_holds(info, PF_X, sled, JUMP_SIZE) &&
		    arena_keep(sled, jump_slot((const void *)sled)))
			continue;
		if (segment_holds(info, PF_X, sled, SLED_MAX) &&
		    sled_length((const unsigned char *)(uintptr_t)sled) >= JUMP_SIZE)
			m->sleds[m->count++] = sled;
		else
			odd++;
	}
	if (odd)
		note("%s: %zu functions have no room for a jump at their entry, and stay as built\n", m->name,
		     odd);
}

static void sleds_sort(struct module *m)
{
	size_t kept = 0;

	qsort(m->sleds, m->count, sizeof(*m->sleds), address_compare);
	for (size_t i = 0; i < m->count; i++)
		if (!kept || m->sleds[i] != m->sleds[kept - 1])
			m->sleds[kept++] = m->sleds[i];
	m->count = kept;
}

static bool read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	return pread(fd, buffer, size, (off_t)offset) == (ssize_t)size;
}

/* All names of sections, with a NUL behind them: read at once, since each library that the program has is asked. */
static char *names_read(int fd, const Elf64_Shdr *table)
{
	char *names = table->sh_size < NAMES_MAX ? malloc(table->sh_size + 1) : NULL;

	if (names && read_at(fd, names, table->sh_size, table->sh_offset)) {
		names[table->sh_size] = '\0';
		return names;
	}
	free(names);
	return NULL;
}

static void file_scan(int fd, const struct dl_phdr_info *info, struct module *m)
{
	Elf64_Ehdr elf;

	if (!read_at(fd, &elf, sizeof(elf), 0) || memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_shentsize != sizeof(Elf64_Shdr) || !elf.e_shoff)
		return;

	size_t count = elf.e_shnum;
	if (!count || elf.e_shstrndx >= count || count > SECTIONS_MAX)
		return;
	Elf64_Shdr *sections = malloc(count * sizeof(*sections));
	char *names = NULL;
	if (sections && read_at(fd, sections, count * sizeof(*sections), elf.e_shoff))
		names = names_read(fd, &sections[elf.e_shstrndx]);
	for (size_t i = 0; names && i < count; i++) {
		const Elf64_Shdr *s = &sections[i];
		if (s->sh_type == SHT_PROGBITS && s->sh_flags & SHF_ALLOC &&
		    s->sh_name < sections[elf.e_shstrndx].sh_size && !strcmp(names + s->sh_name, SECTION))
			section_take(info, m, info->dlpi_addr + s->sh_addr, s->sh_size);
	}
	free(names);
	free(sections);
}

/* One walk along the loader's list, which new modules are put behind. */
struct scan {
	size_t index;                  /* of the next */
	size_t from;                   /* those before it are known */
	size_t fresh;                  /* those before this one may be in use by other threads */
	unsigned long long adds, subs; /* the loader's counters */
};

static struct scan known; /* how far the last one came */

/* The C library, what loads it and what the kernel puts there: to open them would be most of a small program's scan. */
static bool is_of_system(const struct dl_phdr_info *info)
{
	return info->dlpi_addr == getauxval(AT_BASE) || info->dlpi_addr == getauxval(AT_SYSINFO_EHDR) ||
	       segment_holds(info, PF_X, (uint64_t)(uintptr_t)gnu_get_libc_version, 1);
}

static int module_scan(struct dl_phdr_info *info, size_t size, void *context)
{
	struct scan *scan = context;
	struct module m = {.name = info->dlpi_name, .low = UINTPTR_MAX};
	size_t index = scan->index++;
	bool main_program = index == 0;
	(void)size;

	if (index < scan->from || (!main_program && is_of_system(info)))
		return 0;
	if (main_program)
		m.name = "/proc/self/exe";
	int fd = open(m.name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (main_program)
		m.name = "the program";
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + p->p_vaddr;
		if (p->p_type != PT_LOAD)
			continue;
		m.low = begin < m.low ? begin : m.low;
		m.high = begin + p->p_memsz > m.high ? begin + p->p_memsz : m.high;
	}
	file_scan(fd, info, &m);
	close(fd);

	if (m.count && index < scan->fresh) {
		note("%s: other threads may be in it already (it was opened by its name alone, which the "
		     "caller's run "
		     "path completes, or threads were started meanwhile), so it stays as built\n",
		     m.name);
		m.count = 0;
	}
	if (!m.count) {
		free(m.sleds);
		return 0;
	}
	sleds_sort(&m);
	if (module_count == MODULES_MAX) {
		note("%s: too many modules with decorated functions\n", m.name);
		free(m.sleds);
		return 0;
	}
	modules[module_count++] = m;
	return 0;
}

/* Placing: modules that one arena can be near to share it. */

static void neighbourhood_place(struct module *first, size_t spare)
{
	uintptr_t low = first->low, high = first->high;
	size_t count = first->count, members = 1;
	struct module *group[MODULES_MAX] = {first};
	const char *why;

	for (struct module *m = first + 1; m < modules + module_count; m++) {
		uintptr_t l = m->low < low ? m->low : low, h = m->high > high ? m->high : high;
		if (m->arena || h - l + arena_size(count + m->count + spare) > (uintptr_t)REACH)
			continue;
		low = l;
		high = h;
		count += m->count;
		group[members++] = m;
	}

	struct arena *arena = arena_find(low, high, count);
	if (!arena)
		arena = arena_new(low, high, count + spare, &why);
	if (!arena && members > 1) {
		members = 1;
		arena = arena_new(first->low, first->high, first->count + spare, &why);
	}
	if (!arena)
		note("%s: %s; its functions stay as built\n", first->name, why);
	for (size_t i = 0; arena && i < members; i++)
		group[i]->arena = arena;
}

/* Patching. The kernel writes to our own text for us: the page gets copied and is never writable and
 * executable. Where it refuses, the pages become writable for that moment; they stay executable because our
 * own code may be in them. */

static bool text_write(int memory, uint64_t address, const unsigned char *bytes, size_t size)
{
	unsigned char *text = (unsigned char *)(uintptr_t)address;

	if (memory >= 0 && pwrite(memory, bytes, size, (off_t)address) == (ssize_t)size &&
	    !memcmp(text, bytes, size))
		return true;

	uintptr_t begin = address & -(uintptr_t)PAGE, end = (address + size + PAGE - 1) & -(uintptr_t)PAGE;
	if (mprotect((void *)begin, end - begin, PROT_READ | PROT_WRITE | PROT_EXEC))
		return false;
	memcpy(text, bytes, size);
	mprotect((void *)begin, end - begin, PROT_READ | PROT_EXEC);
	return !memcmp(text, bytes, size);
}

/* How many sleds from the first are near enough to each other to be written in one go. */
static size_t run_length(const uint64_t *sleds, size_t count)
{
	size_t n = 1;

	while (n < count && sleds[n] - sleds[n - 1] < PAGE && sleds[n] - sleds[0] < RUN_MAX - JUMP_SIZE)
		n++;
	return n;
}

/* A slot is ready before its jump is written, and counts once the jump is there. */
static bool run_patch(struct arena *a, int memory, const uint64_t *sleds, size_t count)
{
	unsigned char buffer[RUN_MAX];
	size_t size = sleds[count - 1] + JUMP_SIZE - sleds[0];

	memcpy(buffer, (const void *)(uintptr_t)sleds[0], size);
	for (size_t i = 0; i < count; i++) {
		size_t length = sled_length((const unsigned char *)(uintptr_t)sleds[i]);
		uint64_t slot = arena_fill(a, arena_slots(a) + (uint32_t)i, sleds[i], sleds[i] + length);
		jump_encode(buffer + (sleds[i] - sleds[0]), sleds[i], slot);
	}
	if (!text_write(memory, sleds[0], buffer, size))
		return false;
	arena_commit(a, arena_slots(a) + (uint32_t)count);
	return true;
}

static void module_patch(const struct module *m, int memory)
{
	size_t failed = 0;

	for (size_t at = 0; at < m->count;) {
		size_t n = run_length(m->sleds + at, m->count - at);
		if (!run_patch(m->arena, memory, m->sleds + at, n))
			failed += n;
		at += n;
	}
	if (failed)
		note("%s: the entries of %zu functions cannot be written; they stay as built\n", m->name,
		     failed);
}

static void modules_patch(void)
{
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < module_count; i++)
		if (modules[i].arena)
			module_patch(&modules[i], memory);
	descriptor_close(&memory);
}

/* All that was found gets its slots. `spare`: how many more an arena that is made for it is to have. */
static bool modules_take(size_t spare)
{
	bool any = module_count;

	for (size_t i = 0; i < module_count; i++)
		if (!modules[i].arena)
			neighbourhood_place(&modules[i], spare);
	if (any)
		modules_patch();
	for (size_t i = 0; i < module_count; i++)
		free(modules[i].sleds);
	module_count = 0;
	return any;
}

static int count_modules(struct dl_phdr_info *info, size_t size, void *context)
{
	struct scan *scan = context;

	(void)size;
	scan->index++;
	scan->adds = info->dlpi_adds;
	scan->subs = info->dlpi_subs;
	return 0;
}

static struct scan scan_now(void)
{
	struct scan now = {0};

	dl_iterate_phdr(count_modules, &now);
	return now;
}

static bool done;
static pid_t owner; /* the slots are shared with forked children, who add none */

void entry_own(void)
{
	owner = getpid();
}

void entry_init(void)
{
	struct scan scan = {0};

	if (done)
		return;
	done = true;
	entry_own();
	dl_iterate_phdr(module_scan, &scan);
	modules_take(0);
	known = scan_now();
}

size_t entry_modules(void)
{
	return scan_now().index;
}

static unsigned renewals;

unsigned entry_renewals(void)
{
	return __atomic_load_n(&renewals, __ATOMIC_ACQUIRE);
}

bool entry_renew(size_t before)
{
	struct scan now = scan_now(), scan = {.fresh = before};

	if (!done || getpid() != owner || (now.adds == known.adds && now.subs == known.subs))
		return false;
	/* Where some went, what is left may stand elsewhere in the list: all of it is read again, and tells what went. */
	bool all = now.subs != known.subs, sweeps = all && arena_mark();
	size_t noted = strlen(notes);
	scan.from = all ? 0 : known.index;
	dl_iterate_phdr(module_scan, &scan);
	known = now;
	bool came = modules_take(SPARE_SLOTS), went = sweeps && arena_sweep(), told = strlen(notes) > noted;
	if (came || went || told)
		__atomic_add_fetch(&renewals, 1, __ATOMIC_RELEASE);
	return came || went || told;
}
