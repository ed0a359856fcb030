#include "park.h"
#include "arena.h"
#include "kernel.h"
#include "large.h"
#include "signals.h"
#include "x86_64.h"

#include <setjmp.h>
#include <string.h>
#include <ucontext.h>

#define PARK_MAGIC UINT64_C(0x6b72617066747200)

enum park_state { STATE_RUNS, STATE_UNTOLD, STATE_TOLD, STATE_RELEASED };

_Static_assert(sizeof(struct park_frame) == 72 * 8 && offsetof(struct park_frame, arguments) == 65 * 8 &&
		       offsetof(struct park_frame, version) == 66 * 8,
	       "as versions declare it");
_Static_assert(sizeof(sigjmp_buf) <= sizeof(((struct park_frame *)0)->out), "the jump buffer fits");

static struct {
	pid_t pid; /* atomic: whose calls are caught, 0: nobody's */
	struct {
		pid_t id;           /* atomic: 0 is free */
		uint64_t innermost; /* frame; of that thread alone */
		uint64_t entered;   /* watches; of that thread alone */
	} threads[PARK_THREADS];
	struct {
		uint64_t frame, serial; /* atomic: the outermost watch that the last look found */
		int times;              /* atomic: looks that found it */
	} looks[PARK_THREADS];
	bool watching;                 /* atomic: something is evaluated, or was */
	long long next_look;           /* in ms; the agent's alone */
	uint64_t parked[PARK_THREADS]; /* atomic: frames that wait */
} parks LARGE;

static int wake_fd = -1; /* atomic */

static int find_thread(pid_t id)
{
	for (int i = 0; i < PARK_THREADS; i++)
		if (__atomic_load_n(&parks.threads[i].id, __ATOMIC_ACQUIRE) == id)
			return i;
	return -1;
}

static bool has_ended(pid_t id)
{
	return thread_signal(id, 0) && errno == ESRCH;
}

