/* Reads a preprocessed file as the engine does when it first meets a source: reads FILE [TIMES]
 *
 * Prints the processor time of each reading, in microseconds. */
#include "index.h"
#include "indexer.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	size_t size = 0;
	char *text = argc > 1 ? text_read_file(argv[1], &size) : NULL;
	int times = argc > 2 ? atoi(argv[2]) : 1;

	if (!text)
		return 2;
	for (int i = 0; i < times; i++) {
		struct index *index;
		char *copy = malloc(size + 1);
		if (!copy)
			return 1;
		memcpy(copy, text, size + 1);
		double begin = clock_us();
		struct error *e = indexer_read_text(argv[1], copy, size, NULL, 0, &index);
		if (e)
			return 1;
		printf("%.1f\n", clock_us() - begin);
		index_free(index);
	}
	free(text);
	return 0;
}
