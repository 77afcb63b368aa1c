/*
 * group.c - tasks that end before their scope does.
 *
 * Each task has a record.  `lock` guards everything in the group.
 *
 *	running    list of records, from before the spawn to the end
 *	ended      list of records kept for chp_group_next
 *	count      length of running
 *	first..    waiters: for the end of all, or for the next
 *
 * A record belongs to its task and, until it knows the task's handle, to who
 * spawns it: `refs`.  The task that ends takes its record off and serves the
 * waiters in one critical section: its last touch of the group.  A waiter for
 * the next gets the record itself, so that nobody who was served touches the
 * group again.
 *
 * Cancelling aborts the members a handful at a time, since waking somebody is
 * not done under a lock; those that it has passed go to the back of the list.
 * A member whose handle was not known then is aborted by its spawner.
 */
#include "task/group.h"

#include <string.h>

enum { HANDFUL = 32 };

static const unsigned known_flags = CHP_GROUP_KEEP_GOING | CHP_GROUP_RESULTS;

int chp_group_init(chp_group *g, chp_cancel *parent, chp_time deadline,
		   unsigned flags)
{
	if (flags & ~known_flags)
		return CHP_EINVAL;
	memset(g, 0, sizeof(*g));
	g->flags = flags;
	chp_cancel_init(&g->token, parent, deadline);
	return 0;
}

chp_cancel *chp_group_token(chp_group *g)
{
	return &g->token;
}

size_t chp_group_count(chp_group *g)
{
	size_t count;

	spin_lock(&g->lock, RANK_OBJECT);
	count = g->count;
	spin_unlock(&g->lock, RANK_OBJECT);
	return count;
}

/* ---- Members ---- */

/* lock held: m leaves the group; the caller lets go of it */
static void remove_member(chp_group *g, struct chp__member *m,
			  struct wake_batch *batch)
{
	bool keep = g->flags & CHP_GROUP_RESULTS && m->fn;

	member_list_remove(&g->running, &g->running_last, m);
	g->count--;
	if (keep) {
		add_relaxed(&m->refs, 1);
		m->end = g->ends++;
		member_list_append(&g->ended, &g->ended_last, m);
	}
	chp__group_serve(g, batch);
}

/* lock held: is it only what cancelling the group has asked for? */
static bool obeys(const chp_group *g, int code)
{
	return g->cancelled && (code == CHP_EABORTED || code == CHP_ECANCELED);
}

static void end(struct chp__member *m, int code)
{
	struct wake_batch batch = { NULL, NULL };
	chp_group *g = m->group;
	bool first;

	m->result.code = code;
	spin_lock(&g->lock, RANK_OBJECT);
	first = code < 0 && !g->code && !obeys(g, code);
	if (first)
		g->code = code;
	spin_unlock(&g->lock, RANK_OBJECT);
	if (first && !(g->flags & CHP_GROUP_KEEP_GOING))
		chp_group_cancel(g);

	spin_lock(&g->lock, RANK_OBJECT);
	remove_member(g, m, &batch);
	spin_unlock(&g->lock, RANK_OBJECT);
	member_unref(m);
	batch_wake(&batch);
}

static void *run(void *arg)
{
	struct chp__member *m = arg;

	m->result.id = chp_task_id();
	end(m, m->fn(m->result.arg));
	return NULL;
}

/* Aborted before it ran.  That is not a failure: whoever aborted it knows. */
static void never_run(void *arg)
{
	struct wake_batch batch = { NULL, NULL };
	struct chp__member *m = arg;
	chp_group *g = m->group;

	if (m->arg_drop)
		m->arg_drop(m->result.arg);
	m->result.code = CHP_EABORTED;
	spin_lock(&g->lock, RANK_OBJECT);
	m->result.id = chp_task_id();
	remove_member(g, m, &batch);
	spin_unlock(&g->lock, RANK_OBJECT);
	member_unref(m);
	batch_wake(&batch);
}

/* Put it on the list, unless the group is cancelled, by a call or by what its
   token is under. */
