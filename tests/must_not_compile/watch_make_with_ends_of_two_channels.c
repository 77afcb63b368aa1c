/* Two ends that do not belong together. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels(1, &level_tx, &plan_rx), levels(1, &level_tx, &level_rx));
}
