/*
 * test_broadcast_destroy.c - two ends of a channel at the same moment,
 * thousands of times: that no value is lost, doubled, or destroyed twice, and
 * that whoever has its result may free operation, handle and channel at once,
 * while the other is still inside the call that gave it.  Meant for
 * AddressSanitizer and ThreadSanitizer, too.  Waits that are given up in such
 * a moment are in test_broadcast_decide.c.
 */
#include "broadcast_race.h"

#include <sched.h>

/* ---- Values, and memory that goes at once ---- */

static int receive_by_op(chp_broadcast_rx *from, int *value)
{
	chp_broadcast_op *op = malloc(sizeof(*op));
	int *out = malloc(sizeof(*out)), r;

	*out = -1;
	chp_broadcast_recv_op(op, from, out, NULL);
	r = h_wait(&op->op, NULL);
	*value = *out;
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free(out);
	return r;
}

static void receive_and_free(void)
{
	result = receive_by_op(rx, &got);
	free_rx();
}

static void the_receiver_frees_all_right_after_its_value(void)
{
	race(make_bytes, send_and_free, receive_and_free, five_was_received);
	race(make_boxed, send_and_free, receive_and_free, five_was_received);
	race(make_boxed, receive_and_free, send_and_free, five_was_received);
}

static void the_receiver_frees_all_right_after_the_end(void)
{
	race(make_bytes, free_tx, receive_and_free, none_came);
	race(make_boxed, free_tx, receive_and_free, none_came);
}

static void one_was_destroyed(void)
{
	CHECK_EQ(h_load(&drops), 1);
	free(rx2);
}

static void both_ends_may_be_dropped_at_once(void)
{
	race(make_with_one, free_tx, free_rx, one_was_destroyed);
}

/* ---- A send and the ends of receivers ---- */

/* Where threads take turns, as under Valgrind, after so and so many steps, that
   may be in the middle of a send each time: so a yield where it is not. */
static void send_while_somebody_is_there(void)
{
	int r;

	sent = 0;
	while ((r = chp_broadcast_send(tx, &sent)) == 1)
		if (++sent % 256 == 0)
			sched_yield();
	CHECK_CODE(r, CHP_ECLOSED);
}

static void all_that_was_sent_is_destroyed(void)
{
	CHECK_EQ(h_load(&drops), sent);
	free_tx();
	free(rx2);
}

static void a_send_meets_the_last_receivers_drop(void)
{
	race(make_boxed, send_while_somebody_is_there, free_rx,
	     all_that_was_sent_is_destroyed);
}

/* Four are sent into a ring of two, while both receivers leave. */
static void send_four(void)
{
	sent = 0;
	for (int i = 0; i < 4; i++) {
		int r = chp_broadcast_send(tx, &i);

		CHECK(r == 1 || r == 2 || r == CHP_ECLOSED);
		sent += r > 0;
	}
	free_rx2();
}

static void those_sent_are_destroyed(void)
{
	CHECK_EQ(h_load(&drops), sent);
	free_tx();
}

static void overwriting_meets_leaving(void)
{
	race(make_two, send_four, free_rx, those_sent_are_destroyed);
}

static void read_until_there_is_no_more(void)
{
	do
		result = chp_broadcast_try_recv(rx, &got, NULL);
	while (result == 0 || result == CHP_ELAGGED);
	CHECK_CODE(result, CHP_EAGAIN);
	free_rx();
}

static void overwriting_meets_reading(void)
{
	race(make_two, send_four, read_until_there_is_no_more,
	     those_sent_are_destroyed);
}

/* ---- Last readers ---- */

static void make_two_with_one(void)
{
	make_two();
	send_five();
}

static void read_rx(void)
{
	result = chp_broadcast_try_recv(rx, &got, NULL);
	free_rx();
}

static void read_rx2(void)
{
	result2 = chp_broadcast_try_recv(rx2, &got2, NULL);
	free_rx2();
}

static void both_read_five(void)
{
	CHECK_CODE(result, 0);
	CHECK_CODE(result2, 0);
	CHECK_EQ(got, 5);
	CHECK_EQ(got2, 5);
	CHECK_EQ(h_load(&drops), 1);
	free_tx();
}

static void two_last_readers_destroy_once(void)
{
	race(make_two_with_one, read_rx, read_rx2, both_read_five);
}

static void five_was_read_by_one(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 5);
	CHECK_EQ(h_load(&drops), 1);
	free_tx();
}

static void a_reader_and_a_leaver_destroy_once(void)
{
	race(make_two_with_one, read_rx, free_rx2, five_was_read_by_one);
}

/* From the oldest: it is there for both, or the first had read it before. */
static void join_and_read(void)
{
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(tx, rx2), 0);
	result2 = chp_broadcast_try_recv(rx2, &got2, NULL);
	free_rx2();
}

static void the_late_one_read_it_or_not(void)
{
	CHECK_CODE(result, 0);
	CHECK(result2 == 0 || result2 == CHP_EAGAIN);
	CHECK_EQ(got2, result2 == 0 ? 5 : -1);
	CHECK_EQ(h_load(&drops), 1);
	free_tx();
}

static void joining_meets_the_last_reading(void)
{
	race(make_with_one, join_and_read, read_rx,
	     the_late_one_read_it_or_not);
}

static void send_more_and_free(void)
{
	for (int i = 6; i < 9; i++)
		CHECK(bc_send(tx, i) > 0);
	free_tx();
}

static void join_and_read_all(void)
{
	int v, before = 0, code;

	CHECK_CODE(chp_broadcast_resubscribe(rx, rx2), 0);
	while ((code = bc_recv(rx2, &v, NULL, NULL)) != CHP_ECLOSED) {
		if (code == 0)
			CHECK(v > before);
		else
			CHECK_CODE(code, CHP_ELAGGED);
		before = code == 0 ? v : before;
	}
	free_rx2();
	free_rx();
}

static void four_were_destroyed(void)
{
	CHECK_EQ(h_load(&drops), 4);
}

static void joining_meets_sending(void)
{
	race(make_with_one, send_more_and_free, join_and_read_all,
	     four_were_destroyed);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_receiver_frees_all_right_after_its_value, IN_ALL),
	TEST(the_receiver_frees_all_right_after_the_end, IN_ALL),
	TEST(both_ends_may_be_dropped_at_once, IN_PARALLEL),
	TEST(a_send_meets_the_last_receivers_drop, IN_PARALLEL),
	TEST(overwriting_meets_leaving, IN_PARALLEL),
	TEST(overwriting_meets_reading, IN_PARALLEL),
	TEST(two_last_readers_destroy_once, IN_PARALLEL),
	TEST(a_reader_and_a_leaver_destroy_once, IN_PARALLEL),
	TEST(joining_meets_the_last_reading, IN_PARALLEL),
	TEST(joining_meets_sending, IN_ALL),
};
/* clang-format on */
H_MAIN("broadcast_destroy", tests)
