/*
 * test_semaphore_pollers.c - many wakers on one semaphore, and wakers that do
 * things: poll, cancel, release, close, start another wait, from inside their
 * wake callback.  Wakers run outside all locks, each exactly once.
 */
#include "sem_queue.h"

enum { MANY = 300 };

/* A poller whose waker calls then(), which may do anything. */
struct doer {
	chp_acquire_op op;
	void (*then)(struct doer *p);
	int result;
	chp_word wakes, refs;
	struct doer *other;
};

static struct doer p[MANY];

static void wake(void *data)
{
	struct doer *q = data;

	h_add(&q->wakes, 1);
	if (q->then)
		q->then(q);
	h_sub(&q->refs, 1);
}

static void retain(void *data)
{
	h_add(&((struct doer *)data)->refs, 1);
}

static void drop(void *data)
{
	h_sub(&((struct doer *)data)->refs, 1);
}

static const chp_waker_class waker_class = { wake, retain, drop };

static int poll(struct doer *q)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &waker_class, q });

	q->result = chp_op_poll(&q->op.op, &ctx);
	return q->result;
}

static void queue_doer(struct doer *q, int64_t n, void (*then)(struct doer *))
{
	memset(q, 0, sizeof(*q));
	q->then = then;
	chp_semaphore_acquire_op(&q->op, &s, n);
	CHECK_CODE(poll(q), CHP_PENDING);
}

static void nobody_waits(void)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(h_load(&p[i].refs), 0);
}

/* Wakes inside wakes need stack, of which a task has little. */
static int how_many_can_nest(void)
{
	return h_mode() == H_CT || h_mode() == H_MT ? 20 : MANY;
}

/* ---- Many ---- */

