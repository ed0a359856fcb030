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

/* What comes by a pipe are commands for us. */
static struct error *run_editor(const char *command, char *path, bool terminal)
{
	int nothing = terminal ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC), status;
	int failed = shell_run(command, path, nothing, &status);

	if (nothing >= 0)
		close(nothing);
	if (failed)
		return error_errno(failed, "cannot start a shell for the editor");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return NULL;
	return terminal
		       ? error_new(ERROR_USAGE, "the editor failed: nothing was changed")
		       : error_new(ERROR_USAGE,
				   "the editor failed: nothing was changed; it has no terminal here, where "
				   "EDITOR is to be a command that changes the file by itself, as sed -i is");
}

/* Words of a shell, or NULL: there is none that could be used here. */
static const char *find_editor(bool terminal)
{
	const char *editor = getenv("VISUAL");

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (editor && *editor)
		return editor;
	return terminal ? "vi" : NULL;
}

struct error *editor_run(const char *text, unsigned line, char **out)
{
	const char *folder = getenv("TMPDIR");
	char *path = NULL, *command = NULL, at[24] = "";
	struct error *e = NULL;
	bool terminal = isatty(STDIN_FILENO);

	const char *editor = find_editor(terminal);
	if (!editor)
		return error_new(
			ERROR_USAGE,
			"\\edit would open vi, which needs a terminal: set EDITOR to a command that "
			"changes the file by itself, as sed -i does, or give the new definition after "
			"\\source NAME");
	if (line)
		snprintf(at, sizeof(at), "+%u", line);
	if (asprintf(&path, "%s/rtf-XXXXXX.c", folder && *folder ? folder : "/tmp") < 0)
		path = NULL;
	if (asprintf(&command, "%s %s \"$1\"", editor, at) < 0)
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
		e = run_editor(command, path, terminal);
	if (!e)
		e = read_file(path, out);
	if (fd >= 0)
		unlink(path);
	free(path);
	free(command);
	return e;
}
