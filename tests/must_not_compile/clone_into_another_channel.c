/* A clone of another type. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_tx_clone(&int_tx, &job_tx),
	       ints_tx_clone(&int_tx, &int_tx));
}
