/* An untyped sender in a typed call. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_send(&raw_tx, an_int), ints_send(&int_tx, an_int));
}
