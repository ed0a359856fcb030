#include "call.h"
#include "lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error *call_version(const struct call *c, const char *word, struct call_version *out)
{
	size_t digits = strncmp(word, "0.", 2) == 0 ? strspn(word + 2, "0123456789abcdef") : 0;
	const char *own = target_build_id(live_target(c->live));

	*out = (struct call_version){0};
	if (!digits || word[2 + digits] || digits >= sizeof(out->build))
		return call_number(word, &out->number);
	if (strncmp(own, word + 2, digits) != 0)
		snprintf(out->build, sizeof(out->build), "%s", word + 2);
	return NULL;
}

struct error *call_find_any(const struct call *c, const char *word, struct live_function **f,
			    struct call_version *v)
{
	char name[512];
	const char *at = strrchr(word, '@');

	*v = (struct call_version){.number = -1};
	if (at) {
		struct error *e = call_version(c, at + 1, v);
		if (e) {
			error_free(e);
			return error_new(ERROR_USAGE, "%s: a version is a number, as in NAME@2", word);
		}
	}
	snprintf(name, sizeof(name), "%.*s", at ? (int)(at - word) : (int)strlen(word), word);
	return lookup_find(c->live, name, c->state->file, f);
}

/* `NAME`, `NAME@N`, `file.c:NAME@N`; *number is -1 without `@N`. */
struct error *call_find_version(const struct call *c, const char *word, struct live_function **f, int *number)
{
	struct call_version v;
	struct error *e = call_find_any(c, word, f, &v);

	*number = v.number;
	if (!e && *v.build)
		e = error_new(ERROR_USAGE,
			      "%s: that is another build's; \\source, \\diff and \\rollback take it", word);
	return e;
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
