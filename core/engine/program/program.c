#include "program.h"
#include "history.h"
#include "resolved.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { ARENAS_MAX = 64, CLIENTS_MAX = 64, NAMES_SIZE = 4096 };

enum { PARKED_MAX = 256 };

struct program {
	int socket;
	bool lost;
	uint32_t serial;
	bool orphaned; /* the program has ended: slots are for those that it forked */
	struct message_hello hello;
	char *strings[4];
	struct arena_view arenas[ARENAS_MAX];
	uint32_t slot_counts[ARENAS_MAX]; /* as of the last READY or MODULES */
	uint32_t arena_count;
	struct thread_room thread_room; /* the first arena's */
	unsigned deferred; /* publications that wait for rtf_poll(): their DONE comes when it comes */
	struct client {
		int fd;
		uint32_t number; /* that the agent gave it */
	} clients[CLIENTS_MAX];
	size_t client_count;
	struct resolved resolved;
	struct message_called called;
	unsigned char called_stack[CALL_STACK];
	uint32_t called_serial;      /* of the call that has ended; 0: none has */
	uint32_t calling;            /* of the call that has not ended; 0: none runs */
	struct message_called fault; /* that a thread waits with */
	unsigned char fault_stack[CALL_STACK];
	bool faulted;
	bool renewed;                             /* modules came or went */
	struct message_parked parked[PARKED_MAX]; /* not taken yet, oldest first */
	size_t parked_count;
	unsigned char payload[MESSAGE_MAX];
};

static struct error *lose(struct program *p, int errnum)
{
	p->lost = true;
	return errnum == ENOTCONN ? error_new(ERROR_INTERNAL, "the program has ended")
				  : error_errno(errnum, "the connection to the program is lost");
}

/* --- the start ------------------------------------------------------------------------------------------------- */

static struct error *take_hello(struct program *p, size_t length)
{
	const char *at = (const char *)p->payload + sizeof(p->hello);
	size_t left = length - sizeof(p->hello);

	if (length < sizeof(p->hello))
		return error_new(ERROR_INTERNAL, "the program's hello is too short");
	memcpy(&p->hello, p->payload, sizeof(p->hello));
	if (p->hello.version != MESSAGE_VERSION)
		return error_new(
			ERROR_INTERNAL,
			"the program's librtf speaks version %u, this engine version %d: rebuild both",
			p->hello.version, MESSAGE_VERSION);
	for (int i = 0; i < 4; i++) {
		size_t n = strnlen(at, left);
		if (n == left)
			return error_new(ERROR_INTERNAL, "the program's hello is malformed");
		p->strings[i] = strdup(at);
		if (!p->strings[i])
			return error_memory();
		at += n + 1;
		left -= n + 1;
	}
	return left ? error_new(ERROR_INTERNAL, "the program's hello is malformed") : NULL;
}

static struct error *take_arena(struct program *p, size_t length, int fd)
{
	if (p->arena_count == ARENAS_MAX)
		return error_new(ERROR_INTERNAL, "the program has more than %d arenas", ARENAS_MAX);
	struct arena_view *a = &p->arenas[p->arena_count];
	struct error *e = arena_view_open(p->payload, length, fd, a);
	if (!e && p->arena_count++ == 0)
		thread_room_init(&p->thread_room, a);
	return e;
}

/* What is told of is mapped by now, and in a list of modules that is read from here on. A module that comes later has its
 * own message. */
static void count_slots(struct program *p)
{
	for (uint32_t i = 0; i < p->arena_count; i++)
		p->slot_counts[i] = arena_view_slot_count(&p->arenas[i]);
}

/* Another engine would not have to serve it. */
static void tell_taken(struct program *p, uint32_t number)
{
	if (!p->lost && message_send(p->socket, MESSAGE_CLIENT_TAKEN, number, NULL, 0, -1))
		p->lost = true;
}

