/*
 * test_sync_wait.c - what begins and ends a wait, for notify, barrier and wait
 * group alike: order of checks, deadlines, tokens, interruption, abort.  (What
 * a barrier does about an arrival whose wait has ended is in test_barrier.c;
 * here it withdraws.)
 */
#include "sync.h"

/* An object that somebody can wait for, until feed() lets one waiter go. */
struct kind {
	void (*make)(void);
	int (*wait)(const chp_wait *w);
	int (*plain)(void);
	void (*feed)(void);
	size_t (*queued)(void);
};

static const struct kind *kind;

/* ---- Notify ---- */

static chp_notify n;

static void make_notify(void)
{
	chp_notify_init(&n);
}

static int wait_notify(const chp_wait *w)
{
	chp_notified_op op;

	if (h_mode() != H_POLLED)
		return chp_notify_wait_with(&n, w);
	chp_notify_notified_op(&op, &n);
	return h_wait(&op.op, w);
}

static int plain_notify(void)
{
	return chp_notify_wait(&n);
}

static void feed_notify(void)
{
	chp_notify_one(&n);
}

static size_t queued_notify(void)
{
	return QUEUED(&n);
}

static const struct kind notify = { make_notify, wait_notify, plain_notify,
				    feed_notify, queued_notify };

/* ---- Barrier: of two; feeding is the other party's arrival ---- */

static chp_barrier b;
static chp_barrier_op other;

static void make_barrier(void)
{
	CHECK_CODE(chp_barrier_init(&b, 2, CHP_BARRIER_WITHDRAW), 0);
}

/* The leader's 1 is a success as any. */
static int wait_barrier(const chp_wait *w)
{
	chp_barrier_op op;
	int r;

	chp_barrier_wait_op(&op, &b);
	r = h_mode() == H_POLLED ? h_wait(&op.op, w)
				 : chp_barrier_wait_with(&b, w);
	return r == 1 ? 0 : r;
}

static int plain_barrier(void)
{
	int r = chp_barrier_wait(&b);

	return r == 1 ? 0 : r;
}

static void feed_barrier(void)
{
	chp_barrier_wait_op(&other, &b);
	chp_op_poll(&other.op, NULL);
}

static size_t queued_barrier(void)
{
	return QUEUED(&b);
}

static const struct kind barrier = { make_barrier, wait_barrier, plain_barrier,
				     feed_barrier, queued_barrier };

/* ---- Wait group ---- */

static chp_wait_group wg;

static void make_group(void)
{
	CHECK_CODE(chp_wait_group_init(&wg, 1), 0);
}

static int wait_group(const chp_wait *w)
{
	chp_wait_group_op op;

	if (h_mode() != H_POLLED)
		return chp_wait_group_wait_with(&wg, w);
	chp_wait_group_wait_op(&op, &wg);
	return h_wait(&op.op, w);
}

static int plain_group(void)
{
	return chp_wait_group_wait(&wg);
}

static void feed_group(void)
{
	chp_wait_group_done(&wg);
}

static size_t queued_group(void)
{
	return QUEUED(&wg);
}

static const struct kind group = { make_group, wait_group, plain_group,
				   feed_group, queued_group };

static void for_each_kind(void (*test)(void))
{
	static const struct kind *const kinds[] = { &notify, &barrier, &group };

	for (int i = 0; i < 3; i++) {
		kind = kinds[i];
		kind->make();
		test();
		CHECK_EQ(kind->queued(), 0);
	}
}

/* ---- Deadlines ---- */

static void check_past_deadline(void)
{
	chp_wait past = { .deadline = 1 };

	CHECK_CODE(kind->wait(&past), CHP_ETIMEDOUT);
	kind->feed();
	CHECK_CODE(kind->wait(&past), 0);
}

static void a_past_deadline_tries_once(void)
{
	for_each_kind(check_past_deadline);
}

static void check_deadline(void)
{
	chp_time at = chp_in(2 * CHP_MS);

	CHECK_CODE(kind->wait(&(chp_wait){ .deadline = at }), CHP_ETIMEDOUT);
	CHECK(chp_now() >= at);
	kind->feed();
	CHECK_CODE(kind->wait(&(chp_wait){ .deadline = CHP_NEVER }), 0);
}

static void a_deadline_ends_a_wait(void)
{
	for_each_kind(check_deadline);
}

/* ---- Waiters ---- */

struct waiter {
	struct h_agent agent;
	chp_wait with;
	int result;
	int interrupted; /* afterwards */
	bool plain, shielded;
};

static void *wait_as_told(void *arg)
{
	struct waiter *w = arg;

	if (w->shielded)
		chp_shield_enter();
	w->result = w->plain ? kind->plain() : kind->wait(&w->with);
	if (w->shielded)
		chp_shield_leave();
	w->interrupted = chp_interrupted();
	return NULL;
}

