/* A program to be looked at: values of many types, and functions that end badly.
 *
 *     look_host [SOCKET]    a line on standard input: a number calls scaled(), `poll` comes to rtf_poll(), `poll-thread` does
 *                           so in a thread of its own, `state` tells how it is, `crash` is a fault of its own, `signals` has
 *                           it use every one, `stop` closes the console. With LOOK_POLLED set evaluations wait for
 *                           rtf_poll(). */
#include <rtf.h>

#include <complex.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>
#include <unistd.h>
#include <wchar.h>

enum color { RED, GREEN, BLUE = 7 };
enum flags { READ = 1, WRITE = 2, EXECUTE = 4 };
enum limits { NO_LIMIT, LIMIT = 65535 };
enum doubles { ONCE = 1, TWICE = 1, AGAIN = 2 };
enum signs { BELOW = -2, NAUGHT, ABOVE = 100 };

struct point {
	int x, y;
};

union number {
	int i;
	float f;
	unsigned char bytes[8];
};

struct bits {
	int a : 3;
	unsigned b : 5;
	_Bool c : 1;
	enum color d : 4;
	unsigned : 3;
	long long e : 40;
	unsigned char f : 8;
};

struct __attribute__((packed)) packed {
	char tag;
	int value;
	double real;
};

struct node {
	int value;
	struct node *next;
};

struct inner {
	struct point at;
	union {
		int id;
		char letters[4];
	};
	struct {
		short low, high;
	} range;
};

struct outer {
	const char *name;
	struct inner parts[2];
	enum flags mode;
	double weight;
	int (*act)(int);
	struct node *list;
};

struct tail {
	int count;
	short items[];
};

typedef struct point point_t;
typedef unsigned long id_t_;
typedef int matrix[2][3];
typedef int four __attribute__((vector_size(16)));

static int doubled(int n)
{
	return n * 2;
}

static int squared(int n)
{
	return n * n;
}

static char letter = 'A';
static signed char small_negative = -100;
static unsigned char byte = 200;
static short short_value = -12345;
static unsigned short ushort_value = 54321;
static int int_value = -7;
static unsigned uint_value = 4000000000U;
static long long_value = -1234567890123L;
static unsigned long ulong_value = 18446744073709551615UL;
static long long llong_value = -9223372036854775807LL - 1;
static unsigned long long ullong_value = 12345678901234567890ULL;
static float float_value = 0.1F;
static double double_value = 3.14159265358979;
static long double ldouble_value = 2.718281828459045235L;
static double tiny = 5e-324, huge = 1.7976931348623157e308, negative_zero = -0.0;
static double infinite, not_a_number;
static _Bool yes = true, no;
static enum color color = GREEN, odd_color = (enum color)5;
static enum flags some = READ | EXECUTE, none, unknown_flags = (enum flags)(WRITE | 0x40);
static enum limits limit = (enum limits)0x2003, top_limit = LIMIT;
static enum doubles doubles = (enum doubles)3;
static enum signs sign = BELOW, far_sign = (enum signs)55;
static int8_t int8_value = -8;
static uint8_t uint8_value = 8;
static int16_t int16_value = -16;
static uint16_t uint16_value = 16;
static int32_t int32_value = -32;
static uint32_t uint32_value = 32;
static int64_t int64_value = -64;
static uint64_t uint64_value = 64;
static size_t size_value = 99;
static wchar_t wide_letter = L'x';
static char16_t letter16 = u'y';
static char32_t letter32 = U'z';
static float complex complex_float = 1.5F + 2.5F * I;
static double complex complex_double = 1.0 - 2.0 * I;
static __int128 big = ((__int128)1 << 100) + 12345;
static unsigned __int128 ubig = ((unsigned __int128)1 << 120) + 7;
static four vector = {1, 2, 3, 4};
static const int constant = 42;
static volatile int changing = 43;
static id_t_ alias = 77;

static char text[16] = "nut";
static char full[4] = "full";
static char empty[8];
static char escaped[] = "tab\t quote\" back\\ bell\a nl\n nul\0after \1772";
static char repeated[64] = "aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbccc";
static unsigned char octets[4] = {1, 2, 255, 0};
static wchar_t wide_text[] = L"wide";
static char16_t text16[] = u"sixteen";
static char32_t text32[] = U"thirty-two";
static int numbers[5] = {1, 2, 3, 4, 5};
static int zeros[100];
static int mixed[30] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3};
static int many[300] = {1, 2, 3};
static double reals[3] = {0.5, -1.25, 1e100};
static float floats[2][2] = {{1, 2}, {3.5F, 4.25F}};
static long double ldoubles[2] = {1.5L, -2.25L};
static bool truths[3] = {true, false, true};
static enum color colors[3] = {RED, BLUE, GREEN};
static matrix grid = {{1, 2, 3}, {4, 5, 6}};
static int cube[2][2][2] = {{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}};
static char lines[3][8] = {"one", "two", "three"};
static struct point points[3] = {{1, 2}, {3, 4}};
static struct point same_points[15];

static struct point point = {3, -4};
static point_t other_point = {5, 6};
static union number number = {.f = 1.0F};
static struct bits bits = {-2, 21, true, BLUE, -123456789, 250};
static struct packed packed = {'p', 99, 0.25};
static struct node third = {3, NULL}, second = {2, &third}, first = {1, &second}, ring = {9, &ring};
static struct outer outer = {
	"outer", {{{1, 2}, {65}, {3, 4}}, {{5, 6}, {66}, {7, 8}}}, READ | WRITE, 2.5, doubled, &first};
