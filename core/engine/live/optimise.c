#include "optimise.h"
#include "clock.h"
#include "record.h"
#include "rollback.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

struct job {
	struct job *next;
	struct live_function *function;
	int version;
	struct build_request request;
	struct build build;
	bool unread; /* the build is still to be made, of the version's text */
	int64_t due;
	struct error *error; /* of the compilation */
};

struct optimise {
	struct live *live;
	void (*tell)(void *context, const struct live_function *, int version, const char *message);
	void *context;
	struct job *waiting; /* newest first */
	struct job *running; /* belongs to the thread until `fd` says that it has ended */
	pthread_t thread;
	int fd;
};

struct error *optimise_new(struct live *live,
			   void (*tell)(void *context, const struct live_function *, int version,
					const char *message),
			   void *context, struct optimise **out)
{
	struct optimise *o = calloc(1, sizeof(*o));

	if (!o)
		return error_memory();
	o->live = live;
	o->tell = tell;
	o->context = context;
	o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->fd < 0) {
		free(o);
		return error_errno(errno, "cannot optimise in the background");
	}
	*out = o;
	return NULL;
}

static void job_free(struct job *job)
{
	error_free(job->error);
	build_fini(&job->build);
	free(job);
}

void optimise_free(struct optimise *o)
{
	if (!o)
		return;
	if (o->running) {
		pthread_join(o->thread, NULL);
		job_free(o->running);
	}
	for (struct job *job = o->waiting, *next; job; job = next) {
		next = job->next;
		job_free(job);
	}
	close(o->fd);
	free(o);
}

/* What waits for the same function is out of date. */
static void forget(struct optimise *o, const struct live_function *f)
{
	for (struct job **at = &o->waiting; *at;) {
		struct job *job = *at;
		if (job->function != f) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job_free(job);
	}
}

static void take_build(struct job *job, struct build *build)
{
	struct live_function *f = job->function;

	job->request = (struct build_request){
		.function = &f->at, .arena = f->arena, .file = f->at.file, .line = build->request->line};
	job->build.request = &job->request;
	job->build.source = build->source;
	job->build.slice = build->slice;
	job->build.check = build->check;
	build->slice = (struct slice){0};
	build->check = (struct check_result){0};
}

void optimise_queue(struct optimise *o, struct live_function *f, int version, struct build *build)
{
	forget(o, f);
	if (!f->at.unit || !f->at.unit->optimized)
		return;
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return; /* it goes on as libtcc made it */
	job->function = f;
	job->version = version;
	job->due = clock_now_us() + OPTIMISE_QUIET_US;
	job->unread = !build;
	if (build)
		take_build(job, build);
	job->next = o->waiting;
	o->waiting = job;
}

int optimise_fd(const struct optimise *o)
{
	return o->fd;
}

int64_t optimise_deadline(const struct optimise *o)
{
	int64_t soonest = 0;

	for (const struct job *job = o->running ? NULL : o->waiting; job; job = job->next)
		if (!soonest || job->due < soonest)
			soonest = job->due;
	return soonest;
}

static void *compile_in_thread(void *argument)
{
	struct optimise *o = argument;
	uint64_t one = 1;

	/* Of this thread and of the compiler that it starts (Linux: a thread has a niceness of its own). */
	setpriority(PRIO_PROCESS, 0, 19);
	o->running->error = build_compile_cc(&o->running->build);
	if (write(o->fd, &one, sizeof(one)) < 0)
		return NULL; /* cannot be: nothing else counts in it */
	return NULL;
}

static void is_libtccs(void *context, const struct history_version *v)
{
	*(bool *)context = strcmp(v->backend, "tcc") == 0;
}

/* The version's text once more, if it still runs and libtcc made it. */
static bool read_again(struct live *l, struct job *job)
{
	struct live_function *f = job->function;
	struct attempt_part part = {.function = f, .to = job->version};
	const struct live_version *v = live_in_memory(f, job->version);
	bool libtccs = false;

	if (live_plain(f) != job->version || !v || v->optimised || !f->row)
		return false;
	struct error *e = history_find(live_history(l), f->row, job->version, is_libtccs, &libtccs);
	if (!e && libtccs)
		e = rollback_check(l, &part);
	bool read = !e && part.built && !part.build.check.failed;
	error_free(e);
	if (read)
		take_build(job, &part.build);
	if (part.built)
		build_fini(&part.build);
	free(part.text);
	return read;
}

static void start(struct optimise *o)
{
	int64_t now = clock_now_us();

	for (struct job **at = &o->waiting; *at && !o->running; at = &(*at)->next) {
		struct job *job = *at;
		if (job->due > now)
			continue;
		*at = job->next;
		if (job->unread && !read_again(o->live, job)) {
			job_free(job);
			return;
		}
		o->running = job;
		if (pthread_create(&o->thread, NULL, compile_in_thread, o)) {
			o->running = NULL;
			job_free(job);
		}
		return;
	}
}

static void finish(struct optimise *o)
{
	struct job *job = o->running;
	uint64_t count;

	if (!job || read(o->fd, &count, sizeof(count)) < 0)
		return;
	pthread_join(o->thread, NULL);
	o->running = NULL;
	struct error *e = job->error;
	job->error = NULL;
	bool replaced = false;
	if (!e)
		e = change_optimised(o->live, job->function, job->version, &job->build, &replaced);
	if (e || replaced)
		o->tell(o->context, job->function, job->version, e ? error_message(e) : NULL);
	error_free(e);
	job_free(job);
}

void optimise_serve(struct optimise *o)
{
	finish(o);
	if (!o->running)
		start(o);
}
