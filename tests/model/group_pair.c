/*
 * group_pair.c - see group_pair.h.
 */
#include "group_pair.h"

struct member members[MEMBERS];
chp_group *group;
unsigned spawned, codes, plain[MEMBERS];
bool refuse;
chp_word ran, dropped;

/* The members' records, in the place of the scheduler's slots. */
int chp_spawn_with(chp_task *task, void *(*fn)(void *arg), void *arg,
		   const chp_task_options *options)
{
	struct member *m = &members[spawned];
	struct outcome *o = &m->task.outcome;

	if (refuse)
		return CHP_ENOMEM;
	o->agent.cls = &chp__task_class;
	chp__agent_start(&o->agent, 200 + spawned++, NULL, 128);
	o->fn = fn;
	o->arg = arg;
	o->arg_drop = options->arg_drop;
	o->result_drop = options->result_drop;
	store64_relaxed(&o->end, end_word(agent_id(&o->agent), RUNNING));
	/* A wake by who aborts it finds a token, and nobody asleep. */
	store_relaxed(&m->task.token, TOKEN_EMPTY);
	task->agent = agent_handle(&o->agent);
	chp__event_set(&m->spawned);
	return 0;
}

/* ---- Members ---- */

int pair_work(void *arg)
{
	unsigned i = (unsigned)((unsigned *)arg - plain);

	plain[i] = 1;
	add_relaxed(&ran, 1);
	return codes & 1u << i ? -5 : (int)i + 1;
}

void pair_drop(void *arg)
{
	*(unsigned *)arg = 2;
	add_relaxed(&dropped, 1);
}

static void spawn(unsigned i)
{
	chp_task_options options = { .arg_drop = pair_drop };

	MODEL_CHECK(chp_group_spawn_with(group, pair_work, &plain[i],
					 &options) == 0);
}

static void be_member(unsigned i)
{
	struct outcome *o = &members[i].task.outcome;

	chp__event_wait(&members[i].spawned, 0);
	chp__outcome_run(o);
	chp__outcome_end(o);
}

void pair_member_0(void)
{
	be_member(0);
}

void pair_member_1(void)
{
	be_member(1);
}

void pair_both_members(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		chp__outcome_run(&members[i].task.outcome);
		chp__outcome_end(&members[i].task.outcome);
	}
}

/* ---- Groups ---- */

void pair_make(unsigned flags)
{
	group = model_alloc(sizeof(*group));
	MODEL_CHECK(chp_group_init(group, NULL, 0, flags) == 0);
}

void pair_make_two(unsigned flags, unsigned failing)
{
	pair_make(flags);
	codes = failing;
	for (unsigned i = 0; i < MEMBERS; i++)
		spawn(i);
}

void pair_finish(int code)
{
	MODEL_CHECK(chp_group_finish(group) == code);
	for (unsigned i = 0; i < spawned; i++)
		MODEL_CHECK(plain[i] == 1 || plain[i] == 2);
	model_free(group, sizeof(*group));
}

void pair_slots_free(void)
{
	for (unsigned i = 0; i < spawned; i++)
		MODEL_CHECK(!load64_relaxed(&members[i].task.outcome.end));
	MODEL_CHECK(load_relaxed(&ran) + load_relaxed(&dropped) == spawned);
}

void pair_all_ran(void)
{
	pair_slots_free();
	MODEL_CHECK(!load_relaxed(&dropped));
}
