#include "call.h"
#include "lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `NAME`, `NAME@N`, `file.c:NAME@N`; *number is -1 without `@N`. */
struct error *call_find_version(const struct call *c, const char *word, struct live_function **f, int *number)
{
	char name[512];
	const char *at = strrchr(word, '@');

	*number = -1;
	if (at) {
		char *end;
		long n = strtol(at + 1, &end, 10);
		if (end == at + 1 || *end || n < 0 || n > 1000000000)
			return error_new(ERROR_USAGE, "%s: a version is a number, as in NAME@2", word);
		*number = (int)n;
	}
	snprintf(name, sizeof(name), "%.*s", at ? (int)(at - word) : (int)strlen(word), word);
	return lookup_find(c->live, name, c->state->file, f);
}

struct error *call_number(const char *word, int *number)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (end == word || *end || n < 0 || n > 1000000000)
		return error_new(ERROR_USAGE, "%s is not a version number", word);
	*number = (int)n;
	return NULL;
}
