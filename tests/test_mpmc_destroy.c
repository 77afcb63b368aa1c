/*
 * test_mpmc_destroy.c - two ends of a channel at the same moment, thousands of
 * times: whoever has its result frees operation, value, handle and, as the last
 * one, the channel, while the other is still inside the call that gave it.
 * Meant for AddressSanitizer and ThreadSanitizer.
 */
#include "duo.h"
#include "mpmc.h"

static chp_mpmc_tx *tx; /* on the heap, so that use after free is seen */
static chp_mpmc_rx *rx;
static int sent, got, result; /* what each side was told */

static void make(size_t capacity)
{
	h_store(&drops, 0);
	sent = result = 1000;
	got = -1;
	tx = malloc(sizeof(*tx));
	rx = malloc(sizeof(*rx));
	CHECK_CODE(mpmc_make(capacity, sizeof(int), count_drop, tx, rx), 0);
}

static void make_rendezvous(void)
{
	make(0);
}

static void make_bounded(void)
{
	make(1);
}

static void make_unbounded(void)
{
	make(UNBOUNDED);
}

static void make_full(void)
{
	make(1);
	CHECK_CODE(chp_mpmc_try_send(tx, &(int){ 1 }), 0);
}

static void (*const makes[])(void) = { make_rendezvous, make_bounded,
				       make_unbounded };

static void free_tx(void)
{
	chp_mpmc_tx_drop(tx);
	memset(tx, 0xdd, sizeof(*tx));
	free(tx);
}

static void free_rx(void)
{
	chp_mpmc_rx_drop(rx);
	memset(rx, 0xdd, sizeof(*rx));
	free(rx);
}

/* ---- Operations whose memory goes at once ---- */

static void send_and_free(void)
{
	chp_mpmc_op *op = malloc(sizeof(*op));
	int *v = malloc(sizeof(*v));

	*v = 2;
	chp_mpmc_send_op(op, tx, v);
	sent = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	*v = 3;
	free(op);
	free(v);
	free_tx();
}

static void receive_and_free(void)
{
	chp_mpmc_op *op = malloc(sizeof(*op));
	int *out = malloc(sizeof(*out));

	chp_mpmc_recv_op(op, rx, out);
	result = h_wait(&op->op, NULL);
	got = *out;
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free(out);
	free_rx();
}

/* The same by the calls that block. */
static void block_send_and_free(void)
{
	int *v = malloc(sizeof(*v));

	*v = 2;
	sent = mpmc_send(tx, v, NULL);
	*v = 3;
	free(v);
	free_tx();
}

static void block_receive_and_free(void)
{
	int *out = malloc(sizeof(*out));

	result = mpmc_recv(rx, out, NULL);
	got = *out;
	free(out);
	free_rx();
}

static void (*const sends[])(void) = { send_and_free, block_send_and_free };
static void (*const receives[])(void) = { receive_and_free,
					  block_receive_and_free };

static void two_was_received(void)
{
	CHECK_CODE(sent, 0);
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 2);
	CHECK_EQ(h_load(&drops), 0);
}

static void race_some(void (*before)(void), void (*left)(void),
		      void (*right)(void), void (*after)(void))
{
	race_of(1000, before, left, right, after);
}

static void both_free_all_right_after_a_message(void)
{
	for (int kind = 0; kind < 3; kind++)
		for (int how = 0; how < 4; how++) {
			race_some(makes[kind], sends[how & 1],
				  receives[how >> 1], two_was_received);
			race_some(makes[kind], receives[how >> 1],
				  sends[how & 1], two_was_received);
		}
}

static void receive_two_and_free(void)
{
	int v = 0;

	CHECK_CODE(mpmc_recv(rx, &v, NULL), 0);
	CHECK_EQ(v, 1);
	receive_and_free();
}

static void a_sender_frees_all_right_after_its_place(void)
{
	race_some(make_full, send_and_free, receive_two_and_free,
		  two_was_received);
	race_some(make_full, block_send_and_free, receive_two_and_free,
		  two_was_received);
	race_some(make_full, receive_two_and_free, block_send_and_free,
		  two_was_received);
}

static void receive_one_and_free(void)
{
	result = mpmc_recv(rx, &got, NULL);
	free_rx();
}

/* The grant and the end of the receiver come together. */
static void sent_or_refused(void)
{
	CHECK_CODE(result, 0);
	CHECK_EQ(got, 1);
	CHECK(sent == 0 || sent == CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), sent == 0);
}

