/* Programs of the person's own that take the terminal over for a while: an editor, a pager. One thread. */
#ifndef RTF_SHELL_H
#define RTF_SHELL_H

/* Has a shell run `command`, with `argument` as its $1 (NULL: none) and `input` as its standard input (-1: ours), and waits for
 * its end: *status is as wait(2) gives it. Ctrl-C and Ctrl-\ are the program's alone meanwhile, Ctrl-Z stops both. 0, or an
 * errno if no shell can be started. */
int shell_run(const char *command, char *argument, int input, int *status);

#endif
