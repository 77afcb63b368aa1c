/*
 * sim.c - what runs next when a runtime has a seed.
 *
 * A current-thread runtime whose clock is paused, whose every turn is ours:
 * the worker's turn always comes next, so each task that leaves its stack goes
 * through the scheduler, and chp__find() asks us.  Nothing else on the way of a
 * switch knows about seeds.
 *
 * Tasks that can run are gathered into one list sorted by id, and one is drawn.
 * Sorted, since the order in which they came may depend on addresses (an abort
 * of all goes through the slots), and a run must not.
 *
 *	held     A task that can run is held back for some decisions or some
 *	         virtual time, whichever is over first.
 *	pokes    A task that has just run gets a wake for no reason, some
 *	         decisions later.  The wake names it by id, so it may be gone.
 *	preempt  Its next wait, also one that could finish at once, lets others
 *	         run before (AGENT_PREEMPT) or after (a budget of few waits).
 *	late     The clock jumps past the next timer.
 *
 * How often each of them happens is drawn once for a run: some seeds are calm,
 * and there a wake that was lost is not made up for by a poke.
 *
 * The clock moves when nothing can run, to the next timer or end of a hold; and
 * when tasks only yield for long, or it has stood still for very long.  When
 * nothing can move it, the run is stuck: the worker waits SIM_PATIENCE in the
 * poller; if nothing comes and no descriptor is registered, we say who waits.
 */
#include "task/sim.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/panic.h"
#include "os/clock.h"
#include "task/pick.h"
#include "wait/random.h"

enum {
	READY_MAX = 4096, /* more wait in the queues */
	HELD_MAX = 256,
	POKES_MAX = 64,
	POKE_AFTER = 32,     /* decisions, at most */
	HOLD_STEP_BITS = 8,  /* up to 255 decisions */
	HOLD_TIME_BITS = 26, /* up to 67 ms */
	LATE_BITS = 21,      /* up to 2 ms */
	YIELDS_MAX = 1000,
	STANDSTILL_MAX = 100000, /* decisions */
	BURST_BITS = 7,
};

/* Ids of no other runtime or thread come up to here. */
#define FIRST_ID ((uint64_t)1000000000001)

struct held {
	struct task *task;
	uint64_t step;
	chp_time until;
};

struct poke {
	chp_agent agent;
	uint64_t step;
};

struct sim {
	uint64_t seed, random, key;
	uint64_t step, moved; /* tasks chosen so far; when time last moved */
	chp_word64 ids;       /* by whoever spawns */
	unsigned burst;       /* waits between two switches, at most */
	unsigned hold, poke, late; /* one in so many; 0: never */
	chp_agent last;            /* that ran last */
	unsigned yields;           /* in a row, and nothing else happened */
	bool idle;                 /* nothing to do but to sleep */
	chp_time stuck; /* since when, by the system's clock; 0: not */

	unsigned ready_count, held_count, poke_count;
	struct task *ready[READY_MAX]; /* by id */
	struct held held[HELD_MAX];
	struct poke pokes[POKES_MAX];
};

/* ---- Chance ---- */

/* splitmix64's last step. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static unsigned below(struct sim *s, unsigned n)
{
	return random_step(&s->random) % n;
}

static bool one_in(struct sim *s, unsigned n)
{
	return n && below(s, n) == 0;
}

/* Small values as often as large ones: up to 2^bits - 1. */
static int64_t magnitude(uint64_t random, unsigned bits)
{
	return random >> 8 & ((INT64_C(1) << random % 256 % (bits + 1)) - 1);
}

struct sim *chp__sim_new(uint64_t seed, unsigned budget)
{
	static const unsigned often[] = { 0, 64, 16, 4 };
	struct sim *s = chp__alloc_zero(sizeof(*s));

	if (!s)
		return NULL;
	s->seed = seed;
	s->key = mix(seed + 0x9e3779b97f4a7c15ULL);
	s->random = mix(s->key) | 1;
	store64_relaxed(&s->ids, FIRST_ID);
	s->burst = 1u << below(s, BURST_BITS);
	if (s->burst > budget)
		s->burst = budget;
	s->hold = often[below(s, ARRAY_LEN(often))];
	s->poke = often[below(s, 2) * below(s, ARRAY_LEN(often))];
	s->late = often[below(s, 2) * below(s, ARRAY_LEN(often))];
	return s;
}

