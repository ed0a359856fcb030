#include "sync.h"
#include "arena.h"
#include "descriptor.h"
#include "message.h"

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

/* What runs on the way into a strict function may use no register that arguments come in but the general ones, which
 * sync_enter keeps; no errno, no cancellation point, no lock. */
#define PLAIN __attribute__((target("general-regs-only"), no_stack_protector))
#if !__has_attribute(no_stack_protector)
#undef PLAIN
#define PLAIN __attribute__((target("general-regs-only")))
#endif

enum { SLICE_NS = 200000 };

/* Atomic. */
static int lent = -1;      /* the engine's descriptor */
static int expected;       /* it is on its way */
static int agent_thread;   /* its tid: it may be what the engine waits for */
static void (*heir)(bool); /* what to call when the console is left to us */
static int given_up;       /* waited in vain once: until the engine is heard of again, nobody does */

static PLAIN long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	register long r9 __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static PLAIN bool is_orphaned(void)
{
	return __atomic_load_n(&heir, __ATOMIC_RELAXED) && arena_count &&
	       __atomic_load_n(&((struct arena_header *)arena_all[0].head)->orphaned, __ATOMIC_ACQUIRE);
}

void sync_inherit(void)
{
	if (is_orphaned())
		heir(false);
}

void sync_await_left(void)
{
	if (arena_count)
		call(SYS_futex, (long)&((struct arena_header *)arena_all[0].head)->orphaned, FUTEX_WAIT, 0,
		     0);
}

bool sync_claim(void)
{
	uint32_t orphaned = 1;

	return arena_count &&
	       __atomic_compare_exchange_n(&((struct arena_header *)arena_all[0].head)->orphaned, &orphaned,
					   0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* The same on the way into a function: with all registers that arguments come in kept. Source: Intel SDM volume 1, 13. */
static PLAIN __attribute__((noinline)) void inherit_in_passing(void)
{
	enum { KEPT = 0xe7, OSXSAVE = 1 << 27 }; /* x87, SSE, AVX, AVX-512 */
	_Alignas(64) unsigned char state[4096];
	unsigned a = 1, b, c = 0, d;

	for (size_t i = 0; i < sizeof(state); i += sizeof(uint64_t))
		*(volatile uint64_t *)(state + i) = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (c & OSXSAVE)
		__asm__ volatile("xsave64 %0" : "+m"(state) : "a"(KEPT), "d"(0) : "memory");
	else
		__asm__ volatile("fxsave64 %0" : "+m"(state) : : "memory");
	heir(true);
	if (c & OSXSAVE)
		__asm__ volatile("xrstor64 %0" : : "m"(state), "a"(KEPT), "d"(0) : "memory");
	else
		__asm__ volatile("fxrstor64 %0" : : "m"(state) : "memory");
}

static PLAIN uint32_t *busy_word(void)
{
	return arena_count ? &((struct arena_header *)arena_all[0].head)->busy : NULL;
}

/* Waits a little, or until the word changes. */
static PLAIN void wait_on(const void *word, uint32_t value)
{
	struct timespec slice = {.tv_nsec = SLICE_NS};

	call(SYS_futex, (long)word, FUTEX_WAIT, (long)value, (long)&slice);
}

static PLAIN int64_t now_ns(void)
{
	struct timespec t;

	call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0, 0);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The queue first: what is not in it any more was announced by `busy` before it was taken out. */
static PLAIN bool is_settled(int fd, const uint32_t *busy)
{
	int bytes = 0;

	return call(SYS_ioctl, fd, FIONREAD, (long)&bytes, 0) < 0 ||
	       (!bytes && !__atomic_load_n(busy, __ATOMIC_ACQUIRE));
}

/* Nobody who waits here holds up what he waits for. */
PLAIN bool sync_is_exempt(void)
{
	return call(SYS_gettid, 0, 0, 0, 0) == __atomic_load_n(&agent_thread, __ATOMIC_RELAXED);
}

static PLAIN __attribute__((noinline)) int wait_long(void)
{
	int64_t deadline = now_ns() + SYNC_SECONDS * INT64_C(1000000000);

	if (sync_is_exempt())
		return 0;
	while (!__atomic_load_n(&given_up, __ATOMIC_RELAXED)) {
		int fd = __atomic_load_n(&lent, __ATOMIC_ACQUIRE);
		const uint32_t *busy = busy_word();
		if (fd < 0 && !__atomic_load_n(&expected, __ATOMIC_ACQUIRE))
			return -ENOTCONN;
		if (fd >= 0 && is_settled(fd, busy))
			return 0;
		if (now_ns() > deadline)
			__atomic_store_n(&given_up, 1, __ATOMIC_RELAXED);
		else if (fd < 0)
			wait_on(&lent, (uint32_t)-1);
		else
			wait_on(busy, __atomic_load_n(busy, __ATOMIC_RELAXED));
	}
	return -ETIMEDOUT;
}

int sync_wait(void)
{
	return busy_word() ? wait_long() : 0;
}

/* Called by sync_enter. */
PLAIN __attribute__((used, visibility("hidden"))) void sync_check(void);
void sync_check(void)
{
	int fd = __atomic_load_n(&lent, __ATOMIC_ACQUIRE);

	if (is_orphaned())
		inherit_in_passing();
	if (fd < 0 || __atomic_load_n(&given_up, __ATOMIC_RELAXED) || is_settled(fd, busy_word()))
		return;
	wait_long();
}

/* Keeps whatever arguments and a static chain come in, and the vector registers by not touching them; no frame is left
 * behind when the function is jumped to. The stack is 8 off a multiple of 16 at an entry: nine pushes align it. */
__asm__(".text\n"
	".globl sync_enter\n"
	".hidden sync_enter\n"
	".type sync_enter, @function\n"
	"sync_enter:\n"
	".cfi_startproc\n"
	"	endbr64\n"
	"	push %rax\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rsi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rdx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rcx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %r8\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %r9\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %r10\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %r11\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call sync_check\n"
	"	pop %r11\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %r10\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %r9\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %r8\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rcx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rdx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rsi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rax\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *(%r11)\n"
	".cfi_endproc\n"
	".size sync_enter, . - sync_enter\n");

static void wake_waiting(void)
{
	call(SYS_futex, (long)&lent, FUTEX_WAKE, INT32_MAX, 0);
	if (busy_word())
		call(SYS_futex, (long)busy_word(), FUTEX_WAKE, INT32_MAX, 0);
}

void sync_expect(void)
{
	__atomic_store_n(&given_up, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&expected, 1, __ATOMIC_RELEASE);
}

void sync_exempt(void)
{
	__atomic_store_n(&agent_thread, (int)call(SYS_gettid, 0, 0, 0, 0), __ATOMIC_RELAXED);
}

static void replace(int fd)
{
	int old = __atomic_exchange_n(&lent, fd, __ATOMIC_ACQ_REL);

	descriptor_close(&old);
}

void sync_take(int fd)
{
	__atomic_store_n(&given_up, 0, __ATOMIC_RELAXED);
	replace(descriptor_raise(fd));
	wake_waiting();
}

static void let_go(void)
{
	__atomic_store_n(&expected, 0, __ATOMIC_RELEASE);
	replace(-1);
}

void sync_leave(void (*inherit)(bool in_passing))
{
	__atomic_store_n(&heir, inherit, __ATOMIC_RELAXED);
	let_go();
}

/* An engine that ended in the middle of a save has left `busy` behind. */
void sync_forget(void)
{
	let_go();
	if (busy_word())
		__atomic_store_n(busy_word(), 0, __ATOMIC_RELEASE);
	wake_waiting();
}
