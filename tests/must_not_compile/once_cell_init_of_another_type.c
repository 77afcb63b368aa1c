/* An init that would make a long. */
#include "typed_once.h"

void f(void)
{
	MISUSE(int_cell_get_or_init(&an_int_cell, make_long, NULL, NULL),
	       int_cell_get_or_init(&an_int_cell, make_int, NULL, NULL));
}
