/*
 * test_once_cell.c - a once cell as its users see it: who makes the value, what
 * the others get, what a failure does, setting, taking, destroying.  Polling
 * and waiting are in test_once_cell_op.c and test_once_cell_wait.c.
 */
#include "once.h"

struct thing {
	int id;
	int made_by_failure_number;
};

static int dropped; /* ids of things destroyed, added up */

static void drop_thing(struct thing *t)
{
	dropped += t->id;
}

CHP_ONCE_CELL_DEFINE_DROP(thing_cell, struct thing, drop_thing);
CHP_ONCE_CELL_DEFINE(int_cell, int);

static int runs; /* of the inits below */

static int make(int *value, void *arg)
{
	runs++;
	*value = *(int *)arg;
	return 0;
}

/* Spoils the place and fails with the code it is given. */
static int refuse(int *value, void *arg)
{
	runs++;
	*value = -1;
	return *(int *)arg;
}

/* ---- One caller ---- */

static void the_first_makes_the_value_and_all_have_it(void)
{
	static int_cell cell; /* all-zero */
	int_cell c = { .raw = CHP_ONCE_CELL_INIT };
	int *p = NULL, *q = NULL;

	runs = 0;
	CHECK(int_cell_get(&c) == NULL);
	CHECK_EQ(int_cell_initialized(&c), 0);
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 7 }, &p), 0);
	CHECK(p == &c.value);
	CHECK_EQ(*p, 7);
	CHECK(int_cell_get(&c) == p);
	CHECK_EQ(int_cell_initialized(&c), 1);
	CHECK_EQ(chp_once_cell_initialized(&c.raw), 1);
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 8 }, &q), 0);
	CHECK(p == q);
	CHECK_EQ(*q, 7);
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 9 }, NULL), 0);
	CHECK_EQ(runs, 1);
	/* Through the pointer, the value may be changed. */
	*p = 70;
	CHECK_EQ(*int_cell_get(&c), 70);
	int_cell_destroy(&c);

	CHECK(int_cell_get(&cell) == NULL);
	CHECK_CODE(int_cell_get_or_init(&cell, make, &(int){ 3 }, &p), 0);
	CHECK_EQ(*p, 3);
	int_cell_destroy(&cell);
}

static void a_failure_goes_to_its_caller_alone(void)
{
	int codes[] = { CHP_ENOMEM, -12345, 1, 7 };
	int_cell c = { .raw = CHP_ONCE_CELL_INIT };
	int here = 0, *p;

	runs = 0;
	for (int i = 0; i < 4; i++) {
		p = &here;
		CHECK_CODE(int_cell_get_or_init(&c, refuse, &codes[i], &p),
			   codes[i]);
		CHECK(p == NULL);
		CHECK(int_cell_get(&c) == NULL);
		check_empty(&c.raw);
	}
	CHECK_CODE(int_cell_get_or_init(&c, refuse, &codes[0], NULL),
		   CHP_ENOMEM);
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 5 }, &p), 0);
	CHECK_EQ(*p, 5);
	CHECK_CODE(int_cell_get_or_init(&c, refuse, &codes[0], &p), 0);
	CHECK_EQ(*p, 5);
	CHECK_EQ(runs, 6);
	int_cell_destroy(&c);
}

static void a_cell_is_set_once(void)
{
	int_cell c = { .raw = CHP_ONCE_CELL_INIT };
	int *p;

	runs = 0;
	CHECK_CODE(int_cell_set(&c, 4), 0);
	CHECK_CODE(int_cell_set(&c, 5), CHP_EALREADY);
	CHECK_EQ(*int_cell_get(&c), 4);
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 6 }, &p), 0);
	CHECK_EQ(*p, 4);
	CHECK_EQ(runs, 0);
	CHECK_CODE(chp_once_cell_try_begin(&c.raw), CHP_EALREADY);
	CHECK_CODE(cell_begin(&c.raw, NULL), 0);
	CHECK_CODE(cell_wait(&c.raw, NULL), 0);
	int_cell_destroy(&c);
}

