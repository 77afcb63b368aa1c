/* The wrong struct into a oneshot. */
#include "typed.h"

void f(void)
{
	MISUSE(job_once_send(&job_otx, another_job),
	       job_once_send(&job_otx, a_job));
}
