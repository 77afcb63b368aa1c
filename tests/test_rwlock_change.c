/*
 * test_rwlock_change.c - from writer to reader and back: who comes in at a
 * downgrade, when an upgrade is possible, and both against other parties at
 * the same moment.
 */
#include "duel.h"

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

static void readers_are(int64_t n)
{
	CHECK_EQ(chp_rwlock_readers(&l), n);
}

/* ---- Downgrade ---- */

static void a_downgrade_leaves_one_reader(void)
{
	for (uint32_t max = 1; max < 4; max++) {
		make(max);
		rwlock_write(&l);
		chp_rwlock_downgrade(&l);
		readers_are(1);
		CHECK_CODE(chp_rwlock_try_write(&l), CHP_EAGAIN);
		for (uint32_t i = 1; i < max; i++)
			CHECK_CODE(chp_rwlock_try_read(&l), 0);
		CHECK_CODE(chp_rwlock_try_read(&l), CHP_EAGAIN);
		for (uint32_t i = 0; i < max; i++)
			chp_rwlock_read_unlock(&l);
		ends_free();
	}
	make(CHP_RWLOCK_MAX_READERS);
	rwlock_write(&l);
	chp_rwlock_downgrade(&l);
	readers_are(1);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

static void only_readers_at_the_front_come_in(void)
{
	struct poller r[3], w;

	make(10);
	rwlock_write(&l);
	queue_rw(&r[0], &l, READ);
	queue_rw(&r[1], &l, READ);
	queue_rw(&w, &l, WRITE);
	queue_rw(&r[2], &l, READ);
	chp_rwlock_downgrade(&l);
	readers_are(3);
	poll_ends(&r[0], 1);
	poll_ends(&r[1], 1);
	CHECK_EQ(h_wakes(&w.waker), 0);
	CHECK_EQ(h_wakes(&r[2].waker), 0);
	CHECK_CODE(chp_rwlock_try_read(&l), CHP_EAGAIN);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(h_wakes(&w.waker), 0);
		chp_rwlock_read_unlock(&l);
	}
	poll_ends(&w, 1);
	chp_rwlock_downgrade(&l);
	poll_ends(&r[2], 1);
	readers_are(2);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

static void and_no_more_than_max(void)
{
	struct poller r[4];

	make(3);
	rwlock_write(&l);
	for (int i = 0; i < 4; i++)
		queue_rw(&r[i], &l, READ);
	chp_rwlock_downgrade(&l);
	readers_are(3);
	poll_ends(&r[0], 1);
	poll_ends(&r[1], 1);
	CHECK_EQ(h_wakes(&r[2].waker), 0);
	chp_rwlock_read_unlock(&l);
	poll_ends(&r[2], 1);
	CHECK_EQ(h_wakes(&r[3].waker), 0);
	cancel_finds(&r[3], CHP_HELD_NOTHING);
	for (int i = 0; i < 3; i++)
		chp_rwlock_read_unlock(&l);
	ends_free();
}

static void a_waiting_writer_stays_out(void)
{
	struct poller w;

	make(10);
	rwlock_write(&l);
	queue_rw(&w, &l, WRITE);
	chp_rwlock_downgrade(&l);
	readers_are(1);
	CHECK_EQ(h_wakes(&w.waker), 0);
	CHECK_CODE(poll_again(&w), CHP_PENDING);
	CHECK_CODE(chp_rwlock_try_read(&l), CHP_EAGAIN);
	cancel_finds(&w, CHP_HELD_NOTHING);
	CHECK_CODE(chp_rwlock_try_read(&l), 0);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

/* ---- Upgrade ---- */

static void the_only_reader_may_write(void)
{
	for (uint32_t max = 1; max < 4; max++) {
		make(max);
		for (int i = 0; i < 3; i++) {
			rwlock_read(&l);
			CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
			readers_are(-1);
			CHECK_CODE(chp_rwlock_try_read(&l), CHP_EAGAIN);
			CHECK_CODE(chp_rwlock_try_write(&l), CHP_EAGAIN);
			chp_rwlock_downgrade(&l);
			readers_are(1);
			CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
			chp_rwlock_write_unlock(&l);
		}
		ends_free();
	}
}

static void one_of_several_may_not(void)
{
	make(5);
	rwlock_read(&l);
	rwlock_read(&l);
	CHECK_CODE(chp_rwlock_try_upgrade(&l), CHP_EAGAIN);
	readers_are(2);
	CHECK_CODE(chp_rwlock_try_read(&l), 0);
	CHECK_CODE(chp_rwlock_try_upgrade(&l), CHP_EAGAIN);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
	chp_rwlock_write_unlock(&l);
	ends_free();
}

static void an_upgrade_comes_before_writers_that_wait(void)
{
	struct poller w[2], r;

	for (uint32_t max = 1; max < 5; max++) {
		make(max);
		rwlock_read(&l);
		queue_rw(&w[0], &l, WRITE);
		queue_rw(&r, &l, READ);
		queue_rw(&w[1], &l, WRITE);
		CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
		readers_are(-1);
		CHECK_EQ(QUEUED(&l), 3);
		CHECK_CODE(poll_again(&w[0]), CHP_PENDING);
		/* The one that waits keeps its place before the others. */
		chp_rwlock_downgrade(&l);
		readers_are(1);
		CHECK_EQ(h_wakes(&r.waker) + h_wakes(&w[0].waker), 0);
		CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
		chp_rwlock_write_unlock(&l);
		poll_ends(&w[0], 1);
		chp_rwlock_write_unlock(&l);
		poll_ends(&r, 1);
		CHECK_EQ(h_wakes(&w[1].waker), 0);
		CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
		cancel_finds(&w[1], CHP_HELD_NOTHING);
		readers_are(-1);
		chp_rwlock_write_unlock(&l);
		ends_free();
	}
}

/* It reads, though it has not polled yet. */
static void a_reader_that_was_let_in_counts(void)
{
	struct poller r, w;

	make(5);
	rwlock_write(&l);
	queue_rw(&r, &l, READ);
	queue_rw(&w, &l, WRITE);
	chp_rwlock_downgrade(&l);
	CHECK_CODE(chp_rwlock_try_upgrade(&l), CHP_EAGAIN);
	readers_are(2);
	cancel_finds(&r, CHP_GAVE_BACK);
	CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
	chp_rwlock_write_unlock(&l);
	poll_ends(&w, 1);
	chp_rwlock_write_unlock(&l);
	ends_free();
}

/* A writer that gives up while the lock is upgraded lets nobody in. */
static void nobody_comes_in_while_upgraded(void)
{
	struct poller w, r;

	make(5);
	rwlock_read(&l);
	queue_rw(&w, &l, WRITE);
	queue_rw(&r, &l, READ);
	CHECK_CODE(chp_rwlock_try_upgrade(&l), 0);
	cancel_finds(&w, CHP_HELD_NOTHING);
	CHECK_EQ(h_wakes(&r.waker), 0);
	readers_are(-1);
	chp_rwlock_write_unlock(&l);
	poll_ends(&r, 1);
	chp_rwlock_read_unlock(&l);
	ends_free();
}

/* ---- At the same moment ---- */

static struct poller reader, writer;
static int upgraded;

static void unlock_what_i_have(void)
{
	rwlock_unlock(&l, upgraded == 0);
}

/* Two readers: at most one of them upgrades, if the other lets go. */
static void two_read(void)
{
	rwlock_read(&l);
	rwlock_read(&l);
}

static void upgrade_it(void)
{
	upgraded = chp_rwlock_try_upgrade(&l);
	if (upgraded != 0)
		CHECK_CODE(upgraded, CHP_EAGAIN);
}

static void let_go(void)
{
	chp_rwlock_read_unlock(&l);
}

static void it_is_held_as_it_said(void)
{
	readers_are(upgraded == 0 ? -1 : 1);
	if (upgraded != 0)
		CHECK_CODE(upgraded = chp_rwlock_try_upgrade(&l), 0);
	unlock_what_i_have();
	readers_are(0);
}

static void an_upgrade_meets_a_read_unlock(void)
{
	struct duel d = { two_read,       upgrade_it,
			  let_go,         it_is_held_as_it_said,
			  h_rounds(6000), { 0 } };

	make(3);
	fight(&d);
	ends_free();
}

static chp_word inside;
static int other_upgraded;

static void upgrade_or_let_go(void)
{
	upgraded = chp_rwlock_try_upgrade(&l);
	if (upgraded != 0) {
		chp_rwlock_read_unlock(&l);
		return;
	}
	CHECK_EQ(h_add(&inside, 1), 0);
	readers_are(-1);
	h_sub(&inside, 1);
	chp_rwlock_write_unlock(&l);
}

static void the_other_upgrades_or_lets_go(void)
{
	other_upgraded = chp_rwlock_try_upgrade(&l);
	if (other_upgraded != 0) {
		chp_rwlock_read_unlock(&l);
		return;
	}
	CHECK_EQ(h_add(&inside, 1), 0);
	h_sub(&inside, 1);
	chp_rwlock_write_unlock(&l);
}

/* Both may have found the other one reading, or one was late. */
static void not_both_upgraded(void)
{
	CHECK(upgraded != 0 || other_upgraded != 0);
	readers_are(0);
}

static void an_upgrade_meets_an_upgrade(void)
{
	struct duel d = { two_read,
			  upgrade_or_let_go,
			  the_other_upgrades_or_lets_go,
			  not_both_upgraded,
			  h_rounds(6000),
			  { 0 } };

	make(3);
	fight(&d);
	ends_free();
}

/* The count of a queue that is about to begin, or to end. */
static void one_reads(void)
{
	rwlock_read(&l);
}

static void a_writer_comes_and_goes(void)
{
	start_rw(&writer, &l, WRITE);
	CHECK_CODE(poll_again(&writer), CHP_PENDING);
	CHECK_EQ(chp_op_cancel(&writer.op), CHP_HELD_NOTHING);
}

static void it_is_mine_as_it_said(void)
{
	CHECK_CODE(upgraded, 0);
	readers_are(-1);
	chp_rwlock_write_unlock(&l);
	CHECK_EQ(h_refs(&writer.waker), 0);
	readers_are(0);
}

static void an_upgrade_meets_a_writer(void)
{
	struct duel d = { one_reads,
			  upgrade_it,
			  a_writer_comes_and_goes,
			  it_is_mine_as_it_said,
			  h_rounds(6000),
			  { 0 } };

	make(3);
	fight(&d);
	ends_free();
}

static void one_writes_and_two_wait(void)
{
	rwlock_write(&l);
	queue_rw(&writer, &l, WRITE);
	queue_rw(&reader, &l, READ);
}

static void downgrade_it(void)
{
	chp_rwlock_downgrade(&l);
}

static void the_writer_gives_up(void)
{
	CHECK_EQ(chp_op_cancel(&writer.op), CHP_HELD_NOTHING);
}

static void the_reader_is_in(void)
{
	readers_are(2);
	poll_ends(&reader, 1);
	CHECK_EQ(h_refs(&writer.waker), 0);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	readers_are(0);
}

static void a_downgrade_meets_a_writer_that_gives_up(void)
{
	struct duel d = { one_writes_and_two_wait, downgrade_it,
			  the_writer_gives_up,     the_reader_is_in,
			  h_rounds(6000),          { 0 } };

	make(3);
	fight(&d);
	ends_free();
}

static void one_writes(void)
{
	rwlock_write(&l);
}

static void a_reader_comes(void)
{
	start_rw(&reader, &l, READ);
	poll_again(&reader);
}

static void the_reader_got_in(void)
{
	readers_are(2);
	if (!chp_op_is_finished(&reader.op))
		poll_ends(&reader, 1);
	CHECK_CODE(reader.op.result, 0);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
	readers_are(0);
}

static void a_downgrade_meets_a_reader(void)
{
	struct duel d = { one_writes,        downgrade_it,   a_reader_comes,
			  the_reader_got_in, h_rounds(6000), { 0 } };

	make(3);
	fight(&d);
	ends_free();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_downgrade_leaves_one_reader, IN_ALL),
	TEST(only_readers_at_the_front_come_in, IN_ALL),
	TEST(and_no_more_than_max, IN_ALL),
	TEST(a_waiting_writer_stays_out, IN_ALL),
	TEST(the_only_reader_may_write, IN_ALL),
	TEST(one_of_several_may_not, IN_ALL),
	TEST(an_upgrade_comes_before_writers_that_wait, IN_ALL),
	TEST(a_reader_that_was_let_in_counts, IN_ALL),
	TEST(nobody_comes_in_while_upgraded, IN_ALL),
	TEST(an_upgrade_meets_a_read_unlock, IN_ALL),
	TEST(an_upgrade_meets_an_upgrade, IN_ALL),
	TEST(an_upgrade_meets_a_writer, IN_ALL),
	TEST(a_downgrade_meets_a_writer_that_gives_up, IN_ALL),
	TEST(a_downgrade_meets_a_reader, IN_ALL),
};
/* clang-format on */

H_MAIN("rwlock_change", tests)
