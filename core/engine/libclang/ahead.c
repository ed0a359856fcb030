#include "ahead.h"
#include "text.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AHEAD_STACK = 8 << 20 /* as libclang gives its own threads */, PATH_ROOM = 32 };

/* What is expected, and read from ahead_begin on. */
struct beginning {
	char *file;
	char **arguments; /* copies, NULL-terminated */
	int count;
	uint64_t hash;    /* of them */
	struct text text; /* with the inclusion, once it is read */
	size_t size;
	int rest[2];          /* the pipe */
	char path[PATH_ROOM]; /* of the end that libclang opens */
};

/* Parsed again and again, with the arguments that it was parsed with first. */
struct kept {
	CXTranslationUnit unit;
	uint64_t arguments; /* hash */
};

struct ahead {
	CXIndex index;
	struct kept kept[2];
	int next; /* the one to be read; the other was handed out last */
	struct beginning beginning;
	bool expected; /* there is one, */
	bool reading;  /* and it is the thread's, but for the pipe's end that is written to */
	pthread_t thread;
	sem_t begun, ended;
	bool leaving;
};

/* --- the thread ------------------------------------------------------------------------------------------------ */

static void read_unit(struct ahead *a)
{
	const struct beginning *b = &a->beginning;
	struct CXUnsavedFile file = {b->file, b->text.bytes, b->text.size};
	struct kept *k = &a->kept[a->next];

	if (k->unit && (k->arguments != b->hash || clang_reparseTranslationUnit(k->unit, 1, &file, 0) != 0)) {
		clang_disposeTranslationUnit(k->unit);
		k->unit = NULL;
	}
	k->arguments = b->hash;
	if (!k->unit && clang_parseTranslationUnit2(a->index, b->file, (const char *const *)b->arguments,
						    b->count, &file, 1, 0, &k->unit) != CXError_Success)
		k->unit = NULL;
	close(b->rest[0]);
}

static void *read_units(void *argument)
{
	struct ahead *a = argument;

	for (;;) {
		while (sem_wait(&a->begun))
			;
		if (a->leaving)
			return NULL;
		read_unit(a);
		sem_post(&a->ended);
	}
}

/* The thread has nothing to do then. */
static void wait_for_end(struct ahead *a)
{
	close(a->beginning.rest[1]);
	while (sem_wait(&a->ended))
		;
	a->reading = false;
	a->expected = false;
}

/* --- made and freed -------------------------------------------------------------------------------------------- */

static bool start_thread(struct ahead *a)
{
	pthread_attr_t attributes;

	if (pthread_attr_init(&attributes))
		return false;
	pthread_attr_setstacksize(&attributes, AHEAD_STACK);
	int failed = pthread_create(&a->thread, &attributes, read_units, a);
	pthread_attr_destroy(&attributes);
	return !failed;
}

struct ahead *ahead_new(void)
{
	struct ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	sem_init(&a->begun, 0, 0);
	sem_init(&a->ended, 0, 0);
	a->index = clang_createIndex(0, 0);
	if (a->index && start_thread(a))
		return a;
	if (a->index)
		clang_disposeIndex(a->index);
	free(a);
	return NULL;
}

static void beginning_fini(struct beginning *b)
{
	for (int i = 0; i < b->count; i++)
		free(b->arguments[i]);
	free(b->arguments);
	free(b->file);
	text_fini(&b->text);
	*b = (struct beginning){0};
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	if (a->reading)
		wait_for_end(a);
	a->leaving = true;
	sem_post(&a->begun);
	pthread_join(a->thread, NULL);
	for (int i = 0; i < 2; i++)
		if (a->kept[i].unit)
			clang_disposeTranslationUnit(a->kept[i].unit);
	clang_disposeIndex(a->index);
	beginning_fini(&a->beginning);
	sem_destroy(&a->begun);
	sem_destroy(&a->ended);
	free(a);
}

/* --- one text -------------------------------------------------------------------------------------------------- */

