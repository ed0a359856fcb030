#include "prelude.h"
#include "dialect.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* An operation by all of its names: for what was there before, and for what is there now. */
#define TRIED(name, changed) \
	"#define __atomic_fetch_" name "(p, value, order) ((void)(order), __rtf_try(p, value, " changed \
	", rtf_f))\n" \
	"#define __atomic_" name "_fetch(p, value, order) ((void)(order), __rtf_try(p, value, " changed \
	", rtf_n))\n" \
	"#define __sync_fetch_and_" name "(p, value) __rtf_try(p, value, " changed ", rtf_f)\n" \
	"#define __sync_" name "_and_fetch(p, value) __rtf_try(p, value, " changed ", rtf_n)\n"

/* Only spellings whose replacement means exactly the same; each evaluates its arguments as often as gcc does. What is missing
 * here is an implicit declaration, and goes to cc. Each line says one name, and needs none but those of lines before it. */
static const char words[] =
	"#define __PRETTY_FUNCTION__ __func__\n"
	"#define " DIALECT_TYPEOF " __typeof__\n"
	"#define " PRELUDE_LIBTCC " 1\n"
	"#define __builtin_unreachable() ((void)0)\n"
	"#define __builtin_expect(x, y) ((long)(x))\n" /* libtcc knows it, but leaves its type */
	"#define __builtin_prefetch(p, ...) ((void)(p))\n"
	"#define __builtin_assume_aligned(p, ...) ((void *)(p))\n"
	"#define __builtin_object_size(p, type) ((type) < 2 ? ~0ul : 0ul)\n"
	"#define __builtin_dynamic_object_size __builtin_object_size\n"
	"#define __builtin_inf() (1e9999)\n"
	"#define __builtin_inff() (1e9999f)\n"
	"#define __builtin_huge_val() (1e9999)\n"
	"#define __builtin_huge_valf() (1e9999f)\n"
	"#define __builtin_isnan(x) __extension__({ __typeof__((x) + 0.0f) rtf_x = (x); rtf_x != rtf_x; })\n"
	/* Comparisons with == are quiet: no number that is none raises anything. */
	"#define __builtin_isinf_sign(x) __extension__({ __typeof__((x) + 0.0f) rtf_x = (x); "
	"rtf_x == 1e9999 ? 1 : rtf_x == -1e9999 ? -1 : 0; })\n"
	"#define __builtin_signbit(x) __extension__({ __typeof__((x) + 0.0f) rtf_x = (x); ((unsigned char "
	"*)&rtf_x)[sizeof(rtf_x) == 16 ? 9 : sizeof(rtf_x) - 1] >> 7; })\n"
	"#define __builtin_isfinite(x) __extension__({ __typeof__((x) + 0.0f) rtf_x = (x); rtf_x "
	"== rtf_x && rtf_x != 1e9999 && rtf_x != -1e9999; })\n"
	"#define __builtin_fpclassify(nan, infinite, normal, subnormal, zero, x) __extension__({ "
	"__typeof__((x) + 0.0f) rtf_x = (x); rtf_x != rtf_x ? (nan) : rtf_x == 1e9999 || rtf_x "
	"== -1e9999 ? (infinite) : rtf_x == 0 ? (zero) : (rtf_x < 0 ? -rtf_x : rtf_x) < "
	"(sizeof(rtf_x) == 4 ? 1.17549435082228750797e-38L : sizeof(rtf_x) == 8 ? "
	"2.2250738585072013831e-308L : 3.36210314311209350626e-4932L) ? (subnormal) : (normal); "
	"})\n"
	"#define __builtin_bswap16(x) __extension__({ unsigned short rtf_x = (x); "
	"(unsigned short)(rtf_x << 8 | rtf_x >> 8); })\n"
	"#define __builtin_bswap32(x) __extension__({ unsigned rtf_x = (x); "
	"rtf_x << 24 | (rtf_x & 0xff00u) << 8 | (rtf_x >> 8 & 0xff00u) | rtf_x >> 24; })\n"
	"#define __builtin_bswap64(x) __extension__({ unsigned long rtf_x = (x); "
	"rtf_x << 56 | (rtf_x & 0xff00ul) << 40 | (rtf_x & 0xff0000ul) << 24 | (rtf_x & 0xff000000ul) << 8 | "
	"(rtf_x >> 8 & 0xff000000ul) | (rtf_x >> 24 & 0xff0000ul) | (rtf_x >> 40 & 0xff00ul) | rtf_x >> 56; "
	"})\n"
	"int __rtf_ffs(unsigned long);\n"
	"int __rtf_fls(unsigned long);\n"
	"int __rtf_popcount(unsigned long);\n"
	"#define __builtin_ffs(x) __rtf_ffs((unsigned)(x))\n"
	"#define __builtin_ffsl(x) __rtf_ffs((unsigned long)(x))\n"
	"#define __builtin_ffsll(x) __rtf_ffs((unsigned long)(x))\n"
	"#define __builtin_ctz(x) (__rtf_ffs((unsigned)(x)) - 1)\n"
	"#define __builtin_ctzl(x) (__rtf_ffs((unsigned long)(x)) - 1)\n"
	"#define __builtin_ctzll(x) (__rtf_ffs((unsigned long)(x)) - 1)\n"
	"#define __builtin_clz(x) (32 - __rtf_fls((unsigned)(x)))\n"
	"#define __builtin_clzl(x) (64 - __rtf_fls((unsigned long)(x)))\n"
	"#define __builtin_clzll(x) (64 - __rtf_fls((unsigned long)(x)))\n"
	"#define __builtin_popcount(x) __rtf_popcount((unsigned)(x))\n"
	"#define __builtin_popcountl(x) __rtf_popcount((unsigned long)(x))\n"
	"#define __builtin_popcountll(x) __rtf_popcount((unsigned long)(x))\n"
	"#define __builtin_parity(x) (__rtf_popcount((unsigned)(x)) & 1)\n"
	"_Bool __rtf_overflow(int op, unsigned long a, int a_negative, unsigned long b, int b_negative, "
	"void *result, int size, int is_signed);\n"
	"#define __rtf_arithmetic(op, a, b, r) __extension__({ __typeof__(a) rtf_a = (a); "
	"__typeof__(b) rtf_b = (b); __typeof__(*(r)) *rtf_r = (r); "
	"__rtf_overflow(op, (unsigned long)rtf_a, rtf_a < 0, (unsigned long)rtf_b, rtf_b < 0, "
	"rtf_r, sizeof(*rtf_r), (__typeof__(*rtf_r))-1 < 0); })\n"
	"#define __builtin_add_overflow(a, b, r) __rtf_arithmetic('+', a, b, r)\n"
	"#define __builtin_sub_overflow(a, b, r) __rtf_arithmetic('-', a, b, r)\n"
	"#define __builtin_mul_overflow(a, b, r) __rtf_arithmetic('*', a, b, r)\n"
	/* A plain access of a scalar is one instruction, and on this processor acquires or releases by
	 * itself; only sequential consistency wants a fence behind a store (the memory model of x86-TSO). 5
	 * is __ATOMIC_SEQ_CST. */
	/* One locked instruction, whatever less is asked for. Bytes are added to a pointer, as gcc does. */
	"unsigned long __rtf_fetch_add(void *, unsigned long value, int size);\n"
	"unsigned long __rtf_exchange(void *, unsigned long value, int size);\n"
	"unsigned long __rtf_compare_exchange(void *, unsigned long old, unsigned long value, int size);\n"
	"#define __rtf_before(p, v) __extension__({ __typeof__(p) rtf_p = (p); "
	"(__typeof__(*rtf_p))__rtf_fetch_add((void *)rtf_p, (unsigned long)(v), sizeof(*rtf_p)); "
	"})\n"
	"#define __rtf_after(p, v) __extension__({ __typeof__(p) rtf_p = (p); unsigned long "
	"rtf_v = (unsigned long)(v); (__typeof__(*rtf_p))(__rtf_fetch_add((void *)rtf_p, rtf_v, "
	"sizeof(*rtf_p)) + rtf_v); })\n"
	"#define __atomic_fetch_add(p, value, order) ((void)(order), __rtf_before(p, (unsigned "
	"long)(value)))\n"
	"#define __atomic_fetch_sub(p, value, order) ((void)(order), __rtf_before(p, -(unsigned "
	"long)(value)))\n"
	"#define __atomic_add_fetch(p, value, order) ((void)(order), __rtf_after(p, (unsigned "
	"long)(value)))\n"
	"#define __atomic_sub_fetch(p, value, order) ((void)(order), __rtf_after(p, -(unsigned "
	"long)(value)))\n"
	"#define __sync_fetch_and_add(p, value) __rtf_before(p, (unsigned long)(value))\n"
	"#define __sync_fetch_and_sub(p, value) __rtf_before(p, -(unsigned long)(value))\n"
	"#define __sync_add_and_fetch(p, value) __rtf_after(p, (unsigned long)(value))\n"
	"#define __sync_sub_and_fetch(p, value) __rtf_after(p, -(unsigned long)(value))\n"
	"#define __atomic_exchange_n(p, value, order) __extension__({ __typeof__(p) rtf_p = (p); "
	"(void)(order); (__typeof__(*rtf_p))__rtf_exchange((void *)rtf_p, (unsigned "
	"long)(value), sizeof(*rtf_p)); })\n"
	"#define __sync_val_compare_and_swap(p, old, value) __extension__({ __typeof__(p) rtf_p "
	"= (p); unsigned long rtf_o = (unsigned long)(old); "
	"(__typeof__(*rtf_p))__rtf_compare_exchange((void *)rtf_p, rtf_o, (unsigned "
	"long)(value), sizeof(*rtf_p)); })\n"
	"#define __sync_bool_compare_and_swap(p, old, value) __extension__({ __typeof__(p) rtf_b "
	"= (p); __typeof__(*rtf_b) rtf_w = (__typeof__(*rtf_b))(old); "
	"(_Bool)(__sync_val_compare_and_swap(rtf_b, rtf_w, value) == rtf_w); })\n"
	"#define __atomic_compare_exchange_n(p, expected, value, weak, order, other) "
	"__extension__({ __typeof__(p) rtf_c = (p); __typeof__(*rtf_c) *rtf_e = (void "
	"*)(expected), rtf_w = *rtf_e; (void)(weak); (void)(order); (void)(other); *rtf_e = "
	"__sync_val_compare_and_swap(rtf_c, rtf_w, value); (_Bool)(*rtf_e == rtf_w); })\n"
	/* What no instruction of the processor answers is tried until nobody came between. */
	"#define __rtf_try(p, v, changed, result) __extension__({ __typeof__(p) rtf_t = (p); "
	"__typeof__(*rtf_t) rtf_u = (__typeof__(*rtf_t))(v), rtf_f, rtf_n; do { rtf_f = *(volatile "
	"__typeof__(*rtf_t) *)rtf_t; rtf_n = (__typeof__(*rtf_t))(changed); } while "
	"(!__sync_bool_compare_and_swap(rtf_t, rtf_f, rtf_n)); result; })\n"
	"#define __atomic_test_and_set(p, order) ((_Bool)__atomic_exchange_n((unsigned char *)(p), 1, "
	"order))\n"
	"#define __sync_lock_test_and_set(p, value) __atomic_exchange_n(p, value, 2)\n"
	/* For variables whose first initialiser is computed (adapt.h). */
	"void __rtf_zero(void *, unsigned long);\n"
	/* For thread-local variables (adapt.h). */
	"char *__rtf_thread(void);\n"
	"void __rtf_fence(void);\n"
	"#define __sync_synchronize() __rtf_fence()\n"
	"#define __atomic_thread_fence(order) ((order) == 5 ? __rtf_fence() : (void)0)\n"
	"#define __atomic_signal_fence(order) ((void)(order))\n"
	"#define __atomic_load_n(p, order) __extension__({ const volatile __typeof__(*(p)) *rtf_p = (p); "
	"*rtf_p; })\n"
	"#define __atomic_store_n(p, value, order) __extension__({ volatile __typeof__(*(p)) *rtf_p = (p); "
	"*rtf_p = (value); (order) == 5 ? __rtf_fence() : (void)0; })\n"
	"#define __atomic_clear(p, order) __atomic_store_n((unsigned char *)(p), 0, order)\n"
	"#define __sync_lock_release(p) __atomic_store_n(p, 0, 3)\n"
	/* As <stdatomic.h> has them. What is no number or pointer, or larger than a register, is none of libtcc's. */
	"#define __rtf_word(p) ((void)sizeof(*(p) == 0), (void)sizeof(char[sizeof(*(p)) <= 8 ? 1 : -1]))\n"
	"#define __atomic_load(p, result, order) (__rtf_word(p), (void)(*(result) = __atomic_load_n(p, "
	"order)))\n"
	"#define __atomic_store(p, value, order) (__rtf_word(p), __atomic_store_n(p, *(value), order))\n"
	"#define __atomic_exchange(p, value, result, order) (__rtf_word(p), (void)(*(result) = "
	"__atomic_exchange_n(p, *(value), order)))\n"
	"#define __atomic_compare_exchange(p, expected, value, weak, order, other) (__rtf_word(p), "
	"__atomic_compare_exchange_n(p, expected, *(value), weak, order, other))\n"
	/* clang-format off */
	TRIED("and", "rtf_f & rtf_u") TRIED("or", "rtf_f | rtf_u") TRIED("xor", "rtf_f ^ rtf_u")
	TRIED("nand", "~(rtf_f & rtf_u)");
