/*
 * test_wait_group.c - counting up and down, who is released at 0, rounds.
 */
#include "sync.h"

static chp_wait_group wg;

static void make(int64_t count)
{
	CHECK_CODE(chp_wait_group_init(&wg, count), 0);
	CHECK_EQ(chp_wait_group_count(&wg), count);
}

static void end(void)
{
	CHECK_EQ(QUEUED(&wg), 0);
	CHECK_EQ(chp_wait_group_count(&wg), 0);
	chp_wait_group_destroy(&wg);
}

static int wait_for(const chp_wait *w)
{
	chp_wait_group_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_wait_group_wait_with(&wg, w)
			 : chp_wait_group_wait(&wg);
	chp_wait_group_wait_op(&op, &wg);
	return h_wait(&op.op, w);
}

static void must_wait(void)
{
	CHECK_CODE(wait_for(&(chp_wait){ .deadline = 1 }), CHP_ETIMEDOUT);
}

/* One that is polled by hand. */
struct poller {
	chp_wait_group_op op;
	struct h_waker waker;
};

static void come(struct poller *p)
{
	memset(p, 0, sizeof(*p));
	chp_wait_group_wait_op(&p->op, &wg);
}

static void join_queue(struct poller *p)
{
	come(p);
	poll_pends(&p->op.op, &p->waker);
}

static void waits(struct poller *p)
{
	poll_pends(&p->op.op, &p->waker);
}

static void goes(struct poller *p)
{
	poll_ends(&p->op.op, &p->waker, 0);
}

/* ---- Objects ---- */

static void every_way_to_make_one_is_alike(void)
{
	static chp_wait_group zero, none = CHP_WAIT_GROUP_INIT(0);
	static chp_wait_group seven = CHP_WAIT_GROUP_INIT(7);

	CHECK(memcmp(&zero, &none, sizeof(zero)) == 0);
	CHECK_EQ(chp_wait_group_count(&seven), 7);
	memset(&wg, 0x5a, sizeof(wg));
	make(7);
	CHECK(memcmp(&wg, &seven, sizeof(wg)) == 0);
	memset(&wg, 0x5a, sizeof(wg));
	make(0);
	CHECK(memcmp(&wg, &none, sizeof(wg)) == 0);
	end();
	CHECK_CODE(chp_wait_group_init(&wg, -1), CHP_EINVAL);
	CHECK_CODE(chp_wait_group_init(&wg, INT64_MIN), CHP_EINVAL);
	CHECK_CODE(chp_wait_group_init(&wg, CHP_WAIT_GROUP_MAX + 1),
		   CHP_EINVAL);
	make(CHP_WAIT_GROUP_MAX);
	chp_wait_group_add(&wg, -CHP_WAIT_GROUP_MAX);
	end();
}

/* ---- Counting ---- */

static void a_wait_at_zero_returns_at_once(void)
{
	make(0);
	CHECK_CODE(wait_for(NULL), 0);
	CHECK_CODE(wait_for(&(chp_wait){ .deadline = 1 }), 0);
	end();
}

static void it_counts_up_and_down(void)
{
	make(0);
	chp_wait_group_add(&wg, 3);
	chp_wait_group_add(&wg, 0);
	CHECK_EQ(chp_wait_group_count(&wg), 3);
	must_wait();
	chp_wait_group_done(&wg);
	chp_wait_group_add(&wg, 5);
	chp_wait_group_add(&wg, -6);
	CHECK_EQ(chp_wait_group_count(&wg), 1);
	must_wait();
	chp_wait_group_done(&wg);
	CHECK_CODE(wait_for(NULL), 0);
	chp_wait_group_add(&wg, CHP_WAIT_GROUP_MAX);
	CHECK_EQ(chp_wait_group_count(&wg), CHP_WAIT_GROUP_MAX);
	chp_wait_group_add(&wg, -CHP_WAIT_GROUP_MAX);
	end();
}

static void counting_with_waiters_keeps_them(void)
{
	struct poller p[2];

	make(1);
	join_queue(&p[0]);
	chp_wait_group_add(&wg, 2);
	join_queue(&p[1]);
	chp_wait_group_done(&wg);
	chp_wait_group_add(&wg, 0);
	CHECK_EQ(QUEUED(&wg), 2);
	waits(&p[0]);
	waits(&p[1]);
	chp_wait_group_add(&wg, -2);
	goes(&p[0]);
	goes(&p[1]);
	end();
}

