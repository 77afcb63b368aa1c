/* A rwlock of a job by the calls for one of an int. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(shared_int_read(&job_rwlock), shared_int_read(&int_rwlock));
}
