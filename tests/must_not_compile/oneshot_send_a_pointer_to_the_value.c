/* The address of the value: the untyped way. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_send(&int_otx, &an_int),
	       int_once_send(&int_otx, an_int));
}
