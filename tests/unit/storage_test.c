/* Thread-local variables that versions add, asked for where a signal may have come in the middle of malloc(). */
#include "agent/storage.h"
#include "message.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KEYS = 40 }; /* the C library has room for the values of 32 in each thread */

static struct thread_image image = {.used = offsetof(struct thread_image, bytes) + 4, .bytes = {7}};
static size_t taken; /* of the heap */
static unsigned char *found;

static void on_signal(int unused)
{
	struct storage_index index = {(size_t)&image, offsetof(struct thread_image, bytes)};
	size_t before = mallinfo2().uordblks;

	(void)unused;
	found = storage_find(&index);
	taken = mallinfo2().uordblks - before;
}

static void a_handler_asks_without_the_heap_however_many_keys_there_are(void **state)
{
	struct sigaction handler = {.sa_handler = on_signal}, before;
	pthread_key_t keys[KEYS];

	(void)state;
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(pthread_key_create(&keys[i], NULL), 0);
	sigaction(SIGUSR1, &handler, &before);
	raise(SIGUSR1);
	assert_int_equal(taken, 0);
	assert_int_equal(*found, 7);
	*found = 8;
	raise(SIGUSR1);
	assert_int_equal(*found, 8);
	sigaction(SIGUSR1, &before, NULL);
	for (int i = 0; i < KEYS; i++)
		pthread_key_delete(keys[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_asks_without_the_heap_however_many_keys_there_are),
	};

	return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}
