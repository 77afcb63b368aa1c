/*
 * test_semaphore_bugs.c - mistakes that other semaphores were shipped with,
 * each as a test that carries the number it had there.
 *
 * Others of their kind are tested where they belong: counts that wrap in
 * _count.c, a forget that opens a closed semaphore (tokio #8021) in _close.c,
 * permits lost between an interrupt and a grant in _races.c.
 */
#include "sem_queue.h"

#include <time.h>

/* ---- The wake-up that went to one who gave up ---- */

/* asyncio #270, cpython #90155, anyio #1145: then the next slept on. */
static void asyncio_270_woken_then_cancelled(chp_policy policy)
{
	for (long i = 0; i < h_rounds(300); i++) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct waiter first, second;
		int r;

		make(0, policy);
		queue_for(&first, 1, &token);
		queue_for(&second, 1, NULL);
		release(1);
		chp_cancel_now(&token);
		r = finish(&first);
		CHECK(r == 0 || r == CHP_ECANCELED);
		if (r == 0)
			release(1);
		CHECK_CODE(finish(&second), 0);
		ends_with(0);
	}
}

/* kotlinx.coroutines #1323: cancelling woke one more than it had permits. */
static void kotlin_1323_woken_one_too_many(chp_policy policy)
{
	struct poller p[4];

	make(0, policy);
	for (int i = 0; i < 4; i++)
		queue_poller(&p[i], 1);
	chp_op_cancel(&p[3].op.op);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(h_wakes(&p[i].waker), 0);
	release(1);
	CHECK_EQ(h_wakes(&p[0].waker), 1);
	chp_op_cancel(&p[0].op.op);
	CHECK_EQ(h_wakes(&p[1].waker), 1);
	CHECK_EQ(h_wakes(&p[2].waker), 0);
	CHECK_CODE(h_poll(&p[1].op.op, &p[1].waker), 0);
	CHECK_CODE(h_poll(&p[2].op.op, &p[2].waker), CHP_PENDING);
	chp_op_cancel(&p[2].op.op);
	ends_with(0);
}

/* golang #37852: permits were free, and the next was not told. */
static void go_37852_the_front_leaves_with_permits_free(chp_policy policy)
{
	for (int way = 0; way < 2; way++) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct waiter large, small[2];

		if (way == 1 && h_mode() == H_POLLED)
			break;
		make(0, policy);
		queue_for(&large, 5, &token);
		queue_for(&small[0], 1, NULL);
		queue_for(&small[1], 3, NULL);
		release(4);
		if (way == 0)
			chp_cancel_now(&token);
		else
			CHECK_CODE(chp_interrupt(large.agent.agent), 0);
		CHECK_CODE(finish(&small[0]), 0);
		CHECK_CODE(finish(&small[1]), 0);
		CHECK(finish(&large) < 0);
		ends_with(0);
	}
}

static void go_37852_the_front_expires_with_permits_free(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	chp_time deadline = chp_in(10 * CHP_MS);
	struct waiter small[2];
	chp_timeout_op limit;
	chp_acquire_op large;

	make(0, policy);
	chp_semaphore_acquire_op(&large, &s, 5);
	chp_timeout_init(&limit, &large.op, deadline);
	if (h_poll(&limit.op, &waker) != CHP_PENDING)
		return; /* so late that it was over at once */
	queue_for(&small[0], 1, NULL);
	queue_for(&small[1], 3, NULL);
	release(4);
	/* Polled by hand, it leaves when it is polled and not before. */
	h_until(chp_now() >= deadline);
	CHECK_EQ(chp_semaphore_queue_length(&s), 3);
	CHECK_CODE(h_poll(&limit.op, &waker), CHP_ETIMEDOUT);
	CHECK_CODE(finish(&small[0]), 0);
	CHECK_CODE(finish(&small[1]), 0);
	h_until(h_refs(&waker) == 0);
	ends_with(0);
}

/* JDK-8191483: two neighbours that left at once stranded the third. */
static void jdk_8191483_two_neighbours_leave_at_once(chp_policy policy)
{
	for (long i = 0; i < h_rounds(200); i++) {
		chp_cancel token = CHP_CANCEL_INIT;
		struct waiter leaving[3], staying;

		make(0, policy);
		for (int k = 0; k < 3; k++)
			queue_for(&leaving[k], 2, &token);
		queue_for(&staying, 1, NULL);
		if (i % 2)
			release(1);
		chp_cancel_now(&token);
		if (i % 2 == 0)
			release(1);
		for (int k = 0; k < 3; k++)
			CHECK_CODE(finish(&leaving[k]), CHP_ECANCELED);
		CHECK_CODE(finish(&staying), 0);
		ends_with(0);
	}
}

