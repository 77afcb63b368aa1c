/*
 * test_mutex_storm.c - many on one mutex, by every way of locking at once,
 * tasks and threads mixed; and wakers that lock, unlock and give up from
 * inside their wake callback.  What the lock protects is plain memory: a
 * sanitizer sees an order that is missing, and the sums do not come out.
 */
#include "duel.h"

static chp_mutex m;

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
}

static void ends_unlocked(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

/* ---- What is protected ---- */

static struct {
	long count;
	long copies[4];
	bool inside;
} shared;

static chp_word locked; /* how often, counted apart */

/* Some of the waits are interrupted, but not these. */
static const chp_wait never_mind = { .flags = CHP_UNINTERRUPTIBLE };

/* With the lock held; stay a little, perhaps across a wait. */
static void work_inside(struct h_rng *rng)
{
	CHECK(!shared.inside);
	shared.inside = true;
	shared.count++;
	for (int i = 0; i < 4; i++)
		CHECK_EQ(++shared.copies[i], shared.count);
	if (h_below(rng, 16) == 0)
		rest();
	if (h_below(rng, 256) == 0)
		CHECK_CODE(
			chp_sleep_until_with(chp_in(10 * CHP_US), &never_mind),
			0);
	CHECK(shared.inside);
	shared.inside = false;
	h_add(&locked, 1);
	chp_mutex_unlock(&m);
}

/* ---- Ways of locking; true if it did ---- */

static bool plainly(struct h_rng *rng)
{
	(void)rng;
	mutex_lock(&m);
	return true;
}

static bool for_a_moment(struct h_rng *rng)
{
	chp_wait w = never_mind;
	int r;

	w.deadline = chp_in(h_below(rng, 50000));
	r = mutex_lock_with(&m, &w);

	CHECK(r == 0 || r == CHP_ETIMEDOUT);
	return r == 0;
}

static bool by_trying(struct h_rng *rng)
{
	int r = chp_mutex_try_lock(&m);

	(void)rng;
	CHECK(r == 0 || r == CHP_EAGAIN);
	return r == 0;
}

static bool by_a_few_polls(struct h_rng *rng)
{
	struct h_waker w = { 0 };
	chp_lock_op op;
	int r = CHP_PENDING;

	chp_mutex_lock_op(&op, &m);
	for (uint32_t n = 1 + h_below(rng, 20); n; n--) {
		r = h_below(rng, 4) ? h_poll(&op.op, &w)
				    : chp_op_poll(&op.op, NULL);
		if (r != CHP_PENDING)
			break;
		if (h_below(rng, 4) == 0)
			rest();
	}
	if (r == CHP_PENDING)
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	h_until(h_refs(&w) == 0);
	return r == 0;
}

static bool by_select(struct h_rng *rng)
{
	chp_sleep_op sleep;
	chp_lock_op op;
	chp_select_arm arms[2] = { { &op.op, 0 }, { &sleep.op, 0 } };
	chp_select_op select;

	chp_mutex_lock_op(&op, &m);
	chp_sleep_until_op(&sleep, chp_in(h_below(rng, 50000)));
	CHECK_CODE(chp_select_init(&select, arms, 2, CHP_CANCEL_LOSERS), 0);
	return h_wait(&select.op, &never_mind) == 0;
}

static bool until_interrupted(struct h_rng *rng)
{
	int r;

	(void)rng;
	if (h_mode() == H_POLLED)
		return plainly(rng);
	r = chp_mutex_lock_with(&m, NULL);
	CHECK(r == 0 || r == CHP_EINTR);
	return r == 0;
}

static bool (*const ways[])(struct h_rng *rng) = {
	plainly,        for_a_moment, by_trying,
	by_a_few_polls, by_select,    until_interrupted,
};

enum { WAYS = sizeof(ways) / sizeof(*ways), AGENTS = 8 };

struct party {
	struct h_agent agent;
	struct h_rng rng;
	long rounds;
	int way; /* WAYS: any of them */
};

static void *lock_again_and_again(void *arg)
{
	struct party *p = arg;

	for (long i = 0; i < p->rounds; i++) {
		uint32_t way = p->way < WAYS ? (uint32_t)p->way
					     : h_below(&p->rng, WAYS);

		if (ways[way](&p->rng))
			work_inside(&p->rng);
		else if (h_mode() == H_CT)
			h_yield();
	}
	return NULL;
}

static void storm(unsigned flags, int way, long rounds)
{
	static struct party p[AGENTS];

	make(flags);
	memset(&shared, 0, sizeof(shared));
	locked.v = 0;
	for (int i = 0; i < AGENTS; i++) {
		p[i].rng = h_rng(h_seed(), (uint64_t)i);
		p[i].rounds = rounds / AGENTS + 1;
		p[i].way = way;
		spawn_mixed(i, &p[i].agent, lock_again_and_again, &p[i]);
	}
	if (way == WAYS)
		for (long i = 0; i < rounds / 50; i++) {
			chp_interrupt(p[i % AGENTS].agent.agent);
			rest();
		}
	join_mixed(&p[0].agent, AGENTS, sizeof(p[0]));
	CHECK_EQ(shared.count, h_load(&locked));
	if (way == 0)
		CHECK_EQ(shared.count, AGENTS * p[0].rounds);
	ends_unlocked();
}

static void plain_locks_exclude(unsigned flags)
{
	storm(flags, 0, h_rounds(100000));
}

static void locks_of_all_kinds_exclude(unsigned flags)
{
	storm(flags, WAYS, h_rounds(60000));
}

/* ---- Wakers that do things ---- */

enum { MANY = 300 };

struct waking {
	chp_lock_op op;
	void (*then)(struct waking *w);
	int result;
	chp_word wakes, refs;
	struct waking *next;
};

static struct waking p[MANY];

static void wake(void *data)
{
	struct waking *w = data;

	h_add(&w->wakes, 1);
	if (w->then)
		w->then(w);
	h_sub(&w->refs, 1);
}

static void retain(void *data)
{
	h_add(&((struct waking *)data)->refs, 1);
}

static void release(void *data)
{
	h_sub(&((struct waking *)data)->refs, 1);
}

static const chp_waker_class waking_class = { wake, retain, release };

static int poll(struct waking *w)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &waking_class, w });

	w->result = chp_op_poll(&w->op.op, &ctx);
	return w->result;
}

