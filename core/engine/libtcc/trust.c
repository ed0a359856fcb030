#include "trust.h"
#include "branches.h"
#include "convention.h"
#include "text.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

struct word {
	const char *text, *reason;
};

/* Names whose mere presence sends a text to cc: libtcc rejects some in obscure words and silently ignores
 * others. */
static const struct word distrusted[] = {
	{"_Complex", "complex numbers"},
	{"__complex__", "complex numbers"},
	{"__complex", "complex numbers"},
	{"_Imaginary", "complex numbers"},
	{"__int128", "128-bit integers"},
	{"__int128_t", "128-bit integers"},
	{"__uint128_t", "128-bit integers"},
	{"_Thread_local", "thread-local variables"},
	{"__thread", "thread-local variables"},
	{"__auto_type", "__auto_type"},
	{"_BitInt", "_BitInt"},
	{"_Float16", "_Float16"},
	{"__bf16", "__bf16"},
	{"_Float128", "128-bit floating point"},
	{"__float128", "128-bit floating point"},
	{"_Float64x", "_Float64x"},
	{"_Decimal32", "decimal floating point"},
	{"_Decimal64", "decimal floating point"},
	{"_Decimal128", "decimal floating point"},
	{"alloca", "alloca()"}, /* which is in a library of its own */
	{"__builtin_alloca", "alloca()"},
	{"vector_size", "vectors"},
	{"__vector_size__", "vectors"},
	{"ext_vector_type", "vectors"},
};

static const char section[] = "the section attribute";

/* In the parentheses of an __attribute__: these change the meaning, and libtcc ignores or half knows them.
 * Attributes that it warns of are judged by harmless_attributes. */
static const struct word distrusted_attributes[] = {
	{"constructor", "the constructor attribute"},
	{"destructor", "the destructor attribute"},
	{"mode", "the mode attribute"},
	{"alias", "the alias attribute"},
	{"weakref", "the weakref attribute"},
	{"regparm", "another calling convention"},
	{"fastcall", "another calling convention"},
	{"stdcall", "another calling convention"},
	{"ms_abi", "another calling convention"},
	{"sysv_abi", "another calling convention"},
	{"dllimport", "the dllimport attribute"},
	{"dllexport", "the dllexport attribute"},
	{"section", section},
};

/* Attributes that libtcc warns of and ignores, and that only help diagnostics or optimisers, or concern how a
 * whole program is linked. Spelled here without the underscores that may stand around them. */
/* clang-format off */
static const char *const harmless_attributes[] = {
	"access", "alloc_align", "alloc_size", "always_inline", "artificial", "assume_aligned", "aligned",
	"cold", "const", "counted_by", "deprecated", "designated_init", "diagnose_if", "error",
	"externally_visible", "fallthrough", "fd_arg", "fd_arg_read", "fd_arg_write", "flatten", "format",
	"format_arg", "gnu_inline", "hot", "leaf", "malloc", "may_alias", "no_icf",
	"no_instrument_function", "no_profile_instrument_function", "no_reorder", "no_sanitize",
	"no_sanitize_address", "no_sanitize_thread", "no_sanitize_undefined", "no_split_stack",
	"no_stack_limit", "no_stack_protector", "noclone", "noinline", "noipa", "nonnull", "nonstring",
	"noplt", "noreturn", "nothrow", "optimize", "optnone", "patchable_function_entry", "pure",
	"returns_nonnull", "returns_twice", "sentinel", "stack_protect", "symver", "tainted_args", "target",
	"unavailable", "used", "warn_unused_result", "warning",
};
/* clang-format on */

/* libtcc's other warnings that are no more than gcc's own would be: same code, same meaning. */
static const char *const harmless_warnings[] = {
	"declared but not used",
	" redefined",
	"assignment discards qualifiers from pointer target type",
	"assignment from incompatible pointer type",
	"cast between pointer and integer of different size",
	"deprecated use of label at end of compound statement",
	"function might return no value",
	"'return' with no value",
	"pointer type mismatch in comparison",
	"unnamed struct/union that defines no instances",
	"#pragma GCC is ignored", /* the scan lets only harmless ones come this far */
	"#pragma STDC is ignored",
	"#warning ",
};

static bool name_equals(const char *text, const struct token *token, const char *word)
{
	size_t length = token->end - token->begin;
	return *word == token->first && strlen(word) == length && !memcmp(text + token->begin, word, length);
}

