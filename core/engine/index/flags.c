#include "flags.h"
#include "commands.h"
#include "given.h"
#include "likeness.h"
#include "recipe.h"
#include "text.h"
#include "words.h"

#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
			words_add(w, *words++);
		else
			words += skip;
	}
}

/* --- compile_commands.json ------------------------------------------------------------------------------ */

/* Whether a word is the name of the source: compile commands need not spell it as their "file". Only words
 * that end alike are looked up in the file system. */
static bool is_input(const char *word, const char *directory, const char *wanted)
{
	const char *dot = strrchr(word, '.'), *wanted_dot = strrchr(wanted, '.');

	return *word != '-' && dot && wanted_dot && strcmp(dot, wanted_dot) == 0 &&
	       text_names_file(directory, word, wanted);
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

/* What an entry of a database would run, as words. */
static struct words words_of(const json_t *entry)
{
	const char *command = json_string_value(json_object_get(entry, "command"));
	json_t *arguments = json_object_get(entry, "arguments"), *argument;
	struct words all = {0};
	size_t i;

	if (command)
		words_split(&all, command);
	json_array_foreach(arguments, i, argument)
		if (json_is_string(argument))
			words_add(&all, json_string_value(argument));
	return all;
}

static bool take_command(const json_t *entry, struct flags *out, const char *wanted, bool *failed)
{
	const char *directory = json_string_value(json_object_get(entry, "directory"));
	struct words all = words_of(entry), kept = {0};

	if (all.items)
		keep_wanted(&kept, all.items);
	drop_input(&kept, directory, wanted);
	words_free(all.items);
	*failed = all.failed || kept.failed;
	if (!kept.items)
		return *failed;
	out->argv = kept.items;
	out->directory = strdup(directory);
	out->origin = "compile_commands.json";
	*failed |= !out->directory;
	return true;
}

/* Whether a part of the path is the module's name alone, or with what build systems put behind it: CMakeFiles/app.dir/a.c.o,
 * app.p/a.c.o, and for a library libapp.so.p or app.dir. */
static bool names_module(const char *path, const char *module)
{
	const char *bare = strncmp(module, "lib", 3) == 0 ? module + 3 : module;

	for (const char *part = path; *part; part += *part == '/') {
		size_t length = strcspn(part, "/");
		for (int i = 0; i < 2; i++) {
			const char *name = i ? bare : module;
			size_t known = i ? strcspn(bare, ".") : strlen(name);
			if (known && length >= known && memcmp(part, name, known) == 0 &&
			    (length == known || (part[known] == '.' && part[length] == '/')))
				return true;
		}
		part += length;
	}
	return false;
}

/* Of two programs made of one source, the entry of this one. */
static bool is_for_module(const json_t *entry, const char *module)
{
	const char *output = json_string_value(json_object_get(entry, "output"));
	struct words all = words_of(entry);

	for (size_t i = 0; !output && i + 1 < all.count; i++)
		if (strcmp(all.items[i], "-o") == 0)
			output = all.items[i + 1];
	bool is = output && names_module(output, module);
	words_fini(&all);
	return is;
}

/* Between entries of the same rank. */
static bool has_more_names(const json_t *entry, const json_t *before, const struct target_unit *unit)
{
	struct words words = words_of(entry), words_before = words_of(before);
	bool more = likeness_names(words.items, unit) > likeness_names(words_before.items, unit);

	words_fini(&words);
	words_fini(&words_before);
	return more;
}

/* The module's own before all others, and of those the one that is most like how the unit was built. */
static int rank(const json_t *entry, const struct target_unit *unit)
{
	enum { OWN = 1 << 16 };
	struct words all = words_of(entry);
	int like = likeness(all.items, unit);

	words_fini(&all);
	return like > -OWN && unit->module && is_for_module(entry, unit->module) ? like + OWN : like;
}

struct entry_search {
	const struct target_unit *unit;
	const json_t *best; /* the first of equals */
	int rank;
};

static bool take_entry(void *context, const json_t *entry)
{
	struct entry_search *s = context;
	int ranked = rank(entry, s->unit);

	if (!s->best || ranked > s->rank || (ranked == s->rank && has_more_names(entry, s->best, s->unit))) {
		s->best = entry;
		s->rank = ranked;
	}
	return true;
}

/* The entry of the source, if there is one. */
static bool search_database(struct commands *commands, const char *path, const struct target_unit *unit,
			    struct flags *out, bool *failed)
{
	struct entry_search search = {.unit = unit};

	*failed = !commands_each(commands, path, unit->file, take_entry, &search);
	return *failed || (search.best && take_command(search.best, out, unit->file, failed));
}

/* In `start`, its build folder, and every folder above. */
static bool search_upwards(struct commands *commands, const char *start, const struct target_unit *unit,
			   struct flags *out, bool *failed)
{
	static const char *const places[] = {"compile_commands.json", "build/compile_commands.json"};
	char directory[PATH_MAX], path[PATH_MAX + 64];

	if (snprintf(directory, sizeof(directory), "%s", start) >= (int)sizeof(directory))
		return false;
	for (;;) {
		for (size_t i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "%s/%s", directory, places[i]);
			if (access(path, R_OK) == 0 && search_database(commands, path, unit, out, failed))
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
	words_add(w, major && access(path, X_OK) == 0 ? versioned : name);
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
		if (unit->unwinds) /* without it clang makes no such tables */
			words_add(w, "-fexceptions");
		return;
	}
	sscanf(producer, "GNU C%u %u", &standard, &major);
	add_compiler(w, "gcc", major);
	const char *flags = strstr(producer, " -");
	if (flags)
		words_split(&all, flags);
	if (all.items)
		keep_wanted(&kept, all.items);
	for (size_t i = 0; i < kept.count; i++) {
		has_standard |= strncmp(kept.items[i], "-std=", 5) == 0;
		if (strncmp(kept.items[i], "-flto", 5) != 0 && strcmp(kept.items[i], "-fltrans") != 0)
			words_add(w, kept.items[i]);
	}
	if (!has_standard && standard) {
		char option[32];
		snprintf(option, sizeof(option), "-std=gnu%02u", standard);
		words_add(w, option);
	}
	w->failed |= all.failed || kept.failed;
	words_free(all.items);
	words_free(kept.items);
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
		words_add(w, "-idirafter");
		words_add(w, path);
		return;
	}
}

