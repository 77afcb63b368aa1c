/* A struct of another type through an owned permit. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_owned_permit_send(&job_owned, another_job, &job_tx),
	       jobs_owned_permit_send(&job_owned, a_job, &job_tx));
}
