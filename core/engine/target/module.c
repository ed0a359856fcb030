#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the process's files ------------------------------------------------------------------------- */

static bool cut_suffix(char *text, const char *suffix)
{
	size_t length = strlen(text), cut = strlen(suffix);

	if (length < cut || strcmp(text + length - cut, suffix) != 0)
		return false;
	text[length - cut] = '\0';
	return true;
}

/* A module's name for libdwfl is "DEVICE:INODE PATH": a library that is built anew and loaded again at the
 * same address is another module, and a file that was deleted or replaced meanwhile (the kernel adds "
 * (deleted)" to its path) is still the same. */
static const char *module_path(const char *name)
{
	const char *space = strchr(name, ' ');

	return space ? space + 1 : name;
}

int modules_open_executable(const struct modules *modules)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)modules->pid);
	return open(link, O_RDONLY | O_CLOEXEC);
}

bool module_modified(const struct module *module, struct timespec *out)
{
	struct stat status;
	int fd = module->executable ? modules_open_executable(module->home) : -1;
	bool known = module->executable ? fd >= 0 && fstat(fd, &status) == 0 : module->on_disk;

	if (known)
		*out = module->executable ? status.st_mtim : module->modified;
	if (fd >= 0)
		close(fd);
	return known;
}

static bool same_file(const struct module *module, int fd)
{
	struct stat status;

	return module->on_disk && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_dev == module->device && status.st_ino == module->inode;
}

/* The file that is mapped, even where another has taken its name by now. */
static int open_mapped(const struct module *module, const char *path)
{
	char link[96];
	Dwarf_Addr start, end;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && same_file(module, fd))
		return fd;
	if (fd >= 0)
		close(fd);
	dwfl_module_info(module->dwfl, NULL, &start, &end, NULL, NULL, NULL, NULL);
	snprintf(link, sizeof(link), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)module->home->pid, start,
		 module->first_end < end ? module->first_end : end);
	return open(link, O_RDONLY | O_CLOEXEC); /* needs privileges */
}

static int find_elf(Dwfl_Module *dwfl_module, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	const struct module *module = *userdata;
	int fd = module->executable ? modules_open_executable(module->home) : -1;

	(void)dwfl_module;
	(void)base;
	(void)elf;
	if (fd < 0)
		fd = open_mapped(module, module_path(name));
	if (fd >= 0)
		*file_name = strdup(module_path(name)); /* separate debug files are looked for beside it */
	return fd;
}

/* Where separate debug files are looked for: beside the program, in its .debug, and in folders of absolute path, there by
 * build id too. NULL is what elfutils takes for granted. */
static char *debug_path;

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.debuginfo_path = &debug_path,
};

static bool choose_debug_path(void)
{
	const char *more = getenv("RTF_DEBUG_PATH");

	return debug_path || !more || !*more || asprintf(&debug_path, ":.debug:%s:/usr/lib/debug", more) >= 0;
}

/* --- the process's modules ----------------------------------------------------------------------- */

static void close_module(struct module *module)
{
	symbols_free(module->symbols);
	units_free(module->units);
	module->symbols = NULL;
	module->units = NULL;
	module->dwfl = NULL;
}

/* Consecutive mappings of one file, as /proc/PID/maps lists them. */
struct mapping {
	char name[PATH_MAX + 64]; /* as for module_path; "" is none */
	uint64_t start, end, first_end;
	bool code, deleted;
};

/* Whether a mapping's path is that of a file which may be a program: no device's, but /dev/shm has files as /tmp has. */
static bool is_file(const char *path)
{
	if (strncmp(path, "/dev/", 5) == 0)
		return strncmp(path, "/dev/shm/", 9) == 0;
	return path[0] == '/' && strncmp(path, "/memfd:", 7) != 0;
}

static bool parse_mapping(const char *line, struct mapping *mapping)
{
	unsigned major, minor;
	uint64_t inode;
	char flags[5];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n", &mapping->start,
		   &mapping->end, flags, &major, &minor, &inode, &path) < 6 ||
	    !path)
		return false;
	mapping->first_end = mapping->end;
	mapping->code = flags[2] == 'x';
	mapping->name[0] = '\0';
	if (is_file(line + path))
		snprintf(mapping->name, sizeof(mapping->name), "%x:%x:%" PRIu64 " %s", major, minor, inode,
			 line + path);
	cut_suffix(mapping->name, "\n");
	mapping->deleted = cut_suffix(mapping->name, " (deleted)");
	return true;
}

