/* An int as a long. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(long_way = safe_int_lock(&int_mutex),
	       int_way = safe_int_lock(&int_mutex));
}
