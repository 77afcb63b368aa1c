/*
 * test_signal.c - signals as something to wait for.
 *
 * The threads of a runtime block signals, and what is sent to the process as a
 * whole may reach a thread that ThreadSanitizer will not let it interrupt.  So
 * deliver() raises the signal on a thread of its own that blocks none: when it
 * returns, the handler has run.
 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int wait_signal(chp_signal *s, const chp_wait *w)
{
	chp_signal_op op;

	if (h_mode() != H_POLLED)
		return w ? chp_signal_wait_with(s, w) : chp_signal_wait(s);
	chp_signal_wait_op(&op, s);
	return h_wait(&op.op, w);
}

/* Has there been a delivery that s has not heard of? */
static bool has_news(chp_signal *s)
{
	chp_wait once = { .deadline = 1 };
	int r = wait_signal(s, &once);

	CHECK(r == 0 || r == CHP_ETIMEDOUT);
	return r == 0;
}

static void *raise_it(void *arg)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	raise((int)(intptr_t)arg);
	return NULL;
}

static void deliver(int number)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, raise_it,
				(void *)(intptr_t)number),
		 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/*
 * Opening the first signal opens descriptors that the process keeps; that is
 * no leak.  main() holds as many spare ones, for the first test to give up.
 */
#define SPARE 8

static int spare[SPARE];

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += dup2(fd, fd) == fd;
	return n;
}

static chp_signal open_signal(int number)
{
	static bool opened;
	chp_signal s;
	int before = opened ? 0 : open_descriptors();

	CHECK_CODE(chp_signal_open(&s, number), 0);
	if (!opened) {
		int new = open_descriptors() - before;

		CHECK(new <= SPARE);
		while (new > 0)
			close(spare[--new]);
		opened = true;
	}
	return s;
}

/* First in the list, so that the harness starts the process-wide driver, whose
   descriptors stay open, before threads begin to use it. */
static void the_driver_of_the_process_is_there(void)
{
	chp_signal s = open_signal(SIGUSR1);

	CHECK(!has_news(&s));
}

/* ---- Hearing ---- */

static void *wait_once(void *arg)
{
	return (void *)(intptr_t)wait_signal(arg, NULL);
}

static void a_delivery_ends_the_wait(void)
{
	chp_signal s = open_signal(SIGUSR1);
	struct h_agent a;

	for (int i = 0; i < 50; i++) {
		h_spawn(&a, wait_once, &s);
		deliver(SIGUSR1);
		CHECK_CODE((int)(intptr_t)h_join(&a), 0);
	}
	CHECK(!has_news(&s));
}

static void a_delivery_before_the_wait_is_heard_of(void)
{
	chp_signal s = open_signal(SIGUSR1);

	deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&s, NULL), 0);
	CHECK(!has_news(&s));
}

static void deliveries_before_a_look_count_as_one(void)
{
	chp_signal s = open_signal(SIGUSR1);

	for (int i = 0; i < 10; i++)
		deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&s, NULL), 0);
	CHECK(!has_news(&s));
	deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&s, NULL), 0);
}

static void every_listener_hears_of_it(void)
{
	chp_signal listeners[4];
	struct h_agent agents[4];

	for (int i = 0; i < 4; i++) {
		listeners[i] = open_signal(SIGUSR1);
		h_spawn(&agents[i], wait_once, &listeners[i]);
	}
	deliver(SIGUSR1);
	for (int i = 0; i < 4; i++)
		CHECK_CODE((int)(intptr_t)h_join(&agents[i]), 0);
	for (int i = 0; i < 4; i++)
		CHECK(!has_news(&listeners[i]));
}

static void a_listener_hears_only_of_what_comes_after_it(void)
{
	chp_signal early = open_signal(SIGUSR1), late;

	deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&early, NULL), 0);
	late = open_signal(SIGUSR1);
	CHECK(!has_news(&late));
	deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&late, NULL), 0);
	CHECK_CODE(wait_signal(&early, NULL), 0);
}

static void other_signals_are_not_heard_of(void)
{
	chp_signal one = open_signal(SIGUSR1), two = open_signal(SIGUSR2);

	deliver(SIGUSR2);
	CHECK_CODE(wait_signal(&two, NULL), 0);
	CHECK(!has_news(&one));
	deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&one, NULL), 0);
	CHECK(!has_news(&two));
}

/* What Ctrl-C and kill send would end this process otherwise. */
static void the_default_action_does_not_happen(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		chp_signal s = open_signal(numbers[i]);

		deliver(numbers[i]);
		CHECK_CODE(wait_signal(&s, NULL), 0);
	}
}

struct dialogue {
	chp_signal s;
	long rounds;
	chp_semaphore heard;
};

