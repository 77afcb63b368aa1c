/* Only the receiver closes. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_close(&int_tx), ints_close(&int_rx));
}
