/*
 * test_rwlock_guard.c - guards: what they point to, moving and mapping them,
 * downgrading and upgrading, guards as results of operations; counted rwlocks;
 * typed rwlocks.
 */
#include "lock.h"

enum { READ = 0, WRITE = 1 };

struct row {
	long key, value;
};

static chp_rwlock lock;
static struct row row;

static void make(void)
{
	CHECK_CODE(chp_rwlock_init(&lock, 5), 0);
	row = (struct row){ 7, 100 };
}

static void ends_free(void)
{
	CHECK_EQ(QUEUED(&lock), 0);
	CHECK_EQ(chp_rwlock_readers(&lock), 0);
	chp_rwlock_destroy(&lock);
}

/* What is no guard, to see that it is overwritten. */
static chp_rwlock_guard no_guard(void)
{
	chp_rwlock_guard g;

	memset(&g, 0x5a, sizeof(g));
	return g;
}

static void is_none(const chp_rwlock_guard *g)
{
	chp_rwlock_guard copy = *g;

	CHECK(g->rwlock == NULL);
	/* Unlocking it does nothing. */
	chp_rwlock_guard_unlock(&copy);
	CHECK(copy.rwlock == NULL);
}

static void guards(const chp_rwlock_guard *g, void *data, int64_t readers)
{
	CHECK(g->rwlock == &lock);
	CHECK(g->data == data);
	CHECK_EQ(g->writes, readers < 0);
	CHECK_EQ(chp_rwlock_readers(&lock), readers);
}

static int guard_with(bool writes, chp_rwlock_guard *g, const chp_wait *w)
{
	chp_rwlock_op op;

	if (h_mode() != H_POLLED)
		return (writes ? chp_rwlock_write_guard_with
			       : chp_rwlock_read_guard_with)(&lock, &row, g, w);
	(writes ? chp_rwlock_write_guard_op
		: chp_rwlock_read_guard_op)(&op, &lock, &row, g);
	return h_wait(&op.op, w);
}

static chp_rwlock_guard guard(bool writes)
{
	chp_rwlock_guard g = { 0 };

	if (h_mode() != H_POLLED)
		return (writes ? chp_rwlock_write_guard
			       : chp_rwlock_read_guard)(&lock, &row);
	CHECK_CODE(guard_with(writes, &g, NULL), 0);
	return g;
}

static int try_guard(bool writes, chp_rwlock_guard *g)
{
	return (writes ? chp_rwlock_try_write_guard
		       : chp_rwlock_try_read_guard)(&lock, &row, g);
}

static void unlock(chp_rwlock_guard *g)
{
	chp_rwlock_guard_unlock(g);
	is_none(g);
}

/* ---- Locking ---- */

static void a_guard_locks_and_points(void)
{
	chp_rwlock_guard g, other, none = { 0 };

	make();
	is_none(&none);
	for (int writes = 0; writes < 2; writes++) {
		int64_t one = writes ? -1 : 1;

		g = guard(writes);
		guards(&g, &row, one);
		unlock(&g);
		g = no_guard();
		CHECK_CODE(guard_with(writes, &g, NULL), 0);
		guards(&g, &row, one);
		unlock(&g);
		g = no_guard();
		CHECK_CODE(try_guard(writes, &g), 0);
		guards(&g, &row, one);
		other = no_guard();
		CHECK_CODE(try_guard(WRITE, &other), CHP_EAGAIN);
		is_none(&other);
		other = no_guard();
		CHECK_CODE(try_guard(READ, &other), writes ? CHP_EAGAIN : 0);
		unlock(&other);
		unlock(&g);
		chp_rwlock_guard_unlock(&g);
		CHECK_EQ(chp_rwlock_readers(&lock), 0);
	}
	ends_free();
}

static void a_lock_that_failed_gives_the_empty_guard(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	const chp_wait with[] = { { .deadline = 1 },
				  { .cancel = &token },
				  { .flags = 1u << 30 } };
	const int codes[] = { CHP_ETIMEDOUT, CHP_ECANCELED, CHP_EINVAL };

	make();
	chp_cancel_now(&token);
	rwlock_write(&lock);
	for (int writes = 0; writes < 2; writes++) {
		chp_rwlock_guard g;

		for (int i = 0; i < 3; i++) {
			g = no_guard();
			CHECK_CODE(guard_with(writes, &g, &with[i]), codes[i]);
			is_none(&g);
		}
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		g = no_guard();
		CHECK_CODE(guard_with(writes, &g, NULL), CHP_EINTR);
		is_none(&g);
	}
	chp_rwlock_write_unlock(&lock);
	ends_free();
}

