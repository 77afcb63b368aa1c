/*
 * wait.c - the ways in which one can wait for an operation.
 */
#include "stress.h"

/* ---- Moments ---- */

chp_time soon(struct agent *a)
{
	switch (below(a, 6)) {
	case 0:
		return chp_in(-1);
	case 1:
	case 2:
		return chp_in(below(a, 50) * CHP_US);
	case 3:
	case 4:
		return chp_in(below(a, 500) * CHP_US);
	default:
		return chp_in(below(a, 4000) * CHP_US);
	}
}

/* ---- Arguments of blocking calls ---- */

static void draw_token(struct agent *a, struct manner *m)
{
	chp_cancel *token;

	m->grove = grove_get();
	token = grove_token(m->grove, below(a, 8));
	if (chance(a, 40)) {
		m->has_own = true;
		chp_cancel_init(&m->own, token, chance(a, 30) ? soon(a) : 0);
		token = &m->own;
	}
	m->w.cancel = token;
}

const chp_wait *draw(struct agent *a, struct manner *m, enum patience p)
{
	memset(m, 0, sizeof(*m));
	if (p == TO_THE_END) {
		m->w.flags = CHP_UNINTERRUPTIBLE;
		return &m->w;
	}
	if (chance(a, 20))
		m->w.flags = CHP_UNINTERRUPTIBLE;
	if (chance(a, 30))
		draw_token(a, m);
	if (p == BRIEFLY || chance(a, 40))
		m->w.deadline = soon(a);
	else if (chance(a, 30) && !m->w.flags && !m->w.cancel)
		return NULL;
	return &m->w;
}

bool gave_up(int r)
{
	return r == CHP_EINTR || r == CHP_EABORTED || r == CHP_ECANCELED ||
	       r == CHP_ETIMEDOUT;
}

static bool deadline_passed(const struct manner *m)
{
	chp_time now = chp_now();

	if (m->w.deadline && now >= m->w.deadline)
		return true;
	return m->w.cancel && chp_cancel_deadline(m->w.cancel) &&
	       now >= chp_cancel_deadline(m->w.cancel);
}

/* Was there a reason for what the call says? */
static void check_reason(struct agent *a, struct manner *m, int r)
{
	bool uninterruptible = m->w.flags & CHP_UNINTERRUPTIBLE;

	switch (r) {
	case CHP_EABORTED:
		CHECK(!uninterruptible && a->kind != THREAD);
		a->aborted = true;
		break;
	case CHP_EINTR:
		CHECK(!uninterruptible);
		break;
	case CHP_ECANCELED:
		CHECK(m->w.cancel != NULL);
		CHECK_CODE(chp_cancel_status(m->w.cancel), CHP_ECANCELED);
		break;
	case CHP_ETIMEDOUT:
		CHECK(deadline_passed(m));
		break;
	}
}

static int end_manner(struct agent *a, struct manner *m, int r)
{
	if (m->has_own)
		chp_cancel_destroy(&m->own);
	if (m->grove)
		grove_put(m->grove);
	at(a, "deciding");
	return r;
}

int judge(struct agent *a, struct manner *m, int r)
{
	check_reason(a, m, r);
	return count(a, end_manner(a, m, r));
}

/* ---- Wakers of our own ---- */

/*
 * What a foreign event loop would have: a flag, and a way to rouse the loop,
 * here a park of the agent.  Some wakers use the library while they wake: they
 * are called with no lock held.
 */
struct box {
	chp_word refs, woken;
	bool busy;
	chp_waker loop;
};

static chp_word boxes;
static chp_semaphore commons = CHP_SEMAPHORE_INIT(1, CHP_FIFO);

long wakers_out(void)
{
	return load(&boxes);
}

void count_waker(int by)
{
	add(&boxes, (uint32_t)by);
}

static void box_unref(struct box *b)
{
	uint32_t left = __atomic_sub_fetch(&b->refs.v, 1, __ATOMIC_ACQ_REL);

	CHECK(left < UINT32_MAX / 2);
	if (left)
		return;
	add(&boxes, -1u);
	free(b);
}

static void use_the_library(void)
{
	chp_sleep_op sleep;

	if (chp_semaphore_try_acquire(&commons, 1) == 0)
		CHECK_CODE(chp_semaphore_release(&commons, 1), 0);
	chp_sleep_until_op(&sleep, chp_in(CHP_MS));
	chp_op_poll(&sleep.op, NULL);
	chp_op_cancel(&sleep.op);
}

static void box_wake(void *data)
{
	struct box *b = data;
	chp_waker loop = b->loop;

	if (b->busy)
		use_the_library();
	store(&b->woken, 1);
	box_unref(b);
	loop.cls->wake(loop.data);
}

static void box_retain(void *data)
{
	add(&((struct box *)data)->refs, 1);
}

static void box_release(void *data)
{
	box_unref(data);
}

static const chp_waker_class box_class = { box_wake, box_retain, box_release };

static struct box *box_new(struct agent *a)
{
	struct box *b = calloc(1, sizeof(*b));

	b->refs.v = 1;
	b->busy = chance(a, 10);
	b->loop = chp_waker_current();
	add(&boxes, 1);
	return b;
}

/* ---- By hand ---- */

/* Sleep until it was woken, or the time has come. */
static void doze(struct box *b, chp_time until)
{
	while (!load(&b->woken)) {
		chp_park(until);
		if (until && chp_now() >= until)
			break;
	}
}

