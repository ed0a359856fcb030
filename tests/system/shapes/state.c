/* Variables of every kind: what a redefined function sees must be what the others see. */
#include "shapes.h"
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int hidden = 7; /* state_other.c has another of that name */
static int count = 5, bound_less[] = {3, 1, 4, 1, 5}, *pointer_to_count = &count;
static char letters[] = "letters";
static const int squares[] = {0, 1, 4, 9, 16, 25};
static const char *const words[] = {"zero", "one", "two"};
static struct {
	int x, y;
	unsigned small : 3, : 0, wide : 20;
} nameless = {1, 2, 3, 4};
static __thread int mine = 10;
static volatile int watched = 1;
extern char **environ;
int shared_counter = 100;

REALTIMEFUNC LOCAL long file_static(int n)
{
	count += n;
	return count * 10 + (pointer_to_count == &count) + EDIT;
}

REALTIMEFUNC LOCAL long local_static(void)
{
	static int n = 1;
	static int unset;
	long sum = n++;
	{
		static int n = 50;
		sum += n++ * 100;
	}
	return sum + unset-- + EDIT;
}

REALTIMEFUNC LOCAL long same_name(void)
{
	return hidden++ + EDIT;
}

REALTIMEFUNC LOCAL long thread_local(void)
{
	mine += 3;
	theirs += 4;
	return mine * 1000 + theirs + EDIT;
}

REALTIMEFUNC LOCAL long of_library(void)
{
	library_value += 2;
	return library_value * 10 + library_function(library_value) + library_table[2] + EDIT;
}

/* A block of the program's and one of the library's. */
REALTIMEFUNC LOCAL long aligned_inside(void)
{
	static char wide[10] __attribute__((aligned(8192)));

	return (long)((unsigned long)wide & 8191) + wide[0]++ + EDIT;
}

/* Two of the same name, and one that is handed out. */
REALTIMEFUNC LOCAL long inner_threads(int n)
{
	static __thread int calls = 5;
	static _Thread_local struct {
		char c;
		long sum;
	} kept; /* a name that the file has too, folded into its users */
	int *const remembered = &calls;

	++*remembered;
	kept.sum += n;
	if (n > 0) {
		static __thread int calls;
		calls += 2;
		kept.sum += calls;
	}
	return calls * 1000 + kept.sum + EDIT;
}

REALTIMEFUNC LOCAL long library_threads(void)
{
	library_open_thread += ++mine;
	return library_open_thread * 100 + library_thread(1) + EDIT;
}

REALTIMEFUNC LOCAL long of_libc(void)
{
	errno = 0;
	long closed = close(-1);
	return errno * 10 + closed + (environ != NULL) + (stdout != NULL) + EDIT;
}

REALTIMEFUNC LOCAL long tables(int n)
{
	static const struct {
		const char *name;
		int value;
	} named[] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
	long sum = squares[n] + (long)strlen(words[n % 3]) + (long)sizeof(squares);

	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		sum += named[i].value * (long)strlen(named[i].name);
	return sum + (long)sizeof(bound_less) + bound_less[n % 5]++ + EDIT;
}

REALTIMEFUNC LOCAL long strings(void)
{
	letters[0]++;
	return letters[0] * 1000 + (long)strlen(letters) + (long)sizeof(letters) + EDIT;
}

REALTIMEFUNC LOCAL long fields(void)
{
	nameless.small++;
	nameless.wide += nameless.small;
	nameless.x--;
	return nameless.x * 1000000L + nameless.small * 1000 + nameless.wide + (long)sizeof(nameless) + EDIT;
}

/* Addresses stay: what is remembered by one version is what another sees. */
REALTIMEFUNC LOCAL long addresses(void)
{
	static void *seen[5];
	static int here;
	void *now[5] = {&count, &here, &mine, letters, (void *)environ};
	long same = 0;

	for (int i = 0; i < 5; i++) {
		same = same * 10 + (!seen[i] || seen[i] == now[i]);
		seen[i] = now[i];
	}
	return same + EDIT;
}

/* A name for nothing but itself: compilers know its value and drop the variable. */
static const char *const nobody = "nobody";

static KEPT long is_nobody(const char *who)
{
	return who == nobody;
}

REALTIMEFUNC long identity(long n)
{
	return n + EDIT;
}

static long (*const kept)(long) = identity;

/* The same pointer in every version, in the program's tables, and in another file. */
REALTIMEFUNC LOCAL long pointers(void)
{
	return (kept == identity) + (is_identity(identity) ? 10 : 0) + (identity == &identity ? 100 : 0) +
	       EDIT;
}

REALTIMEFUNC LOCAL long shared(void)
{
	shared_counter++;
	return shared_counter + other_counter() + watched++ + EDIT;
}

#define PROBES(X) \
	X(file_static, file_static(3)) \
	X(local_static, local_static()) \
	X(same_name, same_name()) \
	X(other_same_name, call_other_same_name()) \
	X(thread_local, thread_local()) \
	X(of_library, of_library()) \
	X(in_library, library_decorated(2)) \
	X(aligned_inside, aligned_inside()) \
	X(inner_threads, inner_threads(3)) \
	X(library_inner_threads, library_inner_threads(4)) \
	X(in_library_thread, library_thread(3)) \
	X(of_library_thread, library_own_thread(2)) \
	X(library_threads, library_threads()) \
	X(of_libc, of_libc()) \
	X(tables, tables(2)) \
	X(strings, strings()) \
	X(fields, fields()) \
	X(addresses, addresses()) \
	X(is_nobody, is_nobody(nobody)) \
	X(identity, identity(3)) \
	X(pointers, pointers()) \
	X(shared, shared()) \
	X(untouched, count * 1000000L + hidden * 10000 + shared_counter + mine + theirs + library_value)

SHAPES_MAIN
