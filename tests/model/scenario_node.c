/*
 * scenario_node.c - places in queues: polled by hand, cancelled while they are
 * served, in batches that are larger than what is woken at once; and the lock
 * that guards them.
 */
#include <string.h>

#include <chappe/mpsc.h>
#include <chappe/semaphore.h>

#include "counted.h"
#include "os/spin.h"
#include "scenario.h"
#include "wait/node.h"

static chp_semaphore s;
static struct counted waker, other_waker;
static unsigned plain;

static void init_0(void)
{
	chp_semaphore_init(&s, 0, CHP_FIFO);
}

static void give(void)
{
	plain = 1;
	chp_semaphore_release(&s, 1);
}

/* ---- Polled by hand: nothing but the node's state tells of a result ---- */

static void poll_twice(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_acquire_op op;
	int r;

	chp_semaphore_acquire_op(&op, &s, 1);
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING)
		r = chp_op_poll(&op.op, &ctx);
	model_reached(r == 0);
	if (r == 0) {
		MODEL_CHECK(plain == 1);
		memset(&op, 0xff, sizeof(op));
		chp_semaphore_release(&s, 1);
	} else {
		MODEL_CHECK(r == CHP_PENDING);
		chp_op_cancel(&op.op);
	}
}

static void poll_and_cancel(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	if (chp_op_poll(&op.op, &ctx) == 0)
		chp_semaphore_release(&s, 1);
	else
		chp_op_cancel(&op.op);
	memset(&op, 0xff, sizeof(op));
}

/* Another waker: from now on that one is woken, and the permit is ours. */
static void poll_with_another(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_poll_ctx ctx2 = chp_poll_ctx_of(counted_waker(&other_waker));
	static chp_acquire_op op;

	chp_semaphore_acquire_op(&op, &s, 1);
	if (chp_op_poll(&op.op, &ctx) == 0 || chp_op_poll(&op.op, &ctx2) == 0)
		chp_semaphore_release(&s, 1);
}

static void one_left(void)
{
	MODEL_CHECK(chp_semaphore_available(&s) == 1);
	MODEL_CHECK(counted_end(&waker) <= 1);
}

static void another_woken(void)
{
	counted_end(&waker);
	if (chp_semaphore_available(&s) == 0)
		MODEL_CHECK(counted_end(&other_waker) == 1);
	else
		MODEL_CHECK(counted_end(&other_waker) == 0);
}

static void give_only(void)
{
	chp_semaphore_release(&s, 1);
}

SCENARIO(node_polled, .setup = init_0, .threads = { poll_twice, give },
	 .check = one_left, .must_reach = 3);
SCENARIO(node_cancelled, .setup = init_0, .threads = { poll_and_cancel, give },
	 .check = one_left);
SCENARIO(node_another_waker, .setup = init_0,
	 .threads = { poll_with_another, give_only }, .check = another_woken);

/* The same where nothing but a channel's end is told. */
static chp_mpsc_tx tx;
static chp_mpsc_rx rx;

static void make_channel(void)
{
	chp_mpsc_bounded(1, 4, NULL, &tx, &rx);
}

static void poll_closed_twice(void)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(counted_waker(&waker));
	chp_closed_op op;
	int r;

	chp_mpsc_closed_op(&op, &tx);
	r = chp_op_poll(&op.op, &ctx);
	if (r == CHP_PENDING)
		r = chp_op_poll(&op.op, &ctx);
	model_reached(r == 0);
	if (r == CHP_PENDING)
		chp_op_cancel(&op.op);
	else
		MODEL_CHECK(plain == 1);
	memset(&op, 0xff, sizeof(op));
}

static void close_channel(void)
{
	plain = 1;
	chp_mpsc_close(&rx);
}

static void drop_channel(void)
{
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	MODEL_CHECK(counted_end(&waker) <= 1);
}

SCENARIO(node_closed_polled, .setup = make_channel,
	 .threads = { poll_closed_twice, close_channel }, .check = drop_channel,
	 .must_reach = 3);

/* ---- A batch of more than are woken at once ---- */

enum {
	BATCH = 38,
	SMALL = 3,
	NOBODY = 5,    /* its waker is none: is not counted */
	AGENT = 33,    /* those before it are woken in the first round */
	NOBODY_2 = 34, /* in the second, but not listed */
	LISTED = 35,   /* the first of the rest */
};

