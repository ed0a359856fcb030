/* System calls that the C library has no function for, or not in every version, and the clock. Any thread, also in a handler of
 * a signal. */
#ifndef RTF_KERNEL_H
#define RTF_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static inline pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* Of this process; 0 or -1 with errno, ESRCH: it has ended. */
static inline int thread_signal(pid_t thread, int signal)
{
	return (int)syscall(SYS_tgkill, getpid(), thread, signal);
}

/* Waits while the word is `value`, at most so long (NULL: for ever); may return at any time. False: the time is over. */
static inline bool futex_wait(const void *word, uint32_t value, const struct timespec *limit)
{
	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, limit, NULL, 0) == 0 || errno != ETIMEDOUT;
}

static inline void futex_wake_all(const void *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Copies memory of our own, bytes of it, or -1 and errno: nothing faults where there is none. */
static inline ssize_t memory_read(uint64_t from, void *out, size_t size)
{
	struct iovec here = {out, size}, there = {(void *)(uintptr_t)from, size};

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0);
}

/* Of a clock that nobody sets. */
static inline long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

#endif
