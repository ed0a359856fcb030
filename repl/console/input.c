#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct error *input_open(struct input *in, const char *file)
{
	bool standard = strcmp(file, "-") == 0;
	struct stat st;
	int failed = 0;

	*in = (struct input){.fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)};
	if (in->fd < 0 || fstat(in->fd, &st) < 0)
		failed = errno;
	else if (S_ISDIR(st.st_mode))
		failed = EISDIR;
	if (!failed)
		return NULL;
	input_fini(in);
	in->fd = -1;
	return error_new(ERROR_USAGE, "cannot read %s: %s", file, strerror(failed));
}

void input_fini(struct input *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	free(in->buffer.data);
}

bool input_fill(struct input *in)
{
	struct buffer *b = &in->buffer;

	if (in->fd < 0 || in->ended)
		return false;
	buffer_compact(b);
	ssize_t n = -1;
	if (b->end < INPUT_MAX && buffer_reserve(b, 65536))
		n = read(in->fd, b->data + b->end, 65536);
	if (n < 0 && (errno == EINTR || errno == EAGAIN) && b->end < INPUT_MAX)
		return true;
	if (n < 0)
		in->failed = b->end < INPUT_MAX ? errno : E2BIG;
	in->ended = n <= 0;
	b->end += n > 0 ? (size_t)n : 0;
	return n > 0;
}

struct error *input_error(const struct input *in)
{
	if (!in->failed)
		return NULL;
	return error_new(ERROR_USAGE, "cannot read any further: %s",
			 in->failed == E2BIG ? "a line too long" : strerror(in->failed));
}

/* Where the line that begins at `from` ends; false if that is not known yet. */
static bool line_end(struct input *in, size_t from, size_t *end)
{
	struct buffer *b = &in->buffer;
	size_t scanned = from > b->scanned ? from : b->scanned;
	const char *newline = scanned < b->end ? memchr(b->data + scanned, '\n', b->end - scanned) : NULL;

	if (newline) {
		*end = (size_t)(newline - b->data);
		return true;
	}
	if (from == b->begin)
		b->scanned = b->end;
	*end = b->end;
	return (in->ended || in->fd < 0) && from < b->end;
}

static size_t line_length(const char *text, size_t size)
{
	return size && text[size - 1] == '\r' ? size - 1 : size;
}

bool input_take(struct input *in, const char **text, size_t *size)
{
	struct buffer *b = &in->buffer;
	size_t end;

	if (b->begin >= b->end || !line_end(in, b->begin, &end))
		return false;
	if (!in->begun && in->fd >= 0 && end - b->begin >= 3 &&
	    memcmp(b->data + b->begin, "\xef\xbb\xbf", 3) == 0)
		b->begin += 3; /* a byte order mark */
	in->begun = true;
	*text = b->data + b->begin;
	*size = line_length(*text, end - b->begin);
	b->begin = end < b->end ? end + 1 : end;
	b->scanned = b->begin;
	return true;
}

static bool is_ready(const struct input *in)
{
	struct pollfd fd = {.fd = in->fd, .events = POLLIN};

	return in->fd >= 0 && !in->ended && poll(&fd, 1, 0) > 0;
}

bool input_peek(struct input *in, const char **text, size_t *size)
{
	struct buffer *b = &in->buffer;

	for (size_t from = b->begin;;) {
		size_t end;
		if (from < b->end && line_end(in, from, &end)) {
			*text = b->data + from;
			*size = line_length(*text, end - from);
			if (strspn(*text, " \t\f\v\r") < *size)
				return true;
			from = end < b->end ? end + 1 : end;
			continue;
		}
		if (!is_ready(in))
			return false;
		from -= b->begin; /* reading moves what is left to the front */
		input_fill(in);
	}
}

struct error *input_slurp(struct input *in)
{
	while (input_fill(in))
		;
	return input_error(in);
}

void input_rewind(struct input *in)
{
	in->begun = false;
	in->buffer.begin = in->buffer.scanned = 0;
}
