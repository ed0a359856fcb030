/* What the program's own compiler says of a whole file: for saves that a check of single functions cannot judge.
 *
 * Costs what a compiler's front end costs on the file, so it is asked only where something other than decorated
 * functions changed. Any thread. */
#ifndef RTF_REVIEW_H
#define RTF_REVIEW_H

#include "check.h"
#include "error.h"
#include "flags.h"

/* Reads `file` with the flags. `out`: its errors, with file, line, column and the source line; out->failed if there is
 * one, out->message then says it in a sentence. Not being able to run the compiler is an error. */
struct error *review_file(const char *file, const struct flags *, struct check_result *out);

#endif
