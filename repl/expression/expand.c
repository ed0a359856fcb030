#include "expand.h"
#include "run.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* What -E leaves where it is. */
#define MARK "#pragma rtf_piece\n"

static struct error *preprocess(const struct source *source, const char *input, struct run_output *output)
{
	static const char *const more[] = {"-E", "-P", "-w", "-DREALTIMEFUNC=", "-xc", "-", NULL};
	size_t words = 0;

	while (source->flags.argv[words])
		words++;
	const char **argv = calloc(words + sizeof(more) / sizeof(*more), sizeof(*argv));
	if (!argv)
		return error_memory();
	memcpy(argv, source->flags.argv, words * sizeof(*argv));
	memcpy(argv + words, more, sizeof(more));
	struct error *e = run(argv, source->flags.directory, input, output);
	free(argv);
	return e;
}

struct error *expand_piece(const struct source *source, const char *text, size_t begin, size_t end,
			   char **out)
{
	struct run_output output;
	struct text input = {0};

	*out = NULL;
	text_append(&input, text, begin);
	text_puts(&input, "\n" MARK);
	text_append(&input, text + begin, end - begin);
	text_puts(&input, "\n" MARK);
	char *whole = text_take(&input);
	if (!whole)
		return error_memory();
	struct error *e = preprocess(source, whole, &output);
	free(whole);
	if (e)
		return e;
	char *from =
		WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0 ? strstr(output.out, MARK) : NULL;
	char *to = from ? strstr(from + strlen(MARK), MARK) : NULL;
	if (to) {
		from += strlen(MARK);
		*out = strndup(from, (size_t)(to - from));
		e = *out ? NULL : error_memory();
	}
	run_output_fini(&output);
	return e;
}
