/*
 * test_embedding.c - driving time, descriptors and signals from a foreign
 * event loop, with chp_driver_fd() and chp_driver_turn().
 */
#include "driver.h"
#include "fd.h"

#include <signal.h>

/*
 * Take turns, each when the descriptor says so, until the waker has run.  How
 * many turns that took: a descriptor that is readable for nothing makes a loop
 * spin.
 */
static int turns_until_woken(int fd, struct h_waker *w)
{
	int turns = 0;

	while (h_wakes(w) == 0) {
		CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
		CHECK_EQ(h_wakes(w), 0);
		CHECK(chp_driver_turn() >= 0);
		turns++;
	}
	return turns;
}

/* Begin again if the machine was so slow that the time was up at once. */
static void start_sleep(chp_sleep_op *op, struct h_waker *w, chp_time length)
{
	int r;

	do {
		chp_sleep_until_op(op, chp_in(length));
		r = h_poll(&op->op, w);
	} while (r == 0);
	CHECK_CODE(r, CHP_PENDING);
}

/* ---- Taking over ---- */

CHILD(a_turn_without_the_descriptor_is_refused)
{
	CHECK_CODE(chp_driver_turn(), CHP_EINVAL);
}

CHILD(the_descriptor_stays_the_same)
{
	int fd = fd_of_driver();

	CHECK_EQ(fd_of_driver(), fd);
	CHECK_EQ(chp_driver_turn(), 0);
	CHECK_EQ(fd_of_driver(), fd);
	CHECK_EQ(readable(fd, 0), 0);
}

CHILD(no_thread_is_started)
{
	int fd = fd_of_driver(), before = h_threads();
	struct h_waker w = { 0 };
	chp_sleep_op sleep;

	start_sleep(&sleep, &w, CHP_MS);
	turns_until_woken(fd, &w);
	CHECK_CODE(h_poll(&sleep.op, &w), 0);
	CHECK_EQ(h_threads(), before);
}

CHILD(a_thread_that_drives_is_relieved)
{
	struct h_waker first = { 0 }, late = { 0 }, seen = { 0 };
	chp_sleep_op sleep, pending;
	chp_fd_op op;
	chp_fd *f;
	int before = h_threads(), during, ends[2], fd;

	/* This one is served by the library's thread. */
	start_sleep(&sleep, &first, CHP_MS);
	h_until(h_wakes(&first) == 1);
	CHECK_CODE(h_poll(&sleep.op, &first), 0);
	during = h_threads();
	CHECK(during > before);

	/* These begin with it, and must move over. */
	start_sleep(&pending, &late, 30 * CHP_MS);
	f = open_pipe(ends);
	chp_fd_wait_op(&op, f, CHP_READABLE);
	CHECK_CODE(h_poll(&op.op, &seen), CHP_PENDING);

	fd = fd_of_driver();
	h_until(h_threads() < during);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	turns_until_woken(fd, &seen);
	CHECK_EQ(h_poll(&op.op, &seen), CHP_READABLE);
	turns_until_woken(fd, &late);
	CHECK_CODE(h_poll(&pending.op, &late), 0);
	chp_fd_free(f);
}

/* ---- Timers ---- */

CHILD(a_timer_fires_in_a_turn_and_not_before)
{
	struct h_waker w = { 0 };
	int fd = fd_of_driver();
	chp_sleep_op sleep;
	int turns;

	for (int i = 0; i < 10; i++) {
		start_sleep(&sleep, &w, 5 * CHP_MS);
		turns = turns_until_woken(fd, &w);
		CHECK(chp_now() >= sleep.until);
		CHECK(turns < 20);
		CHECK_CODE(h_poll(&sleep.op, &w), 0);
		CHECK_EQ(h_refs(&w), 0);
		h_forget_wakes(&w);
	}
	/* Nothing is left to do: the descriptor says so. */
	for (turns = 0; readable(fd, 0) == 1; turns++)
		CHECK(chp_driver_turn() == 0 && turns < 20);
}

