/*
 * test_barrier_quit.c - what becomes of an arrival whose wait is given up, with
 * and without CHP_BARRIER_WITHDRAW.
 */
#include "barrier.h"

/* ---- Giving up: by default ---- */

static void a_cancelled_arrival_stays_counted(void)
{
	struct poller p[2], last;

	make(3, 0);
	arrive(&p[0]);
	arrive(&p[1]);
	CHECK_EQ(cancel(&p[0], CHP_ECANCELED), CHP_TOO_LATE);
	CHECK_EQ(chp_barrier_arrived(&b), 2);
	CHECK_EQ(QUEUED(&b), 1);
	waits(&p[1]);
	leads(&last);
	goes(&p[1]);
	/* The next generation needs three again. */
	arrive(&p[0]);
	arrive(&p[1]);
	leads(&last);
	goes(&p[0]);
	goes(&p[1]);
	end();
}

static void all_but_the_last_may_give_up(void)
{
	struct poller p[2], last;

	make(3, 0);
	for (int i = 0; i < 2; i++) {
		arrive(&p[i]);
		CHECK_EQ(cancel(&p[i], CHP_ECANCELED), CHP_TOO_LATE);
	}
	CHECK_EQ(QUEUED(&b), 0);
	CHECK_EQ(chp_barrier_arrived(&b), 2);
	leads(&last);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	/* With arrivals, but without waiters, it may go. */
	arrive(&p[0]);
	CHECK_EQ(cancel(&p[0], CHP_ECANCELED), CHP_TOO_LATE);
	end();
}

static void a_cancel_after_all_have_arrived_comes_too_late(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		struct poller p, last;

		make(2, flags);
		arrive(&p);
		leads(&last);
		CHECK_EQ(cancel(&p, 0), CHP_TOO_LATE);
		CHECK_EQ(chp_barrier_arrived(&b), 0);
		end();
	}
}

/* ---- Giving up: CHP_BARRIER_WITHDRAW ---- */

static void a_withdrawn_arrival_leaves_no_trace(void)
{
	struct poller p[3], last;

	make(3, CHP_BARRIER_WITHDRAW);
	arrive(&p[0]);
	arrive(&p[1]);
	CHECK_EQ(cancel(&p[0], CHP_ECANCELED), CHP_HELD_NOTHING);
	CHECK_EQ(chp_barrier_arrived(&b), 1);
	arrive(&p[2]);
	waits(&p[1]);
	leads(&last);
	goes(&p[1]);
	goes(&p[2]);
	for (int i = 0; i < 10; i++) {
		arrive(&p[0]);
		CHECK_EQ(cancel(&p[0], CHP_ECANCELED), CHP_HELD_NOTHING);
	}
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	end();
}

/* ---- Waits that end early ---- */

/* What failed wait leaves behind in each mode. */
static void failed(int r, int code, unsigned flags)
{
	CHECK_CODE(r, code);
	CHECK_EQ(QUEUED(&b), 0);
	CHECK_EQ(chp_barrier_arrived(&b), flags ? 0 : 1);
}

static void a_deadline_ends_the_wait(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		chp_time limit = CHP_MS;
		int r;

		/* Of some length it is not over before the wait begins; only
		   then the wait has arrived. */
		do {
			chp_wait w = { .deadline = chp_in(limit) };

			make(2, flags);
			r = wait_for(&w);
			limit *= 4;
		} while (!flags && !chp_barrier_arrived(&b) && limit < CHP_SEC);
		failed(r, CHP_ETIMEDOUT, flags);
		make(2, flags);
		failed(wait_for(&(chp_wait){ .deadline = 1 }), CHP_ETIMEDOUT,
		       flags);
		end();
	}
}

static void the_last_arrives_whatever_its_deadline(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		struct poller p;

		make(2, flags);
		arrive(&p);
		CHECK_CODE(wait_for(&(chp_wait){ .deadline = 1 }), 1);
		goes(&p);
		end();
	}
}

