/*
 * explore.c - which thread runs next, and the tree of all such choices.
 *
 * Stateless: an execution runs the scenario from its start.  It follows the
 * choices of `path` as far as that goes and makes first choices from there on;
 * then the deepest choice that has an alternative left is changed, what comes
 * after it is cut off, and the next execution runs.
 *
 * A thread stops before each step (an access to an atomic word, a futex call,
 * a spin) with the step announced in thread->next.  Taking the step runs it,
 * and the thread's own code up to its next one.
 *
 * Without a bound each node has the set of threads that are worth running
 * there (`backtrack`), which races.c lets grow, and a sleep set: threads whose
 * next step has been explored from an equivalent state.  That is DPOR with
 * source sets (Abdulla, Aronis, Jonsson, Sagonas 2014).  With a bound on
 * preemptions all threads that it allows are run: a reduction would be
 * unsound together with it.
 */
#include "world.h"

#include <string.h>

/* ---- Whom to run ---- */

static bool step_possible(const struct thread *t, bool late)
{
	if (t->state != THREAD_READY)
		return false;
	if (t->next.kind == OP_SLEEP)
		return t->woken || (t->deadline && late);
	return t->next.kind != OP_SPIN || memory_spin_over(t);
}

/* late: deadlines pass. */
static unsigned possible_if(bool late)
{
	unsigned set = 0;

	for (unsigned i = 1; i < THREADS; i++)
		if (step_possible(&world->threads[i], late))
			set |= 1u << i;
	return set;
}

static unsigned possible(void)
{
	unsigned most = world->scenario->timeouts;
	unsigned set = possible_if(!most || world->timeouts < most);

	return set ? set : possible_if(true);
}

/* The current thread if it is in the set, else the lowest. */
static unsigned prefer(unsigned set)
{
	unsigned self = thread_id(world->current);

	return set >> self & 1 ? self : (unsigned)__builtin_ctz(set);
}

/* May another thread than the current one be run? */
static unsigned within_bound(unsigned enabled)
{
	unsigned self = 1u << thread_id(world->current);

	if (!world->scenario->bound || !(enabled & self) ||
	    world->preemptions < world->scenario->bound)
		return enabled;
	if (enabled != self)
		world->cut = true;
	return self;
}

static struct node *next_node(bool is_data)
{
	struct node *n = &world->path[world->depth];

	if (world->depth >= CHOICES - 1)
		fail("execution too long: does it ever end?");
	if (world->depth++ < world->path_length)
		return n;
	world->path_length = world->depth;
	memset(n, 0, sizeof(*n));
	n->is_data = is_data;
	return n;
}

/* The thread that takes the next step; NULL: the execution is over. */
static struct thread *pick(void)
{
	unsigned enabled = possible(), awake;
	bool fresh = world->depth >= world->path_length;
	struct node *n;
	struct event *e;

	if (!enabled)
		return NULL;
	n = next_node(false);
	if (fresh) {
		n->enabled = (uint8_t)enabled;
		n->allowed = (uint8_t)within_bound(enabled);
		n->sleep = world->scenario->bound ? 0 : world->sleeping;
		awake = n->allowed & ~n->sleep;
		if (!awake) {
			world->pruned = true;
			execution_abandon();
		}
		n->chosen = (uint8_t)replay_next(prefer(awake));
		n->backtrack =
			(uint8_t)(world->scenario->bound ? n->allowed
							 : 1u << n->chosen);
	}
	if (!(enabled >> n->chosen & 1))
		fail("replay: thread %u cannot run here", n->chosen);
	if (n->chosen != thread_id(world->current) &&
	    enabled >> thread_id(world->current) & 1)
		world->preemptions++;

	e = &world->events[world->event_count];
	e->node = (uint16_t)(world->depth - 1);
	e->thread = n->chosen;
	e->enabled = (uint8_t)enabled;
	return &world->threads[n->chosen];
}

void schedule(void)
{
	struct thread *t = pick();

	if (t)
		thread_resume(t);
	else
		thread_to_host();
}

void step_begin(enum op_kind kind, const struct touch *on, unsigned count)
{
	struct thread *self = world->current;

	if (!world->exploring)
		return;
	self->next.kind = kind;
	self->next.count = count;
	memcpy(self->next.on, on, count * sizeof(*on));
	if (self->state == THREAD_NONE) {
		/* Its first: it is just being started. */
		self->state = THREAD_READY;
		thread_to_host();
	} else {
		schedule();
	}
}

/* Threads whose next step, explored before, this step did not change. */
static unsigned still_asleep(const struct node *n, const struct step *s,
			     unsigned chosen)
{
	unsigned asleep = (n->sleep | n->done) & ~(1u << chosen), set = 0;

	for (unsigned i = 1; i < THREADS; i++)
		if (asleep >> i & 1 &&
		    !steps_conflict(&world->threads[i].next, s))
			set |= 1u << i;
	return set;
}

void step_end(const struct touch *on, unsigned count)
{
	struct event *e = &world->events[world->event_count];
	struct thread *self = world->current;

	if (!world->running)
		return;
	self->stamp.at[thread_id(self)]++;
	if (!world->exploring)
		return;
	e->step.kind = self->next.kind;
	e->step.count = count;
	memcpy(e->step.on, on, count * sizeof(*on));
	world->sleeping = (uint8_t)still_asleep(&world->path[e->node], &e->step,
						e->thread);
	world->event_count++;
	if (!world->scenario->bound && world->depth > world->fresh)
		races_note();
	if (world->event_count == STEPS)
		fail("execution too long: does it ever end?");
}

unsigned choose(unsigned count)
{
	struct node *n;
	bool fresh = world->depth >= world->path_length;

	if (count < 2 || !world->exploring)
		return 0;
	n = next_node(true);
	if (fresh) {
		n->count = (uint8_t)count;
		n->chosen = (uint8_t)replay_next(0);
	}
	if (n->chosen >= count)
		fail("replay: no such choice here");
	return n->chosen;
}

unsigned choose_bounded(unsigned count)
{
	const struct scenario *s = world->scenario;
	unsigned chosen;

	if (s->bound && count > 1 && world->oddities >= s->bound) {
		world->cut = true;
		return 0;
	}
	chosen = choose(count);
	world->oddities += chosen != 0;
	return chosen;
}

/* ---- All executions ---- */

/* Go on to the next path; false: that was all. */
static bool advance(void)
{
	world->path_length = world->depth;
	while (world->path_length) {
		struct node *n = &world->path[world->path_length - 1];
		unsigned left;

		world->fresh = world->path_length - 1;
		if (n->is_data) {
			if (++n->chosen < n->count)
				return true;
		} else {
			n->done |= (uint8_t)(1u << n->chosen);
			left = n->backtrack & ~n->done & ~n->sleep;
			if (left) {
				n->chosen = (uint8_t)__builtin_ctz(left);
				return true;
			}
		}
		world->path_length--;
	}
	return false;
}

bool explore(const struct scenario *s, const char *replay, uint64_t limit)
{
	bool more = true;

	world->scenario = s;
	world->replay = replay;
	execution_keep();
	while (more && !world->failure[0]) {
		execution_run();
		*world->executions += !world->pruned;
		more = !replay && !world->failure[0] &&
		       *world->executions < limit && advance();
	}
	return !world->failure[0];
}
