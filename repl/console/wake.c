#include "wake.h"
#include "clock.h"
#include "line.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int signals = -1; /* signalfd */

int64_t wake_now_ms(void)
{
	return clock_now_us() / 1000;
}

void wake_take_signals(bool interactive)
{
	static const int wanted[] = {SIGINT, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < (interactive ? sizeof(wanted) / sizeof(wanted[0]) : 1); i++) {
		struct sigaction old;
		if (sigaction(wanted[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaddset(&set, wanted[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Gives the terminal back and dies of the signal, as the parent expects. */
static void die_of(int number)
{
	sigset_t set;

	line_fini();
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
}

static void read_signals(bool *interrupted)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGINT)
			*interrupted = true;
		else if (info.ssi_signo == SIGWINCH)
			line_resize();
		else if (info.ssi_signo == SIGTSTP)
			line_suspend();
		else
			die_of((int)info.ssi_signo);
	}
}

unsigned wake_wait(int socket, short socket_events, int input, int64_t deadline, bool *interrupted)
{
	struct pollfd fds[] = {
		{.fd = socket, .events = socket_events},
		{.fd = input, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
	};
	int64_t left = deadline < 0 ? -1 : deadline - wake_now_ms();

	if (deadline >= 0 && left < 0)
		left = 0;
	if (poll(fds, 3, left > INT_MAX ? INT_MAX : (int)left) < 0)
		return 0;
	if (fds[2].revents)
		read_signals(interrupted);
	return (fds[0].revents ? WAKE_SOCKET : 0) | (fds[1].revents ? WAKE_INPUT : 0);
}