static void identify_file(struct module *module, const struct mapping *mapping)
{
	struct stat status;

	if (mapping->deleted || stat(module_path(mapping->name), &status) != 0)
		return;
	module->on_disk = true;
	module->device = status.st_dev;
	module->inode = status.st_ino;
	module->modified = status.st_mtim;
}

static struct module *add_module(struct modules *modules, Dwfl_Module *dwfl_module,
				 const struct mapping *mapping)
{
	const char *path = module_path(mapping->name), *slash = strrchr(path, '/');
	struct module *module = pool_alloc(modules->pool, sizeof(*module)), **last = &modules->list;

	if (!module)
		return NULL;
	module->home = modules;
	module->dwfl = dwfl_module;
	module->first_end = mapping->first_end;
	module->name = pool_string(modules->pool, slash ? slash + 1 : path);
	if (!module->name)
		return NULL;
	identify_file(module, mapping);
	if (!modules->executable && strcmp(path, modules->program) == 0) {
		module->executable = true;
		modules->executable = module;
	}
	while (*last)
		last = &(*last)->next;
	*last = module;
	return module;
}

static bool report_mapping(struct modules *modules, const struct mapping *mapping)
{
	Dwfl_Module *module;
	void **userdata;

	if (!mapping->name[0] || !mapping->code) /* a file without code is mapped as data */
		return true;
	module = dwfl_report_module(modules->dwfl, mapping->name, mapping->start, mapping->end);
	if (!module)
		return false;
	dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	if (!*userdata)
		*userdata = add_module(modules, module, mapping);
	return *userdata;
}

static bool report_mappings(struct modules *modules, FILE *maps)
{
	struct mapping pending = {.name = ""}, next;
	char *line = NULL;
	size_t room = 0;
	bool done = true;

	while (done && getline(&line, &room, maps) > 0) {
		if (!parse_mapping(line, &next))
			continue;
		if (next.name[0] && strcmp(next.name, pending.name) == 0) {
			pending.end = next.end;
			pending.code |= next.code;
		} else if (next.name[0] || next.start != pending.end) {
			done = report_mapping(modules, &pending);
			pending = next;
		} /* else .bss, which belongs to the module before it */
	}
	free(line);
	return done && report_mapping(modules, &pending);
}

/* `userdata` is where libdwfl keeps it, not what is kept there. */
static int forget_module(Dwfl_Module *dwfl_module, void *userdata, const char *name, Dwarf_Addr base,
			 void *context)
{
	struct module *module = *(void **)userdata;

	(void)dwfl_module;
	(void)name;
	(void)base;
	(void)context;
	if (module)
		close_module(module);
	return DWARF_CB_OK;
}

struct error *modules_refresh(struct modules *modules)
{
	char path[64];
	FILE *maps;
	bool reported;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)modules->pid);
	maps = fopen(path, "re");
	if (!maps)
		return error_errno(errno, "cannot read %s", path);
	dwfl_report_begin(modules->dwfl);
	reported = report_mappings(modules, maps);
	fclose(maps);
	if (dwfl_report_end(modules->dwfl, forget_module, NULL) != 0 || !reported)
		return error_new(ERROR_INTERNAL, "cannot list the modules of process %d: %s",
				 (int)modules->pid, dwfl_errmsg(-1));
	return NULL;
}

static struct error *find_program(struct modules *modules)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)modules->pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return error_errno(errno, "cannot look at process %d", (int)modules->pid);
	path[length] = '\0';
	cut_suffix(path, " (deleted)");
	modules->program = pool_string(modules->pool, path);
	return modules->program ? NULL : error_memory();
}

struct error *modules_init(struct modules *modules, pid_t pid, struct pool *pool, struct paths *paths)
{
	struct error *error;

	*modules = (struct modules){.pid = pid, .pool = pool, .paths = paths};
	error = find_program(modules);
	if (error)
		return error;
	if (!choose_debug_path())
		return error_memory();
	modules->dwfl = dwfl_begin(&callbacks);
	if (!modules->dwfl)
		return error_new(ERROR_INTERNAL, "cannot start libdwfl: %s", dwfl_errmsg(-1));
	error = modules_refresh(modules);
	if (!error && !modules->executable)
		return error_new(ERROR_INTERNAL, "process %d does not have %s mapped", (int)pid,
				 modules->program);
	return error;
}

