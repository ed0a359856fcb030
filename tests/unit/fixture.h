/* For the unit tests of the engine's reading side: source text indexed as the engine does it, by way of a
 * file and the preprocessor. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "index.h"
#include "indexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fixture_directory[] = "/tmp/rtf-unit-XXXXXX";
static char fixture_path[64]; /* of the source */

static inline void fixture_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* A directory for this test program, with a.c in it to come. */
static inline int fixture_open(void **state)
{
	(void)state;
	if (!mkdtemp(fixture_directory))
		return -1;
	snprintf(fixture_path, sizeof(fixture_path), "%s/a.c", fixture_directory);
	return 0;
}

static inline int fixture_close(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", fixture_directory);
	int failed = system(command);
	memcpy(fixture_directory + strlen(fixture_directory) - 6, "XXXXXX", 6); /* for the next */
	return failed;
}

/* The index of `source`, preprocessed by `compiler` with up to two more flags. Ends the program if that
 * fails. */
static inline struct index *fixture_index_with(const char *source, const char *compiler, const char *flag1,
					       const char *flag2)
{
	char *argv[] = {(char *)compiler, (char *)flag1, (char *)flag2, NULL};
	struct flags flags = {.argv = argv, .directory = fixture_directory, .origin = "the test"};
	struct index *ix;

	fixture_write(fixture_path, source);
	struct error *e = indexer_read_file(fixture_path, &flags, &ix);
	if (e) {
		fprintf(stderr, "%s\n", error_message(e));
		abort();
	}
	return ix;
}

static inline struct index *fixture_index(const char *source)
{
	return fixture_index_with(source, "gcc", NULL, NULL);
}

#endif
