/*
 * test_poll_sched.c - stackless tasks beside others: turns, budgets, wakes from
 * anywhere and at any moment, memory that goes away.
 */
#include "stackless.h"

/* ---- Turns ---- */

enum { ROUNDS = 2000 };

struct greedy {
	chp_coro co;
	chp_acquire_op acquire;
	long i;
	int r;
	atomic_long *done;
};

static atomic_long greedy_done, modest_done;

/* Takes and gives back what is always there. */
static int take_always(void *state, chp_poll_ctx *ctx)
{
	struct greedy *g = state;

	CHP_CO_BEGIN(&g->co);
	for (g->i = 0; g->i < ROUNDS * 128L; g->i++) {
		chp_semaphore_acquire_op(&g->acquire, &gate, 1);
		CHP_CO_AWAIT(&g->co, ctx, &g->acquire.op, g->r);
		CHECK_CODE(g->r, 0);
		chp_semaphore_release(&gate, 1);
		greedy_done++;
	}
	CHP_CO_END(&g->co, 0);
}

static void *yield_often(void *arg)
{
	for (int i = 0; i < ROUNDS / 2; i++) {
		chp_yield();
		modest_done++;
	}
	return arg;
}

/* On one worker: a budget's worth of each greedy one lies between two turns. */
static void *share_a_worker(void *arg)
{
	struct greedy g[2] = { { .r = 0 }, { .r = 0 } };
	chp_task t[2], modest;

	reset();
	chp_semaphore_release(&gate, 2);
	greedy_done = modest_done = 0;
	for (int i = 0; i < 2; i++)
		CHECK_CODE(chp_spawn_poll(&t[i], take_always, &g[i]), 0);
	CHECK_CODE(chp_spawn(&modest, yield_often, NULL), 0);
	CHECK_CODE(chp_join(&modest, NULL), 0);
	CHECK(g[0].i < ROUNDS * 128L && g[1].i < ROUNDS * 128L);
	CHECK(greedy_done <= 2 * 128 * (ROUNDS / 2 + 10));
	CHECK(g[0].i - g[1].i <= 128 && g[1].i - g[0].i <= 128);
	for (int i = 0; i < 2; i++)
		CHECK_CODE(chp_join(&t[i], NULL), 0);
	return arg;
}

static void those_always_ready_take_turns_with_others(void)
{
	with_one_worker(share_a_worker);
}

static void *order_of_yields(void *arg)
{
	*(*(int **)arg)++ = 1;
	chp_yield();
	*(*(int **)arg)++ = 1;
	return arg;
}

struct yielder {
	chp_coro co;
	int **log;
};

static int yield_too(void *state, chp_poll_ctx *ctx)
{
	struct yielder *y = state;

	CHP_CO_BEGIN(&y->co);
	*(*y->log)++ = 2;
	CHP_CO_YIELD(&y->co, ctx);
	*(*y->log)++ = 2;
	CHP_CO_END(&y->co, 0);
}

static void *both_kinds_in_one_queue(void *arg)
{
	int log[8] = { 0 }, *next = log;
	struct yielder y[2] = { { .log = &next }, { .log = &next } };
	chp_task t[4];

	for (int i = 0; i < 4; i += 2) {
		CHECK_CODE(chp_spawn(&t[i], order_of_yields, &next), 0);
		CHECK_CODE(chp_spawn_poll(&t[i + 1], yield_too, &y[i / 2]), 0);
	}
	join_all(t, 4);
	for (int i = 0; i < 8; i++)
		CHECK_EQ(log[i], 1 + i % 2);
	return arg;
}

static void both_kinds_stand_in_one_queue(void)
{
	with_one_worker(both_kinds_in_one_queue);
}

/* errno of a task with a stack survives those that are polled meanwhile. */
static int spoil_errno(void *state, chp_poll_ctx *ctx)
{
	struct yielder *y = state;

	CHP_CO_BEGIN(&y->co);
	errno = ENOTTY;
	CHP_CO_YIELD(&y->co, ctx);
	errno = EISDIR;
	CHP_CO_END(&y->co, 0);
}

static void *keep_errno(void *arg)
{
	struct yielder y = { .log = NULL };
	chp_task t;

	CHECK_CODE(chp_spawn_poll(&t, spoil_errno, &y), 0);
	errno = EXDEV;
	chp_yield();
	CHECK_EQ(errno, EXDEV);
	CHECK_CODE(chp_join(&t, NULL), 0);
	CHECK_EQ(errno, EXDEV);
	return arg;
}

static void errno_of_others_is_kept(void)
{
	with_one_worker(keep_errno);
}

/* ---- Wakes ---- */

