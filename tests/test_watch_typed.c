/*
 * test_watch_typed.c - the typed wrappers of watch channels as their users
 * write them.  That a wrong type does not compile is shown by
 * must_not_compile/.
 */
#include "watch.h"

struct config {
	int version;
	char *text; /* on the heap */
};

typedef const char *word;

static int texts; /* that are out */

static char *make_text(const char *text)
{
	__atomic_fetch_add(&texts, 1, __ATOMIC_RELAXED);
	return strdup(text);
}

static int config_clone(struct config *to, const struct config *from)
{
	to->version = from->version;
	to->text = make_text(from->text);
	return 0;
}

static void config_drop(struct config *c)
{
	__atomic_fetch_sub(&texts, 1, __ATOMIC_RELAXED);
	free(c->text);
}

CHP_WATCH_DEFINE(ints, int);
CHP_WATCH_DEFINE(words, word);
CHP_WATCH_DEFINE_DROP(fixed, struct config, config_drop);
CHP_WATCH_DEFINE_CLONE(configs, struct config, config_clone, config_drop);
/* A type whose values must stand on an aligned address. */
CHP_WATCH_DEFINE(wides, long double);

static void use(const struct config *c)
{
	char text[16];

	snprintf(text, sizeof(text), "version %d", c->version);
	CHECK(strcmp(c->text, text) == 0);
}

static struct config config(int version)
{
	char text[16];
	struct config c = { version, NULL };

	snprintf(text, sizeof(text), "version %d", version);
	c.text = make_text(text);
	return c;
}

static int is_version(const struct config *c, void *arg)
{
	return c->version == *(int *)arg;
}

static void next_version(struct config *c, void *arg)
{
	int to = *(int *)arg;

	config_drop(c);
	*c = config(to);
}

static int next_even_version(struct config *c, void *arg)
{
	next_version(c, arg);
	return c->version % 2 == 0;
}

struct reader {
	struct h_agent a;
	configs_rx rx;
	int last;
};

static void *follow(void *arg)
{
	struct reader *r = arg;
	configs_ref ref;
	chp_wait forever = { 0 };

	for (;;) {
		CHECK_CODE(configs_borrow_and_update(&r->rx, &ref), 0);
		use(configs_value(&ref));
		r->last = configs_value(&ref)->version;
		configs_ref_release(&ref);
		if (configs_changed_with(&r->rx, &forever) != 0)
			break;
	}
	configs_rx_drop(&r->rx);
	return NULL;
}

static void a_config_is_followed(void)
{
	struct reader r[3];
	configs_tx tx, tx2;
	configs_rx rx;
	int v = 2;

	texts = 0;
	CHECK_CODE(configs(config(1), &tx, &rx), 0);
	for (int i = 0; i < 3; i++) {
		if (i)
			configs_rx_clone(&rx, &r[i].rx);
		else
			configs_subscribe(&tx, &r[i].rx);
		h_spawn(&r[i].a, follow, &r[i]);
	}
	configs_tx_clone(&tx, &tx2);
	CHECK_CODE(configs_send_modify(&tx2, next_version, &v), 0);
	v = 3;
	CHECK_EQ(configs_send_if_modified(&tx, next_even_version, &v), 0);
	v = 4;
	CHECK_EQ(configs_send_if_modified(&tx, next_even_version, &v), 1);
	CHECK_CODE(configs_send(&tx2, config(5)), 0);
	configs_tx_drop(&tx2);
	configs_tx_drop(&tx);
	for (int i = 0; i < 3; i++) {
		h_join(&r[i].a);
		CHECK_EQ(r[i].last, 5);
	}
	configs_rx_drop(&rx);
}

