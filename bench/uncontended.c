/*
 * uncontended.c - u.*: one task of a current-thread runtime, nobody else.
 */
#include "bench.h"

static chp_semaphore s;

static double sem_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_semaphore_acquire(&s, 1);
		chp_semaphore_release(&s, 1);
	}
	return bench_now() - start;
}

static double sem_fifo(long ops)
{
	OK(chp_semaphore_init(&s, 1, CHP_FIFO));
	return bench_ct(sem_body, ops);
}

static double sem_fair(long ops)
{
	OK(chp_semaphore_init(&s, 1, CHP_FAIR));
	return bench_ct(sem_body, ops);
}

static double sem_unfair(long ops)
{
	OK(chp_semaphore_init(&s, 1, CHP_UNFAIR));
	return bench_ct(sem_body, ops);
}

static double try_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_semaphore_try_acquire(&s, 1);
		chp_semaphore_release(&s, 1);
	}
	return bench_now() - start;
}

static double sem_try(long ops)
{
	OK(chp_semaphore_init(&s, 1, CHP_FIFO));
	return bench_ct(try_body, ops);
}

static double tryfail_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++)
		chp_semaphore_try_acquire(&s, 1);
	return bench_now() - start;
}

static double sem_tryfail(long ops)
{
	OK(chp_semaphore_init(&s, 0, CHP_FIFO));
	return bench_ct(tryfail_body, ops);
}

static double owned_body(long ops)
{
	chp_semaphore *shared = chp_semaphore_new(1, CHP_FIFO);
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_permit permit;

		chp_semaphore_acquire_owned(shared, 1, &permit);
		chp_permit_release(&permit);
	}
	start = bench_now() - start;
	chp_semaphore_unref(shared);
	return start;
}

static double sem_owned(long ops)
{
	return bench_ct(owned_body, ops);
}

static double timeout_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_wait w = { .timeout = CHP_SEC };

		chp_semaphore_acquire_with(&s, 1, &w);
		chp_semaphore_release(&s, 1);
	}
	return bench_now() - start;
}

static double timeout(long ops)
{
	OK(chp_semaphore_init(&s, 1, CHP_FIFO));
	return bench_ct(timeout_body, ops);
}

/* A timer armed and cancelled without a wait that needs it: by hand. */
static double arm_body(long ops)
{
	chp_waker waker = chp_waker_current();
	chp_poll_ctx ctx = chp_poll_ctx_of(waker);
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_sleep_op op;

		chp_sleep_until_op(&op, chp_in(CHP_SEC));
		chp_op_poll(&op.op, &ctx);
		chp_op_cancel(&op.op);
	}
	return bench_now() - start;
}

static double arm(long ops)
{
	return bench_ct(arm_body, ops);
}

static double oneshot_body(long ops)
{
	double start = bench_now();

	for (long i = 0; i < ops; i++) {
		chp_oneshot_tx tx;
		chp_oneshot_rx rx;
		uint64_t value = (uint64_t)i;

		chp_oneshot(sizeof(value), NULL, &tx, &rx);
		chp_oneshot_send(&tx, &value);
		chp_oneshot_recv(&rx, &value);
	}
	return bench_now() - start;
}

static double oneshot(long ops)
{
	return bench_ct(oneshot_body, ops);
}

static double mpsc_body(long ops)
{
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
	uint64_t value = 1;
	double start;

	OK(chp_mpsc_bounded(100, sizeof(value), NULL, &tx, &rx));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		chp_mpsc_send(&tx, &value);
		chp_mpsc_recv(&rx, &value);
	}
	start = bench_now() - start;
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	return start;
}

static double mpsc(long ops)
{
	return bench_ct(mpsc_body, ops);
}

static double mpsc_try_loop(long ops, size_t capacity)
{
	chp_mpsc_tx tx;
	chp_mpsc_rx rx;
	uint64_t value = 1;
	double start;

	OK(capacity ? chp_mpsc_bounded(capacity, sizeof(value), NULL, &tx, &rx)
		    : chp_mpsc_unbounded(sizeof(value), NULL, &tx, &rx));
	start = bench_now();
	for (long i = 0; i < ops; i++) {
		chp_mpsc_try_send(&tx, &value);
		chp_mpsc_try_recv(&rx, &value);
	}
	start = bench_now() - start;
	chp_mpsc_tx_drop(&tx);
	chp_mpsc_rx_drop(&rx);
	return start;
}

static double mpsc_try_body(long ops)
{
	return mpsc_try_loop(ops, 100);
}

static double mpsc_try(long ops)
{
	return bench_ct(mpsc_try_body, ops);
}

static double mpsc_unb_body(long ops)
{
	return mpsc_try_loop(ops, 0);
}

static double mpsc_unb(long ops)
{
	return bench_ct(mpsc_unb_body, ops);
}

static chp_mutex m;
static chp_rwlock l;
static volatile long counter;

/* clang-format off */
#define LOCK_BODY(name, enter, leave) \
	static double name##_body(long ops) \
	{ \
		double start = bench_now(); \
		for (long i = 0; i < ops; i++) { \
			enter; \
			counter++; \
			leave; \
		} \
		return bench_now() - start; \
	} \
	static double name(long ops) \
	{ return bench_ct(name##_body, ops); }
/* clang-format on */

LOCK_BODY(mutex, chp_mutex_lock(&m), chp_mutex_unlock(&m))
LOCK_BODY(rw_read, chp_rwlock_read(&l), chp_rwlock_read_unlock(&l))
LOCK_BODY(rw_write, chp_rwlock_write(&l), chp_rwlock_write_unlock(&l))

static const struct workload list[] = {
	{ "chappe/fifo", "u.sem", 5000000, sem_fifo },
	{ "chappe/fair", "u.sem", 5000000, sem_fair },
	{ "chappe/unfair", "u.sem", 5000000, sem_unfair },
	{ "chappe", "u.sem_owned", 2000000, sem_owned },
	{ "chappe", "u.sem_try", 5000000, sem_try },
	{ "chappe", "u.sem_tryfail", 5000000, sem_tryfail },
	{ "chappe", "u.mutex", 5000000, mutex },
	{ "chappe", "u.rw_read", 5000000, rw_read },
	{ "chappe", "u.rw_write", 5000000, rw_write },
	{ "chappe", "u.oneshot", 2000000, oneshot },
	{ "chappe", "u.mpsc", 5000000, mpsc },
	{ "chappe", "u.mpsc_try", 5000000, mpsc_try },
	{ "chappe", "u.mpsc_unb", 5000000, mpsc_unb },
	{ "chappe", "u.timeout", 2000000, timeout },
	{ "chappe", "u.timer_arm", 2000000, arm },
};

const struct workload_list bench_uncontended = WORKLOADS(list);