static void *hear_each(void *arg)
{
	struct dialogue *d = arg;

	for (long i = 0; i < d->rounds; i++) {
		CHECK_CODE(wait_signal(&d->s, NULL), 0);
		CHECK_CODE(chp_semaphore_release(&d->heard, 1), 0);
	}
	return NULL;
}

static void no_delivery_is_missed(void)
{
	struct dialogue d = { .rounds = h_rounds(500) };
	chp_acquire_op op;
	struct h_agent a;

	d.s = open_signal(SIGUSR1);
	h_spawn(&a, hear_each, &d);
	for (long i = 0; i < d.rounds; i++) {
		deliver(SIGUSR1);
		chp_semaphore_acquire_op(&op, &d.heard, 1);
		CHECK_CODE(h_wait(&op.op, NULL), 0);
	}
	h_join(&a);
	CHECK(!has_news(&d.s));
}

static void *acquire_one(void *arg)
{
	return (void *)(intptr_t)chp_semaphore_acquire(arg, 1);
}

static void a_handler_may_run_on_a_thread_that_waits(void)
{
	chp_signal s = open_signal(SIGUSR1);
	chp_semaphore none = { 0 };
	struct h_agent a;

	h_spawn_thread(&a, acquire_one, &none);
	h_until(chp_semaphore_has_waiters(&none));
	CHECK_EQ(pthread_kill(a.thread, SIGUSR1), 0);
	h_yield();
	CHECK_EQ(chp_semaphore_queue_length(&none), 1);
	CHECK_CODE(chp_semaphore_release(&none, 1), 0);
	CHECK_CODE((int)(intptr_t)h_join_thread(&a), 0);
	(void)s;
}

/* ---- Giving up ---- */

static void a_cancelled_wait_loses_no_delivery(void)
{
	chp_signal s = open_signal(SIGUSR1);
	struct h_waker w = { 0 };
	chp_signal_op op;

	chp_signal_wait_op(&op, &s);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	CHECK_EQ(chp_op_cancel(&op.op), CHP_HELD_NOTHING);
	CHECK_EQ(h_refs(&w), 0);
	CHECK(!has_news(&s));

	chp_signal_wait_op(&op, &s);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	deliver(SIGUSR1);
	h_until(h_wakes(&w) == 1);
	CHECK(chp_op_cancel(&op.op) != CHP_TOO_LATE);
	CHECK(has_news(&s));
	CHECK(!has_news(&s));
	h_until(h_refs(&w) == 0);
}

static void a_wait_that_is_ended_says_why(void)
{
	chp_wait w = { .deadline = chp_in(5 * CHP_MS) };
	chp_signal s = open_signal(SIGUSR1);
	chp_cancel token = CHP_CANCEL_INIT;

	CHECK_CODE(wait_signal(&s, &w), CHP_ETIMEDOUT);
	CHECK(chp_now() >= w.deadline);
	chp_cancel_now(&token);
	w = (chp_wait){ .cancel = &token };
	CHECK_CODE(wait_signal(&s, &w), CHP_ECANCELED);
	chp_cancel_destroy(&token);
	deliver(SIGUSR1);
	CHECK_CODE(wait_signal(&s, NULL), 0);
}

static void interrupt_and_abort_end_waits(void)
{
	chp_signal s = open_signal(SIGUSR1);
	struct h_agent a;

	h_spawn(&a, wait_once, &s);
	CHECK_CODE(chp_interrupt(a.agent), 0);
	CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EINTR);
	if (chp_task_id() != 0) {
		h_spawn(&a, wait_once, &s);
		CHECK_CODE(chp_task_abort(&a.task), 0);
		CHECK_CODE((int)(intptr_t)h_join(&a), CHP_EABORTED);
	}
}

/* Order of checks: what ends a wait comes before a delivery that is there, a
   past deadline after it; none of them hears of it. */
static void what_ends_a_wait_hears_of_no_delivery(void)
{
	chp_wait once = { .deadline = 1 };
	chp_wait shielded = { .flags = CHP_UNINTERRUPTIBLE };
	chp_wait strange = { .flags = 1u << 31 };
	chp_signal s = open_signal(SIGUSR1);
	chp_cancel token = CHP_CANCEL_INIT;
	chp_wait late = { .cancel = &token };

	deliver(SIGUSR1);
	chp_cancel_now(&token);
	CHECK_CODE(chp_signal_wait_with(&s, &strange), CHP_EINVAL);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_signal_wait_with(&s, &late), CHP_EINTR);
	CHECK_CODE(chp_signal_wait_with(&s, &late), CHP_ECANCELED);
	CHECK_CODE(chp_interrupt(chp_agent_current()), 0);
	CHECK_CODE(chp_signal_wait_with(&s, &shielded), 0);
	CHECK_CODE(chp_signal_wait(&s), CHP_EINTR);
	CHECK_CODE(chp_signal_wait_with(&s, &once), CHP_ETIMEDOUT);
	deliver(SIGUSR1);
	CHECK_CODE(chp_signal_wait_with(&s, &once), 0);
	chp_cancel_destroy(&token);
}

