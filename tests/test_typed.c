/*
 * test_typed.c - the typed wrappers as their users write them: values by
 * value, destructors that take a pointer to the type, arms of a select; for
 * channels and oneshots.  That a wrong type does not compile is shown by
 * must_not_compile/.
 */
#include "chan.h"

struct job {
	int id;
	char *text; /* on the heap: whoever has the job frees it */
};

typedef const char *word;

static long jobs_dropped;

static void job_drop(struct job *j)
{
	jobs_dropped++;
	free(j->text);
}

CHP_MPSC_DEFINE_DROP(jobs, struct job, job_drop);
CHP_MPSC_DEFINE(ints, int);
CHP_MPSC_DEFINE(words, word);
CHP_ONESHOT_DEFINE_DROP(job_once, struct job, job_drop);
CHP_ONESHOT_DEFINE(int_once, int);
/* A type whose values must stand on an aligned address. */
CHP_MPSC_DEFINE(wides, long double);
CHP_ONESHOT_DEFINE(wide_once, long double);

static struct job job(int id)
{
	struct job j = { id, malloc(16) };

	snprintf(j.text, 16, "job %d", id);
	return j;
}

static void check_job(struct job *j, int id)
{
	char text[16];

	snprintf(text, sizeof(text), "job %d", id);
	CHECK_EQ(j->id, id);
	CHECK(strcmp(j->text, text) == 0);
	free(j->text);
}

/* Blocking, or polled where the mode polls. */
static int receive(jobs_rx *rx, struct job *out)
{
	chp_recv_op op;

	if (h_mode() != H_POLLED)
		return jobs_recv(rx, out);
	jobs_recv_op(&op, rx, out);
	return h_wait(&op.op, NULL);
}

static int submit(jobs_tx *tx, struct job j)
{
	chp_send_op op;

	if (h_mode() != H_POLLED)
		return jobs_send(tx, j);
	jobs_send_op(&op, tx, &j);
	return h_wait(&op.op, NULL);
}

struct worker {
	struct h_agent a;
	jobs_tx tx;
	int first;
};

static void *submit_ten(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 10; i++)
		CHECK_CODE(submit(&w->tx, job(w->first + i)), 0);
	jobs_tx_drop(&w->tx);
	return NULL;
}

static void jobs_go_from_many_to_one(void)
{
	struct worker w[3];
	bool seen[30] = { false };
	struct job j;
	jobs_tx tx;
	jobs_rx rx;

	jobs_dropped = 0;
	CHECK_CODE(jobs_bounded(2, &tx, &rx), 0);
	for (int i = 0; i < 3; i++) {
		w[i].first = 10 * i;
		jobs_tx_clone(&tx, &w[i].tx);
		h_spawn(&w[i].a, submit_ten, &w[i]);
	}
	jobs_tx_drop(&tx);
	while (receive(&rx, &j) == 0) {
		CHECK(!seen[j.id]);
		seen[j.id] = true;
		check_job(&j, j.id);
	}
	for (int i = 0; i < 30; i++)
		CHECK(seen[i]);
	for (int i = 0; i < 3; i++)
		h_join(&w[i].a);
	jobs_rx_drop(&rx);
	CHECK_EQ(jobs_dropped, 0);
}

static void jobs_that_nobody_takes_are_dropped(void)
{
	struct job left = job(3), j;
	jobs_permit p;
	jobs_tx tx;
	jobs_rx rx;

	jobs_dropped = 0;
	CHECK_CODE(jobs_bounded(3, &tx, &rx), 0);
	CHECK_CODE(jobs_try_send(&tx, job(0)), 0);
	CHECK_CODE(jobs_try_send(&tx, job(1)), 0);
	CHECK_CODE(chp_mpsc_try_reserve_many(&tx.raw, 1, &p.raw), 0);
	CHECK_CODE(jobs_try_send(&tx, left), CHP_EAGAIN);
	CHECK_CODE(jobs_try_recv(&rx, &j), 0);
	check_job(&j, 0);
	jobs_close(&rx);
	CHECK_CODE(jobs_try_send(&tx, left), CHP_ECLOSED);
	CHECK_CODE(jobs_permit_send(&p, job(2)), 0);
	CHECK_EQ(jobs_dropped, 0);
	jobs_rx_drop(&rx);
	CHECK_EQ(jobs_dropped, 2);
	jobs_tx_drop(&tx);
	check_job(&left, 3);

	CHECK_CODE(jobs_unbounded(&tx, &rx), 0);
	CHECK_CODE(submit(&tx, job(4)), 0);
	CHECK_CODE(jobs_try_recv(&rx, NULL), 0);
	CHECK_EQ(jobs_dropped, 3);
	jobs_tx_drop(&tx);
	jobs_rx_drop(&rx);
	CHECK_EQ(jobs_dropped, 3);
}

