/* A ref released as one of another channel. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(levels_ref_release(&plan_ref), levels_ref_release(&level_ref));
}
