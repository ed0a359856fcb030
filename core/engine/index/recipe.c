#include "recipe.h"
#include "likeness.h"
#include "run.h"
#include "spare.h"
#include "substitution.h"
#include "text.h"
#include "words.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEVELS_UP = 3, MAKE_SECONDS = 60 };

/* What stands for make's shell, which finds it in RTF_GUARD: $1 is what it shall run. $(shell …) comes with the level that
 * its make was started with, a recipe with one more. Of recipes makes alone are run, in a folder or not, also several behind
 * &&: without what is quoted, and without commands whose output they are told, no more than words are left of each. -W is the
 * one option that make does not pass on. */
static const char guard[] =
	"if [ \"${MAKELEVEL:-0}\" = \"${RTF_MAKELEVEL:-0}\" ]; then exec /bin/sh -c \"$1\"; fi\n"
	"RTF_MAKELEVEL=$MAKELEVEL command=$1 folder=\n"
	"export RTF_MAKELEVEL\n"
	"case $command in 'cd '*' && '*)\n"
	"	folder=${command#cd } folder=${folder%% && *} command=${command#*' && '} ;;\n"
	"esac\n"
	"program=${command%% *} program=${program#\\\"} program=${program%\\\"}\n"
	"case ${program##*/} in make | gmake)\n"
	"	words=$(printf %s \"$command\" | tr '\\n' ' ' | sed -E "
	"'s,\"([[:alnum:]_./+-]*make)\",\\1,g; "
	"s/\\\\.|'\\''[^'\\'']*'\\''|`[^`]*`|\\$\\([^()]*\\)|"
	"\"([^\"\\\\`$]|\\\\.|`[^`]*`|\\$\\([^()]*\\)|\\$)*\"//g')\n"
	"	case $folder in *[' ;|<>&`$(){}\"']*) words='()' ;; esac\n"
	"	while [ \"$words\" ]; do\n"
	"		part=${words%%'&&'*} words=${words#\"$part\"} words=${words#'&&'}\n"
	"		part=${part#\"${part%%[! ]*}\"} first=${part%% *}\n"
	"		case ${first##*/} in make | gmake) ;; *) part='()' ;; esac\n"
	"		case $part in *[';|<>&`$(){}\"'\\']*) program= words= ;; esac\n"
	"	done\n"
	"	case $program in '') ;;\n"
	"	*/*) exec /bin/sh -c \"$1 $RTF_CHANGED\" ;;\n"
	"	*) exec /bin/sh -c '\n"
	"		make() { eval \"command make \\\"\\$@\\\" $RTF_CHANGED\"; }\n"
	"		gmake() { eval \"command gmake \\\"\\$@\\\" $RTF_CHANGED\"; }\n"
	"		eval \"$1\"' sh \"$1\" ;; esac ;;\n"
	"esac\n"
	"printf '%s\\n' \"$1\"\n";

/* A directory with a makefile. */
struct place {
	struct place *next;
	char *directory;
	struct words sources; /* that changed, for make: each by all names that a makefile may have for it */
	char *answer;         /* what make printed; NULL: not asked yet */
	bool asked_by_object; /* for those of them that the answer has no word of */
};

/* The second question about a place, asked while the first one is. */
struct early {
	pthread_mutex_t lock; /* of `state` */
	enum { EARLY_NONE, EARLY_ASKED, EARLY_OVER } state;
	struct spare spare;
	pthread_t asker;
	const struct place *place;
	int stop;     /* eventfd(2): nobody needs the answer */
	char *answer; /* NULL: there is none */
};

struct recipes {
	struct words make; /* empty: do not ask */
	struct place *places;
	struct early early; /* of all that one asker does */
	pthread_t asker;
	bool asking;       /* by that thread, which alone has the places until it is joined */
	atomic_bool ended; /* it has come to its end */
	int wake;
};

struct error *recipes_new(const char *make, struct recipes **out)
{
	struct recipes *r = calloc(1, sizeof(*r));

	if (!r)
		return error_memory();
	pthread_mutex_init(&r->early.lock, NULL);
	r->early.stop = -1;
	if (!make || strcmp(make, "0") != 0)
		words_split(&r->make, make ? make : "make");
	if (r->make.failed) {
		recipes_free(r);
		return error_memory();
	}
	*out = r;
	return NULL;
}

