/* The commands about functions and their versions: what they do is in command.c's table and rtf-console(1). */
#ifndef RTF_VERSIONS_H
#define RTF_VERSIONS_H

#include "call.h"

struct error *versions_list(struct call *);
struct error *versions_source(struct call *);
struct error *versions_slice(struct call *);
struct error *versions_check(struct call *);
struct error *versions_define(struct call *);
struct error *versions_rollback(struct call *);
struct error *versions_undo(struct call *);
struct error *versions_redo(struct call *);

/* Redefines (or only checks) what a text defines: of `name` alone if it is not NULL. */
struct error *versions_redefine(struct call *, const char *name, const char *text, size_t size,
				bool check_only);

#endif
