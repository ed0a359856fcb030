/* A program may end with its last thread: main() calls pthread_exit(), and the others end. The C library counts ours among them,
 * and would wait for ever. So once the main thread has ended in that way ours look whether another one is left, and if not end
 * the program as its last thread would have: by exit(0). */
#ifndef RTF_LAST_H
#define RTF_LAST_H

/* The calling thread opens a console. Nothing is known of a main thread that has not called this. */
void last_expect(void);

/* Whether we may be the last; due after last_patience milliseconds (-1: never). Agent thread. */
void last_look(void);
int last_patience(void);

/* In a child of fork(). */
void last_forget(void);

#endif
