/*
 * test_cond_races.c - two parties at the same moment: one signals, the other
 * begins to wait, gives up, expires.  No signal is lost, and none is taken by
 * two.  At the end: whoever waited last may destroy.
 */
#include "duel.h"
#include "grave.h"

static chp_mutex m;
static chp_cond c;
static int result; /* of mine */

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
	memset(&c, 0, sizeof(c));
}

static void ends_idle(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_cond_destroy(&c);
	chp_mutex_destroy(&m);
}

/* ---- A wait that begins ---- */

static bool condition; /* guarded by m */

static void condition_is_false(void)
{
	condition = false;
}

static void wait_until_true(void)
{
	mutex_lock(&m);
	while (!condition)
		CHECK_CODE(cond_wait_with(&c, &m, NULL), 0);
	chp_mutex_unlock(&m);
}

/* Signalled with the mutex held, after it, or to all. */
static void make_it_true(void)
{
	uint32_t how = h_load(&round_now) % 3;

	mutex_lock(&m);
	condition = true;
	if (how == 0)
		chp_cond_signal(&c);
	chp_mutex_unlock(&m);
	if (how == 1)
		chp_cond_signal(&c);
	else if (how == 2)
		chp_cond_broadcast(&c);
}

static void a_wait_meets_a_signal(unsigned flags)
{
	struct duel d = { condition_is_false, wait_until_true,
			  make_it_true,       NULL,
			  h_rounds(10000),    { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

/* ---- One that gives up ---- */

static struct poller a, b;

static void two_wait(void)
{
	hold(&m);
	queue_waiter(&a, &c, &m);
	hold(&m);
	queue_waiter(&b, &c, &m);
}

static void cancel_it(void)
{
	result = CHP_PENDING;
	if (h_load(&round_now) % 2)
		result = poll_again(&a);
	if (result == CHP_PENDING)
		CHECK(chp_op_cancel(&a.op) != CHP_TOO_LATE);
	else
		chp_mutex_unlock(&m);
}

static void signal_it(void)
{
	chp_cond_signal(&c);
}

static void one_of_two_got_the_signal(void)
{
	CHECK_EQ(h_refs(&a.waker), 0);
	CHECK(!chp_mutex_is_locked(&m));
	if (result == 0) {
		CHECK_EQ(h_wakes(&b.waker), 0);
		CHECK_CODE(poll_again(&b), CHP_PENDING);
		chp_cond_signal(&c);
	}
	poll_ends(&b, 1);
	chp_mutex_unlock(&m);
}

static void cancel_meets_signal(unsigned flags)
{
	struct duel d = { two_wait,       cancel_it,
			  signal_it,      one_of_two_got_the_signal,
			  h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

/* Signalled, in the queue of the mutex, and the mutex is unlocked. */
static void one_waits_for_the_mutex(void)
{
	two_wait();
	hold(&m);
	chp_cond_signal(&c);
	CHECK_CODE(poll_again(&a), CHP_PENDING);
}

static void unlock_it(void)
{
	chp_mutex_unlock(&m);
}

static void cancel_meets_unlock(unsigned flags)
{
	struct duel d = { one_waits_for_the_mutex,   cancel_it,      unlock_it,
			  one_of_two_got_the_signal, h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

static void cancel_the_other(void)
{
	CHECK(chp_op_cancel(&b.op) != CHP_TOO_LATE);
}

static void two_wait_and_one_is_signalled(void)
{
	two_wait();
	chp_cond_signal(&c);
}

static void nobody_is_left(void)
{
	CHECK_EQ(h_refs(&a.waker) + h_refs(&b.waker), 0);
	CHECK(!chp_mutex_is_locked(&m));
	CHECK_EQ(QUEUED(&m), 0);
	chp_cond_destroy(&c);
	memset(&c, 0, sizeof(c));
}

static void cancel_meets_cancel(unsigned flags)
{
	struct duel d = { two_wait_and_one_is_signalled,
			  cancel_it,
			  cancel_the_other,
			  nobody_is_left,
			  h_rounds(6000),
			  { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

/* Two signals at once are for two. */
static void both_got_a_signal(void)
{
	poll_ends(&a, 1);
	chp_mutex_unlock(&m);
	poll_ends(&b, 1);
	chp_mutex_unlock(&m);
}

static void signal_meets_signal(unsigned flags)
{
	struct duel d = { two_wait,          signal_it,      signal_it,
			  both_got_a_signal, h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

static void broadcast_it(void)
{
	chp_cond_broadcast(&c);
}

static void signal_meets_broadcast(unsigned flags)
{
	struct duel d = { two_wait,          signal_it,      broadcast_it,
			  both_got_a_signal, h_rounds(6000), { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

/* ---- Blocking: expiry and interruption ---- */

/* Tokens of work: every signal says that there is one more. */
static int tokens; /* guarded by m */

static void no_tokens(void)
{
	tokens = 0;
}

static void wait_for_a_moment(void)
{
	static struct h_rng rng = { 521288629 };
	chp_wait w = { .deadline = chp_in(h_below(&rng, 20000)) };

	mutex_lock(&m);
	result = 0;
	while (!tokens && result == 0)
		result = cond_wait_with(&c, &m, &w);
	/* However it ended, the mutex is held: this is no race. */
	if (tokens)
		tokens--;
	else
		CHECK_CODE(result, CHP_ETIMEDOUT);
	chp_mutex_unlock(&m);
}

static void put_a_token_in_a_moment(void)
{
	let_pass(60000);
	mutex_lock(&m);
	tokens++;
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
}

static void all_is_quiet(void)
{
	CHECK(!chp_mutex_is_locked(&m));
	CHECK_EQ(QUEUED(&m), 0);
	/* It would say so if somebody waited. */
	chp_cond_destroy(&c);
	memset(&c, 0, sizeof(c));
}

static void expiry_meets_a_signal(unsigned flags)
{
	struct duel d = {
		no_tokens,    wait_for_a_moment, put_a_token_in_a_moment,
		all_is_quiet, h_rounds(700),     { 0 }
	};

	make(flags);
	fight(&d);
	ends_idle();
}

static void wait_interruptibly(void)
{
	mutex_lock(&m);
	result = 0;
	while (!tokens && result == 0)
		result = cond_wait_with(&c, &m, NULL);
	if (result == 0)
		tokens--;
	else
		CHECK_CODE(result, CHP_EINTR);
	chp_mutex_unlock(&m);
}

static void signal_and_interrupt(void)
{
	bool first = h_load(&round_now) % 2;

	if (first)
		CHECK_CODE(chp_interrupt(me), 0);
	mutex_lock(&m);
	tokens++;
	chp_mutex_unlock(&m);
	chp_cond_signal(&c);
	if (!first)
		CHECK_CODE(chp_interrupt(me), 0);
}

/* The interrupt took effect in the wait, or it is still to be had. */
static void one_token_and_one_interrupt(void)
{
	CHECK_EQ(chp_interrupted(), result == 0 ? 1 : 0);
	CHECK_EQ(tokens, result == 0 ? 0 : 1);
	all_is_quiet();
}

static void an_interrupt_meets_a_signal(unsigned flags)
{
	struct duel d = { no_tokens,
			  wait_interruptibly,
			  signal_and_interrupt,
			  one_token_and_one_interrupt,
			  h_rounds(2000),
			  { 0 } };

	make(flags);
	fight(&d);
	ends_idle();
}

/* ---- Destroying ---- */

struct corpse {
	chp_mutex m;
	chp_cond c;
	chp_cond_op op;
	bool ready; /* guarded by m */
};

static chp_ptr offered;
static chp_word processed;
static unsigned flags_now;
static long corpses;

static struct corpse *take(void)
{
	struct corpse *k;

	while (!(k = __atomic_exchange_n(&offered.v, NULL, __ATOMIC_ACQ_REL)))
		rest();
	return k;
}

/*
 * With the mutex held: the waiter cannot come back before the signal has
 * returned, but then it unlocks, and the waiter may bury everything while
 * that unlock is still on its way out.
 */
static void *signal_each(void *arg)
{
	for (long i = 0; i < corpses; i++) {
		struct corpse *k = take();

		mutex_lock(&k->m);
		k->ready = true;
		if (i % 2)
			chp_cond_signal(&k->c);
		else
			chp_cond_broadcast(&k->c);
		chp_mutex_unlock(&k->m);
	}
	return arg;
}

static void wait_until_ready(struct corpse *k, long i)
{
	mutex_lock(&k->m);
	__atomic_store_n(&offered.v, k, __ATOMIC_RELEASE);
	while (!k->ready) {
		int r = CHP_PENDING;

		if (i % 4 < 2) {
			CHECK_CODE(cond_wait_with(&k->c, &k->m, NULL), 0);
			continue;
		}
		chp_cond_wait_op(&k->op, &k->c, &k->m);
		for (long n = 1; r == CHP_PENDING; n++) {
			r = chp_op_poll(&k->op.op, NULL);
			if (h_mode() == H_CT || n % 256 == 0)
				rest();
		}
		CHECK_CODE(r, 0);
		if (h_mode() != H_POLLED)
			chp_mutex_adopt(&k->m);
	}
	chp_mutex_unlock(&k->m);
}

static void the_last_waiter_may_destroy(unsigned flags)
{
	struct h_agent other;

	corpses = h_rounds(h_mode() == H_CT ? 1000 : 5000);
	find_processors();
	open_cemetery();
	flags_now = flags;
	spawn_other(&other, signal_each, NULL);
	for (long i = 0; i < corpses; i++) {
		struct corpse *k = dig(sizeof(*k));

		CHECK_CODE(chp_mutex_init(&k->m, flags), 0);
		wait_until_ready(k, i);
		chp_cond_destroy(&k->c);
		chp_mutex_destroy(&k->m);
		bury(k, sizeof(*k));
	}
	join_other(&other);
	close_cemetery();
}

/* The condition variable goes while the signal, without mutex, is going on. */
static void *signal_without_the_mutex(void *arg)
{
	for (long i = 0; i < corpses; i++) {
		struct corpse *k = take();

		if (i % 2)
			chp_cond_signal(&k->c);
		else
			chp_cond_broadcast(&k->c);
		h_store(&processed, (uint32_t)i + 1);
	}
	return arg;
}

static void a_signalled_waiter_may_destroy(unsigned flags)
{
	struct h_agent other;

	corpses = h_rounds(h_mode() == H_CT ? 1000 : 8000);
	find_processors();
	open_cemetery();
	processed.v = 0;
	spawn_other(&other, signal_without_the_mutex, NULL);
	for (long i = 0; i < corpses; i++) {
		struct corpse *k = dig(sizeof(*k));
		struct h_waker waker = { 0 };

		CHECK_CODE(chp_mutex_init(&k->m, flags), 0);
		hold(&k->m);
		chp_cond_wait_op(&k->op, &k->c, &k->m);
		CHECK_CODE(h_poll(&k->op.op, &waker), CHP_PENDING);
		__atomic_store_n(&offered.v, k, __ATOMIC_RELEASE);
		for (long n = 1; h_poll(&k->op.op, &waker) == CHP_PENDING; n++)
			if (h_mode() == H_CT || n % 256 == 0)
				rest();
		chp_mutex_unlock(&k->m);
		chp_cond_destroy(&k->c);
		chp_mutex_destroy(&k->m);
		bury(k, sizeof(*k));
		/* The waker may be woken a moment later. */
		h_until(h_load(&processed) == (uint32_t)i + 1);
		CHECK_EQ(h_refs(&waker), 0);
	}
	join_other(&other);
	close_cemetery();
}

/* clang-format off */
BY_FLAGS(a_wait_meets_a_signal)
BY_FLAGS(cancel_meets_signal)
BY_FLAGS(cancel_meets_unlock)
BY_FLAGS(cancel_meets_cancel)
BY_FLAGS(signal_meets_signal)
BY_FLAGS(signal_meets_broadcast)
BY_FLAGS(expiry_meets_a_signal)
BY_FLAGS(an_interrupt_meets_a_signal)
BY_FLAGS(the_last_waiter_may_destroy)
BY_FLAGS(a_signalled_waiter_may_destroy)

static const struct h_test tests[] = {
	TESTS(a_wait_meets_a_signal, IN_ALL),
	TESTS(cancel_meets_signal, IN_ALL),
	TESTS(cancel_meets_unlock, IN_ALL),
	TESTS(cancel_meets_cancel, IN_ALL),
	TESTS(signal_meets_signal, IN_ALL),
	TESTS(signal_meets_broadcast, IN_ALL),
	TESTS(expiry_meets_a_signal, IN_ALL),
	TESTS(an_interrupt_meets_a_signal, IN_BLOCKING),
	TESTS(the_last_waiter_may_destroy, IN_ALL),
	TESTS(a_signalled_waiter_may_destroy, IN_ALL),
};
/* clang-format on */

H_MAIN("cond_races", tests)
