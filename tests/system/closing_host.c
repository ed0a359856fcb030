/* A program that knows nothing of rtf and closes all descriptors that it has not opened, as daemons do when they begin: "each",
 * "listed", "from" and "range" do so; "call N" is answered by plain(). */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 3, OWN = 70, LIMIT = 1024 };

int plain(int n)
{
	return n + 1;
}

static void close_listed(void)
{
	DIR *d = opendir("/proc/self/fd");

	for (struct dirent *e; (e = readdir(d));)
		if (atoi(e->d_name) >= FIRST && atoi(e->d_name) != dirfd(d))
			close(atoi(e->d_name));
	closedir(d);
}

static void close_all(const char *way)
{
	if (strcmp(way, "each") == 0)
		for (int fd = FIRST; fd < LIMIT; fd++)
			close(fd);
	else if (strcmp(way, "listed") == 0)
		close_listed();
	else if (strcmp(way, "from") == 0)
		closefrom(FIRST);
	else
		close_range(FIRST, ~0U, 0);
}

int main(void)
{
	char line[256];

	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "call ", 5) == 0) {
			printf("%d\n", plain(atoi(line + 5)));
		} else {
			int own = fcntl(STDIN_FILENO, F_DUPFD, OWN);
			close_all(line);
			printf("%s\n", fcntl(own, F_GETFD) < 0 ? "closed" : "left open");
		}
		fflush(stdout);
	}
	return 0;
}
