/*
 * test_notify.c - the permit, and who is released by what.
 */
#include "notify.h"

/* ---- Objects ---- */

static void every_way_to_make_one_gives_one_without_a_permit(void)
{
	static chp_notify made = CHP_NOTIFY_INIT;

	begin();
	CHECK(memcmp(&n, &made, sizeof(n)) == 0);
	CHECK(!has_permit());
	memset(&n, 0x5a, sizeof(n));
	chp_notify_init(&n);
	CHECK(memcmp(&n, &made, sizeof(n)) == 0);
	end();
}

/* ---- The permit ---- */

static void a_notification_is_kept_for_the_next_wait(void)
{
	begin();
	chp_notify_one(&n);
	CHECK_CODE(wait_for(NULL), 0);
	end();
}

static void notify_last_keeps_it_as_well(void)
{
	begin();
	chp_notify_last(&n);
	CHECK_CODE(wait_for(NULL), 0);
	end();
}

static void notifications_that_find_nobody_are_one(void)
{
	begin();
	for (int i = 0; i < 5; i++) {
		chp_notify_one(&n);
		chp_notify_last(&n);
	}
	CHECK_CODE(wait_for(NULL), 0);
	end();
}

static void notify_waiters_keeps_nothing(void)
{
	begin();
	chp_notify_waiters(&n);
	CHECK(!has_permit());
	end();
}

static void notify_waiters_leaves_the_permit_where_it_is(void)
{
	begin();
	chp_notify_one(&n);
	chp_notify_waiters(&n);
	CHECK(has_permit());
	end();
}

static void the_permit_comes_and_goes_many_times(void)
{
	begin();
	for (long i = h_rounds(10000); i; i--) {
		chp_notify_one(&n);
		CHECK_CODE(wait_for(NULL), 0);
		if (i % 3 == 0)
			chp_notify_waiters(&n);
	}
	end();
}

/* ---- Who is released ---- */

static void notify_one_releases_the_oldest(void)
{
	struct poller p[4];

	begin();
	for (int i = 0; i < 4; i++)
		join_queue(&p[i]);
	for (int i = 0; i < 4; i++) {
		for (int k = i; k < 4; k++)
			waits(&p[k]);
		chp_notify_one(&n);
		goes(&p[i]);
	}
	end();
}

static void notify_last_releases_the_newest(void)
{
	struct poller p[4];

	begin();
	for (int i = 0; i < 4; i++)
		join_queue(&p[i]);
	for (int i = 3; i >= 0; i--) {
		for (int k = i; k >= 0; k--)
			waits(&p[k]);
		chp_notify_last(&n);
		goes(&p[i]);
	}
	end();
}

static void both_orders_work_on_one_queue(void)
{
	struct poller p[5];

	begin();
	for (int i = 0; i < 5; i++)
		join_queue(&p[i]);
	chp_notify_last(&n);
	chp_notify_one(&n);
	chp_notify_last(&n);
	goes(&p[4]);
	goes(&p[0]);
	goes(&p[3]);
	waits(&p[1]);
	chp_notify_one(&n);
	goes(&p[1]);
	chp_notify_last(&n);
	goes(&p[2]);
	end();
}

static void notify_waiters_releases_all(void)
{
	enum { MANY = 100 };
	static struct poller p[MANY];

	begin();
	for (int i = 0; i < MANY; i++)
		join_queue(&p[i]);
	chp_notify_waiters(&n);
	CHECK_EQ(QUEUED(&n), 0);
	for (int i = 0; i < MANY; i++)
		goes(&p[i]);
	end();
}

static void a_place_is_kept_while_others_come_and_go(void)
{
	struct poller p[3];

	begin();
	for (int i = 0; i < 3; i++)
		join_queue(&p[i]);
	CHECK_EQ(cancel(&p[1]), CHP_HELD_NOTHING);
	join_queue(&p[1]);
	chp_notify_one(&n);
	goes(&p[0]);
	chp_notify_one(&n);
	goes(&p[2]);
	chp_notify_one(&n);
	goes(&p[1]);
	end();
}

