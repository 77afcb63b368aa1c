/* A reader must not write. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(shared_job_read(&job_rwlock)->id = 1,
	       shared_job_write(&job_rwlock)->id = 1);
}
