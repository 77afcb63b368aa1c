/*
 * main.c - stress SECONDS [--seed N] [--only TEXT] [--sim RUNS]
 *
 * Lets the agents take steps until the time is over, lets them end, then the
 * servers of the parts, then the runtimes, and then looks at what is left.
 *
 * --sim: instead, so many short runs, each in a process of its own, as one
 * program on a runtime with a seed (runtime.h): from N, then N + 1, and so on.
 * One that fails fails again in the same way.
 *
 * Every part counts as one test in the last line, "N passed, N failed".
 */
#include "stress.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
static const struct part *const all_parts[] = {
	&part_sem_fifo, &part_sem_fair, &part_sem_unfair,
	&part_mutex, &part_mutex_fifo, &part_rwlock, &part_cond,
	&part_notify, &part_barrier, &part_wait_group, &part_once,
	&part_oneshot,
	&part_mpsc_one, &part_mpsc, &part_mpsc_unbounded,
	&part_mpmc_zero, &part_mpmc, &part_mpmc_unbounded,
	&part_broadcast, &part_watch,
	&part_time, &part_cancel, &part_select, &part_relay, &part_fd,
	&part_task, &part_group, &part_runtime,
	&part_handoff, &part_chaos,
};
/* clang-format on */

const struct part *parts[MAX_PARTS];
unsigned part_count;
uint64_t seed;
chp_runtime *mt, *ct;
bool simulated;

static chp_word steps_over, all_over, seasons;

bool stopping(void)
{
	return load(&steps_over);
}

bool closing(void)
{
	return load(&all_over);
}

uint32_t season(void)
{
	return __atomic_load_n(&seasons.v, __ATOMIC_RELAXED) / 8;
}

unsigned part_index(const struct part *p)
{
	unsigned i = 0;

	while (i < part_count && parts[i] != p)
		i++;
	CHECK(i < MAX_PARTS);
	return i;
}

bool part_is_here(const struct part *p)
{
	return part_index(p) < part_count;
}

/* ---- Failing at the end ---- */

static const struct part *checked;
static bool part_failed[MAX_PARTS];

void failed_at_end(const char *file, int line, const char *what, intmax_t is,
		   intmax_t want)
{
	fprintf(stderr,
		"%s:%d: part %s, at the end, seed %" PRIu64
		": %s is %jd, not %jd\n",
		file, line, checked->name, seed, what, is, want);
	part_failed[part_index(checked)] = true;
}

static void pause_a_little(void)
{
	if (chp_task_id())
		chp_sleep_for(2 * CHP_MS);
	else
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* ---- Beginning and end ---- */

static chp_semaphore ct_end;

static void *wait_for_end(void *unused)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };

	CHECK_CODE(chp_semaphore_acquire_with(&ct_end, 1, &whatever), 0);
	return unused;
}

static void *run_ct(void *unused)
{
	CHECK_CODE(chp_runtime_block_on(ct, wait_for_end, NULL, NULL), 0);
	return unused;
}

static void shut_down(chp_runtime *rt)
{
	chp_straggler left[4];
	size_t n;
	int r = chp_runtime_shutdown(rt, chp_in(PATIENCE * CHP_SEC), left, 4,
				     &n);

	for (size_t i = 0; r && i < n && i < 4; i++)
		fprintf(stderr, "still runs: %s\n", left[i].name);
	CHECK_CODE(r, 0);
}

/* From the first step to the end of the last server. */
static void run_agents(chp_time until)
{
	for (unsigned i = 0; i < part_count; i++)
		if (parts[i]->open)
			parts[i]->open();

	for (; chp_now() < until; pause_a_little()) {
		tend_agents();
		add(&seasons, 1);
	}
	store(&steps_over, 1);
	while (!tend_agents())
		pause_a_little();
	store(&all_over, 1);
	for (unsigned i = 0; i < part_count; i++)
		if (parts[i]->stop)
			parts[i]->stop();
	for (; !servers_are_over(); pause_a_little())
		tend_agents();
}

static void run(unsigned seconds)
{
	chp_runtime_options mt_options = { .workers = 4,
					   .blocking_max = 8,
					   .blocking_idle = 5 * CHP_MS,
					   .name = "mt" };
	chp_runtime_options ct_options = { .kind = CHP_CURRENT_THREAD,
					   .blocking_max = 2,
					   .name = "ct" };
	chp_time until = chp_in(seconds * CHP_SEC);
	pthread_t ct_thread;

	CHECK_CODE(chp_runtime_new(&mt, &mt_options), 0);
	CHECK_CODE(chp_runtime_new(&ct, &ct_options), 0);
	CHECK(pthread_create(&ct_thread, NULL, run_ct, NULL) == 0);
	run_agents(until);

	CHECK_CODE(chp_semaphore_release(&ct_end, 1), 0);
	CHECK(pthread_join(ct_thread, NULL) == 0);
	shut_down(ct);
	shut_down(mt);
}

/* The driver of those who poll on threads stays; let it make its things now. */
static void start_driver(void)
{
	chp_sleep_op sleep;

	chp_sleep_until_op(&sleep, chp_in(3600 * CHP_SEC));
	CHECK_CODE(chp_op_poll(&sleep.op, NULL), CHP_PENDING);
	chp_op_cancel(&sleep.op);
}

