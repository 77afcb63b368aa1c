/* An operation that would write an int into a long. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv_op(&recv_op, &int_rx, &a_long),
	       ints_recv_op(&recv_op, &int_rx, &an_int));
}
