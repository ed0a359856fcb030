#include "folders.h"
#include "text.h"

#include <string.h>

char *folders_read(const char *verbose)
{
	const char *at = strstr(verbose, "#include \"...\" search starts here");
	const char *end = at ? strstr(at, "End of search list") : NULL;
	struct text out = {0};
	char kind = '"';

	for (; end && at && at < end; at = strchr(at, '\n'), at += at != NULL) {
		if (strncmp(at, "#include <", 10) == 0)
			kind = '<';
		if (*at == ' ')
			text_printf(&out, "%c%.*s\n", kind, (int)strcspn(at + 1, "\n"), at + 1);
	}
	return out.size ? text_take(&out) : NULL;
}

void folders_each(const char *folders, bool quoted,
		  void (*each)(void *context, const char *folder, size_t length), void *context)
{
	for (const char *at = folders; at && *at; at = strchr(at, '\n') + 1)
		if (quoted || *at == '<')
			each(context, at + 1, strcspn(at + 1, "\n"));
}
