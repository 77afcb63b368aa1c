/*
 * test_waker.c - wakers of tasks and threads, used as a foreign event loop
 * would: chp_waker_current(), chp_park(), references, wakes that come early,
 * late or for nothing.
 */
#include "harness.h"

#include <stdatomic.h>

static chp_semaphore s, t;

/* ---- Driving operations oneself ---- */

static int drive(chp_op *op)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	int r;

	while ((r = chp_op_poll(op, &ctx)) == CHP_PENDING)
		chp_park(0);
	return r;
}

static void *ping(void *arg)
{
	for (long i = 0; i < h_rounds(1000); i++) {
		chp_acquire_op op;

		chp_semaphore_acquire_op(&op, &s, 1);
		CHECK_CODE(drive(&op.op), 0);
		chp_semaphore_release(&t, 1);
	}
	return arg;
}

static void poll_and_park_is_a_wait(void)
{
	struct h_agent a;

	chp_semaphore_init(&s, 0, CHP_FIFO);
	chp_semaphore_init(&t, 0, CHP_FIFO);
	h_spawn(&a, ping, NULL);
	for (long i = 0; i < h_rounds(1000); i++) {
		chp_acquire_op op;

		chp_semaphore_release(&s, 1);
		chp_semaphore_acquire_op(&op, &t, 1);
		CHECK_CODE(drive(&op.op), 0);
	}
	h_join(&a);
}

static void *release_both(void *arg)
{
	h_until(chp_semaphore_queue_length(&s) == 1 &&
		chp_semaphore_queue_length(&t) == 1);
	chp_semaphore_release(&t, 1);
	h_let_others_run();
	chp_semaphore_release(&s, 1);
	return arg;
}

/* One waker for several operations at once. */
static void one_caller_may_drive_several_operations(void)
{
	for (long round = h_rounds(100); round > 0; round--) {
		chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
		chp_acquire_op a, b;
		struct h_agent agent;

		chp_semaphore_init(&s, 0, CHP_FIFO);
		chp_semaphore_init(&t, 0, CHP_FIFO);
		chp_semaphore_acquire_op(&a, &s, 1);
		chp_semaphore_acquire_op(&b, &t, 1);
		h_spawn(&agent, release_both, NULL);
		for (;;) {
			bool left = false;

			if (!chp_op_is_finished(&a.op))
				left |= chp_op_poll(&a.op, &ctx) == CHP_PENDING;
			if (!chp_op_is_finished(&b.op))
				left |= chp_op_poll(&b.op, &ctx) == CHP_PENDING;
			if (!left)
				break;
			chp_park(0);
		}
		h_join(&agent);
	}
}

/* ---- Parking ---- */

static void park_ends_at_its_deadline(void)
{
	for (int i = 0; i < 5; i++) {
		chp_time deadline = chp_in(i * CHP_MS);

		while (chp_now() < deadline)
			chp_park(deadline);
		chp_park(1);
		chp_park(chp_now());
	}
}

static void a_wake_that_comes_before_parking_is_not_lost(void)
{
	for (int i = 0; i < 1000; i++) {
		chp_waker w = chp_waker_current();

		w.cls->retain(w.data);
		w.cls->wake(w.data);
		chp_park(0);
	}
}

static atomic_int phase;
static chp_waker published;

static void *park_for_phase(void *arg)
{
	for (int i = 1; i <= h_rounds(1000); i++) {
		published = chp_waker_current();
		published.cls->retain(published.data);
		phase = 2 * i - 1;
		while (phase != 2 * i)
			chp_park(0);
	}
	return arg;
}

static void wake_in_each_phase(void)
{
	for (int i = 1; i <= h_rounds(1000); i++) {
		chp_waker w;

		h_until(phase == 2 * i - 1);
		w = published;
		phase = 2 * i;
		w.cls->wake(w.data);
	}
}

static void a_plain_flag_and_a_waker_make_a_wait(void)
{
	struct h_agent a;

	phase = 0;
	h_spawn(&a, park_for_phase, NULL);
	wake_in_each_phase();
	h_join(&a);
}

/* ---- Wakes for nothing ---- */

static void *wake_for_nothing(void *arg)
{
	chp_waker w = published;

	while (phase == 1) {
		w.cls->retain(w.data);
		w.cls->wake(w.data);
		h_yield();
	}
	return arg;
}

/* Waits of every kind go on; none ends early, none is left parked. */
static void wakes_for_nothing_do_no_harm(void)
{
	chp_semaphore none = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	struct h_agent a;

	published = chp_waker_current();
	phase = 1;
	h_spawn(&a, wake_for_nothing, NULL);
	for (long i = 0; i < h_rounds(50); i++) {
		chp_time until = chp_in(200 * CHP_US);
		chp_wait w = { .deadline = until };

		CHECK_CODE(chp_sleep_until(until), 0);
		CHECK(chp_now() >= until);
		w.deadline = until = chp_in(200 * CHP_US);
		CHECK_CODE(chp_semaphore_acquire_with(&none, 1, &w),
			   CHP_ETIMEDOUT);
		CHECK(chp_now() >= until);
		h_yield();
	}
	phase = 2;
	h_join(&a);
}

/* ---- Wakes that come too late ---- */

enum { KEPT = 50 };

static chp_waker kept[KEPT];