CHILD(a_turn_says_how_many_wakers_ran)
{
	struct h_waker w[3] = { 0 };
	int fd = fd_of_driver(), ran = 0;
	chp_sleep_op sleeps[3];
	chp_time until = chp_in(100 * CHP_MS);

	for (int i = 0; i < 3; i++) {
		chp_sleep_until_op(&sleeps[i], until);
		CHECK_CODE(h_poll(&sleeps[i].op, &w[i]), CHP_PENDING);
	}
	while (ran < 3) {
		int n;

		CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
		n = chp_driver_turn();
		CHECK(n >= 0);
		ran += n;
		CHECK_EQ(h_wakes(&w[0]) + h_wakes(&w[1]) + h_wakes(&w[2]), ran);
	}
	CHECK_EQ(ran, 3);
}

CHILD(an_earlier_timer_makes_the_descriptor_readable_earlier)
{
	struct h_waker far = { 0 }, near = { 0 };
	chp_sleep_op far_sleep, near_sleep;
	int fd = fd_of_driver();

	start_sleep(&far_sleep, &far, 3600 * CHP_SEC);
	CHECK(chp_driver_turn() >= 0);
	start_sleep(&near_sleep, &near, 5 * CHP_MS);
	turns_until_woken(fd, &near);
	CHECK_EQ(h_wakes(&far), 0);
	CHECK_EQ(chp_op_cancel(&far_sleep.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&far), 0);
}

CHILD(a_cancelled_timer_does_not_fire)
{
	struct h_waker gone = { 0 }, w = { 0 };
	chp_sleep_op cancelled, sleep;
	int fd = fd_of_driver();

	start_sleep(&cancelled, &gone, 10 * CHP_MS);
	start_sleep(&sleep, &w, 15 * CHP_MS);
	CHECK_EQ(chp_op_cancel(&cancelled.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&gone), 0);
	memset(&cancelled, 0xee, sizeof(cancelled));
	turns_until_woken(fd, &w);
	CHECK_EQ(h_wakes(&gone), 0);
}

static void *sleep_elsewhere(void *arg)
{
	static chp_sleep_op sleep;

	start_sleep(&sleep, arg, 5 * CHP_MS);
	return NULL;
}

/* The loop's thread sits in poll() for ever, as it knows of no timer. */
CHILD(a_timer_of_another_thread_ends_the_polling)
{
	int fd = fd_of_driver();
	struct h_waker w = { 0 };
	struct h_agent a;

	h_spawn_thread(&a, sleep_elsewhere, &w);
	turns_until_woken(fd, &w);
	h_join_thread(&a);
}

/* ---- Descriptors, signals ---- */

CHILD(a_descriptor_is_noted_in_a_turn)
{
	struct h_waker w = { 0 };
	int ends[2], fd = fd_of_driver();
	chp_fd_op op;
	chp_fd *f;
	char c;

	f = open_pipe(ends);
	for (int i = 0; i < 100; i++) {
		chp_fd_wait_op(&op, f, CHP_READABLE);
		CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		turns_until_woken(fd, &w);
		CHECK_EQ(h_poll(&op.op, &w), CHP_READABLE);
		CHECK_EQ(read(ends[0], &c, 1), 1);
		h_forget_wakes(&w);
	}
	chp_fd_free(f);
	CHECK_EQ(h_refs(&w), 0);
}

/* A thread that blocks on a descriptor of the process is served by turns. */
CHILD(turns_serve_threads_that_block)
{
	int ends[2], fd = fd_of_driver();
	struct h_agent a;
	chp_fd *f;

	f = open_pipe(ends);
	h_spawn_thread(&a, wait_readable, f);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
	CHECK(chp_driver_turn() >= 0);
	CHECK_EQ((intptr_t)h_join_thread(&a), CHP_READABLE);
	chp_fd_free(f);
}

CHILD(a_signal_is_heard_of_in_a_turn)
{
	struct h_waker w = { 0 };
	int fd = fd_of_driver();
	chp_signal_op op;
	chp_signal s;

	CHECK_CODE(chp_signal_open(&s, SIGUSR1), 0);
	chp_signal_wait_op(&op, &s);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	raise(SIGUSR1);
	turns_until_woken(fd, &w);
	CHECK_CODE(h_poll(&op.op, &w), 0);
}

