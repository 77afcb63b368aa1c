/* The wrong place in the form with deadlines. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_recv_with(&int_orx, &a_long, &wait),
	       int_once_recv_with(&int_orx, &an_int, &wait));
}
