/*
 * test_notify_races.c - a notification at the moment when its waiter comes,
 * goes, or is released by another: it is in one place afterwards, and nobody
 * sleeps through it.
 */
#include "duo.h"
#include "notify.h"

static chp_notified_op op, other;
static struct h_waker waker, other_waker;
static int result;
static long round_now;

static void ends(bool with_permit)
{
	CHECK_EQ(QUEUED(&n), 0);
	CHECK_EQ(has_permit(), with_permit);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(h_refs(&other_waker), 0);
}

static void begin_round(void)
{
	begin();
	memset(&waker, 0, sizeof(waker));
	memset(&other_waker, 0, sizeof(other_waker));
	result = CHP_PENDING;
	round_now++;
}

static void call_one(void)
{
	(round_now % 2 ? chp_notify_one : chp_notify_last)(&n);
}

static void call_waiters(void)
{
	chp_notify_waiters(&n);
}

static void queue_one(void)
{
	begin_round();
	chp_notify_notified_op(&op, &n);
	poll_pends(&op.op, &waker);
}

static void queue_two(void)
{
	queue_one();
	chp_notify_notified_op(&other, &n);
	poll_pends(&other.op, &other_waker);
}

static void cancel_one(void)
{
	result = chp_op_cancel(&op.op);
}

/* ---- Giving up ---- */

static void the_permit_is_there(void)
{
	CHECK(result == CHP_GAVE_BACK || result == CHP_HELD_NOTHING);
	ends(true);
}

static void a_cancel_that_meets_a_notification_leaves_the_permit(void)
{
	race_often(queue_one, call_one, cancel_one, the_permit_is_there);
}

static void the_other_is_released(void)
{
	CHECK_EQ(h_wakes(&other_waker), 1);
	poll_ends(&other.op, &other_waker, 0);
	ends(false);
}

static void call_the_one_that_goes(void)
{
	chp_notify_one(&n);
}

static void a_cancel_that_meets_a_notification_passes_it_on(void)
{
	race_often(queue_two, call_the_one_that_goes, cancel_one,
		   the_other_is_released);
}

static void a_cancel_that_meets_notify_waiters_takes_nothing_along(void)
{
	race_often(queue_two, call_waiters, cancel_one, the_other_is_released);
}

/* The result says where the notification is. */
static void it_is_in_one_place(void)
{
	if (result != CHP_EINTR)
		CHECK(result == 0 || result == CHP_ETIMEDOUT);
	ends(result != 0);
}

static void wait_a_moment(void)
{
	chp_wait w = { .deadline = chp_in(h_below(&right_rng, 20) * CHP_US) };

	result = wait_for(&w);
}

static void a_deadline_that_meets_a_notification_loses_nothing(void)
{
	race_often(begin_round, call_one, wait_a_moment, it_is_in_one_place);
}

static chp_agent waiting_agent;
static chp_word may_interrupt;

static void interrupt_and_call(void)
{
	h_until(h_load(&may_interrupt));
	chp_interrupt(waiting_agent);
	call_one();
}

static void wait_interruptibly(void)
{
	waiting_agent = chp_agent_current();
	h_store(&may_interrupt, 1);
	result = wait_for(NULL);
	/* The interrupt may have come too late for this wait. */
	h_until(result == CHP_EINTR || chp_interrupted());
	h_store(&may_interrupt, 0);
}

static void an_interrupt_that_meets_a_notification_loses_nothing(void)
{
	race_often(begin_round, interrupt_and_call, wait_interruptibly,
		   it_is_in_one_place);
}

/* ---- Coming ---- */

static void wait_without_limit(void)
{
	result = wait_for(NULL);
}

static void it_was_taken(void)
{
	CHECK_CODE(result, 0);
	ends(false);
}

static void a_waiter_that_comes_finds_it_or_is_found(void)
{
	race_often(begin_round, call_one, wait_without_limit, it_was_taken);
}

static chp_word condition;

static void begin_with_condition(void)
{
	begin_round();
	__atomic_store_n(&condition.v, 0, __ATOMIC_RELAXED);
}

/* Relaxed: the notify alone must order it. */
static void set_and_call_waiters(void)
{
	__atomic_store_n(&condition.v, 1, __ATOMIC_RELAXED);
	chp_notify_waiters(&n);
}

static void set_and_call_one(void)
{
	__atomic_store_n(&condition.v, 1, __ATOMIC_RELAXED);
	call_one();
}

static void make_look_and_wait(void)
{
	chp_notified_op o;

	chp_notify_notified_op(&o, &n);
	if (!__atomic_load_n(&condition.v, __ATOMIC_RELAXED))
		CHECK_CODE(h_wait(&o.op, NULL), 0);
	CHECK_EQ(__atomic_load_n(&condition.v, __ATOMIC_RELAXED), 1);
	result = 0;
}

static void who_makes_it_first_misses_no_notify_waiters(void)
{
	race_often(begin_with_condition, set_and_call_waiters,
		   make_look_and_wait, it_was_taken);
}

/* The same with notify_one: enable, look, wait or cancel. */
static void enable_look_and_wait(void)
{
	chp_notified_op o;

	chp_notify_notified_op(&o, &n);
	chp_notified_enable(&o);
	if (__atomic_load_n(&condition.v, __ATOMIC_RELAXED))
		result = chp_op_cancel(&o.op);
	else
		result = h_wait(&o.op, NULL);
	CHECK_EQ(__atomic_load_n(&condition.v, __ATOMIC_RELAXED), 1);
}