/* clang-format on */

enum { LINES_MAX = 128 };

struct line {
	const char *text, *name;
	size_t size, name_size;
	bool wanted;
};

/* The name that a line says: its first that begins so. */
static void find_name(struct line *line)
{
	line->name = strstr(line->text, "__");
	while (text_is_word(line->name[line->name_size]))
		line->name_size++;
}

static size_t split(struct line *lines)
{
	size_t count = 0;

	for (const char *at = words; *at && count < LINES_MAX; count++) {
		lines[count] = (struct line){.text = at, .size = strcspn(at, "\n") + 1};
		find_name(&lines[count]);
		at += lines[count].size;
	}
	return count;
}

static void want(struct line *lines, size_t count, const char *name, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (lines[i].name_size == size && memcmp(lines[i].name, name, size) == 0)
			lines[i].wanted = true;
}

/* Every name in the text that begins with two underscores. */
static void want_all(struct line *lines, size_t count, const char *text, size_t size)
{
	const char *end = text + size;

	for (const char *at = text; (at = memmem(at, (size_t)(end - at), "__", 2));) {
		const char *behind = at;
		while (behind < end && text_is_word(*behind))
			behind++;
		want(lines, count, at, (size_t)(behind - at));
		at = behind;
	}
}

char *prelude_put(const char *text, size_t size)
{
	struct line lines[LINES_MAX];
	size_t count = split(lines);
	bool pastes = memmem(text, size, "##", 2) != NULL; /* names that nobody sees */
	struct text whole = {0};

	want_all(lines, count, text, size);
	for (size_t i = count; i-- > 0;)
		if (lines[i].wanted || pastes)
			want_all(lines, i, lines[i].text, lines[i].size);
	text_puts(&whole, "#undef unix\n#undef linux\n");
	if (memmem(text, size, "_Pragma", 7)) /* trust_text lets those come this far that change no code */
		text_puts(&whole, "#define _Pragma(text)\n");
	for (size_t i = 0; i < count; i++)
		if (lines[i].wanted || pastes)
			text_append(&whole, lines[i].text, lines[i].size);
	text_puts(&whole, "#line 1 \"slice\"\n");
	text_append(&whole, text, size);
	return text_take(&whole);
}
