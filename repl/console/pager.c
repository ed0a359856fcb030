#include "pager.h"
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

bool pager_is_longer(const char *text, size_t size, unsigned rows, unsigned columns)
{
	size_t lines = 1, column = 0;

	for (size_t i = 0; i < size && lines < rows + 1; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\033') { /* a colour takes no room */
			while (i + 1 < size && text[i] != 'm')
				i++;
		} else if (c == '\n') {
			lines += i + 1 < size;
			column = 0;
		} else if (c == '\t') {
			column = (column | 7) + 1;
		} else if ((c & 0xc0) != 0x80) {
			column++;
		}
		if (columns && column > columns) {
			lines++;
			column -= columns;
		}
	}
	return lines >= rows;
}

/* The text as a file of no name, at its beginning; -1 on failure. */
static int as_file(const char *text, size_t size)
{
	int fd = memfd_create("rtf-pager", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);
		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

bool pager_show(const char *text, size_t size)
{
	const char *pager = getenv("PAGER");
	struct winsize screen;
	int status = 0;

	if ((pager && !*pager) || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &screen) || !screen.ws_row ||
	    !pager_is_longer(text, size, screen.ws_row, screen.ws_col))
		return false;
	int fd = as_file(text, size);
	if (fd < 0)
		return false;
	fflush(stdout);
	int failed = shell_run(pager ? pager : "command -v less >/dev/null || exit 127; exec less -FRX", NULL,
			       fd, &status);
	close(fd);
	/* What a shell says of a command that it cannot run. */
	return !failed && !(WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127));
}
