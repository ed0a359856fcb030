#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* CMSG_SPACE rounds up: on a 64-bit machine there is room for two descriptors where one was meant, and the
 * kernel uses it. So whatever arrives is counted, and closed if it is not exactly what was announced. */
union control {
	struct cmsghdr header;
	unsigned char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
};

int message_send(int socket, uint32_t type, uint32_t serial, const void *payload, size_t length, int fd)
{
	if (length > MESSAGE_MAX)
		return -EMSGSIZE;

	struct message_header header = {.type = type, .serial = serial};
	struct iovec parts[2] = {{&header, sizeof(header)}, {(void *)payload, length}};
	struct msghdr packet = {.msg_iov = parts, .msg_iovlen = length ? 2 : 1};
	union control control;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}

	for (;;) {
		if (sendmsg(socket, &packet, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Takes all descriptors out of the packet, keeps the first; returns how many there were. */
static size_t descriptors_take(struct msghdr *packet, int *first)
{
	size_t count = 0;

	*first = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c; c = CMSG_NXTHDR(packet, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (count++ == 0)
				*first = fd;
			else
				close(fd);
		}
	}
	return count;
}

ptrdiff_t message_receive(int socket, struct message_header *header, void *payload, int *fd)
{
	struct message_header got;
	struct iovec parts[2] = {{&got, sizeof(got)}, {payload, MESSAGE_MAX}};
	union control control;
	struct msghdr packet = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t size;

	do
		size = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == ECONNRESET ? -ENOTCONN : -errno; /* reset: it is gone and had not read all */

	int first;
	size_t count = descriptors_take(&packet, &first);
	if (size == 0 && count == 0)
		return -ENOTCONN;
	if ((size_t)size < sizeof(got) || packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    count > MESSAGE_FDS) {
		if (first >= 0)
			close(first);
		return -EPROTO;
	}

	*header = got;
	*fd = first;
	return size - (ssize_t)sizeof(got);
}

bool message_is_agents(const char *name, size_t size)
{
	static const char *const names[] = {MESSAGE_AGENT, MESSAGE_HEIR, MESSAGE_CALLER};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
			return true;
	return false;
}