static void typed_waits_take_deadlines(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	ints_permit p;
	ints_tx tx;
	ints_rx rx;
	int v = 0, many[3];

	CHECK_CODE(ints_bounded(1, &tx, &rx), 0);
	CHECK_CODE(ints_send_with(&tx, 7, &past), 0);
	CHECK_CODE(ints_send_with(&tx, 8, &past), CHP_ETIMEDOUT);
	CHECK_CODE(ints_recv_with(&rx, &v, &past), 0);
	CHECK_EQ(v, 7);
	CHECK_CODE(ints_recv_with(&rx, &v, &past), CHP_ETIMEDOUT);
	CHECK_CODE(ints_reserve(&tx, &p), 0);
	CHECK_CODE(ints_try_send(&tx, 9), CHP_EAGAIN);
	ints_permit_drop(&p);
	CHECK_CODE(ints_reserve(&tx, &p), 0);
	CHECK_CODE(ints_permit_send(&p, 9), 0);
	CHECK_EQ(ints_recv_many(&rx, many, 3), 1);
	CHECK_EQ(many[0], 9);
	ints_tx_drop(&tx);
	CHECK_CODE(ints_recv(&rx, &v), CHP_ECLOSED);
	ints_rx_drop(&rx);
}

static void typed_places_are_reserved(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	ints_permit p, second;
	chp_send_op op;
	ints_tx tx;
	ints_rx rx;
	int v = 0, many[3];

	CHECK_CODE(ints_bounded(2, &tx, &rx), 0);
	CHECK_CODE(ints_reserve_with(&tx, &p, &past), 0);
	CHECK_CODE(ints_try_reserve(&tx, &second), 0);
	CHECK_CODE(ints_permit_send(&second, 2), 0);
	CHECK_CODE(ints_try_reserve(&tx, &second), CHP_EAGAIN);
	CHECK_CODE(ints_reserve_with(&tx, &second, &past), CHP_ETIMEDOUT);
	ints_reserve_op(&op, &tx, &second);
	CHECK_CODE(chp_op_poll(&op.op, NULL), CHP_PENDING);
	CHECK_CODE(ints_try_recv(&rx, &v), 0);
	CHECK_EQ(v, 2);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	CHECK_CODE(ints_permit_send(&second, 3), 0);
	ints_permit_drop(&p);
	CHECK_EQ(ints_recv_many_with(&rx, many, 3, &past), 1);
	CHECK_EQ(many[0], 3);
	CHECK_CODE(ints_reserve_many(&tx, 2, &p), 0);
	CHECK_EQ(p.raw.count, 2);
	ints_permit_drop(&p);
	ints_rx_drop(&rx);
	CHECK_CODE(ints_closed(&tx), 0);
	ints_tx_drop(&tx);
}

static void typed_owned_places_are_senders(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	chp_reserve_owned_op op;
	jobs_owned_permit p;
	jobs_tx tx, back;
	chp_recv_op many;
	struct job got[2];
	jobs_rx rx;

	jobs_dropped = 0;
	CHECK_CODE(jobs_bounded(1, &tx, &rx), 0);
	CHECK_CODE(jobs_reserve_owned(&tx, &p), 0);
	CHECK(!tx.raw.ch);
	CHECK_CODE(jobs_owned_permit_send(&p, job(1), &tx), 0);
	CHECK_CODE(jobs_try_reserve_owned(&tx, &p), CHP_EAGAIN);
	CHECK_CODE(jobs_reserve_owned_with(&tx, &p, &past), CHP_ETIMEDOUT);
	jobs_recv_many_op(&many, &rx, got, 2);
	CHECK_CODE(chp_op_poll(&many.op, NULL), 1);
	check_job(&got[0], 1);
	jobs_reserve_owned_op(&op, &tx, &p);
	CHECK_CODE(chp_op_poll(&op.op, NULL), 0);
	jobs_owned_permit_release(&p, &back);
	CHECK_CODE(jobs_reserve_owned(&back, &p), 0);
	CHECK_CODE(jobs_owned_permit_send(&p, job(2), NULL), 0);
	CHECK_CODE(jobs_recv(&rx, &got[0]), 0);
	check_job(&got[0], 2);
	CHECK_CODE(jobs_recv(&rx, &got[0]), CHP_ECLOSED);
	jobs_rx_drop(&rx);
	CHECK_EQ(jobs_dropped, 0);
}

