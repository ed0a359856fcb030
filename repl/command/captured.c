#include "captured.h"
#include "live.h"
#include "program.h"
#include "target.h"
#include "value.h"
#include "value_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct memory {
	struct host *host;
	const struct captured *before;
};

static bool read_memory(void *context, uint64_t address, void *bytes, size_t size)
{
	const struct memory *m = context;
	const struct captured *c = m->before;
	size_t done = 0;

	if (c->size && address >= c->address && address - c->address < c->size) {
		size_t from = (size_t)(address - c->address);
		done = size < c->size - from ? size : c->size - from;
		memcpy(bytes, c->bytes + from, done);
	}
	if (done == size)
		return true;
	struct error *e = program_read(m->host->program, address + done, (char *)bytes + done, size - done);
	bool read = !e;
	error_free(e);
	return read;
}

static bool name_address(void *context, uint64_t address, bool function, char *buffer, size_t size)
{
	const struct memory *m = context;
	const char *symbol;
	uint64_t offset, bytes;

	if (!function || !target_find_symbol(live_target(m->host->live), address, &symbol, &offset, &bytes))
		return false;
	if (offset)
		snprintf(buffer, size, "%s+%#" PRIx64, symbol, offset);
	else
		snprintf(buffer, size, "%s", symbol);
	return true;
}

static void put_short(struct text *out, const struct text *value)
{
	size_t size = value->size;

	if (size > CAPTURED_VALUE)
		for (size = CAPTURED_VALUE; size && (value->bytes[size] & 0xc0) == 0x80; size--)
			;
	text_append(out, value->bytes ? value->bytes : "", size);
	if (size < value->size)
		text_puts(out, "…");
}

void captured_put(struct host *host, const struct type *type, const void *bytes,
		  const struct captured *before, unsigned depth, struct text *text, json_t **json)
{
	struct memory memory = {host, before};
	struct value_source source = {&memory, read_memory, name_address};
	struct value_options options = VALUE_OPTIONS;
	struct text whole = {0};

	options.depth = depth;
	value_text(&whole, type, bytes, &source, &options);
	put_short(text, &whole);
	text_fini(&whole);
	*json = value_json(type, bytes, &source, &options);
}
