#include "channel.h"
#include "arena.h"
#include "call.h"
#include "descriptor.h"
#include "entry.h"
#include "image.h"
#include "kernel.h"
#include "fault.h"
#include "park.h"
#include "storage.h"
#include "guard.h"
#include "spawn.h"
#include "sync.h"
#include "visible.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <syslog.h>

enum { CALL_CODE_MAX = 1 << 20 }; /* of an evaluation, with all that it brings along */
enum { SEND_SECONDS = 1 };        /* a wedged engine holds the agent up no longer */
enum { NOTES_MAX = 1024 };

/* A PUBLISH that waits for rtf_poll. */
struct deferred {
	struct deferred *next;
	uint32_t serial;
	bool applied;
	size_t count;
	struct message_publish publish[];
};

/* PUBLISHes that are deferred and not applied. Atomic; changed with console_mutex held. */
static unsigned waiting;

/* The engine's life. */

void channel_forget(struct console *c)
{
	while (c->deferred) {
		struct deferred *next = c->deferred->next;
		if (!c->deferred->applied)
			__atomic_sub_fetch(&waiting, 1, __ATOMIC_RELAXED);
		free(c->deferred);
		c->deferred = next;
	}
}

/* Shut down and not just closed: a child that was forked without our handlers may have a copy. */
void channel_drop(struct console *c)
{
	pthread_mutex_lock(&console_mutex);
	if (c->engine >= 0)
		shutdown(c->engine, SHUT_RDWR);
	descriptor_close(&c->engine);
	c->stuck = false;
	call_abandon();
	fault_give_up();
	channel_forget(c); /* nobody is left to tell */
	pthread_mutex_unlock(&console_mutex);
	sync_forget();
}

static int channel_make(struct console *c)
{
	struct timeval patience = {.tv_sec = SEND_SECONDS};
	int ends[2], error = 0;

	pthread_mutex_lock(&console_mutex);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		error = -errno;
	} else {
		c->engine = descriptor_raise(ends[0]);
		c->far = descriptor_raise(ends[1]);
		setsockopt(c->engine, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		setsockopt(c->engine, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	}
	pthread_mutex_unlock(&console_mutex);
	return error;
}

static size_t hello_build(const struct console *c, unsigned char *out)
{
	const char *strings[] = {c->listener.path, c->history, c->source_root, c->log_path};
	struct message_hello hello = {
		.version = MESSAGE_VERSION,
		.flags = c->flags,
		.pid = getpid(),
		.thread = thread_id(),
		.exit = (uint64_t)(uintptr_t)guard_exit,
		.exit_now = (uint64_t)(uintptr_t)guard_exit_now,
		.park_enter = (uint64_t)(uintptr_t)park_enter,
		.park_leave = (uint64_t)(uintptr_t)park_leave,
		.park_wait = (uint64_t)(uintptr_t)park_wait,
		.enter = (uint64_t)(uintptr_t)sync_enter,
		.storage = (uint64_t)(uintptr_t)storage_find,
		.images = (uint64_t)(uintptr_t)image_list(),
	};
	size_t size = sizeof(hello);

	memcpy(out, &hello, sizeof(hello));
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		const char *s = strings[i] ? strings[i] : "";
		size_t length = strnlen(s, PATH_MAX * 2);
		memcpy(out + size, s, length);
		out[size + length] = '\0';
		size += length + 1;
	}
	return size;
}

/* Those that it has not got yet. */
static int send_arenas(struct console *c)
{
	for (uint32_t total = arena_total(); c->arenas_sent < total; c->arenas_sent++) {
		const struct arena *a = &arena_all[c->arenas_sent];
		struct message_arena m = {
			.index = c->arenas_sent,
			.size = a->size,
			.head_address = (uint64_t)(uintptr_t)a->head,
			.code_address = (uint64_t)(uintptr_t)a->code,
			.data_address = (uint64_t)(uintptr_t)a->data,
		};
		int error = message_send(c->engine, MESSAGE_ARENA, 0, &m, sizeof(m), a->fd);
		if (error)
			return error;
	}
	return 0;
}

/* An engine that is killed takes along what it has not received yet. */
static void keep_handed(struct console *c)
{
	pthread_mutex_lock(&console_mutex);
	if (c->handed_count < HANDED_MAX) {
		c->handed[c->handed_count++] = (struct handed){c->client, c->client_number};
		c->client = -1;
	}
	pthread_mutex_unlock(&console_mutex);
}

