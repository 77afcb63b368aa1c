/*
 * test_mutex_guard.c - guards: what they point to, moving and mapping them,
 * guards as results of operations; scoped locks; typed mutexes.  Counted
 * mutexes and owned guards: test_mutex_owned.c.
 */
#include "lock.h"

struct account {
	long id, balance;
};

static chp_mutex mutex;
static struct account account;

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&mutex, flags), 0);
	account = (struct account){ 7, 100 };
}

static void ends_unlocked(void)
{
	CHECK_EQ(QUEUED(&mutex), 0);
	CHECK(!chp_mutex_is_locked(&mutex));
	chp_mutex_destroy(&mutex);
}

/* What is no guard, to see that it is overwritten. */
static chp_mutex_guard no_guard(void)
{
	chp_mutex_guard g;

	memset(&g, 0x5a, sizeof(g));
	return g;
}

static void is_none(const chp_mutex_guard *g)
{
	chp_mutex_guard copy = *g;

	CHECK(g->mutex == NULL);
	/* Unlocking it does nothing. */
	chp_mutex_guard_unlock(&copy);
	CHECK(copy.mutex == NULL);
}

static void guards(const chp_mutex_guard *g, void *data)
{
	CHECK(g->mutex == &mutex);
	CHECK(g->data == data);
	CHECK(chp_mutex_is_locked(&mutex));
	CHECK_CODE(chp_mutex_try_lock(&mutex), CHP_EAGAIN);
}

static int guard_with(chp_mutex_guard *g, const chp_wait *w)
{
	chp_lock_op op;

	if (h_mode() != H_POLLED)
		return chp_mutex_lock_guard_with(&mutex, &account, g, w);
	chp_mutex_lock_guard_op(&op, &mutex, &account, g);
	return h_wait(&op.op, w);
}

static chp_mutex_guard guard(void)
{
	chp_mutex_guard g = { 0 };

	if (h_mode() != H_POLLED)
		return chp_mutex_lock_guard(&mutex, &account);
	CHECK_CODE(guard_with(&g, NULL), 0);
	return g;
}

static void unlock(chp_mutex_guard *g)
{
	chp_mutex_guard_unlock(g);
	is_none(g);
	CHECK(!chp_mutex_is_locked(&mutex));
}

/* ---- Locking ---- */

static void a_guard_locks_and_points(unsigned flags)
{
	chp_mutex_guard g, copy, none = { 0 };

	make(flags);
	is_none(&none);
	g = guard();
	guards(&g, &account);
	/* A copy is the same guard: one owner at a time. */
	copy = g;
	guards(&copy, &account);
	unlock(&copy);

	g = no_guard();
	CHECK_CODE(guard_with(&g, NULL), 0);
	guards(&g, &account);
	unlock(&g);
	chp_mutex_guard_unlock(&g);
	CHECK(!chp_mutex_is_locked(&mutex));

	g = no_guard();
	CHECK_CODE(chp_mutex_try_lock_guard(&mutex, &account, &g), 0);
	guards(&g, &account);
	unlock(&g);

	g = no_guard();
	CHECK_CODE(chp_mutex_try_lock_guard(&mutex, NULL, &g), 0);
	guards(&g, NULL);
	unlock(&g);
	ends_unlocked();
}

static void a_lock_that_failed_gives_the_empty_guard(unsigned flags)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait past = { .deadline = 1 }, cancelled = { .cancel = &token };
	chp_wait bad = { .flags = 1u << 30 };
	chp_mutex_guard g;

	make(flags);
	hold(&mutex);
	chp_cancel_now(&token);
	g = no_guard();
	CHECK_CODE(chp_mutex_try_lock_guard(&mutex, &account, &g), CHP_EAGAIN);
	is_none(&g);
	if (h_mode() == H_POLLED) {
		chp_mutex_unlock(&mutex);
		ends_unlocked();
		return;
	}
	g = no_guard();
	CHECK_CODE(guard_with(&g, &past), CHP_ETIMEDOUT);
	is_none(&g);
	g = no_guard();
	CHECK_CODE(guard_with(&g, &cancelled), CHP_ECANCELED);
	is_none(&g);
	g = no_guard();
	CHECK_CODE(guard_with(&g, &bad), CHP_EINVAL);
	is_none(&g);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	g = no_guard();
	CHECK_CODE(guard_with(&g, NULL), CHP_EINTR);
	is_none(&g);
	chp_mutex_unlock(&mutex);
	/* The plain form cannot fail. */
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	g = chp_mutex_lock_guard(&mutex, &account);
	guards(&g, &account);
	CHECK(chp_interrupted());
	unlock(&g);
	ends_unlocked();
}

static void an_operation_fills_the_guard_when_it_ends(unsigned flags)
{
	chp_mutex_guard g = { 0 };
	struct poller p = { 0 };

	make(flags);
	hold(&mutex);
	chp_mutex_lock_guard_op(&p.lock, &mutex, &account, &g);
	poll_pends(&p);
	is_none(&g);
	chp_mutex_unlock(&mutex);
	is_none(&g);
	poll_ends(&p, 1);
	guards(&g, &account);
	unlock(&g);
	ends_unlocked();
}

