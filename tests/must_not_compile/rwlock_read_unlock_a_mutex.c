/* A mutex by the calls for a rwlock. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(shared_int_read_unlock(&int_mutex),
	       shared_int_read_unlock(&int_rwlock));
}
