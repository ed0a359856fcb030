#include "spare.h"

static void *wait_and_run(void *argument)
{
	struct spare *s = argument;

	while (sem_wait(&s->begun))
		;
	return s->run ? s->run(s->context) : NULL;
}

void spare_init(struct spare *s)
{
	*s = (struct spare){.there = false};
	sem_init(&s->begun, 0, 0);
	s->there = pthread_create(&s->thread, NULL, wait_and_run, s) == 0;
}

int spare_start(struct spare *s, pthread_t *out, void *(*run)(void *context), void *context)
{
	if (!s || !s->there)
		return pthread_create(out, NULL, run, context);
	s->there = false;
	s->run = run;
	s->context = context;
	*out = s->thread;
	sem_post(&s->begun);
	return 0;
}

void spare_fini(struct spare *s)
{
	if (s->there) {
		sem_post(&s->begun);
		pthread_join(s->thread, NULL);
	}
	s->there = false;
	sem_destroy(&s->begun);
}
