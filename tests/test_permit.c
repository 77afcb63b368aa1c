/*
 * test_permit.c - permits as objects: acquired, released, forgotten, split,
 * merged, handed on.  Owned permits and counted semaphores are in
 * test_semaphore_owned.c.
 */
#include "sem_queue.h"

static int acquire_permit(int64_t n, chp_permit *permit, const chp_wait *w)
{
	chp_acquire_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_semaphore_acquire_permit_with(&s, n, permit, w)
			 : chp_semaphore_acquire_permit(&s, n, permit);
	chp_semaphore_acquire_permit_op(&op, &s, n, permit);
	return h_wait(&op.op, w);
}

static chp_permit acquire(int64_t n)
{
	chp_permit permit;

	CHECK_CODE(acquire_permit(n, &permit, NULL), 0);
	return permit;
}

static void holds(const chp_permit *permit, int64_t n)
{
	CHECK_EQ(chp_permit_count(permit), n);
	CHECK(permit->semaphore == &s);
}

/* ---- Acquiring and giving back ---- */

static void a_permit_gives_back_what_it_holds(chp_policy policy)
{
	chp_permit a, b;

	make(5, policy);
	a = acquire(3);
	holds(&a, 3);
	available_is(2);
	b = acquire(2);
	holds(&b, 2);
	available_is(0);
	chp_permit_release(&a);
	is_empty(&a);
	available_is(3);
	/* Once is enough. */
	chp_permit_release(&a);
	available_is(3);
	chp_permit_release(&b);
	available_is(5);
}

static void an_empty_permit_is_harmless(void)
{
	chp_permit empty = { NULL, 0, 0, 0 }, out = garbage();

	CHECK_EQ(chp_permit_count(&empty), 0);
	chp_permit_release(&empty);
	chp_permit_forget(&empty);
	CHECK_CODE(chp_permit_split(&empty, 1, &out), CHP_EINVAL);
	CHECK_CODE(chp_permit_split(&empty, 0, &out), 0);
	is_empty(&out);
	CHECK_CODE(chp_permit_merge(&empty, &out), 0);
	is_empty(&empty);
	is_empty(&out);
}

static void a_forgotten_permit_gives_nothing_back(chp_policy policy)
{
	chp_permit permit;

	make(5, policy);
	permit = acquire(3);
	chp_permit_forget(&permit);
	is_empty(&permit);
	available_is(2);
	chp_permit_release(&permit);
	chp_permit_forget(&permit);
	available_is(2);
}

static void a_permit_for_none_is_one_all_the_same(chp_policy policy)
{
	chp_permit permit = garbage();

	make(0, policy);
	permit = acquire(0);
	holds(&permit, 0);
	chp_permit_release(&permit);
	is_empty(&permit);
	CHECK_CODE(chp_semaphore_try_acquire_permit(&s, 0, &permit), 0);
	holds(&permit, 0);
	chp_permit_release(&permit);
	available_is(0);
}

static void a_failed_acquire_leaves_an_empty_permit(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait past = { .deadline = chp_in(0) };
	chp_wait soon = { .deadline = chp_in(CHP_MS) };
	chp_wait cancelled = { .cancel = &token };
	chp_permit permit;

	make(2, policy);
	chp_cancel_now(&token);
	permit = garbage();
	CHECK_CODE(acquire_permit(-1, &permit, NULL), CHP_EINVAL);
	is_empty(&permit);
	permit = garbage();
	CHECK_CODE(acquire_permit(3, &permit, &past), CHP_ETIMEDOUT);
	is_empty(&permit);
	permit = garbage();
	CHECK_CODE(acquire_permit(3, &permit, &soon), CHP_ETIMEDOUT);
	is_empty(&permit);
	permit = garbage();
	CHECK_CODE(chp_semaphore_try_acquire_permit(&s, 3, &permit),
		   CHP_EAGAIN);
	is_empty(&permit);
	permit = garbage();
	CHECK_CODE(chp_semaphore_try_acquire_permit(&s, -3, &permit),
		   CHP_EINVAL);
	is_empty(&permit);
	if (h_mode() != H_POLLED) {
		permit = garbage();
		CHECK_CODE(acquire_permit(1, &permit, &cancelled),
			   CHP_ECANCELED);
		is_empty(&permit);
		permit = garbage();
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		CHECK_CODE(acquire_permit(1, &permit, NULL), CHP_EINTR);
		is_empty(&permit);
	}
	chp_semaphore_close(&s);
	permit = garbage();
	CHECK_CODE(acquire_permit(1, &permit, NULL), CHP_ECLOSED);
	is_empty(&permit);
	permit = garbage();
	CHECK_CODE(chp_semaphore_try_acquire_permit(&s, 1, &permit),
		   CHP_ECLOSED);
	is_empty(&permit);
	available_is(2);
}

