/* The commands that take versions out of the history and back: \save, \restore, \export, \history. What they do is in
 * command.c's table and rtf-console(1). */
#ifndef RTF_ARCHIVE_H
#define RTF_ARCHIVE_H

#include "command.h"

struct error *archive_save(struct call *);
struct error *archive_restore(struct call *);
struct error *archive_history(struct call *);

#endif
