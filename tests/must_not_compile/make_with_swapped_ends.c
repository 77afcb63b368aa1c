/* Receiver and sender swapped. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_bounded(4, &int_rx, &int_tx),
	       ints_bounded(4, &int_tx, &int_rx));
}
