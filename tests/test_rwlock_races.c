/*
 * test_rwlock_races.c - two parties at the same moment, one of which gives up;
 * and storms: many readers and writers by every way of locking at once, tasks
 * and threads mixed.  What the lock protects is plain memory: a sanitizer sees
 * an order that is missing, and the sums do not come out.
 */
#include "duel.h"

enum { READ = 0, WRITE = 1 };

static chp_rwlock l;
static int result; /* of mine */

static void make(uint32_t max_readers)
{
	CHECK_CODE(chp_rwlock_init(&l, max_readers), 0);
}

static void ends_free(void)
{
	CHECK_EQ(QUEUED(&l), 0);
	CHECK_EQ(chp_rwlock_readers(&l), 0);
	CHECK_CODE(chp_rwlock_try_write(&l), 0);
	chp_rwlock_write_unlock(&l);
	chp_rwlock_destroy(&l);
}

static struct poller a, b, c;

static void no_wakers_are_left(void)
{
	CHECK_EQ(h_refs(&a.waker) + h_refs(&b.waker) + h_refs(&c.waker), 0);
	CHECK(h_wakes(&a.waker) <= 1 && h_wakes(&b.waker) <= 1 &&
	      h_wakes(&c.waker) <= 1);
}

/* Give up, but half of the time have a look first. */
static void cancel_it(void)
{
	result = CHP_PENDING;
	if (h_load(&round_now) % 2)
		result = poll_again(&a);
	if (result == CHP_PENDING)
		CHECK(chp_op_cancel(&a.op) != CHP_TOO_LATE);
}

/* ---- A writer gives up, readers behind it ---- */

static void a_writer_and_two_readers_queue(void)
{
	rwlock_read(&l);
	queue_rw(&a, &l, WRITE);
	queue_rw(&b, &l, READ);
	queue_rw(&c, &l, READ);
}

static void unlock_read(void)
{
	chp_rwlock_read_unlock(&l);
}

static void both_readers_come_in(void)
{
	if (result == 0) {
		CHECK_EQ(chp_rwlock_readers(&l), -1);
		chp_rwlock_write_unlock(&l);
	}
	CHECK_EQ(chp_rwlock_readers(&l), 2);
	poll_ends(&b, 1);
	poll_ends(&c, 1);
	no_wakers_are_left();
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	CHECK_EQ(QUEUED(&l), 0);
	CHECK_EQ(chp_rwlock_readers(&l), 0);
}

static void a_writer_that_gives_up_meets_unlock(void)
{
	struct duel d = {
		a_writer_and_two_readers_queue, cancel_it,      unlock_read,
		both_readers_come_in,           h_rounds(6000), { 0 }
	};

	make(2);
	fight(&d);
	ends_free();
}

/* ---- A reader gives up, a writer behind it ---- */

static void a_reader_and_a_writer_queue(void)
{
	rwlock_write(&l);
	queue_rw(&a, &l, READ);
	queue_rw(&b, &l, WRITE);
	memset(&c, 0, sizeof(c));
}

static void unlock_write(void)
{
	chp_rwlock_write_unlock(&l);
}

static void the_writer_comes_in(void)
{
	if (result == 0) {
		CHECK_EQ(chp_rwlock_readers(&l), 1);
		CHECK_EQ(h_wakes(&b.waker), 0);
		chp_rwlock_read_unlock(&l);
	}
	CHECK_EQ(chp_rwlock_readers(&l), -1);
	poll_ends(&b, 1);
	no_wakers_are_left();
	chp_rwlock_write_unlock(&l);
	CHECK_EQ(QUEUED(&l), 0);
}

static void a_reader_that_gives_up_meets_unlock(void)
{
	struct duel d = {
		a_reader_and_a_writer_queue, cancel_it,      unlock_write,
		the_writer_comes_in,         h_rounds(6000), { 0 }
	};

	make(2);
	fight(&d);
	ends_free();
}

/* ---- Two that unlock, one that waits for both ---- */

static void a_writer_waits_for_two(void)
{
	rwlock_read(&l);
	rwlock_read(&l);
	queue_rw(&a, &l, WRITE);
	memset(&b, 0, sizeof(b));
	memset(&c, 0, sizeof(c));
}

static void the_writer_has_it(void)
{
	CHECK_EQ(chp_rwlock_readers(&l), -1);
	poll_ends(&a, 1);
	no_wakers_are_left();
	chp_rwlock_write_unlock(&l);
}

