/* The guest: opens the console and answers for it.
 *
 *      program's threads                      agent thread
 *      rtf_start ── listener, thread ──►      poll: a console connects ── peer checked ──► engine
 *      rtf_poll  ── deferred versions                the engine asks ──► read, write, resolve, publish
 *      rtf_stop  ── wake, join                       the engine ends ──► another one, same arenas
 */
#include "rtf.h"
#include "agent_thread.h"
#include "call.h"
#include "channel.h"
#include "console.h"
#include "descriptor.h"
#include "entry.h"
#include "fault.h"
#include "last.h"
#include "park.h"
#include "signals.h"
#include "sync.h"
#include "thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum {
	STACK_SIZE = 256 * 1024,
	EXIT_WAIT_MS = 500, /* a thread may have ended in the middle of rtf_start() */
	HEIR_PAUSE_MS = 20, /* somebody else is taking the console over, or has the mutex */
};

/* Guarded by console_mutex, as console_current is. */
static struct {
	bool by_environment; /* RTF_SOCKET opened it, and no rtf_start has been called since */
	bool fork_handled;
	bool threadless_forks;    /* a forked child must not start threads: a sanitizer ends it */
	struct console_hold fork; /* of the thread that forks */
	struct console
		*heir; /* in a forked child: what it goes on with, should the process that opened it end */
} agent;

static void console_inherit(bool in_passing);

/* fork(): the child has the memory but not the thread. It lets go of the console, which is its parent's, and keeps in mind
 * how to open it: a program that becomes a daemon after rtf_start() is its own child from then on. A thread waits for
 * that, because a daemon may have nothing to do; where it cannot be started, the next call of a decorated function looks. */

static bool heir_waits(void)
{
	struct console_hold hold;

	console_lock(&hold);
	bool waits = agent.heir != NULL;
	console_unlock(&hold);
	return waits;
}

static void *heir_run(void *unused)
{
	prctl(PR_SET_NAME, MESSAGE_HEIR);
	for (bool waits = true; waits;) {
		sync_await_left();
		console_inherit(false);
		waits = heir_waits();
		if (waits)
			nanosleep(&(struct timespec){.tv_nsec = HEIR_PAUSE_MS * 1000000L}, NULL);
	}
	return unused;
}

/* A handler that forks may have interrupted malloc(). */
static void heir_start(void)
{
	pthread_t thread;

	if (agent.threadless_forks || !entry_count() || signals_are_handled_here())
		return;
	if (thread_start(&thread, STACK_SIZE, 0, heir_run, NULL) == 0)
		pthread_detach(thread);
}

static void fork_prepare(void)
{
	struct console_hold hold;
	int saved = errno;

	if (!sync_is_exempt()) /* the agent itself, in the program's log callback: it would wait for itself */
		agent_thread_await();
	errno = saved;
	console_lock(&hold);
	agent.fork = hold;
}

static void fork_parent(void)
{
	struct console_hold hold = agent.fork;

	console_unlock(&hold);
}

static void fork_child(void)
{
	struct console_hold hold = agent.fork;
	struct console *c = console_current;

	agent_thread_begun();
	console_current = NULL;
	agent.by_environment = false;
	call_forget();
	fault_leave();
	park_forget();
	last_forget();
	if (c) {
		channel_forget(c);
		sync_leave(console_inherit);
		console_let_go(c);
		console_free(agent.heir);
		agent.heir = c;
	}
	bool waits = agent.heir != NULL;
	console_unlock(&hold);
	if (waits)
		heir_start();
}

/* To the file only: the caller has the callback's news as a result, and we hold the mutex. */
static void open_failed(const struct console *c, const char *path, int error)
{
	const char *why = strerrordesc_np(-error);

	if (error == -EADDRINUSE)
		why = "somebody answers there already";
	else if (error == -ENAMETOOLONG)
		why = "a socket's path has at most 107 bytes";
	else if (error == -ENOENT)
		why = "its folder does not exist";
	else if (error == -EEXIST)
		why = "there is something else than a socket";
	console_log_to_file(c, "no console at %s: %s", path ? path : "(null)", why);
}

/* Before there is anything that a child could inherit. */
static int handle_forks(void)
{
	int error = agent.fork_handled ? 0 : pthread_atfork(fork_prepare, fork_parent, fork_child);

	agent.fork_handled = !error;
	agent.threadless_forks = dlsym(RTLD_DEFAULT, "__tsan_init") != NULL;
	return -error;
}

