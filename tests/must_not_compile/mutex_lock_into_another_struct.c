/* A job as another struct. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(other_way = safe_job_lock(&job_mutex),
	       job_way = safe_job_lock(&job_mutex));
}
