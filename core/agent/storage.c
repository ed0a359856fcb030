#include "storage.h"
#include "large.h"
#include "message.h"
#include "signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

enum {
	LOADERS_NUMBERS = 4096, /* the first page has no image */
	PLAIN_KEYS = 32, /* a thread has room for their values; for others the C library takes memory */
};

/* A thread's: laid out as the image, whose counter says here how far it has come. The key is there for the thread's end. */
static __thread struct thread_image *own __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;
static struct thread_image shared LARGE;

/* The loader's; a static program has none and needs none. */
void *__tls_get_addr(const struct storage_index *) __attribute__((weak));

static void give_back(void *block)
{
	own = NULL; /* whoever comes later in the thread's end gets another one */
	munmap(block, THREAD_IMAGE);
}

static void make_key(void)
{
	have_key = pthread_key_create(&key, give_back) == 0;
}

/* Variables that came since begin as the image says. */
static void catch_up(struct thread_image *block, const struct thread_image *image)
{
	uint32_t known = block->used, used = __atomic_load_n(&image->used, __ATOMIC_ACQUIRE);

	if (used <= known || used > THREAD_IMAGE)
		return;
	if (known < sizeof(*block) - sizeof(block->bytes))
		known = sizeof(*block) - sizeof(block->bytes);
	memcpy((char *)block + known, (const char *)image + known, used - known);
	block->used = used;
}

static struct thread_image *make_block(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct thread_image *block = mmap(NULL, THREAD_IMAGE, PROT_READ | PROT_WRITE, flags, -1, 0);

	return block == MAP_FAILED ? &shared : (own = block);
}

/* Not where a handler may have interrupted malloc(): the next time, or never. */
static void give_back_at_end(struct thread_image *block)
{
	if (have_key && block != &shared && pthread_getspecific(key) != block &&
	    (key < PLAIN_KEYS || !signals_are_handled_here()))
		pthread_setspecific(key, block);
}

/* The first time in this thread, or after variables have come: no handler of a signal comes in between. */
static struct thread_image *prepare(const struct thread_image *image)
{
	int kept = errno;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_once(&once, make_key);
	struct thread_image *block = own ? own : make_block();
	give_back_at_end(block);
	catch_up(block, image);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = kept;
	return block;
}

void *storage_find(const struct storage_index *index)
{
	if (index->module < LOADERS_NUMBERS)
		return __tls_get_addr(index);

	const struct thread_image *image = (const struct thread_image *)index->module;
	struct thread_image *block = own;
	if (!block || block->used < __atomic_load_n(&image->used, __ATOMIC_ACQUIRE))
		block = prepare(image);
	return (char *)block + index->offset;
}
