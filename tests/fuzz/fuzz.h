/*
 * fuzz.h - programs made of bytes, run beside a model.
 *
 * The bytes of an input are drawn from one after the other: which primitives
 * the program has (one or two objects), then, step by step, what is done to
 * them.  Everything happens in one task of a current-thread runtime whose clock
 * is paused, so that the same bytes give the same run.  Nobody is handed what
 * others overtook it for (overtaken.c).
 *
 * A part is one primitive: it decodes a step, does it to the library and to its
 * model, and compares.  What waits is a `struct wait`: an operation polled by
 * hand, alone, under a time limit, or as an arm of a select, which the frame
 * polls and cancels; the part says what its model does then.
 *
 * After each step the frame checks wakes exactly: whoever had left a waker and
 * could now go on (a copy of the model is polled to find out) has been woken
 * once, nobody else has been, and as many wakers are held as are owed.
 */
#ifndef CHAPPE_TESTS_FUZZ_FUZZ_H
#define CHAPPE_TESTS_FUZZ_FUZZ_H

#include <stdlib.h>

#include "model.h"

enum { WAITS = 8, OBJECTS = 2, GROUPS = 2, ARMS = 4, MODEL_MAX = 8192 };

/* What done() is told of a wait that was cancelled. */
#define GIVEN_UP (-30000)

/* ---- Bytes: input.c ---- */

/* The next byte; 0 behind the end. */
unsigned take(void);
bool more(void);
unsigned below(unsigned n);
/* One in n. */
bool one_in(unsigned n);

/* ---- What was done, and what went wrong: input.c ---- */

/* A line of the trace: only %jd, at most five. */
#define SAY(...)        SAY_(__VA_ARGS__, 0, 0, 0, 0, 0)
#define SAY_(text, ...) say(text, (const intmax_t[]){ __VA_ARGS__ })
void say(const char *text, const intmax_t *args);
void print_trace(void);
__attribute__((noreturn)) void
fail(const char *file, int line, const char *what, intmax_t is, intmax_t want);

/* The library's answer, and the model's. */
#define EXPECT(real, model)                                                    \
	do {                                                                   \
		intmax_t real_ = (intmax_t)(real), model_ = (intmax_t)(model); \
		if (real_ != model_)                                           \
			fail(__FILE__, __LINE__, #real, real_, model_);        \
	} while (0)

#define CHECK(condition) EXPECT(!!(condition), 1)

/* ---- Waiting: waits.c ---- */

struct listener {
	long wakes, refs; /* since the last look; held by the library */
	long must, may;
	bool unsure;
};

struct object;
struct wait;
struct group;

struct wait_class {
	const char *name;
	/*
	 * All on the model alone.  Whoever's poll would give a result, or
	 * change the model, must have been woken.
	 */
	int (*poll)(struct wait *w);
	int (*cancel)(struct wait *w);
	/* It is finished, with this result or GIVEN_UP: compare what came. */
	void (*done)(struct wait *w, int r);
	bool wakes_early; /* a wake may turn out to be too early */
	bool has_timer;   /* holds a second waker for a deadline of its own */
};

struct wait {
	const struct wait_class *cls; /* NULL: not in use */
	struct object *object;
	int id;
	chp_op *inner, *op; /* op: a timeout around inner, or the same */
	chp_timeout_op timeout;
	chp_time deadline;
	struct listener own, *listener;
	bool polled, armed, timer_armed;
	struct group *group;
	struct driver *driver; /* a task that blocks on it; else NULL */

	/* the part's */
	int64_t n;
	int what, slot;
	int value, out[8];
	uint64_t lagged;
	void *handle;
	union {
		chp_permit permit;
		chp_mpsc_permit place;
		chp_mpsc_owned_permit owned_place;
		chp_watch_ref ref;
		chp_mpsc_tx mpsc_tx;
	};
	union {
		chp_acquire_op acquire;
		chp_lock_op lock;
		chp_rwlock_op rwlock;
		chp_cond_op cond;
		chp_notified_op notified;
		chp_barrier_op barrier;
		chp_wait_group_op wait_group;
		chp_once_op once;
		chp_oneshot_op oneshot;
		chp_send_op send;
		chp_reserve_owned_op reserve_owned;
		chp_closed_op closed;
		chp_recv_op recv;
		chp_mpmc_op mpmc;
		chp_broadcast_op broadcast;
		chp_watch_op watch;
		chp_cancel_op cancel;
		chp_sleep_op sleep;
		chp_join_op join;
		chp_group_op tasks;
	};
};

extern struct wait waits[WAITS];

/* For classes of which cancelling loses nothing, and nothing comes. */
int holds_nothing(struct wait *w);
void nothing(struct wait *w, int r);

/* A wait of that class that is not in use, or NULL. */
struct wait *wait_new(struct object *o, const struct wait_class *cls);
/* Its operation has been made: draw a limit, and most often poll it. */
void wait_begin(struct wait *w, chp_op *op);
/* The same, but it is polled, and has no limit. */
void wait_begin_now(struct wait *w, chp_op *op);

/* Is one in use of this object (and class, and handle)?  NULL: any. */
bool wait_on(const struct object *o, const struct wait_class *cls,
	     const void *handle);
/* Give up those of this object (and handle). */
void waits_cancel(const struct object *o, const void *handle);
void waits_reset(void);
void waits_end(void);
/* For tasks that block: the model's turns of a wait, and its end. */
bool wait_can_go_on(struct wait *w);
int wait_poll_model(struct wait *w);
void wait_finish(struct wait *w, int r);
/* No wake is owed to it any more. */
void wait_disarm(struct wait *w);
void waits_expect(void);

/* Poll with that waker (NULL: none); note who has been left with it. */
int wait_poll_real(chp_op *op, struct listener *l);
void wait_left_pending(struct wait *w, struct listener *l);

/* selects.c */
void select_poll(struct group *g);
void select_cancel(struct group *g);
struct listener *select_listener(int i);
void selects_reset(void);

/* Steps of the frame's own. */
void step_poll(void);
void step_cancel(void);
void step_select(void);
void step_woken(void);
void step_clock(void);

/* Tasks that block on a wait: tasks.c. */
void step_task(void);
void step_disturb(void);
void tasks_settle(void);
void task_give_up(struct wait *w);
/* A task of a part has begun (1), or is about to end (-1). */
void tasks_moved(int by);

/* Compare the wakes since the last look. */
void waits_check(void);

/* ---- Parts ---- */

struct part {
	const char *name;
	/* Make the object; o->model is all-zero. */
	void (*make)(struct object *o);
	void (*step)(struct object *o);
	/* After each step, of whatever part. */
	void (*compare)(struct object *o);
	/* No wait is left. */
	void (*end)(struct object *o);
};

struct object {
	const struct part *part;
	int id;
	void *real;  /* the part's, zeroed, to be freed by the frame */
	void *model; /* of MODEL_MAX bytes */
	int dropped; /* values destroyed by drop_of(o) */
};

/* calloc for o->real. */
void *object_new(struct object *o, size_t size);
#define REAL(o)  ((struct real *)(o)->real)
#define MODEL(o) ((struct model *)(o)->model)

extern const struct part part_semaphore, part_mpsc, part_mpsc_unbounded,
	part_mutex, part_rwlock, part_notify, part_barrier, part_wait_group,
	part_once, part_oneshot, part_broadcast, part_watch, part_cancel,
	part_mpmc, part_group;

/* Run one input. */
void run_input(const uint8_t *data, size_t size);

/* A destructor that counts in o->dropped. */
void (*drop_of(const struct object *o))(void *value);
/* A value that no other has. */
int fresh(void);

#endif
