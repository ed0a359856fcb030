#include "gather.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of an answer: consecutive ones for the same stream are one. */
struct piece {
	bool complaint;
	char *text;
	size_t size;
};

struct answered {
	char *socket;
	struct piece *pieces;
	size_t count;
	enum status status;
	char *class, *why;
	bool shown;
};

struct gather {
	bool json;
	struct answered *all;
	size_t count;
};

struct gather *gather_new(bool json)
{
	struct gather *g = calloc(1, sizeof(*g));

	if (g)
		g->json = json;
	return g;
}

void gather_free(struct gather *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++) {
		struct answered *a = &g->all[i];
		for (size_t k = 0; k < a->count; k++)
			free(a->pieces[k].text);
		free(a->pieces);
		free(a->socket);
		free(a->class);
		free(a->why);
	}
	free(g->all);
	free(g);
}

static struct answered *last(struct gather *g)
{
	return g->count ? &g->all[g->count - 1] : NULL;
}

void gather_begin(struct gather *g, const char *socket)
{
	struct answered *more = reallocarray(g->all, g->count + 1, sizeof(*more));

	if (!more)
		return;
	g->all = more;
	more[g->count++] = (struct answered){.socket = strdup(socket)};
}

static void write_piece(bool complaint, const char *text, size_t size)
{
	FILE *out = complaint ? stderr : stdout;

	if (complaint)
		fflush(stdout);
	fwrite(text, 1, size, out);
	if (size && text[size - 1] != '\n')
		fputc('\n', out);
	fflush(out);
}

static bool append(struct piece *piece, const char *text, size_t size)
{
	char *more = realloc(piece->text, piece->size + size + 2);

	if (!more)
		return false;
	memcpy(more + piece->size, text, size);
	piece->text = more;
	piece->size += size;
	if (size && text[size - 1] != '\n')
		more[piece->size++] = '\n';
	more[piece->size] = '\0';
	return true;
}

static struct piece *piece_for(struct answered *a, bool complaint)
{
	if (a->count && a->pieces[a->count - 1].complaint == complaint)
		return &a->pieces[a->count - 1];
	struct piece *more = reallocarray(a->pieces, a->count + 1, sizeof(*more));
	if (!more)
		return NULL;
	a->pieces = more;
	more[a->count] = (struct piece){.complaint = complaint};
	return &more[a->count++];
}

void gather_put(struct gather *g, bool complaint, const char *text, size_t size)
{
	struct answered *a = last(g);
	struct piece *piece = a ? piece_for(a, complaint) : NULL;

	if (!piece || !append(piece, text, size))
		write_piece(complaint, text, size);
}

void gather_end(struct gather *g, enum status status, const char *class, const char *why)
{
	struct answered *a = last(g);

	if (!a)
		return;
	a->status = status;
	a->class = class ? strdup(class) : NULL;
	a->why = why ? strdup(why) : NULL;
}

/* --- which are the same -------------------------------------------------------------------------------------------- */

/* Behind the number at `c`, if it is a time: "9.8 ms", "41 us". Else `c`. */
static const char *behind_time(const char *c)
{
	const char *end = c;

	while (isdigit((unsigned char)*end) || *end == '.')
		end++;
	if (end == c || (strncmp(end, " ms", 3) != 0 && strncmp(end, " us", 3) != 0))
		return c;
	return end;
}

