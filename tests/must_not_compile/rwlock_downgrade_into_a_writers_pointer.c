/* Who downgrades is a reader. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(int_way = shared_int_downgrade(&int_rwlock),
	       int_view = shared_int_downgrade(&int_rwlock));
}
