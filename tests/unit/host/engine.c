/* An engine for the agent's tests: says what it was told, and does to the agent what it is told to, one
 * command a line from a console. FAKE_ENGINE=ends makes it end at once. */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHANNEL = 3, ARENAS = 8, CLIENTS = 1024 };

static struct {
	struct message_arena at;
	unsigned char *view;
	struct arena_header *header;
} arenas[ARENAS];
static uint32_t arena_count;
static struct message_hello hello;
static char strings[4][512];
static int clients[CLIENTS];
static size_t client_count;
static unsigned char buffer[MESSAGE_MAX];

static void fail(const char *why)
{
	fprintf(stderr, "fake engine: %s\n", why);
	exit(9);
}

static void take_hello(size_t length)
{
	const char *p = (const char *)buffer + sizeof(hello), *end = (const char *)buffer + length;

	memcpy(&hello, buffer, sizeof(hello));
	for (int i = 0; i < 4; i++) {
		if (p >= end || end[-1])
			fail("hello has too few strings");
		snprintf(strings[i], sizeof(strings[i]), "%.500s", p);
		p += strlen(p) + 1;
	}
	if (p != end || hello.version != MESSAGE_VERSION)
		fail("hello is not as agreed");
}

static void take_arena(size_t length, int fd)
{
	struct message_arena m;

	if (length != sizeof(m) || fd < 0 || arena_count == ARENAS)
		fail("arena is not as agreed");
	memcpy(&m, buffer, sizeof(m));
	if (m.index != arena_count)
		fail("arenas are out of order");
	unsigned char *view = mmap(NULL, m.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED)
		fail("arena cannot be mapped");
	if (ftruncate(fd, 4096) == 0)
		fail("arena can be cut");
	close(fd);
	arenas[arena_count].at = m;
	arenas[arena_count].view = view;
	arenas[arena_count].header = (struct arena_header *)view;
	const struct arena_header *h = arenas[arena_count].header;
	if (h->magic != ARENA_MAGIC || h->end_offset != m.size)
		fail("arena has another header");
	arena_count++;
}

static void receive_start(void)
{
	struct message_header h;
	static const uint32_t order[] = {MESSAGE_HELLO, MESSAGE_ARENA, MESSAGE_READY};
	unsigned stage = 0;

	for (;;) {
		int fd;
		ptrdiff_t length = message_receive(CHANNEL, &h, buffer, &fd);
		if (length == -ENOTCONN)
			exit(0);
		if (length < 0 || h.serial)
			fail("start is malformed");
		if (stage < 1 && h.type == order[0])
			take_hello((size_t)length), stage = 1;
		else if (stage == 1 && h.type == order[1])
			take_arena((size_t)length, fd);
		else if (stage == 1 && h.type == order[2])
			return; /* maybe without an arena: nothing could be patched */
		else
			fail("start is out of order");
	}
}

static void client_add(uint32_t number, int fd)
{
	if (client_count == CLIENTS)
		fail("too many clients");
	clients[client_count++] = fd;
	if (message_send(CHANNEL, MESSAGE_CLIENT_TAKEN, number, NULL, 0, -1))
		exit(0);
}

/* Asks the agent; other consoles may come in the meantime. Returns the answer's length; it is in `buffer`. */
static size_t ask(uint32_t type, const void *payload, size_t length, uint32_t *answer)
{
	static uint32_t serial = 100;
	struct message_header h;

	if (message_send(CHANNEL, type, ++serial, payload, length, -1))
		exit(0);
	for (;;) {
		int fd;
		ptrdiff_t got = message_receive(CHANNEL, &h, buffer, &fd);
		if (got < 0)
			exit(0);
		if (h.type == MESSAGE_CLIENT) {
			client_add(h.serial, fd);
			continue;
		}
		if (h.serial != serial)
			fail("another answer");
		*answer = h.type;
		return (size_t)got;
	}
}

static int ask_done(uint32_t type, const void *payload, size_t length)
{
	uint32_t answer;
	int32_t result;

	if (ask(type, payload, length, &answer) != sizeof(result) || answer != MESSAGE_DONE)
		fail("no DONE");
	memcpy(&result, buffer, sizeof(result));
	return result;
}

/* The sled may stand behind an endbr64. */
static bool slot_find(uint64_t address, uint32_t *arena, uint32_t *slot)
{
	for (*arena = 0; *arena < arena_count; ++*arena) {
		const struct arena_header *h = arenas[*arena].header;
		const uint64_t *sled = (const void *)(arenas[*arena].view + h->sleds_offset);
		for (*slot = 0; *slot < h->slots; ++*slot)
			if (sled[*slot] == address || sled[*slot] == address + 4)
				return true;
	}
	return false;
}

