#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static unsigned char payload[MESSAGE_MAX];
static struct message_header header;
static int fd;

static int pair_open(void **state)
{
	(void)state;
	fd = -2;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int pair_close(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return 0;
}

static ptrdiff_t receive(void)
{
	return message_receive(ends[1], &header, payload, &fd);
}

static int descriptors_open(void)
{
	int open = 0;

	for (int i = 0; i < 256; i++)
		open += fcntl(i, F_GETFD) >= 0;
	return open;
}

static void a_message_arrives_as_it_was_sent(void **state)
{
	(void)state;
	assert_int_equal(message_send(ends[0], MESSAGE_READ, 77, "hello", 5, -1), 0);
	assert_int_equal(receive(), 5);
	assert_int_equal(header.type, MESSAGE_READ);
	assert_int_equal(header.serial, 77);
	assert_memory_equal(payload, "hello", 5);
	assert_int_equal(fd, -1);
}

static void an_empty_message_is_not_the_end_of_the_stream(void **state)
{
	(void)state;
	assert_int_equal(message_send(ends[0], MESSAGE_READY, 0, NULL, 0, -1), 0);
	assert_int_equal(receive(), 0);
	assert_int_equal(header.type, MESSAGE_READY);
}

static void the_largest_message_arrives_and_one_byte_more_is_not_sent(void **state)
{
	static unsigned char big[MESSAGE_MAX + 1];

	(void)state;
	memset(big, 0x5a, sizeof(big));
	assert_int_equal(message_send(ends[0], MESSAGE_DATA, 1, big, MESSAGE_MAX + 1, -1), -EMSGSIZE);
	assert_int_equal(message_send(ends[0], MESSAGE_DATA, 1, big, MESSAGE_MAX, -1), 0);
	assert_int_equal(receive(), MESSAGE_MAX);
	assert_memory_equal(payload, big, MESSAGE_MAX);
}

static void a_packet_that_is_too_long_is_malformed(void **state)
{
	static unsigned char big[sizeof(struct message_header) + MESSAGE_MAX + 1];

	(void)state;
	assert_int_equal(send(ends[0], big, sizeof(big), 0), sizeof(big));
	assert_int_equal(receive(), -EPROTO);
	assert_int_equal(fd, -2);
}

static void a_packet_shorter_than_a_header_is_malformed(void **state)
{
	(void)state;
	assert_int_equal(send(ends[0], "1234567", 7, 0), 7);
	assert_int_equal(receive(), -EPROTO);
}

static void a_descriptor_rides_along_close_on_exec_and_the_senders_stays(void **state)
{
	int pipes[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(message_send(ends[0], MESSAGE_CLIENT, 0, NULL, 0, pipes[1]), 0);
	assert_int_equal(receive(), 0);
	assert_true(fd >= 0 && fd != pipes[1]);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(close(pipes[1]), 0);
	close(pipes[0]);
	close(fd);
}

static void send_with_descriptors(size_t count, size_t size)
{
	_Alignas(struct cmsghdr) unsigned char control[CMSG_SPACE(8 * sizeof(int))] = {0};
	struct message_header h = {.type = MESSAGE_CLIENT};
	struct iovec part = {&h, size};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;

	packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &ends[0], sizeof(int));
	assert_int_equal(sendmsg(ends[0], &packet, 0), size);
}

static void more_descriptors_than_announced_are_malformed_and_none_leaks(void **state)
{
	(void)state;
	int before = descriptors_open();
	for (size_t count = 2; count <= 8; count++) {
		send_with_descriptors(count, sizeof(struct message_header));
		assert_int_equal(receive(), -EPROTO);
		assert_int_equal(descriptors_open(), before);
	}
}

static void a_descriptor_with_a_malformed_packet_does_not_leak(void **state)
{
	(void)state;
	int before = descriptors_open();
	send_with_descriptors(1, 3);
	assert_int_equal(receive(), -EPROTO);
	assert_int_equal(descriptors_open(), before);
}

static void the_end_of_the_stream_is_told(void **state)
{
	(void)state;
	close(ends[0]);
	ends[0] = -1;
	assert_int_equal(receive(), -ENOTCONN);
}

static void an_end_with_unread_messages_is_the_end_too(void **state)
{
	(void)state;
	assert_int_equal(message_send(ends[1], MESSAGE_DONE, 1, NULL, 0, -1), 0);
	close(ends[0]);
	ends[0] = -1;
	assert_int_equal(receive(), -ENOTCONN);
}

static void sending_to_nobody_is_an_error_and_not_a_signal(void **state)
{
	(void)state;
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(message_send(ends[0], MESSAGE_DONE, 1, NULL, 0, -1), -EPIPE);
}

static void a_non_blocking_socket_says_so(void **state)
{
	(void)state;
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(receive(), -EAGAIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_open, pair_close)
	const struct CMUnitTest tests[] = {
		TEST(a_message_arrives_as_it_was_sent),
		TEST(an_empty_message_is_not_the_end_of_the_stream),
		TEST(the_largest_message_arrives_and_one_byte_more_is_not_sent),
		TEST(a_packet_that_is_too_long_is_malformed),
		TEST(a_packet_shorter_than_a_header_is_malformed),
		TEST(a_descriptor_rides_along_close_on_exec_and_the_senders_stays),
		TEST(more_descriptors_than_announced_are_malformed_and_none_leaks),
		TEST(a_descriptor_with_a_malformed_packet_does_not_leak),
		TEST(the_end_of_the_stream_is_told),
		TEST(an_end_with_unread_messages_is_the_end_too),
		TEST(sending_to_nobody_is_an_error_and_not_a_signal),
		TEST(a_non_blocking_socket_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