static void two_unlock_for_a_writer(void)
{
	struct duel d = { a_writer_waits_for_two, unlock_read,    unlock_read,
			  the_writer_has_it,      h_rounds(6000), { 0 } };

	make(5);
	fight(&d);
	ends_free();
}

/* ---- Blocking, for a moment ---- */

static void lock_for_a_moment(void)
{
	static struct h_rng rng = { 521288629 };
	chp_wait w = { .deadline = chp_in(h_below(&rng, 20000)) };

	result = rwlock_with(&l, h_load(&round_now) % 4 < 2, &w);
	if (result != CHP_ETIMEDOUT)
		CHECK_CODE(result, 0);
}

static void one_writes(void)
{
	rwlock_write(&l);
}

static void unlock_in_a_moment(void)
{
	let_pass(120000);
	chp_rwlock_write_unlock(&l);
}

static void mine_or_nobodys(void)
{
	bool writes = h_load(&round_now) % 4 < 2;

	CHECK_EQ(QUEUED(&l), 0);
	CHECK_EQ(chp_rwlock_readers(&l), result ? 0 : writes ? -1 : 1);
	if (result == 0)
		rwlock_unlock(&l, writes);
}

static void expiry_meets_unlock(void)
{
	struct duel d = { one_writes,         lock_for_a_moment,
			  unlock_in_a_moment, mine_or_nobodys,
			  h_rounds(700),      { 0 } };

	make(3);
	fight(&d);
	ends_free();
}

/* ---- Storms ---- */

static struct {
	long writes;
	long copies[4];
} shared;

static chp_word written, readers_inside, most_readers;
static uint32_t limit;

static const chp_wait never_mind = { .flags = CHP_UNINTERRUPTIBLE };

static void stay(struct h_rng *rng)
{
	if (h_below(rng, 16) == 0)
		rest();
	if (h_below(rng, 256) == 0)
		CHECK_CODE(
			chp_sleep_until_with(chp_in(10 * CHP_US), &never_mind),
			0);
}

static void look(struct h_rng *rng)
{
	long seen = shared.writes;
	uint32_t n = h_add(&readers_inside, 1) + 1;

	CHECK(n <= limit);
	if (n > h_load(&most_readers))
		h_store(&most_readers, n);
	stay(rng);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(shared.copies[i], seen);
	CHECK_EQ(shared.writes, seen);
	h_sub(&readers_inside, 1);
}

static void scribble(struct h_rng *rng)
{
	CHECK_EQ(h_load(&readers_inside), 0);
	shared.writes++;
	for (int i = 0; i < 4; i++)
		CHECK_EQ(++shared.copies[i], shared.writes);
	stay(rng);
	CHECK_EQ(h_load(&readers_inside), 0);
	h_add(&written, 1);
}

/* With a lock of that kind; perhaps it changes its kind. */
static void use(bool writes, struct h_rng *rng)
{
	bool again = true;

	while (again) {
		(writes ? scribble : look)(rng);
		again = h_below(rng, 4) == 0;
		if (!again)
			break;
		if (writes) {
			chp_rwlock_downgrade(&l);
			writes = false;
		} else {
			writes = chp_rwlock_try_upgrade(&l) == 0;
		}
	}
	rwlock_unlock(&l, writes);
}

static int lock_somehow(bool writes, struct h_rng *rng)
{
	chp_wait w = never_mind;
	struct h_waker waker = { 0 };
	chp_rwlock_op op;
	int r = CHP_PENDING;

	switch (h_below(rng, 5)) {
	case 0:
		(writes ? rwlock_write : rwlock_read)(&l);
		return 0;
	case 1:
		w.deadline = chp_in(h_below(rng, 50000));
		return rwlock_with(&l, writes, &w);
	case 2:
		return (writes ? chp_rwlock_try_write
			       : chp_rwlock_try_read)(&l);
	case 3:
		return rwlock_with(&l, writes,
				   h_mode() == H_POLLED ? &never_mind : NULL);
	default:
		break;
	}
	(writes ? chp_rwlock_write_op : chp_rwlock_read_op)(&op, &l);
	for (uint32_t n = 1 + h_below(rng, 20); n; n--) {
		r = h_below(rng, 4) ? h_poll(&op.op, &waker)
				    : chp_op_poll(&op.op, NULL);
		if (r != CHP_PENDING)
			break;
		if (h_below(rng, 4) == 0)
			rest();
	}
	if (r == CHP_PENDING)
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	h_until(h_refs(&waker) == 0);
	return r;
}

