/* The wrong place in the form with deadlines. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv_with(&int_rx, &a_long, &wait),
	       ints_recv_with(&int_rx, &an_int, &wait));
}
