/*
 * main.c - run all scenarios, a process for each, some at a time.
 *
 *	chappe-model [--jobs=N] [--filter=TEXT,TEXT...] [--bound=N] [--limit=N]
 *	             [--first]
 *	chappe-model --replay SCENARIO STRING
 *
 * --bound: another bound than each scenario's own.  --limit: no more than N
 * executions each (then it is neither complete nor bounded, but "cut short").
 * --first: stop at the first failure.
 *
 * A line per scenario says how many executions were explored, and whether
 * these are all (complete), or all with so many preemptions (bounded).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "wait/agent.h"
#include "wait/process_driver.h"
#include "wait/wheel.h"
#include "world.h"

extern const struct scenario *const __start_scenarios[];
extern const struct scenario *const __stop_scenarios[];

/* Of the scenario that a process runs; shared with the parent. */
struct progress {
	const struct scenario *scenario; /* NULL: free */
	pid_t pid;
	uint64_t executions;
};

enum { MAX_JOBS = 64, MAX_SCENARIOS = 1000 };

static struct progress *jobs;
static unsigned job_count, passed, failed, to_do;
static int bound = -1; /* another one than the scenario's */
static uint64_t limit = UINT64_MAX;
static bool first_only;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- In a scenario's process ---- */

static void *hook_alloc(size_t size, void *user)
{
	(void)user;
	return shadow_alloc(size);
}

static void hook_free(void *memory, size_t size, void *user)
{
	(void)user;
	shadow_free(memory, size,
		    (uint32_t)(uintptr_t)__builtin_return_address(0));
}

/* What every execution finds done: agents of all threads, the allocator. */
static void warm_up(void)
{
	chp_allocator hook = { hook_alloc, hook_free, NULL };
	struct wheel *wheel;

	world_make();
	chp_set_allocator(&hook);
	for (unsigned i = 0; i < THREADS; i++) {
		world->current = &world->threads[i];
		agent_self();
	}
	chp__free(chp__alloc(1), 1);
	chp__process_wheel(&wheel);
	chp__wheel_init(wheel, model_time(0), NULL);
}

/* Is what was found what the scenario is for? */
static bool judge(const struct scenario *s, bool held)
{
	if (s->must_fail && *world->executions < limit)
		return !held && strstr(world->failure, s->must_fail);
	if (!held)
		return false;
	if ((world->reached & s->must_reach) == s->must_reach ||
	    *world->executions >= limit)
		return true;
	snprintf(world->failure, sizeof(world->failure),
		 "never reached: %#x of %#x", s->must_reach & ~world->reached,
		 s->must_reach);
	return false;
}

static void print_result(const struct scenario *s, bool good, double took)
{
	char extent[40] = "complete";

	if (s->must_fail)
		snprintf(extent, sizeof(extent), "found");
	else if (*world->executions >= limit)
		snprintf(extent, sizeof(extent), "cut short");
	else if (s->bound && world->cut)
		snprintf(extent, sizeof(extent), "bounded(%u)", s->bound);
	printf("%-4s %-36s %10llu  %-11s %6.1f s\n", good ? "ok" : "FAIL",
	       s->name, (unsigned long long)*world->executions,
	       good ? extent : "", took);
}

static int run_scenario(const struct scenario *original, const char *replay,
			uint64_t *executions)
{
	static char text[CHOICES + 1];
	struct scenario copy = *original, *s = &copy;
	double start = now();
	bool good;

	if (bound >= 0)
		copy.bound = (unsigned)bound;
	warm_up();
	world->executions = executions;
	world->tracing = replay != NULL;
	good = judge(s, explore(s, replay, limit));
	if (replay)
		trace_print();
	print_result(s, good, now() - start);
	if (!good) {
		replay_string(text, sizeof(text));
		printf("     %s\n     --replay %s %s\n",
		       world->failure[0] ? world->failure : "nothing was found",
		       s->name, text);
	}
	fflush(stdout);
	return good ? 0 : 1;
}

/* ---- All of them ---- */

