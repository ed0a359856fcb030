/* The commands that look back: \log, \diff, \note. What they do is in command.c's table and rtf-console(1). */
#ifndef RTF_TIMELINE_H
#define RTF_TIMELINE_H

#include "call.h"

struct error *timeline_log(struct call *);
struct error *timeline_diff(struct call *);
struct error *timeline_note(struct call *);

/* Who else has this history open, for \status: an array, and a line of text if there is somebody. */
json_t *timeline_others(struct call *);

#endif