static void a_cancelled_operation_leaves_it_empty(unsigned flags)
{
	chp_mutex_guard g = { 0 };
	struct poller p = { 0 };

	make(flags);
	hold(&mutex);
	for (int handed = 0; handed < 2; handed++) {
		chp_mutex_lock_guard_op(&p.lock, &mutex, &account, &g);
		poll_pends(&p);
		if (handed)
			chp_mutex_unlock(&mutex);
		cancel_finds(&p, handed && flags ? CHP_GAVE_BACK
						 : CHP_HELD_NOTHING);
		is_none(&g);
	}
	ends_unlocked();
}

/* ---- Mapping ---- */

static void *expected_arg;

static void *balance_of(void *data, void *arg)
{
	struct account *a = data;

	CHECK(arg == expected_arg);
	CHECK(chp_mutex_is_locked(&mutex));
	CHECK_CODE(chp_mutex_try_lock(&mutex), CHP_EAGAIN);
	return &a->balance;
}

static void *nothing(void *data, void *arg)
{
	(void)data;
	CHECK(arg == expected_arg);
	CHECK(chp_mutex_is_locked(&mutex));
	return NULL;
}

static void *second_byte(void *data, void *arg)
{
	(void)arg;
	return (char *)data + 1;
}

static void map_narrows_to_a_part(unsigned flags)
{
	chp_mutex_guard g, part;

	make(flags);
	g = guard();
	expected_arg = &g;
	part = chp_mutex_guard_map(&g, balance_of, &g);
	is_none(&g);
	guards(&part, &account.balance);
	*(long *)part.data += 10;
	/* And again. */
	g = chp_mutex_guard_map(&part, second_byte, NULL);
	is_none(&part);
	guards(&g, (char *)&account.balance + 1);
	unlock(&g);
	CHECK_EQ(account.balance, 110);
	ends_unlocked();
}

/* The header's example. */
static void a_guard_may_be_mapped_onto_itself(unsigned flags)
{
	chp_mutex_guard g;

	make(flags);
	expected_arg = NULL;
	g = guard();
	g = chp_mutex_guard_map(&g, balance_of, NULL);
	guards(&g, &account.balance);
	unlock(&g);
	ends_unlocked();
}

/* tokio's map has any reference for its result; ours may well be NULL. */
static void map_may_give_null(unsigned flags)
{
	chp_mutex_guard g, part;

	make(flags);
	expected_arg = NULL;
	g = guard();
	part = chp_mutex_guard_map(&g, nothing, NULL);
	is_none(&g);
	guards(&part, NULL);
	unlock(&part);
	ends_unlocked();
}

static void try_map_gives_the_guard_back(unsigned flags)
{
	chp_mutex_guard g, part = no_guard();

	make(flags);
	expected_arg = &part;
	g = guard();
	CHECK_CODE(chp_mutex_guard_try_map(&g, nothing, &part, &part),
		   CHP_EINVAL);
	is_none(&part);
	guards(&g, &account);
	part = no_guard();
	CHECK_CODE(chp_mutex_guard_try_map(&g, balance_of, &part, &part), 0);
	is_none(&g);
	guards(&part, &account.balance);
	CHECK_CODE(chp_mutex_guard_try_map(&part, nothing, expected_arg, &g),
		   CHP_EINVAL);
	is_none(&g);
	guards(&part, &account.balance);
	unlock(&part);
	ends_unlocked();
}

static void *lock_and_count(void *arg)
{
	chp_mutex_guard g = guard();

	((struct account *)g.data)->balance++;
	chp_mutex_guard_unlock(&g);
	return arg;
}

static void unlocking_a_mapped_guard_wakes_the_next(unsigned flags)
{
	chp_mutex_guard g;
	struct h_agent a;

	make(flags);
	/* Let it be a poller's: an agent of its own waits meanwhile. */
	g = guard();
	expected_arg = NULL;
	g = chp_mutex_guard_map(&g, balance_of, NULL);
	h_spawn(&a, lock_and_count, NULL);
	h_until(QUEUED(&mutex) == 1);
	chp_mutex_guard_unlock(&g);
	h_join(&a);
	CHECK_EQ(account.balance, 101);
	ends_unlocked();
}

/* ---- Handing a lock to another agent ---- */

static chp_mutex_guard handed;
static chp_word stage;

static void *take_over(void *arg)
{
	h_until(h_load(&stage) == 1);
	chp_mutex_adopt(&mutex);
	guards(&handed, &account);
	account.balance = 1;
	chp_mutex_guard_unlock(&handed);
	return arg;
}

