/* A mutex of a job by the calls for one of an int. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(safe_int_lock(&job_mutex), safe_int_lock(&int_mutex));
}