static void a_sender_is_admitted_and_refused_at_once(void)
{
	race_some(make_full, send_and_free, receive_one_and_free,
		  sent_or_refused);
	race_some(make_full, block_send_and_free, receive_one_and_free,
		  sent_or_refused);
}

/* ---- The ends ---- */

static void none_came(void)
{
	CHECK_CODE(result, CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 0);
}

static void nothing_was_destroyed(void)
{
	CHECK_EQ(h_load(&drops), 0);
}

static void refused(void)
{
	CHECK_CODE(sent, CHP_ECLOSED);
	CHECK_EQ(h_load(&drops), 0);
}

static void the_last_handles_go_together(void)
{
	for (int kind = 0; kind < 3; kind++) {
		race_some(makes[kind], free_tx, receive_and_free, none_came);
		race_some(makes[kind], free_tx, block_receive_and_free,
			  none_came);
		race_some(makes[kind], free_tx, free_rx, nothing_was_destroyed);
	}
	race_some(make_rendezvous, send_and_free, free_rx, refused);
	race_some(make_rendezvous, block_send_and_free, free_rx, refused);
}

/* Two receivers, each with its handle, and the last message. */
static chp_mpmc_rx second;
static int clone_got, clone_result;

static void make_two_receivers(void)
{
	make(1);
	chp_mpmc_rx_clone(rx, &second);
	clone_result = 1000;
	CHECK_CODE(chp_mpmc_try_send(tx, &(int){ 2 }), 0);
	free_tx();
}

static void receive_by_clone(void)
{
	clone_result = mpmc_recv(&second, &clone_got, NULL);
	chp_mpmc_rx_drop(&second);
}

static void one_has_it_the_other_the_end(void)
{
	CHECK(result == 0 || result == CHP_ECLOSED);
	CHECK(clone_result == 0 || clone_result == CHP_ECLOSED);
	CHECK_EQ((result == 0) + (clone_result == 0), 1);
	CHECK_EQ(result == 0 ? got : clone_got, 2);
	CHECK_EQ(h_load(&drops), 0);
}

static void two_receivers_share_the_last_message(void)
{
	race_some(make_two_receivers, receive_and_free, receive_by_clone,
		  one_has_it_the_other_the_end);
	race_some(make_two_receivers, block_receive_and_free, receive_by_clone,
		  one_has_it_the_other_the_end);
}

static void await_closed_and_free(void)
{
	chp_once_op *op = malloc(sizeof(*op));

	chp_mpmc_closed_op(op, tx);
	sent = h_wait(&op->op, NULL);
	memset(op, 0xdd, sizeof(*op));
	free(op);
	free_tx();
}

static void was_told(void)
{
	CHECK_CODE(sent, 0);
}

static void closed_is_heard_and_all_is_freed(void)
{
	race_some(make_bounded, await_closed_and_free, free_rx, was_told);
	race_some(make_rendezvous, free_rx, await_closed_and_free, was_told);
}

/* ---- A promise comes, and its taker gives up ---- */

static chp_mpmc_op *op;
static struct h_waker waker;
static int value, found;

static void queue_a_receiver(size_t capacity)
{
	make(capacity);
	memset(&waker, 0, sizeof(waker));
	op = malloc(sizeof(*op));
	chp_mpmc_recv_op(op, rx, &value);
	CHECK_CODE(h_poll(&op->op, &waker), CHP_PENDING);
}

static void queue_a_receiver_bounded(void)
{
	queue_a_receiver(1);
}

static void queue_a_receiver_rendezvous(void)
{
	queue_a_receiver(0);
}

static void try_two(void)
{
	sent = chp_mpmc_try_send(tx, &(int){ 2 });
}

static void give_up_and_free(void)
{
	found = chp_op_cancel(&op->op);
	memset(op, 0xdd, sizeof(*op));
	free(op);
}

