/*
 * test_notify_cancel.c - joining the queue before waiting (enable), and giving
 * up: what is passed on, and to whom.
 */
#include "notify.h"

/* ---- Enable ---- */

static void enable_joins_the_queue(void)
{
	struct poller a, b;

	begin();
	make(&a);
	CHECK_EQ(chp_notified_enable(&a.op), 0);
	CHECK_EQ(QUEUED(&n), 1);
	CHECK_EQ(chp_notified_enable(&a.op), 0);
	CHECK_EQ(QUEUED(&n), 1);
	join_queue(&b);
	chp_notify_one(&n);
	CHECK(!has_permit());
	waits(&b);
	poll_at_once(&a.op.op, 0);
	chp_notify_one(&n);
	goes(&b);
	end();
}

static void an_enabled_one_gets_its_waker_later(void)
{
	struct poller p;

	begin();
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 0);
	waits(&p);
	CHECK_EQ(QUEUED(&n), 1);
	/* And keeps it. */
	CHECK_EQ(chp_notified_enable(&p.op), 0);
	CHECK_EQ(h_refs(&p.waker), 1);
	chp_notify_last(&n);
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	goes(&p);
	end();
}

static void enable_takes_the_permit(void)
{
	struct poller p;

	begin();
	chp_notify_one(&n);
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	CHECK(!has_permit());
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	CHECK(!chp_op_is_finished(&p.op.op));
	poll_at_once(&p.op.op, 0);
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	end();
}

static void enable_finds_that_notify_waiters_was_called(void)
{
	struct poller p;

	begin();
	make(&p);
	chp_notify_waiters(&n);
	chp_notify_one(&n);
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	poll_at_once(&p.op.op, 0);
	CHECK(has_permit());
	end();
}

static void enable_finds_that_it_was_released(void)
{
	void (*const by[])(chp_notify *) = { chp_notify_one, chp_notify_last,
					     chp_notify_waiters };

	begin();
	for (int i = 0; i < 3; i++) {
		struct poller p;

		join_queue(&p);
		by[i](&n);
		CHECK_EQ(chp_notified_enable(&p.op), 1);
		goes(&p);
	}
	end();
}

static void what_enable_took_is_not_given_back(void)
{
	void (*const by[])(chp_notify *) = { chp_notify_one, chp_notify_last,
					     chp_notify_waiters };
	struct poller p, other;

	begin();
	for (int i = 0; i < 3; i++) {
		make(&p);
		by[i](&n);
		CHECK_EQ(chp_notified_enable(&p.op), 1);
		CHECK_EQ(cancel(&p), CHP_TOO_LATE);
		CHECK(!has_permit());

		join_queue(&p);
		by[i](&n);
		join_queue(&other);
		CHECK_EQ(chp_notified_enable(&p.op), 1);
		CHECK_EQ(cancel(&p), CHP_TOO_LATE);
		waits(&other);
		CHECK_EQ(cancel(&other), CHP_HELD_NOTHING);
	}
	end();
}

static void enabling_and_cancelling_loses_nothing(void)
{
	struct poller p;

	begin();
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 0);
	CHECK_EQ(cancel(&p), CHP_HELD_NOTHING);
	CHECK_EQ(QUEUED(&n), 0);
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 0);
	chp_notify_one(&n);
	CHECK_EQ(cancel(&p), CHP_GAVE_BACK);
	CHECK(has_permit());
	end();
}

static void *wait_for_op(void *arg)
{
	chp_notified_op *op = arg;

	CHECK_CODE(h_wait(&op->op, NULL), 0);
	return NULL;
}

static void an_enabled_one_can_be_waited_for(void)
{
	struct h_agent a;
	struct poller p;

	begin();
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 0);
	h_spawn(&a, wait_for_op, &p.op);
	chp_notify_one(&n);
	h_join(&a);
	end();
}

/* Success wins, and the interrupt is for the next wait. */
static void a_wait_for_a_ready_one_succeeds_whatever_is_up(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct poller p;

	begin();
	chp_cancel_now(&token);
	chp_notify_one(&n);
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	CHECK_CODE(chp_op_wait(&p.op.op, &(chp_wait){ .cancel = &token }), 0);

	chp_notify_one(&n);
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 1);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_op_wait(&p.op.op, NULL), 0);
	CHECK(chp_interrupted());
	end();
}

/* One that is not ready does not hide it. */
static void a_wait_for_an_enabled_one_can_be_interrupted(void)
{
	struct poller p;

	begin();
	make(&p);
	CHECK_EQ(chp_notified_enable(&p.op), 0);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_op_wait(&p.op.op, NULL), CHP_EINTR);
	CHECK(!chp_interrupted());
	CHECK_EQ(QUEUED(&n), 0);
	end();
}

static void enable_cancelled(void *arg)
{
	struct poller p;

	(void)arg;
	begin();
	make(&p);
	chp_op_cancel(&p.op.op);
	chp_notified_enable(&p.op);
}

static void enabling_a_cancelled_one_is_misuse(void)
{
	h_must_panic(enable_cancelled, NULL, "notify wait");
}

/* ---- Cancel ---- */

static void cancelling_a_queued_one_finds_nothing(void)
{
	struct poller p[3];

	begin();
	for (int i = 0; i < 3; i++)
		join_queue(&p[i]);
	CHECK_EQ(cancel(&p[1]), CHP_HELD_NOTHING);
	CHECK_EQ(QUEUED(&n), 2);
	chp_notify_waiters(&n);
	CHECK_EQ(h_wakes(&p[1].waker), 0);
	goes(&p[0]);
	goes(&p[2]);
	end();
}