/* An attribute's name, with or without the underscores around it. */
static bool attribute_equals(const char *name, size_t length, const char *word)
{
	if (length > 4 && !memcmp(name, "__", 2) && !memcmp(name + length - 2, "__", 2)) {
		name += 2;
		length -= 4;
	}
	return strlen(word) == length && !memcmp(name, word, length);
}

static const char *find_word(const char *text, const struct token *token)
{
	for (size_t i = 0; i < sizeof distrusted / sizeof *distrusted; i++)
		if (name_equals(text, token, distrusted[i].text))
			return distrusted[i].reason;
	return NULL;
}

static const char over_aligned[] = "an alignment of more than 16 bytes";

/* `aligned(N)`: libtcc's frames keep CONVENTION_FRAME_ALIGNMENT and no more, so a larger N may turn out untrue for a
 * local. One that has it from its type libclang finds (adapt.h). */
static bool alignment_is_kept(struct token_reader reader)
{
	struct token token;
	token_next(&reader, &token);
	if (token.kind != TOKEN_PUNCTUATOR || token.first != '(')
		return true; /* bare `aligned`: 16 */
	token_next(&reader, &token);
	if (token.kind != TOKEN_NUMBER)
		return false;
	unsigned long value = strtoul(reader.text + token.begin, NULL, 0);
	token_next(&reader, &token);
	return token.first == ')' && value <= CONVENTION_FRAME_ALIGNMENT;
}

/* Behind `__attribute__`: what in its parentheses libtcc gets wrong, or NULL. `local`: it may be a local's; `external`: it is
 * of something that is there already. */
static const char *attribute_reason(struct token_reader reader, bool local, bool external)
{
	struct token token;
	struct token_reader last = reader;
	token_next(&reader, &token);
	if (token.first != '(')
		return "an attribute made by a macro";
	token_skip_group(&reader, &token);
	uint32_t end = token.begin;
	reader = last;
	for (token_next(&reader, &token); token.kind != TOKEN_END && token.begin < end;
	     token_next(&reader, &token)) {
		if (token.kind != TOKEN_NAME)
			continue;
		const char *name = reader.text + token.begin;
		size_t length = token.end - token.begin;
		for (size_t i = 0; i < sizeof distrusted_attributes / sizeof *distrusted_attributes; i++)
			if (attribute_equals(name, length, distrusted_attributes[i].text) &&
			    !(external && distrusted_attributes[i].reason == section))
				return distrusted_attributes[i].reason;
		if (local && attribute_equals(name, length, "aligned") && !alignment_is_kept(reader))
			return over_aligned;
	}
	return NULL;
}

/* Behind `asm`: an asm label (`extern int n __asm__("x")`) names a symbol and is fine; so is a statement
 * without operands and instructions, which only keeps a compiler from moving things. The rest is not libtcc's
 * strength. */
static const char *asm_reason(struct token_reader reader, bool statement)
{
	struct token token;
	token_next(&reader, &token);
	while (token.kind == TOKEN_NAME) { /* volatile, inline, goto */
		statement = true;
		token_next(&reader, &token);
	}
	if (!statement)
		return NULL;
	token_next(&reader, &token);
	if (token.kind != TOKEN_STRING || token.end - token.begin != 2)
		return "inline assembler";
	for (token_next(&reader, &token); token.first != ')'; token_next(&reader, &token))
		if (token.kind != TOKEN_STRING && token.first != ':' && token.first != ',')
			return "inline assembler";
	return NULL;
}

static bool starts_statement(const struct token *previous, bool in_body)
{
	if (previous->kind == TOKEN_NAME)
		return false; /* `else asm`, `do asm` have "volatile" or an operand in practice; a label else
			       */
	return !previous->first || strchr("{};:", previous->first) || (in_body && previous->first == ')');
}

/* libtcc keeps `\u00e9` as it is written, and knows no prefix but L; u8 is taken off before (dialect.h). */
static const char *literal_reason(const struct token_reader *reader, const struct token *token)
{
	if (token->first == 'U' || (token->first == 'u' && reader->text[token->begin + 1] != '8'))
		return "UTF-16 and UTF-32 literals";
	for (uint32_t i = token->begin; i + 1 < token->end; i++) {
		if (reader->text[i] != '\\')
			continue;
		i++;
		if (reader->text[i] == 'u' || reader->text[i] == 'U')
			return "universal character names";
	}
	return NULL;
}

