/* Strict entries: with the program's option `strict`, a slot does not lead to a version but to a few bytes that first have
 * the agent see whether a save is waiting, and then go on to what their word says.
 *
 *      0   f3 0f 1e fa             endbr64
 *      4   4c 8d 1d 0d 00 00 00    lea  24(entry), %r11
 *     11   ff 25 rel32             jmp  *enter          the agent's sync_enter, which ends in jmp *(%r11)
 *     24   u64 target              what runs: the version, or what was built
 *
 * They stand in the arena, so that an engine that starts anew finds them. Once installed they stay. One thread.
 * Source: Intel SDM volume 2. */
#ifndef RTF_STRICT_H
#define RTF_STRICT_H

#include "error.h"
#include "program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes every slot of the program lead to a strict entry, unless it does already. */
struct error *strict_install(struct program *);

/* Has the slots lead to versions again. The entries stay: someone may be on the way through them. */
struct error *strict_remove(struct program *);

/* The word of the strict entry at `code`, of which `size` bytes can be read; NULL if it is none. */
uint64_t *strict_word(unsigned char *code, size_t size);

#endif
