/*
 * harness.c - see harness.h.
 */
#include "harness.h"

#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

static enum h_mode mode;
static const char *current = "?";
static const char *skipped;
static chp_runtime *runtime;

static const char *mode_name(enum h_mode m)
{
	static const char *names[] = { "threads", "ct", "mt", "polled" };

	return names[m];
}

enum h_mode h_mode(void)
{
	return mode;
}

void h_skip(const char *why)
{
	skipped = why;
}

long h_rounds(long full)
{
	const char *divisor = getenv("CHP_TEST_SLOWNESS");
	long by = divisor ? atol(divisor) : 1;

	full /= by > 0 ? by : 1;
	return full > 0 ? full : 1;
}

uint64_t h_seed(void)
{
	static uint64_t seed;
	const char *given = getenv("CHP_TEST_SEED");

	if (!seed) {
		seed = given ? strtoull(given, NULL, 0) : (uint64_t)chp_now();
		seed += !seed;
		fprintf(stderr, "CHP_TEST_SEED=%" PRIu64 "\n", seed);
	}
	return seed;
}

void h_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s:%d: %s: ", file, line, current);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

/* ---- An allocator that counts ---- */

static long blocks, allocs;
bool (*h_refuse_alloc)(void);

/* Each block carries its size in front, to be compared when it is freed. */
enum { FRONT = 16 };

static void *counting_alloc(size_t size, void *user)
{
	bool refused = h_refuse_alloc && h_refuse_alloc();
	char *p = refused ? NULL : malloc(FRONT + size);

	(void)user;
	if (!p)
		return NULL;
	__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&allocs, 1, __ATOMIC_RELAXED);
	memcpy(p, &size, sizeof(size));
	return p + FRONT;
}

static void counting_free(void *memory, size_t size, void *user)
{
	char *p = (char *)memory - FRONT;
	size_t was;

	(void)user;
	memcpy(&was, p, sizeof(was));
	CHECK_EQ(was, size);
	__atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
	free(p);
}

long h_blocks(void)
{
	return __atomic_load_n(&blocks, __ATOMIC_RELAXED);
}

long h_allocs(void)
{
	return __atomic_load_n(&allocs, __ATOMIC_RELAXED);
}

