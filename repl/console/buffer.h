/* Bytes that arrive piece by piece and are taken line by line.
 *
 * What has arrived and was not taken is data[begin, end). The owner of the struct frees `data`. */
#ifndef RTF_BUFFER_H
#define RTF_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t begin, end, capacity;
	size_t scanned; /* no newline in [begin, scanned) */
};

void buffer_compact(struct buffer *); /* moves what is there to the front */

/* Makes room for `more` bytes at `end`. False if there is no memory: all is then as it was. */
bool buffer_reserve(struct buffer *, size_t more);

#endif
