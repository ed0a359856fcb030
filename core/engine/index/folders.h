/* In which folders a file's compiler looks for headers, by its own word: what it prints with -v. Pure; any thread. */
#ifndef RTF_FOLDERS_H
#define RTF_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

/* The folders in what -v has printed in English, each on a line behind `"` (for #include "...") or `<` (for both). The caller's;
 * NULL if it says nothing of them, or without memory. */
char *folders_read(const char *verbose);

/* Calls `each` with every folder of such a list in which that kind of #include is looked for, in the compiler's order. */
void folders_each(const char *folders, bool quoted,
		  void (*each)(void *context, const char *folder, size_t length), void *context);

#endif