static void the_message_is_there_if_it_was_sent(void)
{
	CHECK(found == CHP_HELD_NOTHING || found == CHP_GAVE_BACK);
	CHECK_EQ(h_refs(&waker), 0);
	/* Without a buffer, there must be somebody. */
	CHECK(sent == 0 || (sent == CHP_EAGAIN && found == CHP_HELD_NOTHING));
	CHECK_EQ(chp_mpmc_len(rx), sent == 0);
	if (sent == 0) {
		CHECK_CODE(chp_mpmc_try_recv(rx, &value), 0);
		CHECK_EQ(value, 2);
	}
	free_tx();
	free_rx();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_message_survives_a_receiver_who_gives_up(void)
{
	race_some(queue_a_receiver_bounded, try_two, give_up_and_free,
		  the_message_is_there_if_it_was_sent);
	race_some(queue_a_receiver_rendezvous, try_two, give_up_and_free,
		  the_message_is_there_if_it_was_sent);
}

static void queue_a_sender(void)
{
	make_full();
	memset(&waker, 0, sizeof(waker));
	value = 2;
	op = malloc(sizeof(*op));
	chp_mpmc_send_op(op, tx, &value);
	CHECK_CODE(h_poll(&op->op, &waker), CHP_PENDING);
}

static void take_one(void)
{
	CHECK_CODE(chp_mpmc_try_recv(rx, &got), 0);
}

static void the_place_is_free(void)
{
	CHECK(found == CHP_HELD_NOTHING || found == CHP_GAVE_BACK);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(chp_mpmc_capacity(tx), 1);
	CHECK_EQ(chp_mpmc_is_empty(rx), 1);
	free_tx();
	free_rx();
	CHECK_EQ(h_load(&drops), 0);
}

static void a_place_survives_a_sender_who_gives_up(void)
{
	race_some(queue_a_sender, take_one, give_up_and_free,
		  the_place_is_free);
}

/* Another waker while the message comes: then that one is woken, or the
   operation is done. */
static struct h_waker newer;

static void poll_with_another_waker(void)
{
	memset(&newer, 0, sizeof(newer));
	found = h_poll(&op->op, &newer);
	if (found == CHP_PENDING) {
		h_until(h_wakes(&newer) == 1);
		found = h_poll(&op->op, &newer);
	}
	memset(op, 0xdd, sizeof(*op));
	free(op);
}

static void the_message_came(void)
{
	CHECK_CODE(found, 0);
	CHECK_CODE(sent, 0);
	CHECK_EQ(value, 2);
	h_until(h_refs(&waker) == 0);
	h_until(h_refs(&newer) == 0);
	free_tx();
	free_rx();
}

static void a_message_finds_the_newest_waker(void)
{
	race_some(queue_a_receiver_bounded, try_two, poll_with_another_waker,
		  the_message_came);
	race_some(queue_a_receiver_rendezvous, try_two, poll_with_another_waker,
		  the_message_came);
}

/* A blocking wait that runs out of time in the moment it is served. */
static void receive_with_a_short_limit(void)
{
	chp_wait soon = { .deadline = chp_in(20 * CHP_US) };

	result = mpmc_recv(rx, &got, &soon);
}

static void send_with_a_short_limit(void)
{
	chp_wait soon = { .deadline = chp_in(20 * CHP_US) };
	int v = 2;

	sent = mpmc_send(tx, &v, &soon);
}

static void both_agree(void)
{
	size_t left = chp_mpmc_len(rx);

	CHECK(result == 0 || result == CHP_ETIMEDOUT);
	CHECK(sent == 0 || sent == CHP_ETIMEDOUT);
	CHECK_EQ(left, (sent == 0) - (result == 0));
	/* Hand to hand, if both block. */
	if (chp_mpmc_max_capacity(tx) == 0 && h_mode() != H_POLLED)
		CHECK_EQ(left, 0);
	if (result == 0)
		CHECK_EQ(got, 2);
	free_tx();
	free_rx();
	CHECK_EQ(h_load(&drops), left);
}

static void running_out_of_time_loses_nothing(void)
{
	for (int kind = 0; kind < 3; kind++)
		race_some(makes[kind], send_with_a_short_limit,
			  receive_with_a_short_limit, both_agree);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(both_free_all_right_after_a_message, IN_ALL),
	TEST(a_sender_frees_all_right_after_its_place, IN_ALL),
	TEST(a_sender_is_admitted_and_refused_at_once, IN_ALL),
	TEST(the_last_handles_go_together, IN_ALL),
	TEST(two_receivers_share_the_last_message, IN_ALL),
	TEST(closed_is_heard_and_all_is_freed, IN_ALL),
	TEST(a_message_survives_a_receiver_who_gives_up, IN_PARALLEL),
	TEST(a_place_survives_a_sender_who_gives_up, IN_PARALLEL),
	TEST(a_message_finds_the_newest_waker, IN_PARALLEL),
	TEST(running_out_of_time_loses_nothing, IN_ALL),
};
/* clang-format on */
H_MAIN("mpmc_destroy", tests)