static void nobody_waits_for_ever(void)
{
	CHECK(result == 0 || result == CHP_GAVE_BACK || result == CHP_TOO_LATE);
	CHECK_EQ(QUEUED(&n), 0);
	if (result)
		CHECK_EQ(has_permit(), result == CHP_GAVE_BACK);
}

static void who_enables_first_misses_no_notify_one(void)
{
	race_often(begin_with_condition, set_and_call_one, enable_look_and_wait,
		   nobody_waits_for_ever);
}

/* ---- Two that notify ---- */

static void call_last(void)
{
	chp_notify_last(&n);
}

static void call_first(void)
{
	chp_notify_one(&n);
}

static void both_are_released(void)
{
	poll_ends(&op.op, &waker, 0);
	poll_ends(&other.op, &other_waker, 0);
	ends(false);
}

static void two_notifications_release_two(void)
{
	race_often(queue_two, call_first, call_last, both_are_released);
}

static void queue_one_and_make_another(void)
{
	queue_one();
	chp_notify_notified_op(&other, &n);
}

/*
 * Whichever released the one in the queue, the notification of notify_one must
 * be in the permit once that one has given up.
 */
static void none_swallowed_the_other(void)
{
	poll_at_once(&other.op, 0);
	result = cancel_op(&op.op, &waker);
	CHECK(result == CHP_GAVE_BACK || result == CHP_HELD_NOTHING);
	ends(true);
}

static void notify_one_and_notify_waiters_do_not_mix(void)
{
	race_often(queue_one_and_make_another, call_first, call_waiters,
		   none_swallowed_the_other);
}

/* ---- One step ---- */

enum { CROWD = 40 };

static chp_notified_op crowd[CROWD], made;
static struct h_waker crowd_waker;

static void queue_crowd(void)
{
	begin_round();
	memset(&crowd_waker, 0, sizeof(crowd_waker));
	chp_notify_notified_op(&made, &n);
	for (int i = 0; i < CROWD; i++) {
		chp_notify_notified_op(&crowd[i], &n);
		CHECK_CODE(h_poll(&crowd[i].op, &crowd_waker), CHP_PENDING);
	}
}

/*
 * Whichever is seen released first, the others are, too.  The newest are asked
 * first: they are the last to be told.
 */
static void see_one_and_then_all(void)
{
	uint32_t which = h_below(&right_rng, CROWD);

	while (h_poll(&crowd[which].op, &crowd_waker) == CHP_PENDING)
		if (h_mode() == H_CT)
			h_yield();
	for (uint32_t i = CROWD; i-- > 0;)
		if (i != which)
			CHECK_CODE(h_poll(&crowd[i].op, &crowd_waker), 0);
	CHECK_CODE(chp_op_poll(&made.op, NULL), 0);
	chp_notify_notified_op(&made, &n);
	CHECK_CODE(chp_op_poll(&made.op, NULL), CHP_PENDING);
	chp_op_cancel(&made.op);
}

static void the_crowd_is_gone(void)
{
	h_until(h_refs(&crowd_waker) == 0);
	ends(false);
}

static void once_one_is_released_all_are(void)
{
	race_often(queue_crowd, call_waiters, see_one_and_then_all,
		   the_crowd_is_gone);
}

/* ---- Wakers ---- */

static void poll_with_changing_wakers(void)
{
	struct h_waker *w[2] = { &waker, &other_waker };
	uint32_t polls = 1 + h_below(&right_rng, 6), i;

	for (i = 0; i < polls; i++) {
		result = h_poll(&op.op, w[i % 2]);
		if (result != CHP_PENDING)
			return;
	}
	h_until(h_wakes(w[(i - 1) % 2]) > 0);
	result = h_poll(&op.op, w[i % 2]);
}

static void it_went_without_traces(void)
{
	CHECK_CODE(result, 0);
	h_until(h_refs(&waker) + h_refs(&other_waker) == 0);
	ends(false);
}

static void the_newest_waker_is_woken(void)
{
	race_often(queue_one, call_one, poll_with_changing_wakers,
		   it_went_without_traces);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_cancel_that_meets_a_notification_leaves_the_permit, IN_ALL),
	TEST(a_cancel_that_meets_a_notification_passes_it_on, IN_ALL),
	TEST(a_cancel_that_meets_notify_waiters_takes_nothing_along, IN_ALL),
	TEST(a_deadline_that_meets_a_notification_loses_nothing, IN_ALL),
	TEST(an_interrupt_that_meets_a_notification_loses_nothing, IN_BLOCKING),
	TEST(a_waiter_that_comes_finds_it_or_is_found, IN_ALL),
	TEST(who_makes_it_first_misses_no_notify_waiters, IN_ALL),
	TEST(who_enables_first_misses_no_notify_one, IN_ALL),
	TEST(two_notifications_release_two, IN_ALL),
	TEST(notify_one_and_notify_waiters_do_not_mix, IN_ALL),
	TEST(once_one_is_released_all_are, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
};
/* clang-format on */

H_MAIN("notify_races", tests)
