/* Opens and closes plug-ins on request: "open PATH", "call N", "close", "fork PATH" (a child opens it, calls it with 1 and
 * ends). */
#include "rtf.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *plugin;
static long (*answer)(long);

REALTIMEFUNC int resident(int n)
{
	return n + 1;
}

static int open_plugin(const char *path)
{
	plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void *symbol = plugin ? dlsym(plugin, "plugin_answer") : NULL;
	memcpy(&answer, &symbol, sizeof(answer));
	return answer ? 0 : -1;
}

/* Before main, and before there is a console. */
__attribute__((constructor)) static void open_early(void)
{
	const char *path = getenv("EARLY_PLUGIN");

	if (path)
		open_plugin(path);
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc > 1 && rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "open ", 5) == 0) {
			int failed = open_plugin(line + 5);
			printf("%s\n", failed ? dlerror() : "opened");
		} else if (strncmp(line, "fork ", 5) == 0) {
			fflush(stdout);
			pid_t child = fork();
			if (child == 0)
				_exit(open_plugin(line + 5) ? 255 : (int)answer(1));
			int status;
			waitpid(child, &status, 0);
			printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		} else if (strcmp(line, "close") == 0) {
			printf("%d\n", dlclose(plugin));
		} else {
			printf("%ld\n", answer(resident(atoi(line + 5)) - 1));
		}
		fflush(stdout);
	}
	return 0;
}