enum { AGENTS = 8 };

struct party {
	struct h_agent agent;
	struct h_rng rng;
	long rounds;
};

static void *lock_again_and_again(void *arg)
{
	struct party *p = arg;

	for (long i = 0; i < p->rounds; i++) {
		bool writes = h_below(&p->rng, 4) == 0;

		if (lock_somehow(writes, &p->rng) == 0)
			use(writes, &p->rng);
		else if (h_mode() == H_CT)
			h_yield();
	}
	return NULL;
}

static void storm(uint32_t max_readers)
{
	static struct party p[AGENTS];
	long rounds = h_rounds(40000) / AGENTS + 1;

	make(max_readers);
	memset(&shared, 0, sizeof(shared));
	written.v = readers_inside.v = most_readers.v = 0;
	limit = max_readers;
	for (int i = 0; i < AGENTS; i++) {
		p[i].rng = h_rng(h_seed(), (uint64_t)i);
		p[i].rounds = rounds;
		spawn_mixed(i, &p[i].agent, lock_again_and_again, &p[i]);
	}
	for (long i = 0; i < rounds / 50; i++) {
		chp_interrupt(p[i % AGENTS].agent.agent);
		rest();
	}
	join_mixed(&p[0].agent, AGENTS, sizeof(p[0]));
	CHECK_EQ(shared.writes, h_load(&written));
	CHECK_EQ(h_load(&readers_inside), 0);
	if (rounds > 1000 && max_readers > 1)
		CHECK(h_load(&most_readers) > 1);
	ends_free();
}

static void a_storm_with_one_reader_at_most(void)
{
	storm(1);
}

static void a_storm_with_three_readers_at_most(void)
{
	storm(3);
}

static void a_storm_with_all_the_readers_there_are(void)
{
	storm(CHP_RWLOCK_MAX_READERS);
}

/* ---- Wakers that do things ---- */

enum { MANY = 100 };

struct waking {
	chp_rwlock_op op;
	bool writes, cancels;
	chp_word wakes, refs;
};

static struct waking p[MANY];
static int finished;

static int poll(struct waking *w);

static void wake(void *data)
{
	struct waking *w = data;

	h_add(&w->wakes, 1);
	if (w->cancels) {
		CHECK_EQ(chp_op_cancel(&w->op.op), CHP_GAVE_BACK);
	} else {
		CHECK_CODE(poll(w), 0);
		rwlock_unlock(&l, w->writes);
	}
	finished++;
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

	return chp_op_poll(&w->op.op, &ctx);
}

/* Each wake lets the next ones in: wakes inside wakes. */
static void wakers_may_lock_unlock_and_give_up(void)
{
	int n = h_mode() == H_CT || h_mode() == H_MT ? 20 : MANY;

	make(3);
	rwlock_write(&l);
	finished = 0;
	memset(p, 0, sizeof(p));
	for (int i = 0; i < n; i++) {
		p[i].writes = i % 3 == 2;
		p[i].cancels = i % 5 == 4;
		(p[i].writes ? chp_rwlock_write_op
			     : chp_rwlock_read_op)(&p[i].op, &l);
		CHECK_CODE(poll(&p[i]), CHP_PENDING);
	}
	chp_rwlock_write_unlock(&l);
	CHECK_EQ(finished, n);
	for (int i = 0; i < n; i++) {
		CHECK_EQ(h_load(&p[i].wakes), 1);
		CHECK_EQ(h_load(&p[i].refs), 0);
	}
	ends_free();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_writer_that_gives_up_meets_unlock, IN_ALL),
	TEST(a_reader_that_gives_up_meets_unlock, IN_ALL),
	TEST(two_unlock_for_a_writer, IN_ALL),
	TEST(expiry_meets_unlock, IN_ALL),
	TEST(a_storm_with_one_reader_at_most, IN_ALL),
	TEST(a_storm_with_three_readers_at_most, IN_ALL),
	TEST(a_storm_with_all_the_readers_there_are, IN_ALL),
	TEST(wakers_may_lock_unlock_and_give_up, IN_ALL),
};
/* clang-format on */

H_MAIN("rwlock_races", tests)