/* With console_mutex held. */
static void drop_handed(struct console *c, unsigned i)
{
	memmove(c->handed + i, c->handed + i + 1, (--c->handed_count - i) * sizeof(*c->handed));
}

bool channel_take_back(struct console *c)
{
	if (c->engine >= 0 || !c->handed_count)
		return false;
	pthread_mutex_lock(&console_mutex);
	c->client = c->handed[0].fd;
	drop_handed(c, 0);
	pthread_mutex_unlock(&console_mutex);
	return true;
}

static int send_client(const struct console *c, uint32_t number, int fd)
{
	return message_send(c->engine, MESSAGE_CLIENT, number, NULL, 0, fd);
}

static int hand_again(struct console *c)
{
	int error = 0;

	for (unsigned i = 0; i < c->handed_count && !error; i++)
		error = send_client(c, c->handed[i].number, c->handed[i].fd);
	return error;
}

static int engine_greet(struct console *c)
{
	park_untold(); /* what another engine knew of */
	int error = message_send(c->engine, MESSAGE_HELLO, 0, c->answer, hello_build(c, c->answer), -1);

	c->arenas_sent = 0;
	c->modules_told = entry_renewals();
	if (!error)
		error = send_arenas(c);
	if (!error)
		error = message_send(c->engine, MESSAGE_READY, 0, NULL, 0, -1);
	if (!error)
		error = hand_again(c);
	console_wake_current(); /* what is parked is told */
	return error;
}

/* Whether the oldest start that we remember is long enough ago. */
static bool engine_may_start(const struct console *c)
{
	return c->start_count <= RESTARTS_MAX ||
	       now_ms() / 1000 - c->starts[c->start_count % (RESTARTS_MAX + 1)] >= RESTARTS_SECONDS;
}

/* Whether a message could not be sent because the engine is not there any more. */
static bool channel_broke(int error)
{
	return error == -EPIPE || error == -ECONNRESET || error == -ENOTCONN;
}

static int engine_run(struct console *c, const char *path)
{
	int error = channel_make(c);
	if (error)
		return error;

	if (c->flags & HELLO_WATCH)
		sync_expect();
	error = spawn_detached(path, c->environment, c->far, c->log);
	pthread_mutex_lock(&console_mutex);
	descriptor_close(&c->far);
	pthread_mutex_unlock(&console_mutex);
	return error ? error : engine_greet(c);
}

static void engine_keeps_ending(struct console *c)
{
	snprintf(c->why, sizeof(c->why), "the engine keeps ending; %s%s",
		 c->log_path ? "its last words are in " : "RTF_LOG=FILE would show its last words",
		 c->log_path ? c->log_path : "");
}

void channel_start(struct console *c)
{
	char path[1536];

	if (!engine_may_start(c)) {
		if (!*c->why)
			engine_keeps_ending(c);
		console_log(c, LOG_ERR, "%s", c->why);
		return;
	}
	c->starts[c->start_count++ % (RESTARTS_MAX + 1)] = now_ms() / 1000;

	if (!spawn_find(c->engine_wanted, c->search, path, sizeof(path))) {
		snprintf(c->why, sizeof(c->why), "%s", path);
		console_log(c, LOG_ERR, "%s", c->why);
		return;
	}
	int error = engine_run(c, path);
	if (!error) {
		*c->why = '\0';
		return;
	}
	channel_drop(c);
	if (channel_broke(error))
		engine_keeps_ending(c);
	else
		snprintf(c->why, sizeof(c->why), "the engine %s does not start: %s", path,
			 strerrordesc_np(-error));
	console_log(c, LOG_ERR, "%s", c->why);
}

static void engine_lost(struct console *c, const char *how)
{
	console_log(c, LOG_WARNING, "the engine %s; starting another", how);
	channel_drop(c);
	channel_start(c);
}

/* Whether there is room for one more message. An engine without is stopped in a debugger, perhaps: it is left
 * alone, and once it was waited for in vain it is not waited for again until it moves. */
static bool channel_takes(struct console *c)
{
	struct pollfd p = {.fd = c->engine, .events = POLLOUT};

	c->stuck = poll(&p, 1, c->stuck ? 0 : SEND_SECONDS * 1000) == 0;
	return !c->stuck;
}

