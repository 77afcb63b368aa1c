/*
 * test_notify_storm.c - waiters that free everything at once, and many that
 * come and go while somebody notifies.
 */
#include "duo.h"
#include "notify.h"

/* ---- The waiter frees everything at once ---- */

struct corpse {
	chp_notify n;
	chp_notified_op op;
};

static chp_ptr offered;
static chp_word buried;

enum { WAYS = 4 };

static void wait_somehow(struct corpse *c, uint32_t way)
{
	chp_notify_notified_op(&c->op, &c->n);
	/* From here on it hears notify_waiters. */
	__atomic_store_n(&offered.v, c, __ATOMIC_RELEASE);
	if (way == 0) {
		CHECK_CODE(h_wait(&c->op.op, NULL), 0);
		return;
	}
	if (way == 1 && chp_notified_enable(&c->op))
		return;
	while (chp_op_poll(&c->op.op, NULL) == CHP_PENDING)
		if (h_mode() == H_CT || way == 2)
			rest();
}

static void *wait_and_bury(void *arg)
{
	long rounds = *(long *)arg;

	for (long i = 0; i < rounds; i++) {
		struct corpse *c = dig(sizeof(*c), (uint32_t)i);

		wait_somehow(c, (uint32_t)i % WAYS);
		bury(c, sizeof(*c));
		h_add(&buried, 1);
	}
	return NULL;
}

static void notify_each(long rounds)
{
	void (*const by[])(chp_notify *) = { chp_notify_one, chp_notify_last,
					     chp_notify_waiters };
	struct h_rng r = h_rng(h_seed(), 4);

	for (long i = 0; i < rounds; i++) {
		struct corpse *c;

		while (!(c = __atomic_exchange_n(&offered.v, NULL,
						 __ATOMIC_ACQ_REL)))
			rest();
		jitter(&r);
		by[i / WAYS % 3](&c->n);
	}
}

static void a_waiter_may_free_at_once(void)
{
	long rounds = h_rounds(h_mode() == H_CT ? 2000 : 20000);
	struct h_agent a;

	open_graves();
	h_store(&buried, 0);
	(h_mode() == H_MT ? h_spawn_thread : h_spawn)(&a, wait_and_bury,
						      &rounds);
	notify_each(rounds);
	(h_mode() == H_MT ? h_join_thread : h_join)(&a);
	CHECK_EQ(h_load(&buried), rounds);
}

/* ---- Many ---- */

/*
 * Some wait for ever and some give up all the time.  The notifier sends the
 * next notification when the last one has arrived: if one is lost, the test
 * hangs.
 */
enum { STAYERS = 3, QUITTERS = 3 };

static chp_word arrived, over;

static void *stay(void *arg)
{
	while (!h_load(&over)) {
		CHECK_CODE(wait_for(NULL), 0);
		h_add(&arrived, 1);
	}
	return arg;
}

static void *quit_and_come_back(void *arg)
{
	struct h_rng r = h_rng(h_seed(), 10 + (uintptr_t)arg);

	while (!h_load(&over)) {
		chp_notified_op o;
		chp_wait w = { .deadline = chp_in(h_below(&r, 50) * CHP_US) };
		int got;

		if (h_below(&r, 2)) {
			got = wait_for(&w);
		} else {
			chp_notify_notified_op(&o, &n);
			got = chp_op_poll(&o.op, NULL);
			if (got == CHP_PENDING) {
				rest();
				chp_op_cancel(&o.op);
			}
		}
		if (got == 0)
			h_add(&arrived, 1);
		rest();
	}
	return NULL;
}

static void no_notification_is_lost_among_those_who_give_up(void)
{
	struct h_agent stayer[STAYERS], quitter[QUITTERS];
	long rounds = h_rounds(2000);

	begin();
	h_store(&arrived, 0);
	h_store(&over, 0);
	for (int i = 0; i < STAYERS; i++)
		h_spawn(&stayer[i], stay, NULL);
	for (intptr_t i = 0; i < QUITTERS; i++)
		h_spawn(&quitter[i], quit_and_come_back, (void *)i);
	for (uint32_t i = 1; i <= rounds; i++) {
		(i % 3 ? chp_notify_one : chp_notify_last)(&n);
		while (h_load(&arrived) != i)
			rest();
	}
	h_store(&over, 1);
	for (int i = 0; i < QUITTERS; i++)
		h_join(&quitter[i]);
	/* Each call lets one of them see that it is over. */
	for (int i = 0; i < STAYERS; i++) {
		h_until(QUEUED(&n) == (size_t)(STAYERS - i));
		chp_notify_one(&n);
		h_until(h_load(&arrived) == (uint32_t)(rounds + i + 1));
	}
	for (int i = 0; i < STAYERS; i++)
		h_join(&stayer[i]);
	end();
}

/* tokio's example of a queue for many consumers. */
enum { MAKERS = 2, TAKERS = 3 };

static chp_word in_stock, made_all;
static chp_word taken;

static bool take_one(void)
{
	uint32_t have = h_load(&in_stock);

	while (have)
		if (__atomic_compare_exchange_n(&in_stock.v, &have, have - 1, 0,
						__ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
	return false;
}

static void *take_until_all_is_made(void *arg)
{
	for (;;) {
		chp_notified_op o;

		chp_notify_notified_op(&o, &n);
		chp_notified_enable(&o);
		if (take_one()) {
			chp_op_cancel(&o.op);
			h_add(&taken, 1);
		} else if (h_load(&made_all)) {
			chp_op_cancel(&o.op);
			return arg;
		} else {
			CHECK_CODE(h_wait(&o.op, NULL), 0);
		}
	}
}

static void *make_some(void *arg)
{
	for (long i = *(long *)arg; i; i--) {
		h_add(&in_stock, 1);
		chp_notify_one(&n);
		if (i % 64 == 0)
			rest();
	}
	return NULL;
}

static void a_queue_can_be_built_on_it(void)
{
	struct h_agent maker[MAKERS], taker[TAKERS];
	long each = h_rounds(20000);

	begin();
	h_store(&in_stock, 0);
	h_store(&made_all, 0);
	h_store(&taken, 0);
	for (int i = 0; i < TAKERS; i++)
		h_spawn(&taker[i], take_until_all_is_made, NULL);
	for (int i = 0; i < MAKERS; i++)
		h_spawn(&maker[i], make_some, &each);
	for (int i = 0; i < MAKERS; i++)
		h_join(&maker[i]);
	while (h_load(&in_stock))
		rest();
	h_store(&made_all, 1);
	chp_notify_waiters(&n);
	for (int i = 0; i < TAKERS; i++)
		h_join(&taker[i]);
	CHECK_EQ(h_load(&taken), MAKERS * each);
	CHECK_EQ(QUEUED(&n), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_waiter_may_free_at_once, IN_ALL),
	TEST(no_notification_is_lost_among_those_who_give_up, IN_ALL),
	TEST(a_queue_can_be_built_on_it, IN_ALL),
};
/* clang-format on */

H_MAIN("notify_storm", tests)
