/* The guest: opens the console and answers for it.
 *
 *      program's threads                      agent thread
 *      rtf_start ── listener, thread ──►      poll: a console connects ── peer checked ──► engine
 *      rtf_poll  ── deferred versions                the engine asks ──► read, write, resolve, publish
 *      rtf_stop  ── wake, join                       the engine ends ──► another one, same arenas
 */
#include "rtf.h"
#include "call.h"
#include "channel.h"
#include "console.h"
#include "descriptor.h"
#include "entry.h"
#include "fault.h"
#include "kernel.h"
#include "park.h"
#include "signals.h"
#include "spawn.h"
#include "sync.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <syslog.h>

enum {
	STACK_SIZE = 256 * 1024,
	EXHAUSTED_MS = 100, /* no descriptors for another connection: look again after that */
	START_SECONDS = 5,
	END_CALL_MS = 3000, /* so long the console's end waits for that of an evaluation */
	EXIT_WAIT_MS = 500, /* a thread may have ended in the middle of rtf_start() */
	TRUST_MS = 1000,    /* how often one that keeps the console looks whether it still has its name */
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

static void log_entries(struct console *c)
{
	channel_tell_notes(c);
	unsigned count = entry_count();
	if (c->listener.fd < 0)
		return;
	console_log(c, LOG_INFO, "console at %s, %u function%s can be redefined", c->listener.path, count,
		    count == 1 ? "" : "s");
}

/* Clients. */

static void json_escape(char *out, size_t size, const char *text)
{
	size_t used = 0;

	for (; *text && used + 3 < size; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte == '"' || byte == '\\')
			out[used++] = '\\';
		out[used++] = byte < ' ' ? ' ' : (char)byte;
	}
	out[used] = '\0';
}

