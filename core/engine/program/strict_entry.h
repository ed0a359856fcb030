/* The bytes of a strict entry (strict.h): what a slot leads to instead of a version, so that the
 * agent first sees whether a save is waiting; then it goes on to what its word says.
 *
 *      0   f3 0f 1e fa             endbr64
 *      4   4c 8d 1d 0d 00 00 00    lea  24(entry), %r11
 *     11   ff 25 rel32             jmp  *enter          the agent's sync_enter, which ends in jmp *(%r11)
 *     24   u64 target              what runs: the version, or what was built
 *
 * Pure functions on the engine's view of the code region. Source: Intel SDM volume 2. */
#ifndef RTF_STRICT_ENTRY_H
#define RTF_STRICT_ENTRY_H

#include <stddef.h>
#include <stdint.h>

enum { STRICT_ENTRY_SIZE = 32 };

/* Writes the entry that runs at `address`; `enter_word` is the address of the word with the agent's address, within
 * 2 GiB. */
void strict_entry_write(unsigned char *at, uint64_t address, uint64_t enter_word, uint64_t target);

/* The word of the strict entry at `code`, of which `size` bytes can be read; NULL if it is none. */
uint64_t *strict_entry_word(unsigned char *code, size_t size);

#endif
