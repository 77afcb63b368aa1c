/*
 * test_coro.c - the macros of poll.h: awaiting with a deadline, a token and
 * flags; functions that poll each other; functions polled by hand.
 */
#include "stackless.h"

struct bounded {
	chp_coro co;
	chp_acquire_op acquire;
	chp_co_limit limit;
	chp_wait w;
	chp_word rests;
	int64_t want;
	int r;
};

static int bounded_steps(struct bounded *b, chp_poll_ctx *ctx)
{
	CHP_CO_BEGIN(&b->co);
	chp_semaphore_acquire_op(&b->acquire, &gate, b->want);
	CHP_CO_AWAIT_WITH(&b->co, ctx, &b->acquire.op, &b->limit, &b->w, b->r);
	CHP_CO_END(&b->co, b->r);
}

static int await_within(void *state, chp_poll_ctx *ctx)
{
	struct bounded *b = state;
	int r = bounded_steps(b, ctx);

	if (r == CHP_PENDING)
		h_add(&b->rests, 1);
	return r;
}

static chp_task spawn_bounded(struct bounded *b, const chp_wait *w)
{
	chp_task t;

	memset(b, 0, sizeof(*b));
	b->want = 1;
	b->w = *w;
	CHECK_CODE(chp_spawn_poll(&t, await_within, b), 0);
	return t;
}

static void ends_with(struct bounded *b, chp_task t, int r)
{
	ends_as(&t, r == CHP_EABORTED ? CHP_ABORTED : CHP_RETURNED, b);
	CHECK_CODE(b->r, r);
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
}

/* ---- Deadlines ---- */