static int entries_of(const char *directory)
{
	DIR *d = opendir(directory);
	int n = -2; /* . and .. */

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

int h_descriptors(void)
{
	return entries_of("/proc/self/fd");
}

int h_threads(void)
{
	int n = entries_of("/proc/self/task");

	CHECK(n > 0);
	return n;
}

/* ---- Agents ---- */

static void *agent_main(void *arg)
{
	struct h_agent *a = arg;

	a->agent = chp_agent_current();
	h_store(&a->started, 1);
	return a->fn(a->arg);
}

void h_spawn_thread(struct h_agent *a, void *(*fn)(void *arg), void *arg)
{
	memset(a, 0, sizeof(*a));
	a->fn = fn;
	a->arg = arg;
	CHECK_EQ(pthread_create(&a->thread, NULL, agent_main, a), 0);
	h_until(h_load(&a->started));
}

void *h_join_thread(struct h_agent *a)
{
	void *value;

	CHECK_EQ(pthread_join(a->thread, &value), 0);
	return value;
}

void h_spawn(struct h_agent *a, void *(*fn)(void *arg), void *arg)
{
	if (mode == H_THREADS || mode == H_POLLED) {
		h_spawn_thread(a, fn, arg);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->fn = fn;
	a->arg = arg;
	CHECK_CODE(chp_spawn(&a->task, agent_main, a), 0);
	h_until(h_load(&a->started));
}

void *h_join(struct h_agent *a)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	chp_outcome outcome;

	if (mode == H_THREADS || mode == H_POLLED)
		return h_join_thread(a);
	CHECK_CODE(chp_join_with(&a->task, &outcome, &whatever), 0);
	return outcome.value;
}

void h_yield(void)
{
	if (chp_task_id() != 0)
		chp_yield();
	else
		sched_yield();
}

void h_let_others_run(void)
{
	for (int i = 0; i < 100; i++)
		h_yield();
}

void *h_cancel_later(void *token)
{
	h_let_others_run();
	chp_cancel_now(token);
	return NULL;
}

void *h_interrupt_later(void *agent)
{
	h_let_others_run();
	CHECK_CODE(chp_interrupt(*(chp_agent *)agent), 0);
	return NULL;
}

/* ---- Processes ---- */

/* Run fn(arg) in a process whose stderr is that descriptor. */
static pid_t start_child(void (*fn)(void *arg), void *arg, int err)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		dup2(err, STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	return child;
}

static int status_of(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

int h_in_child(void (*fn)(void *arg), void *arg)
{
	return status_of(start_child(fn, arg, STDERR_FILENO));
}

void h_must_panic(void (*fn)(void *arg), void *arg, const char *sentence)
{
	char text[4096] = "";
	size_t used = 0;
	int ends[2], status;
	ssize_t n;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	child = start_child(fn, arg, ends[1]);
	close(ends[1]);
	while (used < sizeof(text) - 1 &&
	       (n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(ends[0]);
	status = status_of(child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		h_fail(__FILE__, __LINE__,
		       "the process was to stop; status %#x; it said: %s",
		       (unsigned)status, text);
	if (!strstr(text, sentence))
		h_fail(__FILE__, __LINE__, "it was to say \"%s\", but said: %s",
		       sentence, text);
}

/* ---- Running ---- */

struct run {
	const struct h_test *test;
	enum h_mode mode;
	bool alone;
	chp_policy policy;
	char name[160];
};

static void *call_test(void *arg)
{
	const struct run *run = arg;

	if (run->test->by_policy)
		run->test->by_policy(run->policy);
	else
		run->test->fn();
	return NULL;
}

static void run_in_runtime(struct run *run)
{
	chp_runtime_options options = { .workers = 4 };

	const char *simulated = getenv("CHP_TEST_SIM");

	if (mode == H_CT) {
		options.kind = CHP_CURRENT_THREAD;
		options.workers = 1;
		options.seed = simulated ? strtoull(simulated, NULL, 0) : 0;
	}
	CHECK_CODE(chp_runtime_new(&runtime, &options), 0);
	CHECK_CODE(chp_runtime_block_on(runtime, call_test, run, NULL), 0);
	CHECK_CODE(chp_runtime_shutdown(runtime, 0, NULL, 0, NULL), 0);
	runtime = NULL;
}

static bool run_one(void *arg)
{
	struct run *run = arg;
	long blocks_before = h_blocks();
	int descriptors;

	current = run->name;
	mode = run->mode;
	skipped = NULL;
	/* Polled tests need the process-wide driver; let it open its own. */
	if (mode == H_POLLED) {
		chp_sleep_op sleep;

		chp_sleep_until_op(&sleep, chp_in(3600 * CHP_SEC));
		CHECK_CODE(chp_op_poll(&sleep.op, NULL), CHP_PENDING);
		chp_op_cancel(&sleep.op);
		blocks_before = h_blocks();
	}
	descriptors = h_descriptors();
	if (run->alone || mode == H_THREADS || mode == H_POLLED)
		call_test(run);
	else
		run_in_runtime(run);

	if (skipped) {
		fprintf(stderr, "%s: skipped: %s\n", current, skipped);
		return false;
	}
	CHECK_EQ(h_blocks(), blocks_before);
	CHECK_EQ(h_descriptors(), descriptors);
	return true;
}

/* The lists of what is run, and what the runner is told of it. */
static struct h_case *cases;
static struct run *runs;
static size_t count;

static void add(const char *suite, const struct h_test *test, struct run run)
{
	static const char *policies[] = { "_in_fifo", "_in_fair",
					  "_in_unfair" };
	/* Run only tests whose full name contains it. */
	const char *filter = getenv("CHP_TEST_FILTER");

	run.test = test;
	snprintf(run.name, sizeof(run.name), "%s/%s/%s%s", suite,
		 run.alone ? "alone" : mode_name(run.mode), test->name,
		 test->by_policy ? policies[run.policy] : "");
	if (filter && !strstr(run.name, filter))
		return;
	runs[count] = run;
	cases[count] =
		(struct h_case){ runs[count].name, run_one, &runs[count] };
	count++;
}

static void add_modes(const char *suite, const struct h_test *test,
		      chp_policy policy)
{
	struct run run = { .policy = policy };

	if (test->modes == ON_ITS_OWN) {
		run.alone = true;
		add(suite, test, run);
		return;
	}
	for (int m = 0; m < H_MODES; m++) {
		run.mode = (enum h_mode)m;
		if (test->modes & 1u << m)
			add(suite, test, run);
	}
}

int h_run(const char *suite, const struct h_test *tests, size_t n)
{
	const size_t most = n * H_MODES * (CHP_UNFAIR + 1);
	chp_allocator counting = { counting_alloc, counting_free, NULL };
	int failed;

	cases = calloc(most, sizeof(*cases));
	runs = calloc(most, sizeof(*runs));
	CHECK_CODE(chp_set_allocator(&counting), 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n; i++)
		for (int p = CHP_FIFO; p <= CHP_UNFAIR; p++)
			if (p == CHP_FIFO || tests[i].by_policy)
				add_modes(suite, &tests[i], (chp_policy)p);
	failed = h_run_cases(suite, cases, count);
	free(cases);
	free(runs);
	return failed ? 1 : 0;
}
