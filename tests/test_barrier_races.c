/*
 * test_barrier_races.c - the last arrival at the moment when another party
 * gives up; a barrier freed by whoever leaves first; generations of parties
 * that come and go.
 */
#include "duo.h"
#include "sync.h"

static chp_barrier b;
static chp_barrier_op op;
static struct h_waker waker;
static int left_result, result;

static int wait_at(chp_barrier *at, const chp_wait *w)
{
	chp_barrier_op o;

	if (h_mode() != H_POLLED)
		return w ? chp_barrier_wait_with(at, w) : chp_barrier_wait(at);
	chp_barrier_wait_op(&o, at);
	return h_wait(&o.op, w);
}

/* ---- Giving up against the last arrival ---- */

static void begin(unsigned flags)
{
	CHECK_CODE(chp_barrier_init(&b, 2, flags), 0);
	memset(&waker, 0, sizeof(waker));
}

static void one_has_arrived(void)
{
	begin(0);
	chp_barrier_wait_op(&op, &b);
	poll_pends(&op.op, &waker);
}

static void one_has_arrived_who_may_withdraw(void)
{
	begin(CHP_BARRIER_WITHDRAW);
	chp_barrier_wait_op(&op, &b);
	poll_pends(&op.op, &waker);
}

/* Whoever is alone has patience for one poll. */
static void arrive_with_no_patience(void)
{
	left_result = wait_at(&b, &(chp_wait){ .deadline = 1 });
}

static void cancel_it(void)
{
	result = chp_op_cancel(&op.op);
}

/* The arrival counts, whoever came first. */
static void the_other_led(void)
{
	CHECK_CODE(left_result, 1);
	CHECK_EQ(result, CHP_TOO_LATE);
	CHECK(op.op.result == 0 || op.op.result == CHP_ECANCELED);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(h_wakes(&waker), op.op.result == 0);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	CHECK_EQ(QUEUED(&b), 0);
}

static void a_cancelled_arrival_counts_in_any_case(void)
{
	race_often(one_has_arrived, arrive_with_no_patience, cancel_it,
		   the_other_led);
}

/* Both met, or both are gone without a trace. */
static void both_or_neither(void)
{
	if (result == CHP_TOO_LATE)
		CHECK_EQ(op.op.result, 0);
	else
		CHECK_EQ(result, CHP_HELD_NOTHING);
	CHECK_CODE(left_result, result == CHP_TOO_LATE ? 1 : CHP_ETIMEDOUT);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	CHECK_EQ(QUEUED(&b), 0);
}

static void a_withdrawal_meets_the_last_arrival_or_not(void)
{
	race_often(one_has_arrived_who_may_withdraw, arrive_with_no_patience,
		   cancel_it, both_or_neither);
}

/* Two that give up all the time still meet at times, and then both know. */
static chp_wait a_moment(struct h_rng *r)
{
	return (chp_wait){ .deadline = chp_in(h_below(r, 20) * CHP_US) };
}

static void begin_with_withdrawal(void)
{
	begin(CHP_BARRIER_WITHDRAW);
}

static void left_waits_a_moment(void)
{
	static struct h_rng r = { 88172645463325252u };
	chp_wait w = a_moment(&r);

	left_result = wait_at(&b, &w);
}

static void right_waits_a_moment(void)
{
	chp_wait w = a_moment(&right_rng);

	result = wait_at(&b, &w);
}

static void both_say_the_same(void)
{
	CHECK_CODE(left_result < 0 ? left_result : 1, result < 0 ? result : 1);
	CHECK(left_result < 0 || left_result + result == 1);
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	CHECK_EQ(QUEUED(&b), 0);
}

static void a_meeting_is_known_to_both(void)
{
	race_often(begin_with_withdrawal, left_waits_a_moment,
		   right_waits_a_moment, both_say_the_same);
}

/* ---- Whoever leaves frees it ---- */

enum { PARTIES = 3 };

static chp_ptr places[PARTIES];

struct party {
	struct h_agent agent;
	uint32_t index;
	long rounds;
};