static void permits_outlive_closing(chp_policy policy)
{
	chp_permit a, b;

	make(4, policy);
	a = acquire(3);
	chp_semaphore_close(&s);
	holds(&a, 3);
	CHECK_CODE(chp_permit_split(&a, 1, &b), 0);
	chp_permit_release(&a);
	available_is(3);
	chp_permit_forget(&b);
	available_is(3);
}

/* ---- Waiting for one ---- */

struct holder {
	struct h_agent agent;
	int64_t n;
	chp_permit permit;
	int result;
};

static void *wait_for_a_permit(void *arg)
{
	struct holder *h = arg;

	h->permit = garbage();
	h->result = acquire_permit(h->n, &h->permit, NULL);
	return NULL;
}

static void queue_holder(struct holder *h, int64_t n)
{
	h->n = n;
	queue_agent(&h->agent, wait_for_a_permit, h);
}

static void releasing_a_permit_serves_waiters(chp_policy policy)
{
	struct holder w[2];
	chp_permit all;

	make(3, policy);
	all = acquire(3);
	queue_holder(&w[0], 2);
	queue_holder(&w[1], 1);
	chp_permit_release(&all);
	for (int i = 0; i < 2; i++) {
		h_join(&w[i].agent);
		CHECK_CODE(w[i].result, 0);
		holds(&w[i].permit, 2 - i);
	}
	available_is(0);
	for (int i = 0; i < 2; i++)
		chp_permit_release(&w[i].permit);
	available_is(3);
}

static void closing_leaves_waiters_with_empty_permits(chp_policy policy)
{
	struct holder w;

	make(1, policy);
	queue_holder(&w, 2);
	chp_semaphore_close(&s);
	h_join(&w.agent);
	CHECK_CODE(w.result, CHP_ECLOSED);
	is_empty(&w.permit);
	available_is(1);
}

static void an_operation_fills_its_permit_when_it_finishes(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	chp_permit permit = { NULL, 0, 0, 0 };
	chp_acquire_op op;

	make(1, policy);
	chp_semaphore_acquire_permit_op(&op, &s, 2, &permit);
	CHECK_CODE(h_poll(&op.op, &waker), CHP_PENDING);
	CHECK_EQ(chp_permit_count(&permit), 0);
	release(1);
	CHECK_CODE(h_poll(&op.op, &waker), 0);
	holds(&permit, 2);
	chp_permit_release(&permit);
	CHECK_EQ(h_refs(&waker), 0);
	available_is(2);
}

static void a_cancelled_operation_leaves_its_permit_empty(chp_policy policy)
{
	chp_permit permit = { NULL, 0, 0, 0 };
	chp_acquire_op op;

	make(1, policy);
	for (int granted = 0; granted < 2; granted++) {
		chp_semaphore_acquire_permit_op(&op, &s, 2, &permit);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		if (granted)
			release(1);
		CHECK_EQ(chp_op_cancel(&op.op), granted && policy != CHP_UNFAIR
							? CHP_GAVE_BACK
							: CHP_HELD_NOTHING);
		is_empty(&permit);
		available_is(1 + granted);
	}
}

/* ---- split ---- */

static void split_moves_permits_to_another_object(chp_policy policy)
{
	chp_permit a, b = garbage(), none = garbage();

	make(6, policy);
	a = acquire(5);
	CHECK_CODE(chp_permit_split(&a, 2, &b), 0);
	holds(&a, 3);
	holds(&b, 2);
	CHECK_CODE(chp_permit_split(&a, 0, &none), 0);
	holds(&a, 3);
	holds(&none, 0);
	available_is(1);
	chp_permit_release(&none);
	chp_permit_release(&b);
	available_is(3);
	/* All of it: what is left is an object with no permits. */
	CHECK_CODE(chp_permit_split(&a, 3, &b), 0);
	CHECK_EQ(chp_permit_count(&a), 0);
	holds(&b, 3);
	chp_permit_release(&a);
	available_is(3);
	chp_permit_release(&b);
	available_is(6);
}

static void split_refuses_more_than_there_is(chp_policy policy)
{
	static const int64_t bad[] = { 4, INT64_MAX, -1, INT64_MIN };
	chp_permit a, b;

	make(3, policy);
	a = acquire(3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_CODE(chp_permit_split(&a, bad[i], &b), CHP_EINVAL);
		holds(&a, 3);
	}
	CHECK_CODE(chp_permit_split(&a, 2, &a), CHP_EINVAL);
	holds(&a, 3);
	available_is(0);
	chp_permit_release(&a);
	available_is(3);
}

/* ---- merge ---- */

