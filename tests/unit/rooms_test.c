/* The rooms stand in an order (ROOMS, the Makefile's): what stands in one includes headers of its own room, of those before it,
 * of core/wire and of store, and no others. The console's room stands by itself, but for how C is read as tokens. */
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
	char text[sizeof(ROOMS)]; /* names are in it */
	const char *name[ROOMS_MAX];
	size_t count;
};

static void read_rooms(struct rooms *r)
{
	char *left = NULL;

	strcpy(r->text, ROOMS);
	for (char *word = strtok_r(r->text, " ", &left); word; word = strtok_r(NULL, " ", &left)) {
		assert_true(r->count < ROOMS_MAX);
		r->name[r->count++] = word;
	}
	assert_true(r->count > 1);
}

static bool has_file(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* The room that has the header, that of who includes it first, as the compiler looks; SIZE_MAX: none has it. */
static size_t room_of(const struct rooms *r, size_t own, const char *header)
{
	if (has_file(r->name[own], header))
		return own;
	for (size_t i = 0; i < r->count; i++)
		if (has_file(r->name[i], header))
			return i;
	return SIZE_MAX;
}

/* The header that a line includes; NULL: none of ours. Made by the build: none of a room. */
static const char *take_header(char *line)
{
	static const char include[] = "#include \"";

	if (strncmp(line, include, strlen(include)) != 0 || strstr(line, ".inc"))
		return NULL;
	line += strlen(include);
	line[strcspn(line, "\"")] = '\0';
	return line;
}

/* `look` has each header that the files of that pattern include. How many they are. */
static size_t each_include(const char *pattern,
			   void (*look)(void *context, const char *file, const char *header), void *context)
{
	size_t count = 0;
	glob_t files;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		size_t size;
		char *text = text_read_file(files.gl_pathv[i], &size), *left = NULL;
		assert_non_null(text);
		for (char *line = strtok_r(text, "\n", &left); line; line = strtok_r(NULL, "\n", &left)) {
			const char *header = take_header(line);
			if (header)
				look(context, files.gl_pathv[i], header);
			count += header != NULL;
		}
		free(text);
	}
	globfree(&files);
	return count;
}

struct place {
	const struct rooms *rooms;
	size_t room;
};

static void look_from_room(void *context, const char *file, const char *header)
{
	const struct place *p = context;
	size_t other = room_of(p->rooms, p->room, header);
	bool outside = other == SIZE_MAX && (has_file("core/wire", header) || has_file("store", header));

	if (!outside && (other == SIZE_MAX || other > p->room))
		fail_msg("%s includes %s, which is not of its room, nor before it", file, header);
}

static void no_room_knows_one_behind_it(void **state)
{
	struct rooms rooms = {0};
	size_t includes = 0;

	(void)state;
	read_rooms(&rooms);
	for (size_t i = 0; i < rooms.count; i++) {
		char pattern[256];
		snprintf(pattern, sizeof(pattern), "%s/*.[ch]", rooms.name[i]);
		includes += each_include(pattern, look_from_room, &(struct place){&rooms, i});
	}
	assert_true(includes > 1000);
}

static void look_from_console(void *context, const char *file, const char *header)
{
	bool known = has_file("repl/console", header) || has_file("core/wire", header) ||
		     strcmp(header, "token.h") == 0 || strcmp(header, "clock.h") == 0;

	(void)context;
	if (!known)
		fail_msg("%s includes %s, which is the engine's", file, header);
}

static void the_console_knows_nothing_of_the_engine(void **state)
{
	(void)state;
	assert_true(each_include("repl/console/*.[ch]", look_from_console, NULL) > 10);
	assert_true(each_include("repl/console.c", look_from_console, NULL) > 5);
}

/* A file that stands in no room would be compiled by nobody. */
static void every_folder_is_a_room(void **state)
{
	static const char *const folders[] = {"core/engine/*", "repl/*/"};
	struct rooms rooms = {0};
	size_t count = 0;

	(void)state;
	read_rooms(&rooms);
	for (size_t i = 0; i < 2; i++) {
		glob_t found;
		assert_int_equal(glob(folders[i], 0, NULL, &found), 0);
		for (size_t k = 0; k < found.gl_pathc; k++) {
			char *name = found.gl_pathv[k];
			bool known = strcmp(name, "repl/console/") == 0;
			name[strlen(name) - (name[strlen(name) - 1] == '/')] = '\0';
			for (size_t n = 0; n < rooms.count && !known; n++)
				if ((known = strcmp(rooms.name[n], name) == 0))
					count++;
			if (!known)
				fail_msg("%s is none of the Makefile's ROOMS", name);
		}
		globfree(&found);
	}
	assert_int_equal(count, rooms.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_room_knows_one_behind_it),
		cmocka_unit_test(the_console_knows_nothing_of_the_engine),
		cmocka_unit_test(every_folder_is_a_room),
	};

	return cmocka_run_group_tests_name("rooms", tests, NULL, NULL);
}
