#include "refused.h"
#include "findings.h"
#include "show.h"

#include <stdlib.h>
#include <string.h>

static void show(struct call *c, const struct check_result *r)
{
	show_diagnostics(&c->reply->text, r, c->state->color);
	c->reply->diagnostics = show_diagnostics_json(r);
}

/* The typed expression is not even complete: what stands behind it in the code around it has no say. */
static struct error *find_unfinished(struct call *c, const char *at, size_t size, bool *found)
{
	struct findings_text typed = findings_text(c->entry, at, size);
	struct check_result r = {0};

	struct error *e = findings_look(&typed, &r);
	*found = !e && r.count;
	if (*found) {
		show(c, &r);
		e = error_new(ERROR_COMPILE, "%s", r.message);
	}
	check_result_fini(&r);
	return e;
}

/* How far into the expression a finding lies that was made in a line which holds it; false: it lies elsewhere. */
static bool is_within(const struct check_diagnostic *d, const char *expression, size_t *offset)
{
	size_t size = strlen(expression), column = d->column ? d->column - 1 : 0;

	for (const char *at = strstr(d->source, expression); at; at = strstr(at + 1, expression)) {
		size_t begin = (size_t)(at - d->source);
		if (begin == 0 || at[-1] != '(' || at[size] != ')')
			continue; /* the function's own text may say the same */
		if (column < begin || column > begin + size)
			continue;
		*offset = column - begin;
		return true;
	}
	return false;
}

static struct error *add_finding(struct call *c, const char *at, const struct check_diagnostic *d,
				 size_t offset, struct check_result *out)
{
	struct findings_text typed = findings_text(c->entry, at, c->rest_size - (size_t)(at - c->rest));
	struct check_result one = {0};

	struct error *e = check_add(&one, (struct check_diagnostic){.file = strdup(FINDINGS_TYPED),
								    .line = 1,
								    .column = (unsigned)offset + 1,
								    .severity = strdup("error"),
								    .message = strdup(d->message),
								    .source = strdup("")});
	if (!e)
		e = findings_place(&typed, &one);
	if (!e)
		e = check_move(out, &one);
	check_result_fini(&one);
	return e;
}

struct error *refused_tell(struct call *c, const struct check_result *found, char *const *expressions,
			   size_t count, struct error *e)
{
	const char *from = c->rest, *end = c->rest + c->rest_size;
	struct check_result told = {0};
	struct error *failed = NULL;
	bool unfinished = false;

	if (!e || error_class(e) != ERROR_COMPILE)
		return e;
	for (size_t i = 0; i < count && !failed; i++) {
		size_t size = strlen(expressions[i]), offset;
		const char *at = memmem(from, (size_t)(end - from), expressions[i], size);
		if (!at)
			break;
		failed = find_unfinished(c, at, size, &unfinished);
		for (size_t k = 0; k < found->count && !failed; k++)
			if (strcmp(found->diagnostics[k].severity, "error") == 0 &&
			    is_within(&found->diagnostics[k], expressions[i], &offset))
				failed = add_finding(c, at, &found->diagnostics[k], offset, &told);
		/* The text around it has compiled before: what is wrong is wrong with it as a whole. */
		for (size_t k = 0; k < found->count && count == 1 && !told.count && !failed; k++)
			if (strcmp(found->diagnostics[k].severity, "error") == 0)
				failed = add_finding(c, at, &found->diagnostics[k], 0, &told);
		from = at + size;
	}
	if (told.count && !unfinished)
		show(c, &told);
	check_result_fini(&told);
	if (!unfinished) {
		error_free(failed);
		return e;
	}
	error_free(e);
	return failed;
}
