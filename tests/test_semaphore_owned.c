/*
 * test_semaphore_owned.c - counted semaphores and the permits that keep them
 * alive: whatever becomes of an operation or a permit, the last reference
 * frees the semaphore, and no earlier one does.
 *
 * exists() counts the heap blocks of the library; the harness checks at each
 * test's end that none was left, and a sanitizer that none was used too late.
 */
#include "sem.h"

static long blocks_before;

static chp_semaphore *make(int64_t permits, chp_policy policy)
{
	chp_semaphore *s;

	blocks_before = h_blocks();
	s = chp_semaphore_new(permits, policy);
	CHECK(s);
	CHECK(h_blocks() > blocks_before);
	return s;
}

static bool exists(void)
{
	return h_blocks() > blocks_before;
}

static int acquire_owned(chp_semaphore *s, int64_t n, chp_permit *permit,
			 const chp_wait *w)
{
	chp_acquire_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_semaphore_acquire_owned_with(s, n, permit, w)
			 : chp_semaphore_acquire_owned(s, n, permit);
	chp_semaphore_acquire_owned_op(&op, s, n, permit);
	return h_wait(&op.op, w);
}

static chp_permit acquire(chp_semaphore *s, int64_t n)
{
	chp_permit permit;

	CHECK_CODE(acquire_owned(s, n, &permit, NULL), 0);
	CHECK_EQ(chp_permit_count(&permit), n);
	CHECK(permit.semaphore == s);
	return permit;
}

/* ---- References ---- */

static void the_last_reference_frees(chp_policy policy)
{
	chp_semaphore *s = make(-2, policy);

	CHECK_EQ(chp_semaphore_available(s), -2);
	CHECK_EQ(chp_semaphore_capacity(s), -2);
	CHECK_EQ(chp_semaphore_policy(s), policy);
	CHECK(chp_semaphore_ref(s) == s);
	CHECK(chp_semaphore_ref(s) == s);
	chp_semaphore_unref(s);
	chp_semaphore_unref(s);
	CHECK(exists());
	CHECK_CODE(chp_semaphore_release(s, 3), 0);
	CHECK_CODE(chp_semaphore_try_acquire(s, 1), 0);
	chp_semaphore_unref(s);
	CHECK(!exists());
	chp_semaphore_unref(NULL);
}

static void new_refuses_what_init_refuses(void)
{
	long before = h_blocks();

	CHECK(!chp_semaphore_new(CHP_SEMAPHORE_MAX + 1, CHP_FIFO));
	CHECK(!chp_semaphore_new(INT64_MIN, CHP_FAIR));
	CHECK(!chp_semaphore_new(1, (chp_policy)3));
	CHECK(!chp_semaphore_new(1, (chp_policy)-1));
	CHECK_EQ(h_blocks(), before);
}

static void unref_with_a_waiter(void *arg)
{
	chp_semaphore *s = make(0, *(chp_policy *)arg);
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, s, 1);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_semaphore_unref(s);
}

static void the_last_unref_with_waiters_is_misuse(chp_policy policy)
{
	h_must_panic(unref_with_a_waiter, &policy, "semaphore");
}

/* ---- Owned permits ---- */

static void an_owned_permit_keeps_the_semaphore_alive(chp_policy policy)
{
	chp_semaphore *s = make(3, policy);
	chp_permit a = acquire(s, 2), b;

	CHECK_CODE(chp_semaphore_try_acquire_owned(s, 1, &b), 0);
	chp_semaphore_unref(s);
	chp_permit_release(&a);
	is_empty(&a);
	CHECK(exists());
	CHECK_EQ(chp_semaphore_available(b.semaphore), 2);
	chp_permit_release(&b);
	is_empty(&b);
	CHECK(!exists());
	chp_permit_release(&b);
}

static void forgetting_an_owned_permit_drops_its_reference(chp_policy policy)
{
	chp_semaphore *s = make(3, policy);
	chp_permit a = acquire(s, 2);

	chp_permit_forget(&a);
	is_empty(&a);
	CHECK_EQ(chp_semaphore_available(s), 1);
	a = acquire(s, 1);
	chp_semaphore_unref(s);
	CHECK(exists());
	chp_permit_forget(&a);
	CHECK(!exists());
}