static int admit(chp_group *g, struct chp__member *m)
{
	int r = chp_cancel_status(&g->token);

	if (r)
		return r;
	spin_lock(&g->lock, RANK_OBJECT);
	if (g->cancelled) {
		r = CHP_ECANCELED;
	} else {
		member_list_append(&g->running, &g->running_last, m);
		g->count++;
	}
	spin_unlock(&g->lock, RANK_OBJECT);
	return r;
}

/* It could not be spawned after all. */
static void dismiss(struct chp__member *m)
{
	struct wake_batch batch = { NULL, NULL };
	chp_group *g = m->group;

	spin_lock(&g->lock, RANK_OBJECT);
	m->fn = NULL;
	remove_member(g, m, &batch);
	spin_unlock(&g->lock, RANK_OBJECT);
	batch_wake(&batch);
	member_unref(m);
}

/* Now its handle is known. */
static void introduce(struct chp__member *m, chp_agent agent)
{
	chp_group *g = m->group;
	bool tell;

	spin_lock(&g->lock, RANK_OBJECT);
	m->agent = agent;
	tell = m->passed;
	spin_unlock(&g->lock, RANK_OBJECT);
	if (tell)
		chp_abort(agent);
}

int chp_group_spawn_with(chp_group *g, int (*fn)(void *arg), void *arg,
			 const chp_task_options *options)
{
	chp_task_options ours = { .name = NULL };
	struct chp__member *m;
	chp_task task;
	int r;

	if (!fn)
		return CHP_EINVAL;
	if (options)
		ours = *options;
	m = chp__block_alloc(sizeof(*m));
	if (!m)
		return CHP_ENOMEM;
	memset(m, 0, sizeof(*m));
	m->group = g;
	m->fn = fn;
	m->arg_drop = ours.arg_drop;
	m->result.arg = arg;
	store_relaxed(&m->refs, 2);
	ours.arg_drop = never_run;
	ours.result_drop = NULL;

	r = admit(g, m);
	if (r != 0) {
		chp__block_free(m, sizeof(*m));
		return r;
	}
	r = chp_spawn_with(&task, run, m, &ours);
	if (r == 0) {
		introduce(m, task.agent);
		chp_task_detach(&task);
	} else {
		dismiss(m);
	}
	member_unref(m);
	return r;
}

int chp_group_spawn(chp_group *g, int (*fn)(void *arg), void *arg)
{
	return chp_group_spawn_with(g, fn, arg, NULL);
}

/* lock held: up to a handful of members to abort, from the front to the back */
static int take_handful(chp_group *g, chp_agent *some)
{
	struct chp__member *m;
	int n = 0;

	while ((m = g->running) && !m->passed && n < HANDFUL) {
		member_list_remove(&g->running, &g->running_last, m);
		member_list_append(&g->running, &g->running_last, m);
		m->passed = true;
		if (m->agent.id)
			some[n++] = m->agent;
	}
	return n;
}

void chp_group_cancel(chp_group *g)
{
	chp_agent some[HANDFUL];
	int n;

	/* Before anybody is told, so that who obeys is known to: obeys(). */
	spin_lock(&g->lock, RANK_OBJECT);
	g->cancelled = 1;
	spin_unlock(&g->lock, RANK_OBJECT);
	chp_cancel_now(&g->token);
	do {
		spin_lock(&g->lock, RANK_OBJECT);
		n = take_handful(g, some);
		spin_unlock(&g->lock, RANK_OBJECT);
		for (int i = 0; i < n; i++)
			chp_abort(some[i]);
	} while (n == HANDFUL);
}

/* ---- The end ---- */

int chp_group_finish(chp_group *g)
{
	static const chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	chp_wait w = { .cancel = &g->token };
	struct chp__member *m;
	int r = chp__group_wait(g, NULL, &w), code;

	if (r != 0) {
		chp_group_cancel(g);
		chp__group_wait(g, NULL, &whatever);
	}
	/* Behind the last member, which may still hold the lock. */
	spin_lock(&g->lock, RANK_OBJECT);
	code = g->code;
	spin_unlock(&g->lock, RANK_OBJECT);
	while ((m = pop_ended(g)))
		member_unref(m);
	chp_cancel_destroy(&g->token);
	memset(g, 0, sizeof(*g));
	return code ? code : r;
}
