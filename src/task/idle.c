/*
 * idle.c - workers that have nothing to run.
 *
 * One sleeper at a time, rt->poller, waits in the poller, for descriptors and
 * for the timers of all workers, which it then fires; the others each on their
 * own event and for their own timers.  Before it lies down a worker looks a few
 * microseconds longer whether something is posted, if that has paid lately.
 *
 * No lost wake: a sleeper lists itself under rt->lock after it has seen inbox
 * and mail empty under that lock; whoever adds to them does so under the lock
 * and claims a sleeper there.  A claimed sleeper is off the list; its claimer
 * owes it exactly one wake, a token or the event, which it takes before it goes
 * on.  So a runtime cannot go away under a claimer that has not woken yet.
 * What else a worker may be waiting for (a condition of chp__worker_run's) is
 * changed before a kick: that claims a sleeper, or, if none is listed, leaves
 * `kicked` behind, so that whoever is about to lie down looks once more.
 *
 * Work in a worker's own queue owes nobody a wake: waking a sleeper costs more
 * than most tasks do, and tasks that talk to each other run best on one worker.
 * So that nothing waits behind a long task, some sleeper keeps watch while
 * others run: it looks up after WATCH_MIN, then at growing gaps up to
 * WATCH_MAX, and takes what it finds waiting (look()).  When nobody runs, nobody
 * watches.  `unwatched` tells the workers that run that there are sleepers but
 * no watch; the next one that queues a task, arms a timer or begins to run
 * wakes a sleeper to keep it.
 */
#include "base/list.h"
#include "os/clock.h"
#include "os/spin.h"
#include "task/worker.h"

DEFINE_LIST(idle_list, struct worker);

#define WATCH_MIN ((chp_time)250000)
#define WATCH_MAX ((chp_time)8000000)

chp_time chp__runtime_now(const struct chp_runtime *rt)
{
	/* Relaxed: only the one thread that runs the tasks moves it. */
	uint64_t now = load64_relaxed(&rt->virtual_now);

	return now ? (chp_time)now : chp__clock_now();
}

chp_time chp__runtime_coarse(const struct chp_runtime *rt)
{
	uint64_t now = load64_relaxed(&rt->virtual_now);

	return now ? (chp_time)now : chp__clock_coarse();
}

/* lock held */
static void publish(struct chp_runtime *rt)
{
	uint32_t idle = load_relaxed(&rt->idle_count);

	/* Relaxed: a hint. */
	store_relaxed(&rt->unwatched,
		      idle > 0 && rt->watchers == 0 && idle < rt->worker_count);
}

/* lock held: w stops being listed */
static void unlist(struct chp_runtime *rt, struct worker *w)
{
	idle_list_remove(&rt->idle_first, &rt->idle_last, w);
	w->idle = false;
	rt->watchers -= w->watching;
	store_relaxed(&rt->idle_count, load_relaxed(&rt->idle_count) - 1);
	publish(rt);
}

struct worker *chp__idle_claim(struct chp_runtime *rt, struct worker *home)
{
	struct worker *w = home ? home : rt->idle_last;

	/* Rather not the one that waits for descriptors. */
	if (!home && w && w->sleep_kind == SLEEP_POLLER && w->prev)
		w = w->prev;
	if (w) {
		unlist(rt, w);
		w->claimed = true;
	}
	return w;
}

void chp__idle_notify(struct worker *w)
{
	/* The kind does not change before the wake has come. */
	if (w->sleep_kind == SLEEP_POLLER)
		chp__poller_wake(w->rt->driver.poller);
	else
		chp__event_set(&w->event);
}

struct worker *chp__idle_kick_locked(struct chp_runtime *rt)
{
	struct worker *w = chp__idle_claim(rt, NULL);

	if (!w)
		rt->kicked = true;
	return w;
}

void chp__idle_kick(struct chp_runtime *rt)
{
	struct worker *w;

	spin_lock(&rt->lock, RANK_RUNTIME);
	w = chp__idle_kick_locked(rt);
	spin_unlock(&rt->lock, RANK_RUNTIME);
	if (w)
		chp__idle_notify(w);
}

COLD void chp__idle_watch(struct chp_runtime *rt)
{
	struct worker *w = NULL;

	spin_lock(&rt->lock, RANK_RUNTIME);
	if (load_relaxed(&rt->unwatched))
		w = chp__idle_claim(rt, NULL);
	spin_unlock(&rt->lock, RANK_RUNTIME);
	if (w)
		chp__idle_notify(w);
}

/* List w as a sleeper; false: there is something to do. */
static bool lie_down(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	uint32_t idle;
	bool rest;

	spin_lock(&rt->lock, RANK_RUNTIME);
	rest = !rt->inbox_first && !w->mail_first && !rt->stopping &&
	       !rt->kicked;
	rt->kicked = false;
	if (rest) {
		idle = load_relaxed(&rt->idle_count) + 1;
		w->sleep_kind = rt->poller ? SLEEP_EVENT : SLEEP_POLLER;
		if (!rt->poller)
			rt->poller = w;
		w->idle = true;
		w->claimed = false;
		w->watching = idle < rt->worker_count;
		rt->watchers += w->watching;
		idle_list_append(&rt->idle_first, &rt->idle_last, w);
		store_relaxed(&rt->idle_count, idle);
		publish(rt);
	}
	spin_unlock(&rt->lock, RANK_RUNTIME);
	return rest;
}

/* Awake: off the list, if no claimer was faster.  Was it claimed? */
static bool get_up(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	bool claimed;

	spin_lock(&rt->lock, RANK_RUNTIME);
	claimed = w->claimed;
	if (!claimed)
		unlist(rt, w);
	spin_unlock(&rt->lock, RANK_RUNTIME);
	return claimed;
}

