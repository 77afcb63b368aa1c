/*
 * time.h - points in time, sleeping, ticking.
 *
 * A chp_time is a point on the monotonic clock in nanoseconds, or a length of
 * time in nanoseconds; names say which.  0 as a deadline means "none".
 *
 * Deadlines are absolute, so that a loop of waits has one deadline, not many
 * time-outs:
 *
 *	chp_wait w = { .deadline = chp_in(50 * CHP_MS) };
 *	while (more && chp_mpsc_recv_with(&rx, &msg, &w) == 0)
 *		handle(&msg);
 *
 * Nothing here ever fires early.  In a task of a runtime whose clock is paused
 * (chp_runtime_options), "now" is that clock.
 */
#ifndef CHAPPE_TIME_H
#define CHAPPE_TIME_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CHP_NS  ((chp_time)1)
#define CHP_US  ((chp_time)1000)
#define CHP_MS  ((chp_time)1000000)
#define CHP_SEC ((chp_time)1000000000)

/* As a deadline: further away than any clock gets. */
#define CHP_NEVER INT64_MAX

/*
 * Now, for the caller: the runtime's clock in a task, else the system's
 * monotonic clock.  Always > 0.  tokio: Instant::now.
 */
CHP_API chp_time chp_now(void);

/*
 * The point `length` nanoseconds from now.  Saturates at CHP_NEVER; a negative
 * or zero length gives a point that has passed; never returns 0.
 */
CHP_API chp_time chp_in(chp_time length);

/*
 * Sleep until a point in time, or for a length of time (<= 0: return at once,
 * but report interruption).  0, or what ended the wait: CHP_EINTR,
 * CHP_EABORTED, CHP_ECANCELED, CHP_ETIMEDOUT (w's deadline came first).
 * tokio: sleep_until, sleep.
 */
CHP_API int chp_sleep_until(chp_time until);
CHP_API int chp_sleep_until_with(chp_time until, const chp_wait *w);
CHP_API int chp_sleep_for(chp_time length);

/* private: a place in a timer wheel */
typedef struct chp_timer {
	struct chp_timer *next, *prev;
	chp_ptr wheel;
	chp_time at;
	uint64_t tick;
	chp_waker waker;
} chp_timer;

/*
 * Sleeping as an operation.  Result 0 when the point has come; or why nobody
 * keeps the time: driver.h.  Cancelling it loses nothing.
 */
typedef struct chp_sleep_op {
	chp_op op;
	chp_time until; /* read it freely; change it with chp_sleep_reset */
	chp_timer timer;
} chp_sleep_op;

CHP_API void chp_sleep_until_op(chp_sleep_op *op, chp_time until);

/*
 * Move the point, before or after completion; the operation is pending again
 * and must be polled for the new point to have effect.  tokio: Sleep::reset.
 */
CHP_API void chp_sleep_reset(chp_sleep_op *op, chp_time until);

/* Whether a poll has returned 0 since the last reset.  tokio: is_elapsed. */
CHP_API int chp_sleep_is_elapsed(const chp_sleep_op *op);

/* What an interval does about ticks that nobody was there to take. */
typedef enum chp_missed {
	CHP_MISSED_BURST = 0, /* catch up: tick at once until back in step */
	CHP_MISSED_DELAY = 1, /* next tick one period after the late one */
	CHP_MISSED_SKIP = 2,  /* drop them; stay on multiples of the period */
} chp_missed;

/*
 * A clock that ticks every period.  One task or thread uses it at a time.
 * tokio: Interval.  A tick counts as missed when it is taken more than 5 ms
 * after its time.
 */
typedef struct chp_interval {
	chp_time period;   /* private */
	chp_time next;     /* private: when the next tick is due */
	chp_missed missed; /* private */
} chp_interval;

/* First tick at `start` (0: at once).  CHP_EINVAL if period <= 0. */
CHP_API int chp_interval_init(chp_interval *iv, chp_time start, chp_time period,
			      chp_missed missed);

/*
 * Wait for the next tick.  *scheduled, if not NULL, gets the time for which it
 * was scheduled.  Results as chp_sleep_until_with; a wait that fails takes no
 * tick.
 */
CHP_API int chp_interval_tick(chp_interval *iv, chp_time *scheduled);
CHP_API int chp_interval_tick_with(chp_interval *iv, chp_time *scheduled,
				   const chp_wait *w);

/* As an operation.  Results as of chp_sleep_op. */
typedef struct chp_tick_op {
	chp_op op;
	chp_interval *interval;
	chp_time *scheduled;
	chp_sleep_op sleep;
} chp_tick_op;

CHP_API void chp_interval_tick_op(chp_tick_op *op, chp_interval *iv,
				  chp_time *scheduled);

/* Next tick one period from now; at a given time.  tokio: reset, reset_at. */
CHP_API void chp_interval_reset(chp_interval *iv);
CHP_API void chp_interval_reset_at(chp_interval *iv, chp_time at);

#ifdef __cplusplus
}
#endif

#endif
