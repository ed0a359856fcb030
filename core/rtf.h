/* rtf: change functions of this program while it runs.
 *
 *      REALTIMEFUNC
 *      static double price(const struct order *o) { ... }
 *
 *      int main(void)
 *      {
 *              rtf_start("/tmp/app.sock");
 *
 * Then `rtf-console /tmp/app.sock`, or save the file in an editor. Link with -lrtf. With -DRTF_DISABLE all of
 * this is nothing: no code, no section, no library.
 *
 * The library is a guest: it never exits, prints, or touches the program's umask, directory, locale or environment; errno
 * is kept. Signal handlers are the program's, but while a version is live that was not built in: then SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL and SIGABRT go by a handler that records a fault in a version and hands it on to the program's, which
 * finds everything as if it had come straight. Any function below may be called from any thread. */
#ifndef RTF_H
#define RTF_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Goes before a function definition; nothing else has to change. The function gets 16 bytes to be patched at
 * its entry, and the compiler may not look into it from its callers. gcc keeps that promise at every
 * optimisation level. clang has no attribute for it: all arguments are passed as written (`used`), but at -O1
 * and above it may still fold what it learns about a function (a constant result, what it leaves as it is) into
 * callers in the same file, so build those files with -O0. Without the macro: `-fpatchable-function-entry=16`
 * decorates every function of a file. */
#if defined(REALTIMEFUNC)
/* defined already: the engine, which reads a file for what its functions are, takes the word away */
#elif defined(RTF_DISABLE)
#define REALTIMEFUNC
#elif defined(__clang__)
#define REALTIMEFUNC __attribute__((patchable_function_entry(16, 0), noinline, used))
#else
#define REALTIMEFUNC __attribute__((patchable_function_entry(16, 0), noipa))
#endif

enum rtf_switch { RTF_DEFAULT, RTF_ON, RTF_OFF };

/* Zero is the default everywhere: `struct rtf_options o = {.socket_path = "..."}`. Strings are copied. Where
 * the environment says something else (RTF_HISTORY, RTF_SOURCE_ROOT, RTF_ENGINE, RTF_WATCH, RTF_STRICT,
 * RTF_OPTIMIZE, RTF_RESTORE), it wins: who runs the program is nearer to the matter than who wrote it. A
 * set-user-ID program ignores the environment. */
struct rtf_options {
	const char *socket_path;  /* where the console listens; needed */
	const char *history_path; /* the database of versions; by default $XDG_STATE_HOME/rtf/NAME.db */
	const char *source_root;  /* "OLD=NEW": the sources moved from OLD to NEW since the build */
	const char *engine_path;  /* rtf-engine, if it is not where the library or PATH is */
	enum rtf_switch watch;    /* whether saving a source file makes it live (default: on) */
	enum rtf_switch optimise; /* whether new versions are then optimised (default: on) */
	enum rtf_switch
		restore; /* whether what was live when the last run ended is made live again (default: off) */
	enum rtf_switch
		strict; /* whether a call waits for saves made before it; see rtf_sync (default: off) */
	int polled;     /* not 0: new versions go live only inside rtf_poll() */

	/* Gets what rtf has to say, one line without a newline, with a level of syslog(3); also see RTF_LOG.
	 * Called from rtf's own thread, in which all signals are blocked; it must not call rtf_stop(). */
	void (*log)(void *context, int level, const char *text);
	void *log_context;

	void *reserved[4]; /* leave zero */
};

#ifndef RTF_DISABLE

#define RTF_API __attribute__((visibility("default")))

/* Opens the console at `socket_path` and returns at once; everything else happens in the background. 0, or:
 *      -EALREADY      a console is open (but 0 for the first call if RTF_SOCKET had opened it before main)
 *      -ENAMETOOLONG  the path does not fit a socket address (107 bytes)
 *      -ENOENT        its directory does not exist; likewise -EACCES, -ENOTDIR, -EROFS
 *      -EADDRINUSE    another live program listens there (what a dead one left is replaced, and so is the console that
 *                     a child of one keeps, see below)
 *      -EEXIST        there is something else than a socket; it is not touched
 *      -EINVAL        the path is NULL or empty
 *      -ENOMEM, -EAGAIN, -EMFILE  no memory, thread or descriptor
 * The program goes on either way. A child of fork() has no console; it may start one of its own. If the process that called
 * rtf_start() ends, one of its children that go on opens the console again at once: each has a thread that waits for that.
 * It keeps it until another process of the same user calls rtf_start() for the same path, as when the program is started
 * again (or another of those children does that), and has it back when that one has ended. */
RTF_API int rtf_start(const char *socket_path);
RTF_API int rtf_start_options(const struct rtf_options *options);

/* A safe point, for a program's main loop: next to nothing unless new versions wait for it (see `polled`),
 * which then go live here. */
RTF_API void rtf_poll(void);

/* Returns once every save of a followed source that was complete before the call is live or refused: 0; or -ENOTCONN,
 * nobody follows saves (no console, RTF_WATCH=0, a forked child); -ETIMEDOUT after five seconds. With nothing to wait for
 * it costs one system call. With the option `strict` every call of a decorated function does the same before it goes on,
 * whatever the result. */
RTF_API int rtf_sync(void);

/* Closes the console and removes its socket; every function keeps the version that is live. Normal exit does
 * the same. */
RTF_API void rtf_stop(void);

#else

static __inline__ __attribute__((always_inline)) int rtf_start(const char *socket_path)
{
	(void)socket_path;
	return 0;
}

static __inline__ __attribute__((always_inline)) int rtf_start_options(const struct rtf_options *options)
{
	(void)options;
	return 0;
}

static __inline__ __attribute__((always_inline)) void rtf_poll(void)
{
}

static __inline__ __attribute__((always_inline)) int rtf_sync(void)
{
	return 0;
}

static __inline__ __attribute__((always_inline)) void rtf_stop(void)
{
}

#endif

#ifdef __cplusplus
}
#endif

#endif
