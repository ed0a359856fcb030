#include "flags.h"
#include "text.h"

#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A NULL-terminated list of words in the making. */
struct words {
	char **items;
	size_t count;
	bool failed;
};

static void add_word(struct words *w, const char *word, size_t length)
{
	char **more = realloc(w->items, (w->count + 2) * sizeof(*more));

	if (!more) {
		w->failed = true;
		return;
	}
	w->items = more;
	w->items[w->count] = strndup(word, length);
	if (!w->items[w->count])
		w->failed = true;
	else
		w->count++;
	w->items[w->count] = NULL;
}

static void add_string(struct words *w, const char *word)
{
	add_word(w, word, strlen(word));
}

void flags_free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

static void split_into(struct words *w, const char *p)
{
	struct text word = {0};

	for (;;) {
		p += strspn(p, " \t\n\r");
		if (!*p)
			break;
		char quote = 0;
		word.size = 0;
		text_append(&word, "", 0);
		for (; *p && (quote || !strchr(" \t\n\r", *p)); p++) {
			if (!quote && (*p == '"' || *p == '\'')) {
				quote = *p;
			} else if (*p == quote) {
				quote = 0;
			} else {
				if (*p == '\\' && quote != '\'' && p[1] && (!quote || strchr("\"\\$`", p[1])))
					p++;
				text_append(&word, p, 1);
			}
		}
		if (word.failed)
			w->failed = true;
		else
			add_string(w, word.bytes);
	}
	text_fini(&word);
}

char **flags_split(const char *line)
{
	struct words w = {0};

	split_into(&w, line);
	if (!w.failed && !w.items)
		w.items = calloc(1, sizeof(*w.items));
	if (!w.failed)
		return w.items;
	flags_free_words(w.items);
	return NULL;
}

/* How many words from `word` on are about output or dependencies: not wanted when compiling something
 * else. */
static size_t unwanted(char *const *word)
{
	static const char *const with_argument[] = {"-o", "-MF", "-MT", "-MQ", "-MJ"};
	static const char *const alone[] = {"-c",   "-S",  "-E",  "-M",          "-MM", "-MD",
					    "-MMD", "-MP", "-MG", "-save-temps", "--"};

	for (size_t i = 0; i < sizeof(with_argument) / sizeof(*with_argument); i++)
		if (strcmp(*word, with_argument[i]) == 0)
			return word[1] ? 2 : 1;
	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
		if (strcmp(*word, alone[i]) == 0)
			return 1;
	static const char *const joined[] = {"-o",  "-MF",    "-MT",      "-MQ",
					     "-MJ", "-Wp,-M", "-fplugin", "-save-temps"};
	for (size_t i = 0; i < sizeof(joined) / sizeof(*joined); i++)
		if (strncmp(*word, joined[i], strlen(joined[i])) == 0)
			return 1;
	return 0;
}

static void keep_wanted(struct words *w, char *const *words)
{
	while (*words) {
		size_t skip = unwanted(words);
		if (!skip)
			add_string(w, *words++);
		else
			words += skip;
	}
}

/* --- compile_commands.json (clang's "JSON Compilation Database") ---------------------------------------- */

static bool same_file(const char *directory, const char *name, const char *wanted)
{
	char joined[PATH_MAX], real[PATH_MAX], real_wanted[PATH_MAX];

	if (snprintf(joined, sizeof(joined), "%s%s%s", *name == '/' ? "" : directory, *name == '/' ? "" : "/",
		     name) >= (int)sizeof(joined))
		return false;
	if (strcmp(joined, wanted) == 0)
		return true;
	return realpath(joined, real) && realpath(wanted, real_wanted) && strcmp(real, real_wanted) == 0;
}

/* Whether a word is the name of the source: compile commands need not spell it as their "file". Only words
 * that end alike are looked up in the file system. */
static bool is_input(const char *word, const char *directory, const char *wanted)
{
	const char *dot = strrchr(word, '.'), *wanted_dot = strrchr(wanted, '.');

	return *word != '-' && dot && wanted_dot && strcmp(dot, wanted_dot) == 0 &&
	       same_file(directory, word, wanted);
}

static void drop_input(struct words *w, const char *directory, const char *wanted)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->count; i++) {
		if (i && is_input(w->items[i], directory, wanted))
			free(w->items[i]);
		else
			w->items[kept++] = w->items[i];
	}
	w->count = kept;
	if (w->items)
		w->items[kept] = NULL;
}