static void keep_client(struct program *p, uint32_t number, int fd)
{
	if (fd >= 0 && p->client_count < CLIENTS_MAX) {
		p->clients[p->client_count++] = (struct client){fd, number};
	} else if (fd >= 0) {
		close(fd);
		tell_taken(p, number);
	}
}

/* One message: its header; the payload is in p->payload. */
static struct error *receive(struct program *p, struct message_header *h, size_t *length, int *fd)
{
	ptrdiff_t n = message_receive(p->socket, h, p->payload, fd);

	if (n < 0)
		return lose(p, (int)-n);
	*length = (size_t)n;
	return NULL;
}

static struct error *read_start(struct program *p)
{
	bool hello = false;

	for (;;) {
		struct message_header h;
		size_t length = 0;
		int fd = -1;
		struct error *e = receive(p, &h, &length, &fd);
		if (e)
			return e;
		if (h.type == MESSAGE_READY && hello) {
			count_slots(p);
			return NULL;
		}
		if (h.type == MESSAGE_HELLO && !hello) {
			e = take_hello(p, length);
			hello = true;
		} else if (h.type == MESSAGE_ARENA && hello) {
			e = take_arena(p, length, fd);
		} else {
			e = error_new(ERROR_INTERNAL, "the program sent message %u at the start", h.type);
		}
		if (fd >= 0)
			close(fd);
		if (e)
			return e;
	}
}

struct error *program_new(int socket, struct program **out)
{
	struct program *p = calloc(1, sizeof(*p));

	if (!p) {
		close(socket);
		return error_memory();
	}
	p->socket = socket;
	struct error *e = read_start(p);
	if (e) {
		program_free(p);
		return e;
	}
	*out = p;
	return NULL;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->arena_count; i++)
		arena_view_close(&p->arenas[i]);
	for (size_t i = 0; i < p->client_count; i++)
		close(p->clients[i].fd);
	for (int i = 0; i < 4; i++)
		free(p->strings[i]);
	resolved_fini(&p->resolved);
	close(p->socket);
	free(p);
}

/* --- what is known --------------------------------------------------------------------------------------------- */

int program_socket(const struct program *p)
{
	return p->socket;
}

bool program_lost(const struct program *p)
{
	return p->lost;
}

pid_t program_thread(const struct program *p)
{
	return p->hello.thread;
}

pid_t program_pid(const struct program *p)
{
	return p->hello.pid;
}

uint32_t program_flags(const struct program *p)
{
	return p->hello.flags;
}

const char *program_history_path(const struct program *p)
{
	return p->strings[1];
}

const char *program_source_root(const struct program *p)
{
	return p->strings[2];
}

static struct arena_header *header(const struct program *p, uint32_t arena)
{
	return arena_view_header(&p->arenas[arena]);
}

uint32_t program_arena_count(const struct program *p)
{
	return p->arena_count;
}

uint32_t program_slot_count(const struct program *p, uint32_t arena)
{
	return p->slot_counts[arena];
}

uint64_t program_sled(const struct program *p, uint32_t arena, uint32_t slot)
{
	return arena_view_sled(&p->arenas[arena], slot);
}

uint64_t program_built(const struct program *p, uint32_t arena, uint32_t slot)
{
	return arena_view_built(&p->arenas[arena], slot);
}

uint64_t program_target(const struct program *p, uint32_t arena, uint32_t slot)
{
	const struct arena_view *a = &p->arenas[arena];
	const uint64_t *word = arena_view_strict_word(a, slot);

	return __atomic_load_n(word ? word : arena_view_slot(a, slot), __ATOMIC_ACQUIRE);
}

uint32_t program_strict_count(const struct program *p, uint32_t arena)
{
	uint32_t count = 0, slots = program_slot_count(p, arena);

	while (count < slots && arena_view_strict_word(&p->arenas[arena], count))
		count++;
	return count;
}

uint64_t program_enter(const struct program *p)
{
	return p->hello.enter;
}

