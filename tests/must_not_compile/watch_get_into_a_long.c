/* A longer integer to be filled. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_get(&level_rx, &a_long), levels_get(&level_rx, &an_int));
}