static void typed_weak_senders_upgrade(void)
{
	words_weak weak;
	words_tx tx, again;
	words_rx rx;
	word got = NULL, hello = "hello";

	CHECK_CODE(words_unbounded(&tx, &rx), 0);
	words_downgrade(&tx, &weak);
	CHECK_CODE(words_upgrade(&weak, &again), 0);
	words_tx_drop(&tx);
	CHECK_CODE(words_try_send(&again, hello), 0);
	words_tx_drop(&again);
	CHECK_CODE(words_upgrade(&weak, &again), CHP_ECLOSED);
	words_weak_drop(&weak);
	CHECK_CODE(words_try_recv(&rx, &got), 0);
	CHECK(got == hello);
	words_rx_drop(&rx);
}

static void wide_values_arrive_whole(void)
{
	wides_tx tx;
	wides_rx rx;
	wide_once_tx otx;
	wide_once_rx orx;
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
	CHECK_CODE(wide_once(&otx, &orx), 0);
	CHECK_CODE(wide_once_send(&otx, 2.25L), 0);
	CHECK_CODE(wide_once_try_recv(&orx, &v), 0);
	CHECK(v == 2.25L);
}

/* ---- Oneshots ---- */

static void *answer(void *arg)
{
	CHECK_CODE(job_once_send(arg, job(42)), 0);
	return NULL;
}

static void a_typed_oneshot_carries_a_job(void)
{
	chp_oneshot_op op;
	job_once_tx tx;
	job_once_rx rx;
	struct h_agent a;
	struct job j;

	jobs_dropped = 0;
	CHECK_CODE(job_once(&tx, &rx), 0);
	CHECK_CODE(job_once_try_recv(&rx, &j), CHP_EAGAIN);
	h_spawn(&a, answer, &tx);
	if (h_mode() != H_POLLED) {
		CHECK_CODE(job_once_recv(&rx, &j), 0);
	} else {
		job_once_recv_op(&op, &rx, &j);
		CHECK_CODE(h_wait(&op.op, NULL), 0);
	}
	check_job(&j, 42);
	h_join(&a);
	job_once_tx_drop(&tx);
	job_once_rx_drop(&rx);
	CHECK_EQ(jobs_dropped, 0);
}

static void a_typed_oneshot_drops_what_nobody_takes(void)
{
	struct job left = job(2);
	job_once_tx tx;
	job_once_rx rx;

	jobs_dropped = 0;
	CHECK_CODE(job_once(&tx, &rx), 0);
	CHECK_CODE(job_once_send(&tx, job(1)), 0);
	job_once_rx_drop(&rx);
	CHECK_EQ(jobs_dropped, 1);
	CHECK_CODE(job_once(&tx, &rx), 0);
	job_once_rx_drop(&rx);
	CHECK_CODE(job_once_send(&tx, left), CHP_ECLOSED);
	check_job(&left, 2);
	CHECK_EQ(jobs_dropped, 1);
}

static void a_typed_oneshot_takes_deadlines(void)
{
	chp_wait past = { .deadline = chp_in(-1) };
	int_once_tx tx;
	int_once_rx rx;
	int v = 0;

	CHECK_CODE(int_once(&tx, &rx), 0);
	CHECK_CODE(int_once_closed_with(&tx, &past), CHP_ETIMEDOUT);
	CHECK_CODE(int_once_recv_with(&rx, &v, &past), CHP_ETIMEDOUT);
	CHECK_CODE(int_once_send(&tx, 3), 0);
	CHECK_CODE(int_once_recv_with(&rx, &v, &past), 0);
	CHECK_EQ(v, 3);
	int_once_tx_drop(&tx);
	int_once_rx_drop(&rx);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(jobs_go_from_many_to_one, IN_ALL),
	TEST(jobs_that_nobody_takes_are_dropped, IN_ALL),
	TEST(typed_waits_take_deadlines, IN_BLOCKING),
	TEST(typed_places_are_reserved, IN_BLOCKING),
	TEST(typed_owned_places_are_senders, IN_BLOCKING),
	TEST(typed_weak_senders_upgrade, IN_THREADS | IN_MT),
	TEST(wide_values_arrive_whole, IN_THREADS | IN_MT),
	TEST(a_typed_oneshot_carries_a_job, IN_ALL),
	TEST(a_typed_oneshot_drops_what_nobody_takes, IN_THREADS | IN_MT),
	TEST(a_typed_oneshot_takes_deadlines, IN_BLOCKING),
};
/* clang-format on */
H_MAIN("typed", tests)