static void merge_moves_everything(chp_policy policy)
{
	chp_permit a, b, empty = { NULL, 0, 0, 0 };

	make(7, policy);
	a = acquire(3);
	b = acquire(2);
	CHECK_CODE(chp_permit_merge(&a, &b), 0);
	holds(&a, 5);
	is_empty(&b);
	available_is(2);
	/* From an empty one comes nothing; into an empty one goes all. */
	CHECK_CODE(chp_permit_merge(&a, &empty), 0);
	holds(&a, 5);
	CHECK_CODE(chp_permit_merge(&empty, &a), 0);
	holds(&empty, 5);
	is_empty(&a);
	available_is(2);
	chp_permit_release(&a);
	chp_permit_release(&b);
	available_is(2);
	chp_permit_release(&empty);
	available_is(7);
}

static void merge_refuses_permits_of_another_semaphore(chp_policy policy)
{
	chp_permit a, b, none;
	chp_semaphore t;

	make(4, policy);
	CHECK_CODE(chp_semaphore_init(&t, 4, policy), 0);
	a = acquire(3);
	CHECK_CODE(chp_semaphore_try_acquire_permit(&t, 2, &b), 0);
	CHECK_CODE(chp_permit_merge(&a, &b), CHP_EINVAL);
	CHECK_CODE(chp_permit_merge(&b, &a), CHP_EINVAL);
	holds(&a, 3);
	CHECK_EQ(chp_permit_count(&b), 2);
	CHECK(b.semaphore == &t);
	/* One with no permits has a semaphore too. */
	CHECK_CODE(chp_permit_split(&b, 0, &none), 0);
	CHECK_CODE(chp_permit_merge(&a, &none), CHP_EINVAL);
	CHECK_CODE(chp_permit_merge(&none, &a), CHP_EINVAL);
	holds(&a, 3);
	chp_permit_release(&none);
	chp_permit_release(&a);
	chp_permit_release(&b);
	available_is(4);
	CHECK_EQ(chp_semaphore_available(&t), 4);
}

static void large_counts_are_not_cut(chp_policy policy)
{
	const int64_t large = ((int64_t)1 << 40) + 7;
	chp_permit a, b;

	make(CHP_SEMAPHORE_MAX, policy);
	a = acquire(CHP_SEMAPHORE_MAX);
	holds(&a, CHP_SEMAPHORE_MAX);
	CHECK_CODE(chp_permit_split(&a, large, &b), 0);
	holds(&b, large);
	holds(&a, CHP_SEMAPHORE_MAX - large);
	chp_permit_release(&b);
	available_is(large);
	b = acquire(large);
	CHECK_CODE(chp_permit_merge(&b, &a), 0);
	holds(&b, CHP_SEMAPHORE_MAX);
	chp_permit_release(&b);
	available_is(CHP_SEMAPHORE_MAX);
}

/* ---- Handing on ---- */

static void *release_it(void *arg)
{
	chp_permit_release(arg);
	return NULL;
}

static void a_permit_may_be_released_by_another(chp_policy policy)
{
	chp_permit mine, theirs;
	struct h_agent a;

	make(3, policy);
	mine = acquire(3);
	theirs = mine;
	memset(&mine, 0, sizeof(mine));
	h_spawn(&a, release_it, &theirs);
	h_join(&a);
	available_is(3);
	is_empty(&theirs);
	chp_permit_release(&mine);
	available_is(3);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(a_permit_gives_back_what_it_holds, IN_ALL),
	TEST(an_empty_permit_is_harmless, ON_ITS_OWN),
	TEST_BY_POLICY(a_forgotten_permit_gives_nothing_back, IN_ALL),
	TEST_BY_POLICY(a_permit_for_none_is_one_all_the_same, IN_ALL),
	TEST_BY_POLICY(a_failed_acquire_leaves_an_empty_permit, IN_ALL),
	TEST_BY_POLICY(permits_outlive_closing, IN_ALL),
	TEST_BY_POLICY(releasing_a_permit_serves_waiters, IN_ALL),
	TEST_BY_POLICY(closing_leaves_waiters_with_empty_permits, IN_ALL),
	TEST_BY_POLICY(an_operation_fills_its_permit_when_it_finishes, IN_ALL),
	TEST_BY_POLICY(a_cancelled_operation_leaves_its_permit_empty, IN_ALL),
	TEST_BY_POLICY(split_moves_permits_to_another_object, IN_ALL),
	TEST_BY_POLICY(split_refuses_more_than_there_is, IN_CT | IN_POLLED),
	TEST_BY_POLICY(merge_moves_everything, IN_ALL),
	TEST_BY_POLICY(merge_refuses_permits_of_another_semaphore, IN_ALL),
	TEST_BY_POLICY(large_counts_are_not_cut, IN_CT | IN_POLLED),
	TEST_BY_POLICY(a_permit_may_be_released_by_another, IN_ALL),
};

H_MAIN("permit", tests)