static void an_owned_permit_for_none_holds_a_reference(chp_policy policy)
{
	chp_semaphore *s = make(0, policy);
	chp_permit none = acquire(s, 0);

	chp_semaphore_unref(s);
	CHECK(exists());
	CHECK_EQ(chp_permit_count(&none), 0);
	chp_permit_release(&none);
	CHECK(!exists());
}

static void each_part_of_a_split_holds_a_reference(chp_policy policy)
{
	chp_semaphore *s = make(5, policy);
	chp_permit a = acquire(s, 4), b, none, rest;

	CHECK_CODE(chp_permit_split(&a, 1, &b), 0);
	CHECK_CODE(chp_permit_split(&a, 0, &none), 0);
	CHECK_CODE(chp_permit_split(&a, 3, &rest), 0);
	CHECK_CODE(chp_permit_split(&a, 1, &a), CHP_EINVAL);
	chp_semaphore_unref(s);
	chp_permit_release(&rest);
	chp_permit_release(&none);
	CHECK(exists());
	CHECK_EQ(chp_semaphore_available(b.semaphore), 4);
	chp_permit_forget(&b);
	CHECK(exists());
	/* Emptied by the split, but not without its semaphore. */
	chp_permit_release(&a);
	CHECK(!exists());
}

static void merged_permits_hold_one_reference(chp_policy policy)
{
	chp_semaphore *s = make(5, policy);
	chp_permit a = acquire(s, 2), b = acquire(s, 3), none;
	chp_permit empty = { NULL, 0, 0, 0 };

	CHECK_CODE(chp_permit_merge(&a, &b), 0);
	is_empty(&b);
	CHECK_CODE(chp_permit_split(&a, 0, &none), 0);
	CHECK_CODE(chp_permit_merge(&none, &a), 0);
	CHECK_CODE(chp_permit_merge(&empty, &none), 0);
	CHECK_EQ(chp_permit_count(&empty), 5);
	chp_semaphore_unref(s);
	CHECK(exists());
	chp_permit_release(&a);
	chp_permit_release(&b);
	chp_permit_release(&none);
	CHECK(exists());
	chp_permit_release(&empty);
	CHECK(!exists());
}

static void owned_and_borrowed_permits_do_not_merge(chp_policy policy)
{
	chp_semaphore *s = make(5, policy);
	chp_permit owned = acquire(s, 2), borrowed;

	CHECK_CODE(chp_semaphore_try_acquire_permit(s, 1, &borrowed), 0);
	CHECK_CODE(chp_permit_merge(&owned, &borrowed), CHP_EINVAL);
	CHECK_CODE(chp_permit_merge(&borrowed, &owned), CHP_EINVAL);
	CHECK_EQ(chp_permit_count(&owned), 2);
	CHECK_EQ(chp_permit_count(&borrowed), 1);
	chp_permit_release(&borrowed);
	chp_semaphore_unref(s);
	CHECK(exists());
	chp_permit_release(&owned);
	CHECK(!exists());
}

/* ---- Acquiring that fails ---- */

static void a_failed_acquire_holds_no_reference(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait past = { .deadline = chp_in(0) };
	chp_wait soon = { .deadline = chp_in(CHP_MS) };
	chp_wait cancelled = { .cancel = &token };
	chp_semaphore *s = make(1, policy);
	chp_permit p;

	chp_cancel_now(&token);
	p = garbage();
	CHECK_CODE(acquire_owned(s, -1, &p, NULL), CHP_EINVAL);
	is_empty(&p);
	p = garbage();
	CHECK_CODE(acquire_owned(s, 2, &p, &past), CHP_ETIMEDOUT);
	is_empty(&p);
	p = garbage();
	CHECK_CODE(acquire_owned(s, 2, &p, &soon), CHP_ETIMEDOUT);
	is_empty(&p);
	p = garbage();
	CHECK_CODE(chp_semaphore_try_acquire_owned(s, 2, &p), CHP_EAGAIN);
	is_empty(&p);
	p = garbage();
	CHECK_CODE(chp_semaphore_try_acquire_owned(s, -2, &p), CHP_EINVAL);
	is_empty(&p);
	if (h_mode() != H_POLLED) {
		p = garbage();
		CHECK_CODE(acquire_owned(s, 1, &p, &cancelled), CHP_ECANCELED);
		is_empty(&p);
		p = garbage();
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		CHECK_CODE(acquire_owned(s, 1, &p, NULL), CHP_EINTR);
		is_empty(&p);
	}
	chp_semaphore_close(s);
	p = garbage();
	CHECK_CODE(acquire_owned(s, 1, &p, NULL), CHP_ECLOSED);
	is_empty(&p);
	p = garbage();
	CHECK_CODE(chp_semaphore_try_acquire_owned(s, 1, &p), CHP_ECLOSED);
	is_empty(&p);
	CHECK_EQ(chp_semaphore_available(s), 1);
	chp_semaphore_unref(s);
	CHECK(!exists());
}

