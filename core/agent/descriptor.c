#include "descriptor.h"

#include <limits.h>
#include <stddef.h>

enum { BITS = sizeof(unsigned long) * CHAR_BIT, MOST = 4096 };

static unsigned long own[MOST / BITS]; /* a bit for each number */

static unsigned long bit_of(int fd)
{
	return 1UL << ((size_t)fd % BITS);
}

void descriptor_own(int fd, bool is_own)
{
	if (fd < 0 || fd >= MOST)
		return;
	if (is_own)
		__atomic_fetch_or(&own[(size_t)fd / BITS], bit_of(fd), __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&own[(size_t)fd / BITS], ~bit_of(fd), __ATOMIC_RELAXED);
}

bool descriptor_is_own(int fd)
{
	return fd >= 0 && fd < MOST &&
	       __atomic_load_n(&own[(size_t)fd / BITS], __ATOMIC_RELAXED) & bit_of(fd);
}

int descriptor_next_own(int first)
{
	for (int fd = first < 0 ? 0 : first; fd < MOST; fd++)
		if (descriptor_is_own(fd))
			return fd;
	return -1;
}
