/* How much of a busy machine the engine takes, with its threads and its compilers: its share, but next to nothing while a console
 * asks for one thing after the other, which a script does and a person does not. After NICENESS_BURST commands at once, of all
 * consoles, and one a second from then on, a command gets the share only once it has taken NICENESS_PATIENCE_MS: what is done in
 * less does not show, then, in what the program gets done. A machine that has a processor to spare makes no difference.
 *
 * The engine leads a session, and where sessions share the processors (sched(7), "The autogroup feature") that is all that counts:
 * the niceness of a process is then only among its like. Where cgroups share them, as in containers and under some service
 * managers, the engine is in the program's, and is a little nicer than it is, always: one without privileges cannot take that
 * back. */
#ifndef RTF_NICENESS_H
#define RTF_NICENESS_H

enum {
	NICENESS_GIVING_WAY = 19, /* of the session */
	NICENESS_ALWAYS = 5,      /* of the process, more than it was started with */
	NICENESS_BURST = 5,
	NICENESS_PATIENCE_MS = 100,
	NICENESS_RETRY_MS = 100, /* sched(7): that is how often one without privileges may change it */
};

enum niceness_wait {
	NICENESS_NOBODY,
	NICENESS_ASKED, /* a console, which may be a script's */
	NICENESS_SAVED, /* who saved a file, or a call of the program's that waits for that: never in vain */
};

struct niceness;

/* Of the calling process, which leads its session, and of those that it forks. NULL: without memory, or there are no such groups. */
struct niceness *niceness_begin(void);

/* Behind the forks of a process that has no other thread; without it the group keeps its share. Takes NULL. */
void niceness_begin_thread(struct niceness *);
void niceness_end(struct niceness *); /* takes NULL */

/* Who waits from here on. One thread; takes NULL. */
void niceness_expect(struct niceness *, enum niceness_wait);

#endif