/* ---- Turns ---- */

static void *take_a_turn(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)chp_driver_turn();
}

/* A waker that does what wakers may do, and notes where it ran. */
static struct {
	pthread_t thread;
	chp_sleep_op *victim;
	int other_turn;
	int ran;
} noted;

static void note_wake(void *data)
{
	struct h_agent a;

	(void)data;
	noted.ran++;
	noted.thread = pthread_self();
	h_spawn_thread(&a, take_a_turn, NULL);
	noted.other_turn = (int)(intptr_t)h_join_thread(&a);
	chp_op_cancel(&noted.victim->op);
	free(noted.victim);
}

static const chp_waker_class noting = { note_wake, h_ignore, h_ignore };

CHILD(wakers_run_inside_the_turn_and_may_cancel_others)
{
	chp_poll_ctx ctx = chp_poll_ctx_of((chp_waker){ &noting, &noted });
	struct h_waker gone = { 0 };
	int fd = fd_of_driver();
	chp_time until = chp_in(100 * CHP_MS);
	chp_sleep_op sleep;

	/* Both are due at once, so the victim may have been fired as well. */
	noted.victim = malloc(sizeof(*noted.victim));
	CHECK(noted.victim != NULL);
	chp_sleep_until_op(&sleep, until);
	CHECK_CODE(chp_op_poll(&sleep.op, &ctx), CHP_PENDING);
	chp_sleep_until_op(noted.victim, until);
	CHECK_CODE(h_poll(&noted.victim->op, &gone), CHP_PENDING);
	while (!noted.ran) {
		CHECK_EQ(readable(fd, LONG_ENOUGH), 1);
		CHECK(chp_driver_turn() >= 0);
	}
	CHECK(pthread_equal(noted.thread, pthread_self()));
	CHECK_CODE(noted.other_turn, CHP_EBUSY);
	CHECK_CODE(chp_op_poll(&sleep.op, &ctx), 0);
	CHECK(chp_driver_turn() >= 0);
	CHECK_EQ(h_refs(&gone), 0);
}

CHILD(threads_and_runtimes_need_no_turns)
{
	chp_semaphore none = { 0 };
	chp_wait w = { .deadline = chp_in(2 * CHP_MS) };
	int value = fd_of_driver();
	void *result = NULL;

	CHECK_CODE(chp_sleep_for(2 * CHP_MS), 0);
	CHECK_CODE(chp_semaphore_acquire_with(&none, 1, &w), CHP_ETIMEDOUT);
	CHECK_CODE(chp_run(NULL, sleep_in_a_task, &value, &result), 0);
	CHECK(result == &value);
}

static const struct h_test tests[] = {
	TEST(a_turn_without_the_descriptor_is_refused, ON_ITS_OWN),
	TEST(the_descriptor_stays_the_same, ON_ITS_OWN),
	TEST(no_thread_is_started, ON_ITS_OWN),
	TEST(a_thread_that_drives_is_relieved, ON_ITS_OWN),
	TEST(a_timer_fires_in_a_turn_and_not_before, ON_ITS_OWN),
	TEST(a_turn_says_how_many_wakers_ran, ON_ITS_OWN),
	TEST(an_earlier_timer_makes_the_descriptor_readable_earlier,
	     ON_ITS_OWN),
	TEST(a_cancelled_timer_does_not_fire, ON_ITS_OWN),
	TEST(a_timer_of_another_thread_ends_the_polling, ON_ITS_OWN),
	TEST(a_descriptor_is_noted_in_a_turn, ON_ITS_OWN),
	TEST(turns_serve_threads_that_block, ON_ITS_OWN),
	TEST(a_signal_is_heard_of_in_a_turn, ON_ITS_OWN),
	TEST(wakers_run_inside_the_turn_and_may_cancel_others, ON_ITS_OWN),
	TEST(threads_and_runtimes_need_no_turns, ON_ITS_OWN),
};
H_MAIN("embedding", tests)
