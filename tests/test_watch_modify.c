/*
 * test_watch_modify.c - changing the value in place: nobody sees half a change,
 * nothing that was stored is lost, functions take their turns; silent changes.
 */
#include "watch_ends.h"

/* ---- One sender ---- */

static void a_modification_is_a_change(void)
{
	make_with(NULL);
	CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 5 }), 0);
	CHECK_EQ(value_of(&rx), 6);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(watch_changed(&rx, NULL), 0);
	/* Also if it changed nothing. */
	CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 0 }), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	drop_both();
}

static void modifying_needs_no_receiver(void)
{
	make_with(NULL);
	chp_watch_rx_drop(&rx);
	CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 5 }), 0);
	CHECK_EQ(tx_value_of(&tx), 6);
	chp_watch_subscribe(&tx, &rx);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	drop_both();
}

/* 1: adds and tells; 2: adds in silence; else neither. */
static int perhaps(void *value, void *arg)
{
	int how = *(int *)arg;

	if (how == 1 || how == 2)
		*(int *)value += 10;
	return how == 1 ? 77 : 0;
}

static void receivers_are_told_only_if_the_function_says_so(void)
{
	make_with(NULL);
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 0 }), 0);
	CHECK_EQ(value_of(&rx), 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 1 }), 1);
	CHECK_EQ(value_of(&rx), 11);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_watch_mark_unchanged(&rx);

	/* A silent change: seen by borrows, but no news. */
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 2 }), 0);
	CHECK_EQ(value_of(&rx), 21);
	CHECK_EQ(tx_value_of(&tx), 21);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	drop_both();
}

static void a_silent_change_wakes_nobody(void)
{
	struct h_waker w = { { 0 } };
	chp_watch_op op;

	make_with(NULL);
	chp_watch_changed_op(&op, &rx);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 2 }), 0);
	CHECK_EQ(h_wakes(&w), 0);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 1 }), 1);
	CHECK_EQ(h_wakes(&w), 1);
	CHECK_CODE(h_poll(&op.op, &w), 0);
	CHECK_EQ(value_of(&rx), 21);
	CHECK_EQ(h_refs(&w), 0);
	drop_both();
}

static void borrowers_keep_what_they_have(void)
{
	chp_watch_ref ref;

	make_with(NULL);
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 5 }), 0);
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 2 }), 0);
	CHECK_EQ(*(const int *)ref.value, 1);
	CHECK_EQ(value_of(&rx), 16);
	chp_watch_ref_release(&ref);
	drop_both();
}

static void a_modification_works_on_a_clone(void)
{
	make_with(&cloned);
	for (int i = 1; i <= 20; i++) {
		CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 1 }), 0);
		/* The original is destroyed, the clone is the value. */
		CHECK_EQ(h_load(&drops), i);
		CHECK_EQ(value_of(&rx), 1 + i);
	}
	CHECK_EQ(chp_watch_send_if_modified(&tx, perhaps, &(int){ 0 }), 0);
	CHECK_EQ(h_load(&drops), 21);
	drop_both();
	CHECK_EQ(h_load(&drops), 22);
}

static int refuse_to_clone(void *to, const void *from)
{
	(void)to;
	(void)from;
	return CHP_ENOMEM;
}

static void must_not_run(void *value, void *arg)
{
	(void)value;
	(void)arg;
	CHECK(!"called");
}

static void without_a_clone_nothing_is_modified(void)
{
	const chp_watch_values values = { .clone = refuse_to_clone,
					  .drop = count_drop };
	long blocks;

	make_with(&values);
	CHECK_CODE(send_int(&tx, 1), 0);
	chp_watch_mark_unchanged(&rx);
	blocks = h_blocks();
	for (int i = 0; i < 5; i++)
		CHECK_CODE(chp_watch_send_modify(&tx, must_not_run, NULL),
			   CHP_ENOMEM);
	CHECK_EQ(h_blocks(), blocks);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_EQ(h_load(&drops), 1);
	/* The turn was given back. */
	CHECK_CODE(chp_watch_send_modify(&tx, must_not_run, NULL), CHP_ENOMEM);
	CHECK_CODE(send_int(&tx, 2), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 3);
}

static void large_values_are_modified_too(void)
{
	size_t size = 100000;
	int *in = malloc(size), *out = malloc(size);
	enum { ROUNDS = 20 };

	for (size_t i = 0; i < size / sizeof(*in); i++)
		in[i] = (int)i;
	CHECK_CODE(chp_watch(size, NULL, in, &tx, &rx), 0);
	for (int i = 0; i < ROUNDS; i++)
		CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 3 }), 0);
	CHECK_CODE(chp_watch_get(&rx, out), 0);
	in[0] += 3 * ROUNDS;
	CHECK(memcmp(in, out, size) == 0);
	drop_both();
	free(in);
	free(out);
}

/* ---- What the function may do ---- */

