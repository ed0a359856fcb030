/* Variables of _Atomic types, and the unions that the C library's sockets take. */
#define _GNU_SOURCE
#include "shapes.h"

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SHARED _Atomic

typedef _Atomic(unsigned char) small;

static struct shared {
	int before;
	SHARED long total;
	_Atomic(short) half;
	small count;
	SHARED double ratio;
	long *SHARED at;
} shared = {.before = 1, .total = 20, .half = -3, .count = 250, .ratio = 1.5};

_Atomic unsigned seen = 5;
static long target = 70;

REALTIMEFUNC LOCAL long beside_one(int n)
{
	return shared.before + n + EDIT;
}

REALTIMEFUNC LOCAL long read_only(int n)
{
	const _Atomic unsigned *p = &seen;

	return shared.total * 10000 + shared.half * 1000 + shared.count + (long)(shared.ratio * 4) + *p + n +
	       (long)sizeof(shared.half) + EDIT;
}

REALTIMEFUNC LOCAL long written(int n)
{
	shared.at = &target;
	shared.count += 10;
	shared.half = (short)-n;
	seen++;
	shared.total = shared.total ^ 1;
	return *shared.at + shared.count + shared.half + seen + EDIT;
}

REALTIMEFUNC LOCAL long counted(int n)
{
	long before = atomic_fetch_add_explicit(&shared.total, n, memory_order_relaxed);

	atomic_fetch_sub(&seen, 1);
	return before + shared.total + seen + EDIT;
}

REALTIMEFUNC LOCAL long exchanged(int n)
{
	long expected = 1;
	_Bool done = atomic_compare_exchange_strong(&shared.total, &expected, 2);
	short half = atomic_exchange(&shared.half, (short)n);

	atomic_store(&shared.total, expected + done);
	return atomic_load(&shared.total) + half + EDIT;
}

#ifndef __clang__ /* to which these are for plain types */
REALTIMEFUNC LOCAL long by_builtins(int n)
{
	unsigned now;

	__atomic_add_fetch(&seen, (unsigned)n, __ATOMIC_SEQ_CST);
	__atomic_load(&seen, &now, __ATOMIC_ACQUIRE);
	return now + __atomic_load_n(&shared.count, __ATOMIC_RELAXED) + EDIT;
}
#else
#define by_builtins counted
#endif

/* Its argument may be a pointer to any address. */
REALTIMEFUNC LOCAL long socket_family(int n)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &size) || connect(fd, &address, 1) == 0)
		return -1;
	close(fd);
	return address.sun_family * 10 + n + EDIT;
}

/* Looked into, it is the union that it is. */
REALTIMEFUNC LOCAL long family_in(__CONST_SOCKADDR_ARG any, int n)
{
	return any.__sockaddr__->sa_family + n + EDIT;
}

static long family_of(int n)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	return family_in(&address, n);
}

#define PROBES(X) \
	X(beside_one, beside_one(1)) \
	X(read_only, read_only(1)) \
	X(written, written(2)) \
	X(counted, counted(3)) \
	X(exchanged, exchanged(4)) \
	X(by_builtins, by_builtins(5)) \
	X(socket_family, socket_family(6)) \
	X(family_in, family_of(7))

SHAPES_MAIN
