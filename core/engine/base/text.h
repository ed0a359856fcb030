/* A growing text. Appending never fails loudly: out of memory is remembered and told by text_take. */
#ifndef RTF_TEXT_H
#define RTF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes; /* NUL behind the last byte, or NULL while empty */
	size_t size, room;
	bool failed;
};

void text_append(struct text *, const char *bytes, size_t size);
void text_puts(struct text *, const char *string);
void text_printf(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends on one line: the words of the bytes, with a blank between any two and, unless the text is empty, before the
 * first. */
void text_append_words(struct text *, const char *bytes, size_t size);

/* The bytes, now the caller's (free), the text empty again; NULL if memory ran out. Never NULL for an
 * empty text. */
char *text_take(struct text *);

/* Cuts a UTF-8 string that is longer than `most` bytes (at least 4) off before that, and ends it with three dots. */
void text_cut(char *string, size_t most);
void text_fini(struct text *);

/* A whole file, NUL-terminated, the caller's; NULL and errno on failure. Regular files and pipes alike. */
char *text_read_file(const char *path, size_t *size);

/* All of it, however little is taken at once. False and errno on failure. */
bool text_write_all(int fd, const char *bytes, size_t size);

/* The last part of a path; "" of NULL. Points into it. */
const char *text_base_name(const char *path);

/* Where the `line`th line of a text begins, counted from 1; NULL if it has fewer. */
const char *text_line(const char *text, size_t size, size_t line);

/* Whether a C name may have it in it. */
bool text_is_word(char);

/* Back from `at` over blanks and newlines, to the first byte of `text` at most. */
const char *text_skip_back(const char *text, const char *at);

/* Where a C name stands next as a word of its own, from `from` on in a text that ends at `end`; NULL: nowhere. */
const char *text_find_word(const char *text, const char *end, const char *from, const char *name);

/* Whether a text of lines, each with its newline, has this one. */
bool text_has_line(const struct text *, const char *line, size_t length);

/* Whether `file` is the path, or the end of it after a slash. */
bool text_path_is(const char *path, const char *file);

/* `name`, seen from `directory`, as one path of at most PATH_MAX bytes; false if it is longer. */
bool text_join_path(const char *directory, const char *name, char *path);

/* Whether `name`, seen from `directory`, names the file `wanted`, an absolute path. */
bool text_names_file(const char *directory, const char *name, const char *wanted);

/* What makes a noun's plural, behind so many. */
static inline const char *text_s(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* 64-bit FNV-1a, to be continued from an earlier result; begin with TEXT_HASH_SEED. */
#define TEXT_HASH_SEED UINT64_C(14695981039346656037)
static inline uint64_t text_hash(uint64_t seed, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ p[i]) * UINT64_C(1099511628211);
	return seed;
}

/* Edits from one word to the other, for near misses: a byte more, less or another, or two neighbours in each other's place;
 * SIZE_MAX if one is long. */
size_t text_distance(const char *a, const char *b);

/* Whether the edits from `word` to `other` are fewer than `distance`, and leave something of it: they are `distance` then. */
bool text_is_nearer(const char *word, const char *other, size_t *distance);

#endif
