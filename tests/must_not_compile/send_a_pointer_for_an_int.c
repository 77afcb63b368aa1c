/* A pointer into a channel of ints. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_send(&int_tx, &an_int), ints_send(&int_tx, an_int));
}
