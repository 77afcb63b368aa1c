/*
 * test_mpsc_reserve_wait.c - what ends the wait for one place, as a permit and
 * as an owned permit alike: deadlines, tokens, interruption, abort, closing.
 * It takes no place along and leaves the sender with its caller.
 */
#include "mpsc_hold.h"

/* ---- What ends a wait ---- */

static void a_full_channel_gives_none_in_time(void)
{
	struct hold h;

	for (enum way way = BORROWED; way <= OWNED; way++) {
		chp_wait once = { .deadline = 1 };
		chp_wait moment = { .deadline = chp_in(2 * CHP_MS) };

		make_full();
		hold_new(&h, way);
		CHECK_CODE(hold_try(&h), CHP_EAGAIN);
		CHECK(has_nothing(&h));
		CHECK_CODE(hold_wait(&h, &once), CHP_ETIMEDOUT);
		CHECK(has_nothing(&h));
		CHECK_CODE(hold_wait(&h, &moment), CHP_ETIMEDOUT);
		CHECK(chp_now() >= moment.deadline);
		CHECK(has_nothing(&h));
		CHECK_EQ(chp_mpsc_strong_count(&tx), 2);
		/* It is in nobody's way. */
		CHECK_EQ(take(), 1);
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		CHECK_CODE(hold_wait(&h, &moment), 0);
		hold_give_back(&h);
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
	}
}

static void a_cancelled_token_reserves_nothing(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		chp_cancel token = CHP_CANCEL_INIT;
		chp_wait w = { .cancel = &token };
		struct h_agent a;
		struct hold h;

		make_full();
		hold_new(&h, way);
		h_spawn(&a, h_cancel_later, &token);
		CHECK_CODE(hold_wait(&h, &w), CHP_ECANCELED);
		h_join(&a);
		CHECK(has_nothing(&h));
		CHECK_EQ(take(), 1);
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		/* Nor what is free. */
		CHECK_CODE(hold_wait(&h, &w), CHP_ECANCELED);
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
		chp_cancel_destroy(&token);
	}
}

static void a_token_with_a_deadline_times_a_reservation_out(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		chp_cancel token;
		chp_wait w = { .cancel = &token };
		struct hold h;

		chp_cancel_init(&token, NULL, chp_in(2 * CHP_MS));
		make_full();
		hold_new(&h, way);
		CHECK_CODE(hold_wait(&h, &w), CHP_ETIMEDOUT);
		CHECK(has_nothing(&h));
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
		chp_cancel_destroy(&token);
	}
}

static void an_interrupt_comes_before_a_free_place(void)
{
	chp_wait w = { .flags = CHP_UNINTERRUPTIBLE };
	struct hold h;

	for (enum way way = BORROWED; way <= OWNED; way++) {
		make(1);
		hold_new(&h, way);
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		CHECK_CODE(hold_wait(&h, NULL), CHP_EINTR);
		CHECK(has_nothing(&h));
		CHECK_EQ(chp_mpsc_capacity(&tx), 1);

		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		CHECK_CODE(hold_wait(&h, &w), 0);
		hold_give_back(&h);
		/* The flag was left for the next. */
		CHECK_CODE(hold_wait(&h, NULL), CHP_EINTR);
		CHECK_CODE(hold_wait(&h, NULL), 0);
		hold_give_back(&h);
		chp_mpsc_tx_drop(&h.tx);
		drop_both();
	}
}

static void *reserve_in_vain(void *arg)
{
	struct hold *h = arg;

	return (void *)(intptr_t)hold_wait(h, NULL);
}

static void interrupt_and_abort_end_a_reservation(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		for (int abort = 0; abort < 2; abort++) {
			struct h_agent a;
			struct hold h;

			if (abort && chp_task_id() == 0)
				break;
			make_full();
			hold_new(&h, way);
			h_spawn(&a, reserve_in_vain, &h);
			CHECK_CODE(abort ? chp_abort(a.agent)
					 : chp_interrupt(a.agent),
				   0);
			CHECK_CODE((int)(intptr_t)h_join(&a),
				   abort ? CHP_EABORTED : CHP_EINTR);
			CHECK(has_nothing(&h));
			CHECK_EQ(take(), 1);
			CHECK_EQ(chp_mpsc_capacity(&tx), 1);
			chp_mpsc_tx_drop(&h.tx);
			drop_both();
		}
	}
}

