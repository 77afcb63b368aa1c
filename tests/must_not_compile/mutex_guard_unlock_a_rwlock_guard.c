/* A guard of a rwlock by the call for one of a mutex. */
#include "typed_lock.h"

void f(void)
{
	MISUSE(chp_mutex_guard_unlock(&(chp_rwlock_guard){ 0 }),
	       chp_mutex_guard_unlock(&(chp_mutex_guard){ 0 }));
}
