/* Callbacks that libevent was given before anything was changed: a line on standard input, and a timer of its own. */
#include <rtf.h>

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct event *timer;
static int lines;

REALTIMEFUNC
static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	printf("timer 1 after %d\n", lines);
}

REALTIMEFUNC
static void on_read(evutil_socket_t fd, short what, void *context)
{
	static const struct timeval soon = {.tv_usec = 1000};
	char bytes[4096];

	(void)what;
	ssize_t size = read(fd, bytes, sizeof(bytes));
	if (size <= 0)
		event_base_loopbreak(context);
	if (size <= 0 || !memchr(bytes, '\n', (size_t)size))
		return;
	lines++;
	printf("line 1\n");
	evtimer_add(timer, &soon);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rtf_start(argv[1]);
	timer = evtimer_new(base, on_timer, NULL);
	event_add(event_new(base, 0, EV_READ | EV_PERSIST, on_read, base), NULL);
	puts("ready");
	return event_base_dispatch(base) < 0;
}