static void a_deadline_ends_the_wait(void)
{
	chp_wait w = { .deadline = chp_in(CHP_MS) };
	struct bounded b;

	reset();
	ends_with(&b, spawn_bounded(&b, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= w.deadline);
}

static void past_the_deadline_it_is_tried_once(void)
{
	chp_wait w = { .deadline = 1 };
	struct bounded b;

	reset();
	ends_with(&b, spawn_bounded(&b, &w), CHP_ETIMEDOUT);
	chp_semaphore_release(&gate, 1);
	ends_with(&b, spawn_bounded(&b, &w), 0);
}

/* A timer that stayed behind would be found when the runtime ends. */
static void served_in_time_it_leaves_no_timer(void)
{
	chp_wait w = { .deadline = chp_in(3600 * CHP_SEC) };
	struct bounded b;
	chp_task t;

	reset();
	for (long i = h_rounds(500); i > 0; i--) {
		t = spawn_bounded(&b, &w);
		if (i % 2)
			h_until(h_load(&b.rests));
		chp_semaphore_release(&gate, 1);
		ends_with(&b, t, 0);
	}
}

static void a_deadline_that_races_a_grant_loses_no_permit(void)
{
	struct bounded b;

	reset();
	for (long i = h_rounds(1000); i > 0; i--) {
		chp_wait w = { .deadline = chp_in(i % 50 * CHP_US) };
		chp_task t = spawn_bounded(&b, &w);

		if (i % 3)
			h_yield();
		chp_semaphore_release(&gate, 1);
		ends_as(&t, CHP_RETURNED, &b);
		CHECK(b.r == 0 || b.r == CHP_ETIMEDOUT);
		CHECK_EQ(chp_semaphore_available(&gate), b.r ? 1 : 0);
		while (chp_semaphore_try_acquire(&gate, 1) == 0)
			continue;
	}
}

/* ---- Tokens ---- */

static void a_token_ends_the_wait(void)
{
	chp_cancel token;
	chp_wait w = { .cancel = &token };
	struct bounded b;
	chp_task t;

	reset();
	for (long i = h_rounds(500); i > 0; i--) {
		chp_cancel_init(&token, NULL, 0);
		t = spawn_bounded(&b, &w);
		if (i % 2)
			h_until(h_load(&b.rests));
		chp_cancel_now(&token);
		ends_with(&b, t, CHP_ECANCELED);
		/* Cancelled, it forbids also what is there. */
		chp_semaphore_release(&gate, 1);
		ends_with(&b, spawn_bounded(&b, &w), CHP_ECANCELED);
		CHECK_CODE(chp_semaphore_try_acquire(&gate, 1), 0);
		chp_cancel_destroy(&token);
	}
}

static void a_token_that_is_not_cancelled_is_left(void)
{
	chp_cancel token;
	chp_wait w = { .cancel = &token };
	struct bounded b;
	chp_task t;

	reset();
	chp_cancel_init(&token, NULL, chp_in(3600 * CHP_SEC));
	t = spawn_bounded(&b, &w);
	h_until(h_load(&b.rests));
	chp_semaphore_release(&gate, 1);
	ends_with(&b, t, 0);
	chp_cancel_destroy(&token);
	chp_cancel_init(&token, NULL, chp_in(CHP_MS));
	ends_with(&b, spawn_bounded(&b, &w), CHP_ETIMEDOUT);
	chp_cancel_destroy(&token);
}

/* ---- Interrupt and flags ---- */

static void what_ends_the_wait_first_is_told(void)
{
	chp_cancel token;
	chp_wait w = { .cancel = &token, .deadline = chp_in(3600 * CHP_SEC) };
	struct bounded b;
	chp_task t;

	reset();
	chp_cancel_init(&token, NULL, 0);
	t = spawn_bounded(&b, &w);
	h_until(h_load(&b.rests));
	CHECK_CODE(chp_interrupt(t.agent), 0);
	ends_with(&b, t, CHP_EINTR);
	t = spawn_bounded(&b, &w);
	h_until(h_load(&b.rests));
	CHECK_CODE(chp_task_abort(&t), 0);
	ends_with(&b, t, CHP_EABORTED);
	chp_cancel_destroy(&token);
}

static void uninterruptible_it_waits_on(void)
{
	chp_wait w = { .flags = CHP_UNINTERRUPTIBLE };
	struct bounded b;
	chp_task t;

	reset();
	t = spawn_bounded(&b, &w);
	h_until(h_load(&b.rests));
	CHECK_CODE(chp_interrupt(t.agent), 0);
	CHECK_CODE(chp_task_abort(&t), 0);
	h_let_others_run();
	CHECK_EQ(chp_task_is_finished(&t), 0);
	CHECK_EQ(chp_is_interrupted(t.agent), 1);
	chp_semaphore_release(&gate, 1);
	ends_with(&b, t, 0);
}

static void an_unknown_flag_is_refused(void)
{
	chp_wait w = { .flags = 0x100 };
	struct bounded b;

	reset();
	chp_semaphore_release(&gate, 1);
	ends_with(&b, spawn_bounded(&b, &w), CHP_EINVAL);
	CHECK_EQ(chp_semaphore_available(&gate), 1);
}

/* ---- One function that polls another ---- */

struct outer {
	chp_coro co;
	struct bounded inner;
	int i, sum;
};

static int take_three(void *state, chp_poll_ctx *ctx)
{
	struct outer *o = state;

	CHP_CO_BEGIN(&o->co);
	for (o->i = 0; o->i < 3; o->i++) {
		memset(&o->inner.co, 0, sizeof(o->inner.co));
		o->inner.want = o->i + 1;
		CHP_CO_POLL(&o->co, bounded_steps(&o->inner, ctx), o->inner.r);
		if (o->inner.r)
			CHP_CO_RETURN(&o->co, o->inner.r);
		o->sum += (int)o->inner.want;
	}
	CHP_CO_END(&o->co, 0);
}

static void functions_poll_each_other(void)
{
	struct outer o = { .sum = 0 };
	chp_task t;

	reset();
	CHECK_CODE(chp_spawn_poll(&t, take_three, &o), 0);
	for (int i = 0; i < 6; i++) {
		h_let_others_run();
		chp_semaphore_release(&gate, 1);
	}
	ends_as(&t, CHP_RETURNED, &o);
	CHECK_EQ(o.sum, 6);

	memset(&o, 0, sizeof(o));
	CHECK_CODE(chp_spawn_poll(&t, take_three, &o), 0);
	h_until(chp_semaphore_queue_length(&gate) == 1);
	CHECK_CODE(chp_task_abort(&t), 0);
	ends_as(&t, CHP_ABORTED, &o);
	CHECK_CODE(o.inner.r, CHP_EABORTED);
	CHECK_EQ(o.sum, 0);
}

/* ---- Polled by hand ---- */

static void by_hand_the_newest_waker_is_told(void)
{
	struct bounded b = { .want = 1 };
	struct h_waker first = { { 0 } }, second = first;
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(&first));
	chp_cancel token;

	reset();
	chp_cancel_init(&token, NULL, 0);
	b.w.cancel = &token;
	CHECK_CODE(await_within(&b, &ctx), CHP_PENDING);
	/* The flags of whoever polls by hand are not the function's. */
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(await_within(&b, &ctx), CHP_PENDING);
	ctx = chp_poll_ctx_of(h_waker(&second));
	CHECK_CODE(await_within(&b, &ctx), CHP_PENDING);
	CHECK_EQ(h_refs(&first), 0);
	chp_cancel_now(&token);
	CHECK_EQ(h_wakes(&first), 0);
	CHECK_EQ(h_wakes(&second), 1);
	CHECK_CODE(await_within(&b, &ctx), CHP_ECANCELED);
	CHECK_EQ(h_refs(&second), 0);
	CHECK_EQ(chp_interrupted(), 1);
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
	chp_cancel_destroy(&token);
}

static void by_hand_with_ones_own_waker_flags_count(void)
{
	struct bounded b = { .want = 1 };
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());

	reset();
	CHECK_CODE(await_within(&b, &ctx), CHP_PENDING);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(await_within(&b, &ctx), CHP_EINTR);
	CHECK_EQ(chp_interrupted(), 0);
	CHECK_EQ(chp_semaphore_queue_length(&gate), 0);

	/* Before: even if it could be had. */
	chp_semaphore_release(&gate, 1);
	memset(&b.co, 0, sizeof(b.co));
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(await_within(&b, &ctx), CHP_EINTR);
	memset(&b.co, 0, sizeof(b.co));
	CHECK_CODE(await_within(&b, &ctx), 0);
}

