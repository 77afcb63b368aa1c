/*
 * test_rwlock_owned.c - counted rwlocks: the value behind them, who keeps them
 * alive, when the value is dropped.
 */
#include "lock.h"

enum { READ = 0, WRITE = 1 };

static chp_word drops;
static void *dropped;

static void count_drop(void *value)
{
	dropped = value;
	h_add(&drops, 1);
}

/* A rwlock with one reference and the value 41. */
static chp_rwlock *make(void)
{
	long value = 41;
	chp_rwlock *l = chp_rwlock_new(sizeof(value), &value, count_drop, 0);

	CHECK(l != NULL);
	drops.v = 0;
	dropped = NULL;
	return l;
}

static int owned_with(chp_rwlock *l, bool writes, chp_rwlock_guard *g,
		      const chp_wait *w)
{
	chp_rwlock_op op;

	if (h_mode() != H_POLLED)
		return (writes ? chp_rwlock_write_owned_with
			       : chp_rwlock_read_owned_with)(l, g, w);
	(writes ? chp_rwlock_write_owned_op : chp_rwlock_read_owned_op)(&op, l,
									g);
	return h_wait(&op.op, w);
}

static chp_rwlock_guard owned(chp_rwlock *l, bool writes)
{
	chp_rwlock_guard g = { 0 };

	if (h_mode() != H_POLLED)
		return (writes ? chp_rwlock_write_owned
			       : chp_rwlock_read_owned)(l);
	CHECK_CODE(owned_with(l, writes, &g, NULL), 0);
	return g;
}

static int try_owned(chp_rwlock *l, bool writes, chp_rwlock_guard *g)
{
	return (writes ? chp_rwlock_try_write_owned
		       : chp_rwlock_try_read_owned)(l, g);
}

static chp_rwlock_guard no_guard(void)
{
	chp_rwlock_guard g;

	memset(&g, 0x5a, sizeof(g));
	return g;
}

/* The guard is the last reference. */
static void frees(chp_rwlock_guard *g, void *value)
{
	CHECK_EQ(h_load(&drops), 0);
	chp_rwlock_guard_unlock(g);
	CHECK_EQ(h_load(&drops), 1);
	CHECK(dropped == value);
	CHECK(g->rwlock == NULL);
	chp_rwlock_guard_unlock(g);
	CHECK_EQ(h_load(&drops), 1);
}

/* ---- Making ---- */

static void a_value_lives_behind_it(void)
{
	long before = h_blocks();
	chp_rwlock *l = make();
	long *value = chp_rwlock_value(l);

	CHECK_EQ(h_blocks(), before + 1);
	CHECK_EQ(*value, 41);
	CHECK_EQ((uintptr_t)value % _Alignof(max_align_t), 0);
	CHECK_EQ(chp_rwlock_readers(l), 0);
	for (int i = 0; i < 100; i++)
		CHECK(chp_rwlock_ref(l) == l);
	for (int i = 0; i < 100; i++)
		chp_rwlock_unref(l);
	CHECK_EQ(h_load(&drops), 0);
	chp_rwlock_unref(l);
	CHECK_EQ(h_load(&drops), 1);
	CHECK(dropped == value);
	CHECK_EQ(h_blocks(), before);
	chp_rwlock_unref(NULL);
}

