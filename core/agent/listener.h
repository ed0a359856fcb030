/* The console's socket: private before it has a name, never stolen from a live program, removed only if still
 * ours. One that is kept in trust, by a process that the program left behind, says so by its sticky bit: the program takes the
 * name back when it is started again. No locks; one thread at a time. */
#ifndef RTF_LISTENER_H
#define RTF_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

struct listener {
	int fd;     /* non-blocking; -1: it has had no name yet */
	char *path; /* absolute */
	dev_t device;
	ino_t inode;
	bool in_trust;
};

/* Binds and listens; errors as rtf_start documents them. On failure nothing is left behind and `*out` is
 * untouched. */
int listener_open(const char *path, bool in_trust, struct listener *out);

/* One that waits for its name, which is another process's: nobody can connect. The path is absolute. */
int listener_await_name(const char *path, struct listener *out);

/* Whether the path still names this socket. */
bool listener_is_named(const struct listener *);

/* Who has the name of a listener that has lost it; all 0: not known. */
struct listener_taker {
	dev_t device;
	ino_t inode;
	pid_t pid;
};

/* Connects to it, to learn who it is. */
void listener_note_taker(const struct listener *, struct listener_taker *out);

/* Whether the path still names that one's socket, and the process goes on. Does not connect. */
bool listener_is_taken(const struct listener *, const struct listener_taker *);

/* The next connection, as a close-on-exec descriptor, or a negative errno; -EACCES: another user's. */
int listener_accept(const struct listener *);

/* Takes the name away if it still is this socket's. */
void listener_remove(const struct listener *);

/* Closes; the name stays. */
void listener_fini(struct listener *);

#endif
