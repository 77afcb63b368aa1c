/*
 * stress.h - everything at once, from a seed.
 *
 * Agents (threads, tasks of a many-thread runtime, tasks of a current-thread
 * one) take steps.  A step belongs to a part: a family of primitives with its
 * shared objects.  Steps are drawn at random, and so is the way each waits:
 * the blocking call, with a deadline, with a token, by hand with wakers of its
 * own, as an arm of a select over several parts.  Meanwhile the chaos agents
 * interrupt, abort and cancel the others, and agents end and are born again.
 *
 * A part promises:
 *
 *   - A step ends by itself.  It waits without limit only for what somebody
 *     will do for sure: a server of the part, or another agent that holds
 *     something; and who holds something waits for no more than a moment.
 *   - What is closed or dropped is replaced by a new one; others use the old
 *     one through counted handles.
 *   - Whatever must always hold is checked while it runs; what must hold at
 *     the end, in check().
 *
 * Every number that an agent draws in a step comes from the seed, the agent
 * and the step, so a seed gives the same choices again; what they meet depends
 * on the machine, and so does which step falls into which season.
 */
#ifndef CHAPPE_TESTS_STRESS_H
#define CHAPPE_TESTS_STRESS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chappe/chappe.h>

enum kind { THREAD, MT_TASK, CT_TASK };

enum { MAX_AGENTS = 64, MAX_PARTS = 40, MAX_ARMS = 5 };

struct agent;
struct errand;

/* What became of the waits and calls of one part, by one agent. */
struct tally {
	long steps, ok, again, closed, timed_out, interrupted, aborted,
		given_up;
};

/* ---- Parts ---- */

struct part {
	const char *name;

	void (*open)(void);
	/* Anything but errands; NULL: it has none. */
	void (*step)(struct agent *a);
	/* Prepare an operation to be waited for, alone or in a select; false:
	   nothing to be had now.  NULL: it has none. */
	bool (*errand)(struct agent *a, struct errand *e);

	/* Agents of its own, that run serve() instead of steps, again and again
	   until it returns true. */
	unsigned servers;
	bool (*serve)(struct agent *a, unsigned which);
	/* No more steps will come: let the servers end. */
	void (*stop)(void);

	/* Everybody has ended: check what is left with AT_END, free it. */
	void (*check)(void);
	/* Say how its objects are, when somebody hangs. */
	void (*report)(void);
};

/* ---- Agents ---- */

struct agent {
	enum kind kind;
	unsigned number;
	const struct part *serves; /* NULL: takes steps */
	unsigned which;            /* of the part's servers */
	bool visitor;              /* see parts_runtime.c */

	/* of the step that it is in */
	uint64_t random, step;
	const struct part *part;
	bool aborted;      /* a wait has said so: it is to end */
	unsigned streams;  /* bits: mpsc channels it is sending to */
	uint64_t sequence; /* the last number it gave to a message */
	struct tally tally[MAX_PARTS];

	/* for others to look at */
	chp_word64 beats; /* grows with everything it does */
	chp_ptr doing;    /* in words */
	chp_ptr slot;     /* its chp_agent */
	chp_word64 id;
	chp_word running;
};

extern struct agent agents[MAX_AGENTS];
extern unsigned agent_count;
extern const struct part *parts[MAX_PARTS];
extern unsigned part_count;
extern uint64_t seed;
extern chp_runtime *mt, *ct;
/* All agents are tasks of one runtime that runs from the seed. */
extern bool simulated;

/* The time for steps is over; and then: no step is under way any more. */
bool stopping(void);
bool closing(void);

/* Its number goes up every few milliseconds. */
uint32_t season(void);

/* The agent that calls, or on whose behalf a task runs; NULL: unknown. */
struct agent *agent_self(void);
void agent_adopt(struct agent *a);

/* The supervisor: lives.c.  All agents but servers are over?  The servers? */
enum { PATIENCE = 30 }; /* seconds without progress */
void add_agents(void);
bool tend_agents(void);
bool servers_are_over(void);

