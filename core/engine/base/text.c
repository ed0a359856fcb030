#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool reserve(struct text *t, size_t more)
{
	if (t->failed || more > SIZE_MAX / 4 - t->size) {
		t->failed = true;
		return false;
	}
	size_t need = t->size + more + 1;
	if (need <= t->room)
		return true;
	size_t room = t->room ? t->room : 256;
	while (room < need)
		room *= 2;
	char *bytes = realloc(t->bytes, room);
	if (!bytes) {
		t->failed = true;
		return false;
	}
	t->bytes = bytes;
	t->room = room;
	return true;
}

void text_append(struct text *t, const char *bytes, size_t size)
{
	if (!reserve(t, size))
		return;
	if (size)
		memcpy(t->bytes + t->size, bytes, size);
	t->size += size;
	t->bytes[t->size] = '\0';
}

void text_puts(struct text *t, const char *string)
{
	text_append(t, string, strlen(string));
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	/* Most fit into what there is. */
	size_t room = t->bytes && !t->failed ? t->room - t->size : 0;
	int n = vsnprintf(room ? t->bytes + t->size : NULL, room, format, again);
	va_end(again);
	if (n < 0)
		t->failed = true;
	else if ((size_t)n >= room && reserve(t, (size_t)n))
		vsnprintf(t->bytes + t->size, (size_t)n + 1, format, args);
	if (n >= 0 && !t->failed)
		t->size += (size_t)n;
	va_end(args);
}

void text_append_words(struct text *t, const char *bytes, size_t size)
{
	static const char space[] = " \t\r\n\f\v";
	bool between = true;

	for (size_t i = 0; i < size; i++) {
		if (memchr(space, bytes[i], sizeof(space))) {
			between = true;
			continue;
		}
		if (between && t->size)
			text_puts(t, " ");
		between = false;
		text_append(t, bytes + i, 1);
	}
}

void text_cut(char *string, size_t most)
{
	if (strlen(string) <= most)
		return;
	most -= 3;
	while (most && ((unsigned char)string[most] & 0xc0) == 0x80)
		most--;
	memcpy(string + most, "...", 4);
}

char *text_take(struct text *t)
{
	text_append(t, "", 0);
	char *bytes = t->bytes;
	if (t->failed) {
		free(bytes);
		bytes = NULL;
	}
	*t = (struct text){0};
	return bytes;
}

void text_fini(struct text *t)
{
	free(t->bytes);
	*t = (struct text){0};
}

/* Room for what a regular file says that it holds, and for the read that finds its end: a large one is not copied again and
 * again while it grows. Without a size, a pipe's or procfs', room for some. */
static bool reserve_file(struct text *t, int fd)
{
	struct stat st;
	bool sized = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;

	if (!sized)
		return reserve(t, 65536);
	t->bytes = (uint64_t)st.st_size < SIZE_MAX / 4 ? malloc((size_t)st.st_size + 2) : NULL;
	t->room = t->bytes ? (size_t)st.st_size + 2 : 0;
	t->failed = !t->bytes;
	return t->bytes;
}

char *text_read_file(const char *path, size_t *size)
{
	struct text t = {0};
	ssize_t n = 0;

	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	for (bool more = reserve_file(&t, fd); more; more = n != 0 && reserve(&t, 1)) {
		n = read(fd, t.bytes + t.size, t.room - t.size - 1);
		if (n < 0 && errno != EINTR)
			break;
		t.size += n > 0 ? (size_t)n : 0;
	}
	int saved = errno;
	close(fd);
	if (n < 0 || t.failed) {
		text_fini(&t);
		errno = n < 0 ? saved : ENOMEM;
		return NULL;
	}
	*size = t.size;
	return text_take(&t);
}

bool text_write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

const char *text_base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

bool text_join_path(const char *directory, const char *name, char *path)
{
	bool absolute = *name == '/';

	return snprintf(path, PATH_MAX, "%s%s%s", absolute ? "" : directory, absolute ? "" : "/", name) <
	       PATH_MAX;
}

bool text_names_file(const char *directory, const char *name, const char *wanted)
{
	char joined[PATH_MAX], real[PATH_MAX], real_wanted[PATH_MAX];

	if (!text_join_path(directory, name, joined))
		return false;
	if (strcmp(joined, wanted) == 0)
		return true;
	return realpath(joined, real) && realpath(wanted, real_wanted) && strcmp(real, real_wanted) == 0;
}

const char *text_line(const char *text, size_t size, size_t line)
{
	const char *end = text + size;

	while (--line && (text = memchr(text, '\n', (size_t)(end - text))))
		text++;
	return text;
}

const char *text_skip_back(const char *text, const char *at)
{
	while (at > text && strchr(" \t\r\n", at[-1]))
		at--;
	return at;
}

bool text_is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

const char *text_find_word(const char *text, const char *end, const char *from, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = from; length && (at = memmem(at, (size_t)(end - at), name, length));
	     at += length)
		if ((at == text || !text_is_word(at[-1])) &&
		    (at + length == end || !text_is_word(at[length])))
			return at;
	return NULL;
}

bool text_has_line(const struct text *lines, const char *line, size_t length)
{
	for (const char *at = lines->bytes; at && *at; at = strchr(at, '\n') + 1)
		if (strcspn(at, "\n") == length && memcmp(at, line, length) == 0)
			return true;
	return false;
}

bool text_path_is(const char *path, const char *file)
{
	size_t n = path ? strlen(path) : 0, m = strlen(file);

	return n >= m && strcmp(path + n - m, file) == 0 &&
	       (n == m || path[n - m - 1] == '/' || *file == '/');
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
	size_t n = strlen(b), rows[3][64] = {0};
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	if (n >= 63 || strlen(a) >= 63)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] =
				least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[n];
}

bool text_is_nearer(const char *word, const char *other, size_t *distance)
{
	size_t d = text_distance(word, other);

	if (d >= *distance || d >= strlen(word))
		return false;
	*distance = d;
	return true;
}
