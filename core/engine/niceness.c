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
	int timer; /* wakes the thread: the group may not have what it is to have */
	pthread_t thread;
	pthread_mutex_t mutex; /* of all below */
	enum niceness_wait wait;
	bool share; /* what the group has: its share, or next to nothing */
	bool over;
	int64_t paid_us; /* when what was had at once will be paid for, at a second each */
};

/* 0: not at all. */
static void wake_after(const struct niceness *n, long ms)
{
	struct itimerspec in = {.it_value = {ms / 1000, ms % 1000 * 1000000}};

	timerfd_settime(n->timer, 0, &in, NULL);
}

/* Gives the group what it is to have. */
static void settle(struct niceness *n)
{
	char number[16];
	bool waits = n->wait != NICENESS_NOBODY;
	int length = snprintf(number, sizeof(number), "%d", waits ? 0 : NICENESS_IDLE);

	if (waits == n->share)
		return;
	if (write(n->group, number, (size_t)length) == length)
		n->share = waits;
	else if (errno == EAGAIN)
		wake_after(n, NICENESS_RETRY_MS);
}

static bool can_be_had_at_once(struct niceness *n)
{
	int64_t now = clock_now_us();

	if (n->paid_us < now)
		n->paid_us = now;
	if (n->paid_us > now + (int64_t)(NICENESS_BURST - 1) * SECOND_US)
		return false;
	n->paid_us += SECOND_US;
	return true;
}

static void *keep(void *context)
{
	struct niceness *n = context;
	uint64_t times;

	for (bool over = false; !over && (read(n->timer, &times, sizeof(times)) > 0 || errno == EINTR);) {
		pthread_mutex_lock(&n->mutex);
		settle(n);
		over = n->over;
		pthread_mutex_unlock(&n->mutex);
	}
	return NULL;
}

struct niceness *niceness_begin(void)
{
	struct niceness *n = malloc(sizeof(*n));

	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICENESS_ALWAYS);
	if (!n)
		return NULL;
	*n = (struct niceness){.group = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC),
			       .timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
			       .wait = NICENESS_SAVED,
			       .share = true};
	pthread_mutex_init(&n->mutex, NULL);
	if (n->group >= 0 && n->timer >= 0 && !pthread_create(&n->thread, NULL, keep, n))
		return n;
	close(n->group);
	close(n->timer);
	pthread_mutex_destroy(&n->mutex);
	free(n);
	return NULL;
}

void niceness_expect(struct niceness *n, enum niceness_wait wait)
{
	if (!n || n->wait == wait)
		return;
	pthread_mutex_lock(&n->mutex);
	n->wait = wait;
	wake_after(n, 0);
	if (wait != NICENESS_ASKED || n->share || can_be_had_at_once(n))
		settle(n);
	else
		wake_after(n, NICENESS_PATIENCE_MS);
	pthread_mutex_unlock(&n->mutex);
}

void niceness_end(struct niceness *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->mutex);
	n->over = true;
	wake_after(n, 1);
	pthread_mutex_unlock(&n->mutex);
	pthread_join(n->thread, NULL);
	close(n->group);
	close(n->timer);
	pthread_mutex_destroy(&n->mutex);
	free(n);
}
