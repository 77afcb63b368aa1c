/*
 * test_cancel_race.c - tokens that are cancelled while others wait on them,
 * make children of them, destroy them, or free their memory.
 */
#include "harness.h"

#include <stdatomic.h>

static int acquire(chp_semaphore *s, chp_cancel *token)
{
	return h_acquire(s, 1, &(chp_wait){ .cancel = token });
}

/* ---- Against grants ---- */

enum { WAITERS = 4 };

static chp_semaphore s;
static chp_cancel *token;
static atomic_int granted, cancelled, ready;

static void *wait_once(void *arg)
{
	int r;

	ready++;
	r = acquire(&s, token);
	if (r == 0)
		granted++;
	else
		cancelled += r == CHP_ECANCELED;
	return arg;
}

static void *release_some(void *arg)
{
	h_until(ready == WAITERS);
	for (int i = 0; i < WAITERS / 2; i++)
		chp_semaphore_release(&s, 1);
	return arg;
}

static void a_cancelling_that_races_grants_loses_no_permit(void)
{
	for (long round = h_rounds(600); round > 0; round--) {
		chp_cancel t = CHP_CANCEL_INIT;
		struct h_agent a[WAITERS], releaser;

		token = &t;
		chp_semaphore_init(&s, 0, round % 2 ? CHP_FIFO : CHP_UNFAIR);
		granted = cancelled = ready = 0;
		h_spawn(&releaser, release_some, NULL);
		for (int i = 0; i < WAITERS; i++)
			h_spawn(&a[i], wait_once, NULL);
		for (long i = round % 5; i > 0; i--)
			h_yield();
		chp_cancel_now(&t);
		for (int i = 0; i < WAITERS; i++)
			h_join(&a[i]);
		h_join(&releaser);
		CHECK_EQ(granted + cancelled, WAITERS);
		CHECK_EQ(granted + chp_semaphore_available(&s), WAITERS / 2);
		CHECK_EQ(chp_semaphore_has_waiters(&s), 0);
		chp_cancel_destroy(&t);
	}
}

/* ---- Against the end of the token ---- */

static _Atomic(chp_cancel *) offered;
static chp_semaphore never;

/* A waiter's token is on its stack, and gone as soon as its wait returns. */
static void *wait_and_wipe(void *arg)
{
	for (long round = h_rounds(2000); round > 0; round--) {
		chp_cancel t;

		chp_cancel_init(&t, round % 3 ? NULL : arg, 0);
		offered = &t;
		CHECK_CODE(acquire(&never, &t), CHP_ECANCELED);
		chp_cancel_destroy(&t);
		memset(&t, 0xff, sizeof(t));
	}
	return NULL;
}

static void *cancel_what_is_offered(void *arg)
{
	for (long round = h_rounds(2000); round > 0; round--) {
		chp_cancel *t;

		h_until((t = atomic_exchange(&offered, NULL)) != NULL);
		for (long i = round % 7; i > 0; i--)
			h_yield();
		chp_cancel_now(t);
	}
	return arg;
}

static void a_token_may_be_gone_once_its_wait_has_returned(void)
{
	chp_cancel parent = CHP_CANCEL_INIT;
	struct h_agent waiter, canceller;

	chp_semaphore_init(&never, 0, CHP_FIFO);
	h_spawn(&waiter, wait_and_wipe, &parent);
	h_spawn(&canceller, cancel_what_is_offered, NULL);
	h_join(&waiter);
	h_join(&canceller);
	chp_cancel_destroy(&parent);
}

/* The same, with the token cancelled by way of its parent. */
static chp_cancel *family;
static atomic_int children_left;

static void *be_a_child(void *arg)
{
	chp_cancel t, below;

	chp_cancel_init(&t, family, 0);
	chp_cancel_init(&below, &t, 0);
	ready++;
	CHECK_CODE(acquire(&never, (uintptr_t)arg % 2 ? &t : &below),
		   CHP_ECANCELED);
	chp_cancel_destroy(&below);
	memset(&below, 0xff, sizeof(below));
	chp_cancel_destroy(&t);
	memset(&t, 0xff, sizeof(t));
	children_left--;
	return NULL;
}

