/* Ends of two channels. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_bounded(1, &int_ptx, &job_prx),
	       int_pool_bounded(1, &int_ptx, &int_prx));
}