static int_cell busy;

static int look_while_making(int *value, void *arg)
{
	/* Neither set nor a try waits for the one who is at it: for us. */
	CHECK_CODE(int_cell_set(&busy, 1), CHP_EBUSY);
	CHECK_CODE(chp_once_cell_try_begin(&busy.raw), CHP_EBUSY);
	CHECK(int_cell_get(&busy) == NULL);
	CHECK_EQ(int_cell_initialized(&busy), 0);
	*value = 2;
	return *(int *)arg;
}

static void setting_does_not_wait_for_an_init(void)
{
	int *p;

	CHECK_CODE(int_cell_get_or_init(&busy, look_while_making,
					&(int){ CHP_EBUSY }, &p),
		   CHP_EBUSY);
	CHECK_CODE(
		int_cell_get_or_init(&busy, look_while_making, &(int){ 0 }, &p),
		0);
	CHECK_CODE(int_cell_set(&busy, 1), CHP_EALREADY);
	CHECK_EQ(*p, 2);
	CHECK_EQ(int_cell_take(&busy, NULL), 1);
}

static void a_cell_may_start_with_a_value(void)
{
	int_cell c = { CHP_ONCE_CELL_INIT_SET, 31 };
	int *p;

	CHECK_EQ(*int_cell_get(&c), 31);
	CHECK_CODE(int_cell_set(&c, 5), CHP_EALREADY);
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 6 }, &p), 0);
	CHECK_EQ(*p, 31);
	int_cell_destroy(&c);
}

static void taking_leaves_an_empty_cell(void)
{
	int_cell c = { .raw = CHP_ONCE_CELL_INIT };
	int out = -1, *p;

	CHECK_EQ(int_cell_take(&c, &out), 0);
	CHECK_EQ(out, -1);
	for (int i = 1; i < 4; i++) {
		CHECK_CODE(int_cell_set(&c, i), 0);
		CHECK_EQ(int_cell_take(&c, &out), 1);
		CHECK_EQ(out, i);
		check_empty(&c.raw);
		CHECK(int_cell_get(&c) == NULL);
	}
	CHECK_CODE(int_cell_get_or_init(&c, make, &(int){ 9 }, &p), 0);
	CHECK_EQ(*p, 9);
	CHECK_EQ(int_cell_take(&c, NULL), 1);
	int_cell_destroy(&c);
}

static int make_thing(struct thing *t, void *arg)
{
	t->id = *(int *)arg;
	return t->id < 0 ? t->id : 0;
}

static void a_destructor_gets_what_is_there_and_nobody_took(void)
{
	thing_cell c = { .raw = CHP_ONCE_CELL_INIT };
	struct thing *t, out;

	dropped = 0;
	thing_cell_destroy(&c);
	CHECK_EQ(dropped, 0);
	/* A failed init leaves nothing to destroy. */
	CHECK_CODE(thing_cell_get_or_init(&c, make_thing, &(int){ -5 }, &t),
		   -5);
	thing_cell_destroy(&c);
	CHECK_EQ(dropped, 0);

	CHECK_CODE(thing_cell_get_or_init(&c, make_thing, &(int){ 10 }, &t), 0);
	CHECK_CODE(thing_cell_set(&c, (struct thing){ 20, 0 }), CHP_EALREADY);
	CHECK_EQ(dropped, 0);
	thing_cell_destroy(&c);
	CHECK_EQ(dropped, 10);
	/* Destroyed, and as good as new. */
	check_empty(&c.raw);
	CHECK_CODE(thing_cell_set(&c, (struct thing){ 300, 0 }), 0);
	CHECK_EQ(thing_cell_take(&c, &out), 1);
	CHECK_EQ(out.id, 300);
	CHECK_EQ(dropped, 10);
	CHECK_CODE(thing_cell_set(&c, (struct thing){ 4000, 0 }), 0);
	CHECK_EQ(thing_cell_take(&c, NULL), 1);
	CHECK_EQ(dropped, 4010);
	thing_cell_destroy(&c);
	CHECK_EQ(dropped, 4010);
}

