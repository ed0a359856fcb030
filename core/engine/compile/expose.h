/* A slice's text, with marks that keep an optimising compiler from deciding what only the running program
 * knows.
 *
 * A compiler that sees all of a file takes a static that nothing in it writes to for a constant, leaves
 * unused ones out, and turns a function's call of itself into a loop or a call of the very same code. Here an
 * earlier version may have written to that static, and the newest version of the function must answer. So
 * statics get
 * `__attribute__((__used__))` and functions of other linkage `__noipa__` (clang ignores that one and does
 * without). Lines stay where they are, columns may not. Pure; any thread. */
#ifndef RTF_EXPOSE_H
#define RTF_EXPOSE_H

/* The marked text, malloc'ed; NULL without memory. What hides in macros is not found. */
char *expose_text(const char *text);

#endif
