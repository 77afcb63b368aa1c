/* A ref of another channel. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_borrow(&level_rx, &plan_ref),
	       levels_borrow(&level_rx, &level_ref));
}
