/* A borrowed value is only to be read. */
#include "typed_watch.h"

void f(void)
{
	MISUSE(*levels_value(&level_ref) = 1,
	       an_int = *levels_value(&level_ref));
}
