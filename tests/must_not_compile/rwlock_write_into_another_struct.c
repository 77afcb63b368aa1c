/* A job as another struct. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(other_way = shared_job_write(&job_rwlock),
	       job_way = shared_job_write(&job_rwlock));
}
