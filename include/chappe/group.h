/*
 * group.h - tasks that end before their scope does.
 *
 *	chp_group g;
 *
 *	chp_group_init(&g, NULL, chp_in(5 * CHP_SEC), 0);
 *	for (int i = 0; i < n; i++)
 *		chp_group_spawn(&g, fetch, &url[i]);	int fetch(void *arg)
 *	r = chp_group_finish(&g);
 *
 * The first function that returns a negative code cancels the group: its token
 * is cancelled, its other tasks are aborted (every wait of theirs ends), new
 * ones are refused.  So does whatever ends the wait in finish: the deadline, the
 * parent token, an interruption.  Once the group is cancelled, a function that
 * returns CHP_EABORTED or CHP_ECANCELED does as it was told: it has not failed.
 * Before finish is called, deadline and parent refuse new tasks and end the
 * waits on the group's token, and no others.  finish returns when the last task
 * has ended, in any case: nothing outlives the group.
 *
 * Members may spawn into their group.  Anybody may wait for it; a member that
 * waits for all waits for itself.  What a member did happens before the wait
 * that hears of its end.  Not from signal handlers.
 *
 * tokio: JoinSet, TaskTracker; Go: errgroup; Trio: nursery.
 */
#ifndef CHAPPE_GROUP_H
#define CHAPPE_GROUP_H

#include <chappe/cancel.h>
#include <chappe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A failing task does not cancel the others. */
#define CHP_GROUP_KEEP_GOING 1u
/* Keep how each task ended, for chp_group_next. */
#define CHP_GROUP_RESULTS 2u

/* Fields are private. */
typedef struct chp_group {
	chp_cancel token;
	chp_word lock;
	uint32_t flags;
	uint32_t cancelled;
	int32_t code; /* of the first that failed */
	size_t count;
	struct chp__member *running, *running_last;
	struct chp__member *ended, *ended_last;
	chp_node *first, *last;
	uint64_t ends;
	void *reserved[1];
} chp_group;

/*
 * parent: a token that the group's is made under, or NULL.  deadline: 0, or
 * when the group is to be cancelled.  CHP_EINVAL: unknown flags.
 */
CHP_API int chp_group_init(chp_group *g, chp_cancel *parent, chp_time deadline,
			   unsigned flags);

/*
 * Run fn(arg) as a task of the group, which counts as failed if it returns a
 * negative code.  0; CHP_ECANCELED: the group is cancelled; CHP_ETIMEDOUT: its
 * deadline has passed; or as chp_spawn.  arg is then still the caller's.
 * If the task is aborted before it runs, arg_drop, if given, gets arg.
 */
CHP_API int chp_group_spawn(chp_group *g, int (*fn)(void *arg), void *arg);
CHP_API int chp_group_spawn_with(chp_group *g, int (*fn)(void *arg), void *arg,
				 const chp_task_options *options);

/* The group's token, for chp_wait.cancel, and as a parent for others. */
CHP_API chp_cancel *chp_group_token(chp_group *g);

/* Cancel the group.  Doing it again has no effect.  Never waits. */
CHP_API void chp_group_cancel(chp_group *g);

/* How many tasks have not ended. */
CHP_API size_t chp_group_count(chp_group *g);

/*
 * Wait until no task is left: 0, or what ended the wait, and then the group
 * goes on.  One that waits ends then, whatever is spawned after.
 */
CHP_API int chp_group_wait(chp_group *g);
CHP_API int chp_group_wait_with(chp_group *g, const chp_wait *w);

/* How a task ended: CHP_EABORTED if it never ran. */
typedef struct chp_group_result {
	uint64_t id; /* of the task */
	void *arg;
	int code; /* what it returned */
} chp_group_result;

/*
 * With CHP_GROUP_RESULTS: wait for the next task that ends.  1, and *out says
 * which and how; 0: none is left; or what ended the wait.  Cancelling the
 * operations loses nothing, not even the order.  tokio: JoinSet::join_next.
 */
CHP_API int chp_group_next(chp_group *g, chp_group_result *out);
CHP_API int chp_group_next_with(chp_group *g, chp_group_result *out,
				const chp_wait *w);

typedef struct chp_group_op {
	chp_op op;
	chp_group *group;
	chp_group_result *out; /* NULL: wait for all */
	struct chp__member *got;
	chp_node node;
	void *reserved[2];
} chp_group_op;

/* next_op with out NULL is wait_op. */
CHP_API void chp_group_wait_op(chp_group_op *op, chp_group *g);
CHP_API void chp_group_next_op(chp_group_op *op, chp_group *g,
			       chp_group_result *out);

/*
 * The end of the group: wait for all, cancel them if that wait is ended by
 * interruption, abort or the deadline, and then wait for the rest whatever
 * happens.  Returns the code of the first that failed; else what ended the
 * wait, which is CHP_ECANCELED if the group was cancelled before; else 0.  The
 * group is then as before init; nobody else may be using it, but a wait that
 * was served may still be polled or, if it holds no result, cancelled.
 */
CHP_API int chp_group_finish(chp_group *g);

#ifdef __cplusplus
}
#endif

#endif
