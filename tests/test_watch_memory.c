/*
 * test_watch_memory.c - a watch channel when memory runs out: a send fails only
 * if replaced values are borrowed, leaves the value with the caller, and
 * changes nothing.
 *
 * Memory runs out because the address space is limited for a while; sanitizers
 * cannot live with that.
 */
#include "memory.h"
#include "watch.h"

enum { SIZE = 1 << 20, MANY = 200 };

static chp_watch_tx tx;
static chp_watch_rx rx;

static void making_without_memory_is_refused(void)
{
	size_t huge = (size_t)1 << 40;
	long blocks = h_blocks();

	if (!limit_memory(64 << 20))
		return;
	CHECK_CODE(chp_watch(huge, NULL, NULL, &tx, &rx), CHP_ENOMEM);
	CHECK(!tx.ch && !rx.ch);
	CHECK_CODE(chp_watch_tx_new(huge, NULL, NULL, &tx), CHP_ENOMEM);
	CHECK(!tx.ch);
	CHECK_EQ(h_blocks(), blocks);
	unlimit_memory();
}

static int never_called(void *value, void *arg)
{
	(void)value;
	(void)arg;
	CHECK(!"called");
	return 1;
}

static void never_called_either(void *value, void *arg)
{
	never_called(value, arg);
}

static void check_refused(const unsigned char *v, int value)
{
	chp_watch_ref old;

	chp_watch_mark_unchanged(&rx);
	CHECK_CODE(chp_watch_send(&tx, v), CHP_ENOMEM);
	CHECK_CODE(chp_watch_send_replace(&tx, v, NULL), CHP_ENOMEM);
	CHECK_CODE(chp_watch_send_replace(&tx, v, &old), CHP_ENOMEM);
	CHECK(!old.value);
	CHECK_CODE(chp_watch_send_modify(&tx, never_called_either, NULL),
		   CHP_ENOMEM);
	CHECK_CODE(chp_watch_send_if_modified(&tx, never_called, NULL),
		   CHP_ENOMEM);
	CHECK_EQ(chp_watch_has_changed(&rx), 0);
	CHECK_CODE(chp_watch_borrow(&rx, &old), 0);
	CHECK_EQ(*(const unsigned char *)old.value, value);
	chp_watch_ref_release(&old);
}

static void a_send_without_memory_keeps_the_value(void)
{
	unsigned char *v = malloc(SIZE);
	chp_watch_ref held[MANY];
	int n;

	memset(v, 0, SIZE);
	CHECK_CODE(chp_watch(SIZE, NULL, v, &tx, &rx), 0);
	if (!limit_memory(64 << 20))
		goto out;
	for (n = 0; n < MANY; n++) {
		CHECK_CODE(chp_watch_borrow(&rx, &held[n]), 0);
		v[0] = (unsigned char)(n + 1);
		if (chp_watch_send(&tx, v) != 0)
			break;
	}
	CHECK(n > 5 && n < MANY);
	check_refused(v, n);
	for (int i = 0; i <= n; i++) {
		CHECK_EQ(*(const unsigned char *)held[i].value, i);
		chp_watch_ref_release(&held[i]);
	}
	/* With nobody that holds on to old values, nothing is needed. */
	for (int i = 0; i < 10; i++) {
		v[0] = (unsigned char)i;
		CHECK_CODE(chp_watch_send(&tx, v), 0);
	}
	unlimit_memory();
out:
	chp_watch_tx_drop(&tx);
	chp_watch_rx_drop(&rx);
	free(v);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(making_without_memory_is_refused, IN_THREADS),
	TEST(a_send_without_memory_keeps_the_value, IN_THREADS),
};
/* clang-format on */
H_MAIN("watch_memory", tests)
