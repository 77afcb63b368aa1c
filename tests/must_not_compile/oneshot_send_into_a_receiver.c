/* The receiver where the sender belongs. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_send(&int_orx, an_int),
	       int_once_send(&int_otx, an_int));
}
