/* A permit of another type. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_reserve(&int_tx, &job_permit),
	       ints_reserve(&int_tx, &int_permit));
}
