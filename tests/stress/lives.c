/*
 * lives.c - the supervisor: brings agents to life, again when they have ended,
 * and stops the program when one of them makes no progress.
 *
 * An agent ends after some steps, or because it was aborted; then it gets a new
 * life, as a new thread or task, until it is over: when the time for steps is,
 * or for a server when it says so.
 */
#include "stress.h"

#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, MT_TASKS = 9, CT_TASKS = 5, VISITORS = 3 };

struct life {
	pthread_t thread;
	chp_task task;
	chp_word ended;   /* thread: it can be joined */
	bool alive, over; /* the supervisor's; over: it is not to live again */
	bool done;        /* the agent's: it was its last life */
	uint64_t beats;
	chp_time since;
};

static struct life lives[MAX_AGENTS];

static void *live(void *agent)
{
	struct agent *a = agent;
	struct life *l = &lives[a - agents];
	bool done = false;

	agent_begin(a, a->kind);
	if (!a->serves) {
		agent_steps(a, 100 + (long)(a->step % 1900));
		done = stopping();
	}
	while (a->serves && !done && !a->aborted) {
		agent_step(a, a->serves);
		done = a->serves->serve(a, a->which);
	}
	l->done = done;
	agent_end(a);
	store(&l->ended, 1);
	return NULL;
}

static void start(struct agent *a)
{
	struct life *l = &lives[a - agents];
	chp_task_options options = {
		.name = a->serves ? a->serves->name : "agent",
		.runtime = a->kind == MT_TASK ? mt : ct,
		.stack_size = 128 * 1024,
		.pinned = a->number % 7 == 3,
	};

	l->ended.v = 0;
	l->alive = true;
	l->since = 0;
	if (a->kind == THREAD)
		CHECK(pthread_create(&l->thread, NULL, live, a) == 0);
	else
		CHECK_CODE(chp_spawn_with(&l->task, live, a, &options), 0);
}

static bool has_ended(const struct agent *a, const struct life *l)
{
	return a->kind == THREAD ? load(&l->ended)
				 : chp_task_is_finished(&l->task) == 1;
}

static void bury(struct agent *a, struct life *l)
{
	if (a->kind == THREAD)
		CHECK(pthread_join(l->thread, NULL) == 0);
	else
		CHECK_CODE(chp_join(&l->task, NULL), 0);
	l->alive = false;
	l->over = l->done;
	/* Aborted before it ran: then it said nothing. */
	l->done = false;
}

/* ---- The watchdog ---- */

static void report(void)
{
	fprintf(stderr, "agents:\n");
	for (unsigned i = 0; i < agent_count; i++)
		agent_print(&agents[i]);
	for (unsigned i = 0; i < part_count; i++) {
		if (!parts[i]->report)
			continue;
		fprintf(stderr, "%s:\n", parts[i]->name);
		parts[i]->report();
	}
}

static void watch(const struct agent *a, struct life *l)
{
	uint64_t beats = __atomic_load_n(&a->beats.v, __ATOMIC_RELAXED);
	chp_time now = chp_now();

	if (beats != l->beats || !l->since) {
		l->beats = beats;
		l->since = now;
	} else if (now - l->since > PATIENCE * CHP_SEC) {
		fprintf(stderr, "no progress for %d s, seed %" PRIu64 ", by:\n",
			PATIENCE, seed);
		agent_print(a);
		report();
		if (getenv("CHP_STRESS_STAY"))
			pause();
		abort();
	}
}

bool tend_agents(void)
{
	bool over = true;

	for (unsigned i = 0; i < agent_count; i++) {
		struct agent *a = &agents[i];
		struct life *l = &lives[i];

		if (a->visitor || l->over)
			continue;
		if (l->alive && has_ended(a, l))
			bury(a, l);
		else if (l->alive)
			watch(a, l);
		if (!l->alive && !l->over) {
			if (!a->serves && stopping())
				l->over = true;
			else
				start(a);
		}
		over = over && (l->over || a->serves);
	}
	return over;
}

bool servers_are_over(void)
{
	for (unsigned i = 0; i < agent_count; i++)
		if (agents[i].serves && !lives[i].over)
			return false;
	return true;
}

/* ---- Who lives ---- */

static struct agent *add_agent(enum kind kind)
{
	struct agent *a = &agents[agent_count];

	CHECK(agent_count < MAX_AGENTS);
	a->number = agent_count++;
	a->kind = simulated ? CT_TASK : kind;
	return a;
}

void add_agents(void)
{
	for (int i = 0; i < THREADS; i++)
		add_agent(THREAD);
	for (int i = 0; i < MT_TASKS; i++)
		add_agent(MT_TASK);
	for (int i = 0; i < CT_TASKS; i++)
		add_agent(CT_TASK);
	for (int i = 0; i < VISITORS; i++)
		add_agent(MT_TASK)->visitor = true;
	for (unsigned i = 0; i < part_count; i++)
		for (unsigned k = 0; k < parts[i]->servers; k++) {
			struct agent *a = add_agent(
				(enum kind)((agent_count + seed) % 3));

			a->serves = parts[i];
			a->which = k;
		}
}
