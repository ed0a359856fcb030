#include "show.h"
#include "run.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SGR_BOLD   "\033[1m"
#define SGR_RED    "\033[31m"
#define SGR_GREEN  "\033[32m"
#define SGR_YELLOW "\033[33m"
#define SGR_CYAN   "\033[36m"
#define SGR_OFF    "\033[0m"

static void colored(struct text *out, bool color, const char *sgr, const char *text, size_t size)
{
	if (color)
		text_puts(out, sgr);
	text_append(out, text, size);
	if (color)
		text_puts(out, SGR_OFF);
}

/* --- texts ----------------------------------------------------------------------------------------------------- */

json_t *show_stringn(const char *text, size_t size)
{
	json_t *string = json_stringn(text, size);
	char *utf8 = string ? NULL : utf8_from(text, size);

	if (utf8)
		string = json_string(utf8);
	free(utf8);
	return string;
}

json_t *show_string(const char *text)
{
	return text ? show_stringn(text, strlen(text)) : NULL;
}

void show_place(json_t *object, const struct place *place)
{
	if (*place->file)
		json_object_update_new(object, json_pack("{s:o, s:i}", "file", show_string(place->file),
							 "line", (int)place->line));
}

/* --- diagnostics ----------------------------------------------------------------------------------------------- */

enum { LINE_MOST = 240 };

/* The caret stands under the column, a byte's: tabs before it are kept, so that it does on every terminal, and a character
 * takes one place. */
static void show_caret(struct text *out, const struct check_diagnostic *d, bool color)
{
	const char *line = d->source;
	unsigned column = d->column;

	if (!*line || !column)
		return;
	if (strlen(line) > LINE_MOST && column <= strlen(line)) {
		/* Of a line that no screen has room for, what is around the place. */
		unsigned skipped = column > LINE_MOST / 2 ? column - LINE_MOST / 2 : 0;
		while (skipped && ((unsigned char)line[skipped] & 0xc0) == 0x80)
			skipped--;
		line += skipped;
		column -= skipped;
	}
	size_t size = strnlen(line, LINE_MOST);
	while (size < strlen(line) && size && ((unsigned char)line[size] & 0xc0) == 0x80)
		size--;
	text_printf(out, "%5u | %.*s\n      | ", d->line, (int)size, line);
	for (unsigned i = 0; i + 1 < column && line[i]; i++)
		if (((unsigned char)line[i] & 0xc0) != 0x80)
			text_puts(out, line[i] == '\t' ? "\t" : " ");
	colored(out, color, SGR_GREEN SGR_BOLD, "^", 1);
	text_puts(out, "\n");
}

void show_diagnostics(struct text *out, const struct check_result *r, bool color)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct check_diagnostic *d = &r->diagnostics[i];
		bool error = strcmp(d->severity, "error") == 0;
		if (d->line)
			text_printf(out, "%s:%u:%u: ", d->file, d->line, d->column);
		colored(out, color, error ? SGR_RED SGR_BOLD : SGR_YELLOW SGR_BOLD, d->severity,
			strlen(d->severity));
		text_printf(out, ": %s\n", d->message);
		show_caret(out, d, color);
	}
}

json_t *show_diagnostics_json(const struct check_result *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->count; i++) {
		const struct check_diagnostic *d = &r->diagnostics[i];
		json_array_append_new(list,
				      json_pack("{s:o, s:i, s:i, s:s, s:o}", "file", show_string(d->file),
						"line", (int)d->line, "column", (int)d->column, "severity",
						d->severity, "message", show_string(d->message)));
	}
	return list;
}

/* --- tables ---------------------------------------------------------------------------------------------------- */

