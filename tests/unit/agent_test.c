/* librtf in real programs: hosts built here by every compiler and in every way, with an engine of our own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60000 };

static char top[PATH_MAX]; /* of the sources */
static char dir[64];       /* ours, under /tmp; dir/lib has librtf */
static char sock[128];

#define AGENT_SOURCES "core/agent/*.c core/wire/message.c"

/* Building. */

/* Valid until it has been called eight times more. */
static __attribute__((format(printf, 1, 2))) const char *text(const char *format, ...)
{
	static char buffers[8][4096];
	static unsigned next;
	char *buffer = buffers[next++ % 8];
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffers[0]), format, args);
	va_end(args);
	return buffer;
}

static void run(const char *command)
{
	int status = system(command);

	if (status)
		print_error("this failed: %s\n", command);
	assert_int_equal(status, 0);
}

/* Compiles the host that `name` is to be; returns its path. */
static const char *host_build(const char *name, const char *compiler, const char *flags)
{
	run(text("cd %s && %s -g -D_GNU_SOURCE -Icore tests/unit/host/host.c -o %s/%s %s", top, compiler, dir,
		 name, flags));
	return text("%s/%s", dir, name);
}

static const char *dynamic(const char *flags)
{
	return text("%s -L%s/lib -lrtf -Wl,-rpath,%s/lib", flags, dir, dir);
}

/* Talking. */

struct host {
	pid_t pid;
	int in, out;
	char line[4096];
};

static const char *line_read(int fd, char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, DEADLINE_MS) <= 0)
			fail_msg("no answer in time");
		if (read(fd, line + used, 1) != 1 || line[used] == '\n')
			break;
		used++;
	}
	line[used] = '\0';
	return line;
}

/* If not 0, a system call that the kernel refuses to the hosts that are started. */
static unsigned refused_call;

/* Hosts that run: a test that fails leaves some behind. */
static pid_t running[16];

static void running_replace(pid_t from, pid_t to)
{
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
		if (running[i] == from) {
			running[i] = to;
			return;
		}
	fail_msg("too many hosts");
}

static int clean_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
		if (running[i]) {
			kill(running[i], SIGKILL);
			waitpid(running[i], NULL, 0);
			running[i] = 0;
		}
	refused_call = 0;
	unlink(sock);
	unlink(text("%s/stderr", dir));
	return 0;
}

static void call_refuse(unsigned number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(126);
}

/* Runs a host with more environment ("A=b", NULL at the end); its standard error goes to a file. */
static void host_start_with(struct host *h, const char *program, const char *const *environment)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	const char *errors = text("%s/stderr", dir), *engine = text("%s/engine", dir);
	h->pid = fork();
	if (h->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		int fd = open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fd, 2);
		close(fd);
		setenv("RTF_ENGINE", engine, 1);
		for (; environment && *environment; environment++)
			putenv((char *)*environment);
		if (refused_call)
			call_refuse(refused_call);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	running_replace(0, h->pid);
	close(in[0]);
	close(out[1]);
	h->in = in[1];
	h->out = out[0];
}

static void host_start(struct host *h, const char *program)
{
	host_start_with(h, program, NULL);
}

static const char *host_ask(struct host *h, const char *command)
{
	dprintf(h->in, "%s\n", command);
	return line_read(h->out, h->line, sizeof(h->line));
}

/* Its normal exit, or what a signal made of it; nothing may have been printed. */
static int host_end(struct host *h)
{
	int status;
	struct stat st = {0};

	close(h->in);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	running_replace(h->pid, 0);
	close(h->out);
	stat(text("%s/stderr", dir), &st);
	if (st.st_size)
		system(text("cat %s/stderr", dir));
	assert_int_equal(st.st_size, 0);
	return status;
}

static int console_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static const char *engine_ask(int console, const char *command)
{
	static char line[8192];

	dprintf(console, "%s\n", command);
	return line_read(console, line, sizeof(line));
}

/* The three functions' addresses, as the host prints them. */
static void addresses(struct host *h, char out[3][32])
{
	assert_int_equal(sscanf(host_ask(h, "address"), "%31s %31s %31s", out[0], out[1], out[2]), 3);
}

/* The whole way in one program: listed, redefined one by one and together, and back to what was built. */
static void redefine_and_go_back(struct host *h, int console)
{
	char a[3][32];

	assert_string_equal(host_ask(h, "call"), "1 2 3");
	addresses(h, a);
	assert_string_equal(engine_ask(console, text("put 77 %s", a[0])), "0");
	assert_string_equal(host_ask(h, "call"), "77 2 3");
	assert_string_equal(engine_ask(console, text("put 5 %s", a[1])), "0");
	assert_string_equal(host_ask(h, "call"), "77 5 3");
	assert_string_equal(engine_ask(console, text("put 6 %s", a[2])), "0");
	assert_string_equal(engine_ask(console, text("put 8 %s", a[1])), "0");
	assert_string_equal(host_ask(h, "call"), "77 8 6");
	assert_string_equal(engine_ask(console, text("back %s %s", a[1], a[0])), "0");
	assert_string_equal(host_ask(h, "call"), "1 2 6");
	assert_string_equal(engine_ask(console, text("back %s", a[2])), "0");
	assert_string_equal(host_ask(h, "call"), "1 2 3");
}

static void works_in(const char *program)
{
	struct host h;

	host_start(&h, program);
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
	assert_int_equal(access(sock, F_OK), -1);
}

/* The usual host, with its console open. */
static int usual(struct host *h)
{
	host_start(h, text("%s/usual", dir));
	assert_string_equal(host_ask(h, text("start %s", sock)), "0 kept");
	return console_open(sock);
}

/* Every way to build a program. */