static void show_progress(void)
{
	printf("\r\033[K%u done, %u to do", passed + failed, to_do);
	for (unsigned i = 0; i < job_count; i++)
		if (jobs[i].scenario)
			printf("; %s %llu", jobs[i].scenario->name,
			       (unsigned long long)jobs[i].executions);
	fflush(stdout);
}

/* Wait for a process to end; show meanwhile how far all are. */
static int wait_for_one(int *status)
{
	int pid;

	if (!isatty(STDOUT_FILENO))
		return wait(status);
	while ((pid = waitpid(-1, status, WNOHANG)) == 0) {
		show_progress();
		usleep(200000);
	}
	printf("\r\033[K");
	fflush(stdout);
	return pid;
}

static void reap(void)
{
	struct progress *job = jobs;
	int status, pid = wait_for_one(&status);

	while (job < jobs + job_count - 1 && job->pid != pid)
		job++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		passed++;
	} else {
		failed++;
		to_do = first_only ? 0 : to_do;
		if (WIFSIGNALED(status))
			printf("FAIL %s: signal %d\n", job->scenario->name,
			       WTERMSIG(status));
	}
	job->scenario = NULL;
}

/* In the first free job, if there is one. */
static bool start(const struct scenario *s)
{
	pid_t pid;

	for (struct progress *job = jobs; job < jobs + job_count; job++) {
		if (job->scenario)
			continue;
		job->scenario = s;
		job->executions = 0;
		pid = fork(); /* not into what both share */
		if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
			_exit(run_scenario(s, NULL, &job->executions));
		job->pid = pid;
		return true;
	}
	return false;
}

static bool any_running(void)
{
	for (unsigned i = 0; i < job_count; i++)
		if (jobs[i].scenario)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct scenario *const *)a)->name,
		      (*(const struct scenario *const *)b)->name);
}

/* Does the name contain one of the texts, which have commas between them? */
static bool wanted(const char *name, const char *filter)
{
	char text[64];

	do {
		size_t n = strcspn(filter, ",");

		snprintf(text, sizeof(text), "%.*s", (int)n, filter);
		if (strstr(name, text))
			return true;
		filter += n;
	} while (*filter++);
	return false;
}

static int run_all(const char *filter)
{
	const struct scenario *all[MAX_SCENARIOS];
	unsigned count = 0;

	for (const struct scenario *const *s = __start_scenarios;
	     s < __stop_scenarios && count < MAX_SCENARIOS; s++)
		if (wanted((*s)->name, filter))
			all[count++] = *s;
	qsort(all, count, sizeof(all[0]), by_name);
	to_do = count;
	while (to_do) {
		if (start(all[count - to_do]))
			to_do--;
		else
			reap();
	}
	if (first_only && failed)
		return 1; /* the others die with us */
	while (any_running())
		reap();
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}

static const struct scenario *find(const char *name)
{
	for (const struct scenario *const *s = __start_scenarios;
	     s < __stop_scenarios; s++)
		if (strcmp((*s)->name, name) == 0)
			return *s;
	return NULL;
}

static const char *value(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return strncmp(arg, name, n) == 0 ? arg + n : NULL;
}

int main(int argc, char **argv)
{
	const char *filter = "", *v;
	uint64_t executions = 0;

	job_count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc &&
		    find(argv[i + 1])) {
			return run_scenario(find(argv[i + 1]),
					    i + 2 < argc ? argv[i + 2] : "",
					    &executions);
		} else if ((v = value(argv[i], "--jobs="))) {
			job_count = (unsigned)atoi(v);
		} else if ((v = value(argv[i], "--filter="))) {
			filter = v;
		} else if ((v = value(argv[i], "--bound="))) {
			bound = atoi(v);
		} else if ((v = value(argv[i], "--limit="))) {
			limit = strtoull(v, NULL, 10);
		} else if (strcmp(argv[i], "--first") == 0) {
			first_only = true;
		} else {
			fprintf(stderr, "chappe-model: what is %s?\n", argv[i]);
			return 2;
		}
	}
	if (job_count < 1 || job_count > MAX_JOBS)
		job_count = 1;
	jobs = mmap(NULL, job_count * sizeof(*jobs), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return jobs == MAP_FAILED ? 2 : run_all(filter);
}