static void closing_ends_a_reservation(void)
{
	for (enum way way = BORROWED; way <= OWNED; way++) {
		for (int dropped = 0; dropped < 2; dropped++) {
			struct h_agent a;
			struct hold h;

			make_full();
			hold_new(&h, way);
			h_spawn(&a, reserve_in_vain, &h);
			h_let_others_run();
			if (dropped)
				chp_mpsc_rx_drop(&rx);
			else
				chp_mpsc_close(&rx);
			CHECK_CODE((int)(intptr_t)h_join(&a), CHP_ECLOSED);
			CHECK(has_nothing(&h));
			CHECK_EQ(chp_mpsc_strong_count(&tx), 2);
			chp_mpsc_tx_drop(&h.tx);
			drop_both();
		}
	}
}

/* ---- All at once ---- */

enum { AGENTS = 6 };

struct stormer {
	struct h_agent a;
	struct hold h;
	struct h_rng rng;
	long rounds, sent;
};

/* Waits that are served or end too early, by their own deadline or a token's;
   places that are used or given back. */
static void *reserve_at_random(void *arg)
{
	struct stormer *s = arg;

	while (s->rounds-- > 0) {
		chp_time soon = chp_in(h_below(&s->rng, 50) * CHP_US);
		chp_wait w = { .deadline = soon };
		chp_cancel token;
		int r;

		s->h.way = h_below(&s->rng, 2) ? OWNED : BORROWED;
		chp_cancel_init(&token, NULL, soon);
		if (h_below(&s->rng, 4) == 0)
			w = (chp_wait){ .cancel = &token };
		r = h_below(&s->rng, 8) ? hold_wait(&s->h, &w)
					: hold_try(&s->h);
		if (r != 0) {
			CHECK(r == CHP_ETIMEDOUT || r == CHP_EAGAIN);
			CHECK(has_nothing(&s->h));
		} else if (h_below(&s->rng, 3)) {
			hold_send(&s->h, 1);
			s->sent++;
		} else {
			hold_give_back(&s->h);
		}
		chp_cancel_destroy(&token);
	}
	chp_mpsc_tx_drop(&s->h.tx);
	return NULL;
}

static void no_place_is_lost_by_waits_that_end(void)
{
	struct stormer s[AGENTS];
	long sent = 0, got = 0;
	int v;

	make(2);
	for (int i = 0; i < AGENTS; i++) {
		hold_new(&s[i].h, BORROWED);
		s[i].rng = h_rng(h_seed(), (uint64_t)i);
		s[i].rounds = h_rounds(2000);
		s[i].sent = 0;
		h_spawn(&s[i].a, reserve_at_random, &s[i]);
	}
	chp_mpsc_tx_drop(&tx);
	for (; mpsc_recv(&rx, &v, NULL) == 0; got += v)
		h_yield();
	for (int i = 0; i < AGENTS; i++) {
		h_join(&s[i].a);
		sent += s[i].sent;
	}
	CHECK_EQ(got, sent);
	CHECK(sent > 0);
	CHECK_EQ(chp_mpsc_rx_capacity(&rx), 2);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_full_channel_gives_none_in_time, IN_ALL),
	TEST(a_cancelled_token_reserves_nothing, IN_ALL),
	TEST(a_token_with_a_deadline_times_a_reservation_out, IN_ALL),
	TEST(an_interrupt_comes_before_a_free_place, IN_BLOCKING),
	TEST(interrupt_and_abort_end_a_reservation, IN_BLOCKING),
	TEST(closing_ends_a_reservation, IN_ALL),
	TEST(no_place_is_lost_by_waits_that_end, IN_ALL),
};
/* clang-format on */
H_MAIN("mpsc_reserve_wait", tests)
