#include "agent_thread.h"
#include "call.h"
#include "channel.h"
#include "console.h"
#include "descriptor.h"
#include "entry.h"
#include "fault.h"
#include "kernel.h"
#include "last.h"
#include "park.h"
#include "sync.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <syslog.h>

enum {
	EXHAUSTED_MS = 100, /* no descriptors for another connection: look again after that */
	BEGIN_SECONDS = 5,
	END_CALL_MS = 3000, /* so long the console's end waits for that of an evaluation */
	TRUST_MS = 1000,    /* how often one that keeps the console looks whether it still has its name */
};

/* Consoles that connect. */

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

/* The name of the socket. */

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

/* The begin. */

/* Until the engine knows of the program. Atomic. */
static int starting;

void agent_thread_expect(void)
{
	__atomic_store_n(&starting, 1, __ATOMIC_RELAXED);
}

void agent_thread_begun(void)
{
	__atomic_store_n(&starting, 0, __ATOMIC_RELEASE);
	futex_wake_all(&starting);
}

void agent_thread_await(void)
{
	struct timespec patience = {.tv_sec = BEGIN_SECONDS};

	while (__atomic_load_n(&starting, __ATOMIC_ACQUIRE))
		if (!futex_wait(&starting, 1, &patience))
			return;
}

/* The thread. */

static void log_entries(struct console *c)
{
	channel_tell_notes(c);
	unsigned count = entry_count();
	if (c->listener.fd < 0)
		return;
	console_log(c, LOG_INFO, "console at %s, %u function%s can be redefined", c->listener.path, count,
		    count == 1 ? "" : "s");
}

/* The sooner of two waits in ms, of which a negative one is for ever. */
static long sooner(long a, long b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* An evaluation is not to outlive the console, if that can be helped. */
static void end_call(void)
{
	long long deadline = now_ms() + END_CALL_MS;

	for (int patience; (patience = call_patience()) >= 0 && now_ms() < deadline; call_insist())
		nanosleep(&(struct timespec){.tv_nsec = patience * 1000L}, NULL);
}

enum { WAKE, LISTENER, ENGINE, DESCRIPTORS };

/* Until one of the descriptors has something, or something is due; how many have, or a negative errno. */
static int wait_for_events(const struct console *c, bool accepting, struct pollfd p[DESCRIPTORS])
{
	int patience = call_patience(), look = fault_patience();
	long ms = sooner(sooner(look, park_patience()), accepting ? -1 : EXHAUSTED_MS);

	ms = sooner(ms, last_patience());
	if (c->listener.in_trust)
		ms = sooner(ms, TRUST_MS);
	struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
	if (patience >= 0)
		wait = (struct timespec){.tv_nsec = patience * 1000L};
	p[WAKE] = (struct pollfd){.fd = c->wake, .events = POLLIN};
	p[LISTENER] = (struct pollfd){.fd = accepting ? c->listener.fd : -1, .events = POLLIN};
	p[ENGINE] = (struct pollfd){.fd = c->engine, .events = POLLIN};
	int ready = ppoll(p, DESCRIPTORS, patience >= 0 || ms >= 0 ? &wait : NULL, NULL);
	int error = errno;
	if (ready == 0 && patience >= 0)
		call_insist();
	else if (ready == 0 && ms == look)
		fault_wait_longer();
	return ready < 0 ? -error : ready;
}

/* Whoever has come. False: no connection can be accepted for a while. */
static bool serve_events(struct console *c, const struct pollfd p[DESCRIPTORS])
{
	bool accepting = true;
	uint64_t woken;

	if (p[ENGINE].revents)
		channel_hear(c);
	if (p[WAKE].revents && read(c->wake, &woken, sizeof(woken)) > 0)
		channel_report(c);
	if (p[LISTENER].revents)
		accepting = client_accept(c);
	refuse_unserved(c);
	return accepting;
}

static void serve_until_stopped(struct console *c)
{
	struct pollfd p[DESCRIPTORS];
	struct trust trust = {0};
	bool accepting = true;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		int ready = wait_for_events(c, accepting, p);
		accepting = true;
		fault_end_watches();
		fault_look();
		last_look();
		if (c->listener.in_trust)
			keep_name(c, &trust);
		if (ready < 0 && ready != -EINTR && ready != -EAGAIN && ready != -ENOMEM)
			return;
		if (ready <= 0)
			continue;
		if ((p[WAKE].revents | p[LISTENER].revents | p[ENGINE].revents) & POLLNVAL) {
			console_log(c, LOG_ERR, "the program closed descriptors of the console, which ends");
			return;
		}
		accepting = serve_events(c, p);
	}
}

void *agent_thread_run(void *console)
{
	struct console *c = console;

	prctl(PR_SET_NAME, MESSAGE_AGENT);
	sync_exempt();
	log_entries(c);
	fault_watch(c->wake);
	park_watch(c->wake);
	channel_start(c);
	agent_thread_begun();
	serve_until_stopped(c);
	channel_drop(c);
	fault_forget();
	park_end();
	end_call();
	return NULL;
}
