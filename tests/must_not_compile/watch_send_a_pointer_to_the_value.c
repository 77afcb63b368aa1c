/* The value by pointer, where it goes by value. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(plans_send(&plan_tx, &a_job), plans_send(&plan_tx, a_job));
}
