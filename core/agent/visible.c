#include "visible.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* By name, or the linker would warn of it in static programs. */
static void *open_again(const char *path)
{
	void *(*open_library)(const char *, int) = NULL;
	void *symbol = dlsym(RTLD_DEFAULT, "dlopen");

	memcpy(&open_library, &symbol, sizeof(open_library));
	return open_library ? open_library(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

uint64_t visible_find(uint64_t address, const char *name)
{
	Dl_info info;

	if (!dladdr((const void *)(uintptr_t)address, &info) || !info.dli_fname || !*info.dli_fname)
		return 0;
	void *module = open_again(info.dli_fname);
	if (!module)
		return 0;
	uint64_t found = (uint64_t)(uintptr_t)dlsym(module, name);
	dlclose(module);
	return found;
}
