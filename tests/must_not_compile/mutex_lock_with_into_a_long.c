/* An int as a long. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(safe_int_lock_with(&int_mutex, &long_way, &wait),
	       safe_int_lock_with(&int_mutex, &int_way, &wait));
}
