/*
 * lin.c - see lin.h.
 */
#include "lin.h"

#include <sched.h>

/* ---- The search ---- */

enum { TABLE = 1 << 14, LIN_MODEL_MAX = 4096 };

enum stage { NOT_YET, WAITING, FINISHED };

struct search {
	const struct lin_spec *spec;
	const struct lin_history *h;
	uint8_t stage[LIN_MOST];
	int left;
	/* Fingerprints of states from which there was no way; 0: free. */
	uint64_t dead[TABLE];
};

static uint64_t fingerprint(const struct search *s, const uint8_t *model)
{
	uint64_t f = 0xcbf29ce484222325u;

	for (int i = 0; i < s->h->count; i++)
		f = (f ^ s->stage[i]) * 0x100000001b3u;
	for (size_t i = 0; i + 4 <= s->spec->size; i += 4) {
		uint32_t four;

		memcpy(&four, model + i, 4);
		f = (f ^ four) * 0x100000001b3u;
		f ^= f >> 29;
	}
	return f + !f;
}

static bool known_dead(const struct search *s, uint64_t f)
{
	for (unsigned i = 0; i < 8; i++)
		if (s->dead[(f + i) % TABLE] == f)
			return true;
	return false;
}

/* A full table forgets: the search is longer then, not wrong. */
static void remember_dead(struct search *s, uint64_t f)
{
	unsigned i = 0;

	while (i < 7 && s->dead[(f + i) % TABLE])
		i++;
	s->dead[(f + i) % TABLE] = f;
}

/* May call j take a step: has none returned before it that has still to? */
static bool may_step(const struct search *s, int j)
{
	for (int i = 0; i < s->h->count; i++)
		if (s->stage[i] != FINISHED &&
		    s->h->calls[i].after < s->h->calls[j].before)
			return false;
	return s->stage[j] != FINISHED;
}

static bool search(struct search *s, const uint8_t *model);

static bool go_on(struct search *s, int j, enum stage to, const uint8_t *model)
{
	enum stage was = s->stage[j];
	bool found;

	s->stage[j] = to;
	s->left -= to == FINISHED;
	found = search(s, model);
	s->left += to == FINISHED;
	s->stage[j] = was;
	return found;
}

/*
 * Give up a call that has waited.  What it was granted after its last look it
 * gives back, so the model may well be ready to let it go on.
 */
static bool try_cancel(struct search *s, int j, const uint8_t *model)
{
	const struct lin_call *c = &s->h->calls[j];
	uint8_t next[LIN_MODEL_MAX] __attribute__((aligned(16)));

	if (s->stage[j] != WAITING || !lin_gave_up(c->result))
		return false;
	memcpy(next, model, s->spec->size);
	s->spec->cancel(next, c);
	return go_on(s, j, FINISHED, next);
}

static bool try_call(struct search *s, int j, const uint8_t *model)
{
	uint8_t next[LIN_MODEL_MAX] __attribute__((aligned(16)));

	memcpy(next, model, s->spec->size);
	switch (s->spec->step(next, &s->h->calls[j])) {
	case LIN_SAME:
		return go_on(s, j, FINISHED, next);
	case LIN_WAITS:
		return s->stage[j] == NOT_YET && go_on(s, j, WAITING, next);
	default:
		return false;
	}
}

static bool search(struct search *s, const uint8_t *model)
{
	uint64_t f;

	if (s->left == 0)
		return true;
	f = fingerprint(s, model);
	if (known_dead(s, f))
		return false;
	for (int j = 0; j < s->h->count; j++)
		if (may_step(s, j) &&
		    (try_call(s, j, model) || try_cancel(s, j, model)))
			return true;
	remember_dead(s, f);
	return false;
}

bool lin_explained(const struct lin_spec *spec, const void *start,
		   const struct lin_history *h)
{
	static struct search s;

	CHECK(spec->size <= LIN_MODEL_MAX);
	memset(&s, 0, sizeof(s));
	s.spec = spec;
	s.h = h;
	s.left = h->count;
	return search(&s, start);
}

enum lin_answer lin_with_value(int64_t model, int value,
			       const struct lin_call *c)
{
	enum lin_answer a = lin_compare(model, c);

	return a == LIN_SAME && model == 0 && value != c->value ? LIN_NO : a;
}

