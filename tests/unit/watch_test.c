/* watch.h where the ways that editors have (tests/system/editors_test.c) do not reach: limits and symbolic links. */
#include "build.h"
#include "clock.h"
#include "watch.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_US = 30000000 };

static char folder[64];
static struct watch *watch;

static const char *in_folder(const char *name)
{
	static char paths[4][160];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void save(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int start(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/rtf-watch-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(mkdir(in_folder("one"), 0700), 0);
	assert_int_equal(mkdir(in_folder("two"), 0700), 0);
	save("one/a.c", "1");
	save("two/a.c", "2");
	assert_null(watch_new(&watch));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	watch_free(watch);
	unlink(in_folder("one/a.c"));
	unlink(in_folder("two/a.c"));
	unlink(in_folder("now"));
	rmdir(in_folder("one"));
	rmdir(in_folder("two"));
	rmdir(folder);
	return 0;
}

/* The next save is that of this file alone. */
static void assert_saved(const char *name)
{
	int64_t begin = clock_now_us(), last;
	const char **paths = NULL;

	while (!paths) {
		int64_t now = clock_now_us(), deadline = watch_deadline(watch);
		struct pollfd event = {.fd = watch_fd(watch), .events = POLLIN};
		if (now - begin > DEADLINE_US)
			fail_msg("the save of %s is not noticed", name);
		poll(&event, 1,
		     deadline && deadline < now + 1000000
			     ? deadline > now ? (int)((deadline - now) / 1000) + 1 : 0
			     : 1000);
		watch_read(watch);
		paths = watch_take(watch, &last);
	}
	assert_string_equal(paths[0], in_folder(name));
	assert_null(paths[1]);
	free(paths);
}

static void files_beyond_the_limit_are_looked_at(void **state)
{
	(void)state;
	watch_set_limit(watch, 1);
	assert_null(watch_add(watch, in_folder("one/a.c")));
	assert_null(watch_add(watch, in_folder("two/a.c")));
	assert_int_equal(watch_polled(watch), 1);
	save("one/a.c", "11");
	assert_saved("one/a.c");
	save("two/a.c", "22");
	assert_saved("two/a.c");
}

static void a_limit_that_is_raised_counts(void **state)
{
	(void)state;
	watch_set_limit(watch, 0);
	assert_null(watch_add(watch, in_folder("one/a.c")));
	assert_int_equal(watch_polled(watch), 1);
	watch_set_limit(watch, 1);
	assert_saved("one/a.c"); /* whatever happened before it was watched */
	assert_int_equal(watch_polled(watch), 0);
	save("one/a.c", "11");
	assert_saved("one/a.c");
}

static void a_folder_behind_a_link_that_is_switched_is_the_new_one(void **state)
{
	(void)state;
	assert_int_equal(symlink("one", in_folder("now")), 0);
	assert_null(watch_add(watch, in_folder("now/a.c")));
	save("one/a.c", "11");
	assert_saved("now/a.c");
	assert_int_equal(symlink("two", in_folder("then")), 0);
	assert_int_equal(rename(in_folder("then"), in_folder("now")), 0);
	assert_saved("now/a.c");
	save("two/a.c", "22");
	assert_saved("now/a.c");
}

#define with_watch(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_watch(files_beyond_the_limit_are_looked_at),
		with_watch(a_limit_that_is_raised_counts),
		with_watch(a_folder_behind_a_link_that_is_switched_is_the_new_one),
	};

	return cmocka_run_group_tests_name("unit: watching files", tests, NULL, NULL);
}
