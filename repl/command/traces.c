#include "traces.h"
#include "lookup.h"
#include "records.h"
#include "refused.h"
#include "ring.h"
#include "token.h"
#include "unwatched.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- \trace, \probe: what is typed --------------------------------------------------------------------------------- */

/* `-n COUNT` at the end of a line, cut off. False: what stands there is no number. */
static bool take_count(char *line, int *count)
{
	char *option = NULL;

	for (char *at = strstr(line, "-n "); at; at = strstr(at + 1, "-n "))
		if ((at == line || at[-1] == ' ' || at[-1] == '\t') &&
		    isdigit((unsigned char)at[3 + strspn(at + 3, " ")]))
			option = at;
	if (!option)
		return strstr(line, " -n") == NULL && strncmp(line, "-n", 2) != 0;
	char *end;
	long n = strtol(option + 3, &end, 10);
	if (n < 1 || n > 1000000 || end[strspn(end, " \t")])
		return false;
	*count = (int)n;
	while (option > line && strchr(" \t", option[-1]))
		option--;
	*option = '\0';
	return true;
}

static bool is_operand_end(const struct token_reader *r, const struct token *t)
{
	if (t->kind == TOKEN_NAME)
		return !token_is(r, t, "sizeof") && !token_is(r, t, "struct") && !token_is(r, t, "union") &&
		       !token_is(r, t, "enum") && !token_is(r, t, "_Alignof");
	if (t->kind == TOKEN_PUNCTUATOR)
		return t->first == ')' || t->first == ']' || t->first == '}';
	return t->kind != TOKEN_END;
}

static bool add_expression(struct tap *w, const char *text, size_t size)
{
	while (size && isspace((unsigned char)*text)) {
		text++;
		size--;
	}
	while (size && isspace((unsigned char)text[size - 1]))
		size--;
	char **more = realloc(w->expressions, (w->expression_count + 1) * sizeof(*more));
	char *copy = size ? strndup(text, size) : NULL;
	if (more)
		w->expressions = more;
	if (!more || !copy) {
		free(copy);
		return size == 0;
	}
	w->expressions[w->expression_count++] = copy;
	return true;
}

/* Expressions are separated by commas, or by space alone where one can end and the next begin: `a b->c d * 2`. */
static struct error *take_expressions(struct tap *w, const char *line)
{
	struct token_reader r;
	struct token t, before = {0};
	uint32_t from = 0;
	bool added = true;

	token_reader_init(&r, line, (uint32_t)strlen(line));
	for (token_next(&r, &t); t.kind != TOKEN_END && added; before = t, token_next(&r, &t)) {
		bool comma = t.kind == TOKEN_PUNCTUATOR && t.first == ',';
		bool operand = t.kind == TOKEN_NAME || t.kind == TOKEN_NUMBER ||
			       ((t.kind == TOKEN_STRING || t.kind == TOKEN_CHARACTER) &&
				before.kind != TOKEN_STRING);
		if (comma || (before.kind != TOKEN_END && operand && is_operand_end(&r, &before))) {
			added = add_expression(w, line + from, t.begin - from);
			from = comma ? t.end : t.begin;
		}
		if (token_opens(&t))
			token_skip_group(&r, &t);
	}
	if (added)
		added = add_expression(w, line + from, strlen(line) - from);
	return added ? NULL : error_memory();
}

static unsigned free_quota(const struct watched *d)
{
	bool taken[RING_QUOTAS] = {false};
	unsigned quota = 0;

	for (const struct tap *w = d->taps; w; w = w->next)
		taken[w->quota] |= !w->over;
	while (quota < RING_QUOTAS && taken[quota])
		quota++;
	return quota;
}

/* The number of the watch, which its instrumented version names: the same for each trial of one command. */
static void number_tap(struct call *c, struct watchers *all, struct tap *w)
{
	if (!c->state->tap)
		c->state->tap = ++all->serial;
	w->serial = c->state->tap;
}

