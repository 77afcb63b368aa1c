/* A channel of one receiver. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_send(&int_tx, 1), int_pool_send(&int_ptx, 1));
}
