/*
 * parts_task.c - spawning, joining, aborting, detaching; blocking calls.
 *
 * A child's argument and its result are counted values: whoever does not get
 * them, their destructors do.  One that only ends when it is aborted is always
 * aborted.
 */
#include "stress.h"

#include <unistd.h>

enum { MANY = 500, BROOD = 4 };

enum work {
	W_NOTHING,
	W_YIELD,
	W_SLEEP,
	W_LOCAL,
	W_SPAWN,
	W_BLOCK,
	W_IN_PLACE,
	W_FOR_EVER, /* until it is aborted */
	WORKS
};

struct child_arg {
	struct agent *parent; /* to be named if it fails; else not touched */
	enum work work;
	unsigned n;
	struct value *value;
};

static chp_semaphore quiet = CHP_SEMAPHORE_INIT(2, CHP_UNFAIR);

/* ---- What a child does ---- */

static struct child_arg *arg_new(struct agent *a, enum work work, unsigned n)
{
	struct child_arg *arg = malloc(sizeof(*arg));

	arg->parent = a;
	arg->work = work;
	arg->n = n;
	arg->value = value_new(&part_task, a->number, 0);
	return arg;
}

static void arg_drop(void *child_arg)
{
	struct child_arg *arg = child_arg;

	value_free(arg->value);
	free(arg);
}

static void result_drop(void *value)
{
	if (value)
		value_free(value);
}

static const chp_local_key value_key = { result_drop };

static void *pause_here(void *n)
{
	usleep((useconds_t)(uintptr_t)n % 200);
	return n;
}

static void *child(void *child_arg);

static void spawn_and_join(const struct child_arg *arg)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	chp_task_options options = { .arg_drop = arg_drop,
				     .result_drop = result_drop };
	struct child_arg *own = arg_new(
		arg->parent, arg->n % 2 ? W_YIELD : W_SLEEP, arg->n / 2);
	chp_outcome o;
	chp_task t;
	int r = chp_spawn_with(&t, child, own, &options);

	/* Its runtime may be one that is being shut down; a thread has none. */
	if (r) {
		CHECK(r == CHP_ECLOSED || r == CHP_EINVAL);
		arg_drop(own);
		return;
	}
	CHECK_CODE(chp_join_with(&t, &o, &whatever), 0);
	if (o.value)
		value_free(o.value);
}

static void work(const struct child_arg *arg)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };

	switch (arg->work) {
	case W_YIELD:
		for (unsigned i = arg->n % 8; i; i--)
			chp_yield();
		break;
	case W_SLEEP:
		chp_sleep_for(arg->n % 1000 * CHP_US);
		break;
	case W_LOCAL:
		CHECK(!chp_local_get(&value_key));
		CHECK_CODE(
			chp_local_set(&value_key, value_new(&part_task, 0, 0)),
			0);
		chp_yield();
		CHECK(chp_local_get(&value_key) != NULL);
		break;
	case W_SPAWN:
		spawn_and_join(arg);
		break;
	case W_BLOCK:
		CHECK_CODE(chp_semaphore_acquire_with(&quiet, 1, &whatever), 0);
		chp_yield();
		CHECK_CODE(chp_semaphore_release(&quiet, 1), 0);
		break;
	case W_IN_PLACE:
		CHECK(chp_block_in_place(pause_here,
					 (void *)(uintptr_t)arg->n) ==
		      (void *)(uintptr_t)arg->n);
		break;
	case W_FOR_EVER:
		while (chp_sleep_until(CHP_NEVER) != CHP_EABORTED)
			;
		break;
	default:
		break;
	}
}

static void *child(void *child_arg)
{
	struct child_arg *arg = child_arg;
	struct value *v = arg->value;

	agent_adopt(arg->parent);
	work(arg);
	free(arg);
	return v;
}

/* ---- Spawning ---- */

static chp_runtime *some_runtime(struct agent *a)
{
	return chance(a, 50) ? mt : ct;
}

