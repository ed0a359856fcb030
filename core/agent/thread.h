/* The guest's own threads: with all signals blocked, and small stacks. */
#ifndef RTF_THREAD_H
#define RTF_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/* Bytes of stack, and of what faults below it (0: as usual); the default stack where the program's thread-local variables, which
 * come out of it, are larger than that. 0, or a negative errno. */
static inline int thread_start(pthread_t *out, size_t stack, size_t guard, void *(*run)(void *),
			       void *argument)
{
	sigset_t all, before;
	pthread_attr_t attributes;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	if (guard)
		pthread_attr_setguardsize(&attributes, guard);
	int error = pthread_create(out, &attributes, run, argument);
	if (error)
		error = pthread_create(out, NULL, run, argument);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

#endif
