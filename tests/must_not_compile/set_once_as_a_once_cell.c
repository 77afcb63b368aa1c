/* A set once has no turn to take. */
#include "typed_once.h"

void f(void)
{
	MISUSE(int_cell_set(&an_int_set, 1), int_set_set(&an_int_set, 1));
}