void chp__sim_free(struct sim *s)
{
	chp__free(s, sizeof(*s));
}

bool chp__sim_is_idle(const struct sim *s)
{
	return s->idle;
}

uint64_t chp__sim_id(struct sim *s)
{
	return add64_relaxed(&s->ids, 1);
}

/* ---- Who can run ---- */

static void make_ready(struct sim *s, struct task *t)
{
	uint64_t id = agent_id(&t->outcome.agent);
	unsigned i = s->ready_count++;

	while (i && agent_id(&s->ready[i - 1]->outcome.agent) > id) {
		s->ready[i] = s->ready[i - 1];
		i--;
	}
	s->ready[i] = t;
}

static struct task *take_ready(struct sim *s, unsigned i)
{
	struct task *t = s->ready[i];

	memmove(&s->ready[i], &s->ready[i + 1],
		(--s->ready_count - i) * sizeof(*s->ready));
	return t;
}

/*
 * Ready, or held back for a while.  Not drawn from the stream: the same for
 * this task at this step in whatever order they come.
 */
static void arrive(struct sim *s, struct task *t, chp_time now)
{
	uint64_t id = agent_id(&t->outcome.agent);
	uint64_t random = mix(s->key ^ mix(id) ^ s->step);
	struct held *h;

	if (!s->hold || random % s->hold || s->held_count == HELD_MAX) {
		make_ready(s, t);
		return;
	}
	random = mix(random + 1);
	h = &s->held[s->held_count++];
	h->task = t;
	h->step = s->step + 1 + (uint64_t)magnitude(random, HOLD_STEP_BITS);
	h->until =
		chp__time_add(now, 1 + magnitude(mix(random), HOLD_TIME_BITS));
}

static void release_held(struct sim *s, chp_time now)
{
	for (unsigned i = 0; i < s->held_count;) {
		struct held *h = &s->held[i];

		if ((s->step < h->step && now < h->until) ||
		    s->ready_count == READY_MAX) {
			i++;
			continue;
		}
		make_ready(s, h->task);
		*h = s->held[--s->held_count];
	}
}

static void fire_poke(struct sim *s, unsigned i)
{
	chp_agent agent = s->pokes[i].agent;

	s->pokes[i] = s->pokes[--s->poke_count];
	chp__agent_signal(agent, 0);
}

static void gather(struct sim *s, struct worker *w)
{
	chp_time now = chp__runtime_now(w->rt);
	struct task *t;

	for (unsigned i = s->poke_count; i-- > 0;)
		if (s->pokes[i].step <= s->step)
			fire_poke(s, i);
	release_held(s, now);
	do {
		chp__find_posted(w);
		while (s->ready_count < READY_MAX && (t = pick_own(w)))
			arrive(s, t, now);
	} while (s->ready_count < READY_MAX &&
		 load_relaxed(&w->rt->inbox_count));
}

/* ---- Time ---- */

/* Descriptors have their say before time moves. */
static bool look_outside(struct sim *s, struct worker *w)
{
	if (!driver_is_used(&w->rt->driver))
		return false;
	chp__idle_poll(w);
	gather(s, w);
	return s->ready_count > 0;
}

static void move_clock(struct sim *s, struct worker *w, chp_time at)
{
	chp_time now = chp__runtime_now(w->rt);

	s->moved = s->step;
	if (at > now)
		store64_relaxed(&w->rt->virtual_now, (uint64_t)at);
	chp__wheel_expire(&w->wheel, at > now ? at : now);
}

/* Nothing can run: let something happen.  False: nothing can. */
static bool advance(struct sim *s, struct worker *w)
{
	chp_time at = wheel_next(&w->wheel);

	if (look_outside(s, w))
		return true;
	if (s->poke_count) {
		fire_poke(s, below(s, s->poke_count));
		return true;
	}
	for (unsigned i = 0; i < s->held_count; i++)
		if (s->held[i].until < at)
			at = s->held[i].until;
	if (at == CHP_NEVER)
		return false;
	if (one_in(s, s->late))
		at = chp__time_add(
			at, magnitude(random_step(&s->random), LATE_BITS));
	move_clock(s, w, at);
	return true;
}

