/* An operation that would write an int into a long. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_recv_op(&oneshot_op, &int_orx, &a_long),
	       int_once_recv_op(&oneshot_op, &int_orx, &an_int));
}
