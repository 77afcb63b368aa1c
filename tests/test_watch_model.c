/*
 * test_watch_model.c - every sequence of four calls (three, where all is slower)
 * on a watch channel with two senders, two receivers and a ref, and long random
 * ones, against a model of what the header says: results, what was seen, what
 * is shown, handles counted, values destroyed, memory given back.
 */
#include "watch.h"

enum { TXS = 2, RXS = 2 };

static chp_watch_tx tx[TXS];
static chp_watch_rx rx[RXS];
static chp_watch_ref ref;

enum act {
	SEND,
	REPLACE, /* the old value to the ref */
	REPLACE_DROP,
	MODIFY,
	MODIFY_IN_SILENCE,
	BORROW,
	UPDATE,
	TX_BORROW,
	RELEASE,
	GET_UPDATE,
	CHANGED,
	WAIT_FOR,
	CLOSED,
	MARK_CHANGED,
	MARK_UNCHANGED,
	SUBSCRIBE, /* the other receiver */
	RX_CLONE,
	RX_DROP,
	TX_CLONE, /* the other sender */
	TX_DROP,
	ACTS
};

struct model {
	bool tx[TXS], rx[RXS];
	long seen[RXS]; /* version */
	long version;
	int value, next;
	int shown;   /* by the ref; 0: empty */
	bool is_old; /* what it shows is not the value any more */
	bool changed;
	unsigned made; /* values ever */
};

static int txs(const struct model *m)
{
	return m->tx[0] + m->tx[1];
}

static int rxs(const struct model *m)
{
	return m->rx[0] + m->rx[1];
}

static void model_release(struct model *m)
{
	m->shown = 0;
	m->is_old = m->changed = false;
}

static void model_show(struct model *m, int value, bool is_old, bool changed)
{
	m->shown = value;
	m->is_old = is_old;
	m->changed = changed;
}

static void model_put(struct model *m, int value, bool tell)
{
	m->is_old = m->shown != 0;
	m->value = value;
	m->version += tell;
	m->made++;
}

/* Which: the handle that acts. */
static int model_tx_act(struct model *m, enum act a, int which)
{
	if (a == TX_DROP) {
		m->tx[which] = false;
		return 0;
	}
	if (a == TX_BORROW || a == REPLACE)
		model_release(m);
	if (!m->tx[which])
		return a == SUBSCRIBE || a == TX_CLONE ? 0 : CHP_EINVAL;
	switch (a) {
	case SEND:
		if (!rxs(m))
			return CHP_ECLOSED;
		model_put(m, m->next, true);
		return 0;
	case REPLACE: {
		int old = m->value;

		model_put(m, m->next, true);
		model_show(m, old, true, false);
		return 0;
	}
	case REPLACE_DROP:
		model_put(m, m->next, true);
		return 0;
	case MODIFY:
		model_put(m, m->value + 100, true);
		return 0;
	case MODIFY_IN_SILENCE:
		model_put(m, m->value + 100, false);
		return 0;
	case TX_BORROW:
		model_show(m, m->value, false, false);
		return 0;
	case CLOSED:
		return rxs(m) ? CHP_PENDING : 0;
	case SUBSCRIBE:
		if (!m->rx[!which]) {
			m->rx[!which] = true;
			m->seen[!which] = m->version;
		}
		return 0;
	default: /* TX_CLONE */
		m->tx[!which] = true;
		return 0;
	}
}

static int model_changed(struct model *m, int which)
{
	if (m->seen[which] == m->version)
		return txs(m) ? CHP_PENDING : CHP_ECLOSED;
	m->seen[which] = m->version;
	return 0;
}

/* Waits for an odd value. */
static int model_wait_for(struct model *m, int which)
{
	bool changed = m->seen[which] != m->version;

	m->seen[which] = m->version;
	if (m->value % 2) {
		model_show(m, m->value, false, changed);
		return 0;
	}
	return txs(m) ? CHP_PENDING : CHP_ECLOSED;
}

