/* The agent's thread: waits for consoles that connect, for the engine, and for what the program's threads have to report.
 *
 *      a console connects      peer checked, handed to the engine, or told why not
 *      the engine asks         channel_hear
 *      the wake-up (eventfd)   channel_report
 *
 * Where the process keeps the console in trust (listener.h) it also looks after the socket's name. */
#ifndef RTF_AGENT_THREAD_H
#define RTF_AGENT_THREAD_H

/* For thread_start, with a struct console: until its `stop`, or until it cannot go on. All signals blocked. */
void *agent_thread_run(void *console);

/* A program may fork and end at once, to become a daemon: until the engine knows of it that would leave nobody to tell the
 * child. So fork() waits from agent_thread_expect to agent_thread_begun, though not for ever. The latter is called by
 * agent_thread_run, and by the caller for one that was not started, or in a child. Any thread. */
void agent_thread_expect(void);
void agent_thread_begun(void);
void agent_thread_await(void);

#endif
