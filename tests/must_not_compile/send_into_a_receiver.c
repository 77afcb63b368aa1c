/* The receiver where the sender belongs. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_send(&int_rx, an_int), ints_send(&int_tx, an_int));
}
