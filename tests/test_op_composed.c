/*
 * test_op_composed.c - operations made of others, as users build them: poll
 * passes the context on, cancel gives back what the parts were granted.
 */
#include "harness.h"

#include <stdatomic.h>

/* Both semaphores, or none. */
struct both_op {
	chp_op op;
	chp_acquire_op part[2];
};

static int both_poll(chp_op *op, chp_poll_ctx *ctx)
{
	struct both_op *b = (struct both_op *)op;
	bool pending = false;

	for (int i = 0; i < 2; i++)
		if (!chp_op_is_finished(&b->part[i].op) &&
		    chp_op_poll(&b->part[i].op, ctx) == CHP_PENDING)
			pending = true;
	return pending ? CHP_PENDING : 0;
}

static int both_cancel(chp_op *op)
{
	struct both_op *b = (struct both_op *)op;
	int held = CHP_HELD_NOTHING;

	for (int i = 0; i < 2; i++) {
		if (chp_op_is_finished(&b->part[i].op)) {
			chp_semaphore_release(b->part[i].semaphore, 1);
			held = CHP_GAVE_BACK;
		} else if (chp_op_cancel(&b->part[i].op) == CHP_GAVE_BACK) {
			held = CHP_GAVE_BACK;
		}
	}
	return held;
}

static const chp_op_class both_class = {
	.name = "both",
	.poll = both_poll,
	.cancel = both_cancel,
};
static chp_semaphore first, second;
static atomic_long inside, successes;

/* Who has one holds it while it waits for the other: if two waited so without a
   deadline, each might wait for the other's.  So only one does, now and then. */
static void *take_both(void *patient)
{
	for (long i = 0; i < h_rounds(500); i++) {
		chp_wait w = { .deadline = chp_in(i % 5 * 50 * CHP_US) };
		struct both_op b;
		int r;

		chp_op_init(&b.op, &both_class);
		chp_semaphore_acquire_op(&b.part[0], &first, 1);
		chp_semaphore_acquire_op(&b.part[1], &second, 1);
		r = h_wait(&b.op, patient && i % 5 == 0 ? NULL : &w);
		CHECK(r == 0 || r == CHP_ETIMEDOUT);
		if (r != 0)
			continue;
		CHECK_EQ(inside++, 0);
		successes++;
		inside--;
		chp_semaphore_release(&first, 1);
		chp_semaphore_release(&second, 1);
	}
	return NULL;
}

static void an_operation_may_be_made_of_others(void)
{
	struct h_agent a[4];

	chp_semaphore_init(&first, 1, CHP_FIFO);
	chp_semaphore_init(&second, 1, CHP_FIFO);
	inside = successes = 0;
	for (int i = 0; i < 4; i++)
		h_spawn(&a[i], take_both, i == 0 ? &a[0] : NULL);
	for (int i = 0; i < 4; i++)
		h_join(&a[i]);
	CHECK(successes >= h_rounds(500) / 5);
	CHECK_EQ(chp_semaphore_available(&first), 1);
	CHECK_EQ(chp_semaphore_available(&second), 1);
}

/* ---- The budget of a class of one's own ---- */

static int ready_poll(chp_op *op, chp_poll_ctx *ctx)
{
	(void)op;
	(void)ctx;
	return 7;
}

static int ready_cancel(chp_op *op)
{
	(void)op;
	return CHP_HELD_NOTHING;
}

static const chp_op_class budgeted = {
	.name = "always ready",
	.poll = ready_poll,
	.cancel = ready_cancel,
};

static const chp_op_class unbudgeted = {
	.name = "always ready, at no cost",
	.poll = ready_poll,
	.cancel = ready_cancel,
	.flags = CHP_OP_UNBUDGETED,
};

static int poll_new(const chp_op_class *cls, struct h_waker *w, uint32_t *left)
{
	chp_op op;
	int r;

	chp_op_init(&op, cls);
	r = h_poll_within(&op, w, left);
	if (r == CHP_PENDING)
		chp_op_cancel(&op);
	return r;
}

static void finishing_costs_a_unit_unless_the_class_says_otherwise(void)
{
	struct h_waker w = { 0 };
	uint32_t left = 2;

	CHECK_EQ(poll_new(&unbudgeted, &w, &left), 7);
	CHECK_EQ(left, 2);
	CHECK_EQ(poll_new(&budgeted, &w, &left), 7);
	CHECK_EQ(left, 1);
	CHECK_EQ(poll_new(&budgeted, &w, &left), 7);
	CHECK_EQ(left, 0);
	CHECK_EQ(h_wakes(&w), 0);
	CHECK_CODE(poll_new(&budgeted, &w, &left), CHP_PENDING);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_EQ(poll_new(&unbudgeted, &w, &left), 7);
	CHECK_EQ(left, 0);
	CHECK_EQ(h_refs(&w), 0);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(an_operation_may_be_made_of_others, IN_ALL),
	TEST(finishing_costs_a_unit_unless_the_class_says_otherwise, IN_ALL),
};
/* clang-format on */

H_MAIN("op_composed", tests)
