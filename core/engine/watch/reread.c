#include "reread.h"
#include "indexer.h"
#include "review.h"
#include "sources.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

/* --- one source --------------------------------------------------------------------------------------------------- */

static bool is_empty(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == 0;
}

/* A save in between starts it anew. */
static struct error *read_source(const struct source *s, struct index **out)
{
	for (int tries = 0;; tries++) {
		struct error *e = indexer_read_file(s->unit->file, &s->flags, out);
		bool empty = !e && is_empty(s->unit->file); /* asked before the moment is known to be one */
		bool last = e || tries == 4 || indexer_is_current(*out, s->flags.directory);
		if (last && !empty)
			return e;
		index_free(*out);
		*out = NULL;
		if (last)
			return NULL;
	}
}

static struct error *review(const struct source *s, struct check_result *out)
{
	return review_file(s->unit->file, &s->flags, out);
}

/* --- several ------------------------------------------------------------------------------------------------------ */

struct result {
	const struct source *source;
	bool done;           /* by the mutex: the rest is the taker's then, and the reader's before */
	bool read, reviewed; /* there is something of that, which nobody has taken */
	struct error *error, *review_error;
	struct index *index;
	struct check_result findings;
};

struct reread {
	pthread_mutex_t mutex; /* of `next`, `over` and each one's `done` */
	pthread_cond_t done;   /* one is */
	size_t next;           /* to be read */
	bool over;
	bool reviews;
	pthread_t *readers;
	size_t reader_count;
	size_t count;
	struct result results[];
};

static struct result *next_of(struct reread *r, struct result *done)
{
	pthread_mutex_lock(&r->mutex);
	if (done) {
		done->done = true;
		pthread_cond_broadcast(&r->done);
	}
	struct result *next = !r->over && r->next < r->count ? &r->results[r->next++] : NULL;
	pthread_mutex_unlock(&r->mutex);
	return next;
}

static void *read_in_turn(void *context)
{
	struct reread *r = context;

	for (struct result *at = NULL; (at = next_of(r, at));) {
		at->error = read_source(at->source, &at->index);
		at->read = true;
		if (r->reviews)
			at->review_error = review(at->source, &at->findings);
		at->reviewed = r->reviews;
	}
	return NULL;
}

struct reread *reread_begin(struct source *const *sources, size_t count, bool reviews)
{
	struct reread *r = calloc(1, sizeof(*r) + count * sizeof(r->results[0]));
	size_t readers = sources_at_once() < count ? sources_at_once() : count;

	if (r)
		r->readers = calloc(readers + 1, sizeof(*r->readers));
	if (!r || !r->readers) {
		free(r);
		return NULL;
	}
	r->count = count;
	r->reviews = reviews;
	for (size_t i = 0; i < count; i++)
		r->results[i].source = sources[i];
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->done, NULL);
	while (r->reader_count < readers &&
	       !pthread_create(&r->readers[r->reader_count], NULL, read_in_turn, r))
		r->reader_count++;
	if (r->reader_count)
		return r;
	reread_end(r);
	return NULL;
}

/* What was read of it, once that is done; NULL: it is none of them. */
static struct result *await(struct reread *r, const struct source *s)
{
	size_t i = 0;

	while (r && i < r->count && r->results[i].source != s)
		i++;
	if (!r || i == r->count)
		return NULL;
	pthread_mutex_lock(&r->mutex);
	while (!r->results[i].done)
		pthread_cond_wait(&r->done, &r->mutex);
	pthread_mutex_unlock(&r->mutex);
	return &r->results[i];
}

struct error *reread_take(struct reread *r, const struct source *s, struct index **out)
{
	struct result *result = await(r, s);

	if (!result || !result->read)
		return read_source(s, out);
	result->read = false;
	*out = result->index;
	return result->error;
}

struct error *reread_review(struct reread *r, const struct source *s, struct check_result *out)
{
	struct result *result = await(r, s);

	if (!result || !result->reviewed)
		return review(s, out);
	result->reviewed = false;
	*out = result->findings;
	return result->review_error;
}

void reread_end(struct reread *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->mutex);
	r->over = true;
	pthread_mutex_unlock(&r->mutex);
	for (size_t i = 0; i < r->reader_count; i++)
		pthread_join(r->readers[i], NULL);
	for (size_t i = 0; i < r->count; i++) {
		struct result *left = &r->results[i];
		if (left->read) {
			index_free(left->index);
			error_free(left->error);
		}
		if (left->reviewed) {
			check_result_fini(&left->findings);
			error_free(left->review_error);
		}
	}
	pthread_cond_destroy(&r->done);
	pthread_mutex_destroy(&r->mutex);
	free(r->readers);
	free(r);
}
