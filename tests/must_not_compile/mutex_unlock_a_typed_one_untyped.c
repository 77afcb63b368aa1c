/* A typed mutex is not a mutex: it has one. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(chp_mutex_unlock(&int_mutex),
	       chp_mutex_unlock(&int_mutex.mutex));
}
