#include "utf8.h"

#include <stdlib.h>
#include <string.h>

size_t utf8_sequence(const char *bytes, size_t size)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t length = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
			: (s[0] & 0xf0) == 0xe0       ? 3
			: s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						      : 0;

	if (!length || length > size)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* What could be written shorter, halves of pairs, and what is beyond the last character. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return length;
}

size_t utf8_put(uint32_t c, char out[UTF8_MOST])
{
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if ((c >= 0xd800 && c < 0xe000) || c >= 0x110000)
		return 0;
	for (size_t i = length; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 63));
	out[0] = (char)(length == 1 ? c : (0xf00u >> length & 0xf0) | c);
	return length;
}

char *utf8_from(const char *bytes, size_t size)
{
	char *copy = malloc(2 * size + 1), *to = copy;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < size;) {
		size_t length = (unsigned char)bytes[i] < 0x80 ? 1 : utf8_sequence(bytes + i, size - i);
		if (length)
			to = mempcpy(to, bytes + i, length);
		else
			to += utf8_put((unsigned char)bytes[i], to);
		i += length ? length : 1;
	}
	*to = '\0';
	return copy;
}
