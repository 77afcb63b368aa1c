/* A job channel's receiver for ints. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv(&job_rx, &an_int), ints_recv(&int_rx, &an_int));
}
