#include "words.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

void words_add_bytes(struct words *w, const char *word, size_t length)
{
	char **more = realloc(w->items, (w->count + 2) * sizeof(*more));

	if (!more) {
		w->failed = true;
		return;
	}
	w->items = more;
	w->items[w->count] = strndup(word, length);
	if (!w->items[w->count])
		w->failed = true;
	else
		w->count++;
	w->items[w->count] = NULL;
}

void words_add(struct words *w, const char *word)
{
	words_add_bytes(w, word, strlen(word));
}

bool words_have(const struct words *w, const char *word)
{
	return words_list_has((const char *const *)w->items, word);
}

bool words_list_has(const char *const *list, const char *word)
{
	while (list && *list && strcmp(*list, word) != 0)
		list++;
	return list && *list;
}

void words_free(char **items)
{
	for (char **w = items; w && *w; w++)
		free(*w);
	free(items);
}

void words_fini(struct words *w)
{
	words_free(w->items);
	*w = (struct words){0};
}

void words_split(struct words *w, const char *p)
{
	struct text word = {0};

	for (;;) {
		p += strspn(p, " \t\n\r");
		if (!*p)
			break;
		char quote = 0;
		word.size = 0;
		text_append(&word, "", 0);
		for (; *p && (quote || !strchr(" \t\n\r", *p)); p++) {
			if (!quote && (*p == '"' || *p == '\'')) {
				quote = *p;
			} else if (*p == quote) {
				quote = 0;
			} else {
				if (*p == '\\' && quote != '\'' && p[1] && (!quote || strchr("\"\\$`", p[1])))
					p++;
				text_append(&word, p, 1);
			}
		}
		if (word.failed)
			w->failed = true;
		else
			words_add(w, word.bytes);
	}
	text_fini(&word);
}

void words_quote(struct text *out, const char *word)
{
	text_puts(out, "'");
	for (; *word; word++)
		text_append(out, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
	text_puts(out, "'");
}

/* In quotes if it would be another word, or none, without. */
static void put_word(struct text *out, const char *word)
{
	if (*word && !strpbrk(word, " \t\n\r\"'\\"))
		text_puts(out, word);
	else
		words_quote(out, word);
}

char *words_join(char *const *items)
{
	struct text t = {0};

	text_puts(&t, "");
	for (char *const *word = items; *word; word++) {
		text_puts(&t, word == items ? "" : " ");
		put_word(&t, *word);
	}
	return text_take(&t);
}

bool words_is_folder(const char *word, size_t *joined)
{
	static const char *const options[] = {"-isystem", "-iquote", "-idirafter", "-I"};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		size_t length = strlen(options[i]);
		if (strncmp(word, options[i], length) != 0)
			continue;
		*joined = word[length] ? length : 0;
		return true;
	}
	return false;
}
