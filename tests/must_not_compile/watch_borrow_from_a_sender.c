/* A sender borrowed from as a receiver. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_borrow(&level_tx, &level_ref),
	       levels_tx_borrow(&level_tx, &level_ref));
}
