/* A shared library with variables, a thread-local and a decorated function of its own. */
#include "shapes.h"
#include "state.h"

int library_value = 1000, library_table[] = {1, 2, 3};
static int inside = 5;
static __thread int inside_thread = 6;
__thread long library_open_thread = 30;

long library_function(long n)
{
	return n + inside;
}

REALTIMEFUNC long library_decorated(int n)
{
	inside += n;
	return inside * 1000 + library_function(n) + EDIT;
}

REALTIMEFUNC long library_own_thread(int n)
{
	inside_thread += n;
	library_open_thread *= 2;
	return inside_thread * 1000 + library_open_thread + EDIT;
}

/* Thread-locals of the function's own. */
REALTIMEFUNC long library_inner_threads(int n)
{
	static __thread int calls = 100;
	static _Thread_local long sum;

	sum += n;
	return ++calls * 1000 + sum + EDIT;
}

long library_thread(int n)
{
	inside_thread += n;
	return inside_thread;
}