static void spawn(struct waiter *w)
{
	h_spawn(&w->agent, wait_as_told, w);
	h_until(kind->queued() == 1);
}

static void ends_with(struct waiter *w, int result)
{
	h_join(&w->agent);
	CHECK_CODE(w->result, result);
}

static void let_others_run(void)
{
	for (int i = 0; i < 50; i++)
		h_yield();
}

static void check_feeding(void)
{
	struct waiter w = { .with = { .deadline = chp_in(3600 * CHP_SEC) } };
	struct waiter plain = { .plain = h_mode() != H_POLLED };

	spawn(&w);
	kind->feed();
	ends_with(&w, 0);
	kind->make();
	spawn(&plain);
	kind->feed();
	ends_with(&plain, 0);
}

static void a_waiter_is_let_go(void)
{
	for_each_kind(check_feeding);
}

static void check_token(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w = { .with = { .cancel = &token } };

	spawn(&w);
	chp_cancel_now(&token);
	ends_with(&w, CHP_ECANCELED);
	CHECK_EQ(kind->queued(), 0);
	kind->feed();
	/* The token comes first, though there is nothing to wait for. */
	CHECK_CODE(kind->wait(&(chp_wait){ .cancel = &token }), CHP_ECANCELED);
	CHECK_CODE(kind->wait(NULL), 0);
}

static void a_token_ends_a_wait(void)
{
	for_each_kind(check_token);
}

static void check_interrupt(void)
{
	struct waiter w = { .plain = true };

	spawn(&w);
	CHECK_CODE(chp_interrupt(w.agent.agent), 0);
	ends_with(&w, CHP_EINTR);
	CHECK(!w.interrupted);
	CHECK_EQ(kind->queued(), 0);
	kind->feed();
	/* It comes first, too. */
	for (int plain = 0; plain < 2; plain++) {
		CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
		CHECK_CODE(plain ? kind->plain()
				 : kind->wait(&(chp_wait){ .deadline = 1 }),
			   CHP_EINTR);
		CHECK(!chp_interrupted());
	}
	CHECK_CODE(kind->plain(), 0);
}

static void an_interrupt_ends_a_wait(void)
{
	for_each_kind(check_interrupt);
}

static void check_uninterruptible(void)
{
	for (int shielded = 0; shielded < 2; shielded++) {
		struct waiter w = { .shielded = shielded };

		kind->make();
		if (!shielded)
			w.with.flags = CHP_UNINTERRUPTIBLE;
		spawn(&w);
		CHECK_CODE(chp_interrupt(w.agent.agent), 0);
		let_others_run();
		CHECK_EQ(kind->queued(), 1);
		kind->feed();
		ends_with(&w, 0);
		CHECK(w.interrupted);
	}
}

static void an_uninterruptible_wait_goes_on(void)
{
	for_each_kind(check_uninterruptible);
}

static void check_abort(void)
{
	struct waiter w = { .plain = true };

	spawn(&w);
	CHECK_CODE(chp_task_abort(&w.agent.task), 0);
	ends_with(&w, CHP_EABORTED);
	CHECK_EQ(kind->queued(), 0);
}

static void an_abort_ends_a_wait(void)
{
	for_each_kind(check_abort);
}

static void check_flags(void)
{
	kind->feed();
	CHECK_CODE(kind->wait(&(chp_wait){ .flags = 4 }), CHP_EINVAL);
	CHECK_CODE(kind->wait(NULL), 0);
}

static void unknown_flags_are_refused(void)
{
	for_each_kind(check_flags);
}

/* A wait never allocates. */
static void check_allocations(void)
{
	struct waiter w = { .plain = h_mode() != H_POLLED };
	long before;

	spawn(&w);
	before = h_allocs();
	CHECK_CODE(kind->wait(&(chp_wait){ .deadline = 1 }),
		   kind == &barrier ? 0 : CHP_ETIMEDOUT);
	if (kind != &barrier)
		kind->feed();
	CHECK_EQ(h_allocs(), before);
	ends_with(&w, 0);
}

static void a_wait_allocates_nothing(void)
{
	for_each_kind(check_allocations);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_past_deadline_tries_once, IN_ALL),
	TEST(a_deadline_ends_a_wait, IN_ALL),
	TEST(a_waiter_is_let_go, IN_ALL),
	TEST(a_token_ends_a_wait, IN_ALL),
	TEST(an_interrupt_ends_a_wait, IN_BLOCKING),
	TEST(an_uninterruptible_wait_goes_on, IN_BLOCKING),
	TEST(an_abort_ends_a_wait, IN_TASKS),
	TEST(unknown_flags_are_refused, IN_BLOCKING),
	TEST(a_wait_allocates_nothing, IN_ALL),
};
/* clang-format on */

H_MAIN("sync_wait", tests)