static bool same_text(const char *a, const char *b)
{
	while (*a && *b) {
		const char *after_a = behind_time(a), *after_b = behind_time(b);
		if (after_a != a && after_b != b) {
			a = after_a;
			b = after_b;
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

static bool same_answer(const struct answered *a, const struct answered *b)
{
	if (a->status != b->status || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->pieces[i].complaint != b->pieces[i].complaint ||
		    !same_text(a->pieces[i].text, b->pieces[i].text))
			return false;
	return true;
}

static void show_group(struct gather *g, size_t first)
{
	struct answered *a = &g->all[first];
	size_t alike = 0;

	for (size_t i = first; i < g->count; i++) {
		if (g->all[i].shown || !g->all[i].count || !same_answer(a, &g->all[i]))
			continue;
		g->all[i].shown = true;
		alike++;
		printf("==> %s <==\n", g->all[i].socket ? g->all[i].socket : "?");
	}
	if (alike > 1)
		printf("(%zu consoles with the same answer)\n", alike);
	fflush(stdout);
	for (size_t i = 0; i < a->count; i++)
		write_piece(a->pieces[i].complaint, a->pieces[i].text, a->pieces[i].size);
}

/* --- the sum ------------------------------------------------------------------------------------------------------- */

static const char *reason(const struct answered *a)
{
	return a->why ? a->why : a->status == STATUS_ENDED ? "ended before it was done" : "failed";
}

static size_t count_done(const struct gather *g)
{
	size_t done = 0;

	for (size_t i = 0; i < g->count; i++)
		done += g->all[i].status == STATUS_DONE;
	return done;
}

/* The failed ones before it have another reason. */
static bool is_first_of_reason(const struct gather *g, size_t nth)
{
	for (size_t i = 0; i < nth; i++)
		if (g->all[i].status != STATUS_DONE && strcmp(reason(&g->all[i]), reason(&g->all[nth])) == 0)
			return false;
	return true;
}

/* "; /tmp/b.sock, /tmp/c.sock: why" for each reason. */
static void put_failed(const struct gather *g, FILE *out)
{
	for (size_t i = 0; i < g->count; i++) {
		const char *why = reason(&g->all[i]), *comma = "";
		if (g->all[i].status == STATUS_DONE || !is_first_of_reason(g, i))
			continue;
		fputs("; ", out);
		for (size_t k = i; k < g->count; k++) {
			if (g->all[k].status == STATUS_DONE || strcmp(reason(&g->all[k]), why) != 0)
				continue;
			fprintf(out, "%s%s", comma, g->all[k].socket ? g->all[k].socket : "?");
			comma = ", ";
		}
		fprintf(out, ": %.*s", (int)strcspn(why, "\n"), why);
	}
}

/* The last line; the caller's. */
static char *sum_up(const struct gather *g)
{
	size_t done = count_done(g), size;
	char *line = NULL;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return NULL;
	fprintf(out, "%zu %s asked: ", g->count, g->count == 1 ? "console" : "consoles");
	if (done == g->count)
		fputs(done == 1 ? "it did it" : "all did it", out);
	else
		fprintf(out, "%zu did it, %zu did not", done, g->count - done);
	put_failed(g, out);
	if (fclose(out)) {
		free(line);
		return NULL;
	}
	return line;
}

static json_t *failed_json(const struct gather *g)
{
	json_t *failed = json_array();

	for (size_t i = 0; i < g->count; i++) {
		const struct answered *a = &g->all[i];
		if (a->status == STATUS_DONE)
			continue;
		json_array_append_new(failed,
				      json_pack("{s:s*, s:i, s:s*, s:s}", "socket", a->socket, "status",
						(int)a->status, "class", a->class, "message", reason(a)));
	}
	return failed;
}

/* Of the worst. */
static const char *worst_class(const struct gather *g)
{
	const struct answered *worst = &g->all[0];

	for (size_t i = 1; i < g->count; i++)
		if (g->all[i].status > worst->status)
			worst = &g->all[i];
	return worst->class ? worst->class : "internal";
}

static void show_json(const struct gather *g, const char *asked)
{
	size_t done = count_done(g);
	char *line = sum_up(g);
	json_t *sum = json_pack("{s:s, s:b, s:s, s:{s:I, s:I, s:o}}", "socket", asked, "ok", done == g->count,
				"command", "--all", "data", "asked", (json_int_t)g->count, "done",
				(json_int_t)done, "failed", failed_json(g));

	if (sum && done < g->count)
		json_object_set_new(sum, "error",
				    json_pack("{s:s, s:s}", "class", worst_class(g), "message",
					      line ? line : "some failed"));
	char *raw = sum ? json_dumps(sum, JSON_COMPACT) : NULL;
	if (raw)
		write_piece(false, raw, strlen(raw));
	free(raw);
	free(line);
	json_decref(sum);
}

void gather_show(struct gather *g, const char *asked)
{
	if (!g->count)
		return;
	if (g->json) {
		show_json(g, asked);
		return;
	}
	for (size_t i = 0; i < g->count; i++)
		if (!g->all[i].shown && g->all[i].count)
			show_group(g, i);
	char *line = sum_up(g);
	if (line)
		write_piece(false, line, strlen(line));
	free(line);
}
