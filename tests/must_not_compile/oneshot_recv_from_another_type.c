/* A job oneshot's receiver for ints. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_recv(&job_orx, &an_int),
	       int_once_recv(&int_orx, &an_int));
}