static struct {
	int hidden;
	struct point inside;
} nameless = {1, {2, 3}};

static int *int_pointer = &int_value;
static const char *string = "a string";
static char *null_string;
static char *wild_string = (char *)8;
static void *void_pointer = &int_value;
static void *null_pointer;
static struct point *point_pointer = &point;
static struct node *wild_node = (struct node *)0x10;
static int (*function)(int) = doubled;
static int (*functions[3])(int) = {doubled, squared};
static int (*row_pointer)[3] = grid;
static const char *words[4] = {"zero", "one", NULL, "three"};
static char **word_pointer = (char **)words;
static int **pointer_pointer = &int_pointer;
static struct node *nodes[3] = {&first, &second, NULL};
static struct tail *tail;
static _Atomic int atomic_value = 11;
static __thread int of_this_thread = 5;

static pthread_t main_thread;
static struct point log = {8, 9}; /* as functions are named that compilers know */
static double exp = 1.5;
static int calls;
static int restarts;

REALTIMEFUNC
int scaled(int n)
{
	static int last_scaled;

	calls++;
	last_scaled = n;
	return n * 10;
}

REALTIMEFUNC
static struct point moved(struct point p, int by)
{
	return (struct point){p.x + by, p.y + by};
}

/* --- functions that end badly ------------------------------------------------------------------------------------------- */

static int dereference(int *p)
{
	return *p;
}

static int through(int *p)
{
	return dereference(p) + 1;
}

static int recurse(int n)
{
	volatile char room[512];

	room[0] = (char)n;
	return n == -1 ? 0 : recurse(n + 1) + room[0];
}

static void give_up(void)
{
	abort();
}

static void leave(int status)
{
	exit(status);
}

static int divide(int a, int b)
{
	return a / b;
}

static void illegal(void)
{
	__builtin_trap();
}

static void loop(void)
{
	for (volatile int i = 0;; i++)
		;
}

static void loop_in_malloc(void)
{
	for (;;)
		free(malloc(100));
}

static void at_exit(void)
{
	puts("leaving");
}

static void bus_error(void)
{
	raise(SIGBUS);
}

/* --- the program's own handlers ------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t handled;

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	handled = signal_number;
	_exit(9);
}

static void tell_state(void)
{
	char handlers[128] = "";

	for (int i = 1; i < 65; i++) {
		struct sigaction a;
		if (i == 32 || i == 33 || sigaction(i, NULL, &a) ||
		    (a.sa_handler == SIG_DFL && !(a.sa_flags & SA_SIGINFO)))
			continue;
		size_t used = strlen(handlers);
		snprintf(handlers + used, sizeof(handlers) - used, " %d%s", i,
			 a.sa_sigaction == on_fault ? "(ours)" : "");
	}
	void *p = malloc(1000); /* a lock that was left behind shows here */
	free(p);
	printf("calls %d handlers%s\n", calls, handlers);
}

static void take_signals(void)
{
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		signal(number, SIG_IGN);
	puts("taken");
}

static void *poll_once(void *unused)
{
	rtf_poll();
	return unused;
}

static void poll_in_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, poll_once, NULL) == 0)
		pthread_join(thread, NULL);
	puts("polled");
}

void stop_here(void)
{
	restarts++;
}

int main(int argc, char **argv)
{
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct rtf_options options = {.socket_path = argc > 1 ? argv[1] : NULL,
				      .polled = getenv("LOOK_POLLED") != NULL};
	char line[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGSEGV, &fault, NULL);
	atexit(at_exit);
	main_thread = pthread_self();
	infinite = 1.0 / (double)calls;
	not_a_number = infinite - infinite;
	tail = malloc(sizeof(*tail) + 4 * sizeof(short));
	*tail = (struct tail){.count = 2};
	memcpy(tail->items, (short[4]){7, 8, 9, 10}, 4 * sizeof(short));
	stop_here();
	int failed = argc > 1 ? rtf_start_options(&options) : 0;
	if (failed)
		printf("rtf_start: %d\n", failed);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "state")) {
			tell_state();
		} else if (!strcmp(line, "poll")) {
			rtf_poll();
			puts("polled");
		} else if (!strcmp(line, "poll-thread")) {
			poll_in_thread();
		} else if (!strcmp(line, "signals")) {
			take_signals();
		} else if (!strcmp(line, "stop")) {
			rtf_stop();
			puts("stopped");
		} else if (!strcmp(line, "crash")) {
			dereference(NULL);
		} else {
			printf("%d\n", scaled(atoi(line)));
		}
	}
	/* What only a console calls must be there. */
	return (int)((long)(intptr_t)through + (long)(intptr_t)recurse + (long)(intptr_t)give_up +
		     (long)(intptr_t)leave + (long)(intptr_t)divide + (long)(intptr_t)illegal +
		     (long)(intptr_t)loop + (long)(intptr_t)loop_in_malloc + (long)(intptr_t)bus_error +
		     (long)(intptr_t)moved + of_this_thread) &
	       1;
}

/* Its members and its tag are no calls of the function. */
struct scaled {
	int scaled;
};

int unscaled(struct scaled *of)
{
	struct scaled whole = {.scaled = 2};
	return of->scaled / whole.scaled;
}
