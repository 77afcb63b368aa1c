/*
 * test_watch_budget.c - senders that are faster than who waits for their values
 * use up its budget, and keep nobody from running.
 */
#include "watch_ends.h"

static int calls; /* of the predicate */

/* A predicate whose every call finds a new value. */
static int send_another(const void *value, void *arg)
{
	int v = *(const int *)value;

	(void)arg;
	calls++;
	CHECK_CODE(send_int(&tx, v + 1), 0);
	return v == 1000;
}

static void fast_senders_use_up_the_budget(void)
{
	struct h_waker w = { 0 };
	uint32_t budget;
	chp_watch_op op;
	int rounds = 0, r;

	make();
	calls = 0;
	chp_watch_wait_for_op(&op, &rx, send_another, NULL, NULL);
	do {
		budget = 100;
		r = h_poll_within(&op.op, &w, &budget);
		CHECK_EQ(h_wakes(&w), rounds + (r == CHP_PENDING));
		CHECK_EQ(h_refs(&w), 0);
		rounds++;
		CHECK(calls <= rounds * 101);
	} while (r == CHP_PENDING);
	CHECK_CODE(r, 0);
	CHECK_EQ(calls, 1000);
	CHECK(rounds >= 10 && rounds <= 12);
	drop_both();
	CHECK_EQ(h_load(&drops), 1001);
}

/* Nobody refills what a poll may spend but the next poll. */
static void a_budget_of_one_gets_on(void)
{
	struct h_waker w = { 0 };
	uint32_t budget;
	chp_watch_op op;
	int rounds = 0, r;

	make();
	calls = 0;
	chp_watch_wait_for_op(&op, &rx, send_another, NULL, NULL);
	do {
		budget = 1;
		r = h_poll_within(&op.op, &w, &budget);
		CHECK_EQ(calls, ++rounds);
	} while (r == CHP_PENDING);
	CHECK_CODE(r, 0);
	CHECK_EQ(rounds, 1000);
	CHECK_EQ(budget, 0);
	drop_both();
}

static chp_word others_ran;

static void *run_a_little(void *arg)
{
	while (!h_load(arg)) {
		h_add(&others_ran, 1);
		chp_yield();
	}
	return NULL;
}

static int send_till_others_ran(const void *value, void *arg)
{
	(void)arg;
	CHECK_CODE(send_int(&tx, *(const int *)value + 1), 0);
	return h_load(&others_ran) > 5;
}

/* The same, in a task that shares its thread. */
static void fast_senders_do_not_keep_others_from_running(void)
{
	static chp_word stop;
	struct h_agent a;

	make();
	h_store(&stop, 0);
	h_spawn(&a, run_a_little, &stop);
	h_store(&others_ran, 0);
	CHECK_CODE(chp_watch_wait_for(&rx, send_till_others_ran, NULL, NULL),
		   0);
	h_store(&stop, 1);
	h_join(&a);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(fast_senders_use_up_the_budget, IN_THREADS | IN_MT),
	TEST(a_budget_of_one_gets_on, IN_THREADS | IN_MT),
	TEST(fast_senders_do_not_keep_others_from_running, IN_CT),
};
/* clang-format on */

H_MAIN("watch_budget", tests)
