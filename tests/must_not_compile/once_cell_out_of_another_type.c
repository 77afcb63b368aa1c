/* A pointer to an int into a pointer to a job. */
#include "typed_once.h"

void f(void)
{
	MISUSE(int_cell_wait(&an_int_cell, &a_job_pointer),
	       int_cell_wait(&an_int_cell, &an_int_pointer));
}
