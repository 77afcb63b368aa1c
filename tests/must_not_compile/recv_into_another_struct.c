/* A job into another struct. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_recv(&job_rx, &another_job), jobs_recv(&job_rx, &a_job));
}
