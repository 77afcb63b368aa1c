/*
 * test_mutex_owned.c - counted mutexes: the value behind them, who keeps them
 * alive, when the value is dropped.
 */
#include "lock.h"

static chp_word drops;
static void *dropped;

static void count_drop(void *value)
{
	dropped = value;
	h_add(&drops, 1);
}

/* A mutex with one reference and the value 41. */
static chp_mutex *make(unsigned flags)
{
	long value = 41;
	chp_mutex *m = chp_mutex_new(sizeof(value), &value, count_drop, flags);

	CHECK(m != NULL);
	drops.v = 0;
	dropped = NULL;
	return m;
}

static int owned_with(chp_mutex *m, chp_mutex_guard *g, const chp_wait *w)
{
	chp_lock_op op;

	if (h_mode() != H_POLLED)
		return chp_mutex_lock_owned_with(m, g, w);
	chp_mutex_lock_owned_op(&op, m, g);
	return h_wait(&op.op, w);
}

static chp_mutex_guard owned(chp_mutex *m)
{
	chp_mutex_guard g = { 0 };

	if (h_mode() != H_POLLED)
		return chp_mutex_lock_owned(m);
	CHECK_CODE(owned_with(m, &g, NULL), 0);
	return g;
}

static chp_mutex_guard no_guard(void)
{
	chp_mutex_guard g;

	memset(&g, 0x5a, sizeof(g));
	return g;
}

/* The guard is the last reference. */
static void frees(chp_mutex_guard *g, void *value)
{
	CHECK_EQ(h_load(&drops), 0);
	chp_mutex_guard_unlock(g);
	CHECK_EQ(h_load(&drops), 1);
	CHECK(dropped == value);
	CHECK(g->mutex == NULL);
	chp_mutex_guard_unlock(g);
	CHECK_EQ(h_load(&drops), 1);
}

/* ---- Making ---- */

static void a_value_lives_behind_it(unsigned flags)
{
	long before = h_blocks();
	chp_mutex *m = make(flags);
	long *value = chp_mutex_value(m);

	CHECK_EQ(h_blocks(), before + 1);
	CHECK_EQ(*value, 41);
	CHECK_EQ((uintptr_t)value % _Alignof(max_align_t), 0);
	CHECK(!chp_mutex_is_locked(m));
	mutex_lock(m);
	CHECK_CODE(chp_mutex_try_lock(m), CHP_EAGAIN);
	*value = 42;
	chp_mutex_unlock(m);
	chp_mutex_unref(m);
	CHECK_EQ(h_load(&drops), 1);
	CHECK(dropped == value);
	CHECK_EQ(h_blocks(), before);
}

