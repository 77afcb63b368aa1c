/* The right value through the wrong permit. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_permit_send(&int_permit, a_job),
	       jobs_permit_send(&job_permit, a_job));
}
