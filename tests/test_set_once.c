/*
 * test_set_once.c - setting once, and waiting for it.  Races are in
 * test_once_cell_races.c, beside those of the once cell, whose core it is.
 */
#include "once.h"

struct thing {
	int id;
	char text[300];
};

static int dropped;

static void drop_thing(struct thing *t)
{
	dropped += t->id;
}

CHP_SET_ONCE_DEFINE_DROP(thing_once, struct thing, drop_thing);
CHP_SET_ONCE_DEFINE(int_once, int);

static void the_first_to_set_wins(void)
{
	static int_once zero; /* all-zero */
	int_once s = { .raw = CHP_SET_ONCE_INIT };
	int *p;

	CHECK(int_once_get(&s) == NULL);
	CHECK_EQ(int_once_initialized(&s), 0);
	CHECK_EQ(chp_set_once_initialized(&s.raw), 0);
	CHECK_CODE(int_once_set(&s, 7), 0);
	CHECK_CODE(int_once_set(&s, 8), CHP_EALREADY);
	CHECK_EQ(*int_once_get(&s), 7);
	CHECK_EQ(int_once_initialized(&s), 1);
	CHECK_EQ(chp_set_once_initialized(&s.raw), 1);
	CHECK_CODE(set_wait(&s.raw, NULL), 0);
	int_once_destroy(&s);

	CHECK_CODE(int_once_set(&zero, 1), 0);
	p = int_once_get(&zero);
	*p = 2;
	CHECK_EQ(*int_once_get(&zero), 2);
	int_once_destroy(&zero);
}

static void it_may_be_set_from_the_start(void)
{
	int_once s = { CHP_SET_ONCE_INIT_SET, 5 };

	CHECK_CODE(int_once_set(&s, 6), CHP_EALREADY);
	CHECK_CODE(set_wait(&s.raw, NULL), 0);
	CHECK_EQ(*int_once_get(&s), 5);
	int_once_destroy(&s);
}

static void a_bare_signal_has_no_value(void)
{
	chp_set_once s = CHP_SET_ONCE_INIT;

	CHECK_CODE(chp_set_once_set(&s, NULL, NULL, 0), 0);
	CHECK_CODE(chp_set_once_set(&s, NULL, NULL, 0), CHP_EALREADY);
	CHECK_CODE(set_wait(&s, NULL), 0);
	chp_set_once_destroy(&s);
}

static void the_loser_keeps_its_value_and_the_place_its_bytes(void)
{
	thing_once s = { .raw = CHP_SET_ONCE_INIT };
	struct thing t = { 10, "first" }, out;

	dropped = 0;
	CHECK_CODE(thing_once_set(&s, t), 0);
	memset(&t, 'x', sizeof(t));
	CHECK_CODE(thing_once_set(&s, t), CHP_EALREADY);
	CHECK_EQ(thing_once_get(&s)->id, 10);
	CHECK(strcmp(thing_once_get(&s)->text, "first") == 0);
	CHECK_EQ(dropped, 0);
	CHECK_EQ(thing_once_take(&s, &out), 1);
	CHECK_EQ(out.id, 10);
	CHECK_EQ(thing_once_take(&s, &out), 0);
	check_empty(&s.raw.cell);
	thing_once_destroy(&s);
	CHECK_EQ(dropped, 0);

	CHECK_CODE(thing_once_set(&s, (struct thing){ 200, "" }), 0);
	CHECK_EQ(thing_once_take(&s, NULL), 1);
	CHECK_EQ(dropped, 200);
	CHECK_CODE(thing_once_set(&s, (struct thing){ 3000, "" }), 0);
	thing_once_destroy(&s);
	CHECK_EQ(dropped, 3200);
}

/* ---- Waiting ---- */

static int_once shared;

struct waiter {
	struct h_agent a;
	chp_wait w;
	int result, *value;
};

