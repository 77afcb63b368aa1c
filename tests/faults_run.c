/*
 * faults_run.c - scenarios over and over, each run in a process of its own:
 * see faults.h.
 */
#include "faults.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Its second of waiting for more races would be one for each child. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}

/* What is left of a process after its scenarios. */
struct state {
	long blocks, mapped;
	int descriptors, threads;
};

/* A run, and what it has found; in memory that parent and child share. */
struct run {
	int (*scenario)(void);
	unsigned flags;
	struct fault_plan plan;
	uint64_t seed;
	long counts[FAULTS];
	struct state warm; /* after two runs without failures */
	long hits;
};

static struct run *run;

static const struct kind {
	const char *name;
	int error;
} classes[FAULTS] = {
	[FAULT_ALLOC] = { "an allocation", ENOMEM },
	[FAULT_MAP] = { "mmap", ENOMEM },
	[FAULT_GUARD] = { "mprotect or madvise", ENOMEM },
	[FAULT_THREAD] = { "pthread_create", EAGAIN },
	[FAULT_POLLER] = { "epoll_create1", EMFILE },
	[FAULT_WATCH] = { "epoll_ctl", ENOSPC },
	[FAULT_TOKENS] = { "eventfd or pipe", EMFILE },
	[FAULT_TIMER] = { "timerfd_create", ENFILE },
	[FAULT_SOCKET] = { "socket", ENOBUFS },
	[FAULT_ACCEPT] = { "accept", EMFILE },
	[FAULT_CONNECT] = { "connect", ENETUNREACH },
	[FAULT_RECV] = { "recv", EIO },
	[FAULT_SEND] = { "send", EPIPE },
	[FAULT_FLAGS] = { "fcntl", EBADF },
	[FAULT_OPEN] = { "open", EMFILE },
	[FAULT_NAMES] = { "getaddrinfo", ENOMEM },
	[FAULT_READ] = { "read", EINTR },
	[FAULT_WRITE] = { "write", EINTR },
	[FAULT_WAIT] = { "epoll_wait or poll", EINTR },
};

/* ---- In the child ---- */

/* A joined thread may be seen in /proc for a moment longer.  The thread
   sanitizer has threads of its own, of which it loses count in a child. */
static int settled_threads(int most, int looks)
{
	struct timespec moment = { 0, 1000000 };
	int n = THREAD_SANITIZED ? 0 : h_threads();

	for (int i = 0; n > most && i < looks; i++, n = h_threads())
		nanosleep(&moment, NULL);
	return n;
}

/* Threads first: one that is about to end may hold the last of something. */
static struct state look(int threads, int looks)
{
	struct state s = { .threads = settled_threads(threads, looks) };

	s.blocks = h_blocks();
	s.mapped = fault_mapped();
	s.descriptors = h_descriptors();
	return s;
}

static void compare(const struct state *a, const struct state *b)
{
	CHECK_EQ(a->blocks, b->blocks);
	CHECK_EQ(a->threads, b->threads);
	CHECK_EQ(a->descriptors, b->descriptors);
	if (!(run->flags & FAULT_ANY_MAPS))
		CHECK_EQ(a->mapped, b->mapped);
}

/* How many calls are there, and what stays? */
static void run_well(void *arg)
{
	struct state first;

	(void)arg;
	fault_start(NULL);
	CHECK_CODE(run->scenario(), 0);
	fault_stop();
	for (int i = 0; i < FAULTS; i++)
		run->counts[i] = fault_count((enum fault)i);
	/* The process-wide driver has a thread that stays. */
	first = look(1, 50);
	CHECK_CODE(run->scenario(), 0);
	run->warm = look(first.threads, 2000);
	compare(&run->warm, &first);
}

static void run_badly(void *arg)
{
	struct state after;
	int r;

	(void)arg;
	fault_start(&run->plan);
	r = run->scenario();
	run->hits = fault_stop();
	if (r != 0 && r != -run->plan.error)
		h_fail(__FILE__, __LINE__, "the scenario said %d (%s)", r,
		       chp_errname(r));
	if (!run->hits)
		CHECK_CODE(r, 0);
	CHECK_CODE(run->scenario(), 0);
	after = look(run->warm.threads, 2000);
	compare(&after, &run->warm);
}

static void run_noisily(void *arg)
{
	(void)arg;
	fault_noise(run->seed);
	CHECK_CODE(run->scenario(), 0);
	fault_noise(0);
}

/* ---- In the parent ---- */

struct call {
	void (*fn)(void *arg);
	void *arg;
};

static void call(void *arg)
{
	struct call *c = arg;

	/* It hangs: the signal ends it. */
	alarm(60);
	c->fn(c->arg);
}

void fault_in_child(void (*fn)(void *arg), void *arg, const char *what)
{
	struct call c = { fn, arg };
	int status = h_in_child(call, &c);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	h_fail(__FILE__, __LINE__, "%s: %s, status %#x", what,
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs"
								  : "fails",
	       (unsigned)status);
}

/* True: the plan had something to fail. */
static bool try_plan(enum fault what, long first, long every)
{
	char text[120];

	run->plan =
		(struct fault_plan){ what, first, every, classes[what].error };
	run->hits = 0;
	snprintf(text, sizeof(text), "%s: call %ld fails, then each %ld.",
		 classes[what].name, first, every);
	fault_in_child(run_badly, NULL, text);
	return run->hits > 0;
}

static void begin(int (*scenario)(void), unsigned flags)
{
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(run != MAP_FAILED);
	run->scenario = scenario;
	run->flags = flags;
	fault_in_child(run_well, NULL, "no call fails");
}

static void end(void)
{
	munmap(run, sizeof(*run));
	run = NULL;
}

/* What may only be interrupted need not be tried call by call. */
static bool is_wait(enum fault what)
{
	return what == FAULT_READ || what == FAULT_WRITE || what == FAULT_WAIT;
}

static void try_class(enum fault what, bool heals)
{
	enum { MOST = 24 };
	long n = run->counts[what];
	long step = n / h_rounds(MOST) + 1;

	if (!is_wait(what))
		for (long i = 1; try_plan(what, i, 0); i += step)
			;
	if (!heals && !is_wait(what))
		try_plan(what, 1, 1);
	try_plan(what, 1, 2);
	try_plan(what, 2, 3);
}

void fault_each(int (*scenario)(void), unsigned flags)
{
	begin(scenario, flags);
	for (int what = 0; what < FAULTS; what++)
		if (run->counts[what])
			try_class((enum fault)what,
				  what == FAULT_MAP && flags & FAULT_HEALS);
	end();
}

void fault_noisily(int (*scenario)(void), long rounds)
{
	begin(scenario, FAULT_ANY_MAPS);
	for (long i = 0; i < h_rounds(rounds); i++) {
		char text[80];

		run->seed = h_rng(h_seed(), (uint64_t)i).s;
		snprintf(text, sizeof(text), "noise %#" PRIx64, run->seed);
		fault_in_child(run_noisily, NULL, text);
	}
	end();
}
