/*
 * test_fd_runtimes.c - a descriptor belongs to one runtime, or to the
 * process; who waits on it may live elsewhere, and may outlive it.
 */
#include "fd.h"
#include "task.h"

static int ends[2];
static chp_fd *shared;

static void *make_shared(void *arg)
{
	(void)arg;
	CHECK_CODE(chp_fd_new(&shared, ends[0]), 0);
	return NULL;
}

static chp_runtime *new_runtime(chp_runtime_kind kind)
{
	chp_runtime_options options = { .kind = kind, .workers = 2 };

	return make_runtime(&options);
}

static void *read_to_the_end(void *arg)
{
	intptr_t n = 0;
	char c;
	int r = 0;

	(void)arg;
	while (r >= 0) {
		ssize_t got = read(ends[0], &c, 1);

		if (got == 0)
			return (void *)n;
		if (got > 0)
			n++;
		else
			r = chp_fd_wait(shared, CHP_READABLE);
	}
	return (void *)(intptr_t)r;
}

/* ---- Waiting from elsewhere ---- */

/* A thread, a task here, a task of another runtime, a poller: one pipe. */
static void wait_from_everywhere(void)
{
	chp_runtime *other = new_runtime(CHP_MANY_THREADS);
	chp_task_options options = { .runtime = other };
	struct h_waker w = { 0 };
	struct h_agent thread, here;
	chp_outcome outcome;
	chp_fd_op op;
	chp_task task;
	intptr_t sum = 0;
	long bytes = h_rounds(500);

	CHECK_EQ(pipe(ends), 0);
	make_shared(NULL);
	h_spawn_thread(&thread, read_to_the_end, NULL);
	h_spawn(&here, read_to_the_end, NULL);
	CHECK_CODE(chp_spawn_with(&task, read_to_the_end, NULL, &options), 0);
	for (long i = 0; i < bytes; i++) {
		CHECK_EQ(write(ends[1], "x", 1), 1);
		h_yield();
	}
	close(ends[1]);
	sum += (intptr_t)h_join(&here);
	CHECK_CODE(chp_join(&task, &outcome), 0);
	sum += (intptr_t)outcome.value;
	sum += (intptr_t)h_join_thread(&thread);
	CHECK_EQ(sum, bytes);

	/* The end stays readable for who looks for the first time. */
	chp_fd_wait_op(&op, shared, CHP_READABLE);
	if (h_poll(&op.op, &w) == CHP_PENDING)
		chp_op_cancel(&op.op);
	h_until(h_refs(&w) == 0);
	chp_fd_free(shared);
	close(ends[0]);
	shut_down(other);
}

/* Made in a runtime, used by a plain thread while the runtime lives. */
static void a_thread_waits_on_a_descriptor_of_a_runtime(void)
{
	chp_runtime *rt = new_runtime(CHP_MANY_THREADS);
	struct h_agent thread;

	CHECK_EQ(pipe(ends), 0);
	CHECK_CODE(chp_runtime_block_on(rt, make_shared, NULL, NULL), 0);
	for (int i = 0; i < 50; i++) {
		char c;

		h_spawn_thread(&thread, wait_readable, shared);
		CHECK_EQ(write(ends[1], "x", 1), 1);
		CHECK_EQ((intptr_t)h_join_thread(&thread), CHP_READABLE);
		CHECK_EQ(read(ends[0], &c, 1), 1);
	}
	free_and_close(shared, ends);
	shut_down(rt);
}

/* ---- Shutdown ---- */

static void shutdown_ends_waits_from_outside(chp_runtime_kind kind)
{
	chp_runtime *rt = new_runtime(kind);
	struct h_agent threads[3];
	struct h_waker w = { 0 };
	chp_fd_op op, late;

	CHECK_EQ(pipe(ends), 0);
	CHECK_CODE(chp_runtime_block_on(rt, make_shared, NULL, NULL), 0);
	for (int i = 0; i < 3; i++)
		h_spawn_thread(&threads[i], wait_readable, shared);
	chp_fd_wait_op(&op, shared, CHP_READABLE);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	shut_down(rt);

	for (int i = 0; i < 3; i++)
		CHECK_CODE((int)(intptr_t)h_join_thread(&threads[i]),
			   CHP_ECLOSED);
	h_until(h_wakes(&w) == 1);
	CHECK_CODE(h_poll(&op.op, &w), CHP_ECLOSED);

	/* And so do waits that begin only now. */
	chp_fd_wait_op(&late, shared, CHP_READABLE);
	CHECK_CODE(h_poll(&late.op, &w), CHP_ECLOSED);
	CHECK_CODE(chp_fd_wait(shared, CHP_WRITABLE), CHP_ECLOSED);
	h_until(h_refs(&w) == 0);
	free_and_close(shared, ends);
}

