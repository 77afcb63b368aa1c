/*
 * test_op.c - operations of a user's own class: in a wait, a select, a time
 * limit; and the rules of polling and cancelling seen from inside a class.
 *
 * Operations made of others are in test_op_composed.c, wakers and parking in
 * test_waker.c.
 */
#include "harness.h"

/* ---- A flag that can be waited for, as a user would write it ---- */

struct flag {
	pthread_mutex_t mutex;
	struct flag_op *waiter;
	bool set;
};

struct flag_op {
	chp_op op;
	struct flag *flag;
	chp_waker waker;
	int polls, cancels;
	int cancel_answer;
};

static void forget_waker(struct flag_op *f)
{
	if (f->waker.cls)
		f->waker.cls->release(f->waker.data);
	f->waker.cls = NULL;
}

static int flag_poll(chp_op *op, chp_poll_ctx *ctx)
{
	struct flag_op *f = (struct flag_op *)op;
	int r = CHP_PENDING;

	f->polls++;
	pthread_mutex_lock(&f->flag->mutex);
	forget_waker(f);
	if (f->flag->set) {
		f->flag->waiter = NULL;
		r = 42;
	} else {
		f->flag->waiter = f;
		if (ctx && ctx->waker.cls) {
			f->waker = ctx->waker;
			f->waker.cls->retain(f->waker.data);
		}
	}
	pthread_mutex_unlock(&f->flag->mutex);
	return r;
}

static int flag_cancel(chp_op *op)
{
	struct flag_op *f = (struct flag_op *)op;

	f->cancels++;
	pthread_mutex_lock(&f->flag->mutex);
	forget_waker(f);
	f->flag->waiter = NULL;
	pthread_mutex_unlock(&f->flag->mutex);
	if (f->cancel_answer == CHP_TOO_LATE)
		op->result = 99;
	return f->cancel_answer;
}

static const chp_op_class flag_class = {
	.name = "flag of the test",
	.poll = flag_poll,
	.cancel = flag_cancel,
};

static void flag_init(struct flag *flag, struct flag_op *f)
{
	memset(flag, 0, sizeof(*flag));
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&flag->mutex, NULL);
	f->flag = flag;
	chp_op_init(&f->op, &flag_class);
}

static void flag_set(struct flag *flag)
{
	chp_waker waker = { NULL, NULL };

	pthread_mutex_lock(&flag->mutex);
	flag->set = true;
	if (flag->waiter) {
		waker = flag->waiter->waker;
		flag->waiter->waker.cls = NULL;
	}
	pthread_mutex_unlock(&flag->mutex);
	if (waker.cls)
		waker.cls->wake(waker.data);
}

static bool has_waiter(struct flag *flag)
{
	bool is;

	pthread_mutex_lock(&flag->mutex);
	is = flag->waiter && flag->waiter->waker.cls;
	pthread_mutex_unlock(&flag->mutex);
	return is;
}

/* ---- The rules ---- */

static void cancelling_a_new_operation_finishes_it(void)
{
	struct flag flag;
	struct flag_op f;

	flag_init(&flag, &f);
	CHECK(!chp_op_is_finished(&f.op));
	CHECK_CODE(chp_op_cancel(&f.op), CHP_HELD_NOTHING);
	CHECK(chp_op_is_finished(&f.op));
	CHECK_CODE(f.op.result, CHP_ECANCELED);
	CHECK_EQ(f.polls, 0);
	CHECK_EQ(f.cancels, 0);
}

static void a_result_finishes_an_operation(void)
{
	struct h_waker w = { 0 };
	struct flag flag;
	struct flag_op f;

	flag_init(&flag, &f);
	CHECK_CODE(h_poll(&f.op, &w), CHP_PENDING);
	CHECK(!chp_op_is_finished(&f.op));
	CHECK_EQ(h_refs(&w), 1);
	CHECK_CODE(h_poll(&f.op, &w), CHP_PENDING);
	CHECK_EQ(h_refs(&w), 1);
	flag_set(&flag);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(h_poll(&f.op, &w), 42);
	CHECK(chp_op_is_finished(&f.op));
	CHECK_EQ(f.op.result, 42);
	CHECK_EQ(f.polls, 3);
	/* And cancelling a finished one does nothing. */
	CHECK_CODE(chp_op_cancel(&f.op), CHP_HELD_NOTHING);
	CHECK_EQ(f.cancels, 0);
	CHECK_EQ(f.op.result, 42);
}

