/* A receiver dropped as a sender. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_tx_drop(&level_rx), levels_rx_drop(&level_rx));
}