static int model_rx_act(struct model *m, enum act a, int which)
{
	bool changed = m->seen[which] != m->version;

	if (a == BORROW || a == UPDATE || a == WAIT_FOR)
		model_release(m);
	if (a == MARK_CHANGED && m->rx[which])
		m->seen[which] = -1;
	if (a == MARK_UNCHANGED && m->rx[which])
		m->seen[which] = m->version;
	if (a == RX_CLONE && m->rx[which] && !m->rx[!which]) {
		m->rx[!which] = true;
		m->seen[!which] = m->seen[which];
	}
	if (a == RX_DROP)
		m->rx[which] = false;
	if (a == MARK_CHANGED || a == MARK_UNCHANGED || a == RX_CLONE ||
	    a == RX_DROP)
		return 0;
	if (!m->rx[which])
		return CHP_EINVAL;
	switch (a) {
	case BORROW:
	case UPDATE:
		model_show(m, m->value, false, changed);
		if (a == UPDATE)
			m->seen[which] = m->version;
		return 0;
	case GET_UPDATE:
		m->seen[which] = m->version;
		m->made++; /* a clone, which we destroy */
		return 0;
	case CHANGED:
		return model_changed(m, which);
	default:
		return model_wait_for(m, which);
	}
}

static bool is_tx_act(enum act a)
{
	return a <= MODIFY_IN_SILENCE || a == TX_BORROW || a == CLOSED ||
	       a == SUBSCRIBE || a == TX_CLONE || a == TX_DROP;
}

static int model_act(struct model *m, enum act a, int which)
{
	if (a == RELEASE) {
		model_release(m);
		return 0;
	}
	return is_tx_act(a) ? model_tx_act(m, a, which)
			    : model_rx_act(m, a, which);
}

/* ---- The real thing ---- */

static void add_100(void *value, void *arg)
{
	(void)arg;
	*(int *)value += 100;
}

static int add_100_in_silence(void *value, void *arg)
{
	add_100(value, arg);
	return 0;
}

static int is_odd(const void *value, void *arg)
{
	(void)arg;
	return *(const int *)value % 2;
}

/* Poll once; a wait that would last is given up and must leave no trace. */
static int poll_and_give_up(chp_watch_op *op)
{
	struct h_waker w = { { 0 } };
	int r = h_poll(&op->op, &w);

	CHECK_EQ(h_refs(&w), r == CHP_PENDING);
	if (r == CHP_PENDING)
		CHECK_EQ(chp_op_cancel(&op->op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&w), 0);
	CHECK_EQ(h_wakes(&w), 0);
	return r;
}

static int get_update(chp_watch_rx *r, int expected)
{
	int got = -1, code = chp_watch_get_and_update(r, &got);

	if (code == 0) {
		CHECK_EQ(got, expected);
		count_drop(&got);
	}
	return code;
}

static int real_act(const struct model *m, enum act a, int which)
{
	chp_watch_tx *t = &tx[which];
	chp_watch_rx *r = &rx[which];
	chp_watch_op op;
	int next = m->next;

	/* What would be overwritten is released first. */
	if (a == REPLACE || a == BORROW || a == UPDATE || a == TX_BORROW ||
	    a == WAIT_FOR)
		chp_watch_ref_release(&ref);
	switch (a) {
	case SEND:
		return chp_watch_send(t, &next);
	case REPLACE:
		return chp_watch_send_replace(t, &next, &ref);
	case REPLACE_DROP:
		return chp_watch_send_replace(t, &next, NULL);
	case MODIFY:
		return chp_watch_send_modify(t, add_100, NULL);
	case MODIFY_IN_SILENCE:
		return chp_watch_send_if_modified(t, add_100_in_silence, NULL);
	case BORROW:
		return chp_watch_borrow(r, &ref);
	case UPDATE:
		return chp_watch_borrow_and_update(r, &ref);
	case TX_BORROW:
		return chp_watch_tx_borrow(t, &ref);
	case RELEASE:
		chp_watch_ref_release(&ref);
		return 0;
	case GET_UPDATE:
		return get_update(r, m->value);
	case CHANGED:
		chp_watch_changed_op(&op, r);
		return poll_and_give_up(&op);
	case WAIT_FOR:
		chp_watch_wait_for_op(&op, r, is_odd, NULL, &ref);
		return poll_and_give_up(&op);
	case CLOSED:
		chp_watch_closed_op(&op, t);
		return poll_and_give_up(&op);
	case MARK_CHANGED:
		chp_watch_mark_changed(r);
		return 0;
	case MARK_UNCHANGED:
		chp_watch_mark_unchanged(r);
		return 0;
	case SUBSCRIBE:
		if (!rx[!which].ch)
			chp_watch_subscribe(t, &rx[!which]);
		return 0;
	case RX_CLONE:
		if (!rx[!which].ch)
			chp_watch_rx_clone(r, &rx[!which]);
		return 0;
	case RX_DROP:
		chp_watch_rx_drop(r);
		return 0;
	case TX_CLONE:
		if (t->ch && !tx[!which].ch)
			chp_watch_tx_clone(t, &tx[!which]);
		return 0;
	default:
		chp_watch_tx_drop(t);
		return 0;
	}
}

