#include "turns.h"
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A trial that still lacks something by then has a text that is another one each time. */
enum { TRIES = 6 };

struct turn_job {
	struct turn_job *next;
	char *text, *directory, **argv;
	struct compile_object object;
	struct error *error;
	int64_t us;        /* that it took */
	atomic_bool ended; /* by its thread */
	bool done, unwanted;
};

struct turns {
	struct turn *first;       /* whose turn it is; the others behind it */
	struct turn *tried;       /* the innermost that is */
	struct turn_job *running; /* belongs to the thread until `fd` says that it has ended */
	pthread_t thread;
	int fd, stop;
};

struct error *turns_new(struct turns **out)
{
	struct turns *t = calloc(1, sizeof(*t));

	if (!t)
		return error_memory();
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->fd < 0 || t->stop < 0) {
		struct error *e = error_errno(errno, "cannot compile in the background");
		turns_free(t);
		return e;
	}
	*out = t;
	return NULL;
}

int turns_fd(const struct turns *t)
{
	return t->fd;
}

/* --- jobs ------------------------------------------------------------------------------------------------------ */

static void job_free(struct turn_job *job)
{
	for (char **each = job->argv; each && *each; each++)
		free(*each);
	free(job->argv);
	free(job->text);
	free(job->directory);
	compile_object_fini(&job->object);
	error_free(job->error);
	free(job);
}

static char **copy_arguments(const char *const *argv)
{
	size_t count = 0;

	while (argv[count])
		count++;
	char **copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(argv[i]);
		if (copy[i])
			continue;
		while (i)
			free(copy[--i]);
		free(copy);
		return NULL;
	}
	return copy;
}

static struct turn_job *job_new(const char *text, const char *const *argv, const char *directory)
{
	struct turn_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->text = strdup(text);
	job->argv = copy_arguments(argv);
	job->directory = directory ? strdup(directory) : NULL;
	if (job->text && job->argv && (job->directory || !directory))
		return job;
	job_free(job);
	return NULL;
}

static bool is_same(const struct turn_job *job, const char *text, const char *const *argv,
		    const char *directory)
{
	size_t i = 0;

	if (strcmp(job->text, text) != 0 || !job->directory != !directory ||
	    (directory && strcmp(job->directory, directory) != 0))
		return false;
	while (argv[i] && job->argv[i] && strcmp(argv[i], job->argv[i]) == 0)
		i++;
	return !argv[i] && !job->argv[i];
}

/* The turn's jobs; the one that runs is left to its thread. */
static void drop_jobs(struct turns *t, struct turn *turn)
{
	for (struct turn_job *job = turn->jobs, *next; job; job = next) {
		next = job->next;
		if (job != t->running) {
			job_free(job);
			continue;
		}
		job->unwanted = true;
		eventfd_write(t->stop, 1);
	}
	turn->jobs = NULL;
}

static void *compile_in_thread(void *argument)
{
	struct turns *t = argument;
	struct turn_job *job = t->running;

	int64_t start = clock_now_us();

	job->error = compile_cc_until(job->text, (const char *const *)job->argv, job->directory, t->stop,
				      &job->object);
	job->us = clock_now_us() - start;
	atomic_store(&job->ended, true);
	eventfd_write(t->fd, 1);
	return NULL;
}

/* The next compilation of whose turn it is; if there is none left, it is to be tried again. */
static void go_on(struct turns *t)
{
	struct turn_job *job = t->first ? t->first->jobs : NULL;

	if (t->running || !t->first || t->first->ready)
		return;
	while (job && job->done)
		job = job->next;
	t->first->ready = !job;
	if (!job)
		return;
	eventfd_read(t->stop, &(eventfd_t){0});
	t->running = job;
	if (pthread_create(&t->thread, NULL, compile_in_thread, t) == 0)
		return;
	t->running = NULL;
	t->first->tries = TRIES; /* it is compiled while all wait */
	t->first->ready = true;
}

