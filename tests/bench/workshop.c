#include "workshop.h"

#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct options options = {.rounds = 50, .slow_rounds = 3, .versions = 5000};
const char *build_folder, *real_folder;
char *scratch;

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	workshop_close();
	exit(1); /* what was started dies with us */
}

char *text(const char *format, ...)
{
	va_list arguments;
	char *result;

	va_start(arguments, format);
	if (vasprintf(&result, format, arguments) < 0)
		die("no memory");
	va_end(arguments);
	return result;
}

void workshop_open(void)
{
	build_folder = getenv("RTF_BUILD") ? getenv("RTF_BUILD") : "build";
	real_folder = getenv("RTF_REAL") ? getenv("RTF_REAL") : "build/real";
	scratch = child_directory_new();
	char *engine = text("%s/rtf-engine", build_folder), *absolute = realpath(engine, NULL);
	if (!scratch || !absolute)
		die("no %s; run from the top of the source tree, after make", engine);
	setenv("RTF_ENGINE", absolute, 1);
	setenv("XDG_STATE_HOME", scratch, 1);
	unsetenv("RTF_HISTORY");
	unsetenv("RTF_SOCKET");
	free(absolute);
	free(engine);
}

void workshop_close(void)
{
	child_directory_remove(scratch);
	scratch = NULL;
}

double clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

double cpu_us(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		die("process %d has no clock", (int)pid);
	return used.tv_sec * 1e6 + used.tv_nsec / 1e3;
}

char *read_proc(pid_t pid, const char *name)
{
	char *path = text("/proc/%d/%s", (int)pid, name), *content = NULL;
	FILE *file = fopen(path, "re");
	size_t room = 0;

	if (!file || getdelim(&content, &room, '\0', file) < 0)
		die("cannot read %s", path);
	fclose(file);
	free(path);
	return content;
}

/* The sum of lines of /proc/PID/smaps_rollup, given in kB. */
static double rollup(pid_t pid, const char *const *labels)
{
	char *content = read_proc(pid, "smaps_rollup");
	double kilobytes = 0;

	for (; *labels; labels++) {
		const char *line = strstr(content, *labels);
		if (line)
			kilobytes += strtod(line + strlen(*labels), NULL);
	}
	free(content);
	return kilobytes * 1024;
}

void await_idle(pid_t pid)
{
	enum { IDLE_MS = 300, IDLE_ROUNDS = 200 };
	double before = -1;

	for (int i = 0; i < IDLE_ROUNDS; i++) {
		double now = cpu_us(pid);
		if (now - before < 1000)
			return;
		before = now;
		poll(NULL, 0, IDLE_MS);
	}
	die("process %d is never idle", (int)pid);
}

double resident_bytes(pid_t pid)
{
	return rollup(pid, (const char *const[]){"\nRss:", NULL});
}

double private_bytes(pid_t pid)
{
	return rollup(pid, (const char *const[]){"\nPrivate_Clean:", "\nPrivate_Dirty:", NULL});
}

char *run_command(const char *command)
{
	char *output = NULL;

	if (child_run((const char *const[]){"sh", "-c", command, NULL}, NULL, DEADLINE_MS, &output))
		die("%s\n%s", command, output);
	return output;
}
