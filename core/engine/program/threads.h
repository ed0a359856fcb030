/* The program's threads as they are at a moment: each is stopped for as long as its registers and its stack are copied, and goes
 * on where it was, also in a system call that would tell others that something came in between.
 *
 * One thread, the same for all calls. Sources: ptrace(2); arch/x86/kernel/signal.c for which results begin a call anew. */
#ifndef RTF_THREADS_H
#define RTF_THREADS_H

#include "error.h"
#include "message.h"
#include "program.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	THREADS_STACK = 1 << 18, /* bytes of each that are copied, at most */
	THREADS_WAIT_MS = 5000,  /* for one that has no processor to stop on; left before, it would notice */
	THREADS_ASIDE_MOST = 64, /* so many are looked at, the first */
};

/* THREADS_ASIDE: nobody has asked for it. Nothing is asked of the program then, and many threads are not looked at. */
enum threads_why { THREADS_ASKED, THREADS_ASIDE };

struct thread_copy {
	pid_t id;
	char name[32];                      /* as pthread_setname_np(3) has it; "": it ended */
	char state[32];                     /* "running", "sleeping", …: proc_pid_status(5) */
	uint64_t registers[CALL_REGISTERS]; /* by DWARF's numbers */
	unsigned char *stack;               /* from the stack pointer on; good during the call */
	size_t stack_size;                  /* 0: it did not stop */
};

/* Calls `each` for those that are not the console's own, the main thread first. ERROR_DENIED: the system does not let the
 * engine look, or a debugger does. */
struct error *threads_each(struct program *, enum threads_why,
			   void (*each)(void *context, const struct thread_copy *), void *context);

#endif