static void *await(void *arg)
{
	struct waiter *w = arg;

	w->result = set_wait(&shared.raw, &w->w);
	w->value = int_once_get(&shared);
	return NULL;
}

static void all_who_wait_are_told(void)
{
	struct waiter w[5] = { { .result = 1 } };

	memset(&shared, 0, sizeof(shared));
	for (int i = 0; i < 5; i++)
		h_spawn(&w[i].a, await, &w[i]);
	h_until(has_waiters(&shared.raw.cell));
	CHECK_CODE(int_once_set(&shared, 9), 0);
	for (int i = 0; i < 5; i++) {
		h_join(&w[i].a);
		CHECK_CODE(w[i].result, 0);
		CHECK(w[i].value == &shared.value);
		CHECK_EQ(*w[i].value, 9);
	}
	int_once_destroy(&shared);
}

static int woken[4], wakes;

static void note(void *data)
{
	woken[wakes++] = *(int *)data;
}

static void nothing(void *data)
{
	(void)data;
}

static const chp_waker_class noting_class = { note, nothing, nothing };

static void waiters_are_woken_oldest_first(void)
{
	int number[4] = { 0, 1, 2, 3 };
	chp_once_op op[4];

	memset(&shared, 0, sizeof(shared));
	wakes = 0;
	for (int i = 0; i < 4; i++) {
		chp_poll_ctx ctx = chp_poll_ctx_of(
			(chp_waker){ &noting_class, &number[i] });

		chp_set_once_wait_op(&op[i], &shared.raw);
		CHECK(!has_waiters(&shared.raw.cell) == (i == 0));
		CHECK_CODE(chp_op_poll(&op[i].op, &ctx), CHP_PENDING);
	}
	CHECK_EQ(chp_op_cancel(&op[1].op), CHP_HELD_NOTHING);
	CHECK_CODE(int_once_set(&shared, 1), 0);
	CHECK_EQ(wakes, 3);
	CHECK_EQ(woken[0], 0);
	CHECK_EQ(woken[1], 2);
	CHECK_EQ(woken[2], 3);
	CHECK_CODE(chp_op_poll(&op[2].op, NULL), 0);
	CHECK_EQ(chp_op_cancel(&op[0].op), CHP_HELD_NOTHING);
	CHECK_CODE(chp_op_poll(&op[3].op, NULL), 0);
	int_once_destroy(&shared);
}

static void waiting_costs_no_budget(void)
{
	struct h_waker w = { 0 };
	chp_once_op op;
	uint32_t budget = 0;

	memset(&shared, 0, sizeof(shared));
	CHECK_CODE(int_once_set(&shared, 1), 0);
	for (int i = 0; i < 300; i++) {
		chp_set_once_wait_op(&op, &shared.raw);
		CHECK_CODE(h_poll_within(&op.op, &w, &budget), 0);
	}
	int_once_destroy(&shared);
}

static void a_wait_ends_by_deadline_or_token(void)
{
	chp_cancel token = CHP_CANCEL_INIT;
	struct waiter w = { .w.cancel = &token };
	chp_wait past = { .deadline = chp_in(-1) };
	chp_wait soon = { .deadline = chp_in(CHP_MS) };

	memset(&shared, 0, sizeof(shared));
	CHECK_CODE(set_wait(&shared.raw, &past), CHP_ETIMEDOUT);
	CHECK_CODE(set_wait(&shared.raw, &soon), CHP_ETIMEDOUT);
	h_spawn(&w.a, await, &w);
	h_until(has_waiters(&shared.raw.cell));
	chp_cancel_now(&token);
	h_join(&w.a);
	CHECK_CODE(w.result, CHP_ECANCELED);
	CHECK(w.value == NULL);
	check_empty(&shared.raw.cell);
	CHECK_CODE(int_once_set(&shared, 1), 0);
	CHECK_CODE(set_wait(&shared.raw, &past), 0);
	CHECK_CODE(set_wait(&shared.raw, &w.w), CHP_ECANCELED);
	chp_cancel_destroy(&token);
	int_once_destroy(&shared);
}

