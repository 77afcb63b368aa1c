/* A reader must not write. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(*shared_int_try_read(&int_rwlock) = 1,
	       *shared_int_try_write(&int_rwlock) = 1);
}
