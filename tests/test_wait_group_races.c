/*
 * test_wait_group_races.c - the last done at the moment when a waiter comes or
 * goes; a group freed by whoever was released; rounds without a pause.
 */
#include "duo.h"
#include "sync.h"

static chp_wait_group wg;
static chp_wait_group_op op, other;
static struct h_waker waker, other_waker;
static int result;

static int wait_at(chp_wait_group *at, const chp_wait *w)
{
	chp_wait_group_op o;

	if (h_mode() != H_POLLED)
		return w ? chp_wait_group_wait_with(at, w)
			 : chp_wait_group_wait(at);
	chp_wait_group_wait_op(&o, at);
	return h_wait(&o.op, w);
}

static void begin(void)
{
	CHECK_CODE(chp_wait_group_init(&wg, 2), 0);
	memset(&waker, 0, sizeof(waker));
	memset(&other_waker, 0, sizeof(other_waker));
}

static void end(void)
{
	CHECK_EQ(chp_wait_group_count(&wg), 0);
	CHECK_EQ(QUEUED(&wg), 0);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(h_refs(&other_waker), 0);
}

static void one_done(void)
{
	chp_wait_group_done(&wg);
}

static void both_done(void)
{
	chp_wait_group_done(&wg);
	chp_wait_group_done(&wg);
}

/* ---- Coming and going ---- */

static void wait_without_limit(void)
{
	result = wait_at(&wg, NULL);
}

static void it_was_released(void)
{
	CHECK_CODE(result, 0);
	end();
}

static void a_waiter_that_comes_finds_zero_or_is_found(void)
{
	race_often(begin, both_done, wait_without_limit, it_was_released);
}

static void queue_two(void)
{
	begin();
	chp_wait_group_wait_op(&op, &wg);
	poll_pends(&op.op, &waker);
	chp_wait_group_wait_op(&other, &wg);
	poll_pends(&other.op, &other_waker);
}

static void cancel_one(void)
{
	result = chp_op_cancel(&op.op);
}

static void the_other_is_released(void)
{
	CHECK_EQ(result, CHP_HELD_NOTHING);
	poll_ends(&other.op, &other_waker, 0);
	end();
}

static void a_cancel_takes_nothing_along(void)
{
	race_often(queue_two, both_done, cancel_one, the_other_is_released);
}

static void both_are_released(void)
{
	poll_ends(&op.op, &waker, 0);
	poll_ends(&other.op, &other_waker, 0);
	end();
}

static void one_of_two_is_the_last(void)
{
	race_often(queue_two, one_done, one_done, both_are_released);
}

static void wait_a_moment(void)
{
	chp_wait w = { .deadline = chp_in(h_below(&right_rng, 20) * CHP_US) };

	result = wait_at(&wg, &w);
}

static void it_ended_in_some_way(void)
{
	CHECK(result == 0 || result == CHP_ETIMEDOUT);
	end();
}

static void a_deadline_may_meet_the_last_done(void)
{
	race_often(begin, both_done, wait_a_moment, it_ended_in_some_way);
}

static void poll_with_changing_wakers(void)
{
	struct h_waker *w[2] = { &waker, &other_waker };
	uint32_t polls = 1 + h_below(&right_rng, 6), i;

	chp_wait_group_wait_op(&op, &wg);
	for (i = 0; i < polls; i++) {
		result = h_poll(&op.op, w[i % 2]);
		if (result != CHP_PENDING)
			return;
	}
	h_until(h_wakes(w[(i - 1) % 2]) > 0);
	result = h_poll(&op.op, w[i % 2]);
}

static void it_went_without_traces(void)
{
	CHECK_CODE(result, 0);
	h_until(h_refs(&waker) + h_refs(&other_waker) == 0);
	end();
}

static void the_newest_waker_is_woken(void)
{
	race_often(begin, both_done, poll_with_changing_wakers,
		   it_went_without_traces);
}

/* ---- Whoever was released frees it ---- */

enum { WAITERS = 2, DONES = 2 };

struct corpse {
	chp_wait_group group;
};

static chp_ptr offered;

static int wait_in_some_way(chp_wait_group *at, uint32_t way)
{
	chp_wait_group_op o;

	if (way % 3 == 0)
		return wait_at(at, NULL);
	chp_wait_group_wait_op(&o, at);
	for (uint32_t i = 1; chp_op_poll(&o.op, NULL) == CHP_PENDING; i++)
		if (h_mode() == H_CT || way % 3 == 1 || i % 64 == 0)
			rest();
	return 0;
}

static void *wait_and_bury(void *arg)
{
	long rounds = *(long *)arg;

	for (uint32_t i = 0; i < rounds; i++) {
		struct corpse *c = dig(sizeof(*c), i);

		CHECK_CODE(chp_wait_group_init(&c->group, DONES), 0);
		__atomic_store_n(&offered.v, c, __ATOMIC_RELEASE);
		CHECK_CODE(wait_in_some_way(&c->group, i), 0);
		bury(c, sizeof(*c));
	}
	return NULL;
}

