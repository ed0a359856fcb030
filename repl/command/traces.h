/* Traces and probes of a console: what is typed to begin and to end them. records.c tells what comes of them. One thread. */
#ifndef RTF_TRACES_H
#define RTF_TRACES_H

#include "call.h"
#include "error.h"

enum { TRACES_COUNT = 100 }; /* records of one, by default */

/* \trace, \untrace, \probe, \unprobe. */
struct error *traces_trace(struct call *);
struct error *traces_untrace(struct call *);
struct error *traces_probe(struct call *);
struct error *traces_unprobe(struct call *);

#endif
