#include "form.h"

#include <stdlib.h>
#include <string.h>

static const char *skip(const char *form);

/* To behind the closing bracket of a function's parameters. */
static const char *skip_parameters(const char *at)
{
	while (*at && *at != ')')
		at = skip(at);
	return at + (*at != '\0');
}

/* Past the members of a struct without a tag, if there are any. */
static const char *skip_members(const char *at)
{
	if (*at != '{')
		return at;
	for (at++; *at && *at != '}';)
		at = skip(strchr(at, ':') + 1);
	return at + (*at != '\0');
}

static const char *skip(const char *form)
{
	const char *at = form + (*form != '\0');

	switch (*form) {
	case 'p':
		return skip(at);
	case 'A':
		return skip(strchr(at, ',') + 1);
	case 'F':
		return skip_parameters(skip(at) + 1);
	case 'R':
		return skip_members(strchr(at, ';') + 1);
	default:
		return at + strspn(at, "0123456789");
	}
}

/* Both are moved on behind a number; true if they are the same or one is unknown. */
static bool take_numbers(const char **a, const char **b)
{
	char *end_a, *end_b;
	unsigned long long x = strtoull(*a, &end_a, 10), y = strtoull(*b, &end_b, 10);

	*a = end_a;
	*b = end_b;
	return x == y || !x || !y;
}

static bool is_scalar(char kind)
{
	return kind && strchr("bsuefc", kind);
}

static bool is_whole(char kind)
{
	return kind == 's' || kind == 'u' || kind == 'e';
}

static bool is_anything(const char *form, bool behind_pointer)
{
	if (*form == '?')
		return true;
	return behind_pointer && (*form == 'v' || ((*form == 's' || *form == 'u') && form[1] == '1' &&
						   (form[2] < '0' || form[2] > '9')));
}

static bool agree(const char **a, const char **b, bool behind_pointer);

static bool records_agree(const char **a, const char **b, bool behind_pointer)
{
	if (*(*a)++ != *(*b)++)
		return false;
	bool same_size = take_numbers(a, b);
	size_t x = strcspn(*a, ";") + 1, y = strcspn(*b, ";") + 1;
	bool named = x > 2 && y > 2, same_name = x == y && memcmp(*a, *b, x) == 0;
	*a += x;
	*b += y;
	if ((!same_size && !behind_pointer) || (named && !same_name))
		return false;
	if (**a != '{' || **b != '{') {
		*a = skip_members(*a);
		*b = skip_members(*b);
		return true;
	}
	for (++*a, ++*b; **a != '}' && **b != '}';) {
		x = strcspn(*a, ":") + 1;
		if (strncmp(*a, *b, x) != 0)
			return false;
		*a += x;
		*b += x;
		if (!agree(a, b, false))
			return false;
	}
	return *(*a)++ == *(*b)++;
}

static bool functions_agree(const char **a, const char **b)
{
	if (!agree(a, b, false))
		return false;
	++*a;
	++*b;
	if (strncmp(*a, "?)", 2) == 0 || strncmp(*b, "?)", 2) == 0) {
		*a = skip_parameters(*a);
		*b = skip_parameters(*b);
		return true;
	}
	while (**a != ')' && **b != ')') {
		if (**a == '.' || **b == '.') {
			if (*(*a)++ != *(*b)++)
				return false;
			continue;
		}
		if (!agree(a, b, false))
			return false;
	}
	return *(*a)++ == *(*b)++;
}

static bool agree(const char **a, const char **b, bool behind_pointer)
{
	char x = **a, y = **b;

	if (is_anything(*a, behind_pointer) || is_anything(*b, behind_pointer)) {
		*a = skip(*a);
		*b = skip(*b);
		return true;
	}
	++*a;
	++*b;
	if (is_scalar(x) && is_scalar(y)) {
		bool alike =
			x == y || (is_whole(x) && is_whole(y) && (behind_pointer || x == 'e' || y == 'e'));
		return take_numbers(a, b) && alike;
	}
	if (x != y)
		return false;
	switch (x) {
	case 'p':
		return agree(a, b, true);
	case 'A': {
		bool same = take_numbers(a, b);
		++*a;
		++*b;
		return agree(a, b, behind_pointer) && same;
	}
	case 'R':
		return records_agree(a, b, behind_pointer);
	case 'F':
		return functions_agree(a, b);
	default:
		return true;
	}
}

bool form_agrees(const char *a, const char *b)
{
	return agree(&a, &b, false);
}

static bool is_promoted(const char *own, const char *passed)
{
	const char *end = skip(passed);

	return (is_whole(*own) || *own == 'b') && strtoul(own + 1, NULL, 10) < sizeof(int) &&
	       end - passed == 2 && strncmp(passed, "s4", 2) == 0;
}

bool form_takes_promoted(const char *definition, const char *declared)
{
	if (*definition++ != 'F' || *declared++ != 'F' || !agree(&definition, &declared, false))
		return false;
	definition++;
	declared++;
	while (*definition != ')' && *declared != ')') {
		if (is_promoted(definition, declared)) {
			definition = skip(definition);
			declared = skip(declared);
		} else if (!agree(&definition, &declared, false)) {
			return false;
		}
	}
	return *definition == *declared;
}
