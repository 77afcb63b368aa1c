/* An int is not a long. */
#include "typed_once.h"

void f(void)
{
	MISUSE(a_long_pointer = int_cell_get(&an_int_cell),
	       an_int_pointer = int_cell_get(&an_int_cell));
}
