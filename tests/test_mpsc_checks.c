/*
 * test_mpsc_checks.c - the order of checks at the start of every wait on a
 * channel: bad argument, interruption, token, one try, deadline.
 */
#include "mpsc.h"

/* Every form of waiting, for a channel where none has to wait. */
enum { FORMS = 5 };

static int send_form(const chp_wait *w)
{
	return mpsc_send(&tx, &(int){ 2 }, w);
}

static int reserve_form(const chp_wait *w)
{
	chp_mpsc_permit p = { (void *)&p, 9 };
	int r = mpsc_reserve(&tx, 1, &p, w);

	/* However it failed, the permit may be dropped. */
	if (r != 0)
		CHECK(!p.ch && p.count == 0);
	chp_mpsc_permit_drop(&p);
	return r;
}

static int recv_form(const chp_wait *w)
{
	return mpsc_recv(&rx, NULL, w);
}

static int recv_many_form(const chp_wait *w)
{
	int out[4], r = mpsc_recv_many(&rx, out, 4, w);

	return r > 0 ? 0 : r;
}

static int reserve_owned_form(const chp_wait *w)
{
	chp_mpsc_owned_permit p = { 0 };
	int r = chp_mpsc_reserve_owned_with(&tx, &p, w);

	chp_mpsc_owned_permit_release(&p, r == 0 ? &tx : NULL);
	return r;
}

/* The last has no operation, so it is only for those who may block. */
static int (*const forms[FORMS])(const chp_wait *w) = {
	send_form, reserve_form, recv_form, recv_many_form, reserve_owned_form
};

/* One message and one free place: every form could succeed at once. */
static void make_ready(void)
{
	make(2);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
}

static void check_untouched(void)
{
	CHECK_EQ(chp_mpsc_len(&rx), 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	CHECK_EQ(chp_mpsc_strong_count(&tx), 1);
	CHECK_EQ(h_load(&drops), 0);
}

#define EACH_FORM(f) for (int f = 0; f < FORMS - (h_mode() == H_POLLED); f++)

static void a_cancelled_token_comes_before_the_try(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token, .deadline = chp_in(-CHP_SEC) };

	EACH_FORM(f)
	{
		make_ready();
		CHECK_CODE(forms[f](&w), 0);
		drop_both();
	}
	chp_cancel_now(&token);
	EACH_FORM(f)
	{
		make_ready();
		CHECK_CODE(forms[f](&w), CHP_ECANCELED);
		check_untouched();
		chp_mpsc_close(&rx);
		CHECK_CODE(forms[f](&w), CHP_ECANCELED);
		drop_both();
	}
	chp_cancel_destroy(&token);
}

static void a_passed_deadline_comes_after_the_try(void)
{
	chp_wait past = { .deadline = chp_in(-CHP_SEC) };
	int got = 0;

	EACH_FORM(f)
	{
		make_ready();
		CHECK_CODE(forms[f](&past), 0);
		drop_both();
	}
	/* Full: what fails leaves no place in the queue behind. */
	make(1);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
	CHECK_CODE(send_form(&past), CHP_ETIMEDOUT);
	CHECK_CODE(reserve_form(&past), CHP_ETIMEDOUT);
	if (h_mode() != H_POLLED)
		CHECK_CODE(reserve_owned_form(&past), CHP_ETIMEDOUT);
	CHECK_CODE(mpsc_recv(&rx, &got, &past), 0);
	CHECK_EQ(got, 1);
	CHECK_EQ(chp_mpsc_capacity(&tx), 1);
	CHECK_CODE(recv_form(&past), CHP_ETIMEDOUT);
	CHECK_CODE(recv_many_form(&past), CHP_ETIMEDOUT);
	CHECK_CODE(mpsc_closed(&tx, &past), CHP_ETIMEDOUT);
	/* Closed is an answer; a deadline only ends waiting for one. */
	chp_mpsc_close(&rx);
	CHECK_CODE(send_form(&past), CHP_ECLOSED);
	CHECK_CODE(recv_form(&past), CHP_ECLOSED);
	CHECK_CODE(mpsc_closed(&tx, &past), 0);
	drop_both();
}

static void interruption_comes_before_token_and_try(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	EACH_FORM(f)
	{
		make_ready();
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](NULL), CHP_EINTR);
		CHECK_EQ(chp_is_interrupted(chp_agent_current()), 0);
		check_untouched();
		CHECK_CODE(forms[f](NULL), 0);
		drop_both();
	}
	chp_cancel_now(&token);
	EACH_FORM(f)
	{
		make_ready();
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](&w), CHP_EINTR);
		CHECK_CODE(forms[f](&w), CHP_ECANCELED);
		check_untouched();
		drop_both();
	}
	make_ready();
	chp_mpsc_close(&rx);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_mpsc_closed(&tx), CHP_EINTR);
	CHECK_CODE(chp_mpsc_closed(&tx), 0);
	drop_both();
	chp_cancel_destroy(&token);
}

static void a_bad_argument_comes_before_interruption(void)
{
	EACH_FORM(f)
	{
		make(1);
		drop_both();
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](NULL), CHP_EINVAL);
		CHECK_EQ(chp_interrupted(), 1);
	}
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_mpsc_closed(&tx), CHP_EINVAL);
	CHECK_EQ(chp_interrupted(), 1);
}

static void an_uninterruptible_wait_leaves_the_flag_set(void)
{
	chp_wait stubborn = { .flags = CHP_UNINTERRUPTIBLE };

	EACH_FORM(f)
	{
		make_ready();
		chp_interrupt(chp_agent_current());
		CHECK_CODE(forms[f](&stubborn), 0);
		CHECK_EQ(chp_interrupted(), 1);
		drop_both();
	}
}

static void tries_and_hand_polling_ignore_interruption(void)
{
	struct h_waker w = { 0 };
	chp_recv_op op;
	int got = 0;

	make(2);
	chp_interrupt(chp_agent_current());
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 1 }), 0);
	CHECK_CODE(chp_mpsc_try_recv(&rx, &got), 0);
	CHECK_CODE(chp_mpsc_try_send(&tx, &(int){ 2 }), 0);
	chp_mpsc_recv_op(&op, &rx, &got);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(got, 2);
	CHECK_EQ(chp_interrupted(), 1);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_cancelled_token_comes_before_the_try, IN_ALL),
	TEST(a_passed_deadline_comes_after_the_try, IN_ALL),
	TEST(interruption_comes_before_token_and_try, IN_BLOCKING),
	TEST(a_bad_argument_comes_before_interruption, IN_BLOCKING),
	TEST(an_uninterruptible_wait_leaves_the_flag_set, IN_BLOCKING),
	TEST(tries_and_hand_polling_ignore_interruption, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("mpsc_checks", tests)
