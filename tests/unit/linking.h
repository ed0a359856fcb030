/* An arena inside the test's own process, for tests that run what they compile and link. Every name is looked
 * up in `linking.known` first, then with dlsym. Failures end the test. */
#ifndef RTF_TEST_LINKING_H
#define RTF_TEST_LINKING_H

#include "compile.h"
#include "link.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* libtcc forgets a few bytes of its own after some of its errors. Only a leak checker, if there is one, asks.
 */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:tcc_realloc\nleak:tcc_malloc\n";
}

enum { LINKING_REGION = 32 << 20, LINKING_KNOWN = 16, LINKING_BOUND = 32 };

static struct {
	unsigned char *writable, *executable; /* code, then data */
	size_t code_at, data_at;
	struct {
		const char *name;
		struct link_symbol symbol;
	} known[LINKING_KNOWN];
	struct {
		char name[32];
		unsigned nth;
		uint64_t address;
	} bound[LINKING_BOUND];
	unsigned bound_count;
	bool keeps; /* variables of one object are bound by the next */
} linking;

static inline void linking_open(void)
{
	int fd = memfd_create("arena", MFD_CLOEXEC);
	size_t size = 2 * (size_t)LINKING_REGION;
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		abort();
	linking.writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	linking.executable = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (linking.writable == MAP_FAILED || linking.executable == MAP_FAILED ||
	    mmap(linking.executable, LINKING_REGION, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED ||
	    mmap(linking.executable + LINKING_REGION, LINKING_REGION, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, LINKING_REGION) == MAP_FAILED)
		abort();
	close(fd);
}

static inline void linking_know(const char *name, uint64_t address, bool thread_local)
{
	for (unsigned i = 0; i < LINKING_KNOWN; i++) {
		if (linking.known[i].name && strcmp(linking.known[i].name, name))
			continue;
		linking.known[i].name = name;
		linking.known[i].symbol =
			(struct link_symbol){.address = address, .thread_local = thread_local};
		return;
	}
	abort();
}

static inline void linking_forget(void)
{
	memset(linking.known, 0, sizeof linking.known);
	linking.bound_count = 0;
	linking.keeps = false;
}

static inline bool linking_resolve(void *context, const char *name, struct link_symbol *out)
{
	(void)context;
	for (unsigned i = 0; i < LINKING_KNOWN && linking.known[i].name; i++) {
		if (!strcmp(linking.known[i].name, name)) {
			*out = linking.known[i].symbol;
			return true;
		}
	}
	out->address = (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, name);
	return out->address != 0;
}

static inline bool linking_bind(void *context, const char *name, unsigned nth, uint64_t size, bool local,
				uint64_t *address)
{
	(void)context, (void)size, (void)local;
	for (unsigned i = 0; i < linking.bound_count; i++) {
		if (linking.bound[i].nth == nth && !strcmp(linking.bound[i].name, name)) {
			*address = linking.bound[i].address;
			return true;
		}
	}
	return false;
}

static const struct link_names linking_names = {.resolve = linking_resolve, .bind = linking_bind};

static inline struct error *linking_try(const struct compile_object *object, const char *function,
					struct link_result *out)
{
	struct link_region code = {linking.writable + linking.code_at,
				   (uintptr_t)linking.executable + linking.code_at,
				   LINKING_REGION - linking.code_at};
	size_t data_at = LINKING_REGION + linking.data_at;
	struct link_region data = {linking.writable + data_at, (uintptr_t)linking.executable + data_at,
				   2 * (size_t)LINKING_REGION - data_at};
	return link_object(object->bytes, object->size, function, &linking_names, &code, &data, out);
}

static inline void linking_keep(const struct link_result *result)
{
	linking.code_at += (result->code_size + 15) & ~(size_t)15;
	linking.data_at += result->data_size;
	for (size_t i = 0; i < result->variable_count && linking.keeps; i++) {
		assert_true(linking.bound_count < LINKING_BOUND);
		snprintf(linking.bound[linking.bound_count].name, 32, "%s", result->variables[i].name);
		linking.bound[linking.bound_count].nth = result->variables[i].nth;
		linking.bound[linking.bound_count++].address = result->variables[i].address;
	}
}

static inline struct compile_object linking_tcc(const char *text)
{
	struct compile_object object = {0};
	char *why = NULL;
	struct error *e = compile_tcc(text, &object, &why);
	if (e || why)
		fail_msg("%s", e ? error_message(e) : why);
	return object;
}

static inline struct compile_object linking_cc(const char *text, const char *const *argv)
{
	struct compile_object object = {0};
	struct error *e = compile_cc(text, argv, NULL, &object, NULL);
	if (e)
		fail_msg("%s: %s", argv[0], error_message(e));
	return object;
}

/* The entry of `function`; frees the object. */
static inline void *linking_enter(struct compile_object object, const char *function)
{
	struct link_result result;
	struct error *e = linking_try(&object, function, &result);
	if (e)
		fail_msg("%s", error_message(e));
	linking_keep(&result);
	void *entry = (void *)(uintptr_t)result.entry;
	link_result_fini(&result);
	compile_object_fini(&object);
	return entry;
}

#endif