static void without_a_value_it_is_zeros(unsigned flags)
{
	for (size_t size = 0; size < 5000; size = size * 3 + 1) {
		chp_mutex *m = chp_mutex_new(size, NULL, NULL, flags);
		unsigned char *value;

		CHECK(m != NULL);
		value = chp_mutex_value(m);
		CHECK(value != NULL);
		CHECK_EQ((uintptr_t)value % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			CHECK_EQ(value[i], 0);
		memset(value, 0xff, size);
		mutex_lock(m);
		chp_mutex_unlock(m);
		chp_mutex_unref(m);
	}
}

static void what_cannot_be_made_is_null(void)
{
	long before = h_blocks(), value = 0;

	CHECK(!chp_mutex_new(8, &value, count_drop, 2));
	CHECK(!chp_mutex_new(8, &value, count_drop, ~0u));
	for (size_t less = 0; less < 64; less++)
		CHECK(!chp_mutex_new(SIZE_MAX - less, NULL, NULL, 0));
	CHECK_EQ(h_blocks(), before);
	chp_mutex_unref(NULL);
}

static void the_last_reference_drops_the_value(unsigned flags)
{
	chp_mutex *m = make(flags);

	for (int i = 0; i < 100; i++)
		CHECK(chp_mutex_ref(m) == m);
	for (int i = 0; i < 100; i++) {
		chp_mutex_unref(m);
		CHECK_EQ(h_load(&drops), 0);
	}
	chp_mutex_unref(m);
	CHECK_EQ(h_load(&drops), 1);
}

/* ---- Owned guards ---- */

static void an_owned_guard_keeps_it_alive(unsigned flags)
{
	chp_mutex *m = make(flags);
	long *value = chp_mutex_value(m);
	chp_mutex_guard g = owned(m);

	CHECK(g.mutex == m);
	CHECK(g.data == value);
	CHECK_CODE(chp_mutex_try_lock(m), CHP_EAGAIN);
	chp_mutex_unref(m);
	CHECK_EQ(*value, 41);
	CHECK(chp_mutex_is_locked(m));
	frees(&g, value);

	m = make(flags);
	value = chp_mutex_value(m);
	g = no_guard();
	CHECK_CODE(owned_with(m, &g, NULL), 0);
	CHECK(g.mutex == m && g.data == value);
	chp_mutex_unref(m);
	frees(&g, value);

	m = make(flags);
	value = chp_mutex_value(m);
	g = no_guard();
	CHECK_CODE(chp_mutex_try_lock_owned(m, &g), 0);
	CHECK(g.mutex == m && g.data == value);
	chp_mutex_unref(m);
	frees(&g, value);
}

/* A guard that is not the last leaves the value alone. */
static void unlocking_lets_go_of_one_reference(unsigned flags)
{
	chp_mutex *m = make(flags);

	for (int i = 0; i < 10; i++) {
		chp_mutex_guard g = owned(m);

		chp_mutex_guard_unlock(&g);
		CHECK_EQ(h_load(&drops), 0);
		CHECK(!chp_mutex_is_locked(m));
	}
	chp_mutex_unref(m);
	CHECK_EQ(h_load(&drops), 1);
}

static void a_lock_that_failed_keeps_nothing_alive(unsigned flags)
{
	chp_wait past = { .deadline = 1 };
	chp_wait soon = { .deadline = chp_in(2 * CHP_MS) };
	chp_mutex *m = make(flags);
	chp_mutex_guard g = no_guard();

	hold(m);
	CHECK_CODE(chp_mutex_try_lock_owned(m, &g), CHP_EAGAIN);
	CHECK(g.mutex == NULL);
	if (h_mode() != H_POLLED) {
		g = no_guard();
		CHECK_CODE(chp_mutex_lock_owned_with(m, &g, &past),
			   CHP_ETIMEDOUT);
		CHECK(g.mutex == NULL);
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		g = no_guard();
		CHECK_CODE(chp_mutex_lock_owned_with(m, &g, NULL), CHP_EINTR);
		CHECK(g.mutex == NULL);
		g = no_guard();
		CHECK_CODE(chp_mutex_lock_owned_with(
				   m, &g, &(chp_wait){ .flags = 1u << 9 }),
			   CHP_EINVAL);
		CHECK(g.mutex == NULL);
	}
	g = (chp_mutex_guard){ 0 };
	CHECK_CODE(owned_with(m, &g, &soon), CHP_ETIMEDOUT);
	CHECK(g.mutex == NULL);
	chp_mutex_unlock(m);
	CHECK_EQ(h_load(&drops), 0);
	chp_mutex_unref(m);
	CHECK_EQ(h_load(&drops), 1);
}

static void *next_long(void *data, void *arg)
{
	(void)arg;
	return (long *)data + 1;
}

static void *no_long(void *data, void *arg)
{
	(void)data;
	return arg;
}

static void a_mapped_owned_guard_keeps_it_alive(unsigned flags)
{
	long values[2] = { 1, 2 };
	chp_mutex *m = chp_mutex_new(sizeof(values), values, count_drop, flags);
	long *value = chp_mutex_value(m);
	chp_mutex_guard g, part;

	drops.v = 0;
	g = owned(m);
	chp_mutex_unref(m);
	part = chp_mutex_guard_map(&g, next_long, NULL);
	CHECK(g.mutex == NULL);
	chp_mutex_guard_unlock(&g);
	CHECK_EQ(*(long *)part.data, 2);
	CHECK_CODE(chp_mutex_guard_try_map(&part, no_long, NULL, &g),
		   CHP_EINVAL);
	chp_mutex_guard_unlock(&g);
	CHECK_EQ(h_load(&drops), 0);
	CHECK_CODE(chp_mutex_guard_try_map(&part, no_long, values, &g), 0);
	chp_mutex_guard_unlock(&part);
	CHECK(g.data == values);
	frees(&g, value);
}

/* The value may hold the last reference to another one. */
static void drop_the_inner(void *value)
{
	chp_mutex *inner = *(chp_mutex **)value;
	chp_mutex_guard g;

	CHECK_CODE(chp_mutex_try_lock_owned(inner, &g), 0);
	chp_mutex_guard_unlock(&g);
	chp_mutex_unref(inner);
}

static void a_value_may_own_another_mutex(unsigned flags)
{
	chp_mutex *inner = make(flags), *outer;
	chp_mutex_guard g;

	outer = chp_mutex_new(sizeof(inner), &inner, drop_the_inner, flags);
	g = owned(outer);
	chp_mutex_unref(outer);
	CHECK_EQ(h_load(&drops), 0);
	chp_mutex_guard_unlock(&g);
	CHECK_EQ(h_load(&drops), 1);
}

/* ---- Operations ---- */

static void an_operation_holds_a_reference_from_its_first_poll(unsigned flags)
{
	chp_mutex *m = make(flags);
	chp_mutex_guard g = { 0 };
	struct poller p = { 0 };

	/* Not before: these leave nothing behind. */
	chp_mutex_lock_owned_op(&p.lock, m, &g);
	chp_op_cancel(&p.op);
	chp_mutex_lock_owned_op(&p.lock, m, &g);
	chp_mutex_unref(m);
	CHECK_EQ(h_load(&drops), 1);

	/* Ended by its result: the guard has the reference. */
	m = make(flags);
	hold(m);
	chp_mutex_lock_owned_op(&p.lock, m, &g);
	poll_pends(&p);
	chp_mutex_unlock(m);
	chp_mutex_unref(m);
	CHECK_EQ(h_load(&drops), 0);
	poll_ends(&p, 1);
	CHECK(g.mutex == m);
	CHECK_EQ(*(long *)g.data, 41);
	frees(&g, g.data);
}

static void a_cancelled_operation_lets_go_of_it(unsigned flags)
{
	for (int handed = 0; handed < 2; handed++) {
		chp_mutex *m = make(flags);
		chp_mutex_guard g = { 0 };
		struct poller p = { 0 };

		hold(m);
		chp_mutex_lock_owned_op(&p.lock, m, &g);
		poll_pends(&p);
		poll_pends(&p);
		if (handed)
			chp_mutex_unlock(m);
		chp_mutex_unref(m);
		if (handed) {
			/* The last reference is the operation's. */
			CHECK_EQ(h_load(&drops), 0);
			cancel_finds(&p,
				     flags ? CHP_GAVE_BACK : CHP_HELD_NOTHING);
			CHECK_EQ(h_load(&drops), 1);
		} else {
			chp_mutex_ref(m);
			cancel_finds(&p, CHP_HELD_NOTHING);
			CHECK_EQ(h_load(&drops), 0);
			chp_mutex_unlock(m);
			chp_mutex_unref(m);
			CHECK_EQ(h_load(&drops), 1);
		}
		CHECK(g.mutex == NULL);
	}
}

/* The guard given up hands the lock to an operation that is the last owner. */
static void a_lock_passes_through_a_cancelled_owner(unsigned flags)
{
	chp_mutex *m = make(flags);
	chp_mutex_guard g[2] = { { 0 } };
	struct poller p[2] = { { .waker = { { 0 } } } };
	chp_mutex_guard first = owned(m);

	for (int i = 0; i < 2; i++) {
		chp_mutex_lock_owned_op(&p[i].lock, m, &g[i]);
		poll_pends(&p[i]);
	}
	chp_mutex_unref(m);
	chp_mutex_guard_unlock(&first);
	chp_op_cancel(&p[0].op);
	CHECK_EQ(h_load(&drops), 0);
	poll_ends(&p[1], 1);
	frees(&g[1], g[1].data);
}

static void *own_and_count(void *arg)
{
	chp_mutex *m = arg;

	for (long i = 0; i < h_rounds(3000); i++) {
		chp_mutex_guard g = owned(m);

		++*(long *)g.data;
		chp_mutex_guard_unlock(&g);
	}
	chp_mutex_unref(m);
	return NULL;
}

static long last_value;

static void look_at_it(void *value)
{
	last_value = *(long *)value;
	h_add(&drops, 1);
}

/* Nobody knows who frees it; the value has all that was written. */
static void the_last_of_many_frees_it(unsigned flags)
{
	enum { AGENTS = 6 };
	chp_mutex *m = chp_mutex_new(sizeof(long), NULL, look_at_it, flags);
	struct h_agent a[AGENTS];

	drops.v = 0;
	for (int i = 0; i < AGENTS; i++)
		spawn_mixed(i, &a[i], own_and_count, chp_mutex_ref(m));
	chp_mutex_unref(m);
	join_mixed(a, AGENTS, sizeof(a[0]));
	CHECK_EQ(h_load(&drops), 1);
	CHECK_EQ(last_value, AGENTS * h_rounds(3000));
}

/* clang-format off */
BY_FLAGS(a_value_lives_behind_it)
BY_FLAGS(without_a_value_it_is_zeros)
BY_FLAGS(the_last_reference_drops_the_value)
BY_FLAGS(an_owned_guard_keeps_it_alive)
BY_FLAGS(unlocking_lets_go_of_one_reference)
BY_FLAGS(a_lock_that_failed_keeps_nothing_alive)
BY_FLAGS(a_mapped_owned_guard_keeps_it_alive)
BY_FLAGS(a_value_may_own_another_mutex)
BY_FLAGS(an_operation_holds_a_reference_from_its_first_poll)
BY_FLAGS(a_cancelled_operation_lets_go_of_it)
BY_FLAGS(a_lock_passes_through_a_cancelled_owner)
BY_FLAGS(the_last_of_many_frees_it)

static const struct h_test tests[] = {
	TESTS(a_value_lives_behind_it, IN_ALL),
	TESTS(without_a_value_it_is_zeros, IN_ALL),
	TEST(what_cannot_be_made_is_null, ON_ITS_OWN),
	TESTS(the_last_reference_drops_the_value, IN_ALL),
	TESTS(an_owned_guard_keeps_it_alive, IN_ALL),
	TESTS(unlocking_lets_go_of_one_reference, IN_ALL),
	TESTS(a_lock_that_failed_keeps_nothing_alive, IN_ALL),
	TESTS(a_mapped_owned_guard_keeps_it_alive, IN_ALL),
	TESTS(a_value_may_own_another_mutex, IN_ALL),
	TESTS(an_operation_holds_a_reference_from_its_first_poll, IN_ALL),
	TESTS(a_cancelled_operation_lets_go_of_it, IN_ALL),
	TESTS(a_lock_passes_through_a_cancelled_owner, IN_ALL),
	TESTS(the_last_of_many_frees_it, IN_ALL),
};
/* clang-format on */

H_MAIN("mutex_owned", tests)