bool channel_pass_client(struct console *c, const char **why)
{
	c->client_number++;
	for (int tries = 0; tries < 2; tries++) {
		if (c->engine < 0)
			channel_start(c);
		if (c->engine < 0) {
			*why = c->why;
			return false;
		}
		if (!channel_takes(c)) {
			*why = "the engine does not answer";
			return false;
		}
		int error = send_client(c, c->client_number, c->client);
		if (!error) {
			keep_handed(c);
			return true;
		}
		if (!channel_broke(error)) {
			*why = strerrordesc_np(-error);
			return false;
		}
		channel_drop(c);
	}
	engine_keeps_ending(c);
	*why = c->why;
	return false;
}

/* What the engine may ask for. Each returns 0, or a negative errno that closes the channel: malformed, or the
 * answer could not be sent. */

static int answer(const struct console *c, uint32_t type, uint32_t serial, const void *payload, size_t length)
{
	return message_send(c->engine, type, serial, payload, length, -1);
}

static int answer_done(const struct console *c, uint32_t serial, int32_t result)
{
	return answer(c, MESSAGE_DONE, serial, &result, sizeof(result));
}

static void publish_all(const struct console *c, const struct message_publish *p, size_t count)
{
	fault_expect(c->wake);
	for (size_t i = 0; i < count; i++)
		arena_publish(&p[i]);
	fault_watch(c->wake);
}

static int publish_defer(struct console *c, uint32_t serial, const struct message_publish *p, size_t count)
{
	struct deferred *d = malloc(sizeof(*d) + count * sizeof(*p));
	if (!d)
		return answer_done(c, serial, -ENOMEM);
	*d = (struct deferred){.serial = serial, .count = count};
	memcpy(d->publish, p, count * sizeof(*p));

	pthread_mutex_lock(&console_mutex);
	struct deferred **end = &c->deferred;
	while (*end)
		end = &(*end)->next;
	*end = d;
	__atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&console_mutex);
	return 0;
}

static int serve_publish(struct console *c, uint32_t serial, size_t length)
{
	const struct message_publish *p = (const void *)c->buffer;
	size_t count = length / sizeof(*p);

	if (!count || length % sizeof(*p))
		return -EPROTO;
	for (size_t i = 0; i < count; i++)
		if (!arena_accepts(&p[i]))
			return answer_done(c, serial, -EINVAL);
	if (c->flags & HELLO_POLLED)
		return publish_defer(c, serial, p, count);
	publish_all(c, p, count);
	return answer_done(c, serial, 0);
}

/* The kernel copies, for us to ourselves: a bad address is an error and not a signal. */
static int serve_read(struct console *c, uint32_t serial, size_t length)
{
	struct message_memory m;

	if (length != sizeof(m))
		return -EPROTO;
	memcpy(&m, c->buffer, sizeof(m));
	if (m.length > MESSAGE_MAX)
		return -EPROTO;

	ssize_t got = memory_read(m.address, c->answer, m.length);
	if (got != (ssize_t)m.length)
		return answer_done(c, serial, got < 0 ? -errno : -EFAULT);
	return answer(c, MESSAGE_DATA, serial, c->answer, m.length);
}

static int serve_write(struct console *c, uint32_t serial, size_t length)
{
	struct message_memory m;

	if (length < sizeof(m))
		return -EPROTO;
	memcpy(&m, c->buffer, sizeof(m));
	if (m.length != length - sizeof(m))
		return -EPROTO;

	struct iovec here = {c->buffer + sizeof(m), m.length};
	struct iovec there = {(void *)(uintptr_t)m.address, m.length};
	ssize_t put = process_vm_writev(getpid(), &here, 1, &there, 1, 0);
	return answer_done(c, serial, put == (ssize_t)m.length ? 0 : put < 0 ? -errno : -EFAULT);
}

static int serve_resolve(struct console *c, uint32_t serial, size_t length)
{
	const char *name = (const char *)c->buffer, *end = name + length;
	size_t count = 0;

	if (!length || end[-1])
		return -EPROTO;
	for (; name < end; name += strlen(name) + 1) {
		if (count == MESSAGE_MAX / sizeof(uint64_t))
			return -EPROTO;
		uint64_t address = (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, name);
		memcpy(c->answer + count++ * sizeof(address), &address, sizeof(address));
	}
	return answer(c, MESSAGE_ADDRESSES, serial, c->answer, count * sizeof(uint64_t));
}

