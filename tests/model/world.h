/*
 * world.h - the state of the model checker, and what its files offer each
 * other.
 *
 * Everything lives in one mapping of its own, `world`, and not in variables:
 * the program's variables are put back before each execution.
 *
 *	explore.c   which thread runs next; the tree of choices
 *	execute.c   one execution; stacks
 *	races.c     partial-order reduction: which choices are worth exploring
 *	memory.c    atomic accesses: stores that may still be read
 *	shadow.c    plain accesses: races, frames, blocks
 *	tsan.c      what -fsanitize=thread calls
 *	runtime.c   what the scheduler calls
 *	system.c    the os floor: futex, clock, spinning, thread-local
 *	report.c    failures, traces, replay strings
 *	main.c      options, processes, the table
 */
#ifndef CHAPPE_TESTS_MODEL_WORLD_H
#define CHAPPE_TESTS_MODEL_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/tls.h"
#include "scenario.h"

enum {
	THREADS = MODEL_THREADS + 1, /* 0 runs setup and check */
	LOCATIONS = 512,
	STORES = 256, /* per location */
	MESSAGES = 4096,
	STEPS = 4000, /* longer executions count as livelock */
	CHOICES = 3 * STEPS,
	BLOCKS = 1024,
	TOUCHES = 4, /* objects of one step; loads that a spin waits for */
	HEAP_SIZE = 1 << 20,
	STACK_SIZE = 1 << 16,
	TASK_STACKS = 6,
	TASK_STACK_SIZE = 1 << 14,
	REGION_SIZE = HEAP_SIZE + THREADS * STACK_SIZE +
		      TASK_STACKS * TASK_STACK_SIZE,
	TRACE_LINES = 4 * STEPS,
};

/* ---- Time stamps ---- */

/* What happens before: per thread, how many of its steps. */
struct stamp {
	uint16_t at[THREADS];
};

static inline void stamp_join(struct stamp *a, const struct stamp *b)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (b->at[i] > a->at[i])
			a->at[i] = b->at[i];
}

/* ---- Steps ---- */

/* An object that a step reads or writes: an address, or one of these. */
enum { KEY_CLOCK = 1, KEY_QUEUE_BIT = 1 /* + address: who sleeps there */ };

struct touch {
	uintptr_t key;
	bool writes;
};

enum op_kind { OP_MEMORY, OP_SLEEP, OP_SPIN };

/* A step: what a thread is about to do, or has done. */
struct step {
	enum op_kind kind;
	unsigned count;
	struct touch on[TOUCHES];
};

/* A step of the present execution. */
struct event {
	struct step step;
	struct stamp stamp; /* dependent steps before it */
	uint16_t node;
	uint8_t thread;
	uint8_t enabled; /* before it */
};

/* ---- Choices ---- */

/* A point of the present path.  Sets of threads are bit masks. */
struct node {
	bool is_data; /* one of `count` values, else a thread */
	uint8_t chosen, count;
	uint8_t enabled, allowed, backtrack, done, sleep;
};

/* ---- Memory ---- */

struct view {
	uint16_t at[LOCATIONS]; /* oldest store that may be read */
};

/* What a release store carries. */
struct message {
	struct stamp stamp;
	struct view view;
};

struct store {
	uint64_t value;
	uint16_t message; /* 0: none */
	uint8_t thread;
};

struct location {
	uintptr_t address;
	uint8_t width;
	bool stale;     /* written plainly since */
	uint16_t floor; /* older stores are gone for all */
	uint16_t count;
	struct stamp reads, writes; /* atomic ones, for races with plain */
	struct stamp used;          /* reads that count: model_used() */
	struct store stores[STORES];
};

/* Four bytes of memory that is tracked. */
enum cell_state { CELL_LIVE, CELL_FREED, CELL_LEFT };

struct cell {
	uint32_t generation; /* of another execution: as never touched */
	uint16_t write;      /* stamp of the last write */
	uint8_t writer;
	uint8_t state;
	struct stamp reads;
	uint16_t location; /* 0: none */
	uint32_t write_pc, read_pc;
};

struct block {
	uintptr_t address;
	size_t size;
	bool live;
};

/* ---- Threads ---- */

enum thread_state { THREAD_NONE, THREAD_READY, THREAD_ENDED };

struct spin {
	uint16_t location, store;
};

struct thread {
	enum thread_state state;
	struct step next; /* what it is about to do */
	void *context;
	struct tls tls;       /* the library's thread-local words */
	struct tls tls_first; /* when an execution begins */
	struct stamp stamp;
	struct view view;
	/* asleep on a futex */
	uintptr_t futex;
	bool woken;
	int64_t deadline;
	struct model_cost cost;
	/* loads since it last spun */
	struct spin spins[TOUCHES];
	unsigned spin_count;
};

