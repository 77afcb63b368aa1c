/*
 * test_semaphore_races.c - two parties at the same moment: one gives, the
 * other gives up.  Whoever wins, afterwards each permit is in one place: with
 * the waiter, or in the count.
 *
 * A duel is many rounds: before() alone, then mine() and theirs() at once with
 * a random delay before each, then after() alone, which counts.  In a runtime
 * of one thread the two take turns, so a few rounds say all there is to say.
 * Who the other party is, and where it runs, is in sem.h.
 */
#include "sem_queue.h"

static chp_semaphore t;

/* ---- Duels ---- */

struct duel {
	void (*before)(void);
	void (*mine)(void);
	void (*theirs)(void);
	void (*after)(void);
	long rounds;
	chp_word turn; /* 2i + 1: round i has begun; 2i + 2: theirs is done */
};

static chp_policy policy_now;
static chp_agent me;
static long round_now;
static int result; /* of mine */

/* From nothing to a few microseconds. */
static void dawdle(struct h_rng *rng, uint32_t most)
{
	uint32_t n = h_below(rng, most);

	if (h_below(rng, 8) == 0)
		return;
	while (n--)
		__asm__ volatile("" ::: "memory");
}

static void await_turn(struct duel *d, uint32_t turn)
{
	while (h_load(&d->turn) != turn)
		rest();
}

static void give_turn(struct duel *d, uint32_t turn)
{
	h_store(&d->turn, turn);
}

static void *the_other_party(void *arg)
{
	struct duel *d = arg;
	struct h_rng rng = h_rng(2463534242u, 0);

	run_on(1);
	for (long i = 0; i < d->rounds; i++) {
		await_turn(d, (uint32_t)(2 * i + 1));
		dawdle(&rng, 300);
		d->theirs();
		give_turn(d, (uint32_t)(2 * i + 2));
	}
	return NULL;
}

static void fight(struct duel *d, chp_policy policy)
{
	struct h_rng rng = h_rng(88675123u, 0);
	struct h_agent other;

	if (h_mode() == H_CT)
		d->rounds /= 10;
	d->rounds += 2;
	d->turn.v = 0;
	policy_now = policy;
	me = chp_agent_current();
	make(0, policy);
	CHECK_CODE(chp_semaphore_init(&t, 0, policy), 0);
	find_processors();
	spawn_other(&other, the_other_party, d);
	for (long i = 0; i < d->rounds; i++) {
		round_now = i;
		/* Again and again: a task may have changed threads. */
		if (i == 0 || h_mode() == H_MT)
			run_on(0);
		if (d->before)
			d->before();
		give_turn(d, (uint32_t)(2 * i + 1));
		/* More, for the other one first has to see its turn. */
		dawdle(&rng, 8000);
		d->mine();
		await_turn(d, (uint32_t)(2 * i + 2));
		d->after();
	}
	join_other(&other);
	run_anywhere();
}

/* ---- What parties do ---- */

static struct h_waker waker;
static chp_acquire_op op;

static void release_one(void)
{
	release(1);
}

static void close_it(void)
{
	chp_semaphore_close(&s);
}

static void poll_once(void)
{
	memset(&waker, 0, sizeof(waker));
	chp_semaphore_acquire_op(&op, &s, 1);
	CHECK_CODE(h_poll(&op.op, &waker), CHP_PENDING);
}

/* Give up, but half of the time have a look first. */
static void cancel_it(void)
{
	result = CHP_PENDING;
	if (round_now % 2)
		result = h_poll(&op.op, &waker);
	if (result == CHP_PENDING && chp_op_cancel(&op.op) == CHP_TOO_LATE)
		h_fail(__FILE__, __LINE__, "an acquire is never too late");
}

/* One permit was released: it is mine, or it is there. */
static void one_permit_is_left(void)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_available(&s), result == 0 ? 0 : 1);
	if (result != 0)
		CHECK_CODE(chp_semaphore_try_acquire(&s, 1), 0);
}

static void one_permit_and_no_waker_are_left(void)
{
	CHECK_EQ(h_refs(&waker), 0);
	CHECK(h_wakes(&waker) <= 1);
	one_permit_is_left();
}

