/*
 * wait_group.h - wait until a number of things are done.
 *
 * A count goes up when something is begun and down when it is done; a wait
 * returns when it is 0, at once if it is.  With the count given at the start
 * and only counted down, it is a latch.
 *
 *	static chp_wait_group group;
 *
 *	for (int i = 0; i < n; i++) {
 *		chp_wait_group_add(&group, 1);
 *		start(work, &job[i]);   // which ends in chp_wait_group_done
 *	}
 *	chp_wait_group_wait(&group);
 *
 * Add before the work is handed on, not in it: else the count may be 0 too
 * early.  When it gets to 0, everybody who waits is released in one step, and
 * the group may be used again at once: an add after that begins a round of its
 * own, which no wait of the earlier one waits for.
 *
 * Memory: each add and done of a round happens before the return of every wait
 * that ends with it.
 *
 * Destroying: once a wait has returned 0, its caller may destroy and free the
 * group, even while the last done, and other waits that it woke, are on their
 * way out, unless one of those may be giving up, or is polled with another
 * waker, at that moment.
 *
 * Not from signal handlers; not shared between processes.  Go: sync.WaitGroup.
 * Java: CountDownLatch, except that counting below 0 is misuse.
 */
#ifndef CHAPPE_WAIT_GROUP_H
#define CHAPPE_WAIT_GROUP_H

#include <chappe/op.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest count. */
#define CHP_WAIT_GROUP_MAX (((int64_t)1 << 60) - 1)

/* All-zero: the count is 0.  Fields are private. */
typedef struct chp_wait_group {
	chp_word64 word; /* lock, count: src/sync/wait_group.c */
	chp_node *first, *last;
	void *reserved[2];
} chp_wait_group;

/* clang-format off */
#define CHP_WAIT_GROUP_INIT(count) \
	{ { (uint64_t)(int64_t)(count) << 2 }, NULL, NULL, { NULL, NULL } }
/* clang-format on */

/*
 * 0, or CHP_EINVAL if count < 0 or > CHP_WAIT_GROUP_MAX.
 * Java: CountDownLatch(count).
 */
CHP_API int chp_wait_group_init(chp_wait_group *wg, int64_t count);

/* Needed only to catch mistakes: destroying with waiters is misuse. */
CHP_API void chp_wait_group_destroy(chp_wait_group *wg);

/* ---- Counting; neither call waits ---- */

/*
 * Add n, which may be negative.  Getting to 0 releases everybody; getting below
 * 0 or above CHP_WAIT_GROUP_MAX is misuse.  Go: Add.
 */
CHP_API void chp_wait_group_add(chp_wait_group *wg, int64_t n);

/* Subtract 1.  Go: Done.  Java: countDown. */
CHP_API void chp_wait_group_done(chp_wait_group *wg);

/* What it was at some moment during the call.  Java: getCount. */
CHP_API int64_t chp_wait_group_count(const chp_wait_group *wg);

/* ---- Waiting ---- */

/*
 * Wait until the count is 0.  0, or what ended the wait.
 * Go: Wait.  Java: await.
 */
CHP_API int chp_wait_group_wait(chp_wait_group *wg);
CHP_API int chp_wait_group_wait_with(chp_wait_group *wg, const chp_wait *w);

/*
 * The same as an operation; its result is 0.  Once it has been polled, it ends
 * with the round it was polled in.  Cancelling loses nothing.
 */
typedef struct chp_wait_group_op {
	chp_op op;
	chp_wait_group *group;
	chp_node node;
	void *reserved[2];
} chp_wait_group_op;

CHP_API void chp_wait_group_wait_op(chp_wait_group_op *op, chp_wait_group *wg);

#ifdef __cplusplus
}
#endif

#endif
