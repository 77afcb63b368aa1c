/* The address of the value: the untyped way. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_send(&job_tx, &a_job), jobs_send(&job_tx, a_job));
}