static int wake_myself(void *state, chp_poll_ctx *ctx)
{
	long *left = state;
	chp_waker waker = ctx->waker;

	if (--*left == 0)
		return 0;
	waker.cls->retain(waker.data);
	waker.cls->wake(waker.data);
	return CHP_PENDING;
}

static void a_wake_while_it_is_polled_is_not_lost(void)
{
	long left = h_rounds(20000);
	chp_task t;

	CHECK_CODE(chp_spawn_poll(&t, wake_myself, &left), 0);
	ends_as(&t, CHP_RETURNED, &left);
	CHECK_EQ(left, 0);
}

struct bells {
	chp_word rung[4], heard[4];
	chp_word ended;
	chp_waker waker; /* set before `begun` */
	chp_word begun;
	uint32_t plain[4]; /* written before rung */
};

/* Answers each ring; nobody rings twice without an answer. */
static int answer(void *state, chp_poll_ctx *ctx)
{
	struct bells *b = state;

	if (!h_load(&b->begun)) {
		b->waker = ctx->waker;
		h_store(&b->begun, 1);
	}
	for (int i = 0; i < 4; i++) {
		uint32_t rung = h_load(&b->rung[i]);

		if (rung == h_load(&b->heard[i]))
			continue;
		CHECK_EQ(b->plain[i], rung);
		h_store(&b->heard[i], rung);
	}
	return h_load(&b->ended) == 3 ? 0 : CHP_PENDING;
}

static struct bells bells;

static void *ring(void *arg)
{
	intptr_t i = (intptr_t)arg;

	for (uint32_t n = 1; n <= (uint32_t)h_rounds(3000); n++) {
		bells.plain[i] = n;
		h_store(&bells.rung[i], n);
		bells.waker.cls->wake(bells.waker.data);
		while (h_load(&bells.heard[i]) != n)
			sched_yield();
	}
	h_add(&bells.ended, 1);
	return NULL;
}

static void threads_wake_it_and_no_wake_is_lost(void)
{
	struct h_agent ringers[3];
	chp_task t;

	memset(&bells, 0, sizeof(bells));
	CHECK_CODE(chp_spawn_poll(&t, answer, &bells), 0);
	h_until(h_load(&bells.begun));
	for (intptr_t i = 0; i < 3; i++)
		h_spawn_thread(&ringers[i], ring, (void *)i);
	h_until(h_load(&bells.ended) == 3);
	for (int i = 0; i < 3; i++)
		h_join_thread(&ringers[i]);
	bells.waker.cls->wake(bells.waker.data);
	ends_as(&t, CHP_RETURNED, &bells);
	/* Late, it harms nobody. */
	bells.waker.cls->wake(bells.waker.data);
}

/* ---- Talking across kinds ---- */

struct relay {
	chp_coro co;
	chp_mpsc_rx *rx;
	chp_mpsc_tx *tx;
	chp_recv_op recv;
	chp_send_op send;
	int value, r;
};

static int relay(void *state, chp_poll_ctx *ctx)
{
	struct relay *l = state;

	CHP_CO_BEGIN(&l->co);
	for (;;) {
		chp_mpsc_recv_op(&l->recv, l->rx, &l->value);
		CHP_CO_AWAIT(&l->co, ctx, &l->recv.op, l->r);
		if (l->r)
			break;
		l->value++;
		chp_mpsc_send_op(&l->send, l->tx, &l->value);
		CHP_CO_AWAIT(&l->co, ctx, &l->send.op, l->r);
		CHECK_CODE(l->r, 0);
	}
	chp_mpsc_tx_drop(l->tx);
	CHP_CO_END(&l->co, 0);
}

static void *relay_on_a_stack(void *arg)
{
	struct relay *l = arg;

	while (chp_mpsc_recv(l->rx, &l->value) == 0) {
		l->value++;
		CHECK_CODE(chp_mpsc_send(l->tx, &l->value), 0);
	}
	chp_mpsc_tx_drop(l->tx);
	return arg;
}

enum { LINKS = 20 };

static chp_mpsc_tx txs[LINKS + 1];
static chp_mpsc_rx rxs[LINKS + 1];

static void *feed(void *count)
{
	for (int i = 0; i < *(int *)count; i++)
		CHECK_CODE(chp_mpsc_send(&txs[0], &i), 0);
	chp_mpsc_tx_drop(&txs[0]);
	return count;
}

