#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_JSON = 256, OPTION_READ_ONLY, OPTION_ALL, OPTION_COLOR };

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"read-only", no_argument, NULL, OPTION_READ_ONLY},
	{"all", no_argument, NULL, OPTION_ALL},
	{"color", optional_argument, NULL, OPTION_COLOR},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static const char help_text[] =
	"Usage: rtf-console [OPTION]... SOCKET\n"
	"Looks into a running program and changes its functions, over the socket that the program opened.\n"
	"On a terminal it asks for commands, otherwise it reads them from standard input.\n"
	"\n"
	"  -c CMD          run CMD and exit; may be repeated, stops at the first that fails\n"
	"  -f FILE         run the commands in FILE (-: standard input) and exit; goes on after a failure\n"
	"      --json      print one JSON object a line, for every command\n"
	"  -t SEC          give up waiting for one command after SEC seconds\n"
	"      --read-only only look: the connection cannot change anything\n"
	"      --all       SOCKET is a pattern (or several): every console it names gets the commands\n"
	"      --color=auto|always|never   NO_COLOR is honoured\n"
	"  -h, --help      print this\n"
	"  -V, --version   print the version\n"
	"\n"
	"Exit status: 0 all done, 1 bad usage or a local failure, 2 no connection, or it was lost,\n"
	"3 a command, a compilation or an evaluation failed, 4 a fault was contained, or a time limit\n"
	"or Ctrl-C ended it.\n"
	"Once connected, \\help lists the commands.\n";

/* Single edits (a byte more, less or another) from `a` to `b`, counted up to 3. */
static unsigned edits(const char *a, const char *b)
{
	enum { LONGEST = 31 };
	unsigned row[LONGEST + 1];
	size_t m = strlen(a), n = strlen(b);

	if (m > LONGEST || n > LONGEST)
		return 3;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= m; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			unsigned shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			row[j] = change < shift ? change : shift;
		}
	}
	return row[n] < 3 ? row[n] : 3;
}

/* `word` is the argument that getopt could not use, `letter` its short option or 0. */
static struct error *unknown_option(const char *word, int letter)
{
	if (letter)
		return error_new(ERROR_USAGE, "unknown option -%c (rtf-console --help lists them)", letter);
	size_t length = strcspn(word + 2, "=");
	char name[32];
	snprintf(name, sizeof(name), "%.*s", length > 31 ? 31 : (int)length, word + 2);
	for (const struct option *o = long_options; o->name; o++) {
		if (strcmp(name, o->name) == 0)
			return error_new(ERROR_USAGE, "--%s takes no argument", name);
	}
	for (const struct option *o = long_options; o->name; o++) {
		if (edits(name, o->name) < 3)
			return error_new(ERROR_USAGE, "unknown option --%.*s: did you mean --%s?",
					 (int)length, word + 2, o->name);
	}
	return error_new(ERROR_USAGE, "unknown option --%.*s (rtf-console --help lists them)", (int)length,
			 word + 2);
}

static struct error *parse_limit(const char *text, int64_t *limit_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds > 0) || seconds > 1e9)
		return error_new(ERROR_USAGE, "-t takes a number of seconds greater than 0, not '%s'", text);
	*limit_ms = (int64_t)(seconds * 1000 + 0.999);
	return NULL;
}

static struct error *parse_color(const char *text, struct options *o)
{
	if (!text || strcmp(text, "always") == 0)
		o->color = COLOR_ALWAYS;
	else if (strcmp(text, "never") == 0)
		o->color = COLOR_NEVER;
	else if (strcmp(text, "auto") == 0)
		o->color = COLOR_AUTO;
	else
		return error_new(ERROR_USAGE, "--color is auto, always or never, not '%s'", text);
	return NULL;
}

static struct error *take_option(int letter, char **argv, struct options *o)
{
	switch (letter) {
	case 'c':
		o->actions[o->action_count++] = (struct action){.text = optarg};
		return NULL;
	case 'f':
		o->actions[o->action_count++] = (struct action){.file = optarg};
		return NULL;
	case 't':
		return parse_limit(optarg, &o->limit_ms);
	case OPTION_JSON:
		o->json = true;
		return NULL;
	case OPTION_READ_ONLY:
		o->read_only = true;
		return NULL;
	case OPTION_ALL:
		o->all = true;
		return NULL;
	case OPTION_COLOR:
		return parse_color(optarg, o);
	case 'h':
		fputs(help_text, stdout);
		exit(fflush(stdout) ? STATUS_LOCAL : STATUS_DONE);
	case 'V':
		puts("rtf-console " RTF_VERSION);
		exit(fflush(stdout) ? STATUS_LOCAL : STATUS_DONE);
	case ':':
		return error_new(ERROR_USAGE, "-%c takes an argument", optopt);
	default:
		return unknown_option(argv[optind - 1], optopt < 256 ? optopt : 0);
	}
}

/* What is wrong first is told, in the form that all of the line asks for. */
static struct error *parse(int argc, char **argv, struct options *o)
{
	struct error *first = NULL;
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":c:f:t:hV", long_options, NULL)) != -1) {
		struct error *e = take_option(letter, argv, o);
		if (first)
			error_free(e);
		else
			first = e;
	}
	o->sockets = argv + optind;
	o->socket_count = (size_t)(argc - optind);
	return first;
}

/* Checks what the options mean together. Without -c and -f: standard input, unless a person sits at it. */
static struct error *settle(struct options *o)
{
	if (o->socket_count == 0)
		return error_new(ERROR_USAGE, "no socket given: rtf-console SOCKET, "
					      "the path that the program gave rtf_start()");
	if (o->socket_count > 1 && !o->all)
		return error_new(ERROR_USAGE, "one socket at a time, not also %s (or --all)", o->sockets[1]);
	if (o->action_count || (!o->all && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return NULL;
	if (o->all && isatty(STDIN_FILENO))
		return error_new(
			ERROR_USAGE,
			"--all takes its commands from -c, -f or standard input, not from a terminal");
	o->actions[o->action_count++] = (struct action){.file = "-"};
	return NULL;
}

struct error *options_init(struct options *o, int argc, char **argv)
{
	struct options read = {.limit_ms = -1};

	*o = read;
	read.actions = calloc((size_t)argc + 1, sizeof(*read.actions));
	if (!read.actions)
		return error_memory();
	struct error *e = parse(argc, argv, &read);
	if (!e)
		e = settle(&read);
	if (e) {
		options_fini(&read);
		read = (struct options){.json = read.json};
	}
	*o = read;
	return e;
}

void options_fini(struct options *o)
{
	free(o->actions);
}

bool options_color(const struct options *options)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	if (options->json || options->color == COLOR_NEVER)
		return false;
	if (options->color == COLOR_ALWAYS)
		return true;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}
