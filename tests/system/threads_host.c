/* A program with threads that wait in system calls of all kinds, and one for each `spin` on standard input that does not wait.
 * None of the waits is ever over: `back` prints how many came back all the same, and `spun` how many spin no more.
 *
 *     threads_host SOCKET */
#include <rtf.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int going = 1, back, spun; /* atomic */

REALTIMEFUNC
int spin(int n)
{
	while (__atomic_load_n(&going, __ATOMIC_RELAXED))
		n++;
	return n;
}

static void *run_spin(void *unused)
{
	spin(1);
	__atomic_fetch_add(&spun, 1, __ATOMIC_RELAXED);
	return unused;
}

static void in_epoll(void)
{
	struct epoll_event event;

	epoll_wait(epoll_create1(EPOLL_CLOEXEC), &event, 1, -1);
}

static void in_recv(void)
{
	struct timeval limit = {10000, 0};
	int pair[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
	    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0)
		recv(pair[0], &byte, 1, 0);
}

static void in_sigtimedwait(void)
{
	struct timespec limit = {10000, 0};
	sigset_t none;

	sigemptyset(&none);
	sigtimedwait(&none, NULL, &limit);
}

static inline __attribute__((always_inline)) void rest(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

static void in_poll(void)
{
	rest(-1);
}

static void in_nanosleep(void)
{
	nanosleep(&(struct timespec){10000, 0}, NULL);
}

static void in_futex(void)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&mutex);
	pthread_cond_wait(&never, &mutex);
}

static void *wait_in(void *call)
{
	void (*function)(void);

	memcpy(&function, call, sizeof(function));
	function();
	__atomic_fetch_add(&back, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void begin(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument) == 0)
		pthread_detach(thread);
}

int main(int argc, char **argv)
{
	static void (*const waits[])(void) = {in_epoll, in_recv,      in_sigtimedwait,
					      in_poll,  in_nanosleep, in_futex};
	char line[100];

	setvbuf(stdout, NULL, _IOLBF, 0);
	rtf_start(argc > 1 ? argv[1] : NULL);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		begin(wait_in, (void *)&waits[i]);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "spin\n") == 0)
			begin(run_spin, NULL);
		else if (strcmp(line, "back\n") == 0)
			printf("back %d\n", __atomic_load_n(&back, __ATOMIC_RELAXED));
		else if (strcmp(line, "spun\n") == 0)
			printf("spun %d\n", __atomic_load_n(&spun, __ATOMIC_RELAXED));
	}
	return 0;
}
