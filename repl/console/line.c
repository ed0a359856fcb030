#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_ENTRIES = 10000, HISTORY_SLACK = 2000 };

/* Readline's own state is global, so is what goes with it. */
static struct {
	char *history_path; /* NULL: not kept */
	line_completer *complete;
	void *context;
	bool ready; /* readline is set up */
	bool reading;
	bool entered; /* the handler was called, with `text` */
	char *text;
} line;

char *line_history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path;

	if (state && state[0] == '/')
		return asprintf(&path, "%s/rtf/line_history", state) < 0 ? NULL : path;
	if (!home || home[0] != '/') {
		const struct passwd *user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home)
		return NULL;
	return asprintf(&path, "%s/.local/state/rtf/line_history", home) < 0 ? NULL : path;
}

/* Makes the directories above `path` that are missing. */
static bool make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int failed = mkdir(path, 0700);
		*slash = '/';
		if (failed && errno != EEXIST)
			return false;
	}
	return true;
}

/* Makes the file if it is missing, and makes sure that it can be written. */
static bool make_history_file(char *path)
{
	if (!make_directories(path))
		return false;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static unsigned text_hash(const char *text)
{
	unsigned hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

/* Keeps the newest of equal entries. Returns how many were removed. (history_list() and not history_find(): the
 * store, which tests link too, has one of its own.) */
static int fold_duplicates(void)
{
	enum { SLOTS = 1 << 15 }; /* at least twice the entries that stifle_history leaves */
	HIST_ENTRY **seen = calloc(SLOTS, sizeof(HIST_ENTRY *));
	int removed = 0;

	for (int i = history_length - 1; seen && i >= 0; i--) {
		HIST_ENTRY *entry = history_list()[i];
		unsigned slot = text_hash(entry->line) % SLOTS;
		while (seen[slot] && strcmp(seen[slot]->line, entry->line) != 0)
			slot = (slot + 1) % SLOTS;
		if (!seen[slot]) {
			seen[slot] = entry;
			continue;
		}
		free_history_entry(remove_history(i));
		removed++;
	}
	free(seen);
	return removed;
}

static bool is_timestamp(const char *text)
{
	return text[0] == '#' && text[1] >= '0' && text[1] <= '9';
}

/* Adds the entries in the file's text, which is cut up. The format is that of history's own functions, which
 * write it: an entry's lines come behind a line with its time (their reader drops the blank ones). */
static void add_entries(char *text)
{
	while (*text) {
		char *body = is_timestamp(text) ? strchr(text, '\n') : NULL;
		char *end = strchr(body ? ++body : text, '\n');
		while (body && end && end[1] && !is_timestamp(end + 1))
			end = strchr(end + 1, '\n');
		if (!end)
			return; /* its writer was stopped in the middle */
		*end = '\0';
		add_history(body ? body : text);
		if (body) {
			body[-1] = '\0';
			add_history_time(text);
		}
		text = end + 1;
	}
}

static void read_entries(void)
{
	char *text = NULL;
	size_t capacity = 0;
	FILE *file = fopen(line.history_path, "re");

	if (!file)
		return;
	if (getdelim(&text, &capacity, '\0', file) > 0)
		add_entries(text);
	free(text);
	fclose(file);
}

/* A file beside the history: the history itself cannot be what is locked, as a new one takes its place. -1 where there can be
 * none: the history is then as safe as the file system's appends are. */
static int lock_history(void)
{
	char *path;

	if (asprintf(&path, "%s.lock", line.history_path) < 0)
		return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0600);
	free(path);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(fd);
		return -1;
	}
	return fd;
}

