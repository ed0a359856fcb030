/* The program as the engine sees it, played by the test: what it says at the start and how it answers. */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	SIZE = 1 << 16,
	SLOTS = 4,
	SLOTS_AT = 4096,
	SLEDS_AT = 5120,
	BUILT_AT = 6144,
	CODE_AT = 8192,
	DATA_AT = 16384
};

static const struct arena_header sound = {
	.magic = ARENA_MAGIC,
	.version = MESSAGE_VERSION,
	.slots = SLOTS,
	.slots_offset = SLOTS_AT,
	.sleds_offset = SLEDS_AT,
	.built_offset = BUILT_AT,
	.code_offset = CODE_AT,
	.data_offset = DATA_AT,
	.end_offset = SIZE,
};

static int peer; /* the program's end of the channel */

static void say(uint32_t type, uint32_t serial, const void *payload, size_t size, int fd)
{
	assert_int_equal(message_send(peer, type, serial, payload, size, fd), 0);
}

static void say_hello(uint32_t flags)
{
	unsigned char packet[sizeof(struct message_hello) + 4] = {0}; /* and four empty strings */
	struct message_hello hello = {.version = MESSAGE_VERSION, .flags = flags, .pid = getpid()};

	memcpy(packet, &hello, sizeof(hello));
	say(MESSAGE_HELLO, 0, packet, sizeof(packet), -1);
}

/* Its file. */
static int say_arena(const struct arena_header *header)
{
	struct message_arena arena = {.size = SIZE, .code_address = 0x10000, .data_address = 0x20000};
	int fd = memfd_create("arena", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, SIZE), 0);
	assert_int_equal(pwrite(fd, header, sizeof(*header), 0), sizeof(*header));
	say(MESSAGE_ARENA, 0, &arena, sizeof(arena), fd);
	return fd;
}

static struct error *begin(uint32_t flags, const struct arena_header *header, struct program **out)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	peer = ends[0];
	say_hello(flags);
	close(say_arena(header));
	say(MESSAGE_READY, 0, NULL, 0, -1);
	return program_new(ends[1], out);
}

static void an_arena_that_fits_its_file_is_taken(void **state)
{
	struct program *p;

	(void)state;
	assert_null(begin(0, &sound, &p));
	assert_int_equal(program_slot_count(p, 0), SLOTS);
	program_free(p);
	close(peer);
}

/* Its module may not stand in a list of modules that was read before. */
static void a_slot_counts_when_it_is_told_of(void **state)
{
	struct arena_header more = sound;
	struct program *p;
	int arena;

	(void)state;
	assert_null(begin(0, &sound, &p));
	arena = say_arena(&sound);
	assert_null(program_receive(p));
	assert_int_equal(program_arena_count(p), 2);
	assert_int_equal(program_slot_count(p, 1), 0);
	say(MESSAGE_MODULES, 0, NULL, 0, -1);
	assert_null(program_receive(p));
	assert_int_equal(program_slot_count(p, 1), SLOTS);

	more.slots--;
	assert_int_equal(pwrite(arena, &more, sizeof(more), 0), sizeof(more));
	assert_int_equal(program_slot_count(p, 1), SLOTS);
	say(MESSAGE_MODULES, 0, NULL, 0, -1);
	assert_null(program_receive(p));
	assert_int_equal(program_slot_count(p, 1), SLOTS - 1);
	close(arena);
	program_free(p);
	close(peer);
}

static void assert_unsound(struct arena_header header)
{
	struct program *p;
	struct error *e = begin(0, &header, &p);

	assert_non_null(e);
	assert_non_null(strstr(error_message(e), "does not fit its file"));
	error_free(e);
	close(peer);
}

