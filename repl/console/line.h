/* Readline: the prompt, completion, pasted text and the line history.
 *
 * These functions own the terminal and readline's globals: one thread, one user of them. Nothing here knows the
 * engine, nor what an entry is. */
#ifndef RTF_LINE_H
#define RTF_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* Asked for the words that may stand at `point` (a byte offset) of `line`: returns a malloc'ed array of
 * malloc'ed strings with NULL at the end, each to replace line[*start, point); NULL for none. */
typedef char **line_completer(void *context, const char *line, size_t point, size_t *start);

/* Sets readline up and loads the line history from `history_path` (made with mode 0600, directories with
 * 0700). `history_path` NULL: none is kept. False if the history cannot be kept, errno says why; all else
 * works. */
bool line_init(const char *history_path, line_completer *, void *context);
void line_fini(void); /* gives the terminal back */

enum line_event {
	LINE_MORE, /* nothing entered yet */
	LINE_TEXT, /* `*text` was entered: malloc'ed, the caller's; a paste may hold newlines */
	LINE_END,  /* Ctrl-D */
};

/* Shows the prompt and takes the terminal, unless it is already being read. */
void line_start(const char *prompt);

/* To be called when the terminal is readable and line_start was called. After LINE_TEXT and LINE_END the
 * terminal is as it was before line_start. */
enum line_event line_read(char **text);

/* Prints above the prompt if one is shown, and leaves what is being typed as it was. */
void line_print(const char *text, size_t size);

const char *line_typed(void); /* what is being typed, valid until the next line_ call */
void line_discard(void);      /* drops what is being typed and gives the terminal back */
void line_cancel(void);       /* the same with ^C behind it, for Ctrl-C */
void line_resize(void);       /* the terminal has another size */
void line_suspend(void);      /* gives the terminal back and stops this process until it is continued */

/* Puts an entry into the line history, in place of an equal one, and writes it down. */
void line_remember(const char *entry);

/* $XDG_STATE_HOME/rtf/line_history or ~/.local/state/rtf/line_history: malloc'ed; NULL without a home. */
char *line_history_path(void);

#endif
