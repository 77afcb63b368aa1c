/* A rwlock without a value by the calls for a typed one. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(shared_int_read(&raw_rwlock), shared_int_read(&int_rwlock));
}
