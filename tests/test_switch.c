/*
 * test_switch.c - what a task keeps over a switch, and what switching promises
 * to others: registers, errno, the stack; fairness of yield; pinned tasks.
 */
#include "task.h"

#include <errno.h>
#include <unistd.h>

/* ---- Registers ---- */

/* More integers and doubles alive over a wait than there are registers. */
static double mix(const long *in, chp_semaphore *s)
{
	long a = in[0], b = in[1], c = in[2], d = in[3], e = in[4], f = in[5];
	long g = a ^ b, h = c + d, i = e - f, j = a * 3, k = b * 5, l = c * 7;
	double p = (double)a / 3, q = (double)b / 7, r = (double)c / 11;
	double t = (double)d / 13, u = (double)e / 17, v = (double)f / 19;
	double w = (double)a / 23, x = (double)b / 29;

	if (s) {
		CHECK_CODE(chp_semaphore_acquire(s, 1), 0);
		chp_yield();
		CHECK_CODE(chp_semaphore_release(s, 1), 0);
	}
	return (double)(a + b - c + d - e + f + g - h + i - j + k - l) + p - q +
	       r - t + u - v + w - x;
}

static void *compute_over_waits(void *arg)
{
	volatile long seed = (intptr_t)arg;
	long in[6];

	for (long round = 0; round < h_rounds(2000); round++) {
		static chp_semaphore turns = CHP_SEMAPHORE_INIT(2, CHP_FIFO);
		double expected;

		for (int i = 0; i < 6; i++)
			in[i] = seed * 1000003 + round * 31 + i;
		expected = mix(in, NULL);
		CHECK(mix(in, &turns) == expected);
	}
	return NULL;
}

static void registers_survive_a_wait(void)
{
	struct h_agent a[8];

	for (intptr_t i = 0; i < 8; i++)
		h_spawn(&a[i], compute_over_waits, (void *)i);
	for (int i = 0; i < 8; i++)
		h_join(&a[i]);
}

/* ---- errno ---- */

/* Not inlined: errno's address must not be kept over a wait. */
__attribute__((noinline)) static void set_errno(int value)
{
	errno = value;
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static int get_errno(void)
{
	__asm__ volatile("" ::: "memory");
	return errno;
}

static chp_semaphore turn;

static void *keep_errno(void *arg)
{
	int mine = 1000 + (int)(intptr_t)arg;
	chp_wait late = { .deadline = 1 };

	for (long round = h_rounds(500); round > 0; round--) {
		set_errno(mine);
		CHECK_CODE(chp_semaphore_acquire(&turn, 1), 0);
		CHECK_EQ(get_errno(), mine);
		chp_yield();
		CHECK_EQ(get_errno(), mine);
		CHECK_CODE(chp_semaphore_release(&turn, 1), 0);
		CHECK_EQ(get_errno(), mine);
		if (round % 50)
			continue;
		CHECK_CODE(chp_sleep_for(100 * CHP_US), 0);
		CHECK_EQ(get_errno(), mine);
		CHECK_CODE(chp_semaphore_acquire_with(&turn, 99, &late),
			   CHP_ETIMEDOUT);
		CHECK_EQ(get_errno(), mine);
	}
	return NULL;
}

static void errno_is_as_it_was_after_a_wait(void)
{
	struct h_agent a[6];

	chp_semaphore_init(&turn, 2, CHP_FIFO);
	for (intptr_t i = 0; i < 6; i++)
		h_spawn(&a[i], keep_errno, (void *)i);
	for (int i = 0; i < 6; i++)
		h_join(&a[i]);
}

/* ---- Stacks ---- */

/* Each level of the recursion takes at least 1 KiB. */
__attribute__((noinline)) static long eat_stack(long levels)
{
	volatile char room[1024];
	long below;

	room[0] = (char)levels;
	room[sizeof(room) - 1] = (char)levels;
	if (levels % 64 == 0)
		chp_yield();
	below = levels ? eat_stack(levels - 1) : 0;
	CHECK_EQ(room[0], (char)levels);
	CHECK_EQ(room[sizeof(room) - 1], (char)levels);
	return below + 1;
}

static void *eat(void *arg)
{
	return (void *)eat_stack((intptr_t)arg);
}

static void check_eaten(chp_task *t, intptr_t kib)
{
	chp_outcome o;

	CHECK_CODE(chp_join(t, &o), 0);
	CHECK_EQ((intptr_t)o.value, kib + 1);
}

static void a_task_may_ask_for_a_big_stack(void)
{
	chp_task_options options = { .stack_size = (size_t)4 << 20 };
	chp_task big[3], small;

	for (int i = 0; i < 3; i++)
		CHECK_CODE(chp_spawn_with(&big[i], eat, (void *)1500, &options),
			   0);
	CHECK_CODE(chp_spawn(&small, eat, (void *)20), 0);
	for (int i = 0; i < 3; i++)
		check_eaten(&big[i], 1500);
	check_eaten(&small, 20);
}

static void *spawn_eater(void *arg)
{
	chp_task t;

	CHECK_CODE(chp_spawn(&t, eat, (void *)400), 0);
	check_eaten(&t, 400);
	return arg;
}

static void a_runtime_may_give_every_task_a_big_stack(void)
{
	chp_runtime_options options = {
		.workers = 2,
		.stack_size = (size_t)1 << 20,
	};

	CHECK_CODE(chp_run(&options, spawn_eater, NULL, NULL), 0);
}

static atomic_int drops;

static void drop(void *arg)
{
	(void)arg;
	drops++;
}

static void a_stack_that_cannot_be_had_is_refused(void)
{
	chp_task_options options = { .stack_size = SIZE_MAX, .arg_drop = drop };
	chp_task t;

	drops = 0;
	CHECK(chp_spawn_with(&t, eat, NULL, &options) < 0);
	options.stack_size = (size_t)1 << 55;
	CHECK(chp_spawn_with(&t, eat, NULL, &options) < 0);
	CHECK_EQ(drops, 0);
}

/* ---- Yielding ---- */

enum { YIELDERS = 5, TURNS = 50 };

static int turns_taken[YIELDERS * TURNS], turns_used;

static void *take_turns(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		turns_taken[turns_used++] = (int)(intptr_t)arg;
		chp_yield();
	}
	return NULL;
}