static void typed_waits_give_the_value(void)
{
	int_once s = { .raw = CHP_SET_ONCE_INIT };
	chp_wait past = { .deadline = chp_in(-1) };
	int here, *p = &here;

	CHECK_CODE(int_once_wait_with(&s, &p, &past), CHP_ETIMEDOUT);
	CHECK(p == NULL);
	CHECK_CODE(int_once_set(&s, 3), 0);
	CHECK_CODE(int_once_wait(&s, &p), 0);
	CHECK(p == &s.value);
	CHECK_CODE(int_once_wait(&s, NULL), 0);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(int_once_wait(&s, &p), CHP_EINTR);
	CHECK_CODE(int_once_wait_with(&s, &p, &(chp_wait){ .flags = 6 }),
		   CHP_EINVAL);
	int_once_destroy(&s);
}

static void a_wait_is_interrupted(void)
{
	struct waiter w = { .w.flags = 0 };

	memset(&shared, 0, sizeof(shared));
	h_spawn(&w.a, await, &w);
	h_until(has_waiters(&shared.raw.cell));
	CHECK_CODE(chp_interrupt(w.a.agent), 0);
	h_join(&w.a);
	CHECK_CODE(w.result, CHP_EINTR);
	check_empty(&shared.raw.cell);
}

static void a_select_waits_for_the_first_that_is_set(void)
{
	chp_set_once first = CHP_SET_ONCE_INIT, second = CHP_SET_ONCE_INIT;
	chp_once_op op[2];
	chp_select_arm arms[2] = { { .op = &op[0].op }, { .op = &op[1].op } };

	chp_set_once_wait_op(&op[0], &first);
	chp_set_once_wait_op(&op[1], &second);
	CHECK_CODE(chp_set_once_set(&second, NULL, NULL, 0), 0);
	CHECK_EQ(h_select(arms, 2, CHP_CANCEL_LOSERS, NULL), 1);
	CHECK_CODE(arms[1].result, 0);
	check_empty(&first.cell);
	chp_set_once_destroy(&first);
	chp_set_once_destroy(&second);
}

/* ---- Misuse ---- */

static void destroy_watched(void *arg)
{
	chp_once_op op;

	chp_set_once_wait_op(&op, arg);
	chp_op_poll(&op.op, NULL);
	chp_set_once_destroy(arg);
}

static void take_watched(void *arg)
{
	chp_once_op op;

	chp_set_once_wait_op(&op, arg);
	chp_op_poll(&op.op, NULL);
	chp_set_once_take(arg);
}

static void misuse_stops_the_process(void)
{
	chp_set_once s = CHP_SET_ONCE_INIT;

	h_must_panic(destroy_watched, &s, "set once: destroyed while somebody");
	h_must_panic(take_watched, &s, "set once: emptied while somebody");
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_first_to_set_wins, IN_ALL),
	TEST(it_may_be_set_from_the_start, IN_ALL),
	TEST(a_bare_signal_has_no_value, IN_ALL),
	TEST(the_loser_keeps_its_value_and_the_place_its_bytes, IN_ALL),
	TEST(all_who_wait_are_told, IN_ALL),
	TEST(waiters_are_woken_oldest_first, IN_ALL),
	TEST(waiting_costs_no_budget, IN_THREADS),
	TEST(a_wait_ends_by_deadline_or_token, IN_ALL),
	TEST(typed_waits_give_the_value, IN_BLOCKING),
	TEST(a_wait_is_interrupted, IN_BLOCKING),
	TEST(a_select_waits_for_the_first_that_is_set, IN_ALL),
	TEST(misuse_stops_the_process, ON_ITS_OWN),
};
/* clang-format on */
H_MAIN("set_once", tests)
