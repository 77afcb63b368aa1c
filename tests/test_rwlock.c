/*
 * test_rwlock.c - readers and writers by hand, where each step has one
 * outcome: who gets in, in which order, how many at once, what giving up
 * leaves behind.  Downgrade and upgrade: test_rwlock_change.c.
 */
#include "lock.h"

enum { READ = 0, WRITE = 1 };

static chp_rwlock l;

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

/* So many read, or -1: one writes; so a newcomer gets in, or not. */
static void is(int64_t readers, bool read, bool write)
{
	CHECK_EQ(chp_rwlock_readers(&l), readers);
	CHECK_CODE(chp_rwlock_try_read(&l), read ? 0 : CHP_EAGAIN);
	if (read)
		chp_rwlock_read_unlock(&l);
	CHECK_CODE(chp_rwlock_try_write(&l), write ? 0 : CHP_EAGAIN);
	if (write)
		chp_rwlock_write_unlock(&l);
	/* The same by an operation, but it would queue. */
	for (int writes = 0; writes < 2; writes++) {
		int r = rwlock_with(&l, writes, &(chp_wait){ .deadline = 1 });

		CHECK_CODE(r, (writes ? write : read) ? 0 : CHP_ETIMEDOUT);
		if (r == 0)
			rwlock_unlock(&l, writes);
	}
	CHECK_EQ(chp_rwlock_readers(&l), readers);
}

static void start(struct poller *p, bool writes)
{
	start_rw(p, &l, writes);
}

static void queue(struct poller *p, bool writes)
{
	queue_rw(p, &l, writes);
}

/* ---- Making ---- */

static chp_rwlock zero;
static chp_rwlock made = CHP_RWLOCK_INIT(2);
static chp_rwlock made_by_default = CHP_RWLOCK_INIT(0);

static void all_zero_and_initialised_are_free(void)
{
	chp_rwlock *all[] = { &zero, &made, &made_by_default };

	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(chp_rwlock_readers(all[i]), 0);
		rwlock_read(all[i]);
		rwlock_read(all[i]);
		CHECK_EQ(chp_rwlock_readers(all[i]), 2);
		CHECK_CODE(chp_rwlock_try_read(all[i]),
			   i == 1 ? CHP_EAGAIN : 0);
		if (i != 1)
			chp_rwlock_read_unlock(all[i]);
		CHECK_CODE(chp_rwlock_try_write(all[i]), CHP_EAGAIN);
		chp_rwlock_read_unlock(all[i]);
		chp_rwlock_read_unlock(all[i]);
		rwlock_write(all[i]);
		CHECK_EQ(chp_rwlock_readers(all[i]), -1);
		chp_rwlock_write_unlock(all[i]);
		CHECK_EQ(chp_rwlock_readers(all[i]), 0);
	}
	chp_rwlock_destroy(&zero);
}

/* tokio #8076: no readers at all is a mistake. */
static void the_limit_is_checked(void)
{
	CHECK_EQ(CHP_RWLOCK_MAX_READERS, 536870911);
	CHECK_CODE(chp_rwlock_init(&l, 0), CHP_EINVAL);
	CHECK_CODE(chp_rwlock_init(&l, CHP_RWLOCK_MAX_READERS + 1), CHP_EINVAL);
	CHECK_CODE(chp_rwlock_init(&l, UINT32_MAX), CHP_EINVAL);
	memset(&l, 0x5a, sizeof(l));
	CHECK_CODE(chp_rwlock_init(&l, CHP_RWLOCK_MAX_READERS), 0);
	ends_free();
	CHECK_CODE(chp_rwlock_init(&l, 1), 0);
	ends_free();
}

/* ---- Sharing and excluding ---- */