static void check_against(const struct model *m)
{
	unsigned kept = 0;

	for (int i = 0; i < TXS; i++) {
		if (!m->tx[i])
			continue;
		CHECK_EQ(chp_watch_sender_count(&tx[i]), txs(m));
		CHECK_EQ(chp_watch_receiver_count(&tx[i]), rxs(m));
		CHECK_EQ(chp_watch_is_closed(&tx[i]), rxs(m) == 0);
		CHECK_EQ(tx_value_of(&tx[i]), m->value);
	}
	for (int i = 0; i < RXS; i++) {
		if (!m->rx[i]) {
			CHECK_CODE(chp_watch_has_changed(&rx[i]), CHP_EINVAL);
			continue;
		}
		CHECK_CODE(chp_watch_has_changed(&rx[i]),
			   txs(m) ? m->seen[i] != m->version : CHP_ECLOSED);
		CHECK_EQ(value_of(&rx[i]), m->value);
	}
	CHECK_EQ(ref.value ? *(const int *)ref.value : 0, m->shown);
	if (m->shown)
		CHECK_EQ(chp_watch_ref_has_changed(&ref), m->changed);
	kept = txs(m) + rxs(m) > 0;
	if (m->shown && (m->is_old || !kept))
		kept++;
	CHECK_EQ(h_load(&drops), m->made - kept);
}

static struct model begin(void)
{
	struct model m = { .tx = { true }, .rx = { true }, .value = 2 };

	h_store(&drops, 0);
	memset(tx, 0, sizeof(tx));
	memset(rx, 0, sizeof(rx));
	memset(&ref, 0, sizeof(ref));
	CHECK_CODE(chp_watch(sizeof(int), &cloned, &m.value, &tx[0], &rx[0]),
		   0);
	m.made = 1;
	m.next = 3;
	return m;
}

static void step(struct model *m, enum act a, int which, const char *where)
{
	int r = real_act(m, a, which), expected = model_act(m, a, which);

	m->next += 1 + (a == SEND);
	if (r != expected)
		h_fail(__FILE__, __LINE__, "%s: act %d on %d: %s, not %s",
		       where, a, which, chp_errname(r), chp_errname(expected));
	check_against(m);
}

static void end(struct model *m)
{
	chp_watch_ref_release(&ref);
	for (int i = 0; i < 2; i++) {
		chp_watch_tx_drop(&tx[i]);
		chp_watch_rx_drop(&rx[i]);
	}
	CHECK_EQ(h_load(&drops), m->made);
}

static void every_sequence_of_calls_does_as_the_model_says(void)
{
	long length = h_rounds(4) > 3 ? 4 : 3, all = 1, blocks = h_blocks();
	char where[64];

	for (int i = 0; i < length; i++)
		all *= 2 * ACTS;
	for (long sequence = 0; sequence < all; sequence++) {
		struct model m = begin();
		long rest = sequence;

		snprintf(where, sizeof(where), "sequence %ld", sequence);
		for (int i = 0; i < length; i++, rest /= 2 * ACTS)
			step(&m, (enum act)(rest / 2 % ACTS), rest % 2, where);
		end(&m);
		CHECK_EQ(h_blocks(), blocks);
	}
}

static void long_random_sequences_do_as_the_model_says(void)
{
	struct h_rng r = h_rng(h_seed(), 11);
	long blocks = h_blocks();
	char where[64];

	for (long n = h_rounds(5000); n; n--) {
		struct model m = begin();

		for (int i = 0; i < 60; i++) {
			enum act a = (enum act)h_below(&r, ACTS);

			snprintf(where, sizeof(where), "round %ld, call %d", n,
				 i);
			/* Dropped handles would stay so. */
			if ((a == RX_DROP || a == TX_DROP) && h_below(&r, 3))
				continue;
			step(&m, a, (int)h_below(&r, 2), where);
		}
		end(&m);
		CHECK_EQ(h_blocks(), blocks);
	}
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(every_sequence_of_calls_does_as_the_model_says,
	     IN_THREADS | IN_CT),
	TEST(long_random_sequences_do_as_the_model_says, IN_THREADS | IN_CT),
};
/* clang-format on */
H_MAIN("watch_model", tests)
