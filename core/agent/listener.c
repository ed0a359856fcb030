#include "listener.h"
#include "descriptor.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum { BACKLOG = 64, LOCK_TRIES = 1000, LOCK_PAUSE_NS = 1000000 };

static socklen_t address_fill(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(a->sun_path, path, strlen(path) + 1);
	return (socklen_t)sizeof(*a);
}

/* The directory of a path, for open(). */
static void directory_of(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(out, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
}

/* Whether the process that listens behind a connection has ended. Something that it forked may hold its socket a little
 * longer, and never answers: an engine on the way to its exec. Credentials are those of listen(): unix(7). */
static bool is_orphaned(int connection)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0 &&
	       kill(peer.pid, 0) && errno == ESRCH;
}

/* Whether somebody answers: 0 nobody, -EADDRINUSE somebody, or (another user's) it cannot be known. */
static int socket_probe(const char *path)
{
	struct sockaddr_un address;
	socklen_t length = address_fill(&address, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int error = connect(fd, (struct sockaddr *)&address, length) ? errno : 0;
	bool nobody = error ? error == ECONNREFUSED || error == ENOENT : is_orphaned(fd);
	close(fd);
	return nobody ? 0 : -EADDRINUSE;
}

/* Keeps starters out of each other's way while one looks at what a dead program left and replaces it. A
 * descriptor to close, or -1: after a while without the lock, which anybody may hold for reasons of their
 * own, we go on. */
static int directory_lock(const char *path)
{
	char directory[PATH_MAX];

	directory_of(path, directory);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int tries = 0; fd >= 0 && tries < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB); tries++)
		nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
	return fd;
}

/* A process that the program left behind keeps its console. Not for another of those. */
static bool is_in_trust(const struct stat *there)
{
	return there->st_mode & S_ISVTX && there->st_uid == geteuid();
}

static int name_replace(const char *temporary, const char *path, bool in_trust)
{
	struct stat there;

	if (lstat(path, &there) == 0) {
		if (!S_ISSOCK(there.st_mode))
			return -EEXIST;
		int error = !in_trust && is_in_trust(&there) ? 0 : socket_probe(path);
		if (error)
			return error;
	} else if (errno != ENOENT) {
		return -errno;
	}
	return rename(temporary, path) ? -errno : 0;
}

/* Gives the socket at `temporary` the name `path`, which a dead program may have left behind. It listens by
 * then, so whoever finds it knows it for a live one. */
static int name_take(const char *temporary, const char *path, bool in_trust)
{
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST && errno != EINVAL) /* EINVAL: a file system that cannot do it */
		return -errno;

	int lock = directory_lock(path), error = name_replace(temporary, path, in_trust);
	descriptor_close(&lock);
	return error;
}

/* Binds under a temporary name beside `path`, listens, then takes the name: whoever can see it can connect.
 * The mode is set on the socket before it has a name; bind() only takes the umask's bits away from it. */
static int socket_name(int fd, const char *path, const char *temporary, bool in_trust, struct stat *st)
{
	struct sockaddr_un address;
	socklen_t length = address_fill(&address, temporary);

	if (fchmod(fd, in_trust ? S_ISVTX | 0600 : 0600) || bind(fd, (struct sockaddr *)&address, length))
		return -errno;
	int error =
		listen(fd, BACKLOG) || lstat(temporary, st) ? -errno : name_take(temporary, path, in_trust);
	if (error)
		unlink(temporary);
	return error;
}

/* `path`, a dot and eight digits; false if there is no room. By hand: a program's first printf costs it more than the rest of
 * what is here. */
static bool name_beside(char *out, size_t size, const char *path, unsigned unique)
{
	enum { DIGITS = 8, BITS = 4 };
	size_t length = strlen(path);

	if (length + 1 + DIGITS >= size)
		return false;
	memcpy(out, path, length);
	out += length;
	*out++ = '.';
	for (int digit = DIGITS - 1; digit >= 0; digit--)
		*out++ = "0123456789abcdef"[unique >> BITS * digit & 0xf];
	*out = '\0';
	return true;
}

