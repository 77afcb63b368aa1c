/*
 * test_barrier.c - arriving, the leader, generations.
 */
#include "barrier.h"

/* ---- Objects ---- */

static void no_parties_are_one(void)
{
	static chp_barrier zero, none = CHP_BARRIER_INIT(0);

	for (int i = 0; i < 3; i++) {
		b = i == 0 ? zero : none;
		if (i == 2)
			make(1, 0);
		CHECK_EQ(chp_barrier_parties(&b), 1);
		for (int k = 0; k < 10; k++) {
			CHECK_CODE(wait_for(NULL), 1);
			CHECK_EQ(chp_barrier_arrived(&b), 0);
		}
		CHECK_CODE(wait_for(&(chp_wait){ .deadline = 1 }), 1);
		end();
	}
}

static void static_and_dynamic_ones_are_alike(void)
{
	static chp_barrier plain = CHP_BARRIER_INIT(7);
	static chp_barrier withdraws =
		CHP_BARRIER_INIT_FLAGS(8, CHP_BARRIER_WITHDRAW);

	memset(&b, 0x5a, sizeof(b));
	make(7, 0);
	CHECK(memcmp(&b, &plain, sizeof(b)) == 0);
	CHECK_EQ(chp_barrier_parties(&b), 7);
	make(8, CHP_BARRIER_WITHDRAW);
	CHECK(memcmp(&b, &withdraws, sizeof(b)) == 0);
	memset(&b, 0x5a, sizeof(b));
	CHECK_CODE(chp_barrier_init(&b, 7, 2), CHP_EINVAL);
	CHECK_CODE(chp_barrier_init(&b, 7, 3), CHP_EINVAL);
	CHECK_EQ(b.parties, 0x5a5a5a5a);
}

static void it_holds_as_many_parties_as_it_can_count(void)
{
	struct poller p;

	make(UINT32_MAX, 0);
	CHECK_EQ(chp_barrier_parties(&b), UINT32_MAX);
	arrive(&p);
	/* As if all but one had come. */
	b.word.v += (uint64_t)(UINT32_MAX - 2) * 4;
	CHECK_EQ(chp_barrier_arrived(&b), UINT32_MAX - 1);
	CHECK_CODE(wait_for(NULL), 1);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	goes(&p);
	end();
}

/* ---- Generations ---- */

static void the_last_to_arrive_leads_and_does_not_wait(void)
{
	struct poller p[4];

	make(4, 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(chp_barrier_arrived(&b), i);
		arrive(&p[i]);
	}
	for (int i = 0; i < 3; i++)
		waits(&p[i]);
	CHECK_EQ(chp_barrier_arrived(&b), 3);
	leads(&p[3]);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	for (int i = 0; i < 3; i++)
		goes(&p[i]);
	end();
}

static void one_that_was_not_polled_has_not_arrived(void)
{
	struct poller idle[3], p[2];

	make(2, 0);
	for (int i = 0; i < 3; i++)
		come(&idle[i]);
	arrive(&p[0]);
	CHECK_EQ(chp_barrier_arrived(&b), 1);
	CHECK_EQ(cancel(&idle[0], CHP_ECANCELED), CHP_HELD_NOTHING);
	waits(&p[0]);
	leads(&p[1]);
	goes(&p[0]);
	end();
}

/* tokio: late pollers of an older generation still pass. */
static void parties_may_return_before_all_have_left(void)
{
	struct poller first, second, third, last;

	make(2, 0);
	arrive(&first);
	leads(&last);
	arrive(&second);
	CHECK_EQ(chp_barrier_arrived(&b), 1);
	leads(&last);
	arrive(&third);
	goes(&first);
	waits(&third);
	goes(&second);
	leads(&last);
	goes(&third);
	end();
}

enum { PARTIES = 5 };

static chp_word leaders;
static long phase[PARTIES]; /* plain: the barrier orders it */

struct party {
	struct h_agent agent;
	int index;
	long rounds;
};

