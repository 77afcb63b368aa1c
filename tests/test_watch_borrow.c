/*
 * test_watch_borrow.c - borrowed values are counted snapshots: they delay
 * nobody, never change, live as long as they are held, wherever; and what they
 * cost in memory.
 */
#include "watch_ends.h"

static int shown(const chp_watch_ref *ref)
{
	return *(const int *)ref->value;
}

/* ---- What a ref shows ---- */

static void borrowing_marks_only_if_asked(void)
{
	chp_watch_ref ref;

	make();
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 0);
	chp_watch_ref_release(&ref);

	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK_EQ(shown(&ref), 2);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 1);
	chp_watch_ref_release(&ref);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);

	CHECK_CODE(chp_watch_borrow_and_update(&rx, &ref), 0);
	CHECK_EQ(shown(&ref), 2);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	chp_watch_ref_release(&ref);
	CHECK_CODE(chp_watch_borrow_and_update(&rx, &ref), 0);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 0);
	/* It says how it was, not how it is. */
	CHECK_CODE(send_int(&tx, 3), 0);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 0);
	chp_watch_ref_release(&ref);
	drop_both();
}

static void a_senders_ref_has_never_changed(void)
{
	chp_watch_ref ref;

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(chp_watch_tx_borrow(&tx, &ref), 0);
	CHECK_EQ(shown(&ref), 2);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	chp_watch_ref_release(&ref);
	drop_both();
}

static void borrowing_works_after_closing(void)
{
	chp_watch_ref ref;

	make();
	CHECK_CODE(send_int(&tx, 2), 0);
	chp_watch_tx_drop(&tx);
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK_EQ(shown(&ref), 2);
	CHECK_EQ(chp_watch_ref_has_changed(&ref), 1);
	chp_watch_ref_release(&ref);
	CHECK_CODE(chp_watch_borrow_and_update(&rx, &ref), 0);
	CHECK_EQ(shown(&ref), 2);
	chp_watch_ref_release(&ref);
	drop_both();
}

