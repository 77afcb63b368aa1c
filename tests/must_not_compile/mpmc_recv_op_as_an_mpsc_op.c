/* The operation of another channel. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_recv_op(&recv_op, &int_prx, &an_int),
	       int_pool_recv_op(&mpmc_op, &int_prx, &an_int));
}
