#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SIGNALS = 64, RESTORERS_MAX = 4, STACK_LOOKED_AT = 1 << 20, PAGE = 4096 };

/* The kernel's struct sigaction. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	uint64_t restorer;
	unsigned long mask;
};

/* What stands first in the frame of a handler, as its return address, and what follows: the kernel's struct rt_sigframe. */
struct signal_frame {
	uint64_t restorer, flags, link;
};

enum { FRAME_FLAGS = 7 };

static size_t list_restorers(uint64_t out[RESTORERS_MAX])
{
	struct kernel_sigaction action;
	size_t count = 0;

	for (int signal = 1; signal <= SIGNALS && count < RESTORERS_MAX; signal++) {
		size_t i = 0;
		action.restorer = 0;
		syscall(SYS_rt_sigaction, signal, NULL, &action, sizeof(action.mask));
		while (i < count && out[i] != action.restorer)
			i++;
		if (action.restorer && i == count)
			out[count++] = action.restorer;
	}
	return count;
}

/* The kernel copies: nothing faults where the stack ends. */
static size_t copy(uint64_t from, void *out, size_t size)
{
	struct iovec here = {out, size}, there = {(void *)(uintptr_t)from, size};
	ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	return got < 0 ? 0 : (size_t)got;
}

static bool is_frame(uint64_t at)
{
	struct signal_frame f;

	/* The handler was entered as if called: its stack is 8 off a multiple of 16. */
	return at % 16 == 8 && copy(at, &f, sizeof(f)) == sizeof(f) && f.flags <= FRAME_FLAGS && !f.link;
}

bool signals_are_handled_here(void)
{
	uint64_t restorers[RESTORERS_MAX], words[128];
	uint64_t at = (uint64_t)(uintptr_t)__builtin_frame_address(0), end = at + STACK_LOOKED_AT;
	size_t count = list_restorers(restorers), got;

	for (; count && at < end; at += got) {
		size_t size = PAGE - at % PAGE;
		got = copy(at, words, size < sizeof(words) ? size : sizeof(words));
		if (!got)
			break;
		for (size_t i = 0; i < got / sizeof(*words); i++)
			for (size_t k = 0; k < count; k++)
				if (words[i] == restorers[k] && is_frame(at + i * sizeof(*words)))
					return true;
	}
	return false;
}
