/*
 * test_poll_system.c - the operations of tasks, groups, descriptors and
 * signals, awaited by a stackless task: it rests until it is served, and,
 * aborted or interrupted, it leaves no trace.
 */
#include "stackless.h"
#include "fd.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* ---- Tasks ---- */

static chp_task gated;
static chp_join_op join;
static chp_group group;
static chp_group_op ended;
static chp_group_result result;

static chp_op *make_join(void)
{
	if (!is_up)
		CHECK_CODE(chp_spawn(&gated, wait_at_the_gate, NULL), 0);
	chp_task_join_op(&join, &gated, NULL);
	return &join.op;
}

static void open_the_gate(void)
{
	chp_semaphore_release(&gate, 1);
}

static int member(void *arg)
{
	return wait_at_the_gate(arg) ? 5 : 0;
}

static void begin_group(void)
{
	if (is_up)
		return;
	CHECK_CODE(chp_group_init(&group, NULL, 0, CHP_GROUP_RESULTS), 0);
	CHECK_CODE(chp_group_spawn(&group, member, &group), 0);
}

static chp_op *make_ended(void)
{
	begin_group();
	chp_group_wait_op(&ended, &group);
	return &ended.op;
}

static chp_op *make_next(void)
{
	begin_group();
	chp_group_next_op(&ended, &group, &result);
	return &ended.op;
}

static void end_group(void)
{
	CHECK_CODE(chp_group_finish(&group), 0);
}

static void tasks_and_groups(void)
{
	static const struct kind list[] = {
		{ "join", make_join, open_the_gate, 0, NULL },
		{ "group", make_ended, open_the_gate, 0, end_group },
		{ "group's next", make_next, open_the_gate, 1, end_group },
	};

	AWAIT_EACH(list);
	CHECK_EQ(result.code, 5);
}

/* ---- Descriptors ---- */

static int ends[2];
static chp_fd *fd;
static chp_fd_op readable;
static chp_signal usr1;
static chp_signal_op delivered;

static chp_op *make_readable(void)
{
	if (!is_up) {
		CHECK_EQ(pipe(ends), 0);
		CHECK_CODE(chp_fd_new(&fd, ends[0]), 0);
	}
	chp_fd_wait_op(&readable, fd, CHP_READABLE);
	return &readable.op;
}

static void write_one(void)
{
	CHECK_EQ(write(ends[1], "x", 1), 1);
}

static void close_pipe(void)
{
	chp_fd_free(fd);
	close(ends[0]);
	close(ends[1]);
}

/* Signals take two descriptors for good: as many as these. */
static int spare[2];

static void close_spare(void)
{
	for (int i = 0; i < 2; i++) {
		if (spare[i])
			close(spare[i]);
		spare[i] = 0;
	}
}

static chp_op *make_delivered(void)
{
	close_spare();
	if (!is_up)
		CHECK_CODE(chp_signal_open(&usr1, SIGUSR1), 0);
	chp_signal_wait_op(&delivered, &usr1);
	return &delivered.op;
}

/* The library's threads block signals. */
static void *raise_it(void *arg)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	raise(SIGUSR1);
	return arg;
}

static void deliver(void)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, raise_it, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void descriptors_and_signals(void)
{
	static const struct kind list[] = {
		{ "descriptor", make_readable, write_one, CHP_READABLE,
		  close_pipe },
		{ "signal", make_delivered, deliver, 0, NULL },
	};

	AWAIT_EACH(list);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(tasks_and_groups, IN_TASKS),
	TEST(descriptors_and_signals, IN_TASKS),
};
/* clang-format on */

int main(void)
{
	for (int i = 0; i < 2; i++)
		spare[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return h_run("poll_system", tests, sizeof(tests) / sizeof(*tests));
}