/* Makes the watch part of the function's instrumented version. Takes the watch. */
static struct error *begin_tap(struct call *c, struct live_function *f, struct tap *w)
{
	struct watchers *all;
	struct watched *d;
	struct error *e = watched_all(c, &all);

	if (!e)
		e = watched_begin(c, all, f, &d);
	if (e) {
		tap_free(w);
		return e;
	}
	w->console = c->state;
	number_tap(c, all, w);
	w->missed_before = -1;
	w->quota = free_quota(d);
	w->next = d->taps;
	if (w->quota == RING_QUOTAS) {
		tap_free(w);
		return error_new(ERROR_USAGE, "%s is traced and probed %d times: that is all", f->name,
				 RING_QUOTAS);
	}
	d->taps = w;
	int before = d->version;
	e = watched_instrument(all, d, c->state->user, false);
	if (!turns_lack(all->host->turns))
		c->state->tap = 0;
	if (!e) {
		records_poll(all, d); /* the very next call is to be recorded */
		return NULL;
	}
	if (w->condition)
		e = refused_tell(c, &all->refused, &w->condition, 1, e);
	else
		e = refused_tell(c, &all->refused, w->expressions, w->expression_count, e);
	d->taps = w->next;
	tap_free(w);
	watched_take_back(all, d, before, c->state->user);
	return e;
}

/* With what the call says behind its first word, without its -n COUNT, which *good is false of if it is wrong. The caller's. */
static struct error *new_tap(const struct call *c, struct tap **out, char **rest, bool *good)
{
	struct tap *w = calloc(1, sizeof(*w));

	*rest = strdup(c->line + strcspn(c->line, " \t"));
	if (!w || !*rest) {
		free(*rest);
		free(w);
		return error_memory();
	}
	w->wanted = TRACES_COUNT;
	*good = take_count(*rest, &w->wanted);
	*out = w;
	return NULL;
}

/* --- \trace, \untrace --------------------------------------------------------------------------------------------- */

struct error *traces_trace(struct call *c)
{
	struct live_function *f;

	struct error *e = lookup_find(c->live, c->words[0], c->state->file, &f);
	if (e)
		return e;
	struct tap *w;
	char *rest;
	bool good;
	e = new_tap(c, &w, &rest, &good);
	if (e)
		return e;
	const char *condition = rest + strspn(rest, " \t");
	bool conditional = strncmp(condition, "if", 2) == 0 && (condition[2] == ' ' || condition[2] == '(');
	good &= conditional || *condition == '\0';
	if (conditional)
		w->condition = strdup(condition + 2 + strspn(condition + 2, " \t"));
	free(rest);
	if (!good || (conditional && !w->condition)) {
		tap_free(w);
		return good ? error_memory()
			    : error_new(ERROR_USAGE, "usage: \\trace NAME [if COND] [-n COUNT]");
	}
	const int count = w->wanted;
	e = begin_tap(c, f, w);
	if (e)
		return e;
	c->reply->data =
		json_pack("{s:s, s:i, s:i}", "function", f->at.name, "version", f->live, "count", count);
	text_printf(&c->reply->text, "%s is traced: ", f->name);
	if (count == 1)
		text_puts(&c->reply->text, "the next call, ");
	else
		text_printf(&c->reply->text, "the next %d calls, ", count);
	text_printf(&c->reply->text, "until \\untrace %s\n", f->name);
	unwatched_note(c, f, c->reply->data, "traced");
	return NULL;
}

/* Ends this console's traces, or probes, of a function (NULL: of all), and of a line (0: of all). */
static struct error *end_mine(struct call *c, const struct live_function *f, bool probes, unsigned line,
			      int *ended)
{
	struct watchers *all;
	struct error *e = watched_all(c, &all);

	*ended = 0;
	for (struct watched *d = e ? NULL : all->first, *next; d && !e; d = next) {
		next = d->next;
		bool any = false;
		if (f && d->function != f)
			continue;
		for (struct tap *w = d->taps; w; w = w->next) {
			bool mine = w->console == c->state && (w->line != 0) == probes &&
				    (!line || w->line == line) && !w->over;
			w->over |= mine;
			*ended += mine;
			any |= mine;
		}
		if (any)
			e = watched_shrink(all, d, c->state->user);
	}
	return e;
}