static void await_answers(struct recipes *r)
{
	if (!r->asking)
		return;
	pthread_join(r->asker, NULL);
	spare_fini(&r->early.spare);
	r->asking = false;
}

void recipes_free(struct recipes *r)
{
	if (!r)
		return;
	await_answers(r);
	for (struct place *p = r->places, *next; p; p = next) {
		next = p->next;
		free(p->directory);
		free(p->answer);
		words_fini(&p->sources);
		free(p);
	}
	words_fini(&r->make);
	pthread_mutex_destroy(&r->early.lock);
	free(r);
}

void recipe_fini(struct recipe *r)
{
	words_free(r->words);
	free(r->directory);
	*r = (struct recipe){0};
}

/* --- where make is asked ------------------------------------------------------------------------------------------ */

/* A makefile runs $(shell …): it must be ours, root's, or belong to whom the source belongs, whose saves run in the program
 * anyhow. */
static bool is_trusted(const char *path, uid_t owner)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & S_IWOTH) &&
	       (st.st_uid == geteuid() || st.st_uid == 0 || st.st_uid == owner);
}

static bool has_makefile(const char *directory, uid_t owner)
{
	static const char *const names[] = {"GNUmakefile", "makefile", "Makefile"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (snprintf(path, sizeof(path), "%s/%s", directory, names[i]) < (int)sizeof(path) &&
		    is_trusted(path, owner))
			return true;
	return false;
}

/* The unit's directory or the nearest one above that has a makefile, into `directory`. */
static bool find_directory(const struct target_unit *unit, char directory[PATH_MAX])
{
	struct stat source;

	if (!unit->directory || stat(unit->file, &source) ||
	    snprintf(directory, PATH_MAX, "%s", unit->directory) >= PATH_MAX)
		return false;
	for (int level = 0; level <= LEVELS_UP; level++) {
		if (has_makefile(directory, source.st_uid))
			return true;
		char *slash = strrchr(directory, '/');
		if (!slash || slash == directory)
			return false;
		*slash = '\0';
	}
	return false;
}

static struct place *find_place(const struct recipes *r, const char *directory)
{
	for (struct place *p = r->places; p; p = p->next)
		if (strcmp(p->directory, directory) == 0)
			return p;
	return NULL;
}

static struct place *add_place(struct recipes *r, const char *directory)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p || !(p->directory = strdup(directory))) {
		free(p);
		return NULL;
	}
	p->next = r->places;
	r->places = p;
	return p;
}

static void add_source(struct place *p, const struct target_unit *unit)
{
	size_t length = strlen(p->directory);
	bool below = strncmp(unit->file, p->directory, length) == 0 && unit->file[length] == '/';
	const char *relative = below ? unit->file + length + 1 : NULL;

	words_add(&p->sources, unit->file);
	if (relative)
		words_add(&p->sources, relative);
	if (unit->given && strcmp(unit->file, unit->given) != 0 &&
	    !(relative && strcmp(relative, unit->given) == 0))
		words_add(&p->sources, unit->given);
}

struct error *recipes_expect(struct recipes *r, const struct target_unit *unit)
{
	char directory[PATH_MAX];

	if (!r->make.count || !find_directory(unit, directory))
		return NULL;
	struct place *p = find_place(r, directory); /* of places the thread changes answers alone */
	if (p && words_have(&p->sources, unit->file))
		return NULL;
	await_answers(r);
	if (!p)
		p = add_place(r, directory);
	if (!p)
		return error_memory();
	add_source(p, unit);
	free(p->answer); /* to a question without this one */
	p->answer = NULL;
	p->asked_by_object = false;
	return p->sources.failed ? error_memory() : NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* "-W 'a.c' …", as sh takes it. */
static void spell_changed(const struct place *p, struct text *out)
{
	for (size_t i = 0; i < p->sources.count; i++) {
		text_puts(out, " -W ");
		words_quote(out, p->sources.items[i]);
	}
}

/* env … make … -W SOURCE … GOAL …: what this process inherited from a make is not the concern of this one. */
static struct words command_of(const struct recipes *r, const struct place *p, const struct words *goals)
{
	static const char *const before[] = {"env", "-u",     "MAKEFLAGS", "-u",           "MAKELEVEL",
					     "-u",  "MFLAGS", "-u",        "GNUMAKEFLAGS", "LC_ALL=C"};
	static const char *const behind[] = {"-n", "-w", "-k", "SHELL=/bin/sh",
					     ".SHELLFLAGS=-c 'eval \"$$RTF_GUARD\"' sh"};
	struct text changed = {0}, script = {0};
	struct words w = {0};

