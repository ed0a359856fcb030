#include "followed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct compiled_how how = {.sources = {"follow_host.c", "follow_other.c"}};

/* --- life ---------------------------------------------------------------------------------------------------------- */

static void bring(const struct followed *f, const char *name)
{
	char *from, *text;

	assert_true(asprintf(&from, "tests/system/%s", name) > 0);
	text = child_read_file(from);
	assert_non_null(text);
	followed_write(f, name, text);
	free(text);
	free(from);
}

void followed_prepare(struct followed *f)
{
	*f = (struct followed){.events = {.fd = -1}};
	subject_init(&f->subject);
	unsetenv("RTF_SOURCE_ROOT");
	unsetenv("RTF_CFLAGS");
	bring(f, "follow.h");
	bring(f, "follow_deep.h");
	bring(f, "follow_host.c");
	bring(f, "follow_other.c");
}

/* What is saved from then on is compared with files and headers that were read. */
void followed_listen(struct followed *f)
{
	wire_listen(&f->events, f->subject.socket);
	compiled_await_read(&f->subject);
}

static void start(struct followed *f, const struct compiled_how *built)
{
	compiled_build(&f->subject, built);
	compiled_start(&f->subject);
	followed_listen(f);
}

void followed_start(struct followed *f)
{
	start(f, &how);
}

void followed_prepare_host(struct followed *f, const struct compiled_how *built)
{
	*f = (struct followed){.events = {.fd = -1}};
	subject_init(&f->subject);
	bring(f, "follow.h");
	bring(f, "follow_deep.h");
	for (const char *const *source = built->sources; *source; source++)
		bring(f, *source);
	compiled_build(&f->subject, built);
}

void followed_init_host(struct followed *f, const struct compiled_how *built)
{
	followed_prepare_host(f, built);
	compiled_start(&f->subject);
	followed_listen(f);
}

void followed_init(struct followed *f)
{
	followed_prepare(f);
	followed_start(f);
}

void followed_fini(struct followed *f)
{
	wire_close(&f->events);
	subject_fini(&f->subject);
}

/* --- files --------------------------------------------------------------------------------------------------------- */

char *followed_read(const struct followed *f, const char *name)
{
	char *path = compiled_path(&f->subject, name), *text = child_read_file(path);

	if (!text)
		fail_msg("cannot read %s", path);
	free(path);
	return text;
}

void followed_write(const struct followed *f, const char *name, const char *text)
{
	char *path = compiled_path(&f->subject, name);

	if (!child_write_file(path, text))
		fail_msg("cannot write %s", path);
	free(path);
}

char *followed_edited(const struct followed *f, const char *name, const char *old, const char *new)
{
	char *text = followed_read(f, name), *edited = child_replace(text, old, new);

	if (!edited)
		fail_msg("%s does not contain: %s", name, old);
	free(text);
	return edited;
}

void followed_edit(const struct followed *f, const char *name, const char *old, const char *new)
{
	char *text = followed_edited(f, name, old, new);

	followed_write(f, name, text);
	free(text);
}

void followed_run(const struct followed *f, const char *command)
{
	char *line, *output = NULL;

	assert_true(asprintf(&line, "cd %s && %s", f->subject.directory, command) > 0);
	const char *const argv[] = {"sh", "-c", line, NULL};
	int status = child_run(argv, NULL, COMPILED_DEADLINE_MS, &output);
	if (status)
		fail_msg("%.200s: exit status %d: %.600s", command, status, output ? output : "");
	free(output);
	free(line);
}

/* --- what becomes of a save ---------------------------------------------------------------------------------------- */

static bool is_about_a_save(const char *kind)
{
	static const char *const kinds[] = {"live", "refused", "unchanged", "held"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kind && strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_t *followed_next(struct followed *f)
{
	json_t *event;

	while ((event = wire_receive(&f->events)) && !is_about_a_save(text_of(event, "event")))
		json_decref(event);
	if (!event)
		fail_msg("the engine closed the connection; what becomes of a save is awaited");
	return event;
}

json_t *followed_await(struct followed *f, const char *kind)
{
	json_t *event = followed_next(f);

	if (strcmp(text_of(event, "event"), kind) != 0)
		fail_msg("%s, expected %s: %.800s", text_of(event, "event"), kind, text_of(event, "text"));
	return event;
}

static bool is_listed(const char *functions, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = functions; (at = strstr(at, name)); at += length)
		if ((at == functions || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static size_t count_words(const char *text)
{
	size_t count = *text != '\0';

	for (; *text; text++)
		count += *text == ' ';
	return count;
}

void followed_assert_live(struct followed *f, const char *functions)
{
	json_t *event = followed_await(f, "live"), *list = json_object_get(event, "functions"), *row;
	size_t i;

	json_array_foreach(list, i, row)
		if (!is_listed(functions, text_of(row, "function")))
			fail_msg("%s went live, expected: %s", text_of(row, "function"), functions);
	if (json_array_size(list) != count_words(functions))
		fail_msg("expected %s: %.600s", functions, text_of(event, "text"));
	assert_true(json_integer_value(json_object_get(event, "latency_us")) > 0);
	json_decref(event);
}

void followed_assert_refused(struct followed *f, const char *part)
{
	json_t *event = followed_await(f, "refused");

	if (!strstr(text_of(event, "text"), part))
		fail_msg("refused without: %s\nbut: %.700s", part, text_of(event, "text"));
	assert_int_equal(json_array_size(json_object_get(event, "functions")), 0);
	json_decref(event);
}

void followed_assert_unchanged(struct followed *f, const char *note)
{
	json_t *event = followed_await(f, "unchanged");
	const char *notes = text_of(event, "notes");

	if (note ? !strstr(notes, note) : *notes)
		fail_msg("the save was to say: %s\nbut: %.700s", note ? note : "nothing", notes);
	json_decref(event);
}

void followed_assert_call(struct followed *f, const char *function, int n, int result)
{
	char line[128], answer[32];

	snprintf(line, sizeof(line), "%s %d", function, n);
	snprintf(answer, sizeof(answer), "%d", result);
	compiled_assert_answer(&f->subject, line, answer);
}

void followed_assert_state(struct followed *f, const char *function, const char *state)
{
	json_t *row = compiled_row(&f->subject, function);

	if (strcmp(text_of(row, "state"), state) != 0)
		fail_msg("%s is %s, expected %s", function, text_of(row, "state"), state);
	json_decref(row);
}