static void an_operation_fills_the_guard_when_it_ends(void)
{
	make();
	for (int writes = 0; writes < 2; writes++) {
		for (int how = 0; how < 3; how++) {
			chp_rwlock_guard g = { 0 };
			struct poller p = { 0 };

			rwlock_write(&lock);
			(writes ? chp_rwlock_write_guard_op
				: chp_rwlock_read_guard_op)(&p.rwlock, &lock,
							    &row, &g);
			poll_pends(&p);
			is_none(&g);
			if (how == 0)
				cancel_finds(&p, CHP_HELD_NOTHING);
			chp_rwlock_write_unlock(&lock);
			is_none(&g);
			if (how == 1)
				cancel_finds(&p, CHP_GAVE_BACK);
			if (how < 2) {
				is_none(&g);
				continue;
			}
			poll_ends(&p, 1);
			guards(&g, &row, writes ? -1 : 1);
			unlock(&g);
		}
	}
	ends_free();
}

/* ---- Mapping ---- */

static int64_t readers_in_f;

static void *value_of(void *data, void *arg)
{
	struct row *r = data;

	CHECK(arg == &readers_in_f);
	CHECK_EQ(chp_rwlock_readers(&lock), readers_in_f);
	return &r->value;
}

static void *nothing(void *data, void *arg)
{
	CHECK(data == &row);
	CHECK(arg == &readers_in_f);
	CHECK_EQ(chp_rwlock_readers(&lock), readers_in_f);
	return NULL;
}

static void *second_byte(void *data, void *arg)
{
	(void)arg;
	return (char *)data + 1;
}

static void map_narrows_to_a_part(void)
{
	make();
	for (int writes = 0; writes < 2; writes++) {
		chp_rwlock_guard g = guard(writes), part;

		readers_in_f = writes ? -1 : 1;
		part = chp_rwlock_guard_map(&g, value_of, &readers_in_f);
		is_none(&g);
		guards(&part, &row.value, readers_in_f);
		g = chp_rwlock_guard_map(&part, second_byte, NULL);
		is_none(&part);
		guards(&g, (char *)&row.value + 1, readers_in_f);
		unlock(&g);
		/* Onto itself. */
		g = guard(writes);
		g = chp_rwlock_guard_map(&g, value_of, &readers_in_f);
		guards(&g, &row.value, readers_in_f);
		unlock(&g);
	}
	ends_free();
}

static void try_map_gives_the_guard_back(void)
{
	make();
	for (int writes = 0; writes < 2; writes++) {
		chp_rwlock_guard g = guard(writes), part = no_guard();

		readers_in_f = writes ? -1 : 1;
		CHECK_CODE(chp_rwlock_guard_try_map(&g, nothing, &readers_in_f,
						    &part),
			   CHP_EINVAL);
		is_none(&part);
		guards(&g, &row, readers_in_f);
		part = no_guard();
		CHECK_CODE(chp_rwlock_guard_try_map(&g, value_of, &readers_in_f,
						    &part),
			   0);
		is_none(&g);
		guards(&part, &row.value, readers_in_f);
		unlock(&part);
	}
	ends_free();
}

/* One that could not be mapped can still be downgraded. */
static void a_failed_map_leaves_it_unmapped(void)
{
	chp_rwlock_guard g, part;

	make();
	g = guard(WRITE);
	readers_in_f = -1;
	CHECK_CODE(chp_rwlock_guard_try_map(&g, nothing, &readers_in_f, &part),
		   CHP_EINVAL);
	CHECK_CODE(chp_rwlock_guard_try_downgrade_map(&g, nothing,
						      &readers_in_f, &part),
		   CHP_EINVAL);
	part = chp_rwlock_guard_downgrade(&g);
	guards(&part, &row, 1);
	unlock(&part);
	ends_free();
}

/* ---- Downgrading and upgrading ---- */

static void a_downgraded_guard_reads(void)
{
	struct poller r, w;
	chp_rwlock_guard g, h;

	make();
	g = guard(WRITE);
	queue_rw(&r, &lock, READ);
	queue_rw(&w, &lock, WRITE);
	h = chp_rwlock_guard_downgrade(&g);
	is_none(&g);
	guards(&h, &row, 2);
	poll_ends(&r, 1);
	/* A reader's is moved as it is. */
	g = chp_rwlock_guard_downgrade(&h);
	is_none(&h);
	guards(&g, &row, 2);
	g = chp_rwlock_guard_downgrade(&g);
	guards(&g, &row, 2);
	unlock(&g);
	CHECK_EQ(h_wakes(&w.waker), 0);
	chp_rwlock_read_unlock(&lock);
	poll_ends(&w, 1);
	chp_rwlock_write_unlock(&lock);
	ends_free();
}

static void downgrade_map_maps_while_it_writes(void)
{
	chp_rwlock_guard g, h;
	struct poller r;

	make();
	g = guard(WRITE);
	queue_rw(&r, &lock, READ);
	readers_in_f = -1;
	h = chp_rwlock_guard_downgrade_map(&g, value_of, &readers_in_f);
	is_none(&g);
	guards(&h, &row.value, 2);
	poll_ends(&r, 1);
	chp_rwlock_read_unlock(&lock);
	unlock(&h);
	ends_free();
}

