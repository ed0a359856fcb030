#include "editor.h"
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct error *write_file(int fd, const char *path, const char *text)
{
	FILE *file = fdopen(fd, "w");
	size_t size = strlen(text);

	if (!file) {
		close(fd);
		return error_errno(errno, "cannot write %s", path);
	}
	bool whole = fwrite(text, 1, size, file) == size &&
		     (!size || text[size - 1] == '\n' || fputc('\n', file) == '\n');
	if (fclose(file) || !whole)
		return error_errno(errno, "cannot write %s", path);
	return NULL;
}

static struct error *read_file(const char *path, char **out)
{
	FILE *file = fopen(path, "r");
	size_t size = 0;
	char *text = NULL;

	if (!file)
		return error_errno(errno, "cannot read %s", path);
	ssize_t n = getdelim(&text, &size, '\0', file);
	fclose(file);
	if (n < 0) {
		free(text);
		text = strdup("");
	}
	*out = text;
	return text ? NULL : error_memory();
}

static struct error *run_editor(const char *command, char *path)
{
	int status;
	int failed = shell_run(command, path, -1, &status);

	if (failed)
		return error_errno(failed, "cannot start a shell for the editor");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_new(ERROR_USAGE, "the editor failed: nothing was changed");
	return NULL;
}

struct error *editor_run(const char *text, unsigned line, char **out)
{
	const char *folder = getenv("TMPDIR");
	char *path = NULL, *command = NULL, at[24] = "";
	struct error *e = NULL;

	if (line)
		snprintf(at, sizeof(at), "+%u", line);
	if (asprintf(&path, "%s/rtf-XXXXXX.c", folder && *folder ? folder : "/tmp") < 0)
		path = NULL;
	const char *editor = getenv("VISUAL");
	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (asprintf(&command, "%s %s \"$1\"", editor && *editor ? editor : "vi", at) < 0)
		command = NULL;
	int fd = path && command ? mkostemps(path, 2, O_CLOEXEC) : -1;
	if (!path || !command)
		e = error_memory();
	else if (fd < 0)
		e = error_errno(errno, "cannot make a file for the editor in %s",
				folder && *folder ? folder : "/tmp");
	if (!e)
		e = write_file(fd, path, text);
	if (!e)
		e = run_editor(command, path);
	if (!e)
		e = read_file(path, out);
	if (fd >= 0)
		unlink(path);
	free(path);
	free(command);
	return e;
}