/* ---- The pool that shrank ---- */

/* failsafe #393: a permit granted as the time ran out belonged to nobody. */
static void failsafe_393_granted_as_the_time_runs_out(chp_policy policy)
{
	struct h_waker waker = { { 0 } };
	chp_timeout_op limit;
	chp_acquire_op op;

	make(0, policy);
	for (int i = 0; i < 20; i++) {
		chp_time deadline = chp_in(50 * CHP_US);

		chp_semaphore_acquire_op(&op, &s, 1);
		chp_timeout_init(&limit, &op.op, deadline);
		if (h_poll(&limit.op, &waker) != CHP_PENDING)
			continue; /* so late that it was over at once */
		release(1);
		h_until(chp_now() > deadline);
		if (i % 2) {
			/* Success wins over expiry. */
			CHECK_CODE(h_poll(&limit.op, &waker), 0);
			release(1);
		} else {
			chp_op_cancel(&limit.op);
		}
		CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
		h_until(h_refs(&waker) == 0);
	}
	ends_with(0);
}

/* golang #63615: succeeded or not, as it happened. */
static void go_63615_a_token_cancelled_before(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait w = { .cancel = &token };

	make(1, policy);
	chp_cancel_now(&token);
	for (int i = 0; i < 1000; i++)
		CHECK_CODE(acquire_with(1, &w), CHP_ECANCELED);
	ends_with(1);
}

/* ---- The wake-up that was not sent ---- */

enum { CROWD = 8 };

/* libc++ #46357, #77659; libstdc++: only 0 -> 1 was thought worth a wake. */
static void libcxx_46357_released_onto_a_positive_count(chp_policy policy)
{
	for (long i = 0; i < h_rounds(100); i++) {
		struct waiter w[CROWD];

		make(0, policy);
		for (int k = 0; k < CROWD; k++)
			queue_for(&w[k], 1 + k % 2, NULL);
		for (int k = 0; k < CROWD + CROWD / 2; k++)
			release(1);
		for (int k = 0; k < CROWD; k++)
			CHECK_CODE(finish(&w[k]), 0);
		ends_with(0);
	}
}

/* redisson #6664, #5762: one of several, or none that wanted more than one. */
static void redisson_6664_waiters_for_many(chp_policy policy)
{
	for (long i = 0; i < h_rounds(100); i++) {
		struct waiter w[CROWD];
		int64_t sum = 0;

		make(0, policy);
		for (int k = 0; k < CROWD; k++) {
			queue_for(&w[k], 2 + k, NULL);
			sum += 2 + k;
		}
		release(sum);
		for (int k = 0; k < CROWD; k++)
			CHECK_CODE(finish(&w[k]), 0);
		ends_with(0);
	}
}

struct racers {
	long rounds;
	chp_word released, acquired;
};

