#include "review.h"
#include "run.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { DIAGNOSTICS_MAX = 20, LINE_MAX_BYTES = 1024 };

/* A line of a file, without its newline; "" if there is none. The caller's. */
static char *read_line(const char *path, unsigned number)
{
	char *line = NULL;
	size_t size;
	char *text = text_read_file(path, &size), *at = text;

	for (unsigned i = 1; at && i < number; i++) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (at) {
		size_t length = strcspn(at, "\r\n");
		line = strndup(at, length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES);
	}
	free(text);
	return line ? line : strdup("");
}

static bool add(struct check_result *out, struct check_diagnostic d)
{
	struct check_diagnostic *more = realloc(out->diagnostics, (out->count + 1) * sizeof(*more));

	if (!more || !d.file || !d.severity || !d.message || !d.source) {
		free(d.file);
		free(d.severity);
		free(d.message);
		free(d.source);
		out->diagnostics = more ? more : out->diagnostics;
		return false;
	}
	out->diagnostics = more;
	more[out->count++] = d;
	return true;
}

/* `FILE:LINE:COLUMN: error: MESSAGE`, as gcc and clang both write it. A file's name may hold colons. */
static bool take_line(const char *line, size_t length, const char *directory, struct check_result *out)
{
	static const char *const severities[] = {": error: ", ": fatal error: "};
	const char *mark = NULL;
	size_t mark_length = 0;
	unsigned number = 0, column = 0;

	for (size_t i = 0; i < 2 && !mark; i++) {
		mark_length = strlen(severities[i]);
		mark = memmem(line, length, severities[i], mark_length);
	}
	const char *place = mark;
	for (int colons = 0; place && place > line && colons < 2; colons += *place == ':')
		place--;
	if (!place || place == line || sscanf(place, ":%u:%u", &number, &column) != 2)
		return true;

	char *file = NULL;
	int name = (int)(place - line);
	if (asprintf(&file, "%s%s%.*s", *line == '/' ? "" : directory, *line == '/' ? "" : "/", name, line) <
	    0)
		file = NULL;
	out->failed = true;
	return add(out, (struct check_diagnostic){
				.file = file,
				.line = number,
				.column = column,
				.severity = strdup("error"),
				.message = strndup(mark + mark_length,
						   length - (size_t)(mark + mark_length - line)),
				.source = file ? read_line(file, number) : NULL,
			});
}

static struct error *take_output(const char *text, const char *file, const char *directory, bool refused,
				 struct check_result *out)
{
	for (const char *at = text; *at && out->count < DIAGNOSTICS_MAX;) {
		size_t length = strcspn(at, "\n");
		if (!take_line(at, length, directory, out))
			return error_memory();
		at += length + (at[length] == '\n');
	}
	out->failed |= refused;
	if (!out->failed)
		return NULL;
	out->class = ERROR_COMPILE;
	const struct check_diagnostic *first = out->diagnostics;
	int n = first ? asprintf(&out->message, "%s:%u: %s", text_base_name(first->file), first->line,
				 first->message)
		      : asprintf(&out->message, "%s does not compile: %.*s", text_base_name(file),
				 (int)strcspn(text, "\n"), text);
	if (n < 0)
		out->message = NULL;
	return out->message ? NULL : error_memory();
}

struct error *review_file(const char *file, const struct flags *flags, struct check_result *out)
{
	static const char *const more[] = {"-fsyntax-only", "-w", "-fdiagnostics-color=never", NULL};
	struct run_output output;
	size_t words = 0;

	while (flags->argv[words])
		words++;
	const char **argv = calloc(words + 6, sizeof(*argv));
	if (!argv)
		return error_memory();
	memcpy(argv, flags->argv, words * sizeof(*argv));
	for (const char *const *word = more; *word; word++)
		argv[words++] = *word;
	argv[words] = file;
	struct error *e = run(argv, flags->directory, NULL, &output);
	free(argv);
	if (e)
		return e;
	struct check_result result = {0};
	bool refused = !WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0;
	e = take_output(output.err, file, flags->directory, refused, &result);
	run_output_fini(&output);
	if (e) {
		check_result_fini(&result);
		return e;
	}
	*out = result;
	return NULL;
}
