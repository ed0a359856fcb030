#include "last.h"
#include "console.h"
#include "kernel.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_LOOK_MS = 25, LAST_LOOK_MS = 200 };

static struct {
	pthread_key_t
		key; /* the main thread's: its destructor is called by pthread_exit() and not by exit() */
	pthread_once_t once;
	bool made;
	bool ended;  /* atomic: the main thread */
	int look_ms; /* the agent's alone */
	bool over;   /* the program's end has begun; the agent's alone */
} last = {.once = PTHREAD_ONCE_INIT, .look_ms = FIRST_LOOK_MS};

static void main_ends(void *unused)
{
	(void)unused;
	__atomic_store_n(&last.ended, true, __ATOMIC_RELEASE);
	console_wake_current();
}

static void make_key(void)
{
	last.made = pthread_key_create(&last.key, main_ends) == 0;
}

void last_expect(void)
{
	if (thread_id() != getpid())
		return;
	pthread_once(&last.once, make_key);
	if (last.made)
		pthread_setspecific(last.key, &last);
}

void last_forget(void)
{
	__atomic_store_n(&last.ended, false, __ATOMIC_RELAXED);
}

int last_patience(void)
{
	return __atomic_load_n(&last.ended, __ATOMIC_ACQUIRE) && !last.over ? last.look_ms : -1;
}

/* /proc/self/task/ID/stat: "4711 (name) S …" */
static bool is_another(const char *id)
{
	char path[64], stat[256];

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", id);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, stat, sizeof(stat) - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (size <= 0)
		return false; /* it has ended since */
	stat[size] = '\0';
	const char *name = strchr(stat, '('), *behind = strrchr(stat, ')');
	bool ended = behind && behind[1] && strchr("ZX", behind[2]);
	return !ended && !(name && behind && message_is_agents(name + 1, (size_t)(behind - name - 1)));
}

/* True also if that cannot be known. */
static bool is_another_left(void)
{
	DIR *threads = opendir("/proc/self/task");
	bool any = !threads;
	struct dirent *entry;

	while (!any && (entry = readdir(threads)))
		any = *entry->d_name != '.' && is_another(entry->d_name);
	if (threads)
		closedir(threads);
	return any;
}

/* On a stack of the usual size and with no signal blocked, as whatever the program has registered expects it. */
static void *end_program(void *unused)
{
	sigset_t none;

	(void)unused;
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	exit(0);
}

void last_look(void)
{
	pthread_t thread;

	if (last_patience() < 0)
		return;
	if (is_another_left()) {
		if (last.look_ms < LAST_LOOK_MS)
			last.look_ms *= 2;
		return;
	}
	last.over = pthread_create(&thread, NULL, end_program, NULL) == 0;
	if (last.over)
		pthread_detach(thread);
}