/* mov $value,%eax; ret */
static uint64_t code_write(uint32_t arena, uint32_t value)
{
	struct arena_header *h = arenas[arena].header;
	unsigned char *p = arenas[arena].view + h->code_offset + h->code_used;
	uint64_t address = arenas[arena].at.code_address + h->code_used;

	p[0] = 0xb8;
	memcpy(p + 1, &value, sizeof(value));
	p[5] = 0xc3;
	h->code_used += 16;
	return address;
}

/* put VALUE ADDRESS...: versions that return VALUE, in one go; back ADDRESS...: what was built. */
static int publish(char *arguments, bool back)
{
	struct message_publish p[16];
	size_t count = 0;
	uint32_t value = back ? 0 : (uint32_t)strtoul(arguments, &arguments, 10);

	while (*arguments && count < 16) {
		uint64_t address = strtoull(arguments, &arguments, 16);
		if (!slot_find(address, &p[count].arena, &p[count].slot))
			return 1;
		const unsigned char *view = arenas[p[count].arena].view;
		const uint64_t *built = (const void *)(view + arenas[p[count].arena].header->built_offset);
		p[count].target = back ? built[p[count].slot] : code_write(p[count].arena, value);
		count++;
	}
	return ask_done(MESSAGE_PUBLISH, p, count * sizeof(p[0]));
}

/* Good for the one at ADDRESS, then one that must be refused: none may be stored. */
static void refused(const char *arguments, char *out)
{
	struct message_publish p[2];

	if (!slot_find(strtoull(arguments, NULL, 16), &p[0].arena, &p[0].slot))
		fail("no such slot");
	const struct arena_header *h = arenas[p[0].arena].header;
	p[0].target = code_write(p[0].arena, 666);

	struct message_publish bad[] = {
		{arena_count, 0, p[0].target},
		{p[0].arena, h->slots, p[0].target},
		{p[0].arena, p[0].slot, arenas[p[0].arena].at.code_address - 1},
		{p[0].arena, p[0].slot, arenas[p[0].arena].at.data_address},
		{p[0].arena, p[0].slot, 0},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p[1] = bad[i];
		out += sprintf(out, "%d ", ask_done(MESSAGE_PUBLISH, p, sizeof(p)));
	}
}

static void list(char *out)
{
	for (uint32_t a = 0; a < arena_count; a++) {
		const struct arena_header *h = arenas[a].header;
		const uint64_t *sled = (const void *)(arenas[a].view + h->sleds_offset);
		const uint64_t *slot = (const void *)(arenas[a].view + h->slots_offset);
		const uint64_t *built = (const void *)(arenas[a].view + h->built_offset);
		out += sprintf(out, "[%u slots at %lx used %lu]", h->slots, arenas[a].at.head_address,
			       h->code_used);
		for (uint32_t i = 0; i < h->slots && i < 20; i++)
			out += sprintf(out, " %lx%s", sled[i], slot[i] == built[i] ? "" : "*");
	}
}

static void read_memory(char *arguments, char *out)
{
	struct message_memory m = {.address = strtoull(arguments, &arguments, 16)};
	uint32_t answer;

	m.length = (uint32_t)strtoul(arguments, NULL, 10);
	size_t length = ask(MESSAGE_READ, &m, sizeof(m), &answer);
	if (answer == MESSAGE_DONE) {
		int32_t result;
		memcpy(&result, buffer, sizeof(result));
		sprintf(out, "%d", result);
		return;
	}
	if (length != m.length)
		fail("another length");
	for (size_t i = 0; i < length && i < 32; i++)
		out += sprintf(out, "%02x", buffer[i]);
}

static int write_memory(char *arguments)
{
	struct {
		struct message_memory m;
		uint32_t value;
	} w = {.m.address = strtoull(arguments, &arguments, 16), .m.length = sizeof(uint32_t)};

	w.value = (uint32_t)strtoul(arguments, NULL, 10);
	return ask_done(MESSAGE_WRITE, &w, sizeof(w.m) + sizeof(w.value));
}

static void resolve(const char *names, char *out)
{
	char packed[512];
	size_t length = strlen(names) + 1;
	uint32_t answer;

	memcpy(packed, names, length);
	for (char *p = packed; *p; p++)
		*p = *p == ' ' ? '\0' : *p;
	size_t got = ask(MESSAGE_RESOLVE, packed, length, &answer);
	for (size_t i = 0; answer == MESSAGE_ADDRESSES && i < got / 8; i++) {
		uint64_t address;
		memcpy(&address, buffer + 8 * i, sizeof(address));
		out += sprintf(out, "%lx ", address);
	}
}

