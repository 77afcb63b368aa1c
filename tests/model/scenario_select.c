/*
 * scenario_select.c - operations made of others, and waits that are cut short:
 * nothing granted is lost, no flag is lost.  Selects of two that block are in
 * scenario_wait.c.
 */
#include <string.h>

#include <chappe/agent.h>
#include <chappe/barrier.h>
#include <chappe/cancel.h>
#include <chappe/select.h>
#include <chappe/semaphore.h>

#include "counted.h"
#include "os/relax.h"

static chp_semaphore s, s2;
static chp_barrier barrier;
static struct counted waker;
static chp_cancel token;
static chp_ptr known;
static chp_agent first;
static bool told; /* thread 1: its wait was interrupted */

static void init(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_semaphore_init(&s2, 0, CHP_FIFO);
	chp_barrier_init(&barrier, 2, 0);
}

static void announce(void)
{
	first = chp_agent_current();
	storep_release(&known, &first);
}

static void interrupt_known(void)
{
	unsigned spins = 0;

	while (!loadp_acquire(&known))
		chp__relax(&spins);
	MODEL_CHECK(chp_interrupt(first) == 0);
}

static void give(void)
{
	chp_semaphore_release(&s, 1);
}

static void give_both(void)
{
	chp_semaphore_release(&s, 1);
	chp_semaphore_release(&s2, 1);
}

static void cancel(void)
{
	chp_cancel_now(&token);
}

static void one_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	MODEL_CHECK(chp_semaphore_queue_length(&s) == 0);
	counted_end(&waker);
}

static void both_left(void)
{
	one_left();
	MODEL_CHECK(chp_semaphore_available(&s2) == 1);
	MODEL_CHECK(chp_semaphore_queue_length(&s2) == 0);
}

/* ---- Selects ---- */

static void give_back(int winner)
{
	chp_semaphore_release(winner ? &s2 : &s, 1);
}

/* Polled by hand, then given up with both arms. */
static void select_left(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_acquire_op a, b;
	chp_select_arm arms[2] = { { &a.op, 0 }, { &b.op, 0 } };
	chp_select_op op;
	int r;

	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &s2, 1);
	chp_select_init(&op, arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS);
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	else
		give_back(r);
	memset(&a, 0xff, sizeof(a));
	memset(&b, 0xff, sizeof(b));
}

/* The loser keeps its place, and what it is granted there. */
static void select_kept(void)
{
	chp_acquire_op a, b;
	chp_select_arm arms[2] = { { &a.op, 0 }, { &b.op, 0 } };
	int r;

	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &s2, 1);
	r = chp_select(arms, 2, CHP_BIASED);
	model_reached((unsigned)r);
	MODEL_CHECK(r == 0 || r == 1);
	give_back(r);
	arms[r].op = NULL;
	MODEL_CHECK(chp_select(arms, 2, CHP_BIASED) == 1 - r);
	give_back(1 - r);
}

static void select_interrupted(void)
{
	chp_acquire_op a, b;
	chp_select_arm arms[2] = { { &a.op, 0 }, { &b.op, 0 } };
	int r;

	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &s2, 1);
	announce();
	r = chp_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS);
	told = r == CHP_EINTR;
	model_reached(told);
	if (!told)
		give_back(r);
}

static void flag_kept(void)
{
	/* The interrupt is told once, by the wait or after it. */
	MODEL_CHECK(chp_is_interrupted(first) == !told);
}

static void both_left_flag_kept(void)
{
	both_left();
	flag_kept();
}

SCENARIO(select_left, .setup = init, .threads = { select_left, give_both },
	 .check = both_left, .bound = 2);
SCENARIO(select_kept, .setup = init, .threads = { select_kept, give_both },
	 .check = both_left, .bound = 2, .must_reach = 3);
SCENARIO(select_interrupted, .setup = init,
	 .threads = { select_interrupted, interrupt_known, give_both },
	 .check = both_left_flag_kept, .bound = 1, .must_reach = 3);

/* ---- A limit, a token and a grant at once ---- */

static void take_all(void)
{
	chp_wait w = { .deadline = model_time(1), .cancel = &token };
	int r = chp_semaphore_acquire_with(&s, 1, &w);

	model_reached(r == 0 ? 0 : r == CHP_ETIMEDOUT ? 1 : 2);
	if (r == 0)
		chp_semaphore_release(&s, 1);
	else
		MODEL_CHECK(r == CHP_ETIMEDOUT || r == CHP_ECANCELED);
}

/* A limit that is given up itself. */
static void timeout_left(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_acquire_op inner;
	chp_timeout_op op;
	int r;

	chp_semaphore_acquire_op(&inner, &s, 1);
	chp_timeout_init(&op, &inner.op, model_time(1));
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	else
		chp_semaphore_release(&s, 1);
	memset(&inner, 0xff, sizeof(inner));
	memset(&op, 0xff, sizeof(op));
}

SCENARIO(timeout_token_grant, .setup = init,
	 .threads = { take_all, give, cancel }, .check = one_left, .timed = 1,
	 .bound = 2, .must_reach = 7);
SCENARIO(timeout_left, .setup = init, .threads = { timeout_left, give },
	 .check = one_left);

/* ---- An interrupt is told by one wait, and by no other ---- */

static void take_interrupted(void)
{
	int r;

	announce();
	r = chp_semaphore_acquire(&s, 1);
	MODEL_CHECK(r == 0 || r == CHP_EINTR);
	told = r == CHP_EINTR;
	model_reached(told);
	if (!told)
		chp_semaphore_release(&s, 1);
}

static void one_left_flag_kept(void)
{
	one_left();
	flag_kept();
}

/* An arrival cannot be taken back: the interrupt is told, or all have come. */
static void arrive_polled(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_barrier_op op;
	int r;

	chp_barrier_wait_op(&op, &barrier);
	r = chp_op_poll(&op.op, &ctx);
	announce();
	if (r == CHP_PENDING)
		r = chp_op_wait(&op.op, NULL);
	told = r == CHP_EINTR;
	model_reached(told);
}

static void arrive(void)
{
	chp_wait w = { .flags = CHP_UNINTERRUPTIBLE };

	MODEL_CHECK(chp_barrier_wait_with(&barrier, &w) >= 0);
}

static void barrier_flag_kept(void)
{
	flag_kept();
	counted_end(&waker);
}

SCENARIO(interrupt_kept, .setup = init,
	 .threads = { take_interrupted, interrupt_known, give },
	 .check = one_left_flag_kept, .bound = 2, .must_reach = 3);
SCENARIO(interrupt_arrived, .setup = init,
	 .threads = { arrive_polled, interrupt_known, arrive },
	 .check = barrier_flag_kept, .bound = 2, .must_reach = 3);
