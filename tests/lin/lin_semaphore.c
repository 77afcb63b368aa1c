/*
 * lin_semaphore.c - semaphores: what threads saw.
 */
#include "lin_tests.h"

#include "model_semaphore.h"

enum { ACQUIRE, TRY, RELEASE, DRAIN, AVAILABLE, CLOSE };

static const char *const sem_names[] = { "acquire", "try",       "release",
					 "drain",   "available", "close" };

static enum lin_answer step_sem(void *model, const struct lin_call *c)
{
	struct model_semaphore *m = model;

	switch (c->what) {
	case ACQUIRE:
		return lin_compare(model_semaphore_poll(m, c->thread, c->arg),
				   c);
	case TRY:
		return lin_compare(model_semaphore_try(m, c->arg), c);
	case RELEASE:
		return lin_compare(model_semaphore_release(m, c->arg), c);
	case DRAIN:
		return lin_compare(model_semaphore_drain(m), c);
	case AVAILABLE:
		return lin_compare(model_semaphore_available(m), c);
	default:
		model_semaphore_close(m);
		return LIN_SAME;
	}
}

static void cancel_sem(void *model, const struct lin_call *c)
{
	model_semaphore_cancel(model, c->thread);
}

static const struct lin_spec sem_spec = { "semaphore",
					  sizeof(struct model_semaphore),
					  step_sem, cancel_sem, sem_names };

static chp_semaphore sem;
static chp_policy sem_policy;

static void begin_sem(struct lin_rounds *r, void *model)
{
	int64_t permits = h_below(&r->thread[0].rng, 3);

	CHECK_CODE(chp_semaphore_init(&sem, permits, sem_policy), 0);
	model_semaphore_init(model, permits, sem_policy);
}

static void act_sem(struct lin_thread *t, int i)
{
	int64_t n = h_below(&t->rng, 3);
	struct lin_call *c;
	chp_wait w;

	(void)i;
	switch (h_below(&t->rng, 12)) {
	default:
		w = lin_limit(t);
		c = lin_begin(t, ACQUIRE, n);
		lin_end(c, chp_semaphore_acquire_with(&sem, n, &w));
		break;
	case 4:
	case 5:
		c = lin_begin(t, TRY, n);
		lin_end(c, chp_semaphore_try_acquire(&sem, n));
		break;
	case 6:
	case 7:
	case 8:
		c = lin_begin(t, RELEASE, n);
		lin_end(c, chp_semaphore_release(&sem, n));
		break;
	case 9:
		c = lin_begin(t, DRAIN, 0);
		lin_end(c, chp_semaphore_drain(&sem));
		break;
	case 10:
		c = lin_begin(t, AVAILABLE, 0);
		lin_end(c, chp_semaphore_available(&sem));
		break;
	case 11:
		if (h_below(&t->rng, 4))
			return;
		c = lin_begin(t, CLOSE, 0);
		chp_semaphore_close(&sem);
		lin_end(c, 0);
	}
}

static void end_sem(struct lin_rounds *r)
{
	(void)r;
	chp_semaphore_destroy(&sem);
}

void semaphores_are_linearizable(chp_policy policy)
{
	static struct lin_rounds r;

	sem_policy = policy;
	r = (struct lin_rounds){ .spec = &sem_spec,
				 .threads = 3,
				 .calls = 5,
				 .must_explain = true,
				 .begin = begin_sem,
				 .act = act_sem,
				 .end = end_sem };
	CHECK_EQ(lin_run(&r, h_rounds(500)), 0);
}

static bool sem_explained(const struct lin_call *calls, int count)
{
	struct lin_history h = { .count = count };
	struct model_semaphore m;

	memcpy(h.calls, calls, sizeof(*calls) * (size_t)count);
	model_semaphore_init(&m, 0, CHP_FIFO);
	return lin_explained(&sem_spec, &m, &h);
}

/* A drain finds nothing because the permit was on its way to a call that was
   giving up; then it is there. */
void who_gives_up_may_have_been_granted(void)
{
	const struct lin_call calls[] = {
		{ 0, 9, 0, ACQUIRE, 1, CHP_ETIMEDOUT, 0 },
		{ 2, 3, 1, RELEASE, 1, 0, 0 },
		{ 4, 5, 1, DRAIN, 0, 0, 0 },
		{ 10, 11, 1, TRY, 1, 0, 0 },
	};

	CHECK(sem_explained(calls, 4));
	CHECK(!sem_explained(calls + 1, 3));
}

/* A semaphore that looks first and takes afterwards. */
static int64_t planted_count;

static int planted_try(int64_t n)
{
	int64_t count = __atomic_load_n(&planted_count, __ATOMIC_RELAXED);

	if (count < n)
		return CHP_EAGAIN;
	h_yield();
	__atomic_store_n(&planted_count, count - n, __ATOMIC_RELAXED);
	return 0;
}

static void begin_planted(struct lin_rounds *r, void *model)
{
	(void)r;
	planted_count = 2;
	model_semaphore_init(model, 2, CHP_FIFO);
}

static void act_planted(struct lin_thread *t, int i)
{
	struct lin_call *c = lin_begin(t, TRY, 1);

	(void)i;
	lin_end(c, planted_try(1));
}

static void end_planted(struct lin_rounds *r)
{
	(void)r;
}

void a_semaphore_that_takes_twice_is_refused(void)
{
	static struct lin_rounds r;
	long refused = 0;

	r = (struct lin_rounds){ .spec = &sem_spec,
				 .threads = 3,
				 .calls = 3,
				 .must_explain = false,
				 .begin = begin_planted,
				 .act = act_planted,
				 .end = end_planted };
	for (int i = 0; i < 1000 && !refused; i++)
		refused = lin_run(&r, 100);
	CHECK(refused > 0);
}
