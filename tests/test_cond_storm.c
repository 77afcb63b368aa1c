/*
 * test_cond_storm.c - queues of work with many producers and consumers, tasks
 * and threads mixed, some of whose waits end early; turns taken by signals.
 * Whatever is produced is consumed once; a signal that is lost hangs the test.
 */
#include "duel.h"

enum { ROOM = 4, AGENTS = 8 };

static chp_mutex m;
static chp_cond not_full, not_empty;

/* Guarded by m. */
static struct {
	long items[ROOM];
	int count, next;
	long taken, sum;
	bool over;
} queue;

static int flavour; /* of waits and signals */
static long each;   /* items by each producer */

struct party {
	struct h_agent agent;
	struct h_rng rng;
	int number;
};

static void make(unsigned flags)
{
	CHECK_CODE(chp_mutex_init(&m, flags), 0);
	memset(&not_full, 0, sizeof(not_full));
	memset(&not_empty, 0, sizeof(not_empty));
	memset(&queue, 0, sizeof(queue));
}

static void ends_idle(void)
{
	CHECK_EQ(QUEUED(&m), 0);
	CHECK(!chp_mutex_is_locked(&m));
	chp_cond_destroy(&not_full);
	chp_cond_destroy(&not_empty);
	chp_mutex_destroy(&m);
}

enum { PLAIN = 0, EARLY = 1, BROADCAST = 2 };

/* A few polls, then it gives up; false if it has to be locked again. */
static int wait_by_polling(chp_cond *c, struct h_rng *rng)
{
	struct h_waker w = { 0 };
	chp_cond_op op;
	int r = CHP_PENDING;

	chp_cond_wait_op(&op, c, &m);
	for (uint32_t n = 1 + h_below(rng, 20); n; n--) {
		r = h_poll(&op.op, &w);
		if (r != CHP_PENDING)
			break;
		if (h_below(rng, 2))
			rest();
	}
	if (r == CHP_PENDING) {
		CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
		mutex_lock(&m);
	} else if (h_mode() != H_POLLED) {
		chp_mutex_adopt(&m);
	}
	h_until(h_refs(&w) == 0);
	return r == 0 ? 0 : CHP_ETIMEDOUT;
}

static void wait(chp_cond *c, struct h_rng *rng)
{
	chp_wait w = { 0 };
	int r;

	if (flavour != EARLY) {
		CHECK_CODE(cond_wait_with(c, &m, NULL), 0);
		return;
	}
	switch (h_below(rng, 3)) {
	case 0:
		w.deadline = chp_in(h_below(rng, 60000));
		r = cond_wait_with(c, &m, &w);
		break;
	case 1:
		r = wait_by_polling(c, rng);
		break;
	default:
		r = cond_wait_with(c, &m, NULL);
		break;
	}
	CHECK(r == 0 || r == CHP_ETIMEDOUT || r == CHP_EINTR);
}

static void signal(chp_cond *c)
{
	if (flavour == BROADCAST)
		chp_cond_broadcast(c);
	else
		chp_cond_signal(c);
}

static void unlock_and_signal(chp_cond *c, struct h_rng *rng)
{
	bool with_the_mutex = h_below(rng, 2);

	if (with_the_mutex)
		signal(c);
	chp_mutex_unlock(&m);
	if (!with_the_mutex)
		signal(c);
}