/* libtcc reads it as two halves of 32 bits, and as a double whatever is behind it: more than a double's 14 digits, and what only a
 * long double has, may be lost. */
static const char *number_reason(const struct token_reader *reader, const struct token *token)
{
	const char *at = reader->text + token->begin, *end = reader->text + token->end;
	unsigned digits = 0;

	if (end - at < 4 || *at != '0' || (at[1] != 'x' && at[1] != 'X'))
		return NULL;
	for (at += 2; at < end && *at != 'p' && *at != 'P'; at++)
		digits += *at != '.';
	if (at == end)
		return NULL;
	return digits > 14 || end[-1] == 'l' || end[-1] == 'L'
		       ? "a hexadecimal number of more digits than a double has"
		       : NULL;
}

/* A function's text as people write it has `#if`s in it; the branch that is not taken may hold an #error. */
static bool is_conditional(const struct token_reader *body, const struct token *word)
{
	static const char *const words[] = {"if",   "ifdef", "ifndef", "elif",
					    "else", "endif", "error",  "warning"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (token_is(body, word, words[i]))
			return true;
	return false;
}

/* `__has_attribute(x)` and its kin ask the compiler, and libtcc has other answers. Reads the line to its end.
 */
static const char *conditional_reason(struct token_reader *body)
{
	struct token word;
	for (token_next(body, &word); word.kind != TOKEN_END; token_next(body, &word))
		if (word.kind == TOKEN_NAME && word.end - word.begin > 6 &&
		    !memcmp(body->text + word.begin, "__has_", 6))
			return "a question about the compiler";
	return NULL;
}

/* libtcc never makes one operation of two, and computes when the program does: what allows less it keeps. */
static const char *stdc_reason(struct token_reader *body)
{
	struct token name, value;
	token_next(body, &name);
	token_next(body, &value);
	body->at = body->size;
	return token_is(body, &name, "FP_CONTRACT") || token_is(body, &value, "OFF") ||
			       token_is(body, &value, "DEFAULT")
		       ? NULL
		       : "a #pragma";
}

/* #define and what else may stand in a preprocessed text. */
static const char *directive_reason(const char *text, const struct token *token, struct token_reader *body)
{
	struct token word;
	token_reader_init(body, text + token->begin, token->end - token->begin);
	body->line_start = false;
	token_next(body, &word); /* # */
	token_next(body, &word);
	if (word.kind == TOKEN_NUMBER || token_is(body, &word, "line") || token_is(body, &word, "undef")) {
		body->at = body->size;
		return NULL;
	}
	if (token_is(body, &word, "define")) {
		token_next(body, &word);
		return NULL;
	}
	if (is_conditional(body, &word))
		return conditional_reason(body);
	if (!token_is(body, &word, "pragma"))
		return word.kind == TOKEN_END ? NULL : "a preprocessor directive";
	token_next(body, &word);
	if (token_is(body, &word, "pack") || token_is(body, &word, "push_macro") ||
	    token_is(body, &word, "pop_macro"))
		body->at = body->size;
	else if (token_is(body, &word, "GCC"))
		token_next(body, &word);
	else if (token_is(body, &word, "STDC"))
		return stdc_reason(body);
	if (body->at == body->size || token_is(body, &word, "diagnostic") ||
	    token_is(body, &word, "poison") || token_is(body, &word, "system_header") ||
	    token_is(body, &word, "visibility") || token_is(body, &word, "push_options") ||
	    token_is(body, &word, "pop_options") || token_is(body, &word, "optimize")) {
		body->at = body->size;
		return NULL;
	}
	return "a #pragma";
}

/* A macro that makes a pragma of its argument, `#define WARN(x) _Pragma (#x)`: where its name stands; NULL: none so far. */
struct pragma_macro {
	const char *name;
	size_t length;
};

/* What a pragma asks for that libtcc does not have, and that changes no code. `body` is behind `_Pragma("`. */
static bool pragma_is_harmless(struct token_reader body)
{
	static const char *const words[] = {"diagnostic", "warning",      "poison",      "system_header",
					    "visibility", "push_options", "pop_options", "optimize"};
	struct token word;

	token_next(&body, &word);
	if (!token_is(&body, &word, "GCC"))
		return false;
	token_next(&body, &word);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (word.kind == TOKEN_NAME && token_is(&body, &word, words[i]))
			return true;
	return false;
}

/* Where in the text a scan is: in which braces, and in how many brackets within them. */
enum brace_kind { BRACE_FILE, BRACE_OTHER, BRACE_FIELDS, BRACE_ENUM };

enum { DEPTH_MAX = 256 };

struct scan {
	struct token_reader reader;
	bool macro;         /* the text of a macro: nobody knows what comes before it */
	struct scan *whole; /* of the text that the macro is defined in; NULL: this one is */
	struct pragma_macro pragma;
	struct branches *branches; /* NULL in a macro */
	struct token token, previous;
	enum brace_kind next; /* what a `{` here would open */
	bool enum_closed;     /* right behind an enum's braces */
	bool external;        /* the declaration is one of something elsewhere */
	unsigned depth;
	struct {
		enum brace_kind kind;
		unsigned brackets;
	} braces[DEPTH_MAX];
};

/* Whether a bit-field's width is told by numbers alone that come to no more than 32, or is one of them, as in `(n) ? 2 : -1`. */
static bool is_narrow(struct token_reader reader)
{
	unsigned long sum = 0;
	unsigned depth = 0;
	bool known = true, any = false;
	struct token t;

	for (token_next(&reader, &t); t.kind != TOKEN_END; token_next(&reader, &t)) {
		if (!depth &&
		    (t.first == ';' || t.first == ',' || t.first == '}' || (any && t.kind == TOKEN_NAME)))
			break;
		depth += token_opens(&t);
		depth -= token_closes(&t) && depth;
		if (!depth && t.first == '?') {
			known = true;
			sum = 0;
		} else if (t.kind == TOKEN_NUMBER) {
			sum += strtoul(reader.text + t.begin, NULL, 0);
			any = true;
		} else {
			known &= t.kind == TOKEN_PUNCTUATOR && t.end - t.begin == 1 &&
				 strchr("()+-:", t.first);
		}
	}
	return known && any && sum <= 32;
}

/* A bit-field of more than 32 bits: gcc computes with its own width, libtcc with 64 bits. */
static const char *colon_reason(const struct scan *scan)
{
	if (scan->braces[scan->depth].kind != BRACE_FIELDS || scan->braces[scan->depth].brackets)
		return NULL;
	return is_narrow(scan->reader) ? NULL : "a bit-field of more than 32 bits";
}

static const char *open_brace(struct scan *scan)
{
	if (scan->depth + 1 == DEPTH_MAX)
		return "so deeply nested braces";
	scan->depth++;
	scan->braces[scan->depth].kind = scan->next;
	scan->braces[scan->depth].brackets = 0;
	scan->next = BRACE_OTHER;
	return NULL;
}

static const char *punctuator_reason(struct scan *scan)
{
	bool was_enum = scan->braces[scan->depth].kind == BRACE_ENUM;
	unsigned *brackets = &scan->braces[scan->depth].brackets;
	switch (scan->token.first) {
	case '{':
		return open_brace(scan);
	case ';':
		scan->external &= scan->depth > 0;
		break;
	case '}':
		scan->external &= scan->depth != 1 || scan->braces[1].kind != BRACE_OTHER;
		if (scan->depth)
			scan->depth--;
		scan->enum_closed = was_enum;
		return NULL;
	case '(':
	case '[':
		++*brackets;
		break;
	case ')':
	case ']':
		if (*brackets)
			--*brackets;
		break;
	case ':':
		return colon_reason(scan);
	}
	scan->next = BRACE_OTHER;
	return NULL;
}

static const char not_pragma[] = "_Pragma";

/* `_Pragma (# message)` in a macro: each call of it, all of which stand behind it, says what the pragma is. */
static const char *learn_pragma(const struct scan *scan)
{
	struct scan *whole = scan->whole;
	struct token_reader line;
	struct token name;

	if (!whole || whole->pragma.name)
		return not_pragma;
	token_read_directive(&line, whole->reader.text, &whole->token, &name);
	token_next(&line, &name);
	whole->pragma = (struct pragma_macro){line.text + name.begin, name.end - name.begin};
	return memmem(whole->reader.text, whole->token.begin, whole->pragma.name, whole->pragma.length)
		       ? not_pragma
		       : NULL;
}

static const char *pragma_reason(const struct scan *scan)
{
	struct token_reader reader = scan->reader, body;
	struct token token;

	token_next(&reader, &token);
	if (token.first != '(')
		return not_pragma;
	token_next(&reader, &token);
	if (token.first == '#')
		return learn_pragma(scan);
	if (token.kind != TOKEN_STRING || token.first != '"' || token.unterminated)
		return not_pragma;
	token_reader_within(&body, reader.text, token.begin + 1, token.end - 1, false);
	return pragma_is_harmless(body) ? NULL : not_pragma;
}

static bool makes_pragma(const struct scan *scan)
{
	const struct pragma_macro *made = scan->whole ? &scan->whole->pragma : &scan->pragma;
	const struct token *t = &scan->token;

	return made->name && t->end - t->begin == made->length &&
	       memcmp(scan->reader.text + t->begin, made->name, made->length) == 0;
}

static const char *made_pragma_reason(const struct scan *scan)
{
	struct token_reader reader = scan->reader;
	struct token token;

	token_next(&reader, &token);
	return token.first == '(' && pragma_is_harmless(reader) ? NULL : not_pragma;
}

/* Of what is declared outside functions only sizes and places depend on its alignment, and those libtcc knows. */
static bool may_be_local(const struct scan *scan)
{
	return scan->macro || (scan->depth && scan->braces[1].kind == BRACE_OTHER);
}

/* `int a __attribute__((aligned(8))), b`: libtcc has it for b too. */
static bool is_of_one_member(const struct scan *scan)
{
	struct token_reader reader = scan->reader;
	struct token token;

	if (scan->braces[scan->depth].kind != BRACE_FIELDS || scan->braces[scan->depth].brackets)
		return false;
	token_next(&reader, &token);
	token_skip_group(&reader, &token);
	token_next(&reader, &token);
	return token.first == ',';
}

static const char *name_reason(struct scan *scan)
{
	const struct token_reader *reader = &scan->reader;
	const struct token *token = &scan->token;
	const char *reason = find_word(reader->text, token);
	if (reason)
		return reason;
	if (token_is(reader, token, "_Pragma"))
		return pragma_reason(scan);
	if (makes_pragma(scan))
		return made_pragma_reason(scan);
	scan->external |= !scan->depth && token_is(reader, token, "extern");
	if (token_is(reader, token, "struct") || token_is(reader, token, "union"))
		scan->next = BRACE_FIELDS;
	else if (token_is(reader, token, "enum"))
		scan->next = BRACE_ENUM;
	else if (scan->next == BRACE_ENUM && !token_is_attribute(reader, token) &&
		 !token_is(&scan->reader, &scan->previous, "enum")) /* `enum e n`: what follows is n's */
		scan->next = BRACE_OTHER;
	if (token_is(reader, token, "_Alignas") && may_be_local(scan) && !alignment_is_kept(*reader))
		return over_aligned;
	if (token_is_attribute(reader, token)) {
		/* `packed` makes it smaller, to gcc. */
		if (scan->next == BRACE_ENUM || scan->enum_closed)
			return "an enumeration with an attribute";
		reason = is_of_one_member(scan)
				 ? "an attribute of one of several members"
				 : attribute_reason(*reader, may_be_local(scan), scan->external);
		if (!reason && scan->next == BRACE_FIELDS) { /* struct __attribute__((packed)) { */
			token_next(&scan->reader, &scan->token);
			token_skip_group(&scan->reader, &scan->token);
		}
		return reason;
	}
	if (token_is(reader, token, "__asm__") || token_is(reader, token, "asm") ||
	    token_is(reader, token, "__asm"))
		return asm_reason(*reader, scan->macro || starts_statement(&scan->previous, scan->depth > 0));
	return NULL;
}

static const char *token_reason(struct scan *scan)
{
	bool behind_enum = scan->enum_closed;
	const char *reason = NULL;
	switch (scan->token.kind) {
	case TOKEN_NAME:
		reason = name_reason(scan);
		break;
	case TOKEN_PUNCTUATOR:
		reason = punctuator_reason(scan);
		break;
	case TOKEN_STRING:
	case TOKEN_CHARACTER:
		reason = literal_reason(&scan->reader, &scan->token);
		break;
	case TOKEN_NUMBER:
		reason = number_reason(&scan->reader, &scan->token);
		break;
	default:
		break;
	}
	if (behind_enum)
		scan->enum_closed = false;
	return reason;
}

/* Whether libtcc passes over the token. */
static bool passes_over(const struct scan *scan)
{
	if (!scan->branches)
		return false;
	if (scan->token.kind == TOKEN_DIRECTIVE)
		branches_read(scan->branches, scan->reader.text, &scan->token);
	return branches_pass(scan->branches);
}

static const char *scan_text(struct scan *scan)
{
	for (;;) {
		token_next(&scan->reader, &scan->token);
		if (scan->token.kind == TOKEN_END)
			return scan->token.unterminated ? "an unterminated literal or comment" : NULL;
		if (passes_over(scan))
			continue;
		const char *reason;
		if (scan->token.kind == TOKEN_DIRECTIVE) {
			struct token_reader body;
			reason = directive_reason(scan->reader.text, &scan->token, &body);
			if (!reason && body.at < body.size) {
				struct scan inner = {.reader = body, .macro = true, .whole = scan};
				reason = scan_text(&inner);
			}
		} else {
			reason = token_reason(scan);
			scan->previous = scan->token;
		}
		if (reason)
			return reason;
	}
}

/* Whether [begin, end) of a text has __LINE__, or one of the macros, each on a line, that have it. */
static bool asks_for_line(const char *text, uint32_t begin, uint32_t end, const struct text *macros)
{
	struct token_reader r;
	struct token t;

	token_reader_within(&r, text, begin, end, false);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t))
		if (t.kind == TOKEN_NAME &&
		    (token_is(&r, &t, "__LINE__") || text_has_line(macros, text + t.begin, t.end - t.begin)))
			return true;
	return false;
}

