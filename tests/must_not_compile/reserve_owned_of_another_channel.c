/* An owned permit of another type. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_reserve_owned(&int_tx, &job_owned),
	       ints_reserve_owned(&int_tx, &int_owned));
}