static void a_time_limit_on_an_operation_ends_it(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		chp_timeout_op limit;
		chp_barrier_op op;

		make(2, flags);
		chp_barrier_wait_op(&op, &b);
		chp_timeout_init(&limit, &op.op, chp_in(CHP_MS));
		failed(h_wait(&limit.op, NULL), CHP_ETIMEDOUT, flags);
		make(2, flags);
		chp_barrier_wait_op(&op, &b);
		chp_timeout_init(&limit, &op.op, chp_in(CHP_SEC * 3600));
		CHECK_CODE(chp_op_poll(&limit.op, NULL), CHP_PENDING);
		CHECK_EQ(chp_op_cancel(&limit.op),
			 flags ? CHP_HELD_NOTHING : CHP_TOO_LATE);
		failed(limit.op.result, CHP_ECANCELED, flags);
		end();
	}
}

struct canceller {
	chp_cancel token;
	chp_agent who;
};

static void *cancel_when_queued(void *arg)
{
	struct canceller *c = arg;

	h_until(QUEUED(&b) == 1);
	if (c->who.id)
		CHECK_CODE(chp_interrupt(c->who), 0);
	else
		chp_cancel_now(&c->token);
	return NULL;
}

static void a_token_ends_the_wait(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		struct canceller c = { .token = CHP_CANCEL_INIT };
		struct h_agent a;

		make(2, flags);
		h_spawn(&a, cancel_when_queued, &c);
		failed(wait_for(&(chp_wait){ .cancel = &c.token }),
		       CHP_ECANCELED, flags);
		h_join(&a);
		end();
	}
}

static void an_interrupt_ends_the_wait(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		struct canceller c = { .who = chp_agent_current() };
		struct h_agent a;

		make(2, flags);
		h_spawn(&a, cancel_when_queued, &c);
		failed(wait_for(NULL), CHP_EINTR, flags);
		CHECK(!chp_interrupted());
		h_join(&a);
		end();
	}
}

static void a_wait_that_does_not_begin_has_not_arrived(void)
{
	chp_cancel token = CHP_CANCEL_INIT;

	chp_cancel_now(&token);
	make(2, 0);
	CHECK_CODE(wait_for(&(chp_wait){ .cancel = &token }), CHP_ECANCELED);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(wait_for(NULL), CHP_EINTR);
	CHECK_CODE(chp_barrier_wait_with(&b, &(chp_wait){ .flags = 8 }),
		   CHP_EINVAL);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	end();
}

/* One that is pending already has. */
static void a_pending_operation_has_arrived_all_the_same(void)
{
	chp_cancel token = CHP_CANCEL_INIT;

	chp_cancel_now(&token);
	for (unsigned flags = 0; flags < 2; flags++) {
		struct poller p;

		make(2, flags);
		arrive(&p);
		failed(chp_op_wait(&p.op.op, &(chp_wait){ .cancel = &token }),
		       CHP_ECANCELED, flags);
		make(2, flags);
		arrive(&p);
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		failed(chp_op_wait(&p.op.op, NULL), CHP_EINTR, flags);
		CHECK(!chp_interrupted());
		end();
	}
}

static void losers_of_a_select_give_up(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		chp_barrier_op op;
		chp_sleep_op soon;
		chp_select_arm arms[] = { { .op = &op.op },
					  { .op = &soon.op } };

		make(2, flags);
		chp_barrier_wait_op(&op, &b);
		chp_sleep_until_op(&soon, chp_in(CHP_MS));
		/* In this order, for a millisecond may be over by now. */
		failed(h_select(arms, 2, CHP_CANCEL_LOSERS | CHP_BIASED, NULL),
		       1, flags);
		end();
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_cancelled_arrival_stays_counted, IN_ALL),
	TEST(all_but_the_last_may_give_up, IN_ALL),
	TEST(a_cancel_after_all_have_arrived_comes_too_late, IN_ALL),
	TEST(a_withdrawn_arrival_leaves_no_trace, IN_ALL),
	TEST(a_deadline_ends_the_wait, IN_ALL),
	TEST(the_last_arrives_whatever_its_deadline, IN_ALL),
	TEST(a_time_limit_on_an_operation_ends_it, IN_ALL),
	TEST(a_token_ends_the_wait, IN_ALL),
	TEST(an_interrupt_ends_the_wait, IN_BLOCKING),
	TEST(a_wait_that_does_not_begin_has_not_arrived, IN_BLOCKING),
	TEST(a_pending_operation_has_arrived_all_the_same, IN_BLOCKING),
	TEST(losers_of_a_select_give_up, IN_ALL),
};
/* clang-format on */

H_MAIN("barrier_quit", tests)
