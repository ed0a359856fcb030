/* libFuzzer on what reads text that anybody may type: tokens, declarations, edits. What must hold for
 * every text is asserted here; the sanitizers look after the rest. */
#include "edit.h"
#include "declaration.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static void read_tokens(const char *text, uint32_t size)
{
	struct token_reader r;
	struct token t;
	uint32_t at = 0;

	token_reader_init(&r, text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		HOLDS(t.begin >= at && t.end > t.begin && t.end <= size);
		at = t.end;
	}
}

static void read_declarations(const char *text, uint32_t size)
{
	struct declaration_reader r;
	struct declaration d = {0};
	uint32_t at = 0;

	declaration_reader_init(&r, text, size);
	for (declaration_next(&r, &d); d.kind != DECLARATION_END; declaration_next(&r, &d)) {
		HOLDS(d.begin >= at && d.end > d.begin && d.end <= size && d.specifiers >= d.begin);
		for (size_t i = 0; i < d.name_count; i++)
			HOLDS(d.names[i].begin >= d.begin && d.names[i].end <= d.end);
		for (size_t i = 0; i < d.cut_count; i++)
			HOLDS(d.cuts[i].begin >= d.begin && d.cuts[i].end <= d.end);
		if (d.kind == DECLARATION_FUNCTION)
			HOLDS(d.name_count && d.names[d.name_count - 1].kind == NAME_FUNCTION &&
			      d.body < d.end);
		at = d.end;
	}
	declaration_fini(&d);
}

static void read_edit(const char *text, size_t size)
{
	struct edit edit;
	struct error *e = edit_new(text, size, &edit);

	if (e) {
		error_free(e);
		return;
	}
	bool *leave_out = calloc(edit.count + 1, sizeof(*leave_out));
	HOLDS(leave_out);
	for (size_t i = 0; i < edit.count; i++)
		leave_out[i] = i % 2 == 0;
	free(edit_rest(&edit, leave_out));
	free(leave_out);
	edit_fini(&edit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_tokens((const char *)data, (uint32_t)size);
	read_declarations((const char *)data, (uint32_t)size);
	read_edit((const char *)data, size);
	return 0;
}
