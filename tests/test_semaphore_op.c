/*
 * test_semaphore_op.c - acquiring as an operation, polled by hand: when it
 * takes a place, which waker is woken, who owns the wakers' references, what
 * cancelling finds and to whom it passes on.
 */
#include "sem_queue.h"

/* It was woken once, gets its permits, and no waker is left behind. */
static void goes(struct poller *p)
{
	CHECK_EQ(h_wakes(&p->waker), 1);
	CHECK_CODE(poll_again(p), 0);
	CHECK(chp_op_is_finished(&p->op.op));
	CHECK_EQ(h_refs(&p->waker), 0);
	CHECK_EQ(h_wakes(&p->waker), 1);
}

/* It was not woken, and has to wait. */
static void still_waits(struct poller *p)
{
	CHECK_EQ(h_wakes(&p->waker), 0);
	CHECK_CODE(poll_again(p), CHP_PENDING);
	CHECK_EQ(h_refs(&p->waker), 1);
}

/* Cancel; its memory may be reused at once. */
static int cancel(struct poller *p)
{
	int r = chp_op_cancel(&p->op.op);

	CHECK_EQ(h_refs(&p->waker), 0);
	CHECK(chp_op_is_finished(&p->op.op));
	CHECK_CODE(p->op.op.result, CHP_ECANCELED);
	memset(&p->op, 0xa5, sizeof(p->op));
	return r;
}

/* ---- Places ---- */

static void an_operation_is_lazy_until_its_first_poll(chp_policy policy)
{
	struct poller first = { 0 }, second = { 0 };

	make(0, policy);
	chp_semaphore_acquire_op(&first.op, &s, 1);
	chp_semaphore_acquire_op(&second.op, &s, 1);
	CHECK(!chp_op_is_finished(&first.op.op));
	CHECK(!chp_semaphore_has_waiters(&s));
	release(1);
	CHECK_EQ(chp_semaphore_available(&s), 1);
	CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	/* The place is that of the first poll, not of the making. */
	CHECK_CODE(poll_again(&second), CHP_PENDING);
	CHECK_CODE(poll_again(&first), CHP_PENDING);
	CHECK(!chp_op_is_finished(&first.op.op));
	release(1);
	still_waits(&first);
	goes(&second);
	release(1);
	goes(&first);
	ends_with(0);
}

static void a_free_permit_needs_no_waker(chp_policy policy)
{
	struct poller p = { 0 };

	make(3, policy);
	chp_semaphore_acquire_op(&p.op, &s, 3);
	CHECK_CODE(poll_again(&p), 0);
	CHECK_EQ(p.op.op.result, 0);
	CHECK(chp_op_is_finished(&p.op.op));
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK_EQ(h_wakes(&p.waker), 0);
	/* Finished, it may be started anew in the same memory. */
	chp_semaphore_acquire_op(&p.op, &s, 0);
	CHECK_CODE(poll_again(&p), 0);
	ends_with(0);
}

static void an_operation_without_a_waker_takes_a_place(chp_policy policy)
{
	chp_poll_ctx nobody = chp_poll_ctx_of((chp_waker){ NULL, NULL });
	chp_acquire_op op[2];

	make(0, policy);
	for (int i = 0; i < 2; i++)
		chp_semaphore_acquire_op(&op[i], &s, 1);
	CHECK_CODE(chp_op_poll(&op[0].op, NULL), CHP_PENDING);
	CHECK_CODE(chp_op_poll(&op[1].op, &nobody), CHP_PENDING);
	CHECK_CODE(chp_op_poll(&op[0].op, NULL), CHP_PENDING);
	CHECK_EQ(chp_semaphore_queue_length(&s), 2);
	release(1);
	CHECK_CODE(chp_op_poll(&op[1].op, &nobody), CHP_PENDING);
	CHECK_CODE(chp_op_poll(&op[0].op, NULL), 0);
	release(1);
	CHECK_CODE(chp_op_poll(&op[1].op, NULL), 0);
	ends_with(0);
}

/* ---- Wakers ---- */

static void the_newest_waker_replaces_the_one_before(chp_policy policy)
{
	struct h_waker other = { { 0 } };
	struct poller p;

	make(0, policy);
	queue_poller(&p, 1);
	CHECK_CODE(h_poll(&p.op.op, &other), CHP_PENDING);
	CHECK_EQ(h_refs(&p.waker), 0);
	CHECK_EQ(h_refs(&other), 1);
	/* The same one again is still one reference. */
	for (int i = 0; i < 5; i++)
		CHECK_CODE(h_poll(&p.op.op, &other), CHP_PENDING);
	CHECK_EQ(h_refs(&other), 1);
	CHECK_EQ(chp_semaphore_queue_length(&s), 1);
	release(1);
	CHECK_EQ(h_wakes(&p.waker), 0);
	CHECK_EQ(h_wakes(&other), 1);
	CHECK_EQ(h_refs(&other), 0);
	CHECK_CODE(poll_again(&p), 0);
	CHECK_EQ(h_refs(&p.waker), 0);
	ends_with(0);
}

