#include "substitution.h"
#include "run.h"
#include "text.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SUBSTITUTION_SECONDS = 5 };

const char *substitution_end(const char *p)
{
	unsigned depth = 0;

	if (*p == '`') {
		for (p++; *p && *p != '`'; p++)
			p += *p == '\\' && p[1];
		return *p ? p + 1 : NULL;
	}
	if (strncmp(p, "$(", 2) != 0)
		return NULL;
	for (p++; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && !--depth)
			return p + 1;
	}
	return NULL;
}

/* automake has `test -f 'a.c' || echo './'` in each of its commands: a shell for each would take its time. NULL: it is another. */
static char *test_file(const char *p, const char *end, const char *directory)
{
	char file[512], prefix[512], path[PATH_MAX];
	int length = 0;

	if (sscanf(p, "`test -f '%511[^']' || echo '%511[^']'`%n", file, prefix, &length) != 2 ||
	    length != end - p || !text_join_path(directory, file, path))
		return NULL;
	struct stat st;
	return strdup(stat(path, &st) == 0 && S_ISREG(st.st_mode) ? "" : prefix);
}

/* What the shell puts in the place of [p, end). NULL: it does not say. */
static char *substitute(const char *p, const char *end, const char *directory)
{
	struct run_output output = {0};
	char *script, *printed = test_file(p, end, directory);

	if (printed)
		return printed;
	if (asprintf(&script, "rtf=%.*s; printf %%s \"$rtf\"", (int)(end - p), p) < 0)
		return NULL;
	struct error *e = run_with(
		(const char *const[]){"/bin/sh", "-c", script, NULL},
		&(struct run_options){.directory = directory, .seconds = SUBSTITUTION_SECONDS}, &output);
	free(script);
	if (!e && output.status == 0) {
		printed = output.out;
		output.out = NULL;
	}
	run_output_fini(&output);
	error_free(e);
	return printed;
}

typedef char *substitute_fn(const char *p, const char *end, const char *directory);

/* The text is NULL where `prints` has none for one of them, but if that one may `stay`. */
static char *expand(const char *command, const char *directory, substitute_fn *prints, bool stay)
{
	struct text whole = {0};
	bool any = false;
	char quote = 0;

	for (const char *p = command, *behind; *p; p++) {
		if (*p == '\\' && quote != '\'' && p[1]) {
			text_append(&whole, p++, 2);
			continue;
		}
		behind = quote == '\'' ? NULL : substitution_end(p);
		if (!behind) {
			if (quote ? *p == quote : *p == '"' || *p == '\'')
				quote = quote ? 0 : *p;
			text_append(&whole, p, 1);
			continue;
		}
		char *printed = prints(p, behind, directory);
		if (!printed && stay) {
			text_append(&whole, p, (size_t)(behind - p));
			p = behind - 1;
			continue;
		}
		whole.failed |= !printed;
		for (const char *c = printed; c && *c; c++) {
			if (strchr(quote ? "\"\\$`" : "\"\\'", *c))
				text_puts(&whole, "\\");
			text_append(&whole, c, 1);
		}
		free(printed);
		any = true;
		p = behind - 1;
	}
	char *text = text_take(&whole);
	if (any)
		return text;
	free(text);
	return NULL;
}

char *substitution_expand(const char *command, const char *directory)
{
	return expand(command, directory, substitute, false);
}

char *substitution_expand_names(const char *command, const char *directory)
{
	return expand(command, directory, test_file, true);
}
