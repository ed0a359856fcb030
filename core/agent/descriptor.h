/* The guest's descriptors stay out of the program's way: above standard input, output and error, which a
 * daemon may have closed and will open again, and above the low numbers that programs count on. Which they are is kept, for
 * a program that closes all that it has not opened itself: closing.c. */
#ifndef RTF_DESCRIPTOR_H
#define RTF_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

enum { DESCRIPTOR_LOWEST = 64 };

/* The lowest descriptor of the guest's from `first` on; -1: there is none. Any thread and signal handler. */
int descriptor_next_own(int first);

/* Whether this one is the guest's. */
bool descriptor_is_own(int fd);

/* From now on the guest's, or no longer. Numbers that are too high to be kept are the program's to close. */
void descriptor_own(int fd, bool own);

/* Takes `fd` and returns the one to use instead, close-on-exec; -1 stays -1, errno is kept. Where the limit
 * on open files is lower than our numbers, any number that is not a standard one does. */
static inline int descriptor_raise(int fd)
{
	int high = fd;

	if (fd >= 0 && fd < DESCRIPTOR_LOWEST) {
		high = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_LOWEST);
		if (high < 0 && fd <= STDERR_FILENO)
			high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (high >= 0)
			close(fd);
		else
			high = fd;
	}
	descriptor_own(high, true);
	return high;
}

/* Forgets before it closes: the number may be somebody else's at once. */
static inline void descriptor_close(int *fd)
{
	int old = *fd;

	*fd = -1;
	if (old < 0)
		return;
	descriptor_own(old, false);
	close(old);
}

#endif