static void cancel_reports_what_the_class_says(void)
{
	static const int answers[] = { CHP_HELD_NOTHING, CHP_GAVE_BACK,
				       CHP_TOO_LATE };

	for (int i = 0; i < 3; i++) {
		struct h_waker w = { 0 };
		struct flag flag;
		struct flag_op f;

		flag_init(&flag, &f);
		f.cancel_answer = answers[i];
		CHECK_CODE(h_poll(&f.op, &w), CHP_PENDING);
		CHECK_CODE(chp_op_cancel(&f.op), answers[i]);
		CHECK(chp_op_is_finished(&f.op));
		CHECK_CODE(chp_op_cancel(&f.op), CHP_HELD_NOTHING);
		CHECK_EQ(f.cancels, 1);
		CHECK_EQ(h_refs(&w), 0);
		CHECK_EQ(h_wakes(&w), 0);
		CHECK_EQ(f.op.result,
			 answers[i] == CHP_TOO_LATE ? 99 : CHP_ECANCELED);
	}
}

static void an_operation_can_be_polled_without_a_waker(void)
{
	struct flag flag;
	struct flag_op f;

	flag_init(&flag, &f);
	CHECK_CODE(chp_op_poll(&f.op, NULL), CHP_PENDING);
	CHECK_EQ(f.polls, 1);
	flag_set(&flag);
	CHECK_EQ(chp_op_poll(&f.op, NULL), 42);
}

/* How it came to be finished makes no difference. */
static void poll_cancelled(void *arg)
{
	struct flag flag;
	struct flag_op f;

	(void)arg;
	flag_init(&flag, &f);
	chp_op_cancel(&f.op);
	chp_op_poll(&f.op, NULL);
}

static void poll_again(void *arg)
{
	struct flag flag;
	struct flag_op f;

	flag_init(&flag, &f);
	flag_set(&flag);
	chp_op_poll(&f.op, NULL);
	if (arg)
		chp_op_wait(&f.op, NULL);
	else
		chp_op_poll(&f.op, NULL);
}

static void polling_a_finished_operation_is_misuse(void)
{
	h_must_panic(poll_again, NULL, "flag of the test");
	h_must_panic(poll_again, (void *)&flag_class, "flag of the test");
	h_must_panic(poll_cancelled, NULL, "flag of the test");
}

/* ---- In a wait ---- */

static void *set_later(void *arg)
{
	struct flag *flag = arg;

	h_until(has_waiter(flag));
	h_let_others_run();
	flag_set(flag);
	return NULL;
}

static void a_wait_ends_with_the_result(void)
{
	for (long round = h_rounds(100); round > 0; round--) {
		struct h_agent a;
		struct flag flag;
		struct flag_op f;

		flag_init(&flag, &f);
		h_spawn(&a, set_later, &flag);
		CHECK_EQ(h_wait(&f.op, NULL), 42);
		h_join(&a);
		CHECK_EQ(f.cancels, 0);
		/* Woken once, so it was not polled over and over. */
		CHECK(f.polls >= 2 && f.polls <= 5);
	}
}

