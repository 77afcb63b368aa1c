/*
 * thread_agent.c - OS threads as agents.
 *
 * A thread gets its slot at its first wait, and gives it back when it ends
 * (a pthread key's destructor).  Slots come from chunks of pages that stay
 * with the process: see agent.h for why.
 *
 * `pool` guards the free list and nothing else; it is taken twice in the life
 * of a thread.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/panic.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/pages.h"
#include "os/patience.h"
#include "os/spin.h"
#include "wait/agent.h"
#include "wait/process_driver.h"

struct thread_agent {
	struct agent agent; /* first */
	struct os_event event;
	struct patience patience;
	struct thread_agent *next_free; /* guarded by pool */
} CACHE_ALIGNED;

enum { CHUNK = 65536, PER_CHUNK = CHUNK / sizeof(struct thread_agent) };

static chp_word pool;
static struct thread_agent *free_list;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool is_unparked(const void *arg)
{
	const struct thread_agent *t = arg;

	return chp__event_is_set(&t->event);
}

static void park(struct agent *a, chp_time deadline)
{
	struct thread_agent *t = (struct thread_agent *)a;

	if (!is_unparked(t))
		chp__patience(&t->patience, is_unparked, t, deadline);
	chp__event_wait(&t->event, deadline);
}

static void unpark(struct agent *a)
{
	chp__event_set(&((struct thread_agent *)a)->event);
}

static void yield(struct agent *a)
{
	(void)a;
	sched_yield();
}

/* The budget of a thread is only refilled: the kernel preempts threads. */
static chp_time now(struct agent *a)
{
	(void)a;
	return chp__clock_now();
}

static chp_time coarse(struct agent *a)
{
	(void)a;
	return chp__clock_coarse();
}

static int wheel(struct agent *a, struct wheel **out)
{
	(void)a;
	return chp__process_wheel(out);
}

static int driver(struct agent *a, struct driver **out)
{
	(void)a;
	return chp__process_driver(out);
}

static const struct agent_class thread_class = {
	.kind = CHP_THREAD,
	.park = park,
	.unpark = unpark,
	.yield = yield,
	.now = now,
	.coarse = coarse,
	.wheel = wheel,
	.driver = driver,
};

/* The first chunk is there from the beginning: so as long as few threads wait
   at a time, a wait needs no memory of the system. */
static struct thread_agent *get_chunk(void)
{
	static struct thread_agent first[PER_CHUNK];
	static bool first_used; /* guarded by pool */

	if (first_used)
		return chp__pages_map(CHUNK, 0);
	first_used = true;
	return first;
}

static void add_chunk(void)
{
	struct thread_agent *t = get_chunk();

	if (!t)
		chp__panic("no memory for the state of a thread that waits");
	for (size_t i = 0; i < PER_CHUNK; i++) {
		t[i].agent.cls = &thread_class;
		t[i].next_free = free_list;
		free_list = &t[i];
	}
}

static void on_thread_exit(void *data)
{
	struct thread_agent *t = data;

	/* Locals may look at the agent: let them find it. */
	chp__tls_here()->agent = t;
	chp__locals_destroy(&t->agent);
	chp__tls_here()->agent = NULL;
	agent_leave(&t->agent);

	spin_lock(&pool, RANK_STACK);
	t->next_free = free_list;
	free_list = t;
	spin_unlock(&pool, RANK_STACK);
}

static void make_key(void)
{
	if (pthread_key_create(&key, on_thread_exit) != 0)
		chp__panic("no thread-specific key left for the library");
}

COLD struct agent *chp__thread_agent_make(void)
{
	struct thread_agent *t;

	pthread_once(&once, make_key);
	spin_lock(&pool, RANK_STACK);
	if (!free_list)
		add_chunk();
	t = free_list;
	free_list = t->next_free;
	spin_unlock(&pool, RANK_STACK);

	chp__event_take(&t->event);
	memset(&t->patience, 0, sizeof(t->patience));
	chp__agent_start(&t->agent, chp__agent_ids(1), NULL, 1u << 20);
	chp__tls_here()->agent = t;
	pthread_setspecific(key, t);
	return &t->agent;
}

void chp_thread_set_name(const char *name)
{
	struct agent *a = agent_self();

	chp__agent_set_name(a, name);
}
