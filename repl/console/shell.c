#include "shell.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const int keys[] = {SIGINT, SIGQUIT, SIGTSTP};
enum { KEYS = sizeof(keys) / sizeof(*keys) };

/* Those that were typed meanwhile and that a signalfd of ours would still tell of. */
static void drop_keys(const sigset_t *set)
{
	const struct timespec now = {0};

	while (sigtimedwait(set, NULL, &now) > 0)
		;
}

static int wait_for(pid_t pid, int *status)
{
	for (;;) {
		if (waitpid(pid, status, WUNTRACED) < 0) {
			if (errno != EINTR)
				return errno;
		} else if (WIFSTOPPED(*status)) {
			raise(SIGSTOP);
			kill(pid, SIGCONT); /* whoever continues us may not mean the whole group */
		} else {
			return 0;
		}
	}
}

int shell_run(const char *command, char *argument, int input, int *status)
{
	char *const argv[] = {"sh", "-c", (char *)command, "sh", argument, NULL};
	struct sigaction ignored = {.sa_handler = SIG_IGN}, before[KEYS];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t set, none, mask;
	pid_t pid;

	sigemptyset(&set);
	sigemptyset(&none);
	for (size_t i = 0; i < KEYS; i++)
		sigaddset(&set, keys[i]);
	sigprocmask(SIG_BLOCK, &set, &mask);
	for (size_t i = 0; i < 2; i++)
		sigaction(keys[i], &ignored, &before[i]);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&files);
	if (input >= 0)
		posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	int failed = posix_spawnp(&pid, "sh", &files, &attributes, argv, environ);
	if (!failed)
		failed = wait_for(pid, status);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	for (size_t i = 0; i < 2; i++)
		sigaction(keys[i], &before[i], NULL);
	drop_keys(&set);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return failed;
}