struct hand {
	struct box *box;
	chp_time limit;     /* gives up then; 0: never */
	chp_time again;     /* the operation asked to be polled then */
	bool own_timer;     /* the operation is to arm its own */
	unsigned impatient; /* so often it polls without having been woken */
};

static int poll_once(struct agent *a, chp_op *op, struct hand *h)
{
	chp_poll_ctx ctx;
	uint32_t budget = below(a, 3);

	if (!h->box || chance(a, 25)) {
		if (h->box)
			box_unref(h->box);
		h->box = box_new(a);
	}
	store(&h->box->woken, 0);
	ctx = chp_poll_ctx_of((chp_waker){ &box_class, h->box });
	if (chance(a, 20))
		ctx.budget = &budget;
	h->again = CHP_NEVER;
	if (!h->own_timer)
		ctx.wake_at = &h->again;
	return chp_op_poll(op, &ctx);
}

static int by_hand(struct agent *a, chp_op *op, enum patience p)
{
	struct hand h = { .own_timer = chance(a, 60),
			  .impatient = below(a, 4) };
	int r;

	if (p == BRIEFLY || (p == SOMEHOW && chance(a, 40)))
		h.limit = soon(a);
	at(a, "polling by hand");
	if (chance(a, 20) && (r = chp_op_poll(op, NULL)) != CHP_PENDING)
		return r;
	while ((r = poll_once(a, op, &h)) == CHP_PENDING) {
		chp_time until = h.again == CHP_NEVER ? 0 : h.again;

		if (h.impatient) {
			h.impatient--;
			dither(a);
			if (p != TO_THE_END && chance(a, 20))
				break;
			continue;
		}
		if (h.limit && (!until || h.limit < until))
			until = h.limit;
		doze(h.box, until);
		if (h.limit && chp_now() >= h.limit)
			break;
	}
	if (r == CHP_PENDING) {
		at(a, "cancelling by hand");
		chp_op_cancel(op);
		r = op->result;
	}
	box_unref(h.box);
	return r;
}

int poll_and_leave(struct agent *a, chp_op *op)
{
	struct hand h = { .own_timer = true };
	int r = poll_once(a, op, &h);

	box_unref(h.box);
	return r;
}

/* ---- Ways ---- */

static int by_blocking(struct agent *a, chp_op *op, enum patience p)
{
	struct manner m;
	const chp_wait *w = draw(a, &m, p);
	int r;

	at(a, w && w->deadline ? "waiting until"
	      : w && w->cancel ? "waiting with a token"
			       : "waiting");
	r = chp_op_wait(op, w);
	if (op->result == CHP_ECANCELED)
		check_reason(a, &m, r);
	else
		CHECK_CODE(r, op->result);
	return end_manner(a, &m, r);
}

static int by_itself(struct agent *a, chp_op *op, enum patience p)
{
	if (chance(a, 20))
		return by_callback(a, op, p);
	return chance(a, 50) ? by_hand(a, op, p) : by_blocking(a, op, p);
}

static int by_timeout(struct agent *a, chp_op *op, enum patience p)
{
	chp_time deadline = p == TO_THE_END ? 0 : soon(a);
	chp_timeout_op timeout;
	int r;

	chp_timeout_init(&timeout, op, deadline);
	r = by_itself(a, &timeout.op, p == TO_THE_END ? p : SOMEHOW);
	CHECK(chp_op_is_finished(op));
	/* As a loser of the race it may have had an effect: its own result. */
	return op->result == CHP_ECANCELED ? r : op->result;
}

/* Beside something that never comes, or comes too soon. */
static int by_select(struct agent *a, chp_op *op, enum patience p)
{
	chp_cancel token = CHP_CANCEL_INIT;
	chp_cancel_op never;
	chp_sleep_op sleep;
	chp_select_op select;
	chp_select_arm arms[3] = { { .op = op } };
	int r;

	chp_cancel_wait_op(&never, &token);
	arms[1].op = chance(a, 50) ? &never.op : NULL;
	chp_sleep_until_op(&sleep, soon(a));
	arms[2].op = p == TO_THE_END ? NULL : &sleep.op;
	CHECK_CODE(chp_select_init(&select, arms, 3,
				   CHP_CANCEL_LOSERS |
					   (chance(a, 50) ? CHP_BIASED : 0)),
		   0);
	r = by_itself(a, &select.op, p == TO_THE_END ? p : SOMEHOW);
	CHECK(r == 0 || (r == 2 && arms[2].op) || gave_up(r));
	CHECK(chp_op_is_finished(op) == true);
	CHECK(!arms[1].op || chp_op_is_finished(arms[1].op));
	CHECK(!arms[2].op || chp_op_is_finished(arms[2].op));
	chp_cancel_destroy(&token);
	if (op->result == CHP_ECANCELED && r < 0)
		return r;
	return op->result;
}

int await(struct agent *a, chp_op *op, enum patience p)
{
	int r;

	switch (below(a, 10)) {
	case 0:
	case 1:
	case 2:
	case 3:
		r = by_blocking(a, op, p);
		break;
	case 4:
	case 5:
		r = by_hand(a, op, p);
		break;
	case 6:
		r = by_callback(a, op, p);
		break;
	case 7:
		r = by_timeout(a, op, p);
		break;
	default:
		r = by_select(a, op, p);
	}
	CHECK(chp_op_is_finished(op));
	CHECK(p != TO_THE_END || !gave_up(r));
	at(a, "deciding");
	return r;
}