static void unlock_history(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void load_history(void)
{
	int lock = lock_history(); /* what others append must not come between reading and rewriting */

	history_comment_char = '#';
	history_write_timestamps = 1;
	using_history();
	stifle_history(HISTORY_ENTRIES + HISTORY_SLACK);
	read_entries();
	bool rewrite =
		fold_duplicates() >= HISTORY_SLACK || history_length == HISTORY_ENTRIES + HISTORY_SLACK;
	stifle_history(HISTORY_ENTRIES);
	if (rewrite)
		write_history(line.history_path);
	unlock_history(lock);
	using_history();
}

void line_remember(const char *entry)
{
	for (int i = history_length - 1; i >= 0; i--) {
		if (strcmp(history_list()[i]->line, entry) == 0)
			free_history_entry(remove_history(i));
	}
	add_history(entry);
	using_history();
	if (!line.history_path)
		return;
	int lock = lock_history();
	append_history(1, line.history_path);
	unlock_history(lock);
}

/* The longest common beginning of `words`, malloc'ed. */
static char *common_beginning(char **words)
{
	size_t n = strlen(words[0]);

	for (char **w = words + 1; *w; w++) {
		size_t same = 0;
		while (same < n && (*w)[same] == words[0][same])
			same++;
		n = same;
	}
	while (n && ((unsigned char)words[0][n] & 0xc0) == 0x80)
		n--; /* not into the middle of a character */
	return strndup(words[0], n);
}

/* Words that replace line[from, …) as words that replace line[to, …). NULL if one does not fit there. */
static char *shift_word(const char *word, const char *text, size_t from, size_t to)
{
	char *shifted;

	if (to >= from) {
		size_t cut = to - from;
		if (strncmp(word, text + from, cut) != 0)
			return NULL;
		return strdup(word + cut);
	}
	if (asprintf(&shifted, "%.*s%s", (int)(from - to), text + to, word) < 0)
		return NULL;
	return shifted;
}

static char **complete(const char *text, int start, int end)
{
	size_t from = (size_t)start, count = 0, kept = 0;

	(void)text;
	rl_attempted_completion_over = 1; /* no file names */
	char **words = line.complete ? line.complete(line.context, rl_line_buffer, (size_t)end, &from) : NULL;
	if (!words)
		return NULL;
	while (words[count])
		count++;

	char **matches = calloc(count + 2, sizeof(char *));
	for (size_t i = 0; i < count; i++) {
		char *word = matches && from <= (size_t)end
				     ? shift_word(words[i], rl_line_buffer, from, (size_t)start)
				     : NULL;
		if (word)
			matches[1 + kept++] = word;
		free(words[i]);
	}
	free(words);
	if (!kept || !(matches[0] = common_beginning(matches + 1))) {
		for (size_t i = 0; i < kept; i++)
			free(matches[1 + i]);
		free(matches);
		return NULL;
	}
	if (kept == 1) {
		free(matches[1]);
		matches[1] = NULL;
	}
	rl_completion_append_character = rl_line_buffer[0] == '\\' ? ' ' : '\0';
	return matches;
}

/* At the beginning of a line of C it is what it is in any editor; behind something it completes. */
static int tab(int count, int key)
{
	bool begins = (int)strspn(rl_line_buffer, " \t") >= rl_point;

	if (rl_last_func == tab)
		rl_last_func = rl_complete; /* a second one lists */
	return begins ? rl_insert(count, key) : rl_complete(count, key);
}

bool line_init(const char *history_path, line_completer *completer, void *context)
{
	bool kept = true;

	line.complete = completer;
	line.context = context;
	rl_readline_name = "rtf-console";
	rl_instream = stdin;
	rl_outstream = stdout;
	rl_catch_signals = 0; /* the caller's signalfd has them */
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_attempted_completion_function = complete;
	rl_basic_word_break_characters = " \t\n\"'`@><=;|&{}()[]+-*/%!~^?,.:#";
	rl_initialize();
	if (rl_function_of_keyseq("\t", NULL, NULL) ==
	    rl_complete) /* it is not bound otherwise by whoever uses it */
		rl_bind_key('\t', tab);
	line.ready = true;

	if (history_path) {
		line.history_path = strdup(history_path);
		kept = line.history_path && make_history_file(line.history_path);
		if (kept)
			load_history();
		if (!kept) {
			int saved = errno;
			free(line.history_path);
			line.history_path = NULL;
			errno = saved;
		}
	}
	return kept;
}

void line_fini(void)
{
	if (line.reading)
		rl_callback_handler_remove();
	line.reading = false;
	free(line.history_path);
	free(line.text);
	line.history_path = line.text = NULL;
	clear_history();
}

static void on_line(char *text)
{
	line.entered = true;
	line.text = text;
	line.reading = false;
	rl_callback_handler_remove();
}

void line_start(const char *prompt)
{
	if (line.reading)
		return;
	line.reading = true;
	line.entered = false;
	rl_callback_handler_install(prompt, on_line);
}

enum line_event line_read(char **text)
{
	rl_callback_read_char();
	if (!line.entered)
		return LINE_MORE;
	line.entered = false;
	if (!line.text)
		return LINE_END;
	*text = line.text;
	line.text = NULL;
	return LINE_TEXT;
}

static void print_line(const char *text, size_t size)
{
	fwrite(text, 1, size, stdout);
	if (size && text[size - 1] != '\n')
		putchar('\n');
}

void line_print(const char *text, size_t size)
{
	if (line.reading)
		rl_clear_visible_line();
	print_line(text, size);
	if (line.reading) {
		rl_on_new_line();
		rl_redisplay();
	}
	fflush(stdout);
}

const char *line_typed(void)
{
	return line.reading && rl_line_buffer ? rl_line_buffer : "";
}

void line_discard(void)
{
	if (!line.reading)
		return;
	rl_free_line_state();
	rl_callback_sigcleanup();
	rl_replace_line("", 0);
	rl_callback_handler_remove();
	line.reading = false;
}

void line_cancel(void)
{
	if (line.reading) {
		rl_point = rl_end;
		rl_redisplay();
	}
	fputs("^C", stdout); /* before readline puts the cursor in front */
	fflush(stdout);
	line_discard();
	puts("");
	fflush(stdout);
}

void line_resize(void)
{
	if (line.reading)
		rl_resize_terminal();
	else if (line.ready)
		rl_reset_screen_size();
}

void line_suspend(void)
{
	if (line.reading && rl_deprep_term_function)
		rl_deprep_term_function();
	raise(SIGSTOP);
	if (!line.reading)
		return;
	if (rl_prep_term_function)
		rl_prep_term_function(1);
	rl_on_new_line();
	rl_redisplay();
}
