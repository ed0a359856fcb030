/* Answers that are longer than the screen, through the person's pager: $PAGER, or less where it is installed. One thread. */
#ifndef RTF_PAGER_H
#define RTF_PAGER_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `text` takes more lines than a terminal of that size has, the next prompt's counted. */
bool pager_is_longer(const char *text, size_t size, unsigned rows, unsigned columns);

/* False: nothing was shown, as it fits on the screen, this is no terminal, $PAGER is empty or nothing of the kind runs. */
bool pager_show(const char *text, size_t size);

#endif