/* Between two turns of one task every other task has had one. */
static void *check_turns(void *arg)
{
	chp_task t[YIELDERS];

	turns_used = 0;
	for (intptr_t i = 0; i < YIELDERS; i++)
		CHECK_CODE(chp_spawn(&t[i], take_turns, (void *)i), 0);
	join_all(t, YIELDERS);
	CHECK_EQ(turns_used, YIELDERS * TURNS);
	for (int i = 0; i + YIELDERS <= turns_used; i++) {
		unsigned seen = 0;

		for (int k = i; k < i + YIELDERS; k++)
			seen |= 1u << turns_taken[k];
		CHECK_EQ(seen, (1u << YIELDERS) - 1);
	}
	return arg;
}

static void yield_lets_every_other_task_of_the_worker_run_first(void)
{
	with_one_worker(check_turns);
}

/* A task that yields for ever must not keep out one that was just woken. */
static atomic_int stop;

static void *yield_until_stopped(void *arg)
{
	while (!stop)
		chp_yield();
	return arg;
}

static void *sleep_among_yielders(void *arg)
{
	chp_task t[3];

	stop = 0;
	spawn_all(t, 3, yield_until_stopped, NULL);
	CHECK_CODE(chp_sleep_for(2 * CHP_MS), 0);
	stop = 1;
	join_all(t, 3);
	return arg;
}

static void yielding_tasks_do_not_keep_timers_from_firing(void)
{
	with_one_worker(sleep_among_yielders);
}

static void *wait_among_yielders(void *arg)
{
	chp_semaphore s = CHP_SEMAPHORE_INIT(0, CHP_FIFO);
	struct h_agent thread;
	chp_task t[3];

	stop = 0;
	spawn_all(t, 3, yield_until_stopped, NULL);
	h_spawn_thread(&thread, release_it, &s);
	CHECK_CODE(chp_semaphore_acquire(&s, 1), 0);
	stop = 1;
	join_all(t, 3);
	h_join_thread(&thread);
	return arg;
}

static void yielding_tasks_do_not_keep_out_foreign_wakes(void)
{
	with_one_worker(wait_among_yielders);
}

