/* A mutex without a value by the calls for a typed one. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(safe_int_lock(&raw_mutex), safe_int_lock(&int_mutex));
}