static chp_node nodes[BATCH];
static unsigned told[BATCH]; /* how often a waker was woken or given back */
static unsigned woken[BATCH];
static struct wake_batch batch;
static unsigned owner_of; /* node that the first waker settles; 0: none */

/* What an owner does: take the result; then all of the node is its own. */
static void take_result(unsigned i)
{
	node_settle(&nodes[i]);
	MODEL_CHECK(nodes[i].result == (int)i);
	memset(&nodes[i], 0xff, sizeof(nodes[i]));
}

static void once_woken(void *data)
{
	unsigned i = (unsigned)((unsigned *)data - told);

	told[i]++;
	woken[i]++;
	if (i == 0 && owner_of)
		take_result(owner_of);
}

static void given_back(void *data)
{
	++*(unsigned *)data;
}

static const chp_waker_class told_class = { once_woken, given_back,
					    given_back };

static void claim(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		nodes[i].waker = (chp_waker){ &told_class, &told[i] };
		if (i == AGENT)
			nodes[i].waker = agent_waker(agent_self());
		if (i == NOBODY || i == NOBODY_2)
			nodes[i].waker.cls = NULL;
		batch_claim(&batch, &nodes[i], (int)i);
	}
}

static void claim_few(void)
{
	claim(SMALL);
}

static void claim_many(void)
{
	claim(BATCH);
}

static void claim_for_waker(void)
{
	claim(BATCH);
	owner_of = LISTED + 1;
}

static void wake_batch(void)
{
	batch_wake(&batch);
}

static void own_first(void)
{
	take_result(0);
}

static void own_listed(void)
{
	take_result(LISTED + 1);
}

static void own_two(void)
{
	take_result(LISTED);
	take_result(LISTED + 1);
}

static void own_others(void)
{
	take_result(NOBODY);
	take_result(AGENT);
	take_result(NOBODY_2);
}

static void all_told(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		bool counts = i != NOBODY && i != AGENT && i != NOBODY_2;

		MODEL_CHECK(told[i] == counts);
		/* Only an owner that is faster gives its waker back. */
		if (i < LISTED)
			MODEL_CHECK(woken[i] == counts);
		else
			model_reached(woken[i]);
	}
	if (count > AGENT)
		chp_park(0); /* returns: our agent was woken */
}

static void few_told(void)
{
	all_told(SMALL);
}

static void many_told(void)
{
	all_told(BATCH);
}

SCENARIO(batch_few, .setup = claim_few, .threads = { wake_batch, own_first },
	 .check = few_told);
SCENARIO(batch_listed, .setup = claim_many,
	 .threads = { wake_batch, own_listed }, .check = many_told,
	 .must_reach = 3);
SCENARIO(batch_two_listed, .setup = claim_many,
	 .threads = { wake_batch, own_two }, .check = many_told,
	 .must_reach = 3);
SCENARIO(batch_two_owners, .setup = claim_many,
	 .threads = { wake_batch, own_listed, own_others }, .check = many_told,
	 .bound = 1, .must_reach = 3);
/* A waker may settle another place of its batch: it must not wait for itself. */
SCENARIO(batch_waker_settles, .setup = claim_for_waker,
	 .threads = { wake_batch }, .check = many_told, .must_reach = 3);

/* ---- The lock ---- */

static chp_word lock;

static void locked(void)
{
	spin_lock(&lock, RANK_OBJECT);
	plain++;
	spin_unlock(&lock, RANK_OBJECT);
}

static void try_locked(void)
{
	bool taken = spin_trylock(&lock, RANK_OBJECT);

	model_reached(taken);
	if (!taken)
		return;
	plain++;
	spin_unlock(&lock, RANK_OBJECT);
}

static void is_free(void)
{
	MODEL_CHECK(load_relaxed(&lock) == 0);
	MODEL_CHECK(plain == 2 || plain == 1);
}

static void three_were_in(void)
{
	MODEL_CHECK(plain == 3);
}

SCENARIO(spin_try, .threads = { locked, try_locked }, .check = is_free,
	 .must_reach = 3);
SCENARIO(spin_three, .threads = { locked, locked, locked },
	 .check = three_were_in);
