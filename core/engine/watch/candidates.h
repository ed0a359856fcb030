/* What goes live with a save: of the functions that it may have changed those that are something else now, all or none. */
#ifndef RTF_CANDIDATES_H
#define RTF_CANDIDATES_H

#include "save_work.h"

/* Reads the candidates' texts and drops those that are what they were; what a refused save held comes along as soon as one of
 * it changes. May be called again once there are more. */
struct error *candidates_settle(struct save_work *);

/* Makes them live, or says why not: the result's kind and message. */
void candidates_go_live(struct save_work *);

/* They wait: while saves are passed over, or with a save that was refused. */
void candidates_hold(struct save_work *);
void candidates_refuse(struct save_work *);

#endif
