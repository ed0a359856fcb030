/* Names that opaque_part.c has too, and one that it has not. */
#include <rtf.h>

typedef enum { RED, GREEN } colour_t;

static colour_t painted = GREEN;

REALTIMEFUNC int paint(void)
{
	return painted;
}
