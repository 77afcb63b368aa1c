/*
 * harness.h - one test source, four kinds of caller.
 *
 * A suite is a list of tests; the harness runs each of them
 *
 *	threads   plain OS threads
 *	ct        tasks of a current-thread runtime; with CHP_TEST_SIM=N
 *	          simulated, from seed N (a few tests rely on the order of
 *	          its queue or on the system's clock, and fail then)
 *	mt        tasks of a runtime with four worker threads
 *	polled    OS threads that poll operations by hand, with a waker of their
 *	          own, and never call a blocking function of the library
 *
 * With CHP_TEST_STACKLESS, tasks let a stackless task do the waiting, where it
 * is done by h_wait() and its kin.
 *
 * A test spawns with h_spawn() and waits with h_wait() or with the wrappers of
 * its own suite over it; then it runs as all four.  A test that makes sense for
 * some kinds only says so in its mask.
 *
 * A failed CHECK ends the process: assertions must work on any stack and any
 * thread, where cmocka's do not.  After each test the harness checks that no
 * descriptor and no heap block of the library was left behind.
 *
 * Tests make order with primitives and h_until(), never with sleeps.
 *
 * What the suites of one family share is beside this: sem.h and sem_queue.h;
 * lock.h, mutex_wait.h and cond.h; chan.h, mpsc.h, mpsc_hold.h, mpsc_heap.h,
 * oneshot.h, mpmc.h and mpmc_ends.h, watch.h and watch_ends.h; duo.h; memory.h;
 * task.h, stackless.h; fd.h, tcp_link.h and driver.h; clock.h.  A suite need not use all of
 * what it includes: functions there are static inline, objects are
 * MAYBE_UNUSED.
 */
#ifndef CHAPPE_TESTS_HARNESS_H
#define CHAPPE_TESTS_HARNESS_H

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chappe/chappe.h>

#define MAYBE_UNUSED __attribute__((unused))

/* Which sanitizer is this made for? */
#ifdef __has_feature
#define H_HAS_FEATURE(feature) __has_feature(feature)
#else
#define H_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || H_HAS_FEATURE(thread_sanitizer)
#define THREAD_SANITIZED 1
#else
#define THREAD_SANITIZED 0
#endif
#if defined(__SANITIZE_ADDRESS__) || H_HAS_FEATURE(address_sanitizer)
#define ADDRESS_SANITIZED 1
#else
#define ADDRESS_SANITIZED 0
#endif
#define MEMORY_SANITIZED H_HAS_FEATURE(memory_sanitizer)
#define SANITIZED        (THREAD_SANITIZED || ADDRESS_SANITIZED || MEMORY_SANITIZED)

enum h_mode { H_THREADS, H_CT, H_MT, H_POLLED, H_MODES };

enum {
	IN_THREADS = 1 << H_THREADS,
	IN_CT = 1 << H_CT,
	IN_MT = 1 << H_MT,
	IN_POLLED = 1 << H_POLLED,
	IN_TASKS = IN_CT | IN_MT,
	IN_BLOCKING = IN_THREADS | IN_TASKS,
	IN_PARALLEL = IN_THREADS | IN_MT | IN_POLLED, /* really at once */
	IN_ALL = IN_BLOCKING | IN_POLLED,
	ON_ITS_OWN = 0, /* once, on a plain thread, outside any runtime */
};

struct h_test {
	const char *name; /* a sentence: release_wakes_the_oldest_waiter */
	void (*fn)(void);
	unsigned modes;
	void (*by_policy)(chp_policy policy); /* instead of fn */
};

#define TEST(fn, modes)                                                        \
	{                                                                      \
#fn, fn, (modes), NULL                                         \
	}

/* Three tests, one for each policy: fn_in_fifo and so on. */
#define TEST_BY_POLICY(fn, modes)                                              \
	{                                                                      \
#fn, NULL, (modes), fn                                         \
	}

/* Run the tests; the exit status for main. */
int h_run(const char *suite, const struct h_test *tests, size_t count);

#define H_MAIN(suite, tests)                                                   \
	int main(void)                                                         \
	{                                                                      \
		return h_run(suite, tests, sizeof(tests) / sizeof(*(tests)));  \
	}

/* The kind of caller that the running test is. */
enum h_mode h_mode(void);

/* A test that cannot run here says why and is counted as skipped. */
void h_skip(const char *why);

/* How many rounds a loop of `full` rounds makes: fewer under sanitizers,
   Valgrind and emulators. */
long h_rounds(long full);

/* ---- Words shared by agents ---- */

static inline uint32_t h_load(const chp_word *w)
{
	return __atomic_load_n(&w->v, __ATOMIC_SEQ_CST);
}

static inline void h_store(chp_word *w, uint32_t v)
{
	__atomic_store_n(&w->v, v, __ATOMIC_SEQ_CST);
}

/* Returns what was there before. */
static inline uint32_t h_add(chp_word *w, uint32_t n)
{
	return __atomic_fetch_add(&w->v, n, __ATOMIC_SEQ_CST);
}

