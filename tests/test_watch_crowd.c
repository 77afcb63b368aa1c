/*
 * test_watch_crowd.c - many who wait for one send, and wakers that poll, give
 * up, send and drop from inside it.
 */
#include "watch_ends.h"

enum { MANY = 150 };

/* ---- More waiters than a batch of wakes holds ---- */

struct crowd {
	struct h_agent a;
	chp_watch_rx rx;
	chp_watch_op op[MANY / 5];
	chp_watch_rx handle[MANY / 5];
	struct h_waker w[MANY / 5];
};

static chp_word polled;

static void *be_a_crowd(void *arg)
{
	struct crowd *c = arg;
	int r[MANY / 5];

	for (int i = 0; i < MANY / 5; i++) {
		chp_watch_rx_clone(&c->rx, &c->handle[i]);
		chp_watch_changed_op(&c->op[i], &c->handle[i]);
		r[i] = h_poll(&c->op[i].op, &c->w[i]);
	}
	h_add(&polled, 1);
	for (int i = 0; i < MANY / 5; i++) {
		if (r[i] == CHP_PENDING && i % 3 == 0) {
			/* Given up, perhaps in the moment of the send. */
			chp_op_cancel(&c->op[i].op);
			r[i] = watch_changed(&c->handle[i], NULL);
		} else if (r[i] == CHP_PENDING) {
			h_until(h_wakes(&c->w[i]) > 0);
			r[i] = h_poll(&c->op[i].op, &c->w[i]);
		}
		CHECK_CODE(r[i], 0);
		CHECK(h_wakes(&c->w[i]) <= 1);
		memset(&c->op[i], 0xdd, sizeof(c->op[i]));
		chp_watch_rx_drop(&c->handle[i]);
		h_until(h_refs(&c->w[i]) == 0);
	}
	chp_watch_rx_drop(&c->rx);
	return NULL;
}

static void a_crowd_of_receivers_all_hear_of_a_send(void)
{
	enum { CROWDS = 5 };
	static struct crowd c[CROWDS];

	for (long round = h_rounds(100); round; round--) {
		make_with(&cloned);
		h_store(&polled, 0);
		memset(c, 0, sizeof(c));
		for (int i = 0; i < CROWDS; i++) {
			chp_watch_rx_clone(&rx, &c[i].rx);
			h_spawn(&c[i].a, be_a_crowd, &c[i]);
		}
		if (round % 2)
			h_until(h_load(&polled) == CROWDS);
		CHECK_CODE(send_int(&tx, 2), 0);
		for (int i = 0; i < CROWDS; i++)
			h_join(&c[i].a);
		drop_both();
		CHECK_EQ(h_load(&drops), 2);
	}
}

/* ---- Wakers that poll, send and drop from inside the send ---- */

struct actor {
	chp_watch_op op;
	chp_watch_rx rx;
	int refs;
	int how;
};

static int woken;

static void actor_put(struct actor *a, int refs)
{
	a->refs -= refs;
	if (a->refs == 0)
		free(a);
}

static void actor_release(void *data)
{
	actor_put(data, 1);
}

static void actor_retain(void *data)
{
	((struct actor *)data)->refs++;
}

/* Finishes or gives up, spoils the operation, drops its handle. */
static void actor_wake(void *data)
{
	struct actor *a = data;

	woken++;
	if (a->how % 2)
		CHECK_CODE(chp_op_poll(&a->op.op, NULL), 0);
	else
		CHECK_EQ(chp_op_cancel(&a->op.op), CHP_HELD_NOTHING);
	memset(&a->op, 0xdd, sizeof(a->op));
	CHECK(value_of(&a->rx) >= 2);
	if (a->how == 2)
		CHECK_CODE(chp_watch_send_modify(&tx, add_to, &(int){ 1 }), 0);
	if (a->how == 3)
		CHECK_CODE(send_int(&tx, 3), 0);
	chp_watch_rx_drop(&a->rx);
	actor_put(a, 2);
}

static const chp_waker_class actor_class = { actor_wake, actor_retain,
					     actor_release };

static void start_actor(int how)
{
	struct actor *a = calloc(1, sizeof(*a));
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &actor_class, a });

	a->refs = 1;
	a->how = how;
	chp_watch_rx_clone(&rx, &a->rx);
	chp_watch_changed_op(&a->op, &a->rx);
	CHECK_CODE(chp_op_poll(&a->op.op, &ctx), CHP_PENDING);
}

static void wakers_may_finish_give_up_and_send(void)
{
	for (int how = 0; how < 4; how++) {
		woken = 0;
		make_with(&cloned);
		for (int i = 0; i < MANY; i++)
			start_actor(how < 2 || i == 0 ? how : how % 2);
		if (how % 2)
			CHECK_CODE(send_int(&tx, 2), 0);
		else
			CHECK_CODE(
				chp_watch_send_modify(&tx, add_to, &(int){ 1 }),
				0);
		CHECK_EQ(woken, MANY);
		CHECK_EQ(chp_watch_receiver_count(&tx), 1);
		CHECK_EQ(value_of(&rx), how < 2 ? 2 : 3);
		drop_both();
		CHECK_EQ(h_load(&drops), how < 2 ? 2 : 3);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_crowd_of_receivers_all_hear_of_a_send, IN_ALL),
	TEST(wakers_may_finish_give_up_and_send, IN_THREADS | IN_MT),
};
/* clang-format on */

H_MAIN("watch_crowd", tests)
