#include "threads.h"
#include "clock.h"
#include "message.h"
#include "pool.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

/* What the kernel answers a call with that is to be begun anew, unless a signal has a handler: then it is EINTR. */
enum { RESTART = 514 };

/* --- one thread ----------------------------------------------------------------------------------------------------- */

/* The word behind "Name:" or "State:" of /proc/PID/task/ID/status. */
static void describe(pid_t pid, struct thread_copy *t)
{
	char path[64], *status;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)t->id);
	status = text_read_file(path, &size);
	if (!status)
		return;
	const char *state = strstr(status, "\nState:");
	sscanf(status, "Name:\t%31[^\n]", t->name);
	if (state)
		sscanf(state, "\nState: %*c (%31[^)\n]", t->state);
	free(status);
}

/* These say that something came in between, though nobody asked them to: a thread that was looked at is to notice nothing. The
 * others that wait begin anew by themselves. */
static bool tells_of_interruption(long long call)
{
	static const int calls[] = {
		SYS_read,         SYS_readv,         SYS_write,      SYS_writev,         SYS_recvfrom,
		SYS_recvmsg,      SYS_recvmmsg,      SYS_sendto,     SYS_sendmsg,        SYS_sendmmsg,
		SYS_accept,       SYS_accept4,       SYS_epoll_wait, SYS_epoll_pwait,    SYS_epoll_pwait2,
		SYS_semop,        SYS_semtimedop,    SYS_msgrcv,     SYS_msgsnd,         SYS_rt_sigtimedwait,
		SYS_io_getevents, SYS_io_pgetevents, SYS_futex,      SYS_io_uring_enter,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (call == calls[i])
			return true;
	return false;
}

static void take_registers(const struct user_regs_struct *r, uint64_t registers[CALL_REGISTERS])
{
	const uint64_t by_number[CALL_REGISTERS] = {
		r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
		r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip,
	};

	memcpy(registers, by_number, sizeof(by_number));
}

/* As much as there is, up to where the stack ends. */
static size_t copy_stack(pid_t thread, uint64_t from, unsigned char *out)
{
	enum { PAGE = 4096 };
	struct iovec here = {out, THREADS_STACK}, there[THREADS_STACK / PAGE + 1];
	size_t parts = 0;

	/* A part that is not there ends what is copied, and others before it are whole. */
	for (uint64_t at = from, end = from + THREADS_STACK; at < end; parts++) {
		uint64_t next = (at | (PAGE - 1)) + 1;
		there[parts] = (struct iovec){(void *)(uintptr_t)at, next < end ? next - at : end - at};
		at = next;
	}
	ssize_t got = process_vm_readv(thread, &here, 1, there, parts, 0);
	return got > 0 ? (size_t)got : 0;
}

/* Whether it has stopped, and in which way; false: it ended, or is where nothing stops it. */
static bool await_stop(pid_t thread, int *status)
{
	int64_t start = clock_now_us(), now = start;

	for (; now - start < THREADS_WAIT_MS * 1000; now = clock_now_us()) {
		pid_t got = waitpid(thread, status, __WALL | WNOHANG);
		if (got == thread)
			return WIFSTOPPED(*status);
		if (got < 0 && errno != EINTR)
			return false;
		/* It needs a processor to stop on. */
		if (now - start < 1000)
			sched_yield();
		else
			poll(NULL, 0, 1);
	}
	return false;
}

/* Of one that has stopped. `whole`: nothing but our asking stopped it. */
static void copy(struct thread_copy *t, bool whole, unsigned char *stack)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->id, NULL, &r))
		return;
	take_registers(&r, t->registers);
	t->stack_size = copy_stack(t->id, r.rsp, stack);
	if (whole && (long long)r.rax == -EINTR && tells_of_interruption((long long)r.orig_rax)) {
		r.rax = (unsigned long long)-RESTART;
		ptrace(PTRACE_SETREGS, t->id, NULL, &r);
	}
}

