/*
 * test_mpmc_memory.c - a channel with many receivers when memory runs out:
 * making one is refused; a send into an unbounded one fails with the value
 * still the sender's; a large message that is to be destroyed stays.
 *
 * Memory runs out because the allocator says so.
 */
#include "mpmc.h"
#include "runner.h"

/* Blocks of at least this size are refused. */
static size_t largest = SIZE_MAX;

static void *picky_alloc(size_t size, void *user)
{
	(void)user;
	return size < largest ? malloc(size) : NULL;
}

static void picky_free(void *memory, size_t size, void *user)
{
	(void)size;
	(void)user;
	free(memory);
}

static chp_mpmc_tx tx;
static chp_mpmc_rx rx;

enum { SIZE = 4096 };

static unsigned char value[SIZE], out[SIZE];

static void channels_without_memory_are_refused(void)
{
	largest = 1;
	CHECK_CODE(chp_mpmc_bounded(1, 8, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK_CODE(chp_mpmc_unbounded(8, NULL, &tx, &rx), CHP_ENOMEM);
	/* Enough for the channel, too little for its buffer. */
	largest = 100000;
	CHECK_CODE(chp_mpmc_bounded(100, 1000, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK_CODE(chp_mpmc_bounded(0, 100000, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK(!tx.ch && !rx.ch);
	CHECK_CODE(chp_mpmc_bounded(10, 1000, NULL, &tx, &rx), 0);
	largest = SIZE_MAX;
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

static void a_send_without_memory_keeps_the_value(void)
{
	chp_mpmc_op op;
	int sent = 0, r;

	h_store(&drops, 0);
	CHECK_CODE(chp_mpmc_unbounded(SIZE, count_drop, &tx, &rx), 0);
	value[0] = 0;
	CHECK_CODE(chp_mpmc_send(&tx, value), 0);
	largest = 1;
	/* Until the block is full. */
	do {
		value[0] = (unsigned char)++sent;
		r = sent % 2 ? chp_mpmc_send(&tx, value)
			     : chp_mpmc_try_send(&tx, value);
	} while (r == 0);
	CHECK_CODE(r, CHP_ENOMEM);
	CHECK(sent > 1);
	CHECK_CODE(chp_mpmc_try_send(&tx, value), CHP_ENOMEM);
	CHECK_CODE(chp_mpmc_send(&tx, value), CHP_ENOMEM);
	chp_mpmc_send_op(&op, &tx, value);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ENOMEM);
	CHECK_EQ(chp_mpmc_len(&rx), sent);
	for (int i = 0; i < sent; i++) {
		CHECK_CODE(chp_mpmc_recv(&rx, out), 0);
		CHECK_EQ(out[0], i);
	}
	CHECK_CODE(chp_mpmc_try_recv(&rx, out), CHP_EAGAIN);
	largest = SIZE_MAX;
	CHECK_CODE(chp_mpmc_send(&tx, value), 0);
	/* Closed wins over out of memory. */
	while (chp_mpmc_len(&rx) < 100)
		CHECK_CODE(chp_mpmc_send(&tx, value), 0);
	largest = 1;
	while (chp_mpmc_try_send(&tx, value) == 0)
		;
	chp_mpmc_close(&rx);
	CHECK_CODE(chp_mpmc_try_send(&tx, value), CHP_ECLOSED);
	CHECK_CODE(chp_mpmc_send(&tx, value), CHP_ECLOSED);
	largest = SIZE_MAX;
	sent = (int)chp_mpmc_len(&rx);
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
	CHECK_EQ(h_load(&drops), sent);
}

static void a_message_that_cannot_be_destroyed_stays(void)
{
	chp_mpmc_op op, next;

	h_store(&drops, 0);
	CHECK_CODE(chp_mpmc_bounded(4, SIZE, count_drop, &tx, &rx), 0);
	/* One that waits, and is promised a message, passes it on. */
	chp_mpmc_recv_op(&op, &rx, NULL);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	chp_mpmc_recv_op(&next, &rx, out);
	CHECK_CODE(chp_op_poll(&next.op, NULL), CHP_PENDING);
	CHECK_CODE(chp_mpmc_try_send(&tx, value), 0);
	largest = 1;
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ENOMEM);
	CHECK_CODE(chp_op_poll(&next.op, NULL), 0);

	CHECK_CODE(chp_mpmc_try_send(&tx, value), 0);
	CHECK_CODE(chp_mpmc_try_recv(&rx, NULL), CHP_ENOMEM);
	CHECK_CODE(chp_mpmc_recv(&rx, NULL), CHP_ENOMEM);
	CHECK_EQ(chp_mpmc_recv_many(&rx, NULL, 3), CHP_ENOMEM);
	chp_mpmc_recv_op(&op, &rx, NULL);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_ENOMEM);
	CHECK_EQ(chp_mpmc_len(&rx), 1);
	CHECK_EQ(h_load(&drops), 0);
	CHECK_CODE(chp_mpmc_try_recv(&rx, out), 0);
	largest = SIZE_MAX;
	chp_mpmc_tx_drop(&tx);
	chp_mpmc_rx_drop(&rx);
}

/* ---- Running: h_run() would bring an allocator of its own ---- */

static bool call(void *arg)
{
	(*(void (**)(void))arg)();
	return true;
}

int main(void)
{
	static void (*const fns[])(void) = {
		channels_without_memory_are_refused,
		a_send_without_memory_keeps_the_value,
		a_message_that_cannot_be_destroyed_stays,
	};
	static const struct h_case cases[] = {
		{ "mpmc_memory/alone/channels_without_memory_are_refused", call,
		  (void *)&fns[0] },
		{ "mpmc_memory/alone/a_send_without_memory_keeps_the_value",
		  call, (void *)&fns[1] },
		{ "mpmc_memory/alone/a_message_that_cannot_be_destroyed_stays",
		  call, (void *)&fns[2] },
	};
	chp_allocator picky = { picky_alloc, picky_free, NULL };
	const char *filter = getenv("CHP_TEST_FILTER");
	struct h_case wanted[3];
	size_t n = 0;

	CHECK_CODE(chp_set_allocator(&picky), 0);
	for (int i = 0; i < 3; i++)
		if (!filter || strstr(cases[i].name, filter))
			wanted[n++] = cases[i];
	return h_run_cases("mpmc_memory", wanted, n) ? 1 : 0;
}
