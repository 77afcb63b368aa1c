/* A struct of another type, though of the same shape. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(plans_send(&plan_tx, another_job), plans_send(&plan_tx, a_job));
}
