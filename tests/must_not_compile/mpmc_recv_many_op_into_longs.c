/* Four bytes into each long. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_recv_many_op(&mpmc_op, &int_prx, some_longs, 4),
	       int_pool_recv_many_op(&mpmc_op, &int_prx, some_ints, 4));
}