static void a_waker_can_be_replaced_by_none(chp_policy policy)
{
	struct poller p[2];

	make(0, policy);
	for (int i = 0; i < 2; i++)
		queue_poller(&p[i], 1);
	for (int i = 0; i < 2; i++) {
		chp_poll_ctx nobody =
			chp_poll_ctx_of((chp_waker){ NULL, NULL });

		CHECK_CODE(chp_op_poll(&p[i].op.op, i ? &nobody : NULL),
			   CHP_PENDING);
		CHECK_EQ(h_refs(&p[i].waker), 0);
	}
	release(2);
	for (int i = 0; i < 2; i++) {
		CHECK_CODE(chp_op_poll(&p[i].op.op, NULL), 0);
		CHECK_EQ(h_wakes(&p[i].waker), 0);
		CHECK_EQ(h_refs(&p[i].waker), 0);
	}
	ends_with(0);
}

struct handed_on {
	struct poller *p;
	struct h_waker waker;
};

static void *poll_for_somebody_else(void *arg)
{
	struct handed_on *h = arg;

	CHECK_CODE(h_poll(&h->p->op.op, &h->waker), CHP_PENDING);
	return NULL;
}

static void an_operation_may_be_handed_to_another_agent(chp_policy policy)
{
	struct poller p;
	struct handed_on h = { .p = &p };
	struct h_agent a;

	make(0, policy);
	queue_poller(&p, 1);
	h_spawn(&a, poll_for_somebody_else, &h);
	h_join(&a);
	CHECK_EQ(h_refs(&p.waker), 0);
	release(1);
	CHECK_EQ(h_wakes(&p.waker), 0);
	CHECK_EQ(h_wakes(&h.waker), 1);
	CHECK_CODE(poll_again(&p), 0);
	ends_with(0);
}

/* Parking by hand with the waker of the agent itself. */
static void *drive_it_myself(void *arg)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(chp_waker_current());
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 2);
	while (chp_op_poll(&op.op, &ctx) == CHP_PENDING)
		chp_park(0);
	return arg;
}

static void an_agent_may_park_with_its_own_waker(chp_policy policy)
{
	struct h_agent a;

	make(0, policy);
	h_spawn(&a, drive_it_myself, NULL);
	h_until(chp_semaphore_has_waiters(&s));
	release(1);
	release(1);
	h_join(&a);
	ends_with(0);
}

/* tokio: partial top-ups do not wake.  UNFAIR wakes to compete, and may. */
static void a_waiter_is_woken_when_all_is_there(chp_policy policy)
{
	struct poller p;

	make(0, policy);
	queue_poller(&p, 3);
	for (int i = 0; i < 2; i++) {
		release(1);
		if (policy == CHP_UNFAIR)
			CHECK_CODE(poll_again(&p), CHP_PENDING);
		else
			still_waits(&p);
	}
	release(1);
	CHECK(h_wakes(&p.waker) >= 1);
	if (policy != CHP_UNFAIR)
		CHECK_EQ(h_wakes(&p.waker), 1);
	CHECK_CODE(poll_again(&p), 0);
	CHECK_EQ(h_refs(&p.waker), 0);
	ends_with(0);
}

/* ---- Cancelling ---- */

static void cancelling_a_queued_operation_finds_nothing(chp_policy policy)
{
	struct poller p[3];

	make(0, policy);
	for (int i = 0; i < 3; i++)
		queue_poller(&p[i], 1);
	CHECK_EQ(cancel(&p[1]), CHP_HELD_NOTHING);
	CHECK_EQ(h_wakes(&p[1].waker), 0);
	release(2);
	goes(&p[0]);
	goes(&p[2]);
	CHECK_EQ(h_wakes(&p[1].waker), 0);
	ends_with(0);
}

static void cancelling_a_granted_operation_gives_back(chp_policy policy)
{
	int found = policy == CHP_UNFAIR ? CHP_HELD_NOTHING : CHP_GAVE_BACK;
	struct poller p;

	make(0, policy);
	queue_poller(&p, 3);
	release(3);
	CHECK_EQ(cancel(&p), found);
	CHECK_EQ(h_wakes(&p.waker), 1);
	ends_with(3);
}