static void queue(struct waking *w, void (*then)(struct waking *))
{
	memset(w, 0, sizeof(*w));
	w->then = then;
	chp_mutex_lock_op(&w->op, &m);
	CHECK_CODE(poll(w), CHP_PENDING);
}

/* Wakes inside wakes need stack, of which a task has little. */
static int how_many_can_nest(void)
{
	return h_mode() == H_CT || h_mode() == H_MT ? 20 : MANY;
}

static void each_was_woken_once(int n)
{
	for (int i = 0; i < n; i++) {
		CHECK_EQ(h_load(&p[i].wakes), 1);
		CHECK_EQ(h_load(&p[i].refs), 0);
	}
}

static void lock_and_unlock(struct waking *w)
{
	CHECK_CODE(poll(w), 0);
	chp_mutex_unlock(&m);
}

static void a_waker_may_lock_and_unlock(unsigned flags)
{
	int n = how_many_can_nest();

	make(flags);
	hold(&m);
	for (int i = 0; i < n; i++)
		queue(&p[i], lock_and_unlock);
	chp_mutex_unlock(&m);
	each_was_woken_once(n);
	ends_unlocked();
}

static void give_up(struct waking *w)
{
	CHECK(chp_op_cancel(&w->op.op) != CHP_TOO_LATE);
}

static void a_waker_may_give_up(unsigned flags)
{
	int n = how_many_can_nest();

	make(flags);
	hold(&m);
	for (int i = 0; i < n; i++)
		queue(&p[i], give_up);
	chp_mutex_unlock(&m);
	each_was_woken_once(n);
	ends_unlocked();
}

static void give_up_the_others(struct waking *w)
{
	for (struct waking *q = w->next; q; q = q->next)
		CHECK_EQ(chp_op_cancel(&q->op.op), CHP_HELD_NOTHING);
	lock_and_unlock(w);
}

static void a_waker_may_cancel_others(unsigned flags)
{
	make(flags);
	hold(&m);
	for (int i = 0; i < MANY; i++)
		queue(&p[i], give_up_the_others);
	for (int i = 0; i + 1 < MANY; i++)
		p[i].next = &p[i + 1];
	chp_mutex_unlock(&m);
	CHECK_EQ(h_load(&p[0].wakes), 1);
	for (int i = 1; i < MANY; i++) {
		CHECK_EQ(h_load(&p[i].wakes), 0);
		CHECK_EQ(h_load(&p[i].refs), 0);
	}
	ends_unlocked();
}

static struct waking again;

static void start_another(struct waking *w)
{
	queue(&again, NULL);
	CHECK_CODE(poll(w), 0);
}

/* FIFO: the newcomer queues, by default it takes what w was woken for. */
static void overtake(struct waking *w)
{
	memset(&again, 0, sizeof(again));
	chp_mutex_lock_op(&again.op, &m);
	CHECK_CODE(poll(&again), 0);
	CHECK_CODE(poll(w), CHP_PENDING);
}

static void a_waker_may_start_another_wait(unsigned flags)
{
	make(flags);
	hold(&m);
	queue(&p[0], flags ? start_another : overtake);
	chp_mutex_unlock(&m);
	p[0].then = NULL;
	chp_mutex_unlock(&m);
	CHECK_CODE(poll(flags ? &again : &p[0]), 0);
	chp_mutex_unlock(&m);
	CHECK_EQ(h_load(&p[0].refs) + h_load(&again.refs), 0);
	ends_unlocked();
}

/* clang-format off */
BY_FLAGS(plain_locks_exclude)
BY_FLAGS(locks_of_all_kinds_exclude)
BY_FLAGS(a_waker_may_lock_and_unlock)
BY_FLAGS(a_waker_may_give_up)
BY_FLAGS(a_waker_may_cancel_others)
BY_FLAGS(a_waker_may_start_another_wait)

static const struct h_test tests[] = {
	TESTS(plain_locks_exclude, IN_ALL),
	TESTS(locks_of_all_kinds_exclude, IN_ALL),
	TESTS(a_waker_may_lock_and_unlock, IN_ALL),
	TESTS(a_waker_may_give_up, IN_ALL),
	TESTS(a_waker_may_cancel_others, IN_ALL),
	TESTS(a_waker_may_start_another_wait, IN_ALL),
};
/* clang-format on */

H_MAIN("mutex_storm", tests)
