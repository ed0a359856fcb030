#include "wrapper.h"
#include "place.h"
#include "token.h"

#include <inttypes.h>
#include <string.h>

void wrapper_declare_frame(struct text *out)
{
	text_puts(out, "struct rtf_frame { unsigned long words[72]; };\n"
		       "extern int rtf_sigsetjmp(void *, int) __asm__(\"__sigsetjmp\") "
		       "__attribute__((__returns_twice__));\n");
}

void wrapper_declare(struct text *out, const char *name)
{
	text_printf(out, "#define __func__ \"%s\"\n#define __FUNCTION__ \"%s\"\n", name, name);
}

/* The tokens of the head on one line, without what would hide the function from the linker. */
static bool write_head(struct text *out, const struct wrapper *w)
{
	struct token_reader r;
	struct token t;

	token_reader_init(&r, w->head, (uint32_t)w->head_size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind == TOKEN_DIRECTIVE)
			return false;
		if (token_is_linkage(&r, &t))
			continue;
		text_puts(out, " ");
		text_append(out, w->head + t.begin, t.end - t.begin);
	}
	return true;
}

static void write_arguments(struct text *out, const struct wrapper *w)
{
	text_puts(out, "(");
	for (size_t i = 0; i < w->argument_count; i++)
		text_printf(out, "%s%s", i ? ", " : "", w->arguments[i]);
	text_puts(out, ")");
}

/* What the call has in its arguments, where the engine can see it: an argument's own address cannot always be taken. */
static void write_frame(struct text *out, const struct wrapper *w)
{
	text_puts(out, " { struct rtf_frame rtf_frame; ");
	for (size_t i = 0; i < w->argument_count; i++)
		text_printf(out, "__auto_type " WRAPPER_ARGUMENT "%zu = %s; ", i, w->arguments[i]);
	text_puts(out, "const volatile void *rtf_arguments[] = { ");
	for (size_t i = 0; i < w->argument_count; i++)
		text_printf(out, "&" WRAPPER_ARGUMENT "%zu, ", i);
	text_printf(out,
		    "0 }; rtf_frame.words[65] = (unsigned long)rtf_arguments; rtf_frame.words[66] = %d; ",
		    w->version);
}

/* Evaluates and returns that, as what a fault would park; what is written behind it is done after a fault. */
static void write_guarded(struct text *out, const struct wrapper *w, const char *expression)
{
	text_printf(out,
		    "if (rtf_sigsetjmp(&rtf_frame, 1) == 0) { "
		    "((void (*)(struct rtf_frame *, unsigned long))0x%" PRIx64 "UL)(&rtf_frame, 0x%" PRIx64
		    "UL); ",
		    w->enter, w->entry);
	if (w->result)
		text_printf(out, "__typeof__(%s) rtf_returned = ", w->result);
	if (expression)
		text_printf(out, "(%s)", expression);
	else
		text_printf(out, WRAPPER_PREFIX "%s", w->name);
	if (!expression)
		write_arguments(out, w);
	text_printf(out, "; ((void (*)(struct rtf_frame *))0x%" PRIx64 "UL)(&rtf_frame); return%s; } ",
		    w->leave, w->result ? " rtf_returned" : "");
}

/* Goes on with what it is given once somebody has seen to the fault. */
static void write_wait(struct text *out, const struct wrapper *w)
{
	text_printf(out,
		    "%s((__typeof__(%s) *)((unsigned long (*)(struct rtf_frame *))0x%" PRIx64
		    "UL)(&rtf_frame))",
		    w->result ? "return " : "", w->name, w->wait);
	write_arguments(out, w);
	text_puts(out, "; ");
}

bool wrapper_write(struct text *out, const struct wrapper *w)
{
	text_puts(out, "\n# 1 \"" PLACE_WRAPPER "\"\n");
	if (!write_head(out, w))
		return false;
	write_frame(out, w);
	write_guarded(out, w, NULL);
	if (w->otherwise)
		write_guarded(out, w, w->otherwise);
	if (!w->otherwise && w->returns)
		text_puts(out, "return; ");
	else
		write_wait(out, w);
	text_puts(out, "}");
	return true;
}

bool wrapper_write_value(struct text *out, const struct wrapper *w, const char *expression)
{
	if (!write_head(out, w))
		return false;
	if (!expression) {
		text_puts(out, " { }");
		return true;
	}
	write_frame(out, w);
	write_guarded(out, w, expression);
	write_wait(out, w);
	text_puts(out, "}");
	return true;
}
