/* Thread-local variables that versions add: a block of memory for each thread that uses one.
 *
 * Which variables there are, and what they begin with, the engine writes into the arena (struct thread_image of message.h);
 * a thread's block is made when code of a version first asks for it, brought up to date whenever variables have come since,
 * and given back when the thread ends. Any thread, in forked children too; no locks and no heap, so that a signal's
 * handler may ask. Where there is no memory for a block all threads without one share theirs.
 * (Where the program has more than 32 keys of pthread_key_create() before ours, a block that a handler was the first
 * to ask for is given back only if the thread asks once more when other variables have come: registering it takes
 * memory of the heap.) */
#ifndef RTF_STORAGE_H
#define RTF_STORAGE_H

#include <stddef.h>

/* What compilers' code hands to __tls_get_addr(): ELF Handling For Thread-Local Storage, 3.4. */
struct storage_index {
	size_t module; /* the loader's number, or the address of the image */
	size_t offset;
};

/* Versions call this in the place of __tls_get_addr(), which it goes on to for what the loader knows. */
void *storage_find(const struct storage_index *);

#endif
