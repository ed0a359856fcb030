/* C as it was written before prototypes were usual, optimised: definitions in the old style, a declaration that is not quite
 * what another file defines, variables that no machine code keeps.
 *
 *     loose_host SOCKET       each line of standard input calls them all */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rtf.h>

#define COUNT(array) \
	(sizeof(array) / sizeof((array)[0]) + \
	 (sizeof(char[1 - 2 * !!__builtin_types_compatible_p(__typeof__(array), __typeof__(&(array)[0]))]) - \
	  1))

#define ARGUMENTS(type, name) \
	(type name, ...) \
	{ \
		va_list rest;
#define END_ARGUMENTS \
	va_end(rest); \
	}

extern int other_sign(int); /* it is defined with unsigned */
int distant(int);

int widened(int, int); /* as its parameters are promoted */

static size_t used;
static int answered;
static struct {
	const char *name;
	int mode;
} modes[] = {{"plain", 1}, {"all", 2}};

int measure(text, times, last)
char *text, last;
short times;
{
	return (int)strlen(text) * times + last;
}

double half(number)
float number;
{
	return number / 2;
}

static const short rows[][2]; /* gcc describes it as it was known where it is first used: without a bound */

int row(n)
int n;
{
	return rows[n][1];
}

static const short rows[][2] = {{1, 2}, {3, 4}, [4] = {5, 6}};

int row_count()
{
	return sizeof(rows) / sizeof(*rows);
}

int widened(small, letter)
short small;
char letter;
{
	return small * 10 + letter;
}

int second ARGUMENTS(int, n)
{
	va_start(rest, n);
	n = va_arg(rest, int);
	END_ARGUMENTS
	return n;
}

int widened_sum(n)
int n;
{
	return widened(n + 0x10000, 1) + widened(1, n + 0x100);
}

int sign(n)
int n;
{
	return other_sign(n - 10);
}

void tell_used(line) char *line;
{
	used = strlen(line);
	if (used > 3)
		printf("%lu of %lu\n", (unsigned long)used, (unsigned long)used + 1);
}

int answer(n)
int n;
{
	if ((answered = n * 3) == 9)
		return 1;
	return 0;
}

int mode_of(name) const char *name;
{
	for (unsigned i = 0; i < COUNT(modes); i++)
		if (!strcmp(name, modes[i].name))
			return modes[i].mode;
	return 0;
}

int main(argc, argv)
int argc;
char **argv;
{
	char line[64];

	if (argc < 2 || rtf_start(argv[1]))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		tell_used(line);
		printf("%d %g %d %d %d %d %d\n", measure(line, 2, 'x'), half(3.), sign((int)strlen(line)),
		       answer(3), mode_of(line), widened_sum(2), row(row_count() - 1) + distant(0x20000));
		fflush(stdout);
	}
	return 0;
}