/* Begin its next step, which is p's. */
void agent_step(struct agent *a, const struct part *p);
/* Run steps until the end, an abort, or `steps` of them. */
void agent_steps(struct agent *a, long steps);
/* A line about it, to stderr. */
void agent_print(const struct agent *a);

/* Make a visitor known before its first step, and say that it has ended. */
void agent_begin(struct agent *a, enum kind kind);
void agent_end(struct agent *a);

/* Say what comes now; counts as progress. */
void at(struct agent *a, const char *doing);

unsigned part_index(const struct part *p);
bool part_is_here(const struct part *p); /* --only may have left it out */
struct tally *tally_of(struct agent *a, const struct part *p);
/* Count a result of the present part. */
int count(struct agent *a, int r);

/* ---- Random numbers ---- */

uint32_t below(struct agent *a, uint32_t n);
bool chance(struct agent *a, uint32_t percent);
/* Do nothing, yield, or spin for a moment. */
void dither(struct agent *a);
/* The same or sleep; for those who hold something. */
void linger(struct agent *a);

/* ---- Checking ---- */

__attribute__((noreturn, format(printf, 3, 4))) void
fail(const char *file, int line, const char *format, ...);

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			fail(__FILE__, __LINE__, "not so: %s", #condition);    \
	} while (0)