static void readers_share_and_a_writer_excludes(void)
{
	make(10);
	for (int i = 0; i < 200; i++) {
		is(0, true, true);
		rwlock_read(&l);
		is(1, true, false);
		CHECK_CODE(rwlock_with(&l, READ, NULL), 0);
		CHECK_CODE(chp_rwlock_try_read(&l), 0);
		is(3, true, false);
		chp_rwlock_read_unlock(&l);
		chp_rwlock_read_unlock(&l);
		chp_rwlock_read_unlock(&l);
		rwlock_write(&l);
		is(-1, false, false);
		chp_rwlock_write_unlock(&l);
		CHECK_CODE(rwlock_with(&l, WRITE, NULL), 0);
		is(-1, false, false);
		chp_rwlock_write_unlock(&l);
		CHECK_CODE(chp_rwlock_try_write(&l), 0);
		is(-1, false, false);
		chp_rwlock_write_unlock(&l);
	}
	ends_free();
}

static void no_more_than_max_read_at_once(void)
{
	for (uint32_t max = 1; max <= 4; max++) {
		struct poller p[2];

		make(max);
		for (uint32_t i = 0; i < max; i++) {
			is(i, true, i == 0);
			rwlock_read(&l);
		}
		is(max, false, false);
		/* The next one waits, and the one after it. */
		queue(&p[0], READ);
		queue(&p[1], READ);
		is(max, false, false);
		chp_rwlock_read_unlock(&l);
		is(max, false, false);
		poll_ends(&p[0], 1);
		CHECK_EQ(h_wakes(&p[1].waker), 0);
		chp_rwlock_read_unlock(&l);
		poll_ends(&p[1], 1);
		is(max, false, false);
		for (uint32_t i = max; i > 0; i--) {
			CHECK_EQ(chp_rwlock_readers(&l), i);
			chp_rwlock_read_unlock(&l);
		}
		ends_free();
	}
}

static void nothing_allocates(void)
{
	long before = h_allocs();
	struct poller p[2];

	make(3);
	rwlock_read(&l);
	queue(&p[0], WRITE);
	queue(&p[1], READ);
	chp_rwlock_read_unlock(&l);
	poll_ends(&p[0], 1);
	chp_rwlock_write_unlock(&l);
	poll_ends(&p[1], 1);
	chp_rwlock_read_unlock(&l);
	ends_free();
	if (h_mode() != H_POLLED)
		CHECK_EQ(h_allocs(), before);
}

/* ---- Order ---- */

enum { MANY = 200 };

static struct poller p[MANY];

/* tokio's docs: "held by a writer"; it fails too if one merely waits. */
static void a_reader_does_not_pass_a_waiting_writer(void)
{
	struct poller w, r;

	make(10);
	rwlock_read(&l);
	queue(&w, WRITE);
	is(1, false, false);
	queue(&r, READ);
	is(1, false, false);
	chp_rwlock_read_unlock(&l);
	CHECK_EQ(h_wakes(&r.waker), 0);
	is(-1, false, false);
	poll_ends(&w, 1);
	is(-1, false, false);
	chp_rwlock_write_unlock(&l);
	poll_ends(&r, 1);
	is(1, true, false);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

static void a_writer_does_not_pass_earlier_readers(void)
{
	struct poller r, w;

	make(10);
	rwlock_write(&l);
	queue(&r, READ);
	queue(&w, WRITE);
	chp_rwlock_write_unlock(&l);
	CHECK_EQ(h_wakes(&w.waker), 0);
	is(1, false, false);
	poll_ends(&r, 1);
	is(1, false, false);
	chp_rwlock_read_unlock(&l);
	poll_ends(&w, 1);
	chp_rwlock_write_unlock(&l);
	ends_free();
}

static void readers_in_a_row_come_in_together(void)
{
	make(MANY);
	rwlock_write(&l);
	for (int i = 0; i < MANY; i++)
		queue(&p[i], i == 50 || i == 51 ? WRITE : READ);
	chp_rwlock_write_unlock(&l);
	CHECK_EQ(chp_rwlock_readers(&l), 50);
	for (int i = 0; i < 50; i++)
		poll_ends(&p[i], 1);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(h_wakes(&p[50].waker), 0);
		is(50 - i, false, false);
		chp_rwlock_read_unlock(&l);
	}
	poll_ends(&p[50], 1);
	CHECK_EQ(h_wakes(&p[51].waker), 0);
	chp_rwlock_write_unlock(&l);
	poll_ends(&p[51], 1);
	CHECK_EQ(h_wakes(&p[52].waker), 0);
	chp_rwlock_write_unlock(&l);
	for (int i = 52; i < MANY; i++)
		poll_ends(&p[i], 1);
	is(MANY - 52, true, false);
	for (int i = 52; i < MANY; i++)
		chp_rwlock_read_unlock(&l);
	ends_free();
}

