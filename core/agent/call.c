#include "call.h"
#include "arena.h"
#include "guard.h"
#include "large.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	STACK_SIZE = 1 << 20,
	GUARD_SIZE = 64 * 1024,
	IDLE_SECONDS = 10,
	INSIST_US = 200,
	PATIENT_TIMES = 1500, /* so often code in the C library is left alone */
	INSIST_TIMES = 5000,  /* after that it is asked only now and then */
	INSIST_SLOWLY_US = 100000,
};

enum call_state { STATE_NONE, STATE_WAITS, STATE_RUNS, STATE_OVER };

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t came;
	enum call_state state;
	bool polled;
	bool thread;    /* there is one */
	bool abandoned; /* nobody wants the result */
	int insisted;   /* times that an end was asked for */
	uint32_t serial;
	struct message_call call;
	struct message_called result;
	unsigned char stack[CALL_STACK];
	void (*wake)(void);
} calls LARGE = {.mutex = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static bool polled_waits; /* atomic: for rtf_poll */

/* What ran is over, with the mutex held. In a child that it forked nothing is. */
static void note_end(void)
{
	if (calls.state == STATE_RUNS)
		calls.state = calls.abandoned ? STATE_NONE : STATE_OVER;
	calls.insisted = 0;
}

/* Runs what waits, with the mutex held, which it lets go of in the meantime. */
static void run_waiting(void)
{
	calls.state = STATE_RUNS;
	__atomic_store_n(&polled_waits, false, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&calls.mutex);
	guard_run((void (*)(void *))(uintptr_t)calls.call.function, (void *)(uintptr_t)calls.call.argument,
		  &calls.result, calls.stack);
	pthread_mutex_lock(&calls.mutex);
	note_end();
}

/* --- the thread ------------------------------------------------------------------------------------------------ */

/* Code that ends its thread ends this one. */
static void thread_ends(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&calls.mutex);
	calls.thread = false;
	note_end();
	void (*wake)(void) = calls.wake;
	pthread_mutex_unlock(&calls.mutex);
	wake();
}

/* With the mutex held; false if nothing came for a while. */
static bool wait_for_call(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	while (calls.state != STATE_WAITS || calls.polled)
		if (pthread_cond_timedwait(&calls.came, &calls.mutex, &until) == ETIMEDOUT)
			break;
	return calls.state == STATE_WAITS && !calls.polled;
}

static void *thread_run(void *unused)
{
	prctl(PR_SET_NAME, MESSAGE_CALLER);
	pthread_cleanup_push(thread_ends, NULL);
	pthread_mutex_lock(&calls.mutex);
	while (wait_for_call()) {
		run_waiting();
		void (*wake)(void) = calls.wake;
		pthread_mutex_unlock(&calls.mutex);
		wake();
		pthread_mutex_lock(&calls.mutex);
	}
	calls.thread = false;
	pthread_mutex_unlock(&calls.mutex);
	pthread_cleanup_pop(0);
	return unused;
}

/* --- for the console's thread ------------------------------------------------------------------------------------ */

int call_start(const struct message_call *call, uint32_t serial, bool polled, void (*wake)(void))
{
	int error = 0;

	if (!arena_has_code(call->function))
		return -EINVAL;
	pthread_mutex_lock(&calls.mutex);
	if (calls.state != STATE_NONE)
		error = -EBUSY;
	if (!error && !polled && !calls.thread) {
		pthread_t thread;
		error = thread_start(&thread, STACK_SIZE, GUARD_SIZE, thread_run, NULL);
		calls.thread = !error;
		if (!error)
			pthread_detach(thread);
	}
	if (!error) {
		calls.call = *call;
		calls.serial = serial;
		calls.polled = polled;
		calls.abandoned = false;
		calls.insisted = 0;
		calls.wake = wake;
		calls.state = STATE_WAITS;
		__atomic_store_n(&polled_waits, polled, __ATOMIC_RELAXED);
		pthread_cond_signal(&calls.came);
	}
	pthread_mutex_unlock(&calls.mutex);
	return error;
}

size_t call_take(unsigned char answer[MESSAGE_MAX], uint32_t *serial)
{
	size_t size = 0;

	pthread_mutex_lock(&calls.mutex);
	if (calls.state == STATE_OVER) {
		memcpy(answer, &calls.result, sizeof(calls.result));
		memcpy(answer + sizeof(calls.result), calls.stack, calls.result.stack_size);
		size = sizeof(calls.result) + calls.result.stack_size;
		*serial = calls.serial;
		calls.state = STATE_NONE;
	}
	pthread_mutex_unlock(&calls.mutex);
	return size;
}

/* With the mutex held. One that runs has its end asked for now and by call_insist. */
static void end_call(void)
{
	if (calls.state == STATE_WAITS && calls.polled) {
		__atomic_store_n(&polled_waits, false, __ATOMIC_RELAXED);
		calls.result = (struct message_called){.end = CALL_INTERRUPTED, .code = CALL_NOT_BEGUN};
		calls.state = STATE_OVER;
	} else if (calls.state == STATE_WAITS || calls.state == STATE_RUNS) {
		calls.insisted += calls.insisted < INSIST_TIMES;
		guard_interrupt(calls.insisted < PATIENT_TIMES);
	}
}

void call_interrupt(uint32_t serial)
{
	void (*wake)(void) = NULL;

	pthread_mutex_lock(&calls.mutex);
	if (calls.serial == serial)
		end_call();
	if (calls.state == STATE_OVER)
		wake = calls.wake;
	pthread_mutex_unlock(&calls.mutex);
	if (wake)
		wake();
}

void call_abandon(void)
{
	pthread_mutex_lock(&calls.mutex);
	end_call();
	if (calls.state == STATE_OVER)
		calls.state = STATE_NONE;
	calls.abandoned = true;
	pthread_mutex_unlock(&calls.mutex);
}

int call_patience(void)
{
	pthread_mutex_lock(&calls.mutex);
	int insisted = calls.insisted;
	pthread_mutex_unlock(&calls.mutex);
	if (!insisted)
		return -1;
	return insisted < INSIST_TIMES ? INSIST_US : INSIST_SLOWLY_US;
}

void call_insist(void)
{
	pthread_mutex_lock(&calls.mutex);
	if (calls.insisted)
		end_call();
	pthread_mutex_unlock(&calls.mutex);
}

/* --- rtf_poll ---------------------------------------------------------------------------------------------------- */

bool call_waits(void)
{
	return __atomic_load_n(&polled_waits, __ATOMIC_RELAXED);
}

/* Code that ends its thread ends a thread of the program, which had come by. */
static void poll_ends(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&calls.mutex);
	note_end();
	void (*wake)(void) = calls.wake;
	pthread_mutex_unlock(&calls.mutex);
	wake();
}

void call_poll(void)
{
	pthread_mutex_lock(&calls.mutex);
	if (calls.state != STATE_WAITS || !calls.polled) {
		pthread_mutex_unlock(&calls.mutex);
		return;
	}
	pthread_cleanup_push(poll_ends, NULL);
	run_waiting();
	void (*wake)(void) = calls.wake;
	pthread_mutex_unlock(&calls.mutex);
	wake();
	pthread_cleanup_pop(0);
}

void call_forget(void)
{
	pthread_mutex_init(&calls.mutex, NULL);
	pthread_cond_init(&calls.came, NULL);
	calls.state = STATE_NONE;
	calls.thread = false;
	calls.insisted = 0;
	__atomic_store_n(&polled_waits, false, __ATOMIC_RELAXED);
	guard_forget();
}
