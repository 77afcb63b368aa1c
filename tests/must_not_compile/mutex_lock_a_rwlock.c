/* A rwlock by the calls for a mutex. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(safe_int_lock(&int_rwlock), safe_int_lock(&int_mutex));
}
