/* Other programs, as a test sees them: started with pipes, spoken to in lines, every wait with a deadline.
 *
 * For single-threaded test programs. A program started here is killed with the test if the test dies
 * first. Deadlines are in milliseconds from the call. Nothing here fails a test: every result says what
 * happened. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CHILD_LINE_MAX = 1 << 20 };

struct child {
	pid_t pid;     /* 0: not running */
	int input;     /* what we write is its standard input */
	int output;    /* what it writes to standard output; its standard error is ours */
	char *buffer;  /* bytes read and not yet handed out */
	size_t filled;
};

/* Starts argv[0] (searched in PATH); false with errno set if that is impossible. */
bool child_start(struct child *, const char *const *argv);

/* Writes `text`; false if the program does not take it. */
bool child_send(struct child *, const char *text);

/* The next line it prints, without its newline, into `line`; false at the deadline or at the end of its
 * output. */
bool child_read_line(struct child *, int deadline_ms, char *line, size_t size);

/* Reads lines until one contains `part`; that line is then in `line`. */
bool child_read_until(struct child *, const char *part, int deadline_ms, char *line, size_t size);

/* Asks with SIGTERM, then SIGKILLs at the deadline; returns the wait status, -1 if nothing ran. Frees all. */
int child_stop(struct child *, int deadline_ms);

/* Runs a command to its end with `input` (NULL: none) and returns its exit status; 128 + signal if one
 * ended it, -1 at the deadline (killed) or if it could not start. `*output` (if not NULL) gets its
 * standard output and standard error as they came, malloc'ed, also on failure. */
int child_run(const char *const *argv, const char *input, int deadline_ms, char **output);

/* A new directory under TMPDIR, only ours, its path short enough for a socket in it. NULL on failure;
 * malloc'ed. */
char *child_directory_new(void);
void child_directory_remove(char *path); /* with all that is in it; frees the path */

/* Milliseconds of the monotonic clock. */
long long child_clock(void);

/* The whole file, with a NUL behind it, malloc'ed; NULL if it cannot be read. */
char *child_read_file(const char *path);
bool child_write_file(const char *path, const char *text);

/* A function's definition as it stands in a file's text: from the line that begins with `head` to the
 * first line after it that is a closing brace alone; malloc'ed, NULL if it is not there. */
char *child_cut_function(const char *text, const char *head);

/* `text` with the first `old` replaced; malloc'ed, NULL if `old` is not in it. */
char *child_replace(const char *text, const char *old, const char *new);

#endif