static void every_compiler_level_and_model_is_patched(void **state)
{
	static const char *const compilers[] = {"gcc", "clang"}, *const levels[] = {"-O0", "-O2"},
				 *const models[] = {"-fPIE -pie", "-fno-pie -no-pie"};

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		const char *compiler = compilers[i & 1];
		const char *flags = text("-Wall -Wextra -Werror %s %s", levels[i >> 1 & 1], models[i >> 2]);
		print_message("%s %s\n", compiler, flags);
		works_in(host_build("matrix", compiler, dynamic(flags)));
	}
}

static void link_time_optimisation_keeps_entries(void **state)
{
	(void)state;
	works_in(host_build("lto", "gcc", dynamic("-O3 -flto")));
}

static void an_endbr64_before_the_sled_stays(void **state)
{
	(void)state;
	works_in(host_build("cet", "gcc", dynamic("-O2 -fcf-protection=full")));
	works_in(host_build("cet", "clang", dynamic("-O2 -fcf-protection=full")));
}

static void the_static_library_does(void **state)
{
	(void)state;
	works_in(host_build("archive", "gcc", text("-O2 %s/lib/librtf.a -lpthread", dir)));
}

static void a_wholly_static_program_does(void **state)
{
	(void)state;
	run(text("cd %s && gcc -O2 -static -D_GNU_SOURCE -fvisibility=hidden -Icore -Icore/wire"
		 " tests/unit/host/host.c " AGENT_SOURCES " -o %s/static",
		 top, dir));
	works_in(text("%s/static", dir));
}

static void a_program_in_c_plus_plus_can_include_the_header(void **state)
{
	(void)state;
	run(text("cd %s && printf '#include <rtf.h>\\nREALTIMEFUNC int f() { return 0; }\\n"
		 "int main() { rtf_options o = {}; rtf_start_options(&o); rtf_poll(); return f(); }\\n' |"
		 " gcc -x c++ -Wall -Wextra -Werror -Icore -fsyntax-only -",
		 top));
}

static void a_shared_librarys_functions_are_patched_too(void **state)
{
	(void)state;
	run(text("cd %s && gcc -O2 -fPIC -shared -Icore tests/unit/host/three.c -o %s/lib/libthree.so", top,
		 dir));
	works_in(host_build("split", "gcc", dynamic(text("-DWITH_LIBRARY -L%s/lib -lthree", dir))));
}

static void a_preloaded_library_needs_no_change_of_source(void **state)
{
	static const char *const compilers[] = {"gcc", "clang"};
	static const char flags[] = "-O0 -DPLAIN -fpatchable-function-entry=16";
	char a[3][32];
	struct host h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *program = host_build("plain", compilers[i], flags);
		const char *preload = text("LD_PRELOAD=%s/lib/librtf.so", dir);
		const char *path = text("RTF_SOCKET=%s", sock);
		const char *environment[] = {preload, path, NULL};
		host_start_with(&h, program, environment);
		addresses(&h, a);
		int console = console_open(sock);
		assert_non_null(strstr(engine_ask(console, "list"), a[2]));
		assert_non_null(strstr(engine_ask(console, "self"), "preload no socket no"));
		redefine_and_go_back(&h, console);
		close(console);
		assert_int_equal(host_end(&h), 0);
		assert_int_equal(access(sock, F_OK), -1);
	}
}

static void a_program_without_decorated_functions_stays_silent(void **state)
{
	(void)state;
	run(text("LD_PRELOAD=%s/lib/librtf.so RTF_SOCKET=%s sh -c 'test ! -e %s && ls / >/dev/null'", dir,
		 sock, sock));
	assert_int_equal(access(sock, F_OK), -1);
}

static void disabled_leaves_no_section_and_no_library(void **state)
{
	struct host h;

	(void)state;
	const char *program = host_build("disabled", "gcc", "-std=c99 -Wall -Wextra -Werror -DRTF_DISABLE");
	run(text("! readelf -SW %s | grep -q patchable", program));
	run(text("! readelf -dW %s | grep -q librtf", program));
	host_start(&h, program);
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	assert_int_equal(host_end(&h), 0);
}

static void the_library_needs_libc_and_exports_only_its_interface(void **state)
{
	(void)state;
	run(text("! readelf -dW %s/lib/librtf.so | grep NEEDED | "
		 "grep -v -e '\\[libc.so.6\\]' -e '\\[libpthread.so.0\\]' -e '\\[ld-linux-x86-64.so.2\\]'",
		 dir));
	/* And what plugin.c, closing.c and leave.c stand before. */
	run(text("! nm -D --defined-only %s/lib/librtf.so | grep -v -E -e ' rtf_' -e ' dl(open|close)$' "
		 "-e ' close(from|_range)?$' -e ' exit$'",
		 dir));
	run(text("! nm --defined-only %s/lib/librtf.a | grep -w -E '(dl)?(open|close)|exit'", dir));
	/* A program may call its own things what the library's files call theirs. */
	run(text("! nm -g --defined-only %s/lib/librtf.a | grep ' [A-Z] ' | grep -v -e ' rtf_' -e ' "
		 "__jit_debug_'",
		 dir));
}

