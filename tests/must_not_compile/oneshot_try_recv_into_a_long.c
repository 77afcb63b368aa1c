/* The wrong place in the form that never waits. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_try_recv(&int_orx, &a_long),
	       int_once_try_recv(&int_orx, &an_int));
}
