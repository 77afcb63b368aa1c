/* The variable instead of its address. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv(&int_rx, an_int), ints_recv(&int_rx, &an_int));
}