static void release_wakes_each_of_many_once(chp_policy policy)
{
	make(0, policy);
	for (int i = 0; i < MANY; i++)
		queue_doer(&p[i], 1, NULL);
	CHECK_EQ(chp_semaphore_queue_length(&s), MANY);
	release(MANY);
	for (int i = 0; i < MANY; i++) {
		/* UNFAIR: woken when the one before has taken its permit. */
		CHECK_EQ(h_load(&p[i].wakes), 1);
		CHECK_CODE(poll(&p[i]), 0);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(h_load(&p[i].wakes), 1);
	nobody_waits();
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void close_wakes_each_of_many_once(chp_policy policy)
{
	make(0, policy);
	for (int i = 0; i < MANY; i++)
		queue_doer(&p[i], i + 1, NULL);
	chp_semaphore_close(&s);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(h_load(&p[i].wakes), 1);
		CHECK_CODE(poll(&p[i]), CHP_ECLOSED);
	}
	nobody_waits();
}

static void poll_and_keep(struct doer *q)
{
	CHECK_CODE(poll(q), 0);
}

/* In UNFAIR, taking a permit wakes the next: there the wakes nest. */
static void each_of_many_polls_inside_its_wake(chp_policy policy)
{
	const int many = policy == CHP_UNFAIR ? how_many_can_nest() : MANY;

	make(0, policy);
	for (int i = 0; i < many; i++)
		queue_doer(&p[i], 1, poll_and_keep);
	release(many + 5);
	for (int i = 0; i < many; i++) {
		CHECK_CODE(p[i].result, 0);
		CHECK_EQ(h_load(&p[i].wakes), 1);
	}
	nobody_waits();
	CHECK_EQ(chp_semaphore_available(&s), 5);
}

static void pass_on(struct doer *q)
{
	CHECK_CODE(poll(q), 0);
	release(1);
}

/* One permit goes through them all, each wake inside the one before. */
static void each_of_many_releases_inside_its_wake(chp_policy policy)
{
	const int many = how_many_can_nest();

	make(0, policy);
	for (int i = 0; i < many; i++)
		queue_doer(&p[i], 1, pass_on);
	release(1);
	for (int i = 0; i < many; i++) {
		CHECK_CODE(p[i].result, 0);
		CHECK_EQ(h_load(&p[i].wakes), 1);
	}
	nobody_waits();
	CHECK_EQ(chp_semaphore_available(&s), 1);
}

/* ---- Wakers that do other things ---- */

static void cancel_myself(struct doer *q)
{
	chp_op_cancel(&q->op.op);
}

static void each_of_many_cancels_inside_its_wake(chp_policy policy)
{
	const int many = how_many_can_nest();

	make(0, policy);
	for (int i = 0; i < many; i++)
		queue_doer(&p[i], 1, cancel_myself);
	release(1);
	for (int i = 0; i < many; i++) {
		CHECK(chp_op_is_finished(&p[i].op.op));
		CHECK_EQ(h_load(&p[i].wakes), 1);
	}
	nobody_waits();
	CHECK_EQ(chp_semaphore_available(&s), 1);
}

static void cancel_the_other(struct doer *q)
{
	CHECK_CODE(poll(q), 0);
	chp_op_cancel(&q->other->op.op);
}

/* Granted together; the first wake gives back what the second was granted. */
static void a_wake_cancels_another_that_was_granted_too(chp_policy policy)
{
	make(0, policy);
	queue_doer(&p[0], 1, cancel_the_other);
	queue_doer(&p[1], 2, NULL);
	queue_doer(&p[2], 2, poll_and_keep);
	p[0].other = &p[1];
	release(3);
	CHECK(chp_op_is_finished(&p[1].op.op));
	CHECK(h_load(&p[1].wakes) <= 1);
	CHECK_CODE(p[2].result, 0);
	CHECK_EQ(h_load(&p[2].wakes), 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h_load(&p[i].refs), 0);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void wait_again(struct doer *q)
{
	int64_t n = q->op.wait.n;

	CHECK_CODE(poll(q), 0);
	release(n);
	q->then = poll_and_keep;
	chp_semaphore_acquire_op(&q->op, &s, n + 1);
	CHECK_CODE(poll(q), CHP_PENDING);
}

static void a_wake_waits_again_in_the_same_operation(chp_policy policy)
{
	make(0, policy);
	queue_doer(&p[0], 3, wait_again);
	release(3);
	CHECK_EQ(h_load(&p[0].wakes), 1);
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	release(1);
	CHECK_CODE(p[0].result, 0);
	CHECK_EQ(h_load(&p[0].wakes), 2);
	CHECK_EQ(h_load(&p[0].refs), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

/* What it was handed and has not fetched goes back with all the others'. */
static void close_it(struct doer *q)
{
	chp_semaphore_close(&s);
	CHECK_CODE(poll(q), CHP_ECLOSED);
}

static void expect_closed(struct doer *q)
{
	CHECK_CODE(poll(q), CHP_ECLOSED);
}

static void a_wake_closes_the_semaphore(chp_policy policy)
{
	make(0, policy);
	queue_doer(&p[0], 1, close_it);
	queue_doer(&p[1], 1, expect_closed);
	queue_doer(&p[2], 1, expect_closed);
	release(2);
	for (int i = 0; i < 3; i++) {
		CHECK_CODE(p[i].result, CHP_ECLOSED);
		CHECK_EQ(h_load(&p[i].wakes), 1);
		CHECK_EQ(h_load(&p[i].refs), 0);
	}
	CHECK_EQ(chp_semaphore_available(&s), 2);
}

/* ---- Many, from several threads ---- */

static chp_word served;

static void count_and_keep(struct doer *q)
{
	CHECK_CODE(poll(q), 0);
	h_add(&served, 1);
}

static void *release_half(void *arg)
{
	for (int i = *(int *)arg / 2; i > 0; i--)
		release(1);
	return NULL;
}

static void two_releasers_wake_each_of_many_once(chp_policy policy)
{
	int many = policy == CHP_UNFAIR ? how_many_can_nest() : MANY;

	for (long round = 0; round < h_rounds(100); round++) {
		struct h_agent a[2];

		make(0, policy);
		served.v = 0;
		for (int i = 0; i < many; i++)
			queue_doer(&p[i], 1, count_and_keep);
		for (int i = 0; i < 2; i++)
			h_spawn(&a[i], release_half, &many);
		for (int i = 0; i < 2; i++)
			h_join(&a[i]);
		CHECK_EQ(h_load(&served), many);
		for (int i = 0; i < many; i++)
			CHECK_EQ(h_load(&p[i].wakes), 1);
		nobody_waits();
		CHECK_EQ(chp_semaphore_available(&s), 0);
	}
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(release_wakes_each_of_many_once, IN_ALL),
	TEST_BY_POLICY(close_wakes_each_of_many_once, IN_ALL),
	TEST_BY_POLICY(each_of_many_polls_inside_its_wake, IN_ALL),
	TEST_BY_POLICY(each_of_many_releases_inside_its_wake, IN_ALL),
	TEST_BY_POLICY(each_of_many_cancels_inside_its_wake, IN_ALL),
	TEST_BY_POLICY(a_wake_cancels_another_that_was_granted_too, IN_ALL),
	TEST_BY_POLICY(a_wake_waits_again_in_the_same_operation, IN_ALL),
	TEST_BY_POLICY(a_wake_closes_the_semaphore, IN_ALL),
	TEST_BY_POLICY(two_releasers_wake_each_of_many_once, IN_ALL),
};

H_MAIN("semaphore_pollers", tests)