/* Adds macros that have it, or one of those that are there. True if there was any. */
static bool add_asking(const char *text, uint32_t size, struct text *macros)
{
	struct token_reader r, line;
	struct token t, word, name;
	bool any = false;

	token_reader_init(&r, text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		if (t.kind != TOKEN_DIRECTIVE)
			continue;
		token_read_directive(&line, text, &t, &word);
		token_next(&line, &name);
		size_t length = name.end - name.begin;
		const char *spelled = line.text + name.begin;
		if (!token_is(&line, &word, "define") || name.kind != TOKEN_NAME ||
		    text_has_line(macros, spelled, length) ||
		    !asks_for_line(line.text, name.end, line.size, macros))
			continue;
		text_append(macros, spelled, length);
		text_puts(macros, "\n");
		any = true;
	}
	return any;
}

/* Whether the text defines a macro of that name that takes arguments. */
static bool defines_macro(const char *text, uint32_t size, const char *name, size_t length)
{
	const char *end = text + size;

	for (const char *at = text; (at = memmem(at, (size_t)(end - at), name, length)); at += length)
		if (at > text + 7 && !memcmp(at - 7, "define ", 7) && at + length < end && at[length] == '(')
			return true;
	return false;
}

/* Of one of these macros, or of any with one of them in its arguments. */
static bool has_long_call(const char *text, uint32_t size, const struct text *macros)
{
	struct token_reader r;
	struct token t, open;

	token_reader_init(&r, text, size);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		struct token_reader ahead = r;
		size_t length = t.end - t.begin;
		if (t.kind != TOKEN_NAME)
			continue;
		token_next(&ahead, &open);
		if (open.kind != TOKEN_PUNCTUATOR || open.first != '(')
			continue;
		token_skip_group(&ahead, &open);
		if (!memchr(text + t.begin, '\n', open.end - t.begin))
			continue;
		if (text_has_line(macros, text + t.begin, length) ||
		    (asks_for_line(text, t.end, open.end, macros) &&
		     defines_macro(text, size, text + t.begin, length)))
			return true;
	}
	return false;
}