/* ---- Operations ---- */

static void an_operation_holds_a_reference_while_it_waits(chp_policy policy)
{
	chp_permit p = { NULL, 0, 0, 0 };
	chp_acquire_op op;
	chp_semaphore *s = make(0, policy);

	chp_semaphore_acquire_owned_op(&op, s, 1, &p);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_semaphore_unref(s);
	CHECK(exists());
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_CODE(chp_semaphore_release(s, 1), 0);
	CHECK(exists());
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	CHECK(exists());
	CHECK_EQ(chp_permit_count(&p), 1);
	chp_permit_release(&p);
	CHECK(!exists());
}

static void an_operation_never_polled_holds_nothing(chp_policy policy)
{
	chp_permit p = { NULL, 0, 0, 0 };
	chp_acquire_op op;
	chp_semaphore *s = make(1, policy);

	chp_semaphore_acquire_owned_op(&op, s, 1, &p);
	CHECK_EQ(chp_semaphore_available(s), 1);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	chp_semaphore_unref(s);
	CHECK(!exists());
	is_empty(&p);
}

static void cancelling_drops_the_operations_reference(chp_policy policy)
{
	for (int granted = 0; granted < 2; granted++) {
		struct h_waker waker = { { 0 } };
		chp_permit p = { NULL, 0, 0, 0 };
		chp_acquire_op op;
		chp_semaphore *s = make(0, policy);

		chp_semaphore_acquire_owned_op(&op, s, 1, &p);
		CHECK_CODE(h_poll(&op.op, &waker), CHP_PENDING);
		if (granted)
			CHECK_CODE(chp_semaphore_release(s, 1), 0);
		chp_semaphore_unref(s);
		CHECK(exists());
		CHECK_EQ(chp_op_cancel(&op.op), granted && policy != CHP_UNFAIR
							? CHP_GAVE_BACK
							: CHP_HELD_NOTHING);
		CHECK(!exists());
		is_empty(&p);
		CHECK_EQ(h_refs(&waker), 0);
	}
}

static void closing_drops_the_operations_reference(chp_policy policy)
{
	chp_permit p = garbage();
	chp_acquire_op op;
	chp_semaphore *s = make(0, policy);

	chp_semaphore_acquire_owned_op(&op, s, 1, &p);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_semaphore_close(s);
	chp_semaphore_unref(s);
	CHECK(exists());
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ECLOSED);
	CHECK(!exists());
	is_empty(&p);
}

static void an_operation_that_ends_at_once_keeps_no_reference(chp_policy policy)
{
	chp_permit p = garbage();
	chp_acquire_op op;
	chp_semaphore *s = make(1, policy);

	chp_semaphore_acquire_owned_op(&op, s, -1, &p);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_EINVAL);
	is_empty(&p);
	chp_semaphore_acquire_owned_op(&op, s, 1, &p);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	chp_permit_forget(&p);
	chp_semaphore_close(s);
	chp_semaphore_acquire_owned_op(&op, s, 1, &p);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ECLOSED);
	is_empty(&p);
	chp_semaphore_unref(s);
	CHECK(!exists());
}

/* ---- Several at once ---- */

struct party {
	struct h_agent agent;
	chp_permit permit;
};