static struct tally sum_of(const struct part *p)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < agent_count; i++) {
		const struct tally *one = tally_of(&agents[i], p);

		t.steps += one->steps;
		t.ok += one->ok;
		t.again += one->again;
		t.closed += one->closed;
		t.timed_out += one->timed_out;
		t.interrupted += one->interrupted;
		t.aborted += one->aborted;
		t.given_up += one->given_up;
	}
	return t;
}

/* Returns how many parts failed. */
static unsigned report_parts(void)
{
	unsigned failed = 0;

	printf("%-17s%9s%10s%9s%8s%9s%8s%8s%9s\n", "part", "steps", "ok",
	       "again", "closed", "timeout", "intr", "aborted", "given up");
	for (unsigned i = 0; i < part_count; i++) {
		struct tally t;

		checked = parts[i];
		t = sum_of(checked);
		if (checked->check)
			checked->check();
		AT_END(values_out(checked), 0);
		AT_END(simulated || t.ok > 0, 1);
		failed += part_failed[i];
		printf("%-17s%9ld%10ld%9ld%8ld%9ld%8ld%8ld%9ld%s\n",
		       checked->name, t.steps, t.ok, t.again, t.closed,
		       t.timed_out, t.interrupted, t.aborted, t.given_up,
		       part_failed[i] ? "  FAILED" : "");
	}
	return failed;
}

/* What is nobody's: a waker may be on its way for a moment still. */
static unsigned check_leaks(long blocks, int descriptors)
{
	const struct part leaks = { .name = "leaks" };

	for (int i = 0; i < 1000 && (wakers_out() || blocks_out() != blocks);
	     i++)
		pause_a_little();
	checked = &leaks;
	AT_END(wakers_out(), 0);
	AT_END(blocks_out(), blocks);
	AT_END(open_descriptors(), descriptors);
	return part_failed[part_index(&leaks)];
}

/* ---- Simulated ---- */

enum { SIM_TIME = 20 }; /* ms of a run's own time */

static void *supervise(void *unused)
{
	run_agents(chp_in(SIM_TIME * CHP_MS));
	return unused;
}

static unsigned run_simulated(void)
{
	chp_runtime_options options = { .seed = seed, .name = "sim" };
	int descriptors = open_descriptors();
	long blocks = blocks_out();
	unsigned failed;

	CHECK_CODE(chp_runtime_new(&ct, &options), 0);
	mt = ct;
	add_agents();
	CHECK_CODE(chp_runtime_block_on(ct, supervise, NULL, NULL), 0);
	shut_down(ct);
	failed = report_parts();
	return failed + check_leaks(blocks, descriptors);
}

/* How much shorter loops are here: as h_rounds() in tests/harness.c. */
static unsigned slowness(void)
{
	const char *divisor = getenv("CHP_TEST_SLOWNESS");
	int by = divisor ? atoi(divisor) : 1;

	return by > 0 ? (unsigned)by : 1;
}

/* Each from the seed after the last one's, in a process of its own. */
static unsigned run_many_simulated(unsigned runs)
{
	bool quiet = runs > 1; /* no table for each run */
	unsigned failed = 0;

	for (; runs; runs--, seed++) {
		pid_t child = fork();
		int status;

		CHECK(child >= 0);
		if (child == 0) {
			if (quiet)
				CHECK(freopen("/dev/null", "w", stdout));
			_exit(run_simulated() != 0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		if (status)
			fprintf(stderr, "failed: --sim 1 --seed %" PRIu64 "\n",
				seed);
		failed += status != 0;
	}
	return failed;
}

/* Runtimes of their own and descriptors are outside a simulation. */
static bool wanted(const struct part *p, const char *only)
{
	if (simulated && (p == &part_runtime || p == &part_fd))
		return false;
	return !only || strstr(p->name, only) || p == &part_cancel ||
	       p == &part_select || p == &part_chaos;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	unsigned seconds = 10, runs = 0, failed;
	int descriptors;
	long blocks;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
		else if (!strcmp(argv[i], "--sim") && i + 1 < argc)
			runs = (unsigned)atoi(argv[++i]);
		else
			seconds = (unsigned)atoi(argv[i]);
	}
	if (!seed)
		seed = (uint64_t)time(NULL) * 1000003u ^ (uint64_t)getpid();
	simulated = runs > 0;
	for (size_t i = 0; i < sizeof(all_parts) / sizeof(*all_parts); i++)
		if (wanted(all_parts[i], only))
			parts[part_count++] = all_parts[i];
	setvbuf(stdout, NULL, _IOLBF, 0);

	count_blocks();
	if (simulated) {
		runs = (runs + slowness() - 1) / slowness();
		failed = run_many_simulated(runs);
		printf("%u passed, %u failed\n", runs - failed, failed);
		return failed != 0;
	}
	start_driver();
	blocks = blocks_out();
	descriptors = open_descriptors();
	add_agents();
	printf("stress: %u parts, %u agents, %u s, --seed %" PRIu64 "\n",
	       part_count, agent_count, seconds, seed);
	run(seconds);
	failed = report_parts();
	failed += check_leaks(blocks, descriptors);
	printf("%u passed, %u failed\n", part_count + 1 - failed, failed);
	return failed != 0;
}