/* 0, or an errno: EPERM, ESRCH. */
static int look(struct thread_copy *t, unsigned char *stack)
{
	int status = 0, signal = 0;

	if (ptrace(PTRACE_SEIZE, t->id, NULL, NULL))
		return errno;
	bool stopped = ptrace(PTRACE_INTERRUPT, t->id, NULL, NULL) == 0 && await_stop(t->id, &status);
	if (stopped) {
		bool whole = status >> 16 == PTRACE_EVENT_STOP;
		signal = whole ? 0 : WSTOPSIG(status); /* one that was just coming */
		copy(t, whole, stack);
	}
	/* One that has not stopped is let go of by the end of the thread that asked. */
	if (stopped)
		ptrace(PTRACE_DETACH, t->id, NULL, signal);
	return 0;
}

/* --- all of them ---------------------------------------------------------------------------------------------------- */

struct copies {
	pid_t pid;
	bool aside;
	struct thread_copy *list;
	size_t count, room;
	int refused; /* an errno */
	bool no_memory;
};

/* As one more of the list; false: none are to follow. */
static bool add(struct copies *c, pid_t id, unsigned char *stack)
{
	struct thread_copy t = {.id = id};

	describe(c->pid, &t);
	if (!*t.name || message_is_agents(t.name, strlen(t.name)) || strcmp(t.state, "zombie") == 0)
		return true;
	bool stops = strcmp(t.state, "running") == 0 || strcmp(t.state, "sleeping") == 0;
	if (c->aside && !stops)
		return true;
	struct thread_copy *more = pool_grow(c->list, c->count, &c->room, sizeof(*more));
	c->no_memory = !more;
	if (!more)
		return false;
	c->list = more;
	int failed = stops || !c->count ? look(&t, stack) : 0;
	if (failed && (failed == ESRCH || c->count))
		return true; /* it ended */
	c->refused = failed;
	if (failed)
		return false;
	t.stack = malloc(t.stack_size + 1);
	c->no_memory = !t.stack;
	if (!t.stack)
		return false;
	memcpy(t.stack, stack, t.stack_size);
	c->list[c->count++] = t;
	return !c->aside || c->count < THREADS_ASIDE_MOST;
}

/* A thread of its own, as whoever asks keeps what it has not let go of until it ends. */
static void *copy_all(void *context)
{
	struct copies *c = context;
	char path[64];
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)c->pid);
	DIR *tasks = opendir(path);
	unsigned char *stack = malloc(THREADS_STACK);
	c->no_memory = !stack;
	bool more = tasks && stack;
	while (more && (entry = readdir(tasks)))
		if (*entry->d_name != '.')
			more = add(c, (pid_t)atoi(entry->d_name), stack);
	if (tasks)
		closedir(tasks);
	free(stack);
	return NULL;
}

static void copies_fini(struct copies *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->list[i].stack);
	free(c->list);
	*c = (struct copies){.pid = c->pid};
}

static struct error *copy_once(struct copies *c)
{
	pthread_t thread;

	int failed = pthread_create(&thread, NULL, copy_all, c);
	if (failed)
		return error_errno(failed, "a thread");
	pthread_join(thread, NULL);
	return c->no_memory ? error_memory() : NULL;
}

struct error *threads_each(struct program *p, enum threads_why why,
			   void (*each)(void *context, const struct thread_copy *), void *context)
{
	struct copies c = {.pid = program_pid(p), .aside = why == THREADS_ASIDE};

	struct error *e = copy_once(&c);
	if (!e && c.refused == EPERM && !c.aside) {
		copies_fini(&c);
		e = program_allow_look(p, true);
		if (!e)
			e = copy_once(&c);
		error_free(program_allow_look(p, false));
	}
	if (!e && c.refused)
		e = error_new(
			ERROR_DENIED,
			"nobody may look at the program's threads: %s; a debugger has them, or the system "
			"forbids it",
			strerror(c.refused));
	for (size_t i = 0; i < c.count && !e; i++)
		each(context, &c.list[i]);
	copies_fini(&c);
	return e;
}