static bool begins(const struct beginning *b, const char *const *arguments, int count, const char *text,
		   size_t size)
{
	if (b->count != count || size < b->size)
		return false;
	for (int i = 0; i < count; i++)
		if (strcmp(b->arguments[i], arguments[i]) != 0)
			return false;
	return memcmp(b->text.bytes, text, b->size) == 0;
}

static bool copy_arguments(struct beginning *b, const char *const *arguments, int count)
{
	b->hash = TEXT_HASH_SEED;
	b->arguments = calloc((size_t)count + 1, sizeof(*b->arguments));
	for (int i = 0; b->arguments && i < count; i++, b->count++) {
		b->arguments[i] = strdup(arguments[i]);
		if (!b->arguments[i])
			return false;
		b->hash = text_hash(b->hash, arguments[i], strlen(arguments[i]) + 1);
	}
	return b->arguments;
}

/* What libclang takes otherwise in a file that another one includes: it looks at `#pragma pack` where files end. */
static bool asks_for_file(const char *text, size_t size)
{
	static const char pragma[] = "ragma" /* _Pragma, too */, level[] = "__INCLUDE_LEVEL__";

	return memmem(text, size, pragma, strlen(pragma)) || memmem(text, size, level, strlen(level));
}

/* Whether a file may end behind those lines: no condition is open that the next one closes. */
static bool can_end(const char *text, size_t size)
{
	const char *end = text + size;

	if (size && end[-1] != '\n')
		return false;
	for (const char *line = text; line < end;
	     line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
		const char *at = line + strspn(line, " \t");
		const char *word = *at == '#' ? at + 1 + strspn(at + 1, " \t") : NULL;
		if (word && strncmp(word, "define", 6) != 0 && strncmp(word, "undef", 5) != 0 &&
		    (*word < '0' || *word > '9'))
			return false;
	}
	return true;
}

void ahead_expect(struct ahead *a, const char *file, const char *const *arguments, int count,
		  const char *text, size_t size)
{
	if (!a)
		return;
	struct beginning *b = &a->beginning;
	if (a->expected && b->size == size && begins(b, arguments, count, text, size))
		return;
	if (a->reading)
		wait_for_end(a);
	beginning_fini(b);
	a->expected = false;
	if (asks_for_file(text, size) || !can_end(text, size))
		return;
	b->file = strdup(file);
	b->size = size;
	text_append(&b->text, text, size);
	a->expected = b->file && copy_arguments(b, arguments, count) && b->text.bytes && !b->text.failed;
}

void ahead_begin(struct ahead *a)
{
	if (!a || !a->expected || a->reading)
		return;
	struct beginning *b = &a->beginning;
	if (pipe2(b->rest, O_CLOEXEC)) {
		a->expected = false;
		return;
	}
	snprintf(b->path, sizeof(b->path), "/proc/self/fd/%d", b->rest[0]);
	text_printf(&b->text, "#include \"%s\"\n", b->path);
	if (b->text.failed) {
		close(b->rest[0]);
		close(b->rest[1]);
		a->expected = false;
		return;
	}
	a->reading = true;
	sem_post(&a->begun);
}

/* The text with blanks in the place of its beginning. The caller's. */
static char *blank_beginning(const char *text, size_t size, size_t beginning)
{
	char *rest = malloc(size + 1);

	if (!rest)
		return NULL;
	memset(rest, ' ', beginning);
	for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + beginning - at))); at++)
		rest[at - text] = '\n';
	memcpy(rest + beginning, text + beginning, size - beginning);
	return rest;
}

CXTranslationUnit ahead_finish(struct ahead *a, const char *const *arguments, int count, const char *text,
			       size_t size)
{
	if (!a || !a->reading || !begins(&a->beginning, arguments, count, text, size) ||
	    asks_for_file(text + a->beginning.size, size - a->beginning.size))
		return NULL;
	char *rest = blank_beginning(text, size, a->beginning.size);
	bool sent = rest && text_write_all(a->beginning.rest[1], rest, size);
	free(rest);
	wait_for_end(a);
	CXTranslationUnit unit = a->kept[a->next].unit;
	if (!sent || !unit || !clang_getFile(unit, a->beginning.path))
		return NULL;
	a->next = !a->next;
	return unit;
}