/* A task, or a blocking call, or nothing.  t NULL: detached from the start. */
static bool spawn_child(struct agent *a, chp_task *t, bool may_last)
{
	enum work w = (enum work)below(a, may_last ? WORKS : W_FOR_EVER);
	struct child_arg *arg = arg_new(a, w, below(a, 10000));
	chp_task_options options = {
		.name = "child",
		.arg_drop = arg_drop,
		.result_drop = result_drop,
		.pinned = chance(a, 10),
	};
	int r;

	at(a, "spawning");
	if (chance(a, 15)) {
		r = chp_spawn_blocking(some_runtime(a), t, child, arg,
				       &options);
	} else {
		if (a->kind == THREAD || chance(a, 50))
			options.runtime = some_runtime(a);
		r = chp_spawn_with(t, child, arg, &options);
	}
	if (count(a, r) == 0)
		return true;
	CHECK_CODE(r, CHP_ECLOSED);
	arg_drop(arg);
	return false;
}

/* ---- Ends ---- */

static void check_outcome(const chp_task *t, const chp_outcome *o, bool aborted)
{
	CHECK(t->agent.id == 0);
	CHECK(o->fate == CHP_RETURNED || aborted);
	CHECK((o->value == NULL) == (o->fate == CHP_NEVER_RUN));
	if (o->value)
		value_free(o->value);
}

static void join_somehow(struct agent *a, chp_task *t, bool aborted)
{
	chp_outcome o;
	chp_join_op op;
	struct manner m;
	int r;

	if (chance(a, 50)) {
		const chp_wait *w = draw(a, &m, SOMEHOW);

		at(a, "joining");
		r = judge(a, &m, chp_join_with(t, &o, w));
	} else {
		chp_task_join_op(&op, t, &o);
		r = count(a, await(a, &op.op, SOMEHOW));
	}
	if (gave_up(r)) {
		at(a, "joining to the end");
		chp_task_join_op(&op, t, &o);
		r = await(a, &op.op, TO_THE_END);
	}
	CHECK_CODE(r, 0);
	check_outcome(t, &o, aborted);
}

static void end_child(struct agent *a, chp_task *t, bool aborted)
{
	chp_agent agent = t->agent;

	switch (below(a, 6)) {
	case 0:
		at(a, "detaching");
		CHECK_CODE(chp_task_detach(t), 0);
		CHECK_CODE(chp_task_detach(t), CHP_EINVAL);
		if (chance(a, 50))
			chp_abort(agent);
		break;
	case 1:
		while (!chp_task_is_finished(t) && chance(a, 90))
			chp_yield();
		/* fallthrough */
	default:
		join_somehow(a, t, aborted);
		CHECK_CODE(chp_abort(agent), CHP_ESRCH);
	}
}

static void task_step(struct agent *a)
{
	chp_task brood[BROOD];
	bool there[BROOD];
	unsigned n = 1 + below(a, BROOD);

	if (values_out(&part_task) > MANY)
		return;
	if (chance(a, 20))
		spawn_child(a, NULL, false);
	for (unsigned i = 0; i < n; i++)
		there[i] = spawn_child(a, &brood[i], true);
	dither(a);
	for (unsigned i = 0; i < n; i++) {
		if (!there[i])
			continue;
		/* For those that last for ever; most do not mind. */
		chp_interrupt(brood[i].agent);
		at(a, "aborting");
		chp_task_abort(&brood[i]);
		end_child(a, &brood[i], true);
	}
}

/* ---- Errands: joining ---- */

static void join_done(struct agent *a, struct errand *e, int r)
{
	if (r == 0) {
		/* A visitor's runtime aborts all when it is shut down. */
		check_outcome(&e->task, &e->outcome, a->visitor);
		return;
	}
	CHECK(gave_up(r));
	if (chance(a, 50))
		chp_task_abort(&e->task);
	end_child(a, &e->task, true);
}

static bool task_errand(struct agent *a, struct errand *e)
{
	if (values_out(&part_task) > MANY || !spawn_child(a, &e->task, false))
		return false;
	chp_task_join_op(&e->join, &e->task, &e->outcome);
	e->op = &e->join.op;
	e->done = join_done;
	return true;
}

static void task_check(void)
{
	AT_END(chp_semaphore_available(&quiet), 2);
	AT_END(chp_semaphore_queue_length(&quiet), 0);
}

static void task_report(void)
{
	fprintf(stderr, "  %ld values out, %" PRId64 " permits, %zu wait\n",
		values_out(&part_task), chp_semaphore_available(&quiet),
		chp_semaphore_queue_length(&quiet));
}

const struct part part_task = {
	.name = "task",
	.step = task_step,
	.errand = task_errand,
	.check = task_check,
	.report = task_report,
};
