/*
 * parts_cond.c - two bounded buffers made of a mutex and two condition
 * variables.
 *
 * A server takes out of the first what agents put in; a server puts into the
 * second what agents take out.  So whoever waits is served for sure, unless a
 * signal gets lost.
 */
#include "stress.h"

enum { ROOM = 3 };

struct buffer {
	chp_mutex mutex;
	chp_cond not_full, not_empty;
	struct value *values[ROOM];
	unsigned first, count;
	bool closed;
};

static struct buffer inbox, outbox;
static chp_word64 put_in, taken_out;

/* ---- With the mutex held ---- */

static void store_value(struct buffer *b, struct value *v)
{
	CHECK(b->count < ROOM);
	b->values[(b->first + b->count++) % ROOM] = v;
	__atomic_add_fetch(&put_in.v, 1, __ATOMIC_RELAXED);
}

static struct value *fetch_value(struct buffer *b)
{
	struct value *v = b->values[b->first];

	CHECK(b->count > 0);
	b->values[b->first] = NULL;
	b->first = (b->first + 1) % ROOM;
	b->count--;
	__atomic_add_fetch(&taken_out.v, 1, __ATOMIC_RELAXED);
	return v;
}

static bool is_ready(const struct buffer *b, bool to_put)
{
	return b->closed || (to_put ? b->count < ROOM : b->count > 0);
}

/*
 * By the operation: the first poll here, so that however it ends we know that
 * cancelling it leaves the mutex unlocked.
 */
static int wait_by_op(struct agent *a, chp_cond *c, chp_mutex *m,
		      enum patience p)
{
	chp_cond_op op;
	int r;

	chp_cond_wait_op(&op, c, m);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	r = await(a, &op.op, p);
	if (r == 0)
		return count(a, 0);
	CHECK(gave_up(r));
	chp_mutex_lock(m);
	return count(a, r);
}

static int wait_somehow(struct agent *a, chp_cond *c, chp_mutex *m,
			enum patience p)
{
	struct manner how;
	const chp_wait *w;

	if (chance(a, 40))
		return wait_by_op(a, c, m, p);
	w = draw(a, &how, p);
	at(a, "waiting for a signal");
	return judge(a, &how, chp_cond_wait_with(c, m, w));
}

/*
 * Signal before or after unlocking.  Signalling one is enough: there is one
 * more of what one of them waits for, and who gave up passes its signal on.
 */
static void tell_and_unlock(struct agent *a, chp_cond *c, chp_mutex *m)
{
	bool all = chance(a, 10), after = chance(a, 50);

	if (after)
		chp_mutex_unlock(m);
	(all ? chp_cond_broadcast : chp_cond_signal)(c);
	if (!after)
		chp_mutex_unlock(m);
}

/* ---- Putting and taking ---- */

static bool put_one(struct agent *a, struct buffer *b, enum patience p)
{
	struct value *v = value_new(&part_cond, a->number, 0);
	int r = 0;

	at(a, "putting");
	chp_mutex_lock(&b->mutex);
	while (!is_ready(b, true) && r == 0)
		r = wait_somehow(a, &b->not_full, &b->mutex, p);
	if (!is_ready(b, true) || b->closed) {
		chp_mutex_unlock(&b->mutex);
		value_free(v);
		return false;
	}
	store_value(b, v);
	tell_and_unlock(a, &b->not_empty, &b->mutex);
	return true;
}

static bool take_one(struct agent *a, struct buffer *b, enum patience p)
{
	struct value *v;
	int r = 0;

	at(a, "taking");
	chp_mutex_lock(&b->mutex);
	while (!is_ready(b, false) && r == 0)
		r = wait_somehow(a, &b->not_empty, &b->mutex, p);
	if (b->count == 0) {
		chp_mutex_unlock(&b->mutex);
		return false;
	}
	v = fetch_value(b);
	tell_and_unlock(a, &b->not_full, &b->mutex);
	value_free(v);
	return true;
}

static void cond_step(struct agent *a)
{
	if (chance(a, 50))
		put_one(a, &inbox, SOMEHOW);
	else
		take_one(a, &outbox, SOMEHOW);
}

/* Now and then a server is slow, and its buffer runs full or empty. */
static bool cond_serve(struct agent *a, unsigned which)
{
	struct buffer *b = which ? &outbox : &inbox;
	bool over;

	if (which)
		put_one(a, b, SOMEHOW);
	else
		take_one(a, b, SOMEHOW);
	linger(a);
	chp_mutex_lock(&b->mutex);
	over = b->closed && (which || b->count == 0);
	chp_mutex_unlock(&b->mutex);
	return over;
}

/* As an errand: wait for whatever signal comes, for a moment. */
static void cond_done(struct agent *a, struct errand *e, int r)
{
	struct buffer *b = e->object;

	if (r == 0) {
		linger(a);
		/* Pass it on: it was meant for somebody with business here. */
		chp_mutex_unlock(&b->mutex);
		chp_cond_signal(e->what ? &b->not_full : &b->not_empty);
	} else {
		CHECK(gave_up(r));
	}
}

static bool cond_errand(struct agent *a, struct errand *e)
{
	struct buffer *b = chance(a, 50) ? &inbox : &outbox;

	e->what = (int)below(a, 2);
	e->object = b;
	e->sure = false;
	e->done = cond_done;
	e->op = &e->cond.op;
	at(a, "locking");
	chp_mutex_lock(&b->mutex);
	chp_cond_wait_op(&e->cond, e->what ? &b->not_full : &b->not_empty,
			 &b->mutex);
	CHECK_CODE(chp_op_poll(e->op, NULL), CHP_PENDING);
	return true;
}

static void close_buffer(struct buffer *b)
{
	chp_mutex_lock(&b->mutex);
	b->closed = true;
	chp_cond_broadcast(&b->not_empty);
	chp_cond_broadcast(&b->not_full);
	chp_mutex_unlock(&b->mutex);
}

static void cond_stop(void)
{
	close_buffer(&inbox);
	close_buffer(&outbox);
}

static void check_buffer(struct buffer *b)
{
	while (b->count)
		value_free(fetch_value(b));
	AT_END(chp_mutex_is_locked(&b->mutex), 0);
	chp_cond_destroy(&b->not_full);
	chp_cond_destroy(&b->not_empty);
	chp_mutex_destroy(&b->mutex);
}

static void cond_check(void)
{
	check_buffer(&inbox);
	check_buffer(&outbox);
	AT_END(put_in.v, taken_out.v);
}

static void report_buffer(const char *name, const struct buffer *b)
{
	fprintf(stderr, "  %s: %u of %d, mutex %s\n", name, b->count, ROOM,
		chp_mutex_is_locked(&b->mutex) ? "locked" : "free");
}

static void cond_report(void)
{
	report_buffer("inbox", &inbox);
	report_buffer("outbox", &outbox);
}

const struct part part_cond = {
	.name = "cond",
	.step = cond_step,
	.errand = cond_errand,
	.servers = 2,
	.serve = cond_serve,
	.stop = cond_stop,
	.check = cond_check,
	.report = cond_report,
};
