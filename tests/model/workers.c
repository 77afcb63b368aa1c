/*
 * workers.c - see workers.h.
 */
#include "workers.h"

#include <string.h>

#include "os/clock.h"
#include "os/spin.h"

struct chp_runtime runtime;
struct worker workers[WORKERS];
struct stackful tasks[TASKS];
static uint64_t seen[WORKERS][WORKERS];
static unsigned made;
static chp_word left; /* tasks that have not ended */

/* As runtime.c does it; and each has stacks for all tasks. */
static void worker_make(struct worker *w, unsigned index)
{
	w->agent.cls = &chp__worker_class;
	w->rt = &runtime;
	w->alone = runtime.worker_count == 1;
	w->index = index;
	w->interval = w->ticks = 16;
	w->random = 1;
	w->seen = seen[index];
	/* Descriptors have just been asked for. */
	w->last_driver = w->last_turn = chp__clock_now();
	chp__wheel_init(&w->wheel, chp__clock_now(), NULL);
	for (unsigned i = 0; i < made; i++) {
		struct stack *s = model_stack(index * TASKS + i);

		s--;
		s->next = w->stacks;
		w->stacks = s;
		w->stack_count++;
	}
}

static void task_make(struct stackful *t, void *(*fn)(void *index))
{
	struct outcome *o = &t->task.outcome;
	uint64_t id = 100 + (uint64_t)(t - tasks);

	o->agent.cls = &chp__task_class;
	o->fn = fn;
	o->arg = (void *)(t - tasks);
	o->end.v = end_word(id, RUNNING);
	o->runtime.v = &runtime;
	chp__agent_start(&o->agent, id, "", 128);
}

void workers_make(unsigned count, unsigned task_count, void *(*fn)(void *index))
{
	made = task_count;
	left.v = task_count;
	runtime.workers = workers;
	runtime.worker_count = count;
	for (unsigned i = 0; i < count; i++)
		worker_make(&workers[i], i);
	for (unsigned i = 0; i < task_count; i++)
		task_make(&tasks[i], fn);
}

void task_queued(unsigned i, unsigned worker)
{
	schedule_on(&workers[worker], &tasks[i].task, NULL);
}

void task_spawn(unsigned i)
{
	MODEL_CHECK(chp__schedule_new(&runtime, &tasks[i].task) == 0);
}

void task_wake(unsigned i)
{
	struct agent *a = &tasks[i].task.outcome.agent;

	a->cls->unpark(a);
}

void task_ended(void)
{
	if (add_acq_rel(&left, UINT32_MAX) == 1)
		workers_stop();
}

void workers_stop(void)
{
	struct worker *w;

	spin_lock(&runtime.lock, RANK_RUNTIME);
	runtime.stopping = true;
	spin_unlock(&runtime.lock, RANK_RUNTIME);
	do {
		spin_lock(&runtime.lock, RANK_RUNTIME);
		w = chp__idle_claim(&runtime, NULL);
		spin_unlock(&runtime.lock, RANK_RUNTIME);
		if (w)
			chp__idle_notify(w);
	} while (w);
}

void worker_0(void)
{
	chp__worker_run(&workers[0], NULL, NULL);
}

void worker_1(void)
{
	chp__worker_run(&workers[1], NULL, NULL);
}

static chp_word ended;

static void leave(void)
{
	unsigned count = runtime.worker_count;

	if (add_acq_rel(&ended, 1) + 1 < count)
		return;
	MODEL_CHECK(load_relaxed(&left) == 0);
	memset(workers, 0xff, sizeof(workers));
	memset(&runtime, 0xff, sizeof(runtime));
}

void worker_0_free(void)
{
	worker_0();
	leave();
}

void worker_1_free(void)
{
	worker_1();
	leave();
}

void workers_end(void)
{
	MODEL_CHECK(load_relaxed(&left) == 0);
	MODEL_CHECK(!runtime.inbox_first &&
		    !load_relaxed(&runtime.inbox_count));
	MODEL_CHECK(!runtime.idle_first && !load_relaxed(&runtime.idle_count));
	MODEL_CHECK(!runtime.poller && !runtime.watchers);
	MODEL_CHECK(!load_relaxed(&runtime.unwatched));
	MODEL_CHECK(poller_tokens() == 0);
	for (unsigned i = 0; i < runtime.worker_count; i++) {
		struct worker *w = &workers[i];

		MODEL_CHECK(!w->mail_first && !w->pinned_first);
		MODEL_CHECK(runq_length(&w->queue) == 0);
		MODEL_CHECK(load_relaxed(&w->event.state) == OS_EVENT_EMPTY);
		MODEL_CHECK(!chp__wheel_is_armed(&w->wheel));
	}
	for (unsigned i = 0; i < made; i++)
		MODEL_CHECK((load64_relaxed(&tasks[i].task.outcome.end) &
			     0xff) == DONE &&
			    !tasks[i].stack);
}

/* ---- Slots ---- */

/* As slot.c; and the next task moves in, which writes what it likes. */
void chp__slot_free(struct outcome *o)
{
	chp_waker nobody = { NULL, NULL };

	storep_relaxed(&o->runtime, NULL);
	store64_relaxed(&o->end, 0);
	agent_leave(&o->agent);
	o->fate = CHP_NEVER_RUN;
	o->joiner = nobody;
	o->fn = NULL;
	o->arg = o->value = NULL;
	o->arg_drop = o->result_drop = NULL;
}