static void releasing_an_emptied_ref_does_nothing(void)
{
	chp_watch_ref ref = { 0 };

	chp_watch_ref_release(&ref);
	make();
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_EQ(h_load(&drops), 0);
	for (int i = 0; i < 3; i++) {
		chp_watch_ref_release(&ref);
		CHECK(!ref.value);
		CHECK_EQ(h_load(&drops), 1);
	}
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

/* ---- Borrowing and sending ---- */

static void *send_many(void *arg)
{
	for (int i = 2; i <= 100; i++)
		CHECK_CODE(send_int(arg, i), 0);
	return NULL;
}

/* tokio's Ref is a lock guard: here its sender would wait, and the second
   borrow behind it. */
static void held_borrows_delay_no_send_and_no_borrow(void)
{
	chp_watch_ref first, second, third;
	struct h_agent a;

	make();
	CHECK_CODE(chp_watch_borrow(&rx, &first), 0);
	h_spawn(&a, send_many, &tx);
	CHECK_CODE(chp_watch_borrow(&rx, &second), 0);
	h_join(&a);
	CHECK_CODE(chp_watch_borrow(&rx, &third), 0);
	CHECK_EQ(shown(&first), 1);
	CHECK(shown(&second) >= 1);
	CHECK_EQ(shown(&third), 100);
	CHECK(h_load(&drops) >= 97);
	chp_watch_ref_release(&second);
	CHECK_EQ(shown(&first), 1);
	chp_watch_ref_release(&first);
	CHECK_EQ(h_load(&drops), 99);
	chp_watch_ref_release(&third);
	CHECK_EQ(h_load(&drops), 99);
	drop_both();
	CHECK_EQ(h_load(&drops), 100);
}

static void a_value_is_destroyed_when_nobody_shows_it(void)
{
	chp_watch_ref a, b, c;

	make();
	CHECK_CODE(chp_watch_borrow(&rx, &a), 0);
	CHECK_CODE(chp_watch_tx_borrow(&tx, &b), 0);
	CHECK(a.value == b.value);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(chp_watch_send_replace(&tx, &(int){ 3 }, &c), 0);
	CHECK_EQ(h_load(&drops), 0);
	chp_watch_ref_release(&a);
	CHECK_EQ(h_load(&drops), 0);
	CHECK_EQ(shown(&b), 1);
	chp_watch_ref_release(&c);
	CHECK_EQ(h_load(&drops), 1);
	chp_watch_ref_release(&b);
	CHECK_EQ(h_load(&drops), 2);
	drop_both();
	CHECK_EQ(h_load(&drops), 3);
}

/* ---- Where a ref may go ---- */

static void *release_it(void *arg)
{
	chp_watch_ref *ref = arg;

	CHECK_EQ(shown(ref), 2);
	chp_watch_ref_release(ref);
	return NULL;
}

static void a_ref_outlives_the_handles(void)
{
	chp_watch_ref old, last;
	struct h_agent a;

	for (int first_tx = 0; first_tx < 2; first_tx++) {
		make();
		CHECK_CODE(chp_watch_borrow(&rx, &old), 0);
		CHECK_CODE(send_int(&tx, 2), 0);
		CHECK_CODE(chp_watch_borrow(&rx, &last), 0);
		if (first_tx)
			chp_watch_tx_drop(&tx);
		chp_watch_rx_drop(&rx);
		chp_watch_tx_drop(&tx);
		CHECK_EQ(h_load(&drops), 0);
		CHECK_EQ(shown(&old), 1);
		chp_watch_ref_release(&old);
		CHECK_EQ(h_load(&drops), 1);
		h_spawn(&a, release_it, &last);
		h_join(&a);
		CHECK_EQ(h_load(&drops), 2);
	}
}

static void a_moved_ref_is_released_once(void)
{
	chp_watch_ref *first = malloc(sizeof(*first)), second;

	make();
	CHECK_CODE(chp_watch_borrow(&rx, first), 0);
	second = *first;
	memset(first, 0xdd, sizeof(*first));
	free(first);
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_EQ(shown(&second), 1);
	chp_watch_ref_release(&second);
	CHECK_EQ(h_load(&drops), 1);
	drop_both();
}

/* ---- Copies ---- */

static int clones;

static int clone_or_fail(void *to, const void *from)
{
	clones++;
	if (*(const int *)from == 13)
		return CHP_EOVERFLOW;
	*(int *)to = *(const int *)from + 100;
	return 0;
}

static const chp_watch_values picky = { .clone = clone_or_fail,
					.drop = count_drop };

static void a_copy_is_made_by_clone(void)
{
	int got = 0;

	make_with(&picky);
	clones = 0;
	CHECK_CODE(send_int(&tx, 2), 0);
	CHECK_CODE(chp_watch_get(&rx, &got), 0);
	CHECK_EQ(got, 102);
	CHECK_EQ(clones, 1);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_CODE(chp_watch_get_and_update(&rx, &got), 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_EQ(value_of(&rx), 2);
	CHECK_EQ(h_load(&drops), 1);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

static void a_clone_that_fails_changes_nothing(void)
{
	int got = 0;

	make_with(&picky);
	CHECK_CODE(send_int(&tx, 13), 0);
	CHECK_CODE(chp_watch_get(&rx, &got), CHP_EOVERFLOW);
	CHECK_CODE(chp_watch_get_and_update(&rx, &got), CHP_EOVERFLOW);
	CHECK_EQ(got, 0);
	CHECK_EQ(chp_watch_has_changed(&rx), 1);
	CHECK_EQ(value_of(&rx), 13);
	drop_both();
	CHECK_EQ(h_load(&drops), 2);
}

/* ---- Callbacks use the channel ---- */

static int seen_in_drop[8], seen_count;

static void use_the_channel(void *value)
{
	chp_watch_rx another;
	int v = *(int *)value;

	count_drop(value);
	if (!tx.ch)
		return;
	seen_in_drop[seen_count++] = tx_value_of(&tx);
	chp_watch_subscribe(&tx, &another);
	CHECK_EQ(chp_watch_has_changed(&another), 0);
	if (v < 5)
		CHECK_CODE(send_int(&tx, v + 10), 0);
	CHECK_EQ(chp_watch_has_changed(&another), v < 5);
	chp_watch_rx_drop(&another);
}

static void a_destructor_may_use_the_channel(void)
{
	const chp_watch_values values = { .drop = use_the_channel };

	make_with(&values);
	seen_count = 0;
	/* Destroys 1, which sends 11, which destroys 7. */
	CHECK_CODE(send_int(&tx, 7), 0);
	CHECK_EQ(value_of(&rx), 11);
	CHECK_EQ(h_load(&drops), 2);
	CHECK_EQ(seen_count, 2);
	CHECK_EQ(seen_in_drop[0], 7);
	CHECK_EQ(seen_in_drop[1], 11);
	drop_both();
	CHECK_EQ(h_load(&drops), 3);
}

/* Each value holds on to the one before it. */
struct link {
	chp_watch_ref before;
	int id;
};

static void drop_link(void *value)
{
	struct link *l = value;

	count_drop(value);
	chp_watch_ref_release(&l->before);
}

static void values_may_hold_refs_of_their_own_channel(void)
{
	const chp_watch_values values = { .drop = drop_link };
	struct link l = { { 0 }, 0 };
	const struct link *p;
	enum { LENGTH = 50 };
	chp_watch_ref ref;

	h_store(&drops, 0);
	CHECK_CODE(chp_watch(sizeof(l), &values, &l, &tx, &rx), 0);
	for (l.id = 1; l.id < LENGTH; l.id++) {
		CHECK_CODE(chp_watch_borrow(&rx, &l.before), 0);
		CHECK_CODE(chp_watch_send(&tx, &l), 0);
	}
	CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
	drop_both();
	CHECK_EQ(h_load(&drops), 0);
	p = ref.value;
	for (int id = LENGTH - 1; id >= 0; id--, p = p->before.value)
		CHECK_EQ(p->id, id);
	CHECK(!p);
	chp_watch_ref_release(&ref);
	CHECK_EQ(h_load(&drops), LENGTH);
}

/* ---- Memory ---- */

static void add_one(void *value, void *arg)
{
	(void)arg;
	++*(int *)value;
}

static void stream(int from, int to, bool modify)
{
	chp_watch_ref ref;

	for (int i = from; i < to; i++) {
		if (modify)
			CHECK_CODE(chp_watch_send_modify(&tx, add_one, NULL),
				   0);
		else if (i % 5)
			CHECK_CODE(send_int(&tx, i), 0);
		else
			CHECK_CODE(chp_watch_send_replace(&tx, &i, NULL), 0);
		CHECK_CODE(chp_watch_borrow(&rx, &ref), 0);
		CHECK_EQ(shown(&ref), i);
		if (i % 3 == 0)
			CHECK_CODE(watch_changed(&rx, NULL), 0);
		chp_watch_ref_release(&ref);
	}
}

static void stream_of(const chp_watch_values *values, bool modify)
{
	long allocs;

	make_with(values);
	stream(2, 4, modify);
	allocs = h_allocs();
	stream(4, 500, modify);
	CHECK_EQ(h_allocs(), allocs);
	drop_both();
}

static void a_stream_of_changes_does_not_allocate(void)
{
	stream_of(NULL, false);
	stream_of(NULL, true);
	stream_of(&dropped, false);
	stream_of(&cloned, false);
	stream_of(&cloned, true);
}

/* Someone always has an old value. */
static void a_stream_of_changes_with_borrowers_does_not_allocate(void)
{
	chp_watch_ref held[2] = { { 0 }, { 0 } };
	long allocs = 0;

	make();
	for (int i = 2; i < 500; i++) {
		chp_watch_ref *ref = &held[i % 2];

		chp_watch_ref_release(ref);
		CHECK_CODE(chp_watch_borrow(&rx, ref), 0);
		CHECK_CODE(send_int(&tx, i), 0);
		CHECK_EQ(shown(ref), i - 1);
		if (i == 10)
			allocs = h_allocs();
	}
	CHECK_EQ(h_allocs(), allocs);
	chp_watch_ref_release(&held[0]);
	chp_watch_ref_release(&held[1]);
	drop_both();
}

static void memory_of_many_borrowed_values_is_given_back(void)
{
	enum { MANY = 100 };
	chp_watch_ref held[MANY];
	long blocks = h_blocks();

	make_with(NULL);
	for (int i = 0; i < MANY; i++) {
		CHECK_CODE(chp_watch_borrow(&rx, &held[i]), 0);
		CHECK_CODE(send_int(&tx, i), 0);
	}
	CHECK_EQ(h_blocks() - blocks, MANY + 1);
	for (int i = 0; i < MANY; i++) {
		/* Not in the order of their making. */
		int n = i * 37 % MANY;

		CHECK_EQ(shown(&held[n]), n ? n - 1 : 1);
		chp_watch_ref_release(&held[n]);
	}
	CHECK(h_blocks() - blocks <= 4);
	drop_both();
	CHECK_EQ(h_blocks(), blocks);
}

static void making_is_one_allocation(void)
{
	long allocs = h_allocs();

	make();
	CHECK_EQ(h_allocs(), allocs + 1);
	drop_both();
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(borrowing_marks_only_if_asked, IN_ALL),
	TEST(a_senders_ref_has_never_changed, IN_ALL),
	TEST(borrowing_works_after_closing, IN_ALL),
	TEST(releasing_an_emptied_ref_does_nothing, IN_ALL),
	TEST(held_borrows_delay_no_send_and_no_borrow, IN_ALL),
	TEST(a_value_is_destroyed_when_nobody_shows_it, IN_ALL),
	TEST(a_ref_outlives_the_handles, IN_ALL),
	TEST(a_moved_ref_is_released_once, IN_THREADS),
	TEST(a_copy_is_made_by_clone, IN_ALL),
	TEST(a_clone_that_fails_changes_nothing, IN_ALL),
	TEST(a_destructor_may_use_the_channel, IN_ALL),
	TEST(values_may_hold_refs_of_their_own_channel, IN_ALL),
	TEST(a_stream_of_changes_does_not_allocate, IN_THREADS | IN_CT),
	TEST(a_stream_of_changes_with_borrowers_does_not_allocate,
	     IN_THREADS | IN_CT),
	TEST(memory_of_many_borrowed_values_is_given_back, IN_THREADS | IN_CT),
	TEST(making_is_one_allocation, IN_THREADS),
};
/* clang-format on */
H_MAIN("watch_borrow", tests)
