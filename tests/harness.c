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

/* Each block carries its size in front, to be compared when it is freed. */
enum { FRONT = 16 };

static void *counting_alloc(size_t size, void *user)
{
	char *p = malloc(FRONT + size);

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

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- Agents ---- */

static void *agent_main(void *arg)
{
	struct h_agent *a = arg;

	a->agent = chp_agent_current();
	__atomic_store_n(&a->started.v, 1, __ATOMIC_RELEASE);
	return a->fn(a->arg);
}

static bool has_started(struct h_agent *a)
{
	return __atomic_load_n(&a->started.v, __ATOMIC_ACQUIRE) != 0;
}

void h_spawn_thread(struct h_agent *a, void *(*fn)(void *arg), void *arg)
{
	memset(a, 0, sizeof(*a));
	a->fn = fn;
	a->arg = arg;
	CHECK_EQ(pthread_create(&a->thread, NULL, agent_main, a), 0);
	h_until(has_started(a));
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
	h_until(has_started(a));
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

/* ---- Waiting ---- */

/* A waker of a foreign event loop, in miniature. */
struct loop {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int refs;
	bool woken;
};

static void loop_unref(struct loop *l)
{
	int left;

	pthread_mutex_lock(&l->mutex);
	left = --l->refs;
	pthread_mutex_unlock(&l->mutex);
	if (left)
		return;
	pthread_mutex_destroy(&l->mutex);
	pthread_cond_destroy(&l->cond);
	free(l);
}

static void loop_wake(void *data)
{
	struct loop *l = data;

	pthread_mutex_lock(&l->mutex);
	l->woken = true;
	pthread_cond_signal(&l->cond);
	pthread_mutex_unlock(&l->mutex);
	loop_unref(l);
}

static void loop_retain(void *data)
{
	struct loop *l = data;

	pthread_mutex_lock(&l->mutex);
	l->refs++;
	pthread_mutex_unlock(&l->mutex);
}

static void loop_release(void *data)
{
	loop_unref(data);
}

static const chp_waker_class loop_class = { loop_wake, loop_retain,
					    loop_release };

static int poll_by_hand(chp_op *op)
{
	struct loop *l = calloc(1, sizeof(*l));
	chp_poll_ctx ctx;
	int r;

	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->cond, NULL);
	l->refs = 1;
	ctx = chp_poll_ctx_of((chp_waker){ &loop_class, l });
	while ((r = chp_op_poll(op, &ctx)) == CHP_PENDING) {
		pthread_mutex_lock(&l->mutex);
		while (!l->woken)
			pthread_cond_wait(&l->cond, &l->mutex);
		l->woken = false;
		pthread_mutex_unlock(&l->mutex);
	}
	loop_unref(l);
	return r;
}

/* Deadline and token, out of operations. */
static int poll_with(chp_op *op, const chp_wait *w)
{
	chp_timeout_op timeout;
	chp_cancel_op cancelled;
	chp_select_op select;
	chp_select_arm arms[2];
	int r;

	if (w->cancel && (r = chp_cancel_status(w->cancel)) != 0)
		return r;
	chp_timeout_init(&timeout, op, w->deadline);
	if (!w->cancel)
		return poll_by_hand(w->deadline ? &timeout.op : op);
	chp_cancel_wait_op(&cancelled, w->cancel);
	arms[0].op = w->deadline ? &timeout.op : op;
	arms[1].op = &cancelled.op;
	CHECK_CODE(chp_select_init(&select, arms, 2,
				   CHP_BIASED | CHP_CANCEL_LOSERS),
		   0);
	r = poll_by_hand(&select.op);
	if (r == 0)
		return arms[0].result;
	CHECK_EQ(r, 1);
	return chp_cancel_status(w->cancel);
}

int h_wait(chp_op *op, const chp_wait *w)
{
	if (mode != H_POLLED)
		return chp_op_wait(op, w);
	return w ? poll_with(op, w) : poll_by_hand(op);
}

static void count_wake(void *data)
{
	struct h_waker *w = data;

	__atomic_add_fetch(&w->wakes.v, 1, __ATOMIC_SEQ_CST);
	__atomic_sub_fetch(&w->refs.v, 1, __ATOMIC_SEQ_CST);
}

static void count_retain(void *data)
{
	__atomic_add_fetch(&((struct h_waker *)data)->refs.v, 1,
			   __ATOMIC_SEQ_CST);
}

static void count_release(void *data)
{
	__atomic_sub_fetch(&((struct h_waker *)data)->refs.v, 1,
			   __ATOMIC_SEQ_CST);
}

static const chp_waker_class counting_class = { count_wake, count_retain,
						count_release };

chp_waker h_waker(struct h_waker *w)
{
	return (chp_waker){ &counting_class, w };
}

unsigned h_wakes(const struct h_waker *w)
{
	return __atomic_load_n(&w->wakes.v, __ATOMIC_SEQ_CST);
}

unsigned h_refs(const struct h_waker *w)
{
	return __atomic_load_n(&w->refs.v, __ATOMIC_SEQ_CST);
}

int h_poll(chp_op *op, struct h_waker *w)
{
	chp_poll_ctx ctx = chp_poll_ctx_of(h_waker(w));

	return chp_op_poll(op, &ctx);
}

/* ---- Misuse ---- */

void h_must_panic(void (*fn)(void *arg), void *arg, const char *sentence)
{
	char text[4096] = "";
	size_t used = 0;
	int ends[2], status;
	ssize_t n;
	pid_t child;

	CHECK_EQ(pipe(ends), 0);
	fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		fn(arg);
		_exit(0);
	}
	close(ends[1]);
	while (used < sizeof(text) - 1 &&
	       (n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(ends[0]);
	CHECK_EQ(waitpid(child, &status, 0), child);
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
	char name[160];
};

static void *call_test(void *arg)
{
	const struct h_test *test = arg;

	test->fn();
	return NULL;
}

static void run_in_runtime(const struct h_test *test)
{
	chp_runtime_options options = { .workers = 4 };

	if (mode == H_CT)
		options.kind = CHP_CURRENT_THREAD;
	CHECK_CODE(chp_runtime_new(&runtime, &options), 0);
	CHECK_CODE(chp_runtime_block_on(runtime, call_test, (void *)test, NULL),
		   0);
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
	descriptors = open_descriptors();
	if (run->alone || mode == H_THREADS || mode == H_POLLED)
		run->test->fn();
	else
		run_in_runtime(run->test);

	if (skipped) {
		fprintf(stderr, "%s: skipped: %s\n", current, skipped);
		return false;
	}
	CHECK_EQ(h_blocks(), blocks_before);
	CHECK_EQ(open_descriptors(), descriptors);
	return true;
}

static void add(struct h_case *list, struct run *runs, size_t i,
		const char *suite, const struct h_test *test, enum h_mode m,
		bool alone)
{
	runs[i].test = test;
	runs[i].mode = m;
	runs[i].alone = alone;
	snprintf(runs[i].name, sizeof(runs[i].name), "%s/%s/%s", suite,
		 alone ? "alone" : mode_name(m), test->name);
	list[i] = (struct h_case){ runs[i].name, run_one, &runs[i] };
}

/* CHP_TEST_FILTER: run only tests whose full name contains it. */
static bool wanted(const char *suite, const struct h_test *test, const char *m)
{
	const char *filter = getenv("CHP_TEST_FILTER");
	char name[160];

	snprintf(name, sizeof(name), "%s/%s/%s", suite, m, test->name);
	return !filter || strstr(name, filter);
}

int h_run(const char *suite, const struct h_test *tests, size_t count)
{
	struct h_case *list = calloc(count * H_MODES, sizeof(*list));
	struct run *runs = calloc(count * H_MODES, sizeof(*runs));
	chp_allocator counting = { counting_alloc, counting_free, NULL };
	size_t n = 0;
	int failed;

	CHECK_CODE(chp_set_allocator(&counting), 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < count; i++) {
		const struct h_test *t = &tests[i];

		if (t->modes == ON_ITS_OWN && wanted(suite, t, "alone"))
			add(list, runs, n++, suite, t, H_THREADS, true);
		for (int m = 0; m < H_MODES; m++)
			if (t->modes & 1u << m &&
			    wanted(suite, t, mode_name((enum h_mode)m)))
				add(list, runs, n++, suite, t, (enum h_mode)m,
				    false);
	}
	failed = h_run_cases(suite, list, n);
	free(list);
	free(runs);
	return failed ? 1 : 0;
}
