/* Four bytes into a long. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_recv(&int_prx, &a_long),
	       int_pool_recv(&int_prx, &an_int));
}