/* ---- Several callers ---- */

static int_cell shared;

struct caller {
	struct h_agent a;
	int wants, code; /* what its init gives, and returns */
	int ran;
	int result, *value;
};

static chp_word may_end;

static int make_slowly(int *value, void *arg)
{
	struct caller *c = arg;

	c->ran++;
	*value = c->wants;
	h_until(h_load(&may_end));
	return c->code;
}

static int make_at_once(int *value, void *arg)
{
	struct caller *c = arg;

	c->ran++;
	*value = c->wants;
	return c->code;
}

/* get_or_init, polling where the mode polls. */
static int get_or_init(int_cell *c, int (*init)(int *value, void *arg),
		       void *arg, int **out)
{
	int r;

	if (h_mode() != H_POLLED)
		return int_cell_get_or_init(c, init, arg, out);
	r = cell_begin(&c->raw, NULL);
	if (r == 1) {
		r = init(&c->value, arg);
		if (r == 0)
			chp_once_cell_finish(&c->raw);
		else
			chp_once_cell_fail(&c->raw);
	}
	*out = r == 0 ? &c->value : NULL;
	return r;
}

static void *call_slowly(void *arg)
{
	struct caller *c = arg;

	c->result = get_or_init(&shared, make_slowly, c, &c->value);
	return NULL;
}

static void *call(void *arg)
{
	struct caller *c = arg;

	c->result = get_or_init(&shared, make_at_once, c, &c->value);
	return NULL;
}

static void *look_on(void *arg)
{
	struct caller *c = arg;

	c->result = cell_wait(&shared.raw, NULL);
	c->value = int_cell_get(&shared);
	return NULL;
}

static void shared_is_new(void)
{
	memset(&shared, 0, sizeof(shared));
	h_store(&may_end, 0);
}

static void those_who_come_meanwhile_wait_for_the_value(void)
{
	struct caller first = { .wants = 11 }, others[6] = { { .wants = 0 } };

	shared_is_new();
	h_spawn(&first.a, call_slowly, &first);
	h_until(is_running(&shared.raw));
	for (int i = 0; i < 6; i++)
		h_spawn(&others[i].a, i % 2 ? look_on : call, &others[i]);
	h_until(has_waiters(&shared.raw));
	CHECK(int_cell_get(&shared) == NULL);
	CHECK_CODE(int_cell_set(&shared, 1), CHP_EBUSY);
	h_store(&may_end, 1);
	h_join(&first.a);
	CHECK_CODE(first.result, 0);
	for (int i = 0; i < 6; i++) {
		h_join(&others[i].a);
		CHECK_CODE(others[i].result, 0);
		CHECK(others[i].value == &shared.value);
		CHECK_EQ(others[i].ran, 0);
	}
	CHECK_EQ(first.ran, 1);
	CHECK_EQ(shared.value, 11);
	int_cell_destroy(&shared);
}

static void after_a_failure_the_next_runs_its_own_init(void)
{
	struct caller first = { .wants = 1, .code = CHP_ENOMEM };
	struct caller next = { .wants = 2 };

	shared_is_new();
	h_spawn(&first.a, call_slowly, &first);
	h_until(is_running(&shared.raw));
	h_spawn(&next.a, call, &next);
	h_until(has_waiters(&shared.raw));
	h_store(&may_end, 1);
	h_join(&first.a);
	h_join(&next.a);
	CHECK_CODE(first.result, CHP_ENOMEM);
	CHECK(first.value == NULL);
	CHECK_CODE(next.result, 0);
	CHECK(next.value == &shared.value);
	CHECK_EQ(next.ran, 1);
	CHECK_EQ(shared.value, 2);
	int_cell_destroy(&shared);
}