/* ---- Rounds ---- */

static void zero_releases_everybody(void)
{
	enum { MANY = 100 };
	static struct poller p[MANY];

	make(1);
	for (int i = 0; i < MANY; i++)
		join_queue(&p[i]);
	chp_wait_group_done(&wg);
	CHECK_EQ(QUEUED(&wg), 0);
	for (int i = 0; i < MANY; i++)
		goes(&p[i]);
	end();
}

static void the_next_round_may_begin_at_once(void)
{
	struct poller first, second, unpolled;

	make(1);
	join_queue(&first);
	come(&unpolled);
	chp_wait_group_done(&wg);
	chp_wait_group_add(&wg, 1);
	join_queue(&second);
	/* It waits for the round in which it is polled. */
	poll_pends(&unpolled.op.op, &unpolled.waker);
	goes(&first);
	waits(&second);
	chp_wait_group_done(&wg);
	goes(&second);
	goes(&unpolled);
	end();
}

static void one_that_was_not_polled_waits_for_nothing(void)
{
	struct poller p;

	make(1);
	come(&p);
	CHECK_EQ(QUEUED(&wg), 0);
	CHECK_EQ(chp_op_cancel(&p.op.op), CHP_HELD_NOTHING);
	come(&p);
	chp_wait_group_done(&wg);
	poll_at_once(&p.op.op, 0);
	end();
}

/* ---- Blocking ---- */

enum { WORKERS = 4, WAITERS = 3 };

static long work[WORKERS]; /* plain: the group orders it */
static chp_word may_work, may_end;

struct worker {
	struct h_agent agent;
	int index;
};

/*
 * Relaxed: the group alone must make the order.  All begin when all are there,
 * and end when all has been seen: an agent's end and the start of another make
 * order, too.
 */
static bool is_set(chp_word *w)
{
	return __atomic_load_n(&w->v, __ATOMIC_RELAXED);
}

static void set(chp_word *w, uint32_t v)
{
	__atomic_store_n(&w->v, v, __ATOMIC_RELAXED);
}

static void *do_work(void *arg)
{
	struct worker *w = arg;

	h_until(is_set(&may_work));
	work[w->index]++;
	chp_wait_group_done(&wg);
	h_until(is_set(&may_end));
	return NULL;
}

static void see_work(long round)
{
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(work[i], round);
}

static void *see_all_work(void *arg)
{
	CHECK_CODE(wait_for(NULL), 0);
	see_work((intptr_t)arg);
	return NULL;
}

static void waiters_see_all_that_was_done(void)
{
	long rounds = h_rounds(200);

	make(0);
	memset(work, 0, sizeof(work));
	for (intptr_t round = 1; round <= rounds; round++) {
		struct h_agent waiter[WAITERS];
		struct worker w[WORKERS];

		set(&may_work, 0);
		set(&may_end, 0);
		chp_wait_group_add(&wg, WORKERS);
		for (int i = 0; i < WORKERS; i++) {
			w[i].index = i;
			h_spawn(&w[i].agent, do_work, &w[i]);
		}
		for (int i = 0; i < WAITERS; i++)
			h_spawn(&waiter[i], see_all_work, (void *)round);
		set(&may_work, 1);
		/* Also one who comes when all is done. */
		if (round % 2)
			h_until(!__atomic_load_n(&wg.word.v, __ATOMIC_RELAXED));
		CHECK_CODE(wait_for(NULL), 0);
		see_work(round);
		for (int i = 0; i < WAITERS; i++)
			h_join(&waiter[i]);
		set(&may_end, 1);
		for (int i = 0; i < WORKERS; i++)
			h_join(&w[i].agent);
	}
	end();
}

/* ---- Operations ---- */

