/* The wrong end dropped. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_tx_drop(&int_rx), ints_tx_drop(&int_tx));
}
