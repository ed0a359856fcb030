/* rtf-engine: serves one program's consoles. The agent in the program starts it, with the channel as descriptor 3, and
 * it ends when the program does. */
#include "compiler.h"
#include "clock.h"
#include "evaluate.h"
#include "events.h"
#include "follow.h"
#include "live.h"
#include "lookup.h"
#include "niceness.h"
#include "archive.h"
#include "ready.h"
#include "record.h"
#include "optimise.h"
#include "session.h"
#include "strict.h"
#include "turns.h"
#include "texts.h"
#include "written.h"
#include "watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

enum {
	END_MS = 2000, /* between the end of a process's channel and its own: a busy machine takes its time */
	FAILED_MS = 100, /* the same while the channel is whole */
	HOLD_MS = 1000   /* how long a request waits for a save before it */
};
enum { CHANNEL = 3, POLLED_MAX = 256 };

/* What poll() waits for: the engine's own, then one for each session. */
enum { PROGRAM, PROCESS, SAVES, OPTIMISED, READ, TURNS, OURS };

struct polled {
	struct pollfd fds[OURS + POLLED_MAX];
	struct session *sessions[POLLED_MAX];
	size_t count;          /* of the sessions */
	bool saves_wait;       /* for a source to be read */
	int64_t holding_since; /* consoles' requests wait for a save: on clock_now_us's clock; 0: they do not */
};

