/*
 * test_once_cell_races.c - once cells and set onces in the moment of deciding:
 * many who want to be first, turns that are handed over while their takers
 * give up, and waiters who destroy and free everything the moment they are
 * told.  The last is meant for AddressSanitizer and ThreadSanitizer.
 */
#include "duo.h"
#include "once.h"

/* ---- One init succeeds, one runs at a time ---- */

enum { CROWD = 6 };

struct racer {
	struct h_agent a;
	struct h_rng r;
	int failures; /* its init fails so often */
	long gave_up;
	uint64_t seen;
};

struct record {
	uint64_t a, b; /* a and its complement: written in two steps */
};

CHP_ONCE_CELL_DEFINE(record_cell, struct record);

static record_cell *cell;
static chp_word inside, inits, successes;

static int make_record(struct record *value, void *arg)
{
	struct racer *me = arg;

	CHECK_EQ(h_add(&inside, 1), 0);
	h_add(&inits, 1);
	value->a = 1 + h_below(&me->r, 1000000);
	if (h_below(&me->r, 2))
		h_yield();
	value->b = ~value->a;
	CHECK_EQ(h_add(&inside, (uint32_t)-1), 1);
	if (me->failures) {
		me->failures--;
		return CHP_ENOMEM;
	}
	h_add(&successes, 1);
	return 0;
}

/* Once: 0 or what came between. */
static int ask(struct racer *me, const chp_wait *w)
{
	int r = record_cell_get(cell) ? 0 : cell_begin(&cell->raw, w);

	if (r != 1)
		return r;
	r = make_record(&cell->value, me);
	if (r == 0)
		chp_once_cell_finish(&cell->raw);
	else
		chp_once_cell_fail(&cell->raw);
	return r;
}

/* Poll once or twice, then give up, whatever has come. */
static void ask_and_give_up(struct racer *me)
{
	struct h_waker w = { 0 };
	chp_once_op op;
	int r;

	chp_once_cell_begin_op(&op, &cell->raw);
	r = h_poll(&op.op, &w);
	if (r == CHP_PENDING && h_below(&me->r, 2)) {
		h_yield();
		r = h_poll(&op.op, &w);
	}
	if (r == CHP_PENDING)
		me->gave_up += chp_op_cancel(&op.op) == CHP_GAVE_BACK;
	else if (r == 1)
		chp_once_cell_fail(&cell->raw);
	/* A wake may be on its way. */
	h_until(h_refs(&w) == 0);
}

static void *race_for_it(void *arg)
{
	struct racer *me = arg;
	struct record *got;
	int r;

	do {
		chp_wait soon = { .deadline = chp_in(h_below(&me->r, 50) *
						     CHP_US) };

		switch (h_below(&me->r, 4)) {
		case 0:
			r = ask(me, &soon);
			break;
		case 1:
			ask_and_give_up(me);
			r = CHP_EAGAIN;
			break;
		case 2:
			r = cell_wait(&cell->raw, &soon);
			break;
		default:
			r = ask(me, NULL);
		}
		CHECK(r == 0 || r == CHP_ENOMEM || r == CHP_EAGAIN ||
		      r == CHP_ETIMEDOUT);
	} while (r != 0);
	got = record_cell_get(cell);
	CHECK(got != NULL);
	CHECK(got->a == ~got->b);
	me->seen = got->a;
	return NULL;
}

static void one_succeeds_and_all_see_what_it_made(void)
{
	struct h_rng r = h_rng(h_seed(), 1);

	for (long round = h_rounds(400); round; round--) {
		struct racer racers[CROWD] = { { .failures = 0 } };
		uint32_t failures = 0;

		cell = calloc(1, sizeof(*cell));
		h_store(&inits, 0);
		h_store(&successes, 0);
		for (int i = 0; i < CROWD; i++) {
			racers[i].r = h_rng(h_seed(), (uint64_t)round * CROWD +
							      (uint64_t)i);
			racers[i].failures = (int)h_below(&r, 3);
		}
		for (int i = 0; i < CROWD; i++)
			h_spawn(&racers[i].a, race_for_it, &racers[i]);
		for (int i = 0; i < CROWD; i++)
			h_join(&racers[i].a);
		for (int i = 0; i < CROWD; i++)
			CHECK(racers[i].seen == racers[0].seen);
		failures = h_load(&inits) - h_load(&successes);
		CHECK_EQ(h_load(&successes), 1);
		CHECK(failures <= CROWD * 2);
		CHECK_EQ(h_load(&cell->raw.word), 2);
		record_cell_destroy(cell);
		check_empty(&cell->raw);
		free(cell);
	}
}

