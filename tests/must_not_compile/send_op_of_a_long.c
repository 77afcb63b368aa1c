/* An operation that would read a long as an int. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_send_op(&send_op, &int_tx, &a_long),
	       ints_send_op(&send_op, &int_tx, &an_int));
}
