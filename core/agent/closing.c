/* A program that closes all descriptors that it has not opened, as daemons do when they begin, does not mean the console's,
 * which it knows nothing of: to it they are as good as not open. So what closes is ours in librtf.so (librtf.a has no such
 * part), and goes on to the C library's for all others. It may run in a signal handler, and before our constructor. */
#include "descriptor.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

extern int __close(int fd); /* the C library's, by its other name */

static int (*next_close)(int);
static void (*next_closefrom)(int);
static int (*next_close_range)(unsigned, unsigned, int);

__attribute__((constructor)) static void find_next(void)
{
	void *next = dlsym(RTLD_NEXT, "close");

	memcpy(&next_close, &next, sizeof(next));
	next = dlsym(RTLD_NEXT, "closefrom");
	memcpy(&next_closefrom, &next, sizeof(next));
	next = dlsym(RTLD_NEXT, "close_range");
	memcpy(&next_close_range, &next, sizeof(next));
}

EXPORTED int close(int fd)
{
	if (descriptor_is_own(fd)) {
		errno = EBADF;
		return -1;
	}
	return next_close ? next_close(fd) : __close(fd);
}

static int range(unsigned first, unsigned last, int flags)
{
	return next_close_range ? next_close_range(first, last, flags)
				: (int)syscall(SYS_close_range, first, last, flags);
}

/* What lies between the guest's, each part by itself. */
EXPORTED int close_range(unsigned first, unsigned last, int flags)
{
	if (first > last)
		return range(first, last, flags);
	while (first <= last) {
		int own = first > INT_MAX ? -1 : descriptor_next_own((int)first);
		unsigned end = own < 0 || (unsigned)own > last ? last : (unsigned)own - 1;
		if (own != (int)first && range(first, end, flags))
			return -1;
		if (end == last)
			break;
		first = (unsigned)own + 1;
	}
	return 0;
}

/* A kernel without close_range() has the C library's own way for what is above the guest's. */
EXPORTED void closefrom(int low)
{
	int saved = errno, first = low < 0 ? 0 : low;

	for (int own; (own = descriptor_next_own(first)) >= 0; first = own + 1)
		while (first < own)
			close(first++);
	if (next_closefrom)
		next_closefrom(first);
	else
		close_range((unsigned)first, ~0U, 0);
	errno = saved;
}