static void an_arena_that_says_more_than_its_file_holds_is_refused(void **state)
{
	static const uint64_t far[] = {CODE_AT - 8, SIZE, UINT64_MAX, UINT64_MAX - 15, UINT64_MAX - 31};
	struct arena_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(far) / sizeof(*far); i++) {
		h = sound, h.slots_offset = far[i], assert_unsound(h);
		h = sound, h.sleds_offset = far[i], assert_unsound(h);
		h = sound, h.built_offset = far[i], assert_unsound(h);
	}
	h = sound, h.slots_offset = SLOTS_AT + 1, assert_unsound(h);
	h = sound, h.slots = UINT32_MAX, assert_unsound(h);
	h = sound, h.code_offset = UINT64_MAX, assert_unsound(h);
	h = sound, h.data_offset = SIZE + 1, assert_unsound(h);
	h = sound, h.end_offset = UINT64_MAX, assert_unsound(h);
	h = sound, h.code_used = DATA_AT, assert_unsound(h);
	h = sound, h.data_used = UINT64_MAX, assert_unsound(h);
}

/* A program that stores slots at its own time. Publishes one; its serial. */
static uint32_t publish(struct program *p)
{
	struct message_publish slot = {.target = 0x10000}, heard;
	struct message_header h;
	uint32_t serial;
	int fd;

	assert_null(program_publish(p, &slot, 1, &serial));
	assert_int_equal(serial, 0);
	assert_int_equal(message_receive(peer, &h, &heard, &fd), sizeof(heard));
	assert_int_equal(h.type, MESSAGE_PUBLISH);
	return h.serial;
}

static void a_version_that_is_refused_behind_our_back_ends_the_engine(void **state)
{
	struct program *p;
	int32_t stored = 0, refused = -12;

	(void)state;
	assert_null(begin(HELLO_POLLED, &sound, &p));
	say(MESSAGE_DONE, publish(p), &stored, sizeof(stored), -1);
	assert_null(program_receive(p));
	assert_false(program_lost(p));
	say(MESSAGE_DONE, publish(p), &refused, sizeof(refused), -1);
	error_free(program_receive(p));
	assert_true(program_lost(p)); /* what it takes for live is not: another one looks at the slots */
	program_free(p);
	close(peer);
}

static uint32_t hear_taken(void)
{
	static unsigned char heard[MESSAGE_MAX];
	struct message_header h;
	int fd;

	assert_int_equal(message_receive(peer, &h, heard, &fd), 0);
	assert_int_equal(h.type, MESSAGE_CLIENT_TAKEN);
	return h.serial;
}

static void of_consoles_that_are_too_many_the_last_one_is_refused_by_its_number(void **state)
{
	enum { WAITING = 64, FIRST = 100 };
	struct program *p;
	int console = memfd_create("console", MFD_CLOEXEC);

	(void)state;
	assert_null(begin(0, &sound, &p));
	for (uint32_t i = 0; i <= WAITING; i++) {
		say(MESSAGE_CLIENT, FIRST + i, NULL, 0, console);
		assert_null(program_receive(p));
	}
	assert_int_equal(hear_taken(), FIRST + WAITING);
	close(program_take_client(p));
	assert_int_equal(hear_taken(), FIRST);
	program_free(p);
	close(console);
	close(peer);
}

static void the_number_of_a_console_is_taken_for_no_answer(void **state)
{
	struct program *p;
	uint64_t said = 0x10000, address = 0;
	int console = memfd_create("console", MFD_CLOEXEC);

	(void)state;
	assert_null(begin(0, &sound, &p));
	say(MESSAGE_CLIENT, 1, NULL, 0, console); /* as the first request has it */
	say(MESSAGE_ADDRESSES, 1, &said, sizeof(said), -1);
	assert_null(program_resolve(p, "name", &address));
	assert_int_equal(address, said);
	int taken = program_take_client(p);
	assert_true(taken >= 0);
	close(taken);
	program_free(p);
	close(console);
	close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_that_fits_its_file_is_taken),
		cmocka_unit_test(a_slot_counts_when_it_is_told_of),
		cmocka_unit_test(an_arena_that_says_more_than_its_file_holds_is_refused),
		cmocka_unit_test(a_version_that_is_refused_behind_our_back_ends_the_engine),
		cmocka_unit_test(of_consoles_that_are_too_many_the_last_one_is_refused_by_its_number),
		cmocka_unit_test(the_number_of_a_console_is_taken_for_no_answer),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
