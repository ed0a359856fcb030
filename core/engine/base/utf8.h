/* UTF-8 (RFC 3629), and what is to pass for it. Pure; any thread. */
#ifndef RTF_UTF8_H
#define RTF_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the valid sequence at the start of `size` bytes (1 or more), beyond ASCII; 0 if it is none. */
size_t utf8_sequence(const char *bytes, size_t size);

enum { UTF8_MOST = 4 };

/* Writes a character's bytes and returns how many they are; 0 if no character has that number. */
size_t utf8_put(uint32_t character, char out[UTF8_MOST]);

/* A copy with each byte that is not part of any UTF-8 as Latin-1 has it; the caller's, NULL without memory. */
char *utf8_from(const char *bytes, size_t size);

#endif