/* How this process was started. */
static void self(char *out)
{
	sigset_t mask;
	int blocked = 0, ignored = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int s = 1; s < 65; s++) {
		struct sigaction a;
		blocked += sigismember(&mask, s) == 1;
		ignored += sigaction(s, NULL, &a) == 0 && a.sa_handler != SIG_DFL;
	}
	out += sprintf(out, "leader %d blocked %d ignored %d preload %s socket %s fds", getsid(0) == getpid(),
		       blocked, ignored, getenv("LD_PRELOAD") ? "yes" : "no",
		       getenv("RTF_SOCKET") ? "yes" : "no");
	for (int fd = 0; fd < 1024; fd++) {
		bool ours = false;
		for (size_t i = 0; i < client_count; i++)
			ours |= clients[i] == fd;
		if (!ours && fcntl(fd, F_GETFD) >= 0)
			out += sprintf(out, " %d", fd);
	}
}

static void command(char *line, char *out)
{
	char *rest = strchr(line, ' ');

	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (!strcmp(line, "hello")) {
		sprintf(out, "%u %d|%s|%s|%s|%s", hello.flags, hello.pid, strings[0], strings[1], strings[2],
			strings[3]);
	} else if (!strcmp(line, "list")) {
		list(out);
	} else if (!strcmp(line, "put")) {
		sprintf(out, "%d", publish(rest, false));
	} else if (!strcmp(line, "back")) {
		sprintf(out, "%d", publish(rest, true));
	} else if (!strcmp(line, "refused")) {
		refused(rest, out);
	} else if (!strcmp(line, "read")) {
		read_memory(rest, out);
	} else if (!strcmp(line, "write")) {
		sprintf(out, "%d", write_memory(rest));
	} else if (!strcmp(line, "resolve")) {
		resolve(rest, out);
	} else if (!strcmp(line, "self")) {
		self(out);
	} else if (!strcmp(line, "pid")) {
		sprintf(out, "%d", (int)getpid());
	} else if (!strcmp(line, "log")) {
		unsigned char text[64] = {6};
		memcpy(text + 4, rest, strnlen(rest, 60));
		message_send(CHANNEL, MESSAGE_LOG, 0, text, 4 + strnlen(rest, 60), -1);
		strcpy(out, "logged");
	} else if (!strcmp(line, "malformed")) {
		send(CHANNEL, "x", 1, MSG_NOSIGNAL);
		strcpy(out, "sent");
	} else if (!strcmp(line, "unknown")) {
		message_send(CHANNEL, 4711, 1, NULL, 0, -1);
		strcpy(out, "sent");
	} else if (!strcmp(line, "die")) {
		kill(getpid(), SIGKILL);
	} else {
		strcpy(out, "what?");
	}
}

static bool client_serve(int fd)
{
	char line[1024], out[8192] = "";
	size_t used = 0;

	do {
		if (used == sizeof(line) || read(fd, line + used, 1) != 1)
			return false;
	} while (line[used++] != '\n');
	line[used - 1] = '\0';
	command(line, out);
	strcat(out, "\n");
	return send(fd, out, strlen(out), MSG_NOSIGNAL) > 0;
}

static void channel_read(void)
{
	struct message_header h;
	int fd;
	ptrdiff_t length = message_receive(CHANNEL, &h, buffer, &fd);

	if (length < 0)
		exit(0);
	if (h.type != MESSAGE_CLIENT || fd < 0)
		fail("a message that nobody asked for");
	const char *mark = getenv("FAKE_ENGINE_MARK");
	int first = mark ? open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (first >= 0)
		exit(0); /* once: it ends with a console that it has not begun to serve */
	client_add(h.serial, fd);
}

int main(void)
{
	const char *mode = getenv("FAKE_ENGINE");

	if (mode && !strcmp(mode, "ends"))
		return 1;
	receive_start();
	for (;;) {
		struct pollfd p[CLIENTS + 1] = {{.fd = CHANNEL, .events = POLLIN}};
		size_t polled = client_count;
		for (size_t i = 0; i < polled; i++)
			p[i + 1] = (struct pollfd){.fd = clients[i], .events = POLLIN};
		if (poll(p, polled + 1, -1) < 0)
			continue;
		if (p[0].revents) /* first: a command may read what was there */
			channel_read();
		for (size_t i = polled; i-- > 0;) {
			if (!p[i + 1].revents || client_serve(clients[i]))
				continue;
			close(clients[i]);
			clients[i] = clients[--client_count];
		}
	}
}