static void readers_in_a_row_come_in_as_many_as_may(void)
{
	make(3);
	rwlock_write(&l);
	for (int i = 0; i < 5; i++)
		queue(&p[i], READ);
	queue(&p[5], WRITE);
	chp_rwlock_write_unlock(&l);
	for (int i = 0; i < 3; i++)
		poll_ends(&p[i], 1);
	CHECK_EQ(h_wakes(&p[3].waker), 0);
	CHECK_EQ(chp_rwlock_readers(&l), 3);
	for (int i = 3; i < 5; i++) {
		chp_rwlock_read_unlock(&l);
		poll_ends(&p[i], 1);
		CHECK_EQ(chp_rwlock_readers(&l), 3);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(h_wakes(&p[5].waker), 0);
		chp_rwlock_read_unlock(&l);
	}
	poll_ends(&p[5], 1);
	chp_rwlock_write_unlock(&l);
	ends_free();
}

/* ---- Giving up ---- */

static void a_writer_that_gives_up_lets_readers_in(void)
{
	struct poller w, r[3], last;

	make(10);
	rwlock_read(&l);
	rwlock_read(&l);
	queue(&w, WRITE);
	for (int i = 0; i < 3; i++)
		queue(&r[i], READ);
	queue(&last, WRITE);
	chp_rwlock_read_unlock(&l);
	is(1, false, false);
	cancel_finds(&w, CHP_HELD_NOTHING);
	CHECK_EQ(h_wakes(&w.waker), 0);
	is(4, false, false);
	for (int i = 0; i < 3; i++)
		poll_ends(&r[i], 1);
	CHECK_EQ(h_wakes(&last.waker), 0);
	cancel_finds(&last, CHP_HELD_NOTHING);
	is(4, true, false);
	for (int i = 0; i < 4; i++)
		chp_rwlock_read_unlock(&l);
	ends_free();
}

