/* Attributes that say what happened when the program was linked and loaded: constructor, destructor, alias, ifunc. New code
 * for a function that has one leaves it out: its constructors have run, and its other names are the program's symbols. */
#ifndef RTF_ATTRIBUTES_H
#define RTF_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Puts blanks in the place of each in C text, in macros too; offsets and lines stay. */
void attributes_blank(char *text, size_t size);

/* Whether what stands in [begin, end) of C text has the attribute ifunc: the resolver's name then. */
bool attributes_find_resolver(const char *text, uint32_t begin, uint32_t end, const char **name,
			      size_t *length);

#endif
