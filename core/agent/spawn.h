/* Starts the engine so that the program never notices: not its child, in a session of its own, no signals, no
 * descriptors but the three standard ones and the channel. */
#ifndef RTF_SPAWN_H
#define RTF_SPAWN_H

#include <stdbool.h>
#include <stddef.h>

enum { SPAWN_CHANNEL = 3 };

/* Finds the engine. `wanted`, if not NULL, is looked at alone; else beside the library, beside the program,
 * where it was to be installed, and beside or near each of the directories of `search` (a PATH, may be NULL), where a
 * link to rtf-console leads on to the tree that it came with.
 * True, and its path in `path`; false, and a sentence for people in `path`, saying where it was looked for.
 * Any thread. */
bool spawn_find(const char *wanted, const char *search, char *path, size_t size);

/* A copy of the environment for the engine, without what would make it a guest of ours too; NULL: out of
 * memory. One block: free() frees it. */
char **spawn_environment(void);

/* Runs `path` with `channel` as its descriptor 3 and `log` (or -1: /dev/null) as standard error. All signals
 * must be blocked in the calling thread, which waits until the exec; others run on. 0, or exec's negative
 * errno. */
int spawn_detached(const char *path, char **environment, int channel, int log);

#endif