static void look_around(void *value, void *arg)
{
	chp_watch_rx another;
	int got = 0;

	*(int *)value = 50;
	/* Not yet there for anyone. */
	CHECK_EQ(value_of(&rx), 1);
	CHECK_CODE(chp_watch_get(&rx, &got), 0);
	CHECK_EQ(got, 1);
	CHECK_EQ(tx_value_of(&tx), 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	chp_watch_subscribe(&tx, &another);
	CHECK_EQ(chp_watch_receiver_count(&tx), 2);
	chp_watch_rx_drop(&another);
	h_yield();
	*(int *)value += *(int *)arg;
}

static void the_function_may_look_at_its_channel(void)
{
	make_with(NULL);
	CHECK_CODE(chp_watch_send_modify(&tx, look_around, &(int){ 5 }), 0);
	CHECK_EQ(value_of(&rx), 55);
	drop_both();
}

/* The send is the later change of the two. */
static void send_within(void *value, void *arg)
{
	int *calls = arg;

	++*calls;
	CHECK_CODE(send_int(&tx, 30), 0);
	CHECK_EQ(value_of(&rx), 30);
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 31 }, NULL), 0);
	*(int *)value = 99;
}

static int send_within_in_silence(void *value, void *arg)
{
	send_within(value, arg);
	return 0;
}

static void a_send_meanwhile_is_not_lost(void)
{
	int calls = 0;

	make_with(&cloned);
	CHECK_CODE(chp_watch_send_modify(&tx, send_within, &calls), 0);
	CHECK_EQ(calls, 1);
	CHECK_EQ(value_of(&rx), 31);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	/* 1, 30 and what the function made of the clone of 1. */
	CHECK_EQ(h_load(&drops), 3);
	CHECK_EQ(
		chp_watch_send_if_modified(&tx, send_within_in_silence, &calls),
		0);
	CHECK_EQ(calls, 2);
	CHECK_EQ(value_of(&rx), 31);
	CHECK_EQ(h_load(&drops), 6);
	drop_both();
	CHECK_EQ(h_load(&drops), 7);
}

static void modify_within(void *value, void *arg)
{
	(void)value;
	chp_watch_send_modify(&tx, add_to, arg);
}

static void replace_within(void *value, void *arg)
{
	chp_watch_ref ref;

	(void)arg;
	chp_watch_send_replace(&tx, value, &ref);
}

static void nested(void *arg)
{
	int v = 1;

	make_with(NULL);
	chp_watch_send_modify(&tx, arg ? replace_within : modify_within, &v);
}

static void modifying_from_within_is_misuse(void)
{
	h_must_panic(nested, NULL,
		     "watch: a modifying function changes its "
		     "own channel");
	h_must_panic(nested, &tx, "watch: a modifying function");
}

static void drop_all_handles(void *value, void *arg)
{
	(void)arg;
	*(int *)value = 5;
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
}

/* The header forbids it; nothing breaks all the same. */
static void a_function_that_drops_its_own_channel_does_no_harm(void)
{
	make_with(&cloned);
	CHECK_CODE(chp_watch_send_modify(&tx, drop_all_handles, NULL), 0);
	/* The value and what was made of it. */
	CHECK_EQ(h_load(&drops), 2);
}

/* ---- Turns ---- */

static chp_word inside, waiting, go_on;

static void hold_the_turn(void *value, void *arg)
{
	CHECK_EQ(h_add(&inside, 1), 0);
	*(int *)value += *(int *)arg;
	h_until(h_load(&go_on));
	h_store(&inside, 0);
}

static void *modify_slowly(void *arg)
{
	CHECK_CODE(chp_watch_send_modify(&tx, hold_the_turn, arg), 0);
	return NULL;
}

struct adder {
	struct h_agent a;
	int n;
};

static int order[8];
static chp_word ordered;

static void note_and_add(void *value, void *arg)
{
	CHECK_EQ(h_add(&inside, 1), 0);
	order[h_add(&ordered, 1)] = *(int *)arg;
	*(int *)value += *(int *)arg;
	h_store(&inside, 0);
}

static void *modify_once(void *arg)
{
	struct adder *a = arg;

	h_add(&waiting, 1);
	CHECK_CODE(chp_watch_send_modify(&tx, note_and_add, &a->n), 0);
	return NULL;
}