static void *leave_a_waker(void *arg)
{
	chp_waker *w = arg;

	*w = chp_waker_current();
	w->cls->retain(w->data);
	return NULL;
}

static void a_waker_outlives_its_agent(void)
{
	struct h_agent a[KEPT];

	for (int i = 0; i < KEPT; i++) {
		h_spawn(&a[i], leave_a_waker, &kept[i]);
		h_join(&a[i]);
	}
	/* Their places may be in use again: then the wake is for nothing. */
	phase = 0;
	h_spawn(&a[0], park_for_phase, NULL);
	for (int i = 0; i < KEPT; i++) {
		if (i % 2)
			kept[i].cls->wake(kept[i].data);
		else
			kept[i].cls->release(kept[i].data);
	}
	wake_in_each_phase();
	h_join(&a[0]);
}

static void *leave_many_wakers(void *arg)
{
	struct h_agent a[KEPT];

	for (int i = 0; i < KEPT; i++) {
		memset(&a[i], 0, sizeof(a[i]));
		CHECK_CODE(chp_spawn(&a[i].task, leave_a_waker, &kept[i]), 0);
	}
	for (int i = 0; i < KEPT; i++)
		CHECK_CODE(chp_join(&a[i].task, NULL), 0);
	return arg;
}

static void a_waker_outlives_its_runtime(void)
{
	chp_runtime_options current = { .kind = CHP_CURRENT_THREAD };

	for (int i = 0; i < 10; i++) {
		CHECK_CODE(chp_run(i % 2 ? &current : NULL, leave_many_wakers,
				   NULL, NULL),
			   0);
		for (int k = 0; k < KEPT; k++)
			kept[k].cls->wake(kept[k].data);
	}
}

/* ---- An operation that wakes its own poller ---- */

struct lazy_op {
	chp_op op;
	int left;
};

static int lazy_poll(chp_op *op, chp_poll_ctx *ctx)
{
	struct lazy_op *l = (struct lazy_op *)op;

	if (l->left-- == 0)
		return 0;
	if (ctx && ctx->waker.cls) {
		ctx->waker.cls->retain(ctx->waker.data);
		ctx->waker.cls->wake(ctx->waker.data);
	}
	return CHP_PENDING;
}

static int lazy_cancel(chp_op *op)
{
	(void)op;
	return CHP_HELD_NOTHING;
}

static const chp_op_class lazy_class = {
	.name = "lazy",
	.poll = lazy_poll,
	.cancel = lazy_cancel,
};

static void a_poll_may_wake_its_own_poller(void)
{
	struct lazy_op l = { .left = 1000 };
	struct h_waker w = { 0 };
	chp_timeout_op limit;

	chp_op_init(&l.op, &lazy_class);
	CHECK_CODE(h_wait(&l.op, NULL), 0);
	l.left = 1000;
	chp_op_init(&l.op, &lazy_class);
	chp_timeout_init(&limit, &l.op, chp_in(60 * CHP_SEC));
	CHECK_CODE(h_wait(&limit.op, NULL), 0);
	l.left = 3;
	chp_op_init(&l.op, &lazy_class);
	for (int i = 1; i <= 3; i++) {
		CHECK_CODE(h_poll(&l.op, &w), CHP_PENDING);
		CHECK_EQ(h_wakes(&w), i);
	}
	CHECK_CODE(h_poll(&l.op, &w), 0);
	CHECK_EQ(h_refs(&w), 0);
}

static atomic_int others;

static void *be_another(void *arg)
{
	while (others < 100) {
		others++;
		chp_yield();
	}
	return arg;
}

/* Even so it must not keep the other tasks of the worker out. */
static void *be_lazy_for_ever(void *arg)
{
	struct lazy_op l = { .left = 50000 };
	chp_wait w = { .deadline = chp_in(60 * CHP_SEC) };
	chp_task task;

	others = 0;
	CHECK_CODE(chp_spawn(&task, be_another, NULL), 0);
	chp_op_init(&l.op, &lazy_class);
	/* One wait, of some hundred budgets. */
	chp_op_init(&l.op, &lazy_class);
	CHECK_CODE(chp_op_wait(&l.op, &w), 0);
	CHECK_EQ(others, 100);
	CHECK_CODE(chp_join(&task, NULL), 0);
	return arg;
}

static void one_that_always_wakes_itself_starves_nobody(void)
{
	chp_runtime_options options = { .workers = 1 };

	CHECK_CODE(chp_run(&options, be_lazy_for_ever, NULL, NULL), 0);
	options.kind = CHP_CURRENT_THREAD;
	CHECK_CODE(chp_run(&options, be_lazy_for_ever, NULL, NULL), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(poll_and_park_is_a_wait, IN_BLOCKING),
	TEST(one_caller_may_drive_several_operations, IN_BLOCKING),
	TEST(park_ends_at_its_deadline, IN_BLOCKING),
	TEST(a_wake_that_comes_before_parking_is_not_lost, IN_BLOCKING),
	TEST(a_plain_flag_and_a_waker_make_a_wait, IN_BLOCKING),
	TEST(wakes_for_nothing_do_no_harm, IN_BLOCKING),
	TEST(a_waker_outlives_its_agent, IN_BLOCKING),
	TEST(a_waker_outlives_its_runtime, ON_ITS_OWN),
	TEST(a_poll_may_wake_its_own_poller, IN_ALL),
	TEST(one_that_always_wakes_itself_starves_nobody, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("waker", tests)
