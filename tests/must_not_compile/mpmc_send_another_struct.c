/* Same members, another struct. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(job_pool_send(&job_ptx, another_job),
	       job_pool_send(&job_ptx, a_job));
}
