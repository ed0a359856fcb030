#include "coverage.h"
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SGR_CYAN "\033[36m"
#define SGR_RED  "\033[31m"
#define SGR_OFF  "\033[0m"

struct totals {
	unsigned lines, lines_run, outcomes, outcomes_taken;
};

/* Whether a line has a statement; *count is how often that of its statements ran that ran most. */
static bool line_count(const struct coverage *c, unsigned line, uint64_t *count)
{
	bool any = false;

	*count = 0;
	for (size_t i = 0; i < c->instrument->counters.line_count; i++) {
		const struct counters_line *l = &c->instrument->counters.lines[i];
		if (l->line != line)
			continue;
		any = true;
		if (c->counts[l->counter] > *count)
			*count = c->counts[l->counter];
	}
	return any;
}

/* Whether no line before it in the list is the same one. */
static bool is_first(const struct coverage *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (c->instrument->counters.lines[k].line == c->instrument->counters.lines[i].line)
			return false;
	return true;
}

static struct totals total(const struct coverage *c)
{
	struct totals t = {0};
	uint64_t count;

	for (size_t i = 0; i < c->instrument->counters.line_count; i++) {
		if (!is_first(c, i))
			continue;
		line_count(c, c->instrument->counters.lines[i].line, &count);
		t.lines++;
		t.lines_run += count > 0;
	}
	for (size_t i = 0; i < c->instrument->counters.branch_count; i++) {
		const struct counters_branch *b = &c->instrument->counters.branches[i];
		t.outcomes += b->label ? 1 : 2;
		t.outcomes_taken += c->counts[b->counter] > 0;
		t.outcomes_taken += !b->label && c->counts[b->counter + 1] > 0;
	}
	return t;
}

static void put_outcome(struct text *out, const char *name, uint64_t count)
{
	if (count)
		text_printf(out, "%s %" PRIu64, name, count);
	else
		text_printf(out, "%s never", name);
}

static void show_branch(struct text *out, const struct coverage *c, const struct counters_branch *b,
			const char *file)
{
	text_printf(out, "  %s:%-5u %-32s ", file, b->line, b->text);
	put_outcome(out, b->label ? "reached" : "true", c->counts[b->counter]);
	if (!b->label) {
		text_puts(out, ", ");
		put_outcome(out, "false", c->counts[b->counter + 1]);
	}
	text_puts(out, "\n");
}

void coverage_show(struct text *out, const struct coverage *c, const char *function, int version,
		   const char *file)
{
	struct totals t = total(c);

	text_printf(out, "%s@%d: %u of %u lines run, %u of %u branch outcomes taken\n", function, version,
		    t.lines_run, t.lines, t.outcomes_taken, t.outcomes);
	for (size_t i = 0; i < c->instrument->counters.branch_count; i++) {
		const struct counters_branch *b = &c->instrument->counters.branches[i];
		if (c->counts[b->counter] == 0 || (!b->label && c->counts[b->counter + 1] == 0))
			show_branch(out, c, b, file);
	}
}

void coverage_add_summary(json_t *object, const struct coverage *c)
{
	struct totals t = total(c);

	json_object_set_new(object, "lines",
			    json_pack("{s:i, s:i}", "run", (int)t.lines_run, "total", (int)t.lines));
	json_object_set_new(
		object, "branches",
		json_pack("{s:i, s:i}", "taken", (int)t.outcomes_taken, "total", (int)t.outcomes));
}

void coverage_add_counts(json_t *object, const struct coverage *c)
{
	json_t *lines = json_array(), *outcomes = json_array();
	uint64_t count;

	for (size_t i = 0; i < c->instrument->counters.line_count; i++) {
		unsigned line = c->instrument->counters.lines[i].line;
		if (!is_first(c, i))
			continue;
		line_count(c, line, &count);
		json_array_append_new(lines,
				      json_pack("{s:i, s:I}", "line", (int)line, "count", (json_int_t)count));
	}
	for (size_t i = 0; i < c->instrument->counters.branch_count; i++) {
		const struct counters_branch *b = &c->instrument->counters.branches[i];
		json_int_t first = (json_int_t)c->counts[b->counter];
		json_t *row = json_pack("{s:i, s:o, s:I}", "line", (int)b->line, "text", show_string(b->text),
					b->label ? "reached" : "true", first);
		if (row && !b->label)
			json_object_set_new(row, "false",
					    json_integer((json_int_t)c->counts[b->counter + 1]));
		json_array_append_new(outcomes, row);
	}
	json_object_set_new(object, "counts", lines);
	json_object_set_new(object, "outcomes", outcomes);
}

void coverage_source(struct text *out, const struct coverage *c, const char *source, unsigned first_line,
		     bool color)
{
	uint64_t count;

	for (unsigned line = first_line; *source; line++) {
		size_t size = strcspn(source, "\n");
		text_printf(out, "%s%5u%s  ", color ? SGR_CYAN : "", line, color ? SGR_OFF : "");
		if (!line_count(c, line, &count))
			text_printf(out, "%9s  ", "");
		else if (count)
			text_printf(out, "%9" PRIu64 "  ", count);
		else
			text_printf(out, "%s%9s%s  ", color ? SGR_RED : "", "#####", color ? SGR_OFF : "");
		text_append(out, source, size);
		text_puts(out, "\n");
		source += size + (source[size] == '\n');
	}
}