static void leave_poller(struct worker *w)
{
	struct chp_runtime *rt = w->rt;

	spin_lock(&rt->lock, RANK_RUNTIME);
	rt->poller = NULL;
	spin_unlock(&rt->lock, RANK_RUNTIME);
}

/* When this sleep must end; CHP_NEVER: no need. */
static chp_time wake_time(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	chp_time at = wheel_next(&w->wheel);

	if (w->sleep_kind == SLEEP_POLLER)
		for (unsigned i = 0; i < rt->worker_count; i++) {
			chp_time next = wheel_next(&rt->workers[i].wheel);

			if (next < at)
				at = next;
		}
	if (w->watching) {
		chp_time look = chp__time_add(chp__clock_now(), w->watch);

		if (look < at)
			at = look;
	}
	return at;
}

/*
 * May the paused clock move on to the next timer, if nothing can run?  Not
 * while a blocking call is out, whose result would come "later".
 */
static bool may_jump(struct chp_runtime *rt, chp_time at)
{
	return load64_relaxed(&rt->virtual_now) && at != CHP_NEVER &&
	       !chp__blocking_busy(&rt->blocking);
}

static void sleep_in_poller(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	chp_time at = wake_time(w), timeout = -1;
	bool paused = load64_relaxed(&rt->virtual_now) != 0;
	unsigned tokens = 0;
	bool still;

	if (at != CHP_NEVER && !paused) {
		timeout = at - chp__clock_now();
		if (timeout < 0)
			timeout = 0;
	} else if (at != CHP_NEVER && !chp__blocking_busy(&rt->blocking)) {
		timeout = 0;
	} else if (rt->sim) {
		timeout = SIM_PATIENCE;
	}
	still = chp__driver_wait(&rt->driver, timeout, &tokens) == 0 &&
		!tokens && may_jump(rt, at);

	/* Claimed: not before our token is here.  And something can run: what
	   the last blocking call has woken, if it ended before we looked. */
	if (get_up(w))
		while (!tokens)
			chp__driver_wait(&rt->driver, -1, &tokens);
	else if (still)
		/* Forward: what was due has been fired before we lay down. */
		store64_relaxed(&rt->virtual_now, (uint64_t)at);
	leave_poller(w);
}

static void sleep_on_event(struct worker *w)
{
	chp_time at = wake_time(w);
	bool set = chp__event_wait(&w->event, at == CHP_NEVER ? 0 : at);

	if (get_up(w) && !set)
		chp__event_wait(&w->event, 0);
}

/*
 * Fire what is due in the others' wheels.  The poller wakes for these timers:
 * left to an owner that is long in getting up, or for the next look, they would
 * end its next sleep at once, and it would spin.
 */
static void fire_others(struct worker *w, chp_time now)
{
	struct chp_runtime *rt = w->rt;

	for (unsigned i = 0; i < rt->worker_count; i++)
		if (i != w->index)
			chp__wheel_expire(&rt->workers[i].wheel, now);
}

/*
 * On watch, while others run: take what waits in their queues: of several tasks
 * half, a single one if it is still there since the last look.
 */
static void look(struct worker *w, chp_time now)
{
	struct chp_runtime *rt = w->rt;
	bool found = false;

	/* Woken by something else just after the last look. */
	if (now - w->last_look < WATCH_MIN)
		return;
	w->last_look = now;
	for (unsigned i = 0; i < rt->worker_count; i++) {
		struct worker *v = &rt->workers[i];
		uint64_t length = runq_length(&v->queue);
		uint64_t head = load64_relaxed(&v->queue.head);

		if (v == w)
			continue;
		if (!found && (length > 1 || (length && head == w->seen[i])))
			found = chp__steal_from(w, v);
		w->seen[i] = head;
	}
	if (found)
		w->watch = WATCH_MIN;
	else if (w->watch < WATCH_MAX)
		w->watch *= 2;
}

static void look_around(struct worker *w)
{
	chp_time now = chp__clock_now();

	fire_others(w, now);
	if (w->watching)
		look(w, now);
}

static bool is_posted(const void *arg)
{
	const struct worker *w = arg;

	/* Relaxed: hints; who takes it looks under the lock. */
	return load_relaxed(&w->rt->inbox_count) || load_relaxed(&w->mail);
}

/* Wait for work from outside for a moment?  Not by a clock that stands still,
   and not while descriptors may become ready, which would not be seen. */
static bool await_post(struct worker *w)
{
	struct chp_runtime *rt = w->rt;

	return !rt->sim && !load64_relaxed(&rt->virtual_now) &&
	       !driver_is_used(&rt->driver) &&
	       chp__patience(&w->patience, is_posted, w, wheel_next(&w->wheel));
}

void chp__idle_sleep(struct worker *w)
{
	if (w->rt->sim && !chp__sim_is_idle(w->rt->sim))
		return;
	if (await_post(w))
		return;
	if (!w->watch)
		w->watch = WATCH_MIN;
	if (!lie_down(w))
		return;
	if (w->sleep_kind == SLEEP_POLLER)
		sleep_in_poller(w);
	else
		sleep_on_event(w);

	if (!w->watching)
		w->watch = WATCH_MIN;
	if (!w->alone && (w->watching || w->sleep_kind == SLEEP_POLLER))
		look_around(w);
}

void chp__idle_poll(struct worker *w)
{
	struct chp_runtime *rt = w->rt;
	unsigned tokens = 0;
	bool free_;

	spin_lock(&rt->lock, RANK_RUNTIME);
	free_ = !rt->poller;
	if (free_)
		rt->poller = w;
	spin_unlock(&rt->lock, RANK_RUNTIME);
	if (!free_)
		return;
	chp__driver_wait(&rt->driver, 0, &tokens);
	leave_poller(w);
}