void lin_holds_nothing(void *model, const struct lin_call *c)
{
	(void)model;
	(void)c;
}

void lin_print(const struct lin_spec *spec, const struct lin_history *h)
{
	fprintf(stderr, "%s: no order explains this:\n", spec->name);
	for (int i = 0; i < h->count; i++) {
		const struct lin_call *c = &h->calls[i];

		fprintf(stderr,
			"  %3" PRIu64 "..%3" PRIu64 "  thread %d  %s(%" PRId64
			") = %" PRId64 ", value %d\n",
			c->before, c->after, c->thread, spec->names[c->what],
			c->arg, c->result, c->value);
	}
}

/* ---- Making histories ---- */

static chp_word stamps, values;

int lin_fresh(void)
{
	return (int)h_add(&values, 1) + 1;
}

void lin_no_values(void)
{
	h_store(&values, 0);
}

static void dither(struct lin_thread *t)
{
	uint32_t n = h_below(&t->rng, 16);

	if (n == 0)
		sched_yield();
	else if (n < 8)
		for (uint32_t i = h_below(&t->rng, 200); i; i--)
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

struct lin_call *lin_begin(struct lin_thread *t, int what, int64_t arg)
{
	struct lin_call *c = &t->mine.calls[t->mine.count++];

	*c = (struct lin_call){ .thread = t->number, .what = what, .arg = arg };
	dither(t);
	c->before = h_add(&stamps, 1);
	return c;
}

void lin_end(struct lin_call *c, int64_t result)
{
	c->after = h_add(&stamps, 1);
	c->result = result;
}

chp_wait lin_limit(struct lin_thread *t)
{
	static const chp_time limits[] = { 20, 100, 300 };

	return (chp_wait){ .deadline = chp_in(limits[h_below(&t->rng, 3)] *
					      CHP_US) };
}

static void *run_thread(void *arg)
{
	struct lin_thread *t = arg;
	struct lin_rounds *r = t->all;

	for (uint32_t round = 1;; round++) {
		h_until(h_load(&r->turn) == round || h_load(&r->over));
		if (h_load(&r->over))
			return NULL;
		t->mine.count = 0;
		for (int i = 0; i < r->calls; i++)
			r->act(t, i);
		h_add(&r->ready, 1);
	}
}

static void collect(struct lin_rounds *r, struct lin_history *h)
{
	h->count = 0;
	for (int i = 0; i < r->threads; i++) {
		const struct lin_history *mine = &r->thread[i].mine;

		CHECK(h->count + mine->count <= LIN_MOST);
		memcpy(&h->calls[h->count], mine->calls,
		       sizeof(*mine->calls) * (size_t)mine->count);
		h->count += mine->count;
	}
}

static bool one_round(struct lin_rounds *r, uint32_t round)
{
	static struct lin_history h;
	uint8_t *model = calloc(1, r->spec->size);
	bool explained;

	r->begin(r, model);
	h_store(&stamps, 0);
	h_store(&r->ready, 0);
	h_store(&r->turn, round);
	h_until(h_load(&r->ready) == (uint32_t)r->threads);
	r->end(r);
	collect(r, &h);
	explained = lin_explained(r->spec, model, &h);
	if (!explained && r->must_explain) {
		lin_print(r->spec, &h);
		CHECK(explained);
	}
	free(model);
	return explained;
}

long lin_run(struct lin_rounds *r, long rounds)
{
	struct h_agent agents[LIN_THREADS];
	long refused = 0;

	h_store(&r->turn, 0);
	h_store(&r->over, 0);
	for (int i = 0; i < r->threads; i++) {
		struct lin_thread *t = &r->thread[i];

		t->all = r;
		t->number = i;
		t->rng = h_rng(h_seed(), (uint64_t)i);
		h_spawn_thread(&agents[i], run_thread, t);
	}
	for (uint32_t round = 1; round <= (uint32_t)rounds; round++)
		refused += !one_round(r, round);
	h_store(&r->over, 1);
	for (int i = 0; i < r->threads; i++)
		h_join_thread(&agents[i]);
	return refused;
}
