/* A sender does not wait for changes. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_changed(&level_tx), levels_changed(&level_rx));
}
