/* A struct into a channel of ints. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_send(&int_tx, a_job), ints_send(&int_tx, an_int));
}