static void a_wait_that_fails_has_cancelled_it(void)
{
	chp_agent self = chp_agent_current();
	struct h_agent a;
	struct flag flag;
	struct flag_op f;
	chp_wait w;

	flag_init(&flag, &f);
	h_spawn(&a, h_interrupt_later, &self);
	CHECK_CODE(chp_op_wait(&f.op, NULL), CHP_EINTR);
	h_join(&a);
	CHECK(chp_op_is_finished(&f.op));
	CHECK(!has_waiter(&flag));

	flag_init(&flag, &f);
	w = (chp_wait){ .deadline = chp_in(2 * CHP_MS) };
	CHECK_CODE(chp_op_wait(&f.op, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= w.deadline);
	CHECK_EQ(f.cancels, 1);
	CHECK(chp_op_is_finished(&f.op));
	CHECK(!has_waiter(&flag));
}

static void a_wait_tries_once_whatever_the_deadline(void)
{
	chp_wait late = { .deadline = 1 };
	struct flag flag;
	struct flag_op f;

	flag_init(&flag, &f);
	flag_set(&flag);
	CHECK_EQ(h_wait(&f.op, &late), 42);
	flag_init(&flag, &f);
	CHECK_CODE(h_wait(&f.op, &late), CHP_ETIMEDOUT);
	CHECK_EQ(f.cancels, 1);
}

/* ---- In a select, and under a time limit ---- */

static void it_wins_and_loses_selects(void)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	struct h_agent a;
	struct flag flag;
	struct flag_op f;
	chp_acquire_op acquire;
	chp_select_arm arms[2];
	chp_select_op op;

	flag_init(&flag, &f);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	arms[0] = (chp_select_arm){ .op = &f.op };
	arms[1] = (chp_select_arm){ .op = &acquire.op };
	chp_semaphore_release(&s, 1);
	CHECK_CODE(chp_select_init(&op, arms, 2, CHP_BIASED), 0);
	CHECK_EQ(h_wait(&op.op, NULL), 1);
	CHECK_EQ(f.cancels, 0);
	CHECK(!chp_op_is_finished(&f.op));

	/* It kept its place, and wins now. */
	chp_semaphore_acquire_op(&acquire, &s, 1);
	CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
	h_spawn(&a, set_later, &flag);
	CHECK_EQ(h_wait(&op.op, NULL), 0);
	CHECK_EQ(arms[0].result, 42);
	CHECK_EQ(f.cancels, 0);
	h_join(&a);
	CHECK_EQ(chp_semaphore_has_waiters(&s), 0);

	/* And this time it is cancelled when it loses. */
	flag_init(&flag, &f);
	chp_semaphore_acquire_op(&acquire, &s, 1);
	chp_semaphore_release(&s, 1);
	CHECK_CODE(
		chp_select_init(&op, arms, 2, CHP_BIASED | CHP_CANCEL_LOSERS),
		0);
	CHECK_EQ(h_wait(&op.op, NULL), 1);
	CHECK_EQ(f.cancels, 1);
	CHECK(chp_op_is_finished(&f.op));
	CHECK(!has_waiter(&flag));
}

static void it_may_have_a_time_limit(void)
{
	chp_timeout_op op;
	struct h_agent a;
	struct flag flag;
	struct flag_op f;

	flag_init(&flag, &f);
	chp_timeout_init(&op, &f.op, chp_in(2 * CHP_MS));
	CHECK_CODE(h_wait(&op.op, NULL), CHP_ETIMEDOUT);
	CHECK_EQ(f.cancels, 1);
	CHECK(chp_op_is_finished(&f.op));

	flag_init(&flag, &f);
	chp_timeout_init(&op, &f.op, chp_in(60 * CHP_SEC));
	h_spawn(&a, set_later, &flag);
	CHECK_EQ(h_wait(&op.op, NULL), 42);
	h_join(&a);
	CHECK_EQ(f.cancels, 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(polling_a_finished_operation_is_misuse, ON_ITS_OWN),
	TEST(cancelling_a_new_operation_finishes_it, IN_ALL),
	TEST(a_result_finishes_an_operation, IN_ALL),
	TEST(cancel_reports_what_the_class_says, IN_ALL),
	TEST(an_operation_can_be_polled_without_a_waker, IN_ALL),
	TEST(a_wait_ends_with_the_result, IN_ALL),
	TEST(a_wait_that_fails_has_cancelled_it, IN_BLOCKING),
	TEST(a_wait_tries_once_whatever_the_deadline, IN_ALL),
	TEST(it_wins_and_loses_selects, IN_ALL),
	TEST(it_may_have_a_time_limit, IN_ALL),
};
/* clang-format on */

H_MAIN("op", tests)
