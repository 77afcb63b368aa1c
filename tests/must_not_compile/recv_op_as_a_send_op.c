/* The operation of the other direction. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv_op(&send_op, &int_rx, &an_int),
	       ints_recv_op(&recv_op, &int_rx, &an_int));
}
