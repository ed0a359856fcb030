#include "forked.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

static bool read_executable(pid_t pid, struct stat *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, out) == 0;
}

static size_t count_in(const char *path, const struct stat *executable)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	size_t count = 0;
	int pid;

	while (file && fscanf(file, "%d", &pid) == 1)
		count += read_executable(pid, &st) && st.st_dev == executable->st_dev &&
			 st.st_ino == executable->st_ino;
	if (file)
		fclose(file);
	return count;
}

size_t forked_count(pid_t program)
{
	char path[64], children[384];
	struct stat executable;
	size_t count = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)program);
	DIR *threads = read_executable(program, &executable) ? opendir(path) : NULL;
	for (struct dirent *thread; threads && (thread = readdir(threads));) {
		snprintf(children, sizeof(children), "%s/%s/children", path, thread->d_name);
		count += count_in(children, &executable);
	}
	if (threads)
		closedir(threads);
	return count;
}
