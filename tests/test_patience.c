/*
 * test_patience.c - looking again before a sleep: it goes on as long as it
 * pays, and stops when it does not.
 */
#include "harness.h"

#include "os/patience.h"

/* Ready at the `at`th look of a call; 0: never. */
struct awaited {
	int at, looks;
};

static bool is_ready(const void *arg)
{
	struct awaited *a = (struct awaited *)(uintptr_t)arg;

	a->looks++;
	return a->looks == a->at;
}

/* How many of `calls` found it, and in *tried how many looked at all. */
static int wait_often(struct patience *p, int at, int calls, int *tried)
{
	int found = 0;

	*tried = 0;
	for (int i = 0; i < calls; i++) {
		struct awaited a = { at, 0 };

		found += chp__patience(p, is_ready, &a, 0);
		*tried += a.looks > 0;
	}
	return found;
}

/* A yield that takes long, on a busy machine, puts it off: hence until. */
static void is_found_every_time(struct patience *p, int at)
{
	int tried;

	h_until(wait_often(p, at, 100, &tried) == 100);
}

static void what_comes_soon_is_found_every_time(void)
{
	struct patience p = { 0 };
	int tried;

	CHECK(wait_often(&p, 1, 1, &tried) == 1);
	is_found_every_time(&p, 1);
	is_found_every_time(&p, 5);
}

static void what_never_comes_soon_is_hardly_looked_for(void)
{
	struct patience p = { 0 };
	int tried;

	CHECK_EQ(wait_often(&p, 0, 1000, &tried), 0);
	CHECK_EQ(wait_often(&p, 0, 1000, &tried), 0);
	/* Once in 8 a spin, and yields once in 64. */
	CHECK(tried > 0);
	CHECK(tried <= 1000 / 8 + 1000 / 64 + 10);
}

static void when_it_pays_again_it_is_done_again(void)
{
	struct patience p = { 0 };
	int tried;

	wait_often(&p, 0, 2000, &tried);
	CHECK(wait_often(&p, 1, 64, &tried) > 0);
	is_found_every_time(&p, 1);
}

static void who_must_wake_soon_is_not_kept(void)
{
	struct patience p = { 0 };
	struct awaited a = { 1, 0 };

	CHECK(!chp__patience(&p, is_ready, &a, chp_now() + CHP_MS / 10));
	CHECK_EQ(a.looks, 0);
	CHECK(!chp__patience(&p, is_ready, &a, 1));
	CHECK_EQ(a.looks, 0);
	CHECK(chp__patience(&p, is_ready, &a, chp_now() + CHP_SEC));
}

static const struct h_test tests[] = {
	TEST(what_comes_soon_is_found_every_time, IN_THREADS),
	TEST(what_never_comes_soon_is_hardly_looked_for, IN_THREADS),
	TEST(when_it_pays_again_it_is_done_again, IN_THREADS),
	TEST(who_must_wake_soon_is_not_kept, IN_THREADS),
};

H_MAIN("patience", tests)