/* In a call of a macro over several lines __LINE__ is that of its first one for gcc, and that of its last one for libtcc. */
static bool counts_calls(const char *text, uint32_t size)
{
	struct text macros = {0};

	if (!token_has_pair(text, size, 'L', 'I') || !memmem(text, size, "__LINE__", 8))
		return false;
	while (add_asking(text, size, &macros))
		;
	bool counts = macros.failed || has_long_call(text, size, &macros);
	text_fini(&macros);
	return counts;
}

const char *trust_text(const char *text, uint32_t size)
{
	struct branches branches = {.macros = BRANCHES_MACROS};
	struct scan scan = {.branches = &branches};
	token_reader_init(&scan.reader, text, size);
	const char *reason = scan_text(&scan);
	bool failed = branches.failed;
	branches_fini(&branches);
	if (!reason && counts_calls(text, size))
		reason = "the line of a macro's call over several lines";
	return failed ? "so many macros" : reason;
}

/* Flags that make the same text mean something else, and that libtcc does not know. */
static const char *const distrusted_flags[] = {
	"-funsigned-char",
	"-fno-signed-char",
	"-funsigned-bitfields",
	"-fno-signed-bitfields",
	"-ftrivial-auto-var-init=pattern",
	"-ftrivial-auto-var-init=zero",
	"-fpcc-struct-return",
	"-fshort-enums",
	"-fshort-wchar",
	"-fpack-struct",
	"-ftrapv",
	"-fplan9-extensions",
	"-fexec-charset=",
	"-fwide-exec-charset=",
	"-finput-charset=",
	"-fsanitize=",
	"-finstrument-functions",
	"-fopenmp",
	"-fsingle-precision-constant",
	"-malign-double",
	"-mlong-double-64",
	"-mlong-double-128",
	"-mms-bitfields",
	"-m32",
	"-mx32",
	"-mabi=",
	"-mregparm",
};