static void a_chain_of_both_kinds_keeps_the_order(void)
{
	struct relay links[LINKS] = { { .r = 0 } };
	int count = (int)h_rounds(2000), got;
	struct h_agent feeder;
	chp_task t[LINKS];

	for (int i = 0; i <= LINKS; i++)
		CHECK_CODE(chp_mpsc_bounded(2, sizeof(int), NULL, &txs[i],
					    &rxs[i]),
			   0);
	for (int i = 0; i < LINKS; i++) {
		links[i].rx = &rxs[i];
		links[i].tx = &txs[i + 1];
		if (i % 3)
			CHECK_CODE(chp_spawn_poll(&t[i], relay, &links[i]), 0);
		else
			CHECK_CODE(
				chp_spawn(&t[i], relay_on_a_stack, &links[i]),
				0);
	}
	h_spawn(&feeder, feed, &count);
	for (int i = 0; i < count; i++) {
		CHECK_CODE(chp_mpsc_recv(&rxs[LINKS], &got), 0);
		CHECK_EQ(got, i + LINKS);
	}
	h_join(&feeder);
	join_all(t, LINKS);
	for (int i = 0; i <= LINKS; i++)
		chp_mpsc_rx_drop(&rxs[i]);
}

/* ---- Memory that goes away ---- */

struct short_life {
	struct waiter waiter;
	chp_semaphore *own;
};

/* Whoever is served destroys and frees what served it, at once. */
static int be_served_and_free(void *state, chp_poll_ctx *ctx)
{
	struct short_life *l = state;
	int r = await_steps(&l->waiter, ctx);

	if (r == CHP_PENDING)
		return r;
	chp_semaphore_destroy(l->own);
	free(l->own);
	free(l);
	runs++;
	return r;
}

static void what_served_it_may_go_away_at_once(void)
{
	long rounds = h_rounds(5000);

	reset();
	for (long i = 0; i < rounds; i++) {
		struct short_life *l = calloc(1, sizeof(*l));
		chp_semaphore *own = calloc(1, sizeof(*own));

		chp_semaphore_init(own, 0, CHP_FIFO);
		l->own = own;
		chp_semaphore_acquire_op(&l->waiter.acquire, own, 1);
		l->waiter.op = &l->waiter.acquire.op;
		CHECK_CODE(chp_spawn_poll(NULL, be_served_and_free, l), 0);
		if (i % 4)
			h_until(chp_semaphore_queue_length(own) == 1);
		chp_semaphore_release(own, 1);
	}
	h_until(runs == rounds);
}

/* Slots are used again and again, while late wakes are on their way. */
static void storms_of_short_ones_leave_nothing(void)
{
	enum { N = 64 };
	static struct waiter w[N];
	long rounds = h_rounds(300);

	reset();
	for (long i = 0; i < rounds; i++) {
		for (int k = 0; k < N; k++)
			spawn_at_the_gate(&w[k]);
		chp_semaphore_release(&gate, N / 2);
		for (int k = 0; k < N; k += 2)
			chp_task_abort(&w[k].task);
		chp_semaphore_release(&gate, N);
		for (int k = 0; k < N; k++)
			CHECK_CODE(chp_join(&w[k].task, NULL), 0);
		while (chp_semaphore_try_acquire(&gate, 1) == 0)
			continue;
		CHECK_EQ(chp_semaphore_queue_length(&gate), 0);
	}
}

/* ---- Migration ---- */

struct nomad {
	chp_coro co;
	pthread_t last;
	long i;
	int moved;
};

static int wander(void *state, chp_poll_ctx *ctx)
{
	struct nomad *n = state;

	if (n->i && !pthread_equal(n->last, pthread_self()))
		n->moved++;
	n->last = pthread_self();
	n->i++;
	if (n->moved < 3)
		return CHP_PENDING;
	(void)ctx;
	return 0;
}

/* Woken from outside, it goes to whoever is there first. */
static void it_moves_between_workers(void)
{
	chp_runtime_options many = { .workers = 3 };
	chp_runtime *rt = make_runtime(&many);
	chp_task_options options = { .runtime = rt };
	struct nomad n = { .i = 0 };
	chp_task t;

	CHECK_CODE(chp_spawn_poll_with(&t, wander, &n, &options), 0);
	while (chp_task_is_finished(&t) == 0) {
		chp_interrupt(t.agent);
		sched_yield();
	}
	ends_as(&t, CHP_RETURNED, &n);
	shut_down(rt);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(those_always_ready_take_turns_with_others, ON_ITS_OWN),
	TEST(both_kinds_stand_in_one_queue, ON_ITS_OWN),
	TEST(errno_of_others_is_kept, ON_ITS_OWN),
	TEST(a_wake_while_it_is_polled_is_not_lost, IN_TASKS),
	TEST(threads_wake_it_and_no_wake_is_lost, IN_TASKS),
	TEST(a_chain_of_both_kinds_keeps_the_order, IN_TASKS),
	TEST(what_served_it_may_go_away_at_once, IN_TASKS),
	TEST(storms_of_short_ones_leave_nothing, IN_TASKS),
	TEST(it_moves_between_workers, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("poll_sched", tests)
