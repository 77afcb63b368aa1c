/*
 * agents.c - those who take steps: their random numbers, what they say of
 * themselves, and how one fails.
 */
#include "stress.h"

#include <stdarg.h>

enum { SEASON_PARTS = 2 };

struct agent agents[MAX_AGENTS];
unsigned agent_count;

static void forget(void *agent)
{
	(void)agent;
}

static const chp_local_key self_key = { forget };

struct agent *agent_self(void)
{
	return chp_local_get(&self_key);
}

void agent_adopt(struct agent *a)
{
	CHECK_CODE(chp_local_set(&self_key, a), 0);
}

/* ---- Random numbers: splitmix64, from seed, agent and step ---- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/*
 * All parts have a season in which most steps are theirs, so that agents meet;
 * some have it together.
 */
static const struct part *draw_part(struct agent *a)
{
	uint64_t random = mix(seed + season());

	if (chance(a, 30))
		return parts[below(a, part_count)];
	random >>= 16 * below(a, SEASON_PARTS);
	return parts[random % 65536 * part_count >> 16];
}

void agent_step(struct agent *a, const struct part *p)
{
	a->step++;
	a->random = mix(seed + mix(a->number * UINT64_C(0xd1342543de82ef95) +
				   mix(a->step)));
	a->part = p ? p : draw_part(a);
}

uint32_t below(struct agent *a, uint32_t n)
{
	a->random += UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)((mix(a->random) >> 32) * n >> 32);
}

bool chance(struct agent *a, uint32_t percent)
{
	return below(a, 100) < percent;
}

void dither(struct agent *a)
{
	switch (below(a, 8)) {
	case 0:
		chp_yield();
		break;
	case 1:
	case 2:
		for (volatile uint32_t n = below(a, 300); n; n--)
			;
		break;
	default:
		break;
	}
}

void linger(struct agent *a)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };

	if (chance(a, 30))
		chp_yield();
	else if (chance(a, 20))
		CHECK_CODE(chp_sleep_until_with(chp_in(below(a, 500) * CHP_US),
						&whatever),
			   0);
	else
		dither(a);
}

/* ---- What it says of itself ---- */

void at(struct agent *a, const char *doing)
{
	__atomic_store_n(&a->doing.v, (void *)(uintptr_t)doing,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&a->beats.v, a->beats.v + 1, __ATOMIC_RELAXED);
}

struct tally *tally_of(struct agent *a, const struct part *p)
{
	return &a->tally[part_index(p)];
}

static void count_for(struct agent *a, const struct part *p, int r)
{
	struct tally *t = tally_of(a, p);

	switch (r) {
	case CHP_EAGAIN:
	case CHP_ELAGGED:
		t->again++;
		break;
	case CHP_ECLOSED:
		t->closed++;
		break;
	case CHP_ETIMEDOUT:
		t->timed_out++;
		break;
	case CHP_EINTR:
		t->interrupted++;
		break;
	case CHP_EABORTED:
		t->aborted++;
		break;
	case CHP_ECANCELED:
		t->given_up++;
		break;
	default:
		if (r < 0)
			fail(__FILE__, __LINE__, "unexpected result %d (%s)", r,
			     chp_errname(r));
		t->ok++;
	}
}

int count(struct agent *a, int r)
{
	count_for(a, a->part, r);
	return r;
}

static const char *kind_name(enum kind k)
{
	static const char *const names[] = { "thread", "mt task", "ct task" };

	return names[k];
}

static void describe(const struct agent *a, char *text, size_t size)
{
	snprintf(text, size, "agent %u (%s, step %" PRIu64 ", %s)", a->number,
		 kind_name(a->kind), a->step,
		 (const char *)__atomic_load_n(&a->doing.v, __ATOMIC_RELAXED));
}

void agent_print(const struct agent *a)
{
	char text[120];

	describe(a, text, sizeof(text));
	fprintf(stderr, "  %-10s %s%s\n", a->part ? a->part->name : "-", text,
		load(&a->running) ? "" : ", not running");
}

void fail(const char *file, int line, const char *format, ...)
{
	struct agent *a = agent_self();
	char who[120] = "no agent", what[300];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (a)
		describe(a, who, sizeof(who));
	fprintf(stderr, "%s:%d: part %s, %s, seed %" PRIu64 ": %s\n", file,
		line, a && a->part ? a->part->name : "?", who, seed, what);
	abort();
}

/* ---- Steps ---- */

void agent_begin(struct agent *a, enum kind kind)
{
	chp_agent self = chp_agent_current();

	agent_adopt(a);
	if (a->visitor)
		a->kind = kind;
	a->aborted = false;
	at(a, "starting");
	/* Handles are harmless also when they are read half and half. */
	__atomic_store_n(&a->slot.v, self.slot, __ATOMIC_RELAXED);
	__atomic_store_n(&a->id.v, self.id, __ATOMIC_RELAXED);
	store(&a->running, 1);
}

void agent_end(struct agent *a)
{
	at(a, "ended");
	store(&a->running, 0);
}

static void take_step(struct agent *a)
{
	struct errand e;
	bool can_step, can_wait;

	agent_step(a, NULL);
	can_step = a->part->step != NULL;
	can_wait = a->part->errand != NULL;
	tally_of(a, a->part)->steps++;
	if (can_step && (!can_wait || chance(a, 50))) {
		at(a, "a step");
		a->part->step(a);
	} else if (can_wait && errand_draw(a, a->part, &e)) {
		errand_run(a, &e);
	}
}

/*
 * An agent that was aborted fails in each interruptible wait from then on: a
 * few steps of that, then it ends.
 */
void agent_steps(struct agent *a, long steps)
{
	while (steps > 0 && !stopping()) {
		take_step(a);
		steps = a->aborted && steps > 3 ? 3 : steps - 1;
	}
}