static void *acquire_all_the_time(void *arg)
{
	struct racers *r = arg;

	for (long i = 0; i < r->rounds; i++) {
		CHECK_CODE(acquire_with(1, NULL), 0);
		__atomic_add_fetch(&r->acquired.v, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *release_all_the_time(void *arg)
{
	struct racers *r = arg;

	for (long i = 0; i < r->rounds; i++) {
		uint32_t mine =
			__atomic_add_fetch(&r->released.v, 1, __ATOMIC_RELAXED);

		/* Never far ahead, so that somebody is always waiting. */
		h_until(mine <=
			2 + __atomic_load_n(&r->acquired.v, __ATOMIC_RELAXED));
		release(1);
	}
	return NULL;
}

/* JDK-6801020: two releases at once, and one wake-up was lost. */
static void jdk_6801020_racing_releases(chp_policy policy)
{
	struct racers r = { .rounds = h_rounds(5000) };
	struct h_agent a[4];

	make(0, policy);
	for (int i = 0; i < 4; i++)
		h_spawn(&a[i],
			i % 2 ? release_all_the_time : acquire_all_the_time,
			&r);
	for (int i = 0; i < 4; i++)
		h_join(&a[i]);
	ends_with(0);
}

/* ---- Time and memory ---- */

static void *try_for_a_moment_until_it_works(void *arg)
{
	chp_time length = *(chp_time *)arg;
	int r;

	do {
		h_yield();
		r = acquire_with(1, &(chp_wait){ .deadline = chp_in(length) });
		CHECK(r == 0 || r == CHP_ETIMEDOUT);
	} while (r != 0);
	return NULL;
}

/* JDK-8386085: a crowd of very short tries never saw a later release. */
static void jdk_8386085_short_timed_tries(chp_policy policy)
{
	static chp_time lengths[CROWD] = { 1,    500,   1000,  2000,
					   5000, 10000, 30000, 100000 };
	struct h_agent a[CROWD];

	make(0, policy);
	for (int i = 0; i < CROWD; i++)
		h_spawn(&a[i], try_for_a_moment_until_it_works, &lengths[i]);
	for (int i = 0; i < CROWD; i++) {
		chp_time end = chp_in(5 * CHP_MS);

		while (chp_now() < end)
			h_yield();
		release(1);
	}
	for (int i = 0; i < CROWD; i++)
		h_join(&a[i]);
	ends_with(0);
}

/* JDK-6460501: timed waits leaked.  Here no wait allocates at all. */
static void jdk_6460501_timed_waits_leak(chp_policy policy)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w;
	long before = 0;

	make(0, policy);
	/* The first of its kind may start what serves them all. */
	for (int i = 0; i < 50; i++) {
		chp_wait with = { .deadline = chp_in(CHP_US),
				  .cancel = i % 2 ? &token : NULL };

		if (i == 2)
			before = h_allocs();
		CHECK_CODE(acquire_with(1, &with), CHP_ETIMEDOUT);
	}
	CHECK_EQ(h_allocs(), before);
	queue_for(&w, 1, &token);
	before = h_allocs();
	release(1);
	CHECK_CODE(finish(&w), 0);
	CHECK_EQ(h_allocs(), before);
	ends_with(0);
}

/* async-mutex #90: a release took as long as the number was large. */
static void async_mutex_90_release_of_a_large_number(chp_policy policy)
{
	make(0, policy);
	for (int i = 0; i < 1000; i++) {
		struct poller p;

		queue_poller(&p, CHP_SEMAPHORE_MAX);
		release(CHP_SEMAPHORE_MAX - 1);
		CHECK_CODE(h_poll(&p.op.op, &p.waker), CHP_PENDING);
		release(1);
		CHECK_CODE(h_poll(&p.op.op, &p.waker), 0);
	}
	ends_with(0);
}

enum { MANY = 20000 };

/* Of the processor, for this thread. */
static chp_time time_spent(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (chp_time)t.tv_sec * CHP_SEC + t.tv_nsec;
}

/* Time to cancel so many, here and there: the best of a few runs. */
static chp_time cancel_many(int many)
{
	static chp_acquire_op op[MANY];
	chp_time best = CHP_NEVER;

	for (int run = 0; run < 5; run++) {
		chp_time start;

		for (int i = 0; i < many; i++) {
			chp_semaphore_acquire_op(&op[i], &s, 1);
			CHECK_CODE(chp_op_poll(&op[i].op, NULL), CHP_PENDING);
		}
		start = time_spent();
		for (int i = many - 1; i >= 0; i--)
			chp_op_cancel(&op[i * 7919L % many].op);
		start = time_spent() - start;
		if (start < best)
			best = start;
		CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	}
	return best;
}

/* cats-effect #4434, vs-threading #613: each cancellation walked the queue. */
static void cats_effect_4434_mass_cancellation(chp_policy policy)
{
	chp_time few, many;

	make(0, policy);
	few = cancel_many(MANY / 20);
	many = cancel_many(MANY);
	/* 20 times as many: 20 times as long, not 400 times.  Between them,
	   for the many are in no cache. */
	CHECK(many < 200 * few);
	ends_with(0);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(asyncio_270_woken_then_cancelled, IN_ALL),
	TEST_BY_POLICY(kotlin_1323_woken_one_too_many, IN_ALL),
	TEST_BY_POLICY(go_37852_the_front_leaves_with_permits_free, IN_ALL),
	TEST_BY_POLICY(go_37852_the_front_expires_with_permits_free, IN_ALL),
	TEST_BY_POLICY(jdk_8191483_two_neighbours_leave_at_once, IN_ALL),
	TEST_BY_POLICY(failsafe_393_granted_as_the_time_runs_out, IN_ALL),
	TEST_BY_POLICY(go_63615_a_token_cancelled_before, IN_ALL),
	TEST_BY_POLICY(libcxx_46357_released_onto_a_positive_count, IN_ALL),
	TEST_BY_POLICY(redisson_6664_waiters_for_many, IN_ALL),
	TEST_BY_POLICY(jdk_6801020_racing_releases, IN_ALL),
	TEST_BY_POLICY(jdk_8386085_short_timed_tries, IN_ALL),
	TEST_BY_POLICY(jdk_6460501_timed_waits_leak, IN_ALL),
	TEST_BY_POLICY(async_mutex_90_release_of_a_large_number, IN_ALL),
	TEST_BY_POLICY(cats_effect_4434_mass_cancellation, ON_ITS_OWN),
};

H_MAIN("semaphore_bugs", tests)
