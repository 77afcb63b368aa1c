/*
 * worker.h - workers, seats, and the runtime they belong to.
 *
 * A worker is scheduling state: a queue, a wheel, caches.  A thread that runs
 * it has a seat, on its own stack, with the scheduler's context.  They are two
 * things because a task that blocks in place keeps the thread and lets another
 * thread take the worker.
 *
 * A task that must leave picks the next one itself and switches to it
 * directly; only when there is none, or every so often for timers and
 * descriptors, or if the next one has no stack and must be polled, it switches
 * to the seat's scheduler (worker.c).  What must happen once a stack has been
 * left (queue its task, mark it parked, give the stack back) is told to whoever
 * runs next, who does it.
 *
 * rt->lock guards the inbox, the workers' mail, and who sleeps (idle.c).  It
 * is the last thing that anyone from outside touches of a runtime: after it
 * was given up, only a worker that was claimed is woken, and a claimed worker
 * does not go on, so the runtime does not go away, before its wake has come.
 */
#ifndef CHAPPE_SRC_TASK_WORKER_H
#define CHAPPE_SRC_TASK_WORKER_H

#include <pthread.h>

#include "os/event.h"
#include "os/patience.h"
#include "os/tls.h"
#include "task/blocking.h"
#include "task/runq.h"
#include "task/sim.h"
#include "task/task.h"
#include "wait/driver.h"
#include "wait/wheel.h"

/* What to do with the task that has just left its stack, or with the stack.  It
   is told together with it, in the low bits of its address. */
enum after {
	AFTER_YIELD = 0, /* it can run: to the queue's tail; told as it is */
	AFTER_PARK,      /* mark it PARKED, unless it was woken already */
	AFTER_EXIT,      /* its task has ended: give the stack back */
	AFTER_IN_PLACE, /* it can run, but this thread has no worker any more */
	AFTER_NOTHING,  /* it was no task's */
	AFTER_MASK = 7
};

struct seat {
	struct worker *worker; /* NULL: another thread has it */
	struct tls *tls;       /* the thread's */
	int *errno_at;         /* the thread's errno */
	void *context;         /* the scheduler's, while a task runs */
	struct fiber fiber;    /* the thread's stack */
	struct fiber *before;  /* which stack was left last; for sanitizers */
};

/* How an idle worker sleeps: set under rt->lock before it is listed. */
enum sleep_kind { SLEEP_EVENT, SLEEP_POLLER };

struct worker {
	/* owner only */
	struct agent agent; /* who runs the scheduler's own code: wakers */
	struct chp_runtime *rt;
	bool alone; /* the only worker of its runtime; set once */
	struct seat *seat;
	struct task *current;
	struct task *passed; /* stackless: picked by one that left its stack */
	struct task *pinned_first, *pinned_last; /* pinned tasks that can run */
	size_t pinned_here;   /* pinned tasks that have begun here, not ended */
	uint32_t ticks;       /* tasks to pick until the next turn */
	uint32_t interval;    /* the same after a turn */
	chp_time last_turn;   /* when the last one was */
	chp_time last_driver; /* when it last asked the driver */
	uint64_t next_id, last_id;
	uint64_t random;
	struct slot_cache slots[SLOT_CACHES];
	struct stack *stacks;
	unsigned stack_count;
	struct patience patience;
	chp_time watch; /* how long the next sleep may be */
	chp_time last_look;
	uint64_t *seen; /* heads of the others' queues, at the last look */
	pthread_t thread;
	unsigned index;

	/* guarded by rt->lock */
	struct worker *next, *prev; /* idle list */
	bool idle, claimed;
	enum sleep_kind sleep_kind; /* the owner writes, so may read freely */
	bool watching;              /* the same */
	struct task *mail_first,
		*mail_last; /* pinned tasks, woken elsewhere; MIGRATING: all */

	/* shared */
	chp_word mail; /* is there mail?  Written under rt->lock */
	chp_word64 spawned, finished; /* this worker writes, others add up */
	struct os_event event;
	struct runq queue;
	struct wheel wheel;
};

enum rt_state { RT_OPEN, RT_CLOSING };

struct chp_runtime {
	chp_runtime_options options; /* set once */
	char name[CHP_NAME_MAX];
	struct worker *workers; /* set once */
	unsigned worker_count;
	int stack_class;
	struct sim *sim; /* with a seed; else NULL; set once */
	chp_word state;  /* enum rt_state */

	chp_word lock CACHE_ALIGNED;
	struct task *inbox_first, *inbox_last; /* guarded by lock */
	struct worker *idle_first, *idle_last; /* guarded by lock */
	struct worker *poller;                 /* guarded by lock */
	unsigned watchers;                     /* guarded by lock */
	bool kicked;                           /* guarded by lock */
	bool stopping;                         /* guarded by lock */
	chp_word64 remote_spawned;             /* written under lock */
	chp_word inbox_count;                  /* written under lock */
	chp_word idle_count;                   /* written under lock */
	chp_word unwatched; /* workers sleep, and none will look up by itself */