/* ---- Pinned tasks ---- */

enum { HOPPERS = 8 };

static chp_semaphore seats;
static atomic_int moved, pinned_left;

/* gettid, for pthread_self is a constant to the compiler. */
static void *stay(void *arg)
{
	pid_t home = gettid();

	for (long i = h_rounds(3000); i > 0; i--) {
		CHECK_CODE(chp_semaphore_acquire(&seats, 1), 0);
		CHECK_EQ(gettid(), home);
		chp_yield();
		CHECK_EQ(gettid(), home);
		CHECK_CODE(chp_semaphore_release(&seats, 1), 0);
		CHECK_EQ(gettid(), home);
	}
	CHECK_CODE(chp_sleep_for(CHP_MS), 0);
	CHECK_EQ(gettid(), home);
	pinned_left--;
	return arg;
}

static void *hop(void *arg)
{
	pid_t home = gettid();

	while (pinned_left > 0 || moved == 0) {
		CHECK_CODE(chp_semaphore_acquire(&seats, 1), 0);
		if (gettid() != home)
			moved = 1;
		chp_yield();
		CHECK_CODE(chp_semaphore_release(&seats, 1), 0);
	}
	return arg;
}

static void pinned_tasks_stay_on_their_thread_while_others_move(void)
{
	chp_task_options pin = { .pinned = 1 };
	chp_task pinned[HOPPERS], free_ones[HOPPERS];

	chp_semaphore_init(&seats, 4, CHP_FIFO);
	moved = 0;
	pinned_left = HOPPERS;
	for (int i = 0; i < HOPPERS; i++) {
		CHECK_CODE(chp_spawn_with(&pinned[i], stay, NULL, &pin), 0);
		CHECK_CODE(chp_spawn(&free_ones[i], hop, NULL), 0);
	}
	for (int i = 0; i < HOPPERS; i++) {
		CHECK_CODE(chp_join(&pinned[i], NULL), 0);
		CHECK_CODE(chp_join(&free_ones[i], NULL), 0);
	}
}

/* A pinned task is woken by threads that are no workers at all. */
static void *feed(void *arg)
{
	for (long i = h_rounds(2000); i > 0; i--) {
		CHECK_CODE(chp_semaphore_release(arg, 1), 0);
		h_until(chp_semaphore_available(arg) == 0);
	}
	return NULL;
}

static void *eat_pinned(void *arg)
{
	pid_t home = gettid();

	for (long i = h_rounds(2000); i > 0; i--) {
		CHECK_CODE(chp_semaphore_acquire(arg, 1), 0);
		CHECK_EQ(gettid(), home);
	}
	return NULL;
}

static void foreign_wakes_bring_a_pinned_task_back_to_its_thread(void)
{
	chp_task_options pin = { .pinned = 1 };
	chp_semaphore s[3];
	struct h_agent feeder[3];
	chp_task t[3];

	for (int i = 0; i < 3; i++) {
		chp_semaphore_init(&s[i], 0, CHP_FIFO);
		CHECK_CODE(chp_spawn_with(&t[i], eat_pinned, &s[i], &pin), 0);
		h_spawn_thread(&feeder[i], feed, &s[i]);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_CODE(chp_join(&t[i], NULL), 0);
		h_join_thread(&feeder[i]);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(registers_survive_a_wait, IN_TASKS),
	TEST(errno_is_as_it_was_after_a_wait, IN_BLOCKING),
	TEST(a_task_may_ask_for_a_big_stack, IN_TASKS),
	TEST(a_runtime_may_give_every_task_a_big_stack, ON_ITS_OWN),
	TEST(a_stack_that_cannot_be_had_is_refused, IN_TASKS),
	TEST(yield_lets_every_other_task_of_the_worker_run_first, ON_ITS_OWN),
	TEST(yielding_tasks_do_not_keep_timers_from_firing, ON_ITS_OWN),
	TEST(yielding_tasks_do_not_keep_out_foreign_wakes, ON_ITS_OWN),
	TEST(pinned_tasks_stay_on_their_thread_while_others_move, IN_MT),
	TEST(foreign_wakes_bring_a_pinned_task_back_to_its_thread, IN_TASKS),
};
/* clang-format on */

H_MAIN("switch", tests)
