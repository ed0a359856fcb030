#include "pragmas.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static const char *const stdc_names[PRAGMAS_STDC] = {"FP_CONTRACT", "FENV_ACCESS", "CX_LIMITED_RANGE"};

static void *grown(struct pragmas *p, void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	size_t more = *room ? *room * 2 : 16;
	void *bigger = realloc(array, more * size);
	if (!bigger) {
		p->failed = true;
		return NULL;
	}
	*room = more;
	return bigger;
}

/* The number of the state with these lines. A file has few, and a header with many comes back to the same. */
static uint16_t number_of(struct pragmas *p, const struct text *lines)
{
	if (!lines->size)
		return 0;
	for (size_t i = p->state_count; i-- > 1;)
		if (strcmp(p->states[i], lines->bytes) == 0)
			return (uint16_t)i;
	size_t number = p->state_count ? p->state_count : 1;
	char **states =
		number < UINT16_MAX ? grown(p, p->states, number, &p->state_room, sizeof(*p->states)) : NULL;
	char *copy = states ? strdup(lines->bytes) : NULL;
	if (states)
		p->states = states;
	if (!copy) {
		p->failed = true;
		return 0;
	}
	p->states[number] = copy;
	p->state_count = number + 1;
	return (uint16_t)number;
}

static void set(struct text *t, const char *line, size_t size)
{
	t->size = 0;
	text_printf(t, "#pragma %.*s\n", (int)size, line);
}

static void clear(struct text *t)
{
	t->size = 0;
	if (t->bytes)
		*t->bytes = '\0';
}

/* --- each kind -------------------------------------------------------------------------------------------------- */

static void read_types(struct pragmas *p, const struct token_reader *r, const struct token *value)
{
	if (token_is(r, value, "default") || token_is(r, value, "reset") || token_is(r, value, "off"))
		clear(&p->order);
	else
		set(&p->order, r->text, r->size);
	p->types = number_of(p, &p->order);
}

static void update_code(struct pragmas *p)
{
	struct text all = {0};

	for (size_t i = 0; i < PRAGMAS_STDC; i++)
		text_append(&all, p->stdc[i].bytes ? p->stdc[i].bytes : "", p->stdc[i].size);
	text_append(&all, p->options.bytes ? p->options.bytes : "", p->options.size);
	p->code = number_of(p, &all);
	p->failed |= all.failed;
	text_fini(&all);
}

static void read_gcc(struct pragmas *p, const struct token_reader *r, const struct token *word)
{
	if (token_is(r, word, "push_options")) {
		char *copy = strndup(p->options.bytes ? p->options.bytes : "", p->options.size);
		p->failed |= !copy;
		if (p->depth < PRAGMAS_DEEP)
			p->pushed[p->depth] = copy;
		else
			free(copy);
		p->depth++;
	} else if (token_is(r, word, "pop_options")) {
		if (!p->depth || --p->depth >= PRAGMAS_DEEP)
			return;
		clear(&p->options);
		text_puts(&p->options, p->pushed[p->depth] ? p->pushed[p->depth] : "");
		free(p->pushed[p->depth]);
		p->pushed[p->depth] = NULL;
	} else if (token_is(r, word, "reset_options")) {
		clear(&p->options);
	} else if (token_is(r, word, "target") || token_is(r, word, "optimize")) {
		text_printf(&p->options, "#pragma %.*s\n", (int)r->size, r->text);
	} else {
		return;
	}
	update_code(p);
}

static void read_stdc(struct pragmas *p, const struct token_reader *r, const struct token *word,
		      const struct token *value)
{
	for (size_t i = 0; i < PRAGMAS_STDC; i++) {
		if (!token_is(r, word, stdc_names[i]))
			continue;
		if (token_is(r, value, "DEFAULT"))
			clear(&p->stdc[i]);
		else
			set(&p->stdc[i], r->text, r->size);
		update_code(p);
	}
}

/* `weak f`; of `weak f = g`, which makes another name of g, the first half: the program has made it. */
static void read_name(struct pragmas *p, const struct token_reader *r, const struct token *name, bool weak)
{
	if (name->kind != TOKEN_NAME)
		return;
	struct pragma_name *names = grown(p, p->names, p->name_count, &p->name_room, sizeof(*p->names));
	if (!names)
		return;
	p->names = names;
	char *line = strndup(r->text, weak ? name->end : r->size);
	if (line)
		names[p->name_count++] = (struct pragma_name){line, name->begin, name->end - name->begin};
	p->failed |= !line;
}

void pragmas_read(struct pragmas *p, const char *line, size_t size)
{
	struct token_reader r;
	struct token kind, word, value;

	while (size && (line[size - 1] == '\r' || line[size - 1] == ' '))
		size--;
	token_reader_within(&r, line, 0, (uint32_t)size, false);
	token_next(&r, &kind);
	token_next(&r, &word);
	token_next(&r, &value);
	if (token_is(&r, &kind, "scalar_storage_order") || token_is(&r, &kind, "ms_struct"))
		read_types(p, &r, &word);
	else if (token_is(&r, &kind, "GCC"))
		read_gcc(p, &r, &word);
	else if (token_is(&r, &kind, "STDC"))
		read_stdc(p, &r, &word, &value);
	else if (token_is(&r, &kind, "weak") || token_is(&r, &kind, "redefine_extname"))
		read_name(p, &r, &word, token_is(&r, &kind, "weak"));
	p->failed |= p->order.failed || p->options.failed;
}

void pragmas_fini(struct pragmas *p)
{
	text_fini(&p->order);
	text_fini(&p->options);
	for (size_t i = 0; i < PRAGMAS_STDC; i++)
		text_fini(&p->stdc[i]);
	for (size_t i = 0; i < PRAGMAS_DEEP; i++)
		free(p->pushed[i]);
	for (size_t i = 1; i < p->state_count; i++)
		free(p->states[i]);
	free(p->states);
	for (size_t i = 0; i < p->name_count; i++)
		free(p->names[i].line);
	free(p->names);
	*p = (struct pragmas){0};
}

/* --- in a slice ------------------------------------------------------------------------------------------------- */

void pragmas_open(const struct pragmas *p, uint16_t state, struct text *out)
{
	if (!state)
		return;
	if (strstr(p->states[state], "#pragma GCC"))
		text_puts(out, "#pragma GCC push_options\n");
	text_puts(out, p->states[state]);
}

void pragmas_close(const struct pragmas *p, uint16_t state, struct text *out)
{
	const char *lines = state ? p->states[state] : "";

	if (strstr(lines, "#pragma GCC"))
		text_puts(out, "#pragma GCC pop_options\n");
	if (strstr(lines, "#pragma scalar_storage_order"))
		text_puts(out, "#pragma scalar_storage_order default\n");
	if (strstr(lines, "#pragma ms_struct"))
		text_puts(out, "#pragma ms_struct off\n");
	for (size_t i = 0; i < PRAGMAS_STDC; i++)
		if (strstr(lines, stdc_names[i]))
			text_printf(out, "#pragma STDC %s DEFAULT\n", stdc_names[i]);
}