static bool take_command(json_t *entry, const char *wanted, struct flags *out, bool *failed)
{
	const char *directory = json_string_value(json_object_get(entry, "directory"));
	const char *file = json_string_value(json_object_get(entry, "file"));
	const char *command = json_string_value(json_object_get(entry, "command"));
	json_t *arguments = json_object_get(entry, "arguments"), *argument;
	struct words all = {0}, kept = {0};
	size_t i;

	if (!directory || !file || !same_file(directory, file, wanted))
		return false;
	if (command)
		split_into(&all, command);
	json_array_foreach(arguments, i, argument)
		if (json_is_string(argument))
			add_string(&all, json_string_value(argument));
	if (all.items)
		keep_wanted(&kept, all.items);
	drop_input(&kept, directory, wanted);
	flags_free_words(all.items);
	*failed = all.failed || kept.failed;
	if (!kept.items)
		return *failed;
	out->argv = kept.items;
	out->directory = strdup(directory);
	out->origin = "compile_commands.json";
	*failed |= !out->directory;
	return true;
}

static bool search_database(const char *path, const char *wanted, struct flags *out, bool *failed)
{
	json_t *database = json_load_file(path, 0, NULL), *entry;
	bool found = false;
	size_t i;

	json_array_foreach(database, i, entry)
		if ((found = take_command(entry, wanted, out, failed)))
			break;
	json_decref(database);
	return found;
}

/* In `start`, its build folder, and every folder above. */
static bool search_upwards(const char *start, const char *wanted, struct flags *out, bool *failed)
{
	static const char *const places[] = {"compile_commands.json", "build/compile_commands.json"};
	char directory[PATH_MAX], path[PATH_MAX + 64];

	if (snprintf(directory, sizeof(directory), "%s", start) >= (int)sizeof(directory))
		return false;
	for (;;) {
		for (size_t i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "%s/%s", directory, places[i]);
			if (access(path, R_OK) == 0 && search_database(path, wanted, out, failed))
				return true;
		}
		char *slash = strrchr(directory, '/');
		if (!slash || slash == directory)
			return false;
		*slash = '\0';
	}
}

/* --- DWARF ---------------------------------------------------------------------------------------------- */

/* The very version if it is installed: "gcc-12"; else what goes by the plain name. */
static void add_compiler(struct words *w, const char *name, unsigned major)
{
	char versioned[32], path[64];

	snprintf(versioned, sizeof(versioned), "%s-%u", name, major);
	snprintf(path, sizeof(path), "/usr/bin/%s", versioned);
	add_string(w, major && access(path, X_OK) == 0 ? versioned : name);
}

/* gcc records "GNU C17 12.2.0 -mtune=generic -g -O2 …"; clang only its name. */
static void add_producer(struct words *w, const struct target_unit *unit)
{
	const char *producer = unit->producer ? unit->producer : "";
	struct words all = {0}, kept = {0};
	unsigned standard = 0, major = 0;
	bool has_standard = false;

	if (unit->clang) {
		const char *version = strstr(producer, "clang version ");
		if (version)
			sscanf(version, "clang version %u", &major);
		add_compiler(w, "clang", major);
		return;
	}
	sscanf(producer, "GNU C%u %u", &standard, &major);
	add_compiler(w, "gcc", major);
	const char *flags = strstr(producer, " -");
	if (flags)
		split_into(&all, flags);
	if (all.items)
		keep_wanted(&kept, all.items);
	for (size_t i = 0; i < kept.count; i++) {
		has_standard |= strncmp(kept.items[i], "-std=", 5) == 0;
		if (strncmp(kept.items[i], "-flto", 5) != 0 && strcmp(kept.items[i], "-fltrans") != 0)
			add_string(w, kept.items[i]);
	}
	if (!has_standard && standard) {
		char option[32];
		snprintf(option, sizeof(option), "-std=gnu%02u", standard);
		add_string(w, option);
	}
	w->failed |= all.failed || kept.failed;
	flags_free_words(all.items);
	flags_free_words(kept.items);
}

/* Our own header, wherever this engine lives: DWARF names no directory for a header without types or code. */
static void add_own_header(struct words *w)
{
	static const char *const places[] = {"../../include", "../include", "../core"};
	char self[PATH_MAX], path[PATH_MAX + 64], header[PATH_MAX + 80];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return;
	self[n] = '\0';
	const char *directory = dirname(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, places[i]);
		snprintf(header, sizeof(header), "%s/rtf.h", path);
		if (access(header, R_OK) != 0)
			continue;
		add_string(w, "-idirafter");
		add_string(w, path);
		return;
	}
}