static void shutdown_ends_waits_on_many_threads(void)
{
	shutdown_ends_waits_from_outside(CHP_MANY_THREADS);
}

static void shutdown_ends_waits_on_a_current_thread(void)
{
	shutdown_ends_waits_from_outside(CHP_CURRENT_THREAD);
}

/* Cancelled instead of polled after the shutdown: no trace, no crash. */
static void a_wait_may_be_cancelled_after_shutdown(void)
{
	chp_runtime *rt = new_runtime(CHP_MANY_THREADS);
	struct h_waker w = { 0 };
	chp_fd_op op;

	CHECK_EQ(pipe(ends), 0);
	CHECK_CODE(chp_runtime_block_on(rt, make_shared, NULL, NULL), 0);
	chp_fd_wait_op(&op, shared, CHP_READABLE);
	CHECK_CODE(h_poll(&op.op, &w), CHP_PENDING);
	shut_down(rt);
	chp_op_cancel(&op.op);
	h_until(h_refs(&w) == 0);
	free_and_close(shared, ends);
}

/* A descriptor that its runtime has left behind can go to another. */
static void a_descriptor_may_be_registered_again_elsewhere(void)
{
	chp_runtime *rt = new_runtime(CHP_MANY_THREADS);

	CHECK_EQ(pipe(ends), 0);
	CHECK_CODE(chp_runtime_block_on(rt, make_shared, NULL, NULL), 0);
	shut_down(rt);
	chp_fd_free(shared);

	rt = new_runtime(CHP_MANY_THREADS);
	CHECK_CODE(chp_runtime_block_on(rt, make_shared, NULL, NULL), 0);
	CHECK_EQ(write(ends[1], "x", 1), 1);
	CHECK_EQ(chp_fd_wait(shared, CHP_READABLE), CHP_READABLE);
	chp_fd_free(shared);
	shut_down(rt);
	close_both(ends);
}

/* ---- Coming and going ---- */

static void *register_and_read(void *arg)
{
	int mine[2];
	chp_fd *f;
	char c;

	(void)arg;
	for (long i = h_rounds(300); i > 0; i--) {
		CHECK_EQ(pipe(mine), 0);
		CHECK_CODE(chp_fd_new(&f, mine[0]), 0);
		/* Now and then leave news behind that nobody has read. */
		if (i % 3 == 0)
			CHECK_EQ(write(mine[1], "x", 1), 1);
		if (i % 2 == 0) {
			close(mine[1]);
			mine[1] = -1;
			while (read(mine[0], &c, 1) < 0)
				CHECK_EQ(chp_fd_wait(f, CHP_READABLE),
					 CHP_READABLE);
		}
		chp_fd_free(f);
		close(mine[0]);
		if (mine[1] >= 0)
			close(mine[1]);
	}
	return NULL;
}

/* Numbers are used again at once: old news must not reach new owners in a way
   that makes them miss theirs. */
static void descriptors_come_and_go(void)
{
	struct h_agent agents[4];

	for (int i = 0; i < 4; i++)
		h_spawn(&agents[i], register_and_read, NULL);
	for (int i = 0; i < 4; i++)
		h_join(&agents[i]);
}

static const struct h_test tests[] = {
	TEST(the_driver_of_the_process_is_there, IN_POLLED),
	TEST(wait_from_everywhere, IN_BLOCKING),
	TEST(a_thread_waits_on_a_descriptor_of_a_runtime, ON_ITS_OWN),
	TEST(shutdown_ends_waits_on_many_threads, ON_ITS_OWN),
	TEST(shutdown_ends_waits_on_a_current_thread, ON_ITS_OWN),
	TEST(a_wait_may_be_cancelled_after_shutdown, ON_ITS_OWN),
	TEST(a_descriptor_may_be_registered_again_elsewhere, ON_ITS_OWN),
	TEST(descriptors_come_and_go, IN_BLOCKING),
};
H_MAIN("fd_runtimes", tests)