	text_puts(&changed, "RTF_CHANGED=");
	spell_changed(p, &changed);
	text_printf(&script, "RTF_GUARD=%s", guard);
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		words_add(&w, before[i]);
	words_add(&w, changed.bytes ? changed.bytes : "");
	words_add(&w, script.bytes ? script.bytes : "");
	for (size_t i = 0; i < r->make.count; i++)
		words_add(&w, r->make.items[i]);
	for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++)
		words_add(&w, behind[i]);
	for (size_t i = 0; i < p->sources.count; i++) {
		words_add(&w, "-W");
		words_add(&w, p->sources.items[i]);
	}
	for (size_t i = 0; i < goals->count; i++)
		words_add(&w, goals->items[i]);
	w.failed |= changed.failed || script.failed;
	text_fini(&changed);
	text_fini(&script);
	return w;
}

/* Complaints are no concern: what was printed before them counts. Without make, in that time or because of `stop`, there is no
 * answer, and none to further questions: "". Without goals make has its own. */
static struct error *ask(const struct recipes *r, const struct place *p, const struct words *goals, int stop,
			 char **answer, bool *failed)
{
	struct words command = command_of(r, p, goals);
	struct run_output output;

	if (command.failed) {
		words_fini(&command);
		return error_memory();
	}
	struct error *e = run_with(
		(const char *const *)command.items,
		&(struct run_options){.directory = p->directory, .seconds = MAKE_SECONDS, .stop = stop},
		&output);
	words_fini(&command);
	*failed = e;
	if (e) {
		error_free(e);
		*answer = strdup("");
	} else {
		*answer = output.out;
		output.out = NULL;
		run_output_fini(&output);
	}
	return *answer ? NULL : error_memory();
}

static struct error *ask_first(const struct recipes *r, struct place *p)
{
	bool failed = false;
	struct error *e = ask(r, p, &(struct words){0}, 0, &p->answer, &failed);

	p->asked_by_object |= failed;
	return e;
}

static bool is_in(const char *directory, const char *file)
{
	char path[PATH_MAX];

	return text_join_path(directory, file, path) && access(path, F_OK) == 0;
}

/* STEM.o, and libtool's STEM.lo: those that are there, or those that are not. */
static void add_objects(const struct place *p, const char *stem, size_t length, bool made,
			struct words *goals)
{
	static const char *const suffixes[] = {".o", ".lo"};
	char goal[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (snprintf(goal, sizeof(goal), "%.*s%s", (int)length, stem, suffixes[i]) <
			    (int)sizeof(goal) &&
		    is_in(p->directory, goal) == made)
			words_add(goals, goal);
}

/* By all names that a source has of which `answer` has no word. */
static void add_goals(const struct place *p, const char *answer, bool made, struct words *goals)
{
	for (size_t i = 0; i < p->sources.count; i++) {
		const char *source = p->sources.items[i], *name = text_base_name(source);
		const char *dot = strrchr(name, '.');
		if (!dot || strstr(answer, name))
			continue;
		if (*source != '/')
			add_objects(p, source, (size_t)(dot - source), made, goals);
		add_objects(p, name, (size_t)(dot - name), made, goals);
	}
}

/* The goals that such a source may be compiled for: all-am is what automake's first goal comes to behind its subfolders. Objects
 * that are there were made so. If none is, they have other names, or were cleaned away: make knows how to make any a.o of an a.c,
 * and -r leaves what the makefile knows. */
static struct words object_goals(const struct place *p, const char *answer)
{
	struct words goals = {0};