/* ---- A turn is handed over, and its taker goes away ---- */

static chp_once_op *op;
static struct h_waker waker;
static int found;

static void occupy(void)
{
	cell = calloc(1, sizeof(*cell));
	CHECK_EQ(chp_once_cell_try_begin(&cell->raw), 1);
}

static void occupy_and_queue(void)
{
	occupy();
	memset(&waker, 0, sizeof(waker));
	op = malloc(sizeof(*op));
	chp_once_cell_begin_op(op, &cell->raw);
	CHECK_CODE(h_poll(&op->op, &waker), CHP_PENDING);
}

static void fail(void)
{
	chp_once_cell_fail(&cell->raw);
}

static void give_up_and_free(void)
{
	found = chp_op_cancel(&op->op);
	memset(op, 0xdd, sizeof(*op));
	free(op);
}

/* Whatever was first, nobody has the turn now. */
static void the_turn_is_free(void)
{
	CHECK(found == CHP_HELD_NOTHING || found == CHP_GAVE_BACK);
	CHECK_EQ(h_refs(&waker), 0);
	CHECK_EQ(h_wakes(&waker), found == CHP_GAVE_BACK);
	check_empty(&cell->raw);
	CHECK_EQ(chp_once_cell_try_begin(&cell->raw), 1);
	chp_once_cell_fail(&cell->raw);
	free(cell);
}

static void a_turn_survives_a_taker_who_gives_up(void)
{
	race(occupy_and_queue, fail, give_up_and_free, the_turn_is_free);
	race(occupy_and_queue, give_up_and_free, fail, the_turn_is_free);
}

/* Another waker while the turn comes: the old one or the new one is woken. */
static struct h_waker newer;

static void poll_with_another_waker(void)
{
	memset(&newer, 0, sizeof(newer));
	found = h_poll(&op->op, &newer);
	if (found == CHP_PENDING) {
		h_until(h_wakes(&newer) == 1);
		found = h_poll(&op->op, &newer);
	}
	memset(op, 0xdd, sizeof(*op));
	free(op);
}

static void the_turn_came(void)
{
	CHECK_EQ(found, 1);
	h_until(h_refs(&waker) == 0);
	h_until(h_refs(&newer) == 0);
	chp_once_cell_fail(&cell->raw);
	check_empty(&cell->raw);
	free(cell);
}

static void a_turn_finds_the_newest_waker(void)
{
	race(occupy_and_queue, fail, poll_with_another_waker, the_turn_came);
}

static void begin_with_a_short_limit(void)
{
	chp_wait soon = { .deadline = chp_in(20 * CHP_US) };

	found = cell_begin(&cell->raw, &soon);
	if (found == 1)
		chp_once_cell_fail(&cell->raw);
}

static void begun_or_timed_out(void)
{
	CHECK(found == 1 || found == CHP_ETIMEDOUT);
	check_empty(&cell->raw);
	free(cell);
}

static void a_turn_survives_a_taker_who_runs_out_of_time(void)
{
	race(occupy, fail, begin_with_a_short_limit, begun_or_timed_out);
}

/* ---- Freed by whoever is told ---- */

static void finish(void)
{
	cell->value.a = 7;
	chp_once_cell_finish(&cell->raw);
}

static void free_the_cell(void)
{
	CHECK(record_cell_get(cell) && cell->value.a == 7);
	record_cell_destroy(cell);
	memset(cell, 0xdd, sizeof(*cell));
	free(cell);
	cell = NULL;
}

static void wait_and_free(void)
{
	CHECK_CODE(cell_wait(&cell->raw, NULL), 0);
	free_the_cell();
}

static void begin_and_free(void)
{
	CHECK_CODE(cell_begin(&cell->raw, NULL), 0);
	free_the_cell();
}

static void see_and_free(void)
{
	h_until(chp_once_cell_initialized(&cell->raw));
	free_the_cell();
}

static void it_is_gone(void)
{
	CHECK(cell == NULL);
}