/* Whether the program has ended though its channel is open: a forked child may hold it. */
static int watch_process(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void greet_clients(struct host *host)
{
	for (int fd; (fd = program_take_client(host->program)) >= 0;) {
		struct session *session;
		error_free(session_new(host, fd, &session));
		ready_for_console(&host->ready, host->live);
	}
}

static int sooner(int timeout, int64_t deadline)
{
	int64_t left = deadline - clock_now_us();

	if (!deadline || (timeout >= 0 && left / 1000 >= timeout))
		return timeout;
	return left <= 0 ? 0 : (int)(left / 1000) + 1;
}

/* Commands that wait may have their answer; returns when to ask again, in ms for poll. */
static int tick_sessions(struct host *host, int timeout)
{
	for (struct session *s = session_first(host), *next; s; s = next) {
		next = session_next(s);
		if (!session_tick(s)) {
			session_free(s);
			continue;
		}
		timeout = sooner(timeout, session_deadline(s));
	}
	return timeout;
}

/* Saves that have settled; returns when to look again. */
static int follow_saves(struct host *host, int timeout)
{
	if (!host->follow)
		return timeout;
	follow_learn(host->follow);
	int64_t deadline = follow_deadline(host->follow);
	if (deadline && deadline <= clock_now_us() + 500) {
		follow_serve(host->follow);
		deadline = follow_deadline(host->follow);
	}
	return sooner(timeout, deadline);
}

/* Functions that have been left alone for a while; returns when to look again. */
static int optimise_quiet(struct host *host, int timeout)
{
	if (!host->optimise)
		return timeout;
	int64_t deadline = optimise_deadline(host->optimise);
	if (deadline && deadline <= clock_now_us()) {
		optimise_serve(host->optimise);
		deadline = optimise_deadline(host->optimise);
	}
	return sooner(timeout, deadline);
}

/* Calls that a change did not reach; returns when to look again. */
static int look_inside(struct host *host, int timeout)
{
	int64_t deadline = inside_deadline(host->live, host->looked_us);

	if (deadline && deadline <= clock_now_us()) {
		inside_look(host->live, &host->looked_us, events_tell_inside, host);
		deadline = 0;
	}
	return sooner(timeout, deadline);
}

/* What instrumented versions have recorded; returns when to look again. */
static int serve_watchers(struct host *host, int timeout)
{
	if (!host->watchers)
		return timeout;
	watchers_serve(host->watchers);
	return sooner(timeout, watchers_deadline(host->watchers));
}

static void queue_optimisation(void *context, struct live_function *f, int version, struct build *build)
{
	const struct host *host = context;

	optimise_queue(host->optimise, f, version, build);
}

/* A history that could not be written; returns when to try again. */
static int mend_history(struct host *host, int timeout)
{
	record_settle(host->live);
	session_tell_news(host);
	return sooner(timeout, record_deadline(host->live));
}

static void hear_of_faults(struct host *host)
{
	struct fault fault;

	if (fault_serve(host->live, &fault))
		events_tell_fault(host, &fault);
}

/* Modules came or went; true if there are sources to read. */
static bool learn_modules(struct host *host)
{
	size_t came = 0, went = 0;

	if (!program_take_renewal(host->program))
		return false;
	struct error *e = live_renew(host->live, &came, &went);
	if (e) {
		live_warn(host->live, error_context(e, "modules that were opened or closed are not known"));
		return false;
	}
	record_renew(host->live);
	if (host->follow)
		follow_renew(host->follow);
	if (came || went)
		program_log(
			host->program, LOG_INFO,
			"modules were opened or closed: %zu functions came, %zu went, %zu can be redefined",
			came, went, live_count(host->live));
	return true;
}

/* Who asks after a save is answered with what was saved: new requests wait until it is dealt with, but not for long. */
static bool holds_requests(struct polled *p, const struct host *host)
{
	int64_t now = clock_now_us();

	if (!host->follow || !follow_is_taking(host->follow)) {
		p->holding_since = 0;
		return false;
	}
	if (!p->holding_since)
		p->holding_since = now;
	return now - p->holding_since < HOLD_MS * 1000;
}

/* What is left of a session's events: no request, but the end of a command that waits, and of the console, as always. */
static short hold(const struct session *s, short events, bool holds)
{
	bool held = holds && session_is_idle(s) && !(events & (POLLHUP | POLLERR));

	return (short)(held ? events & ~POLLIN : events);
}

static void serve_sessions(const struct pollfd *fds, struct session **sessions, size_t count, bool holds)
{
	for (size_t i = 0; i < count; i++) {
		short events = hold(sessions[i], fds[i].revents, holds);
		if (events && !session_serve(sessions[i], events))
			session_free(sessions[i]);
	}
}

/* The program has ended, or only closed its console. A process that it forked, as one does to become a daemon, may go on:
 * its next call of a decorated function opens the console again. */
static void leave_to_children(struct program *program, int process)
{
	int patience = program_lost(program) ? END_MS : FAILED_MS;
	struct pollfd end = {process, POLLIN, 0};
	bool ended =
		process < 0 ? kill(program_pid(program), 0) && errno == ESRCH : poll(&end, 1, patience) == 1;

	if (!ended)
		return;
	program_orphan(program);
	error_free(strict_install(program));
}

/* What is done while nobody waits for anything: the sources first. */
struct ahead_of {
	bool reads; /* sources are still to be read */
	bool waits; /* until sources_fd tells that something has come to its end */
};

static bool is_more_ahead(const struct host *host, const struct ahead_of *a)
{
	return !a->waits && (a->reads || ready_is_due(&host->ready));
}

/* In an idle moment. */
static void work_ahead(struct host *host, struct ahead_of *a)
{
	if (a->reads)
		a->reads = (host->follow && follow_prepare(host->follow)) || texts_read_ahead(host->live);
	else
		ready_serve(&host->ready, host->live);
}

/* What is due by now. Until when there is no more to do, as poll() takes it. */
static int serve_due(struct host *host, bool more_ahead)
{
	int timeout = serve_watchers(host, more_ahead ? 0 : -1);

	timeout = mend_history(host, look_inside(host, optimise_quiet(host, follow_saves(host, timeout))));
	timeout =
		tick_sessions(host, timeout); /* last: the others make versions live that someone waits for */
	greet_clients(host);                  /* who came between a question to the program and its answer */
	return timeout;
}

static void polled_set(struct polled *p, struct host *host, int process, bool ahead_waits, bool holds)
{
	bool reads = ahead_waits || (host->follow && follow_waits(host->follow));
	const int ours[OURS] = {
		[PROGRAM] = program_socket(host->program),
		[PROCESS] = process,
		[SAVES] = host->follow ? follow_fd(host->follow) : -1,
		[OPTIMISED] = host->optimise ? optimise_fd(host->optimise) : -1,
		[READ] = reads ? sources_fd(live_host(host->live)->sources) : -1,
		[TURNS] = host->turns ? turns_fd(host->turns) : -1,
	};

	for (size_t i = 0; i < OURS; i++)
		p->fds[i] = (struct pollfd){ours[i], POLLIN, 0};
	p->saves_wait = host->follow && follow_waits(host->follow);
	p->count = 0;
	for (struct session *s = session_first(host); s && p->count < POLLED_MAX; s = session_next(s)) {
		short events = hold(s, session_events(s), holds);
		p->fds[OURS + p->count] = (struct pollfd){session_socket(s), events, 0};
		p->sessions[p->count++] = s;
	}
}

static void serve_polled(struct host *host, struct polled *p)
{
	struct pollfd *fds = p->fds;

	/* A save may have been made between the look at its descriptor and the request that came after it. */
	if (!fds[SAVES].revents)
		poll(&fds[SAVES], 1, 0);
	if (fds[PROGRAM].revents)
		error_free(program_receive(host->program));
	if (fds[OPTIMISED].revents)
		optimise_serve(host->optimise);
	if (fds[READ].revents)
		sources_woken(live_host(host->live)->sources);
	if (fds[TURNS].revents)
		turns_serve(host->turns);
	if (fds[TURNS].revents && host->follow)
		follow_go_on(host->follow);
	if (fds[SAVES].revents || (fds[READ].revents && p->saves_wait))
		follow_serve(host->follow);
	serve_sessions(fds + OURS, p->sessions, p->count, holds_requests(p, host));
	hear_of_faults(host); /* told by itself, or between questions and answers */
	greet_clients(host);
}

/* Who waits when all is done that was asked for: for other threads, for compilers, or for a save to be whole. A command says
 * itself when it begins. */
static enum niceness_wait who_waits(const struct host *host)
{
	if (host->follow && follow_is_awaited(host->follow))
		return NICENESS_SAVED;
	for (const struct session *s = session_first(host); s; s = session_next(s))
		if (session_waits(s))
			return NICENESS_ASKED;
	return NICENESS_NOBODY;
}

/* Until the program is gone. */
static void serve(struct host *host)
{
	int process = watch_process(program_pid(host->program));
	struct ahead_of ahead = {.reads = true};
	struct polled polled = {0};

	while (!program_lost(host->program)) {
		ahead.waits = ahead.reads ? texts_wait(host->live) : ready_waits(&host->ready, host->live);
		ahead.reads |= learn_modules(host);
		if (host->follow && !ahead.reads)
			follow_complete(host->follow);
		int timeout = serve_due(host, is_more_ahead(host, &ahead));
		bool holds = holds_requests(&polled, host);
		if (holds)
			timeout = sooner(timeout, polled.holding_since + HOLD_MS * 1000);
		polled_set(&polled, host, process, ahead.waits, holds);
		check_read_ahead(live_host(host->live)->check); /* nobody waits now */
		niceness_expect(host->niceness, who_waits(host));
		int ready = poll(polled.fds, OURS + polled.count, timeout);
		if (ready < 0 && errno != EINTR)
			break;
		if (ready == 0)
			work_ahead(host, &ahead);
		if (ready <= 0)
			continue;
		if (polled.fds[PROCESS].revents && !(polled.fds[PROGRAM].revents & POLLIN))
			break; /* and its last words are read */
		serve_polled(host, &polled);
	}
	while (session_first(host))
		session_free(session_first(host));
	leave_to_children(host->program, process);
	close(process);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static void follow_sources(struct host *host)
{
	if (!(program_flags(host->program) & HELLO_WATCH))
		return;
	struct error *e = follow_new(host->live, events_tell_save, host, &host->follow);
	if (e)
		live_warn(host->live, error_context(e, "saves are not followed"));
}

static int fail(struct program *program, struct error *e)
{
	if (program)
		leave_to_children(program, watch_process(program_pid(program)));
	if (program)
		program_log(program, LOG_ERR, "the engine cannot start: %s", error_message(e));
	fprintf(stderr, "rtf-engine: %s\n", error_message(e));
	error_free(e);
	return 1;
}

static int explain(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("rtf-engine " RTF_VERSION);
		return 0;
	}
	fputs("rtf-engine is started by the program that uses librtf, not by hand; see rtf(3)\n", stderr);
	return 1;
}

static void settle_process(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of write(), like a full disk */
	fcntl(CHANNEL, F_SETFD, FD_CLOEXEC);
	prctl(PR_SET_NAME, "rtf-engine");
	/* The engine and its compilers do not take a processor from the program the moment that they are woken: sched(7). */
	sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
}

static void warn(struct host *host, struct error *e)
{
	if (e)
		live_warn(host->live, e);
}

/* The program has counted entries, and an optimiser's changed copies have some, too. */
static void tell_copies(const struct host *host)
{
	size_t entries = 0, listed = live_count(host->live);

	for (uint32_t arena = 0; arena < program_arena_count(host->program); arena++)
		entries += program_slot_count(host->program, arena);
	if (entries && !listed)
		program_log(host->program, LOG_WARNING, "%s", lookup_why_none(host->live));
	else if (entries > listed)
		program_log(
			host->program, LOG_INFO,
			"%zu of these are copies that the compiler made for certain callers, and follow no "
			"text: \\list has the other %zu",
			entries - listed, listed);
}

/* Whatever a definition needs; the program goes on without it where that cannot be had. */
static struct error *begin_live(struct host *host, struct compiler **compiler)
{
	struct error *e = compiler_new(compiler);

	niceness_begin_thread(host->niceness); /* before libraries are loaded: no thread is made then */
	if (!e)
		e = program_new(CHANNEL, &host->program);
	if (!e)
		e = live_new(host->program, *compiler, &host->live);
	if (!e)
		follow_sources(host); /* before all else: what files say now is what was built */
	if (!e)
		ready_begin(host->live);
	return e ? e : record_new(host->live);
}

static struct error *begin_services(struct host *host)
{
	uint32_t flags = program_flags(host->program);

	if (!(flags & HELLO_STRICT))
		error_free(strict_remove(host->program)); /* what led to whoever opened the console again */
	if (flags & HELLO_RESTORE)
		archive_restore_at_start(host->live);
	if (flags & HELLO_OPTIMIZE) {
		warn(host, optimise_new(host->live, events_tell_optimised, host, &host->optimise));
		if (host->optimise)
			live_set_successor(host->live, queue_optimisation, host);
	}
	warn(host, turns_new(&host->turns));
	live_set_turns(host->live, host->turns);
	warn(host, watchers_new(host, &host->watchers));
	return evaluator_new(host->live, &host->evaluator);
}

static void end(struct host *host, struct compiler *compiler)
{
	written_free(host);
	evaluator_free(host->evaluator);
	watchers_free(host->watchers);
	host->watchers = NULL;
	live_set_turns(host->live, NULL);
	turns_free(host->turns);
	record_end(host->live);
	optimise_free(host->optimise);
	follow_free(host->follow);
	record_free(host->live);
	live_free(host->live);
	program_free(host->program);
	compiler_free(compiler);
}

int main(int argc, char **argv)
{
	struct host host = {0};
	struct compiler *compiler = NULL;

	if (argc > 1 || fcntl(CHANNEL, F_GETFD) < 0)
		return explain(argc, argv);
	settle_process();
	host.niceness = niceness_begin();
	struct error *e = begin_live(&host, &compiler);
	if (!e)
		tell_copies(&host);
	if (!e)
		e = begin_services(&host);
	if (e)
		return fail(host.program, e);
	greet_clients(&host);
	serve(&host);
	end(&host, compiler);
	niceness_end(host.niceness);
	return 0;
}
