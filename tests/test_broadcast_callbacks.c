/*
 * test_broadcast_callbacks.c - clones and destructors run with no lock held
 * (tokio #7232): they may use the channel, several of them run at a time, and
 * nobody waits for them.
 */
#include "broadcast_owned.h"

static int use_the_channel(const struct owned *from)
{
	chp_broadcast_rx extra;
	chp_broadcast_tx more;
	chp_broadcast_weak weak;

	if (*from->p >= 50)
		return 0;
	CHECK(send_owned(50 + *from->p) > 0);
	CHECK_CODE(chp_broadcast_subscribe_from_oldest(&tx, &extra), 0);
	CHECK(chp_broadcast_tx_len(&tx) > 0);
	CHECK_CODE(chp_broadcast_try_recv(&extra, NULL, NULL), 0);
	chp_broadcast_tx_clone(&tx, &more);
	chp_broadcast_downgrade(&more, &weak);
	chp_broadcast_tx_drop(&more);
	chp_broadcast_weak_drop(&weak);
	chp_broadcast_rx_drop(&extra);
	return 0;
}

static void a_clone_may_use_the_channel(void)
{
	make(N);
	during_clone = use_the_channel;
	for (int v = 0; v < 3; v++)
		send_owned(v);
	take(&rx, 0);
	take(&rx, 1);
	/* 0 1 2 50 51: the first two are read. */
	take(&rx, 2);
	take(&rx, 50);
	take(&rx, 51);
	take(&rx, 52);
	drop_both();
}

static int overtake(const struct owned *from)
{
	if (*from->p >= 10)
		return 0;
	for (int i = 0; i < 2 * N; i++)
		CHECK_EQ(send_owned(20 + i), 2);
	/* The value that we clone is out of the ring, and lives. */
	CHECK_EQ(destroyed[*from->p], 0);
	return 0;
}

static void a_value_overwritten_while_it_is_cloned_lives_on(void)
{
	make(N);
	/* Another receiver owes it, so it stays in the ring meanwhile. */
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	send_owned(3);
	during_clone = overtake;
	take(&rx, 3);
	CHECK_EQ(destroyed[3], 1);
	CHECK_LAGGED(&rx, N);
	CHECK_LAGGED(&rx2, N + 1);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

static void send_again(int v)
{
	if (v < 20)
		CHECK_EQ(send_owned(v + 20), 1);
}

static void a_destructor_may_use_the_channel(void)
{
	make(2);
	during_drop = send_again;
	send_owned(0);
	send_owned(1);
	/* Overwrites 0, whose destructor sends 20, which overwrites 1, ... */
	send_owned(2);
	CHECK_EQ(destroyed[0], 1);
	CHECK_EQ(destroyed[1], 1);
	CHECK_EQ(destroyed[2], 1);
	CHECK_EQ(chp_broadcast_len(&rx), 6);
	CHECK_LAGGED(&rx, 4);
	take(&rx, 21);
	take(&rx, 22);
	during_drop = NULL;
	drop_both();
}

static chp_word inside;

static int meet_inside(const struct owned *from)
{
	(void)from;
	h_add(&inside, 1);
	h_until(h_load(&inside) == 2);
	return 0;
}

static void *take_the_first(void *arg)
{
	take(arg, 1);
	return NULL;
}

/* Each clone waits for the other to have begun. */
static void two_may_clone_one_value_at_a_time(void)
{
	struct h_agent a;

	make(2);
	h_store(&inside, 0);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	send_owned(1);
	during_clone = meet_inside;
	h_spawn_thread(&a, take_the_first, &rx2);
	take(&rx, 1);
	h_join_thread(&a);
	CHECK_EQ(destroyed[1], 1);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

/* Nor do senders wait for a clone. */
static int wait_for_a_send(const struct owned *from)
{
	if (*from->p == 1) {
		h_store(&inside, 1);
		h_until(h_load(&inside) == 2);
	}
	return 0;
}

static void *send_meanwhile(void *arg)
{
	(void)arg;
	h_until(h_load(&inside) == 1);
	for (int v = 2; v < 8; v++)
		send_owned(v);
	CHECK_EQ(destroyed[1], 0);
	h_store(&inside, 2);
	return NULL;
}

static void a_clone_does_not_block_senders(void)
{
	struct h_agent a;

	make(2);
	h_store(&inside, 0);
	CHECK_CODE(chp_broadcast_subscribe(&tx, &rx2), 0);
	send_owned(1);
	during_clone = wait_for_a_send;
	h_spawn_thread(&a, send_meanwhile, NULL);
	take(&rx, 1);
	h_join_thread(&a);
	/* Overwritten meanwhile, and read to the end: gone. */
	CHECK_EQ(destroyed[1], 1);
	CHECK_LAGGED(&rx2, 5);
	chp_broadcast_rx_drop(&rx2);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_clone_may_use_the_channel, IN_ALL),
	TEST(a_value_overwritten_while_it_is_cloned_lives_on, IN_ALL),
	TEST(a_destructor_may_use_the_channel, IN_ALL),
	TEST(two_may_clone_one_value_at_a_time, IN_PARALLEL),
	TEST(a_clone_does_not_block_senders, IN_PARALLEL),
};
/* clang-format on */
H_MAIN("broadcast_callbacks", tests)