static void *use_and_release(void *arg)
{
	struct party *p = arg;
	chp_permit part;

	CHECK_CODE(chp_permit_split(&p->permit, 1, &part), 0);
	h_yield();
	chp_permit_release(&p->permit);
	CHECK(chp_semaphore_available(part.semaphore) >= 1);
	chp_permit_release(&part);
	return NULL;
}

/* Whichever of them is last frees it, and the others have let go by then. */
static void the_last_of_several_owners_frees(chp_policy policy)
{
	for (long i = 0; i < h_rounds(500); i++) {
		chp_semaphore *s = make(6, policy);
		struct party p[3];

		for (int k = 0; k < 3; k++)
			p[k].permit = acquire(s, 2);
		chp_semaphore_unref(s);
		for (int k = 0; k < 3; k++)
			h_spawn(&p[k].agent, use_and_release, &p[k]);
		for (int k = 0; k < 3; k++)
			h_join(&p[k].agent);
	}
}

static chp_ptr fed; /* a semaphore that only its waiter keeps alive */

static void *feed(void *arg)
{
	for (long i = *(long *)arg; i > 0; i--) {
		chp_semaphore *s;

		h_until((s = __atomic_exchange_n(&fed.v, NULL,
						 __ATOMIC_ACQ_REL)));
		CHECK_CODE(chp_semaphore_release(s, 1), 0);
	}
	return NULL;
}

/* Its one reference goes with the permit that the release is handing over. */
static void a_fed_waiter_frees_under_the_release_that_fed_it(chp_policy policy)
{
	long rounds = h_rounds(h_mode() == H_CT ? 2000 : 10000);
	struct h_agent a;

	spawn_other(&a, feed, &rounds);
	for (long i = 0; i < rounds; i++) {
		chp_permit p = { NULL, 0, 0, 0 };
		chp_semaphore *s = chp_semaphore_new(0, policy);
		chp_acquire_op op;

		chp_semaphore_acquire_owned_op(&op, s, 1, &p);
		CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
		chp_semaphore_unref(s);
		__atomic_store_n(&fed.v, s, __ATOMIC_RELEASE);
		if (i % 64 == 63) {
			CHECK_CODE(h_wait(&op.op, NULL), 0);
		} else {
			while (chp_op_poll(&op.op, NULL) == CHP_PENDING)
				rest();
		}
		chp_permit_release(&p);
	}
	join_other(&a);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(the_last_reference_frees, IN_CT | IN_POLLED),
	TEST(new_refuses_what_init_refuses, ON_ITS_OWN),
	TEST_BY_POLICY(the_last_unref_with_waiters_is_misuse, ON_ITS_OWN),
	TEST_BY_POLICY(an_owned_permit_keeps_the_semaphore_alive, IN_ALL),
	TEST_BY_POLICY(forgetting_an_owned_permit_drops_its_reference, IN_ALL),
	TEST_BY_POLICY(an_owned_permit_for_none_holds_a_reference, IN_ALL),
	TEST_BY_POLICY(each_part_of_a_split_holds_a_reference, IN_ALL),
	TEST_BY_POLICY(merged_permits_hold_one_reference, IN_ALL),
	TEST_BY_POLICY(owned_and_borrowed_permits_do_not_merge, IN_ALL),
	TEST_BY_POLICY(a_failed_acquire_holds_no_reference, IN_ALL),
	TEST_BY_POLICY(an_operation_holds_a_reference_while_it_waits, IN_ALL),
	TEST_BY_POLICY(an_operation_never_polled_holds_nothing, IN_ALL),
	TEST_BY_POLICY(cancelling_drops_the_operations_reference, IN_ALL),
	TEST_BY_POLICY(closing_drops_the_operations_reference, IN_ALL),
	TEST_BY_POLICY(an_operation_that_ends_at_once_keeps_no_reference,
		       IN_ALL),
	TEST_BY_POLICY(the_last_of_several_owners_frees, IN_ALL),
	TEST_BY_POLICY(a_fed_waiter_frees_under_the_release_that_fed_it,
		       IN_ALL),
};

H_MAIN("semaphore_owned", tests)
