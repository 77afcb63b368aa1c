/*
 * test_notify_op.c - a wait for a notification as an operation: its life, its
 * wakers, budget, select.
 */
#include "notify.h"

/* ---- Life ---- */

static void it_is_lazy_until_its_first_poll(void)
{
	struct poller p;

	begin();
	make(&p);
	CHECK_EQ(QUEUED(&n), 0);
	CHECK(!chp_op_is_finished(&p.op.op));
	CHECK_EQ(cancel(&p), CHP_HELD_NOTHING);
	end();
}

static void it_can_be_polled_without_a_waker(void)
{
	struct poller p;

	begin();
	make(&p);
	CHECK_CODE(chp_op_poll(&p.op.op, NULL), CHP_PENDING);
	CHECK_CODE(chp_op_poll(&p.op.op, NULL), CHP_PENDING);
	CHECK_EQ(QUEUED(&n), 1);
	chp_notify_one(&n);
	CHECK_CODE(chp_op_poll(&p.op.op, NULL), 0);
	end();
}

static void poll_finished(void *arg)
{
	struct poller p;

	begin();
	make(&p);
	if (arg)
		chp_notify_one(&n);
	else
		chp_op_cancel(&p.op.op);
	chp_op_poll(&p.op.op, NULL);
	chp_op_poll(&p.op.op, NULL);
}

static void polling_a_finished_one_is_misuse(void)
{
	h_must_panic(poll_finished, NULL, "notify wait");
	h_must_panic(poll_finished, &n, "notify wait");
}

/* ---- Wakers ---- */

static void the_newest_waker_is_woken(void)
{
	struct h_waker other = { 0 };
	struct poller p;

	begin();
	join_queue(&p);
	CHECK_CODE(h_poll(&p.op.op, &other), CHP_PENDING);
	CHECK_EQ(h_refs(&p.waker), 0);
	for (int i = 0; i < 3; i++)
		poll_pends(&p.op.op, &other);
	chp_notify_one(&n);
	CHECK_EQ(h_wakes(&p.waker), 0);
	poll_ends(&p.op.op, &other, 0);
	end();
}

static void a_waker_can_be_replaced_by_none(void)
{
	struct poller p;

	begin();
	join_queue(&p);
	CHECK_CODE(chp_op_poll(&p.op.op, NULL), CHP_PENDING);
	CHECK_EQ(h_refs(&p.waker), 0);
	chp_notify_waiters(&n);
	CHECK_CODE(h_poll(&p.op.op, &p.waker), 0);
	CHECK_EQ(h_wakes(&p.waker), 0);
	CHECK_EQ(h_refs(&p.waker), 0);
	end();
}

static void a_released_one_ignores_a_new_waker(void)
{
	struct h_waker other = { 0 };
	struct poller p;

	begin();
	join_queue(&p);
	chp_notify_one(&n);
	CHECK_CODE(h_poll(&p.op.op, &other), 0);
	CHECK_EQ(h_refs(&other), 0);
	CHECK_EQ(h_wakes(&other), 0);
	CHECK_EQ(h_wakes(&p.waker), 1);
	end();
}

/* A waker that uses the same notify at once: no lock is held. */
static struct poller inner;
static int inner_found;

static void use_it(void *data)
{
	struct poller *p = data;

	CHECK_CODE(chp_op_poll(&p->op.op, NULL), 0);
	inner_found = chp_op_cancel(&inner.op.op);
	chp_notify_one(&n);
	chp_notify_waiters(&n);
	CHECK(has_permit());
}

static const chp_waker_class user = { use_it, no_count, no_count };

static void a_waker_may_use_the_notify(void)
{
	for (int all = 0; all < 2; all++) {
		chp_poll_ctx ctx;
		struct poller p;

		begin();
		make(&p);
		ctx = chp_poll_ctx_of((chp_waker){ &user, &p });
		CHECK_CODE(chp_op_poll(&p.op.op, &ctx), CHP_PENDING);
		join_queue(&inner);
		(all ? chp_notify_waiters : chp_notify_one)(&n);
		CHECK(chp_op_is_finished(&p.op.op));
		CHECK_EQ(inner_found, CHP_HELD_NOTHING);
		end();
	}
}

/* More of them than one batch of wakes holds, and the first ends the others. */
enum { CROWD = 90 };

static struct poller crowd[CROWD];

static void cancel_the_others(void *data)
{
	struct poller *me = data;

	for (int i = 0; i < CROWD; i++)
		if (&crowd[i] != me && !chp_op_is_finished(&crowd[i].op.op))
			CHECK_EQ(chp_op_cancel(&crowd[i].op.op),
				 CHP_HELD_NOTHING);
}

static const chp_waker_class jealous = { cancel_the_others, no_count,
					 no_count };

