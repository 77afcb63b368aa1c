/*
 * signal.h - Ctrl-C, SIGTERM and other signals, waited for like anything else.
 *
 *	chp_signal stop;
 *	chp_signal_open(&stop, SIGTERM);
 *	chp_signal_wait(&stop);
 *
 * Opening installs a handler for the signal, for the rest of the process: the
 * default action does not happen any more.  From then on each listener hears of
 * deliveries; several that come before it looks count as one.  Time and
 * descriptors of the process-wide driver (driver.h) carry the news.
 * tokio: signal::unix::Signal, signal::ctrl_c.
 */
#ifndef CHAPPE_SIGNAL_H
#define CHAPPE_SIGNAL_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct chp_signal {
	int number;    /* private */
	uint64_t seen; /* private */
} chp_signal;

/*
 * Listen from now on.  0; CHP_EINVAL for a signal that cannot be caught or
 * that reports a fault (SIGSEGV, SIGKILL, ...); or the system's -errno, also
 * that of a driver that could not be started (driver.h).
 */
CHP_API int chp_signal_open(chp_signal *s, int number);

/* Wait for a delivery after the last one heard of: 0, or what ended the wait. */
CHP_API int chp_signal_wait(chp_signal *s);
CHP_API int chp_signal_wait_with(chp_signal *s, const chp_wait *w);

/* As an operation.  Cancelling it loses no delivery. */
typedef struct chp_signal_op {
	chp_op op;
	chp_signal *signal;
	chp_node node;
} chp_signal_op;

CHP_API void chp_signal_wait_op(chp_signal_op *op, chp_signal *s);

#ifdef __cplusplus
}
#endif

#endif
