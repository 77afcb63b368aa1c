/* A job channel's sender for ints. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_send(&job_tx, an_int), ints_send(&int_tx, an_int));
}
