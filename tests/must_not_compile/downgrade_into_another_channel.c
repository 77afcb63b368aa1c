/* A weak sender of another type. */
#include "typed.h"

void f(void)
{
	MISUSE(ints_downgrade(&int_tx, &job_weak),
	       ints_downgrade(&int_tx, &int_weak));
}
