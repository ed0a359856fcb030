#include "console.h"
#include "descriptor.h"
#include "spawn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 3072 };

pthread_mutex_t console_mutex = PTHREAD_MUTEX_INITIALIZER;
struct console *console_current;

/* The mutex. */

static void hold_on(struct console_hold *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before->cancelling);
	pthread_sigmask(SIG_SETMASK, &all, &before->signals);
}

static void let_go(const struct console_hold *before)
{
	pthread_sigmask(SIG_SETMASK, &before->signals, NULL);
	pthread_setcancelstate(before->cancelling, NULL);
}

void console_lock(struct console_hold *before)
{
	hold_on(before);
	pthread_mutex_lock(&console_mutex);
}

bool console_lock_within(struct console_hold *before, int milliseconds)
{
	struct timespec until;

	hold_on(before);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += milliseconds * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	if (pthread_mutex_timedlock(&console_mutex, &until) == 0)
		return true;
	let_go(before);
	return false;
}

void console_unlock(const struct console_hold *before)
{
	pthread_mutex_unlock(&console_mutex);
	let_go(before);
}

/* The log. */

/* Without waiting for a reader, should it be a pipe. */
void console_open_log(struct console *c)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	c->log = c->log_path ? descriptor_raise(open(c->log_path, flags, 0600)) : -1;
}

/* A moment since 1970 in UTC. Not gmtime_r() and strftime(): they would settle for the whole process what TZ says, which the
 * program may set later, and hold a lock of libc's that a child forked meanwhile would wait for. Source: Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms", civil_from_days; its years begin with March. */
static void format_moment(char *out, size_t room, unsigned long moment)
{
	enum { FROM_0000 = 719468, DAYS_OF_400_YEARS = 146097 };
	unsigned long days = moment / 86400 + FROM_0000, seconds = moment % 86400;
	unsigned long day = days % DAYS_OF_400_YEARS;
	unsigned long year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned long month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year += days / DAYS_OF_400_YEARS * 400 + (month <= 2);
	snprintf(out, room, "%04lu-%02lu-%02luT%02lu:%02lu:%02luZ", year, month, day + 1, seconds / 3600,
		 seconds / 60 % 60, seconds % 60);
}

static void write_line(int fd, const char *text)
{
	char line[TEXT_MAX + 256], moment[128];

	format_moment(moment, sizeof(moment), (unsigned long)time(NULL));
	int size = snprintf(line, sizeof(line), "%s rtf[%d]: %s\n", moment, (int)getpid(), text);
	if (write(fd, line, (size_t)size) < 0)
		return; /* a full disk is not the program's trouble */
}

void console_log(const struct console *c, int level, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	if (c->log < 0 && !c->callback)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (c->log >= 0)
		write_line(c->log, text);
	if (c->callback)
		c->callback(c->context, level, text);
}

void console_log_to_file(const struct console *c, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	if (c->log < 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	write_line(c->log, text);
}

/* What it is made of. */

/* A string of the environment or of the options, copied; false if there is no memory. */
static bool string_choose(char **out, const char *variable, const char *option)
{
	const char *value = variable ? secure_getenv(variable) : NULL;

	if (!value || !*value)
		value = option;
	*out = value && *value ? strdup(value) : NULL;
	return !value || !*value || *out;
}

static bool switch_choose(const char *variable, enum rtf_switch option, bool otherwise)
{
	const char *value = secure_getenv(variable);

	if (value && *value)
		return strcmp(value, "0") != 0;
	return option == RTF_DEFAULT ? otherwise : option == RTF_ON;
}

struct console *console_new(const struct rtf_options *o)
{
	struct console *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;

	c->pid = getpid();
	c->listener.fd = c->wake = c->client = c->engine = c->far = c->log = -1;
	c->callback = o->log;
	c->context = o->log_context;
	c->flags = (switch_choose("RTF_WATCH", o->watch, true) ? HELLO_WATCH : 0) |
		   (switch_choose("RTF_OPTIMIZE", o->optimise, true) ? HELLO_OPTIMIZE : 0) |
		   (switch_choose("RTF_RESTORE", o->restore, false) ? HELLO_RESTORE : 0) |
		   (switch_choose("RTF_STRICT", o->strict, false) ? HELLO_STRICT : 0) |
		   (o->polled ? HELLO_POLLED : 0);
	c->environment = spawn_environment();
	if (!c->environment || !string_choose(&c->history, "RTF_HISTORY", o->history_path) ||
	    !string_choose(&c->source_root, "RTF_SOURCE_ROOT", o->source_root) ||
	    !string_choose(&c->log_path, "RTF_LOG", NULL) || !string_choose(&c->search, "PATH", NULL) ||
	    !string_choose(&c->engine_wanted, "RTF_ENGINE", o->engine_path)) {
		console_free(c);
		return NULL;
	}
	console_open_log(c);
	return c;
}

void console_let_go(struct console *c)
{
	descriptor_close(&c->listener.fd);
	while (c->handed_count)
		descriptor_close(&c->handed[--c->handed_count].fd);
	descriptor_close(&c->wake);
	descriptor_close(&c->client);
	descriptor_close(&c->engine);
	descriptor_close(&c->far);
	descriptor_close(&c->log);
}

void console_free(struct console *c)
{
	if (!c)
		return;
	console_let_go(c);
	listener_fini(&c->listener);
	free(c->history);
	free(c->source_root);
	free(c->log_path);
	free(c->engine_wanted);
	free(c->search);
	free(c->environment);
	free(c);
}

/* The wake-up. */

void console_wake(const struct console *c)
{
	uint64_t one = 1;

	if (write(c->wake, &one, sizeof(one)) < 0)
		return; /* its counter is full: it is awake */
}

void console_wake_current(void)
{
	struct console_hold hold;

	console_lock(&hold);
	if (console_current)
		console_wake(console_current);
	console_unlock(&hold);
}
