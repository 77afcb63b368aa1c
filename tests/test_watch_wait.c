/*
 * test_watch_wait.c - waiting on a watch channel: for a change, for the
 * receivers to go; who is woken by what; what ends a wait early, and that
 * nothing is marked seen by that.  Waiting for a value that fits is in
 * test_watch_fits.c, wakers and operations in test_watch_op.c.
 */
#include "watch_ends.h"

/* ---- Changes ---- */

static void *await_change(void *arg)
{
	CHECK_CODE(watch_changed(&rx, arg), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_EQ(value_of(&rx), 2);
	return NULL;
}

static void a_send_wakes_a_waiting_receiver(void)
{
	struct h_agent a;

	for (long i = h_rounds(200); i; i--) {
		make();
		h_spawn(&a, await_change, NULL);
		CHECK_CODE(send_int(&tx, 2), 0);
		h_join(&a);
		drop_both();
	}
}

static void a_replaced_value_wakes_a_waiting_receiver(void)
{
	chp_watch_ref old;
	struct h_agent a;

	for (long i = h_rounds(100); i; i--) {
		make();
		h_spawn(&a, await_change, NULL);
		CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 2 },
						  i % 2 ? &old : NULL),
			   0);
		h_join(&a);
		if (i % 2)
			chp_watch_ref_release(&old);
		drop_both();
	}
}

static void *await_the_end(void *arg)
{
	CHECK_CODE(watch_changed(&rx, arg), CHP_ECLOSED);
	CHECK_EQ(value_of(&rx), 1);
	return NULL;
}

static void the_last_sender_wakes_a_waiting_receiver(void)
{
	struct h_agent a;
	chp_watch_tx other;

	for (long i = h_rounds(200); i; i--) {
		make();
		chp_watch_tx_clone(&tx, &other);
		h_spawn(&a, await_the_end, NULL);
		chp_watch_tx_drop(&tx);
		chp_watch_tx_drop(&other);
		h_join(&a);
		drop_both();
	}
}

struct follower {
	struct h_agent a;
	chp_watch_rx rx;
	int last; /* value seen */
	long changes;
};

static void *follow(void *arg)
{
	struct follower *f = arg;
	int r;

	while ((r = watch_changed(&f->rx, NULL)) == 0) {
		chp_watch_ref ref;
		int v;

		CHECK_CODE(chp_watch_borrow_and_update(&f->rx, &ref), 0);
		v = *(const int *)ref.value;
		/* Never back; the same only if it came between the wake and
		   the look, and then it is seen already. */
		CHECK(v >= f->last);
		f->last = v;
		f->changes++;
		chp_watch_ref_release(&ref);
	}
	CHECK_CODE(r, CHP_ECLOSED);
	chp_watch_rx_drop(&f->rx);
	return NULL;
}

static void all_receivers_follow_to_the_last_value(void)
{
	enum { FOLLOWERS = 10, LAST = 300 };
	struct follower f[FOLLOWERS];

	make();
	memset(f, 0, sizeof(f));
	for (int i = 0; i < FOLLOWERS; i++) {
		chp_watch_rx_clone(&rx, &f[i].rx);
		h_spawn(&f[i].a, follow, &f[i]);
	}
	chp_watch_rx_drop(&rx);
	for (int i = 2; i <= LAST; i++) {
		CHECK_CODE(send_int(&tx, i), 0);
		if (i % 7 == 0)
			h_yield();
	}
	chp_watch_tx_drop(&tx);
	for (int i = 0; i < FOLLOWERS; i++) {
		h_join(&f[i].a);
		CHECK_EQ(f[i].last, LAST);
		/* No more wakes than sends. */
		CHECK(f[i].changes >= 1 && f[i].changes < LAST);
	}
	CHECK_EQ(h_load(&drops), LAST);
}

/* ---- The receivers go ---- */

static void *await_closed(void *arg)
{
	const chp_watch_tx *t = arg;

	CHECK_CODE(watch_closed(t, NULL), 0);
	h_add(&progress, 1);
	return NULL;
}

