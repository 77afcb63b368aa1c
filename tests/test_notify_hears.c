/*
 * test_notify_hears.c - what an operation hears, and from when on; what those
 * who hear it see of memory.
 */
#include "notify.h"

/* ---- What an operation hears ---- */

static void it_hears_notify_waiters_from_when_it_was_made(void)
{
	struct poller p;

	begin();
	make(&p);
	chp_notify_waiters(&n);
	poll_at_once(&p.op.op, 0);
	make(&p);
	poll_pends(&p.op.op, &p.waker);
	CHECK_EQ(cancel(&p), CHP_HELD_NOTHING);
	end();
}

static void it_hears_notify_one_from_its_first_poll(void)
{
	struct poller early, late;

	begin();
	make(&early);
	make(&late);
	poll_pends(&late.op.op, &late.waker);
	chp_notify_one(&n);
	poll_pends(&early.op.op, &early.waker);
	goes(&late);
	chp_notify_last(&n);
	goes(&early);
	end();
}

static void it_finds_the_permit_at_its_first_poll(void)
{
	struct poller p[2];

	begin();
	make(&p[0]);
	make(&p[1]);
	chp_notify_one(&n);
	poll_at_once(&p[1].op.op, 0);
	poll_pends(&p[0].op.op, &p[0].waker);
	CHECK_EQ(cancel(&p[0]), CHP_HELD_NOTHING);
	end();
}

/* tokio #7965, #7996. */
static void one_that_notify_waiters_covers_leaves_the_permit(void)
{
	struct poller p;

	begin();
	make(&p);
	chp_notify_waiters(&n);
	chp_notify_one(&n);
	poll_at_once(&p.op.op, 0);
	CHECK(has_permit());
	/* The other way round. */
	chp_notify_one(&n);
	make(&p);
	chp_notify_waiters(&n);
	poll_at_once(&p.op.op, 0);
	CHECK(has_permit());
	end();
}

static void notify_one_passes_over_those_already_covered(void)
{
	struct poller covered[2], p;

	begin();
	make(&covered[0]);
	join_queue(&covered[1]);
	chp_notify_waiters(&n);
	join_queue(&p);
	chp_notify_one(&n);
	goes(&p);
	goes(&covered[1]);
	poll_at_once(&covered[0].op.op, 0);
	chp_notify_one(&n);
	CHECK(has_permit());
	end();
}

static void many_calls_cover_as_one(void)
{
	struct poller p;

	begin();
	make(&p);
	for (int i = 0; i < 1000; i++)
		chp_notify_waiters(&n);
	poll_at_once(&p.op.op, 0);
	join_queue(&p);
	CHECK_EQ(cancel(&p), CHP_HELD_NOTHING);
	end();
}

/*
 * tokio #5396, #5458: one call does not release two waits in a row, even if
 * the second is begun by a waker while the call is under way.
 */
enum { CROWD = 100 };

static struct crowd {
	chp_notified_op first, second;
} crowd[CROWD];

static chp_notified_op watched[3]; /* in the same queue, without a waker */

static void wait_once_more(void *data)
{
	struct crowd *c = data;

	CHECK_CODE(chp_op_poll(&c->first.op, NULL), 0);
	/* All are ready, though most have not been woken yet. */
	for (int i = 0; i < 3; i++)
		CHECK_EQ(chp_notified_enable(&watched[i]), 1);
	chp_notify_notified_op(&c->second, &n);
	CHECK_CODE(chp_op_poll(&c->second.op, NULL), CHP_PENDING);
}

static const chp_waker_class once_more = { wait_once_more, no_count, no_count };

static void one_call_releases_nobody_twice(void)
{
	begin();
	for (int i = 0; i < CROWD; i++) {
		chp_poll_ctx ctx =
			chp_poll_ctx_of((chp_waker){ &once_more, &crowd[i] });

		if (i % 49 == 0) {
			chp_notify_notified_op(&watched[i / 49], &n);
			CHECK_EQ(chp_notified_enable(&watched[i / 49]), 0);
		}
		chp_notify_notified_op(&crowd[i].first, &n);
		CHECK_CODE(chp_op_poll(&crowd[i].first.op, &ctx), CHP_PENDING);
	}
	chp_notify_waiters(&n);
	CHECK_EQ(QUEUED(&n), CROWD);
	for (int i = 0; i < CROWD; i++)
		CHECK_CODE(chp_op_poll(&crowd[i].second.op, NULL), CHP_PENDING);
	chp_notify_waiters(&n);
	for (int i = 0; i < CROWD; i++)
		CHECK_CODE(chp_op_poll(&crowd[i].second.op, NULL), 0);
	end();
}

/* ---- Memory, for ThreadSanitizer ---- */

static long news;

static void *tell_news(void *by)
{
	news = 42;
	if (by)
		chp_notify_waiters(&n);
	else
		chp_notify_one(&n);
	return NULL;
}

static void a_notification_carries_what_was_done_before_it(void)
{
	for (int by = 0; by < 2; by++)
		for (int early = 0; early < 2; early++) {
			chp_notified_op op;
			struct h_agent a;

			begin();
			news = 0;
			chp_notify_notified_op(&op, &n);
			if (early)
				CHECK_CODE(chp_op_poll(&op.op, NULL),
					   CHP_PENDING);
			h_spawn(&a, tell_news, by ? &n : NULL);
			CHECK_CODE(h_wait(&op.op, NULL), 0);
			CHECK_EQ(news, 42);
			h_join(&a);
			end();
		}
}

/* One that is made too late for a call sees what that call told of. */
static void making_one_sees_what_it_is_too_late_for(void)
{
	chp_notified_op op;
	struct h_agent a;

	begin();
	news = 0;
	h_spawn(&a, tell_news, &n);
	do {
		h_yield();
		chp_notify_notified_op(&op, &n);
	} while (op.calls == 0);
	CHECK_EQ(news, 42);
	h_join(&a);
	end();
}

static long left_by[2];
static chp_word left;

/* Relaxed: it must not be this that makes the order. */
static void *leave_permit(void *arg)
{
	left_by[(intptr_t)arg] = 1;
	chp_notify_one(&n);
	__atomic_fetch_add(&left.v, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The second finds the permit there, and still hands on what it did. */
static void the_permit_carries_what_each_call_left(void)
{
	struct h_agent a[2];

	begin();
	memset(left_by, 0, sizeof(left_by));
	h_store(&left, 0);
	for (intptr_t i = 0; i < 2; i++)
		h_spawn(&a[i], leave_permit, (void *)i);
	h_until(__atomic_load_n(&left.v, __ATOMIC_RELAXED) == 2);
	CHECK_CODE(wait_for(NULL), 0);
	CHECK_EQ(left_by[0] + left_by[1], 2);
	for (int i = 0; i < 2; i++)
		h_join(&a[i]);
	end();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(it_hears_notify_waiters_from_when_it_was_made, IN_ALL),
	TEST(it_hears_notify_one_from_its_first_poll, IN_ALL),
	TEST(it_finds_the_permit_at_its_first_poll, IN_ALL),
	TEST(one_that_notify_waiters_covers_leaves_the_permit, IN_ALL),
	TEST(notify_one_passes_over_those_already_covered, IN_ALL),
	TEST(many_calls_cover_as_one, IN_ALL),
	TEST(one_call_releases_nobody_twice, IN_ALL),
	TEST(a_notification_carries_what_was_done_before_it, IN_ALL),
	TEST(making_one_sees_what_it_is_too_late_for, IN_ALL),
	TEST(the_permit_carries_what_each_call_left, IN_ALL),
};
/* clang-format on */

H_MAIN("notify_hears", tests)