static void without_a_value_it_is_zeros(void)
{
	for (size_t size = 0; size < 5000; size = size * 3 + 1) {
		chp_rwlock *l = chp_rwlock_new(size, NULL, NULL, 2);
		unsigned char *value;

		CHECK(l != NULL);
		value = chp_rwlock_value(l);
		CHECK(value != NULL);
		CHECK_EQ((uintptr_t)value % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			CHECK_EQ(value[i], 0);
		memset(value, 0xff, size);
		/* And the limit is as it was said. */
		rwlock_read(l);
		rwlock_read(l);
		CHECK_CODE(chp_rwlock_try_read(l), CHP_EAGAIN);
		chp_rwlock_read_unlock(l);
		chp_rwlock_read_unlock(l);
		chp_rwlock_unref(l);
	}
}

static void what_cannot_be_made_is_null(void)
{
	long before = h_blocks(), value = 0;
	chp_rwlock *l;

	CHECK(!chp_rwlock_new(8, &value, count_drop,
			      CHP_RWLOCK_MAX_READERS + 1));
	CHECK(!chp_rwlock_new(8, &value, count_drop, UINT32_MAX));
	for (size_t less = 0; less < 64; less++)
		CHECK(!chp_rwlock_new(SIZE_MAX - less, NULL, NULL, 0));
	CHECK_EQ(h_blocks(), before);
	l = chp_rwlock_new(8, NULL, NULL, CHP_RWLOCK_MAX_READERS);
	CHECK(l != NULL);
	chp_rwlock_unref(l);
}

/* ---- Owned guards ---- */

static void an_owned_guard_keeps_it_alive(void)
{
	for (int writes = 0; writes < 2; writes++)
		for (int how = 0; how < 3; how++) {
			chp_rwlock *l = make();
			long *value = chp_rwlock_value(l);
			chp_rwlock_guard g = no_guard();

			if (how == 0)
				g = owned(l, writes);
			else if (how == 1)
				CHECK_CODE(owned_with(l, writes, &g, NULL), 0);
			else
				CHECK_CODE(try_owned(l, writes, &g), 0);
			CHECK(g.rwlock == l && g.data == value);
			CHECK_EQ(g.writes, writes);
			chp_rwlock_unref(l);
			CHECK_EQ(chp_rwlock_readers(l), writes ? -1 : 1);
			CHECK_EQ(*value, 41);
			frees(&g, value);
		}
}

static void the_last_of_several_readers_frees(void)
{
	chp_rwlock *l = make();
	chp_rwlock_guard g[5];

	for (int i = 0; i < 5; i++)
		g[i] = owned(l, READ);
	chp_rwlock_unref(l);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(chp_rwlock_readers(l), 5 - i);
		chp_rwlock_guard_unlock(&g[i]);
		CHECK_EQ(h_load(&drops), 0);
	}
	frees(&g[4], g[4].data);
}

static void a_lock_that_failed_keeps_nothing_alive(void)
{
	chp_rwlock *l = make();

	rwlock_write(l);
	for (int writes = 0; writes < 2; writes++) {
		chp_wait soon = { .deadline = chp_in(2 * CHP_MS) };
		chp_rwlock_guard g = no_guard();

		CHECK_CODE(try_owned(l, writes, &g), CHP_EAGAIN);
		CHECK(g.rwlock == NULL);
		if (h_mode() != H_POLLED) {
			g = no_guard();
			CHECK_CODE(owned_with(l, writes, &g,
					      &(chp_wait){ .deadline = 1 }),
				   CHP_ETIMEDOUT);
			CHECK(g.rwlock == NULL);
			g = no_guard();
			CHECK_CODE(owned_with(l, writes, &g,
					      &(chp_wait){ .flags = 1u << 9 }),
				   CHP_EINVAL);
			CHECK(g.rwlock == NULL);
			CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
			g = no_guard();
			CHECK_CODE(owned_with(l, writes, &g, NULL), CHP_EINTR);
			CHECK(g.rwlock == NULL);
		}
		g = (chp_rwlock_guard){ 0 };
		CHECK_CODE(owned_with(l, writes, &g, &soon), CHP_ETIMEDOUT);
		CHECK(g.rwlock == NULL);
	}
	chp_rwlock_write_unlock(l);
	CHECK_EQ(h_load(&drops), 0);
	chp_rwlock_unref(l);
	CHECK_EQ(h_load(&drops), 1);
}

static void *second_byte(void *data, void *arg)
{
	(void)arg;
	return (char *)data + 1;
}

static void *null(void *data, void *arg)
{
	(void)data;
	return arg;
}

static void what_it_is_made_into_keeps_it_alive(void)
{
	chp_rwlock *l = make();
	char *value = chp_rwlock_value(l);
	chp_rwlock_guard g = owned(l, WRITE), h;

	chp_rwlock_unref(l);
	CHECK_CODE(chp_rwlock_guard_try_downgrade_map(&g, null, NULL, &h),
		   CHP_EINVAL);
	h = chp_rwlock_guard_downgrade(&g);
	chp_rwlock_guard_unlock(&g);
	CHECK_CODE(chp_rwlock_guard_try_upgrade(&h), 0);
	CHECK_CODE(chp_rwlock_guard_try_map(&h, null, NULL, &g), CHP_EINVAL);
	g = chp_rwlock_guard_downgrade_map(&h, second_byte, NULL);
	chp_rwlock_guard_unlock(&h);
	CHECK_EQ(h_load(&drops), 0);
	h = chp_rwlock_guard_map(&g, second_byte, NULL);
	chp_rwlock_guard_unlock(&g);
	CHECK(h.data == value + 2);
	CHECK_EQ(chp_rwlock_readers(l), 1);
	frees(&h, value);
}

/* ---- Operations ---- */

