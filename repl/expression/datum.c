#include "datum.h"
#include "place.h"
#include "scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 100 }; /* of a line, where the console did not say */

static bool read_program(void *context, uint64_t address, void *bytes, size_t size)
{
	struct console_state *state = context;

	struct error *e = program_read(state->host->program, address, bytes, size);
	bool read = !e;
	error_free(e);
	return read;
}

static bool name_version(struct live *l, uint64_t address, char *buffer, size_t size)
{
	struct place place;

	const char *symbol;
	uint64_t offset, bytes;

	place_name(l, address, false, &place);
	if (place.own)
		return false;
	if (!strchr(place.function, '@')) {
		/* No version. In data without a size nothing can be said but at its very start. */
		if (!target_find_symbol(live_target(l), address, &symbol, &offset, &bytes) ||
		    (offset && !bytes))
			return false;
		snprintf(place.function, sizeof(place.function), "%s", symbol);
		place.offset = offset;
	}
	if (place.offset)
		snprintf(buffer, size, "%s+%" PRIu64, place.function, place.offset);
	else
		snprintf(buffer, size, "%s", place.function);
	return true;
}

static bool name_address(void *context, uint64_t address, bool function, char *buffer, size_t size)
{
	struct console_state *state = context;
	const struct scope_item *item;

	(void)function;
	for (size_t i = 0; state->scope && (item = scope_item(state->scope, i)); i++) {
		uint64_t bytes =
			item->kind == SCOPE_VARIABLE ? item->type->size : item->kind == SCOPE_FUNCTION;
		if (!bytes || address < item->address || address >= item->address + bytes)
			continue;
		if (address == item->address)
			snprintf(buffer, size, "%s", item->names[0]);
		else
			snprintf(buffer, size, "%s+%" PRIu64, item->names[0], address - item->address);
		return true;
	}
	return name_version(state->host->live, address, buffer, size);
}

struct value_source datum_source(struct console_state *state)
{
	return (struct value_source){.context = state, .read = read_program, .name = name_address};
}

void datum_show(struct console_state *state, struct text *out, const struct type *type, const void *bytes,
		const struct value_options *options)
{
	struct value_source source = datum_source(state);
	struct value_options pretty = *options;
	struct text line = {0};

	if (type->kind != TYPE_FUNCTION)
		text_printf(out, "(%s) ", type->name);
	value_text(&line, type, bytes, &source, options);
	size_t width = state->width > 40 ? (size_t)state->width : WIDTH;
	pretty.pretty = true;
	if (line.size + strlen(type->name) + 8 > width && memchr(line.bytes, '{', line.size))
		value_text(out, type, bytes, &source, &pretty);
	else
		text_puts(out, line.bytes ? line.bytes : "");
	text_fini(&line);
}
