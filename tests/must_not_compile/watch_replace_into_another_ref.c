/* The old value to a ref of another channel. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_send_replace(&level_tx, 1, &plan_ref),
	       levels_send_replace(&level_tx, 1, &level_ref));
}
