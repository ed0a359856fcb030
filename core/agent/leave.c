/* exit() called by the program's own code: ours in librtf.so (librtf.a has no such part), so that what a console evaluates or
 * watches can be left before the C library has begun to end the process. From 2.41 on that holds a lock from the first thing
 * that it does, and there is no leaving it after that. Any other exit() goes on to the C library's.
 *
 * What the C library itself calls, in err(3) and at the end of main(), does not come by here: guard.c knows of that. */
#include "guard.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static void (*find_next(void))(int)
{
	static void (*next)(int);
	void (*found)(int) = __atomic_load_n(&next, __ATOMIC_ACQUIRE);

	if (!found) {
		void *symbol = dlsym(RTLD_NEXT, "exit");
		memcpy(&found, &symbol, sizeof(found));
		__atomic_store_n(&next, found, __ATOMIC_RELEASE);
	}
	return found;
}

/* Once, before a signal handler can be what calls exit(). */
__attribute__((constructor)) static void find_early(void)
{
	find_next();
}

/* Weak: linked into a static program it is the C library's that counts. */
EXPORTED __attribute__((weak, noreturn)) void exit(int status)
{
	void (*next)(int) = find_next();

	guard_offer_exit(status);
	if (next)
		next(status);
	_exit(status);
}
