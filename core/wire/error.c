#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error {
	enum error_class class;
	char message[];
};

/* A flexible member cannot be initialised portably, so the static object has its own, layout-compatible, shape. */
static struct {
	enum error_class class;
	char message[16];
} no_memory = {ERROR_INTERNAL, "out of memory"};

struct error *error_memory(void)
{
	return (struct error *)&no_memory;
}

static struct error *error_from(enum error_class class, const char *before, const char *format, va_list args,
				const char *after)
{
	va_list again;

	va_copy(again, args);
	int body = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (body < 0)
		return error_memory();

	size_t size = strlen(before) + (size_t)body + strlen(after) + 1;
	struct error *e = malloc(sizeof(*e) + size);
	if (!e)
		return error_memory();
	e->class = class;
	char *p = stpcpy(e->message, before);
	vsnprintf(p, (size_t)body + 1, format, args);
	strcpy(p + body, after);
	return e;
}

struct error *error_new(enum error_class class, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct error *e = error_from(class, "", format, args, "");
	va_end(args);
	return e;
}

struct error *error_errno(int errnum, const char *format, ...)
{
	char after[160];
	va_list args;

	snprintf(after, sizeof(after), ": %s", strerror(errnum));
	va_start(args, format);
	struct error *e = error_from(ERROR_INTERNAL, "", format, args, after);
	va_end(args);
	return e;
}

struct error *error_context(struct error *e, const char *format, ...)
{
	if (!e)
		return NULL;

	size_t size = strlen(e->message) + 3;
	char *after = malloc(size);
	if (!after)
		return e;
	snprintf(after, size, ": %s", e->message);

	va_list args;
	va_start(args, format);
	struct error *outer = error_from(e->class, "", format, args, after);
	va_end(args);
	free(after);
	error_free(e);
	return outer;
}

enum error_class error_class(const struct error *e)
{
	return e->class;
}

static const char *const class_names[] = {
#define X(name, text) [ERROR_##name] = text,
	ERROR_CLASSES(X)
#undef X
};

const char *error_class_name(enum error_class class)
{
	return class_names[class];
}

enum error_class error_class_named(const char *name)
{
	for (size_t i = 0; i < sizeof(class_names) / sizeof(*class_names); i++)
		if (strcmp(class_names[i], name) == 0)
			return (enum error_class)i;
	return ERROR_INTERNAL;
}

const char *error_message(const struct error *e)
{
	return e->message;
}

void error_free(struct error *e)
{
	if (e != error_memory())
		free(e);
}