static void done_with_each(long rounds)
{
	struct h_rng r = h_rng(h_seed(), 4);

	for (long i = 0; i < rounds; i++) {
		struct corpse *c;

		while (!(c = __atomic_exchange_n(&offered.v, NULL,
						 __ATOMIC_ACQ_REL)))
			rest();
		jitter(&r);
		if (i % 2)
			chp_wait_group_done(&c->group);
		chp_wait_group_add(&c->group, i % 2 ? -1 : -DONES);
	}
}

static void a_waiter_may_free_at_once(void)
{
	long rounds = h_rounds(h_mode() == H_CT ? 2000 : 10000);
	struct h_agent a;

	open_graves();
	(h_mode() == H_MT ? h_spawn_thread : h_spawn)(&a, wait_and_bury,
						      &rounds);
	done_with_each(rounds);
	(h_mode() == H_MT ? h_join_thread : h_join)(&a);
}

/* Two that wait; the first to return frees, the second still returns. */
static chp_ptr places[WAITERS];
static chp_word first_out[GRAVES];

struct member {
	struct h_agent agent;
	int index;
	long rounds;
};

static void *wait_and_perhaps_bury(void *arg)
{
	struct member *m = arg;

	for (uint32_t i = 0; i < m->rounds; i++) {
		struct corpse *c;

		while (!(c = __atomic_exchange_n(&places[m->index].v, NULL,
						 __ATOMIC_ACQ_REL)))
			rest();
		CHECK_CODE(wait_in_some_way(&c->group, (uint32_t)m->index + i),
			   0);
		if (h_add(&first_out[i % GRAVES], 1) % WAITERS == 0)
			bury(c, sizeof(*c));
	}
	return NULL;
}

static void the_first_of_two_may_free_at_once(void)
{
	long rounds = h_rounds(h_mode() == H_CT ? 500 : 2000);
	struct member m[WAITERS];

	open_graves();
	memset(first_out, 0, sizeof(first_out));
	for (int i = 0; i < WAITERS; i++) {
		m[i].index = i;
		m[i].rounds = rounds;
		h_spawn(&m[i].agent, wait_and_perhaps_bury, &m[i]);
	}
	for (uint32_t i = 0; i < rounds; i++) {
		struct corpse *c = dig(sizeof(*c), i);

		CHECK_CODE(chp_wait_group_init(&c->group, 1), 0);
		for (int k = 0; k < WAITERS; k++) {
			while (__atomic_load_n(&places[k].v, __ATOMIC_ACQUIRE))
				rest();
			__atomic_store_n(&places[k].v, c, __ATOMIC_RELEASE);
		}
		while (QUEUED(&c->group) != WAITERS)
			rest();
		chp_wait_group_done(&c->group);
	}
	for (int i = 0; i < WAITERS; i++)
		h_join(&m[i].agent);
}

/* ---- Rounds without a pause ---- */

enum { WORKERS = 3 };

static chp_word jobs, finished, over;

static void *work_until_over(void *arg)
{
	while (!h_load(&over)) {
		uint32_t have = h_load(&jobs);

		if (have && __atomic_compare_exchange_n(
				    &jobs.v, &have, have - 1, 0,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			h_add(&finished, 1);
			chp_wait_group_done(&wg);
		} else {
			rest();
		}
	}
	return arg;
}

static void each_round_ends_when_its_work_is_done(void)
{
	struct h_agent a[WORKERS];
	uint32_t given = 0;

	CHECK_CODE(chp_wait_group_init(&wg, 0), 0);
	h_store(&jobs, 0);
	h_store(&finished, 0);
	h_store(&over, 0);
	for (int i = 0; i < WORKERS; i++)
		h_spawn(&a[i], work_until_over, NULL);
	for (long i = h_rounds(3000); i; i--) {
		uint32_t k = 1 + (uint32_t)i % 7;

		given += k;
		chp_wait_group_add(&wg, k);
		h_add(&jobs, k);
		CHECK_CODE(wait_at(&wg, NULL), 0);
		CHECK_EQ(h_load(&finished), given);
	}
	h_store(&over, 1);
	for (int i = 0; i < WORKERS; i++)
		h_join(&a[i]);
	CHECK_EQ(chp_wait_group_count(&wg), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_waiter_that_comes_finds_zero_or_is_found, IN_ALL),
	TEST(a_cancel_takes_nothing_along, IN_ALL),
	TEST(one_of_two_is_the_last, IN_ALL),
	TEST(a_deadline_may_meet_the_last_done, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(a_waiter_may_free_at_once, IN_ALL),
	TEST(the_first_of_two_may_free_at_once, IN_ALL),
	TEST(each_round_ends_when_its_work_is_done, IN_ALL),
};
/* clang-format on */

H_MAIN("wait_group_races", tests)