struct error *traces_untrace(struct call *c)
{
	struct live_function *f = NULL;
	int ended;

	struct error *e =
		strcmp(c->words[0], "*") == 0 ? NULL : lookup_find(c->live, c->words[0], c->state->file, &f);
	if (!e)
		e = end_mine(c, f, false, 0, &ended);
	if (!e && f && !ended)
		e = error_new(ERROR_USAGE, "this console does not trace %s", f->name);
	if (e)
		return e;
	c->reply->data = json_pack("{s:i}", "ended", ended);
	text_printf(&c->reply->text, "%d %s ended\n", ended, ended == 1 ? "trace" : "traces");
	return NULL;
}

/* --- \probe, \unprobe --------------------------------------------------------------------------------------------- */

/* NAME:LINE, where NAME may be file.c:NAME. */
static struct error *find_line(const struct call *c, const char *word, struct live_function **f,
			       unsigned *line)
{
	const char *colon = strrchr(word, ':');
	char name[512], *end;

	long n = colon ? strtol(colon + 1, &end, 10) : 0;
	if (!colon || end == colon + 1 || *end || n < 1 || n > 10000000)
		return error_new(ERROR_USAGE, "%s: a place is NAME:LINE, the line that of the file", word);
	snprintf(name, sizeof(name), "%.*s", (int)(colon - word), word);
	*line = (unsigned)n;
	return lookup_find(c->live, name, c->state->file, f);
}

struct error *traces_probe(struct call *c)
{
	struct live_function *f;
	unsigned line;

	struct error *e = find_line(c, c->words[0], &f, &line);
	if (e)
		return e;
	struct tap *w;
	char *rest;
	bool good;
	e = new_tap(c, &w, &rest, &good);
	if (e)
		return e;
	e = good ? take_expressions(w, rest) : NULL;
	free(rest);
	w->line = line;
	if (!e && (!good || !w->expression_count))
		e = error_new(ERROR_USAGE, "usage: \\probe NAME:LINE EXPR... [-n COUNT]");
	if (e) {
		tap_free(w);
		return e;
	}
	const int count = w->wanted;
	e = begin_tap(c, f, w);
	if (e)
		return e;
	c->reply->data = json_pack("{s:s, s:i, s:i, s:i}", "function", f->at.name, "version", f->live, "line",
				   (int)line, "count", count);
	text_printf(&c->reply->text, "%s:%u is probed, the next ", f->name, line);
	if (count == 1)
		text_puts(&c->reply->text, "time, ");
	else
		text_printf(&c->reply->text, "%d times, ", count);
	text_printf(&c->reply->text, "until \\unprobe %s:%u\n", f->name, line);
	unwatched_note(c, f, c->reply->data, "probed");
	return NULL;
}

struct error *traces_unprobe(struct call *c)
{
	struct live_function *f = NULL;
	const char *word = c->count ? c->words[0] : "*";
	const char *colon = strrchr(word, ':');
	unsigned line = 0;
	int ended;
	struct error *e = NULL;

	if (colon && isdigit((unsigned char)colon[1]))
		e = find_line(c, word, &f, &line);
	else if (strcmp(word, "*") != 0)
		e = lookup_find(c->live, word, c->state->file, &f);
	if (!e)
		e = end_mine(c, f, true, line, &ended);
	if (!e && f && !ended)
		e = error_new(ERROR_USAGE, "this console does not probe %s", word);
	if (e)
		return e;
	c->reply->data = json_pack("{s:i}", "ended", ended);
	text_printf(&c->reply->text, "%d %s ended\n", ended, ended == 1 ? "probe" : "probes");
	return NULL;
}
