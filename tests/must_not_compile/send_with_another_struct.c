/* The wrong value in the form with deadlines. */
#include "typed.h"

void f(void)
{
	MISUSE(jobs_send_with(&job_tx, another_job, &wait),
	       jobs_send_with(&job_tx, a_job, &wait));
}
