/* A reader gets a pointer to const. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(job_way = shared_job_read(&job_rwlock),
	       job_view = shared_job_read(&job_rwlock));
}