static inline uint32_t h_sub(chp_word *w, uint32_t n)
{
	return __atomic_fetch_sub(&w->v, n, __ATOMIC_SEQ_CST);
}

/* ---- Random numbers ---- */

struct h_rng {
	uint64_t s;
};

/* The run's seed: CHP_TEST_SEED, or the clock; printed when first asked for. */
uint64_t h_seed(void);

/* A stream of its own for each number. */
static inline struct h_rng h_rng(uint64_t seed, uint64_t stream)
{
	struct h_rng r = { (seed ^ (stream + 1) * 0x9e3779b97f4a7c15u) | 1 };

	return r;
}

static inline uint32_t h_below(struct h_rng *r, uint32_t n)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (uint32_t)((r->s >> 32) * n >> 32);
}

/* ---- Agents ---- */

struct h_agent {
	chp_task task;
	pthread_t thread;
	chp_agent agent; /* of the spawned one; valid once it has started */
	void *(*fn)(void *arg);
	void *arg;
	chp_word started;
};

/* Start fn(arg) as whatever this mode's caller is; returns once it runs. */
void h_spawn(struct h_agent *a, void *(*fn)(void *arg), void *arg);
void *h_join(struct h_agent *a);

/* The same, but as a plain thread in every mode. */
void h_spawn_thread(struct h_agent *a, void *(*fn)(void *arg), void *arg);
void *h_join_thread(struct h_agent *a);

/* Let others run: once; until whoever could go would have gone. */
void h_yield(void);
void h_let_others_run(void);

/* Yield until the condition holds. */
#define h_until(condition)                                                     \
	do {                                                                   \
		while (!(condition))                                           \
			h_yield();                                             \
	} while (0)

/* What an agent may do to another, a while later. */
void *h_cancel_later(void *token);
void *h_interrupt_later(void *agent);

/* ---- Waiting ---- */

/*
 * Wait for an operation as this mode's caller does: chp_op_wait(), or polling
 * by hand with an own waker; w's deadline and token then become a chp_timeout
 * and an arm of a select.
 */
int h_wait(chp_op *op, const chp_wait *w);

/*
 * n permits, the same way.  Where the mode blocks, by the library's own
 * blocking function, so that it is tested; h_wait() would go around it.
 */
int h_acquire(chp_semaphore *s, int64_t n, const chp_wait *w);

/* chp_select_with(), the same way. */
int h_select(chp_select_arm *arms, size_t count, unsigned flags,
	     const chp_wait *w);

/*
 * A waker that counts its wakes, and references: retained and not yet consumed
 * or released.  In one word, so that a wake is over as soon as it can be seen:
 * then the waker may go.
 */
struct h_waker {
	chp_word64 counts; /* wakes << 32 | references */
};

chp_waker h_waker(struct h_waker *w);
unsigned h_wakes(const struct h_waker *w);
unsigned h_refs(const struct h_waker *w);

/* As if it had not been woken; nobody wakes it meanwhile. */
void h_forget_wakes(struct h_waker *w);

/* For classes of wakers of which no reference is counted. */
static inline void h_ignore(void *data)
{
	(void)data;
}

/* Poll once with that waker. */
int h_poll(chp_op *op, struct h_waker *w);

/* The same, with a budget. */
int h_poll_within(chp_op *op, struct h_waker *w, uint32_t *budget);

/* ---- Checking ---- */

__attribute__((noreturn, format(printf, 3, 4))) void
h_fail(const char *file, int line, const char *format, ...);

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			h_fail(__FILE__, __LINE__, "not so: %s", #condition);  \
	} while (0)

#define CHECK_EQ(a, b)                                                         \
	do {                                                                   \
		intmax_t a_ = (intmax_t)(a), b_ = (intmax_t)(b);               \
		if (a_ != b_)                                                  \
			h_fail(__FILE__, __LINE__, "%s is %jd, but %s is %jd", \
			       #a, a_, #b, b_);                                \
	} while (0)

/* Result codes by name. */
#define CHECK_CODE(a, b)                                                       \
	do {                                                                   \
		int a_ = (a), b_ = (b);                                        \
		if (a_ != b_)                                                  \
			h_fail(__FILE__, __LINE__,                             \
			       "%s is %d (%s), not %d (%s)", #a, a_,           \
			       chp_errname(a_), b_, chp_errname(b_));          \
	} while (0)

/*
 * fn(arg), in a process of its own, must stop with a message that contains
 * `sentence`: how misuse is tested.
 */
void h_must_panic(void (*fn)(void *arg), void *arg, const char *sentence);

/* Call fn(arg) in a process of its own; the status that waitpid() tells. */
int h_in_child(void (*fn)(void *arg), void *arg);

/* Threads of this process. */
int h_threads(void);

/* Heap blocks of the library that are out, and calls of alloc so far. */
long h_blocks(void);
long h_allocs(void);

/* Not NULL: asked before each of them; true: there is no memory. */
extern bool (*h_refuse_alloc)(void);

/* Descriptors of this process. */
int h_descriptors(void);

#endif
