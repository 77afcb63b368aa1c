/*
 * test_select_end.c - selects that end without a winner, selects inside
 * selects and under time limits, and selects that race each other.
 */
#include "harness.h"

#include <stdatomic.h>

static chp_semaphore left, right;
static chp_acquire_op ops[2];
static chp_select_arm arms[2];

/* Two arms, neither of them ready. */
static void begin(void)
{
	chp_semaphore_init(&left, 0, CHP_FIFO);
	chp_semaphore_init(&right, 0, CHP_FIFO);
	chp_semaphore_acquire_op(&ops[0], &left, 1);
	chp_semaphore_acquire_op(&ops[1], &right, 1);
	arms[0] = (chp_select_arm){ .op = &ops[0].op };
	arms[1] = (chp_select_arm){ .op = &ops[1].op };
}

static int choose(unsigned flags, const chp_wait *w)
{
	return h_select(arms, 2, flags, w);
}

static void check_pending(int expected)
{
	for (int i = 0; i < 2; i++)
		CHECK_EQ(!chp_op_is_finished(&ops[i].op), expected);
	CHECK_EQ(chp_semaphore_queue_length(&left), expected);
	CHECK_EQ(chp_semaphore_queue_length(&right), expected);
}

/* The arms are losers: they keep their places, or are cancelled. */
static void check_losers(unsigned flags)
{
	check_pending(flags == 0);
	if (flags != 0)
		return;
	chp_semaphore_release(&right, 1);
	CHECK_EQ(choose(CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_CODE(arms[1].result, 0);
	check_pending(0);
}

static void a_deadline_ends_a_select(void)
{
	for (unsigned flags = 0; flags <= 2; flags += 2) {
		chp_wait w = { .deadline = chp_in(3 * CHP_MS) };

		begin();
		CHECK_CODE(choose(flags, &w), CHP_ETIMEDOUT);
		CHECK(chp_now() >= w.deadline);
		check_losers(flags);
	}
}

static void a_past_deadline_tries_once(void)
{
	chp_wait late = { .deadline = 1 };

	for (unsigned flags = 0; flags <= 2; flags += 2) {
		begin();
		CHECK_CODE(choose(flags, &late), CHP_ETIMEDOUT);
		check_losers(flags);
		begin();
		chp_semaphore_release(&right, 1);
		CHECK_CODE(choose(flags, &late), 1);
		CHECK_CODE(arms[1].result, 0);
		chp_op_cancel(&ops[0].op);
	}
}

static void *cancel_it(void *arg)
{
	h_until(chp_semaphore_queue_length(&right) == 1);
	chp_cancel_now(arg);
	return NULL;
}

static void a_token_ends_a_select(void)
{
	for (unsigned flags = 0; flags <= 2; flags += 2) {
		chp_cancel token = CHP_CANCEL_INIT;
		chp_wait w = { .cancel = &token };
		struct h_agent a;

		begin();
		h_spawn(&a, cancel_it, &token);
		CHECK_CODE(choose(flags, &w), CHP_ECANCELED);
		h_join(&a);
		check_losers(flags);
		chp_cancel_destroy(&token);
	}
}

static void *interrupt_it(void *arg)
{
	h_until(chp_semaphore_queue_length(&right) == 1);
	CHECK_CODE(chp_interrupt(*(chp_agent *)arg), 0);
	return NULL;
}

static void an_interrupt_ends_a_select(void)
{
	chp_agent self = chp_agent_current();

	for (unsigned flags = 0; flags <= 2; flags += 2) {
		struct h_agent a;

		begin();
		h_spawn(&a, interrupt_it, &self);
		CHECK_CODE(choose(flags, NULL), CHP_EINTR);
		h_join(&a);
		check_losers(flags);
	}
}

static void an_interrupt_comes_before_the_first_poll(void)
{
	begin();
	chp_semaphore_release(&left, 1);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(choose(CHP_CANCEL_LOSERS, NULL), CHP_EINTR);
	CHECK_EQ(chp_semaphore_available(&left), 1);
	check_pending(chp_semaphore_queue_length(&left) != 0);
}

/* ---- By hand ---- */

static void a_hand_polled_select_wakes_for_any_arm(void)
{
	for (int winner = 0; winner < 2; winner++) {
		struct h_waker w = { 0 };
		chp_select_op op;

		begin();
		CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		check_pending(1);
		chp_semaphore_release(winner ? &right : &left, 1);
		CHECK_EQ(h_wakes(&w), 1);
		CHECK_EQ(h_poll(&op.op, &w), winner);
		CHECK_CODE(arms[winner].result, 0);
		check_pending(0);
		CHECK_EQ(h_refs(&w), 0);
	}
}

static void cancelling_a_select_cancels_its_arms_if_that_was_wished(void)
{
	struct h_waker w = { 0 };
	chp_select_op op;

	begin();
	CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	check_pending(0);
	CHECK_EQ(h_refs(&w), 0);

	begin();
	CHECK_CODE(chp_select_init(&op, arms, 2, 0), 0);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_op_cancel(&op.op);
	check_losers(0);
	CHECK_EQ(h_refs(&w), 0);
}

/* Its arms may be pending, though it has not been polled itself. */
static void a_select_that_was_never_polled_cancels_its_arms_too(void)
{
	chp_select_op op;

	for (int poll = 0; poll < 2; poll++) {
		begin();
		if (poll) {
			CHECK_CODE(chp_op_poll(&ops[0].op, NULL), CHP_PENDING);
			CHECK_CODE(chp_op_poll(&ops[1].op, NULL), CHP_PENDING);
		}
		CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
		check_pending(0);
	}
}

/* A grant that came before the cancelling goes back where it belongs. */
static void cancelling_a_select_that_was_granted_gives_back(void)
{
	struct h_waker w = { 0 };
	chp_select_op op;

	begin();
	CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	chp_semaphore_release(&left, 1);
	chp_semaphore_release(&right, 1);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	check_pending(0);
	CHECK_EQ(chp_semaphore_available(&left), 1);
	CHECK_EQ(chp_semaphore_available(&right), 1);
	CHECK_EQ(h_refs(&w), 0);
}

/* ---- Selects as arms ---- */

static void selects_nest(void)
{
	for (int winner = 0; winner < 3; winner++) {
		chp_semaphore outer_s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
		chp_semaphore *s[] = { &left, &right, &outer_s };
		chp_select_op inner, outer;
		chp_select_arm outer_arms[2];
		chp_acquire_op acquire;

		begin();
		chp_semaphore_acquire_op(&acquire, &outer_s, 1);
		CHECK_CODE(chp_select_init(&inner, arms, 2, CHP_CANCEL_LOSERS),
			   0);
		outer_arms[0] = (chp_select_arm){ .op = &inner.op };
		outer_arms[1] = (chp_select_arm){ .op = &acquire.op };
		CHECK_CODE(chp_select_init(&outer, outer_arms, 2,
					   CHP_CANCEL_LOSERS),
			   0);
		CHECK_CODE(chp_op_poll(&outer.op, NULL), CHP_PENDING);
		check_pending(1);
		chp_semaphore_release(s[winner], 1);
		CHECK_EQ(h_wait(&outer.op, NULL), winner == 2);
		if (winner < 2)
			CHECK_EQ(outer_arms[0].result, winner);
		check_pending(0);
		CHECK_EQ(chp_semaphore_queue_length(&outer_s), 0);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(chp_semaphore_available(s[i]), 0);
	}
}

static void a_select_has_a_time_limit_like_anything(void)
{
	chp_select_op op;
	chp_timeout_op timeout;
	chp_time soon = chp_in(2 * CHP_MS);

	begin();
	CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
	chp_timeout_init(&timeout, &op.op, soon);
	CHECK_CODE(h_wait(&timeout.op, NULL), CHP_ETIMEDOUT);
	CHECK(chp_now() >= soon);
	check_pending(0);

	begin();
	chp_semaphore_release(&right, 1);
	CHECK_CODE(chp_select_init(&op, arms, 2, CHP_CANCEL_LOSERS), 0);
	chp_timeout_init(&timeout, &op.op, 1);
	CHECK_CODE(h_wait(&timeout.op, NULL), 1);
	check_pending(0);
}

/* ---- Races ---- */

enum { PERMITS = 1500 };

static atomic_long taken[3];
static chp_mpsc_tx tx;
static chp_mpsc_rx rx;
static chp_cancel over;

/*
 * Take from both semaphores until the token is cancelled, now and then giving
 * up after a moment, with losers kept or cancelled.
 */
static void *take_from_both(void *arg)
{
	unsigned flags = (uintptr_t)arg % 2 ? CHP_CANCEL_LOSERS : 0;
	chp_acquire_op op[2];
	chp_cancel_op end;
	chp_select_arm a[3];
	chp_select_op select;
	int r;

	chp_semaphore_acquire_op(&op[0], &left, 1);
	chp_semaphore_acquire_op(&op[1], &right, 1);
	chp_cancel_wait_op(&end, &over);
	a[0].op = &op[0].op;
	a[1].op = &op[1].op;
	a[2].op = &end.op;
	for (;;) {
		chp_wait w = { .deadline = chp_in(50 * CHP_US) };

		CHECK_CODE(chp_select_init(&select, a, 3, flags), 0);
		r = h_wait(&select.op, (uintptr_t)arg / 2 ? &w : NULL);
		CHECK(r >= 0 || r == CHP_ETIMEDOUT);
		if (r == 2)
			break;
		if (r >= 0) {
			CHECK_CODE(a[r].result, 0);
			taken[r]++;
		}
		if (chp_op_is_finished(&op[0].op))
			chp_semaphore_acquire_op(&op[0], &left, 1);
		if (chp_op_is_finished(&op[1].op))
			chp_semaphore_acquire_op(&op[1], &right, 1);
		if (chp_op_is_finished(&end.op))
			chp_cancel_wait_op(&end, &over);
	}
	chp_op_cancel(&op[0].op);
	chp_op_cancel(&op[1].op);
	return NULL;
}

static void *give_to(void *arg)
{
	for (long i = 0; i < h_rounds(PERMITS); i++) {
		chp_semaphore_release(arg, 1);
		if (i % 16 == 0)
			h_yield();
	}
	return NULL;
}

static void no_permit_is_lost_or_taken_twice(void)
{
	struct h_agent taker[4], giver[2];
	long n = h_rounds(PERMITS);

	chp_semaphore_init(&left, 0, CHP_FIFO);
	chp_semaphore_init(&right, 0, CHP_UNFAIR);
	chp_cancel_init(&over, NULL, 0);
	taken[0] = taken[1] = 0;
	for (uintptr_t i = 0; i < 4; i++)
		h_spawn(&taker[i], take_from_both, (void *)i);
	h_spawn(&giver[0], give_to, &left);
	h_spawn(&giver[1], give_to, &right);
	for (int i = 0; i < 2; i++)
		h_join(&giver[i]);
	h_until(taken[0] == n && taken[1] == n);
	chp_cancel_now(&over);
	for (int i = 0; i < 4; i++)
		h_join(&taker[i]);
	CHECK_EQ(taken[0] + chp_semaphore_available(&left), n);
	CHECK_EQ(taken[1] + chp_semaphore_available(&right), n);
	CHECK_EQ(chp_semaphore_has_waiters(&left), 0);
	CHECK_EQ(chp_semaphore_has_waiters(&right), 0);
	chp_cancel_destroy(&over);
}

static void *send_numbers(void *arg)
{
	for (long i = 0; i < h_rounds(PERMITS); i++) {
		chp_send_op op;

		chp_mpsc_send_op(&op, arg, &i);
		CHECK_CODE(h_wait(&op.op, NULL), 0);
	}
	chp_mpsc_tx_drop(arg);
	return NULL;
}

/* A receive that loses again and again must not lose a value. */
static void no_value_is_lost_between_selects(void)
{
	struct h_agent sender, giver;
	long expected = 0, value = -1, n = h_rounds(PERMITS), permits = 0;

	CHECK_CODE(chp_mpsc_bounded(3, sizeof(long), NULL, &tx, &rx), 0);
	chp_semaphore_init(&left, 0, CHP_FIFO);
	h_spawn(&sender, send_numbers, &tx);
	h_spawn(&giver, give_to, &left);
	while (expected < n || permits < n) {
		chp_recv_op recv;
		chp_acquire_op acquire;
		chp_select_op select;
		chp_select_arm a[2];

		chp_mpsc_recv_op(&recv, &rx, &value);
		chp_semaphore_acquire_op(&acquire, &left, 1);
		a[0].op = expected < n ? &recv.op : NULL;
		a[1].op = permits < n ? &acquire.op : NULL;
		CHECK_CODE(chp_select_init(&select, a, 2, CHP_CANCEL_LOSERS),
			   0);
		if (h_wait(&select.op, NULL) == 1) {
			CHECK_CODE(a[1].result, 0);
			permits++;
			continue;
		}
		CHECK_CODE(a[0].result, 0);
		CHECK_EQ(value, expected);
		expected++;
	}
	h_join(&sender);
	h_join(&giver);
	CHECK_EQ(chp_semaphore_available(&left), 0);
	CHECK_CODE(chp_mpsc_try_recv(&rx, &value), CHP_ECLOSED);
	chp_mpsc_rx_drop(&rx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_deadline_ends_a_select, IN_ALL),
	TEST(a_past_deadline_tries_once, IN_ALL),
	TEST(a_token_ends_a_select, IN_ALL),
	TEST(an_interrupt_ends_a_select, IN_BLOCKING),
	TEST(an_interrupt_comes_before_the_first_poll, IN_BLOCKING),
	TEST(a_hand_polled_select_wakes_for_any_arm, IN_ALL),
	TEST(cancelling_a_select_cancels_its_arms_if_that_was_wished, IN_ALL),
	TEST(a_select_that_was_never_polled_cancels_its_arms_too, IN_ALL),
	TEST(cancelling_a_select_that_was_granted_gives_back, IN_ALL),
	TEST(selects_nest, IN_ALL),
	TEST(a_select_has_a_time_limit_like_anything, IN_ALL),
	TEST(no_permit_is_lost_or_taken_twice, IN_ALL),
	TEST(no_value_is_lost_between_selects, IN_ALL),
};
/* clang-format on */

H_MAIN("select_end", tests)
