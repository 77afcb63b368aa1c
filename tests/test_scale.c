/*
 * test_scale.c - a hundred thousand tasks at once: that it works, what memory
 * each takes, and how their stacks are guarded.
 *
 * Under sanitizers, Valgrind and emulators there are fewer (h_rounds), and
 * what a task weighs is not checked: their shadows weigh more than the task.
 * ThreadSanitizer gives each task most of a megabyte and takes its time.
 */
#include "harness.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = THREAD_SANITIZED ? 1000 : ADDRESS_SANITIZED ? 50000 : 100000 };

static chp_semaphore hall;
static atomic_long passed;
static chp_task *tasks;

static long crowd(void)
{
	long n = h_rounds(100000);

	return n < MOST ? n : MOST;
}

static bool is_weighed(void)
{
	return !SANITIZED && crowd() == 100000;
}

/* ---- Looking ---- */

static long resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	CHECK(f != NULL);
	CHECK_EQ(fscanf(f, "%*d %ld", &pages), 1);
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static long page_table_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPTE: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static chp_runtime_stats stats(void)
{
	chp_runtime_stats s;

	chp_runtime_get_stats(chp_runtime_current(), &s);
	return s;
}

/* ---- A crowd ---- */

static void *wait_in_the_hall(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&hall, 1), 0);
	passed++;
	return arg;
}

static void gather(long n)
{
	chp_semaphore_init(&hall, 0, CHP_FIFO);
	passed = 0;
	for (long i = 0; i < n; i++)
		CHECK_CODE(chp_spawn(&tasks[i], wait_in_the_hall, &tasks[i]),
			   0);
	h_until(chp_semaphore_queue_length(&hall) == (size_t)n);
	CHECK_EQ(stats().tasks, n + 1);
}

static void disperse(long n)
{
	CHECK_CODE(chp_semaphore_release(&hall, n), 0);
	for (long i = 0; i < n; i++) {
		chp_outcome o;

		CHECK_CODE(chp_join(&tasks[i], &o), 0);
		CHECK(o.value == &tasks[i]);
	}
	CHECK_EQ(passed, n);
	CHECK_EQ(chp_semaphore_available(&hall), 0);
	CHECK_EQ(stats().tasks, 1);
}

static void *gather_twice(void *arg)
{
	long n = crowd(), before, after, tables = page_table_kib();
	size_t stacks;

	memset(tasks, 1, (size_t)n * sizeof(*tasks));
	before = resident_bytes();
	gather(n);
	after = resident_bytes();
	printf("%ld parked tasks: %ld bytes each, page tables %ld KiB\n", n,
	       (after - before) / n, page_table_kib() - tables);
	if (is_weighed())
		CHECK((after - before) / n <= 4608);
	stacks = stats().stacks;
	CHECK(stacks >= (size_t)n);
	disperse(n);
	/* The next crowd is put where the first was. */
	gather(n);
	CHECK(stats().stacks <= stacks + 16);
	disperse(n);
	return arg;
}

static void run(chp_runtime_options options, void *(*fn)(void *arg))
{
	tasks = calloc((size_t)crowd() + 1000, sizeof(*tasks));
	CHECK_CODE(chp_run(&options, fn, NULL, NULL), 0);
	free(tasks);
}

static void a_hundred_thousand_tasks_wait_at_once(void)
{
	run((chp_runtime_options){ .workers = 2 }, gather_twice);
}

static void a_hundred_thousand_tasks_wait_on_one_thread(void)
{
	run((chp_runtime_options){ .kind = CHP_CURRENT_THREAD }, gather_twice);
}

static void *expect_abort(void *arg)
{
	CHECK_CODE(chp_semaphore_acquire(&hall, 1), CHP_EABORTED);
	passed++;
	return arg;
}

static void *leave_them_behind(void *arg)
{
	chp_semaphore_init(&hall, 0, CHP_FIFO);
	passed = 0;
	for (long i = 0; i < crowd() / 4; i++)
		CHECK_CODE(chp_spawn(NULL, expect_abort, NULL), 0);
	h_until(chp_semaphore_queue_length(&hall) == (size_t)crowd() / 4);
	return arg;
}

static void shutdown_aborts_a_crowd(void)
{
	run((chp_runtime_options){ .workers = 2 }, leave_them_behind);
	CHECK_EQ(passed, crowd() / 4);
	CHECK_EQ(chp_semaphore_queue_length(&hall), 0);
}

/* ---- Guards ---- */

