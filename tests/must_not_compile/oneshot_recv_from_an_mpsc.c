/* A channel's receiver for a oneshot's. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_recv(&int_rx, &an_int),
	       int_once_recv(&int_orx, &an_int));
}
