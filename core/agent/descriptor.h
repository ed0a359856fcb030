/* The guest's descriptors stay out of the program's way: above standard input, output and error, which a
 * daemon may have closed and will open again, and above the low numbers that programs count on. */
#ifndef RTF_DESCRIPTOR_H
#define RTF_DESCRIPTOR_H

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { DESCRIPTOR_LOWEST = 64 };

/* Takes `fd` and returns the one to use instead, close-on-exec; -1 stays -1, errno is kept. Where the limit
 * on open files is lower than our numbers, any number that is not a standard one does. */
static inline int descriptor_raise(int fd)
{
	if (fd < 0 || fd >= DESCRIPTOR_LOWEST)
		return fd;

	int high = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_LOWEST);
	if (high < 0 && fd <= STDERR_FILENO)
		high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

/* Forgets before it closes: the number may be somebody else's at once. */
static inline void descriptor_close(int *fd)
{
	int old = *fd;

	*fd = -1;
	if (old >= 0)
		close(old);
}

#endif