static bool kernel_has_guard_markers(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	CHECK_EQ(sscanf(u.release, "%d.%d", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 13);
}

static void *gather_guarded(void *arg)
{
	size_t unguarded = stats().unguarded_stacks;

	gather(crowd());
	CHECK_EQ(stats().unguarded_stacks, unguarded);
	disperse(crowd());
	return arg;
}

static void where_the_kernel_can_every_stack_is_guarded(void)
{
	if (!kernel_has_guard_markers()) {
		h_skip("the kernel has no guard markers");
		return;
	}
	run((chp_runtime_options){ .workers = 2 }, gather_guarded);
}

/* More tasks than the system lets us have guard pages. */
static void *gather_beyond_the_budget(void *arg)
{
	size_t unguarded = stats().unguarded_stacks, stacks = stats().stacks;
	long n = crowd();

	gather(n);
	if (n > 66000)
		CHECK(stats().unguarded_stacks > unguarded);
	/* Most of the first are guarded: a budget is not nothing. */
	CHECK(stats().unguarded_stacks - unguarded <
	      stats().stacks - stacks - (size_t)n / 100);
	disperse(n);
	return arg;
}

static void tasks_beyond_the_budget_of_guards_work(void)
{
	/* An unusual size, so that no stack of another test is used again. */
	run((chp_runtime_options){ .workers = 2,
				   .guard = CHP_GUARD_BUDGET,
				   .stack_size = 32 << 10 },
	    gather_beyond_the_budget);
}

/* ---- Overflow ---- */

static volatile int deepest = 1 << 30;

__attribute__((noinline)) static long fall(long depth)
{
	volatile char room[512];
	long below;

	room[depth & 511] = (char)depth;
	if (depth % 8 == 0)
		chp_yield();
	below = depth < deepest ? fall(depth + 1) : depth;
	return below + room[depth & 511];
}

static void *fall_for_ever(void *arg)
{
	fall(0);
	return arg;
}

static void *spawn_falling_task(void *arg)
{
	chp_task_options options = { .name = "bottomless" };
	chp_task t;

	if (arg)
		options.stack_size = *(size_t *)arg;
	CHECK_CODE(chp_spawn_with(&t, fall_for_ever, NULL, &options), 0);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return NULL;
}

static void overflow_with_markers(void *arg)
{
	chp_runtime_options options = { .workers = 2 };

	chp_run(&options, spawn_falling_task, arg, NULL);
}

static void overflow_with_a_guard_page(void *arg)
{
	chp_runtime_options options = { .kind = CHP_CURRENT_THREAD,
					.guard = CHP_GUARD_BUDGET };

	chp_run(&options, spawn_falling_task, arg, NULL);
}

static void an_overflow_stops_the_process_with_the_name_of_the_task(void)
{
	size_t big = 1 << 20;

	h_must_panic(overflow_with_markers, NULL, "bottomless");
	h_must_panic(overflow_with_markers, &big, "bottomless");
	h_must_panic(overflow_with_a_guard_page, NULL, "bottomless");
}

/* Overwrite everything down to `depth` bytes below top, and return. */
__attribute__((noinline)) static long dig(const char *top, long depth)
{
	volatile char room[1024];
	long below = 0;

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0x5a;
	if (top - (const char *)room < depth)
		below = dig(top, depth);
	return below + room[0];
}

enum { SMALL_STACK = 16 << 10 };

static void *dig_through_the_stack(void *arg)
{
	dig(__builtin_frame_address(0), SMALL_STACK);
	return arg;
}

/* Use up the guards with parked tasks; then the next stack has none. */
static void *spawn_digger(void *arg)
{
	chp_task_options options = { .name = "digger" };
	chp_task t;

	chp_semaphore_init(&hall, 0, CHP_FIFO);
	for (int n = 0; stats().unguarded_stacks == 0; n++) {
		CHECK(n <= 100000);
		CHECK_CODE(chp_spawn(NULL, wait_in_the_hall, NULL), 0);
		chp_yield();
	}
	CHECK_CODE(chp_spawn_with(&t, dig_through_the_stack, NULL, &options),
		   0);
	CHECK_CODE(chp_join(&t, NULL), 0);
	return arg;
}

static void overrun_a_canary(void *arg)
{
	chp_runtime_options options = {
		.kind = CHP_CURRENT_THREAD,
		.guard = CHP_GUARD_BUDGET,
		.stack_size = SMALL_STACK,
	};

	(void)arg;
	chp_run(&options, spawn_digger, NULL, NULL);
}

static void an_overrun_without_a_guard_is_reported_when_the_task_ends(void)
{
	if (SANITIZED) {
		h_skip("too many tasks for a sanitizer");
		return;
	}
	h_must_panic(overrun_a_canary, NULL, "digger");
}

/* Only overflows are claimed: other faults are the program's own. */
static void *use_a_wild_pointer(void *arg)
{
	int *volatile wild = (int *)(uintptr_t)64;

	*wild = 1;
	return arg;
}

static void run_into_a_fault(void *arg)
{
	/* Not cmocka's handler. */
	signal(SIGSEGV, SIG_DFL);
	fclose(stderr);
	chp_run(NULL, use_a_wild_pointer, arg, NULL);
}

static void a_wild_pointer_is_still_a_segmentation_fault(void)
{
	int status;

	if (SANITIZED) {
		h_skip("sanitizers report faults in their own way");
		return;
	}
	status = h_in_child(run_into_a_fault, NULL);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(an_overflow_stops_the_process_with_the_name_of_the_task, ON_ITS_OWN),
	TEST(an_overrun_without_a_guard_is_reported_when_the_task_ends,
	     ON_ITS_OWN),
	TEST(a_wild_pointer_is_still_a_segmentation_fault, ON_ITS_OWN),
	/* Before a crowd has spent the budget. */
	TEST(tasks_beyond_the_budget_of_guards_work, ON_ITS_OWN),
	TEST(a_hundred_thousand_tasks_wait_at_once, ON_ITS_OWN),
	TEST(a_hundred_thousand_tasks_wait_on_one_thread, ON_ITS_OWN),
	TEST(shutdown_aborts_a_crowd, ON_ITS_OWN),
	TEST(where_the_kernel_can_every_stack_is_guarded, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("scale", tests)
