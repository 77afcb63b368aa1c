/*
 * scenario_looks.c - calls that only look: who sees that something was done
 * sees what its doer did before.
 */
#include <chappe/barrier.h>
#include <chappe/broadcast.h>
#include <chappe/mpmc.h>
#include <chappe/mpsc.h>
#include <chappe/mutex.h>
#include <chappe/rwlock.h>
#include <chappe/semaphore.h>
#include <chappe/wait_group.h>
#include <chappe/watch.h>

#include "base/atomic.h"
#include "scenario.h"

static unsigned done_before;

/* One thread does something, the other one looks whether it is done. */
/* clang-format off */
#define LOOK(name, make, act, is_done, ...) \
	static void name##_make(void) { make; } \
	static void name##_act(void) { done_before = 1; act; } \
	static void name##_look(void) \
	{ \
		int seen = is_done; \
		if (seen) \
			MODEL_CHECK(done_before == 1); \
		model_reached(seen != 0); \
	} \
	SCENARIO(name, .setup = name##_make, \
		 .threads = { name##_act, name##_look }, .must_reach = 3, \
		 __VA_ARGS__)
/* clang-format on */

/* Join a queue, and leave it again. */
static void poll_and_cancel(chp_op *op)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());

	MODEL_CHECK(chp_op_poll(op, &ctx) == CHP_PENDING);
	chp_op_cancel(op);
}

/* ---- Semaphores and locks ---- */

static chp_semaphore s;
static chp_mutex m;
static chp_rwlock l;

static void queue_up(void)
{
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	poll_and_cancel(&op.op);
}

static int saved_permits(void)
{
	chp_semaphore_state state;

	chp_semaphore_save(&s, &state);
	return (int)state.permits;
}

LOOK(semaphore_try_closed, chp_semaphore_init(&s, 0, CHP_FIFO),
     chp_semaphore_close(&s), chp_semaphore_try_acquire(&s, 1) == CHP_ECLOSED);
LOOK(semaphore_look_available, chp_semaphore_init(&s, 0, CHP_FIFO),
     chp_semaphore_release(&s, 1), chp_semaphore_available(&s) == 1);
LOOK(semaphore_look_saved, chp_semaphore_init(&s, 0, CHP_FIFO),
     chp_semaphore_release(&s, 1), saved_permits());
LOOK(semaphore_look_closed, chp_semaphore_init(&s, 0, CHP_FIFO),
     chp_semaphore_close(&s), chp_semaphore_is_closed(&s));
LOOK(semaphore_look_waiters, chp_semaphore_init(&s, 0, CHP_FIFO), queue_up(),
     chp_semaphore_has_waiters(&s));

static void unlock_adopted(void)
{
	chp_mutex_adopt(&m);
	chp_mutex_unlock(&m);
}

LOOK(mutex_look, chp_mutex_lock(&m), unlock_adopted(),
     !chp_mutex_is_locked(&m));
LOOK(rwlock_look_written, chp_rwlock_write(&l), chp_rwlock_write_unlock(&l),
     chp_rwlock_readers(&l) == 0);
LOOK(rwlock_look_read, chp_rwlock_read(&l), chp_rwlock_read_unlock(&l),
     chp_rwlock_readers(&l) == 0);

/* ---- Counts of those who come and go ---- */

static chp_barrier b;
static chp_wait_group wg;

static void arrive(void)
{
	chp_barrier_op op;

	chp_barrier_wait_op(&op, &b);
	poll_and_cancel(&op.op); /* the arrival stays */
}

LOOK(barrier_look, chp_barrier_init(&b, 2, 0), arrive(),
     chp_barrier_arrived(&b) == 1);
LOOK(wait_group_look, chp_wait_group_init(&wg, 1), chp_wait_group_done(&wg),
     chp_wait_group_count(&wg) == 0);

/* ---- Channels ---- */

static unsigned one = 1;
static chp_broadcast_tx b_tx;
static chp_broadcast_rx b_rx;
static chp_watch_tx w_tx, w_tx_2;
static chp_watch_rx w_rx;
static chp_mpmc_tx q_tx;
static chp_mpmc_rx q_rx, q_rx_2;

static void drop_broadcast(void)
{
	chp_broadcast_tx_drop(&b_tx);
	chp_broadcast_rx_drop(&b_rx);
}

static void make_watch(void)
{
	chp_watch(4, NULL, &one, &w_tx, &w_rx);
	chp_watch_tx_clone(&w_tx, &w_tx_2);
}

static void drop_watch(void)
{
	chp_watch_tx_drop(&w_tx);
	chp_watch_tx_drop(&w_tx_2);
	chp_watch_rx_drop(&w_rx);
}

static void make_mpmc(void)
{
	chp_mpmc_bounded(1, 4, NULL, &q_tx, &q_rx);
	chp_mpmc_rx_clone(&q_rx, &q_rx_2);
}

static void drop_mpmc(void)
{
	chp_mpmc_tx_drop(&q_tx);
	chp_mpmc_rx_drop(&q_rx);
	chp_mpmc_rx_drop(&q_rx_2);
}

LOOK(broadcast_look_len, chp_broadcast(1, 4, NULL, &b_tx, &b_rx),
     chp_broadcast_send(&b_tx, &one), chp_broadcast_len(&b_rx) == 1,
     .check = drop_broadcast);
LOOK(watch_look_senders, make_watch(), chp_watch_tx_drop(&w_tx_2),
     chp_watch_sender_count(&w_tx) == 1, .check = drop_watch);
LOOK(watch_look_receivers, make_watch(), chp_watch_rx_drop(&w_rx),
     chp_watch_receiver_count(&w_tx) == 0, .check = drop_watch);
LOOK(mpmc_look_receivers, make_mpmc(), chp_mpmc_rx_drop(&q_rx_2),
     chp_mpmc_receiver_count(&q_tx) == 1, .check = drop_mpmc);

/* ---- A length is never below zero, whoever looks ---- */

static chp_mpsc_tx m_tx;
static chp_mpsc_rx m_rx;

static void make_mpsc(void)
{
	MODEL_CHECK(chp_mpsc_unbounded(4, NULL, &m_tx, &m_rx) == 0);
}

static void send_1(void)
{
	MODEL_CHECK(chp_mpsc_send(&m_tx, &one) == 0);
}

static void try_recv(void)
{
	unsigned x;

	if (chp_mpsc_try_recv(&m_rx, &x) == 0)
		MODEL_CHECK(x == 1);
}

static void look_len(void)
{
	size_t len = chp_mpsc_len(&m_rx);

	MODEL_CHECK(len <= 1);
	model_reached((unsigned)len);
}

static void drop_mpsc(void)
{
	chp_mpsc_tx_drop(&m_tx);
	chp_mpsc_rx_drop(&m_rx);
}

SCENARIO(mpsc_look_len, .setup = make_mpsc,
	 .threads = { send_1, try_recv, look_len }, .check = drop_mpsc,
	 .bound = 2, .must_reach = 3);