static void the_last_receiver_wakes_all_who_wait_for_that(void)
{
	enum { WAITERS = 5 };
	struct h_agent a[WAITERS];
	chp_watch_rx second;

	for (long round = h_rounds(40); round; round--) {
		make();
		chp_watch_rx_clone(&rx, &second);
		/* One handle, or several, as one likes. */
		for (int i = 0; i < WAITERS; i++)
			h_spawn(&a[i], await_closed, &tx);
		chp_watch_rx_drop(&second);
		for (int i = 0; i < 5; i++)
			h_yield();
		CHECK_EQ(h_load(&progress), 0);
		chp_watch_rx_drop(&rx);
		for (int i = 0; i < WAITERS; i++)
			h_join(&a[i]);
		CHECK_EQ(chp_watch_is_closed(&tx), 1);
		drop_both();
	}
}

static void closed_is_at_once_without_receivers(void)
{
	chp_wait past = { .deadline = chp_in(-CHP_SEC) };

	CHECK_CODE(chp_watch_tx_new(sizeof(int), NULL, NULL, &tx), 0);
	CHECK_CODE(watch_closed(&tx, NULL), 0);
	CHECK_CODE(watch_closed(&tx, &past), 0);
	chp_watch_subscribe(&tx, &rx);
	CHECK_CODE(watch_closed(&tx, &past), CHP_ETIMEDOUT);
	drop_both();
}

/* ---- What ends a wait early ---- */

static void a_wait_that_ends_early_marks_nothing(void)
{
	struct probe p = { .wanted = 9 };
	chp_watch_ref ref = { .value = &p };
	chp_wait past = { .deadline = chp_in(-CHP_SEC) };
	chp_wait soon = { .deadline = chp_in(2 * CHP_MS) };
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait cancelled = { .cancel = &token, .deadline = chp_in(-CHP_SEC) };

	make();
	CHECK_CODE(watch_changed(&rx, &soon), CHP_ETIMEDOUT);
	CHECK_CODE(watch_changed(&rx, &past), CHP_ETIMEDOUT);
	CHECK_CODE(watch_closed(&tx, &past), CHP_ETIMEDOUT);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, &past), CHP_ETIMEDOUT);
	CHECK(!ref.value);
	CHECK_EQ(p.calls, 1);
	soon.deadline = chp_in(2 * CHP_MS);
	CHECK_CODE(watch_closed(&tx, &soon), CHP_ETIMEDOUT);
	soon.deadline = chp_in(2 * CHP_MS);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, &soon), CHP_ETIMEDOUT);
	CHECK_EQ(p.calls, 2);

	chp_cancel_now(&token);
	CHECK_CODE(watch_changed(&rx, &cancelled), CHP_ECANCELED);
	CHECK_CODE(watch_closed(&tx, &cancelled), CHP_ECANCELED);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, &cancelled),
		   CHP_ECANCELED);
	CHECK_EQ(p.calls, 2);

	/* The token wins over a change that is there; a past deadline not. */
	CHECK_CODE(send_int(&tx, 9), 0);
	CHECK_CODE(watch_changed(&rx, &cancelled), CHP_ECANCELED);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, &cancelled),
		   CHP_ECANCELED);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(watch_wait_for(&rx, probe, &p, &ref, &past), 0);
	chp_watch_ref_release(&ref);
	chp_watch_mark_changed(&rx);
	CHECK_CODE(watch_changed(&rx, &past), 0);
	drop_both();
	chp_cancel_destroy(&token);
}

static void interruption_comes_before_the_change(void)
{
	chp_wait stubborn = { .flags = CHP_UNINTERRUPTIBLE };
	chp_wait unknown = { .flags = 1u << 30 };
	struct probe p = { .wanted = 2 };
	chp_watch_rx empty = { 0 };

	make();
	CHECK_CODE(chp_watch_changed_with(&rx, &unknown), CHP_EINVAL);
	CHECK_CODE(chp_watch_closed_with(&tx, &unknown), CHP_EINVAL);
	CHECK_CODE(chp_watch_wait_for_with(&rx, probe, &p, NULL, &unknown),
		   CHP_EINVAL);
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_interrupt(chp_agent_current());
	/* A bad argument comes first, and leaves the flag. */
	CHECK_CODE(chp_watch_changed(&empty), CHP_EINVAL);
	CHECK_CODE(chp_watch_wait_for(&rx, NULL, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(chp_watch_changed(&rx), CHP_EINTR);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_watch_wait_for(&rx, probe, &p, NULL), CHP_EINTR);
	CHECK_EQ(p.calls, 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_watch_closed(&tx), CHP_EINTR);

	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_watch_changed_with(&rx, &stubborn), 0);
	CHECK_CODE(chp_watch_wait_for_with(&rx, probe, &p, NULL, &stubborn), 0);
	CHECK_EQ(chp_interrupted(), 1);
	drop_both();
}

