#include "capture.h"
#include "ring.h"

#include <stdio.h>

static void put_condition(struct text *t, const struct capture *c)
{
	text_puts(t, "if ((");
	ring_put_expression(t, c->condition ? c->condition : "1");
	text_printf(t, ") && rtf_may(%u)) { ", c->quota);
}

/* The values in turn, each in a variable of its own: expressions may be bit-fields, arrays, structures. */
static void put_values(struct text *t, const struct capture *c)
{
	for (size_t i = 0; i < c->count; i++) {
		text_printf(t, "{ __auto_type rtf_value_%u_%zu = ((void)0, (", c->serial, i);
		ring_put_expression(t, c->expressions[i]);
		text_printf(t,
			    ")); rtf_put(&rtf_call, &rtf_value_%u_%zu, "
			    "sizeof(rtf_value_%u_%zu), __builtin_classify_type(rtf_value_%u_%zu) == 5); } ",
			    c->serial, i, c->serial, i, c->serial, i);
	}
}

/* What a watch evaluates is left at its first fault, and the program goes on behind it. */
static void begin_guarded(struct text *t, const struct capture *c)
{
	text_printf(
		t,
		"if (rtf_whole(%u, %u)) { struct rtf_frame rtf_frame; if (rtf_sigsetjmp(&rtf_frame, 0) == "
		"0) { if (rtf_guard(&rtf_frame)) { ",
		c->quota, c->serial);
}

static void end_guarded(struct text *t, const struct capture *c, const char *otherwise)
{
	text_printf(t, "rtf_unguard(&rtf_frame); } } else { rtf_faulted(&rtf_frame, %u, %u); %s} } ",
		    c->quota, c->serial, otherwise);
}

void capture_put_probe(struct text *t, const struct capture *c, int version)
{
	text_puts(t, " { struct rtf_call rtf_call; ");
	begin_guarded(t, c);
	put_condition(t, c);
	text_printf(t, "rtf_enter(&rtf_call, %u, %d); ", c->serial, version);
	put_values(t, c);
	text_puts(t, "rtf_leave(&rtf_call); } ");
	end_guarded(t, c, "");
	text_puts(t, "} ");
}

static void put_arguments(struct text *t, unsigned serial, char *const *names, size_t count)
{
	for (size_t k = 0; k < count; k++)
		text_printf(t,
			    "{ __auto_type rtf_value_%u_%zu = (%s); rtf_put(&rtf_call_%u, &rtf_value_%u_%zu, "
			    "sizeof(rtf_value_%u_%zu), __builtin_classify_type(rtf_value_%u_%zu) == 5); } ",
			    serial, k, names[k], serial, serial, k, serial, k, serial, k);
}

void capture_put_call(struct text *t, const struct capture *c, int version, char *const *arguments,
		      size_t count)
{
	unsigned serial = c->serial;
	char none[64];

	text_printf(t,
		    " struct rtf_call rtf_call_%u __attribute__((__cleanup__(rtf_leave))); "
		    "rtf_call_%u.active = 0; ",
		    serial, serial);
	if (c->condition)
		begin_guarded(t, c);
	put_condition(t, c);
	text_printf(t, "rtf_enter(&rtf_call_%u, %u, %d); ", serial, serial, version);
	put_arguments(t, serial, arguments, count);
	text_printf(t, "rtf_call_%u.begin = rtf_now(); } ", serial);
	snprintf(none, sizeof(none), "rtf_call_%u.active = 0; ", serial);
	if (c->condition)
		end_guarded(t, c, none);
}

void capture_put_result(struct text *t, const struct capture *c)
{
	text_printf(t,
		    "if (rtf_call_%u.active) rtf_put(&rtf_call_%u, &rtf_result, "
		    "sizeof(rtf_result), "
		    "__builtin_classify_type(rtf_result) == 5); ",
		    c->serial, c->serial);
}