void turns_serve(struct turns *t)
{
	struct turn_job *job = t->running;

	eventfd_read(t->fd, &(eventfd_t){0});
	if (job && atomic_load(&job->ended)) {
		pthread_join(t->thread, NULL);
		t->running = NULL;
		job->done = true;
		if (job->unwanted)
			job_free(job);
	}
	go_on(t);
}

/* --- turns ----------------------------------------------------------------------------------------------------- */

static void enqueue(struct turns *t, struct turn *turn)
{
	struct turn **last = &t->first;

	while (*last)
		last = &(*last)->next;
	turn->next = NULL;
	turn->queued = true;
	*last = turn;
}

void turn_leave(struct turns *t, struct turn *turn)
{
	bool was_first = t->first == turn;

	for (struct turn **at = &t->first; turn->queued && *at; at = &(*at)->next) {
		if (*at != turn)
			continue;
		*at = turn->next;
		break;
	}
	drop_jobs(t, turn);
	*turn = (struct turn){0};
	/* The next one's has come, and what this one made live may have deadlines. */
	if (was_first)
		eventfd_write(t->fd, 1);
}

void turn_begin(struct turns *t, struct turn *turn)
{
	turn->outside = t->tried;
	turn->lacks = turn->insists = turn->ready = false;
	t->tried = turn;
}

bool turn_end(struct turns *t, bool failed)
{
	struct turn *turn = t->tried;

	t->tried = turn->outside;
	if (!failed || !turn->lacks || turn->insists) {
		turn_leave(t, turn);
		return false;
	}
	if (!turn->queued)
		enqueue(t, turn);
	if (t->first != turn) {
		drop_jobs(t, turn); /* what it will lack when its turn has come may be something else */
		return true;
	}
	turn->tries++;
	go_on(t);
	if (turn->ready)
		eventfd_write(t->fd, 1);
	return true;
}

bool turn_is_ready(const struct turn *turn)
{
	return turn->ready;
}

void turns_insist(struct turns *t)
{
	if (t && t->tried)
		t->tried->insists = true;
}

bool turns_can_wait(const struct turns *t)
{
	return t && t->tried && !t->tried->insists && t->tried->tries < TRIES;
}

bool turns_lack(const struct turns *t)
{
	return t && t->tried && t->tried->lacks;
}

void turns_free(struct turns *t)
{
	if (!t)
		return;
	while (t->first)
		turn_leave(t, t->first);
	if (t->running) {
		eventfd_write(t->stop, 1);
		pthread_join(t->thread, NULL);
		job_free(t->running);
	}
	if (t->fd >= 0)
		close(t->fd);
	if (t->stop >= 0)
		close(t->stop);
	free(t);
}

/* --- compiling ------------------------------------------------------------------------------------------------- */

static struct error *copy_result(const struct turn_job *job, struct compile_object *out)
{
	if (job->error)
		return error_new(error_class(job->error), "%s", error_message(job->error));
	unsigned char *bytes = malloc(job->object.size + 1);
	if (!bytes)
		return error_memory();
	memcpy(bytes, job->object.bytes, job->object.size);
	*out = (struct compile_object){bytes, job->object.size, job->object.backend};
	return NULL;
}

struct error *turns_compile(struct turns *t, const char *text, const char *const *argv, const char *directory,
			    struct compile_object *out, int64_t *us)
{
	struct turn *turn = t ? t->tried : NULL;

	*us = 0;
	for (const struct turn_job *job = turn ? turn->jobs : NULL; job; job = job->next) {
		if (!job->done || !is_same(job, text, argv, directory))
			continue;
		*us = job->us;
		return copy_result(job, out);
	}
	if (!turns_can_wait(t))
		return compile_cc(text, argv, directory, out, NULL);
	struct turn_job *job = job_new(text, argv, directory);
	if (!job)
		return error_memory();
	struct turn_job **last = &turn->jobs;
	while (*last)
		last = &(*last)->next;
	*last = job;
	turn->lacks = true;
	return error_new(ERROR_INTERNAL, "it waits for the compiler");
}
