/* A receiver of another channel. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_subscribe(&level_tx, &plan_rx),
	       levels_subscribe(&level_tx, &level_rx));
}