/* The one thing that the agent says to a console itself. */
static void client_refuse(int client, const char *why)
{
	char message[2 * sizeof(((struct console *)0)->why)], line[sizeof(message) + 128];

	json_escape(message, sizeof(message), why);
	int size = snprintf(line, sizeof(line), "{\"ok\":false,\"error\":%s\"%s\"}}\n",
			    "{\"class\":\"internal\",\"message\":", message);
	send(client, line, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* False if there was no descriptor for it. */
static bool client_accept(struct console *c)
{
	const char *why;

	pthread_mutex_lock(&console_mutex);
	int client = listener_accept(&c->listener);
	c->client = client < 0 ? -1 : client;
	pthread_mutex_unlock(&console_mutex);

	if (client == -EACCES)
		console_log(c, LOG_WARNING, "a connection of another user was refused");
	if (client < 0)
		return client != -EMFILE && client != -ENFILE && client != -ENOBUFS && client != -ENOMEM;
	if (!channel_pass_client(c, &why))
		client_refuse(client, why);

	pthread_mutex_lock(&console_mutex);
	descriptor_close(&c->client);
	pthread_mutex_unlock(&console_mutex);
	return true;
}

/* Those for whom there will be no engine. */
static void refuse_unserved(struct console *c)
{
	while (channel_take_back(c)) {
		client_refuse(c->client, c->why);
		pthread_mutex_lock(&console_mutex);
		descriptor_close(&c->client);
		pthread_mutex_unlock(&console_mutex);
	}
}

/* The thread. */

/* What a process that keeps a console knows of who has its name meanwhile. */
struct trust {
	bool taken;
	struct listener_taker taker;
	long long next_ms; /* not to be tried before */
};

/* Takes the name again, or learns who has it. Under the mutex: a forked child must not have what this opens. */
static bool retake_name(struct console *c, struct listener_taker *taker)
{
	struct listener again;
	struct console_hold hold;
	bool found = false;

	console_lock(&hold);
	listener_note_taker(&c->listener, taker);
	if (console_current == c && !listener_is_taken(&c->listener, taker) &&
	    listener_open(c->listener.path, true, &again) == 0) {
		listener_fini(&c->listener);
		c->listener = again;
		found = true;
	}
	console_unlock(&hold);
	return found;
}

/* The program was started again and has taken the name of the console that we kept for it; once it has ended, perhaps at
 * once because it was one too many, the name is ours again. Until then that one is left in peace, and so are we: fork() waits
 * for the mutex. */
static void keep_name(struct console *c, struct trust *t)
{
	if (listener_is_named(&c->listener) || listener_is_taken(&c->listener, &t->taker) ||
	    now_ms() < t->next_ms)
		return;
	bool found = retake_name(c, &t->taker);
	if (found || !t->taken)
		console_log(c, LOG_INFO,
			    found ? "console at %s again" : "the console at %s is another process's now",
			    c->listener.path);
	t->taken = !found;
	t->next_ms = found ? 0 : now_ms() + TRUST_MS;
}

/* The sooner of two waits in ms, of which a negative one is for ever. */
static long sooner(long a, long b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* A program may fork and end at once, to become a daemon: until the engine knows of it that would leave nobody to tell the
 * child. Atomic. */
static int starting;

static void starting_end(void)
{
	__atomic_store_n(&starting, 0, __ATOMIC_RELEASE);
	futex_wake_all(&starting);
}

static void starting_await(void)
{
	struct timespec patience = {.tv_sec = START_SECONDS};

	while (__atomic_load_n(&starting, __ATOMIC_ACQUIRE))
		if (!futex_wait(&starting, 1, &patience))
			return;
}

/* An evaluation is not to outlive the console, if that can be helped. */
static void end_call(void)
{
	long long deadline = now_ms() + END_CALL_MS;

	for (int patience; (patience = call_patience()) >= 0 && now_ms() < deadline; call_insist())
		nanosleep(&(struct timespec){.tv_nsec = patience * 1000L}, NULL);
}

static void *console_run(void *console)
{
	struct console *c = console;

	prctl(PR_SET_NAME, "rtf-agent");
	sync_exempt();
	log_entries(c);
	fault_watch(c->wake);
	park_watch(c->wake);
	channel_start(c);
	starting_end();
	bool accepting = true;
	struct trust trust = {0};
	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		struct pollfd p[] = {
			{.fd = c->wake, .events = POLLIN},
			{.fd = accepting ? c->listener.fd : -1, .events = POLLIN},
			{.fd = c->engine, .events = POLLIN},
		};
		int patience = call_patience(), look = fault_patience(), watches = park_patience();
		long ms = sooner(sooner(look, watches), accepting ? -1 : EXHAUSTED_MS);
		if (c->listener.in_trust)
			ms = sooner(ms, TRUST_MS);
		struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
		if (patience >= 0)
			wait = (struct timespec){.tv_nsec = patience * 1000L};
		int ready = ppoll(p, 3, patience >= 0 || ms >= 0 ? &wait : NULL, NULL);
		accepting = true;
		if (patience >= 0 && ready == 0)
			call_insist();
		else if (ready == 0 && ms == look)
			fault_wait_longer();
		fault_end_watches();
		fault_look();
		if (c->listener.in_trust)
			keep_name(c, &trust);
		if (ready < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM)
			break;
		if (ready <= 0)
			continue;
		if ((p[0].revents | p[1].revents | p[2].revents) & POLLNVAL) {
			console_log(c, LOG_ERR, "the program closed descriptors of the console, which ends");
			break;
		}
		uint64_t woken;
		if (p[2].revents)
			channel_hear(c);
		if (p[0].revents && read(c->wake, &woken, sizeof(woken)) > 0)
			channel_report(c);
		if (p[1].revents)
			accepting = client_accept(c);
		refuse_unserved(c);
	}
	channel_drop(c);
	fault_forget();
	park_end();
	end_call();
	return NULL;
}

/* A thread without signals and with a small stack; the default one where the program's thread-local
 * variables, which come out of the stack, are larger than that. */
static int thread_start(pthread_t *out, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	pthread_attr_t attributes;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	int error = pthread_create(out, &attributes, run, argument);
	if (error)
		error = pthread_create(out, NULL, run, argument);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

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
	prctl(PR_SET_NAME, "rtf-heir");
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
	if (thread_start(&thread, heir_run, NULL) == 0)
		pthread_detach(thread);
}

static void fork_prepare(void)
{
	struct console_hold hold;
	int saved = errno;

	if (!sync_is_exempt()) /* the agent itself, in the program's log callback: it would wait for itself */
		starting_await();
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

	__atomic_store_n(&starting, 0, __ATOMIC_RELAXED);
	console_current = NULL;
	agent.by_environment = false;
	call_forget();
	fault_leave();
	park_forget();
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
		__atomic_store_n(&starting, 1, __ATOMIC_RELAXED);
		error = c->wake < 0 ? -errno : thread_start(&c->thread, console_run, c);
		if (error)
			starting_end();
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
		if (result == 0)
			signals_lend_stack();
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