static void who_is_told_may_free_the_cell_at_once(void)
{
	race(occupy, finish, wait_and_free, it_is_gone);
	race(occupy, wait_and_free, finish, it_is_gone);
	race(occupy, finish, begin_and_free, it_is_gone);
	race(occupy, finish, see_and_free, it_is_gone);
}

static void take_over_and_free(void)
{
	CHECK_EQ(cell_begin(&cell->raw, NULL), 1);
	cell->value.a = 7;
	chp_once_cell_finish(&cell->raw);
	free_the_cell();
}

/* The one who failed is still inside fail. */
static void who_is_given_the_turn_may_finish_and_free_at_once(void)
{
	race(occupy, fail, take_over_and_free, it_is_gone);
	race(occupy, take_over_and_free, fail, it_is_gone);
}

/* ---- Set once ---- */

CHP_SET_ONCE_DEFINE(record_once, struct record);

static record_once *once;
static int left_result, right_result;

static void new_once(void)
{
	once = calloc(1, sizeof(*once));
}

static int set_and_look(uint64_t v)
{
	struct record mine = { v, ~v };
	int r = record_once_set(once, mine);
	struct record *got = record_once_get(once);

	/* Whoever was first: it is there, and whole. */
	CHECK(got != NULL);
	CHECK(got->a == ~got->b);
	CHECK(r == 0 || r == CHP_EALREADY);
	CHECK(got->a == (r == 0 ? v : 3 - v));
	return r;
}

static void set_one(void)
{
	left_result = set_and_look(1);
}

static void set_two(void)
{
	right_result = set_and_look(2);
}

static void one_was_first(void)
{
	CHECK_EQ((left_result == 0) + (right_result == 0), 1);
	record_once_destroy(once);
	free(once);
}

static void the_second_to_set_finds_the_value(void)
{
	race(new_once, set_one, set_two, one_was_first);
}

static void set_only(void)
{
	struct record mine = { 5, ~(uint64_t)5 };

	CHECK_CODE(record_once_set(once, mine), 0);
}

static void await_set_and_free(void)
{
	struct record *got;

	CHECK_CODE(set_wait(&once->raw, NULL), 0);
	got = record_once_get(once);
	CHECK(got && got->a == 5 && got->b == ~(uint64_t)5);
	record_once_destroy(once);
	memset(once, 0xdd, sizeof(*once));
	free(once);
	once = NULL;
}

static void once_is_gone(void)
{
	CHECK(once == NULL);
}

static void a_waiter_may_free_what_was_set_at_once(void)
{
	race(new_once, set_only, await_set_and_free, once_is_gone);
	race(new_once, await_set_and_free, set_only, once_is_gone);
}

static void watch_and_give_up(void)
{
	chp_once_op *o = malloc(sizeof(*o));
	struct h_waker w = { 0 };

	chp_set_once_wait_op(o, &once->raw);
	right_result = h_poll(&o->op, &w);
	if (right_result == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(&o->op), CHP_HELD_NOTHING);
	memset(o, 0xdd, sizeof(*o));
	free(o);
	/* A wake may be on its way. */
	h_until(h_refs(&w) == 0);
}

static void it_was_set_and_nobody_waits(void)
{
	CHECK(right_result == 0 || right_result == CHP_PENDING);
	CHECK_EQ(h_load(&once->raw.cell.word), 2);
	record_once_destroy(once);
	free(once);
}

static void a_watcher_may_give_up_while_it_is_set(void)
{
	race(new_once, set_only, watch_and_give_up,
	     it_was_set_and_nobody_waits);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(one_succeeds_and_all_see_what_it_made, IN_ALL),
	TEST(a_turn_survives_a_taker_who_gives_up, IN_PARALLEL),
	TEST(a_turn_finds_the_newest_waker, IN_PARALLEL),
	TEST(a_turn_survives_a_taker_who_runs_out_of_time, IN_ALL),
	TEST(who_is_told_may_free_the_cell_at_once, IN_ALL),
	TEST(who_is_given_the_turn_may_finish_and_free_at_once, IN_ALL),
	TEST(the_second_to_set_finds_the_value, IN_PARALLEL),
	TEST(a_waiter_may_free_what_was_set_at_once, IN_ALL),
	TEST(a_watcher_may_give_up_while_it_is_set, IN_PARALLEL),
};
/* clang-format on */
H_MAIN("once_cell_races", tests)
