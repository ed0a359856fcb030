#include "ring.h"
#include "token.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(sizeof(struct ring_slot) == 1280 && sizeof(struct ring) == 656 + 64 * 1280,
	       "as declared in C below");

static bool take_piece(const struct ring_slot *s, size_t *at, const unsigned char **bytes, size_t *size,
		       bool *no_room)
{
	uint16_t n;

	if (s->size > RING_VALUES || *at + sizeof(n) > s->size)
		return false;
	memcpy(&n, s->values + *at, sizeof(n));
	*at += sizeof(n);
	*no_room = n == RING_NO_ROOM;
	*size = *no_room ? 0 : n;
	*bytes = s->values + *at;
	if (*size > s->size - *at)
		return false;
	*at += *size;
	return true;
}

bool ring_next_value(const struct ring_slot *s, size_t *at, struct ring_value *out)
{
	bool unused;

	*out = (struct ring_value){0};
	return take_piece(s, at, &out->bytes, &out->size, &out->no_room) &&
	       take_piece(s, at, &out->followed, &out->followed_size, &unused);
}

/* The program's half, in C that gcc and clang know, with names of its own for what libc has: a slice may declare that
 * otherwise. The memory behind a pointer is read by the kernel, which does not fault; in two pieces, because it takes
 * whole ones only and the second may lie in a page that is not there. 186 and 310 are gettid and process_vm_readv, 39
 * getpid, on x86-64. `@` is the ring. */
static const char program_half[] =
	"extern long rtf_syscall(long, ...) __asm__(\"syscall\");\n"
	"extern int rtf_clock_gettime(int, long *) __asm__(\"clock_gettime\");\n"
	"extern int *rtf_errno(void) __asm__(\"__errno_location\");\n"
	"struct rtf_slot { long state, watch, thread, version, begin, end; unsigned size; unsigned char "
	"values[1224]; "
	"unsigned reserved; };\n"
	"struct rtf_ring { long quota[16], missed[16], next, lost, fault[16], signal[16], address[16]; "
	"struct rtf_slot slots[64]; };\n"
	"struct rtf_call { long watch, version, begin; unsigned size; int active; unsigned char "
	"values[1224]; };\n"
	"static struct rtf_ring @;\n"
	"static long rtf_now(void) { long t[2] = {0, 0}; rtf_clock_gettime(1, t); return t[0] * 1000000000L "
	"+ t[1]; }\n"
	"static int rtf_may(unsigned quota)\n"
	"{\n"
	"	if (__atomic_load_n(&@.quota[quota], 0) > 0 && __atomic_fetch_sub(&@.quota[quota], 1, 0) > "
	"0) return 1;\n"
	"	__atomic_fetch_add(&@.missed[quota], 1, 0);\n"
	"	return 0;\n"
	"}\n"
	"static void rtf_piece(struct rtf_call *c, const void *from, unsigned long size)\n"
	"{\n"
	"	unsigned short n = 0xffff;\n"
	"	if (c->size + 2 > sizeof(c->values)) return;\n"
	"	if (c->size + 2 + size <= sizeof(c->values)) n = (unsigned short)size;\n"
	"	__builtin_memcpy(c->values + c->size, &n, 2);\n"
	"	c->size += 2;\n"
	"	if (n == 0xffff) return;\n"
	"	__builtin_memcpy(c->values + c->size, from, n);\n"
	"	c->size += n;\n"
	"}\n"
	"static void rtf_put(struct rtf_call *c, const void *value, unsigned long size, int pointer)\n"
	"{\n"
	"	struct { unsigned long address, size; } local, remote[2];\n"
	"	unsigned char behind[256];\n"
	"	long n = 0;\n"
	"	int error = *rtf_errno();\n"
	"	rtf_piece(c, value, size);\n"
	"	if (pointer && size == 8) {\n"
	"		__builtin_memcpy(&remote[0].address, value, 8);\n"
	"		unsigned long page = 4096 - (remote[0].address & 4095);\n"
	"		local.address = (unsigned long)behind;\n"
	"		local.size = sizeof(behind);\n"
	"		remote[0].size = page < sizeof(behind) ? page : sizeof(behind);\n"
	"		remote[1].address = remote[0].address + remote[0].size;\n"
	"		remote[1].size = sizeof(behind) - remote[0].size;\n"
	"		if (remote[0].address >= 4096)\n"
	"			n = rtf_syscall(310, rtf_syscall(39), &local, 1L, remote, 2L, 0L);\n"
	"	}\n"
	"	rtf_piece(c, behind, n > 0 ? (unsigned long)n : 0);\n"
	"	*rtf_errno() = error;\n"
	"}\n"
	"static void rtf_enter(struct rtf_call *c, long watch, long version)\n"
	"{\n"
	"	c->watch = watch; c->version = version; c->size = 0; c->active = 1; c->begin = rtf_now();\n"
	"}\n"
	"static void rtf_leave(struct rtf_call *c)\n"
	"{\n"
	"	if (!c->active) return;\n"
	"	int error = *rtf_errno();\n"
	"	long end = rtf_now();\n"
	"	struct rtf_slot *s = &@.slots[(unsigned long)__atomic_fetch_add(&@.next, 1, 0) % 64];\n"
	"	if (__atomic_fetch_or(&s->state, 1, 2) & 1) {\n"
	"		__atomic_fetch_add(&@.lost, 1, 0);\n"
	"	} else {\n"
	"		s->watch = c->watch; s->version = c->version; s->begin = c->begin; s->end = end;\n"
	"		s->thread = rtf_syscall(186); s->size = c->size;\n"
	"		__builtin_memcpy(s->values, c->values, c->size);\n"
	"		__atomic_fetch_or(&s->state, 2, 3);\n"
	"	}\n"
	"	*rtf_errno() = error;\n"
	"}\n"
	"static int rtf_whole(unsigned quota, long watch)\n"
	"{\n"
	"	return __atomic_load_n(&@.fault[quota], 0) != watch;\n"
	"}\n"
	"static void rtf_faulted(const struct rtf_frame *f, unsigned quota, long watch)\n"
	"{\n"
	"	@.signal[quota] = (long)f->words[61]; @.address[quota] = (long)f->words[59];\n"
	"	__atomic_store_n(&@.fault[quota], watch, 3);\n"
	"}\n";

