/*
 * scenario_chain.c - the semaphore's chain of changes, where a change can tell
 * by its result what came before it: it then sees what was done before that.
 *
 * "Again": the count was changed and changed back between the look at it and
 * the step that changes it.  The other thread writes only if we cannot have
 * taken our step before: so there is a race unless the step itself acquires.
 */
#include <chappe/semaphore.h>

#include "scenario.h"

static chp_semaphore s;
static unsigned plain;

static void of_1(void)
{
	chp_semaphore_init(&s, 1, CHP_FIFO);
}

static void of_2(void)
{
	chp_semaphore_init(&s, 2, CHP_FIFO);
}

static void of_max(void)
{
	chp_semaphore_init(&s, CHP_SEMAPHORE_MAX, CHP_FIFO);
}

/* ---- The count says that the other was first ---- */

static void do_and_forget(void)
{
	plain = 1;
	chp_semaphore_forget(&s, 1);
}

static void do_and_try(void)
{
	plain = 1;
	chp_semaphore_try_acquire(&s, 1);
}

static void do_and_acquire(void)
{
	plain = 1;
	chp_semaphore_acquire(&s, 1);
}

static void do_and_drain(void)
{
	plain = 1;
	chp_semaphore_drain(&s);
}

static void drain_and_look(void)
{
	int64_t n = chp_semaphore_drain(&s);

	if (n != 2)
		MODEL_CHECK(plain == 1);
	model_reached(n != 2);
}

/* Who finds nothing any more is not to wait for ever. */
static void drain_and_end(void)
{
	drain_and_look();
	chp_semaphore_close(&s);
}

/* A release in between, so that a try finds another word than it looked at. */
static void give_drain_and_look(void)
{
	int64_t n;

	chp_semaphore_release(&s, 1);
	n = chp_semaphore_drain(&s);
	if (n != 3)
		MODEL_CHECK(plain == 1);
	model_reached(n != 3);
}

/* There is room only after the drain. */
static void give_and_look(void)
{
	int r = chp_semaphore_release(&s, 1);

	MODEL_CHECK(r == 0 || r == CHP_EOVERFLOW);
	if (r == 0)
		MODEL_CHECK(plain == 1);
	model_reached(r == 0);
}

SCENARIO(semaphore_chain_forget, .setup = of_2,
	 .threads = { do_and_forget, drain_and_look }, .must_reach = 3);
SCENARIO(semaphore_chain_acquire, .setup = of_2,
	 .threads = { do_and_acquire, drain_and_end }, .must_reach = 3);
SCENARIO(semaphore_chain_try_again, .setup = of_2,
	 .threads = { do_and_try, give_drain_and_look }, .must_reach = 3);
SCENARIO(semaphore_chain_room, .setup = of_max,
	 .threads = { do_and_drain, give_and_look }, .must_reach = 3);

/* ---- Again ---- */

static unsigned wrote; /* read by whoever cannot race with it */

/* Whoever has the one permit now was after us, if we had it at all. */
static void borrow_and_do(void)
{
	if (chp_semaphore_try_acquire(&s, 1) != 0)
		return;
	plain = 1;
	chp_semaphore_release(&s, 1);
}

static void forget_it(void)
{
	if (chp_semaphore_forget(&s, 1) == 1)
		wrote = plain;
	model_reached(wrote);
}

static void drain_it(void)
{
	if (chp_semaphore_drain(&s) == 1)
		wrote = plain;
	model_reached(wrote);
}

/* The same from above: there is room for one. */
static void fill_and_do(void)
{
	chp_semaphore_reduce(&s, 1);
	if (chp_semaphore_release(&s, 1) != 0)
		return;
	plain = 1;
	chp_semaphore_reduce(&s, 1);
}

static void fill_it(void)
{
	if (chp_semaphore_release(&s, 1) == 0)
		wrote = plain;
	model_reached(wrote);
}

SCENARIO(semaphore_forget_again, .setup = of_1,
	 .threads = { borrow_and_do, forget_it }, .must_reach = 3);
SCENARIO(semaphore_drain_again, .setup = of_1,
	 .threads = { borrow_and_do, drain_it }, .must_reach = 3);
SCENARIO(semaphore_release_again, .setup = of_max,
	 .threads = { fill_and_do, fill_it }, .must_reach = 3);

/* ---- A debt is forgiven, and who waited for that goes on ---- */

static void in_debt(void)
{
	chp_semaphore_init(&s, -1, CHP_FIFO);
}

/* Leaves the queue and joins it again: the same word, another queue. */
static void wait_for_0(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 0);
	if (chp_op_poll(&op.op, &ctx) == CHP_PENDING)
		chp_op_cancel(&op.op);
	MODEL_CHECK(chp_semaphore_acquire(&s, 0) == 0);
}

static void forgive(void)
{
	MODEL_CHECK(chp_semaphore_drain(&s) == -1);
}

static void no_debt(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 0);
	chp_semaphore_destroy(&s);
}

SCENARIO(semaphore_drain_debt, .setup = in_debt,
	 .threads = { wait_for_0, forgive }, .check = no_debt);