static bool is_system_directory(const char *directory)
{
	static const char *const ours[] = {"/usr/include", "/usr/lib/", "/usr/local/include"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (strncmp(directory, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static bool has_word(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->items[i], word) == 0)
			return true;
	return false;
}

/* DWARF knows where a header was, not by which name it was included: "net/wire.h" was searched for from
 * one or more folders above its own. Those come last, where they hide nothing. */
static void add_folders_above(struct words *w, const char *directory)
{
	enum { LEVELS = 3 };
	char *above = strdup(directory), *slash;

	w->failed |= !above;
	for (int i = 0; above && i < LEVELS && (slash = strrchr(above, '/')) && slash != above; i++) {
		*slash = '\0';
		if (is_system_directory(above) || has_word(w, above))
			continue;
		add_string(w, "-idirafter");
		add_string(w, above);
	}
	free(above);
}

static struct error *from_dwarf(const struct target_unit *unit, const char *cflags, struct flags *out)
{
	struct words w = {0};

	add_producer(&w, unit);
	for (const char *const *d = unit->include_directories; d && *d; d++) {
		if (is_system_directory(*d))
			continue;
		add_string(&w, "-I");
		add_string(&w, *d);
	}
	if (cflags)
		split_into(&w, cflags);
	for (const char *const *d = unit->include_directories; d && *d; d++)
		if (!is_system_directory(*d))
			add_folders_above(&w, *d);
	add_own_header(&w);
	out->argv = w.items;
	out->directory = strdup(unit->directory ? unit->directory : "/");
	out->origin = cflags ? "RTF_CFLAGS" : "DWARF";
	if (!w.failed && out->directory)
		return NULL;
	flags_fini(out);
	return error_memory();
}

bool flags_is_folder(const char *word, size_t *joined)
{
	static const char *const options[] = {"-isystem", "-iquote", "-idirafter", "-I"};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		size_t length = strlen(options[i]);
		if (strncmp(word, options[i], length) != 0)
			continue;
		*joined = word[length] ? length : 0;
		return true;
	}
	return false;
}

/* Folders relative to where the compiler ran mean the same from everywhere: slices are read in other places. */
static bool make_folders_absolute(struct flags *f)
{
	for (char **word = f->argv; word && *word; word++) {
		size_t joined;
		if (!flags_is_folder(*word, &joined) || (!joined && !word[1]))
			continue;
		char **at = joined ? word : ++word;
		if ((*at)[joined] == '/')
			continue;
		struct text absolute = {0};
		text_append(&absolute, *at, joined);
		text_printf(&absolute, "%s/%s", f->directory, *at + joined);
		char *path = text_take(&absolute);
		if (!path)
			return false;
		free(*at);
		*at = path;
	}
	return true;
}

/* A text is not read where its file stands: what it includes in quotes is looked for there all the same. */
static bool add_own_folder(struct flags *f, const struct target_unit *unit)
{
	struct words w = {.items = f->argv};
	const char *slash = strrchr(unit->file, '/');

	while (f->argv && f->argv[w.count])
		w.count++;
	if (slash && slash > unit->file) {
		add_string(&w, "-iquote");
		add_word(&w, unit->file, (size_t)(slash - unit->file));
	}
	f->argv = w.items;
	return !w.failed;
}

struct error *flags_new(const struct target_unit *unit, const char *cflags, struct flags *out)
{
	struct flags found = {0};
	bool failed = false;

	char *source = strdup(unit->file);
	if (!source)
		return error_memory();
	bool database = (unit->directory && search_upwards(unit->directory, unit->file, &found, &failed)) ||
			search_upwards(dirname(source), unit->file, &found, &failed);
	free(source);
	if (failed) {
		flags_fini(&found);
		return error_memory();
	}
	struct error *e = database ? NULL : from_dwarf(unit, cflags && *cflags ? cflags : NULL, &found);
	if (!e && (!make_folders_absolute(&found) || !add_own_folder(&found, unit))) {
		flags_fini(&found);
		e = error_memory();
	}
	if (!e)
		*out = found;
	return e;
}

void flags_fini(struct flags *f)
{
	flags_free_words(f->argv);
	free(f->directory);
	*f = (struct flags){0};
}
