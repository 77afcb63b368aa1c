/*
 * parts_cancel.c - trees of cancellation tokens, which are also the tokens of
 * everybody else's waits.
 *
 * A grove is a root with tokens under it.  The gardener plants a new one every
 * few milliseconds and cancels the old: whoever waits for a token is served for
 * sure.  A grove is freed by the last who uses it, maybe while others still
 * cancel tokens of it.
 */
#include "stress.h"

enum { MIDDLES = 3 };

struct grove {
	chp_cancel root, middle[MIDDLES];
	chp_word refs;
};

/* Guards `current`, not the groves. */
static chp_rwlock lock;
static struct grove *current;
static chp_word groves;

static struct grove *plant(void)
{
	struct grove *g = malloc(sizeof(*g));

	chp_cancel_init(&g->root, NULL, 0);
	for (int i = 0; i < MIDDLES; i++)
		chp_cancel_init(&g->middle[i], i ? &g->middle[i - 1] : &g->root,
				0);
	g->refs.v = 1;
	add(&groves, 1);
	return g;
}

struct grove *grove_get(void)
{
	struct grove *g;

	chp_rwlock_read(&lock);
	g = current;
	add(&g->refs, 1);
	chp_rwlock_read_unlock(&lock);
	return g;
}

void grove_put(struct grove *g)
{
	if (__atomic_sub_fetch(&g->refs.v, 1, __ATOMIC_ACQ_REL))
		return;
	for (int i = MIDDLES; i > 0; i--)
		chp_cancel_destroy(&g->middle[i - 1]);
	chp_cancel_destroy(&g->root);
	add(&groves, -1u);
	free(g);
}

chp_cancel *grove_token(struct grove *g, uint32_t which)
{
	return which < MIDDLES ? &g->middle[which] : &g->root;
}

void grove_cancel_some(struct agent *a)
{
	struct grove *g = grove_get();

	chp_cancel_now(grove_token(g, below(a, MIDDLES + 1)));
	grove_put(g);
}

/* ---- The gardener ---- */

static void open_cancel(void)
{
	current = plant();
}

static bool garden(struct agent *a, unsigned which)
{
	struct grove *old, *young;
	chp_sleep_op sleep;
	int r;

	(void)which;
	chp_sleep_until_op(&sleep, chp_in(below(a, 5000) * CHP_US));
	r = await(a, &sleep.op, SOMEHOW);
	CHECK(r == 0 || gave_up(r));

	young = plant();
	at(a, "changing the grove");
	chp_rwlock_write(&lock);
	old = current;
	current = young;
	chp_rwlock_write_unlock(&lock);

	at(a, "cancelling the old grove");
	for (int i = MIDDLES; i > 0; i--)
		if (chance(a, 20))
			chp_cancel_now(&old->middle[i - 1]);
	chp_cancel_now(&old->root);
	grove_put(old);
	return closing();
}

static void check_cancel(void)
{
	chp_cancel_now(&current->root);
	grove_put(current);
	AT_END(load(&groves), 0);
	AT_END(chp_rwlock_readers(&lock), 0);
	chp_rwlock_destroy(&lock);
}

/* ---- Waiting for a token ---- */

static void token_done(struct agent *a, struct errand *e, int r)
{
	chp_cancel *token = e->cancel.token;
	struct grove *g = e->object;

	if (r == 0)
		CHECK(chp_cancel_status(token) != 0);
	else
		CHECK(gave_up(r));
	if (chance(a, 10))
		chp_cancel_now(token);
	grove_put(g);
}

static bool token_errand(struct agent *a, struct errand *e)
{
	struct grove *g = grove_get();

	e->object = g;
	e->done = token_done;
	chp_cancel_wait_op(&e->cancel, grove_token(g, below(a, MIDDLES + 1)));
	e->op = &e->cancel.op;
	return true;
}

/* ---- A tree of one's own, under everybody's ---- */

enum { OWN = 5 };

/* Cancelled by us: then all under it are, from now on. */
static void cancel_one(chp_cancel *token, const unsigned *parent, unsigned top)
{
	bool under[OWN] = { false };

	chp_cancel_now(&token[top]);
	under[top] = true;
	for (unsigned i = top; i < OWN; i++) {
		under[i] = under[i] || (i && under[parent[i]]);
		if (under[i])
			CHECK_CODE(chp_cancel_status(&token[i]), CHP_ECANCELED);
	}
}

static void wait_for(struct agent *a, chp_cancel *token)
{
	struct manner m;
	const chp_wait *w = draw(a, &m, SOMEHOW);
	int r;

	at(a, "waiting for a token of its own");
	r = judge(a, &m, chp_cancel_wait_with(token, w));
	if (r == 0)
		CHECK(chp_cancel_status(token) != 0);
}

static void tree_step(struct agent *a)
{
	chp_cancel token[OWN];
	unsigned parent[OWN] = { 0 };
	struct grove *g = grove_get();
	chp_cancel *above = grove_token(g, below(a, MIDDLES + 1));

	at(a, "growing a tree");
	chp_cancel_init(&token[0], above, chance(a, 30) ? soon(a) : 0);
	for (unsigned i = 1; i < OWN; i++) {
		parent[i] = below(a, i);
		chp_cancel_init(&token[i], &token[parent[i]],
				chance(a, 20) ? soon(a) : 0);
	}
	if (chance(a, 50))
		cancel_one(token, parent, below(a, OWN));
	if (chance(a, 50))
		wait_for(a, &token[below(a, OWN)]);
	if (chance(a, 10)) {
		chp_cancel_now(above);
		CHECK_CODE(chp_cancel_status(&token[OWN - 1]), CHP_ECANCELED);
	}
	for (unsigned i = OWN; i > 0; i--)
		chp_cancel_destroy(&token[i - 1]);
	grove_put(g);
}

static void report_cancel(void)
{
	fprintf(stderr, "  %u groves, %" PRId64 " read the lock\n",
		load(&groves), chp_rwlock_readers(&lock));
}

const struct part part_cancel = {
	.name = "cancel",
	.open = open_cancel,
	.step = tree_step,
	.errand = token_errand,
	.servers = 1,
	.serve = garden,
	.check = check_cancel,
	.report = report_cancel,
};
