/* A function that changes another type. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_send_modify(&level_tx, change_plan, NULL),
	       levels_send_modify(&level_tx, raise_level, NULL));
}