/* Whether an option in front names that folder already, however it spells it. gcc would forget about that one in favour of
 * -idirafter, and so look there last. */
static bool has_folder(const struct words *w, const char *directory)
{
	struct stat wanted, st;
	size_t joined;

	if (stat(directory, &wanted))
		return words_have(w, directory);
	for (size_t i = 0; i < w->count; i++) {
		if (!words_is_folder(w->items[i], &joined) || (!joined && i + 1 == w->count))
			continue;
		const char *named = joined ? w->items[i] + joined : w->items[i + 1];
		if (*named == '/' && stat(named, &st) == 0 && st.st_dev == wanted.st_dev &&
		    st.st_ino == wanted.st_ino)
			return true;
	}
	return false;
}

static bool is_system_directory(const char *directory)
{
	static const char *const ours[] = {"/usr/include", "/usr/lib/", "/usr/local/include"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (strncmp(directory, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static void add_folder(struct words *w, const char *option, const char *directory)
{
	if (is_system_directory(directory) || has_folder(w, directory))
		return;
	words_add(w, option);
	words_add(w, directory);
}

static bool has_header(const char *directory, const char *name, bool *extends)
{
	char path[PATH_MAX];
	size_t size;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path) ||
	    access(path, R_OK) != 0)
		return false;
	char *text = text_read_file(path, &size);
	*extends = text && strstr(text, "include_next");
	free(text);
	return text;
}

/* Whether a folder has headers that are called as the C library's are and do not extend those, as gnulib's do. It was not
 * searched for <string.h> then: its own were included as "lib/string.h", from a folder above. */
static bool has_namesakes(const char *directory)
{
	static const char *const library[] = {
		"assert.h", "complex.h", "ctype.h",     "dirent.h", "errno.h",  "fcntl.h",   "float.h",
		"glob.h",   "limits.h",  "locale.h",    "math.h",   "poll.h",   "pthread.h", "regex.h",
		"sched.h",  "search.h",  "semaphore.h", "setjmp.h", "signal.h", "stdarg.h",  "stddef.h",
		"stdint.h", "stdio.h",   "stdlib.h",    "string.h", "syslog.h", "termios.h", "threads.h",
		"time.h",   "unistd.h",  "wchar.h",     "wctype.h"};
	bool extends;

	for (size_t i = 0; i < sizeof(library) / sizeof(*library); i++)
		if (has_header(directory, library[i], &extends) && !extends)
			return true;
	return false;
}

static void add_namesakes(struct words *w, const char *directory)
{
	words_add(w, "-iquote");
	words_add(w, directory);
	words_add(w, "-idirafter");
	words_add(w, directory);
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
		add_folder(w, "-idirafter", above);
	}
	free(above);
}

/* Folders relative to where the compiler ran mean the same from everywhere: slices are read in other places. */
static void make_folders_absolute(struct words *w, const char *directory)
{
	size_t count = w->count, joined;

	for (size_t i = 0; i < count; i++) {
		if (!words_is_folder(w->items[i], &joined) || (!joined && i + 1 == count))
			continue;
		char **at = &w->items[joined ? i : ++i];
		if ((*at)[joined] == '/')
			continue;
		struct text absolute = {0};
		text_append(&absolute, *at, joined);
		text_printf(&absolute, "%s/%s", directory, *at + joined);
		char *path = text_take(&absolute);
		if (!path) {
			w->failed = true;
			return;
		}
		char *as = *at;
		*at = path;
		given_add_folder(w, path + joined, as + joined);
		free(as);
	}
}

static void add_include_directories(struct words *w, const struct target_unit *unit, const char *option)
{
	for (const char *const *d = unit->include_directories; d && *d; d++)
		if (strcmp(option, "-I") == 0 && !is_system_directory(*d) && has_namesakes(*d))
			add_namesakes(w, *d);
		else
			add_folder(w, option, *d);
}

/* What of a command the preprocessor reads. clang's DWARF tells nothing else either: then also what changes the language
 * or the code. */
static size_t wanted_of_recipe(char *const *word, bool clang)
{
	static const char *const with_argument[] = {"-I",      "-D",         "-U",       "-isystem",
						    "-iquote", "-idirafter", "-include", "-imacros"};
	static const char *const of_clang[] = {"-std=", "-O", "-f", "-m", "-target", "--target="};

	for (size_t i = 0; i < sizeof(with_argument) / sizeof(*with_argument); i++) {
		size_t length = strlen(with_argument[i]);
		if (strncmp(*word, with_argument[i], length) == 0)
			return (*word)[length] || !word[1] ? 1 : 2;
	}
	for (size_t i = 0; clang && i < sizeof(of_clang) / sizeof(*of_clang); i++)
		if (strncmp(*word, of_clang[i], strlen(of_clang[i])) == 0)
			return 1;
	return 0;
}

/* False: make has no word of it. */
static bool add_recipe(struct words *w, const struct target_unit *unit, const struct recipe *recipe)
{
	struct words taken = {0};

	for (char **word = recipe->words; word && *word;) {
		size_t count = wanted_of_recipe(word, unit->clang);
		if (!count && unwanted(word))
			count = 0, word += unwanted(word);
		else if (!count)
			word++;
		while (count--)
			words_add(&taken, *word++);
	}
	make_folders_absolute(&taken, recipe->directory);
	w->failed |= taken.failed;
	for (size_t i = 0; i < taken.count; i++)
		words_add(w, taken.items[i]);
	words_fini(&taken);
	return recipe->words;
}

/* gcc would take what is in it for the system's. */
static bool is_own_folder(const struct target_unit *unit, const char *directory)
{
	const char *slash = unit->file ? strrchr(unit->file, '/') : NULL;
	size_t length = strlen(directory);

	return slash && (size_t)(slash - unit->file) == length && memcmp(unit->file, directory, length) == 0;
}

static struct error *from_dwarf(const struct target_unit *unit, const char *cflags,
				const struct recipe *recipe, struct flags *out)
{
	struct words w = {0};

	add_producer(&w, unit);
	bool asked = add_recipe(&w, unit, recipe);
	for (const char *const *option = unit->macros; option && *option; option++)
		words_add(&w, *option);
	add_include_directories(&w, unit, asked ? "-idirafter" : "-I");
	if (cflags)
		words_split(&w, cflags);
	for (const char *const *d = unit->include_directories; d && *d; d++)
		if (!is_system_directory(*d))
			add_folders_above(&w, *d);
	/* A header that only defines macros is in no list of DWARF's; config.h often is where the compiler ran. */
	if (unit->directory && (!asked || recipe->neighbour) && !is_own_folder(unit, unit->directory))
		add_folder(&w, "-idirafter", unit->directory);
	add_own_header(&w);
	out->argv = w.items;
	out->directory = strdup(unit->directory ? unit->directory : "/");
	out->origin = cflags              ? "RTF_CFLAGS"
		      : !asked            ? "DWARF"
		      : recipe->neighbour ? "make, of a source beside it"
					  : "make";
	if (!w.failed && out->directory)
		return NULL;
	flags_fini(out);
	return error_memory();
}

/* A text is not read where its file stands: what it includes in quotes is looked for there all the same. */
static void add_own_folder(struct words *w, const struct target_unit *unit)
{
	const char *slash = strrchr(unit->file, '/');

	if (!slash || slash == unit->file)
		return;
	words_add(w, "-iquote");
	words_add_bytes(w, unit->file, (size_t)(slash - unit->file));
}

/* What holds from wherever they come. */
static bool finish(struct flags *f, const struct target_unit *unit, bool as_given)
{
	struct words w = {.items = f->argv};

	while (f->argv && f->argv[w.count])
		w.count++;
	make_folders_absolute(&w, f->directory);
	given_add_source(&w, unit, as_given);
	add_own_folder(&w, unit);
	f->argv = w.items;
	return !w.failed;
}

/* *found: the command of a database; else it is as it was. */
static struct error *search_databases(const struct target_unit *unit, struct commands *commands,
				      struct flags *flags, bool *found)
{
	bool failed = false;
	char *source = strdup(unit->file);

	if (!source)
		return error_memory();
	*found = (unit->directory && search_upwards(commands, unit->directory, unit, flags, &failed)) ||
		 search_upwards(commands, dirname(source), unit, flags, &failed);
	free(source);
	if (!failed)
		return NULL;
	flags_fini(flags);
	return error_memory();
}

bool flags_need_make(const struct target_unit *unit, const char *cflags, struct commands *commands)
{
	struct flags flags = {0};
	bool found = false;

	if (cflags && *cflags)
		return false;
	struct error *e = search_databases(unit, commands, &flags, &found);
	bool need = !e && !found;
	error_free(e);
	flags_fini(&flags);
	return need;
}

struct error *flags_new(const struct target_unit *unit, const char *cflags, struct commands *commands,
			struct recipes *recipes, struct flags *out)
{
	struct flags found = {0};
	struct recipe recipe = {0};
	bool database;

	struct error *e = search_databases(unit, commands, &found, &database);
	if (e)
		return e;
	cflags = cflags && *cflags ? cflags : NULL;
	if (!database && !cflags && recipes)
		e = recipes_find(recipes, unit, &recipe);
	if (!database && !e)
		e = from_dwarf(unit, cflags, &recipe, &found);
	if (!e && !finish(&found, unit, database || recipe.words)) {
		flags_fini(&found);
		e = error_memory();
	}
	recipe_fini(&recipe);
	if (!e)
		*out = found;
	return e;
}

static struct error *from_words(const struct target_unit *unit, const char *words, struct flags *out)
{
	struct words w = {0};

	words_split(&w, words);
	out->argv = w.items;
	out->directory = strdup(unit->directory ? unit->directory : "/");
	out->origin = "make";
	if (!w.failed && out->argv && out->directory)
		return NULL;
	flags_fini(out);
	return error_memory();
}

struct error *flags_guess(const struct target_unit *unit, const char *before, struct flags *out)
{
	char *no_words[] = {NULL}, directory[] = "/";
	const struct recipe plain = {.words = no_words, .directory = directory};
	struct flags guess = {0};

	struct error *e = before ? from_words(unit, before, &guess) : from_dwarf(unit, NULL, &plain, &guess);
	if (!e && !before && !finish(&guess, unit, true)) {
		flags_fini(&guess);
		e = error_memory();
	}
	if (!e)
		*out = guess;
	return e;
}

bool flags_are_same(const struct flags *a, const struct flags *b)
{
	size_t i = 0;

	while (a->argv[i] && b->argv[i] && strcmp(a->argv[i], b->argv[i]) == 0)
		i++;
	return !a->argv[i] && !b->argv[i] && strcmp(a->directory, b->directory) == 0 &&
	       strcmp(a->origin, b->origin) == 0;
}

const char **flags_for_text(const struct flags *flags, const char *text, const char *const *more)
{
	static const char *const with_argument[] = {"-I",       "-D",      "-U",         "-include",
						    "-isystem", "-iquote", "-idirafter", "-imacros"};
	static const char *const without[] = {"-fpatchable-function-entry",
					      "-flto",
					      "-fsanitize",
					      "-pg",
					      "-g",
					      "-W",
					      "--coverage",
					      "-fprofile",
					      "-ftest-coverage",
					      "-pedantic",
					      "-fdump",
					      "-mtls-dialect",
					      "-fsplit-stack",
					      "-fPIE",
					      "-fpie"};
	char **argv = flags->argv;
	size_t count = 0, kept = 0;

	while (argv[count])
		count++;
	const char **out = calloc(count + 12, sizeof(*out));
	if (!out)
		return NULL;
	out[kept++] = argv[0];
	bool includes = strstr(text, "include") != NULL;
	for (size_t i = 1; i < count; i++) {
		bool drop = false;
		size_t joined;
		if (includes && words_is_folder(argv[i], &joined)) {
			out[kept++] = argv[i];
			if (!joined && i + 1 < count)
				out[kept++] = argv[++i];
			continue;
		}
		for (size_t k = 0; k < sizeof(with_argument) / sizeof(*with_argument) && !drop; k++) {
			if (strncmp(argv[i], with_argument[k], strlen(with_argument[k])) != 0)
				continue;
			drop = true;
			if (strcmp(argv[i], with_argument[k]) == 0)
				i++;
		}
		for (size_t k = 0; k < sizeof(without) / sizeof(*without) && !drop; k++)
			drop = strncmp(argv[i], without[k], strlen(without[k])) == 0;
		if (!drop)
			out[kept++] = argv[i];
	}
	out[kept++] = FLAGS_NO_DEALLOCATORS;
	while (more && *more)
		out[kept++] = *more++;
	return out;
}

void flags_fini(struct flags *f)
{
	words_free(f->argv);
	free(f->directory);
	*f = (struct flags){0};
}