static void try_downgrade_map_never_unlocks(void)
{
	chp_rwlock_guard g, h = no_guard();
	struct poller r;

	make();
	g = guard(WRITE);
	queue_rw(&r, &lock, READ);
	readers_in_f = -1;
	CHECK_CODE(chp_rwlock_guard_try_downgrade_map(&g, nothing,
						      &readers_in_f, &h),
		   CHP_EINVAL);
	is_none(&h);
	guards(&g, &row, -1);
	CHECK_EQ(h_wakes(&r.waker), 0);
	CHECK_CODE(chp_rwlock_guard_try_downgrade_map(&g, value_of,
						      &readers_in_f, &h),
		   0);
	is_none(&g);
	guards(&h, &row.value, 2);
	poll_ends(&r, 1);
	chp_rwlock_read_unlock(&lock);
	unlock(&h);
	ends_free();
}

static void an_upgraded_guard_writes(void)
{
	chp_rwlock_guard g, other;

	make();
	g = guard(READ);
	other = guard(READ);
	CHECK_CODE(chp_rwlock_guard_try_upgrade(&g), CHP_EAGAIN);
	guards(&g, &row, 2);
	unlock(&other);
	CHECK_CODE(chp_rwlock_guard_try_upgrade(&g), 0);
	guards(&g, &row, -1);
	g = chp_rwlock_guard_downgrade(&g);
	guards(&g, &row, 1);
	CHECK_CODE(chp_rwlock_guard_try_upgrade(&g), 0);
	unlock(&g);
	ends_free();
}

static void unlocking_a_guard_lets_the_next_in(void)
{
	make();
	for (int writes = 0; writes < 2; writes++) {
		chp_rwlock_guard g = guard(writes);
		struct poller w;

		readers_in_f = writes ? -1 : 1;
		g = chp_rwlock_guard_map(&g, value_of, &readers_in_f);
		queue_rw(&w, &lock, WRITE);
		unlock(&g);
		poll_ends(&w, 1);
		chp_rwlock_write_unlock(&lock);
	}
	ends_free();
}

/* ---- Typed ---- */

CHP_RWLOCK_DEFINE(safe_row, struct row);

static safe_row typed;

static void a_typed_rwlock_gives_the_value(void)
{
	const struct row *seen = safe_row_read(&typed), *also;
	struct row *mine;

	CHECK_EQ(seen->value, 0);
	also = safe_row_try_read(&typed);
	CHECK(also == seen);
	CHECK(safe_row_try_write(&typed) == NULL);
	safe_row_read_unlock(&typed);
	safe_row_read_unlock(&typed);
	mine = safe_row_write(&typed);
	mine->value = 9;
	CHECK(safe_row_try_read(&typed) == NULL);
	seen = safe_row_downgrade(&typed);
	CHECK_EQ(seen->value, 9);
	CHECK_EQ(chp_rwlock_readers(&typed.rwlock), 1);
	safe_row_read_unlock(&typed);
	mine = safe_row_try_write(&typed);
	CHECK(mine == seen);
	mine->value = 0;
	safe_row_write_unlock(&typed);
	CHECK_EQ(chp_rwlock_readers(&typed.rwlock), 0);
}

static void a_typed_rwlock_takes_deadlines(void)
{
	chp_wait past = { .deadline = 1 };
	const struct row *seen, *also;
	struct row *mine;

	CHECK_CODE(safe_row_read_with(&typed, &seen, &past), 0);
	CHECK_CODE(safe_row_read_with(&typed, &also, &past), 0);
	CHECK(also == seen);
	CHECK_CODE(safe_row_write_with(&typed, &mine, &past), CHP_ETIMEDOUT);
	CHECK(!mine);
	CHECK(!safe_row_try_upgrade(&typed));
	safe_row_read_unlock(&typed);
	mine = safe_row_try_upgrade(&typed);
	CHECK(mine == seen);
	CHECK_CODE(safe_row_read_with(&typed, &also, &past), CHP_ETIMEDOUT);
	CHECK(!also);
	safe_row_write_unlock(&typed);
	CHECK_CODE(safe_row_write_with(&typed, &mine, &past), 0);
	CHECK(mine == seen);
	safe_row_write_unlock(&typed);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_guard_locks_and_points, IN_ALL),
	TEST(a_lock_that_failed_gives_the_empty_guard, IN_BLOCKING),
	TEST(an_operation_fills_the_guard_when_it_ends, IN_ALL),
	TEST(map_narrows_to_a_part, IN_ALL),
	TEST(try_map_gives_the_guard_back, IN_ALL),
	TEST(a_failed_map_leaves_it_unmapped, IN_ALL),
	TEST(a_downgraded_guard_reads, IN_ALL),
	TEST(downgrade_map_maps_while_it_writes, IN_ALL),
	TEST(try_downgrade_map_never_unlocks, IN_ALL),
	TEST(an_upgraded_guard_writes, IN_ALL),
	TEST(unlocking_a_guard_lets_the_next_in, IN_ALL),
	TEST(a_typed_rwlock_gives_the_value, IN_BLOCKING),
	TEST(a_typed_rwlock_takes_deadlines, IN_BLOCKING),
};
/* clang-format on */

H_MAIN("rwlock_guard", tests)
