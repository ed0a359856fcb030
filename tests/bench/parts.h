/* What the benchmark is made of: each measures some rows of the report. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

void bench_edits(void);   /* from the prompt's text, or a save, to live; and back again */
void bench_calls(void);   /* what a call costs, and a loop inside one */
void bench_start(void);   /* what a program's start pays, and when the engine is of use */
void bench_growth(void);  /* what many versions of a function cost */
void bench_history(void); /* what a long history costs who reads it */
void bench_service(void); /* a service under load while it is redefined */
void bench_work(void);    /* instructions of the engine: the same on a busy machine */

#endif
