/* Four bytes into a long. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_recv(&int_rx, &a_long), ints_recv(&int_rx, &an_int));
}