static void one_who_looks_on_waits_across_failures(void)
{
	struct caller watcher = { .wants = 0 };

	shared_is_new();
	h_spawn(&watcher.a, look_on, &watcher);
	h_until(has_waiters(&shared.raw));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(cell_begin(&shared.raw, NULL), 1);
		CHECK_CODE(chp_once_cell_try_begin(&shared.raw), CHP_EBUSY);
		chp_once_cell_fail(&shared.raw);
		CHECK(has_waiters(&shared.raw));
	}
	CHECK_CODE(int_cell_set(&shared, 5), 0);
	h_join(&watcher.a);
	CHECK_CODE(watcher.result, 0);
	CHECK_EQ(*watcher.value, 5);
	int_cell_destroy(&shared);
}

static void *end_the_turn(void *arg)
{
	shared.value = 6;
	chp_once_cell_finish(arg);
	return NULL;
}

/* The turn belongs to nobody's stack. */
static void another_may_end_the_turn(void)
{
	struct h_agent a;

	shared_is_new();
	CHECK_EQ(cell_begin(&shared.raw, NULL), 1);
	h_spawn(&a, end_the_turn, &shared.raw);
	CHECK_CODE(cell_wait(&shared.raw, NULL), 0);
	CHECK_EQ(*int_cell_get(&shared), 6);
	h_join(&a);
	int_cell_destroy(&shared);
}

/* ---- Misuse ---- */

static void destroy_running(void *arg)
{
	chp_once_cell_begin(arg);
	chp_once_cell_destroy(arg);
}

static void take_running(void *arg)
{
	chp_once_cell_begin(arg);
	chp_once_cell_take(arg);
}

static void destroy_watched(void *arg)
{
	chp_once_op op;

	chp_once_cell_wait_op(&op, arg);
	chp_op_poll(&op.op, NULL);
	chp_once_cell_destroy(arg);
}

static void finish_twice(void *arg)
{
	chp_once_cell_begin(arg);
	chp_once_cell_finish(arg);
	chp_once_cell_finish(arg);
}

static void fail_empty(void *arg)
{
	chp_once_cell_fail(arg);
}

static void misuse_stops_the_process(void)
{
	static const struct {
		void (*fn)(void *arg);
		const char *sentence;
	} cases[] = {
		{ destroy_running, "once cell: destroyed while somebody" },
		{ destroy_watched, "once cell: destroyed while somebody" },
		{ take_running, "once cell: emptied while somebody" },
		{ finish_twice, "once cell: finish by one who does not have" },
		{ fail_empty, "once cell: fail by one who does not have" },
	};
	chp_once_cell c = CHP_ONCE_CELL_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		h_must_panic(cases[i].fn, &c, cases[i].sentence);
}

static void the_codes_have_names(void)
{
	CHECK(strcmp(chp_errname(CHP_EALREADY), "CHP_EALREADY") == 0);
	CHECK(strcmp(chp_strerror(CHP_EALREADY), "it has been done already") ==
	      0);
	CHECK_EQ(CHP_EALREADY, -EALREADY);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_first_makes_the_value_and_all_have_it, IN_ALL),
	TEST(a_failure_goes_to_its_caller_alone, IN_ALL),
	TEST(a_cell_is_set_once, IN_ALL),
	TEST(setting_does_not_wait_for_an_init, IN_ALL),
	TEST(a_cell_may_start_with_a_value, IN_ALL),
	TEST(taking_leaves_an_empty_cell, IN_ALL),
	TEST(a_destructor_gets_what_is_there_and_nobody_took, IN_ALL),
	TEST(those_who_come_meanwhile_wait_for_the_value, IN_ALL),
	TEST(after_a_failure_the_next_runs_its_own_init, IN_ALL),
	TEST(one_who_looks_on_waits_across_failures, IN_ALL),
	TEST(another_may_end_the_turn, IN_ALL),
	TEST(misuse_stops_the_process, ON_ITS_OWN),
	TEST(the_codes_have_names, ON_ITS_OWN),
};
/* clang-format on */
H_MAIN("once_cell", tests)
