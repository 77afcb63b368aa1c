/*
 * parts_handoff.c - objects that are destroyed and freed by whoever was let
 * through, at once, while the one that let it through may still be on its way
 * out of the call.
 *
 * An agent leaves a box with a closed object in a slot and waits for it to be
 * opened by whoever finds the box.  Nobody knows the box but these two.  If it
 * gives up before anybody came, it takes the box back; else it waits to the
 * end.  The operation lives in the box, too.
 */
#include "stress.h"

enum { SLOTS = 4 };

enum object { O_SEMAPHORE, O_MUTEX, O_READ, O_WRITE, O_COND, O_TOKEN, OBJECTS };

struct box {
	enum object object;
	unsigned n;
	chp_semaphore semaphore;
	chp_mutex mutex;
	chp_rwlock rwlock;
	chp_cond cond;
	chp_cancel token;
	bool signalled;
	long plain; /* what the opener writes, the other reads */
	union {
		chp_acquire_op acquire;
		chp_lock_op lock;
		chp_rwlock_op rw;
		chp_cancel_op cancel;
		chp_cond_op wait;
	};
};

static chp_ptr slots[SLOTS];

/* ---- Whoever finds a box: the last touch is the call that opens it ---- */

static void release_parts(struct agent *a, struct box *b)
{
	for (unsigned left = b->n, n; left; left -= n) {
		chp_semaphore *s = &b->semaphore;

		n = 1 + below(a, left);
		/* Below: what is left is read before it may be gone. */
		CHECK_CODE(chp_semaphore_release(s, n), 0);
	}
}

static void signal_box(struct agent *a, struct box *b)
{
	chp_mutex_lock(&b->mutex);
	b->signalled = true;
	(chance(a, 50) ? chp_cond_signal : chp_cond_broadcast)(&b->cond);
	chp_mutex_unlock(&b->mutex);
}

static void open_box(struct agent *a, struct box *b)
{
	at(a, "opening a box");
	b->plain = 1;
	switch (b->object) {
	case O_SEMAPHORE:
		release_parts(a, b);
		break;
	case O_MUTEX:
		chp_mutex_unlock(&b->mutex);
		break;
	case O_READ:
		chp_rwlock_write_unlock(&b->rwlock);
		break;
	case O_WRITE:
		chp_rwlock_read_unlock(&b->rwlock);
		break;
	case O_COND:
		signal_box(a, b);
		break;
	default:
		chp_cancel_now(&b->token);
	}
}

/* ---- Whoever leaves one ---- */

static struct box *box_new(struct agent *a)
{
	struct box *b = calloc(1, sizeof(*b));

	b->object = (enum object)below(a, OBJECTS);
	b->n = 1 + below(a, 3);
	CHECK_CODE(
		chp_semaphore_init(&b->semaphore, 0, (chp_policy)below(a, 3)),
		0);
	CHECK_CODE(
		chp_mutex_init(&b->mutex, chance(a, 50) ? CHP_MUTEX_FIFO : 0),
		0);
	return b;
}

/* As a poller, whose lock anybody may release. */
static chp_op *lock_twice(struct box *b)
{
	chp_mutex_lock_op(&b->lock, &b->mutex);
	CHECK_CODE(chp_op_poll(&b->lock.op, NULL), 0);
	chp_mutex_lock_op(&b->lock, &b->mutex);
	return &b->lock.op;
}

/* Close it, and start the operation that waits for it. */
static chp_op *close_box(struct agent *a, struct box *b)
{
	switch (b->object) {
	case O_SEMAPHORE:
		chp_semaphore_acquire_op(&b->acquire, &b->semaphore, b->n);
		return &b->acquire.op;
	case O_MUTEX:
		return lock_twice(b);
	case O_READ:
		chp_rwlock_write(&b->rwlock);
		(chance(a, 50) ? chp_rwlock_read_op
			       : chp_rwlock_write_op)(&b->rw, &b->rwlock);
		return &b->rw.op;
	case O_WRITE:
		chp_rwlock_read(&b->rwlock);
		chp_rwlock_write_op(&b->rw, &b->rwlock);
		return &b->rw.op;
	case O_TOKEN:
		chp_cancel_wait_op(&b->cancel, &b->token);
		return &b->cancel.op;
	default:
		return NULL;
	}
}

static int wait_for_signal(struct agent *a, struct box *b, enum patience p)
{
	struct manner m;
	int r = 0;

	chp_mutex_lock(&b->mutex);
	while (!b->signalled && r == 0) {
		const chp_wait *w = draw(a, &m, p);

		at(a, "waiting for a signal");
		r = judge(a, &m, chp_cond_wait_with(&b->cond, &b->mutex, w));
	}
	if (b->signalled)
		r = 0;
	chp_mutex_unlock(&b->mutex);
	return r;
}

static int wait_for_box(struct agent *a, struct box *b, chp_op *op,
			enum patience p)
{
	if (b->object == O_COND)
		return wait_for_signal(a, b, p);
	return count(a, await(a, op, p));
}

/* The operation was given up: the same again. */
static chp_op *again(struct box *b)
{
	switch (b->object) {
	case O_SEMAPHORE:
		chp_semaphore_acquire_op(&b->acquire, &b->semaphore, b->n);
		return &b->acquire.op;
	case O_MUTEX:
		chp_mutex_lock_op(&b->lock, &b->mutex);
		return &b->lock.op;
	case O_READ:
	case O_WRITE:
		chp_rwlock_write_op(&b->rw, &b->rwlock);
		return &b->rw.op;
	case O_TOKEN:
		chp_cancel_wait_op(&b->cancel, &b->token);
		return &b->cancel.op;
	default:
		return NULL;
	}
}

static void destroy_box(struct box *b)
{
	CHECK(b->plain == 1);
	chp_semaphore_destroy(&b->semaphore);
	if (b->object == O_MUTEX)
		chp_mutex_unlock(&b->mutex);
	chp_mutex_destroy(&b->mutex);
	chp_rwlock_destroy(&b->rwlock);
	chp_cond_destroy(&b->cond);
	chp_cancel_destroy(&b->token);
	memset(b, 0x5a, sizeof(*b));
	free(b);
}

static bool take_back(unsigned slot, struct box *b)
{
	void *expected = b;

	return __atomic_compare_exchange_n(&slots[slot].v, &expected, NULL,
					   false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static void leave_box(struct agent *a, unsigned slot)
{
	struct box *b = box_new(a), *found;
	chp_op *op = close_box(a, b);
	int r;

	found = __atomic_exchange_n(&slots[slot].v, b, __ATOMIC_ACQ_REL);
	if (found)
		open_box(a, found);
	r = wait_for_box(a, b, op, BRIEFLY);
	if (gave_up(r)) {
		if (take_back(slot, b))
			open_box(a, b);
		at(a, "waiting to the end");
		r = wait_for_box(a, b, again(b), TO_THE_END);
	}
	CHECK_CODE(r, 0);
	destroy_box(b);
}

static void handoff_step(struct agent *a)
{
	unsigned slot = below(a, SLOTS);

	if (chance(a, 50)) {
		leave_box(a, slot);
	} else {
		struct box *found = __atomic_exchange_n(&slots[slot].v, NULL,
							__ATOMIC_ACQ_REL);

		if (found)
			open_box(a, found);
	}
}

static void handoff_check(void)
{
	for (int i = 0; i < SLOTS; i++)
		AT_END(slots[i].v != NULL, 0);
}

const struct part part_handoff = {
	.name = "handoff",
	.step = handoff_step,
	.check = handoff_check,
};
