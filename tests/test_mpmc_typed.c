/*
 * test_mpmc_typed.c - typed channels of many receivers as their users write
 * them: a pool of workers, destructors that take a pointer to the type, arms
 * of a select.  That a wrong type does not compile is shown by
 * must_not_compile/.
 */
#include "mpmc.h"

struct job {
	int id;
	char *text; /* on the heap: whoever has the job frees it */
};

static chp_word jobs_dropped;

static void job_drop(struct job *j)
{
	h_add(&jobs_dropped, 1);
	free(j->text);
}

CHP_MPMC_DEFINE_DROP(jobs, struct job, job_drop);
CHP_MPMC_DEFINE(ints, int);
CHP_MPMC_DEFINE(wides, long double);
CHP_MPMC_DEFINE(texts, const char *);

static struct job job(int id)
{
	struct job j = { id, malloc(16) };

	snprintf(j.text, 16, "job %d", id);
	return j;
}

static void check_job(struct job *j)
{
	char text[16];

	snprintf(text, sizeof(text), "job %d", j->id);
	CHECK(strcmp(j->text, text) == 0);
	free(j->text);
}

static int receive(jobs_rx *rx, struct job *out)
{
	chp_mpmc_op op;

	if (h_mode() != H_POLLED)
		return jobs_recv(rx, out);
	jobs_recv_op(&op, rx, out);
	return h_wait(&op.op, NULL);
}

static int submit(jobs_tx *tx, struct job j)
{
	chp_mpmc_op op;

	if (h_mode() != H_POLLED)
		return jobs_send(tx, j);
	jobs_send_op(&op, tx, &j);
	return h_wait(&op.op, NULL);
}

enum { JOBS = 90, WORKERS = 3 };

static chp_word seen[JOBS];

struct worker {
	struct h_agent a;
	jobs_rx rx;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct job j;

	while (receive(&w->rx, &j) == 0) {
		h_add(&seen[j.id], 1);
		check_job(&j);
	}
	jobs_rx_drop(&w->rx);
	return NULL;
}

static void a_pool_of_workers_shares_jobs(void)
{
	for (size_t capacity = 0; capacity < 3; capacity++) {
		struct worker w[WORKERS];
		jobs_tx tx;
		jobs_rx rx;

		h_store(&jobs_dropped, 0);
		memset(seen, 0, sizeof(seen));
		CHECK_CODE(jobs_bounded(capacity, &tx, &rx), 0);
		for (int i = 0; i < WORKERS; i++) {
			jobs_rx_clone(&rx, &w[i].rx);
			h_spawn(&w[i].a, work, &w[i]);
		}
		jobs_rx_drop(&rx);
		for (int i = 0; i < JOBS; i++)
			CHECK_CODE(submit(&tx, job(i)), 0);
		jobs_tx_drop(&tx);
		for (int i = 0; i < WORKERS; i++)
			h_join(&w[i].a);
		for (int i = 0; i < JOBS; i++)
			CHECK_EQ(h_load(&seen[i]), 1);
		CHECK_EQ(h_load(&jobs_dropped), 0);
	}
}

static void jobs_that_nobody_takes_are_dropped(void)
{
	struct job left = job(3), j;
	jobs_tx tx, tx2;
	jobs_rx rx;

	h_store(&jobs_dropped, 0);
	CHECK_CODE(jobs_bounded(3, &tx, &rx), 0);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(jobs_try_send(&tx, job(i)), 0);
	CHECK_CODE(jobs_try_send(&tx, left), CHP_EAGAIN);
	CHECK_CODE(jobs_try_recv(&rx, &j), 0);
	check_job(&j);
	CHECK_CODE(jobs_recv(&rx, NULL), 0);
	CHECK_EQ(h_load(&jobs_dropped), 1);
	jobs_tx_clone(&tx, &tx2);
	jobs_tx_close(&tx2);
	CHECK_CODE(jobs_send(&tx, left), CHP_ECLOSED);
	CHECK_CODE(jobs_closed(&tx), 0);
	jobs_tx_drop(&tx2);
	jobs_rx_drop(&rx);
	CHECK_EQ(h_load(&jobs_dropped), 2);
	jobs_tx_drop(&tx);
	check_job(&left);

	CHECK_CODE(jobs_unbounded(&tx, &rx), 0);
	CHECK_CODE(submit(&tx, job(4)), 0);
	jobs_close(&rx);
	jobs_rx_drop(&rx);
	jobs_tx_drop(&tx);
	CHECK_EQ(h_load(&jobs_dropped), 3);
}

