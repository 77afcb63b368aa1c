/* An upgrade to another type. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_upgrade(&int_weak, &job_tx),
	       ints_upgrade(&int_weak, &int_tx));
}
