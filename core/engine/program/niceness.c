#include "niceness.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { SECOND_US = 1000000 };

struct niceness {
	int group; /* /proc/self/autogroup */
	int timer; /* wakes the thread: the group is to have its share again */
	pthread_t thread;
	bool begun; /* it is there */
	enum niceness_wait wait;
	pthread_mutex_t mutex; /* of all below */
	bool wants, share;     /* what the group is to have and has: its share, or next to nothing */
	bool over;
	int64_t paid_us; /* when the commands will be paid for, at a second each */
};

/* 0: not at all. */
static void wake_after(const struct niceness *n, int64_t us)
{
	struct itimerspec in = {.it_value = {us / SECOND_US, us % SECOND_US * 1000}};

	timerfd_settime(n->timer, 0, &in, NULL);
}

/* Gives the group what it is to have, as soon as the kernel lets us. */
static void settle(struct niceness *n)
{
	char number[16];

	if (n->wants == n->share)
		return;
	int length = snprintf(number, sizeof(number), "%d", n->wants ? 0 : NICENESS_GIVING_WAY);
	if (write(n->group, number, (size_t)length) == length)
		n->share = n->wants;
	else if (errno == EAGAIN)
		wake_after(n, NICENESS_RETRY_MS * 1000);
}

static void *keep(void *context)
{
	struct niceness *n = context;
	uint64_t times;

	for (bool over = false; !over && (read(n->timer, &times, sizeof(times)) > 0 || errno == EINTR);) {
		pthread_mutex_lock(&n->mutex);
		n->wants = true;
		settle(n);
		over = n->over;
		pthread_mutex_unlock(&n->mutex);
	}
	return NULL;
}

/* How long until one more command is paid for at once; 0 or less: it is. */
static int64_t spent_us(const struct niceness *n)
{
	return n->paid_us - (int64_t)(NICENESS_BURST - 1) * SECOND_US - clock_now_us();
}

static void pay(struct niceness *n)
{
	int64_t now = clock_now_us();

	n->paid_us = (n->paid_us < now ? now : n->paid_us) + SECOND_US;
}

struct niceness *niceness_begin(void)
{
	struct niceness *n = malloc(sizeof(*n));

	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICENESS_ALWAYS);
	if (!n)
		return NULL;
	*n = (struct niceness){.group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC),
			       .timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
			       .wants = true,
			       .share = true};
	pthread_mutex_init(&n->mutex, NULL);
	if (n->group >= 0 && n->timer >= 0)
		return n;
	niceness_end(n);
	return NULL;
}

void niceness_begin_thread(struct niceness *n)
{
	if (n)
		n->begun = pthread_create(&n->thread, NULL, keep, n) == 0;
}

void niceness_expect(struct niceness *n, enum niceness_wait wait)
{
	if (!n || n->wait == wait || !n->begun)
		return;
	pthread_mutex_lock(&n->mutex);
	n->wait = wait;
	int64_t spent = wait == NICENESS_SAVED ? 0 : spent_us(n);
	if (spent <= 0 && wait == NICENESS_ASKED)
		pay(n);
	n->wants = spent <= 0;
	wake_after(n, n->wants ? 0 : wait == NICENESS_ASKED ? NICENESS_PATIENCE_MS * 1000 : spent);
	settle(n);
	pthread_mutex_unlock(&n->mutex);
}

void niceness_end(struct niceness *n)
{
	if (!n)
		return;
	if (n->begun) {
		pthread_mutex_lock(&n->mutex);
		n->over = true;
		wake_after(n, 1000);
		pthread_mutex_unlock(&n->mutex);
		pthread_join(n->thread, NULL);
	}
	close(n->group);
	close(n->timer);
	pthread_mutex_destroy(&n->mutex);
	free(n);
}
