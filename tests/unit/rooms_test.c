/* The rooms of the engine stand in an order, which the Makefile's ROOMS says: what stands in one includes headers of its own
 * room, of those before it, of core/wire and of store, and no others. */
#include "text.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOMS_MAX = 32 };

struct rooms {
	char *text; /* the Makefile; names are in it */
	const char *name[ROOMS_MAX];
	size_t count;
};

static void read_rooms(struct rooms *r)
{
	size_t size;
	char *left = NULL;

	r->text = text_read_file("Makefile", &size);
	assert_non_null(r->text);
	char *line = strstr(r->text, "\nROOMS := ");
	assert_non_null(line);
	line += strlen("\nROOMS := ");
	line[strcspn(line, "\n")] = '\0';
	for (char *word = strtok_r(line, " ", &left); word; word = strtok_r(NULL, " ", &left)) {
		assert_true(r->count < ROOMS_MAX);
		r->name[r->count++] = word;
	}
}

static bool has_file(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* The first of the rooms that has the header, as the compiler finds it; SIZE_MAX: none has it. */
static size_t room_of(const struct rooms *r, const char *header)
{
	char folder[256];

	for (size_t i = 0; i < r->count; i++) {
		snprintf(folder, sizeof(folder), "core/engine/%s", r->name[i]);
		if (has_file(folder, header))
			return i;
	}
	return SIZE_MAX;
}

static void assert_may_include(const struct rooms *r, size_t room, const char *file, const char *header)
{
	size_t other = room_of(r, header);
	bool outside = other == SIZE_MAX && (has_file("core/wire", header) || has_file("store", header));

	if (!outside && (other == SIZE_MAX || other > room))
		fail_msg("%s includes %s, which is not of its room, nor before it", file, header);
}

/* How many headers it includes. */
static size_t look_at(const struct rooms *r, size_t room, const char *file)
{
	static const char include[] = "#include \"";
	size_t size, count = 0;
	char *text = text_read_file(file, &size), *left = NULL;

	assert_non_null(text);
	for (char *line = strtok_r(text, "\n", &left); line; line = strtok_r(NULL, "\n", &left)) {
		if (strncmp(line, include, strlen(include)) != 0)
			continue;
		char *header = line + strlen(include);
		header[strcspn(header, "\"")] = '\0';
		if (strstr(header, ".inc"))
			continue;
		assert_may_include(r, room, file, header);
		count++;
	}
	free(text);
	return count;
}

static void no_room_knows_one_behind_it(void **state)
{
	struct rooms rooms = {0};
	size_t includes = 0;

	(void)state;
	read_rooms(&rooms);
	for (size_t i = 0; i < rooms.count; i++) {
		char pattern[512];
		glob_t files;
		snprintf(pattern, sizeof(pattern), "core/engine/%s/*.[ch]", rooms.name[i]);
		assert_int_equal(glob(pattern, 0, NULL, &files), 0);
		for (size_t k = 0; k < files.gl_pathc; k++)
			includes += look_at(&rooms, i, files.gl_pathv[k]);
		globfree(&files);
	}
	assert_true(includes > 500);
	free(rooms.text);
}

/* A file that stands in no room would be compiled by nobody. */
static void every_file_stands_in_a_room(void **state)
{
	glob_t files;
	struct rooms rooms = {0};

	(void)state;
	read_rooms(&rooms);
	assert_int_equal(glob("core/engine/*", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *name = strrchr(files.gl_pathv[i], '/') + 1;
		bool known = false;
		for (size_t k = 0; k < rooms.count && !known; k++)
			known = strcmp(rooms.name[k], name) == 0;
		if (!known)
			fail_msg("core/engine/%s is none of the Makefile's ROOMS", name);
	}
	assert_int_equal(files.gl_pathc, rooms.count);
	globfree(&files);
	free(rooms.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_room_knows_one_behind_it),
		cmocka_unit_test(every_file_stands_in_a_room),
	};

	return cmocka_run_group_tests_name("rooms", tests, NULL, NULL);
}
