/* The wrong place in the form that never waits. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_try_recv(&int_rx, &a_long),
	       ints_try_recv(&int_rx, &an_int));
}