static void what_is_given_back_goes_to_those_behind(chp_policy policy)
{
	struct poller large, one, two, last;

	make(0, policy);
	queue_poller(&large, 3);
	queue_poller(&one, 1);
	queue_poller(&two, 2);
	queue_poller(&last, 1);
	release(3);
	CHECK_EQ(h_wakes(&one.waker), 0);
	cancel(&large);
	goes(&one);
	goes(&two);
	still_waits(&last);
	CHECK_EQ(chp_semaphore_available(&s), 0);
	release(1);
	goes(&last);
	ends_with(0);
}

static void what_is_given_back_tops_up_the_next(chp_policy policy)
{
	struct poller small, large;

	make(0, policy);
	queue_poller(&small, 1);
	queue_poller(&large, 3);
	release(1);
	cancel(&small);
	CHECK_CODE(poll_again(&large), CHP_PENDING);
	release(2);
	CHECK_CODE(poll_again(&large), 0);
	CHECK_EQ(h_refs(&large.waker), 0);
	ends_with(0);
}

static void cancelling_a_new_operation_finishes_it(chp_policy policy)
{
	struct poller p = { 0 };

	make(1, policy);
	chp_semaphore_acquire_op(&p.op, &s, 1);
	CHECK_EQ(chp_op_cancel(&p.op.op), CHP_HELD_NOTHING);
	CHECK(chp_op_is_finished(&p.op.op));
	CHECK_CODE(p.op.op.result, CHP_ECANCELED);
	CHECK_EQ(chp_op_cancel(&p.op.op), CHP_HELD_NOTHING);
	ends_with(1);
}

static void cancelling_a_finished_operation_does_nothing(chp_policy policy)
{
	struct poller p = { 0 };

	make(1, policy);
	chp_semaphore_acquire_op(&p.op, &s, 1);
	CHECK_CODE(poll_again(&p), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(chp_op_cancel(&p.op.op), CHP_HELD_NOTHING);
	CHECK_CODE(p.op.op.result, 0);
	/* What it acquired is still held. */
	ends_with(0);
}

/* ---- Misuse ---- */

static void poll_after_a_result(void *arg)
{
	chp_acquire_op op;

	make(1, *(chp_policy *)arg);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	chp_op_poll(&op.op, NULL);
}

static void poll_after_cancel(void *arg)
{
	chp_acquire_op op;

	make(0, *(chp_policy *)arg);
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_op_cancel(&op.op);
	chp_op_poll(&op.op, NULL);
}

static void poll_after_cancelling_a_new_one(void *arg)
{
	chp_acquire_op op;

	make(0, *(chp_policy *)arg);
	chp_semaphore_acquire_op(&op, &s, 1);
	chp_op_cancel(&op.op);
	chp_op_poll(&op.op, NULL);
}

static void polling_a_finished_operation_is_misuse(chp_policy policy)
{
	h_must_panic(poll_after_a_result, &policy, "semaphore acquire");
	h_must_panic(poll_after_cancel, &policy, "semaphore acquire");
	h_must_panic(poll_after_cancelling_a_new_one, &policy,
		     "semaphore acquire");
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(an_operation_is_lazy_until_its_first_poll, IN_ALL),
	TEST_BY_POLICY(a_free_permit_needs_no_waker, IN_ALL),
	TEST_BY_POLICY(an_operation_without_a_waker_takes_a_place, IN_ALL),
	TEST_BY_POLICY(the_newest_waker_replaces_the_one_before, IN_ALL),
	TEST_BY_POLICY(a_waker_can_be_replaced_by_none, IN_ALL),
	TEST_BY_POLICY(an_operation_may_be_handed_to_another_agent, IN_ALL),
	TEST_BY_POLICY(an_agent_may_park_with_its_own_waker, IN_BLOCKING),
	TEST_BY_POLICY(a_waiter_is_woken_when_all_is_there, IN_ALL),
	TEST_BY_POLICY(cancelling_a_queued_operation_finds_nothing, IN_ALL),
	TEST_BY_POLICY(cancelling_a_granted_operation_gives_back, IN_ALL),
	TEST_BY_POLICY(what_is_given_back_goes_to_those_behind, IN_ALL),
	TEST_BY_POLICY(what_is_given_back_tops_up_the_next, IN_ALL),
	TEST_BY_POLICY(cancelling_a_new_operation_finishes_it, IN_ALL),
	TEST_BY_POLICY(cancelling_a_finished_operation_does_nothing, IN_ALL),
	TEST_BY_POLICY(polling_a_finished_operation_is_misuse, ON_ITS_OWN),
};

H_MAIN("semaphore_op", tests)
