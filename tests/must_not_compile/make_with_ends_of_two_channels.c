/* Ends of two types of channel. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_unbounded(&int_tx, &job_rx),
	       ints_unbounded(&int_tx, &int_rx));
}
