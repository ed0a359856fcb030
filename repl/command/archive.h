/* The commands that take versions out of the history and back: \save, \restore, \export, \history. What they do is in
 * command.c's table and rtf-console(1). */
#ifndef RTF_ARCHIVE_H
#define RTF_ARCHIVE_H

#include "call.h"

struct error *archive_save(struct call *);
struct error *archive_restore(struct call *);
struct error *archive_history(struct call *);

/* RTF_RESTORE: what \restore does, for a run that has changed nothing yet. What became of it is told like news of the
 * history. */
void archive_restore_at_start(struct live *);

#endif