static void cancelling_loses_nothing(void)
{
	struct poller p[3];

	make(1);
	for (int i = 0; i < 3; i++)
		join_queue(&p[i]);
	CHECK_EQ(cancel_op(&p[1].op.op, &p[1].waker), CHP_HELD_NOTHING);
	CHECK_CODE(p[1].op.op.result, CHP_ECANCELED);
	CHECK_EQ(QUEUED(&wg), 2);
	chp_wait_group_done(&wg);
	CHECK_EQ(cancel_op(&p[2].op.op, &p[2].waker), CHP_HELD_NOTHING);
	CHECK_EQ(h_wakes(&p[1].waker), 0);
	goes(&p[0]);
	end();
	/* The last one that gives up leaves an empty queue. */
	make(1);
	join_queue(&p[0]);
	CHECK_EQ(cancel_op(&p[0].op.op, &p[0].waker), CHP_HELD_NOTHING);
	chp_wait_group_done(&wg);
	end();
}

static void the_newest_waker_is_woken(void)
{
	struct h_waker other_waker = { 0 };
	struct poller p;

	make(1);
	join_queue(&p);
	poll_pends(&p.op.op, &other_waker);
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK_EQ(QUEUED(&wg), 1);
	chp_wait_group_done(&wg);
	CHECK_EQ(h_wakes(&p.waker), 0);
	poll_ends(&p.op.op, &other_waker, 0);
	end();
}

static void it_costs_budget(void)
{
	struct h_waker w = { 0 };
	struct poller p;
	uint32_t left = 2;

	make(0);
	for (uint32_t i = 2; i; i--) {
		come(&p);
		CHECK_CODE(h_poll_within(&p.op.op, &w, &left), 0);
		CHECK_EQ(left, i - 1);
	}
	come(&p);
	CHECK_CODE(h_poll_within(&p.op.op, &w, &left), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 1);
	chp_op_cancel(&p.op.op);
	end();
}

static void a_loser_of_a_select_keeps_its_place(void)
{
	chp_wait_group_op op;
	chp_sleep_op soon;
	chp_select_arm arms[] = { { .op = &op.op }, { .op = &soon.op } };

	make(1);
	chp_wait_group_wait_op(&op, &wg);
	chp_sleep_until_op(&soon, chp_in(CHP_MS));
	/* In this order, for a millisecond may be over by now. */
	CHECK_EQ(h_select(arms, 2, CHP_BIASED, NULL), 1);
	CHECK_EQ(QUEUED(&wg), 1);
	chp_wait_group_done(&wg);
	/* Released in that round, whatever comes after. */
	chp_wait_group_add(&wg, 1);
	arms[1].op = NULL;
	CHECK_EQ(h_select(arms, 2, 0, NULL), 0);
	chp_wait_group_done(&wg);
	end();
}

/* ---- Misuse ---- */

static void destroy_with_a_waiter(void *arg)
{
	struct poller p;

	(void)arg;
	make(1);
	join_queue(&p);
	chp_wait_group_destroy(&wg);
}

static void count_below_zero(void *by)
{
	make(2);
	chp_wait_group_add(&wg, *(int64_t *)by);
}

static void count_above_all(void *by)
{
	make(CHP_WAIT_GROUP_MAX);
	chp_wait_group_add(&wg, *(int64_t *)by);
}

static void what_cannot_be_counted_is_misuse(void)
{
	static int64_t below[] = { -3, INT64_MIN }, above[] = { 1, INT64_MAX };

	for (int i = 0; i < 2; i++) {
		h_must_panic(count_below_zero, &below[i],
			     "wait group: more was done");
		h_must_panic(count_above_all, &above[i],
			     "wait group: more was added");
	}
}

static void destroying_with_waiters_is_misuse(void)
{
	h_must_panic(destroy_with_a_waiter, NULL, "wait group destroyed");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(every_way_to_make_one_is_alike, IN_ALL),
	TEST(a_wait_at_zero_returns_at_once, IN_ALL),
	TEST(it_counts_up_and_down, IN_ALL),
	TEST(counting_with_waiters_keeps_them, IN_ALL),
	TEST(zero_releases_everybody, IN_ALL),
	TEST(the_next_round_may_begin_at_once, IN_ALL),
	TEST(one_that_was_not_polled_waits_for_nothing, IN_ALL),
	TEST(waiters_see_all_that_was_done, IN_ALL),
	TEST(cancelling_loses_nothing, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(it_costs_budget, IN_ALL),
	TEST(a_loser_of_a_select_keeps_its_place, IN_ALL),
	TEST(what_cannot_be_counted_is_misuse, ON_ITS_OWN),
	TEST(destroying_with_waiters_is_misuse, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("wait_group", tests)
