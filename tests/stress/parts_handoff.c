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

enum object {
	O_SEMAPHORE,
	O_MUTEX,
	O_READ,
	O_WRITE,
	O_COND,
	O_TOKEN,
	O_NOTIFY,
	O_BARRIER,
	O_GROUP,
	O_ONCE,
	OBJECTS
};

struct box {
	enum object object;
	unsigned n;
	chp_semaphore semaphore;
	chp_mutex mutex;
	chp_rwlock rwlock;
	chp_cond cond;
	chp_cancel token;
	chp_notify notify;
	chp_barrier barrier;
	chp_wait_group group;
	chp_once_cell cell;
	bool signalled;
	long plain; /* what the opener writes, the other reads */
	union {
		chp_acquire_op acquire;
		chp_lock_op lock;
		chp_rwlock_op rw;
		chp_cancel_op cancel;
		chp_notified_op notified;
		chp_barrier_op barrier_wait;
		chp_wait_group_op group_wait;
		chp_once_op once;
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

static void meet(struct box *b)
{
	chp_wait whatever = { .flags = CHP_UNINTERRUPTIBLE };
	int r = chp_barrier_wait_with(&b->barrier, &whatever);

	CHECK(r == 0 || r == 1);
}

static void count_down(struct agent *a, struct box *b)
{
	for (unsigned left = b->n, n; left; left -= n) {
		n = 1 + below(a, left);
		chp_wait_group_add(&b->group, -(int64_t)n);
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
	case O_TOKEN:
		chp_cancel_now(&b->token);
		break;
	case O_NOTIFY:
		(chance(a, 50) ? chp_notify_one : chp_notify_last)(&b->notify);
		break;
	case O_BARRIER:
		meet(b);
		break;
	case O_GROUP:
		count_down(a, b);
		break;
	default:
		chp_once_cell_finish(&b->cell);
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

/* Close it, before anybody knows it. */
static void close_box(struct box *b)
{
	switch (b->object) {
	case O_MUTEX:
		/* As a poller, whose lock anybody may release. */
		chp_mutex_lock_op(&b->lock, &b->mutex);
		CHECK_CODE(chp_op_poll(&b->lock.op, NULL), 0);
		break;
	case O_READ:
		chp_rwlock_write(&b->rwlock);
		break;
	case O_WRITE:
		chp_rwlock_read(&b->rwlock);
		break;
	case O_BARRIER:
		CHECK_CODE(
			chp_barrier_init(&b->barrier, 2, CHP_BARRIER_WITHDRAW),
			0);
		break;
	case O_GROUP:
		chp_wait_group_add(&b->group, b->n);
		break;
	case O_ONCE:
		CHECK_CODE(chp_once_cell_try_begin(&b->cell), 1);
		break;
	default:
		break;
	}
}

/* The operation that waits for it; NULL: there is none. */
static chp_op *start_waiting(struct agent *a, struct box *b)
{
	switch (b->object) {
	case O_SEMAPHORE:
		chp_semaphore_acquire_op(&b->acquire, &b->semaphore, b->n);
		return &b->acquire.op;
	case O_MUTEX:
		chp_mutex_lock_op(&b->lock, &b->mutex);
		return &b->lock.op;
	case O_READ:
		(chance(a, 50) ? chp_rwlock_read_op
			       : chp_rwlock_write_op)(&b->rw, &b->rwlock);
		return &b->rw.op;
	case O_WRITE:
		chp_rwlock_write_op(&b->rw, &b->rwlock);
		return &b->rw.op;
	case O_TOKEN:
		chp_cancel_wait_op(&b->cancel, &b->token);
		return &b->cancel.op;
	case O_NOTIFY:
		chp_notify_notified_op(&b->notified, &b->notify);
		return &b->notified.op;
	case O_BARRIER:
		chp_barrier_wait_op(&b->barrier_wait, &b->barrier);
		return &b->barrier_wait.op;
	case O_GROUP:
		chp_wait_group_wait_op(&b->group_wait, &b->group);
		return &b->group_wait.op;
	case O_ONCE:
		(chance(a, 50) ? chp_once_cell_begin_op
			       : chp_once_cell_wait_op)(&b->once, &b->cell);
		return &b->once.op;
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

static int wait_for_box(struct agent *a, struct box *b, enum patience p)
{
	chp_op *op = start_waiting(a, b);

	return op ? count(a, await(a, op, p)) : wait_for_signal(a, b, p);
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
	chp_notify_destroy(&b->notify);
	chp_barrier_destroy(&b->barrier);
	chp_wait_group_destroy(&b->group);
	chp_once_cell_destroy(&b->cell);
	memset(b, 0x5a, sizeof(*b));
	free(b);
}

/* Change what is in a slot, if it is still this. */
static bool change(unsigned slot, struct box *from, struct box *to)
{
	void *expected = from;

	return __atomic_compare_exchange_n(&slots[slot].v, &expected, to, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Nobody else knows it (any more). */
static void open_own_box(struct agent *a, struct box *b)
{
	/* For a barrier it takes two. */
	if (b->object == O_BARRIER)
		CHECK_CODE(chp_barrier_init(&b->barrier, 1, 0), 0);
	else
		open_box(a, b);
	b->plain = 1;
}

static void leave_box(struct agent *a, unsigned slot)
{
	struct box *b = box_new(a);
	bool left;
	int r = CHP_ECANCELED;

	close_box(b);
	left = change(slot, NULL, b);
	if (left)
		r = wait_for_box(a, b, BRIEFLY);
	if (gave_up(r)) {
		if (!left || change(slot, b, NULL))
			open_own_box(a, b);
		at(a, "waiting to the end");
		r = wait_for_box(a, b, TO_THE_END);
	}
	CHECK(r == 0 || (r == 1 && b->object == O_BARRIER));
	destroy_box(b);
}

static void handoff_step(struct agent *a)
{
	unsigned slot = below(a, SLOTS);
	struct box *found =
		__atomic_exchange_n(&slots[slot].v, NULL, __ATOMIC_ACQ_REL);

	if (found)
		open_box(a, found);
	else
		leave_box(a, slot);
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
