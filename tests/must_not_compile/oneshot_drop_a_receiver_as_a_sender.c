/* The wrong end dropped. */
#include "typed.h"

void f(void)
{
	MISUSE(int_once_tx_drop(&int_orx), int_once_tx_drop(&int_otx));
}
