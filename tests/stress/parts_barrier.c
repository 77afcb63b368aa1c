/*
 * parts_barrier.c - barriers at which servers are always about to arrive, and
 * wait groups.
 *
 * Of a barrier whose arrivals can be taken back, every generation has one
 * leader and as many others as it should.
 */
#include "stress.h"

enum { PARTIES = 3, GUESTS = 4 };

/* Arrivals that are given up: taken back; counted all the same. */
static chp_barrier strict =
	CHP_BARRIER_INIT_FLAGS(PARTIES, CHP_BARRIER_WITHDRAW);
static chp_barrier loose = CHP_BARRIER_INIT(2);
static chp_word64 leaders, passed;

static void passed_it(chp_barrier *b, int r)
{
	CHECK(r == 0 || r == 1 || gave_up(r));
	if (b != &strict || r < 0)
		return;
	__atomic_add_fetch(&passed.v, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&leaders.v, (uint64_t)r, __ATOMIC_RELAXED);
}

static chp_barrier *some_barrier(struct agent *a)
{
	return chance(a, 60) ? &strict : &loose;
}

static void barrier_step(struct agent *a)
{
	chp_barrier *b = some_barrier(a);
	struct manner m;
	const chp_wait *w = draw(a, &m, SOMEHOW);

	at(a, "arriving");
	passed_it(b, judge(a, &m, chp_barrier_wait_with(b, w)));
	CHECK(chp_barrier_arrived(b) < chp_barrier_parties(b));
}

static void barrier_done(struct agent *a, struct errand *e, int r)
{
	(void)a;
	passed_it(e->object, r);
}

static bool barrier_errand(struct agent *a, struct errand *e)
{
	e->object = some_barrier(a);
	chp_barrier_wait_op(&e->barrier, e->object);
	e->op = &e->barrier.op;
	e->done = barrier_done;
	return true;
}

/* Never for long, so that it sees the end; but always coming back. */
static bool barrier_serve(struct agent *a, unsigned which)
{
	chp_barrier *b = which ? some_barrier(a) : &strict;
	chp_barrier_op op;

	chp_barrier_wait_op(&op, b);
	passed_it(b, count(a, await(a, &op.op, BRIEFLY)));
	return closing();
}

static void barrier_check(void)
{
	AT_END(chp_barrier_arrived(&strict), 0);
	AT_END(passed.v, PARTIES * leaders.v);
	chp_barrier_destroy(&strict);
	chp_barrier_destroy(&loose);
}

static void barrier_report(void)
{
	fprintf(stderr, "  %u of %u, %u of %u\n", chp_barrier_arrived(&strict),
		chp_barrier_parties(&strict), chp_barrier_arrived(&loose),
		chp_barrier_parties(&loose));
}

const struct part part_barrier = {
	.name = "barrier",
	.step = barrier_step,
	.errand = barrier_errand,
	.servers = PARTIES,
	.serve = barrier_serve,
	.check = barrier_check,
	.report = barrier_report,
};

/* ---- Wait groups ---- */

/* One for all, and one on the stack of who waits for its guests. */
static chp_wait_group common;

static void *be_a_guest(void *group)
{
	chp_yield();
	chp_wait_group_done(group);
	return NULL;
}

/* The wait group's memory goes as soon as the last guest has said so. */
static void receive_guests(struct agent *a)
{
	chp_wait_group group = CHP_WAIT_GROUP_INIT(0);
	chp_task_options options = { .name = "guest" };
	chp_wait_group_op op;

	at(a, "inviting guests");
	for (uint32_t n = below(a, GUESTS + 1); n; n--) {
		options.runtime = chance(a, 50) ? mt : ct;
		chp_wait_group_add(&group, 1);
		CHECK_CODE(chp_spawn_with(NULL, be_a_guest, &group, &options),
			   0);
	}
	chp_wait_group_wait_op(&op, &group);
	CHECK_CODE(count(a, await(a, &op.op, TO_THE_END)), 0);
	CHECK(chp_wait_group_count(&group) == 0);
	chp_wait_group_destroy(&group);
}

static void begin_and_end(struct agent *a)
{
	uint32_t n = 1 + below(a, 3);

	at(a, "adding");
	chp_wait_group_add(&common, n);
	CHECK(chp_wait_group_count(&common) >= (int64_t)n);
	linger(a);
	if (chance(a, 30)) {
		chp_wait_group_add(&common, -(int64_t)n);
	} else {
		for (; n; n--)
			chp_wait_group_done(&common);
	}
	count(a, 0);
}

static void wait_group_step(struct agent *a)
{
	struct manner m;
	const chp_wait *w;

	switch (below(a, 5)) {
	case 0:
		receive_guests(a);
		break;
	case 1:
		w = draw(a, &m, BRIEFLY);
		at(a, "waiting for the group");
		judge(a, &m, chp_wait_group_wait_with(&common, w));
		break;
	default:
		begin_and_end(a);
	}
}

static void wait_group_done(struct agent *a, struct errand *e, int r)
{
	(void)a;
	(void)e;
	CHECK(r == 0 || gave_up(r));
}

/* It may be a long time until nobody has something to do. */
static bool wait_group_errand(struct agent *a, struct errand *e)
{
	(void)a;
	chp_wait_group_wait_op(&e->wait_group, &common);
	e->op = &e->wait_group.op;
	e->sure = false;
	e->done = wait_group_done;
	return true;
}

static void wait_group_check(void)
{
	AT_END(chp_wait_group_count(&common), 0);
	chp_wait_group_destroy(&common);
}

static void wait_group_report(void)
{
	fprintf(stderr, "  %" PRId64 " to be done\n",
		chp_wait_group_count(&common));
}

const struct part part_wait_group = {
	.name = "wait group",
	.step = wait_group_step,
	.errand = wait_group_errand,
	.check = wait_group_check,
	.report = wait_group_report,
};
