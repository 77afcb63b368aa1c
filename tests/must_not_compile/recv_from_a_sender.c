/* The sender where the receiver belongs. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv(&int_tx, &an_int), ints_recv(&int_rx, &an_int));
}
