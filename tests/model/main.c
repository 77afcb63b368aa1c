/*
 * main.c - run all scenarios, a process for each, some at a time.
 *
 *	chappe-model [--jobs=N] [--filter=TEXT] [--seconds=N]
 *	chappe-model --replay SCENARIO STRING
 *	chappe-model --list
 *
 * A line per scenario says how many executions were explored, and whether
 * these are all (complete), or all with so many preemptions (bounded).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* Shared with the processes. */
struct progress {
	uint64_t executions;
};

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

	world_make();
	chp_set_allocator(&hook);
	for (unsigned i = 0; i < THREADS; i++) {
		world->current = &world->threads[i];
		agent_self();
	}
	chp__free(chp__alloc(1), 1);
	chp__wheel_init(chp__process_wheel(), model_time(0), NULL);
}

/* Is what was found what the scenario is for? */
static bool judge(const struct scenario *s, bool passed)
{
	if (s->must_fail)
		return !passed && strstr(world->failure, s->must_fail);
	if (!passed)
		return false;
	if ((world->reached & s->must_reach) == s->must_reach)
		return true;
	snprintf(world->failure, sizeof(world->failure),
		 "never reached: %#x of %#x", s->must_reach & ~world->reached,
		 s->must_reach);
	return false;
}

static void print_result(const struct scenario *s, bool good, double took)
{
	char bound[40] = "complete";

	if (s->must_fail)
		snprintf(bound, sizeof(bound), "found");
	else if (s->bound && world->cut)
		snprintf(bound, sizeof(bound), "bounded(%u)", s->bound);
	printf("%-4s %-36s %10llu  %-11s %6.1f s\n", good ? "ok" : "FAIL",
	       s->name, (unsigned long long)world->executions,
	       good ? bound : "", took);
}

static int run_scenario(const struct scenario *s, const char *replay)
{
	static char text[CHOICES + 1];
	double start = now();
	bool good;

	warm_up();
	world->tracing = replay != NULL;
	good = judge(s, explore(s, replay));
	if (replay)
		trace_print();
	print_result(s, good, now() - start);
	if (!good) {
		replay_string(text, sizeof(text));
		printf("     %s\n     --replay %s %s\n",
		       world->failure[0] ? world->failure
					 : "nothing was found",
		       s->name, text);
	}
	fflush(stdout);
	return good ? 0 : 1;
}

/* ---- All of them ---- */

static unsigned passed, failed, running;

static void reap(void)
{
	int status;

	if (wait(&status) < 0)
		return;
	running--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		passed++;
		return;
	}
	if (WIFSIGNALED(status))
		printf("FAIL a scenario ended by signal %d\n",
		       WTERMSIG(status));
	failed++;
}

static void start(const struct scenario *s)
{
	fflush(stdout);
	if (fork() == 0)
		_exit(run_scenario(s, NULL));
	running++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct scenario *const *)a)->name,
		      (*(const struct scenario *const *)b)->name);
}

static int run_all(unsigned jobs, const char *filter)
{
	const struct scenario *all[1000];
	unsigned count = 0;

	for (const struct scenario *const *s = __start_scenarios;
	     s < __stop_scenarios; s++)
		if (strstr((*s)->name, filter))
			all[count++] = *s;
	qsort(all, count, sizeof(all[0]), by_name);
	for (unsigned i = 0; i < count; i++) {
		if (running >= jobs)
			reap();
		start(all[i]);
	}
	while (running)
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
	unsigned jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	const char *filter = "", *v;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc) {
			const struct scenario *s = find(argv[i + 1]);

			if (s)
				return run_scenario(
					s, i + 2 < argc ? argv[i + 2] : "");
		}
		if ((v = value(argv[i], "--jobs="))) {
			jobs = (unsigned)atoi(v);
		} else if ((v = value(argv[i], "--filter="))) {
			filter = v;
		} else {
			fprintf(stderr, "chappe-model: what is %s?\n", argv[i]);
			return 2;
		}
	}
	return run_all(jobs ? jobs : 1, filter);
}
