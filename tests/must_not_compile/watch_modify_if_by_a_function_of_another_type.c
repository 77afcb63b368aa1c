/* A function that changes another type, perhaps. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(plans_send_if_modified(&plan_tx, raise_level_perhaps, NULL),
	       plans_send_if_modified(&plan_tx, change_plan_perhaps, NULL));
}