/* The next barrier, from party 0, which makes them. */
static chp_barrier *next_barrier(struct party *p, uint32_t round)
{
	chp_barrier *next;

	if (p->index > 0) {
		while (!(next = __atomic_exchange_n(&places[p->index].v, NULL,
						    __ATOMIC_ACQ_REL)))
			rest();
		return next;
	}
	next = dig(sizeof(*next), round);
	CHECK_CODE(chp_barrier_init(next, PARTIES, round % 2), 0);
	for (int i = 1; i < PARTIES; i++) {
		while (__atomic_load_n(&places[i].v, __ATOMIC_ACQUIRE))
			rest();
		__atomic_store_n(&places[i].v, next, __ATOMIC_RELEASE);
	}
	return next;
}

static int wait_in_some_way(chp_barrier *at, uint32_t way)
{
	chp_barrier_op o;
	int r;

	if (way % 2)
		return wait_at(at, NULL);
	chp_barrier_wait_op(&o, at);
	while ((r = chp_op_poll(&o.op, NULL)) == CHP_PENDING)
		rest();
	return r;
}

/* In each round another party frees, at once, while the others return. */
static void *meet_and_bury(void *arg)
{
	struct party *p = arg;

	for (uint32_t i = 0; i < p->rounds; i++) {
		chp_barrier *at = next_barrier(p, i);
		int r = wait_in_some_way(at, i + p->index);

		CHECK(r == 0 || r == 1);
		if (i % PARTIES == p->index)
			bury(at, sizeof(*at));
	}
	return NULL;
}

static void any_party_may_free_it_at_once(void)
{
	struct party p[PARTIES];

	open_graves();
	for (uint32_t i = 0; i < PARTIES; i++) {
		p[i].index = i;
		p[i].rounds = h_rounds(h_mode() == H_CT ? 1000 : 10000);
		h_spawn(&p[i].agent, meet_and_bury, &p[i]);
	}
	for (int i = 0; i < PARTIES; i++)
		h_join(&p[i].agent);
}

/* ---- Many ---- */

/*
 * Some stay and some withdraw all the time.  Every generation that is reached
 * lets as many go as there are parties, and one of them leads.
 */
enum { VISITORS = 3 };

static chp_word passes, leads;
static chp_cancel over;

static void count_pass(int r)
{
	CHECK(r == 0 || r == 1);
	h_add(&leads, (uint32_t)r);
	h_add(&passes, 1);
}

static void *pass_until_over(void *arg)
{
	chp_wait w = { .cancel = &over };
	int r;

	while ((r = wait_at(&b, &w)) != CHP_ECANCELED)
		count_pass(r);
	return arg;
}

static void *come_and_withdraw(void *arg)
{
	struct h_rng r = h_rng(h_seed(), 20 + (uintptr_t)arg);

	while (chp_cancel_status(&over) == 0) {
		chp_wait w = a_moment(&r);
		int got = wait_at(&b, &w);

		if (got != CHP_ETIMEDOUT)
			count_pass(got);
		rest();
	}
	return NULL;
}

static void those_who_withdraw_hold_up_nobody(void)
{
	struct h_agent stays[PARTIES], goes[VISITORS];

	CHECK_CODE(chp_barrier_init(&b, PARTIES, CHP_BARRIER_WITHDRAW), 0);
	h_store(&passes, 0);
	h_store(&leads, 0);
	chp_cancel_init(&over, NULL, 0);
	for (intptr_t i = 0; i < VISITORS; i++)
		h_spawn(&goes[i], come_and_withdraw, (void *)i);
	for (int i = 0; i < PARTIES; i++)
		h_spawn(&stays[i], pass_until_over, NULL);
	while (h_load(&passes) < (uint32_t)h_rounds(5000))
		rest();
	chp_cancel_now(&over);
	for (int i = 0; i < VISITORS; i++)
		h_join(&goes[i]);
	for (int i = 0; i < PARTIES; i++)
		h_join(&stays[i]);
	CHECK_EQ(h_load(&passes), PARTIES * h_load(&leads));
	CHECK_EQ(chp_barrier_arrived(&b), 0);
	CHECK_EQ(QUEUED(&b), 0);
	chp_cancel_destroy(&over);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_cancelled_arrival_counts_in_any_case, IN_ALL),
	TEST(a_withdrawal_meets_the_last_arrival_or_not, IN_ALL),
	TEST(a_meeting_is_known_to_both, IN_ALL),
	TEST(any_party_may_free_it_at_once, IN_ALL),
	TEST(those_who_withdraw_hold_up_nobody, IN_ALL),
};
/* clang-format on */

H_MAIN("barrier_races", tests)
