/* What every part of the benchmark stands on: its folders, its options, its clocks. One thread.
 *
 * A benchmark that meets what it did not expect says so and ends; what it started ends with it. */
#ifndef BENCH_WORKSHOP_H
#define BENCH_WORKSHOP_H

#include "../real/child.h"

#include <stdbool.h>
#include <sys/types.h>

enum { DEADLINE_MS = 180000, STOP_MS = 10000 };

struct options {
	int rounds;      /* of what takes milliseconds */
	int slow_rounds; /* of what takes seconds */
	int versions;    /* how far the history of one function grows */
	bool json;
	const char *limits; /* a file of limits to hold the rows against, or NULL */
};

extern struct options options;
extern const char *build_folder, *real_folder;
extern char *scratch; /* a directory of our own, gone at the end */

void workshop_open(void);
void workshop_close(void);

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A formatted string, the caller's. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

double clock_us(void);

/* Time that all threads of a process have had on processors, ended ones included: little disturbed by others. */
double cpu_us(pid_t);

/* Until the process has had no processor for a while. */
void await_idle(pid_t);

/* Resident bytes of a process; and those of it that no other process shares. */
double resident_bytes(pid_t);
double private_bytes(pid_t);

/* A file of /proc, whose size nobody knows before; the caller's. */
char *read_proc(pid_t, const char *name);

/* Runs a command to its end; ends the benchmark with its output if it fails. The output is the caller's. */
char *run_command(const char *command);

#endif