static void a_config_is_waited_for(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	struct config got;
	configs_tx tx;
	configs_rx rx;
	configs_ref ref, old;
	int v = 2;

	texts = 0;
	CHECK_CODE(configs(config(1), &tx, &rx), 0);
	CHECK_CODE(configs_wait_for_with(&rx, is_version, &v, &ref, &past),
		   CHP_ETIMEDOUT);
	CHECK(!configs_value(&ref));
	CHECK_CODE(configs_send_replace(&tx, config(2), &old), 0);
	use(configs_value(&old));
	configs_ref_release(&old);
	CHECK_CODE(configs_wait_for(&rx, is_version, &v, &ref), 0);
	use(configs_value(&ref));
	configs_ref_release(&ref);
	CHECK_CODE(configs_wait_for(&rx, is_version, &v, NULL), 0);
	CHECK_CODE(configs_get(&rx, &got), 0);
	use(&got);
	config_drop(&got);
	CHECK_CODE(configs_get_and_update(&rx, &got), 0);
	config_drop(&got);
	CHECK_CODE(configs_tx_borrow(&tx, &ref), 0);
	use(configs_value(&ref));
	configs_ref_release(&ref);
	configs_rx_drop(&rx);
	CHECK_CODE(configs_closed(&tx), 0);
	configs_tx_drop(&tx);
	CHECK_EQ(texts, 0);
}

static void without_functions_the_wrappers_refuse(void)
{
	configs_tx tx;
	configs_rx rx;

	texts = 0;
	CHECK_CODE(configs(config(1), &tx, &rx), 0);
	CHECK_CODE(configs_send_modify(&tx, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(configs_send_if_modified(&tx, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(configs_wait_for(&rx, NULL, NULL, NULL), CHP_EINVAL);
	CHECK_CODE(configs_send_replace(&tx, config(2), NULL), 0);
	CHECK_EQ(configs_has_changed(&rx), 1);
	configs_tx_drop(&tx);
	configs_rx_drop(&rx);
	CHECK_EQ(texts, 0);
}

static void values_with_a_destructor_are_borrowed(void)
{
	struct config got;
	fixed_tx tx;
	fixed_rx rx;
	fixed_ref ref;

	texts = 0;
	CHECK_CODE(fixed(config(1), &tx, &rx), 0);
	CHECK_CODE(fixed_get(&rx, &got), CHP_EINVAL);
	CHECK_CODE(fixed_borrow(&rx, &ref), 0);
	CHECK_CODE(fixed_send(&tx, config(2)), 0);
	use(fixed_value(&ref));
	CHECK_EQ(texts, 2);
	fixed_ref_release(&ref);
	CHECK_EQ(texts, 1);
	fixed_tx_drop(&tx);
	fixed_rx_drop(&rx);
	CHECK_EQ(texts, 0);
}

static void plain_values(void)
{
	chp_watch_op op;
	wides_tx wtx;
	wides_rx wrx;
	wides_ref wref;
	words_tx tx;
	words_rx rx;
	word got = NULL;
	ints_tx itx;
	int n = 0;
	ints_rx irx;

	CHECK_CODE(words_tx_new("one", &tx), 0);
	CHECK_CODE(words_send(&tx, "two"), CHP_ECLOSED);
	words_subscribe(&tx, &rx);
	CHECK_CODE(words_send(&tx, "two"), 0);
	words_changed_op(&op, &rx);
	CHECK_CODE(h_wait(&op.op, NULL), 0);
	CHECK_CODE(words_get(&rx, &got), 0);
	CHECK(strcmp(got, "two") == 0);
	words_tx_drop(&tx);
	CHECK_CODE(words_changed(&rx), CHP_ECLOSED);
	words_rx_drop(&rx);

	CHECK_CODE(wides(1.5L, &wtx, &wrx), 0);
	CHECK_CODE(wides_send(&wtx, 2.5L), 0);
	CHECK_CODE(wides_borrow(&wrx, &wref), 0);
	CHECK(*wides_value(&wref) == 2.5L);
	wides_ref_release(&wref);
	wides_tx_drop(&wtx);
	wides_rx_drop(&wrx);

	CHECK_CODE(ints(4, &itx, &irx), 0);
	CHECK_CODE(ints_get(&irx, &n), 0);
	CHECK_EQ(n, 4);
	/* What has no wrapper takes the raw handle. */
	CHECK_EQ(chp_watch_receiver_count(&itx.raw), 1);
	ints_tx_drop(&itx);
	ints_rx_drop(&irx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_config_is_followed, IN_BLOCKING),
	TEST(a_config_is_waited_for, IN_BLOCKING),
	TEST(without_functions_the_wrappers_refuse, IN_THREADS),
	TEST(values_with_a_destructor_are_borrowed, IN_THREADS),
	TEST(plain_values, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("watch_typed", tests)