/* tokio #6521: in order also beyond one batch of wakes. */
static uint32_t order[200];
static chp_word woken;

static void note_order(void *data)
{
	order[h_add(&woken, 1)] = (uint32_t)(uintptr_t)data;
}

static const chp_waker_class noting = { note_order, no_count, no_count };

static void notify_waiters_wakes_in_order(void)
{
	enum { MANY = 200 };
	static chp_notified_op op[MANY];

	begin();
	h_store(&woken, 0);
	for (uintptr_t i = 0; i < MANY; i++) {
		chp_poll_ctx ctx =
			chp_poll_ctx_of((chp_waker){ &noting, (void *)i });

		chp_notify_notified_op(&op[i], &n);
		CHECK_CODE(chp_op_poll(&op[i].op, &ctx), CHP_PENDING);
	}
	chp_notify_waiters(&n);
	CHECK_EQ(h_load(&woken), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		CHECK_EQ(order[i], i);
		CHECK_CODE(chp_op_poll(&op[i].op, NULL), 0);
	}
	end();
}

/* ---- Blocking ---- */

static chp_word through;

static void *wait_and_say(void *arg)
{
	CHECK_CODE(wait_for(NULL), 0);
	h_add(&through, 1);
	return arg;
}

static void a_blocked_waiter_is_released(void)
{
	void (*const by[])(chp_notify *) = { chp_notify_one, chp_notify_last,
					     chp_notify_waiters };

	begin();
	for (int i = 0; i < 3; i++) {
		struct h_agent a;

		h_spawn(&a, wait_and_say, NULL);
		h_until(QUEUED(&n) == 1);
		by[i](&n);
		h_join(&a);
	}
	end();
}

static void each_notification_releases_one_blocked_waiter(void)
{
	struct h_agent a[5];

	begin();
	h_store(&through, 0);
	for (int i = 0; i < 5; i++) {
		h_spawn(&a[i], wait_and_say, NULL);
		h_until(QUEUED(&n) == (size_t)i + 1);
	}
	chp_notify_one(&n);
	h_until(h_load(&through) == 1);
	h_join(&a[0]);
	chp_notify_last(&n);
	h_join(&a[4]);
	CHECK_EQ(h_load(&through), 2);
	chp_notify_waiters(&n);
	for (int i = 1; i < 4; i++)
		h_join(&a[i]);
	end();
}

/* ---- Misuse ---- */

static void destroy_with_a_waiter(void *arg)
{
	struct poller p;

	(void)arg;
	begin();
	join_queue(&p);
	chp_notify_destroy(&n);
}

static void destroying_with_waiters_is_misuse(void)
{
	h_must_panic(destroy_with_a_waiter, NULL, "notify destroyed");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(every_way_to_make_one_gives_one_without_a_permit, IN_ALL),
	TEST(a_notification_is_kept_for_the_next_wait, IN_ALL),
	TEST(notify_last_keeps_it_as_well, IN_ALL),
	TEST(notifications_that_find_nobody_are_one, IN_ALL),
	TEST(notify_waiters_keeps_nothing, IN_ALL),
	TEST(notify_waiters_leaves_the_permit_where_it_is, IN_ALL),
	TEST(the_permit_comes_and_goes_many_times, IN_ALL),
	TEST(notify_one_releases_the_oldest, IN_ALL),
	TEST(notify_last_releases_the_newest, IN_ALL),
	TEST(both_orders_work_on_one_queue, IN_ALL),
	TEST(notify_waiters_releases_all, IN_ALL),
	TEST(a_place_is_kept_while_others_come_and_go, IN_ALL),
	TEST(notify_waiters_wakes_in_order, IN_ALL),
	TEST(a_blocked_waiter_is_released, IN_ALL),
	TEST(each_notification_releases_one_blocked_waiter, IN_ALL),
	TEST(destroying_with_waiters_is_misuse, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("notify", tests)