static void *produce(void *arg)
{
	struct party *p = arg;

	for (long i = 0; i < each; i++) {
		mutex_lock(&m);
		while (queue.count == ROOM)
			wait(&not_full, &p->rng);
		queue.items[(queue.next + queue.count++) % ROOM] = i + 1;
		unlock_and_signal(&not_empty, &p->rng);
		if (h_below(&p->rng, 8) == 0)
			rest();
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct party *p = arg;

	for (;;) {
		mutex_lock(&m);
		while (queue.count == 0 && !queue.over)
			wait(&not_empty, &p->rng);
		if (queue.count == 0)
			break;
		queue.sum += queue.items[queue.next];
		queue.next = (queue.next + 1) % ROOM;
		queue.count--;
		queue.taken++;
		unlock_and_signal(&not_full, &p->rng);
	}
	chp_mutex_unlock(&m);
	return NULL;
}

/* By number: tasks and threads on both sides. */
static void storm(unsigned flags, int which, int producers, long items)
{
	static struct party p[AGENTS];
	struct h_agent *consumer = &p[producers].agent;

	make(flags);
	flavour = which;
	each = items / producers + 1;
	for (int i = AGENTS - 1; i >= 0; i--) {
		bool produces = i < producers;

		p[i].number = i;
		p[i].rng = h_rng(h_seed(), (uint64_t)i);
		spawn_mixed(produces ? i : i - producers, &p[i].agent,
			    produces ? produce : consume, &p[i]);
	}
	if (which == EARLY && h_mode() != H_POLLED)
		for (long i = 0; i < items / 100; i++) {
			chp_interrupt(p[i % AGENTS].agent.agent);
			rest();
		}
	join_mixed(&p[0].agent, producers, sizeof(p[0]));
	chp_interrupted();
	mutex_lock(&m);
	queue.over = true;
	chp_mutex_unlock(&m);
	chp_cond_broadcast(&not_empty);
	join_mixed(consumer, AGENTS - producers, sizeof(p[0]));
	CHECK_EQ(queue.taken, producers * each);
	CHECK_EQ(queue.sum, producers * (each * (each + 1) / 2));
	CHECK_EQ(queue.count, 0);
	ends_idle();
}

static void many_to_many(unsigned flags)
{
	storm(flags, PLAIN, 4, h_rounds(20000));
}

static void one_to_many(unsigned flags)
{
	storm(flags, PLAIN, 1, h_rounds(10000));
}

static void many_to_one(unsigned flags)
{
	storm(flags, PLAIN, 7, h_rounds(10000));
}

static void with_broadcasts(unsigned flags)
{
	storm(flags, BROADCAST, 4, h_rounds(5000));
}

static void with_waits_that_end_early(unsigned flags)
{
	storm(flags, EARLY, 4, h_rounds(10000));
}

/* ---- Turns ---- */

static chp_cond turn_of[AGENTS];
static int turn; /* guarded by m */
static long rounds;

/* One signal for each turn, to one waiter: a lost one ends the game. */
static void *take_turns(void *arg)
{
	struct party *p = arg;
	int next = (p->number + 1) % AGENTS;

	for (long i = 0; i < rounds; i++) {
		mutex_lock(&m);
		while (turn != p->number)
			CHECK_CODE(
				cond_wait_with(&turn_of[p->number], &m, NULL),
				0);
		turn = next;
		unlock_and_signal(&turn_of[next], &p->rng);
	}
	return NULL;
}

static void turns_go_round(unsigned flags)
{
	static struct party p[AGENTS];

	make(flags);
	memset(turn_of, 0, sizeof(turn_of));
	flavour = PLAIN;
	turn = 0;
	rounds = h_rounds(2000);
	for (int i = 0; i < AGENTS; i++) {
		p[i].number = i;
		p[i].rng = h_rng(h_seed(), (uint64_t)i);
		spawn_mixed(i, &p[i].agent, take_turns, &p[i]);
	}
	join_mixed(&p[0].agent, AGENTS, sizeof(p[0]));
	CHECK_EQ(turn, 0);
	for (int i = 0; i < AGENTS; i++)
		chp_cond_destroy(&turn_of[i]);
	ends_idle();
}

/* ---- A barrier by broadcast, again and again ---- */

static int arrived;
static long generation;

static void *meet_again_and_again(void *arg)
{
	for (long i = 0; i < rounds; i++) {
		long mine;

		mutex_lock(&m);
		mine = generation;
		CHECK_EQ(mine, i);
		if (++arrived == AGENTS) {
			arrived = 0;
			generation++;
			chp_cond_broadcast(&not_full);
		} else {
			/* No wake for no reason: once is enough. */
			CHECK_CODE(cond_wait_with(&not_full, &m, NULL), 0);
			CHECK_EQ(generation, mine + 1);
		}
		chp_mutex_unlock(&m);
	}
	return arg;
}

static void a_broadcast_ends_exactly_the_waits_before_it(unsigned flags)
{
	static struct party p[AGENTS];

	make(flags);
	arrived = 0;
	generation = 0;
	rounds = h_rounds(2000);
	for (int i = 0; i < AGENTS; i++)
		spawn_mixed(i, &p[i].agent, meet_again_and_again, &p[i]);
	join_mixed(&p[0].agent, AGENTS, sizeof(p[0]));
	CHECK_EQ(generation, rounds);
	ends_idle();
}

/* clang-format off */
BY_FLAGS(many_to_many)
BY_FLAGS(one_to_many)
BY_FLAGS(many_to_one)
BY_FLAGS(with_broadcasts)
BY_FLAGS(with_waits_that_end_early)
BY_FLAGS(turns_go_round)
BY_FLAGS(a_broadcast_ends_exactly_the_waits_before_it)

static const struct h_test tests[] = {
	TESTS(many_to_many, IN_ALL),
	TESTS(one_to_many, IN_ALL),
	TESTS(many_to_one, IN_ALL),
	TESTS(with_broadcasts, IN_ALL),
	TESTS(with_waits_that_end_early, IN_ALL),
	TESTS(turns_go_round, IN_ALL),
	TESTS(a_broadcast_ends_exactly_the_waits_before_it, IN_ALL),
};
/* clang-format on */

H_MAIN("cond_storm", tests)