/* The frame is one of core/agent/park.h: word 54 is its magic, 59 the address, 61 the signal. */
static void declare_guard(struct text *out, uint64_t enter, uint64_t leave, uint64_t exit)
{
	text_printf(out,
		    "static int rtf_guard(struct rtf_frame *f)\n{\n"
		    "	((void (*)(struct rtf_frame *, unsigned long))0x%" PRIx64 "UL)(f, 0);\n"
		    "	return f->words[54] != 0;\n}\n"
		    "static void rtf_unguard(struct rtf_frame *f)\n{\n"
		    "	((void (*)(struct rtf_frame *))0x%" PRIx64 "UL)(f);\n}\n"
		    "__attribute__((__unused__)) static void " RING_EXIT "(int status)\n{\n"
		    "	((void (*)(int))0x%" PRIx64 "UL)(status);\n}\n",
		    enter, leave, exit);
}

void ring_declare(struct text *out, const char *name, uint64_t enter, uint64_t leave, uint64_t exit)
{
	for (const char *at = program_half; *at; at++) {
		if (*at == '@')
			text_puts(out, name);
		else
			text_append(out, at, 1);
	}
	declare_guard(out, enter, leave, exit);
}

/* A function's name as it is called. One that something else has, or that is only mentioned, is left alone: called through
 * a pointer, it is for core/agent/guard.c. */
static bool is_called(const struct token_reader *r, const struct token *name)
{
	struct token_reader behind = *r;
	struct token next;

	token_next(&behind, &next);
	return name->kind == TOKEN_NAME && next.kind == TOKEN_PUNCTUATOR && next.first == '(';
}

void ring_put_expression(struct text *t, const char *expression)
{
	static const char *const ends[] = {"exit", "_exit", "_Exit", "quick_exit"};
	struct token_reader r;
	struct token token;
	uint32_t from = 0;
	bool member = false;

	token_reader_init(&r, expression, (uint32_t)strlen(expression));
	for (token_next(&r, &token); token.kind != TOKEN_END; token_next(&r, &token)) {
		bool is_end = false;
		for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
			is_end |= token_is(&r, &token, ends[i]);
		if (is_end && !member && is_called(&r, &token)) {
			text_append(t, expression + from, token.begin - from);
			text_puts(t, RING_EXIT);
			from = token.end;
		}
		member = token_selects(&r, &token);
	}
	text_puts(t, expression + from);
}
