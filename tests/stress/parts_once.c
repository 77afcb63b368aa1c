/*
 * parts_once.c - once cells and values that are set once, replaced by new ones
 * while others use the old.
 *
 * A box holds one of each.  Whoever has the turn makes the value or fails; at
 * any moment one agent has it, at the end there is one value.  The last who
 * uses a box takes the values out and frees it.
 */
#include "stress.h"

struct content {
	struct value *value;
	uint64_t a, b; /* b is a's complement: it was made whole */
};

struct box {
	chp_word refs;
	long making; /* guarded by the turn: who makes it */
	chp_once_cell cell;
	struct content made; /* of the cell */
	chp_set_once once;
	struct content set; /* of the set once */
};

static chp_rwlock lock; /* guards `current` */
static struct box *current;

static struct content content_new(struct agent *a)
{
	struct content c = { .value = value_new(a->part, a->number, a->step) };

	c.a = a->step;
	c.b = ~a->step;
	return c;
}

static void check_content(const struct content *c)
{
	CHECK(c->value && c->b == ~c->a && c->value->sequence == c->a);
}

/* ---- Boxes ---- */

static struct box *box_get(void)
{
	struct box *b;

	chp_rwlock_read(&lock);
	b = current;
	add(&b->refs, 1);
	chp_rwlock_read_unlock(&lock);
	return b;
}

static void box_put(struct box *b)
{
	if (__atomic_sub_fetch(&b->refs.v, 1, __ATOMIC_ACQ_REL))
		return;
	CHECK(b->making == 0);
	if (chp_once_cell_take(&b->cell) == 1)
		value_free(b->made.value);
	if (chp_set_once_take(&b->once) == 1)
		value_free(b->set.value);
	chp_once_cell_destroy(&b->cell);
	chp_set_once_destroy(&b->once);
	memset(b, 0x5a, sizeof(*b));
	free(b);
}

static struct box *box_new(void)
{
	struct box *b = calloc(1, sizeof(*b));

	b->refs.v = 1;
	return b;
}

static void replace_box(struct agent *a)
{
	struct box *young = box_new(), *old;

	at(a, "replacing the box");
	chp_rwlock_write(&lock);
	old = current;
	current = young;
	chp_rwlock_write_unlock(&lock);
	box_put(old);
}

/* ---- The turn ---- */

static void use_turn(struct agent *a, struct box *b)
{
	CHECK(!chp_once_cell_initialized(&b->cell));
	CHECK(b->making == 0);
	b->making = 1 + (long)a->number;
	linger(a);
	CHECK(b->making == 1 + (long)a->number);
	b->making = 0;
	if (chance(a, 40)) {
		chp_once_cell_fail(&b->cell);
		return;
	}
	b->made = content_new(a);
	chp_once_cell_finish(&b->cell);
}

/* begin() or a try has said this. */
static void began(struct agent *a, struct box *b, int r)
{
	if (r == 1)
		use_turn(a, b);
	else if (r == 0 || r == CHP_EALREADY)
		check_content(&b->made);
	else
		CHECK(r == CHP_EBUSY || gave_up(r));
}

static void begin(struct agent *a, struct box *b)
{
	struct manner m;
	const chp_wait *w;
	int r;

	at(a, "asking for the turn");
	if (chance(a, 30)) {
		r = chp_once_cell_try_begin(&b->cell);
		count(a, r == 1 ? 1 : CHP_EAGAIN);
		began(a, b, r);
		return;
	}
	w = draw(a, &m, SOMEHOW);
	began(a, b, judge(a, &m, chp_once_cell_begin_with(&b->cell, w)));
}

/* ---- The other one ---- */

static void set(struct agent *a, struct box *b)
{
	struct content c = content_new(a);
	int r;

	at(a, "setting");
	r = chp_set_once_set(&b->once, &b->set, &c, sizeof(c));
	CHECK(r == 0 || r == CHP_EALREADY);
	count(a, r ? CHP_EAGAIN : 0);
	if (r)
		value_free(c.value);
	CHECK(chp_set_once_initialized(&b->once));
	check_content(&b->set);
}

static void wait_till_set(struct agent *a, struct box *b)
{
	struct manner m;
	const chp_wait *w = draw(a, &m, BRIEFLY);
	int r;

	at(a, "waiting for a value");
	if (chance(a, 50)) {
		r = judge(a, &m, chp_set_once_wait_with(&b->once, w));
		if (r == 0)
			check_content(&b->set);
	} else {
		r = judge(a, &m, chp_once_cell_wait_with(&b->cell, w));
		if (r == 0)
			check_content(&b->made);
	}
	CHECK(r == 0 || gave_up(r));
}

static void once_step(struct agent *a)
{
	struct box *b = box_get();

	switch (below(a, 8)) {
	case 0:
		replace_box(a);
		break;
	case 1:
	case 2:
		set(a, b);
		break;
	case 3:
		wait_till_set(a, b);
		break;
	default:
		begin(a, b);
	}
	box_put(b);
}

/* ---- Errands ---- */

enum { O_BEGIN, O_WAIT, O_SET };

static void once_done(struct agent *a, struct errand *e, int r)
{
	struct box *b = e->object;

	if (e->what == O_BEGIN)
		began(a, b, r);
	else if (r == 0)
		check_content(e->what == O_WAIT ? &b->made : &b->set);
	else
		CHECK(gave_up(r));
	box_put(b);
}

/* A turn ends soon; but nobody has to take one. */
static bool once_errand(struct agent *a, struct errand *e)
{
	struct box *b = box_get();

	e->object = b;
	e->what = chance(a, 70) ? O_BEGIN : chance(a, 50) ? O_WAIT : O_SET;
	e->sure = e->what == O_BEGIN;
	e->op = &e->once.op;
	e->done = once_done;
	if (e->what == O_BEGIN)
		chp_once_cell_begin_op(&e->once, &b->cell);
	else if (e->what == O_WAIT)
		chp_once_cell_wait_op(&e->once, &b->cell);
	else
		chp_set_once_wait_op(&e->once, &b->once);
	return true;
}

static void once_open(void)
{
	current = box_new();
}

static void once_check(void)
{
	AT_END(load(&current->refs), 1);
	box_put(current);
}

static void once_report(void)
{
	fprintf(stderr, "  %u use the box, %s, made by agent %ld\n",
		load(&current->refs),
		chp_once_cell_initialized(&current->cell) ? "full" : "empty",
		current->making - 1);
}

const struct part part_once = {
	.name = "once",
	.open = once_open,
	.step = once_step,
	.errand = once_errand,
	.check = once_check,
	.report = once_report,
};
