/* A handle without a type. */
#include "typed_mpmc.h"

void f(void)
{
	MISUSE(int_pool_send(&raw_ptx, 1), int_pool_send(&int_ptx, 1));
}
