/*
 * scenario.h - what a scenario of the model checker is made of.
 *
 * A scenario is a small program: setup() runs alone, then up to four threads
 * run in every order that the explorer finds, then check() runs alone.  All
 * variables of the program are put back before each execution, so setup only
 * says what differs from the initial values.  Blocks that are still allocated
 * after check() are leaks.
 *
 * Threads must be finite and may wait only by the library.  They use
 * MODEL_CHECK for what must hold, plain variables for what the library is to
 * protect (a race on them is found), and base/atomic.h for anything else.
 */
#ifndef CHAPPE_TESTS_MODEL_SCENARIO_H
#define CHAPPE_TESTS_MODEL_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

enum { MODEL_THREADS = 4 };

struct scenario {
	const char *name;
	void (*setup)(void);                  /* or NULL */
	void (*threads[MODEL_THREADS])(void); /* NULL: fewer */
	void (*check)(void);                  /* or NULL */
	/* So many preemptions per execution, and so many loads that read
	   something old; 0: no bound, with partial-order reduction. */
	unsigned bound;
	/* The clock may jump ahead by a millisecond so often as it is read. */
	unsigned ticks;
	/* The clock is a shared object: for scenarios with deadlines. */
	unsigned timed;
	/* Time stands still: no sleeper wakes because its deadline passes. */
	unsigned frozen;
	/* With a bound: after so many deadlines have passed, others pass only
	   when nothing else can happen.  0: any number. */
	unsigned timeouts;
	/* A broken program: what the report must contain. */
	const char *must_fail;
	/* What must be reached at least once, by model_reached(). */
	unsigned must_reach;
};

/* A scenario with a name that is an identifier, and what else it needs. */
/* clang-format off */
#define SCENARIO(name_, ...) \
	static const struct scenario scenario_##name_ = { \
		.name = #name_, __VA_ARGS__ \
	}; \
	static const struct scenario *const entry_##name_ \
		__attribute__((section("scenarios"), used)) = \
			&scenario_##name_
/* clang-format on */

#define MODEL_CHECK(condition)                                                 \
	((condition) ? (void)0                                                 \
		     : model_check_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn)) void model_check_failed(const char *condition,
						  const char *file, int line);

/* Some execution has come here: bit `what` of must_reach, 0 to 31. */
void model_reached(unsigned what);

/* What a thread of the model has done so far. */
struct model_cost {
	unsigned loads;   /* of atomic words */
	unsigned changes; /* of atomic words: stores, read-modify-writes */
	unsigned calls;   /* of the system: sleeps, wakes, clock, memory, ... */
	unsigned fetches; /* lines of memory fetched ahead */
};
struct model_cost model_cost(void);

/* The statement does no more than so many loads, changes and calls. */
#define MODEL_AT_MOST(loads, changes, calls, ...)                              \
	do {                                                                   \
		struct model_cost before_ = model_cost();                      \
		__VA_ARGS__;                                                   \
		model_check_cost(&before_, loads, changes, calls, __FILE__,    \
				 __LINE__);                                    \
	} while (0)

void model_check_cost(const struct model_cost *before, unsigned loads,
		      unsigned changes, unsigned calls, const char *file,
		      int line);

/* What the calling thread read there last, it has put to use.  Whoever writes
   there later must come after that read, which else could have found, by C11,
   what was written after it: no load of the model reads from the future. */
void model_used(const void *word, size_t width);

/* Memory whose use after free, and whose leak, is found. */
void *model_alloc(size_t size);
void model_free(void *memory, size_t size);

/* The upper end of a task's stack, 0 to 5. */
void *model_stack(unsigned i);

/* A time that is `ms` (1 to 15) milliseconds after the start. */
int64_t model_time(int ms);

#endif
