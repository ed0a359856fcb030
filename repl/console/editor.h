/* The person's own editor on a piece of C: $VISUAL, else $EDITOR, else vi, run by a shell as git and psql do. Without a terminal it
 * has to be a command that changes the file by itself, and gets no input. */
#ifndef RTF_EDITOR_H
#define RTF_EDITOR_H

#include "error.h"

/* Opens `text` at `line` (0: wherever the editor likes) and waits until the editor has ended. The file's bytes then, the
 * caller's. Errors: no temporary file, no editor, one that ends with a failure. */
struct error *editor_run(const char *text, unsigned line, char **out);

#endif