static bool replace_thread(int i, pid_t old, pid_t id)
{
	if (!__atomic_compare_exchange_n(&parks.threads[i].id, &old, id, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&parks.threads[i].innermost, 0, __ATOMIC_RELEASE);
	return true;
}

/* A free place, or that of a thread which ended in the middle of a guarded call. */
static int take_thread(pid_t id)
{
	int saved = errno;

	for (int i = 0; i < PARK_THREADS; i++)
		if (__atomic_load_n(&parks.threads[i].id, __ATOMIC_RELAXED) == 0 && replace_thread(i, 0, id))
			return i;
	for (int i = 0; i < PARK_THREADS; i++) {
		pid_t old = __atomic_load_n(&parks.threads[i].id, __ATOMIC_RELAXED);
		if (old && has_ended(old) && replace_thread(i, old, id)) {
			errno = saved;
			return i;
		}
	}
	errno = saved;
	return -1;
}

static void set_innermost(int thread, uint64_t frame)
{
	__atomic_store_n(&parks.threads[thread].innermost, frame, __ATOMIC_RELEASE);
	if (!frame)
		__atomic_store_n(&parks.threads[thread].id, 0, __ATOMIC_RELEASE);
}

/* The frame as it is now, if it is one. */
static bool read_frame(uint64_t at, struct park_frame *out)
{
	return at && memory_read(at, out, sizeof(*out)) == (ssize_t)sizeof(*out) &&
	       out->magic == (PARK_MAGIC ^ at);
}

/* The agent sleeps while nothing is evaluated. */
static void note_watching(void)
{
	uint64_t one = 1;
	int saved = errno;

	if (__atomic_load_n(&parks.watching, __ATOMIC_ACQUIRE) ||
	    __atomic_exchange_n(&parks.watching, true, __ATOMIC_ACQ_REL))
		return;
	if (write(__atomic_load_n(&wake_fd, __ATOMIC_ACQUIRE), &one, sizeof(one)) < 0)
		errno = saved;
}

void park_enter(struct park_frame *f, uint64_t entry)
{
	uint64_t here = (uint64_t)(uintptr_t)f;
	struct park_frame outer;
	pid_t id = thread_id();

	f->magic = 0;
	if (__atomic_load_n(&parks.pid, __ATOMIC_ACQUIRE) != getpid())
		return;
	int thread = find_thread(id);
	if (thread < 0)
		thread = take_thread(id);
	if (thread < 0)
		return;
	/* A frame that was jumped out of lies below this one by now. */
	uint64_t around = __atomic_load_n(&parks.threads[thread].innermost, __ATOMIC_ACQUIRE);
	while (around && around <= here)
		around = read_frame(around, &outer) && outer.thread == id ? outer.outer : 0;
	f->outer = around;
	f->entry = entry;
	f->thread = id;
	f->state = STATE_RUNS;
	f->serial = entry ? 0 : ++parks.threads[thread].entered;
	f->magic = PARK_MAGIC ^ here;
	__atomic_store_n(&parks.threads[thread].innermost, here, __ATOMIC_RELEASE);
	if (!entry)
		note_watching();
}

void park_leave(struct park_frame *f)
{
	int thread = f->magic ? find_thread((pid_t)f->thread) : -1;

	if (thread >= 0)
		set_innermost(thread, f->outer);
	f->magic = 0;
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

/* Of this thread, around the code at that stack pointer; NULL: there is none. */
static struct park_frame *innermost_frame(uint64_t sp, int *thread)
{
	struct park_frame copy;
	pid_t id = thread_id();

	if (__atomic_load_n(&parks.pid, __ATOMIC_ACQUIRE) != getpid())
		return NULL;
	*thread = find_thread(id);
	if (*thread < 0)
		return NULL;
	uint64_t at = __atomic_load_n(&parks.threads[*thread].innermost, __ATOMIC_ACQUIRE);
	while (at && at < sp)
		at = read_frame(at, &copy) && copy.thread == id ? copy.outer : 0;
	if (!read_frame(at, &copy) || copy.thread != id)
		return NULL;
	return (struct park_frame *)(uintptr_t)at;
}

/* The mask as it was around what is left, where handlers that it was interrupted by are left too. A watch's frame has no mask of
 * its own, which would be a system call for each time it is entered. */
static void restore_mask(const ucontext_t *interrupted, uint64_t sp, uint64_t frame)
{
	uint64_t mask;
	bool handled = signals_are_handled_between(sp, frame, &mask);

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, handled ? (const void *)&mask : &interrupted->uc_sigmask,
		NULL, sizeof(mask));
}

static void catch (int signal, const siginfo_t *info, const void *context, bool watches_only)
{
	uint64_t registers[CALL_REGISTERS];
	int thread;

	registers_of(context, registers);
	struct park_frame *f = innermost_frame(registers[REGISTER_SP], &thread);
	if (!f || (watches_only && f->entry))
		return;
	f->signal = signal;
	f->code = info->si_code;
	f->address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
	f->pc = registers[REGISTER_PC];
	set_innermost(thread, f->outer);
	restore_mask(context, registers[REGISTER_SP], (uint64_t)(uintptr_t)f);
	siglongjmp((struct __jmp_buf_tag *)f->out, 1);
}

void park_catch(int signal, const siginfo_t *info, const void *context)
{
	catch (signal, info, context, false);
}

void park_catch_watch(int signal, siginfo_t *info, void *context)
{
	catch (signal, info, context, true);
}

/* --- watches that do not end ------------------------------------------------------------------------------------ */

/* The outermost frame of a watch that the thread is in, or 0. */
static uint64_t outermost_watch(int thread, pid_t id, uint64_t *serial)
{
	uint64_t at = __atomic_load_n(&parks.threads[thread].innermost, __ATOMIC_ACQUIRE), found = 0;
	struct park_frame copy;

	while (read_frame(at, &copy) && copy.thread == id) {
		if (!copy.entry) {
			found = at;
			*serial = copy.serial;
		}
		if (copy.outer <= at)
			break;
		at = copy.outer;
	}
	return found;
}

/* How often it was found by now. */
static int look_at(int thread, uint64_t frame, uint64_t serial)
{
	bool same = __atomic_load_n(&parks.looks[thread].frame, __ATOMIC_RELAXED) == frame &&
		    __atomic_load_n(&parks.looks[thread].serial, __ATOMIC_RELAXED) == serial;
	int times = same ? __atomic_load_n(&parks.looks[thread].times, __ATOMIC_RELAXED) + 1 : 1;

	__atomic_store_n(&parks.looks[thread].frame, frame, __ATOMIC_RELAXED);
	__atomic_store_n(&parks.looks[thread].serial, serial, __ATOMIC_RELAXED);
	__atomic_store_n(&parks.looks[thread].times, times, __ATOMIC_RELEASE);
	return times;
}

int park_patience(void)
{
	return __atomic_load_n(&parks.watching, __ATOMIC_ACQUIRE) ? PARK_LOOK_MS : -1;
}

void *park_stopper(void)
{
	return &parks;
}

void park_look(void (*stop)(pid_t thread))
{
	bool any = false;

	if (park_patience() < 0 || now_ms() < parks.next_look)
		return;
	parks.next_look = now_ms() + PARK_LOOK_MS;
	__atomic_store_n(&parks.watching, false, __ATOMIC_SEQ_CST);
	for (int i = 0; i < PARK_THREADS; i++) {
		pid_t id = __atomic_load_n(&parks.threads[i].id, __ATOMIC_ACQUIRE);
		uint64_t serial = 0, frame = id ? outermost_watch(i, id, &serial) : 0;
		int times = frame ? look_at(i, frame, serial) : 0;
		any |= times && times < PARK_LOOKS_AT_MOST;
		if (times > PARK_LOOKS && times < PARK_LOOKS_AT_MOST)
			stop(id);
	}
	if (any)
		__atomic_store_n(&parks.watching, true, __ATOMIC_RELEASE);
}

/* Goes on behind what the watch evaluates. */
static _Noreturn void leave_watch(struct park_frame *f, int thread, int why, uint64_t address)
{
	f->signal = why;
	f->address = address;
	set_innermost(thread, f->outer);
	siglongjmp((struct __jmp_buf_tag *)f->out, 1);
}

bool park_stop(const siginfo_t *info, const void *context, bool (*in_library)(uint64_t pc))
{
	uint64_t registers[CALL_REGISTERS], mask;
	struct park_frame copy;
	pid_t id = thread_id();

	if (info->si_code != SI_QUEUE || info->si_value.sival_ptr != park_stopper())
		return false;
	int thread = __atomic_load_n(&parks.pid, __ATOMIC_ACQUIRE) == getpid() ? find_thread(id) : -1;
	if (thread < 0)
		return true;
	registers_of(context, registers);
	int times = __atomic_load_n(&parks.looks[thread].times, __ATOMIC_ACQUIRE);
	uint64_t frame = __atomic_load_n(&parks.looks[thread].frame, __ATOMIC_RELAXED);
	if (frame < registers[REGISTER_SP] || !read_frame(frame, &copy) || copy.thread != id || copy.entry ||
	    copy.serial != __atomic_load_n(&parks.looks[thread].serial, __ATOMIC_RELAXED))
		return true;
	if (times < PARK_PATIENT_LOOKS && (in_library(registers[REGISTER_PC]) ||
					   signals_are_handled_between(registers[REGISTER_SP], frame, &mask)))
		return true;
	restore_mask(context, registers[REGISTER_SP], frame);
	leave_watch((struct park_frame *)(uintptr_t)frame, thread, WATCH_LATE, 0);
}

void park_exit(int status, void (*before)(void))
{
	int thread;
	struct park_frame *f = innermost_frame((uint64_t)(uintptr_t)__builtin_frame_address(0), &thread);
	struct park_frame copy;

	while (f && f->entry) /* a guarded call, of the watch's perhaps */
		f = read_frame(f->outer, &copy) && copy.thread == thread_id()
			    ? (struct park_frame *)(uintptr_t)f->outer
			    : NULL;
	if (!f)
		return;
	if (before)
		before();
	leave_watch(f, thread, WATCH_EXITED, (uint64_t)status);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static bool list_frame(uint64_t frame)
{
	for (int i = 0; i < PARK_THREADS; i++) {
		uint64_t none = 0;
		if (__atomic_compare_exchange_n(&parks.parked[i], &none, frame, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

uint64_t park_wait(struct park_frame *f)
{
	uint64_t one = 1;

	f->magic = 0;
	f->target = f->entry;
	__atomic_store_n(&f->state, STATE_UNTOLD, __ATOMIC_RELEASE);
	if (!list_frame((uint64_t)(uintptr_t)f))
		return f->target;
	ssize_t told = write(__atomic_load_n(&wake_fd, __ATOMIC_ACQUIRE), &one, sizeof(one));
	/* Without an agent nobody would ever release it; park_end has seen it or is still to come. */
	if (told < 0 && __atomic_load_n(&parks.pid, __ATOMIC_ACQUIRE) == 0)
		park_release(&(struct message_unpark){(uint64_t)(uintptr_t)f, f->entry});
	for (;;) {
		uint64_t state = __atomic_load_n(&f->state, __ATOMIC_ACQUIRE);
		if (state == STATE_RELEASED)
			return f->target;
		futex_wait(&f->state, (uint32_t)state, NULL);
	}
}

bool park_take(struct message_parked *out)
{
	for (int i = 0; i < PARK_THREADS; i++) {
		struct park_frame *f =
			(struct park_frame *)(uintptr_t)__atomic_load_n(&parks.parked[i], __ATOMIC_ACQUIRE);
		uint64_t untold = STATE_UNTOLD;
		if (!f || !__atomic_compare_exchange_n(&f->state, &untold, STATE_TOLD, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		*out = (struct message_parked){
			.frame = (uint64_t)(uintptr_t)f,
			.entry = f->entry,
			.address = f->address,
			.pc = f->pc,
			.arguments = f->arguments,
			.signal = (int32_t)f->signal,
			.code = (int32_t)f->code,
			.thread = (int32_t)f->thread,
			.version = (int32_t)f->version,
		};
		return true;
	}
	return false;
}

void park_untold(void)
{
	for (int i = 0; i < PARK_THREADS; i++) {
		struct park_frame *f =
			(struct park_frame *)(uintptr_t)__atomic_load_n(&parks.parked[i], __ATOMIC_ACQUIRE);
		uint64_t told = STATE_TOLD;
		if (f)
			__atomic_compare_exchange_n(&f->state, &told, STATE_UNTOLD, false, __ATOMIC_ACQ_REL,
						    __ATOMIC_RELAXED);
	}
}

int park_release(const struct message_unpark *m)
{
	struct park_frame *f = (struct park_frame *)(uintptr_t)m->frame;

	for (int i = 0; i < PARK_THREADS; i++) {
		uint64_t frame = m->frame;
		if (!frame || __atomic_load_n(&parks.parked[i], __ATOMIC_ACQUIRE) != frame)
			continue;
		if (m->target != f->entry && !arena_has_code(m->target))
			return -EINVAL;
		if (!__atomic_compare_exchange_n(&parks.parked[i], &frame, 0, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			return -ESRCH;
		f->target = m->target;
		__atomic_store_n(&f->state, STATE_RELEASED, __ATOMIC_RELEASE);
		/* The frame may be gone from here on: a futex that nobody waits for is no error. */
		futex_wake_all(&f->state);
		return 0;
	}
	return -ESRCH;
}

/* --- the agent's life ---------------------------------------------------------------------------------------------- */

void park_watch(int wake)
{
	__atomic_store_n(&wake_fd, wake, __ATOMIC_RELEASE);
	__atomic_store_n(&parks.pid, getpid(), __ATOMIC_RELEASE);
}

void park_end(void)
{
	__atomic_store_n(&parks.pid, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&wake_fd, -1, __ATOMIC_RELEASE);
	for (int i = 0; i < PARK_THREADS; i++) {
		uint64_t frame = __atomic_load_n(&parks.parked[i], __ATOMIC_ACQUIRE);
		if (frame)
			park_release(&(struct message_unpark){
				frame, ((struct park_frame *)(uintptr_t)frame)->entry});
	}
}

void park_forget(void)
{
	memset(parks.threads, 0, sizeof(parks.threads));
	memset(parks.looks, 0, sizeof(parks.looks));
	__atomic_store_n(&parks.watching, false, __ATOMIC_RELEASE);
	memset(parks.parked, 0, sizeof(parks.parked));
	__atomic_store_n(&parks.pid, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&wake_fd, -1, __ATOMIC_RELEASE);
}
