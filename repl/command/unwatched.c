#include "unwatched.h"
#include "describe.h"
#include "forked.h"
#include "program.h"

#include <jansson.h>

void unwatched_note(struct call *c, const struct live_function *f, json_t *data, const char *what)
{
	const size_t forked = forked_count(program_pid(live_program(c->live)));
	struct text places;
	json_t *inlined_in = describe_inlined(c->live, f, &places);

	if (forked == 1)
		text_printf(&c->reply->text,
			    "  calls in the process that the program has forked are not %s\n", what);
	else if (forked)
		text_printf(&c->reply->text,
			    "  calls in the %zu processes that the program has forked are not %s\n", forked,
			    what);
	if (places.size)
		text_printf(&c->reply->text, "  it was inlined in %s: calls there are not %s\n", places.bytes,
			    what);
	if (forked || places.size)
		json_object_set_new(
			data, "unwatched",
			json_pack("{s:I, s:O}", "forked", (json_int_t)forked, "inlined_in", inlined_in));
	json_decref(inlined_in);
	text_fini(&places);
}
