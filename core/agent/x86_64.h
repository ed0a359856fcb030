/* The bytes that depend on the processor: what a sled looks like and what it becomes.
 *
 *      gcc:   90 × 16                            clang: 2e 66 0f 1f 84 00 00 02 00 00, 66 0f 1f 44 00 08
 *      after: ff 25 rel32   jmp *slot(%rip), the rest as it was and never reached
 *
 * Source: Intel SDM volume 2, NOP and JMP. */
#ifndef RTF_AGENT_X86_64_H
#define RTF_AGENT_X86_64_H

#ifndef __x86_64__
#error "rtf knows x86-64 only, so far"
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

enum { SLED_MAX = 16, JUMP_SIZE = 6 };

/* How far apart what refers to each other may lie: 2 GiB, less some room for what is at the ends. */
#define REACH ((INT64_C(1) << 31) - (INT64_C(16) << 20))

/* Length of the no-operation at `p`, or 0 if it is something else or longer than `size`. */
static inline size_t nop_length(const unsigned char *p, size_t size)
{
	size_t at = 0;

	while (at < size && (p[at] == 0x66 || p[at] == 0x2e))
		at++;
	if (at < size && p[at] == 0x90)
		return at + 1;
	if (size - at < 3 || p[at] != 0x0f || p[at + 1] != 0x1f || (p[at + 2] & 0x38))
		return 0;

	unsigned char modrm = p[at + 2], mode = modrm >> 6;
	at += 3;
	if (mode != 3 && (modrm & 7) == 4)
		at++; /* SIB */
	if (mode == 1)
		at += 1;
	else if (mode == 2 || (mode == 0 && (modrm & 7) == 5))
		at += 4;
	return at <= size ? at : 0;
}

/* Length of the run of whole no-operations at `p`, at most SLED_MAX. */
static inline size_t sled_length(const unsigned char *p)
{
	size_t length = 0, n;

	while ((n = nop_length(p + length, SLED_MAX - length)))
		length += n;
	return length;
}

/* The jump from `sled` through `slot`, which lies within reach. */
static inline void jump_encode(unsigned char out[JUMP_SIZE], uint64_t sled, uint64_t slot)
{
	int32_t distance = (int32_t)(slot - (sled + JUMP_SIZE));

	out[0] = 0xff;
	out[1] = 0x25;
	memcpy(out + 2, &distance, sizeof(distance));
}

/* The slot that the jump at `sled` leads through, 0 if it is another instruction. */
static inline uint64_t jump_slot(const unsigned char *sled)
{
	int32_t distance;

	if (sled[0] != 0xff || sled[1] != 0x25)
		return 0;
	memcpy(&distance, sled + 2, sizeof(distance));
	return (uint64_t)(uintptr_t)sled + JUMP_SIZE + (uint64_t)(int64_t)distance;
}

/* Where a thread was when a signal came: DWARF's register numbers (psABI figure 3.36), 16 is the program counter. */
enum { REGISTER_SP = 7, REGISTER_PC = 16 };

static inline void registers_of(const void *context, uint64_t out[REGISTER_PC + 1])
{
	static const unsigned char order[REGISTER_PC + 1] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
	};
	const greg_t *r = ((const ucontext_t *)context)->uc_mcontext.gregs;

	for (int i = 0; i <= REGISTER_PC; i++)
		out[i] = (uint64_t)r[order[i]];
}

#endif