static void a_notification_becomes_the_permit_again(void)
{
	struct poller p;

	begin();
	for (int last = 0; last < 2; last++) {
		join_queue(&p);
		(last ? chp_notify_last : chp_notify_one)(&n);
		CHECK_EQ(cancel(&p), CHP_GAVE_BACK);
		CHECK(has_permit());
	}
	end();
}

static void a_notification_of_one_goes_to_the_oldest(void)
{
	struct poller p[3];

	begin();
	for (int i = 0; i < 3; i++)
		join_queue(&p[i]);
	chp_notify_one(&n);
	CHECK_EQ(cancel(&p[0]), CHP_GAVE_BACK);
	waits(&p[2]);
	goes(&p[1]);
	CHECK_EQ(cancel(&p[2]), CHP_HELD_NOTHING);
	end();
}

static void a_notification_of_last_goes_to_the_newest(void)
{
	struct poller p[3], newer;

	begin();
	for (int i = 0; i < 3; i++)
		join_queue(&p[i]);
	chp_notify_last(&n);
	join_queue(&newer);
	CHECK_EQ(cancel(&p[2]), CHP_GAVE_BACK);
	waits(&p[0]);
	waits(&p[1]);
	goes(&newer);
	chp_notify_last(&n);
	CHECK_EQ(cancel(&p[1]), CHP_GAVE_BACK);
	goes(&p[0]);
	end();
}

static void it_is_passed_on_as_often_as_it_takes(void)
{
	struct poller p[10];

	begin();
	for (int i = 0; i < 10; i++)
		join_queue(&p[i]);
	chp_notify_one(&n);
	for (int i = 0; i < 9; i++)
		CHECK_EQ(cancel(&p[i]), CHP_GAVE_BACK);
	goes(&p[9]);
	end();
}

static void two_that_are_given_back_are_both_passed_on(void)
{
	struct poller p[4];

	begin();
	for (int i = 0; i < 4; i++)
		join_queue(&p[i]);
	chp_notify_one(&n);
	chp_notify_one(&n);
	CHECK_EQ(cancel(&p[0]), CHP_GAVE_BACK);
	CHECK_EQ(cancel(&p[1]), CHP_GAVE_BACK);
	goes(&p[2]);
	goes(&p[3]);
	end();
}

static void what_notify_waiters_released_passes_nothing_on(void)
{
	struct poller p[2], later;

	begin();
	join_queue(&p[0]);
	join_queue(&p[1]);
	chp_notify_waiters(&n);
	join_queue(&later);
	CHECK_EQ(cancel(&p[0]), CHP_HELD_NOTHING);
	waits(&later);
	CHECK_EQ(cancel(&later), CHP_HELD_NOTHING);
	goes(&p[1]);
	/* Covered, but never polled. */
	make(&p[0]);
	chp_notify_waiters(&n);
	CHECK_EQ(cancel(&p[0]), CHP_HELD_NOTHING);
	end();
}

/* Chosen by notify_one first, it owes the notification all the same. */
static void notify_waiters_does_not_swallow_a_notification(void)
{
	struct poller p[2];

	begin();
	join_queue(&p[0]);
	join_queue(&p[1]);
	chp_notify_one(&n);
	chp_notify_waiters(&n);
	goes(&p[1]);
	CHECK_EQ(cancel(&p[0]), CHP_GAVE_BACK);
	CHECK(has_permit());
	end();
}

static void cancelling_a_finished_one_does_nothing(void)
{
	struct poller p;

	begin();
	join_queue(&p);
	chp_notify_one(&n);
	goes(&p);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(chp_op_cancel(&p.op.op), CHP_HELD_NOTHING);
	CHECK_CODE(p.op.op.result, 0);
	end();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(enable_joins_the_queue, IN_ALL),
	TEST(an_enabled_one_gets_its_waker_later, IN_ALL),
	TEST(enable_takes_the_permit, IN_ALL),
	TEST(enable_finds_that_notify_waiters_was_called, IN_ALL),
	TEST(enable_finds_that_it_was_released, IN_ALL),
	TEST(what_enable_took_is_not_given_back, IN_ALL),
	TEST(enabling_and_cancelling_loses_nothing, IN_ALL),
	TEST(an_enabled_one_can_be_waited_for, IN_ALL),
	TEST(a_wait_for_a_ready_one_succeeds_whatever_is_up, IN_BLOCKING),
	TEST(a_wait_for_an_enabled_one_can_be_interrupted, IN_BLOCKING),
	TEST(enabling_a_cancelled_one_is_misuse, ON_ITS_OWN),
	TEST(cancelling_a_queued_one_finds_nothing, IN_ALL),
	TEST(a_notification_becomes_the_permit_again, IN_ALL),
	TEST(a_notification_of_one_goes_to_the_oldest, IN_ALL),
	TEST(a_notification_of_last_goes_to_the_newest, IN_ALL),
	TEST(it_is_passed_on_as_often_as_it_takes, IN_ALL),
	TEST(two_that_are_given_back_are_both_passed_on, IN_ALL),
	TEST(what_notify_waiters_released_passes_nothing_on, IN_ALL),
	TEST(notify_waiters_does_not_swallow_a_notification, IN_ALL),
	TEST(cancelling_a_finished_one_does_nothing, IN_ALL),
};
/* clang-format on */

H_MAIN("notify_cancel", tests)
