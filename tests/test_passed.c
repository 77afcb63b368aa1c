/*
 * test_passed.c - a first waiter that was woken and does not come, as a thread
 * that waits for a processor does not: after about a millisecond those who go
 * past it leave it what they give back.
 */
#include <chappe/semaphore.h>

#include "lock.h"

static chp_mutex m;
static chp_semaphore s;

/* ---- By hand: it is woken, and not polled ---- */

static bool take_mutex(void)
{
	return chp_mutex_try_lock(&m) == 0;
}

static void give_mutex(void)
{
	chp_mutex_unlock(&m);
}

static bool take_permit(void)
{
	return chp_semaphore_try_acquire(&s, 1) == 0;
}

static void give_permit(void)
{
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
}

/* How long it takes until what is given is the waiter's. */
static chp_time pass_until_handed(bool (*take)(void), void (*give)(void))
{
	chp_time start = chp_now();

	do
		give();
	while (take());
	return chp_now() - start;
}

static void who_does_not_come_is_handed_the_mutex(void)
{
	struct poller w;

	CHECK_CODE(chp_mutex_init(&m, 0), 0);
	hold(&m);
	queue_locker(&w, &m);
	CHECK(pass_until_handed(take_mutex, give_mutex) >= CHP_MS / 2);
	/* It was woken once, and finds the lock its own. */
	poll_ends(&w, 1);
	chp_mutex_unlock(&m);
	CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

static void queue_acquirer(chp_acquire_op *op, struct h_waker *waker)
{
	memset(waker, 0, sizeof(*waker));
	chp_semaphore_acquire_op(op, &s, 1);
	CHECK_CODE(h_poll(&op->op, waker), CHP_PENDING);
}

static void who_does_not_come_is_handed_the_permit(void)
{
	struct h_waker waker;
	chp_acquire_op op;

	CHECK_CODE(chp_semaphore_init(&s, 0, CHP_UNFAIR), 0);
	queue_acquirer(&op, &waker);
	CHECK(pass_until_handed(take_permit, give_permit) >= CHP_MS / 2);
	CHECK_EQ(h_wakes(&waker), 1);
	CHECK_CODE(h_poll(&op.op, &waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
	chp_semaphore_destroy(&s);
}

/* It gives up what it was handed: the next one's. */
static void what_it_was_handed_goes_on(void)
{
	struct h_waker waker, next_waker;
	chp_acquire_op op, next;

	CHECK_CODE(chp_semaphore_init(&s, 0, CHP_UNFAIR), 0);
	queue_acquirer(&op, &waker);
	queue_acquirer(&next, &next_waker);
	pass_until_handed(take_permit, give_permit);
	CHECK_EQ(h_wakes(&next_waker), 0);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_GAVE_BACK);
	CHECK_EQ(h_wakes(&next_waker), 1);
	CHECK_CODE(h_poll(&next.op, &next_waker), 0);
	chp_semaphore_destroy(&s);
}

/* Who takes less than is there leaves the first its share, and is not stopped. */
static void enough_for_both(void)
{
	struct h_waker waker;
	chp_acquire_op op;

	CHECK_CODE(chp_semaphore_init(&s, 0, CHP_UNFAIR), 0);
	queue_acquirer(&op, &waker);
	CHECK_CODE(chp_semaphore_release(&s, 1), 0);
	for (int i = 0; i < 100000; i++) {
		CHECK_CODE(chp_semaphore_release(&s, 1), 0);
		CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
	}
	CHECK_CODE(h_poll(&op.op, &waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
	chp_semaphore_destroy(&s);
}

/* ---- More agents than processors ---- */

enum { AGENTS = 24, TURNS = 5 };

static chp_word turns[AGENTS], satisfied;

static void *want_always(void *arg)
{
	chp_word *mine = arg;

	while (h_load(&satisfied) < AGENTS) {
		mutex_lock(&m);
		if (h_add(mine, 1) + 1 == TURNS)
			h_add(&satisfied, 1);
		chp_mutex_unlock(&m);
	}
	return NULL;
}

/* It ends, as everybody has some turns. */
static void all_have_turns(void)
{
	static struct h_agent agents[AGENTS];

	CHECK_CODE(chp_mutex_init(&m, 0), 0);
	memset(turns, 0, sizeof(turns));
	h_store(&satisfied, 0);
	for (int i = 0; i < AGENTS; i++)
		h_spawn(&agents[i], want_always, &turns[i]);
	for (int i = 0; i < AGENTS; i++)
		h_join(&agents[i]);
	for (int i = 0; i < AGENTS; i++)
		CHECK(h_load(&turns[i]) >= TURNS);
	CHECK(!chp_mutex_is_locked(&m));
	chp_mutex_destroy(&m);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(who_does_not_come_is_handed_the_mutex, ON_ITS_OWN),
	TEST(who_does_not_come_is_handed_the_permit, ON_ITS_OWN),
	TEST(what_it_was_handed_goes_on, ON_ITS_OWN),
	TEST(enough_for_both, ON_ITS_OWN),
	TEST(all_have_turns, IN_ALL),
};
/* clang-format on */

H_MAIN("passed", tests)