/* All of them are of these two kinds: most flags of a program are not. */
static bool may_be_distrusted(const char *flag)
{
	return flag[0] == '-' && (flag[1] == 'f' || flag[1] == 'm');
}

/* What ends a call from below goes through libtcc's code as well (debugger.h), but runs no cleanup in it. */
static bool is_about_cleanups(const char *flag)
{
	return !strcmp(flag, "-fexceptions") || !strcmp(flag, "-fnon-call-exceptions");
}

static bool cleans_up(const char *text)
{
	const char *end = text + strlen(text);

	return text_find_word(text, end, text, "cleanup") || text_find_word(text, end, text, "__cleanup__");
}

/* Of processors that have no instruction which multiplies and adds, the names that -march= takes. */
static bool may_fuse(const char *architecture)
{
	static const char *const older[] = {"x86-64", "x86-64-v2", "core2", "nehalem"};

	for (size_t i = 0; i < sizeof older / sizeof *older; i++)
		if (!strcmp(architecture, older[i]))
			return false;
	return true;
}

bool trust_fuses(const char *const *argv)
{
	static const char march[] = "-march=";
	static const char *const fusing[] = {"-mfma", "-mavx512"};
	bool may = false;

	for (; *argv; argv++) {
		if (!may_be_distrusted(*argv))
			continue;
		for (size_t i = 0; i < sizeof fusing / sizeof *fusing; i++)
			if (!strncmp(*argv, fusing[i], strlen(fusing[i])))
				return true;
		if (!strncmp(*argv, march, strlen(march)))
			may = may_fuse(*argv + strlen(march));
	}
	return may;
}

const char *trust_flags(const char *const *argv, const char *text)
{
	for (; *argv; argv++) {
		if (!may_be_distrusted(*argv))
			continue;
		if (is_about_cleanups(*argv) && cleans_up(text))
			return *argv;
		for (size_t i = 0; i < sizeof distrusted_flags / sizeof *distrusted_flags; i++)
			if (!strncmp(*argv, distrusted_flags[i], strlen(distrusted_flags[i])))
				return *argv;
	}
	return NULL;
}

bool trust_warning(const char *warning)
{
	const char *quote = strchr(warning, '\'');
	const char *ignored = strstr(warning, "' attribute ignored");
	if (quote && ignored > quote) {
		for (size_t i = 0; i < sizeof harmless_attributes / sizeof *harmless_attributes; i++)
			if (attribute_equals(quote + 1, (size_t)(ignored - quote - 1),
					     harmless_attributes[i]))
				return true;
		return false;
	}
	for (size_t i = 0; i < sizeof harmless_warnings / sizeof *harmless_warnings; i++)
		if (strstr(warning, harmless_warnings[i]))
			return true;
	return false;
}