/* The temporary name is the longer one; where only `path` fits an address, it goes by its directory's
 * descriptor. */
static int socket_name_beside(int fd, const char *path, bool in_trust, struct stat *st)
{
	char temporary[sizeof(((struct sockaddr_un *)0)->sun_path)], directory[PATH_MAX];
	struct timespec now;
	unsigned unique;

	clock_gettime(CLOCK_MONOTONIC, &now);
	unique = (unsigned)getpid() * 1000003u ^ (unsigned)now.tv_nsec;
	if (name_beside(temporary, sizeof(temporary), path, unique))
		return socket_name(fd, path, temporary, in_trust, st);

	directory_of(path, directory);
	int parent = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	snprintf(temporary, sizeof(temporary), "/proc/self/fd/%d/.rtf.%08x", parent, unique);
	int error = socket_name(fd, path, temporary, in_trust, st);
	close(parent);
	return error;
}

static char *path_absolute(const char *path)
{
	char directory[PATH_MAX], *absolute;

	if (*path == '/')
		return strdup(path);
	if (!getcwd(directory, sizeof(directory)))
		return NULL;
	return asprintf(&absolute, "%s/%s", directory, path) < 0 ? NULL : absolute;
}

int listener_open(const char *path, bool in_trust, struct listener *out)
{
	struct stat st;

	if (!path || !*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;

	char *absolute = path_absolute(path);
	if (!absolute)
		return -ENOMEM;
	int fd = descriptor_raise(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	int error = fd < 0 ? -errno : socket_name_beside(fd, path, in_trust, &st);
	if (error) {
		descriptor_close(&fd);
		free(absolute);
		return error;
	}
	*out = (struct listener){
		.fd = fd, .path = absolute, .device = st.st_dev, .inode = st.st_ino, .in_trust = in_trust};
	return 0;
}

int listener_await_name(const char *path, struct listener *out)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	*out = (struct listener){.fd = -1, .path = copy, .in_trust = true};
	return 0;
}

bool listener_is_named(const struct listener *l)
{
	struct stat st;

	return lstat(l->path, &st) == 0 && st.st_ino == l->inode && st.st_dev == l->device;
}

/* The process that listens there, by listen(): unix(7); 0: nobody, or one that has no number here. */
static pid_t find_listening(const char *path)
{
	struct sockaddr_un address;
	socklen_t length = address_fill(&address, path), size = sizeof(struct ucred);
	struct ucred peer = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	if (connect(fd, (struct sockaddr *)&address, length) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

void listener_note_taker(const struct listener *l, struct listener_taker *out)
{
	struct stat st;

	*out = (struct listener_taker){0};
	if (lstat(l->path, &st) == 0 && S_ISSOCK(st.st_mode))
		*out = (struct listener_taker){st.st_dev, st.st_ino, find_listening(l->path)};
}

/* One that nobody has waited for yet has no program any more: proc(5). */
static bool has_ended(pid_t pid)
{
	char name[32], program[1];

	snprintf(name, sizeof(name), "/proc/%d/exe", (int)pid);
	return (kill(pid, 0) && errno == ESRCH) ||
	       (readlink(name, program, sizeof(program)) < 0 && errno == ENOENT);
}

bool listener_is_taken(const struct listener *l, const struct listener_taker *taker)
{
	struct stat st;

	return taker->pid > 0 && lstat(l->path, &st) == 0 && st.st_ino == taker->inode &&
	       st.st_dev == taker->device && !has_ended(taker->pid);
}

int listener_accept(const struct listener *l)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int fd = descriptor_raise(accept4(l->fd, NULL, NULL, SOCK_CLOEXEC));

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) ||
	    (peer.uid != geteuid() && peer.uid != 0)) {
		descriptor_close(&fd);
		return -EACCES;
	}
	return fd;
}

void listener_remove(const struct listener *l)
{
	if (listener_is_named(l))
		unlink(l->path);
}

void listener_fini(struct listener *l)
{
	descriptor_close(&l->fd);
	free(l->path);
	l->path = NULL;
}