static void *be_interrupted_then_see(void *arg)
{
	int code = *(int *)arg;
	struct probe p = { .wanted = 2 };

	CHECK_CODE(chp_watch_changed(&rx), code);
	h_store(&progress, 1);
	h_until(h_load(&progress) == 2);
	CHECK_CODE(chp_watch_wait_for(&rx, probe, &p, NULL), code);
	h_store(&progress, 3);
	if (code == CHP_EABORTED)
		chp_shield_enter();
	CHECK_CODE(chp_watch_wait_for(&rx, probe, &p, NULL), 0);
	if (code == CHP_EABORTED)
		chp_shield_leave();
	return NULL;
}

static void end_twice(int code, int (*end)(chp_agent))
{
	struct h_agent a;

	make();
	h_spawn(&a, be_interrupted_then_see, &code);
	CHECK_CODE(end(a.agent), 0);
	h_until(h_load(&progress) == 1);
	h_store(&progress, 2);
	CHECK_CODE(end(a.agent), 0);
	h_until(h_load(&progress) == 3);
	CHECK_CODE(send_int(&tx, 2), 0);
	h_join(&a);
	drop_both();
}

static void an_interrupted_receiver_can_go_on(void)
{
	end_twice(CHP_EINTR, chp_interrupt);
}

static void an_aborted_receiver_can_go_on_under_a_shield(void)
{
	end_twice(CHP_EABORTED, chp_abort);
}

struct ended {
	struct h_agent a;
	chp_cancel token;
	int what, result;
};

static void *wait_under_a_token(void *arg)
{
	struct ended *e = arg;
	struct probe p = { .wanted = 9 };
	chp_wait w = { .cancel = &e->token };

	if (e->what == 0)
		e->result = watch_changed(&rx, &w);
	else if (e->what == 1)
		e->result = watch_wait_for(&rx, probe, &p, NULL, &w);
	else
		e->result = watch_closed(&tx, &w);
	return NULL;
}

static void a_token_ends_each_wait(void)
{
	for (int i = 0; i < 30; i++) {
		struct ended e = { .what = i % 3 };

		make();
		h_spawn(&e.a, wait_under_a_token, &e);
		if (i % 2)
			for (int k = 0; k < 5; k++)
				h_yield();
		chp_cancel_now(&e.token);
		h_join(&e.a);
		CHECK_CODE(e.result, CHP_ECANCELED);
		CHECK_EQ(chp_watch_has_changed(&rx), 0);
		drop_both();
		chp_cancel_destroy(&e.token);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_send_wakes_a_waiting_receiver, IN_ALL),
	TEST(a_replaced_value_wakes_a_waiting_receiver, IN_ALL),
	TEST(the_last_sender_wakes_a_waiting_receiver, IN_ALL),
	TEST(all_receivers_follow_to_the_last_value, IN_ALL),
	TEST(the_last_receiver_wakes_all_who_wait_for_that, IN_ALL),
	TEST(closed_is_at_once_without_receivers, IN_ALL),
	TEST(a_wait_that_ends_early_marks_nothing, IN_ALL),
	TEST(interruption_comes_before_the_change, IN_BLOCKING),
	TEST(an_interrupted_receiver_can_go_on, IN_BLOCKING),
	TEST(an_aborted_receiver_can_go_on_under_a_shield, IN_TASKS),
	TEST(a_token_ends_each_wait, IN_ALL),
};
/* clang-format on */
H_MAIN("watch_wait", tests)
