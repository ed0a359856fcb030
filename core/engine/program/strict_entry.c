#include "strict_entry.h"

#include <string.h>

enum { TARGET = 24, JUMP = 13 };

static const unsigned char head[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8d, 0x1d, JUMP, 0, 0, 0, 0xff, 0x25};

_Static_assert(sizeof(head) == JUMP && 4 + 7 + JUMP == TARGET, "lea leads to the word");

void strict_entry_write(unsigned char *at, uint64_t address, uint64_t enter_word, uint64_t target)
{
	int32_t distance = (int32_t)(enter_word - (address + sizeof(head) + sizeof(distance)));

	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), &distance, sizeof(distance));
	memcpy(at + TARGET, &target, sizeof(target));
}

uint64_t *strict_entry_word(unsigned char *code, size_t size)
{
	if (size < STRICT_ENTRY_SIZE || memcmp(code, head, sizeof(head)) != 0)
		return NULL;
	return (uint64_t *)(code + TARGET);
}
