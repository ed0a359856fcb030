#include "preprocess.h"
#include "folders.h"
#include "given.h"
#include "run.h"
#include "text.h"
#include "words.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- the files as they were -------------------------------------------------------------------------------------- */

static bool make_folders(char *path, size_t root)
{
	for (char *slash = path + root + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
		*slash = '/';
		if (!made)
			return false;
	}
	return true;
}

static bool write_file(const char *path, const char *bytes, size_t size)
{
	FILE *f = fopen(path, "we");
	bool written = f && fwrite(bytes, 1, size, f) == size;

	return f && fclose(f) == 0 && written;
}

static struct error *write_files(const char *root, const struct preprocess_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *path;
		if (asprintf(&path, "%s%s", root, files[i].path) < 0)
			return error_memory();
		bool written =
			make_folders(path, strlen(root)) && write_file(path, files[i].bytes, files[i].size);
		struct error *e =
			written ? NULL : error_errno(errno, "cannot write %s as it was", files[i].path);
		free(path);
		if (e)
			return e;
	}
	return NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	remove(path);
	return 0;
}

static void remove_root(char *root)
{
	if (root)
		nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(root);
}

/* Real names in place of those below `root`. */
static bool rename_back(const char *root, char **text, size_t *size)
{
	struct text plain = {0};
	const char *at = *text, *end = at + *size, *next;
	size_t length = strlen(root);

	for (; (next = memmem(at, (size_t)(end - at), root, length)); at = next + length)
		text_append(&plain, at, (size_t)(next - at));
	text_append(&plain, at, (size_t)(end - at));
	*size = plain.size;
	free(*text);
	*text = text_take(&plain);
	return *text;
}

/* --- the command ------------------------------------------------------------------------------------------------- */

/* A folder of headers is looked at as it was, before it is looked at as it is. */
static void add_folder(struct words *w, const char *word, size_t joined, const char *folder, const char *root)
{
	struct text t = {0};

	if (strncmp(folder, "/usr/", 5) == 0 || *folder != '/')
		return;
	text_append(&t, word, joined ? joined : strlen(word));
	if (!joined) {
		words_add(w, t.bytes);
		t.size = 0;
	}
	text_printf(&t, "%s%s", root, folder);
	words_add(w, t.bytes);
	w->failed |= t.failed;
	text_fini(&t);
}

/* Beside the file itself: what it includes in quotes is looked for there first. */
static void add_own_folder(struct words *w, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash || slash == file)
		return;
	words_add(w, "-iquote");
	words_add_bytes(w, file, (size_t)(slash - file));
}

/* The compiler and its flags; with `root`, the folders below it before those that they stand for. */
static void add_flags(struct words *w, const struct flags *flags, const char *file, const char *root)
{
	bool own = !root;

	for (char *const *word = flags->argv; *word; word++) {
		size_t joined;
		if (!own && **word == '-') {
			add_own_folder(w, file);
			own = true;
		}
		if (root && words_is_folder(*word, &joined) && (joined || word[1]))
			add_folder(w, *word, joined, joined ? *word + joined : word[1], root);
		words_add(w, *word);
		if (root)
			given_add_root(w, *word, root);
	}
	if (!own)
		add_own_folder(w, file);
}

static char **make_command(const struct flags *flags, const char *file, const char *root)
{
	static const char *const options[] = {
		"-E", "-dD", "-v", /* where it looks for headers */
		"-w",              /* or -Werror makes an error of a #warning */
		"-DREALTIMEFUNC="  /* what a function is, not how it is decorated */
	};
	struct words w = {0};
	struct text path = {0};

	add_flags(&w, flags, file, root);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		words_add(&w, options[i]);
	text_printf(&path, "%s%s", root ? root : "", file);
	if (path.bytes)
		words_add(&w, path.bytes);
	bool failed = w.failed || path.failed;
	text_fini(&path);
	if (!failed)
		return w.items;
	words_free(w.items);
	return NULL;
}

/* The first line of a compiler's complaints that says "error", or the first line. */
static void first_complaint(const char *err, char *line, size_t size)
{
	const char *at = strstr(err, "error:");

	while (at && at > err && at[-1] != '\n')
		at--;
	if (!at)
		at = err;
	snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
}

static struct error *run_command(const char *file, const struct flags *flags, const char *root, char **text,
				 size_t *size, char **folders)
{
	char **argv = make_command(flags, file, root);
	struct run_output output;

	if (!argv)
		return error_memory();
	struct error *e = run((const char *const *)argv, flags->directory, NULL, &output);
	words_free(argv);
	if (e)
		return e;
	if (!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0) {
		char line[512];
		if (root)
			rename_back(root, &output.err, &output.err_size);
		first_complaint(output.err ? output.err : "", line, sizeof(line));
		e = error_new(ERROR_COMPILE, "%s cannot be preprocessed with the flags from %s: %s", file,
			      flags->origin, line);
	} else {
		*folders = output.err ? folders_read(output.err) : NULL;
		*text = output.out;
		*size = output.out_size;
		output.out = NULL;
	}
	run_output_fini(&output);
	return e;
}

struct error *preprocess_source(const char *file, const struct flags *flags,
				const struct preprocess_file *files, size_t count, char **text, size_t *size,
				char **folders)
{
	char *root = NULL, *found = NULL, *searched = NULL;
	size_t length = 0;

	struct error *e = count ? run_make_folder("rtf-then", &root) : NULL;
	if (!e)
		e = write_files(root, files, count);
	if (!e)
		e = run_command(file, flags, root, &found, &length, &searched);
	if (!e && root && !rename_back(root, &found, &length))
		e = error_memory();
	remove_root(root);
	if (e) {
		free(searched);
		return e;
	}
	*text = found;
	*size = length;
	*folders = searched;
	return NULL;
}