static void *cancel_token(void *token)
{
	chp_cancel_now(token);
	return NULL;
}

/* Whichever comes first: a delivery is heard of by this wait or the next. */
static void a_token_and_a_delivery_at_once_lose_nothing(void)
{
	chp_signal s = open_signal(SIGUSR1);

	for (long i = h_rounds(300); i; i--) {
		chp_cancel token = CHP_CANCEL_INIT;
		chp_wait w = { .cancel = &token };
		struct h_agent a;
		int r;

		h_spawn(&a, cancel_token, &token);
		deliver(SIGUSR1);
		r = wait_signal(&s, &w);
		CHECK(r == 0 || r == CHP_ECANCELED);
		if (r != 0)
			CHECK_CODE(wait_signal(&s, NULL), 0);
		CHECK(!has_news(&s));
		h_join(&a);
		chp_cancel_destroy(&token);
	}
}

static void the_loser_of_a_select_keeps_its_delivery(unsigned flags)
{
	chp_signal one = open_signal(SIGUSR1), two = open_signal(SIGUSR2);
	chp_signal_op ops[2];
	chp_select_arm arms[2] = { { .op = &ops[0].op }, { .op = &ops[1].op } };
	chp_select_op select;

	for (int round = 0; round < 20; round++) {
		int number = round & 1 ? SIGUSR2 : SIGUSR1;
		int wins = round & 1;

		if (round == 0 || flags & CHP_CANCEL_LOSERS) {
			chp_signal_wait_op(&ops[0], &one);
			chp_signal_wait_op(&ops[1], &two);
		}
		CHECK_CODE(chp_select_init(&select, arms, 2, flags), 0);
		deliver(number);
		CHECK_EQ(h_wait(&select.op, NULL), wins);
		CHECK_CODE(arms[wins].result, 0);
		chp_signal_wait_op(&ops[wins], wins ? &two : &one);
	}
	chp_op_cancel(&ops[0].op);
	chp_op_cancel(&ops[1].op);

	/* Both have news: the one that wins takes only its own. */
	deliver(SIGUSR1);
	deliver(SIGUSR2);
	chp_signal_wait_op(&ops[0], &one);
	chp_signal_wait_op(&ops[1], &two);
	CHECK_CODE(chp_select_init(&select, arms, 2,
				   CHP_BIASED | CHP_CANCEL_LOSERS),
		   0);
	CHECK_EQ(h_wait(&select.op, NULL), 0);
	CHECK(!has_news(&one));
	CHECK(has_news(&two));
}

static void a_loser_that_stays_pending_is_unharmed(void)
{
	the_loser_of_a_select_keeps_its_delivery(0);
}

static void a_loser_that_is_cancelled_is_unharmed(void)
{
	the_loser_of_a_select_keeps_its_delivery(CHP_CANCEL_LOSERS);
}

/* ---- Bad arguments ---- */

static void what_cannot_be_caught_is_refused(void)
{
	static const int bad[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
				   SIGILL,  0,       -1,      1000 };
	chp_signal s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK_CODE(chp_signal_open(&s, bad[i]), CHP_EINVAL);
}

static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(a_delivery_ends_the_wait, IN_ALL),
	TEST(a_delivery_before_the_wait_is_heard_of, IN_ALL),
	TEST(deliveries_before_a_look_count_as_one, IN_ALL),
	TEST(every_listener_hears_of_it, IN_ALL),
	TEST(a_listener_hears_only_of_what_comes_after_it, IN_ALL),
	TEST(other_signals_are_not_heard_of, IN_ALL),
	TEST(the_default_action_does_not_happen, IN_ALL),
	TEST(no_delivery_is_missed, IN_ALL),
	TEST(a_handler_may_run_on_a_thread_that_waits, IN_ALL),
	TEST(a_cancelled_wait_loses_no_delivery, IN_ALL),
	TEST(a_wait_that_is_ended_says_why, IN_ALL),
	TEST(interrupt_and_abort_end_waits, IN_BLOCKING),
	TEST(what_ends_a_wait_hears_of_no_delivery, IN_BLOCKING),
	TEST(a_token_and_a_delivery_at_once_lose_nothing, IN_ALL),
	TEST(a_loser_that_stays_pending_is_unharmed, IN_ALL),
	TEST(a_loser_that_is_cancelled_is_unharmed, IN_ALL),
	TEST(what_cannot_be_caught_is_refused, IN_ALL),
};

int main(void)
{
	for (int i = 0; i < SPARE; i++)
		spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return h_run("signal", tests, sizeof(tests) / sizeof(*tests));
}