struct error *program_lend_watch(struct program *p, int fd)
{
	int failed = p->lost ? -ENOTCONN : message_send(p->socket, MESSAGE_WATCH, 0, NULL, 0, fd);

	return failed ? lose(p, -failed) : NULL;
}

void program_set_busy(struct program *p, bool busy)
{
	if (!p->arena_count)
		return;
	uint32_t *word = &header(p, 0)->busy, value = busy;
	if (__atomic_exchange_n(word, value, __ATOMIC_SEQ_CST) != value)
		syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* In ns of the clock that stamps files, not later than it was; 0 if the program has ended. */
static uint64_t start_of(pid_t pid)
{
	int64_t ticks = history_process_started(pid), second = INT64_C(1000000000);
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	int64_t boot = (now.tv_sec - up.tv_sec) * second + now.tv_nsec - up.tv_nsec;
	return ticks ? (uint64_t)(boot + ticks * (second / sysconf(_SC_CLK_TCK))) : 0;
}

uint64_t program_started(struct program *p)
{
	if (!p->arena_count)
		return start_of(program_pid(p));
	uint64_t *started = &header(p, 0)->started;
	if (!*started)
		*started = start_of(program_pid(p));
	return *started;
}

uint64_t program_followed(struct program *p)
{
	uint64_t followed = p->arena_count ? header(p, 0)->followed : 0;

	return followed ? followed : program_started(p);
}

void program_set_followed(struct program *p, uint64_t ns)
{
	if (p->arena_count)
		header(p, 0)->followed = ns;
}

bool program_follows(const struct program *p)
{
	return !p->arena_count || !header(p, 0)->unfollowed;
}

void program_set_follows(struct program *p, bool on)
{
	if (p->arena_count)
		header(p, 0)->unfollowed = !on;
}

void program_regions(const struct program *p, uint32_t arena, struct link_region *code,
		     struct link_region *data)
{
	arena_view_free(&p->arenas[arena], code, data);
}

struct thread_room *program_thread_room(struct program *p)
{
	return &p->thread_room;
}

uint64_t program_storage(const struct program *p)
{
	return p->hello.storage;
}

void program_commit(struct program *p, uint32_t arena, size_t code, size_t data)
{
	thread_room_commit(&p->thread_room);
	arena_view_commit(&p->arenas[arena], code, data);
}

void program_release(struct program *p, uint32_t arena, uint64_t code_begin, uint64_t code_end)
{
	arena_view_release(&p->arenas[arena], code_begin, code_end);
}

void program_code(const struct program *p, uint32_t arena, struct link_region *out)
{
	arena_view_code(&p->arenas[arena], out);
}

/* The answer to a publication that nobody waits for. One that was refused counts as live already: the engine gives up, and
 * the next one learns from the slots what is. */
static bool is_deferred_done(struct program *p, const struct message_header *h, size_t length)
{
	int32_t result;

	if (!p->deferred || h->type != MESSAGE_DONE || length != sizeof(result))
		return false;
	p->deferred--;
	memcpy(&result, p->payload, sizeof(result));
	if (result) {
		program_log(p, LOG_ERR, "the program refuses a new version: %s", strerror(-result));
		p->lost = true;
	}
	return true;
}

/* The end of a call may come at any time: true if the message, which is in p->payload, is that. */
static bool is_called(struct program *p, const struct message_header *h, size_t length)
{
	int32_t refused;

	if (!p->calling || h->serial != p->calling)
		return false;
	if (h->type == MESSAGE_CALLED && length >= sizeof(p->called) &&
	    length <= sizeof(p->called) + CALL_STACK) {
		memcpy(&p->called, p->payload, sizeof(p->called));
		p->called.stack_size = (uint32_t)(length - sizeof(p->called));
		memcpy(p->called_stack, p->payload + sizeof(p->called), p->called.stack_size);
	} else if (h->type == MESSAGE_DONE && length == sizeof(refused)) {
		memcpy(&refused, p->payload, sizeof(refused));
		p->called = (struct message_called){.end = CALL_REFUSED, .code = refused};
	} else {
		return false;
	}
	p->called_serial = p->calling;
	p->calling = 0;
	return true;
}

/* A thread met a fault: true if the message, which is in p->payload, tells that. */
static bool is_fault(struct program *p, const struct message_header *h, size_t length)
{
	if (h->type != MESSAGE_FAULT || length < sizeof(p->fault) ||
	    length > sizeof(p->fault) + sizeof(p->fault_stack))
		return false;
	memcpy(&p->fault, p->payload, sizeof(p->fault));
	p->fault.stack_size = (uint32_t)(length - sizeof(p->fault));
	memcpy(p->fault_stack, p->payload + sizeof(p->fault), p->fault.stack_size);
	p->faulted = true;
	return true;
}

/* A guarded call waits: likewise. One for which there is no room is told again by the next engine. */
static bool is_parked(struct program *p, const struct message_header *h, size_t length)
{
	if (h->type != MESSAGE_PARKED || length != sizeof(struct message_parked))
		return false;
	if (p->parked_count < PARKED_MAX)
		memcpy(&p->parked[p->parked_count++], p->payload, sizeof(struct message_parked));
	return true;
}

/* Modules came or went: likewise, and the arena of such a module. */
static bool is_renewal(struct program *p, const struct message_header *h, size_t length, int fd)
{
	if (h->type == MESSAGE_ARENA) {
		struct error *e = take_arena(p, length, fd);
		bool taken = !e;
		error_free(e);
		return taken;
	}
	if (h->type != MESSAGE_MODULES || length || fd >= 0)
		return false;
	p->renewed = true;
	count_slots(p);
	resolved_fini(&p->resolved);
	return true;
}

bool program_take_renewal(struct program *p)
{
	bool renewed = p->renewed;

	p->renewed = false;
	return renewed;
}

bool program_take_parked(struct program *p, struct message_parked *out)
{
	if (!p->parked_count)
		return false;
	*out = p->parked[0];
	memmove(p->parked, p->parked + 1, --p->parked_count * sizeof(*p->parked));
	return true;
}

bool program_take_fault(struct program *p, struct message_called *out, const unsigned char **stack)
{
	if (!p->faulted)
		return false;
	p->faulted = false;
	*out = p->fault;
	*stack = p->fault_stack;
	return true;
}

void program_fault_known(struct program *p)
{
	if (!p->lost)
		message_send(p->socket, MESSAGE_FAULT_KNOWN, 0, NULL, 0,
			     -1); /* without it the thread waits a little longer */
}

/* --- questions and answers ------------------------------------------------------------------------------------- */

/* What may come at any time: true if the message, which is in p->payload, is that. Takes the descriptor. */
static bool take_unasked(struct program *p, const struct message_header *h, size_t length, int fd)
{
	if (h->type == MESSAGE_CLIENT && length == 0 && fd >= 0) {
		keep_client(p, h->serial, fd);
		return true;
	}
	bool taken = is_renewal(p, h, length, fd) ||
		     (fd < 0 && (is_called(p, h, length) || is_fault(p, h, length) ||
				 is_parked(p, h, length) || is_deferred_done(p, h, length)));
	if (fd >= 0)
		close(fd);
	return taken;
}

struct error *program_receive(struct program *p)
{
	struct message_header h;
	size_t length = 0;
	int fd = -1;

	struct error *e = receive(p, &h, &length, &fd);
	if (e)
		return e;
	return take_unasked(p, &h, length, fd) ? NULL : lose(p, EPROTO);
}

int program_take_client(struct program *p)
{
	if (!p->client_count)
		return -1;
	int fd = p->clients[0].fd;
	tell_taken(p, p->clients[0].number);
	memmove(p->clients, p->clients + 1, --p->client_count * sizeof(*p->clients));
	return fd;
}

static struct error *request(struct program *p, uint32_t type, const void *payload, size_t length,
			     uint32_t *serial)
{
	*serial = ++p->serial ? p->serial : ++p->serial;

	if (p->lost)
		return lose(p, ENOTCONN);
	int failed = message_send(p->socket, type, *serial, payload, length, -1);
	return failed ? lose(p, -failed) : NULL;
}

/* Waits for the answer to a request, which is left in p->payload. */
static struct error *await(struct program *p, uint32_t serial, struct message_header *h, size_t *answer)
{
	for (;;) {
		int fd = -1;
		struct error *e = receive(p, h, answer, &fd);
		if (e)
			return e;
		/* The numbers of consoles are others than those of requests. */
		if (h->serial != serial || h->type == MESSAGE_CLIENT) {
			if (!take_unasked(p, h, *answer, fd))
				return lose(p, EPROTO);
			continue;
		}
		if (fd < 0)
			return NULL;
		close(fd);
		return lose(p, EPROTO);
	}
}

static struct error *ask(struct program *p, uint32_t type, const void *payload, size_t length,
			 struct message_header *h, size_t *answer)
{
	uint32_t serial;
	struct error *e = request(p, type, payload, length, &serial);

	return e ? e : await(p, serial, h, answer);
}

/* The answer to a request that is answered by DONE: 0 or a negative errno. */
static struct error *await_done(struct program *p, uint32_t serial, int32_t *result)
{
	struct message_header h;
	size_t answer;

	struct error *e = await(p, serial, &h, &answer);
	if (e)
		return e;
	if (h.type != MESSAGE_DONE || answer != sizeof(*result))
		return lose(p, EPROTO);
	memcpy(result, p->payload, sizeof(*result));
	return NULL;
}

static struct error *ask_done(struct program *p, uint32_t type, const void *payload, size_t length,
			      int32_t *result)
{
	uint32_t serial;
	struct error *e = request(p, type, payload, length, &serial);

	return e ? e : await_done(p, serial, result);
}

void program_orphan(struct program *p)
{
	if (!p->arena_count)
		return;
	p->orphaned = true;
	__atomic_store_n(&header(p, 0)->busy, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&header(p, 0)->orphaned, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &header(p, 0)->orphaned, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Where all of them lead to strict entries there is nothing to ask the program for. */
static bool publish_strict(struct program *p, const struct message_publish *slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!arena_view_strict_word(&p->arenas[slots[i].arena], slots[i].slot))
			return false;
	for (size_t i = 0; i < count; i++)
		__atomic_store_n(arena_view_strict_word(&p->arenas[slots[i].arena], slots[i].slot),
				 slots[i].target, __ATOMIC_RELEASE);
	return true;
}

struct error *program_takes(const struct program *p, size_t count)
{
	enum { MOST = MESSAGE_MAX / sizeof(struct message_publish) };

	if (count <= MOST || p->orphaned || (p->arena_count && arena_view_strict_word(&p->arenas[0], 0)))
		return NULL;
	return error_new(ERROR_USAGE, "more than %d functions at once", MOST);
}

/* Stores the slots, or asks the program to: then *serial is of the request, else 0. */
static struct error *ask_for_slots(struct program *p, const struct message_publish *slots, size_t count,
				   uint32_t *serial)
{
	*serial = 0;
	if (p->orphaned) {
		for (size_t i = 0; i < count; i++)
			__atomic_store_n(arena_view_slot(&p->arenas[slots[i].arena], slots[i].slot),
					 slots[i].target, __ATOMIC_RELEASE);
		return NULL;
	}
	struct error *e = program_takes(p, count);
	if (!e)
		e = request(p, MESSAGE_PUBLISH, slots, count * sizeof(*slots), serial);
	if (!e && p->hello.flags & HELLO_POLLED) {
		/* The program stores the slots when it comes to rtf_poll(), which may take any time: nobody waits. */
		p->deferred++;
		*serial = 0;
	}
	return e;
}

struct error *program_publish_slots(struct program *p, const struct message_publish *slots, size_t count)
{
	uint32_t serial;
	struct error *e = ask_for_slots(p, slots, count, &serial);

	return e ? e : program_published(p, serial);
}

struct error *program_publish(struct program *p, const struct message_publish *slots, size_t count,
			      uint32_t *serial)
{
	*serial = 0;
	return publish_strict(p, slots, count) ? NULL : ask_for_slots(p, slots, count, serial);
}

bool program_publishes_soon(const struct program *p, uint32_t serial, int milliseconds)
{
	struct pollfd answer = {p->socket, POLLIN, 0};

	return !serial || poll(&answer, 1, milliseconds) > 0;
}

struct error *program_published(struct program *p, uint32_t serial)
{
	int32_t result = 0;

	struct error *e = serial ? await_done(p, serial, &result) : NULL;
	if (e)
		return e;
	return result ? error_errno(-result, "the program refuses the new version") : NULL;
}

/* What is answered by one number. */
static struct error *ask_number(struct program *p, uint32_t type, const void *bytes, size_t size,
				uint64_t *number)
{
	struct message_header h;
	size_t answer;

	struct error *e = ask(p, type, bytes, size, &h, &answer);
	if (e)
		return e;
	if (h.type != MESSAGE_ADDRESSES || answer != sizeof(*number))
		return lose(p, EPROTO);
	memcpy(number, p->payload, sizeof(*number));
	return NULL;
}

struct error *program_resolve(struct program *p, const char *name, uint64_t *address)
{
	size_t length = strlen(name) + 1;

	if (length > NAMES_SIZE) {
		*address = 0;
		return NULL;
	}
	if (resolved_find(&p->resolved, name, address))
		return NULL;
	struct error *e = ask_number(p, MESSAGE_RESOLVE, name, length, address);
	if (e)
		return e;
	/* What is not there may come with a library that is loaded later. */
	if (*address)
		resolved_add(&p->resolved, name, *address);
	return NULL;
}

struct error *program_resolve_in(struct program *p, uint64_t module, const char *name, uint64_t *address)
{
	char both[sizeof(module) + NAMES_SIZE];
	size_t size = strlen(name) + 1;

	*address = 0;
	if (size > NAMES_SIZE)
		return NULL;
	memcpy(both, &module, sizeof(module));
	memcpy(both + sizeof(module), name, size);
	return ask_number(p, MESSAGE_RESOLVE_IN, both, sizeof(module) + size, address);
}

struct error *program_thread_block(struct program *p, uint64_t address, uint64_t *number)
{
	struct error *e = ask_number(p, MESSAGE_THREAD_BLOCK, &address, sizeof(address), number);

	if (e)
		return e;
	return *number ? NULL : error_new(ERROR_UNKNOWN, "the module has no thread-local variables");
}

struct error *program_call(struct program *p, uint64_t function, uint64_t argument, uint32_t *serial)
{
	struct message_call call = {function, argument};

	if (p->lost)
		return lose(p, ENOTCONN);
	if (p->calling)
		return error_new(ERROR_INTERNAL, "another evaluation is not over");
	*serial = ++p->serial ? p->serial : ++p->serial;
	int failed = message_send(p->socket, MESSAGE_CALL, *serial, &call, sizeof(call), -1);
	if (failed)
		return lose(p, -failed);
	p->calling = *serial;
	p->called_serial = 0;
	return NULL;
}

bool program_take_called(struct program *p, uint32_t serial, struct message_called *out,
			 const unsigned char **stack)
{
	if (p->called_serial != serial)
		return false;
	p->called_serial = 0;
	*out = p->called;
	*stack = p->called_stack;
	return true;
}

void program_interrupt(struct program *p, uint32_t serial)
{
	if (!p->lost && message_send(p->socket, MESSAGE_INTERRUPT, serial, NULL, 0, -1))
		p->lost = true;
}

uint64_t program_exit(const struct program *p, bool now)
{
	return now ? p->hello.exit_now : p->hello.exit;
}

enum { MEMORY_CHUNK = MESSAGE_MAX / 2 };

uint64_t program_images(const struct program *p)
{
	return p->hello.images;
}

struct error *program_read(struct program *p, uint64_t address, void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		size_t n = size - done < MEMORY_CHUNK ? size - done : MEMORY_CHUNK;
		struct message_memory m = {.address = address + done, .length = (uint32_t)n};
		struct message_header h;
		size_t answer;
		struct error *e = ask(p, MESSAGE_READ, &m, sizeof(m), &h, &answer);
		if (e)
			return e;
		if (h.type == MESSAGE_DONE)
			return error_new(ERROR_FAULT, "cannot read memory at 0x%llx",
					 (unsigned long long)(address + done));
		if (h.type != MESSAGE_DATA || answer != n)
			return lose(p, EPROTO);
		memcpy((char *)bytes + done, p->payload, n);
		done += n;
	}
	return NULL;
}

struct error *program_write(struct program *p, uint64_t address, const void *bytes, size_t size)
{
	unsigned char *packet = malloc(sizeof(struct message_memory) + MEMORY_CHUNK);

	if (!packet)
		return error_memory();
	struct error *e = NULL;
	for (size_t done = 0; !e && done < size;) {
		size_t n = size - done < MEMORY_CHUNK ? size - done : MEMORY_CHUNK;
		struct message_memory m = {.address = address + done, .length = (uint32_t)n};
		int32_t result;
		memcpy(packet, &m, sizeof(m));
		memcpy(packet + sizeof(m), (const char *)bytes + done, n);
		e = ask_done(p, MESSAGE_WRITE, packet, sizeof(m) + n, &result);
		if (!e && result)
			e = error_new(ERROR_FAULT, "cannot write memory at 0x%llx",
				      (unsigned long long)(address + done));
		done += n;
	}
	free(packet);
	return e;
}

struct error *program_announce(struct program *p, const void *image, size_t size)
{
	if (p->orphaned)
		return NULL; /* gone is who would keep it */
	/* Nobody answers: the program takes messages in their order. */
	int failed = p->lost ? -ENOTCONN : message_send(p->socket, MESSAGE_IMAGE, 0, image, size, -1);

	return failed ? lose(p, -failed) : NULL;
}

void program_log(struct program *p, int level, const char *format, ...)
{
	struct {
		uint32_t level;
		char text[2048];
	} message = {.level = (uint32_t)level};
	va_list args;

	if (p->lost)
		return;
	va_start(args, format);
	int n = vsnprintf(message.text, sizeof(message.text), format, args);
	va_end(args);
	if (n <= 0)
		return;
	size_t length = (size_t)n < sizeof(message.text) ? (size_t)n : sizeof(message.text) - 1;
	if (message_send(p->socket, MESSAGE_LOG, 0, &message, sizeof(message.level) + length, -1))
		p->lost = true;
}

struct error *program_allow_look(struct program *p, bool allow)
{
	int32_t who = allow ? getpid() : 0, result;

	return ask_done(p, MESSAGE_LOOK, &who, sizeof(who), &result);
}

struct error *program_unpark(struct program *p, uint64_t frame, uint64_t target)
{
	struct message_unpark m = {frame, target};
	int32_t result = 0;

	struct error *e = ask_done(p, MESSAGE_UNPARK, &m, sizeof(m), &result);
	if (e || !result)
		return e;
	return error_new(ERROR_UNKNOWN, "that call does not wait any more");
}

void program_park_functions(const struct program *p, uint64_t *enter, uint64_t *leave, uint64_t *wait)
{
	*enter = p->hello.park_enter;
	*leave = p->hello.park_leave;
	*wait = p->hello.park_wait;
}