static int serve_resolve_in(struct console *c, uint32_t serial, size_t length)
{
	const char *name = (const char *)c->buffer + sizeof(uint64_t);
	uint64_t address;

	if (length <= sizeof(address) + 1 || c->buffer[length - 1])
		return -EPROTO;
	memcpy(&address, c->buffer, sizeof(address));
	address = visible_find(address, name);
	return answer(c, MESSAGE_ADDRESSES, serial, &address, sizeof(address));
}

struct thread_block {
	uint64_t address, number;
};

static int find_thread_block(struct dl_phdr_info *info, size_t size, void *context)
{
	struct thread_block *block = context;

	if (size < offsetof(struct dl_phdr_info, dlpi_tls_data))
		return 1;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || block->address - (info->dlpi_addr + p->p_vaddr) >= p->p_memsz)
			continue;
		block->number = info->dlpi_tls_modid;
		return 1;
	}
	return 0;
}

static int serve_thread_block(const struct console *c, uint32_t serial, size_t length)
{
	struct thread_block block = {0};

	if (length != sizeof(block.address))
		return -EPROTO;
	memcpy(&block.address, c->buffer, sizeof(block.address));
	dl_iterate_phdr(find_thread_block, &block);
	return answer(c, MESSAGE_ADDRESSES, serial, &block.number, sizeof(block.number));
}

/* Answered by channel_report, unless it cannot even be begun. */
static int serve_call(struct console *c, uint32_t serial, size_t length)
{
	struct message_call call;

	if (length != sizeof(call))
		return -EPROTO;
	memcpy(&call, c->buffer, sizeof(call));
	arena_refresh(call.function, CALL_CODE_MAX);
	int error = call_start(&call, serial, c->flags & HELLO_POLLED, console_wake_current);
	return error ? answer_done(c, serial, error) : 0;
}

static int serve_unpark(struct console *c, uint32_t serial, size_t length)
{
	struct message_unpark m;

	if (length != sizeof(m))
		return -EPROTO;
	memcpy(&m, c->buffer, sizeof(m));
	return answer_done(c, serial, park_release(&m));
}

/* Where there is no Yama, or it does not ask, nothing is to be allowed: who looks is told otherwise. */
static int serve_look(const struct console *c, uint32_t serial, size_t length)
{
	int32_t who;

	if (length != sizeof(who))
		return -EPROTO;
	memcpy(&who, c->buffer, sizeof(who));
	return answer_done(c, serial, prctl(PR_SET_PTRACER, (long)who, 0, 0, 0) ? -errno : 0);
}

/* More than were kept may have been handed over. */
static int serve_taken(struct console *c, uint32_t number, size_t length)
{
	pthread_mutex_lock(&console_mutex);
	for (unsigned i = 0; i < c->handed_count; i++)
		if (c->handed[i].number == number) {
			descriptor_close(&c->handed[i].fd);
			drop_handed(c, i);
			break;
		}
	pthread_mutex_unlock(&console_mutex);
	return length ? -EPROTO : 0;
}

static int serve_log(struct console *c, size_t length)
{
	uint32_t level;

	if (length < sizeof(level))
		return -EPROTO;
	memcpy(&level, c->buffer, sizeof(level));
	if (level > LOG_DEBUG)
		return -EPROTO;
	length -= sizeof(level);
	console_log(c, (int)level, "%.*s", (int)length, (const char *)c->buffer + sizeof(level));
	return 0;
}