static void a_waker_may_cancel_those_released_with_it(void)
{
	begin();
	for (int i = 0; i < CROWD; i++) {
		chp_poll_ctx ctx =
			chp_poll_ctx_of((chp_waker){ &jealous, &crowd[i] });

		make(&crowd[i]);
		if (i == 0)
			CHECK_CODE(chp_op_poll(&crowd[i].op.op, &ctx),
				   CHP_PENDING);
		else
			poll_pends(&crowd[i].op.op, &crowd[i].waker);
	}
	chp_notify_waiters(&n);
	CHECK_CODE(chp_op_poll(&crowd[0].op.op, NULL), 0);
	for (int i = 1; i < CROWD; i++) {
		CHECK(chp_op_is_finished(&crowd[i].op.op));
		CHECK_EQ(h_refs(&crowd[i].waker), 0);
	}
	end();
}

/* ---- Budget ---- */

static void it_costs_no_budget(void)
{
	struct h_waker w = { 0 };
	chp_notified_op op;
	uint32_t left = 0;

	begin();
	for (int i = 0; i < 1000; i++) {
		chp_notify_one(&n);
		chp_notify_notified_op(&op, &n);
		CHECK_CODE(h_poll_within(&op.op, &w, &left), 0);
	}
	left = 1;
	chp_notify_notified_op(&op, &n);
	CHECK_CODE(h_poll_within(&op.op, &w, &left), CHP_PENDING);
	chp_notify_one(&n);
	CHECK_CODE(h_poll_within(&op.op, &w, &left), 0);
	CHECK_EQ(left, 1);
	end();
}

static chp_word others_ran;

static void *note_that_it_ran(void *arg)
{
	for (int i = 0; i < 10; i++) {
		h_add(&others_ran, 1);
		chp_yield();
	}
	return arg;
}

/* On one thread another task runs only if the waits yield. */
static void waits_that_need_no_waiting_do_not_yield(void)
{
	struct h_agent a;
	uint32_t before;

	begin();
	h_spawn(&a, note_that_it_ran, NULL);
	before = h_load(&others_ran);
	for (int i = 0; i < 1000; i++) {
		chp_notify_one(&n);
		CHECK_CODE(chp_notify_wait(&n), 0);
		chp_notify_one(&n);
		CHECK_CODE(chp_notify_wait_with(&n, &(chp_wait){ 0 }), 0);
	}
	CHECK_EQ(h_load(&others_ran), before);
	h_join(&a);
	end();
}

/* ---- Select ---- */

static void *wait_for_op(void *arg)
{
	chp_notified_op *op = arg;

	CHECK_CODE(h_wait(&op->op, NULL), 0);
	return NULL;
}

static void a_loser_keeps_its_place(void)
{
	struct poller first;
	chp_notified_op op;
	chp_sleep_op soon;
	chp_select_arm arms[] = { { .op = &op.op }, { .op = &soon.op } };
	struct h_agent a;

	begin();
	chp_notify_notified_op(&op, &n);
	chp_sleep_until_op(&soon, chp_in(CHP_MS));
	/* In this order, for a millisecond may be over by now. */
	CHECK_EQ(h_select(arms, 2, CHP_BIASED, NULL), 1);
	join_queue(&first);
	chp_notify_one(&n);
	h_spawn(&a, wait_for_op, &op);
	h_join(&a);
	CHECK_EQ(cancel(&first), CHP_HELD_NOTHING);
	end();
}

static void a_cancelled_loser_passes_its_notification_on(void)
{
	struct poller other;
	chp_notified_op one, two;
	chp_select_arm arms[] = { { .op = &one.op }, { .op = &two.op } };

	begin();
	chp_notify_notified_op(&one, &n);
	chp_notify_notified_op(&two, &n);
	CHECK_EQ(chp_notified_enable(&one), 0);
	CHECK_EQ(chp_notified_enable(&two), 0);
	join_queue(&other);
	chp_notify_one(&n);
	chp_notify_one(&n);
	CHECK_EQ(h_select(arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS, NULL), 0);
	goes(&other);
	end();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(it_is_lazy_until_its_first_poll, IN_ALL),
	TEST(it_can_be_polled_without_a_waker, IN_ALL),
	TEST(polling_a_finished_one_is_misuse, ON_ITS_OWN),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(a_waker_can_be_replaced_by_none, IN_ALL),
	TEST(a_released_one_ignores_a_new_waker, IN_ALL),
	TEST(a_waker_may_use_the_notify, IN_ALL),
	TEST(a_waker_may_cancel_those_released_with_it, IN_ALL),
	TEST(it_costs_no_budget, IN_ALL),
	TEST(waits_that_need_no_waiting_do_not_yield, IN_CT),
	TEST(a_loser_keeps_its_place, IN_ALL),
	TEST(a_cancelled_loser_passes_its_notification_on, IN_ALL),
};
/* clang-format on */

H_MAIN("notify_op", tests)