	words_add(&goals, "all-am");
	add_goals(p, answer, true, &goals);
	if (goals.count == 1) {
		words_add(&goals, "-r");
		add_goals(p, answer, false, &goals);
	}
	return goals;
}

/* What make says of these goals; "" if it says nothing in time. */
static struct error *ask_goals(const struct recipes *r, const struct place *p, const char *before, int stop,
			       char **answer)
{
	struct words goals = object_goals(p, before);
	bool failed;

	struct error *e = goals.failed ? error_memory() : ask(r, p, &goals, stop, answer, &failed);
	words_fini(&goals);
	return e;
}

/* Behind what make has said. Takes the answer, which may have been given before. */
static struct error *add_by_object(const struct recipes *r, struct place *p, char *answer)
{
	struct text both = {0};

	struct error *e = answer ? NULL : ask_goals(r, p, p->answer, 0, &answer);
	if (e)
		return e;
	text_printf(&both, "%s%s", p->answer, answer);
	free(answer);
	answer = text_take(&both);
	if (!answer)
		return error_memory();
	free(p->answer);
	p->answer = answer;
	p->asked_by_object = true;
	return NULL;
}

/* Of how many names of its sources make has said nothing. */
static size_t lacks(const struct place *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->sources.count; i++)
		count += !strstr(p->answer, text_base_name(p->sources.items[i]));
	return count;
}

/* --- both questions at once ----------------------------------------------------------------------------------------- */

static void *ask_early(void *context)
{
	struct recipes *r = context;

	error_free(ask_goals(r, r->early.place, "", r->early.stop, &r->early.answer));
	return NULL;
}

void recipes_hurry(struct recipes *r)
{
	struct early *early = &r->early;

	if (!recipes_are_asked(r) || !r->places || r->places->next)
		return;
	pthread_mutex_lock(&early->lock);
	if (early->state == EARLY_NONE) {
		early->place = r->places;
		early->stop = eventfd(0, EFD_CLOEXEC);
		bool asked = early->stop > 0 && spare_start(&early->spare, &early->asker, ask_early, r) == 0;
		early->state = asked ? EARLY_ASKED : EARLY_OVER;
	}
	pthread_mutex_unlock(&early->lock);
}

/* The answer to a question that named all sources, waited for if it is `wanted`; the caller's. NULL: there is none. Nobody can
 * hurry any more. */
static char *end_early(struct early *early, bool wanted)
{
	pthread_mutex_lock(&early->lock);
	bool asked = early->state == EARLY_ASKED;
	early->state = EARLY_OVER;
	pthread_mutex_unlock(&early->lock);
	if (asked && !wanted)
		eventfd_write(early->stop, 1);
	if (asked)
		pthread_join(early->asker, NULL);
	if (early->stop >= 0)
		close(early->stop);
	early->stop = -1;
	char *answer = early->answer;
	early->answer = NULL;
	if (wanted)
		return answer;
	free(answer);
	return NULL;
}

static void *ask_all(void *context)
{
	struct recipes *r = context;

	for (struct place *p = r->places; p; p = p->next) {
		struct error *e = p->answer ? NULL : ask_first(r, p);
		size_t lacking = e || p->asked_by_object ? 0 : lacks(p);
		char *early = end_early(&r->early, lacking && lacking == p->sources.count);
		if (lacking)
			e = add_by_object(r, p, early);
		error_free(e); /* who needs it asks again and has the error */
	}
	end_early(&r->early, false);
	atomic_store(&r->ended, true);
	eventfd_write(r->wake, 1);
	return NULL;
}

static bool lacks_answers(const struct recipes *r)
{
	for (const struct place *p = r->places; p; p = p->next)
		if (!p->answer)
			return true;
	return false;
}

bool recipes_are_asked(const struct recipes *r)
{
	return r->asking && !atomic_load(&r->ended);
}

void recipes_begin(struct recipes *r, int wake)
{
	if (recipes_are_asked(r))
		return; /* for all that is expected: nothing was since, or it would have been waited for */
	await_answers(r);
	if (!lacks_answers(r))
		return;
	r->wake = wake;
	atomic_store(&r->ended, false);
	r->early.state = EARLY_NONE;
	spare_init(&r->early.spare);
	r->asking = pthread_create(&r->asker, NULL, ask_all, r) == 0;
	if (!r->asking)
		spare_fini(&r->early.spare);
}

