#include "kept.h"
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUCKETS = 1024 };

struct kept {
	struct kept_file *buckets[BUCKETS];
};

struct kept *kept_new(void)
{
	return calloc(1, sizeof(struct kept));
}

static void file_free(struct kept_file *f)
{
	free(f->path);
	free(f->bytes);
	free(f);
}

void kept_free(struct kept *k)
{
	for (size_t i = 0; k && i < BUCKETS; i++)
		for (struct kept_file *f = k->buckets[i], *next; f; f = next) {
			next = f->next;
			file_free(f);
		}
	free(k);
}

static size_t bucket_of(const char *path)
{
	return (size_t)(text_hash(TEXT_HASH_SEED, path, strlen(path)) % BUCKETS);
}

struct kept_file *kept_find(const struct kept *k, const char *path)
{
	struct kept_file *f = k->buckets[bucket_of(path)];

	while (f && (f->forgotten || f->absent || strcmp(f->path, path) != 0))
		f = f->next;
	return f;
}

static bool is_absent(const struct kept *k, const char *path)
{
	const struct kept_file *f = k->buckets[bucket_of(path)];

	while (f && (!f->absent || f->forgotten || strcmp(f->path, path) != 0))
		f = f->next;
	return f;
}

size_t kept_line(struct kept_file *f, unsigned line)
{
	if (!f->line || line < f->line) {
		f->line = 1;
		f->line_begin = 0;
	}
	for (; f->line < line && f->line_begin < f->size; f->line++) {
		const char *newline = memchr(f->bytes + f->line_begin, '\n', f->size - f->line_begin);
		f->line_begin = newline ? (size_t)(newline - f->bytes) + 1 : f->size;
	}
	return f->line_begin;
}

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_size == b->st_size && a->st_ino == b->st_ino;
}

/* Bytes and time of one moment. */
static char *read_state(const char *path, struct stat *st, size_t *size)
{
	for (int tries = 0; tries < 4; tries++) {
		struct stat after;
		char *bytes = stat(path, st) == 0 && S_ISREG(st->st_mode) ? text_read_file(path, size) : NULL;
		if (!bytes || (stat(path, &after) == 0 && same_state(st, &after)))
			return bytes;
		free(bytes);
	}
	return NULL;
}

struct kept_file *kept_read(const char *path)
{
	struct kept_file *f = calloc(1, sizeof(*f));
	struct stat st;

	if (!f)
		return NULL;
	f->path = strdup(path);
	f->bytes = read_state(path, &st, &f->size);
	if (f->path && f->bytes && f->size && f->size < UINT32_MAX / 2 && !memchr(f->bytes, 0, f->size)) {
		f->modified = f->saved = st.st_mtim;
		f->changed = st.st_ctim;
		f->inode = st.st_ino;
		return f;
	}
	file_free(f);
	return NULL;
}

/* That there is none is remembered too: for a header, many sources look in the same folders. */
static struct kept_file *make_absent(const char *path)
{
	struct kept_file *f = calloc(1, sizeof(*f));

	if (f)
		f->path = strdup(path);
	if (!f || !f->path) {
		free(f);
		return NULL;
	}
	f->absent = true;
	return f;
}

void kept_add(struct kept *k, const char *path)
{
	struct kept_file **bucket = &k->buckets[bucket_of(path)], *f = kept_find(k, path);

	if (!f && !is_absent(k, path) && ((f = kept_read(path)) || (f = make_absent(path)))) {
		f->next = *bucket;
		*bucket = f;
	}
}

void kept_replace(struct kept_file *f, struct kept_file *fresh)
{
	char *bytes = f->bytes;

	f->bytes = fresh->bytes;
	fresh->bytes = bytes;
	f->size = fresh->size;
	f->saved = fresh->saved;
	f->changed = fresh->changed;
	f->inode = fresh->inode;
	f->line = 0;
	file_free(fresh);
}

void kept_drop(struct kept_file *f)
{
	if (f)
		file_free(f);
}

bool kept_is_current(const struct kept_file *f)
{
	struct stat st;
	size_t size;

	if (stat(f->path, &st) == 0 && st.st_mtim.tv_sec == f->saved.tv_sec &&
	    st.st_mtim.tv_nsec == f->saved.tv_nsec && (size_t)st.st_size == f->size &&
	    st.st_ino == f->inode && st.st_ctim.tv_sec == f->changed.tv_sec &&
	    st.st_ctim.tv_nsec == f->changed.tv_nsec)
		return true;
	char *now = text_read_file(f->path, &size);
	bool same = now && size == f->size && memcmp(now, f->bytes, size) == 0;

	free(now);
	return same;
}

void kept_each(const struct kept *k, void (*each)(void *context, const struct kept_file *), void *context)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct kept_file *f = k->buckets[i]; f; f = f->next)
			if (!f->forgotten && !f->absent)
				each(context, f);
}

void kept_take(struct kept_file *f)
{
	f->users++;
}

static void drop_unused(struct kept *k, size_t bucket)
{
	for (struct kept_file **at = &k->buckets[bucket]; *at;) {
		struct kept_file *f = *at;
		if (f->users || !f->forgotten) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		file_free(f);
	}
}

void kept_release(struct kept *k, struct kept_file *f)
{
	if (!f)
		return;
	f->users--;
	drop_unused(k, bucket_of(f->path));
}

void kept_forget_file(struct kept *k, struct kept_file *f)
{
	f->forgotten = true;
	drop_unused(k, bucket_of(f->path));
}

void kept_forget(struct kept *k)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct kept_file *f = k->buckets[i]; f; f = f->next)
			f->forgotten = true;
		drop_unused(k, i);
	}
}