static void start(struct poller *p, chp_rwlock *l, bool writes,
		  chp_rwlock_guard *g)
{
	memset(p, 0, sizeof(*p));
	memset(g, 0, sizeof(*g));
	(writes ? chp_rwlock_write_owned_op
		: chp_rwlock_read_owned_op)(&p->rwlock, l, g);
}

static void an_operation_holds_a_reference_from_its_first_poll(void)
{
	for (int writes = 0; writes < 2; writes++) {
		chp_rwlock *l = make();
		chp_rwlock_guard g;
		struct poller p;

		start(&p, l, writes, &g);
		chp_op_cancel(&p.op);
		start(&p, l, writes, &g);
		chp_rwlock_unref(l);
		CHECK_EQ(h_load(&drops), 1);

		/* Ended by its result: the guard has the reference. */
		l = make();
		rwlock_write(l);
		start(&p, l, writes, &g);
		poll_pends(&p);
		chp_rwlock_write_unlock(l);
		chp_rwlock_unref(l);
		CHECK_EQ(h_load(&drops), 0);
		poll_ends(&p, 1);
		CHECK(g.rwlock == l);
		CHECK_EQ(*(long *)g.data, 41);
		frees(&g, g.data);

		/* Ended by giving up. */
		l = make();
		rwlock_write(l);
		start(&p, l, writes, &g);
		poll_pends(&p);
		poll_pends(&p);
		chp_rwlock_write_unlock(l);
		chp_rwlock_unref(l);
		CHECK_EQ(h_load(&drops), 0);
		cancel_finds(&p, CHP_GAVE_BACK);
		CHECK_EQ(h_load(&drops), 1);
		CHECK(g.rwlock == NULL);
	}
}

/* The writer that gives up lets in those who then are the last owners. */
static void a_lock_passes_through_a_cancelled_owner(void)
{
	chp_rwlock *l = make();
	chp_rwlock_guard first = owned(l, READ), g[3];
	struct poller p[3];

	for (int i = 0; i < 3; i++) {
		start(&p[i], l, i == 0, &g[i]);
		poll_pends(&p[i]);
	}
	chp_rwlock_unref(l);
	cancel_finds(&p[0], CHP_HELD_NOTHING);
	poll_ends(&p[1], 1);
	chp_rwlock_guard_unlock(&first);
	chp_rwlock_guard_unlock(&g[1]);
	CHECK_EQ(h_load(&drops), 0);
	cancel_finds(&p[2], CHP_GAVE_BACK);
	CHECK_EQ(h_load(&drops), 1);
}

static void *own_and_count(void *arg)
{
	chp_rwlock *l = arg;

	for (long i = 0; i < h_rounds(2000); i++) {
		chp_rwlock_guard g = owned(l, i % 4 == 0);
		long seen = *(long *)g.data;

		if (g.writes) {
			++*(long *)g.data;
			if (i % 8 == 0) {
				g = chp_rwlock_guard_downgrade(&g);
				CHECK_EQ(*(long *)g.data, seen + 1);
			}
		}
		chp_rwlock_guard_unlock(&g);
	}
	chp_rwlock_unref(l);
	return NULL;
}

static long last_value;

static void look_at_it(void *value)
{
	last_value = *(long *)value;
	h_add(&drops, 1);
}

/* Nobody knows who frees it; the value has all that was written. */
static void the_last_of_many_frees_it(void)
{
	enum { AGENTS = 6 };
	chp_rwlock *l = chp_rwlock_new(sizeof(long), NULL, look_at_it, 3);
	long rounds = h_rounds(2000);
	struct h_agent a[AGENTS];

	drops.v = 0;
	for (int i = 0; i < AGENTS; i++)
		spawn_mixed(i, &a[i], own_and_count, chp_rwlock_ref(l));
	chp_rwlock_unref(l);
	join_mixed(a, AGENTS, sizeof(a[0]));
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(last_value, AGENTS * ((rounds + 3) / 4));
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_value_lives_behind_it, IN_ALL),
	TEST(without_a_value_it_is_zeros, IN_ALL),
	TEST(what_cannot_be_made_is_null, ON_ITS_OWN),
	TEST(an_owned_guard_keeps_it_alive, IN_ALL),
	TEST(the_last_of_several_readers_frees, IN_ALL),
	TEST(a_lock_that_failed_keeps_nothing_alive, IN_ALL),
	TEST(what_it_is_made_into_keeps_it_alive, IN_ALL),
	TEST(an_operation_holds_a_reference_from_its_first_poll, IN_ALL),
	TEST(a_lock_passes_through_a_cancelled_owner, IN_ALL),
	TEST(the_last_of_many_frees_it, IN_ALL),
};
/* clang-format on */

H_MAIN("rwlock_owned", tests)
