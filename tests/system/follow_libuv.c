/* Callbacks that libuv was given before anything was changed: a line on standard input, and the timer it starts. */
#include <rtf.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

static uv_timer_t timer;
static uv_pipe_t input;
static int lines;

REALTIMEFUNC
static void on_timer(uv_timer_t *t)
{
	(void)t;
	printf("timer 1 after %d\n", lines);
}

REALTIMEFUNC
static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
	if (size < 0) {
		uv_close((uv_handle_t *)stream, NULL);
		return;
	}
	if (!memchr(buffer->base, '\n', (size_t)size))
		return;
	lines++;
	printf("line 1\n");
	uv_timer_again(&timer);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
	static char bytes[4096];

	(void)handle;
	(void)size;
	*buffer = uv_buf_init(bytes, sizeof(bytes));
}

static void on_once(uv_timer_t *t)
{
	on_timer(t);
	uv_timer_stop(t);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		rtf_start(argv[1]);
	uv_timer_init(uv_default_loop(), &timer);
	uv_timer_start(&timer, on_once, 1000000000, 1);
	uv_pipe_init(uv_default_loop(), &input, 0);
	uv_pipe_open(&input, 0);
	uv_read_start((uv_stream_t *)&input, give_buffer, on_read);
	puts("ready");
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