/* --- reading the answer ------------------------------------------------------------------------------------------- */

/* The end of the command that begins at `p`: an operator that is not quoted. */
static const char *command_end(const char *p)
{
	char quote = 0;

	for (const char *behind; *p; p++) {
		if (*p == '\\' && quote != '\'' && p[1])
			p++;
		else if (quote != '\'' && (behind = substitution_end(p)))
			p = behind - 1;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (strchr(";&|()", *p))
			break;
	}
	return p;
}

/* "make[1]: Entering directory '/x'", and Leaving: keeps the directories that makes are in. */
static bool moves(const char *line, struct words *directories)
{
	static const char entering[] = ": Entering directory '", leaving[] = ": Leaving directory '";
	const char *at = strstr(line, entering);

	if (at) {
		at += sizeof(entering) - 1;
		words_add_bytes(directories, at, strcspn(at, "'"));
		return true;
	}
	if (!strstr(line, leaving))
		return false;
	if (directories->count) {
		free(directories->items[--directories->count]);
		directories->items[directories->count] = NULL;
	}
	return true;
}

/* A command that names the source and compiles, or at least may. */
static bool compiles(const struct words *w, const char *directory, const struct target_unit *unit)
{
	bool named = false;

	if (w->count < 2 || strcmp(w->items[0], "echo") == 0 || strcmp(w->items[0], "printf") == 0)
		return false;
	for (size_t i = 1; i < w->count; i++)
		named |= w->items[i][0] != '-' && text_names_file(directory, w->items[i], unit->file);
	return named && (words_have(w, "-c") || words_have(w, "-o"));
}

/* The same of another source in the unit's folder. */
static bool compiles_neighbour(const struct words *w, const char *directory, const struct target_unit *unit)
{
	int folder = (int)(text_base_name(unit->file) - unit->file);
	bool found = false;

	if (!words_have(w, "-c"))
		return false;
	for (size_t i = 1; i < w->count && !found; i++) {
		const char *word = w->items[i], *end = strrchr(word, '.');
		char *file;
		if (*word == '-' || !end || strcmp(end, ".c") != 0 ||
		    asprintf(&file, "%.*s%s", folder, unit->file, text_base_name(word)) < 0)
			continue;
		found = text_names_file(directory, word, file);
		free(file);
	}
	return found;
}

/* The next line, those that a backslash continues joined; NULL at the end. The caller's. */
static char *next_line(const char **at)
{
	const char *end = *at;
	size_t size = 0;

	if (!*end)
		return NULL;
	while (*end && !(*end == '\n' && (end == *at || end[-1] != '\\')))
		end++;
	char *line = malloc((size_t)(end - *at) + 1);
	for (const char *p = *at; line && p < end; p++) {
		if (*p == '\\' && p[1] == '\n')
			line[size++] = ' ', p++;
		else
			line[size++] = *p;
	}
	if (line)
		line[size] = '\0';
	*at = *end ? end + 1 : end;
	return line;
}

/* The operand of -o, or NULL. */
static const char *output_of(char *const *words)
{
	for (; words && words[0] && words[1]; words++)
		if (strcmp(words[0], "-o") == 0)
			return words[1];
	return NULL;
}

/* Whether the line makes the unit's module of what a command made. */
static bool links(const char *line, char *const *command, const struct target_unit *unit)
{
	const char *object = output_of(command), *module;
	struct words w = {0};

	if (!object || !unit->module || !strstr(line, unit->module) || !strstr(line, object))
		return false;
	words_split(&w, line);
	module = w.failed ? NULL : output_of(w.items);
	bool does = module && strcmp(text_base_name(module), unit->module) == 0 && words_have(&w, object);
	words_fini(&w);
	return does;
}

/* A source may be compiled for several programs, with other -D for each. */
static bool is_linked(const struct place *p, char *const *command, const struct target_unit *unit)
{
	const char *at = p->answer;
	bool linked = false;

	for (char *line; !linked && (line = next_line(&at)); free(line))
		linked = links(line, command, unit);
	return linked;
}