/* The limit counts for those behind it, too. */
static void but_no_more_of_them_than_may(void)
{
	struct poller w, r[3];

	make(2);
	rwlock_read(&l);
	queue(&w, WRITE);
	for (int i = 0; i < 3; i++)
		queue(&r[i], READ);
	cancel_finds(&w, CHP_HELD_NOTHING);
	poll_ends(&r[0], 1);
	CHECK_EQ(h_wakes(&r[1].waker), 0);
	is(2, false, false);
	chp_rwlock_read_unlock(&l);
	poll_ends(&r[1], 1);
	cancel_finds(&r[2], CHP_HELD_NOTHING);
	is(2, false, false);
	chp_rwlock_read_unlock(&l);
	is(1, true, false);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

static void what_one_was_handed_is_passed_on(void)
{
	struct poller w[2], r[2];

	make(10);
	rwlock_read(&l);
	queue(&w[0], WRITE);
	queue(&w[1], WRITE);
	queue(&r[0], READ);
	queue(&r[1], READ);
	chp_rwlock_read_unlock(&l);
	cancel_finds(&w[0], CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&w[0].waker), 1);
	CHECK_EQ(h_wakes(&w[1].waker), 1);
	is(-1, false, false);
	cancel_finds(&w[1], CHP_GAVE_BACK);
	is(2, true, false);
	cancel_finds(&r[0], CHP_GAVE_BACK);
	is(1, true, false);
	poll_ends(&r[1], 1);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

/* A reader that gives up may be the last that a writer waited for. */
static void a_reader_that_gives_up_lets_the_writer_in(void)
{
	struct poller r, w;

	make(1);
	rwlock_write(&l);
	queue(&r, READ);
	queue(&w, WRITE);
	chp_rwlock_write_unlock(&l);
	CHECK_EQ(h_wakes(&w.waker), 0);
	cancel_finds(&r, CHP_GAVE_BACK);
	poll_ends(&w, 1);
	chp_rwlock_write_unlock(&l);
	ends_free();
}

static void what_was_never_polled_holds_nothing(void)
{
	struct poller a, b;

	make(2);
	start(&a, READ);
	start(&b, WRITE);
	is(0, true, true);
	cancel_finds(&a, CHP_HELD_NOTHING);
	cancel_finds(&b, CHP_HELD_NOTHING);
	is(0, true, true);
	ends_free();
}

/* ---- Wakers, budget ---- */

static void the_newest_waker_is_woken(void)
{
	for (int writes = 0; writes < 2; writes++) {
		struct h_waker old = { 0 };
		struct poller a;

		make(10);
		rwlock_write(&l);
		start(&a, writes);
		CHECK_CODE(h_poll(&a.op, &old), CHP_PENDING);
		poll_pends(&a);
		CHECK_EQ(h_refs(&old), 0);
		CHECK_CODE(chp_op_poll(&a.op, NULL), CHP_PENDING);
		CHECK_EQ(h_refs(&a.waker), 0);
		poll_pends(&a);
		CHECK_EQ(QUEUED(&l), 1);
		chp_rwlock_write_unlock(&l);
		CHECK_EQ(h_wakes(&old), 0);
		poll_ends(&a, 1);
		rwlock_unlock(&l, writes);
		ends_free();
	}
}

static void locking_costs_of_the_budget(void)
{
	make(10);
	for (int writes = 0; writes < 2; writes++) {
		uint32_t left = 1;
		struct poller a;

		start(&a, writes);
		CHECK_CODE(h_poll_within(&a.op, &a.waker, &left), 0);
		CHECK_EQ(left, 0);
		rwlock_unlock(&l, writes);
		start(&a, writes);
		CHECK_CODE(h_poll_within(&a.op, &a.waker, &left), CHP_PENDING);
		h_until(h_wakes(&a.waker) == 1);
		left = 1;
		CHECK_CODE(h_poll_within(&a.op, &a.waker, &left), 0);
		CHECK_EQ(h_refs(&a.waker), 0);
		rwlock_unlock(&l, writes);
	}
	ends_free();
}

static void *set_flag(void *arg)
{
	h_store(arg, 1);
	return NULL;
}

static void a_task_that_locks_lets_others_run(void)
{
	make(CHP_RWLOCK_MAX_READERS);
	for (int writes = 0; writes < 2; writes++) {
		chp_word flag = { 0 };
		chp_task other;
		int i;

		CHECK_CODE(chp_spawn(&other, set_flag, &flag), 0);
		for (i = 0; i < 1000 && !h_load(&flag); i++) {
			(writes ? chp_rwlock_write : chp_rwlock_read)(&l);
			rwlock_unlock(&l, writes);
		}
		CHECK_CODE(chp_join(&other, NULL), 0);
		CHECK(i <= 129);
	}
	ends_free();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(all_zero_and_initialised_are_free, ON_ITS_OWN),
	TEST(the_limit_is_checked, IN_ALL),
	TEST(readers_share_and_a_writer_excludes, IN_ALL),
	TEST(no_more_than_max_read_at_once, IN_ALL),
	TEST(nothing_allocates, IN_ALL),
	TEST(a_reader_does_not_pass_a_waiting_writer, IN_ALL),
	TEST(a_writer_does_not_pass_earlier_readers, IN_ALL),
	TEST(readers_in_a_row_come_in_together, IN_ALL),
	TEST(readers_in_a_row_come_in_as_many_as_may, IN_ALL),
	TEST(a_writer_that_gives_up_lets_readers_in, IN_ALL),
	TEST(but_no_more_of_them_than_may, IN_ALL),
	TEST(what_one_was_handed_is_passed_on, IN_ALL),
	TEST(a_reader_that_gives_up_lets_the_writer_in, IN_ALL),
	TEST(what_was_never_polled_holds_nothing, IN_ALL),
	TEST(the_newest_waker_is_woken, IN_ALL),
	TEST(locking_costs_of_the_budget, IN_ALL),
	TEST(a_task_that_locks_lets_others_run, IN_CT),
};
/* clang-format on */

H_MAIN("rwlock", tests)
