/* The wrong value in the form that never waits. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_try_send(&job_tx, another_job),
	       jobs_try_send(&job_tx, a_job));
}