static void children_may_be_gone_while_their_parent_is_cancelled(void)
{
	chp_semaphore_init(&never, 0, CHP_FIFO);
	for (long round = h_rounds(500); round > 0; round--) {
		chp_cancel parent = CHP_CANCEL_INIT;
		struct h_agent a[WAITERS];

		family = &parent;
		ready = 0;
		children_left = WAITERS;
		for (uintptr_t i = 0; i < WAITERS; i++)
			h_spawn(&a[i], be_a_child, (void *)i);
		h_until(ready >= WAITERS - round % 2);
		chp_cancel_now(&parent);
		for (int i = 0; i < WAITERS; i++)
			h_join(&a[i]);
		CHECK_EQ(children_left, 0);
		chp_cancel_destroy(&parent);
	}
}

/* ---- Children that come and go ---- */

static atomic_int stop, found_cancelled;

static void *make_children(void *arg)
{
	long after = 0;

	(void)arg;
	while (!stop || after++ < 5) {
		chp_cancel child, grandchild;
		int last = stop;

		chp_cancel_init(&child, family, 0);
		chp_cancel_init(&grandchild, &child, 0);
		if (last) {
			CHECK_CODE(chp_cancel_status(&child), CHP_ECANCELED);
			CHECK_CODE(chp_cancel_status(&grandchild),
				   CHP_ECANCELED);
			found_cancelled++;
		}
		chp_cancel_destroy(&grandchild);
		chp_cancel_destroy(&child);
		h_yield();
	}
	return NULL;
}

static void children_come_and_go_while_the_parent_is_cancelled(void)
{
	for (long round = h_rounds(200); round > 0; round--) {
		chp_cancel root = CHP_CANCEL_INIT, parent;
		struct h_agent a[3];

		chp_cancel_init(&parent, &root, 0);
		family = &parent;
		stop = found_cancelled = 0;
		for (int i = 0; i < 3; i++)
			h_spawn(&a[i], make_children, NULL);
		for (long i = round % 20; i > 0; i--)
			h_yield();
		chp_cancel_now(round % 2 ? &root : &parent);
		stop = 1;
		for (int i = 0; i < 3; i++)
			h_join(&a[i]);
		CHECK(found_cancelled >= 3 * 5);
		chp_cancel_destroy(&parent);
		chp_cancel_destroy(&root);
	}
}

/* ---- Against deadlines ---- */

static void *wait_for_either(void *arg)
{
	int first = acquire(&never, arg), second = acquire(&never, arg);

	CHECK(first == CHP_ECANCELED || first == CHP_ETIMEDOUT);
	CHECK(second == CHP_ECANCELED || second == first);
	return NULL;
}

/* Cancelled is for good: it never turns into timed out. */
static void cancelling_that_races_the_deadline_is_for_good(void)
{
	chp_semaphore_init(&never, 0, CHP_FIFO);
	for (long round = 0; round < h_rounds(200); round++) {
		struct h_agent a[2];
		chp_cancel t;

		chp_cancel_init(&t, NULL, chp_in(round % 10 * 50 * CHP_US + 1));
		for (int i = 0; i < 2; i++)
			h_spawn(&a[i], wait_for_either, &t);
		for (long i = round % 13; i > 0; i--)
			h_yield();
		chp_cancel_now(&t);
		for (int i = 0; i < 2; i++)
			h_join(&a[i]);
		CHECK(chp_cancel_status(&t) != 0);
		chp_cancel_destroy(&t);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_cancelling_that_races_grants_loses_no_permit, IN_ALL),
	TEST(a_token_may_be_gone_once_its_wait_has_returned, IN_ALL),
	TEST(children_may_be_gone_while_their_parent_is_cancelled, IN_ALL),
	TEST(children_come_and_go_while_the_parent_is_cancelled, IN_ALL),
	TEST(cancelling_that_races_the_deadline_is_for_good, IN_ALL),
};
/* clang-format on */

H_MAIN("cancel_race", tests)