static void functions_run_one_at_a_time_and_all_count(void)
{
	enum { ADDERS = 4 };
	struct adder a[ADDERS];
	struct h_agent slow;
	int sum = 0;

	make_with(NULL);
	h_store(&inside, 0);
	h_store(&waiting, 0);
	h_store(&go_on, 0);
	h_store(&ordered, 0);
	h_spawn(&slow, modify_slowly, &(int){ 1000 });
	h_until(h_load(&inside));
	for (int i = 0; i < ADDERS; i++) {
		a[i].n = i + 1;
		sum += a[i].n;
		h_spawn(&a[i].a, modify_once, &a[i]);
	}
	/* Nothing waits for the functions but functions. */
	CHECK_EQ(value_of(&rx), 1);
	CHECK_EQ(h_load(&ordered), 0);
	h_store(&go_on, 1);
	h_join(&slow);
	for (int i = 0; i < ADDERS; i++)
		h_join(&a[i].a);
	CHECK_EQ(value_of(&rx), 1 + 1000 + sum);
	CHECK_EQ(h_load(&ordered), ADDERS);
	/* Where each surely queued before the next one came: in order. */
	for (int i = 0; i < ADDERS && h_mode() == H_CT; i++)
		CHECK_EQ(order[i], i + 1);
	drop_both();
}

static void a_send_does_not_wait_for_a_function(void)
{
	struct h_agent slow;

	make_with(NULL);
	h_store(&inside, 0);
	h_store(&go_on, 0);
	h_spawn(&slow, modify_slowly, &(int){ 1000 });
	h_until(h_load(&inside));
	CHECK_CODE(send_int(&tx, 5), 0);
	CHECK_EQ(value_of(&rx), 5);
	h_store(&go_on, 1);
	h_join(&slow);
	CHECK_EQ(value_of(&rx), 5);
	CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 2 }), 0);
	CHECK_EQ(value_of(&rx), 7);
	drop_both();
}

static chp_word replaced;

static void *replace_and_look(void *arg)
{
	chp_watch_ref old;

	h_add(&waiting, 1);
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 7 }, &old), 0);
	h_store(&replaced, 1);
	CHECK_EQ(*(const int *)old.value, 1001);
	chp_watch_ref_release(&old);
	return arg;
}

/* Else the function's work would be lost: it is in neither value. */
static void send_replace_hands_out_what_a_function_made(void)
{
	struct h_agent slow, a;

	make_with(NULL);
	h_store(&inside, 0);
	h_store(&go_on, 0);
	h_store(&waiting, 0);
	h_store(&replaced, 0);
	h_spawn(&slow, modify_slowly, &(int){ 1000 });
	h_until(h_load(&inside));
	h_spawn(&a, replace_and_look, NULL);
	h_until(h_load(&waiting));
	for (int i = 0; i < 20; i++)
		h_yield();
	CHECK_EQ(h_load(&replaced), 0);
	CHECK_EQ(value_of(&rx), 1);
	h_store(&go_on, 1);
	h_join(&slow);
	h_join(&a);
	CHECK_EQ(value_of(&rx), 7);
	drop_both();
}

/* Waiting for one's turn is uninterruptible, and leaves the flag. */
static void *modify_interrupted(void *arg)
{
	struct adder *a = arg;

	h_add(&waiting, 1);
	CHECK_CODE(chp_watch_send_modify(&tx, note_and_add, &a->n), 0);
	CHECK_EQ(chp_interrupted(), 1);
	return NULL;
}

static void an_interrupt_does_not_end_a_turn(void)
{
	struct adder a = { .n = 3 };
	struct h_agent slow;

	make_with(NULL);
	h_store(&inside, 0);
	h_store(&waiting, 0);
	h_store(&go_on, 0);
	h_store(&ordered, 0);
	h_spawn(&slow, modify_slowly, &(int){ 1000 });
	h_until(h_load(&inside));
	h_spawn(&a.a, modify_interrupted, &a);
	h_until(h_load(&waiting));
	CHECK_CODE(chp_interrupt(a.a.agent), 0);
	for (int i = 0; i < 20; i++)
		h_yield();
	CHECK_EQ(h_load(&ordered), 0);
	h_store(&go_on, 1);
	h_join(&slow);
	h_join(&a.a);
	CHECK_EQ(value_of(&rx), 1004);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_modification_is_a_change, IN_ALL),
	TEST(modifying_needs_no_receiver, IN_ALL),
	TEST(receivers_are_told_only_if_the_function_says_so, IN_ALL),
	TEST(a_silent_change_wakes_nobody, IN_THREADS | IN_MT),
	TEST(borrowers_keep_what_they_have, IN_ALL),
	TEST(a_modification_works_on_a_clone, IN_ALL),
	TEST(without_a_clone_nothing_is_modified, IN_ALL),
	TEST(large_values_are_modified_too, IN_ALL),
	TEST(the_function_may_look_at_its_channel, IN_ALL),
	TEST(a_send_meanwhile_is_not_lost, IN_ALL),
	TEST(modifying_from_within_is_misuse, ON_ITS_OWN),
	TEST(a_function_that_drops_its_own_channel_does_no_harm, IN_ALL),
	TEST(functions_run_one_at_a_time_and_all_count, IN_ALL),
	TEST(a_send_does_not_wait_for_a_function, IN_ALL),
	TEST(send_replace_hands_out_what_a_function_made, IN_ALL),
	TEST(an_interrupt_does_not_end_a_turn, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("watch_modify", tests)
