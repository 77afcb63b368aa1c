/*
 * test_oneshot_model.c - every sequence of five calls on a oneshot, on both
 * halves and in every order, against a model of what the header says: results,
 * what is closed, empty and used up, values destroyed, memory given back.
 */
#include "oneshot.h"

enum act {
	SEND,
	TX_DROP,
	TRY_RECV,
	TRY_RECV_NULL,
	RECV,
	CLOSED,
	CLOSE,
	RX_DROP,
	ACTS
};

struct model {
	bool tx, rx; /* the handle is not empty */
	bool stored, closed;
	unsigned drops;
};

/* What a receive says; it empties rx unless it is `none`. */
static int model_recv(struct model *m, int none, bool into_nothing)
{
	if (!m->stored && m->tx && !m->closed)
		return none;
	m->rx = false;
	if (!m->stored)
		return CHP_ECLOSED;
	m->stored = false;
	m->drops += into_nothing;
	return 0;
}

static int model_act(struct model *m, enum act a)
{
	bool could_send = m->tx && m->rx && !m->closed;

	switch (a) {
	case SEND:
		if (!m->tx)
			return CHP_EINVAL;
		m->tx = false;
		m->stored = could_send;
		return could_send ? 0 : CHP_ECLOSED;
	case TX_DROP:
		m->tx = false;
		return 0;
	case TRY_RECV:
	case TRY_RECV_NULL:
		return m->rx ? model_recv(m, CHP_EAGAIN, a == TRY_RECV_NULL)
			     : CHP_ECLOSED;
	case RECV:
		return m->rx ? model_recv(m, CHP_PENDING, false) : CHP_EINVAL;
	case CLOSED:
		if (!m->tx)
			return CHP_EINVAL;
		return could_send ? CHP_PENDING : 0;
	case CLOSE:
		m->closed |= m->rx;
		return 0;
	default:
		m->drops += m->stored;
		m->stored = m->rx = false;
		return 0;
	}
}

/* Poll once; a wait that would last is given up and must leave no trace. */
static int poll_and_give_up(chp_op *op)
{
	struct h_waker w = { { 0 } };
	int r = h_poll(op, &w);

	CHECK_EQ(h_refs(&w), r == CHP_PENDING);
	if (r == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(op), CHP_HELD_NOTHING);
	CHECK(chp_op_is_finished(op));
	CHECK_EQ(h_refs(&w), 0);
	CHECK_EQ(h_wakes(&w), 0);
	return r;
}

static int real_act(enum act a)
{
	chp_oneshot_op op;
	int got = -1, r;

	switch (a) {
	case SEND:
		return chp_oneshot_send(&tx, &(int){ 77 });
	case TX_DROP:
		chp_oneshot_tx_drop(&tx);
		return 0;
	case TRY_RECV:
		r = chp_oneshot_try_recv(&rx, &got);
		break;
	case TRY_RECV_NULL:
		return chp_oneshot_try_recv(&rx, NULL);
	case RECV:
		chp_oneshot_recv_op(&op, &rx, &got);
		r = poll_and_give_up(&op.op);
		break;
	case CLOSED:
		chp_oneshot_closed_op(&op, &tx);
		return poll_and_give_up(&op.op);
	case CLOSE:
		chp_oneshot_close(&rx);
		return 0;
	default:
		chp_oneshot_rx_drop(&rx);
		return 0;
	}
	CHECK_EQ(got, r == 0 ? 77 : -1);
	return r;
}

static void check_against(const struct model *m)
{
	CHECK_EQ(chp_oneshot_is_closed(&tx), !m->tx || m->closed || !m->rx);
	CHECK_EQ(chp_oneshot_is_empty(&rx), !m->stored);
	CHECK_EQ(chp_oneshot_is_terminated(&rx), !m->rx);
	CHECK_EQ(h_load(&drops), m->drops);
}

static void every_sequence_of_calls_does_as_the_model_says(void)
{
	enum { LENGTH = 5 };
	long all = 1, blocks = h_blocks();

	for (int i = 0; i < LENGTH; i++)
		all *= ACTS;
	for (long sequence = 0; sequence < all; sequence++) {
		struct model m = { true, true, false, false, 0 };
		long rest = sequence;

		make(count_drop);
		for (int i = 0; i < LENGTH; i++, rest /= ACTS) {
			enum act a = (enum act)(rest % ACTS);
			int r = real_act(a), expected = model_act(&m, a);

			if (r != expected)
				h_fail(__FILE__, __LINE__,
				       "sequence %#lo, call %d: %s, not %s",
				       sequence, i, chp_errname(r),
				       chp_errname(expected));
			check_against(&m);
		}
		m.drops += m.stored;
		drop_both();
		CHECK_EQ(h_load(&drops), m.drops);
		CHECK_EQ(h_blocks(), blocks);
	}
}

static const struct h_test tests[] = {
	TEST(every_sequence_of_calls_does_as_the_model_says,
	     IN_THREADS | IN_CT),
};
H_MAIN("oneshot_model", tests)
