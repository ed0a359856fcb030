/* A thread that was made before it is needed: none can be made while a library is loaded, and libclang takes a tenth of a
 * second for that. One thread uses it. */
#ifndef RTF_SPARE_H
#define RTF_SPARE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

struct spare {
	pthread_t thread;
	sem_t begun;
	bool there;                  /* it waits */
	void *(*run)(void *context); /* NULL: it has nothing to do */
	void *context;
};

/* Makes one; without it the next is made when it is needed. It must stay in its place. */
void spare_init(struct spare *);

/* pthread_create, by the thread that waits if there is one; NULL: there is none. */
int spare_start(struct spare *, pthread_t *out, void *(*run)(void *context), void *context);

/* One that was started must have been joined. */
void spare_fini(struct spare *);

#endif
