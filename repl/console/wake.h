/* What rtf-console waits for: the socket, the input, a signal or a time.
 *
 * One thread and one poll(). Signals arrive through a signalfd and are acted upon only here: those that
 * are the terminal's at once, Ctrl-C by telling who waits. */
#ifndef RTF_WAKE_H
#define RTF_WAKE_H

#include <stdbool.h>
#include <stdint.h>

int64_t wake_now_ms(void); /* of the monotonic clock */

/* From now on Ctrl-C and, in an interactive session, what else the terminal's keys and its window send are
 * taken while waiting. What the parent had ignored stays ignored. */
void wake_take_signals(bool interactive);

enum { WAKE_SOCKET = 1, WAKE_INPUT = 2 };

/* Waits for `socket_events` of poll() on `socket`, for `input` to be readable (-1: neither), for a signal
 * or until `deadline` (-1: none) of wake_now_ms. Returns what is ready; 0 is a signal or the deadline.
 * Ctrl-C sets `*interrupted`, which is never cleared here. */
unsigned wake_wait(int socket, short socket_events, int input, int64_t deadline, bool *interrupted);

#endif