void modules_fini(struct modules *modules)
{
	for (struct module *module = modules->list; module; module = module->next)
		close_module(module);
	if (modules->dwfl)
		dwfl_end(modules->dwfl);
	names_fini(&modules->exports);
	free(modules->export_addresses);
	*modules = (struct modules){0};
}

struct module *module_at(struct modules *modules, uint64_t address)
{
	Dwfl_Module *dwfl_module = dwfl_addrmodule(modules->dwfl, address);
	void **userdata;

	if (!dwfl_module)
		return NULL;
	dwfl_module_info(dwfl_module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	return *userdata;
}

static bool has_section(struct module *module, const char *wanted)
{
	GElf_Addr bias;
	GElf_Shdr header;
	Elf *elf = dwfl_module_getelf(module->dwfl, &bias);
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name =
			gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		if (name && strcmp(name, wanted) == 0)
			return true;
	}
	return false;
}

struct units *module_units(struct module *module)
{
	Dwarf *dwarf;

	if (module->dwarf_read || !module->dwfl)
		return module->units;
	module->dwarf_read = true;
	dwarf = dwfl_module_getdwarf(module->dwfl, &module->bias);
	if (dwarf)
		module->units =
			units_new(module->home->pool, module->home->paths, dwarf, module->name, module);
	if (module->units && has_section(module, ".gcc_except_table"))
		units_unwind(module->units);
	return module->units;
}

struct symbols *module_symbols(struct module *module)
{
	GElf_Addr bias;

	if (module->symbols_read || !module->dwfl)
		return module->symbols;
	module->symbols_read = true;
	if (dwfl_module_getelf(module->dwfl, &bias))
		module->symbols = symbols_new(module->dwfl);
	return module->symbols;
}

bool module_is_decorated(struct module *module)
{
	return has_section(module, "__patchable_function_entries");
}

bool module_has_clone(struct module *module, uint64_t address, const char *name)
{
	const struct symbols *symbols = module_symbols(module);
	const struct symbol *symbol = symbols ? symbols_below(symbols, address) : NULL;
	bool clone = false;

	if (!symbol || symbol->address != address)
		return false;
	for (; symbol; symbol = symbols_beside(symbols, symbol)) {
		if (!symbol->function)
			continue;
		if (strcmp(symbol->name, name) == 0 || !symbols_is_clone(symbol->name))
			return false;
		clone = true;
	}
	return clone;
}

bool module_tls_segment(struct module *module, GElf_Phdr *segment)
{
	GElf_Addr bias;
	Elf *elf = module->dwfl ? dwfl_module_getelf(module->dwfl, &bias) : NULL;

	for (int i = 0; elf && gelf_getphdr(elf, i, segment); i++)
		if (segment->p_type == PT_TLS)
			return true;
	return false;
}

/* --- what the executable exports ----------------------------------------------------------------- */

static bool read_exports(struct modules *modules, Elf *elf, GElf_Addr bias, Elf_Scn *section,
			 const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym sym;

	for (int i = 1; data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
		int type = GELF_ST_TYPE(sym.st_info);
		uint64_t *grown;

		if (!name || sym.st_shndx == SHN_UNDEF || type == STT_TLS || type == STT_GNU_IFUNC)
			continue;
		grown = pool_grow(modules->export_addresses, modules->export_count, &modules->export_room,
				  sizeof(*grown));
		if (!grown)
			return false;
		modules->export_addresses = grown;
		if (!names_add(&modules->exports, name, (uint32_t)modules->export_count))
			return false;
		grown[modules->export_count++] = sym.st_value + bias;
	}
	return true;
}

bool modules_find_export(struct modules *modules, const char *name, uint64_t *address)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Addr bias;
	Elf *elf;
	uint32_t at;

	if (!modules->exports_read) {
		modules->exports_read = true;
		elf = dwfl_module_getelf(modules->executable->dwfl, &bias);
		while (elf && (section = elf_nextscn(elf, section)))
			if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM &&
			    !read_exports(modules, elf, bias, section, &header))
				break;
	}
	at = names_first(&modules->exports, name);
	if (at)
		*address = modules->export_addresses[names_value(&modules->exports, at)];
	return at;
}
