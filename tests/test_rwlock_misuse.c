/*
 * test_rwlock_misuse.c - broken rules stop the process with a sentence, in
 * every build: releasing what is not held that way, changing the kind of what
 * is not held, downgrading a mapped guard, destroying with waiters.  With
 * every limit of readers, for with a limit of one a reader takes as much of
 * the lock as a writer.
 */
#include "lock.h"

static chp_rwlock l;

enum { READ = 0, WRITE = 1 };

static const uint32_t limits[] = { 1, 2, 3, CHP_RWLOCK_MAX_READERS };

enum { LIMITS = sizeof(limits) / sizeof(*limits) };

static void panics(void (*fn)(void *arg))
{
	for (int i = 0; i < LIMITS; i++) {
		CHECK_CODE(chp_rwlock_init(&l, limits[i]), 0);
		h_must_panic(fn, NULL, "rwlock");
	}
}

/* ---- Releasing what is not held that way ---- */

static void read_unlock_free(void *arg)
{
	(void)arg;
	chp_rwlock_read_unlock(&l);
}

static void write_unlock_free(void *arg)
{
	(void)arg;
	chp_rwlock_write_unlock(&l);
}

static void read_unlock_twice(void *arg)
{
	(void)arg;
	chp_rwlock_read(&l);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
}

static void write_unlock_twice(void *arg)
{
	(void)arg;
	chp_rwlock_write(&l);
	chp_rwlock_write_unlock(&l);
	chp_rwlock_write_unlock(&l);
}

static void releasing_what_is_free(void)
{
	panics(read_unlock_free);
	panics(write_unlock_free);
	panics(read_unlock_twice);
	panics(write_unlock_twice);
}

static void read_unlock_a_writer(void *arg)
{
	(void)arg;
	chp_rwlock_write(&l);
	chp_rwlock_read_unlock(&l);
}

static void write_unlock_a_reader(void *arg)
{
	(void)arg;
	chp_rwlock_read(&l);
	chp_rwlock_write_unlock(&l);
}

static void write_unlock_a_downgraded(void *arg)
{
	(void)arg;
	chp_rwlock_write(&l);
	chp_rwlock_downgrade(&l);
	chp_rwlock_write_unlock(&l);
}

static void read_unlock_an_upgraded(void *arg)
{
	(void)arg;
	chp_rwlock_read(&l);
	if (chp_rwlock_try_upgrade(&l) == 0)
		chp_rwlock_read_unlock(&l);
}

static void releasing_the_other_kind(void)
{
	panics(read_unlock_a_writer);
	panics(write_unlock_a_reader);
	panics(write_unlock_a_downgraded);
	panics(read_unlock_an_upgraded);
}

/* The same while others wait. */
static void read_unlock_a_writer_with_waiters(void *arg)
{
	struct poller p[2];

	(void)arg;
	chp_rwlock_write(&l);
	queue_rw(&p[0], &l, READ);
	queue_rw(&p[1], &l, WRITE);
	chp_rwlock_read_unlock(&l);
}

static void write_unlock_a_reader_with_waiters(void *arg)
{
	struct poller p[2];

	(void)arg;
	chp_rwlock_read(&l);
	queue_rw(&p[0], &l, WRITE);
	queue_rw(&p[1], &l, READ);
	chp_rwlock_write_unlock(&l);
}

/* What belongs to one that was let in and has not polled is not free. */
static void read_unlock_for_another_writer(void *arg)
{
	struct poller p;

	(void)arg;
	chp_rwlock_read(&l);
	queue_rw(&p, &l, WRITE);
	chp_rwlock_read_unlock(&l);
	chp_rwlock_read_unlock(&l);
}

static void releasing_the_other_kind_while_others_wait(void)
{
	panics(read_unlock_a_writer_with_waiters);
	panics(write_unlock_a_reader_with_waiters);
	panics(read_unlock_for_another_writer);
}

/* ---- Changing the kind of what is not held ---- */

static void downgrade_free(void *arg)
{
	(void)arg;
	chp_rwlock_downgrade(&l);
}

static void downgrade_a_reader(void *arg)
{
	(void)arg;
	chp_rwlock_read(&l);
	chp_rwlock_downgrade(&l);
}

static void downgrading_what_is_not_written(void)
{
	panics(downgrade_free);
	panics(downgrade_a_reader);
}

/* ---- Guards ---- */

static void *same(void *data, void *arg)
{
	(void)arg;
	return data;
}

static void *none(void *data, void *arg)
{
	(void)data;
	(void)arg;
	return NULL;
}

static chp_rwlock_guard mapped(void)
{
	chp_rwlock_guard g = chp_rwlock_write_guard(&l, &l);

	return chp_rwlock_guard_map(&g, same, NULL);
}

static void downgrade_mapped(void *arg)
{
	chp_rwlock_guard g = mapped();

	(void)arg;
	chp_rwlock_guard_downgrade(&g);
}

static void downgrade_map_mapped(void *arg)
{
	chp_rwlock_guard g = mapped();

	(void)arg;
	chp_rwlock_guard_downgrade_map(&g, same, NULL);
}

static void try_downgrade_map_mapped(void *arg)
{
	chp_rwlock_guard g = mapped(), out;

	(void)arg;
	(void)chp_rwlock_guard_try_downgrade_map(&g, same, NULL, &out);
}

static void downgrade_try_mapped(void *arg)
{
	chp_rwlock_guard g = chp_rwlock_write_guard(&l, &l), out;

	(void)arg;
	CHECK_CODE(chp_rwlock_guard_try_map(&g, none, NULL, &out), CHP_EINVAL);
	CHECK_CODE(chp_rwlock_guard_try_map(&g, same, NULL, &out), 0);
	chp_rwlock_guard_downgrade(&out);
}

static void downgrading_a_mapped_guard(void)
{
	panics(downgrade_mapped);
	panics(downgrade_map_mapped);
	panics(try_downgrade_map_mapped);
	panics(downgrade_try_mapped);
}

/* ---- Destroying ---- */

static void destroy_with_a_waiting_writer(void *arg)
{
	struct poller p;

	(void)arg;
	chp_rwlock_read(&l);
	queue_rw(&p, &l, WRITE);
	chp_rwlock_destroy(&l);
}

static void destroy_with_a_waiting_reader(void *arg)
{
	struct poller p;

	(void)arg;
	chp_rwlock_write(&l);
	queue_rw(&p, &l, READ);
	chp_rwlock_destroy(&l);
}

static void destroying_what_is_waited_for(void)
{
	panics(destroy_with_a_waiting_writer);
	panics(destroy_with_a_waiting_reader);
}

/* clang-format off */
static const struct h_test tests[] = {
	TEST(releasing_what_is_free, ON_ITS_OWN),
	TEST(releasing_the_other_kind, ON_ITS_OWN),
	TEST(releasing_the_other_kind_while_others_wait, ON_ITS_OWN),
	TEST(downgrading_what_is_not_written, ON_ITS_OWN),
	TEST(downgrading_a_mapped_guard, ON_ITS_OWN),
	TEST(destroying_what_is_waited_for, ON_ITS_OWN),
};
/* clang-format on */

H_MAIN("rwlock_misuse", tests)
