/* Host programs that a test compiles for itself, and the two ways to speak to their engines: a real
 * console for each command, or a connection of the test's own with a JSON object a line.
 *
 * Around tests/real/subject.h, with the host's sources and the program in the subject's own directory, so
 * that a test may move, change and remove them. Failures fail the test and show what was printed. */
#ifndef TESTS_COMPILED_H
#define TESTS_COMPILED_H

#include "../real/subject.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { COMPILED_DEADLINE_MS = 180000, COMPILED_CHILDREN_MAX = 16 };

/* How a host is built. Zero is cc -g with librtf.so, of host.c and host_other.c. */
struct compiled_how {
	const char *compiler;   /* default $CC, or cc */
	const char *flags[8];   /* more of them, up to a NULL */
	const char *sources[4]; /* in tests/system */
	bool with_archive;      /* librtf.a */
	bool without_library;   /* neither: it comes by LD_PRELOAD */
};

/* subject_init, the sources' copies, and DIRECTORY/host. */
void compiled_init(struct subject *, const struct compiled_how *);

/* Compiles once more what stands in the directory. */
void compiled_build(const struct subject *, const struct compiled_how *);

/* Runs it on the subject's socket and waits until it is ready; the second form without a socket. */
void compiled_start(struct subject *);
void compiled_start_without_console(struct subject *);

/* A program that was built without the library, by LD_PRELOAD and RTF_SOCKET alone. */
void compiled_start_preloaded(struct subject *);

/* Ends it, and takes its history away. */
void compiled_stop(struct subject *);

/* The same as fixtures of cmocka's, of the subject that compiled_init was called with last: for each test, with a look at the
 * history or without; and for the group. */
int compiled_each_start(void **state);
int compiled_each_stop(void **state);
int compiled_each_stop_whole(void **state);
int compiled_group_fini(void **state); /* subject_fini */

/* Such a test has a program that nothing was done to. */
#define with_fresh_host(test) cmocka_unit_test_setup_teardown(test, compiled_each_start, compiled_each_stop)

/* SIGKILLs it and waits for its end. The socket stays. */
void compiled_kill(struct subject *);

/* DIRECTORY/NAME; malloc'ed. */
char *compiled_path(const struct subject *, const char *name);

/* Runs a shell's command in the directory, which must succeed. */
void compiled_shell(const struct subject *, const char *command);

/* NAME of tests/system into the directory. */
void compiled_copy_in(const struct subject *, const char *name);

/* When a file of the directory was modified, and that it was then. */
struct timespec compiled_time(const struct subject *, const char *name);
void compiled_set_time(const struct subject *, const char *name, struct timespec);

/* The same bytes in another file of the directory. */
void compiled_copy(const struct subject *, const char *from, const char *to);

void compiled_assert_answer(struct subject *, const char *line, const char *answer);

/* rtf-console with these options (up to a NULL) and the subject's socket behind them. Returns what it
 * printed, malloc'ed; its exit status must be `status`. */
char *compiled_console(const struct subject *, int status, const char *input, const char *option, ...)
	__attribute__((sentinel));

/* The same with one -c, and the requirement that the output contains `part`. */
void compiled_assert_says(const struct subject *, int status, const char *command, const char *part);

/* A command that must fail with this class, exit status 3, and a message that contains `part`. */
void compiled_assert_refused(struct subject *, const char *command, const char *class, const char *part);

/* The data of a command that must succeed; the caller's. */
json_t *compiled_data(struct subject *, const char *command);

/* A definition, or whatever else is to be done and no more. */
void compiled_define(struct subject *, const char *text);

/* \define FUNCTION with that text, or with its own; that compiler must take it. */
void compiled_define_by(struct subject *, const char *function, const char *text, const char *backend);
void compiled_redefine(struct subject *, const char *function, const char *backend);

/* A member that must be there; the string is the object's. */
const char *compiled_string(json_t *object, const char *key);
int compiled_int(json_t *object, const char *key);

/* How often a part stands in a text. */
size_t compiled_count(const char *text, const char *part);

/* The one row of \list that FUNCTION has; the caller's. */
json_t *compiled_row(struct subject *, const char *function);

void compiled_assert_live(struct subject *, const char *function, int version, int versions,
			  const char *state);

/* How many sources the engine has still to read; waits until there are none. */
int compiled_to_read(struct subject *);
void compiled_await_read(struct subject *);

pid_t compiled_engine(struct subject *);

/* The children of a process, COMPILED_CHILDREN_MAX of them at most. */
size_t compiled_children(pid_t, pid_t *children);

/* Waits until that process has ended; it need not be a child. */
void compiled_await_end(pid_t);

/* The history database of the subject, complete and sound: PRAGMA integrity_check and foreign_key_check. */
void compiled_assert_history_whole(const struct subject *);

/* --- a connection of the test's own ------------------------------------------------------------------- */

struct wire {
	int fd;
	int asked; /* commands that wire_data has sent */
	char *data;
	size_t size, room;
};

void wire_open(struct wire *, const char *socket);
void wire_listen(struct wire *, const char *socket); /* one that hears of events */
void wire_close(struct wire *);
void wire_send(struct wire *, const char *bytes, size_t size);

/* {"id":ID,"command":COMMAND} */
void wire_command(struct wire *, int id, const char *command);

/* The next object; NULL at the end of the stream. */
json_t *wire_receive(struct wire *);

/* wire_command and the answer with that id. */
json_t *wire_ask(struct wire *, int id, const char *command);

/* The same of a command that must succeed, with a number of its own: its data, the caller's. */
json_t *wire_data(struct wire *, const char *command);
void wire_ok(struct wire *, const char *command);

/* The next event of that kind; the caller's. */
json_t *wire_await_event(struct wire *, const char *kind);

#endif