/* Takes the console; on failure it is freed. */
static int console_begin(struct console *c, const char *path, bool in_trust)
{
	int error = handle_forks();
	if (!error)
		error = listener_open(path, in_trust, &c->listener);
	if (error == -EADDRINUSE && in_trust) /* the program was started again, before we came to it */
		error = listener_await_name(path, &c->listener);
	if (!error) {
		c->wake = descriptor_raise(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
		if (c->flags & HELLO_WATCH)
			sync_expect();
		agent_thread_expect();
		error = c->wake < 0 ? -errno : thread_start(&c->thread, STACK_SIZE, 0, agent_thread_run, c);
		if (error)
			agent_thread_begun();
		if (error)
			sync_forget();
		if (error)
			listener_remove(&c->listener);
	}
	if (error) {
		open_failed(c, path, error);
		console_free(c);
		return error;
	}
	console_current = c;
	return 0;
}

static int console_open(const struct rtf_options *o)
{
	struct console *c = console_new(o);

	return c ? console_begin(c, o->socket_path, false) : -ENOMEM;
}

/* The process that opened the console has ended, and left it to us. Perhaps on the way into a decorated function: whoever has the
 * mutex, or is in a signal handler, goes on, and the next call tries again. */
static void console_inherit(bool in_passing)
{
	struct console_hold hold;
	int saved = errno;

	if (!console_lock_within(&hold, 0)) {
		errno = saved;
		return;
	}
	struct console *c = agent.heir;
	if (c && !console_current && !(in_passing && signals_are_handled_here()) && sync_claim()) {
		char *path = c->listener.path;
		agent.heir = NULL;
		entry_own();
		c->pid = getpid();
		c->listener = (struct listener){.fd = -1};
		c->start_count = 0;
		console_open_log(c);
		console_begin(c, path, true);
		free(path);
	}
	console_unlock(&hold);
	errno = saved;
}

/* What is exported. */

int rtf_start_options(const struct rtf_options *options)
{
	int saved = errno, result;
	struct console_hold hold;

	if (!options)
		return -EINVAL;
	entry_init();
	console_lock(&hold);
	if (console_current) {
		result = agent.by_environment ? 0 : -EALREADY;
		agent.by_environment = false;
	} else {
		console_free(agent.heir);
		agent.heir = NULL;
		result = console_open(options);
		if (result == 0) {
			signals_lend_stack();
			last_expect();
		}
	}
	console_unlock(&hold);
	errno = saved;
	return result;
}

int rtf_start(const char *socket_path)
{
	struct rtf_options options = {.socket_path = socket_path};

	return rtf_start_options(&options);
}

void rtf_poll(void)
{
	struct console_hold hold;

	sync_inherit();
	if (!channel_waits() && !call_waits())
		return;

	int saved = errno;
	console_lock(&hold);
	if (console_current) {
		channel_poll(console_current);
		console_wake(console_current);
	}
	console_unlock(&hold);
	call_poll(); /* without the mutex: it may fork, or take long */
	errno = saved;
}

/* Takes the console out of console_current: after that it is the caller's to end. */
static struct console *console_take(void)
{
	struct console_hold hold;

	console_lock(&hold);
	struct console *c = console_current;
	console_current = NULL;
	agent.by_environment = false;
	console_unlock(&hold);
	return c;
}

int rtf_sync(void)
{
	sync_inherit();
	return sync_wait();
}

void rtf_stop(void)
{
	int saved = errno, cancelling;
	struct console_hold hold;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
	struct console *c = console_take();
	if (c) {
		listener_remove(&c->listener);
		shutdown(c->listener.fd, SHUT_RDWR);
		__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
		console_wake(c);
		pthread_join(c->thread, NULL);
		console_free(c);
		console_lock(&hold);
		signals_reclaim_stack();
		console_unlock(&hold);
	}
	pthread_setcancelstate(cancelling, NULL);
	errno = saved;
}

/* RTF_SOCKET is inherited by whatever the program starts: only a program with decorated functions opens a
 * console. */
__attribute__((constructor(101))) static void agent_begin(void)
{
	int saved = errno;
	const char *path;

	entry_init();
	path = secure_getenv("RTF_SOCKET");
	if (path && *path && entry_count())
		agent.by_environment = rtf_start(path) == 0;
	errno = saved;
}

/* Normal exit: only the name goes. The thread is left alone, it may be in the program's log callback. */
__attribute__((destructor)) static void agent_end(void)
{
	struct console_hold hold;

	if (!console_lock_within(&hold, EXIT_WAIT_MS))
		return;
	if (console_current && console_current->pid == getpid())
		listener_remove(&console_current->listener);
	console_unlock(&hold);
}