static void *step_by_step(void *arg)
{
	struct party *p = arg;

	for (long i = 1; i <= p->rounds; i++) {
		int r;

		phase[p->index] = i;
		r = wait_for(NULL);
		CHECK(r == 0 || r == 1);
		h_add(&leaders, (uint32_t)r);
		for (int k = 0; k < PARTIES; k++)
			CHECK_EQ(phase[k], i);
		/* Nobody writes before all have read. */
		r = wait_for(NULL);
		CHECK(r == 0 || r == 1);
		h_add(&leaders, (uint32_t)r);
	}
	return NULL;
}

static void all_see_what_each_did_and_one_leads(void)
{
	struct party p[PARTIES];

	make(PARTIES, 0);
	h_store(&leaders, 0);
	memset(phase, 0, sizeof(phase));
	for (int i = 0; i < PARTIES; i++) {
		p[i].index = i;
		p[i].rounds = h_rounds(1000);
		h_spawn(&p[i].agent, step_by_step, &p[i]);
	}
	for (int i = 0; i < PARTIES; i++)
		h_join(&p[i].agent);
	CHECK_EQ(h_load(&leaders), 2 * p[0].rounds);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	end();
}

static void more_than_one_batch_is_released(void)
{
	enum { MANY = 100 };
	static struct poller p[MANY];
	struct poller last;

	make(MANY + 1, 0);
	for (int i = 0; i < MANY; i++)
		arrive(&p[i]);
	leads(&last);
	for (int i = 0; i < MANY; i++)
		goes(&p[i]);
	end();
}

/* So the barrier may be gone: here it is, and would hang who locks it. */
static void one_that_was_released_leaves_the_barrier_alone(void)
{
	struct poller p[2], last;

	make(3, 0);
	arrive(&p[0]);
	arrive(&p[1]);
	leads(&last);
	chp_barrier_destroy(&b);
	memset(&b, 0xff, sizeof(b));
	goes(&p[0]);
	CHECK_EQ(cancel(&p[1], 0), CHP_TOO_LATE);
}

/* ---- Wakers, budget ---- */

static void the_newest_waker_is_woken(void)
{
	struct h_waker other = { 0 };
	struct poller p, last;

	make(2, 0);
	arrive(&p);
	poll_pends(&p.op.op, &other);
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK_EQ(chp_barrier_arrived(&b), 1);
	leads(&last);
	CHECK_EQ(h_wakes(&p.waker), 0);
	poll_ends(&p.op.op, &other, 0);
	end();
}

static void it_costs_budget(void)
{
	struct h_waker w = { 0 };
	struct poller p, last;
	uint32_t left = 0;

	make(2, 0);
	come(&p);
	/* Not even tried. */
	CHECK_CODE(h_poll_within(&p.op.op, &w, &left), CHP_PENDING);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	CHECK_EQ(h_wakes(&w), 1);
	left = 2;
	CHECK_CODE(h_poll_within(&p.op.op, &w, &left), CHP_PENDING);
	CHECK_EQ(left, 2);
	leads(&last);
	CHECK_CODE(h_poll_within(&p.op.op, &w, &left), 0);
	CHECK_EQ(left, 1);
	end();
}

/* ---- Misuse ---- */

static void destroy_with_a_waiter(void *arg)
{
	struct poller p;

	(void)arg;
	make(2, 0);
	arrive(&p);
	chp_barrier_destroy(&b);
}

static void destroying_with_waiters_is_misuse(void)
{
	h_must_panic(destroy_with_a_waiter, NULL, "barrier destroyed");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(no_parties_are_one, IN_ALL),
	TEST(static_and_dynamic_ones_are_alike, IN_ALL),
	TEST(it_holds_as_many_parties_as_it_can_count, IN_ALL),
	TEST(the_last_to_arrive_leads_and_does_not_wait, IN_ALL),
	TEST(one_that_was_not_polled_has_not_arrived, IN_ALL),
	TEST(parties_may_return_before_all_have_left, IN_ALL),
	TEST(all_see_what_each_did_and_one_leads, IN_ALL),
	TEST(more_than_one_batch_is_released, IN_ALL),
	TEST(one_that_was_released_leaves_the_barrier_alone, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(it_costs_budget, IN_ALL),
	TEST(destroying_with_waiters_is_misuse, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("barrier", tests)