static void typed_waits_take_deadlines(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	chp_mpmc_op op;
	ints_tx tx;
	ints_rx rx;
	int v = 0, many[3];

	CHECK_CODE(ints_bounded(2, &tx, &rx), 0);
	CHECK_CODE(ints_send_with(&tx, 7, &past), 0);
	CHECK_CODE(ints_send_with(&tx, 8, &past), 0);
	CHECK_CODE(ints_send_with(&tx, 9, &past), CHP_ETIMEDOUT);
	CHECK_CODE(ints_recv_with(&rx, &v, &past), 0);
	CHECK_EQ(v, 7);
	CHECK_EQ(ints_recv_many_with(&rx, many, 3, &past), 1);
	CHECK_EQ(many[0], 8);
	CHECK_CODE(ints_recv_many_with(&rx, many, 3, &past), CHP_ETIMEDOUT);
	CHECK_CODE(ints_recv_with(&rx, &v, &past), CHP_ETIMEDOUT);
	CHECK_CODE(ints_send(&tx, 1), 0);
	CHECK_CODE(ints_send(&tx, 2), 0);
	ints_recv_many_op(&op, &rx, many, 3);
	CHECK_EQ(chp_op_wait(&op.op, NULL), 2);
	CHECK_CODE(ints_send(&tx, 3), 0);
	CHECK_EQ(ints_recv_many(&rx, many, 3), 1);
	CHECK_EQ(many[0], 3);
	ints_tx_drop(&tx);
	ints_rx_drop(&rx);
}

static void typed_weak_senders_upgrade(void)
{
	const char *hello = "hello", *got = NULL;
	texts_weak weak;
	texts_tx tx, again;
	texts_rx rx;

	CHECK_CODE(texts_unbounded(&tx, &rx), 0);
	texts_downgrade(&tx, &weak);
	CHECK_CODE(texts_upgrade(&weak, &again), 0);
	texts_tx_drop(&tx);
	CHECK_CODE(texts_try_send(&again, hello), 0);
	texts_tx_drop(&again);
	CHECK_CODE(texts_upgrade(&weak, &again), CHP_ECLOSED);
	texts_weak_drop(&weak);
	CHECK_CODE(texts_try_recv(&rx, &got), 0);
	CHECK(got == hello);
	texts_rx_drop(&rx);
}

static void wide_values_arrive_whole(void)
{
	wides_tx tx;
	wides_rx rx;
	long double v = 0;

	CHECK_CODE(wides_bounded(3, &tx, &rx), 0);
	for (int i = 0; i < 3; i++)
		CHECK_CODE(wides_try_send(&tx, i + 0.5L), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_CODE(wides_try_recv(&rx, &v), 0);
		CHECK(v == i + 0.5L);
	}
	wides_tx_drop(&tx);
	wides_rx_drop(&rx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(a_pool_of_workers_shares_jobs, IN_ALL),
	TEST(jobs_that_nobody_takes_are_dropped, IN_THREADS | IN_MT),
	TEST(typed_waits_take_deadlines, IN_BLOCKING),
	TEST(typed_weak_senders_upgrade, IN_THREADS | IN_MT),
	TEST(wide_values_arrive_whole, IN_THREADS | IN_MT),
};
/* clang-format on */
H_MAIN("mpmc_typed", tests)
