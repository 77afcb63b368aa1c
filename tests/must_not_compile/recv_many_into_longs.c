/* A batch of ints into an array of longs. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv_many(&int_rx, some_longs, 4),
	       ints_recv_many(&int_rx, some_ints, 4));
}