#define CHECK_CODE(a, b)                                                       \
	do {                                                                   \
		int a_ = (a), b_ = (b);                                        \
		if (a_ != b_)                                                  \
			fail(__FILE__, __LINE__, "%s is %d (%s), not %d (%s)", \
			     #a, a_, chp_errname(a_), b_, chp_errname(b_));    \
	} while (0)

/* In check(): the part has failed, the others go on. */
void failed_at_end(const char *file, int line, const char *what, intmax_t is,
		   intmax_t want);

#define AT_END(a, b)                                                           \
	do {                                                                   \
		intmax_t a_ = (intmax_t)(a), b_ = (intmax_t)(b);               \
		if (a_ != b_)                                                  \
			failed_at_end(__FILE__, __LINE__, #a, a_, b_);         \
	} while (0)

/* ---- Words shared by agents ---- */

static inline uint32_t load(const chp_word *w)
{
	return __atomic_load_n(&w->v, __ATOMIC_ACQUIRE);
}

static inline void store(chp_word *w, uint32_t v)
{
	__atomic_store_n(&w->v, v, __ATOMIC_RELEASE);
}

/* Relaxed: a counter that orders nothing, so that it hides nothing. */
static inline uint32_t add(chp_word *w, uint32_t n)
{
	return __atomic_add_fetch(&w->v, n, __ATOMIC_RELAXED);
}

/* ---- Values that are counted ---- */

struct value {
	uint64_t magic;
	const struct part *part;
	unsigned maker; /* agent's number */
	uint64_t sequence;
};

/* What channels carry: checked for being whole. */
struct message {
	struct value *value;
	uint64_t sequence, check;
};

struct value *value_new(const struct part *p, unsigned maker,
			uint64_t sequence);
void value_free(struct value *v);
long values_out(const struct part *p);

struct message message_new(struct agent *a, const struct part *p);
/* Its fields have been changed. */
void message_sign(struct message *m);
/* Check it; its value is the caller's now. */
struct value *message_open(const struct message *m);
/* Destructor for channels. */
void message_drop(void *message);

/* Heap blocks of the library that are out; wakers of ours that are. */
void count_blocks(void);
long blocks_out(void);
long wakers_out(void);
void count_waker(int by);
int open_descriptors(void);

/* ---- Waiting: wait.c ---- */

enum patience {
	BRIEFLY,   /* gives up after a moment */
	SOMEHOW,   /* gives up or not; somebody will serve it for sure */
	TO_THE_END /* until it has it */
};

/* Arguments of one blocking call, drawn at random. */
struct manner {
	chp_wait w;
	struct grove *grove;
	chp_cancel own;
	bool has_own;
};

/* For the call's last argument; then give its result to judge(), which checks
   that there was reason for it, counts and returns it. */
const chp_wait *draw(struct agent *a, struct manner *m, enum patience p);
int judge(struct agent *a, struct manner *m, int r);

/* Wait for an operation in some way; it is finished afterwards.  Returns its
   result, or why it was cancelled.  Counts nothing. */
int await(struct agent *a, chp_op *op, enum patience p);

/* The same by wakers that poll: callback.c. */
int by_callback(struct agent *a, chp_op *op, enum patience p);

/* Poll once, with a waker that nobody will listen to. */
int poll_and_leave(struct agent *a, chp_op *op);

/* Why a wait ended that had not the operation's own result? */
bool gave_up(int r);

/* A moment from now, or one that has passed. */
chp_time soon(struct agent *a);

/* ---- Errands: an operation of any part, to be waited for ---- */

struct errand {
	const struct part *part;
	chp_op *op;
	bool sure; /* it can be waited for without limit */
	/* The operation is finished: r is its result, or why it was given up. */
	void (*done)(struct agent *a, struct errand *e, int r);

	/* the part's own */
	void *object;
	int64_t n;
	int what;
	union {
		chp_acquire_op acquire;
		chp_lock_op lock;
		chp_rwlock_op rwlock;
		chp_cond_op cond;
		chp_oneshot_op oneshot;
		chp_send_op send;
		chp_reserve_owned_op reserve_owned;
		chp_closed_op closed;
		chp_sleep_op sleep;
		chp_tick_op tick;
		chp_cancel_op cancel;
		chp_join_op join;
		chp_group_op group;
		chp_notified_op notified;
		chp_barrier_op barrier;
		chp_wait_group_op wait_group;
		chp_once_op once;
		chp_broadcast_op broadcast;
		chp_watch_op watch;
		chp_mpmc_op mpmc;
		chp_fd_op fd;
	};
	union {
		chp_permit permit;
		chp_mutex_guard mutex_guard;
		chp_rwlock_guard rwlock_guard;
		struct {
			chp_mpsc_tx tx;
			chp_mpsc_permit place;
			chp_mpsc_owned_permit owned_place;
		};
		struct {
			chp_oneshot_rx rx;
			bool box_taken;
		};
		struct {
			chp_task task;
			chp_outcome outcome;
		};
		chp_interval interval;
		struct {
			chp_watch_rx watch_rx;
			chp_watch_ref watch_ref;
		};
		chp_mpmc_tx mpmc_tx;
		chp_mpmc_rx mpmc_rx;
	};
	struct message message;
};

bool errand_draw(struct agent *a, const struct part *p, struct errand *e);
void errand_run(struct agent *a, struct errand *e);
/* Its operation is finished, with this result. */
void errand_done(struct agent *a, struct errand *e, int r);
/* Several at once, of any parts. */
void errands_select(struct agent *a);

/* ---- Tokens for all: parts_cancel.c ---- */

struct grove;

struct grove *grove_get(void);
void grove_put(struct grove *g);
/* One of its tokens; it may be cancelled at any moment, and will be. */
chp_cancel *grove_token(struct grove *g, uint32_t which);
/* Cancel one of the tokens that are in use now. */
void grove_cancel_some(struct agent *a);

extern const struct part part_cancel, part_sem_fifo, part_sem_fair,
	part_sem_unfair, part_mutex, part_mutex_fifo, part_rwlock, part_cond,
	part_oneshot, part_mpsc, part_mpsc_one, part_mpsc_unbounded, part_time,
	part_select, part_task, part_group, part_runtime, part_handoff,
	part_notify, part_barrier, part_wait_group, part_once, part_broadcast,
	part_watch, part_mpmc_zero, part_mpmc, part_mpmc_unbounded, part_relay,
	part_fd, part_chaos;

#endif
