/* A receiver is not a sender. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_rx_clone(&int_ptx, &int_prx2),
	       int_pool_rx_clone(&int_prx, &int_prx2));
}