static void a_guard_may_be_handed_to_another(unsigned flags)
{
	struct h_agent a;

	make(flags);
	stage.v = 0;
	h_spawn(&a, take_over, NULL);
	handed = guard();
	h_store(&stage, 1);
	h_join(&a);
	is_none(&handed);
	CHECK_EQ(account.balance, 1);
	/* And who gave it away may lock again. */
	mutex_lock(&mutex);
	chp_mutex_unlock(&mutex);
	ends_unlocked();
}

/* ---- Locked until the end of the block ---- */

static long leave_by_return(long way)
{
	CHP_MUTEX_SCOPED(&mutex);
	CHECK(chp_mutex_is_locked(&mutex));
	if (way == 1)
		return account.id;
	for (;;) {
		CHECK(chp_mutex_is_locked(&mutex));
		if (way == 2)
			break;
		goto out;
	}
	account.id++;
out:
	return account.id;
}

static void a_scoped_lock_ends_with_its_block(unsigned flags)
{
	chp_mutex inner = CHP_MUTEX_INIT(flags);

	make(flags);
	{
		CHP_MUTEX_SCOPED(&mutex);
		CHECK(chp_mutex_is_locked(&mutex));
		{
			CHP_MUTEX_SCOPED(&inner);
			CHECK(chp_mutex_is_locked(&inner));
			CHECK(chp_mutex_is_locked(&mutex));
		}
		CHECK(!chp_mutex_is_locked(&inner));
		CHECK(chp_mutex_is_locked(&mutex));
	}
	CHECK(!chp_mutex_is_locked(&mutex));
	for (long way = 1; way <= 3; way++) {
		CHECK_EQ(leave_by_return(way), way == 1 ? 7 : 8);
		CHECK(!chp_mutex_is_locked(&mutex));
	}
	for (int i = 0; i < 3; i++) {
		CHP_MUTEX_SCOPED(&mutex);
		CHP_MUTEX_SCOPED(&inner);
		CHECK(chp_mutex_is_locked(&inner));
		if (i == 1)
			continue;
		CHECK(chp_mutex_is_locked(&mutex));
	}
	CHECK(!chp_mutex_is_locked(&inner));
	chp_mutex_destroy(&inner);
	ends_unlocked();
}

/* ---- Typed ---- */

CHP_MUTEX_DEFINE(safe_account, struct account);
CHP_MUTEX_DEFINE(safe_long, long);

static safe_account typed;
static safe_long typed_long;

static void a_typed_mutex_gives_the_value(void)
{
	chp_wait past = { .deadline = 1 };
	struct account *a = safe_account_lock(&typed), *b = (void *)&past;
	long *n;

	CHECK_EQ(a->balance, 0);
	a->balance = 5;
	CHECK(safe_account_try_lock(&typed) == NULL);
	safe_account_unlock(&typed);
	hold(&typed.mutex);
	CHECK_CODE(safe_account_lock_with(&typed, &b, &past), CHP_ETIMEDOUT);
	CHECK(b == NULL);
	safe_account_unlock(&typed);
	CHECK_CODE(safe_account_lock_with(&typed, &b, NULL), 0);
	CHECK(b == a);
	CHECK_EQ(b->balance, 5);
	b->balance = 0;
	safe_account_unlock(&typed);
	n = safe_long_try_lock(&typed_long);
	CHECK(n != NULL);
	CHECK_EQ(*n, 0);
	safe_long_unlock(&typed_long);
}

/* clang-format off */
BY_FLAGS(a_guard_locks_and_points)
BY_FLAGS(a_lock_that_failed_gives_the_empty_guard)
BY_FLAGS(an_operation_fills_the_guard_when_it_ends)
BY_FLAGS(a_cancelled_operation_leaves_it_empty)
BY_FLAGS(map_narrows_to_a_part)
BY_FLAGS(a_guard_may_be_mapped_onto_itself)
BY_FLAGS(map_may_give_null)
BY_FLAGS(try_map_gives_the_guard_back)
BY_FLAGS(unlocking_a_mapped_guard_wakes_the_next)
BY_FLAGS(a_guard_may_be_handed_to_another)
BY_FLAGS(a_scoped_lock_ends_with_its_block)

static const struct h_test tests[] = {
	TESTS(a_guard_locks_and_points, IN_ALL),
	TESTS(a_lock_that_failed_gives_the_empty_guard, IN_ALL),
	TESTS(an_operation_fills_the_guard_when_it_ends, IN_ALL),
	TESTS(a_cancelled_operation_leaves_it_empty, IN_ALL),
	TESTS(map_narrows_to_a_part, IN_ALL),
	TESTS(a_guard_may_be_mapped_onto_itself, IN_ALL),
	TESTS(map_may_give_null, IN_ALL),
	TESTS(try_map_gives_the_guard_back, IN_ALL),
	TESTS(unlocking_a_mapped_guard_wakes_the_next, IN_ALL),
	TESTS(a_guard_may_be_handed_to_another, IN_ALL),
	TESTS(a_scoped_lock_ends_with_its_block, IN_BLOCKING),
	TEST(a_typed_mutex_gives_the_value, IN_BLOCKING),
};
/* clang-format on */

H_MAIN("mutex_guard", tests)
