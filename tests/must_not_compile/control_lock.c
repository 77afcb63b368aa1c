/*
 * control_lock.c - the right use of typed mutexes and rwlocks: see control.c.
 */
#include "typed_lock.h"

int mutexes(void);
int rwlocks(void);

int mutexes(void)
{
	int r;

	int_way = safe_int_lock(&int_mutex);
	int_view = safe_int_try_lock(&int_mutex);
	r = safe_int_lock_with(&int_mutex, &int_way, &wait);
	safe_int_unlock(&int_mutex);
	job_way = safe_job_lock(&job_mutex);
	job_way->id = safe_job_lock(&job_mutex)->id;
	chp_mutex_unlock(&job_mutex.mutex);
	return r;
}

int rwlocks(void)
{
	int_view = shared_int_read(&int_rwlock);
	int_view = shared_int_try_read(&int_rwlock);
	shared_int_read_unlock(&int_rwlock);
	*shared_int_write(&int_rwlock) = 1;
	int_way = shared_int_try_write(&int_rwlock);
	int_view = shared_int_downgrade(&int_rwlock);
	shared_int_write_unlock(&int_rwlock);
	job_view = shared_job_write(&job_rwlock);
	chp_rwlock_write_unlock(&job_rwlock.rwlock);
	return shared_job_read(&job_rwlock)->id;
}