static void by_hand_time_is_told_by_the_waker(void)
{
	struct bounded b = { .want = 1 };
	struct h_waker waker = { { 0 } };
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(&waker));

	reset();
	b.w.deadline = chp_in(CHP_MS);
	CHECK_CODE(await_within(&b, &ctx), CHP_PENDING);
	h_until(h_wakes(&waker));
	CHECK_CODE(await_within(&b, &ctx), CHP_ETIMEDOUT);
	CHECK_EQ(h_refs(&waker), 0);
}

static void without_budget_it_comes_back(void)
{
	struct bounded b = { .want = 1 };
	struct h_waker waker = { { 0 } };
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(&waker));
	uint32_t budget = 0;

	reset();
	chp_semaphore_release(&gate, 1);
	ctx.budget = &budget;
	CHECK_CODE(await_within(&b, &ctx), CHP_PENDING);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_EQ(chp_semaphore_available(&gate), 1);
	budget = 1;
	CHECK_CODE(await_within(&b, &ctx), 0);
	CHECK_EQ(budget, 0);
}

/* ---- Lengths ---- */

static void a_length_counts_from_the_wait(void)
{
	chp_wait w = { .timeout = 2 * CHP_MS };
	chp_time before = chp_now();
	struct bounded b;

	reset();
	ends_with(&b, spawn_bounded(&b, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() - before >= 2 * CHP_MS);

	w.timeout = -1;
	ends_with(&b, spawn_bounded(&b, &w), CHP_ETIMEDOUT);
	chp_semaphore_release(&gate, 1);
	ends_with(&b, spawn_bounded(&b, &w), 0);
}

/* ---- After the end ---- */

static void poll_once_more(void *arg)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ NULL, NULL });

	bounded_steps(arg, &ctx);
}

/* The macros call chp_co_ended(). */
static void after_its_end_it_must_not_be_polled(void)
{
	struct bounded b = { .want = 1 };

	reset();
	chp_semaphore_release(&gate, 1);
	poll_once_more(&b);
	CHECK_CODE(b.r, 0);
	h_must_panic(poll_once_more, &b, "after its end");
	/* All-zero again, it begins anew. */
	memset(&b.co, 0, sizeof(b.co));
	chp_semaphore_release(&gate, 1);
	poll_once_more(&b);
	CHECK_CODE(b.r, 0);
}

/* ---- Without the macros ---- */

/* Two permits, one after the other; what follows the first is in `want`. */
static int two_by_hand(void *state, chp_poll_ctx *ctx)
{
	struct bounded *b = state;
	int r;

	if (b->want == 0) {
		if (!b->acquire.op.cls)
			chp_semaphore_acquire_op(&b->acquire, &gate, 1);
		r = chp_co_await(&b->co, ctx, &b->acquire.op);
		if (r)
			return r;
		b->want = 1;
		chp_semaphore_acquire_op(&b->acquire, &gate, 1);
	}
	return chp_co_await_with(&b->co, ctx, &b->acquire.op, &b->limit, &b->w);
}

static void a_function_may_keep_its_place_itself(void)
{
	struct bounded b = { .w = { .timeout = 60 * CHP_SEC } };
	struct h_waker waker = { { 0 } };
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(&waker));

	reset();
	CHECK_CODE(two_by_hand(&b, &ctx), CHP_PENDING);
	chp_semaphore_release(&gate, 1);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_CODE(two_by_hand(&b, &ctx), CHP_PENDING);
	CHECK_EQ(b.want, 1);
	chp_semaphore_release(&gate, 1);
	CHECK_CODE(two_by_hand(&b, &ctx), 0);
	CHECK_EQ(chp_semaphore_available(&gate), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_deadline_ends_the_wait, IN_TASKS),
	TEST(past_the_deadline_it_is_tried_once, IN_TASKS),
	TEST(served_in_time_it_leaves_no_timer, IN_TASKS),
	TEST(a_deadline_that_races_a_grant_loses_no_permit, IN_TASKS),
	TEST(a_token_ends_the_wait, IN_TASKS),
	TEST(a_token_that_is_not_cancelled_is_left, IN_TASKS),
	TEST(what_ends_the_wait_first_is_told, IN_TASKS),
	TEST(uninterruptible_it_waits_on, IN_TASKS),
	TEST(an_unknown_flag_is_refused, IN_TASKS),
	TEST(functions_poll_each_other, IN_TASKS),
	TEST(by_hand_the_newest_waker_is_told, IN_ALL),
	TEST(by_hand_with_ones_own_waker_flags_count, IN_BLOCKING),
	TEST(by_hand_time_is_told_by_the_waker, IN_TASKS | IN_POLLED),
	TEST(without_budget_it_comes_back, IN_ALL),
	TEST(a_length_counts_from_the_wait, IN_TASKS),
	TEST(after_its_end_it_must_not_be_polled, IN_THREADS | IN_POLLED),
	TEST(a_function_may_keep_its_place_itself, IN_TASKS | IN_POLLED),
};
/* clang-format on */

H_MAIN("coro", tests)