static void thousands_of_functions_start_quickly(void **state)
{
	struct host h;
	struct timespec used;
	clockid_t processor; /* its time: how busy the machine is does not count */

	(void)state;
	FILE *f = fopen(text("%s/many.c", dir), "w");
	for (int i = 0; i < 3000; i++)
		fprintf(f, "int many%d(int a); int many%d(int a) { return a * %d + 7; }\n", i, i, i);
	fclose(f);
	const char *flags = text("-fpatchable-function-entry=16 %s/many.c", dir);
	const char *program = host_build("many", "gcc", dynamic(flags));

	host_start(&h, program);
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	assert_int_equal(clock_getcpuclockid(h.pid, &processor), 0);
	clock_gettime(processor, &used);
	long ms = used.tv_sec * 1000 + used.tv_nsec / 1000000;
	print_message("start of a program with 3000 functions: %ld ms\n", ms);
	assert_in_range(ms, 0, 500);

	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	unsigned slots = 0;
	sscanf(engine_ask(console, "list"), "[%u slots", &slots);
	assert_in_range(slots, 3003, 3100);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void where_nobody_may_write_text_the_pages_are_opened_for_a_moment(void **state)
{
	struct host h;

	(void)state;
	refused_call = SYS_pwrite64;
	int console = usual(&h);
	redefine_and_go_back(&h, console);
	run(text("! grep -q ' rwx' /proc/%d/maps", h.pid));
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void without_an_arena_functions_stay_as_built_and_the_reason_is_told(void **state)
{
	struct host h;
	const char *log = text("RTF_LOG=%s/none.log", dir), *environment[] = {log, NULL};

	(void)state;
	refused_call = SYS_memfd_create;
	host_start_with(&h, text("%s/usual", dir), environment);
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	assert_string_equal(engine_ask(console, "list"), "");
	run(text("grep -q 'no memory file for an arena; its functions stay as built' %s/none.log", dir));
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void without_memory_functions_stay_as_built_and_the_reason_is_told(void **state)
{
	struct host h;
	const char *log = text("RTF_LOG=%s/short.log", dir), *environment[] = {log, NULL};

	(void)state;
	host_start_with(&h, host_build("short", "gcc", dynamic("-O2 -DSHORT_OF_MEMORY")), environment);
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	assert_true(atoi(engine_ask(console, "pid")) > 0);
	run(text("grep -q 'out of memory; its functions stay as built' %s/short.log", dir));
	close(console);
	assert_int_equal(host_end(&h), 0);
}

/* Starting and stopping. */

static void starting_takes_less_than_a_millisecond(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, text("%s/usual", dir));
	int us = atoi(host_ask(&h, text("quick %s", sock)));
	print_message("rtf_start: %d us\n", us);
	assert_in_range(us, 1, 999);
	assert_int_equal(host_end(&h), 0);
}

static void a_second_start_is_refused_and_a_stopped_console_can_open_again(void **state)
{
	struct host h;
	int console = usual(&h);

	(void)state;
	close(console);
	assert_string_equal(host_ask(&h, text("start %s", sock)), text("%d kept", -EALREADY));
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_int_equal(access(sock, F_OK), -1);
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	console = console_open(sock);
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
	assert_int_equal(access(sock, F_OK), -1);
}

static void a_stopped_console_leaves_what_is_live(void **state)
{
	struct host h;
	int console = usual(&h);
	char a[3][32], line[8];

	(void)state;
	addresses(&h, a);
	assert_string_equal(engine_ask(console, text("put 9 %s", a[0])), "0");
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_string_equal(line_read(console, line, sizeof(line)), "");
	assert_string_equal(host_ask(&h, "call"), "9 2 3");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void the_environment_opens_a_console_before_main_and_a_start_then_agrees(void **state)
{
	struct host h;
	const char *environment[] = {text("RTF_SOCKET=%s", sock), NULL};

	(void)state;
	host_start_with(&h, text("%s/usual", dir), environment);
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	int console = console_open(sock);
	assert_string_equal(host_ask(&h, text("start %s/other.sock", dir)), "0 kept");
	assert_int_equal(access(text("%s/other.sock", dir), F_OK), -1);
	assert_string_equal(host_ask(&h, text("start %s/other.sock", dir)), text("%d kept", -EALREADY));
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void options_reach_the_engine_and_the_environment_wins(void **state)
{
	struct host h;
	const char *environment[] = {"RTF_WATCH=1", "RTF_OPTIMIZE=0", "RTF_HISTORY=/theirs.db", NULL};

	(void)state;
	host_start(&h, text("%s/usual", dir));
	assert_string_equal(host_ask(&h, text("options %s", sock)), "0");
	int console = console_open(sock);
	assert_string_equal(engine_ask(console, "hello"),
			    text("2 %d|%s|/nowhere/history.db|/old=/new|", h.pid, sock));
	assert_string_equal(engine_ask(console, "log something"), "logged");
	close(console);
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_in_range(atoi(host_ask(&h, "logged")), 2, 100);
	assert_int_equal(host_end(&h), 0);

	host_start_with(&h, text("%s/usual", dir), environment);
	assert_string_equal(host_ask(&h, text("options %s", sock)), "0");
	console = console_open(sock);
	assert_string_equal(engine_ask(console, "hello"), text("1 %d|%s|/theirs.db|/old=/new|", h.pid, sock));
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void a_log_callback_may_fork_while_the_console_opens(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, text("%s/usual", dir));
	assert_string_equal(host_ask(&h, text("log-by-program %s", sock)), "0");
	int console = console_open(sock);
	redefine_and_go_back(&h, console);
	close(console);
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_true(atoi(host_ask(&h, "logged")) > 0);
	assert_in_range(atoi(host_ask(&h, "longest")), 0,
			4500); /* and not until it gives up waiting for itself */
	assert_int_equal(host_end(&h), 0);
}

static void the_log_file_gets_what_there_is_to_say(void **state)
{
	struct host h;
	const char *environment[] = {text("RTF_LOG=%s/log", dir), NULL};

	(void)state;
	host_start_with(&h, text("%s/usual", dir), environment);
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	assert_string_equal(engine_ask(console, "log good-day"), "logged");
	assert_string_equal(engine_ask(console, "read 10 8"), "-14"); /* the log came before this answer */
	run(text("grep -q '3 functions can be redefined$' %s/log && grep -q 'good-day$' %s/log", dir, dir));
	close(console);
	assert_int_equal(host_end(&h), 0);
}

/* The socket. */

static void the_socket_is_private_whatever_the_umask(void **state)
{
	static const char *const masks[] = {"0", "22", "77"};
	struct stat st;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct host h;
		host_start(&h, text("%s/usual", dir));
		host_ask(&h, text("umask %s", masks[i]));
		assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
		assert_int_equal(stat(sock, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_string_equal(host_ask(&h, "umask 22"), masks[i]);
		assert_int_equal(host_end(&h), 0);
	}
}

/* Leaves a socket behind. The engine must run by then: until its exec it has a copy of the program's
 * descriptors. */
static void die_with_a_console(void)
{
	struct host h;
	int console = usual(&h);

	assert_true(atoi(engine_ask(console, "pid")) > 0);
	close(console);
	kill(h.pid, SIGKILL);
	assert_int_equal(host_end(&h), SIGKILL);
	assert_int_equal(access(sock, F_OK), 0);
}

static void a_stale_socket_is_replaced(void **state)
{
	(void)state;
	die_with_a_console();
	works_in(text("%s/usual", dir));
}

/* A program that listened at the usual path, and ended; what it forked has its socket, until that is closed. */
static int held_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int until[2];

	assert_int_equal(pipe2(until, O_CLOEXEC), 0);
	memcpy(address.sun_path, sock, strlen(sock));
	pid_t program = fork();
	if (program == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char end;
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
			_exit(1);
		if (fork() == 0) {
			close(until[1]);
			_exit((int)read(until[0], &end, 1));
		}
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(program, &status, 0), program);
	assert_int_equal(status, 0);
	close(until[0]);
	return until[1];
}

static void a_dead_programs_socket_is_replaced_though_its_child_has_it(void **state)
{
	int holder = held_socket();

	(void)state;
	close(console_open(sock));
	works_in(text("%s/usual", dir));
	close(holder);
}

static void a_live_socket_is_not_stolen(void **state)
{
	struct host first, second;
	int console = usual(&first);

	(void)state;
	host_start(&second, text("%s/usual", dir));
	assert_string_equal(host_ask(&second, text("start %s", sock)), text("%d kept", -EADDRINUSE));
	assert_int_equal(host_end(&second), 0);
	assert_int_equal(access(sock, F_OK), 0);
	close(console);
	console = console_open(sock);
	redefine_and_go_back(&first, console);
	close(console);
	assert_int_equal(host_end(&first), 0);
}

static void of_many_starters_on_a_stale_socket_one_wins(void **state)
{
	enum { STARTERS = 6 };
	struct host h[STARTERS];

	(void)state;
	for (int round = 0; round < 5; round++) {
		int winners = 0, losers = 0;
		die_with_a_console();
		for (int i = 0; i < STARTERS; i++)
			host_start(&h[i], text("%s/usual", dir));
		for (int i = 0; i < STARTERS; i++)
			host_ask(&h[i], "call");
		for (int i = 0; i < STARTERS; i++)
			dprintf(h[i].in, "start %s\n", sock);
		for (int i = 0; i < STARTERS; i++) {
			const char *line = line_read(h[i].out, h[i].line, sizeof(h[i].line));
			winners += !strcmp(line, "0 kept");
			losers += !strcmp(line, text("%d kept", -EADDRINUSE));
		}
		assert_int_equal(winners, 1);
		assert_int_equal(losers, STARTERS - 1);
		int console = console_open(sock);
		assert_true(atoi(engine_ask(console, "pid")) > 0);
		close(console);
		for (int i = 0; i < STARTERS; i++)
			host_end(&h[i]);
		run(text("test -z \"$(ls -A %s | grep ^s.sock)\"", dir));
	}
}

static void paths_that_cannot_be_are_refused_and_touch_nothing(void **state)
{
	struct host h;
	char path[256];

	(void)state;
	run(text("echo precious >%s/file && mkdir -p %s/folder", dir, dir));
	host_start(&h, text("%s/usual", dir));
	assert_string_equal(host_ask(&h, text("start %s/none/s.sock", dir)), text("%d kept", -ENOENT));
	assert_string_equal(host_ask(&h, text("start %s/file/s.sock", dir)), text("%d kept", -ENOTDIR));
	assert_string_equal(host_ask(&h, text("start %s/file", dir)), text("%d kept", -EEXIST));
	assert_string_equal(host_ask(&h, text("start %s/folder", dir)), text("%d kept", -EEXIST));
	assert_string_equal(host_ask(&h, "start "), text("%d kept", -EINVAL));
	assert_string_equal(host_ask(&h, "start"), text("%d kept", -EINVAL));
	run(text("test \"$(cat %s/file)\" = precious", dir));

	snprintf(path, sizeof(path), "%s/%0*d", dir, (int)(108 - strlen(dir) - 1), 0);
	assert_int_equal(strlen(path), 108);
	assert_string_equal(host_ask(&h, text("start %s", path)), text("%d kept", -ENAMETOOLONG));
	path[107] = '\0';
	assert_string_equal(host_ask(&h, text("start %s", path)), "0 kept");
	int console = console_open(path);
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
	assert_int_equal(access(path, F_OK), -1);
	run(text("test -z \"$(ls -A %s | grep -e '^s.sock' -e '^.rtf')\"", dir));
}

static void another_users_connection_is_closed(void **state)
{
	struct host h;
	int console = usual(&h), status;

	(void)state;
	if (geteuid() != 0) {
		print_message("not root, so not able to be another user: only our own connection is tried\n");
		redefine_and_go_back(&h, console);
	} else {
		chmod(dir, 0755);
		chmod(sock, 0666);
		pid_t other = fork();
		if (other == 0) {
			char line[64];
			if (setresuid(65534, 65534, 65534))
				_exit(9);
			int fd = console_open(sock);
			dprintf(fd, "pid\n");
			_exit(read(fd, line, sizeof(line)) > 0);
		}
		waitpid(other, &status, 0);
		assert_int_equal(status, 0);
		assert_true(atoi(engine_ask(console, "pid")) > 0);
	}
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void a_client_that_vanishes_troubles_nobody(void **state)
{
	struct host h;
	int console = usual(&h);

	(void)state;
	for (int i = 0; i < 50; i++) {
		int other = console_open(sock);
		if (i & 1)
			assert_int_equal(write(other, "pi", 2), 2);
		close(other);
	}
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

/* The engine. */

static void what_the_engine_may_not_publish_is_refused_whole(void **state)
{
	struct host h;
	int console = usual(&h);
	char a[3][32];

	(void)state;
	addresses(&h, a);
	assert_string_equal(engine_ask(console, text("refused %s", a[0])), "-22 -22 -22 -22 -22 ");
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void memory_is_read_and_written_and_bad_addresses_are_errors(void **state)
{
	struct host h;
	int console = usual(&h);
	char variable[32];

	(void)state;
	snprintf(variable, sizeof(variable), "%s", host_ask(&h, "variable"));
	assert_string_equal(engine_ask(console, text("read %s 4", variable)), "00000000");
	assert_string_equal(engine_ask(console, text("write %s 100", variable)), "0");
	assert_string_equal(engine_ask(console, text("read %s 4", variable)), "64000000");
	assert_string_equal(host_ask(&h, "call"), "101 102 103");
	assert_string_equal(engine_ask(console, "read 0 4"), "-14");
	assert_string_equal(engine_ask(console, "read ffffffffff600000 65536"), "-14");
	assert_string_equal(engine_ask(console, "write 8 4"), "-14");
	char a[3][32];
	addresses(&h, a);
	assert_string_equal(engine_ask(console, text("write %s 4", a[0])), "-14");
	unsigned long first = 1, second = 1;
	const char *answer = engine_ask(console, "resolve puts no_such_name");
	assert_int_equal(sscanf(answer, "%lx %lx", &first, &second), 2);
	assert_true(first != 0);
	assert_true(second == 0);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void await_end(int pid)
{
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	if (end.fd < 0)
		return; /* it is gone already */
	assert_int_equal(poll(&end, 1, DEADLINE_MS), 1);
	close(end.fd);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits until another engine serves: the old one is not dead at once, and the agent does not know at once. */
static int console_of_another_engine(int old_pid)
{
	long long deadline = now_ms() + DEADLINE_MS;

	await_end(old_pid);
	while (now_ms() < deadline) {
		int console = console_open(sock);
		int pid = atoi(engine_ask(console, "pid"));
		if (pid && pid != old_pid)
			return console;
		close(console);
	}
	fail_msg("no other engine came");
	return -1;
}

static void a_killed_engine_is_replaced_and_finds_the_same_arenas(void **state)
{
	struct host h;
	int console = usual(&h);
	char a[3][32], before[4096];

	(void)state;
	addresses(&h, a);
	assert_string_equal(engine_ask(console, text("put 77 %s", a[0])), "0");
	snprintf(before, sizeof(before), "%s", engine_ask(console, "list"));
	assert_non_null(strstr(before, "used 16"));
	int pid = atoi(engine_ask(console, "pid"));
	assert_string_equal(engine_ask(console, "die"), "");
	close(console);

	console = console_of_another_engine(pid);
	assert_string_equal(engine_ask(console, "list"), before);
	assert_string_equal(host_ask(&h, "call"), "77 2 3");
	assert_string_equal(engine_ask(console, text("back %s", a[0])), "0");
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

/* It was sent to an engine that ended without having looked. */
static void a_console_that_no_engine_has_begun_to_serve_gets_the_next_one(void **state)
{
	const char *environment[] = {text("FAKE_ENGINE_MARK=%s/first_console", dir), NULL};
	struct host h;

	(void)state;
	host_start_with(&h, text("%s/usual", dir), environment);
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	redefine_and_go_back(&h, console);
	assert_int_equal(access(text("%s/first_console", dir), F_OK), 0); /* there was such an engine */
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void a_malformed_message_closes_that_engine_and_nothing_else(void **state)
{
	static const char *const bad[] = {"malformed", "unknown"};
	struct host h;
	int console = usual(&h);

	(void)state;
	for (int i = 0; i < 2; i++) {
		int pid = atoi(engine_ask(console, "pid"));
		engine_ask(console, bad[i]);
		close(console);
		console = console_of_another_engine(pid);
		redefine_and_go_back(&h, console);
	}
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void the_program_never_sees_the_engine(void **state)
{
	struct host h;
	int console = usual(&h);

	(void)state;
	int pid = atoi(engine_ask(console, "pid"));
	assert_string_equal(host_ask(&h, "wait"), "-1 no children 0");
	engine_ask(console, "die");
	close(console);
	console = console_of_another_engine(pid);
	assert_string_equal(host_ask(&h, "wait"), "-1 no children 0");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void the_engine_starts_clean(void **state)
{
	struct host h;
	int console = usual(&h);

	(void)state;
	assert_string_equal(engine_ask(console, "self"),
			    "leader 1 blocked 0 ignored 0 preload no socket no fds 0 1 2 3");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void the_engine_leaves_with_the_program(void **state)
{
	struct host h;
	char line[8];
	int console = usual(&h);

	(void)state;
	int pid = atoi(engine_ask(console, "pid"));
	struct pollfd engine = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	assert_true(engine.fd >= 0);
	kill(h.pid, SIGKILL);
	assert_int_equal(host_end(&h), SIGKILL);
	assert_string_equal(line_read(console, line, sizeof(line)), ""); /* the engine's end, too */
	close(console);
	assert_int_equal(poll(&engine, 1, DEADLINE_MS), 1);
	close(engine.fd);
}

/* What a console is told that no engine can serve. */
static void refusal_of(const char *environment[], char *line, size_t size)
{
	struct host h;

	host_start_with(&h, text("%s/usual", dir), environment);
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	line_read(console, line, size);
	close(console);
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	assert_int_equal(host_end(&h), 0);
}

static void without_an_engine_a_console_is_told_where_it_was_looked_for(void **state)
{
	char line[8192];
	const char *wrong[] = {"RTF_ENGINE=/none/\"engine\"", NULL};
	const char *none[] = {"RTF_ENGINE=", "PATH=/none", NULL};

	(void)state;
	refusal_of(wrong, line, sizeof(line));
	assert_string_equal(line, "{\"ok\":false,\"error\":{\"class\":\"internal\",\"message\":"
				  "\"there is no rtf-engine to run at /none/\\\"engine\\\"\"}}");
	refusal_of(none, line, sizeof(line));
	assert_non_null(strstr(line, "no rtf-engine found beside the program, beside librtf, in /"));
	assert_non_null(strstr(line, " or in PATH: start the program with RTF_ENGINE set to its path"));
}

static void an_engine_that_cannot_be_run_is_an_error_and_not_a_loop(void **state)
{
	char line[8192];
	const char *text_file[] = {text("RTF_ENGINE=%s/text", dir), NULL};
	const char *ends[] = {"FAKE_ENGINE=ends", NULL};

	(void)state;
	run(text("echo hello >%s/text && chmod +x %s/text", dir, dir));
	refusal_of(text_file, line, sizeof(line));
	assert_non_null(strstr(line, "does not start"));
	refusal_of(ends, line, sizeof(line));
	assert_non_null(strstr(line, "\"the engine keeps ending; RTF_LOG=FILE"));
}

static void the_engine_is_found_beside_the_library_and_in_the_path(void **state)
{
	const char *at[] = {"lib/rtf-engine", "libexec/rtf/rtf-engine", "rtf-engine", "bin/rtf-engine"};
	char path[128];
	const char *environment[] = {"RTF_ENGINE=", path, NULL};

	(void)state;
	snprintf(path, sizeof(path), "PATH=%s/bin", dir);
	run(text("mkdir -p %s/libexec/rtf %s/bin", dir, dir));
	for (int i = 0; i < 4; i++) {
		struct host h;
		run(text("cp %s/engine %s/%s", dir, dir, at[i]));
		host_start_with(&h, text("%s/usual", dir), environment);
		assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
		int console = console_open(sock);
		print_message("%s\n", at[i]);
		assert_true(atoi(engine_ask(console, "pid")) > 0);
		close(console);
		assert_int_equal(host_end(&h), 0);
		run(text("rm %s/%s", dir, at[i]));
	}
}

static void a_wedged_engine_blocks_neither_program_nor_agent(void **state)
{
	enum { CONSOLES = 400 };
	static struct pollfd p[CONSOLES];
	struct host h;
	int console = usual(&h);
	struct rlimit limit;
	char line[256];

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	int pid = atoi(engine_ask(console, "pid"));
	kill(pid, SIGSTOP);
	for (int i = 0; i < CONSOLES; i++)
		p[i] = (struct pollfd){.fd = console_open(sock), .events = POLLIN};
	assert_true(poll(p, CONSOLES, DEADLINE_MS) > 0);
	int first = 0;
	while (!p[first].revents)
		first++;
	line_read(p[first].fd, line, sizeof(line));
	assert_non_null(strstr(line, "the engine does not answer"));
	assert_string_equal(host_ask(&h, "call"), "1 2 3");
	kill(pid, SIGKILL);
	for (int i = 0; i < CONSOLES; i++)
		close(p[i].fd);
	close(console);
	console = console_of_another_engine(pid);
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void polled_versions_go_live_only_in_the_programs_own_thread(void **state)
{
	struct host h;
	char a[3][32], line[64];

	(void)state;
	host_start(&h, text("%s/usual", dir));
	assert_string_equal(host_ask(&h, text("polled %s", sock)), "0");
	int console = console_open(sock);
	addresses(&h, a);
	assert_true(atoi(engine_ask(console, "hello")) & 4);
	for (int i = 0; i < 3; i++) {
		struct pollfd p = {.fd = console, .events = POLLIN};
		dprintf(console, "put %d %s\n", 50 + i, a[0]);
		assert_int_equal(poll(&p, 1, 50), 0);
		assert_string_equal(host_ask(&h, "call"), i ? text("%d 2 3", 49 + i) : "1 2 3");
		while (poll(&p, 1, 0) == 0) /* it may not have come to the agent yet */
			assert_string_equal(host_ask(&h, "poll"), "polled");
		assert_string_equal(line_read(console, line, sizeof(line)), "0");
		assert_string_equal(host_ask(&h, "call"), text("%d 2 3", 50 + i));
	}
	dprintf(console, "put 60 %s\n", a[1]); /* never polled for */
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_string_equal(host_ask(&h, "poll"), "polled");
	assert_string_equal(host_ask(&h, "call"), "52 2 3");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

/* Redefines the first function; until it is live the host does `command` again and again. */
static void redefine_at_a_poll(struct host *h, int console, const char *command, const char *answer)
{
	struct pollfd p = {.fd = console, .events = POLLIN};
	long long deadline = now_ms() + DEADLINE_MS;
	char a[3][32], line[64];

	addresses(h, a);
	dprintf(console, "put 50 %s\n", a[0]);
	while (poll(&p, 1, 0) == 0) {
		assert_string_equal(host_ask(h, command), answer);
		assert_true(now_ms() < deadline);
	}
	assert_string_equal(line_read(console, line, sizeof(line)), "0");
	assert_string_equal(host_ask(h, "call"), "50 2 3");
}

static void a_thread_that_is_cancelled_leaves_nothing_locked(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, text("%s/usual", dir));
	assert_string_equal(host_ask(&h, text("polled %s", sock)), "0");
	int console = console_open(sock);
	redefine_at_a_poll(&h, console, "poll-cancelled", "cancelled");
	close(console);
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_int_equal(host_end(&h), 0);
}

static void a_signal_handler_may_fork_wherever_it_comes(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, host_build("interrupted", "gcc", dynamic("-O2 -DINTERRUPTED")));
	assert_string_equal(host_ask(&h, text("polled %s", sock)), "0");
	int console = console_open(sock);
	redefine_at_a_poll(&h, console, "poll-interrupted", "polled");
	assert_string_equal(host_ask(&h, "forked"), "1");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

/* Children. */

static void a_forked_worker_follows(void **state)
{
	struct host h;
	int console = usual(&h);
	char a[3][32];

	(void)state;
	addresses(&h, a);
	assert_string_equal(host_ask(&h, "fork"), "forked");
	assert_string_equal(host_ask(&h, "child call"), "1 2 3");
	assert_string_equal(engine_ask(console, text("put 77 %s", a[0])), "0");
	assert_string_equal(host_ask(&h, "child call"), "77 2 3");
	assert_string_equal(host_ask(&h, "call"), "77 2 3");
	assert_string_equal(engine_ask(console, text("back %s", a[0])), "0");
	assert_string_equal(host_ask(&h, "child call"), "1 2 3");
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void a_forked_child_that_exits_leaves_its_parents_socket(void **state)
{
	struct host h;
	int console = usual(&h);

	(void)state;
	assert_string_equal(host_ask(&h, "fork"), "forked");
	assert_string_equal(host_ask(&h, "child stop"), "stopped");
	assert_string_equal(host_ask(&h, "child-ends"), "ended");
	assert_int_equal(access(sock, F_OK), 0);
	redefine_and_go_back(&h, console);
	close(console);
	assert_int_equal(host_end(&h), 0);
	assert_int_equal(access(sock, F_OK), -1);
}

static void a_forked_child_may_open_a_console_of_its_own(void **state)
{
	struct host h;
	int console = usual(&h);
	char a[3][32], other[128];

	(void)state;
	addresses(&h, a);
	snprintf(other, sizeof(other), "%s/child.sock", dir);
	assert_string_equal(host_ask(&h, "fork"), "forked");
	assert_string_equal(host_ask(&h, text("child start %s", sock)), text("%d kept", -EADDRINUSE));
	assert_string_equal(host_ask(&h, text("child start %s", other)), "0 kept");
	int childs = console_open(other);
	assert_int_not_equal(atoi(engine_ask(childs, "pid")), atoi(engine_ask(console, "pid")));
	assert_string_equal(engine_ask(childs, text("put 7 %s", a[0])), "0");
	assert_string_equal(host_ask(&h, "child call"), "7 2 3");
	close(childs);
	assert_string_equal(host_ask(&h, "child-ends"), "ended");
	assert_int_equal(access(other, F_OK), -1);
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void a_child_forked_at_any_moment_holds_nothing_of_the_console(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, text("%s/usual", dir));
	assert_string_equal(host_ask(&h, text("race %s", sock)), "0");
	assert_int_equal(host_end(&h), 0);
}

/* Manners. */

static void the_program_is_left_as_it_was(void **state)
{
	struct host h;
	char before[4096], leaked[64];

	(void)state;
	host_start(&h, text("%s/usual", dir));
	snprintf(before, sizeof(before), "%s", host_ask(&h, "manners"));
	snprintf(leaked, sizeof(leaked), "%s", host_ask(&h, "leaked"));
	assert_string_equal(host_ask(&h, text("start %s", sock)), "0 kept");
	int console = console_open(sock);
	assert_true(atoi(engine_ask(console, "pid")) > 0);
	assert_string_equal(host_ask(&h, "manners"), before);
	assert_string_equal(host_ask(&h, "leaked"), leaked);
	close(console);
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_string_equal(host_ask(&h, "manners"), before);
	assert_int_equal(host_end(&h), 0);
}

static void no_page_is_writable_and_executable(void **state)
{
	struct host h;
	int console = usual(&h);

	(void)state;
	redefine_and_go_back(&h, console);
	run(text("! grep -q ' rwx' /proc/%d/maps", h.pid));
	run(text("test $(grep -c 'memfd:rtf-arena' /proc/%d/maps) = 3", h.pid));
	run(text("test $(grep -c '^[^ ]* r-xp.*memfd:rtf-arena' /proc/%d/maps) = 1", h.pid));
	close(console);
	assert_int_equal(host_end(&h), 0);
}

static void the_agent_is_clean_under(const char *sanitizer)
{
	struct host h;

	run(text("cd %s && gcc -g -O1 -fsanitize=%s -D_GNU_SOURCE -Icore -Icore/wire tests/unit/host/host.c"
		 " " AGENT_SOURCES " -o %s/sanitized",
		 top, sanitizer, dir));
	for (int i = 0; i < 3; i++)
		works_in(text("%s/sanitized", dir));

	host_start(&h, text("%s/sanitized", dir));
	assert_string_equal(host_ask(&h, text("race %s", sock)), "0");
	assert_string_equal(host_ask(&h, text("polled %s", sock)), "0");
	int console = console_open(sock);
	char a[3][32], line[64];
	addresses(&h, a);
	dprintf(console, "put 50 %s\n", a[0]);
	struct pollfd p = {.fd = console, .events = POLLIN};
	while (poll(&p, 1, 0) == 0)
		assert_string_equal(host_ask(&h, "poll"), "polled");
	assert_string_equal(line_read(console, line, sizeof(line)), "0");
	assert_string_equal(host_ask(&h, "call"), "50 2 3");
	int pid = atoi(engine_ask(console, "pid"));
	engine_ask(console, "die");
	close(console);
	console = console_of_another_engine(pid);
	assert_string_equal(host_ask(&h, "wait"), "-1 no children 30");
	close(console);
	assert_string_equal(host_ask(&h, "stop"), "stopped");
	assert_int_equal(host_end(&h), 0);
}

static void the_agent_is_clean_under_address_and_undefined(void **state)
{
	(void)state;
	the_agent_is_clean_under("address,undefined");
}

static void the_agent_is_clean_under_thread(void **state)
{
	(void)state;
	the_agent_is_clean_under("thread");
}

/* librtf as built, or, where that one is sanitized (a guest would need its runtime first), one from its
 * sources. */
static void library_bring(void)
{
	const char *build = getenv("RTF_BUILD") ? getenv("RTF_BUILD") : "build";

	if (system(text("cd %s && cd %s && cp librtf.so librtf.a %s/lib &&"
			" ! nm -D librtf.so | grep -q -e __asan -e __tsan -e __ubsan",
			top, build, dir)) == 0)
		return;
	print_message("librtf is built from its sources: that of %s is not there or is sanitized\n", build);
	run(text("mkdir %s/agent && cd %s && for f in " AGENT_SOURCES "; do gcc -std=gnu11 -O2 -g -fPIC"
		 " -fvisibility=hidden -D_GNU_SOURCE -Icore -Icore/wire -c $f -o %s/agent/$(basename $f .c).o"
		 " || exit 1; done",
		 dir, top, dir));
	run(text("cd %s/agent && rm -f ../lib/librtf.a && gcc -r -nostdlib *.o -o whole &&"
		 " objcopy -w -G 'rtf_*' -G '__jit_debug_*' whole && ar rcs ../lib/librtf.a whole &&"
		 " gcc -shared -Wl,-soname,librtf.so -Wl,-z,defs *.o -o ../lib/librtf.so",
		 dir));
}

static int group_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/rtf-agent-XXXXXX");
	if (!mkdtemp(dir) || !getcwd(top, sizeof(top)))
		return -1;
	snprintf(sock, sizeof(sock), "%s/s.sock", dir);
	unsetenv("RTF_SOCKET");
	unsetenv("RTF_LOG");
	run(text("mkdir %s/lib", dir));
	library_bring();
	run(text("cd %s && gcc -g -O1 -Wall -Wextra -D_GNU_SOURCE -Icore/wire tests/unit/host/engine.c"
		 " core/wire/message.c -o %s/engine",
		 top, dir));
	host_build("usual", "gcc", dynamic("-O2"));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	return system(text("rm -rf %s", dir)) ? -1 : 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clean_up)
	const struct CMUnitTest tests[] = {
		TEST(every_compiler_level_and_model_is_patched),
		TEST(link_time_optimisation_keeps_entries),
		TEST(an_endbr64_before_the_sled_stays),
		TEST(the_static_library_does),
		TEST(a_wholly_static_program_does),
		TEST(a_program_in_c_plus_plus_can_include_the_header),
		TEST(a_shared_librarys_functions_are_patched_too),
		TEST(a_preloaded_library_needs_no_change_of_source),
		TEST(a_program_without_decorated_functions_stays_silent),
		TEST(disabled_leaves_no_section_and_no_library),
		TEST(the_library_needs_libc_and_exports_only_its_interface),
		TEST(thousands_of_functions_start_quickly),
		TEST(where_nobody_may_write_text_the_pages_are_opened_for_a_moment),
		TEST(without_an_arena_functions_stay_as_built_and_the_reason_is_told),
		TEST(without_memory_functions_stay_as_built_and_the_reason_is_told),
		TEST(starting_takes_less_than_a_millisecond),
		TEST(a_second_start_is_refused_and_a_stopped_console_can_open_again),
		TEST(a_stopped_console_leaves_what_is_live),
		TEST(the_environment_opens_a_console_before_main_and_a_start_then_agrees),
		TEST(options_reach_the_engine_and_the_environment_wins),
		TEST(a_log_callback_may_fork_while_the_console_opens),
		TEST(the_log_file_gets_what_there_is_to_say),
		TEST(the_socket_is_private_whatever_the_umask),
		TEST(a_stale_socket_is_replaced),
		TEST(a_dead_programs_socket_is_replaced_though_its_child_has_it),
		TEST(a_live_socket_is_not_stolen),
		TEST(of_many_starters_on_a_stale_socket_one_wins),
		TEST(paths_that_cannot_be_are_refused_and_touch_nothing),
		TEST(another_users_connection_is_closed),
		TEST(a_client_that_vanishes_troubles_nobody),
		TEST(what_the_engine_may_not_publish_is_refused_whole),
		TEST(memory_is_read_and_written_and_bad_addresses_are_errors),
		TEST(a_killed_engine_is_replaced_and_finds_the_same_arenas),
		TEST(a_console_that_no_engine_has_begun_to_serve_gets_the_next_one),
		TEST(a_malformed_message_closes_that_engine_and_nothing_else),
		TEST(the_program_never_sees_the_engine),
		TEST(the_engine_starts_clean),
		TEST(the_engine_leaves_with_the_program),
		TEST(without_an_engine_a_console_is_told_where_it_was_looked_for),
		TEST(an_engine_that_cannot_be_run_is_an_error_and_not_a_loop),
		TEST(the_engine_is_found_beside_the_library_and_in_the_path),
		TEST(a_wedged_engine_blocks_neither_program_nor_agent),
		TEST(polled_versions_go_live_only_in_the_programs_own_thread),
		TEST(a_thread_that_is_cancelled_leaves_nothing_locked),
		TEST(a_signal_handler_may_fork_wherever_it_comes),
		TEST(a_forked_worker_follows),
		TEST(a_forked_child_that_exits_leaves_its_parents_socket),
		TEST(a_forked_child_may_open_a_console_of_its_own),
		TEST(a_child_forked_at_any_moment_holds_nothing_of_the_console),
		TEST(the_program_is_left_as_it_was),
		TEST(no_page_is_writable_and_executable),
		TEST(the_agent_is_clean_under_address_and_undefined),
		TEST(the_agent_is_clean_under_thread),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
