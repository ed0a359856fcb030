#include "namesakes.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static bool is_source_of(const struct live_function *f, const char *file)
{
	return f->at.unit && text_path_is(f->at.unit->file, file);
}

static bool stands_in(const struct live_function *f, const char *file)
{
	return text_path_is(f->at.file, file) || is_source_of(f, file) ||
	       (f->at.module && strcmp(f->at.module, file) == 0);
}

bool namesakes_stand_in(struct live_function *const *named, size_t count, size_t which, const char *file)
{
	if (!stands_in(named[which], file))
		return false;
	for (size_t i = 0; i < count && !is_source_of(named[which], file); i++)
		if (is_source_of(named[i], file))
			return false;
	return true;
}

static bool stands_alone(struct live_function *const *named, size_t count, size_t which, const char *file)
{
	for (size_t i = 0; i < count; i++)
		if (namesakes_stand_in(named, count, i, file) != (i == which))
			return false;
	return true;
}

/* The end of a path with one folder more than `end`, which is such an end; the whole path if there is none. */
static const char *longer_end(const char *path, const char *end)
{
	if (end <= path + 1)
		return path;
	for (end -= 2; end > path && *end != '/'; end--)
		;
	return end > path ? end + 1 : path;
}

const char *namesakes_place(struct live_function *const *named, size_t count, size_t which)
{
	const struct target_function *f = &named[which]->at;
	unsigned same = 0;

	for (size_t i = 0; i < count; i++)
		same += f->file && named[i]->at.file && strcmp(f->file, named[i]->at.file) == 0;
	const char *path = same > 1 && f->unit ? f->unit->file : f->file;
	const char *end = text_base_name(path);
	while (path && end > path && !stands_alone(named, count, which, end))
		end = longer_end(path, end);
	if (path && end == path && f->module && stands_alone(named, count, which, f->module))
		return f->module;
	return end;
}

char *namesakes_spell(struct live_function *const *named, size_t count, size_t which)
{
	const struct target_function *at = &named[which]->at;
	char *spelling = NULL;

	if (count < 2 || !at->file)
		return strdup(at->name);
	return asprintf(&spelling, "%s:%s", namesakes_place(named, count, which), at->name) < 0 ? NULL
												: spelling;
}
