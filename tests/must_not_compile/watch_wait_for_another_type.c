/* A predicate on another type. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_wait_for(&level_rx, is_ready, NULL, NULL),
	       levels_wait_for(&level_rx, is_high, NULL, NULL));
}
