/*
 * group.h - inside task groups: the record of a member, and what group.c and
 * group_wait.c need of each other.  See group.c.
 */
#ifndef CHAPPE_SRC_TASK_GROUP_H
#define CHAPPE_SRC_TASK_GROUP_H

#include <chappe/group.h>

#include "base/list.h"
#include "os/blocks.h"
#include "os/spin.h"
#include "wait/node.h"

struct chp__member {
	struct chp__member *next, *prev;
	chp_group *group;
	int (*fn)(void *arg);
	void (*arg_drop)(void *arg);
	chp_agent agent; /* guarded by lock; {0}: not known yet */
	bool passed;     /* by cancelling; guarded by lock */
	chp_word refs;
	uint64_t end; /* how many had ended before; for `ended` */
	chp_group_result result;
};

DEFINE_LIST(member_list, struct chp__member);

static inline void member_unref(struct chp__member *m)
{
	/* Release what we did with it; the last acquires it. */
	if (add_acq_rel(&m->refs, -1u) == 1)
		chp__block_free(m, sizeof(*m));
}

/* lock held: the one that ended first, of those that are kept; or NULL */
static inline struct chp__member *pop_ended(chp_group *g)
{
	struct chp__member *m = g->ended;

	if (m)
		member_list_remove(&g->ended, &g->ended_last, m);
	return m;
}

/* lock held: claim the waiters that need wait no longer */
void chp__group_serve(chp_group *g, struct wake_batch *batch);

/* For the next if out is not NULL, else for all. */
int chp__group_wait(chp_group *g, chp_group_result *out, const chp_wait *w);

#endif