static int serve(struct console *c, const struct message_header *h, size_t length)
{
	switch (h->type) {
	case MESSAGE_PUBLISH:
		return serve_publish(c, h->serial, length);
	case MESSAGE_READ:
		return serve_read(c, h->serial, length);
	case MESSAGE_WRITE:
		return serve_write(c, h->serial, length);
	case MESSAGE_RESOLVE:
		return serve_resolve(c, h->serial, length);
	case MESSAGE_RESOLVE_IN:
		return serve_resolve_in(c, h->serial, length);
	case MESSAGE_THREAD_BLOCK:
		return serve_thread_block(c, h->serial, length);
	case MESSAGE_CLIENT_TAKEN:
		return serve_taken(c, h->serial, length);
	case MESSAGE_LOG:
		return serve_log(c, length);
	case MESSAGE_IMAGE:
		return image_add(c->buffer, length) ? -EPROTO : 0;
	case MESSAGE_CALL:
		return serve_call(c, h->serial, length);
	case MESSAGE_FAULT_KNOWN:
		fault_known();
		return length ? -EPROTO : 0;
	case MESSAGE_LOOK:
		return serve_look(c, h->serial, length);
	case MESSAGE_UNPARK:
		return serve_unpark(c, h->serial, length);
	case MESSAGE_INTERRUPT:
		call_interrupt(h->serial);
		return length ? -EPROTO : 0;
	}
	return -EPROTO;
}

void channel_hear(struct console *c)
{
	struct message_header header;
	int fd;
	ptrdiff_t length = message_receive(c->engine, &header, c->buffer, &fd);

	if (length == -EAGAIN)
		return;
	if (length < 0) {
		engine_lost(c, length == -ENOTCONN ? "ended" : "sent something malformed");
		return;
	}
	if (header.type == MESSAGE_WATCH && fd >= 0 && !length) {
		sync_take(fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	int error = fd >= 0 ? -EPROTO : serve(c, &header, (size_t)length);
	if (error)
		engine_lost(c, error == -EPROTO ? "sent something malformed" : "does not take answers");
}

static void report_call(struct console *c)
{
	uint32_t serial;
	size_t size = call_take(c->answer, &serial);

	if (size && c->engine >= 0 && answer(c, MESSAGE_CALLED, serial, c->answer, size))
		engine_lost(c, "does not take answers");
}

static void report_fault(struct console *c)
{
	size_t size = fault_take(c->answer);

	if (size && (c->engine < 0 || answer(c, MESSAGE_FAULT, 0, c->answer, size)))
		fault_known(); /* nobody will */
}

static void report_parked(struct console *c)
{
	struct message_parked m;

	while (c->engine >= 0 && park_take(&m))
		if (answer(c, MESSAGE_PARKED, 0, &m, sizeof(m))) {
			park_untold();
			return;
		}
}

void channel_tell_notes(struct console *c)
{
	char notes[NOTES_MAX];
	struct console_hold hold;

	console_lock(&hold);
	int size = snprintf(notes, sizeof(notes), "%s", entry_notes() + c->notes_told);
	c->notes_told += size < NOTES_MAX ? (size_t)size : 0;
	console_unlock(&hold);
	for (const char *line = notes, *end; (end = strchr(line, '\n')); line = end + 1)
		console_log(c, LOG_WARNING, "%.*s", (int)(end - line), line);
}

/* Modules have come or gone. */
static void report_modules(struct console *c)
{
	unsigned renewals = entry_renewals();

	if (renewals != c->renewals_noted)
		channel_tell_notes(c);
	c->renewals_noted = renewals;
	if (renewals == c->modules_told || c->engine < 0)
		return;
	c->modules_told = renewals;
	if (send_arenas(c) || answer(c, MESSAGE_MODULES, 0, NULL, 0))
		engine_lost(c, "does not take answers");
}

void channel_report(struct console *c)
{
	struct deferred *d;

	report_modules(c);
	report_fault(c);
	report_parked(c);
	report_call(c);
	for (;;) {
		pthread_mutex_lock(&console_mutex);
		d = c->deferred && c->deferred->applied ? c->deferred : NULL;
		if (d)
			c->deferred = d->next;
		pthread_mutex_unlock(&console_mutex);
		if (!d)
			return;
		uint32_t serial = d->serial;
		free(d);
		if (answer_done(c, serial, 0)) {
			engine_lost(c, "does not take answers");
			return;
		}
	}
}

bool channel_waits(void)
{
	return __atomic_load_n(&waiting, __ATOMIC_RELAXED);
}

void channel_poll(struct console *c)
{
	for (struct deferred *d = c->deferred; d; d = d->next) {
		if (d->applied)
			continue;
		publish_all(c, d->publish, d->count);
		d->applied = true;
		__atomic_sub_fetch(&waiting, 1, __ATOMIC_RELAXED);
	}
}
