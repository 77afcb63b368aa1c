/* A struct of the same members, but another type. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_send(&job_tx, another_job), jobs_send(&job_tx, a_job));
}
