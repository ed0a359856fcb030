/* compile_commands.json (clang's "JSON Compilation Database"): which command compiles a source.
 *
 * Each file is read once, and again when it has changed; what its entries are about is found out then, so that asking for
 * every source of a large program costs what the file costs. One thread. */
#ifndef RTF_COMMANDS_H
#define RTF_COMMANDS_H

#include <jansson.h>
#include <stdbool.h>

struct commands;

struct commands *commands_new(void);   /* NULL without memory */
void commands_free(struct commands *); /* takes NULL */

/* Calls `each` with every entry of the database `path` that is about the file `wanted`, an absolute path, in the order of the
 * entries, until it returns false. The entries are good until the next call. A database that cannot be read has none. False if
 * memory ran out. */
bool commands_each(struct commands *, const char *path, const char *wanted,
		   bool (*each)(void *context, const json_t *entry), void *context);

#endif