struct line {
	uint32_t pc;
	uint8_t thread;
	char text[92];
};

struct world {
	const struct scenario *scenario;
	bool running;    /* accesses are tracked */
	bool exploring;  /* and are steps */
	bool scheduling; /* every thread has come to its first step */
	bool tracing;
	uint32_t generation;
	struct thread threads[THREADS];
	struct thread *current;
	void *host;
	int64_t now;
	unsigned ticks;
	unsigned timeouts;
	unsigned reached; /* in any execution */
	char failure[600];

	/* the path */
	struct node path[CHOICES];
	unsigned path_length; /* of the prefix to replay, then of all */
	unsigned depth;       /* choices made */
	unsigned fresh;       /* choices before this one are as last time */
	unsigned preemptions, oddities; /* counted against the bound */
	struct event events[STEPS];
	unsigned event_count;
	uint8_t sleeping;   /* of the next node */
	bool cut;           /* the bound forbade something */
	bool pruned;        /* nothing new on this path */
	const char *replay; /* what is left of it, or NULL */
	unsigned replay_digit, replay_left;

	uint64_t *executions; /* in all */

	/* memory */
	unsigned location_count, message_count;
	struct location locations[LOCATIONS];
	struct message messages[MESSAGES];
	uintptr_t heap_next;
	uintptr_t heap_start; /* what lies before stays between executions */
	struct block blocks[BLOCKS];
	unsigned block_count;
	struct cell region_cells[REGION_SIZE / 4];
	struct cell *data_cells;
	char *snapshot;

	struct line lines[TRACE_LINES];
	unsigned line_count;
};

extern struct world *world;

static inline unsigned thread_id(const struct thread *t)
{
	return (unsigned)(t - world->threads);
}

/* ---- explore.c ---- */

/* Explore a scenario, or run the one execution of `replay`.  Did all hold? */
bool explore(const struct scenario *s, const char *replay, uint64_t limit);

/* The current thread is about to take a step; returns when it is to. */
void step_begin(enum op_kind kind, const struct touch *on, unsigned count);

/* The step has been taken, and touched this. */
void step_end(const struct touch *on, unsigned count);

/* One of `count` values. */
unsigned choose(unsigned count);
/* The same; all but the first count against the bound. */
unsigned choose_bounded(unsigned count);

/* Run somebody, perhaps ourselves; when nobody can run, the host. */
void schedule(void);

/* ---- execute.c ---- */

void world_make(void);

/* Every execution is to begin with things as they are now. */
void execution_keep(void);

/* From the start to the end, or to what is wrong. */
void execution_run(void);

/* Give up this execution, back to the host. */
__attribute__((noreturn)) void execution_abandon(void);

/* Run another thread, or the host, until somebody resumes us. */
void thread_resume(struct thread *t);
void thread_to_host(void);

/* ---- races.c ---- */

/* May the two steps not be swapped? */
bool steps_conflict(const struct step *a, const struct step *b);

/* The newest event is complete: work out its stamp; note what its races make
   worth exploring. */
void races_note(void);

/* ---- memory.c ---- */

void memory_reset(void);
/* Has a store been added since the thread read what it spins on? */
bool memory_spin_over(const struct thread *t);
/* The thread's spin is over: it sees what is new. */
void memory_refresh(struct thread *t);
/* The newest value, which is then seen; for futexes. */
uint32_t memory_newest32(uintptr_t address);

/* ---- shadow.c ---- */

enum { REGION_BASE = 0x20000000 };

struct cell *cell_of(uintptr_t address);
void shadow_plain(uintptr_t address, size_t size, bool write, uint32_t pc);
/* An atomic access of all granules: races with plain ones, freed memory. */
void shadow_atomic(uintptr_t address, unsigned width, bool write, uint32_t pc);
void shadow_frame_enter(uintptr_t low, uintptr_t high);
void shadow_frame_leave(uintptr_t low, uintptr_t high, uint32_t pc);
void *shadow_alloc(size_t size);
void shadow_free(void *memory, size_t size, uint32_t pc);
void shadow_leaks(void);
void *thread_stack(unsigned thread);

/* ---- report.c ---- */

/* The execution fails here. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format,
							  ...);
__attribute__((format(printf, 2, 3))) void trace(uint32_t pc,
						 const char *format, ...);
/* Where an address lies, in a static buffer. */
const char *where(uintptr_t address);
void report_failure(void);
void trace_print(void);
/* "file:line" of addresses in the code. */
void print_lines(const uint32_t *pcs, unsigned count, char text[][160]);
void replay_string(char *text, size_t size);
/* What the string that is being replayed says next; after its end, `first`. */
unsigned replay_next(unsigned first);

#endif