/* ---- Stuck ---- */

struct next {
	const struct chp_runtime *rt;
	struct task *task;
	uint64_t after;
};

/* The task with the lowest id after that one. */
static void find_next(struct task *t, void *user)
{
	struct next *n = user;
	uint64_t id = agent_id(&t->outcome.agent);

	if (task_runtime(t) == n->rt && task_has_begun(t) && id > n->after &&
	    (!n->task || id < agent_id(&n->task->outcome.agent)))
		n->task = t;
}

static void say_deadlock(const struct sim *s, const struct chp_runtime *rt)
{
	struct next n = { .rt = rt };
	char text[400] = "", name[CHP_NAME_MAX];
	size_t used = 0;

	for (; used < sizeof(text); n.task = NULL) {
		const struct agent *a;

		chp__slot_each(find_next, &n);
		if (!n.task)
			break;
		a = &n.task->outcome.agent;
		n.after = agent_id(a);
		chp__agent_get_name(a, name);
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"%s%llu \"%s\" waits for %s", used ? "; " : "",
			(unsigned long long)n.after, name,
			a->waits_for ? a->waits_for->cls->name : "a wake");
	}
	if (used)
		chp__panic("runtime \"%s\", seed %llu: deadlock: task %s",
			   rt->name, (unsigned long long)s->seed, text);
}

/* Nothing can run, and time cannot move. */
static void be_stuck(struct sim *s, struct chp_runtime *rt)
{
	chp_time now = chp__clock_now();

	if (driver_is_used(&rt->driver))
		s->stuck = 0;
	else if (!s->stuck)
		s->stuck = now;
	else if (now - s->stuck >= SIM_PATIENCE)
		say_deadlock(s, rt);
}

/* ---- Choosing ---- */

/* The task that has run since we were asked last. */
static void look_back(struct sim *s)
{
	if (s->last.id && one_in(s, s->poke) && s->poke_count < POKES_MAX)
		s->pokes[s->poke_count++] =
			(struct poke){ s->last,
				       s->step + 1 + below(s, POKE_AFTER) };
	s->last.id = 0;
}

static void prepare(struct sim *s, struct task *t)
{
	struct agent *a = &t->outcome.agent;
	bool begun = task_has_begun(t);

	if (!begun) {
		/* No late wake of the slot's last user is part of this run. */
		store_relaxed(&t->token, TOKEN_EMPTY);
		a->random = mix(s->key + agent_id(a)) | 1;
	}
	if (begun && a->waits_for == &chp__yielded)
		s->yields++;
	else if (!begun || load_relaxed(&t->token) == TOKEN_NOTIFIED)
		s->yields = 0;
	a->waits_for = NULL;

	a->budget_full = 1 + below(s, s->burst);
	if (one_in(s, s->burst))
		or64_relaxed(&a->attention, AGENT_PREEMPT);
	else
		and64_relaxed(&a->attention, ~(uint64_t)AGENT_PREEMPT);
}

struct task *chp__sim_find(struct worker *w)
{
	struct sim *s = w->rt->sim;
	struct task *t;

	w->ticks = 1;
	w->agent.random = s->random;
	look_back(s);
	if (s->yields >= YIELDS_MAX || s->step - s->moved >= STANDSTILL_MAX) {
		s->yields = 0;
		sched_yield();
		if (!advance(s, w))
			move_clock(s, w, chp__runtime_now(w->rt) + CHP_MS);
	}
	gather(s, w);
	if (!s->ready_count) {
		s->idle = !advance(s, w);
		if (s->idle)
			be_stuck(s, w->rt);
		/* Whoever drives looks at the clock, too. */
		return NULL;
	}

	s->step++;
	s->stuck = 0;
	t = take_ready(s, below(s, s->ready_count));
	prepare(s, t);
	s->last = agent_handle(&t->outcome.agent);
	return t;
}
