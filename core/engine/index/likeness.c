#include "likeness.h"
#include "words.h"

#include <limits.h>
#include <string.h>

static bool is_pic(const char *word)
{
	return strcmp(word, "-fPIC") == 0 || strcmp(word, "-fpic") == 0;
}

/* What DW_AT_producer has of a command: -g and what is for the preprocessor are the same in all or not in there. A bare -f is no
 * compiler's: automake has `test -f 'a.c' || echo './'`a.c in its commands. */
static bool bears_on_code(const char *word)
{
	static const char *const kinds[] = {"-f", "-m", "-O", "-std="};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strncmp(word, kinds[i], strlen(kinds[i])) == 0)
			return strcmp(word, "-f") != 0;
	return false;
}

/* One for each word that both have, one less for each that one alone has. */
static int by_producer(char *const *command, const struct words *producer)
{
	int like = 0;

	for (char *const *word = command; *word; word++)
		if (bears_on_code(*word))
			like += words_have(producer, *word) ? 1 : -1;
	for (size_t i = 0; i < producer->count; i++)
		if (bears_on_code(producer->items[i]) &&
		    !words_list_has((const char *const *)command, producer->items[i]))
			like--;
	return like;
}

static int by_module(char *const *command, const struct target_unit *unit)
{
	bool shared = unit->module && strstr(unit->module, ".so"), pic = false;

	for (; *command; command++)
		pic |= is_pic(*command);
	return shared == pic;
}

int likeness(char *const *command, const struct target_unit *unit)
{
	struct words producer = {0};
	int like;

	if (!command)
		return INT_MIN;
	if (unit->clang || !unit->producer)
		return by_module(command, unit);
	words_split(&producer, unit->producer);
	like = producer.failed ? INT_MIN : by_producer(command, &producer);
	words_fini(&producer);
	return like;
}

size_t likeness_names(char *const *command, const struct target_unit *unit)
{
	size_t count = 0;

	for (; command && *command && unit->defines; command++) {
		const char *value = strncmp(*command, "-D", 2) == 0 ? strchr(*command, '=') : NULL;
		count += value && unit->defines(unit, value + 1);
	}
	return count;
}