/* Of commands that are as alike: whether one that comes later is the unit's rather than the one before. */
static bool is_rather(const struct place *p, char *const *later, char *const *before,
		      const struct target_unit *unit)
{
	size_t names = likeness_names(later, unit), names_before = likeness_names(before, unit);

	if (names != names_before)
		return names > names_before;
	return !is_linked(p, before, unit) && is_linked(p, later, unit);
}

/* Of what compiles the unit `*out` keeps what is most like its build, the first of equals unless another one has its names, or is
 * linked into its module. Takes the words. */
static struct error *consider(const struct place *p, struct words *w, const char *directory,
			      const struct target_unit *unit, struct recipe *out)
{
	int like = likeness(w->items, unit), before = out->words ? likeness(out->words, unit) : INT_MIN;

	if (out->words && (like < before || (like == before && !is_rather(p, w->items, out->words, unit))))
		return NULL;
	recipe_fini(out);
	out->directory = strdup(directory);
	if (!out->directory)
		return error_memory();
	out->words = w->items;
	w->items = NULL;
	return NULL;
}

/* Fits the words to what the shell makes of the command. Takes `expanded`, which may be NULL. */
static void take_expanded(struct words *w, char *expanded)
{
	if (!expanded)
		return;
	words_fini(w);
	words_split(w, expanded);
	free(expanded);
}

typedef bool fits_fn(const struct words *, const char *directory, const struct target_unit *);

/* The commands of a line of sh that fit the unit; `cd` in front is followed. */
static struct error *find_in_line(const struct place *p, const char *line, const char *directory,
				  const struct target_unit *unit, fits_fn *fits, struct recipe *out)
{
	char here[PATH_MAX];
	struct error *e = NULL;

	snprintf(here, sizeof(here), "%s", directory);
	while (*line && !e) {
		const char *end = command_end(line);
		struct words w = {0};
		char *command = strndup(line, (size_t)(end - line));
		if (command)
			words_split(&w, command);
		if (command && !w.failed)
			take_expanded(&w, substitution_expand_names(command, here));
		if (command && !w.failed && fits(&w, here, unit))
			take_expanded(&w, substitution_expand(command, here));
		free(command);
		if (!command || w.failed) {
			e = error_memory();
		} else if (w.count == 2 && strcmp(w.items[0], "cd") == 0) {
			size_t length = *w.items[1] == '/' ? 0 : strlen(here);
			snprintf(here + length, sizeof(here) - length, "%s%s", length ? "/" : "", w.items[1]);
		} else if (fits(&w, here, unit)) {
			e = consider(p, &w, here, unit, out);
		}
		words_fini(&w);
		line = *end ? end + 1 : end;
	}
	return e;
}

/* In lines that have that part. */
static struct error *find_in_answer(const struct place *p, const char *part, const struct target_unit *unit,
				    fits_fn *fits, struct recipe *out)
{
	const char *at = p->answer;
	struct words directories = {0};
	struct error *e = NULL;

	while (*at && !e) {
		char *line = next_line(&at);
		if (!line || directories.failed)
			e = error_memory();
		else if (!moves(line, &directories) && strstr(line, part))
			e = find_in_line(p, line,
					 directories.count ? directories.items[directories.count - 1]
							   : p->directory,
					 unit, fits, out);
		free(line);
	}
	words_fini(&directories);
	return e;
}

struct error *recipes_find(struct recipes *r, const struct target_unit *unit, struct recipe *out)
{
	char directory[PATH_MAX];
	struct error *e = recipes_expect(r, unit);

	*out = (struct recipe){0};
	if (e || !r->make.count || !find_directory(unit, directory))
		return e;
	await_answers(r);
	struct place *p = find_place(r, directory);
	if (!p->answer)
		e = ask_first(r, p);
	const char *name = text_base_name(unit->file);
	if (!e)
		e = find_in_answer(p, name, unit, compiles, out);
	if (!e && !out->words && !p->asked_by_object) {
		e = add_by_object(r, p, NULL);
		if (!e)
			e = find_in_answer(p, name, unit, compiles, out);
	}
	if (!e && !out->words) {
		e = find_in_answer(p, ".c", unit, compiles_neighbour, out);
		out->neighbour = out->words;
	}
	if (e)
		recipe_fini(out);
	return e;
}
