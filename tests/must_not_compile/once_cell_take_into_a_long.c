/* Four bytes into a long. */
#include "typed_once.h"

void f(void)
{
	MISUSE(int_cell_take(&an_int_cell, &a_long),
	       int_cell_take(&an_int_cell, &an_int));
}
