/* How much of the processors the engine takes from the program: its share, but for whoever asks again and again. The kernel has
 * sessions share them (CONFIG_SCHED_AUTOGROUP). */
#include "compiled.h"
#include "niceness.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 50, TRIES = 5 };

static struct subject host;

/* Of a process's session. The machine's first one has no group, and that file is empty. */
static int group_niceness(pid_t pid)
{
	char path[64];
	int group, niceness = 0;

	snprintf(path, sizeof(path), "/proc/%d/autogroup", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	int read = fscanf(f, "/autogroup-%d nice %d", &group, &niceness);
	assert_true(read == 2 || (read == EOF && !ferror(f)));
	fclose(f);
	return niceness;
}

static void await_group(pid_t pid, int niceness)
{
	long long deadline = child_clock() + COMPILED_DEADLINE_MS;

	while (group_niceness(pid) != niceness) {
		if (child_clock() > deadline)
			fail_msg("the niceness is %d, not %d", group_niceness(pid), niceness);
		poll(NULL, 0, 5);
	}
}

static void the_engine_and_its_children_do_not_push_the_program_aside(void **state)
{
	pid_t engine = compiled_engine(&host), children[COMPILED_CHILDREN_MAX];
	size_t count = compiled_children(engine, children), giving_way = 0;

	(void)state;
	assert_int_equal(sched_getscheduler(engine), SCHED_BATCH);
	while (count) {
		int policy = sched_getscheduler(children[--count]);
		assert_true(policy == SCHED_BATCH ||
			    (policy < 0 && errno == ESRCH)); /* a preprocessor has ended */
		giving_way += policy == SCHED_BATCH;
	}
	assert_true(giving_way > 0); /* libtcc's process */
	assert_int_equal(sched_getscheduler(host.program.pid), sched_getscheduler(0));

	int own = getpriority(PRIO_PROCESS, (id_t)getpid()), most = own + NICENESS_ALWAYS;
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)host.program.pid), own);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)engine), most < 19 ? most : 19);
}

static void tell_compilers(pid_t engine, int signal)
{
	pid_t children[COMPILED_CHILDREN_MAX], workers[COMPILED_CHILDREN_MAX];

	for (size_t i = 0, count = compiled_children(engine, children); i < count; i++) {
		kill(children[i], signal);
		for (size_t k = 0, working = compiled_children(children[i], workers); k < working; k++)
			kill(workers[k], signal);
	}
}

static void ask_again_and_again(struct wire *w)
{
	for (int i = 0; i < MANY; i++)
		json_decref(wire_ask(w, 100 + i, "\\status"));
}

/* The compilers are stopped meanwhile, so that it takes as long as is wanted. Returns how long it took until the engine had its
 * share, in ms. */
static long long define_slowly(pid_t engine, struct wire *w)
{
	long long asked = child_clock();

	tell_compilers(engine, SIGSTOP);
	wire_command(w, 2, "int add(int a, int b) { return a * b; }");
	await_group(engine, 0);
	long long took = child_clock() - asked;
	tell_compilers(engine, SIGCONT);
	json_t *answer = wire_receive(w);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	compiled_assert_answer(&host, "add 3 4", "12 12");
	return took;
}

static void who_asks_again_and_again_gives_way(void **state)
{
	pid_t engine = compiled_engine(&host);
	struct wire w;
	int at_once = 0;

	(void)state;
	subject_define(&host, "add", "int add(int a, int b) { return a - b; }");
	assert_int_equal(group_niceness(engine), 0);
	wire_open(&w, host.socket);
	ask_again_and_again(&w);
	await_group(engine, NICENESS_GIVING_WAY);
	assert_int_equal(group_niceness(host.program.pid), group_niceness(getpid()));

	/* But for what takes its time. The time for one more command may just have come. */
	while (define_slowly(engine, &w) < NICENESS_PATIENCE_MS) {
		assert_true(++at_once < TRIES);
		ask_again_and_again(&w);
		await_group(engine, NICENESS_GIVING_WAY);
	}

	/* And when nobody asks any more. */
	ask_again_and_again(&w);
	await_group(engine, NICENESS_GIVING_WAY);
	await_group(engine, 0);
	wire_close(&w);
}

static int init(void **state)
{
	(void)state;
	compiled_init(&host, &(struct compiled_how){0});
	return 0;
}

int main(void)
{
	const struct CMUnitTest anywhere[] = {
		with_fresh_host(the_engine_and_its_children_do_not_push_the_program_aside),
	};
	const struct CMUnitTest with_groups[] = {
		with_fresh_host(who_asks_again_and_again_gives_way),
	};
	int failed = cmocka_run_group_tests(anywhere, init, compiled_group_fini);

	if (!access("/proc/self/autogroup", W_OK))
		return failed + cmocka_run_group_tests(with_groups, init, compiled_group_fini);
	print_message("sessions do not share the processors here: with_groups is left out\n");
	return failed;
}
