#include "pushed.h"
#include "marked.h"

#include <stdlib.h>
#include <string.h>

enum { PUSHED_DEEP = 256 };

struct pushed {
	const char *name;
	size_t length;
	struct index_macro macro; /* undefined: there was none */
	bool popped;
};

struct stack {
	struct index *ix;
	struct pushed pushed[PUSHED_DEEP];
	size_t count;
};

static void push(struct stack *s, const char *name, size_t length, uint32_t at)
{
	const struct index_macro *m = index_find_macro(s->ix, name, length, at);

	if (s->count < PUSHED_DEEP)
		s->pushed[s->count++] = (struct pushed){
			name, length, m ? *m : (struct index_macro){.undefined = true}, false};
}

/* Into the chain of its name, behind what is in force until there. */
static bool insert(struct index *ix, const char *name, size_t length, struct index_macro macro, uint32_t at)
{
	uint32_t i = index_first_macro(ix, name, length);

	if (i == INDEX_NONE || ix->macros[i].at > at)
		return true; /* nobody has changed it in between */
	struct index_macro *more = reallocarray(ix->macros, ix->macro_count + 1, sizeof(*more));
	if (!more)
		return false;
	ix->macros = more;
	while (more[i].next != INDEX_NONE && more[more[i].next].at <= at)
		i = more[i].next;
	if (!macro.name_end) {
		macro = more[i];
		macro.undefined = true;
	}
	macro.at = at;
	macro.next = more[i].next;
	more[i].next = ix->macro_count;
	more[ix->macro_count++] = macro;
	return true;
}

static bool pop(struct stack *s, const char *name, size_t length, uint32_t at)
{
	for (size_t i = s->count; i-- > 0;) {
		struct pushed *p = &s->pushed[i];
		if (p->popped || p->length != length || memcmp(p->name, name, length) != 0)
			continue;
		p->popped = true;
		return insert(s->ix, name, length, p->macro, at);
	}
	return true;
}

/* Behind the word of one, in its line: `push_macro "X"`. */
static bool obey(struct stack *s, const char *words, uint32_t at)
{
	bool pushes = strncmp(words, "push_macro", 10) == 0;
	size_t line = strcspn(words, "\n");
	const char *name = memchr(words, '"', line);
	const char *close = name ? memchr(name + 1, '"', line - (size_t)(name + 1 - words)) : NULL;

	if (!close)
		return true;
	size_t length = (size_t)(close - ++name);
	if (!pushes)
		return pop(s, name, length, at);
	push(s, name, length, at);
	return true;
}

bool pushed_restore(struct index *ix)
{
	static const char word[] = MARKED_PRAGMA;
	char *at = ix->text, *end = ix->text + ix->size;
	bool done = true;

	if (!memmem(at, ix->size, word, sizeof(word) - 1))
		return true;
	struct stack *s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	s->ix = ix;
	while (done && (at = memmem(at, (size_t)(end - at), word, sizeof(word) - 1))) {
		size_t line = strcspn(at, "\n");
		done = obey(s, at + sizeof(word) - 1, (uint32_t)(at - ix->text));
		at += line;
	}
	free(s);
	for (at = ix->text; (at = memmem(at, (size_t)(end - at), word, sizeof(word) - 1));)
		memset(at, ' ', strcspn(at, "\n"));
	return done;
}