/* ---- Cancelling ---- */

static void cancel_meets_release(chp_policy policy)
{
	struct duel d = { poll_once,       cancel_it,
			  release_one,     one_permit_and_no_waker_are_left,
			  h_rounds(15000), { 0 } };

	fight(&d, policy);
}

static struct h_waker next_waker;
static chp_acquire_op next_op;

static void poll_two(void)
{
	poll_once();
	memset(&next_waker, 0, sizeof(next_waker));
	chp_semaphore_acquire_op(&next_op, &s, 1);
	CHECK_CODE(h_poll(&next_op.op, &next_waker), CHP_PENDING);
}

/* The one behind has it if the one in front has not. */
static void the_permit_went_to_one_of_two(void)
{
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(chp_semaphore_queue_length(&s),
		 result == 0 ? 1 : (policy_now == CHP_UNFAIR));
	if (result == 0) {
		CHECK_EQ(h_wakes(&next_waker), 0);
		CHECK_CODE(h_poll(&next_op.op, &next_waker), CHP_PENDING);
		release_one();
	}
	CHECK_EQ(h_wakes(&next_waker), 1);
	CHECK_CODE(h_poll(&next_op.op, &next_waker), 0);
	CHECK_EQ(h_refs(&next_waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void cancel_meets_release_with_another_behind(chp_policy policy)
{
	struct duel d = { poll_two,        cancel_it,
			  release_one,     the_permit_went_to_one_of_two,
			  h_rounds(15000), { 0 } };

	fight(&d, policy);
}

/* ---- Deadline, token, interruption ---- */

static void acquire_for_a_moment(void)
{
	static struct h_rng rng = { 521288629u };
	chp_wait w = { .deadline = chp_in(h_below(&rng, 20000)) };

	result = acquire_with(1, &w);
	if (result != CHP_ETIMEDOUT)
		CHECK_CODE(result, 0);
}

static void release_in_a_moment(void)
{
	static struct h_rng rng = { 5783321u };
	chp_time at = chp_in(h_below(&rng, 120000));

	while (chp_now() < at)
		h_yield();
	release_one();
}

static void expiry_meets_release(chp_policy policy)
{
	struct duel d = { NULL,
			  acquire_for_a_moment,
			  release_in_a_moment,
			  one_permit_is_left,
			  h_rounds(4000),
			  { 0 } };

	fight(&d, policy);
}

static chp_cancel token;

static void renew_the_token(void)
{
	chp_cancel_init(&token, NULL, 0);
}

static void acquire_with_the_token(void)
{
	result = acquire_with(1, &(chp_wait){ .cancel = &token });
	if (result != CHP_ECANCELED)
		CHECK_CODE(result, 0);
}

static void release_and_cancel_the_token(void)
{
	if (round_now % 2)
		chp_cancel_now(&token);
	release_one();
	chp_cancel_now(&token);
}

static void a_token_meets_release(chp_policy policy)
{
	struct duel d = { renew_the_token,
			  acquire_with_the_token,
			  release_and_cancel_the_token,
			  one_permit_is_left,
			  h_rounds(4000),
			  { 0 } };

	fight(&d, policy);
}

static void acquire_interruptibly(void)
{
	result = chp_semaphore_acquire(&s, 1);
	if (result != CHP_EINTR)
		CHECK_CODE(result, 0);
}

static void release_and_interrupt(void)
{
	if (round_now % 2)
		CHECK_CODE(chp_interrupt(me), 0);
	release_one();
	if (round_now % 2 == 0)
		CHECK_CODE(chp_interrupt(me), 0);
}

/* The interrupt took effect in the wait, or it is still to be had. */
static void one_permit_and_one_interrupt(void)
{
	CHECK_EQ(chp_interrupted(), result == 0 ? 1 : 0);
	one_permit_is_left();
}

static void an_interrupt_meets_release(chp_policy policy)
{
	struct duel d = { NULL,
			  acquire_interruptibly,
			  release_and_interrupt,
			  one_permit_and_one_interrupt,
			  h_rounds(4000),
			  { 0 } };

	fight(&d, policy);
}

/* ---- Closing ---- */

static void make_anew(void)
{
	make(0, policy_now);
}

static void make_anew_and_poll_once(void)
{
	make_anew();
	poll_once();
}

static void closed_and_nothing_is_left(void)
{
	CHECK(result == CHP_PENDING || result == CHP_ECLOSED);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
	CHECK(chp_semaphore_is_closed(&s));
}

static void cancel_meets_close(chp_policy policy)
{
	struct duel d = { make_anew_and_poll_once,    cancel_it,       close_it,
			  closed_and_nothing_is_left, h_rounds(15000), { 0 } };

	fight(&d, policy);
}

/* Released and closed at once: granted before, or refused after. */
static void granted_or_refused(void)
{
	CHECK_EQ(h_wakes(&waker), 1);
	result = h_poll(&op.op, &waker);
	if (result != CHP_ECLOSED)
		CHECK_CODE(result, 0);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(chp_semaphore_available(&s), result == 0 ? 0 : 1);
	CHECK(chp_semaphore_is_closed(&s));
}

static void release_meets_close(chp_policy policy)
{
	struct duel d = { make_anew_and_poll_once, release_one,     close_it,
			  granted_or_refused,      h_rounds(15000), { 0 } };

	fight(&d, policy);
}

static void acquire_until_closed(void)
{
	CHECK_CODE(acquire_with(1, NULL), CHP_ECLOSED);
}

static void nobody_is_left(void)
{
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_available(&s), 0);
}

static void an_acquire_meets_close(chp_policy policy)
{
	struct duel d = { make_anew,      acquire_until_closed, close_it,
			  nobody_is_left, h_rounds(4000),       { 0 } };

	fight(&d, policy);
}

/* ---- Two semaphores ---- */

static int won;

static void select_one_of_two(void)
{
	chp_acquire_op a, b;
	chp_select_arm arms[2] = { { &a.op, 0 }, { &b.op, 0 } };
	chp_select_op select;

	chp_semaphore_acquire_op(&a, &s, 1);
	chp_semaphore_acquire_op(&b, &t, 1);
	CHECK_CODE(chp_select_init(&select, arms, 2, CHP_CANCEL_LOSERS), 0);
	won = h_wait(&select.op, NULL);
	CHECK(won == 0 || won == 1);
	CHECK_CODE(arms[won].result, 0);
}

static void release_both(void)
{
	CHECK_CODE(chp_semaphore_release(round_now % 2 ? &s : &t, 1), 0);
	CHECK_CODE(chp_semaphore_release(round_now % 2 ? &t : &s, 1), 0);
}

static void the_other_permit_is_there(void)
{
	CHECK_EQ(chp_semaphore_available(&s), won == 0 ? 0 : 1);
	CHECK_EQ(chp_semaphore_available(&t), won == 1 ? 0 : 1);
	CHECK_EQ(chp_semaphore_drain(won == 0 ? &t : &s), 1);
	CHECK_EQ(chp_semaphore_queue_length(&s), 0);
	CHECK_EQ(chp_semaphore_queue_length(&t), 0);
}

static void a_select_takes_one_of_two_releases(chp_policy policy)
{
	struct duel d = { NULL,           select_one_of_two,
			  release_both,   the_other_permit_is_there,
			  h_rounds(4000), { 0 } };

	fight(&d, policy);
}

static const struct h_test tests[] = {
	TEST_BY_POLICY(cancel_meets_release, IN_ALL),
	TEST_BY_POLICY(cancel_meets_release_with_another_behind, IN_ALL),
	TEST_BY_POLICY(expiry_meets_release, IN_ALL),
	TEST_BY_POLICY(a_token_meets_release, IN_ALL),
	TEST_BY_POLICY(an_interrupt_meets_release, IN_BLOCKING),
	TEST_BY_POLICY(cancel_meets_close, IN_ALL),
	TEST_BY_POLICY(release_meets_close, IN_ALL),
	TEST_BY_POLICY(an_acquire_meets_close, IN_ALL),
	TEST_BY_POLICY(a_select_takes_one_of_two_releases, IN_ALL),
};

H_MAIN("semaphore_races", tests)
