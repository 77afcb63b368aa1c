/* The wrong value through a permit. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_permit_send(&job_permit, another_job),
	       jobs_permit_send(&job_permit, a_job));
}
