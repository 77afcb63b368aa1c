/* A typed sender in an untyped call. */
#include "typed.h"

void f(void)
{
	MISUSE(chp_mpsc_send(&int_tx, &an_int),
	       chp_mpsc_send(&int_tx.raw, &an_int));
}
