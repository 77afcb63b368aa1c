/* Four bytes into a long. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_recv(&int_orx, &a_long),
	       int_once_recv(&int_orx, &an_int));
}