	struct driver driver;
	struct blocking blocking;
	chp_word64 virtual_now; /* paused clock; 0: the real one */
	struct os_event quiet;  /* closing: the last task may have ended */

	/* current-thread: who holds the worker; guarded by lock */
	unsigned inside; /* threads in block_on; guarded by lock */
	bool driven;
	struct turn_waiter *turn_first, *turn_last; /* threads that would */
};

/* The worker that the calling thread runs, or NULL. */
static inline struct worker *worker_here(void)
{
	struct seat *seat = chp__tls_seat();

	return likely(seat != NULL) ? seat->worker : NULL;
}

/* ---- worker_agent.c ---- */

extern const struct agent_class chp__worker_class;

/* ---- worker.c ---- */

/*
 * Run tasks until done(arg) says so or the runtime is stopping.  False: the
 * worker has gone to another thread.
 */
bool chp__worker_run(struct worker *w, bool (*done)(void *arg), void *arg);

/* What the classes of tasks have in common. */
void chp__task_unpark(struct agent *a);
chp_time chp__task_now(struct agent *a);
chp_time chp__task_coarse(struct agent *a);
int chp__task_wheel(struct agent *a, struct wheel **out);
int chp__task_driver(struct agent *a, struct driver **out);

/* A task is to leave its worker's thread without the worker: in_place.c. */
void chp__worker_rejoin(struct seat *seat, struct task *t);

/* ---- stackless.c ---- */

/* Poll t once, on the scheduler's stack.  Do not touch t afterwards. */
void chp__stackless_run(struct worker *w, struct task *t);

/* ---- schedule.c: t can run, and the caller has the right to queue it ---- */

void chp__schedule(struct task *t);

/* Part of schedule_on: t is NULL if it has been queued. */
void chp__schedule_slow(struct worker *w, struct task *t);

/* chp__schedule() by the worker's own thread.  Do not touch t afterwards. */
static inline void schedule_on(struct worker *w, struct task *t,
			       const void *cold)
{
	bool queued =
		likely(!t->pinned) && likely(runq_push(&w->queue, t, cold));

	/* Relaxed: a hint, see idle.c. */
	if (unlikely(!queued || (!w->alone && load_relaxed(&w->rt->unwatched))))
		chp__schedule_slow(w, queued ? NULL : t);
}

/* Behind everything else of the runtime. */
void chp__schedule_later(struct worker *w, struct task *t);

/* ---- find.c ---- */

/* Timers, descriptors, inbox, other workers; NULL: nothing to run. */
struct task *chp__find(struct worker *w);

/* Into the worker's own queues: its mail, and its share of the inbox. */
void chp__find_posted(struct worker *w);

/* Half of the victim's queue into w's: was there any? */
bool chp__steal_from(struct worker *w, struct worker *victim);

/* ---- idle.c ---- */

void chp__idle_sleep(struct worker *w);

/* Ask the descriptors without waiting, unless somebody waits for them. */
void chp__idle_poll(struct worker *w);

/*
 * rt->lock held: take a sleeping worker off the list, `home` if given and
 * asleep, for the caller to notify after unlocking.
 */
struct worker *chp__idle_claim(struct chp_runtime *rt, struct worker *home);
void chp__idle_notify(struct worker *w);

/* Let some sleeper look around. */
void chp__idle_kick(struct chp_runtime *rt);

/* The same with rt->lock held: whom to notify after unlocking, or NULL. */
struct worker *chp__idle_kick_locked(struct chp_runtime *rt);

/* Somebody should look up now and then while we run: wake one sleeper. */
void chp__idle_watch(struct chp_runtime *rt);

/* ---- runtime.c ---- */

/* The runtime of the calling task, blocking call or worker, else NULL. */
struct chp_runtime *chp__runtime_here(void);

/*
 * Drive a current-thread runtime on this thread until done(arg).  False: some
 * other thread drives it.
 */
bool chp__runtime_drive(struct chp_runtime *rt, bool (*done)(void *arg),
			void *arg);

/* Nothing runs in it any more: free it. */
void chp__runtime_free(struct chp_runtime *rt);

/* End its threads, of the workers the first `started`, then free it. */
void chp__runtime_stop(struct chp_runtime *rt, unsigned started);

/* A new task, from outside: CHP_ECLOSED or 0. */
int chp__schedule_new(struct chp_runtime *rt, struct task *t);

chp_time chp__runtime_now(const struct chp_runtime *rt);
chp_time chp__runtime_coarse(const struct chp_runtime *rt);

#endif