/* Columns that a UTF-8 string takes, near enough: one for each code point. */
static size_t columns_of(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void show_table(struct text *out, const char *const *cells, size_t rows, size_t columns, bool color)
{
	size_t *widths = calloc(columns + 1, sizeof(*widths));

	if (!widths) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < rows * columns; i++)
		if (columns_of(cells[i]) > widths[i % columns])
			widths[i % columns] = columns_of(cells[i]);
	for (size_t row = 0; row < rows; row++) {
		if (row == 0 && color)
			text_puts(out, SGR_BOLD);
		for (size_t column = 0; column < columns; column++) {
			const char *cell = cells[row * columns + column];
			text_puts(out, cell ? cell : "");
			bool last = column + 1 == columns;
			for (size_t pad = columns_of(cell); !last && pad < widths[column] + 2; pad++)
				text_puts(out, " ");
		}
		while (out->size && out->bytes[out->size - 1] == ' ')
			out->bytes[--out->size] = '\0';
		text_puts(out, row == 0 && color ? SGR_OFF "\n" : "\n");
	}
	free(widths);
}

/* --- differences ----------------------------------------------------------------------------------------------- */

/* The text as a file that diff(1) can open, of whole lines if that is asked for; -1 and errno on failure. */
static int as_file(const char *text, bool lines, char *path, size_t size)
{
	size_t length = strlen(text);
	int fd = memfd_create("rtf-diff", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (write(fd, text, length) != (ssize_t)length ||
	    (lines && length && text[length - 1] != '\n' && write(fd, "\n", 1) != 1)) {
		close(fd);
		return -1;
	}
	snprintf(path, size, "/proc/%d/fd/%d", getpid(), fd);
	return fd;
}

static void show_diff_line(struct text *out, const char *line, size_t size, bool color)
{
	const char *sgr = *line == '+' ? SGR_GREEN : *line == '-' ? SGR_RED : *line == '@' ? SGR_CYAN : NULL;

	colored(out, color && sgr, sgr ? sgr : "", line, size);
	text_puts(out, "\n");
}

static struct error *compare(struct run_output *output, bool lines, const char *from_name, const char *from,
			     const char *to_name, const char *to)
{
	char from_path[64], to_path[64];
	struct error *e = NULL;

	int a = as_file(from, lines, from_path, sizeof(from_path)),
	    b = as_file(to, lines, to_path, sizeof(to_path));
	const char *argv[] = {"diff",  "-au",     "--label", from_name, "--label",
			      to_name, from_path, to_path,   NULL};
	if (a < 0 || b < 0)
		e = error_errno(errno, "cannot compare the texts");
	else
		e = run(argv, NULL, NULL, output);
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	if (!e && (!WIFEXITED(output->status) || WEXITSTATUS(output->status) > 1))
		e = error_new(ERROR_INTERNAL, "diff failed: %s", output->err);
	return e;
}

struct error *show_diff(struct text *out, const char *from_name, const char *from, const char *to_name,
			const char *to, bool color)
{
	struct run_output output = {0};
	struct error *e = compare(&output, true, from_name, from, to_name, to);

	for (const char *line = output.out; !e && *line;) {
		size_t size = strcspn(line, "\n");
		show_diff_line(out, line, size, color);
		line += size + (line[size] == '\n');
	}
	run_output_fini(&output);
	return e;
}

struct error *show_patch(struct text *out, const char *from_name, const char *from, const char *to_name,
			 const char *to)
{
	struct run_output output = {0};
	struct error *e = compare(&output, false, from_name, from, to_name, to);

	if (!e)
		text_puts(out, output.out);
	run_output_fini(&output);
	return e;
}

/* --- sources --------------------------------------------------------------------------------------------------- */

void show_source(struct text *out, const char *source, unsigned first_line, bool color)
{
	for (unsigned line = first_line; *source; line++) {
		char number[32];
		size_t size = strcspn(source, "\n");
		int n = snprintf(number, sizeof(number), "%5u  ", line);
		colored(out, color, SGR_CYAN, number, (size_t)n);
		text_append(out, source, size);
		text_puts(out, "\n");
		source += size + (source[size] == '\n');
	}
}

/* --- nothing ----------------------------------------------------------------------------------------------------- */

void show_none_like(struct text *out, const char *what, const char *command, const char *pattern)
{
	text_printf(out, "no %s has a name like that", what);
	if (!strpbrk(pattern, "*?[:"))
		text_printf(out, ": %s *%s* finds those with that in their name", command, pattern);
	text_puts(out, "\n");
}
