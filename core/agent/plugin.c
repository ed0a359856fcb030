/* Plug-ins: what the program opens with dlopen() gets its slots before the program has it, so that no thread can be in the
 * entries that are written; where its constructors started threads it stays as built. So dlopen and dlclose are ours in
 * librtf.so (librtf.a has no such part), and go on to the C library's.
 *
 * Whose call it is matters to dlopen() where a name without a slash is looked for in the caller's run path, or has
 * $ORIGIN in it (dlopen(3)): then the caller's own jump leads on, as if we were not there, and nothing comes after it. */
#include "console.h"
#include "entry.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#define EXPORTED __attribute__((visibility("default")))

static void find_next(const char *name, void *function, size_t size)
{
	void *next = dlsym(RTLD_NEXT, name);

	memcpy(function, &next, size);
}

static bool has_run_path(const struct link_map *module)
{
	for (const ElfW(Dyn) *d = module->l_ld; d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_RUNPATH || d->d_tag == DT_RPATH)
			return true;
	return false;
}

/* Whether the loader would do something else if we asked it. */
static bool is_callers_own(const char *file, const void *caller)
{
	struct link_map *module = NULL;
	Dl_info info;

	if (strchr(file, '$'))
		return true;
	if (strchr(file, '/'))
		return false;
	return !dladdr1(caller, &info, (void **)&module, RTLD_DL_LINKMAP) || !module || has_run_path(module);
}

/* Of the process: a constructor that starts one may have sent it into the module. 0 where it cannot be known. */
static size_t thread_count(void)
{
	struct stat tasks;

	return stat("/proc/self/task", &tasks) ? 0 : tasks.st_nlink - 2;
}

/* The engine is told of what came and went. */
static void renew(size_t before)
{
	struct console_hold hold;
	int saved = errno;

	console_lock(&hold);
	if (entry_renew(before) && console_current)
		console_wake(console_current);
	console_unlock(&hold);
	errno = saved;
}

EXPORTED void *dlopen(const char *file, int mode)
{
	void *(*next)(const char *, int);

	find_next("dlopen", &next, sizeof(next));
	if (!file || mode & RTLD_NOLOAD || is_callers_own(file, __builtin_return_address(0)))
		return next(file, mode);

	/* A plug-in's constructor may open another one: what comes within the outermost call is new in all of it. */
	static __thread size_t outermost;
	size_t outer = outermost, before = outer ? outer : entry_modules(), threads = thread_count();
	outermost = before;
	void *handle = next(file, mode);
	outermost = outer;
	if (handle)
		renew(thread_count() == threads ? before : SIZE_MAX);
	return handle;
}

EXPORTED int dlclose(void *handle)
{
	int (*next)(void *);

	find_next("dlclose", &next, sizeof(next));
	int failed = next(handle);
	if (!failed)
		renew(SIZE_MAX);
	return failed;
}
